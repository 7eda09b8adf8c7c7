//! The live sessions, told a page at a time.

use std::time::Duration;

use crate::clock::Timestamp;
use crate::ticket::TicketId;

use super::line::Line;
use crate::store::{LiveSession, PageMark, SESSIONS_PER_PAGE, SessionPage};

impl Line {
    pub(super) fn sessions(&self, from: PageMark, now: Timestamp) -> SessionPage {
        // Those that are over are not told, and not counted.
        let first = PageMark { until: now + Duration::from_millis(1), told: 0 };
        let begins = if from.until > now { from } else { first };
        let told = usize::try_from(begins.told).unwrap_or(usize::MAX);
        let later = self.active.since((begins.until, TicketId::from_bytes([0; 12])));
        let live = later.skip(told).take(SESSIONS_PER_PAGE).map(|(ticket, until)| {
            let admitted_at = self.admitted.get(&ticket).copied().unwrap_or_default();
            LiveSession { ticket, admitted_at, until }
        });
        SessionPage::of(live.collect(), from)
    }
}
