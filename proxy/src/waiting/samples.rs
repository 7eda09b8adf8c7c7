//! Every page once, with made-up facts: to try templates at start, and to look at them.

use std::time::Duration;

use http::HeaderMap;

use super::cookies::Scheme;
use super::draw::DrawNote;
use super::look::{Look, LookError};
use super::notice::{About, Button, Form, Notice, Puzzle, Qr, Way};
use super::page::WaitingPage;
use super::reader::Reader;
use super::status::{Eta, Note, State, Status};
use crate::gate::fields::Fields;

/// The waiting page in each state that it can be in, by the name that `proxy preview` knows.
pub const STATES: [&str; 12] = [
    "waiting",
    "prequeue",
    "drawn",
    "early",
    "admitted",
    "paused",
    "closed",
    "expired",
    "full",
    "slowed",
    "store-away",
    "rebuilding",
];

/// Whose page it is.
#[derive(Clone, Copy, Debug)]
pub struct Subject<'a> {
    /// The room.
    pub room: &'a str,
    /// What the fans wait for.
    pub title: &'a str,
    /// What the operator tells them.
    pub message: &'a str,
    /// The address of the page.
    pub page: &'a str,
    /// The language.
    pub language: &'a str,
}

impl Subject<'_> {
    fn reader(&self) -> Reader {
        let mut headers = HeaderMap::new();
        if let Ok(language) = self.language.parse() {
            headers.insert(http::header::ACCEPT_LANGUAGE, language);
        }
        Reader::of(&Fields::of(&headers), Scheme::Http, self.page)
    }
}

/// The page of `state`, which is one of [`STATES`], or the name of a notice; nothing for any other.
///
/// # Errors
/// When the template cannot be rendered.
pub fn page(look: &Look, subject: &Subject<'_>, state: &str) -> Option<Result<String, LookError>> {
    let reader = subject.reader();
    let rendered = match status(subject, state) {
        Some(status) => {
            let draw = DrawNote {
                commitment: "9f2b5c0e7d1a48f3b6e0c9d2471f8a53e6b0d9c8a7f41e2d3c5b6a7980f1e2d3".to_owned(),
                ticket: "kq3ZtY0pWbX8sLdE".to_owned(),
            };
            look.try_waiting(
                &reader,
                &WaitingPage {
                    title: subject.title,
                    status: &status,
                    draw: ["prequeue", "drawn"].contains(&state).then_some(&draw),
                    shown_cookie: "wr-shown",
                    joined: 1_800_000_000_000,
                    can_move: true,
                },
            )
        }
        None => {
            let about = About::ALL.into_iter().find(|about| about.as_str().replace('_', "-") == state)?;
            let code = (about == About::Move).then(sample_code).flatten();
            let puzzle = Puzzle {
                room: subject.room,
                challenge: "v1.sample",
                seed: "kq3ZtY0pWbX8sLdE".to_owned(),
                parts: 8,
                zero_bits: 13,
            };
            let puzzle = (about == About::Work).then_some(&puzzle);
            let notice = Notice { puzzle, ..notice(subject, about, code.as_ref()) };
            look.try_notice(&reader, &notice)
        }
    };
    Some(rendered.map_err(|(name, error)| LookError::Template { name, error }))
}

/// The names of all pages.
pub fn names() -> Vec<String> {
    let notices = About::ALL.into_iter().map(|about| about.as_str().replace('_', "-"));
    // Where both are called alike the waiting page is meant.
    let notices = notices.filter(|name| !STATES.contains(&name.as_str()));
    STATES.into_iter().map(ToOwned::to_owned).chain(notices).collect()
}

/// The policy that a page comes with.
pub fn policy<'a>(look: &'a Look, name: &str) -> &'a str {
    let policy = if name == About::Work.as_str() { &look.policy_with_worker } else { &look.policy };
    policy.to_str().unwrap_or_default()
}

/// How many bytes a page takes as it is sent.
pub fn packed(page: &str) -> usize {
    super::parcel::gzip(&[super::parcel::Part::Text(page)]).len()
}

fn status(subject: &Subject<'_>, name: &str) -> Option<Status> {
    let waiting = Status {
        room: subject.room.to_owned(),
        lane: "general".to_owned(),
        state: State::Waiting,
        position: Some(1235),
        ahead: Some(1234),
        waiting: 5000,
        eta_seconds: Some(Eta { low: 300, high: 500 }),
        drain_per_minute: 180,
        opens_at: None,
        opens_in: None,
        poll_after_ms: 5000,
        message: subject.message.to_owned(),
        note: None,
        claim_seconds: None,
        updated_at: "2027-05-01T09:48:30.250Z".to_owned(),
    };
    let placeless =
        |state| Status { state, position: None, ahead: None, eta_seconds: None, ..waiting.clone() };
    let before = |state| Status {
        opens_at: Some("2027-05-01T10:00:00.000Z".to_owned()),
        opens_in: Some(Duration::from_secs(690)),
        ..placeless(state)
    };
    let noted = |note| Status { note: Some(note), eta_seconds: None, ..waiting.clone() };
    Some(match name {
        "waiting" | "drawn" => waiting,
        "prequeue" => before(State::Prequeue),
        "early" => before(State::Closed),
        "admitted" => Status { claim_seconds: Some(118), ..placeless(State::Admitted) },
        "paused" => Status { state: State::Paused, eta_seconds: None, ..waiting },
        "closed" => placeless(State::Closed),
        "expired" => placeless(State::Expired),
        "full" => Status { note: Some(Note::Full), ..waiting },
        "slowed" => Status { note: Some(Note::Slowed), ..waiting },
        "store-away" => noted(Note::StoreAway),
        "rebuilding" => Status { note: Some(Note::Rebuilding), ..placeless(State::Waiting) },
        _ => return None,
    })
}

fn sample_code() -> Option<Qr> {
    super::moving::qr("https://tickets.example/.waiting-room/demo/take?code=v1.sample")
}

/// A notice as it mostly comes.
fn notice<'a>(subject: &Subject<'a>, about: About, qr: Option<&'a Qr>) -> Notice<'a> {
    let notice = Notice::new(http::StatusCode::OK, subject.title, about);
    let notice = Notice { values: vec![("moment", "10:00:00 UTC"), ("minutes", "10")], ..notice };
    match about {
        About::Full
        | About::Crowded
        | About::Work
        | About::NotOpen
        | About::Closed
        | About::Failed
        | About::ShopAway
        | About::ShopPaused => notice.retry(30),
        About::Move => {
            Notice { qr, retry_at: Some(subject.page), ..notice.retry(60) }.link(subject.page, Way::Back)
        }
        About::Moved => Notice { form: Some(Form { action: "#", button: Button::Again }), ..notice },
        About::Take => {
            Notice { form: Some(Form { action: "#", button: Button::Take }), gives_up: true, ..notice }
        }
        About::Left => notice.link(subject.page, Way::Again),
        _ => notice.link(subject.page, Way::Back),
    }
}

impl Look {
    /// The same, after every page was rendered once: what a template gets wrong is said at start.
    ///
    /// # Errors
    /// When one cannot be rendered.
    pub fn tried(self) -> Result<Self, LookError> {
        // The languages differ in their words, which were checked when they were read.
        let language = self.languages().first().tag.clone();
        for message in ["Message", ""] {
            let subject = Subject { room: "demo", title: "Title", message, page: "/", language: &language };
            for name in names() {
                page(&self, &subject, &name).transpose()?;
            }
        }
        Ok(self)
    }
}
