//! `loadtest capacity`, as an operator asks it; and that the doc has what it says.

use std::path::Path;

use crate::support::{loadtest, text};

const BEGIN: &str = "<!-- written by `loadtest capacity --tables`: begin -->\n";
const END: &str = "<!-- written by `loadtest capacity --tables`: end -->";

async fn capacity(args: &[&str]) -> String {
    let output = loadtest().arg("capacity").args(args).output().await.unwrap();
    assert!(output.status.success(), "{}", text(&output));
    String::from_utf8(output.stdout).unwrap()
}

#[tokio::test]
async fn the_doc_has_the_tables_that_the_command_prints() {
    let tables = capacity(&["--tables"]).await;
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/capacity.md");
    let doc = std::fs::read_to_string(&file).unwrap();
    let (before, rest) = doc.split_once(BEGIN).expect("the mark of their beginning");
    let (written, after) = rest.split_once(END).expect("the mark of their end");
    let right = format!("\n{tables}\n");
    if written != right && std::env::var_os("STANCHION_WRITE_DOCS").is_some() {
        std::fs::write(&file, format!("{before}{BEGIN}{right}{END}{after}")).unwrap();
        return;
    }
    assert_eq!(
        written, right,
        "write it anew: STANCHION_WRITE_DOCS=1 cargo nextest run -p loadtest capacity"
    );
}

#[tokio::test]
async fn what_does_not_last_is_said() {
    let small = capacity(&["--fans", "20,000", "--drain", "600"]).await;
    assert!(small.contains("20,000 fans within 5 min") && !small.contains("does not last"), "{small}");
    let large = capacity(&["--fans", "10000000", "--drain", "20000"]).await;
    assert!(large.contains("! the main thread of the line's Redis does not last"), "{large}");
    let polls = capacity(&["--fans", "20000", "--drain", "600", "--sockets", "0%"]).await;
    let figure = |text: &str, name: &str| -> String {
        let line = text.lines().find(|line| line.trim_start().starts_with(name)).unwrap();
        line.split_whitespace().last().unwrap().to_owned()
    };
    assert_eq!(figure(&polls, "messages a second"), "0");
    assert_eq!(figure(&polls, "polls a second"), "1,700");
    let none = loadtest().args(["capacity", "--fans", "0"]).output().await.unwrap();
    assert!(text(&none).contains("a whole number from 1 to 10000000 is needed"));
}
