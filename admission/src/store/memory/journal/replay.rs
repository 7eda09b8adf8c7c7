//! Reading a journal: the state that it begins with, and every verb since done again.

use std::time::Duration;

use crate::clock::Timestamp;
use crate::name::RoomId;
use crate::rules::Rules;
use crate::store::Presence;
use crate::store::memory::Lines;
use crate::store::memory::line::Line;
use crate::store::memory::load::Load;

use super::frame::{self, HEADER};
use super::image;
use super::record::{Entry, Record, Verb};

/// What a journal told.
#[derive(Default)]
pub(super) struct Told {
    pub(super) lines: Lines,
    /// Until when everything is in it; the beginning of time where not even that is known.
    pub(super) known_until: Timestamp,
    /// Whether the process ended in peace after that.
    pub(super) is_closed: bool,
    /// Verbs that were done again.
    pub(super) verbs: u64,
    /// What is wrong with the file.
    pub(super) damage: Option<Damage>,
}

/// What is wrong with a file, and from which byte on it was not used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Damage {
    /// The end was being written.
    Torn(usize),
    /// More follows that may have mattered.
    Corrupt(usize),
}

/// Reads the frames of a file whose header was read. Never fails: tells what can be told.
pub(super) fn read(bytes: &[u8]) -> Told {
    let mut told = Told::default();
    let mut room = None;
    let (mut at, mut sequence) = (HEADER, 0);
    while let Some(rest) = bytes.get(at..).filter(|rest| !rest.is_empty()) {
        let Some(frame) = frame::read(rest).filter(|frame| frame.sequence <= sequence) else {
            let is_torn = !frame::any_after(rest, sequence);
            told.damage = Some(if is_torn { Damage::Torn(at) } else { Damage::Corrupt(at) });
            break;
        };
        // A frame that was written twice counts once.
        if frame.sequence == sequence {
            let record = postcard::from_bytes(frame.record).ok();
            if !record.is_some_and(|record| told.take(record, &mut room)) {
                told.damage = Some(Damage::Corrupt(at));
                break;
            }
            sequence += 1;
        }
        at += frame.size;
    }
    told
}

impl Told {
    /// Takes in the next record. False if it makes no sense after those before.
    fn take(&mut self, record: Record<'_>, room: &mut Option<RoomId>) -> bool {
        if self.is_closed {
            return false;
        }
        let is_whole = self.known_until > Timestamp::default();
        match record {
            Record::Entry(entry) if is_whole => {
                self.known_until = entry.at;
                self.verbs += 1;
                again(&mut self.lines, entry)
            }
            Record::Closed(at) if is_whole => {
                self.known_until = at;
                self.is_closed = true;
                true
            }
            Record::Entry(_) | Record::Closed(_) => false,
            _ if is_whole => false,
            Record::Whole(at) => {
                self.known_until = at;
                true
            }
            Record::Line(head) if can_work(&head.rules) => {
                let (name, line) = image::line_of(*head);
                self.lines.insert(name.clone(), line);
                *room = Some(name);
                true
            }
            part => {
                let line = room.as_ref().and_then(|room| self.lines.get_mut(room));
                line.is_some_and(|line| image::put(line, part))
            }
        }
    }

    /// Lets every line go on at `now`.
    pub(super) fn wake(&mut self, now: Timestamp) {
        let slept = now.since(self.known_until);
        for line in self.lines.values_mut() {
            // Nobody could return while the store was away.
            let knows = self.known_until > Timestamp::default();
            line.note_opening(self.known_until);
            line.was_silent(if knows { slept } else { Duration::ZERO }, now);
            line.gathered_at = self.known_until;
            if self.is_closed {
                line.go_on(now);
            } else {
                line.resume(now);
            }
            line.answers.clear();
            line.answers_until = Default::default();
        }
    }
}

fn can_work(rules: &Rules) -> bool {
    rules.lanes.iter().all(|lane| lane.weight > 0)
}

/// Does a verb again. False if it makes no sense.
pub(super) fn again(lines: &mut Lines, entry: Entry<'_>) -> bool {
    let Entry { at, room, gathered, silence, verb } = entry;
    let Some(line) = lines.get_mut(room.as_ref()) else {
        let Verb::Configure(with) = verb else { return false };
        if can_work(&with.rules) {
            lines.insert(room.into_owned(), Line::new(&with.rules, with.revision, &with.memory, at));
            return true;
        }
        return false;
    };
    line.gathered_at = gathered.at;
    line.units = gathered.units;
    line.note_opening(at);
    line.was_silent(silence, at);
    match verb {
        Verb::Configure(with) => {
            if !can_work(&with.rules) {
                return false;
            }
            line.configure(&with.rules, with.revision, &with.memory, at);
        }
        Verb::Join(joins) => drop(line.take_in(&joins, at)),
        Verb::Restore(places) => drop(line.restore(&places, at)),
        Verb::Claim(places) => drop(line.claim(&places, at)),
        Verb::Leave(places) => places.iter().for_each(|place| line.leave(place, at)),
        Verb::End(tickets) => tickets.iter().for_each(|ticket| line.end(*ticket, at)),
        Verb::Drain(drained) => line.drain_again(&drained, at),
        Verb::Presence { back, active } => {
            let presence = Presence { waiting: back, gone: vec![], active: active.into_owned() };
            line.report_presence(&presence, at);
        }
        Verb::Rate { rate, history } => {
            line.gather(at);
            line.rate = rate;
            line.load = Load::remembering(history.into_owned());
        }
        Verb::Expire => line.expire(at),
        Verb::Nothing => {}
        Verb::Void(before) => drop(line.void_up_to(before, at)),
        Verb::Reset { at: reset_at, voided } => {
            line.void_up_to(voided, at);
            line.reset_at(reset_at, at);
        }
        Verb::RecallReset { at: reset_at, below } => line.recall_reset(reset_at, below),
        Verb::Relocate(wanted) => drop(line.relocate(&wanted, at)),
        Verb::Withdraw(invitations) => line.withdraw(&invitations, at),
        Verb::Admit(places) => drop(line.admit(&places, at)),
    }
    line.has_expired = false;
    true
}

impl Line {
    /// Goes on with a line that has lost nothing, after its process was away. Fans need a moment to be back, if
    /// there are any; permits did not gather meanwhile, or the first drain would be a burst.
    fn go_on(&mut self, now: Timestamp) {
        self.units = 0;
        self.gathered_at = now;
        let nobody = self.lanes.values().all(|lane| lane.waiting.len() + lane.passed.len() == 0);
        if !nobody {
            self.hold_until = self.hold_until.max(now + self.rules.recovery_grace);
        }
    }
}
