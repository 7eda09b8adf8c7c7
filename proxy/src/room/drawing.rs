//! What a room tells of its draw: the commitment before the opening, the seed after it. And that nobody is drawn with a
//! seed that was told.

use std::sync::Arc;
use std::time::Duration;

use admission::draw::{DrawId, Seed};
use admission::invariants::Promise;
use admission::rules::Rules;
use admission::store::{Snapshot, StoreError};
use admission::ticket::{Order, Ticket};

use super::{Room, bounded};
use crate::waiting::draw::{DrawFacts, DrawNote, HOW};
use crate::waiting::time::rfc3339;

/// So long before the opening it is too late to put it off: it may come before all proxies have heard.
const TOO_LATE: Duration = Duration::from_secs(5);

/// Why rules are refused that would have fans drawn with a seed that was told.
pub const TOLD_SEED: &str = "they put off an opening that has come, and the seed of its draw is public, so fans could \
                             choose their ranks. Give the room a prequeue_at that is later than that of every draw it has had";

impl Room {
    /// Whether these rules would have fans drawn with a seed that was told, as far as this proxy knows.
    pub fn draws_with_a_told_seed(&self, wanted: &Rules) -> bool {
        self.view.load().snapshot().is_some_and(|in_force| draws_with_a_told_seed(in_force, wanted))
    }

    /// The rules that this proxy puts in force, and their revision: its own, unless they would have fans drawn with a
    /// seed that was told. Then those stay that are in force.
    pub(super) async fn rules_to_put_in_force(&self) -> Result<(Arc<Rules>, u64), StoreError> {
        let (id, configured) = (&self.id, Arc::clone(&self.config()));
        let wanted = &configured.rules;
        let own = || (Arc::new(wanted.clone()), configured.revision);
        if wanted.prequeue_at.is_none() {
            return Ok(own());
        }
        let known = self.view.load().snapshot().cloned();
        let in_force = match known {
            Some(snapshot) => snapshot,
            None => match bounded(self.ports.store.snapshot(id, 0)).await {
                Ok(snapshot) => Arc::new(snapshot),
                Err(StoreError::UnknownRoom(_)) => return Ok(own()),
                Err(error) => return Err(error),
            },
        };
        if !draws_with_a_told_seed(&in_force, wanted) {
            return Ok(own());
        }
        tracing::error!(
            room = %id,
            "the rules of rooms.toml are not put in force: {TOLD_SEED}; until then the rules of before stay in force"
        );
        Ok((in_force.rules.clone(), in_force.revision))
    }

    /// What anyone is told of the draw; nothing where the rules name no pre-queue. The seed is told only when the
    /// store has said that the room is open: this proxy's own clock does not count.
    pub fn draw(&self) -> Option<DrawFacts> {
        let draw = self.draw_id()?;
        let seed = Seed::derive(&self.ports.keys.load(), &self.id, &draw)?;
        let view = self.view.load();
        let opens_at = view.rules(&self.config().rules).opens_at?;
        let is_told =
            |snapshot: &Snapshot| opens_at <= snapshot.at || draw.prequeue_at() <= snapshot.revealed;
        let has_opened = view.snapshot().is_some_and(|snapshot| is_told(snapshot));
        Some(DrawFacts {
            room: self.id.to_string(),
            prequeue_at: rfc3339(draw.prequeue_at()),
            opens_at: rfc3339(opens_at),
            state: if has_opened { "revealed" } else { "committed" },
            commitment: seed.commitment().to_string(),
            seed: has_opened.then(|| seed.reveal()),
            how: HOW,
        })
    }

    /// A good ticket of a draw whose order is secret is of another seed than is committed to here: some edge draws by other
    /// keys, and the order is none (P10).
    pub(super) fn watch_draw(&self, draw: &DrawId) {
        if self.order_is_secret() && draw.key_id() != self.ports.keys.load().signing_key_id() {
            self.tally.promises.break_one(Promise::FairDraw);
        }
    }

    /// What the page of a fan with this ticket says of the draw: nothing where it has none.
    pub fn draw_note(&self, ticket: &Ticket) -> Option<DrawNote> {
        let (draw, drawn) = match &ticket.order {
            Order::Drawn(draw) => (draw, ticket.id),
            // The place moved from another device: it was drawn for the ticket that it had there.
            Order::Moved(draw, drawn) => (draw, *drawn),
            Order::Ranked(_) | Order::Provisional { .. } => return None,
        };
        let seed = Seed::derive(&self.ports.keys.load(), &self.id, draw)?;
        Some(DrawNote { commitment: seed.commitment().to_string(), ticket: drawn.to_string() })
    }
}

/// Whether `wanted` would begin again a pre-queue whose seed is public, or about to be.
fn draws_with_a_told_seed(in_force: &Snapshot, wanted: &Rules) -> bool {
    let (Some(prequeue_at), Some(wanted)) = (wanted.prequeue_at, wanted.opens_at) else { return false };
    if prequeue_at <= in_force.revealed && wanted > in_force.at {
        return wanted > in_force.rules.opens_at.filter(|_| in_force.has_revealed()).unwrap_or_default();
    }
    let (Some(drawn_at), Some(opens_at)) = (in_force.rules.prequeue_at, in_force.rules.opens_at) else {
        return false;
    };
    let is_put_off = wanted > opens_at.max(in_force.at);
    let is_about_to_be_told = opens_at <= in_force.at + TOO_LATE;
    is_about_to_be_told && is_put_off && prequeue_at <= drawn_at
}

#[cfg(test)]
mod tests {
    use admission::clock::Timestamp;

    use super::*;

    #[test]
    fn nobody_is_drawn_with_a_seed_that_was_told() {
        let rules = |prequeue_at, opens_at| Rules {
            prequeue_at: Some(Timestamp::from_millis(prequeue_at)),
            opens_at: Some(Timestamp::from_millis(opens_at)),
            ..Rules::default()
        };
        let in_force = |at| Snapshot {
            at: Timestamp::from_millis(at),
            resumed_at: Timestamp::default(),
            forgotten: Vec::new(),
            lead: 0,
            rules: rules(100_000, 200_000).into(),
            revision: 1,
            hold_until: Timestamp::default(),
            rate: 60,
            active: 0,
            turns: 0,
            joined_total: 0,
            admitted_total: 0,
            lapsed_total: 0,
            voided_before: Timestamp::default(),
            revealed: Timestamp::default(),
            lanes: Vec::new(),
            ended: Vec::new(),
            ended_mark: 0,
            by_hand: Default::default(),
        };
        for (at, prequeue_at, opens_at, is_refused) in [
            (150_000, 100_000, 300_000, false),
            (194_999, 100_000, 300_000, false),
            (195_000, 100_000, 300_000, true),
            (250_000, 100_000, 300_000, true),
            (250_000, 90_000, 300_000, true),
            (250_000, 100_001, 300_000, false),
            (250_000, 100_000, 200_000, false),
            (250_000, 100_000, 240_000, false),
            (198_000, 100_000, 200_000, false),
            (198_000, 100_000, 199_000, false),
        ] {
            let refused = draws_with_a_told_seed(&in_force(at), &rules(prequeue_at, opens_at));
            assert_eq!(refused, is_refused, "{at} {prequeue_at} {opens_at}");
        }
        let open = Rules::default();
        assert!(!draws_with_a_told_seed(&in_force(250_000), &open));
        // What was told stays told, though other rules were in force since.
        for (revealed, prequeue_at, opens_at, is_refused) in [
            (100_000, 100_000, 300_000, true),
            (100_000, 90_000, 300_000, true),
            (100_000, 100_001, 300_000, false),
            (100_000, 100_000, 250_000, false),
            (99_999, 100_000, 300_000, false),
        ] {
            for rules_now in [open.clone(), rules(200_000, 400_000)] {
                let in_force = Snapshot {
                    revealed: Timestamp::from_millis(revealed),
                    rules: rules_now.into(),
                    ..in_force(250_000)
                };
                let refused = draws_with_a_told_seed(&in_force, &rules(prequeue_at, opens_at));
                assert_eq!(refused, is_refused, "{revealed} {prequeue_at} {opens_at}");
            }
        }
        let undrawn = Snapshot { rules: open.into(), ..in_force(250_000) };
        assert!(!draws_with_a_told_seed(&undrawn, &rules(100_000, 300_000)));
    }
}
