//! Plots as SVG: lines over time, with an axis that people can read.

use std::fmt::Write as _;

use super::table::{number, time};

const WIDTH: f64 = 860.0;
const HEIGHT: f64 = 220.0;
const LEFT: f64 = 84.0;
const RIGHT: f64 = 12.0;
const TOP: f64 = 10.0;
const BOTTOM: f64 = 28.0;
/// Lines of the grid, at most.
const GRID: f64 = 5.0;
/// Distances between marks on the axis of time, in seconds.
const MARKS: [f64; 14] =
    [1.0, 5.0, 15.0, 30.0, 60.0, 120.0, 300.0, 600.0, 1800.0, 3600.0, 7200.0, 14_400.0, 43_200.0, 86_400.0];

/// What the values of a plot are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unit {
    Number,
    Seconds,
}

/// A line of a plot.
pub(super) struct Line<'a> {
    pub(super) name: &'a str,
    /// Its class in the style sheet.
    pub(super) class: &'static str,
    pub(super) points: Vec<(f64, f64)>,
}

/// A plot of these lines.
pub(super) fn plot(title: &str, unit: Unit, lines: &[Line<'_>]) -> String {
    let points = || lines.iter().flat_map(|line| &line.points).copied();
    let (from, to) = points().fold((f64::MAX, f64::MIN), |(low, high), (x, _)| (low.min(x), high.max(x)));
    if to <= from {
        return String::new();
    }
    let highest = points().map(|(_, y)| y).fold(0.0, f64::max).max(1.0);
    let step = step(highest, unit);
    let top = (highest / step).ceil() * step;
    let x = |at: f64| LEFT + (at - from) / (to - from) * (WIDTH - LEFT - RIGHT);
    let y = |value: f64| HEIGHT - BOTTOM - value / top * (HEIGHT - TOP - BOTTOM);
    let mut svg = format!("<svg viewBox=\"0 0 {WIDTH} {HEIGHT}\" role=\"img\" aria-label=\"{title}\">");
    let mut value = 0.0;
    while value <= top + step / 2.0 {
        let (at, label) = (y(value), label(value, unit));
        let _ = write!(
            svg,
            "<line class=\"grid\" x1=\"{LEFT}\" x2=\"{}\" y1=\"{at:.1}\" y2=\"{at:.1}\"/>\
             <text x=\"{}\" y=\"{:.1}\" text-anchor=\"end\">{label}</text>",
            WIDTH - RIGHT,
            LEFT - 8.0,
            at + 4.0
        );
        value += step;
    }
    let between = MARKS.into_iter().find(|mark| (to - from) / mark <= 8.0).unwrap_or(to - from);
    let mut mark = (from / between).ceil() * between;
    while mark <= to {
        let (at, text) = (x(mark), if mark < 0.0 { format!("−{}", time(-mark)) } else { time(mark) });
        let _ =
            write!(svg, "<text x=\"{at:.1}\" y=\"{}\" text-anchor=\"middle\">{text}</text>", HEIGHT - 8.0);
        mark += between;
    }
    for line in lines {
        let path = line.points.iter().map(|(at, value)| format!("{:.1},{:.1}", x(*at), y(*value)));
        let path = path.collect::<Vec<_>>().join(" ");
        let _ = write!(svg, "<polyline class=\"{}\" points=\"{path}\"/>", line.class);
    }
    let names = lines.iter().map(|line| format!("<span class=\"{}\">{}</span>", line.class, line.name));
    let names = names.collect::<Vec<_>>().join(" ");
    format!("<figure><figcaption><b>{title}</b> {names}</figcaption>{svg}</svg></figure>")
}

/// The distance between two lines of the grid: 1, 2 or 5 of a power of ten, or of minutes for times.
fn step(highest: f64, unit: Unit) -> f64 {
    if unit == Unit::Seconds {
        return MARKS.into_iter().find(|mark| highest / mark <= GRID).unwrap_or(highest);
    }
    let power = 10_f64.powf((highest / GRID).log10().floor());
    [1.0, 2.0, 5.0, 10.0]
        .into_iter()
        .map(|of| of * power)
        .find(|step| highest / step <= GRID)
        .unwrap_or(highest)
}

fn label(value: f64, unit: Unit) -> String {
    match unit {
        Unit::Seconds => time(value),
        Unit::Number if value.fract() > 0.0 => format!("{value:.1}"),
        Unit::Number => number(value as u64),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_grid_is_round() {
        for (highest, unit, expected) in [
            (1.0, Unit::Number, 0.2),
            (97.0, Unit::Number, 20.0),
            (91_234.0, Unit::Number, 20_000.0),
            (10_000.0, Unit::Seconds, 3600.0),
        ] {
            assert!((step(highest, unit) - expected).abs() < 1e-9, "{highest}: {}", step(highest, unit));
        }
    }

    #[test]
    fn a_plot_without_time_is_none() {
        assert_eq!(plot("t", Unit::Number, &[]), "");
        let line = Line { name: "a", class: "a", points: vec![(0.0, 1.0), (60.0, 3.0)] };
        let svg = plot("t", Unit::Number, &[line]);
        assert!(svg.contains("<polyline") && !svg.contains("NaN"), "{svg}");
    }
}
