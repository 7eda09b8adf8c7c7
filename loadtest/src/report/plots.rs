//! The plots of a run.

use super::figures::{is_crowd, rate_at};
use super::plot::{Line, Mark, Plot, Tone, Unit};
use super::thin::{POINTS_MAX, Point, Stand, smooth, thin};
use super::words::escaped;
use crate::meter::Step;
use crate::run::record::{
    LatencySeries, Percentiles, ProcessSample, ProcessSeries, RunRecord, Second, Stretch,
};

/// Most kinds of requests that have a plot of their own: those that were asked most.
const KINDS_MAX: usize = 12;
/// Over how many seconds turns are counted to see a rate.
const RATE_SECONDS: f64 = 10.0;
/// Points further apart are not connected, where none were put together.
const GAP_S: f64 = 5.0;

/// All plots of one run share their time and what is marked on it.
pub(super) struct Plots<'a> {
    record: &'a RunRecord,
    marks: Vec<Mark>,
    span: (f64, f64),
    gap: f64,
}

impl<'a> Plots<'a> {
    pub(super) fn of(record: &'a RunRecord) -> Self {
        let phases = record.phases.iter().map(|phase| (phase.name.clone(), phase, false));
        let faults =
            record.faults.iter().enumerate().map(|(index, fault)| ((index + 1).to_string(), fault, true));
        let mark = |(name, stretch, is_fault): (String, &crate::run::record::Stretch, bool)| Mark {
            name,
            from: stretch.from_s,
            to: stretch.to_s,
            is_fault,
        };
        let opening = |at: f64| Mark { name: "opening".to_owned(), from: at, to: at, is_fault: false };
        let end = record.seconds.len() as f64;
        let gap = GAP_S.max(end / POINTS_MAX as f64 * GAP_S);
        let marks = phases.chain(faults).map(mark).chain(record.opened_s.map(opening)).collect();
        Self { record, marks, span: (0.0, end), gap }
    }

    /// All of them.
    pub(super) fn to_html(&self) -> String {
        [self.line(), self.shop(), self.requests(), self.latencies(), self.processes()].concat()
    }

    fn plot(&self, title: &str, about: &str, unit: Unit, lines: &[Line]) -> String {
        let (span, marks) = (Some(self.span), self.marks.as_slice());
        Plot { title, about, unit, lines, span, marks, gap: self.gap }.to_html()
    }

    /// A line of what each second says.
    fn seconds(&self, name: &str, tone: Tone, stand: Stand, of: fn(&Second) -> u64) -> Line {
        Line::new(name, tone, thin(&self.counted(of), stand))
    }

    fn counted(&self, of: fn(&Second) -> u64) -> Vec<Point> {
        self.record.seconds.iter().enumerate().map(|(at, second)| (at as f64, of(second) as f64)).collect()
    }

    fn line(&self) -> String {
        let per_minute =
            self.counted(|second| second.admitted).into_iter().map(|(at, count)| (at, count * 60.0));
        let admitted = smooth(&per_minute.collect::<Vec<_>>(), RATE_SECONDS);
        let about_waits = match self.record.opened_s {
            None => {
                "Of fans who came in the same second and were let in. In a fair line the three lines are close together: \
                 who comes together waits equally long."
            }
            Some(_) => {
                "Of fans who came in the same second and were let in. Those who came before the opening were drawn: among \
                 them chance decides, and the three lines are far apart. Behind them they are close together."
            }
        };
        let waits = |of: fn(&crate::run::record::Waits) -> f64, stand| {
            let points: Vec<Point> =
                self.record.waits.iter().map(|wait| (wait.arrived_s, of(wait))).collect();
            thin(&points, stand)
        };
        [
            self.plot(
                "Arrivals a second",
                "Both lines should lie on each other. Where fewer came than were meant to, the crowd itself could not \
                 keep up, and the system had less to do than was asked for.",
                Unit::Number,
                &[
                    self.seconds("were to come", Tone::Limit, Stand::Mean, |second| second.intended),
                    self.seconds("came", Tone::Seen(0), Stand::Mean, |second| second.arrived),
                ],
            ),
            self.plot(
                "Fans in line",
                "It grows while more come than are let in. Where there are fewer live connections than fans, the others ask \
                 from time to time, or their connection broke.",
                Unit::Number,
                &[
                    self.seconds("waiting", Tone::Seen(0), Stand::Most, |second| second.waiting),
                    self.seconds("live connections", Tone::Seen(5), Stand::Most, |second| second.sockets),
                ],
            ),
            self.plot(
                "Fans let in a minute",
                "Mean of ten seconds. While fans wait, what was seen should lie on what was configured: above it for no longer \
                 than a burst takes that may go at once; below it where the shop was full, or a fault held turns up.",
                Unit::Number,
                &[
                    Line::new("configured", Tone::Limit, self.configured()),
                    Line::new("let in", Tone::Seen(0), thin(&admitted, Stand::Mean)),
                ],
            ),
            self.plot(
                "Wait, by when a fan came",
                about_waits,
                Unit::Seconds,
                &[
                    Line::new("longest", Tone::Seen(1), waits(|wait| wait.most_s, Stand::Most)),
                    Line::new("half of them", Tone::Seen(0), waits(|wait| wait.median_s, Stand::Mean)),
                    Line::new("shortest", Tone::Seen(2), waits(|wait| wait.least_s, Stand::Mean)),
                ],
            ),
        ]
        .concat()
    }

    /// The configured rate as a line with steps.
    fn configured(&self) -> Vec<Point> {
        let end = self.span.1;
        let mut points = Vec::new();
        for (at, rate) in self.record.configured.iter().filter(|(at, _)| *at <= end).take(POINTS_MAX) {
            if let Some((_, before)) = points.last().copied() {
                points.push((*at, before));
            }
            points.push((*at, *rate));
        }
        if let Some(rate) = rate_at(self.record, end) {
            points.push((end, rate));
        }
        // Between its steps the rate is known everywhere: the line has no gaps.
        let steps = points.windows(2).flat_map(|pair| match *pair {
            [(from, rate), (to, _)] => {
                let many = ((to - from) / self.gap).ceil().max(1.0);
                (0..many as usize).map(|step| (from + (to - from) * step as f64 / many, rate)).collect()
            }
            _ => Vec::new(),
        });
        steps.chain(points.last().copied()).collect()
    }

    fn shop(&self) -> String {
        let tone = Tone::Seen;
        [
            self.plot(
                "Fans in the shop",
                "Fans whose turn came and who have neither finished nor gone. Where they near the most that may be inside, \
                 the shop is full, and fewer are let in than the rate allows.",
                Unit::Number,
                &self.inside(),
            ),
            self.plot(
                "What fans did, a second",
                "Held seats, bought, and left the line or were sent away.",
                Unit::Number,
                &[
                    self.seconds("held seats", tone(0), Stand::Mean, |second| second.held),
                    self.seconds("bought", tone(2), Stand::Mean, |second| second.bought),
                    self.seconds("left", tone(1), Stand::Mean, |second| second.left),
                ],
            ),
        ]
        .concat()
    }

    /// Who is inside; and the most who may be, where they come near it: a line far above would hide them.
    fn inside(&self) -> Vec<Line> {
        let seen = self.seconds("inside", Tone::Seen(0), Stand::Most, |second| second.inside);
        let most = self.record.seconds.iter().map(|second| second.inside).max().unwrap_or_default();
        let limit = self.record.max_active.filter(|limit| most * 2 > *limit);
        let limit = limit.map(|limit| {
            let (end, limit) = (self.span.1, limit as f64);
            let many = (end / self.gap).ceil().max(1.0);
            let points = (0..=many as usize).map(|step| (end * step as f64 / many, limit)).collect();
            Line::new("may be inside", Tone::Limit, points)
        });
        limit.into_iter().chain([seen]).collect()
    }

    fn requests(&self) -> String {
        [
            self.plot(
                "Answers a second",
                "What the proxies answered, messages on live connections not counted.",
                Unit::Number,
                &[self.seconds("answers", Tone::Seen(0), Stand::Mean, |second| second.answers)],
            ),
            self.plot(
                "Errors a second",
                "Requests without an answer, or with one that no fan should see. During a fault some are to be \
                 expected; afterwards none.",
                Unit::Number,
                &[self.seconds("errors", Tone::Seen(4), Stand::Most, |second| second.errors)],
            ),
        ]
        .concat()
    }

    fn latencies(&self) -> String {
        let mut kinds: Vec<&LatencySeries> = self.record.latencies.iter().collect();
        kinds.sort_by_key(|series| std::cmp::Reverse(series.whole.count));
        let plots = kinds.into_iter().take(KINDS_MAX).map(|series| {
            let points = |of: fn(&Percentiles) -> f64| {
                let points: Vec<Point> =
                    series.points.iter().map(|point| (point.at_s, of(&point.seen))).collect();
                thin(&points, Stand::Most)
            };
            let lines = [
                Line::new("99 of 100 within", Tone::Seen(1), points(|seen| seen.p99_ms)),
                Line::new("nine of ten within", Tone::Seen(3), points(|seen| seen.p90_ms)),
                Line::new("half of them within", Tone::Seen(0), points(|seen| seen.p50_ms)),
            ];
            let what = Step::named(&series.kind).map_or_else(String::new, |step| format!("{} ", step.says()));
            let about = format!(
                "{what}From the moment the request was meant to be sent, so that who is slow cannot hide it. Even lines are \
                 good; a peak that outlasts its fault is not."
            );
            self.plot(&format!("How long it took: {}", series.kind), &about, Unit::Millis, &lines)
        });
        plots.collect()
    }

    fn processes(&self) -> String {
        let all = &self.record.processes;
        let (crowd, system): (Vec<_>, Vec<_>) = all.iter().partition(|series| is_crowd(&series.name));
        let cores = |sample: &ProcessSample| sample.cores;
        let memory = |sample: &ProcessSample| sample.memory_bytes as f64;
        let system_about = "One is a whole core. Proxies are the edges, origin-app is the shop. Where all cores of the machine are busy \
             for long, waits and latencies grow by that alone; so they do where Redis stays at a whole core, for it works \
             on one.";
        [
            self.plot("Cores that were busy", system_about, Unit::Number, &drawn(&system, cores)),
            self.plot(
                "Cores that were busy with the crowd",
                "The load itself. Where it and the system together use all cores of the machine, they stand in each \
                 other's way.",
                Unit::Number,
                &drawn(&crowd, cores),
            ),
            self.plot(
                "Memory",
                "Resident memory. A line that keeps rising while the number of fans does not would be a leak.",
                Unit::Bytes,
                &drawn(&system, memory),
            ),
            self.plot("Memory of the crowd", "The load itself.", Unit::Bytes, &drawn(&crowd, memory)),
        ]
        .concat()
    }
}

fn drawn(processes: &[&ProcessSeries], of: fn(&ProcessSample) -> f64) -> Vec<Line> {
    let line = |(index, series): (usize, &&ProcessSeries)| {
        let points: Vec<Point> = series.samples.iter().map(|sample| (sample.at_s, of(sample))).collect();
        Line::new(series.name.clone(), Tone::Seen(index), thin(&points, Stand::Most))
    };
    processes.iter().enumerate().map(line).collect()
}

/// What the numbers and lines on the plots stand for.
pub(super) fn legend(record: &RunRecord) -> String {
    let lines = match (record.phases.is_empty(), record.opened_s) {
        (true, None) => "",
        (_, None) => "<p>Upright lines are the beginnings of phases.</p>",
        (_, Some(_)) => "<p>Upright lines are the beginnings of phases, and the opening of the room.</p>",
    };
    let fault = |(index, fault): (usize, &Stretch)| {
        let (name, about) = (escaped(&fault.name), escaped(&fault.about));
        format!("<li><b class=\"broken\">{} {name}</b>: {about}</li>", index + 1)
    };
    let faults: String = record.faults.iter().enumerate().map(fault).collect();
    if faults.is_empty() {
        return lines.to_owned();
    }
    format!("{lines}<p>Red stretches are faults:</p><ul>{faults}</ul>")
}
