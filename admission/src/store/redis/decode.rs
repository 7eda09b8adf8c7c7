//! From what the scripts reply to the types of the port.

use std::time::Duration;

use redis::{FromRedisValue, Value};

use crate::adaptive::{History, LoadInterval, LoadReport};
use crate::clock::Timestamp;
use crate::name::LaneId;
use crate::position::{Ladder, Rung};
use crate::rank::{Rank, RankRange};
use crate::store::{
    ByHand, Drained, Joined, LaneSnapshot, LiveSession, PresenceAnswer, Relocated, Standing, StoreError,
};
use crate::ticket::{Place, TicketId};

/// Values of a reply, taken from the front one by one.
pub(super) struct Reply(std::vec::IntoIter<Value>);

fn unreadable(what: &str) -> StoreError {
    StoreError::Unreadable(what.to_owned())
}

impl Reply {
    pub(super) fn of(value: Value) -> Result<Self, StoreError> {
        match value {
            Value::Array(values) => Ok(Self(values.into_iter())),
            _ => Err(unreadable("a list was expected")),
        }
    }

    pub(super) fn take<T: FromRedisValue>(&mut self, what: &str) -> Result<T, StoreError> {
        let value = self.0.next().ok_or_else(|| unreadable(what))?;
        T::from_redis_value(value).map_err(|_| unreadable(what))
    }

    pub(super) fn timestamp(&mut self, what: &str) -> Result<Timestamp, StoreError> {
        self.take(what).map(Timestamp::from_millis)
    }

    pub(super) fn rank(&mut self, what: &str) -> Result<Rank, StoreError> {
        self.take(what).map(Rank::new)
    }

    pub(super) fn list(&mut self, what: &str) -> Result<Self, StoreError> {
        self.0.next().ok_or_else(|| unreadable(what)).and_then(Self::of)
    }

    /// Stretches of ranks, `<from>-<to>` separated by spaces.
    pub(super) fn rank_ranges(&mut self, what: &str) -> Result<Vec<RankRange>, StoreError> {
        let range = |text: &str| {
            let (from, to) = text.split_once('-')?;
            Some(RankRange { from: Rank::new(from.parse().ok()?), to: Rank::new(to.parse().ok()?) })
        };
        let text: String = self.take(what)?;
        text.split_whitespace().map(|text| range(text).ok_or_else(|| unreadable(what))).collect()
    }

    pub(super) fn by_hand(&mut self) -> Result<ByHand, StoreError> {
        let (reset_at, reset_below) = (self.timestamp("reset at")?, self.rank("reset below")?);
        let (admitted, called): (u64, String) = (self.take("admitted by hand")?, self.take("called")?);
        let one = |text: &str| {
            let (lane, rank) = text.split_once('=').ok_or_else(|| unreadable("called"))?;
            let rank = rank.parse().map_err(|_| unreadable("called"))?;
            Ok((lane_name(lane)?, Rank::new(rank)))
        };
        let called = called.split_whitespace().map(one).collect::<Result<_, StoreError>>()?;
        let mut entries = self.list("relocated")?;
        let mut relocated = Vec::new();
        while !entries.is_empty() {
            let entry: String = entries.take("relocated")?;
            relocated.push(relocated_from(&entry).ok_or_else(|| unreadable("relocated"))?);
        }
        Ok(ByHand { reset_at, reset_below, admitted, called, relocated })
    }

    fn is_empty(&self) -> bool {
        self.0.len() == 0
    }

    pub(super) fn ticket_ids(self) -> Result<Vec<TicketId>, StoreError> {
        self.0
            .map(|value| {
                let text = String::from_redis_value(value).map_err(|_| unreadable("ticket id"))?;
                TicketId::parse(&text).ok_or_else(|| unreadable("ticket id"))
            })
            .collect()
    }

    pub(super) fn lanes(mut self) -> Result<Vec<LaneSnapshot>, StoreError> {
        let mut lanes = Vec::new();
        while !self.is_empty() {
            lanes.push(lane(self.list("lane")?)?);
        }
        Ok(lanes)
    }
}

/// `<lane> <rank> <id>` of before and of now.
fn relocated_from(entry: &str) -> Option<Relocated> {
    let mut words = entry.split(' ');
    let mut place = || {
        let lane = LaneId::parse(words.next()?).ok()?;
        let rank = Rank::new(words.next()?.parse().ok()?);
        Some(Place { lane, rank, id: TicketId::parse(words.next()?)? })
    };
    Some(Relocated { from: place()?, to: place()? })
}

fn lane(mut reply: Reply) -> Result<LaneSnapshot, StoreError> {
    let name = lane_name(&reply.take::<String>("lane name")?)?;
    let cursor = reply.rank("cursor")?;
    let next_rank = reply.rank("next rank")?;
    let horizon = reply.take::<i64>("horizon")?;
    let waiting = reply.take("waiting")?;
    let mut ranks = reply.list("rungs")?;
    let mut rungs = Vec::new();
    while !ranks.is_empty() {
        rungs.push(Rung { rank: ranks.rank("rung")?, ahead: ranks.take("rung")? });
    }
    Ok(LaneSnapshot {
        name,
        cursor,
        next_rank,
        horizon: u64::try_from(horizon).map_or(Rank::MAX, Rank::new),
        ladder: Ladder::new(rungs, waiting),
    })
}

fn lane_name(text: &str) -> Result<LaneId, StoreError> {
    LaneId::parse(text).map_err(|_| unreadable("lane name"))
}

pub(super) fn standings(value: Value, expected: usize) -> Result<Vec<Standing>, StoreError> {
    let mut reply = Reply::of(value)?;
    let mut standings = Vec::with_capacity(expected);
    for _ in 0..expected {
        let kind: u8 = reply.take("standing")?;
        let value: u64 = reply.take("standing")?;
        let admitted_at = reply.timestamp("admitted at")?;
        let until = Timestamp::from_millis(value);
        standings.push(match kind {
            0 => Standing::Waiting { ahead: value },
            1 => Standing::Turn { until },
            2 => Standing::Active { until, admitted_at },
            3 => Standing::Ended,
            4 => Standing::Unknown,
            _ => return Err(unreadable("standing")),
        });
    }
    Ok(standings)
}

pub(super) fn joined(reply: &str, expected: usize) -> Result<Vec<Joined>, StoreError> {
    let mut answers = Vec::with_capacity(expected);
    for entry in reply.split(';') {
        joined_entry(entry, expected, &mut answers).ok_or_else(|| unreadable("join"))?;
    }
    if answers.len() == expected { Ok(answers) } else { Err(unreadable("join")) }
}

/// Reads one entry, which may tell of several fans, but of no more than were asked about.
fn joined_entry(entry: &str, expected: usize, answers: &mut Vec<Joined>) -> Option<()> {
    let mut words = entry.split(' ');
    let kind = words.next()?;
    let mut number = || words.next()?.parse::<u64>().ok();
    match kind {
        "E" => {
            answers.push(Joined::Entered {
                rank: Rank::new(number()?),
                until: Timestamp::from_millis(number()?),
            });
        }
        "W" => {
            let (rank, ahead, count) = (number()?, number()?, number()?);
            if count > expected as u64 {
                return None;
            }
            answers.extend(
                (0..count).map(|at| Joined::Waiting { rank: Rank::new(rank + 2 * at), ahead: ahead + at }),
            );
        }
        "D" => answers.push(Joined::Drawn),
        "T" => answers.push(Joined::Taken),
        "I" => answers.push(Joined::InvitationUsed),
        "N" => answers.push(Joined::NotFree),
        "F" => answers.push(Joined::Full),
        "C" => answers.push(Joined::Closed),
        _ => return None,
    }
    Some(())
}

pub(super) fn drained(value: Value) -> Result<Drained, StoreError> {
    let mut reply = Reply::of(value)?;
    let passed = reply.take("passed")?;
    let mut turns = Vec::new();
    while !reply.is_empty() {
        let name = lane_name(&reply.take::<String>("lane name")?)?;
        let chunks: String = reply.take("ranks")?;
        for chunk in chunks.split_terminator(';') {
            for rank in ranks(chunk).ok_or_else(|| unreadable("ranks"))? {
                turns.push((name.clone(), rank));
            }
        }
    }
    Ok(Drained { turns, passed })
}

/// `<base> <offset> <offset> …`: a rank for each offset.
fn ranks(chunk: &str) -> Option<Vec<Rank>> {
    let mut numbers = chunk.split(' ').map(str::parse::<u64>);
    let base = numbers.next()?.ok()?;
    numbers.map(|offset| base.checked_add(offset.ok()?).map(Rank::new)).collect()
}

pub(super) fn presence(value: Value, waiting: &[Place]) -> Result<PresenceAnswer, StoreError> {
    let mut reply = Reply::of(value)?;
    let mut indexes = reply.list("not waiting")?;
    let mut not_waiting = Vec::new();
    while !indexes.is_empty() {
        let index: usize = indexes.take("index")?;
        not_waiting.push(waiting.get(index).ok_or_else(|| unreadable("index"))?.clone());
    }
    Ok(PresenceAnswer { not_waiting, ended: reply.list("ended")?.ticket_ids()? })
}

pub(super) fn live_sessions(value: Value) -> Result<Vec<LiveSession>, StoreError> {
    let mut reply = Reply::of(value)?;
    let mut sessions = Vec::new();
    while !reply.is_empty() {
        let ticket = TicketId::parse(&reply.take::<String>("ticket id")?);
        let ticket = ticket.ok_or_else(|| unreadable("ticket id"))?;
        let (admitted_at, until) = (reply.timestamp("admitted at")?, reply.timestamp("until")?);
        sessions.push(LiveSession { ticket, admitted_at, until });
    }
    Ok(sessions)
}

pub(super) fn load_interval(value: Value) -> Result<Option<(LoadInterval, History)>, StoreError> {
    if value == Value::Nil {
        return Ok(None);
    }
    let mut reply = Reply::of(value)?;
    let (number, length) = (reply.take("number")?, Duration::from_millis(reply.take("length")?));
    let (admitted, rate) = (reply.take("admitted")?, reply.take("rate")?);
    // A history that cannot be read is none: the controller begins anew.
    let history = reply.take::<String>("history")?.parse().unwrap_or_default();
    let sums: String = reply.take("sums")?;
    let sums: Vec<u64> = sums.split_whitespace().filter_map(|number| number.parse().ok()).collect();
    let report = LoadReport::from_numbers(&sums).ok_or_else(|| unreadable("sums"))?;
    Ok(Some((LoadInterval { number, length, report, admitted, rate }, history)))
}
