//! What a proxy knows of a room's line: the last snapshot, and what follows from it.

use std::sync::Arc;
use std::time::Duration;

use admission::clock::{Timestamp, millis};
use admission::draw::{self, DRAW_NUMBERS};
use admission::name::LaneId;
use admission::rank::Rank;
use admission::rules::Rules;
use admission::store::{LaneSnapshot, Snapshot};
use admission::ticket::Place;
use admission::wait::{Ahead, DrainMeter, LaneLoad, Line, Wait};
use tokio::time::Instant;

/// A snapshot older than this says that the store is away, whatever the last call answered.
const FRESH: Duration = Duration::from_secs(3);

/// How long fans who came while the store was away take to come back to it: as long as polls are apart.
const SETTLING: Duration = Duration::from_secs(10);

/// How far apart two proxies' drains may count, when it is judged how much shorter a line can have become.
const TICKS_APART: Duration = Duration::from_secs(1);

/// For how long sessions alone are told to a line that is being put together, before those who wait are put back.
const SESSIONS_FIRST: Duration = Duration::from_secs(1);

/// What a proxy knows of a room's line.
#[derive(Clone, Default)]
pub(super) struct View {
    read: Option<(Arc<Snapshot>, Instant)>,
    failed: bool,
    meter: DrainMeter,
    /// From which rank on fans are yet to come back who came while the store was away, and until when.
    settling: Option<(Rank, Instant)>,
    /// Whether the line has begun to hold since the snapshot was read: it forgot a ticket that was put back from here.
    hold_begun: bool,
}

impl View {
    /// The view after a snapshot was read.
    #[must_use]
    pub(super) fn after(&self, snapshot: Snapshot, now: Instant) -> Self {
        let mut meter = self.meter.clone();
        meter.observe(&Line {
            at: snapshot.at,
            turns: snapshot.admitted_total,
            joined: snapshot.joined_total,
            waiting: snapshot.waiting(),
            rate: snapshot.rate,
            burst: snapshot.rules.burst,
            moves: snapshot.drains() && snapshot.hold_until <= snapshot.at,
        });
        let settling = match self.read() {
            Some((before, _)) if self.store_is_away() => Some((first_unsettled(before), now + SETTLING)),
            _ => self.settling.filter(|(_, until)| *until > now),
        };
        Self { read: Some((Arc::new(snapshot), now)), failed: false, meter, settling, hold_begun: false }
    }

    /// The view after a snapshot could not be read.
    #[must_use]
    pub(super) fn after_failure(&self) -> Self {
        Self { failed: true, ..self.clone() }
    }

    /// The last snapshot.
    pub(super) fn snapshot(&self) -> Option<&Arc<Snapshot>> {
        self.read.as_ref().map(|(snapshot, _)| snapshot)
    }

    /// The last snapshot and when it was read.
    pub(super) fn read(&self) -> Option<(&Snapshot, Instant)> {
        self.read.as_ref().map(|(snapshot, at)| (snapshot.as_ref(), *at))
    }

    /// Whether the store can be reached, as far as is known.
    pub(super) fn store_is_away(&self) -> bool {
        self.store_is_away_at(Instant::now())
    }

    /// The same, for who knows what time it is: to look takes as long as much else about a page.
    pub(super) fn store_is_away_at(&self, now: Instant) -> bool {
        self.failed || self.read.as_ref().is_none_or(|(_, at)| now.duration_since(*at) > FRESH)
    }

    /// Whether the store has been away for a while: one answer that did not come says little.
    pub(super) fn store_is_gone(&self) -> bool {
        self.store_is_away() && self.read.as_ref().is_none_or(|(_, at)| at.elapsed() > FRESH)
    }

    /// The rules in force, or those configured where the store has not told any.
    pub(super) fn rules<'a>(&'a self, configured: &'a Rules) -> &'a Rules {
        self.snapshot().map_or(configured, |snapshot| &snapshot.rules)
    }

    /// The store's clock, as well as it can be told from here.
    pub(super) fn store_now(&self) -> Option<Timestamp> {
        self.read.as_ref().map(|(snapshot, at)| snapshot.at + at.elapsed())
    }

    /// Whether the order is yet to be told: it is drawn, and the room has not opened. Until then nobody may learn
    /// anything that depends on a rank.
    pub(super) fn order_is_secret(&self) -> bool {
        self.snapshot().is_some_and(|snapshot| order_is_secret(snapshot))
    }

    /// Whether a fan who came now would probably be let in without waiting.
    pub(super) fn is_free(&self) -> bool {
        !self.store_is_away() && self.snapshot().is_some_and(|snapshot| snapshot.is_free())
    }

    /// Whether the rules in force no longer name this lane, so that nobody in it moves.
    pub(super) fn lane_stands(&self, lane: &LaneId) -> bool {
        self.snapshot().is_some_and(|snapshot| snapshot.rules.lanes.iter().all(|rule| rule.name != *lane))
    }

    /// Whether the line is being rebuilt, and places cannot be told yet.
    pub(super) fn is_rebuilding(&self) -> bool {
        self.hold_begun || self.snapshot().is_some_and(|snapshot| snapshot.hold_until > snapshot.at)
    }

    /// The view after a forgotten ticket was put back into a line that has not held before: it holds from then on.
    /// Nothing where that is known already, or was so before.
    pub(super) fn with_a_hold_begun(&self) -> Option<Self> {
        let never_held = self.snapshot()?.hold_until == Timestamp::default();
        (never_held && !self.hold_begun).then(|| Self { hold_begun: true, ..self.clone() })
    }

    /// How many the store says stand before a fan who is newer than the snapshot; nothing where the line cannot have
    /// become so short since. Then many went away at once, or it lost its data and only few are back: the next
    /// snapshot says which.
    pub(super) fn believed(&self, place: &Place, ahead: u64) -> Option<u64> {
        let Some((snapshot, read_at)) = self.read() else { return Some(ahead) };
        let Some(lane) = snapshot.lane(&place.lane).filter(|lane| place.rank >= lane.next_rank) else {
            return Some(ahead);
        };
        let since = millis(read_at.elapsed() + TICKS_APART);
        let drained = snapshot.rate.saturating_mul(since) / 60_000;
        (ahead + drained.max(1) >= lane.ladder.waiting()).then_some(ahead)
    }

    /// Below which rank places can be told: above it fans are still coming back who came while the store was away, and
    /// whoever is back first would read a place that is too good.
    pub(super) fn settled_below(&self) -> Rank {
        self.settling.filter(|(_, until)| *until > Instant::now()).map_or(Rank::MAX, |(from, _)| from)
    }

    /// Whether the turn of `place` may have come, or it is newer than the snapshot. Whoever is from before the
    /// line waits to be put back; asking about them says nothing.
    pub(super) fn only_the_store_knows(&self, place: &Place) -> bool {
        let Some(snapshot) = self.snapshot() else { return false };
        let in_line = |lane: &LaneSnapshot| place.rank > lane.cursor && is_told(snapshot, lane, place.rank);
        !snapshot.may_have_forgotten(place.rank) && !snapshot.lane(&place.lane).is_some_and(in_line)
    }

    /// Whether everybody's place was taken back after this one was given.
    pub(super) fn is_from_before_a_reset(&self, place: &Place) -> bool {
        self.snapshot().is_some_and(|snapshot| place.rank < snapshot.by_hand.reset_below)
    }

    /// Fans before `place` by the last snapshot alone.
    pub(super) fn ahead(&self, place: &Place) -> Option<u64> {
        let snapshot = self.snapshot()?;
        let lane = snapshot.lane(&place.lane)?;
        is_told(snapshot, lane, place.rank).then(|| lane.ladder.ahead(place.rank))
    }

    /// How long the fan with `ahead` others before them in this lane waits.
    pub(super) fn wait(&self, lane: &LaneId, ahead: u64, now: Instant) -> Option<Wait> {
        let snapshot = self.snapshot()?;
        if self.store_is_away_at(now) {
            return None;
        }
        // While other lanes have fans waiting, this lane gets its share of the turns only.
        let weight = |name: &LaneId| {
            snapshot.rules.lanes.iter().find(|lane| lane.name == *name).map_or(1, |lane| lane.weight)
        };
        let others = snapshot.lanes.iter().filter(|other| other.name != *lane);
        let others =
            others.map(|lane| LaneLoad { weight: weight(&lane.name), waiting: lane.ladder.waiting() });
        self.meter.wait(&Ahead::new(ahead, weight(lane), others))
    }
}

/// Whether a line that is being put together is only told of sessions yet. Who waited here may have been admitted
/// through another proxy just before, and must not be put back before that one had the time to say so.
pub(super) fn sessions_come_first(snapshot: &Snapshot) -> bool {
    let first = SESSIONS_FIRST.min(snapshot.rules.recovery_grace / 4);
    snapshot.at < snapshot.hold_until && snapshot.at < snapshot.resumed_at + first
}

/// The lowest rank that a fan may get who came after this snapshot, which was the last one for a while.
fn first_unsettled(before: &Snapshot) -> Rank {
    let drawn = before.rules.prequeue_at.filter(|_| order_is_secret(before));
    Rank::first_of(drawn.unwrap_or(before.at))
}

/// Whether the order is yet to be told, by this snapshot.
pub(super) fn order_is_secret(snapshot: &Snapshot) -> bool {
    let Rules { prequeue_at, opens_at, .. } = snapshot.rules.as_ref();
    let is_to_open = opens_at.is_some_and(|opens_at| snapshot.at < opens_at);
    prequeue_at.is_some() && is_to_open && !snapshot.has_revealed()
}

/// Whether a ticket of this rank is older than the snapshot, so that its ladder tells how many stand before it. Ranks
/// of the draw are given before the opening, and say nothing of when.
pub(super) fn is_told(snapshot: &Snapshot, lane: &LaneSnapshot, rank: Rank) -> bool {
    let is_drawn = |prequeue_at| {
        (draw::rank(prequeue_at, 0)..draw::rank(prequeue_at, DRAW_NUMBERS)).contains(&rank)
            && !order_is_secret(snapshot)
    };
    rank < lane.next_rank || snapshot.rules.prequeue_at.is_some_and(is_drawn)
}

#[cfg(test)]
mod tests {
    use admission::name::LaneId;
    use admission::position::{Ladder, Rung};
    use admission::rank::{Rank, RankRange};
    use admission::rules::{LaneRule, Phase};
    use admission::ticket::TicketId;

    use super::*;

    fn lane(name: &str, waiting: u64) -> LaneSnapshot {
        let rungs = (0..waiting).map(|ahead| Rung { rank: Rank::new(101 + ahead), ahead }).collect();
        LaneSnapshot {
            name: LaneId::parse(name).unwrap(),
            cursor: Rank::new(100),
            next_rank: Rank::new(101 + waiting),
            horizon: Rank::MAX,
            ladder: Ladder::new(rungs, waiting),
        }
    }

    fn snapshot(lanes: Vec<LaneSnapshot>) -> Snapshot {
        let weights = lanes.iter().map(|lane| LaneRule { name: lane.name.clone(), weight: 1 }).collect();
        Snapshot {
            at: Timestamp::from_millis(100_000),
            resumed_at: Timestamp::from_millis(0),
            forgotten: vec![RankRange { from: Rank::ZERO, to: Rank::new(50) }],
            lead: 0,
            rules: Rules { lanes: weights, drain_per_minute: 60, ..Rules::default() }.into(),
            revision: 1,
            hold_until: Timestamp::from_millis(0),
            rate: 60,
            active: 0,
            turns: 0,
            joined_total: 0,
            admitted_total: 0,
            lapsed_total: 0,
            voided_before: Timestamp::default(),
            revealed: Timestamp::default(),
            lanes,
            ended: Vec::new(),
            ended_mark: 0,
            by_hand: Default::default(),
        }
    }

    fn place(rank: u64) -> Place {
        Place { lane: LaneId::general(), rank: Rank::new(rank), id: TicketId::from_bytes([0; 12]) }
    }

    #[tokio::test(start_paused = true)]
    async fn a_view_knows_when_it_is_too_old() {
        let view = View::default();
        assert!(view.store_is_away() && view.store_now().is_none() && view.ahead(&place(101)).is_none());
        let view = view.after(snapshot(vec![lane("general", 0)]), Instant::now());
        assert!(!view.store_is_away() && view.is_free());
        assert!(view.after_failure().store_is_away() && !view.after_failure().is_free());
        tokio::time::advance(Duration::from_secs(2)).await;
        assert_eq!(view.store_now(), Some(Timestamp::from_millis(102_000)));
        tokio::time::advance(FRESH).await;
        assert!(view.store_is_away());
    }

    #[tokio::test(start_paused = true)]
    async fn places_behind_those_who_are_yet_to_come_back_are_not_told() {
        let view = View::default().after(snapshot(vec![lane("general", 5)]), Instant::now());
        assert_eq!(view.settled_below(), Rank::MAX);
        let back = |view: &View| view.after(snapshot(vec![lane("general", 5)]), Instant::now());
        let mut view = back(&view.after_failure());
        assert_eq!(view.settled_below(), Rank::first_of(Timestamp::from_millis(100_000)));
        for _ in 0..5 {
            assert_ne!(view.settled_below(), Rank::MAX);
            tokio::time::advance(SETTLING / 5).await;
            view = back(&view);
        }
        assert_eq!(view.settled_below(), Rank::MAX);
    }

    #[tokio::test(start_paused = true)]
    async fn a_line_that_became_too_short_is_not_believed_before_the_next_snapshot() {
        let view = View::default().after(snapshot(vec![lane("general", 31)]), Instant::now());
        let newcomer = place(200);
        for (ahead, told) in [(31, Some(31)), (40, Some(40)), (30, Some(30)), (29, None), (0, None)] {
            assert_eq!(view.believed(&newcomer, ahead), told, "{ahead}");
        }
        // One a second is what the drain takes.
        tokio::time::advance(Duration::from_secs(2)).await;
        assert_eq!((view.believed(&newcomer, 28), view.believed(&newcomer, 27)), (Some(28), None));
        assert_eq!(view.believed(&place(101), 0), Some(0), "who is older than the snapshot stands anywhere");
        let view = view.after(snapshot(vec![lane("general", 10)]), Instant::now());
        assert_eq!(view.believed(&newcomer, 10), Some(10));
    }

    #[tokio::test(start_paused = true)]
    async fn a_hold_that_began_here_lasts_until_a_snapshot_tells_of_it() {
        let view = View::default().after(snapshot(vec![lane("general", 5)]), Instant::now());
        let held = view.with_a_hold_begun().unwrap();
        assert!(
            held.is_rebuilding()
                && held.with_a_hold_begun().is_none()
                && held.after_failure().is_rebuilding()
        );
        let until = |until| Snapshot {
            hold_until: Timestamp::from_millis(until),
            ..snapshot(vec![lane("general", 5)])
        };
        let held = held.after(until(100_001), Instant::now());
        assert!(held.is_rebuilding());
        let over = held.after(until(99_999), Instant::now());
        assert!(!over.is_rebuilding() && over.with_a_hold_begun().is_none(), "a line holds once");
    }

    #[tokio::test]
    async fn only_fans_in_line_are_told_without_the_store() {
        let view = View::default().after(snapshot(vec![lane("general", 5)]), Instant::now());
        for (rank, only_the_store, ahead) in [
            (49, false, Some(0)),
            (100, true, Some(0)),
            (101, false, Some(0)),
            (105, false, Some(4)),
            (106, true, None),
        ] {
            assert_eq!(view.only_the_store_knows(&place(rank)), only_the_store, "{rank}");
            assert_eq!(view.ahead(&place(rank)), ahead, "{rank}");
        }
        let elsewhere = Place { lane: LaneId::parse("gone").unwrap(), ..place(101) };
        assert!(view.only_the_store_knows(&elsewhere));
    }

    #[tokio::test]
    async fn a_drawn_rank_is_told_when_the_room_has_opened() {
        let rules = Rules {
            prequeue_at: Some(Timestamp::from_millis(50_000)),
            opens_at: Some(Timestamp::from_millis(100_001)),
            ..Rules::default()
        };
        let before = Snapshot { rules: rules.into(), ..snapshot(vec![lane("general", 5)]) };
        let after = Snapshot { at: Timestamp::from_millis(100_001), ..before.clone() };
        let drawn = place(draw::rank(Timestamp::from_millis(50_000), 7).get());
        let view = View::default().after(before, Instant::now());
        assert!(view.order_is_secret() && view.ahead(&drawn).is_none());
        assert_eq!(view.snapshot().map(|snapshot| snapshot.phase()), Some(Phase::Prequeue));
        let view = view.after(after, Instant::now());
        assert!(!view.order_is_secret() && !view.only_the_store_knows(&drawn));
        assert_eq!(view.ahead(&drawn), Some(5));
        let late = place(draw::rank(Timestamp::from_millis(50_000), DRAW_NUMBERS).get());
        assert!(view.only_the_store_knows(&late) && view.ahead(&late).is_none());
    }

    #[tokio::test]
    async fn lanes_share_the_drain() {
        let wait = |lanes| {
            View::default().after(snapshot(lanes), Instant::now()).wait(
                &LaneId::general(),
                10,
                Instant::now(),
            )
        };
        let alone = wait(vec![lane("general", 60), lane("member", 0)]).unwrap();
        let shared = wait(vec![lane("general", 60), lane("member", 60)]).unwrap();
        assert!(alone.low <= Duration::from_secs(11) && Duration::from_secs(11) <= alone.high, "{alone:?}");
        assert!(
            shared.low <= Duration::from_secs(22) && Duration::from_secs(22) <= shared.high,
            "{shared:?}"
        );
        assert!(shared.high > alone.high);
    }
}
