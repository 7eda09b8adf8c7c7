//! The pages: the waiting page, and the plain ones for when there is no line to show.

mod quick;
#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::sync::Arc;

use http::StatusCode;
use minijinja::context;
use serde::Serialize;

use super::body::Body;
use super::draw::DrawNote;
use super::look::{Look, LookError, Replaced, Template};
use super::notice::Notice;
use super::reader::Reader;
use super::reply::{Common, Reply};
use super::status::{State, Status};
use super::texts::{Texts, fill};
use super::words;
use crate::gate::query::encode;

/// Renders the pages: those of the edge, and of each room that has its own.
pub struct Pages {
    edge: Arc<Look>,
    rooms: HashMap<String, Arc<Look>>,
}

/// The page of a fan who waits.
#[derive(Clone, Copy, Debug)]
pub struct WaitingPage<'a> {
    /// What the fan came for.
    pub title: &'a str,
    /// Where they stand.
    pub status: &'a Status,
    /// The draw that they take part in.
    pub draw: Option<&'a DrawNote>,
    /// The cookie that remembers the place that they were shown.
    pub shown_cookie: &'a str,
    /// When the ticket was made, in milliseconds since the Unix epoch.
    pub joined: u64,
    /// Whether the place could move to another device.
    pub can_move: bool,
}

/// The names of what the template of the waiting page is given.
pub(super) const GIVEN: [&str; 31] = [
    "title",
    "room",
    "page",
    "to",
    "state",
    "heading",
    "lead",
    "position",
    "position_number",
    "ahead",
    "wait",
    "note",
    "message",
    "updated_at",
    "updated_words",
    "opens_at",
    "opens_in_ms",
    "opens_words",
    "claim_seconds",
    "claim_left",
    "commitment",
    "ticket",
    "is_drawn",
    "holds_place",
    "can_move",
    "poll_after_ms",
    "refresh_seconds",
    "refreshes",
    "shown_cookie",
    "joined",
    "languages",
];
/// The names of what the template of plain pages is given.
pub(super) const GIVEN_TO_NOTICES: [&str; 12] = [
    "title",
    "heading",
    "text",
    "retry_seconds",
    "retry_at",
    "retries",
    "link",
    "link_words",
    "warning",
    "qr",
    "form",
    "parts",
];

/// What the template of the waiting page is given. `docs/waiting-page.md` lists it.
#[derive(Serialize)]
struct Given<'a> {
    title: &'a str,
    room: &'a str,
    page: &'a str,
    to: String,
    state: &'a str,
    heading: &'a str,
    lead: &'a str,
    position: Option<String>,
    position_number: Option<u64>,
    ahead: Option<String>,
    wait: String,
    note: &'a str,
    message: &'a str,
    updated_at: &'a str,
    updated_words: String,
    opens_at: Option<&'a str>,
    opens_in_ms: Option<u64>,
    opens_words: Option<String>,
    claim_seconds: Option<u64>,
    claim_left: Option<String>,
    commitment: Option<&'a str>,
    ticket: Option<&'a str>,
    is_drawn: bool,
    holds_place: bool,
    can_move: bool,
    poll_after_ms: u64,
    refresh_seconds: u64,
    refreshes: String,
    shown_cookie: &'a str,
    joined: u64,
    languages: &'a [Tongue],
}

/// A language that a page may be read in.
#[derive(Debug, Serialize)]
pub(super) struct Tongue {
    tag: String,
    name: String,
}

impl Tongue {
    /// How these texts are offered.
    pub(super) fn of(texts: &Texts) -> Self {
        Self { tag: texts.tag.clone(), name: texts.name.clone() }
    }
}

impl Pages {
    /// The pages of the edge, and of the rooms that have their own.
    pub fn new(edge: Look, rooms: HashMap<String, Look>) -> Self {
        let rooms = rooms.into_iter().map(|(room, look)| (room, Arc::new(look))).collect();
        Self { edge: Arc::new(edge), rooms }
    }

    /// The pages that ship.
    ///
    /// # Errors
    /// When a template does not parse.
    pub fn shipped() -> Result<Self, LookError> {
        Ok(Self::new(Look::new(Replaced::default())?, HashMap::new()))
    }

    /// What the pages of a room look like; of the edge, where none is named.
    pub fn look(&self, room: Option<&str>) -> &Look {
        room.and_then(|room| self.rooms.get(room)).unwrap_or(&self.edge)
    }

    /// What programs are told, who ask for no language.
    pub fn english(&self, key: &str) -> String {
        self.edge.languages().first().notice(key).to_owned()
    }

    /// The waiting page.
    pub fn waiting(&self, reader: &Reader, page: &WaitingPage<'_>) -> Reply {
        self.look(Some(&page.status.room)).waiting(reader, page)
    }

    /// A plain page.
    pub fn notice(&self, room: Option<&str>, reader: &Reader, notice: &Notice<'_>) -> Reply {
        self.look(room).notice(reader, notice)
    }
}

impl Look {
    /// The waiting page.
    pub fn waiting(&self, reader: &Reader, page: &WaitingPage<'_>) -> Reply {
        let refresh_seconds = refresh_seconds(page.status);
        let language = reader.choose(self.languages());
        let given = self.given(language, reader, page, refresh_seconds);
        let page = if self.has_mould(reader, &given) {
            self.by_mould(language, &given)
        } else {
            self.render(Template::Waiting, language, reader, given).map(Body::from)
        };
        let head = self.head(language, false, reader.takes_gzip);
        finish(StatusCode::ACCEPTED, head, page).retry_after(refresh_seconds)
    }

    /// The waiting page as text, or what is wrong with which template.
    pub(super) fn try_waiting(
        &self,
        reader: &Reader,
        page: &WaitingPage<'_>,
    ) -> Result<String, (&'static str, minijinja::Error)> {
        let language = reader.choose(self.languages());
        let given = self.given(language, reader, page, refresh_seconds(page.status));
        self.render(Template::Waiting, language, reader, given)
            .map(|page| text(&page))
            .map_err(|error| ("waiting", error))
    }

    /// A plain page as text, likewise.
    pub(super) fn try_notice(
        &self,
        reader: &Reader,
        notice: &Notice<'_>,
    ) -> Result<String, (&'static str, minijinja::Error)> {
        self.render_notice(reader, notice).map(|page| text(&page)).map_err(|error| ("notice", error))
    }

    fn given<'a>(
        &'a self,
        language: usize,
        reader: &'a Reader,
        page: &WaitingPage<'a>,
        refresh_seconds: u64,
    ) -> Given<'a> {
        let texts: &Texts = self.languages().get(language);
        let WaitingPage { title, status, draw, shown_cookie, joined, can_move } = *page;
        let (heading, lead) = words::about(status);
        let holds_place = matches!(status.state, State::Waiting | State::Paused | State::Prequeue)
            || words::is_early(status);
        // What the server has to say stands in the reader's language; the operator's words as they are.
        let message = match status.note {
            Some(note) if note.is_the_message() => "",
            _ => &status.message,
        };
        Given {
            title,
            room: &status.room,
            page: &reader.page,
            to: encode(&reader.page),
            state: status.state.as_str(),
            heading: texts.page(heading),
            lead: texts.page(lead),
            position: status.position.map(|position| texts.number(position)),
            position_number: status.position,
            ahead: status.ahead.map(|ahead| texts.number(ahead)),
            wait: words::wait(texts, status.eta_seconds),
            note: status.note.map_or("", |note| texts.page(note.key())),
            message,
            updated_at: &status.updated_at,
            updated_words: words::time(texts, &status.updated_at),
            opens_at: status.opens_at.as_deref(),
            opens_in_ms: status.opens_in.map(admission::clock::millis),
            opens_words: words::opens(texts, status),
            claim_seconds: status.claim_seconds,
            claim_left: status.claim_seconds.map(words::left),
            commitment: draw.map(|draw| draw.commitment.as_str()),
            ticket: draw.map(|draw| draw.ticket.as_str()),
            is_drawn: status.state != State::Prequeue,
            holds_place,
            can_move,
            poll_after_ms: status.poll_after_ms,
            refresh_seconds,
            refreshes: fill(texts.page("refreshes"), &[("seconds", &refresh_seconds.to_string())]),
            shown_cookie,
            joined,
            languages: &self.tongues,
        }
    }

    /// A plain page.
    pub fn notice(&self, reader: &Reader, notice: &Notice<'_>) -> Reply {
        let page = self.render_notice(reader, notice);
        let language = reader.choose(self.languages());
        let head = self.head(language, notice.puzzle.is_some(), reader.takes_gzip);
        let reply = finish(notice.status, head, page.map(Body::from));
        match notice.retry_seconds {
            Some(seconds) => reply.retry_after(seconds),
            None => reply,
        }
    }

    fn render_notice(&self, reader: &Reader, notice: &Notice<'_>) -> Result<bytes::Bytes, minijinja::Error> {
        let language = reader.choose(self.languages());
        let texts = self.languages().get(language);
        let (heading, text) = notice.about.words(texts);
        // A page that leads elsewhere, or was posted to, does not ask again by itself.
        let retries = notice.retry_seconds.filter(|_| notice.link.is_none() || notice.retry_at.is_some());
        let seconds = retries.map(|seconds| seconds.to_string()).unwrap_or_default();
        self.render(
            Template::Notice(notice.puzzle),
            language,
            reader,
            context! {
                title => notice.title,
                heading,
                text => fill(text, &notice.values),
                retry_seconds => retries,
                retry_at => notice.retry_at,
                // A page that goes somewhere else by itself does not try again.
                retries => retries.filter(|_| notice.retry_at.is_none()).map(|_| fill(texts.notice("retries"), &[("seconds", &seconds)])),
                link => notice.link.map(|(to, _)| to),
                link_words => notice.link.map(|(_, way)| way.words(texts)),
                warning => notice.gives_up.then(|| texts.notice("take_instead")),
                qr => notice.qr,
                parts => notice.puzzle.map(|puzzle| puzzle.parts),
                form => notice.form.as_ref().map(|form| context! {
                    action => form.action, button => form.button.words(texts),
                }),
            },
        )
    }
}

/// The answer with this page.
fn finish(status: StatusCode, head: Arc<Common>, page: Result<Body, minijinja::Error>) -> Reply {
    match page {
        Ok(page) => Reply::html(status, head, page),
        Err(error) => {
            tracing::error!(%error, "a page could not be rendered");
            Reply::problem(StatusCode::INTERNAL_SERVER_ERROR, "page", "the page could not be made")
        }
    }
}

/// A page that was not compressed.
fn text(page: &bytes::Bytes) -> String {
    String::from_utf8_lossy(page).into_owned()
}

/// After how long a page without script asks again.
fn refresh_seconds(status: &Status) -> u64 {
    status.poll_after_ms.div_ceil(1000).clamp(2, 25)
}
