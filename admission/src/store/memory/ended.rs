//! Tickets that are over, in the order in which they ended.

use std::collections::{BTreeMap, HashMap};

use crate::clock::Timestamp;
use crate::store::ENDED_PER_SNAPSHOT_MAX;
use crate::ticket::TicketId;

/// Ended tickets, in the order in which they ended.
#[derive(Clone, Default)]
pub(super) struct Ended {
    marks: HashMap<TicketId, u64>,
    by_mark: BTreeMap<u64, TicketId>,
}

impl Ended {
    pub(super) fn contains(&self, ticket: &TicketId) -> bool {
        self.marks.contains_key(ticket)
    }

    pub(super) fn add(&mut self, ticket: TicketId, now: Timestamp) {
        if self.contains(&ticket) {
            return;
        }
        // Marks follow the clock, a thousand to the millisecond, and never repeat.
        let after_last = self.by_mark.last_key_value().map_or(0, |(mark, _)| mark + 1);
        let mark = after_last.max(now.as_millis() * 1000);
        self.marks.insert(ticket, mark);
        self.by_mark.insert(mark, ticket);
    }

    /// The tickets that ended after `mark`, and the last one's mark.
    pub(super) fn after(&self, mark: u64) -> (Vec<TicketId>, u64) {
        let later = self.by_mark.range(mark + 1..).take(ENDED_PER_SNAPSHOT_MAX);
        let mut last = mark;
        let tickets = later.map(|(mark, ticket)| {
            last = *mark;
            *ticket
        });
        (tickets.collect(), last)
    }

    /// Forgets what ended before a moment. Whether there was anything.
    pub(super) fn forget(&mut self, before: Timestamp) -> bool {
        let count = self.by_mark.len();
        while let Some((&mark, &ticket)) = self.by_mark.first_key_value() {
            if mark >= before.as_millis() * 1000 {
                break;
            }
            self.by_mark.remove(&mark);
            self.marks.remove(&ticket);
        }
        self.by_mark.len() < count
    }

    /// All of them with their marks, in the order in which they ended.
    pub(super) fn iter(&self) -> impl Iterator<Item = (u64, TicketId)> {
        self.by_mark.iter().map(|(mark, ticket)| (*mark, *ticket))
    }

    /// Takes in what [`Ended::iter`] told.
    pub(super) fn recall(&mut self, mark: u64, ticket: TicketId) {
        self.marks.insert(ticket, mark);
        self.by_mark.insert(mark, ticket);
    }
}
