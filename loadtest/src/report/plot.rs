//! Plots: lines over time as SVG inside of HTML, with an axis that people can read and what happened marked on it.
//!
//! Colours are those of [`TONES`]; the style sheet puts others in their place where the page is dark.

use std::fmt::Write as _;

use plotters::coord::ranged1d::{DefaultFormatting, KeyPointHint, Ranged};
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};

use super::thin::Point;
use super::words::{bytes, escaped, figure, number, time};

/// The size that is drawn; twice what is seen, for the library knows whole pixels only.
const SIZE: (u32, u32) = (1720, 480);
const LEFT: u32 = 170;
const RIGHT: u32 = 28;
const TOP: u32 = 72;
const BOTTOM: u32 = 52;
/// The library's measure of letters as high as 24 pixels of [`SIZE`], and how wide they are.
const LETTERS: u32 = 30;
const LETTER: f64 = 13.0;
/// Lines of the grid, at most.
const GRID_MAX: f64 = 5.0;
/// Distances between marks on the axis of time, in seconds.
const MARKS: [f64; 15] = [
    1.0, 5.0, 10.0, 15.0, 30.0, 60.0, 120.0, 300.0, 600.0, 1800.0, 3600.0, 7200.0, 14_400.0, 43_200.0,
    86_400.0,
];
/// Marks on the axis of time, at most.
const MARKS_MAX: f64 = 8.0;
const MIB: f64 = 1024.0 * 1024.0;

/// An axis with marks where people expect them.
struct Axis {
    from: f64,
    to: f64,
    marks: Vec<f64>,
}

impl Ranged for Axis {
    type FormatOption = DefaultFormatting;
    type ValueType = f64;

    fn map(&self, value: &f64, limit: (i32, i32)) -> i32 {
        let share = ((value - self.from) / (self.to - self.from)).clamp(0.0, 1.0);
        limit.0 + (share * f64::from(limit.1 - limit.0)).round() as i32
    }

    fn key_points<Hint: KeyPointHint>(&self, _hint: Hint) -> Vec<f64> {
        self.marks.clone()
    }

    fn range(&self) -> std::ops::Range<f64> {
        self.from..self.to
    }
}

/// A colour on light ground and the one on dark ground.
struct Colour(&'static str, RGBColor, &'static str);

/// Lines, from the first on; told apart by who sees few colours, too.
const TONES: [Colour; 8] = [
    Colour("t0", RGBColor(0x1f, 0x6f, 0xd6), "#6aa9ff"),
    Colour("t1", RGBColor(0xb3, 0x54, 0x1e), "#f0995e"),
    Colour("t2", RGBColor(0x1b, 0x8a, 0x5a), "#4cc38a"),
    Colour("t3", RGBColor(0x8a, 0x4f, 0xbf), "#c79bf2"),
    Colour("t4", RGBColor(0xc2, 0x36, 0x7a), "#f285b5"),
    Colour("t5", RGBColor(0x0f, 0x8a, 0x96), "#4fcbd6"),
    Colour("t6", RGBColor(0x7a, 0x7a, 0x00), "#cfcf4a"),
    Colour("t7", RGBColor(0x8c, 0x5a, 0x2b), "#d9a373"),
];
const LIMIT: Colour = Colour("limit", RGBColor(0x7a, 0x84, 0x90), "#8b96a3");
const GRID: Colour = Colour("grid", RGBColor(0xd8, 0xdd, 0xe3), "#343c46");
const LABEL: Colour = Colour("label", RGBColor(0x5c, 0x67, 0x73), "#9aa5b1");
const FAULT: Colour = Colour("fault", RGBColor(0xc0, 0x2b, 0x2b), "#ff7a7a");

/// What the values of a plot are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unit {
    Number,
    Seconds,
    Millis,
    Bytes,
}

/// How a line looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Tone {
    /// The first, the second, … of what was seen.
    Seen(usize),
    /// What was allowed, or asked for.
    Limit,
}

impl Tone {
    fn colour(self) -> &'static Colour {
        match self {
            Self::Seen(index) => TONES.get(index % TONES.len()).unwrap_or(&LIMIT),
            Self::Limit => &LIMIT,
        }
    }
}

/// A line of a plot.
#[derive(Clone, Debug)]
pub(crate) struct Line {
    pub(crate) name: String,
    pub(crate) tone: Tone,
    pub(crate) points: Vec<Point>,
}

impl Line {
    pub(crate) fn new(name: impl Into<String>, tone: Tone, points: Vec<Point>) -> Self {
        Self { name: name.into(), tone, points }
    }
}

/// A stretch of time that is marked: a fault by its number, a phase by its name.
#[derive(Clone, Debug)]
pub(crate) struct Mark {
    pub(crate) name: String,
    pub(crate) from: f64,
    pub(crate) to: f64,
    pub(crate) is_fault: bool,
}

/// A plot.
pub(crate) struct Plot<'a> {
    pub(crate) title: &'a str,
    /// How to read it, in a sentence; none where the title is enough.
    pub(crate) about: &'a str,
    pub(crate) unit: Unit,
    pub(crate) lines: &'a [Line],
    /// The time that is shown; from the first to the last point where none is said.
    pub(crate) span: Option<(f64, f64)>,
    pub(crate) marks: &'a [Mark],
    /// Points further apart than this are not connected.
    pub(crate) gap: f64,
}

impl Plot<'_> {
    /// As a figure of a page; nothing where there is no time to be shown.
    pub(crate) fn to_html(&self) -> String {
        let points = || self.lines.iter().flat_map(|line| &line.points).copied();
        let all = points().fold((f64::MAX, f64::MIN), |(low, high), (x, _)| (low.min(x), high.max(x)));
        let (from, to) = self.span.unwrap_or(all);
        if to <= from || points().next().is_none() {
            return String::new();
        }
        let highest = points().map(|(_, y)| y).filter(|y| y.is_finite()).fold(0.0, f64::max);
        let svg = self.draw((from, to), if highest > 0.0 { highest } else { 1.0 });
        let mut names = String::new();
        for line in self.lines.iter().filter(|line| !line.points.is_empty()) {
            let _ = write!(names, " <span class=\"{}\">{}</span>", line.tone.colour().0, escaped(&line.name));
        }
        let about =
            if self.about.is_empty() { String::new() } else { format!("<p>{}</p>", escaped(self.about)) };
        let title = escaped(self.title);
        format!(
            "<figure><figcaption><h3>{title}</h3>{about}<div class=\"names\">{names}</div></figcaption>{svg}</figure>"
        )
    }

    fn draw(&self, span: (f64, f64), highest: f64) -> String {
        let mut svg = String::new();
        if self.draw_into(&mut svg, span, highest).is_err() {
            return "<p>This plot cannot be drawn.</p>".to_owned();
        }
        // The library's own head is for files: a page gives the size, and needs no name of the format.
        let (_, drawing) = svg.split_once('>').unwrap_or_default();
        let (wide, high) = SIZE;
        let title = escaped(self.title);
        format!("<svg viewBox=\"0 0 {wide} {high}\" role=\"img\" aria-label=\"{title}\">{drawing}")
    }

    fn draw_into(
        &self,
        svg: &mut String,
        (from, to): (f64, f64),
        highest: f64,
    ) -> Result<(), DrawingAreaErrorKind<std::io::Error>> {
        let area = SVGBackend::with_string(svg, SIZE).into_drawing_area();
        let step = step(highest, self.unit);
        let rows = (highest / step).ceil().max(1.0);
        let levels = (0..=rows as usize).map(|row| row as f64 * step).collect::<Vec<_>>();
        let top = rows * step;
        let times = times(from, to);
        let (columns, lines) = (times.len(), levels.len());
        let mut chart = ChartBuilder::on(&area)
            .margin_top(TOP)
            .margin_right(RIGHT)
            .x_label_area_size(BOTTOM)
            .y_label_area_size(LEFT)
            .build_cartesian_2d(
                Axis { from, to, marks: times },
                Axis { from: 0.0, to: top, marks: levels },
            )?;
        chart
            .configure_mesh()
            .disable_x_mesh()
            .axis_style(GRID.1)
            .bold_line_style(GRID.1)
            .light_line_style(TRANSPARENT)
            .x_labels(columns)
            .y_labels(lines)
            .x_label_formatter(&|at| if *at < 0.0 { format!("−{}", time(-at)) } else { time(*at) })
            .y_label_formatter(&|value| label(*value, self.unit))
            .label_style(("sans-serif", LETTERS, &LABEL.1))
            .draw()?;
        let letters = |colour: &'static RGBColor, across: HPos| {
            TextStyle::from(("sans-serif", LETTERS).into_font())
                .color(colour)
                .pos(Pos::new(across, VPos::Bottom))
        };
        let a_pixel = (to - from) / f64::from(SIZE.0 - LEFT - RIGHT);
        let mut free = f64::MIN;
        for mark in self.marks {
            let (begin, end) = (mark.from.max(from), mark.to.min(to));
            if end < begin {
                continue;
            }
            if mark.is_fault {
                let end = end.max(begin + 4.0 * a_pixel);
                chart
                    .draw_series([Rectangle::new([(begin, 0.0), (end, top)], FAULT.1.mix(0.18).filled())])?;
                let middle = f64::midpoint(begin, end);
                let style = letters(&FAULT.1, HPos::Center);
                chart.draw_series([
                    EmptyElement::at((middle, top)) + Text::new(mark.name.clone(), (0, -4), style)
                ])?;
                continue;
            }
            chart.draw_series([PathElement::new([(begin, 0.0), (begin, top)], LABEL.1.mix(0.5))])?;
            if begin >= free {
                free = begin + (mark.name.chars().count() as f64 + 2.0) * LETTER * a_pixel;
                let style = letters(&LABEL.1, HPos::Left);
                chart.draw_series([
                    EmptyElement::at((begin, top)) + Text::new(mark.name.clone(), (4, -36), style)
                ])?;
            }
        }
        for line in self.lines {
            let colour = line.tone.colour().1;
            for piece in line.points.chunk_by(|one, next| next.0 - one.0 <= self.gap) {
                if let [(at, value)] = *piece {
                    chart.draw_series([Circle::new((at, value), 3, colour.filled())])?;
                } else {
                    chart.draw_series(LineSeries::new(piece.iter().copied(), colour.stroke_width(4)))?;
                }
            }
        }
        drop(chart);
        area.present()
    }
}

/// The rules of the style sheet for what is drawn here.
pub(crate) fn style() -> String {
    let (mut light, mut dark, mut rules) = (String::new(), String::new(), String::new());
    for Colour(name, RGBColor(red, green, blue), on_dark) in
        TONES.iter().chain([&LIMIT, &GRID, &LABEL, &FAULT])
    {
        let hex = format!("#{red:02X}{green:02X}{blue:02X}");
        let _ = write!(light, "--{name}:{hex};");
        let _ = write!(dark, "--{name}:{on_dark};");
        let _ = write!(
            rules,
            "svg [stroke=\"{hex}\"]{{stroke:var(--{name})}}svg [fill=\"{hex}\"]{{fill:var(--{name})}}\
             .{name}::before{{background:var(--{name})}}"
        );
    }
    let limit = format!("#{:02X}{:02X}{:02X}", LIMIT.1.0, LIMIT.1.1, LIMIT.1.2);
    format!(
        ":root{{{light}}}@media screen and (prefers-color-scheme:dark){{:root{{{dark}}}}}{rules}\
         svg [stroke=\"{limit}\"]{{stroke-dasharray:14 8}}"
    )
}

/// The marks on the axis of time.
fn times(from: f64, to: f64) -> Vec<f64> {
    let between = MARKS.into_iter().find(|mark| (to - from) / mark <= MARKS_MAX).unwrap_or(to - from);
    let first = (from / between).ceil() as i64;
    (first..).map(|mark| mark as f64 * between).take_while(|at| *at <= to).collect()
}

/// The distance between two lines of the grid: 1, 2 or 5 of a power of ten, or of minutes for times.
fn step(highest: f64, unit: Unit) -> f64 {
    match unit {
        Unit::Seconds if highest > 5.0 => {
            return MARKS.into_iter().find(|mark| highest / mark <= GRID_MAX).unwrap_or(highest);
        }
        Unit::Bytes if highest > MIB => return step(highest / MIB, Unit::Number) * MIB,
        _ => {}
    }
    let power = 10_f64.powf((highest / GRID_MAX).log10().floor());
    [1.0, 2.0, 5.0, 10.0]
        .into_iter()
        .map(|of| of * power)
        .find(|step| highest / step <= GRID_MAX)
        .unwrap_or(highest)
}

fn label(value: f64, unit: Unit) -> String {
    match unit {
        Unit::Seconds if value.fract() < 1e-9 => time(value),
        Unit::Seconds => format!("{} s", figure(value)),
        Unit::Bytes => bytes(value as u64),
        Unit::Millis => format!("{} ms", figure(value)),
        Unit::Number if value.fract() > 1e-9 && value < 10.0 => figure(value),
        Unit::Number => number(value.round() as u64),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plot(points: Vec<Point>, marks: &[Mark]) -> String {
        let lines = [Line::new("a <b>", Tone::Seen(0), points)];
        let span = None;
        Plot { title: "t", about: "", unit: Unit::Number, lines: &lines, span, marks, gap: 5.0 }.to_html()
    }

    #[test]
    fn the_grid_is_round() {
        for (highest, unit, expected) in [
            (1.0, Unit::Number, 0.2),
            (97.0, Unit::Number, 20.0),
            (91_234.0, Unit::Number, 20_000.0),
            (10_000.0, Unit::Seconds, 3600.0),
            (300.0 * MIB, Unit::Bytes, 100.0 * MIB),
        ] {
            assert!((step(highest, unit) - expected).abs() < 1e-9, "{highest}: {}", step(highest, unit));
        }
        assert_eq!(times(-30.0, 61.0), [-30.0, -15.0, 0.0, 15.0, 30.0, 45.0, 60.0]);
    }

    #[test]
    fn a_plot_without_time_is_none() {
        assert_eq!(plot(vec![], &[]), "");
        let svg = plot(vec![(0.0, 1.0), (4.0, 3.0)], &[]);
        assert!(svg.contains("<polyline") && !svg.contains("NaN") && svg.contains("a &lt;b&gt;"), "{svg}");
    }

    #[test]
    fn a_gap_is_not_drawn_over() {
        let drawn = |points: &[Point]| plot(points.to_vec(), &[]).matches("stroke-width=\"4\"").count();
        assert_eq!(drawn(&[(0.0, 1.0), (4.0, 1.0), (8.0, 1.0), (12.0, 1.0)]), 1);
        assert_eq!(drawn(&[(0.0, 1.0), (4.0, 1.0), (14.0, 1.0), (18.0, 1.0)]), 2);
    }

    #[test]
    fn what_happened_is_marked() {
        let mark = |name: &str, is_fault| Mark { name: name.to_owned(), from: 1.0, to: 2.0, is_fault };
        let svg = plot(vec![(0.0, 1.0), (4.0, 3.0)], &[mark("<7>", true), mark("rush", false)]);
        assert!(svg.contains("&lt;7&gt;") && svg.contains("rush") && svg.contains("#C02B2B"), "{svg}");
    }
}
