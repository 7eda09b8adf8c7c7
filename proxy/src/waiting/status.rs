//! What a fan is told of their place, the same over HTTP and WebSocket; and what anyone is told of a room.

use std::time::Duration;

use admission::wait::Wait;
use serde::Serialize;
use utoipa::ToSchema;
use utoipa::openapi::{Object, ObjectBuilder, Type};

/// Where a fan is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum State {
    /// Before the opening, while the order is not decided.
    Prequeue,
    /// In the line, which moves.
    Waiting,
    /// Their turn has come: `GET …/ticket` gives the admission token.
    Admitted,
    /// In the line, which stands because the operator paused it.
    Paused,
    /// The room is closed, or not open yet; the place is kept.
    Closed,
    /// The ticket is worth nothing any more.
    Expired,
}

impl State {
    /// The same for a fan whose lane stands while the line moves.
    #[must_use]
    pub fn standing(self) -> Self {
        if self == Self::Waiting { Self::Paused } else { self }
    }

    /// The name in JSON, headers and pages.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Prequeue => "prequeue",
            Self::Waiting => "waiting",
            Self::Admitted => "admitted",
            Self::Paused => "paused",
            Self::Closed => "closed",
            Self::Expired => "expired",
        }
    }
}

/// A wait, as a range.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Eta {
    /// Hardly less than this.
    pub low: u64,
    /// Hardly more than this.
    pub high: u64,
}

impl Eta {
    /// A wait, as it is told.
    pub fn of(wait: Wait) -> Self {
        Self { low: wait.low.as_secs(), high: wait.high.as_secs().max(1) }
    }
}

/// What there is to know besides the state, by a name that every page says in its language.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Note {
    /// The store is away.
    StoreAway,
    /// The line lost its data and is being put back together.
    Rebuilding,
    /// The store is away, and when the fan came is noted.
    Noted,
    /// As many fans are inside as may be.
    Full,
    /// The drain has adapted to a busy shop.
    Slowed,
    /// The fan was inside, and all admissions of their time were taken back.
    Voided,
}

impl Note {
    /// Whether the message says the same, in English.
    pub const fn is_the_message(self) -> bool {
        matches!(self, Self::StoreAway | Self::Rebuilding | Self::Noted)
    }

    /// The key of its text.
    pub const fn key(self) -> &'static str {
        match self {
            Self::StoreAway => "note_store_away",
            Self::Rebuilding => "note_rebuilding",
            Self::Noted => "note_noted",
            Self::Full => "note_full",
            Self::Slowed => "note_slowed",
            Self::Voided => "note_voided",
        }
    }
}

/// My status.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Status {
    /// The room.
    pub room: String,
    /// The lane.
    pub lane: String,
    /// Where the fan is.
    pub state: State,
    /// Their place, from 1; nothing when they do not stand in the line.
    #[schema(required = true)]
    pub position: Option<u64>,
    /// Fans before them.
    #[schema(required = true)]
    pub ahead: Option<u64>,
    /// Fans who wait in the room, in all.
    pub waiting: u64,
    /// How long it may take; nothing while nobody knows.
    #[schema(required = true)]
    pub eta_seconds: Option<Eta>,
    /// Fans admitted a minute: as configured, or as the drain has adapted.
    pub drain_per_minute: u64,
    /// When the room opens, while that is to come.
    #[schema(required = true)]
    pub opens_at: Option<String>,
    /// How long that is from now.
    #[serde(skip)]
    pub opens_in: Option<Duration>,
    /// When to ask again, for who cannot hold a WebSocket.
    pub poll_after_ms: u64,
    /// What there is to tell: the operator's words, or a note that something is away. May be empty.
    pub message: String,
    /// The same by name, where it is not the operator's; and what slows the line.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub note: Option<Note>,
    /// How long the turn that has come can be taken up, or is good for once it was.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub claim_seconds: Option<u64>,
    /// When this was true.
    pub updated_at: String,
}

impl Status {
    /// The same for a fan whose admission was taken back with all others, if it was: why they wait once more is told, but
    /// where something is graver.
    #[must_use]
    pub fn after_a_void(self, is_voided: bool) -> Self {
        let is_graver = self.note.is_some_and(Note::is_the_message);
        if !is_voided || is_graver || self.state == State::Admitted {
            return self;
        }
        Self { note: Some(Note::Voided), ..self }
    }

    /// As JSON.
    pub fn to_json(&self) -> String {
        serde_json::to_string(self).unwrap_or_default()
    }

    /// As JSON, with one field more.
    pub fn to_json_with(&self, field: &str, value: &str) -> String {
        let mut json = serde_json::to_value(self).unwrap_or_default();
        if let Some(object) = json.as_object_mut() {
            object.insert(field.to_owned(), value.into());
        }
        json.to_string()
    }
}

fn states() -> Object {
    let all = ["open", "prequeue", "queueing", "paused", "closed"];
    ObjectBuilder::new().schema_type(Type::String).enum_values(Some(all)).build()
}

/// The public facts of a room.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Facts {
    /// The room.
    pub room: String,
    /// `open`, `prequeue`, `queueing`, `paused` or `closed`.
    #[schema(schema_with = states)]
    pub state: &'static str,
    /// Fans who wait.
    pub waiting: u64,
    /// Fans with a session.
    pub active: u64,
    /// Fans admitted a minute: as configured, or as the drain has adapted.
    pub drain_per_minute: u64,
    /// When the room opens, while that is to come.
    #[schema(required = true)]
    pub opens_at: Option<String>,
    /// The store's time.
    pub server_time: String,
}
