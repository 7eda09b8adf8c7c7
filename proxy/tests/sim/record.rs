//! What a run is judged against, and what can be known of its draw.

use std::time::Duration;

use admission::clock::Timestamp;
use admission::invariants::{Draw, Drawn, Line, Seen, Setting, Span, Story, Told, Tolerance, What};
use admission::name::LaneId;
use admission::rules::Rules;

use crate::dice::BEGIN;
use crate::plan::{Event, Fault, Plan};
use crate::world::World;

/// What a fan was shown goes with them from edge to edge.
const SHOWN_TRAVELS: bool = true;

impl World {
    /// What can be known of the draw in the end; nothing where there is none, or nobody to ask about it.
    pub(crate) fn draw(&self, stories: &[Story]) -> Option<Draw> {
        let edges = self.edges();
        let facts = edges.iter().filter_map(|edge| edge.room.draw()).find(|facts| facts.seed.is_some())?;
        let seed = facts.seed?.into_bytes();
        let digit = |pair: &[u8]| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap();
        let Rules { prequeue_at, opens_at, .. } = self.plan.rules;
        let got = self.got.lock();
        let fans = got.iter().map(|(story, ticket, joined_at)| {
            let story = &stories[*story];
            let knows = |seen: &&Seen| match &seen.what {
                What::Told(Told { line, position, .. }) => *line == Line::Turn || position.is_some(),
                What::Entered => true,
                _ => false,
            };
            let rank = story.seen.iter().find(knows).and_then(|seen| Some((story.rank?, seen.at)));
            Drawn { name: story.name.clone(), ticket: *ticket, joined_at: *joined_at, rank }
        });
        Some(Draw {
            commitment: facts.commitment,
            // By every edge, from its start on.
            published_at: BEGIN,
            seed: seed.chunks(2).map(digit).collect(),
            prequeue_at: prequeue_at?,
            opens_at: opens_at?,
            fans: fans.collect(),
        })
    }

    /// How far the clocks of two edges may be apart.
    pub(crate) fn skew(&self) -> Duration {
        let jumps = self.plan.events.iter().filter_map(|(_, event)| match event {
            Event::Wrong(Fault::ClockJump { by_ms, .. }) => Some(by_ms.unsigned_abs()),
            _ => None,
        });
        Duration::from_millis(4000 + jumps.sum::<u64>())
    }

    fn weights(&self) -> Vec<(LaneId, u64)> {
        self.plan.rules.lanes.iter().map(|lane| (lane.name.clone(), u64::from(lane.weight))).collect()
    }

    pub(crate) fn setting(&self, until: Timestamp) -> Setting {
        let Plan { rules, tick, latency, .. } = &self.plan;
        let record = self.house.record.lock();
        let stale = *tick * 2 + *latency * 12 + Duration::from_millis(700);
        // How long somebody who asks now and then counts as there: longer before the opening.
        let polls = Duration::from_secs(if rules.opens_at.is_some() { 30 } else { 9 });
        // After something went wrong, joins that nobody heard the answer to still count as there for a while.
        let calm_again = rules.presence_window + rules.recovery_grace + stale * 2;
        let begun = |span: &Span| span.from > Timestamp::default();
        let cuts = record.cut_off.iter().map(|(_, span)| *span).filter(begun);
        let losses = record.lost.iter().map(|at| Span::new(*at, *at));
        let troubled = cuts.chain(losses).map(|span| Span::new(span.from, span.to + calm_again)).collect();
        Setting {
            until,
            rules: record.rules.clone(),
            cut_off: record.cut_off.clone(),
            lost: record.lost.clone(),
            voided: record.voided.clone(),
            weights: self.weights(),
            ghosts: record.ghosts.values().sum(),
            troubled,
            tolerance: Tolerance {
                settle: stale,
                stale,
                linger: rules.presence_window + polls + stale,
                skew: self.skew(),
            },
            shown_travels: SHOWN_TRAVELS,
            claim_window: rules.claim_window,
            return_window: rules.return_window,
            session: rules.session,
            session_max: rules.session_max,
        }
    }
}
