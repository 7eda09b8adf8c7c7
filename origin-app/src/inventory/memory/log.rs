//! The log of one event in memory.

use std::collections::VecDeque;

use admission::clock::Timestamp;

use crate::inventory::{Backlog, DeadLetter, Holding, LogEntry, READ_TURN};

/// The log of one event, and what was put aside of it.
#[derive(Default)]
pub(super) struct Log {
    entries: VecDeque<LogEntry>,
    dead: VecDeque<DeadLetter>,
    written: u64,
    reader: Option<(String, Timestamp)>,
}

impl Log {
    pub(super) fn tell(&mut self, holding: &Holding, now: Timestamp) {
        let mark = self.next_mark();
        self.entries.push_back(LogEntry { mark, at: now, holding: Ok(holding.clone()) });
    }

    fn next_mark(&mut self) -> String {
        self.written += 1;
        self.written.to_string()
    }

    pub(super) fn read(&mut self, reader: &str, limit: u32, now: Timestamp) -> Option<Vec<LogEntry>> {
        if let Some((holder, until)) = &self.reader
            && holder != reader
            && *until > now
        {
            return None;
        }
        self.reader = Some((reader.to_owned(), now + READ_TURN));
        Some(self.entries.iter().take(limit as usize).cloned().collect())
    }

    pub(super) fn acknowledge(&mut self, mark: &str) {
        // Acknowledged in order, so it is among the first.
        if let Some(place) = self.entries.iter().position(|entry| entry.mark == mark) {
            self.entries.remove(place);
        }
    }

    pub(super) fn bury(&mut self, mark: &str, reason: &str) {
        if let Some(place) = self.entries.iter().position(|entry| entry.mark == mark)
            && let Some(entry) = self.entries.remove(place)
        {
            let mark = self.next_mark();
            self.dead.push_back(DeadLetter { mark, entry, reason: reason.to_owned() });
        }
    }

    pub(super) fn dead(&self, limit: u32) -> Vec<DeadLetter> {
        self.dead.iter().take(limit as usize).cloned().collect()
    }

    pub(super) fn unbury(&mut self, mark: &str, replay: bool) -> bool {
        let found = self.dead.iter().position(|letter| letter.mark == mark);
        let Some(letter) = found.and_then(|place| self.dead.remove(place)) else {
            return false;
        };
        if replay {
            let mark = self.next_mark();
            self.entries.push_back(LogEntry { mark, ..letter.entry });
        }
        true
    }

    pub(super) fn backlog(&self, now: Timestamp) -> Backlog {
        Backlog {
            entries: self.entries.len() as u64,
            oldest: self.entries.front().map(|entry| entry.at),
            dead: self.dead.len() as u64,
            now,
        }
    }
}
