//! Spellings of a protected path: each leads to the room or is refused; none leads past it.

use http::{HeaderMap, HeaderValue, Method, header};

use super::routes::{PathRule, Route};
use super::*;

fn routes() -> Routes {
    let paths = ["/events/demo", "/events/demo/*", "/api/reservations", "/api/reservations/*"];
    Routes::new(paths.iter().map(|path| Route::new(None, PathRule::parse(path).unwrap(), 0)).collect())
}

fn ask(target: &[u8], hosts: &[&str]) -> Result<Decision, Refusal> {
    let mut headers = HeaderMap::new();
    for host in hosts {
        headers.append(header::HOST, HeaderValue::from_str(host).unwrap());
    }
    headers.insert(header::ACCEPT, HeaderValue::from_static("text/html"));
    decide(&routes(), &Method::GET, target, &Fields::of(&headers))
}

#[test]
fn every_spelling_of_a_protected_path_leads_to_the_room() {
    for target in [
        "/events/demo",
        "/events/demo/",
        "//events/demo",
        "///events///demo",
        "/events//demo",
        "/./events/demo",
        "/events/./demo",
        "/events/demo/.",
        "/x/../events/demo",
        "/events/x/../demo",
        "/../events/demo",
        "/..//events/demo",
        "/events/demo/x/..",
        "/%65vents/demo",
        "/%65%76%65%6e%74%73/demo",
        "/events/%64emo",
        "/events/dem%6F",
        "/%2e/events/demo",
        "/x/%2e%2e/events/demo",
        "/x/%2E%2E/events/demo",
        "/x/.%2e/events/demo",
        "/EVENTS/demo",
        "/Events/Demo",
        "/events/DEMO",
        "/%45VENTS/demo",
        "/events/demo?x",
        "/events/demo?/../../",
        "/events/demo/seats",
        "/events/demo/checkout/1",
        "/events/demo//checkout",
        "/events/demo/;x=1",
        "/events/demo/a;b",
        "/events/demo/%2f",
        "/events/demo/%252e",
        "http://shop.example/events/demo",
        "HTTP://SHOP.EXAMPLE/events/demo",
        "http://shop.example.//events/demo",
        "https://shop.example/events/%64emo?x",
        "/api/reservations",
        "/api//reservations/",
        "/API/Reservations/1",
    ] {
        let decision = ask(target.as_bytes(), &["shop.example"]).expect(target);
        assert_eq!(decision.verdict, Verdict::Protected { room: 0, kind: Kind::Navigation }, "{target}");
        // The shop gets a path that leads to the same room again, whoever reads it.
        let again = ask(decision.target.path().as_bytes(), &["shop.example"]).expect(target);
        assert_eq!(again.verdict, decision.verdict, "{target}");
        assert_eq!(again.target.path(), decision.target.path(), "{target}");
    }
}

#[test]
fn what_could_be_read_as_protected_or_not_is_refused() {
    for target in [
        "/events%2fdemo",
        "/events%2Fdemo",
        "/events%5cdemo",
        "/events%5Cdemo",
        "/events\\demo",
        "\\events\\demo",
        "/events/demo;x=1",
        "/events;a=b/demo",
        "/events/demo;",
        "/;/events/demo",
        "/x/..;/events/demo",
        "/x/..%2fevents/demo",
        "/x%2f..%2fevents%2fdemo",
        "/x/%252e%252e/events/demo",
        "/%2565vents/demo",
        "/events/%2564emo",
        "/events%252fdemo",
        "/events%25252fdemo",
        "/events/demo%20",
        "/events/demo%00",
        "/events/demo%00.html",
        "/events/demo%0a",
        "/events/demo%0d%0aHost:%20evil",
        "/events%c0%afdemo",
        "/%c0%ae%c0%ae/events/demo",
        "/events%e0%80%afdemo",
        "/events/demo%",
        "/events/demo%2",
        "/events/%zzdemo",
        "/events/demo#x",
        "/events/demo\t",
        "events/demo",
        "*",
        "ftp://shop.example/events/demo",
        "http://evil.example/events/demo",
        "http://user@shop.example/events/demo",
        "http:///events/demo",
        "//shop.example/..;/events/demo",
    ] {
        assert!(ask(target.as_bytes(), &["shop.example"]).is_err(), "{target}");
    }
}

#[test]
fn odd_hosts_are_refused_or_read_as_one() {
    for hosts in [&[][..], &["a", "a"], &["a", "b"], &[""], &["a b"], &["a@b"], &["a/b"], &["a:x"]] {
        assert!(ask(b"/events/demo", hosts).is_err(), "{hosts:?}");
    }
    for host in ["shop.example", "SHOP.example.", "shop.example:8080", "[::1]:80"] {
        assert!(ask(b"/events/demo", &[host]).is_ok(), "{host}");
    }
}

#[test]
fn a_room_on_one_host_is_met_on_every_spelling_of_it() {
    let rule = PathRule::parse("/*").unwrap();
    let routes = Routes::new(vec![Route::new(Some("shop.example".to_owned()), rule, 0)]);
    for (host, met) in [
        ("shop.example", true),
        ("SHOP.EXAMPLE", true),
        ("shop.example.", true),
        ("shop.example:443", true),
        ("shop.example.:80", true),
        ("other.example", false),
    ] {
        let mut headers = HeaderMap::new();
        headers.insert(header::HOST, HeaderValue::from_str(host).unwrap());
        let verdict = decide(&routes, &Method::GET, b"/", &Fields::of(&headers)).unwrap().verdict;
        assert_eq!(verdict != Verdict::Open, met, "{host}");
    }
}

#[test]
fn what_is_not_protected_stays_open() {
    for target in [
        "/",
        "/events",
        "/events/",
        "/events/demo2",
        "/events/demos",
        "/api",
        "/api/events",
        "/x/events/demo",
        "/events/demo/../other",
        "/events/other;x",
        "/a%2fb",
        "/search?q=/events/demo",
    ] {
        assert_eq!(ask(target.as_bytes(), &["shop.example"]).unwrap().verdict, Verdict::Open, "{target}");
    }
}

#[test]
fn the_edges_own_paths_never_leave_it() {
    for target in [
        "/.waiting-room",
        "/.waiting-room/",
        "/.waiting-room/demo",
        "//.waiting-room/demo",
        "/%2ewaiting-room/demo",
        "/.WAITING-ROOM/demo",
        "/x/../.waiting-room/demo",
        "/.waiting-room/../.waiting-room/demo",
    ] {
        let decision = ask(target.as_bytes(), &["shop.example"]).unwrap();
        assert!(matches!(decision.verdict, Verdict::Edge(_)), "{target}: {:?}", decision.verdict);
    }
    for target in [
        "/.waiting-room%2fdemo",
        "/.waiting-room;x/demo",
        "/x/..;/.waiting-room/demo",
        "/%252ewaiting-room/demo",
        "/.waiting-room/demo%2f..%2f..%2fevents%2fdemo",
    ] {
        assert_eq!(ask(target.as_bytes(), &["shop.example"]), Err(Refusal::Ambiguous), "{target}");
    }
    assert_eq!(ask(b"/.waiting-rooms", &["shop.example"]).unwrap().verdict, Verdict::Open);
}
