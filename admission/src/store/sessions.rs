//! The live sessions, told a page at a time.

use crate::clock::Timestamp;
use crate::ticket::TicketId;

/// Most sessions on one page.
pub const SESSIONS_PER_PAGE: usize = 2000;

/// A live session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LiveSession {
    /// The ticket.
    pub ticket: TicketId,
    /// When the fan was admitted, by the store's clock.
    pub admitted_at: Timestamp,
    /// When the session ends, unless it slides.
    pub until: Timestamp,
}

/// Where a page of sessions begins; the default is the first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PageMark {
    /// Sessions that end before this have been told.
    pub until: Timestamp,
    /// And so many of those that end then.
    pub told: u64,
}

/// Some of the live sessions: those that end first come first. One that slides meanwhile is told again, further back. One
/// that begins meanwhile, or ends together with another that is gone since, may be missed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SessionPage {
    /// The sessions.
    pub sessions: Vec<LiveSession>,
    /// Where the next page begins; nothing on the last one.
    pub next: Option<PageMark>,
}

impl SessionPage {
    /// The page that began at `from`.
    pub(super) fn of(sessions: Vec<LiveSession>, from: PageMark) -> Self {
        let next = sessions.last().filter(|_| sessions.len() >= SESSIONS_PER_PAGE).map(|last| {
            let alike =
                sessions.iter().rev().take_while(|session| session.until == last.until).count() as u64;
            let before = if last.until == from.until { from.told } else { 0 };
            PageMark { until: last.until, told: before + alike }
        });
        Self { sessions, next }
    }
}
