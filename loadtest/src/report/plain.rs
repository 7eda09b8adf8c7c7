//! What a run came to, in plain words.

use super::figures::{AFTER_A_FAULT_S, Figures, Promises};
use super::words::{list, many, number, share, time};
use crate::run::record::{OutcomeFacts, RunRecord};

/// From how late on a machine blurs what is seen, in milliseconds.
const LATE_MS: u64 = 250;
/// From which share on the configured rate counts as used in full.
const FULL: f64 = 0.99;
/// What the part of the page is called that counts errors by their cause.
pub(crate) const ERRORS: &str = "What went wrong for fans";
/// From which load for each core on other work was going on before the run.
const LOAD_A_CORE: f64 = 0.5;

/// The verdict, in a sentence.
pub(crate) fn verdict(record: &RunRecord) -> String {
    let promises = Promises::of(&record.verdicts);
    let named = |names: &[&str]| list(&names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>());
    match (promises.broken.as_slice(), promises.unjudged.as_slice()) {
        ([], []) if promises.kept.is_empty() => "No promise was judged.".to_owned(),
        ([], []) => match (promises.kept.len(), promises.not_asked.len()) {
            (1, 0) => format!("{} was kept.", named(&promises.kept)),
            (kept, 0) => format!("All {kept} promises were kept."),
            (kept, _) => format!(
                "All {kept} promises that this run put to the test were kept; not part of it: {}.",
                named(&promises.not_asked)
            ),
        },
        ([], unjudged) => format!(
            "No promise was broken; {} of {} could not be judged: {}.",
            unjudged.len(),
            record.verdicts.len() - promises.not_asked.len(),
            named(unjudged)
        ),
        ([one], _) => format!("A promise was broken: {one}."),
        (broken, _) => format!("{} promises were broken: {}.", broken.len(), named(broken)),
    }
}

/// Each promise that was broken, with the shortest stories of how.
pub(crate) fn broken(record: &RunRecord) -> impl Iterator<Item = String> {
    let broken = record.verdicts.iter().filter(|verdict| verdict.outcome == OutcomeFacts::Broken);
    broken.map(|verdict| {
        let told: String = verdict.told.iter().map(|told| format!("\n  {told}")).collect();
        format!("{}: {}{told}", verdict.promise, verdict.says)
    })
}

/// What happened, as paragraphs.
pub(crate) fn story(record: &RunRecord, figures: &Figures) -> Vec<String> {
    let mut came = format!("{} came", many(figures.arrived, "fan", "fans"));
    if figures.arrived != figures.intended {
        came += &format!(" of {} who were to come", number(figures.intended));
    }
    let mut fans = format!(
        "{came}, {} at most in one second. The line was longest after {}, with {}. {} told that their turn had come, \
         {} held seats and {} bought.",
        number(figures.arrivals_most),
        time(figures.waiting_most_at),
        many(figures.waiting_most, "fan", "fans"),
        if figures.admitted == 1 { "1 was".to_owned() } else { format!("{} were", number(figures.admitted)) },
        number(figures.held),
        number(figures.bought)
    );
    if let (Some(median), Some(most)) = (figures.wait_median_s, figures.wait_most_s) {
        fans += &format!(
            " Of who came to their turn, half waited {} or less, nobody more than {}.",
            time(median),
            time(most)
        );
    }
    if let Some(used) = figures.drain_used {
        fans += &format!(" While fans waited, {} of the configured rate was used", share(used, 1.0));
        fans += if used < FULL { ": the rest fell to faults, or to a shop that was full." } else { "." };
    }
    if let Some(opened_s) = record.opened_s {
        let before = record.seconds.iter().take(opened_s as usize).map(|second| second.arrived).sum();
        let (who, soon) = (many(before, "fan", "fans"), time(opened_s));
        fans += &format!(" The room opened after {soon}; {who} had come before, and were drawn.");
    }
    let by_faults = match (record.faults.is_empty(), figures.errors - figures.errors_by_faults) {
        (true, _) => String::new(),
        (false, 0) => format!(", all of them during a fault or in the {AFTER_A_FAULT_S} s after one"),
        (false, others) => format!(
            ", {} of them neither during a fault nor in the {AFTER_A_FAULT_S} s after one: the plot of errors shows when",
            number(others)
        ),
    };
    let requests = match figures.errors {
        0 => format!("All {} requests were answered as they should be.", number(figures.asked())),
        errors => format!(
            "{} of {} requests ({}) were not answered, or with what no fan should see{by_faults}.",
            number(errors),
            number(figures.asked()),
            share(errors as f64, figures.asked() as f64)
        ),
    };
    let faults: Vec<String> =
        record.faults.iter().map(|fault| format!("{} after {}", fault.name, time(fault.from_s))).collect();
    let faults = match faults.as_slice() {
        [] => "Nothing was done to the system meanwhile.".to_owned(),
        [one] => format!("One fault was made on purpose: {one}."),
        several => format!("{} faults were made on purpose: {}.", several.len(), list(several)),
    };
    vec![fans, requests, faults]
}

/// Parts of what went wrong for a fan, and what each means; the first that is found counts.
const MEANINGS: [(&str, &str); 10] = [
    (
        "409 provisional",
        "The line could not be asked when this fan came: they have a provisional ticket, and poll until it has a rank.",
    ),
    ("503 store_away", "The line could not be asked in this moment. Nobody lost a place by that."),
    (
        "503 circuit_open",
        "The shop had failed before, so the edge did not even ask it, and said when to come again.",
    ),
    ("503 busy", "The shop said that it is busy: its database was away, or full."),
    ("502", "The edge asked the shop and had no answer, or one that it could not pass on."),
    (
        "503",
        "The edge answered in place of the shop, which gave no answer or had failed before. Sessions and places are kept.",
    ),
    ("refused", "The process that should answer did not run. Fans go to the next edge, or try again."),
    ("reset", "The process that should answer died, or closed the connection, before it did."),
    ("closed", "The process that should answer closed the connection before it did."),
    ("elapsed", "There was no answer within 20 seconds."),
];

/// What this means that went wrong, for who sees it for the first time.
pub(crate) fn meaning(what: &str) -> &'static str {
    // The kind of request comes first, and is no part of what went wrong.
    let wrong = what.split_once(": ").map_or(what, |(_, wrong)| wrong);
    let found = MEANINGS.iter().find(|(part, _)| wrong.contains(part));
    found.map_or("", |(_, means)| means)
}

/// What stands against believing the figures.
pub(crate) fn caution(record: &RunRecord, figures: &Figures) -> Vec<String> {
    let machine = &record.machine;
    let mut cautions = Vec::new();
    if !machine.release_build {
        cautions.push(
            "The programs were not built for speed (--release): promises count, how fast something was does not."
                .to_owned(),
        );
    }
    if machine.load_before > LOAD_A_CORE * machine.cores.max(1) as f64 {
        cautions.push(format!(
            "The machine was busy before the run began: a load of {:.1} on {}.",
            machine.load_before,
            many(machine.cores as u64, "core", "cores")
        ));
    }
    if record.late_ms > LATE_MS {
        cautions.push(format!(
            "The crowd itself was up to {} ms late: the machine was full, and waits and latencies are longer than a crowd \
             elsewhere would have seen.",
            number(record.late_ms)
        ));
    }
    let missing = figures.intended.saturating_sub(figures.arrived);
    if missing > 0 && missing * 100 > figures.intended {
        cautions.push(format!(
            "{} never came: the crowd was smaller than was meant.",
            many(missing, "fan", "fans")
        ));
    }
    cautions
}

/// What to do next, for who reads it for the first time.
pub(crate) fn next(record: &RunRecord, figures: &Figures) -> Vec<String> {
    let promises = Promises::of(&record.verdicts);
    let mut steps = Vec::new();
    if !promises.broken.is_empty() {
        steps.push(
            "Beside each broken promise the table below tells how it came about: which fan, and when. Look at that time in \
             the plots: at a fault, a process that was at a whole core, or arrivals that came late."
                .to_owned(),
        );
        steps.push(
            "Play it again with the same fans, by the command at the end of this page. What breaks again is no accident."
                .to_owned(),
        );
    }
    if !promises.unjudged.is_empty() {
        steps.push(
            "What could not be judged had too little to be judged by; the table says what was missing. More fans, a \
             longer line or a quieter machine tell more."
                .to_owned(),
        );
    }
    if figures.errors > figures.errors_by_faults {
        let which = if record.faults.is_empty() {
            "No fault was made, and yet requests failed"
        } else {
            "Some requests failed though no fault was near"
        };
        steps.push(format!(
            "{which}: \u{201c}{ERRORS}\u{201d} counts them by their cause, the plot of errors shows when."
        ));
    }
    if steps.is_empty() {
        steps.push(
            "Keep run.json, which lies beside this page. After a change play the same scenario again, and put both runs \
             beside each other: loadtest compare before/run.json after/run.json."
                .to_owned(),
        );
    }
    steps
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::run::record::{Second, Stretch, VerdictFacts};

    #[test]
    fn there_is_always_something_to_do_next() {
        let told = |outcome: OutcomeFacts, errors: u64, is_struck: bool| {
            let fault = Stretch { name: "redis-slow".to_owned(), ..Stretch::default() };
            let record = RunRecord {
                verdicts: vec![VerdictFacts { outcome, ..VerdictFacts::default() }],
                seconds: vec![Second { errors, ..Second::default() }],
                faults: if is_struck { vec![fault] } else { Vec::new() },
                ..RunRecord::default()
            };
            super::next(&record, &Figures::of(&record)).join("\n")
        };
        let kept = told(OutcomeFacts::Kept, 0, false);
        assert!(kept.contains("loadtest compare") && !kept.contains("again, by"), "{kept}");
        assert_eq!(told(OutcomeFacts::Kept, 3, true), kept, "a fault explains them");
        assert!(told(OutcomeFacts::Kept, 3, false).starts_with("No fault was made, and yet"));
        assert!(told(OutcomeFacts::Broken, 0, false).starts_with("Beside each broken promise"));
        assert!(told(OutcomeFacts::Unjudged, 0, false).starts_with("What could not be judged"));
    }

    fn said(outcomes: &[(&str, OutcomeFacts)]) -> String {
        let verdict = |(promise, outcome): &(&str, OutcomeFacts)| VerdictFacts {
            promise: (*promise).to_owned(),
            outcome: *outcome,
            ..VerdictFacts::default()
        };
        let verdicts = outcomes.iter().map(verdict).collect();
        super::verdict(&RunRecord { verdicts, ..RunRecord::default() })
    }

    #[test]
    fn what_went_wrong_has_a_meaning() {
        let told = "WebSocket: the WebSocket was answered with 409 provisional";
        assert!(meaning(told).contains("provisional ticket"));
        assert!(meaning("seat map: 503 circuit_open").contains("did not even ask"));
        assert!(meaning("event page: 502").starts_with("The edge asked the shop"));
        assert!(meaning("join: Connection refused (os error 111)").contains("did not run"));
        assert_eq!(meaning("hold: what nobody foresaw"), "");
    }

    #[test]
    fn a_broken_promise_is_told_with_its_story() {
        let verdict = |outcome| VerdictFacts {
            promise: "P1 order".to_owned(),
            says: "First come, first in.".to_owned(),
            outcome,
            told: vec!["fan 3 came at 1 s".to_owned()],
        };
        let verdicts = vec![verdict(OutcomeFacts::Kept), verdict(OutcomeFacts::Broken)];
        let record = RunRecord { verdicts, ..RunRecord::default() };
        let told: Vec<String> = broken(&record).collect();
        assert_eq!(told, ["P1 order: First come, first in.\n  fan 3 came at 1 s"]);
    }

    #[test]
    fn the_worst_is_said_first() {
        use OutcomeFacts::{Broken, Kept, NotAsked, Unjudged};
        assert_eq!(said(&[]), "No promise was judged.");
        assert_eq!(said(&[("P1", Kept), ("P2", Kept)]), "All 2 promises were kept.");
        assert_eq!(said(&[("P1", Kept), ("P2", Broken), ("P3", Unjudged)]), "A promise was broken: P2.");
        assert_eq!(said(&[("P1", Broken), ("P2", Broken)]), "2 promises were broken: P1 and P2.");
        assert_eq!(
            said(&[("P1", Kept), ("P2", Kept), ("P10", NotAsked)]),
            "All 2 promises that this run put to the test were kept; not part of it: P10."
        );
        let unjudged = said(&[("P1", Kept), ("P3", Unjudged), ("P10", NotAsked)]);
        assert_eq!(unjudged, "No promise was broken; 1 of 2 could not be judged: P3.");
    }
}
