//! What a journal says: first the state of every line, then the verbs that changed it since.
//!
//! Any change to what is encoded here, in the types of the domain too, is a new [`super::frame::VERSION`]; a file
//! of the version before is among the tests, so that this is not forgotten.

use std::borrow::Cow;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::clock::Timestamp;
use crate::name::{LaneId, RoomId};
use crate::rank::{Rank, RankRange};
use crate::rules::Rules;
use crate::store::memory::drain::LaneDrained;
use crate::store::{ByHand, Join, Memory, Relocated, Relocation, Stay};
use crate::ticket::{Place, TicketId};

/// One record.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) enum Record<'a> {
    /// A line begins; the parts that follow are its.
    Line(Box<LineHead>),
    /// Ranks that wait in a lane: the first, then each as how far it is beyond the one before.
    Waiting(LaneId, Vec<u64>),
    /// Fans of a lane who were passed over, until when they may return.
    Passed(LaneId, Vec<(Rank, Timestamp)>),
    /// Turns in a lane, and when they lapse.
    Turns(LaneId, Vec<(Rank, Timestamp)>),
    /// Sessions: when they end, and when they began.
    Active(Vec<(TicketId, Timestamp, Timestamp)>),
    /// Tickets that are over, each with its mark.
    Ended(Vec<(u64, TicketId)>),
    /// Invitations: what became of them, and until when that matters.
    Invitations(Vec<(TicketId, u64, Timestamp)>),
    /// The lines are complete, as they were at this moment.
    Whole(Timestamp),
    /// A verb.
    Entry(Entry<'a>),
    /// The process ended in peace: nothing happened after this.
    Closed(Timestamp),
    /// Admissions of the line up to this moment are void.
    Voided(Timestamp),
    /// What operators did by hand.
    ByHand(ByHand),
    /// The latest pre-queue of the line whose seed is public.
    Revealed(Timestamp),
    /// Fans of a lane who did not take a turn, and until when they may return nevertheless.
    Unclaimed(LaneId, Vec<(Rank, Timestamp)>),
    /// Invitations that were withdrawn.
    Withdrawn(Vec<TicketId>),
    /// Places that were moved.
    Relocated(Vec<Relocated>),
}

/// What of a line is the same size however many fans it has.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct LineHead {
    pub(super) room: RoomId,
    pub(super) rules: Rules,
    pub(super) revision: u64,
    pub(super) resumed_at: Timestamp,
    pub(super) forgotten: Vec<RankRange>,
    pub(super) hold_until: Timestamp,
    pub(super) lead: u64,
    pub(super) rate: u64,
    pub(super) gathered: Gathered,
    /// What the controller of an adaptive drain remembers.
    pub(super) history: String,
    pub(super) joined_total: u64,
    pub(super) admitted_total: u64,
    pub(super) lapsed_total: u64,
    pub(super) silence: Duration,
    pub(super) awake_at: Timestamp,
    pub(super) lanes: Vec<LaneHead>,
}

/// What of a lane is the same size however many fans it has.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct LaneHead {
    pub(super) name: LaneId,
    pub(super) cursor: Rank,
    pub(super) next_rank: Rank,
    pub(super) pass: u64,
}

/// The permits of a line.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(in crate::store::memory) struct Gathered {
    pub(in crate::store::memory) at: Timestamp,
    pub(in crate::store::memory) units: u64,
}

/// A verb that changed a line, with all that its outcome follows from.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(in crate::store::memory) struct Entry<'a> {
    pub(in crate::store::memory) at: Timestamp,
    pub(in crate::store::memory) room: Cow<'a, RoomId>,
    /// The permits before it: most drains give nothing and are not noted, but permits gather with each.
    pub(in crate::store::memory) gathered: Gathered,
    /// How long nobody had reached the store, if that counts as a silence.
    pub(in crate::store::memory) silence: Duration,
    pub(in crate::store::memory) verb: Verb<'a>,
}

/// What a room is configured with.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(in crate::store::memory) struct Configuration<'a> {
    pub(in crate::store::memory) rules: Cow<'a, Rules>,
    pub(in crate::store::memory) revision: u64,
    pub(in crate::store::memory) memory: Cow<'a, Memory>,
}

/// What changes a line. Of every verb only as much as does.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(in crate::store::memory) enum Verb<'a> {
    Configure(Box<Configuration<'a>>),
    /// Those who got in or into the line.
    Join(Cow<'a, [Join]>),
    /// Those who were unknown.
    Restore(Vec<Place>),
    /// Those who had a turn.
    Claim(Vec<Place>),
    Leave(Cow<'a, [Place]>),
    End(Cow<'a, [TicketId]>),
    /// The outcome, not the presence that it followed from: that is more, and worth nothing seconds later.
    Drain(Vec<LaneDrained>),
    /// Those who came back after they were passed over, and the sessions in use.
    Presence {
        back: Vec<Place>,
        active: Cow<'a, [Stay]>,
    },
    /// The rate that was decided, and what the controller remembers.
    Rate {
        rate: u64,
        history: Cow<'a, str>,
    },
    /// A moment came at which something ran out.
    Expire,
    /// Nothing, until this moment.
    Nothing,
    /// Admissions up to this moment were voided.
    Void(Timestamp),
    /// Everybody's place was taken back, and admissions up to a moment were voided.
    Reset {
        at: Timestamp,
        voided: Timestamp,
    },
    /// It was remembered that this was done.
    RecallReset {
        at: Timestamp,
        below: Rank,
    },
    /// Those who could be given a turn out of order.
    Admit(Vec<Place>),
    /// Invitations, until when each would be good.
    Withdraw(Vec<(TicketId, Timestamp)>),
    /// A place that moves.
    Relocate(Relocation),
}
