//! What a run shows, made from records that might have been: pages, files, comparisons.

pub(crate) mod record;

use loadtest::report::{compare, file, html};
use loadtest::run::record::{OutcomeFacts, RunRecord};
use tempfile::TempDir;

use crate::support::{loadtest, text};
use record::{record, verdict};

/// Parts of the page, in order.
pub(crate) const PARTS: [&str; 10] = [
    "verdict",
    "promises",
    "course",
    "plots",
    "endings",
    "errors",
    "latency",
    "processes",
    "machine",
    "scenario",
];

#[test]
fn the_page_has_every_part_and_loads_nothing() {
    let page = html(&record(300, 7));
    let at: Vec<_> = PARTS.iter().map(|part| page.find(&format!("<section id=\"{part}\""))).collect();
    assert!(at.iter().all(Option::is_some) && at.is_sorted(), "{at:?}");
    for (what, many) in
        [("<figure>", 18), ("<script", 0), ("http", 1), ("https://", 0), ("src=", 0), ("href=", 0)]
    {
        // `http-equiv` of the policy.
        assert_eq!(page.matches(what).count(), many, "{what}");
    }
    assert!(!page.contains("NaN") && !page.contains("style=\""), "no figure is none, no style is inline");
    assert!(page.contains("No promise was broken; 1 of 3 could not be judged: P9 seats."));
    let legend = "<b class=\"broken\">1 Redis killed</b>: The process is killed, and started again.";
    assert!(page.contains(legend) && page.contains("What to do next:"));
    assert!(
        page.contains("A fan pays, and has the tickets with the answer."),
        "each kind of request is told of"
    );
    assert!(page.contains("2 faults were made on purpose: Redis killed after 2 min 30 s and proxy-1 killed"));
    for escaped in ["&lt;most at once&gt;", "A processor &lt;of two&gt;", "the line &amp; the page"] {
        assert!(page.contains(escaped), "{escaped}");
    }
}

#[test]
fn the_worst_is_at_the_top() {
    let mut broken = record(60, 7);
    broken.verdicts.push(verdict("P3 once", OutcomeFacts::Broken, "Nobody is let in twice."));
    let page = html(&broken);
    assert!(page.contains(
        "<section id=\"verdict\" class=\"verdict broken\"><h1>A promise was broken: P3 once.</h1>"
    ));
    assert!(page.contains("P3 once: what was seen of &lt;it&gt;"));
}

#[test]
fn a_run_of_a_day_is_no_larger_than_one_of_an_hour() {
    let (hour, day) = (html(&record(3600, 7)).len(), html(&record(86_400, 7)).len());
    assert!(day < 2 * 1024 * 1024 && day < hour * 11 / 10, "{hour} and {day} bytes");
}

#[test]
fn a_run_in_which_nothing_happened_is_a_page_too() {
    let page = html(&RunRecord::default());
    assert!(page.contains("No promise was judged.") && page.contains("Nothing went wrong for any fan."));
    assert!(!page.contains("NaN") && !page.contains("inf"), "{page}");
}

fn files(first: &RunRecord, second: &RunRecord) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    file::write(&folder.path().join("a.json"), first).unwrap();
    file::write(&folder.path().join("b.json"), second).unwrap();
    folder
}

#[tokio::test]
async fn a_page_is_made_anew_from_the_record() {
    let run = record(120, 7);
    let folder = files(&run, &run);
    let output = loadtest().args(["report", "a.json"]).current_dir(folder.path()).output().await.unwrap();
    assert!(output.status.success(), "{}", text(&output));
    assert_eq!(std::fs::read_to_string(folder.path().join("a.html")).unwrap(), html(&run));

    std::fs::write(folder.path().join("b.json"), "{\"format\": 99}").unwrap();
    let output = loadtest().args(["report", "b.json"]).current_dir(folder.path()).output().await.unwrap();
    assert!(
        !output.status.success()
            && text(&output).contains("b.json cannot be used: it is a record of format 99")
    );
    assert!(!folder.path().join("b.html").exists());
}

#[tokio::test]
async fn what_differs_between_two_runs_is_told() {
    let first = record(120, 7);
    let mut second = record(120, 8);
    second.machine.cores = 8;
    second.scenario.file = second.scenario.file.replace("50_000", "60_000");
    second.latencies[0].whole.p50_ms = first.latencies[0].whole.p50_ms * 3.0;
    second.verdicts[1] = verdict("P2 rate", OutcomeFacts::Broken, "Never more than the rate allows.");
    let folder = files(&first, &second);
    let compare = async |one: &str, two: &str| {
        let args = ["compare", one, two, "--report", "c.html"];
        loadtest().args(args).current_dir(folder.path()).output().await.unwrap()
    };
    let output = compare("a.json", "b.json").await;
    let said = text(&output);
    // Who compares in a script learns of it without reading.
    assert_eq!(output.status.code(), Some(1), "{said}");
    for part in [
        "The second run broke a promise that the first did not.",
        "P2 rate: ✓ kept, then ✗ broken",
        "cores: 2, then 8",
        "seed: 7, then 8",
        "- fans = 50_000",
        "+ fans = 60_000",
    ] {
        assert!(said.contains(part), "{part}: {said}");
    }
    let row = said.lines().find(|line| line.contains("join, half")).unwrap();
    assert!(row.contains("3.00") && row.ends_with("worse"), "{row}");
    let page = std::fs::read_to_string(folder.path().join("c.html")).unwrap();
    assert!(page.contains("The second run broke a promise") && page.contains("<b class=\"worse\">worse</b>"));

    let output = compare("b.json", "a.json").await;
    assert!(
        output.status.success()
            && text(&output).contains("The second run broke no promise that the first kept")
    );
    let output = compare("a.json", "a.json").await;
    let said = text(&output);
    assert!(output.status.success() && said.contains("Both runs broke no promise."), "{said}");
    assert!(
        said.contains("The scenario is the same.") && said.contains("The machine is the same."),
        "{said}"
    );
    assert!(!said.contains("worse") && !said.contains("differs"), "{said}");
}

#[test]
fn the_page_of_a_comparison_loads_nothing_either() {
    let (one, two) = (record(60, 1), record(90, 2));
    let names = ("a <1>".to_owned(), "b".to_owned());
    let page = compare::html(&compare::Comparison::of(names, &one, &two));
    assert!(page.contains("a &lt;1&gt;") && !page.contains("<script") && !page.contains("src="), "{page}");
}
