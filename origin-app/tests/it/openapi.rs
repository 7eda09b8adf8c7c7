//! The document of the API says what there is, and what there is does as it says.

use std::process::Command;

use crate::binary::Process;
use crate::support::{Database, ORGANISER_TOKEN, Shop};

#[tokio::test(flavor = "multi_thread")]
async fn the_document_has_every_call() {
    let shop = Shop::open(&Database::in_memory()).await;
    let answer = shop.fan().get("/api/openapi.json").await;
    assert_eq!(answer.status, 200);
    let document = answer.json();
    for (path, methods) in [
        ("/api/health", &["get"][..]),
        ("/api/events", &["get", "post"]),
        ("/api/events/{event}", &["get", "patch"]),
        ("/api/events/{event}/seats", &["get"]),
        ("/api/events/{event}/warm-up", &["post"]),
        ("/api/reservations", &["get", "post"]),
        ("/api/reservations/{reservation}", &["get", "delete"]),
        ("/api/reservations/{reservation}/payment", &["post"]),
        ("/api/auth/signup", &["post"]),
        ("/api/auth/login", &["post"]),
    ] {
        for method in methods {
            let operation = &document["paths"][path][method];
            assert!(operation.is_object(), "{method} {path} is not in the document");
            let refused = &operation["responses"]["default"]["content"]["application/problem+json"];
            assert_eq!(refused["schema"]["$ref"], "#/components/schemas/Problem", "{method} {path}");
        }
    }
    let costs = document["paths"]["/api/reservations"]["post"]["parameters"].to_string();
    assert!(costs.contains("Idempotency-Key"), "{costs}");
}

/// What may be asked and what is answered is as the document says, whoever asks it; and nothing makes the shop fail.
#[tokio::test(flavor = "multi_thread")]
async fn the_document_of_the_api_is_true() {
    for database in [Database::sqlite(), Database::postgres().await] {
        let shop = Process::start(&database, "require_edge = false\n").await;
        shop.edge.create_demo(&[("A", 20)]).await;
        let tool = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/tools/bin/schemathesis");
        let folder = tempfile::tempdir().unwrap();
        let mut command = Command::new(&tool);
        command
            .current_dir(folder.path())
            .arg("run")
            .arg(format!("http://{}/api/openapi.json", shop.edge.address))
            .args(["--header", &format!("Authorization: Bearer {ORGANISER_TOKEN}")])
            .args(["--max-examples", "15", "--phases", "coverage,fuzzing", "--no-color"])
            // Ids, addresses and the like are made up: hardly any is of something that is there.
            .args(["--exclude-checks", "positive_data_acceptance"]);
        let said = tokio::task::spawn_blocking(move || command.output()).await.unwrap();
        let said = said.unwrap_or_else(|error| {
            panic!("{}: {error}; `.ci/tools test` installs schemathesis", tool.display())
        });
        assert!(said.status.success(), "{}", String::from_utf8_lossy(&said.stdout));
        let log = shop.log().concat();
        assert!(!log.contains("panicked") && !log.contains("\"ERROR\""), "{log}");
    }
}
