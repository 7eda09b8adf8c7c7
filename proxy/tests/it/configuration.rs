//! Bad configuration says what is wrong, where, and what would be right.

use std::process::Output;

use crate::harness::{command, files, room};

const GOOD: &str = "[upstream]\naddress = \"127.0.0.1:9090\"";

/// Rules with all that may be left out.
const RULES: &str = "prequeue_at = \"2027-05-01T08:00:00Z\"\nopens_at = 2027-05-01T12:00:00+02:00\n\
                     closes_at = 2027-05-02T00:00:00Z\ndrain_per_minute = 77\ndrain_min = 7\ndrain_max = 99";

fn run(edge: &str, rooms: &str, arguments: &[&str]) -> Output {
    let folder = tempfile::tempdir().unwrap();
    let (edge, rooms) = files(&folder, edge, rooms);
    command().arg("--config").arg(edge).arg("--rooms").arg(rooms).args(arguments).output().unwrap()
}

/// The message as it would be without the column behind the line; `broken` looks at that.
fn without_column(message: &str) -> String {
    let (place, rest) = message.split_once(": `").unwrap_or((message, ""));
    match place.rsplit_once(':') {
        Some((place, column)) if column.bytes().all(|byte| byte.is_ascii_digit()) => {
            format!("{place}: `{rest}")
        }
        _ => message.to_owned(),
    }
}

#[test]
fn a_bad_configuration_is_explained() {
    let rooms = room("");
    let with = |line: &str| room(line);
    for (edge, rooms, parts) in [
        (
            GOOD,
            with("bind_tokens = \"address\""),
            vec!["rooms.toml:5: `room.bind_tokens`", "\"address\"", "\"network-and-browser\" is needed"],
        ),
        (
            "lisen = \"127.0.0.1:1\"\n[upstream]\naddress = \"a:1\"",
            rooms.clone(),
            vec!["edge.toml:1: `lisen`", "`listen`"],
        ),
        (
            "listen = \"nowhere\"\n[upstream]\naddress = \"a:1\"",
            rooms.clone(),
            vec!["edge.toml:1: `listen`", "\"nowhere\"", "IP address"],
        ),
        ("\n[limits]", rooms.clone(), vec!["edge.toml", "`upstream`", "missing"]),
        (
            "[upstream]\naddress = \"shop\"",
            rooms.clone(),
            vec!["edge.toml:2: `upstream.address`", "\"shop\"", "host:port"],
        ),
        ("[upstream]\naddress = 5", rooms.clone(), vec!["edge.toml:2", "address"]),
        (
            "admin_listen = \"0.0.0.0:1\"\n[upstream]\naddress = \"a:1\"",
            rooms.clone(),
            vec!["edge.toml:1: `admin_listen`", "loopback"],
        ),
        (
            "admin_hosts = [\"edge-1\", \"edge-1:8081\"]\n[upstream]\naddress = \"a:1\"",
            rooms.clone(),
            vec!["edge.toml:1: `admin_hosts`", "\"edge-1:8081\"", "without a port"],
        ),
        (
            "[store]\nkind = \"redis\"\nurl = \"redis://a:1\"\npath = \"line\"\n[upstream]\naddress = \"a:1\"",
            rooms.clone(),
            vec!["edge.toml:4: `store.path`", "Redis keeps the line"],
        ),
        (
            "[store]\nkind = \"redis\"\n[upstream]\naddress = \"a:1\"",
            rooms.clone(),
            vec!["edge.toml:2: `store.url`", "redis://"],
        ),
        (
            "[store]\nkind = \"redis\"\nurl = \"redis+cluster://a:1,b\"\n[upstream]\naddress = \"a:1\"",
            rooms.clone(),
            vec!["edge.toml:3: `store.url`", "`b` is no address", "redis+cluster://"],
        ),
        (
            "public_scheme = \"ftp\"\n[upstream]\naddress = \"a:1\"",
            rooms.clone(),
            vec!["edge.toml:1: `public_scheme`", "\"http\" or \"https\""],
        ),
        (
            "[upstream]\naddress = \"a:1\"\nread_timeout = \"soon\"",
            rooms.clone(),
            vec!["edge.toml:3: `upstream.read_timeout`", "\"soon\"", "\"30s\""],
        ),
        (
            "[upstream]\naddress = \"a:1\"\n[[listen]]\naddress = \"127.0.0.1:1\"\nredirect_to_https = 443",
            rooms.clone(),
            vec![
                "edge.toml:3: `listen.redirect_to_https`",
                "nobody who speaks TLS",
                "`public_scheme = \"https\"`",
            ],
        ),
        (
            "public_scheme = \"https\"\n[upstream]\naddress = \"a:1\"\n[[listen]]\naddress = \"127.0.0.1:1\"\nredirect_to_https = 0",
            rooms.clone(),
            vec!["edge.toml:6: `listen.redirect_to_https`", "found 0", "from 1 to 65535"],
        ),
        (
            "[upstream]\naddress = \"a:1\"\n[[listen]]\naddress = \"127.0.0.1:1\"\n[[listen.certificates]]\ncertificate = \"a\"\nkey = \"b\"",
            rooms.clone(),
            vec!["edge.toml:5: `listen.certificates`", "where no name fits"],
        ),
        (
            "[upstream]\naddress = \"a:1\"\nfirst_byte_timeout = \"90s\"",
            rooms.clone(),
            vec!["edge.toml:3: `upstream.first_byte_timeout`", "\"90s\"", "to 1m"],
        ),
        (
            "[upstream]\naddress = \"a:1\"\nprotocol = \"http2\"\nfirst_byte_timeout = \"9s\"",
            rooms.clone(),
            vec!["edge.toml:4: `upstream.first_byte_timeout`", "share a connection"],
        ),
        (
            "[upstream]\naddress = \"a:1\"\n[limits]\nconnections = 0",
            rooms.clone(),
            vec!["edge.toml:4: `limits.connections`", "found 0", "from 1"],
        ),
        (
            "[upstream]\naddress = \"a:1\"\n[cdn]\naddress_header = \"X-Forwarded-For\"",
            rooms.clone(),
            vec!["edge.toml:4: `cdn.address_header`", "`trusted_proxies` is needed"],
        ),
        (
            "[upstream]\naddress = \"a:1\"\n[cdn]\ntrusted_proxies = [\"10.1.0.0/8\"]",
            rooms.clone(),
            vec!["edge.toml:4: `cdn.trusted_proxies`", "\"10.0.0.0/8\" is perhaps meant"],
        ),
        (
            "[upstream]\naddress = \"a:1\"\n[cdn]\nsecret_header = \"X-Edge-Secret\"",
            rooms.clone(),
            vec!["STANCHION_CDN_SECRET", "`cdn.secret_file`"],
        ),
        (
            GOOD,
            with("[[room.bypass]]\nname = \"all\""),
            vec!["rooms.toml:6: `room.bypass`", "would open the room to everybody"],
        ),
        (
            GOOD,
            with("[[room.bypass]]\nname = \"one\"\nnetworks = [\"somewhere\"]"),
            vec!["rooms.toml:7: `room.bypass.networks`", "\"203.0.113.0/24\""],
        ),
        (
            GOOD,
            with("public_paths = [\"/a/*\", \"assets/*\"]"),
            vec!["rooms.toml:5: `room.public_paths`", "\"assets/*\"", "\"/event/*\""],
        ),
        ("[upstream\naddress", rooms.clone(), vec!["edge.toml:1"]),
        (GOOD, with("mode = \"sometimes\""), vec!["rooms.toml:5: `room.mode`", "\"sometimes\"", "\"auto\""]),
        (
            GOOD,
            with("drain_per_minut = 5"),
            vec!["rooms.toml:5: `room.drain_per_minut`", "`drain_per_minute`"],
        ),
        (GOOD, with("max_active = 0"), vec!["rooms.toml:5: `room.max_active`", "found 0"]),
        (GOOD, with("session = \"1h\"\nsession_max = \"10m\""), vec!["rooms.toml:6: `room.session_max`"]),
        (
            GOOD,
            with("opens_at = \"noon\""),
            vec!["rooms.toml:5: `room.opens_at`", "\"noon\"", "2027-05-01T10:00:00Z"],
        ),
        (
            GOOD,
            with("opens_at = 2027-05-01T10:00:00"),
            vec!["rooms.toml:5: `room.opens_at`", "with its offset"],
        ),
        (
            GOOD,
            with("prequeue_at = 2027-05-01T10:00:00Z\nopens_at = 2027-05-01T10:00:34Z"),
            vec!["rooms.toml:6: `room.opens_at`", "found 2027-05-01T10:00:34Z", "at least 35 s"],
        ),
        (
            GOOD,
            with("prequeue_at = 2027-05-01T10:00:00Z"),
            vec!["rooms.toml:5: `room.prequeue_at`", "needs an opening"],
        ),
        (
            GOOD,
            with("opens_at = 2027-05-01T10:00:00Z\ncloses_at = 2027-05-01T10:00:00Z"),
            vec!["rooms.toml:6: `room.closes_at`", "after `opens_at`"],
        ),
        (GOOD, with("drain_min = 10"), vec!["rooms.toml:5: `room.drain_min`", "`drain_max` is needed"]),
        (GOOD, with("drain_max = 10"), vec!["rooms.toml:5: `room.drain_max`", "`drain_min` is needed"]),
        (GOOD, with("drain_min = 10\ndrain_max = 5"), vec!["rooms.toml:5: `room.drain_min`", "found 10"]),
        (GOOD, with("[[room.lane]]\nname = \"A\""), vec!["rooms.toml:6: `room.lane.name`", "\"A\""]),
        (GOOD, rooms.replace("\"demo\"", "\"De mo\""), vec!["rooms.toml:2: `room.id`", "\"De mo\""]),
        (
            GOOD,
            rooms.replace("/events/demo/*", "/events/**/demo"),
            vec!["rooms.toml:3: `room.paths`", "/events/**/demo"],
        ),
        (GOOD, format!("{rooms}{rooms}"), vec!["rooms.toml:7: `room.id`", "a second time"]),
        (
            GOOD,
            format!("{rooms}{}", rooms.replace("\"demo\"", "\"two\"")),
            vec!["rooms.toml:8: `room.paths`", "room `demo`"],
        ),
        (GOOD, String::new(), vec!["rooms.toml: found no [[room]]", "at least one is needed", "`paths`"]),
        (GOOD, "room = []".to_owned(), vec!["rooms.toml: found no [[room]]"]),
        (
            GOOD,
            "[[room]]\nid = \"demo\"\ntitle = \"x\"\npaths = []\n".to_owned(),
            vec!["rooms.toml:4: `room.paths`", "found 0 paths", "1 to 256"],
        ),
        (
            "listen = \"127.0.0.1:9\"\nadmin_listen = \"127.0.0.1:9\"\n[upstream]\naddress = \"a:1\"",
            rooms.clone(),
            vec!["edge.toml:2: `admin_listen`", "\"127.0.0.1:9\"", "of its own"],
        ),
        (
            "listen = \"0.0.0.0:8081\"\n[upstream]\naddress = \"a:1\"",
            rooms.clone(),
            vec!["edge.toml:1: `admin_listen`", "\"127.0.0.1:8081\""],
        ),
        (
            "listen = \"0.0.0.0:9090\"\n[upstream]\naddress = [\"a:1\", \"localhost:9090\"]",
            rooms.clone(),
            vec!["edge.toml:3: `upstream.address`", "\"localhost:9090\"", "where this edge listens itself"],
        ),
        (
            "[upstream]\naddress = \"127.0.0.1:8081\"",
            rooms.clone(),
            vec!["edge.toml:2: `upstream.address`", "listens itself (\"127.0.0.1:8081\")"],
        ),
        (
            GOOD,
            rooms.replace("title", "hosts = [\"a:80\"]\ntitle"),
            vec!["rooms.toml:4: `room.hosts`", "without a port"],
        ),
    ] {
        let output = run(edge, &rooms, &["--check"]);
        let message = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(64), "{edge}\n{rooms}\n{message}");
        let bare = without_column(&message);
        for part in parts {
            assert!(bare.contains(part), "`{part}` is missing in: {message}");
        }
        assert_eq!(message.lines().count(), 1, "{message}");
    }
}

#[test]
fn missing_files_and_keys_are_explained() {
    let folder = tempfile::tempdir().unwrap();
    let (edge, rooms) = files(&folder, GOOD, &room(""));
    let output = command().args(["--config", "/nowhere/edge.toml", "--check"]).output().unwrap();
    assert_eq!(output.status.code(), Some(64));
    assert!(String::from_utf8_lossy(&output.stderr).contains("/nowhere/edge.toml: cannot be read"));
    for variable in ["STANCHION_KEYS", "STANCHION_EDGE_KEYS"] {
        let mut command = command();
        command.arg("--config").arg(&edge).arg("--rooms").arg(&rooms).arg("--check");
        let output = command.env_remove(variable).output().unwrap();
        assert_eq!(output.status.code(), Some(64));
        assert!(String::from_utf8_lossy(&output.stderr).contains(variable));
        let output = command.env(variable, "k1:dG9vIHNob3J0LXNlY3JldA").output().unwrap();
        let message = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(64));
        assert!(message.contains("at least 32") && !message.contains("dG9v"), "{message}");
    }
    let output = command().arg("--no-such-flag").output().unwrap();
    assert_eq!(output.status.code(), Some(64));
}

#[test]
fn keys_may_come_from_files() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("keys"), format!("# both\n{}\n", crate::harness::KEYS)).unwrap();
    let edge = format!("keys_file = \"keys\"\nedge_keys_file = \"keys\"\n{GOOD}");
    let (edge, rooms) = files(&folder, &edge, &room(""));
    let mut command = command();
    command.env_clear().arg("--config").arg(edge).arg("--rooms").arg(rooms).arg("--check");
    let output = command.output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
}

#[test]
fn what_is_in_force_is_printed_without_secrets_and_can_be_read_back() {
    let edge = "[store]\nkind = \"redis\"\nurl = \"redis://:hunter2@localhost:6379/1\"\n".to_owned() + GOOD;
    let output = run(&edge, &room(RULES), &["--print-config", "--listen", "127.0.0.1:7777"]);
    let text = String::from_utf8(output.stdout).unwrap();
    assert_eq!(output.status.code(), Some(0));
    for part in ["prequeue_at = 2027-05-01T08:00:00Z", "opens_at = 2027-05-01T10:00:00Z", "drain_max = 99"] {
        assert!(text.contains(part), "{part}: {text}");
    }
    for part in ["drain_per_minute = 77", "listen = \"127.0.0.1:7777\"", "redis://redacted@localhost:6379/1"]
    {
        assert!(text.contains(part), "{part}: {text}");
    }
    for secret in ["hunter2", "AAECAwQF", "ICEiIyQl"] {
        assert!(!text.contains(secret), "{secret}");
    }
    // What follows from the rest is marked, so that it goes on to follow when this is pasted back.
    for line in ["#   burst = 2\n", "#   session = \"10m\"\n", "#   limits.head_bytes = ", "#   threads = "] {
        assert!(text.contains(line), "{line}: {text}");
    }
    assert!(!text.contains("\nburst") && !text.contains("\nthreads"), "{text}");
    let (edge, rooms) = text.split_once("# rooms.toml").unwrap();
    let again = run(edge, &format!("# rooms.toml{rooms}"), &["--print-config"]);
    let again = String::from_utf8(again.stdout).unwrap();
    assert_eq!(again.split_once("revision").unwrap().0, text.split_once("revision").unwrap().0);
}

#[test]
fn what_ships_is_good() {
    let config = concat!(env!("CARGO_MANIFEST_DIR"), "/../config");
    let mut command = command();
    command.args([
        "--config",
        &format!("{config}/edge.toml"),
        "--rooms",
        &format!("{config}/rooms.toml"),
        "--check",
    ]);
    let output = command.output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    assert!(String::from_utf8_lossy(&output.stdout).contains("; 1 room: demo"));
}

#[test]
fn a_check_reads_certificates_too_and_no_flag_makes_a_loop() {
    let listen = "[[listen]]\naddress = \"127.0.0.1:8443\"\ncertificate = \"no.pem\"\nkey = \"no.key\"\n";
    let output = run(&format!("{listen}{GOOD}"), &room(""), &["--check"]);
    let message = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.code() == Some(64) && message.contains("no.pem"), "{message}");
    let tls = format!("{GOOD}\ntls_name = \"shop.internal\"\ntls_ca = \"no-ca.pem\"");
    let output = run(&tls, &room(""), &["--check"]);
    let message = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.code() == Some(64) && message.contains("no-ca.pem"), "{message}");
    let output = run(GOOD, &room(""), &["--check", "--listen", "127.0.0.1:9090"]);
    let message = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.code() == Some(64) && message.contains("go round"), "{message}");
}

#[test]
fn two_listeners_on_one_address_are_refused_however_they_are_named() {
    let output = run(GOOD, &room(""), &["--check", "--listen", "127.0.0.1:8081"]);
    let message = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(64), "{message}");
    assert!(message.contains("--listen") && message.contains("`admin_listen`"), "{message}");
    let ports = "listen = \"127.0.0.1:0\"\nadmin_listen = \"127.0.0.1:0\"\n";
    assert_eq!(run(&format!("{ports}{GOOD}"), &room(""), &["--check"]).status.code(), Some(0));
}

#[test]
fn a_taken_port_is_said_plainly() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap();
    let edge = format!("listen = \"{address}\"\nadmin_listen = \"127.0.0.1:0\"\n{GOOD}");
    let output = run(&edge, &room(""), &[]);
    let message = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{message}");
    let last = message.lines().last().unwrap();
    assert!(last.contains(&address.to_string()) && last.contains("cannot listen on"), "{message}");
}

#[test]
fn the_check_tells_of_places_that_are_taken_before_the_rate_counts() {
    let output = run(GOOD, &room("drain_per_minute = 600\nmax_active = 1000"), &["--check"]);
    let said = String::from_utf8(output.stdout).unwrap();
    assert!(
        said.contains("the configuration is good") && said.contains("note: room `demo`: at 600"),
        "{said}"
    );
}
