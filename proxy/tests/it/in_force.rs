//! What `--print-config` and `--explain` show is what is in force in the fleet, not what is in a file.

use reqwest::Method;
use serde_json::json;

use crate::admin::{answer, call};
use crate::harness::{Edge, OPERATOR, command, room};
use crate::shop::Shop;
use crate::store_away::Redis;

fn told(edge: &Edge, arguments: &[&str]) -> String {
    let mut command = command();
    command.arg("--config").arg(edge.folder.path().join("edge.toml"));
    command.arg("--rooms").arg(edge.folder.path().join("rooms.toml"));
    let output = command.args(arguments).output().unwrap();
    let said = String::from_utf8([output.stdout, output.stderr].concat()).unwrap();
    assert!(output.status.success(), "{said}");
    said
}

async fn change(edge: &Edge) {
    let keys = json!({ "drain_per_minute": 240, "mode": "paused" });
    let (status, said) = answer(call(edge, OPERATOR, Method::PATCH, "/rooms/demo").json(&keys)).await;
    assert_eq!(status, 200, "{said}");
}

#[tokio::test]
async fn what_is_in_force_in_the_fleet_is_printed_and_explained() {
    let (shop, redis) = (Shop::start().await, Redis::start(None));
    let edge = Edge::start_with(&redis.edge_file(&shop), &room("mode = \"auto\"\ndrain_per_minute = 60"));
    let printed = told(&edge, &["--print-config=rooms"]);
    assert!(printed.starts_with("# rooms.toml: in force in the fleet, by its store, revision "), "{printed}");
    assert!(!printed.contains("otherwise") && printed.contains("\ndrain_per_minute = 60\n"), "{printed}");
    change(&edge).await;
    let printed = told(&edge, &["--print-config=rooms"]);
    for line in [
        "rooms.toml says otherwise; from there to what is in force:\n",
        "#   demo: drain_per_minute 60 → 240\n",
        "#   demo: mode \"auto\" → \"paused\"\n",
        "\ndrain_per_minute = 240\n",
        "\nmode = \"paused\"\n",
    ] {
        assert!(printed.contains(line), "{line}: {printed}");
    }
    let explained = told(&edge, &["--explain", "demo"]);
    assert!(explained.starts_with("rooms: in force in the fleet, by its store, revision "), "{explained}");
    assert!(explained.contains("\nmode: paused"), "{explained}");
    // The files alone, and where the store is not to be had, are said to be so.
    let of_files = told(&edge, &["--print-config=rooms", "--files-only"]);
    assert!(of_files.starts_with("# rooms.toml: of the file, revision "), "{of_files}");
    assert!(of_files.contains("\ndrain_per_minute = 60\n"), "{of_files}");
    assert!(told(&edge, &["--explain", "demo", "--files-only"]).contains("\nmode: auto"));
    drop(redis);
    let printed = told(&edge, &["--print-config"]);
    assert!(printed.contains("what is in force is not known: the store is unavailable"), "{printed}");
    assert!(printed.contains("\ndrain_per_minute = 60\n"), "{printed}");
}

#[tokio::test]
async fn a_line_of_one_edge_is_said_to_be_asked_there() {
    let shop = Shop::start().await;
    let edge = Edge::start(&shop, &room("mode = \"auto\"\ndrain_per_minute = 60"));
    change(&edge).await;
    let printed = told(&edge, &["--print-config=rooms"]);
    assert!(printed.lines().next().unwrap().contains("GET /api/v1/configuration"), "{printed}");
    assert!(told(&edge, &["--explain", "demo"]).contains("the edge has the line to itself"));
}
