use std::io::Read as _;

use http::header;

use super::super::cookies::Scheme;
use super::super::look::hash;
use super::super::notice::{About, Form, Way};
use super::super::samples::{self, Subject};
use super::super::status::{Eta, Note};
use super::super::texts::Languages;
use super::*;
use crate::gate::fields::Fields;

/// What fits into the first flight of a new connection, so that the page is whole after one round trip.
const COMPRESSED_MAX: usize = 14 * 1024;

fn status() -> Status {
    Status {
        room: "demo".to_owned(),
        lane: "general".to_owned(),
        state: State::Waiting,
        position: Some(1235),
        ahead: Some(1234),
        waiting: 5000,
        eta_seconds: Some(Eta { low: 300, high: 500 }),
        drain_per_minute: 600,
        opens_at: None,
        opens_in: None,
        poll_after_ms: 5000,
        message: "<b>Doors & more</b>".to_owned(),
        note: None,
        claim_seconds: None,
        updated_at: "2027-01-01T12:01:24.950Z".to_owned(),
    }
}

fn early() -> Status {
    Status {
        state: State::Prequeue,
        position: None,
        ahead: None,
        eta_seconds: None,
        opens_at: Some("2027-01-01T12:13:00.000Z".to_owned()),
        opens_in: Some(std::time::Duration::from_secs(11 * 60 + 30)),
        ..status()
    }
}

fn page<'a>(title: &'a str, status: &'a Status, draw: Option<&'a DrawNote>) -> WaitingPage<'a> {
    WaitingPage { title, status, draw, shown_cookie: "wr-shown-demo", joined: 7, can_move: true }
}

fn reader() -> Reader {
    Reader::of(&Fields::default(), Scheme::Http, "/events/demo?a=1")
}

fn body(page: &WaitingPage<'_>) -> String {
    let reply = Pages::shipped().unwrap().waiting(&reader(), page);
    assert_eq!(reply.status, StatusCode::ACCEPTED, "{reply:?}");
    String::from_utf8(reply.body.into_bytes().to_vec()).unwrap()
}

#[test]
fn the_page_is_whole_without_script() {
    let reply = Pages::shipped().unwrap().waiting(&reader(), &page("The \"Big\" Show", &status(), None));
    let body = reply.body.clone().into_bytes();
    let body = std::str::from_utf8(&body).unwrap();
    for part in [
        "1,235",
        "1,234",
        "5 to 9 minutes",
        ">12:01:24 UTC</time>",
        "http-equiv=\"refresh\" content=\"5\"",
        "data-testid=\"position\"",
        "data-testid=\"ahead\"",
        "data-testid=\"wait\"",
        "data-testid=\"state\"",
        "data-testid=\"leave\"",
        "aria-live=\"polite\"",
        "&lt;b&gt;Doors &amp; more&lt;",
        "<html lang=\"en\" dir=\"ltr\">",
    ] {
        assert!(body.contains(part), "{part} is missing in {body}");
    }
    assert_eq!(reply.header("retry-after"), Some("5"));
    assert!(!body.contains('\u{e000}') && !body.contains(">none<") && !body.contains("\"none\""), "{body}");
    for outside in ["src=\"http", "href=\"http", "url(http", "//cdn"] {
        assert!(!body.contains(outside), "{outside}");
    }
}

#[test]
fn every_page_fits_into_one_flight() {
    let pages = Pages::shipped().unwrap();
    let draw = DrawNote { commitment: "c0ffee00".repeat(8), ticket: "abcdefghijklmnop".to_owned() };
    let message = "Doors open an hour before the show. ".repeat(10);
    let mut largest = 0;
    for texts in Languages::shipped().unwrap().iter() {
        for status in [status(), early()] {
            let status = Status { message: message.clone(), note: None, ..status };
            let given = page("The Show", &status, Some(&draw));
            let plain = pages.waiting(&speaking(&texts.tag, false), &given);
            let packed = pages.waiting(&speaking(&texts.tag, true), &given);
            assert_eq!(
                (plain.header("content-encoding"), packed.header("content-encoding")),
                (None, Some("gzip"))
            );
            assert_eq!(packed.header("content-language"), Some(texts.tag.as_str()));
            let mut unpacked = Vec::new();
            flate2::read::GzDecoder::new(packed.body.clone().into_bytes().as_ref())
                .read_to_end(&mut unpacked)
                .unwrap();
            assert_eq!(unpacked, plain.body.into_bytes());
            largest = largest.max(packed.body.len());
        }
    }
    println!("the largest page has {largest} bytes in gzip");
    assert!(largest <= COMPRESSED_MAX, "{largest} bytes");
}

fn speaking(tag: &str, takes_gzip: bool) -> Reader {
    let mut headers = http::HeaderMap::new();
    headers.insert(header::ACCEPT_LANGUAGE, tag.parse().unwrap());
    headers.insert(header::ACCEPT_ENCODING, if takes_gzip { "gzip" } else { "identity" }.parse().unwrap());
    Reader::of(&Fields::of(&headers), Scheme::Http, "/events/demo")
}

/// Those who come later get what was made for those before them, with what is their own.
#[test]
fn a_page_from_a_mould_is_the_page() {
    let pages = Pages::shipped().unwrap();
    let draw = |ticket: &str| DrawNote { commitment: "c0ffee00".repeat(8), ticket: ticket.to_owned() };
    let (one, other) = (draw("abcdefghijklmnop"), draw("ponmlkjihgfedcba"));
    let states = [
        status(),
        Status { position: Some(1), ahead: Some(0), eta_seconds: None, poll_after_ms: 2000, ..status() },
        Status { position: None, ahead: None, updated_at: "2027-01-01T12:02:00.000Z".to_owned(), ..status() },
        Status { message: String::new(), note: Some(Note::Full), ..status() },
        Status { state: State::Paused, ..status() },
        Status { state: State::Expired, position: None, ahead: None, ..status() },
        Status { state: State::Admitted, claim_seconds: Some(0), ..status() },
        Status { state: State::Admitted, claim_seconds: Some(95), ..status() },
        early(),
        Status { opens_in: Some(std::time::Duration::from_secs(5)), ..early() },
    ];
    for address in ["/events/demo", "/events/demo?a='\"<&b=é/", "/"] {
        for draw in [None, Some(&one), Some(&other)] {
            for (joined, status) in states.iter().enumerate() {
                let page = WaitingPage { joined: joined as u64, ..page("<The> Show", status, draw) };
                let read = |takes_gzip| {
                    let mut reader = speaking("fr", takes_gzip);
                    reader.page = address.to_owned();
                    pages.waiting(&reader, &page).body.into_bytes()
                };
                let mut unpacked = String::new();
                flate2::read::GzDecoder::new(read(true).as_ref()).read_to_string(&mut unpacked).unwrap();
                assert_eq!(unpacked.as_bytes(), read(false), "{status:?}");
            }
        }
    }
}

#[test]
fn a_page_speaks_the_language_of_its_reader() {
    let pages = Pages::shipped().unwrap();
    let store_away = Status { note: Some(Note::StoreAway), message: "in English".to_owned(), ..status() };
    let reply = pages.waiting(&speaking("de", false), &page("Die Show", &store_away, None));
    let body = reply.body.clone().into_bytes();
    let body = std::str::from_utf8(&body).unwrap();
    for part in ["<html lang=\"de\"", "1.235", "5 bis 9 Minuten", "niemand überholt Sie", "Sprache"] {
        assert!(body.contains(part), "{part} is missing in {body}");
    }
    assert!(!body.contains("in English"), "a note is told in the reader's language");
    assert!(body.contains("value=\"de\" lang=\"de\" aria-current=\"true\">Deutsch</button>"), "{body}");
}

#[test]
fn a_place_that_is_not_known_is_not_shown() {
    let body =
        body(&page("Show", &Status { position: None, ahead: None, eta_seconds: None, ..status() }, None));
    assert!(
        body.contains("id=\"place\" class=\"place\" hidden") && body.contains("data-number=\"\""),
        "{body}"
    );
}

#[test]
fn before_the_opening_the_page_says_how_the_order_is_made() {
    let draw = DrawNote { commitment: "c0ffee".to_owned(), ticket: "abcdefghijklmnop".to_owned() };
    let gathering = body(&page("Show", &early(), Some(&draw)));
    for part in [
        "The order will be drawn",
        "gives no advantage",
        "One place is one draw",
        "refreshing changes nothing",
        "12:13:00 UTC on 2027-01-01, in about 12 minutes",
        "data-opens-in=\"690000\"",
        "c0ffee",
        "abcdefghijklmnop",
        "id=\"drawn\" hidden",
        "id=\"place\" class=\"place\" hidden",
    ] {
        assert!(gathering.contains(part), "{part} is missing in {gathering}");
    }
    let drawn = body(&page("Show", &status(), Some(&draw)));
    assert!(drawn.contains("c0ffee") && drawn.contains("/.waiting-room/demo/draw"), "{drawn}");
    assert!(
        drawn.contains("id=\"undrawn\" hidden") && drawn.contains("id=\"opens\" class=\"place\" hidden"),
        "{drawn}"
    );
}

#[test]
fn the_policy_names_what_the_page_holds() {
    let pages = Pages::shipped().unwrap();
    let reply = pages.waiting(&reader(), &page("x", &status(), None));
    let body = reply.body.clone().into_bytes();
    let body = std::str::from_utf8(&body).unwrap();
    let policy = reply.header("content-security-policy").unwrap();
    for (open, close) in [("<style>", "</style>"), ("<script>", "</script>")] {
        let inside = body.split(open).nth(1).unwrap().split(close).next().unwrap();
        assert!(policy.contains(&hash(inside)), "{open}");
    }
    assert!(!policy.contains("unsafe"));
    assert!(!body.contains(" onclick=") && !body.contains(" style="));
}

#[test]
fn a_notice_says_what_it_has_to_say() {
    let pages = Pages::shipped().unwrap();
    let said = |notice: &Notice<'_>| {
        let reply = pages.notice(None, &reader(), notice);
        assert_eq!(reply.status, notice.status, "{reply:?}");
        (
            reply.header("retry-after").map(ToOwned::to_owned),
            String::from_utf8(reply.body.into_bytes().to_vec()).unwrap(),
        )
    };
    let notice = || Notice::new(StatusCode::SERVICE_UNAVAILABLE, "Show", About::Failed).retry(7);
    let (retry, page) = said(&notice());
    assert_eq!(retry.as_deref(), Some("7"));
    assert!(
        page.contains("One moment, please") && page.contains("http-equiv") && page.contains("in 7 seconds")
    );

    let (retry, page) = said(&notice().link("/a?b=\"><script>", Way::Back));
    assert!(retry.is_some() && page.contains("Go back</a>") && !page.contains("http-equiv"), "{page}");
    assert!(!page.contains("<script>") && !page.contains("tries again in"), "{page}");

    let form =
        Form { action: "/.waiting-room/demo/take?code=\"x", button: super::super::notice::Button::Take };
    let (retry, page) = said(&Notice { form: Some(form), ..Notice::new(StatusCode::OK, "", About::Take) });
    assert!(retry.is_none() && page.contains("?code=&quot;x\"") && page.contains("Continue on this device"));
}

#[test]
fn every_notice_has_words_in_every_language() {
    let look = Look::new(Replaced::default()).unwrap();
    for texts in Languages::shipped().unwrap().iter() {
        let subject = Subject {
            room: "demo",
            title: "Show",
            message: "",
            page: "/events/demo?a=1",
            language: &texts.tag,
        };
        for name in samples::names() {
            let page = samples::page(&look, &subject, &name).unwrap().unwrap();
            assert!(
                samples::packed(&page) <= COMPRESSED_MAX,
                "{} {name}: {}",
                texts.tag,
                samples::packed(&page)
            );
        }
        for about in About::ALL {
            let (heading, text) = about.words(texts);
            assert!(!heading.is_empty() && !text.is_empty(), "{} {about:?}", texts.tag);
        }
        for state in [
            "waiting", "prequeue", "admitted", "paused", "early", "closed", "expired", "left", "moved",
            "voided",
        ] {
            for part in ["heading", "lead"] {
                assert!(!texts.page(&format!("{state}_{part}")).is_empty(), "{} {state}_{part}", texts.tag);
            }
        }
    }
}

#[test]
fn templates_may_name_all_that_they_are_given() {
    let pages = Pages::shipped().unwrap();
    let (look, reader, status) = (pages.look(None), reader(), status());
    let given = look.given(0, &reader, &page("Show", &status, None), 5);
    let serde_json::Value::Object(given) = serde_json::to_value(given).unwrap() else { panic!("a table") };
    let (mut names, mut known): (Vec<_>, Vec<_>) =
        (given.keys().map(String::as_str).collect(), GIVEN.to_vec());
    names.sort_unstable();
    known.sort_unstable();
    assert_eq!(names, known);
}

#[test]
fn what_ships_can_be_rendered_in_every_state() {
    let look = Look::new(Replaced::default()).and_then(Look::tried).unwrap();
    let shipped = include_str!("../../../assets/waiting.html").to_owned();
    let notice = include_str!("../../../assets/notice.html").to_owned();
    let own = Replaced { template: Some(shipped), notice: Some(notice), languages: None };
    assert_eq!(Look::new(own).and_then(Look::tried).unwrap().policy, look.policy);
}
