//! The runbooks: every command in them is run against a demo, and prints what is written there.

use std::fs;
use std::path::{Path, PathBuf};

use tokio::process::Command;

use crate::demo::Demo;
use crate::support::PATIENCE;

/// Where one command's output ends and the next one's begins.
const MARK: &str = "\u{1}";

/// A command of a runbook.
#[derive(Debug)]
struct Step {
    line: usize,
    command: String,
    expected: String,
}

fn docs() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/runbooks")
}

/// The steps in the `console` blocks of a runbook.
fn steps(text: &str) -> Vec<Step> {
    let mut steps: Vec<Step> = Vec::new();
    let (mut is_inside, mut is_first) = (false, false);
    for (number, line) in text.lines().enumerate() {
        let line = line.trim_start();
        if line.starts_with("```") {
            is_inside = line == "```console";
            is_first = is_inside;
        } else if let Some(command) = line.strip_prefix("$ ").filter(|_| is_inside) {
            steps.push(Step { line: number + 1, command: command.to_owned(), expected: String::new() });
            is_first = false;
        } else if is_inside {
            assert!(!is_first, "line {}: a block begins with a command", number + 1);
            let step = steps.last_mut().unwrap();
            step.expected += line;
            step.expected.push('\n');
        }
    }
    steps
}

/// Whether this is what was expected, where `…` is anything. How far lines are set in says nothing.
fn fits(expected: &str, found: &str) -> bool {
    let set_out = |text: &str| text.trim().lines().map(str::trim).collect::<Vec<_>>().join("\n");
    let (expected, found) = (set_out(expected), set_out(found));
    let mut rest = found.as_str();
    let mut parts = expected.split('…');
    let Some(after) = rest.strip_prefix(parts.next().unwrap_or_default()) else { return false };
    rest = after;
    let parts: Vec<&str> = parts.collect();
    let Some((last, between)) = parts.split_last() else { return rest.is_empty() };
    for part in between {
        let Some((_, after)) = rest.split_once(part) else { return false };
        rest = after;
    }
    rest.ends_with(last)
}

/// Runs the commands in one shell; what each of them printed.
async fn outputs(environment: &str, steps: &[Step]) -> Vec<String> {
    let mut script = format!(". '{environment}'\n");
    for Step { command, .. } in steps {
        script += &format!("printf '{MARK}'\n{command}\n");
    }
    let mut shell = Command::new("bash");
    let shell = shell.args(["-c", &format!("exec 2>&1\n{script}")]).kill_on_drop(true).output();
    let output =
        tokio::time::timeout(PATIENCE * 3, shell).await.expect("the commands come to an end").unwrap();
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    text.split(MARK).skip(1).map(ToOwned::to_owned).collect()
}

#[tokio::test]
async fn every_command_of_the_runbooks_prints_what_they_say() {
    for tool in ["curl", "jq"] {
        let found = Command::new(tool).arg("--version").output().await;
        assert!(found.is_ok_and(|found| found.status.success()), "{tool} is missing: run .ci/tools test");
    }
    let demo = Demo::start(loadtest::stack::free_port().unwrap());
    let environment = |line: &str| Some(line.split_once("after `. ")?.1.split('`').next()?.to_owned());
    let environment = demo.line("the operator's file", environment).await;
    demo.until_a_line_stands().await;
    let mut files: Vec<PathBuf> = fs::read_dir(docs()).unwrap().map(|entry| entry.unwrap().path()).collect();
    // The day first: it says what the demo is like.
    files.sort_by_key(|file| (!file.ends_with("on-sale-day.md"), file.clone()));
    let mut wrong = Vec::new();
    for file in files.iter().filter(|file| file.extension().is_some_and(|extension| extension == "md")) {
        let steps = steps(&fs::read_to_string(file).unwrap());
        let outputs = outputs(&environment, &steps).await;
        for (at, step) in steps.iter().enumerate() {
            let found = outputs.get(at).map_or("nothing: the shell ended before", String::as_str);
            if !fits(&step.expected, found) {
                let (name, Step { line, command, expected }) = (file.file_name().unwrap().display(), step);
                wrong.push(format!("{name}:{line}: $ {command}\n  expected: {expected}  found: {found}"));
            }
        }
        assert!(!steps.is_empty() || file.ends_with("README.md"), "{} has no command to try", file.display());
    }
    demo.stop().await;
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_runbook_is_in_the_index_and_says_what_it_has_to() {
    let index = fs::read_to_string(docs().join("README.md")).unwrap();
    let files = fs::read_dir(docs()).unwrap().map(|entry| entry.unwrap().path());
    for file in files.filter(|file| !file.ends_with("README.md")) {
        let name = file.file_name().unwrap().to_str().unwrap().to_owned();
        let text = fs::read_to_string(&file).unwrap();
        assert!(index.contains(&format!("({name})")), "{name} is not in the index");
        for part in ["**Signal", "Expect", "Undo", "stanchion_"] {
            assert!(
                text.contains(part) || text.contains(&part.to_lowercase()),
                "{name} does not say: {part}"
            );
        }
        for alert in text.split('`').filter(|word| word.starts_with("Stanchion")) {
            assert!(index.contains(alert), "{name}: {alert} is not in the index");
        }
    }
}

#[test]
fn alerts_and_runbooks_name_each_other() {
    let rules = fs::read_to_string(docs().join("../../config/alerts/stanchion.yml")).unwrap();
    let alerts: Vec<(&str, &str)> = rules
        .split("- alert: ")
        .skip(1)
        .map(|rule| {
            let leads_to =
                rule.split_once("runbook_url: docs/runbooks/").expect("each alert has a runbook").1;
            (rule.lines().next().unwrap().trim(), leads_to.lines().next().unwrap().trim())
        })
        .collect();
    assert!(alerts.len() > 10, "{alerts:?}");
    let index = fs::read_to_string(docs().join("README.md")).unwrap();
    for (alert, leads_to) in &alerts {
        let runbook = fs::read_to_string(docs().join(leads_to)).unwrap();
        let name = format!("`{alert}`");
        assert!(runbook.contains(&name) && index.contains(&name), "{leads_to} and the index name {alert}");
    }
    for name in index.split('`').filter(|word| word.starts_with("Stanchion")) {
        assert!(alerts.iter().any(|(alert, _)| *alert == name), "there is no alert {name}");
    }
}

#[test]
fn metrics_that_runbooks_name_are_documented() {
    let documented = fs::read_to_string(docs().join("../metrics.md")).unwrap();
    for file in fs::read_dir(docs()).unwrap().map(|entry| entry.unwrap().path()) {
        let text = fs::read_to_string(&file).unwrap();
        let is_of_a_name = |character: char| character.is_ascii_lowercase() || character == '_';
        for (at, _) in text.match_indices("stanchion_") {
            let name: String = text[at..].chars().take_while(|character| is_of_a_name(*character)).collect();
            assert!(documented.contains(&format!("`{name}`")), "{}: {name}", file.display());
        }
    }
}

#[test]
fn three_dots_are_anything() {
    for (expected, found, is_so) in [
        ("ok\n", "ok\n", true),
        ("ok", "okay", false),
        ("…", "anything\nat all", true),
        ("{\"a\":…,\"b\":1}", "{\"a\":77,\"b\":1}\n", true),
        ("{\"a\":…,\"b\":1}", "{\"a\":77,\"b\":2}\n", false),
        ("one\n…\nlast", "one\ntwo\nthree\nlast", true),
        ("one…three…", "one two", false),
        ("", "", true),
        ("", "something", false),
        ("one\n  two …", "one\ntwo three", true),
    ] {
        assert_eq!(fits(expected, found), is_so, "{expected} {found}");
    }
}
