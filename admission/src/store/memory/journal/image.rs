//! A line as records, and records as a line.
//!
//! Left out is what the next seconds bring anyway or nobody will ask for: who was seen when (fans are reported
//! again before anybody is admitted), and the answers to batches of joins (who asked died with the process).

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::mem::take;
use std::sync::Arc;
use std::time::Duration;

use crate::clock::Timestamp;
use crate::name::{LaneId, RoomId};
use crate::rank::Rank;
use crate::store::ByHand;
use crate::store::memory::Lines;
use crate::store::memory::line::{Lane, Line};
use crate::store::memory::load::Load;
use crate::ticket::TicketId;

use super::record::{Gathered, LaneHead, LineHead, Record};

/// Most entries of a list in one record.
const CHUNK: usize = 10_000;

/// Something that takes records, one after the other.
pub(super) trait Sink {
    /// What can go wrong.
    type Error;

    /// Takes the next one.
    fn take(&mut self, record: &Record<'_>) -> Result<(), Self::Error>;
}

/// A copy of what is told. The rest may be many times as much, and verbs wait meanwhile.
pub(super) fn copy(lines: &mut Lines) -> Lines {
    let copy_of = |line: &mut Line| {
        let answers = (take(&mut line.answers), take(&mut line.answers_until));
        let seen: Vec<_> = line.lanes.values_mut().map(|lane| take(&mut lane.seen)).collect();
        let copy = line.clone();
        (line.answers, line.answers_until) = answers;
        line.lanes.values_mut().zip(seen).for_each(|(lane, seen)| lane.seen = seen);
        copy
    };
    lines.iter_mut().map(|(room, line)| (room.clone(), copy_of(line))).collect()
}

/// Tells every line. In an order of its own, so that equal lines are told equally.
pub(super) fn tell<S: Sink>(lines: &Lines, sink: &mut S) -> Result<(), S::Error> {
    let sorted: BTreeMap<&RoomId, &Line> = lines.iter().collect();
    for (room, line) in sorted {
        tell_line(room, line, sink)?;
    }
    Ok(())
}

fn tell_line<S: Sink>(room: &RoomId, line: &Line, sink: &mut S) -> Result<(), S::Error> {
    // Destructured, so that a new field cannot be forgotten here.
    let Line {
        rules,
        revision,
        resumed_at,
        forgotten,
        hold_until,
        lead,
        rate,
        units,
        // The controller begins anew: what it remembers is about a crowd that may be another one by now.
        load,
        gathered_at,
        lanes,
        active,
        admitted,
        ended,
        voided_before,
        by_hand,
        revealed,
        joined_total,
        admitted_total,
        lapsed_total,
        answers: _,
        answers_until: _,
        invitations,
        invitations_until,
        withdrawn,
        silent,
        silence,
        awake_at,
        shows_after: _,
        has_expired: _,
    } = line;
    let lane_head = |(name, lane): (&LaneId, &Lane)| LaneHead {
        name: name.clone(),
        cursor: lane.cursor,
        next_rank: lane.next_rank,
        pass: lane.pass,
    };
    sink.take(&Record::Line(Box::new(LineHead {
        room: room.clone(),
        rules: rules.as_ref().clone(),
        revision: *revision,
        resumed_at: *resumed_at,
        forgotten: forgotten.clone(),
        hold_until: *hold_until,
        lead: *lead,
        rate: *rate,
        gathered: Gathered { at: *gathered_at, units: *units },
        history: load.history().to_owned(),
        joined_total: *joined_total,
        admitted_total: *admitted_total,
        lapsed_total: *lapsed_total,
        silence: *silence,
        awake_at: *awake_at,
        lanes: lanes.iter().map(lane_head).collect(),
    })))?;
    for (name, lane) in lanes {
        tell_lane(name, lane, *silent, sink)?;
    }
    let sessions =
        active.iter().map(|(id, until)| (id, until, admitted.get(&id).copied().unwrap_or_default()));
    chunks(sessions, |chunk| sink.take(&Record::Active(chunk)))?;
    chunks(ended.iter(), |chunk| sink.take(&Record::Ended(chunk)))?;
    if *voided_before > Timestamp::default() {
        sink.take(&Record::Voided(*voided_before))?;
    }
    if *by_hand != ByHand::default() {
        sink.take(&Record::ByHand(by_hand.clone()))?;
    }
    if *revealed > Timestamp::default() {
        sink.take(&Record::Revealed(*revealed))?;
    }
    let used = invitations_until
        .iter()
        .map(|(id, until)| (id, invitations.get(&id).copied().unwrap_or_default(), until));
    chunks(used, |chunk| sink.take(&Record::Invitations(chunk)))?;
    let sorted: BTreeSet<TicketId> = withdrawn.iter().copied().collect();
    chunks(sorted.into_iter(), |chunk| sink.take(&Record::Withdrawn(chunk)))?;
    chunks(by_hand.relocated.iter().cloned(), |chunk| sink.take(&Record::Relocated(chunk)))
}

fn tell_lane<S: Sink>(name: &LaneId, lane: &Lane, silent: Duration, sink: &mut S) -> Result<(), S::Error> {
    let Lane { waiting, seen: _, passed, unclaimed, turns, cursor: _, next_rank: _, horizon: _, pass: _ } =
        lane;
    chunks(waiting.iter(), |mut ranks| {
        // Ranks of neighbours are close together: their distances take two bytes, they themselves eight.
        let mut before = Rank::ZERO;
        let gaps = ranks.drain(..).map(|rank| {
            let gap = rank.get() - before.get();
            before = rank;
            gap
        });
        sink.take(&Record::Waiting(name.clone(), gaps.collect()))
    })?;
    // A line that is told has had no silence yet.
    let passed = passed.iter().map(|(rank, until)| (rank, until + silent));
    chunks(passed, |chunk| sink.take(&Record::Passed(name.clone(), chunk)))?;
    let unclaimed = unclaimed.iter().map(|(rank, until)| (rank, until + silent));
    chunks(unclaimed, |chunk| sink.take(&Record::Unclaimed(name.clone(), chunk)))?;
    chunks(turns.iter(), |chunk| sink.take(&Record::Turns(name.clone(), chunk)))
}

fn chunks<T, E>(
    mut items: impl Iterator<Item = T>,
    mut take: impl FnMut(Vec<T>) -> Result<(), E>,
) -> Result<(), E> {
    loop {
        let chunk: Vec<T> = items.by_ref().take(CHUNK).collect();
        if chunk.is_empty() {
            return Ok(());
        }
        take(chunk)?;
    }
}

/// The line that a head begins.
pub(super) fn line_of(head: LineHead) -> (RoomId, Line) {
    let lane = |head: LaneHead| {
        let mut lane = Lane::new(head.next_rank);
        lane.cursor = head.cursor;
        lane.pass = head.pass;
        (head.name, lane)
    };
    let line = Line {
        rules: Arc::new(head.rules),
        revision: head.revision,
        resumed_at: head.resumed_at,
        forgotten: head.forgotten,
        hold_until: head.hold_until,
        lead: head.lead,
        rate: head.rate,
        units: head.gathered.units,
        load: Load::remembering(head.history),
        gathered_at: head.gathered.at,
        lanes: head.lanes.into_iter().map(lane).collect(),
        active: Default::default(),
        admitted: HashMap::new(),
        ended: Default::default(),
        voided_before: Timestamp::default(),
        by_hand: ByHand::default(),
        revealed: Timestamp::default(),
        joined_total: head.joined_total,
        admitted_total: head.admitted_total,
        lapsed_total: head.lapsed_total,
        answers: HashMap::new(),
        answers_until: Default::default(),
        invitations: HashMap::new(),
        invitations_until: Default::default(),
        withdrawn: Default::default(),
        silent: Duration::ZERO,
        silence: head.silence,
        awake_at: head.awake_at,
        shows_after: head.resumed_at,
        has_expired: false,
    };
    (head.room, line)
}

/// Puts one part into the line that it is of. False if that makes no sense.
pub(super) fn put(line: &mut Line, part: Record<'_>) -> bool {
    match part {
        Record::Waiting(name, gaps) => {
            let Some(lane) = line.lanes.get_mut(&name) else { return false };
            let mut rank = Rank::ZERO;
            for gap in gaps {
                rank = rank.ahead_by(gap);
                lane.waiting.insert(rank);
            }
        }
        Record::Passed(name, ranks) => {
            let Some(lane) = line.lanes.get_mut(&name) else { return false };
            ranks.into_iter().for_each(|(rank, until)| lane.passed.set(rank, until));
        }
        Record::Unclaimed(name, ranks) => {
            let Some(lane) = line.lanes.get_mut(&name) else { return false };
            ranks.into_iter().for_each(|(rank, until)| lane.unclaimed.set(rank, until));
        }
        Record::Turns(name, ranks) => {
            let Some(lane) = line.lanes.get_mut(&name) else { return false };
            ranks.into_iter().for_each(|(rank, until)| lane.turns.set(rank, until));
        }
        Record::Active(sessions) => {
            for (id, until, admitted_at) in sessions {
                line.active.set(id, until);
                line.admitted.insert(id, admitted_at);
            }
        }
        Record::Ended(tickets) => {
            tickets.into_iter().for_each(|(mark, ticket)| line.ended.recall(mark, ticket));
        }
        Record::Voided(before) => line.voided_before = before,
        Record::ByHand(by_hand) => line.by_hand = by_hand,
        Record::Revealed(prequeue_at) => line.revealed = prequeue_at,
        Record::Invitations(invitations) => {
            for (id, used, until) in invitations {
                line.invitations.insert(id, used);
                line.invitations_until.set(id, until);
            }
        }
        Record::Relocated(places) => line.by_hand.relocated.extend(places),
        Record::Withdrawn(invitations) => line.withdrawn.extend(invitations),
        Record::Line(_) | Record::Whole(_) | Record::Entry(_) | Record::Closed(_) => return false,
    }
    true
}
