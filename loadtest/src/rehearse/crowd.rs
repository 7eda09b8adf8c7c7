//! The crowd: who comes when, and what each of them does.

use std::time::Duration;

use admission::clock::{Timestamp, millis};
use admission::name::LaneId;
use admission::rank::Rank;
use admission::ticket::TicketId;
use anyhow::{Context as _, Result, bail};

use super::Plan;
use super::stay::Stay;
use crate::random::Dice;

/// When a room without times opens: any moment does, as long as it is always the same.
const OPENING: Timestamp = Timestamp::from_millis(1_800_000_000_000);

/// What fans do.
#[derive(Clone, Debug, PartialEq)]
pub struct Habits {
    /// The share who close the page while they wait…
    pub leavers: f64,
    /// …and after how long, on average.
    pub patience: Duration,
    /// The share whose turn comes and who do not take it.
    pub no_shows: f64,
    /// The share whose page has no script, and asks again only every twenty seconds.
    pub without_script: f64,
    /// How long they stay in the shop.
    pub stay: Stay,
    /// The share who finish in the shop, which frees their place at once. The others just go away.
    pub finish: f64,
    /// The share of all who are invited to a lane.
    pub invited: Vec<(LaneId, f64)>,
}

/// One fan.
#[derive(Clone, Copy, Debug)]
pub struct Fan {
    /// When they come.
    pub comes_at: Timestamp,
    /// Their lane, as its place in the rules.
    pub lane: usize,
    /// Their ticket.
    pub id: TicketId,
    /// Their rank, once they have one.
    pub rank: Rank,
    /// After how long in line they close the page, if they do.
    pub leaves_after: Option<Duration>,
    /// Whether they do not take their turn.
    pub is_no_show: bool,
    /// Whether their page has a script.
    pub has_script: bool,
    /// How long they stay in the shop.
    pub stays: Duration,
    /// Whether they finish there.
    pub finishes: bool,
}

/// All fans in the order in which they come, and when the room opens.
///
/// # Errors
/// When a lane that they are invited to is not there, or they come in a pre-queue that is not there.
pub fn gather(plan: &Plan) -> Result<(Vec<Fan>, Timestamp)> {
    let Plan { room, rules, habits, .. } = plan;
    let opening = rules.opens_at.unwrap_or(OPENING);
    let prequeue = rules.prequeue_at.map(|prequeue_at| opening.since(prequeue_at));
    if prequeue.is_none() && plan.arrivals.need_a_prequeue() {
        bail!(
            "fans are to come in the pre-queue, and the room `{room}` has none: `prequeue_at` and `opens_at` are needed"
        );
    }
    let lanes: Vec<&LaneId> = rules.lanes.iter().map(|lane| &lane.name).collect();
    let home = lanes.iter().position(|lane| **lane == LaneId::general()).or(lanes.len().checked_sub(1));
    let home = home.context("the room has no lane")?;
    let mut invited = Vec::new();
    for (name, share) in &habits.invited {
        let Some(lane) = lanes.iter().position(|lane| *lane == name) else {
            let lanes = lanes.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
            bail!("fans are to be invited to the lane `{name}`, and the room `{room}` has only: {lanes}");
        };
        invited.push((lane, *share));
    }
    let mut dice = Dice::new(plan.seed);
    let moments = plan.arrivals.moments(plan.fans, prequeue, &mut dice);
    let fans = moments
        .into_iter()
        .map(|moment| {
            let mut at = dice.unit();
            let lane = invited.iter().find(|(_, share)| {
                let is_here = at < *share;
                at -= share;
                is_here
            });
            Fan {
                comes_at: Timestamp::from_millis(opening.as_millis().saturating_add_signed(moment)),
                lane: lane.map_or(home, |(lane, _)| *lane),
                id: ticket_id(&mut dice),
                rank: Rank::ZERO,
                leaves_after: dice.chance(habits.leavers).then(|| {
                    let mean = millis(habits.patience) as f64;
                    Duration::from_millis((dice.exponential() * mean) as u64)
                }),
                is_no_show: dice.chance(habits.no_shows),
                has_script: !dice.chance(habits.without_script),
                stays: habits.stay.roll(&mut dice),
                finishes: dice.chance(habits.finish),
            }
        })
        .collect();
    Ok((fans, opening))
}

/// A ticket id that a seed repeats.
pub(super) fn ticket_id(dice: &mut Dice) -> TicketId {
    let ([a, b, c, d, e, f, g, h], [i, j, k, l, ..]) = (dice.roll().to_le_bytes(), dice.roll().to_le_bytes());
    TicketId::from_bytes([a, b, c, d, e, f, g, h, i, j, k, l])
}
