//! What a fan is told of their place, the same over HTTP and WebSocket; and what anyone is told of a room.

use std::time::Duration;

use serde::Serialize;

/// Where a fan is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
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
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Eta {
    /// Hardly less than this.
    pub low: u64,
    /// Hardly more than this.
    pub high: u64,
}

/// My status.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Status {
    /// The room.
    pub room: String,
    /// The lane.
    pub lane: String,
    /// Where the fan is.
    pub state: State,
    /// Their place, from 1; nothing when they do not stand in the line.
    pub position: Option<u64>,
    /// Fans before them.
    pub ahead: Option<u64>,
    /// Fans who wait in the room, in all.
    pub waiting: u64,
    /// How long it may take; nothing while nobody knows.
    pub eta_seconds: Option<Eta>,
    /// Fans admitted a minute: as configured, or as the drain has adapted.
    pub drain_per_minute: u64,
    /// When the room opens, while that is to come.
    pub opens_at: Option<String>,
    /// How long that is from now.
    #[serde(skip)]
    pub opens_in: Option<Duration>,
    /// When to ask again, for who cannot hold a WebSocket.
    pub poll_after_ms: u64,
    /// What there is to tell: the operator's words, or a note that something is away. May be empty.
    pub message: String,
    /// When this was true.
    pub updated_at: String,
}

impl Status {
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

/// The public facts of a room.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Facts {
    /// The room.
    pub room: String,
    /// `open`, `prequeue`, `queueing`, `paused` or `closed`.
    pub state: &'static str,
    /// Fans who wait.
    pub waiting: u64,
    /// Fans with a session.
    pub active: u64,
    /// Fans admitted a minute: as configured, or as the drain has adapted.
    pub drain_per_minute: u64,
    /// When the room opens, while that is to come.
    pub opens_at: Option<String>,
    /// The store's time.
    pub server_time: String,
}
