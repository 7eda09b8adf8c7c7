//! What the edge says of itself (`GET /.waiting-room/openapi.json`) is what it does: it answers nothing that the document does
//! not name, and all that the document names was seen.

mod away;
mod lines;
mod links;
mod witness;

use std::collections::BTreeSet;
use std::process::Command;

use reqwest::Method;

use crate::harness::{Edge, STANDING, browser, room};
use crate::shop::Shop;
use witness::Witness;

/// What no test brings about, for it takes a machine without randomness.
const NOT_SEEN: [&str; 2] = ["post /{room}/ticket 503 store_away", "post /{room}/ticket 503 work"];

#[tokio::test]
async fn every_call_status_and_code_of_the_document_is_answered_and_no_other() {
    let shop = Shop::start().await;
    let edge = Edge::start(&shop, &room(STANDING));
    let mut witness = Witness::of(&edge).await;
    for call in witness.calls() {
        if call.contains("{room}") {
            let path = call.split_once(' ').unwrap().1.replace("{room}", "nowhere");
            let nowhere = witness.ask(&edge, &browser(), &call, &path, &[]).await;
            assert_eq!((nowhere.status, nowhere.code()), (404, "no_room"), "{call}");
        }
    }
    let noted = away::sees(&mut witness, &shop).await;
    lines::see(&mut witness, &shop, &noted).await;
    links::see(&mut witness, &shop, &noted).await;
    let missing: Vec<_> = witness.not_seen().into_iter().collect();
    assert_eq!(missing, NOT_SEEN, "named by the document, and seen nowhere");
}

#[tokio::test]
async fn other_methods_and_paths_are_told_so() {
    let shop = Shop::start().await;
    let edge = Edge::start(&shop, &room(STANDING));
    let witness = Witness::of(&edge).await;
    let calls = witness.calls();
    let paths: BTreeSet<&str> = calls.iter().map(|call| call.split_once(' ').unwrap().1).collect();
    for path in paths {
        let documented: BTreeSet<String> = calls
            .iter()
            .filter_map(|call| call.split_once(' ').filter(|(_, of)| *of == path))
            .map(|(method, _)| method.to_uppercase())
            .collect();
        let url = edge.url(&format!("/.waiting-room{}", path.replace("{room}", "demo")));
        for method in [Method::GET, Method::POST, Method::PUT, Method::PATCH, Method::DELETE, Method::OPTIONS]
        {
            let answer = browser().request(method.clone(), &url).send().await.unwrap();
            let is_documented = documented.contains(method.as_str());
            assert_eq!(answer.status() != 405, is_documented, "{method} {path}: {}", answer.status());
            if is_documented {
                continue;
            }
            let allowed = answer.headers()["allow"].to_str().unwrap();
            let allowed = allowed.split(", ").filter(|method| *method != "HEAD").map(str::to_owned);
            assert_eq!(allowed.collect::<BTreeSet<_>>(), documented, "{method} {path}");
        }
    }
    for path in ["", "/", "/demo/other", "/demo/ticket/x"] {
        let answer = browser().get(edge.url(&format!("/.waiting-room{path}"))).send().await.unwrap();
        assert_eq!(answer.status(), 404, "{path}");
        assert_eq!(answer.json::<serde_json::Value>().await.unwrap()["code"], "not_found", "{path}");
    }
}

/// What may be asked and what is answered is as the document says, whoever asks it.
#[test]
fn the_document_of_the_edge_is_true() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let edge = runtime.block_on(async { Edge::start(&Shop::start().await, &room(STANDING)) });
    let tool = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/tools/bin/schemathesis");
    // Whatever room it names, this one is asked.
    std::fs::write(edge.folder.path().join("schemathesis.toml"), "[parameters]\nroom = \"demo\"\n").unwrap();
    let mut command = Command::new(&tool);
    command
        .current_dir(edge.folder.path())
        .arg("run")
        .arg(edge.url("/.waiting-room/openapi.json"))
        .args(["--max-examples", "10", "--phases", "coverage,fuzzing", "--no-color"])
        // Tickets and codes are signed: none that is made up is taken. A `to` that is no path leads to the first page.
        .args(["--exclude-checks", "positive_data_acceptance,negative_data_rejection"]);
    let said = command.output().unwrap_or_else(|error| {
        panic!("{}: {error}; `.ci/tools test` installs schemathesis", tool.display())
    });
    assert!(said.status.success(), "{}", String::from_utf8_lossy(&said.stdout));
    assert!(!edge.log().concat().contains("panicked"));
}
