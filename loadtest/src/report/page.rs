//! The page of a run.

use super::document::{document, table};
use super::figures::{Figures, Promises, Use};
use super::plain;
use super::plots::{self, Plots};
use super::words::{bytes, escaped, figure, millis, number, spaced, time};
use crate::run::record::{OutcomeFacts, RunRecord, Stretch, VerdictFacts};

/// Most rows of a table of what happened to fans.
const ROWS_MAX: usize = 100;

/// One self-contained page that tells what the run came to: nothing is loaded from elsewhere, nothing runs.
pub fn html(record: &RunRecord) -> String {
    let figures = Figures::of(record);
    let title = format!("Run of {}", record.scenario.name);
    let body = [
        verdict(record, &figures),
        section("promises", "The promises", &promises(&record.verdicts)),
        section("course", "What was done, and when", &course(record)),
        section(
            "plots",
            "How it went",
            &format!(
                "<p>All plots share one axis: time since the run began. {}</p>{}{}",
                resolution(&figures),
                plots::legend(record),
                Plots::of(record).to_html()
            ),
        ),
        section("endings", "How fans ended", &counts(&record.endings, "Nobody came to an end.")),
        section("errors", plain::ERRORS, &errors(&record.errors)),
        section("latency", "How long answers took, over the whole run", &latencies(record)),
        section("processes", "What the processes used", &processes(record)),
        section("machine", "The machine", &machine(record)),
        section("scenario", "What was played", &scenario(record)),
    ];
    document(&title, &format!("<p class=\"dim\">{}</p>{}", escaped(&title), body.concat()))
}

pub(super) fn section(id: &str, title: &str, body: &str) -> String {
    format!("<section id=\"{id}\"><h2>{title}</h2>{body}</section>")
}

fn verdict(record: &RunRecord, figures: &Figures) -> String {
    let promises = Promises::of(&record.verdicts);
    let class = match (promises.broken.is_empty(), promises.unjudged.is_empty() && !promises.kept.is_empty())
    {
        (false, _) => "broken",
        (true, true) => "kept",
        (true, false) => "unjudged",
    };
    let paragraphs = |texts: Vec<String>| -> String {
        texts.iter().map(|text| format!("<p>{}</p>", escaped(text))).collect()
    };
    format!(
        "<section id=\"verdict\" class=\"verdict {class}\"><h1>{}</h1><p>{}</p>{}{}{}</section>",
        escaped(&plain::verdict(record)),
        escaped(&record.scenario.about),
        paragraphs(plain::story(record, figures)),
        listed("Mind when you read this:", &plain::caution(record, figures)),
        listed("What to do next:", &plain::next(record, figures))
    )
}

fn listed(head: &str, texts: &[String]) -> String {
    if texts.is_empty() {
        return String::new();
    }
    let items: String = texts.iter().map(|text| format!("<li>{}</li>", escaped(text))).collect();
    format!("<p>{head}</p><ul>{items}</ul>")
}

fn promises(verdicts: &[VerdictFacts]) -> String {
    if verdicts.is_empty() {
        return "<p>No promise was judged.</p>".to_owned();
    }
    let rows: Vec<Vec<String>> = verdicts
        .iter()
        .map(|verdict| {
            let (class, word) = outcome(verdict.outcome);
            let told: String =
                verdict.told.iter().map(|told| format!("<li>{}</li>", escaped(&spaced(told)))).collect();
            let told = if told.is_empty() { told } else { format!("<ul>{told}</ul>") };
            let says = escaped(&verdict.says);
            vec![escaped(&verdict.promise), format!("<b class=\"{class}\">{word}</b>"), says, told]
        })
        .collect();
    table(&["promise", "was it kept?", "what it says", "what was seen"], &rows, false)
}

/// The class and the words of an outcome.
pub(super) fn outcome(outcome: OutcomeFacts) -> (&'static str, &'static str) {
    match outcome {
        OutcomeFacts::Kept => ("kept", "✓ kept"),
        OutcomeFacts::Broken => ("broken", "✗ broken"),
        OutcomeFacts::Unjudged => ("unjudged", "? not judged"),
        OutcomeFacts::NotAsked => ("dim", "– not asked"),
    }
}

fn course(record: &RunRecord) -> String {
    let rows = |stretches: &[Stretch], is_numbered: bool| -> Vec<Vec<String>> {
        let row = |(index, stretch): (usize, &Stretch)| {
            let name = escaped(&stretch.name);
            let name = if is_numbered { format!("{} {name}", index + 1) } else { name };
            vec![name, time(stretch.from_s), time(stretch.to_s), escaped(&spaced(&stretch.about))]
        };
        stretches.iter().enumerate().map(row).collect()
    };
    let mut html = String::new();
    if !record.phases.is_empty() {
        html += &table(&["phase", "from", "to", ""], &rows(&record.phases, false), false);
    }
    if record.faults.is_empty() {
        return html + "<p>No fault was made.</p>";
    }
    html + &table(&["fault", "from", "to", ""], &rows(&record.faults, true), false)
}

fn resolution(figures: &Figures) -> String {
    let each = figures.length_s / super::thin::POINTS_MAX as f64;
    if each <= 1.0 {
        return String::new();
    }
    format!(
        "A point stands for some {each:.1} seconds: counts are their mean; lengths of lines, latencies, errors and what \
         processes used the highest of them."
    )
}

fn counts(counts: &[(String, u64)], none: &str) -> String {
    if counts.is_empty() {
        return format!("<p>{none}</p>");
    }
    let rows: Vec<Vec<String>> =
        counts.iter().take(ROWS_MAX).map(|(what, count)| vec![escaped(what), number(*count)]).collect();
    let more = counts.len().saturating_sub(ROWS_MAX);
    let more = if more > 0 { format!("<p>And {more} more, each rarer.</p>") } else { String::new() };
    table(&["", "how often"], &rows, true) + &more
}

/// What went wrong, how often, and what that means.
fn errors(errors: &[(String, u64)]) -> String {
    if errors.is_empty() {
        return "<p>Nothing went wrong for any fan.</p>".to_owned();
    }
    let row =
        |(what, count): &(String, u64)| vec![escaped(what), number(*count), plain::meaning(what).to_owned()];
    let rows: Vec<Vec<String>> = errors.iter().take(ROWS_MAX).map(row).collect();
    table(&["what", "how often", "what that means"], &rows, false)
}

fn latencies(record: &RunRecord) -> String {
    if record.latencies.is_empty() {
        return "<p>Nothing was asked.</p>".to_owned();
    }
    let rows: Vec<Vec<String>> = record
        .latencies
        .iter()
        .map(|series| {
            let seen = series.whole;
            let times = [seen.p50_ms, seen.p90_ms, seen.p99_ms, seen.most_ms].map(millis);
            [escaped(&series.kind), number(seen.count)].into_iter().chain(times).collect()
        })
        .collect();
    let rows = table(
        &["", "answers", "half within", "nine of ten within", "99 of 100 within", "slowest"],
        &rows,
        true,
    );
    format!("<p>From the moment a request was meant to be sent, tries that failed included.</p>{rows}")
}

fn processes(record: &RunRecord) -> String {
    if record.processes.is_empty() {
        return "<p>Nothing is known of the processes.</p>".to_owned();
    }
    let rows: Vec<Vec<String>> = record
        .processes
        .iter()
        .map(|series| {
            let used = Use::of(series);
            vec![
                escaped(&series.name),
                figure(used.cores_mean),
                figure(used.cores_most),
                bytes(used.memory_most),
                number(used.descriptors_most),
            ]
        })
        .collect();
    let heads = ["", "cores, on average", "at most", "memory at most", "descriptors at most"];
    table(&heads, &rows, true)
}

fn machine(record: &RunRecord) -> String {
    let machine = &record.machine;
    let build = if machine.release_build { "for speed (--release)" } else { "for development" };
    let rows = [
        ("began", machine.began_at.clone()),
        ("processor", machine.processor.clone()),
        ("cores, for everything together", machine.cores.to_string()),
        ("memory", bytes(machine.memory_bytes)),
        ("kernel", machine.kernel.clone()),
        ("load before the run", figure(machine.load_before)),
        ("programs built", build.to_owned()),
        ("how late the crowd itself was, at most", format!("{} ms", number(record.late_ms))),
    ];
    facts(&rows)
}

fn scenario(record: &RunRecord) -> String {
    let scenario = &record.scenario;
    let rows = [
        ("scenario", scenario.name.clone()),
        ("fans", number(scenario.fans)),
        ("proxies", scenario.proxies.to_string()),
        ("processes of fans", scenario.crowds.to_string()),
        ("stores", scenario.stores.clone()),
        ("seed", scenario.seed.to_string()),
    ];
    format!(
        "{}<p>To play it again:</p><pre tabindex=\"0\">{}</pre><p>The scenario file:</p><pre tabindex=\"0\">{}</pre>",
        facts(&rows),
        escaped(&scenario.command),
        escaped(&scenario.file)
    )
}

fn facts(rows: &[(&str, String)]) -> String {
    let rows: Vec<Vec<String>> =
        rows.iter().map(|(name, value)| vec![(*name).to_owned(), escaped(value)]).collect();
    table(&[], &rows, false)
}
