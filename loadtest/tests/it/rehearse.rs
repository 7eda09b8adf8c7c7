//! `loadtest rehearse`, as an operator runs it, against what can be computed by hand.

use std::fs;
use std::process::Output;

use serde_json::Value;
use tempfile::TempDir;

use crate::support::{loadtest, text};

/// Nobody goes away, nobody stays away: waits are what place and rate say.
const PUNCTUAL: [&str; 6] = ["--leavers", "0%", "--no-shows", "0%", "--without-script", "0%"];

async fn rehearse(rooms: &str, args: &[&str]) -> (TempDir, Output) {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("rooms.toml"), rooms).unwrap();
    fs::write(folder.path().join("arrivals.csv"), "seconds,count\n0,300\n60,0\n120,300\n180,0\n").unwrap();
    let output =
        loadtest().args(["rehearse", "rooms.toml"]).args(args).current_dir(folder.path()).output().await;
    (folder, output.unwrap())
}

async fn figures_of(rooms: &str, args: &[&str]) -> Value {
    let (_folder, output) = rehearse(rooms, &[args, &["--json"]].concat()).await;
    assert!(output.status.success(), "{}", text(&output));
    serde_json::from_slice(&output.stdout).unwrap()
}

fn room(rules: &str) -> String {
    format!("[[room]]\nid = \"sale\"\npaths = [\"/sale/*\"]\nmode = \"always\"\n{rules}\n")
}

#[track_caller]
fn about(figure: &Value, expected: f64, tolerance: f64) {
    let found = figure.as_f64().unwrap();
    assert!((found - expected).abs() <= tolerance, "{found}, and {expected} ± {tolerance} was expected");
}

fn said(figures: &Value, code: &str) -> Option<String> {
    let advice = figures["advice"].as_array().unwrap().iter().find(|advice| advice["code"] == code)?;
    Some(advice["text"].as_str().unwrap().to_owned())
}

#[tokio::test]
async fn at_a_constant_rate_the_wait_is_the_place_over_the_rate() {
    let rooms = room("drain_per_minute = 600\nburst = 10\nmax_active = 1000000");
    let args = [&PUNCTUAL[..], &["--fans", "3000", "--arrivals", "burst:0s"]].concat();
    let figures = figures_of(&rooms, &args).await;
    let wait = &figures["lanes"][0]["wait_seconds"];
    // Ten go at once, then ten a second; each takes two seconds at most from the turn to the shop.
    for (name, place) in [("p50", 1500.0), ("p90", 2700.0), ("p99", 2970.0), ("max", 3000.0)] {
        about(&wait[name], (place - 10.0) / 10.0 + 1.0, 2.0);
    }
    about(&figures["last_in_at"], 300.0, 3.0);
    about(&figures["utilisation"], 1.0, 0.01);
    about(&figures["waiting_max"], 3000.0, 40.0);
    assert_eq!(figures["lanes"][0]["got_in"], 3000);
    assert_eq!(figures["advice"].as_array().unwrap().len(), 0, "{figures}");
}

#[tokio::test]
async fn a_full_shop_lets_in_as_many_as_go() {
    let rooms = room("drain_per_minute = 6000\nmax_active = 100");
    let args = [
        &PUNCTUAL[..],
        &["--fans", "1000", "--arrivals", "burst:0s", "--stay", "fixed:1m", "--finish", "100%"],
    ];
    let figures = figures_of(&rooms, &args.concat()).await;
    // A hundred at a time, each for a minute and the second that they take to come.
    about(&figures["last_in_at"], 9.0 * 61.1, 12.0);
    assert_eq!(figures["active_max"], 100);
    assert!(figures["full_share"].as_f64().unwrap() > 0.9);
    let advice = said(&figures, "max_active").expect("it is said");
    assert!(advice.contains("max_active = 100 was reached") && advice.contains("not 6000"), "{advice}");
}

#[tokio::test]
async fn lanes_share_by_weight() {
    let rooms = room(
        "drain_per_minute = 600\nmax_active = 1000000\n[[room.lane]]\nname = \"general\"\n[[room.lane]]\nname = \"member\"\nweight = 3",
    );
    let args =
        [&PUNCTUAL[..], &["--fans", "4000", "--arrivals", "burst:0s", "--invited", "member=50%"]].concat();
    let figures = figures_of(&rooms, &args).await;
    let [general, member] = [0, 1].map(|lane| &figures["lanes"][lane]);
    about(&member["came"], 2000.0, 120.0);
    // Members have three turns of four until none is left; then all are for the others.
    let members = member["came"].as_f64().unwrap();
    about(&member["wait_seconds"]["p50"], members / 2.0 / 7.5, 4.0);
    about(&member["wait_seconds"]["max"], members / 7.5, 4.0);
    about(&general["wait_seconds"]["max"], 400.0, 4.0);
}

#[tokio::test]
async fn permits_of_turns_that_nobody_takes_come_back() {
    let rooms = room("drain_per_minute = 600\nmax_active = 1000000\nclaim_window = \"30s\"");
    let args = ["--fans", "2000", "--arrivals", "burst:0s", "--leavers", "0%", "--no-shows", "50%"];
    let figures = figures_of(&rooms, &[&args[..], &["--without-script", "0%"]].concat()).await;
    let lane = &figures["lanes"][0];
    about(&lane["no_shows"], 1000.0, 90.0);
    // A thousand at ten a second, and what the first windows cost; twice that without the permits that came back.
    let last = figures["last_in_at"].as_f64().unwrap();
    assert!((100.0..150.0).contains(&last), "{last}");
}

#[tokio::test]
async fn who_leaves_the_page_costs_no_turn() {
    let rooms = room("drain_per_minute = 600\nmax_active = 1000000");
    let args = [
        "--fans",
        "2000",
        "--arrivals",
        "burst:0s",
        "--leavers",
        "50%",
        "--patience",
        "1s",
        "--no-shows",
        "0%",
    ];
    let figures = figures_of(&rooms, &args).await;
    let lane = &figures["lanes"][0];
    let (left, got_in) = (lane["left"].as_f64().unwrap(), lane["got_in"].as_f64().unwrap());
    assert!(left > 850.0 && (left + got_in - 2000.0).abs() < 1.0, "{lane}");
    about(&figures["last_in_at"], got_in / 10.0, 15.0);
}

#[tokio::test]
async fn the_prequeue_waits_for_the_opening_and_then_as_the_draw_says() {
    let rooms = room(
        "drain_per_minute = 600\nmax_active = 1000000\nprequeue_at = 2027-05-01T09:30:00Z\nopens_at = 2027-05-01T10:00:00Z",
    );
    let args = [&PUNCTUAL[..], &["--fans", "2000", "--arrivals", "prequeue"]].concat();
    let drawn = figures_of(&rooms, &args).await;
    about(&drawn["last_in_at"], 200.0, 4.0);
    about(&drawn["lanes"][0]["wait_seconds"]["p50"], 100.0, 4.0);
    let course = drawn["course"].as_array().unwrap();
    let early = course.iter().filter(|at| at["at"].as_f64().unwrap() < 0.0);
    assert_eq!(early.map(|at| at["got_in"].as_u64().unwrap()).sum::<u64>(), 0);
    // Whoever came first waits as long as whoever came last: the order is drawn.
    let waits = drawn["waits"].as_array().unwrap();
    let mean = |waits: &[Value]| {
        waits.iter().map(|wait| wait[1].as_f64().unwrap()).sum::<f64>() / waits.len() as f64
    };
    let (first, last) = waits.split_at(waits.len() / 2);
    assert!((mean(first) - mean(last)).abs() < 20.0, "{} and {}", mean(first), mean(last));

    let (_folder, refused) = rehearse(&room("drain_per_minute = 600"), &["--arrivals", "prequeue"]).await;
    assert!(!refused.status.success() && text(&refused).contains("`prequeue_at` and `opens_at` are needed"));
}

#[tokio::test]
async fn the_same_seed_gives_the_same_figures() {
    let rooms = room("drain_per_minute = 600");
    let run = async |seed| figures_of(&rooms, &["--fans", "1500", "--seed", seed]).await;
    let (one, again, other) = (run("7").await, run("7").await, run("8").await);
    assert_eq!(one, again);
    assert_ne!(one["course"], other["course"]);
}

#[tokio::test]
async fn counted_arrivals_are_played_back() {
    let rooms = room("drain_per_minute = 60000\nmax_active = 1000000");
    let figures = figures_of(&rooms, &[&PUNCTUAL[..], &["--arrivals", "arrivals.csv"]].concat()).await;
    assert_eq!(figures["fans"], 600);
    let came = |from: f64, to: f64| -> u64 {
        let course = figures["course"].as_array().unwrap().iter();
        let within = course.filter(|at| (from..to).contains(&at["at"].as_f64().unwrap()));
        within.map(|at| at["came"].as_u64().unwrap()).sum()
    };
    assert_eq!((came(0.0, 65.0), came(65.0, 119.0), came(119.0, 190.0)), (300, 0, 300));
}

#[tokio::test]
async fn the_rate_adapts_to_what_the_shop_can_take() {
    let args = ["--fans", "12000", "--arrivals", "burst:10s", "--stay", "fixed:30s", "--shop-capacity", "60"];
    let blind = figures_of(&room("drain_per_minute = 1200\nmax_active = 1000000"), &args).await;
    let rules = "drain_per_minute = 1200\ndrain_min = 60\ndrain_max = 2400\nmax_active = 1000000";
    let adaptive = figures_of(&room(rules), &args).await;
    // 1,200 a minute who ask for twelve a minute each, for half a minute: 120 requests a second of 60.
    let failed = |figures: &Value| figures["shop_failed"].as_f64().unwrap();
    assert!(failed(&blind) > 0.2, "{}", failed(&blind));
    assert!(failed(&adaptive) < failed(&blind) / 2.0, "{} and {}", failed(&adaptive), failed(&blind));
    assert!(adaptive["rate_range"][0].as_u64().unwrap() < 900, "{}", adaptive["rate_range"]);
    assert!(said(&blind, "shop").expect("it is said").contains("of 60 that it can answer"));
}

#[tokio::test]
async fn what_does_not_fit_is_said() {
    let rules = "drain_per_minute = 60\nclaim_window = \"5s\"\nwaiting_max = 1000\nsession = \"3s\"\nsession_max = \"1m\"";
    let figures =
        figures_of(&room(rules), &["--fans", "4000", "--arrivals", "burst:0s", "--without-script", "20%"])
            .await;
    for (code, part) in [
        ("claim_window", "claim_window = 5 s is shorter than the 20 s"),
        ("waiting_max", "waiting_max = 1,000"),
        ("session", "session = 3 s is shorter than the 5 s"),
        ("session_max", "session_max = 1 min"),
    ] {
        let advice =
            said(&figures, code).unwrap_or_else(|| panic!("{code} is not said: {}", figures["advice"]));
        assert!(advice.contains(part), "{advice}");
    }
    let long = figures_of(
        &room("drain_per_minute = 60\nmax_active = 100000"),
        &[&PUNCTUAL[..], &["--fans", "4000", "--arrivals", "burst:0s"]].concat(),
    )
    .await;
    let advice = said(&long, "long_wait").expect("it is said");
    assert!(advice.contains("the last of 4,000 fans waits 1 h "), "{advice}");
    let off = room("drain_per_minute = 600").replace("always", "off");
    assert!(said(&figures_of(&off, &["--fans", "10"]).await, "mode").is_some());
}

#[tokio::test]
async fn what_cannot_be_rehearsed_is_said_as_the_edge_says_it() {
    let good = room("drain_per_minute = 600");
    let two = format!("{good}{}", good.replace("sale", "other"));
    for (rooms, args, part) in [
        (good.as_str(), &["--room", "sail"][..], "rooms.toml has no room `sail`; there are: sale"),
        (&two, &[], "rooms.toml has several rooms; --room names one of: sale, other"),
        (&room("drain_per_minute = -1"), &[], "rooms.toml:5:20: `room.drain_per_minute`: found -1; "),
        (&room("drain_per_minit = 1"), &[], "did you mean `drain_per_minute`?"),
        (&good, &["--fans", "2000001"], "a whole number from 1 to 2000000"),
        (&good, &["--fans", "0"], "a whole number from 1 to 2000000"),
        (&good, &["--afterwards", "8d"], "at most 7d"),
        (&good, &["--no-shows", "101%"], "a percentage from 0% to 100%"),
        (&good, &["--invited", "member=20%"], "has only: general"),
        (&good, &["--invited", "general=80%", "--invited", "member=80%"], "160 % together"),
        (&good, &["--arrivals", "none.csv"], "--arrivals: none.csv: cannot be read"),
        (&good, &["--arrivals", "wave:5m"], "--arrivals: found \"wave:5m\""),
    ] {
        let (_folder, output) = rehearse(rooms, args).await;
        assert!(!output.status.success() && text(&output).contains(part), "{args:?}: {}", text(&output));
    }
    let output = loadtest().args(["rehearse", "nowhere.toml"]).output().await.unwrap();
    assert!(text(&output).contains("nowhere.toml: cannot be read"), "{}", text(&output));
}

#[tokio::test]
async fn the_table_and_the_page_say_the_same_and_the_page_loads_nothing() {
    let args = ["--fans", "1500", "--report", "report.html"];
    let (folder, output) = rehearse(&room("drain_per_minute = 600"), &args).await;
    let table = text(&output);
    assert!(
        output.status.success() && table.contains("room sale: 1,500 fans, arrivals burst:3m, seed 1"),
        "{table}"
    );
    let page = fs::read_to_string(folder.path().join("report.html")).unwrap();
    let line = table.lines().find(|line| line.contains("longest line")).unwrap();
    assert!(page.contains(line.trim().trim_start_matches("longest line").trim()), "{line}");
    assert_eq!(page.matches("<svg").count(), 7);
    for loads in ["<script", "http:", "https:", "url(", "src="] {
        assert!(!page.contains(loads), "{loads}");
    }
}
