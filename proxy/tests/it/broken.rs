//! What newcomers get wrong in `rooms.toml`: each time the message says where and what would be right, at the start, in a
//! running edge and on SIGHUP, and what is in force stays.

use serde_json::{Value, json};

use crate::admin::get;
use crate::harness::{Edge, command, files, room};
use crate::shop::Shop;

const GOOD: &str = "mode = \"paused\"\ndrain_per_minute = 77";

/// What is written, and the message behind the folder's name: mistakes of the text itself, and of where things stand in it.
fn ill_formed() -> Vec<(Vec<u8>, &'static str)> {
    let with = |line: &str| room(&format!("{GOOD}\n{line}")).into_bytes();
    let latin = [room(GOOD).as_bytes(), b"message = \"\xe9t\xe9\"\n"].concat();
    let utf16: Vec<u8> = room(GOOD).encode_utf16().flat_map(u16::to_le_bytes).collect();
    let lane = "[[room.lane]]\nname = \"general\"\n";
    vec![
        (latin, "rooms.toml:7:12: found the byte 0xE9, which is not UTF-8; save it as UTF-8"),
        ([0xff, 0xfe].into_iter().chain(utf16).collect(), "rooms.toml: found UTF-16; save it as UTF-8"),
        (
            with("max_active = 0").into_iter().rev().chain(*b"\xbf\xbb\xef").rev().collect(),
            "rooms.toml:7:14: `room.max_active`: found 0; a whole number from 1 to ",
        ),
        (
            with(&format!("# {}", "x".repeat(1 << 20))),
            "rooms.toml: found 1048744 bytes; at most 1048576 are a configuration",
        ),
        (
            with(&format!("message = \"{}\"", "x".repeat(900_000))),
            "rooms.toml:7:11: `room.message`: found 900000 bytes; at most 2000 bytes are needed",
        ),
        (
            with(&format!("{} = 1", "x".repeat(900_000))),
            "rooms.toml:7:1: `room.xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx`: there is no such field",
        ),
        (with(&format!("paths = {}", "[".repeat(500_000))), "rooms.toml:7:"),
        (
            with("max_active = 99999999999999999999"),
            "rooms.toml:7:14: `room.max_active`: found 99999999999999999999; a number of at most 18 digits is needed",
        ),
        (
            with(&format!("max_active = {}", "9".repeat(50))),
            "rooms.toml:7:14: `room.max_active`: found 99999999999999999999999999999999999999999999999999; a number of at most \
             18 digits is needed",
        ),
        (
            with(&format!("{lane}{lane}weight = 3")),
            "rooms.toml:10:8: `room.lane.name`: found \"general\" a second time; each lane needs a name of its own",
        ),
        (
            with("[[room.lanes]]\nname = \"general\""),
            "rooms.toml:7:8: `room.lanes`: there is no such field; did you mean `lane`?",
        ),
        (
            with("lane = \"general\""),
            "rooms.toml:7:8: `room.lane`: found \"general\"; each is a table of its own: a line [[room.lane]], and what it \
             has below it",
        ),
        (
            with("template = \"waiting.html\""),
            "rooms.toml:7:1: `room.template`: there is no such field here; it is one of [room.pages]: move it below a line \
             [room.pages]",
        ),
        (
            with("[room.pages]\ntemplat = \"waiting.html\""),
            "rooms.toml:8:1: `room.pages.templat`: there is no such field; did you mean `template`?",
        ),
        (
            with("[[lane]]\nname = \"general\""),
            "rooms.toml:7:3: `lane`: there is no such table here; did you mean [[room.lane]]?",
        ),
        (with("message = \"a\0b\""), "rooms.toml:7:13: found the control character U+0000; take it out"),
        (
            with("message = \"a\\u0007b\""),
            "rooms.toml:7:11: `room.message`: found the control character U+0007; characters that can be read are needed",
        ),
    ]
}

/// What is written, and the message behind the folder's name.
fn broken() -> Vec<(String, &'static str)> {
    let with = |line: &str| room(&format!("{GOOD}\n{line}"));
    vec![
        (
            room("mode = \"paused\"\ndrain_per_minute = 0.5"),
            "rooms.toml:6:20: `room.drain_per_minute`: found 0.5; a whole number is needed, without a point and without quotes, \
             such as 60",
        ),
        (
            with("session = 10"),
            "rooms.toml:7:11: `room.session`: found 10; a time in quotes and with its unit is needed, such as \"10s\", \"10m\" \
             or \"10h\"",
        ),
        (
            room(GOOD).replace("[[room]]", "[room]"),
            "rooms.toml:1:1: `room`: found [room]; there may be several, so each begins with [[room]], in two pairs of \
             brackets",
        ),
        (
            with("[[room.bypass]]\nname = \"office\"\nmethods = [\"PUT\"]\nmax_active = 500"),
            "rooms.toml:10:1: `room.bypass.max_active`: there is no such field in [[room.bypass]]; it is one of its [[room]], \
             and whatever stands below [[room.bypass]] belongs to that: move the line above [[room.bypass]]",
        ),
        (
            with("burst = -1"),
            "rooms.toml:7:9: `room.burst`: found -1; a whole number from 1 to 6000000 is needed",
        ),
        (
            with("waiting_max = 200000000"),
            "rooms.toml:7:15: `room.waiting_max`: found 200000000; a whole number from 1 to 100000000 is needed",
        ),
        (
            room(&GOOD.replace("= 77", "= -1")),
            "rooms.toml:6:20: `room.drain_per_minute`: found -1; a whole number from 0 to 6000000 is needed",
        ),
        (
            with("session = \"2h\""),
            "rooms.toml:7:11: `room.session_max`: found 1h, the default; a time from 2h to 7d is needed",
        ),
        (
            with("drain_min = 500\ndrain_max = 50"),
            "rooms.toml:7:13: `room.drain_min`: found 500; a whole number from 1 to 50 is needed",
        ),
        (
            with("opens_at = \"tomorrow at eight\""),
            "rooms.toml:7:12: `room.opens_at`: found \"tomorrow at eight\"; a date and time with its offset is needed, such as \
             2027-05-01T10:00:00Z or 2027-05-01T12:00:00+02:00",
        ),
        (
            with("message = Back at nine"),
            "rooms.toml:7:11: `room.message`: found Back at nine; a text has to stand in quotes: message = \"Back at nine\"",
        ),
        (
            with("max_active = many"),
            "rooms.toml:7:14: `room.max_active`: found many; a whole number is needed, without a point and without quotes, such \
             as 60",
        ),
        (
            with("case_sensitive = yes"),
            "rooms.toml:7:18: `room.case_sensitive`: found yes; true or false is needed, without quotes",
        ),
        (
            with("[[room.lane]]\nname = \"general\"\nweight = heavy"),
            "rooms.toml:9:10: `room.lane.weight`: found heavy; a whole number is needed",
        ),
        (
            with("max_activ = 500"),
            "rooms.toml:7:1: `room.max_activ`: there is no such field; did you mean `max_active`?",
        ),
        (
            room(GOOD).replace("paths = [", "paths = ").replace("\"/api/reservations/*\"]", "\"/x\""),
            "rooms.toml:3:23: `room.paths`: ",
        ),
        (
            with("drain_per_minute = 5"),
            "rooms.toml:7:1: `room.drain_per_minute`: the key stands there for the second time",
        ),
        (
            with("hosts = [\"https://shop.example\"]"),
            "rooms.toml:7:10: `room.hosts`: found \"https://shop.example\"; a host name",
        ),
    ]
}

#[test]
fn a_check_says_what_is_wrong_where_and_what_would_be_right() {
    for (text, message) in broken() {
        let folder = tempfile::tempdir().unwrap();
        let (edge, rooms) = files(&folder, "[upstream]\naddress = \"127.0.0.1:9090\"", &text);
        let output =
            command().arg("--config").arg(edge).arg("--rooms").arg(rooms).arg("--check").output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(64), "{text}\n{said}");
        assert!(said.contains(&format!("/{message}")), "{text}\n{said}\n{message}");
    }
    for (bytes, message) in ill_formed() {
        let folder = tempfile::tempdir().unwrap();
        let (edge, rooms) = files(&folder, "[upstream]\naddress = \"127.0.0.1:9090\"", "");
        std::fs::write(&rooms, bytes).unwrap();
        let output =
            command().arg("--config").arg(edge).arg("--rooms").arg(rooms).arg("--check").output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(64), "{message}\n{said}");
        assert!(said.contains(&format!("/{message}")) && said.len() < 1000, "{said}\n{message}");
    }
    let output = command().args(["--listen", "8080", "--check"]).output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.code() == Some(64) && said.contains("such as 127.0.0.1:8080"), "{said}");
}

#[tokio::test]
async fn a_running_edge_says_the_same_and_goes_on_as_it_was() {
    let shop = Shop::start().await;
    let edge = Edge::start(&shop, &room(GOOD));
    let problem = async || get(&edge, "/rooms").await["problem"].clone();
    let before = get(&edge, "/rooms").await;
    let configuration =
        |rooms: &Value| (rooms["revision"].clone(), rooms["rooms"][0]["configuration"].clone());
    for (index, (text, message)) in broken().into_iter().enumerate() {
        // Every second time the file is put there and a signal asks for it; else it is noticed.
        edge.rewrite(&text);
        if index % 2 == 1 {
            edge.signal("HUP");
        }
        let deadline = std::time::Instant::now() + crate::harness::PATIENCE;
        while !problem().await.as_str().is_some_and(|problem| problem.contains(&format!("/{message}"))) {
            assert!(std::time::Instant::now() < deadline, "{message}\n{}", problem().await);
            tokio::time::sleep(std::time::Duration::from_millis(100)).await;
        }
        let now = get(&edge, "/rooms").await;
        assert_eq!(configuration(&now), configuration(&before), "{message}");
    }
    for (bytes, message) in ill_formed() {
        std::fs::write(edge.rooms_file(), bytes).unwrap();
        let deadline = std::time::Instant::now() + crate::harness::PATIENCE;
        while !problem().await.as_str().is_some_and(|problem| problem.contains(&format!("/{message}"))) {
            assert!(std::time::Instant::now() < deadline, "{message}\n{}", problem().await);
            tokio::time::sleep(std::time::Duration::from_millis(100)).await;
        }
        let now = get(&edge, "/rooms").await;
        assert_eq!(configuration(&now), configuration(&before), "{message}");
    }
    // What is changed elsewhere does not make the file any better.
    crate::admin::post(&edge, "/rooms/demo/pause", &json!({})).await;
    assert!(problem().await.is_string(), "the edge would not start with this file");
    crate::admin::post(&edge, "/rooms/demo/resume", &Value::Null).await;
    let before = get(&edge, "/rooms").await;
    // A mark of UTF-8 at the beginning means nothing.
    edge.rewrite(&format!("\u{feff}{}", room(GOOD)));
    let deadline = std::time::Instant::now() + crate::harness::PATIENCE;
    while !problem().await.is_null() {
        assert!(std::time::Instant::now() < deadline);
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    }
    assert_eq!(get(&edge, "/rooms").await["revision"], before["revision"]);
}
