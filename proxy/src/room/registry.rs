//! The fans that this proxy holds: those with an open WebSocket, and those who polled a moment ago. In the order
//! of their ranks, so that "up to the horizon" and "up to the cursor" are ranges.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;
use std::sync::Arc;
use std::time::Duration;

use admission::clock::Timestamp;
use admission::name::LaneId;
use admission::position::ShownPosition;
use admission::rank::Rank;
use admission::store::{BATCH_MAX, Snapshot};
use admission::ticket::{Place, TICKET_ID_BYTES, TicketId};
use tokio::sync::Notify;
use tokio::time::Instant;

/// Most fans that one proxy holds.
const FANS_MAX: usize = 500_000;
/// Most WebSockets of one ticket: two tabs are one fan, fifty are not.
const SOCKETS_PER_TICKET_MAX: usize = 8;

/// What is known of a ticket beyond its place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stage {
    /// In the line.
    Waiting,
    /// Its turn has come; until when it may be claimed or, once claimed, used.
    Admitted(Instant),
    /// It is worth nothing any more.
    Expired,
}

struct Fan {
    bells: Vec<Arc<Notify>>,
    polled_until: Instant,
    shown: ShownPosition,
    stage: Stage,
    ahead_at_join: Option<u64>,
    reported_at: Option<Instant>,
    looked_at: Option<Instant>,
    restored: Option<(Timestamp, Instant)>,
}

impl Fan {
    fn new(now: Instant) -> Self {
        Self {
            bells: Vec::new(),
            polled_until: now,
            shown: ShownPosition::default(),
            stage: Stage::Waiting,
            ahead_at_join: None,
            reported_at: None,
            looked_at: None,
            restored: None,
        }
    }

    fn ring(&self) {
        for bell in &self.bells {
            bell.notify_one();
        }
    }
}

/// The fans that this proxy holds.
#[derive(Default)]
pub(super) struct Registry {
    fans: BTreeMap<Place, Fan>,
}

fn up_to(lane: &LaneId, rank: Rank) -> RangeInclusive<Place> {
    let place =
        |rank, byte| Place { lane: lane.clone(), rank, id: TicketId::from_bytes([byte; TICKET_ID_BYTES]) };
    place(Rank::ZERO, u8::MIN)..=place(rank, u8::MAX)
}

impl Registry {
    fn fan(&mut self, place: &Place, now: Instant) -> Option<&mut Fan> {
        if self.fans.len() >= FANS_MAX && !self.fans.contains_key(place) {
            return None;
        }
        Some(self.fans.entry(place.clone()).or_insert_with(|| Fan::new(now)))
    }

    /// A fan opened a WebSocket; `bell` rings when there is something to tell. Refused when there are too many.
    pub(super) fn attach(&mut self, place: &Place, bell: &Arc<Notify>, now: Instant) -> bool {
        match self.fan(place, now) {
            Some(fan) if fan.bells.len() < SOCKETS_PER_TICKET_MAX => {
                fan.bells.push(bell.clone());
                true
            }
            _ => false,
        }
    }

    /// A fan's WebSocket closed. They count as there for `grace` more, for a page that is being reloaded.
    pub(super) fn detach(&mut self, place: &Place, bell: &Arc<Notify>, grace: Duration, now: Instant) {
        if let Some(fan) = self.fans.get_mut(place) {
            fan.bells.retain(|other| !Arc::ptr_eq(other, bell));
            fan.polled_until = fan.polled_until.max(now + grace);
        }
    }

    /// A fan polled, and will again before `until`.
    pub(super) fn polled(&mut self, place: &Place, until: Instant, now: Instant) {
        if let Some(fan) = self.fan(place, now) {
            fan.polled_until = fan.polled_until.max(until);
        }
    }

    /// The fan joined a moment ago, with so many before them.
    pub(super) fn joined(&mut self, place: &Place, ahead: u64, now: Instant) {
        if let Some(fan) = self.fan(place, now) {
            fan.ahead_at_join = Some(ahead);
        }
    }

    /// How many were before a fan who is newer than the snapshot.
    pub(super) fn ahead_at_join(&self, place: &Place) -> Option<u64> {
        self.fans.get(place)?.ahead_at_join
    }

    /// What is known of the ticket.
    pub(super) fn stage(&self, place: &Place) -> Option<Stage> {
        self.fans.get(place).map(|fan| fan.stage)
    }

    /// When the store was last asked about the ticket.
    pub(super) fn looked_at(&self, place: &Place) -> Option<Instant> {
        self.fans.get(place)?.looked_at
    }

    /// Takes in what the store said, and tells the fan if it is news.
    pub(super) fn learn(&mut self, place: &Place, stage: Stage, now: Instant) {
        if let Some(fan) = self.fans.get_mut(place) {
            let is_news = std::mem::discriminant(&fan.stage) != std::mem::discriminant(&stage);
            fan.stage = stage;
            fan.looked_at = Some(now);
            if is_news {
                fan.ring();
            }
        }
    }

    /// The ticket is gone: the fan left.
    pub(super) fn forget(&mut self, place: &Place) {
        if let Some(fan) = self.fans.get_mut(place) {
            fan.stage = Stage::Expired;
            fan.ring();
        }
    }

    /// The ticket has to be restored, whatever was done before.
    pub(super) fn lost(&mut self, place: &Place) {
        if let Some(fan) = self.fans.get_mut(place) {
            fan.restored = None;
        }
    }

    /// Whether the snapshot, read at `read_at`, tells the place of this ticket truly. It does not while the ticket
    /// is from before the line and was not put back, alone or together with others, before the snapshot was read.
    pub(super) fn is_settled(&self, place: &Place, snapshot: &Snapshot, read_at: Instant) -> bool {
        let restored = self.fans.get(place).and_then(|fan| fan.restored);
        place.rank >= snapshot.first_rank
            || restored.is_some_and(|(line, at)| line == snapshot.born_at && read_at > at)
    }

    /// The position to show for a fan with so many before them: never higher than what was shown.
    pub(super) fn show(&mut self, place: &Place, ahead: u64) -> u64 {
        match self.fans.get_mut(place) {
            Some(fan) => fan.shown.show(ahead),
            None => ahead.saturating_add(1),
        }
    }

    /// The waiting fans near the front whose presence was not reported within `every`. Takes note that it is now.
    pub(super) fn due_for_presence(
        &mut self,
        snapshot: &Snapshot,
        every: Duration,
        now: Instant,
    ) -> Vec<Place> {
        let mut due = Vec::new();
        for lane in &snapshot.lanes {
            for (place, fan) in self.fans.range_mut(up_to(&lane.name, lane.horizon)) {
                let is_due = fan.reported_at.is_none_or(|at| now.duration_since(at) >= every);
                if is_due && fan.stage == Stage::Waiting {
                    fan.reported_at = Some(now);
                    due.push(place.clone());
                }
            }
        }
        due
    }

    /// The reports of these fans did not arrive.
    pub(super) fn presence_failed(&mut self, places: &[Place]) {
        for place in places {
            if let Some(fan) = self.fans.get_mut(place) {
                fan.reported_at = None;
            }
        }
    }

    /// The fans whose turn may have come and who do not know it yet. Each is asked about every `every` at most.
    pub(super) fn due_for_a_look(
        &mut self,
        snapshot: &Snapshot,
        every: Duration,
        now: Instant,
    ) -> Vec<Place> {
        let mut due = Vec::new();
        for lane in &snapshot.lanes {
            for (place, fan) in self.fans.range_mut(up_to(&lane.name, lane.cursor)) {
                let wants_to_know = match fan.stage {
                    Stage::Waiting => true,
                    Stage::Admitted(until) => until <= now,
                    Stage::Expired => false,
                };
                let is_due = fan.looked_at.is_none_or(|at| now.duration_since(at) >= every);
                if wants_to_know && is_due && due.len() < 8 * BATCH_MAX {
                    due.push(place.clone());
                }
            }
        }
        due
    }

    /// The fans from before the store lost its data who were not put back yet.
    pub(super) fn due_for_restoring(&mut self, snapshot: &Snapshot) -> Vec<Place> {
        let mut due = Vec::new();
        for lane in &snapshot.lanes {
            for (place, fan) in self.fans.range_mut(up_to(&lane.name, snapshot.first_rank)) {
                let is_due = place.rank < snapshot.first_rank
                    && fan.restored.is_none_or(|(line, _)| line != snapshot.born_at);
                if is_due && fan.stage != Stage::Expired && due.len() < 8 * BATCH_MAX {
                    due.push(place.clone());
                }
            }
        }
        due
    }

    /// These fans were put back.
    pub(super) fn restored(&mut self, places: &[Place], born_at: Timestamp, now: Instant) {
        for place in places {
            if let Some(fan) = self.fans.get_mut(place) {
                fan.restored = Some((born_at, now));
            }
        }
    }

    /// Rings for the fans whom what they were shown would mislead.
    pub(super) fn ring_the_misled(&mut self, snapshot: &Snapshot) {
        for (place, fan) in &mut self.fans {
            if fan.bells.is_empty() || fan.stage != Stage::Waiting {
                continue;
            }
            let Some(lane) = snapshot.lane(&place.lane) else { continue };
            if place.rank < lane.next_rank && fan.shown.misleads(lane.ladder.ahead(place.rank)) {
                fan.ring();
            }
        }
    }

    /// Rings for everyone: something changed that concerns them all.
    pub(super) fn ring_all(&self) {
        self.fans.values().for_each(Fan::ring);
    }

    /// Lets go of fans who are not there any more.
    pub(super) fn drop_the_gone(&mut self, now: Instant) {
        self.fans.retain(|_, fan| !fan.bells.is_empty() || fan.polled_until > now);
    }

    /// How many fans are held.
    pub(super) fn len(&self) -> usize {
        self.fans.len()
    }
}

#[cfg(test)]
mod tests {
    use admission::position::{Ladder, Rung};
    use admission::rules::Rules;
    use admission::store::LaneSnapshot;

    use super::*;

    const EVERY: Duration = Duration::from_secs(3);

    fn place(rank: u64) -> Place {
        let id = TicketId::from_bytes([rank as u8; TICKET_ID_BYTES]);
        Place { lane: LaneId::general(), rank: Rank::new(rank), id }
    }

    /// A line of the ranks 11 to 20, in which the turn of all up to `cursor` has come.
    fn snapshot(cursor: u64) -> Snapshot {
        let first = cursor.max(10) + 1;
        let rungs = (first..=20).map(|rank| Rung { rank: Rank::new(rank), ahead: rank - first }).collect();
        let lane = LaneSnapshot {
            name: LaneId::general(),
            cursor: Rank::new(cursor),
            next_rank: Rank::new(21),
            horizon: Rank::new(15),
            ladder: Ladder::new(rungs, 21 - first),
        };
        Snapshot {
            at: Timestamp::from_millis(5000),
            born_at: Timestamp::from_millis(1000),
            first_rank: Rank::new(10),
            rules: Rules::default().into(),
            revision: 1,
            hold_until: Timestamp::from_millis(0),
            active: 0,
            turns: 0,
            joined_total: 10,
            admitted_total: 0,
            lanes: vec![lane],
            ended: Vec::new(),
            ended_mark: 0,
        }
    }

    async fn rang(bell: &Notify) -> bool {
        tokio::time::timeout(Duration::from_millis(1), bell.notified()).await.is_ok()
    }

    #[tokio::test]
    async fn presence_is_reported_up_to_the_horizon_and_now_and_then() {
        let (mut registry, now) = (Registry::default(), Instant::now());
        for rank in [12, 15, 16] {
            registry.polled(&place(rank), now + EVERY * 10, now);
        }
        assert_eq!(registry.due_for_presence(&snapshot(10), EVERY, now), [place(12), place(15)]);
        assert!(registry.due_for_presence(&snapshot(10), EVERY, now + EVERY / 2).is_empty());
        registry.presence_failed(&[place(15)]);
        assert_eq!(registry.due_for_presence(&snapshot(10), EVERY, now + EVERY / 2), [place(15)]);
        registry.learn(&place(12), Stage::Admitted(now + EVERY), now);
        assert_eq!(registry.due_for_presence(&snapshot(10), EVERY, now + EVERY * 2), [place(15)]);
    }

    #[tokio::test]
    async fn fans_whose_turn_may_have_come_are_asked_about_until_they_know() {
        let (mut registry, now) = (Registry::default(), Instant::now());
        for rank in [12, 13, 14] {
            registry.polled(&place(rank), now + EVERY * 10, now);
        }
        assert_eq!(registry.due_for_a_look(&snapshot(13), EVERY, now), [place(12), place(13)]);
        registry.learn(&place(12), Stage::Admitted(now + EVERY * 2), now);
        registry.learn(&place(13), Stage::Waiting, now);
        assert!(registry.due_for_a_look(&snapshot(13), EVERY, now + EVERY / 2).is_empty());
        assert_eq!(registry.due_for_a_look(&snapshot(13), EVERY, now + EVERY), [place(13)]);
        // A turn that was not claimed in time is a turn no more.
        assert_eq!(registry.due_for_a_look(&snapshot(13), EVERY, now + EVERY * 2), [place(12), place(13)]);
    }

    #[tokio::test]
    async fn who_is_from_before_is_put_back_once_for_each_line() {
        let (mut registry, now) = (Registry::default(), Instant::now());
        let mut line = snapshot(0);
        for rank in [5, 6, 12] {
            registry.polled(&place(rank), now + EVERY, now);
        }
        assert_eq!(registry.due_for_restoring(&line), [place(5), place(6)]);
        assert!(!registry.is_settled(&place(5), &line, now + EVERY));
        registry.restored(&[place(5), place(6)], line.born_at, now);
        assert!(registry.due_for_restoring(&line).is_empty());
        assert!(!registry.is_settled(&place(5), &line, now), "the snapshot is from before");
        assert!(registry.is_settled(&place(5), &line, now + EVERY));
        assert!(registry.is_settled(&place(12), &line, now));
        line.born_at = Timestamp::from_millis(2000);
        line.first_rank = Rank::new(13);
        assert_eq!(registry.due_for_restoring(&line), [place(5), place(6), place(12)]);
    }

    #[tokio::test]
    async fn bells_ring_for_news_and_for_places_that_mislead() {
        let (mut registry, now) = (Registry::default(), Instant::now());
        let bell = Arc::new(Notify::new());
        assert!(registry.attach(&place(18), &bell, now));
        assert_eq!(registry.show(&place(18), 7), 8);
        registry.ring_the_misled(&snapshot(10));
        assert!(!rang(&bell).await, "8 is shown and true");
        registry.ring_the_misled(&snapshot(11));
        assert!(!rang(&bell).await, "off by one is near enough");
        registry.ring_the_misled(&snapshot(12));
        assert!(rang(&bell).await);
        registry.learn(&place(18), Stage::Waiting, now);
        assert!(!rang(&bell).await, "no news");
        registry.learn(&place(18), Stage::Admitted(now + EVERY), now);
        assert!(rang(&bell).await);
        registry.forget(&place(18));
        assert!(rang(&bell).await);
        assert_eq!(registry.stage(&place(18)), Some(Stage::Expired));
    }

    #[tokio::test]
    async fn fans_are_held_while_they_are_there() {
        let (mut registry, now) = (Registry::default(), Instant::now());
        let bells: Vec<_> = (0..=SOCKETS_PER_TICKET_MAX).map(|_| Arc::new(Notify::new())).collect();
        for (index, bell) in bells.iter().enumerate() {
            assert_eq!(registry.attach(&place(12), bell, now), index < SOCKETS_PER_TICKET_MAX);
        }
        registry.polled(&place(13), now + EVERY, now);
        registry.drop_the_gone(now + EVERY);
        assert_eq!(registry.len(), 1);
        for bell in &bells {
            registry.detach(&place(12), bell, EVERY, now + EVERY);
        }
        registry.drop_the_gone(now + EVERY);
        assert_eq!(registry.len(), 1, "a page that is being reloaded");
        registry.drop_the_gone(now + EVERY * 2);
        assert_eq!(registry.len(), 0);
    }
}
