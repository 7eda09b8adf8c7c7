//! `proxy --explain`: what would happen to a request, as it then does.

use crate::harness::{command, files, room};

fn explained(arguments: &[&str]) -> (Option<i32>, String) {
    let folder = tempfile::tempdir().unwrap();
    let edge = "[upstream]\naddress = \"127.0.0.1:9090\"\n[cdn]\ntrusted_proxies = [\"10.0.0.0/8\"]\n\
                address_header = \"X-Forwarded-For\"\n";
    let rules = "hosts = [\"shop.example\"]\n[[room.bypass]]\nname = \"office\"\nnetworks = [\"198.51.100.0/24\"]\n\
                 paths = [\"/events/demo/*\"]\n[[room.bypass]]\nname = \"partner\"\nheaders = { X-Key = \"a very secret value\" }";
    let other = "[[room]]\nid = \"other\"\npaths = [\"/other\"]\nmode = \"off\"\n";
    let (edge, rooms) = files(&folder, edge, &format!("{}{other}", room(rules)));
    let mut command = command();
    let output =
        command.arg("--config").arg(edge).arg("--rooms").arg(rooms).args(arguments).output().unwrap();
    let text = String::from_utf8([output.stdout, output.stderr].concat()).unwrap();
    (output.status.code(), text)
}

#[test]
fn each_step_is_told_and_the_outcome_last() {
    let from_office = ["--client", "10.1.1.1", "--header", "X-Forwarded-For: 198.51.100.7"];
    let page = ["--header", "Sec-Fetch-Mode: navigate"];
    for (arguments, steps, outcome) in [
        (
            &["--explain", "demo"][..],
            &[
                "room: `demo`, by its path \"/events/demo\"",
                "bypass `office`: no, none of its paths",
                "mode: auto",
            ][..],
            "where nobody waits and there is room, forwarded with a session at once; else 202 with the waiting page",
        ),
        (
            &[
                "--explain",
                "demo",
                "--url",
                "https://shop.example/api/reservations",
                "--method",
                "POST",
                "--header",
                "Accept: */*",
            ],
            &["it wants: neither a page nor a form"],
            "else 429 with Waiting-Room and a Link to join",
        ),
        (
            &[&["--explain", "demo", "--url", "/events/demo/seats"][..], &from_office, &page].concat(),
            &["client: 198.51.100.7, for 10.1.1.1", "bypass `office`: all that it names holds"],
            "past the line, by the rule `office`",
        ),
        (
            &["--explain", "demo", "--header", "X-Key: a very secret value"],
            &["bypass `partner`: all"],
            "by the rule `partner`",
        ),
        (
            &["--explain", "demo", "--header", "wr-admission: e30.e30.AA"],
            &["bypass `partner`: no, a header", "admission token: no,"],
            "429 with Waiting-Room and a Link to join",
        ),
        (
            &["--explain", "demo", "--url", "https://elsewhere.example/events/demo"],
            &["`demo` is not for elsewhere.example"],
            "no room protects this host and path",
        ),
        (&["--explain", "demo", "--url", "/events/demo%2fx"], &[], "read in two ways"),
        (
            &["--explain", "demo", "--url", "/other"],
            &["room: `other`", "so `demo` has nothing to do with it"],
            "with mode = \"off\" the room protects nothing",
        ),
        (&["--explain", "demo", "--header", "Sec-Purpose: prefetch"], &[], "503: a prefetch"),
    ] {
        let (code, text) = explained(arguments);
        assert_eq!(code, Some(0), "{text}");
        for step in steps {
            assert!(text.contains(step), "{step} is missing: {text}");
        }
        let last = text.lines().last().unwrap();
        assert!(last.starts_with("=> ") && last.contains(outcome), "{outcome} is missing: {text}");
        assert!(!text.contains("very secret"), "{text}");
    }
    let (code, text) = explained(&["--explain", "nobody"]);
    assert!(code == Some(64) && text.contains("there are: demo, other"), "{text}");
}
