//! `loadtest bench`, as somebody at a terminal runs it: that the report is there and its parts are real. What the figures
//! are is nothing for a test.

use std::process::Stdio;

use crate::support::{PATIENCE, loadtest};

/// The report of one short run.
async fn report(arguments: &[&str]) -> String {
    let folder = tempfile::tempdir().unwrap();
    let run = loadtest()
        .arg("bench")
        .args(arguments)
        .env("TMPDIR", folder.path())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("loadtest runs");
    let output =
        tokio::time::timeout(PATIENCE, run.wait_with_output()).await.expect("it stops by itself").unwrap();
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{error}");
    let left: Vec<_> = std::fs::read_dir(folder.path()).unwrap().collect();
    assert!(left.is_empty(), "it leaves nothing behind, but {left:?}");
    String::from_utf8(output.stdout).unwrap()
}

/// The cells of a row of a table.
fn cells(line: &str) -> Vec<&str> {
    line.trim_matches('|').split('|').map(str::trim).collect()
}

#[tokio::test]
async fn the_edge_is_measured_beside_its_peers() {
    let report = report(&["edge", "--rounds", "1", "--millis", "100", "--connections", "8"]).await;
    // Each row has a figure of its own, for every server answered as it should, or there would be no report.
    for (what, who) in [
        ("passing on", "no proxy"),
        ("passing on", "nginx"),
        ("passing on", "plain Pingora"),
        ("passing on", "edge, open path"),
        ("passing on", "edge"),
        ("passing on, with a line of log each", "edge"),
        ("waiting page", "nginx"),
        ("waiting page", "edge"),
        ("429", "nginx"),
        ("429", "edge"),
        ("passing on, TLS", "edge"),
        ("passing on, HTTP/2", "plain Pingora"),
        ("passing on, HTTP/2", "edge"),
        ("waiting page, HTTP/2", "nginx"),
        ("429, HTTP/2", "edge"),
    ] {
        let row = report.lines().map(cells).find(|cells| cells.starts_with(&[what, who]));
        let row = row.unwrap_or_else(|| panic!("no row of {what} by {who} in {report}"));
        let a_second: f64 = row[2].parse().unwrap();
        assert!(a_second > 0.0, "{row:?}");
        if who != "no proxy" {
            assert!(row[3].parse::<f64>().unwrap() > 0.0, "the work of a server is counted: {row:?}");
        }
    }
    assert!(report.contains("| passing on | plain Pingora | ≥ 0.97 |"), "{report}");
    assert!(report.contains("| waiting page, HTTP/2 | nginx | ≥ 0.85 |"), "{report}");
}

#[tokio::test]
async fn waiting_fans_are_measured_while_the_line_moves() {
    let report = report(&["fans", "--plain", "1500", "--tls", "0", "--seconds", "2"]).await;
    let row = report.lines().map(cells).find(|cells| cells.first() == Some(&"1500"));
    let row = row.unwrap_or_else(|| panic!("no row in {report}"));
    let figure = |cell: usize| row[cell].parse::<f64>().unwrap_or_else(|_| panic!("no figure in {row:?}"));
    let (edges, memory, cores, messages, told) = (figure(1), figure(2), figure(3), figure(5), figure(9));
    assert!((edges - 1.0).abs() < 1e-9, "{row:?}");
    assert!(memory > 0.0 && cores > 0.0 && messages > 0.0 && told > 0.0, "each was seen: {row:?}");
    assert!(figure(7) > 0.0 && figure(8) > 0.0, "the bare peer has sent: {row:?}");
}

#[tokio::test]
async fn the_hot_path_is_measured_beside_locks() {
    let folder = tempfile::tempdir().unwrap();
    let json = folder.path().join("figures.json");
    let arguments = ["--rounds", "1", "--millis", "100", "--at-once", "8", "--buyers", "150", "--json"];
    let arguments: Vec<_> = ["shop"].into_iter().chain(arguments).chain(json.to_str()).collect();
    let report = report(&arguments).await;
    for asked in ["apart", "crowded"] {
        for who in [
            "inventory in Redis",
            "inventory in memory",
            "row locks in PostgreSQL",
            "row locks in one function",
            "`SET NX` around PostgreSQL",
            "shop over HTTP, Redis and PostgreSQL",
            "shop over HTTP, memory and SQLite",
        ] {
            let row = report.lines().map(cells).find(|cells| cells.starts_with(&[asked, who]));
            let row = row.unwrap_or_else(|| panic!("no row of {who}, {asked}, in {report}"));
            let held: f64 = row[2].split(' ').next().unwrap().parse().unwrap();
            assert!(held > 0.0, "{row:?}");
        }
    }
    assert!(report.contains("| row locks in PostgreSQL | apart | ≥ 10 |"), "{report}");
    assert!(report.contains("| 150 buyers at once for 100 seats |"), "{report}");
    let figures: serde_json::Value = serde_json::from_slice(&std::fs::read(&json).unwrap()).unwrap();
    assert_eq!(figures["crowds"][1]["shop"], "memory and SQLite");
    assert_eq!(figures["rows"].as_array().unwrap().len(), 14);
}

#[tokio::test]
async fn the_commands_of_record_are_told_and_a_doc_without_places_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let doc = folder.path().join("benchmarks.md");
    let record = async || {
        let record =
            loadtest().args(["bench", "record", "--dry-run", "--only", "joins", "--doc"]).arg(&doc).output();
        record.await.unwrap()
    };
    std::fs::write(&doc, "# Nothing\n").unwrap();
    let refused = record().await;
    assert!(!refused.status.success());
    assert!(String::from_utf8_lossy(&refused.stderr).contains("no place for the tables of joins"));
    std::fs::write(&doc, "<!-- bench record, joins: begin -->\n<!-- bench record, joins: end -->\n").unwrap();
    let told = record().await;
    assert!(told.status.success());
    assert_eq!(String::from_utf8_lossy(&told.stdout), "target/release/loadtest bench joins\n");
}
