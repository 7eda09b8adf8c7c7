//! Two runs beside each other: what differs in what was played and on what, what became of the promises, and the figures.

mod page;
mod table;

use super::figures::{Figures, Promises, Use, is_crowd};
use super::words::{bytes, figure, millis, number, share, time};
use crate::run::record::{LatencySeries, OutcomeFacts, RunRecord};
pub use page::html;
pub use table::Table;

/// Figures nearer to each other than this are called alike: one run of each tells no more.
const ALIKE: f64 = 0.1;

/// Which way is better.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Good {
    Less,
    More,
    Neither,
}

/// Whether the second run is better than the first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Change {
    Better,
    Worse,
    Alike,
    Other,
}

impl Change {
    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Better => "better",
            Self::Worse => "worse",
            Self::Alike => "",
            Self::Other => "differs",
        }
    }
}

/// One figure of both runs.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Row {
    pub(super) name: String,
    pub(super) first: String,
    pub(super) second: String,
    /// The second by the first; none where one of them is nothing.
    pub(super) ratio: Option<f64>,
    pub(super) change: Change,
}

/// What differs in words.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Difference {
    pub(super) name: String,
    pub(super) first: String,
    pub(super) second: String,
}

/// A promise that ended otherwise.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Turned {
    pub(super) promise: String,
    pub(super) first: Option<OutcomeFacts>,
    pub(super) second: Option<OutcomeFacts>,
    pub(super) told: Vec<String>,
}

/// Two runs beside each other.
#[derive(Clone, Debug, PartialEq)]
pub struct Comparison {
    pub(super) names: (String, String),
    pub(super) verdict: String,
    pub(super) scenario: Vec<Difference>,
    /// Lines of the scenario's file that only one of them has.
    pub(super) lines: (Vec<String>, Vec<String>),
    pub(super) machine: Vec<Difference>,
    pub(super) turned: Vec<Turned>,
    pub(super) rows: Vec<(&'static str, Vec<Row>)>,
}

impl Comparison {
    /// The second beside the first; the names are those of the files.
    pub fn of(names: (String, String), first: &RunRecord, second: &RunRecord) -> Self {
        let turned = turned(first, second);
        Self {
            names,
            verdict: verdict(first, second, &turned),
            scenario: scenario(first, second),
            lines: (lines_of_one(first, second), lines_of_one(second, first)),
            machine: machine(first, second),
            turned,
            rows: vec![
                ("fans", fans(first, second)),
                ("latency", latencies(first, second)),
                ("processes", processes(first, second)),
            ],
        }
    }

    /// Whether the second run broke what the first kept.
    pub fn is_worse(&self) -> bool {
        self.turned.iter().any(|turned| turned.second == Some(OutcomeFacts::Broken))
    }
}

fn verdict(first: &RunRecord, second: &RunRecord, turned: &[Turned]) -> String {
    let broken = |record: &RunRecord| Promises::of(&record.verdicts).broken.len();
    let newly = turned.iter().filter(|turned| turned.second == Some(OutcomeFacts::Broken)).count();
    match (newly, turned.len(), broken(first), broken(second)) {
        (0, 0, 0, 0) => "Both runs broke no promise.".to_owned(),
        (0, 0, ..) => "Both runs broke the same promises.".to_owned(),
        (0, _, 0, 0) => "No promise was broken; what could be judged differs.".to_owned(),
        (0, ..) => "The second run broke no promise that the first kept; verdicts differ.".to_owned(),
        (1, ..) => "The second run broke a promise that the first did not.".to_owned(),
        (many, ..) => format!("The second run broke {many} promises that the first did not."),
    }
}

fn turned(first: &RunRecord, second: &RunRecord) -> Vec<Turned> {
    let found = |record: &RunRecord, promise: &str| {
        record.verdicts.iter().find(|verdict| verdict.promise == promise).map(|verdict| verdict.outcome)
    };
    let only_first = first.verdicts.iter().filter(|verdict| found(second, &verdict.promise).is_none());
    let pairs = second.verdicts.iter().chain(only_first).map(|verdict| Turned {
        promise: verdict.promise.clone(),
        first: found(first, &verdict.promise),
        second: found(second, &verdict.promise),
        told: verdict.told.clone(),
    });
    pairs.filter(|turned| turned.first != turned.second).collect()
}

fn differences(pairs: Vec<(&str, String, String)>) -> Vec<Difference> {
    let different = pairs.into_iter().filter(|(_, first, second)| first != second);
    different.map(|(name, first, second)| Difference { name: name.to_owned(), first, second }).collect()
}

fn scenario(first: &RunRecord, second: &RunRecord) -> Vec<Difference> {
    let (one, two) = (&first.scenario, &second.scenario);
    let faults = |record: &RunRecord| {
        let faults = record.faults.iter().map(|fault| format!("{} after {}", fault.name, time(fault.from_s)));
        let faults = faults.collect::<Vec<_>>().join(", ");
        if faults.is_empty() { "none".to_owned() } else { faults }
    };
    differences(vec![
        ("scenario", one.name.clone(), two.name.clone()),
        ("fans", number(one.fans), number(two.fans)),
        ("seed", one.seed.to_string(), two.seed.to_string()),
        ("proxies", one.proxies.to_string(), two.proxies.to_string()),
        ("processes of fans", one.crowds.to_string(), two.crowds.to_string()),
        ("stores", one.stores.clone(), two.stores.clone()),
        ("faults", faults(first), faults(second)),
    ])
}

fn machine(first: &RunRecord, second: &RunRecord) -> Vec<Difference> {
    let (one, two) = (&first.machine, &second.machine);
    let build = |is_release: bool| if is_release { "for speed" } else { "for development" }.to_owned();
    differences(vec![
        ("processor", one.processor.clone(), two.processor.clone()),
        ("cores", one.cores.to_string(), two.cores.to_string()),
        ("memory", bytes(one.memory_bytes), bytes(two.memory_bytes)),
        ("kernel", one.kernel.clone(), two.kernel.clone()),
        ("programs built", build(one.release_build), build(two.release_build)),
        ("load before", figure(one.load_before), figure(two.load_before)),
    ])
}

/// Lines of the scenario's file that the other one has not, comments and empty ones aside.
fn lines_of_one(one: &RunRecord, other: &RunRecord) -> Vec<String> {
    let lines = |record: &RunRecord| -> Vec<String> {
        let lines = record.scenario.file.lines().map(str::trim);
        lines.filter(|line| !line.is_empty() && !line.starts_with('#')).map(ToOwned::to_owned).collect()
    };
    let mut others = lines(other);
    let mut only = lines(one);
    only.retain(|line| match others.iter().position(|other| other == line) {
        Some(at) => {
            others.swap_remove(at);
            false
        }
        None => true,
    });
    only
}

fn row(
    name: impl Into<String>,
    values: (Option<f64>, Option<f64>),
    good: Good,
    shown: impl Fn(f64) -> String,
) -> Row {
    let (first, second) = values;
    let show = |value: Option<f64>| value.map_or_else(|| "–".to_owned(), &shown);
    let ratio = first.zip(second).filter(|(first, _)| *first > 0.0).map(|(first, second)| second / first);
    let is_more = match (first, second) {
        (Some(first), Some(second)) if (second - first).abs() > ALIKE * first.abs() => Some(second > first),
        _ => None,
    };
    let change = match (is_more, good) {
        (None, _) if first.is_some() != second.is_some() => Change::Other,
        (None, _) => Change::Alike,
        (Some(_), Good::Neither) => Change::Other,
        (Some(is_more), good) if is_more == (good == Good::More) => Change::Better,
        (Some(_), _) => Change::Worse,
    };
    Row { name: name.into(), first: show(first), second: show(second), ratio, change }
}

fn fans(first: &RunRecord, second: &RunRecord) -> Vec<Row> {
    let (one, two) = (Figures::of(first), Figures::of(second));
    let count = |name: &str, good: Good, of: fn(&Figures) -> u64| {
        row(name, (Some(of(&one) as f64), Some(of(&two) as f64)), good, |value| number(value as u64))
    };
    let maybe = |name: &str, good: Good, of: fn(&Figures) -> Option<f64>, shown: fn(f64) -> String| {
        row(name, (of(&one), of(&two)), good, shown)
    };
    let failed =
        |figures: &Figures| (figures.asked() > 0).then(|| figures.errors as f64 / figures.asked() as f64);
    vec![
        count("came", Good::Neither, |figures| figures.arrived),
        count("came in one second, at most", Good::Neither, |figures| figures.arrivals_most),
        count("let in", Good::More, |figures| figures.admitted),
        count("held seats", Good::Neither, |figures| figures.held),
        count("bought", Good::Neither, |figures| figures.bought),
        count("longest line", Good::Neither, |figures| figures.waiting_most),
        maybe("last fan let in after", Good::Less, |figures| figures.last_admitted_s, time),
        maybe("of the rate used", Good::More, |figures| figures.drain_used, |used| share(used, 1.0)),
        maybe("wait, half of them", Good::Less, |figures| figures.wait_median_s, time),
        maybe("wait, the longest", Good::Less, |figures| figures.wait_most_s, time),
        count("answers in one second, at most", Good::Neither, |figures| figures.answers_most),
        row(
            "the crowd was late, at most",
            (Some(first.late_ms as f64), Some(second.late_ms as f64)),
            Good::Less,
            millis,
        ),
        row("requests that failed", (failed(&one), failed(&two)), Good::Less, |part| share(part, 1.0)),
    ]
}

/// What both have first, in the order of the first; then what only one has.
fn paired<'a, T>(
    first: &'a [T],
    second: &'a [T],
    name: fn(&T) -> &str,
) -> Vec<(&'a str, Option<&'a T>, Option<&'a T>)> {
    let find = |list: &'a [T], wanted: &str| list.iter().find(|item| name(item) == wanted);
    let only_second = second.iter().filter(|item| find(first, name(item)).is_none());
    let names = first.iter().chain(only_second).map(name);
    names.map(|wanted| (wanted, find(first, wanted), find(second, wanted))).collect()
}

fn latencies(first: &RunRecord, second: &RunRecord) -> Vec<Row> {
    let pairs = paired(&first.latencies, &second.latencies, |series: &LatencySeries| &series.kind);
    pairs
        .into_iter()
        .flat_map(|(kind, one, two)| {
            [
                ("half", (|series: &LatencySeries| series.whole.p50_ms) as fn(&LatencySeries) -> f64),
                ("99 of 100", |series| series.whole.p99_ms),
                ("slowest", |series| series.whole.most_ms),
            ]
            .map(|(part, of)| row(format!("{kind}, {part}"), (one.map(of), two.map(of)), Good::Less, millis))
        })
        .collect()
}

fn processes(first: &RunRecord, second: &RunRecord) -> Vec<Row> {
    let uses = |record: &RunRecord| -> Vec<(String, Use)> {
        record.processes.iter().map(|series| (series.name.clone(), Use::of(series))).collect()
    };
    let (one, two) = (uses(first), uses(second));
    paired(&one, &two, |(name, _)| name)
        .into_iter()
        .flat_map(|(name, one, two)| {
            let good = if is_crowd(name) { Good::Neither } else { Good::Less };
            let values = |of: fn(&Use) -> f64| (one.map(|(_, used)| of(used)), two.map(|(_, used)| of(used)));
            [
                row(format!("{name}, cores on average"), values(|used| used.cores_mean), good, figure),
                row(
                    format!("{name}, memory at most"),
                    values(|used| used.memory_most as f64),
                    good,
                    |memory| bytes(memory as u64),
                ),
            ]
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_run_of_each_tells_no_small_change() {
        let change = |first, second, good| row("r", (Some(first), Some(second)), good, figure).change;
        assert_eq!(change(100.0, 109.0, Good::Less), Change::Alike);
        assert_eq!(change(100.0, 120.0, Good::Less), Change::Worse);
        assert_eq!(change(100.0, 80.0, Good::Less), Change::Better);
        assert_eq!(change(100.0, 120.0, Good::More), Change::Better);
        assert_eq!(change(100.0, 120.0, Good::Neither), Change::Other);
        assert_eq!(change(0.0, 3.0, Good::Less), Change::Worse);
        let gone = row("r", (Some(1.0), None), Good::Less, figure);
        assert_eq!((gone.change, gone.ratio, gone.second.as_str()), (Change::Other, None, "–"));
    }

    #[test]
    fn the_lines_of_one_file_are_told_without_comments() {
        let record = |file: &str| {
            let mut record = RunRecord::default();
            record.scenario.file = file.to_owned();
            record
        };
        let (one, two) = (record("# a\nfans = 1\nname = 1\nname = 1\n"), record("# b\nfans = 2\nname = 1\n"));
        assert_eq!(lines_of_one(&one, &two), ["fans = 1", "name = 1"]);
        assert_eq!(lines_of_one(&two, &one), ["fans = 2"]);
    }
}
