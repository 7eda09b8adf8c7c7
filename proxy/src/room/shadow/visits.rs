//! The visits that one edge follows: who came, who would wait, who would be in the shop.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::time::Duration;

use admission::name::LaneId;
use admission::rank::Rank;
use admission::ticket::{Place, TicketId};
use tokio::time::Instant;

/// Most visits that are followed; whoever comes then is in no figure.
const VISITS_MAX: usize = 500_000;
/// Most visits that are remembered to be over, so that the same visitor comes anew; and for how long.
const OVER_MAX: usize = 500_000;
const OVER_FOR: Duration = Duration::from_secs(3600);

/// Where a visitor would stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    /// The line has not been told yet.
    New,
    /// In line, with this rank.
    Waiting(Rank),
    /// In the shop since this moment.
    Active(Rank, Instant),
}

#[derive(Clone, Debug)]
struct Visit {
    /// Where they would stand, from when they came on.
    lane: LaneId,
    stage: Stage,
    came_at: Instant,
    is_done: bool,
}

/// The visits that one edge follows.
#[derive(Default)]
pub(super) struct Visits {
    visits: HashMap<TicketId, Visit>,
    new: Vec<TicketId>,
    waiting: BTreeMap<LaneId, BTreeMap<Rank, TicketId>>,
    /// Who is in the shop and asked for something since it was last reported.
    seen: HashSet<TicketId>,
    /// Who is done in the shop, and not yet out of the line.
    done: Vec<TicketId>,
    over: HashMap<TicketId, Instant>,
}

impl Visits {
    /// Somebody comes whom nobody knows, for this lane. False where there are too many to follow.
    pub(super) fn comes(&mut self, visit: TicketId, lane: LaneId, now: Instant) -> bool {
        if self.visits.len() >= VISITS_MAX {
            return false;
        }
        self.visits.insert(visit, Visit { lane, stage: Stage::New, came_at: now, is_done: false });
        self.new.push(visit);
        true
    }

    /// Somebody asks for something who says that they are this visit. False where that one is over, or nobody knows it
    /// here and this is no page: at another edge it may be known, so on a page it is joined again, which gives it the
    /// place that it has.
    pub(super) fn saw(
        &mut self,
        visit: TicketId,
        lane: impl FnOnce() -> LaneId,
        is_page: bool,
        now: Instant,
    ) -> bool {
        match self.visits.get(&visit) {
            Some(known) => {
                if matches!(known.stage, Stage::Active(..)) {
                    self.seen.insert(visit);
                }
                true
            }
            None => is_page && !self.over.contains_key(&visit) && self.comes(visit, lane(), now),
        }
    }

    pub(super) fn is_done(&mut self, visit: TicketId) {
        let Some(known) = self.visits.get_mut(&visit) else { return };
        known.is_done = true;
        if matches!(known.stage, Stage::Active(..)) {
            self.done.push(visit);
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.visits.is_empty()
    }

    /// Who came since this was last asked, each with their lane; so many at most.
    pub(super) fn take_new(&mut self, most: usize) -> Vec<(TicketId, LaneId)> {
        let rest = self.new.split_off(self.new.len().min(most));
        let new = std::mem::replace(&mut self.new, rest).into_iter();
        new.filter_map(|visit| Some((visit, self.visits.get(&visit)?.lane.clone()))).collect()
    }

    /// The line could not be told of these.
    pub(super) fn are_new_again(&mut self, visits: Vec<(TicketId, LaneId)>) {
        self.new.splice(0..0, visits.into_iter().map(|(visit, _)| visit));
    }

    /// The visitor would have to wait.
    pub(super) fn waits(&mut self, visit: TicketId, rank: Rank) {
        if let Some(known) = self.visits.get_mut(&visit) {
            known.stage = Stage::Waiting(rank);
            self.waiting.entry(known.lane.clone()).or_default().insert(rank, visit);
        }
    }

    /// The visitor would be in the shop from now on. How long they waited, where they did.
    pub(super) fn enters(&mut self, visit: TicketId, rank: Rank, now: Instant) -> Option<Duration> {
        let known = self.visits.get_mut(&visit)?;
        let waits = self.waiting.get_mut(&known.lane).and_then(|lane| lane.remove(&rank));
        let waited = waits.map(|_| now.duration_since(known.came_at));
        known.stage = Stage::Active(rank, now);
        if known.is_done {
            self.done.push(visit);
        }
        waited
    }

    /// The visit is over: the same visitor comes anew.
    pub(super) fn ends(&mut self, visit: TicketId, now: Instant) {
        let Some(known) = self.visits.remove(&visit) else { return };
        self.seen.remove(&visit);
        if let Stage::Waiting(rank) = known.stage
            && let Some(lane) = self.waiting.get_mut(&known.lane)
        {
            lane.remove(&rank);
        }
        if self.over.len() < OVER_MAX {
            self.over.insert(visit, now);
        }
    }

    /// The visitor finds no place in the line, and is forgotten.
    pub(super) fn forget(&mut self, visit: TicketId) {
        self.visits.remove(&visit);
    }

    /// Who waits in a lane up to this rank, the lowest first, so many at most.
    pub(super) fn waiting_up_to(&self, lane: &LaneId, rank: Rank, most: usize) -> Vec<Place> {
        let place = |(rank, id): (&Rank, &TicketId)| Place { lane: lane.clone(), rank: *rank, id: *id };
        self.waiting
            .get(lane)
            .into_iter()
            .flat_map(|lane| lane.range(..=rank))
            .take(most)
            .map(place)
            .collect()
    }

    /// Who was seen in the shop since this was last asked, and since when they are there; so many at most.
    pub(super) fn take_seen(&mut self, most: usize, now: Instant) -> Vec<(TicketId, Duration)> {
        let some: Vec<TicketId> = self.seen.iter().take(most).copied().collect();
        let stays = some.into_iter().filter_map(|visit| {
            self.seen.remove(&visit);
            match self.visits.get(&visit)?.stage {
                Stage::Active(_, since) => Some((visit, now.duration_since(since))),
                Stage::New | Stage::Waiting(_) => None,
            }
        });
        stays.collect()
    }

    /// Who is done in the shop; so many at most.
    pub(super) fn take_done(&mut self, most: usize) -> Vec<TicketId> {
        let rest = self.done.split_off(self.done.len().min(most));
        std::mem::replace(&mut self.done, rest)
    }

    /// Forgets everybody. Who had a place, with it.
    pub(super) fn take_all(&mut self) -> Vec<Place> {
        let all = std::mem::take(self).visits.into_iter();
        all.filter_map(|(id, Visit { lane, stage, .. })| match stage {
            Stage::New => None,
            Stage::Waiting(rank) | Stage::Active(rank, _) => Some(Place { lane, rank, id }),
        })
        .collect()
    }

    /// Forgets what was over long ago.
    pub(super) fn tidy(&mut self, now: Instant) {
        self.over.retain(|_, at| now.duration_since(*at) < OVER_FOR);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(rank: Rank, id: TicketId) -> Place {
        Place { lane: LaneId::general(), rank, id }
    }

    fn up_to(visits: &Visits, rank: Rank) -> Vec<Place> {
        let other = LaneId::parse("member").unwrap();
        assert!(visits.waiting_up_to(&other, rank, 9).is_empty(), "each lane has its own");
        visits.waiting_up_to(&LaneId::general(), rank, 9)
    }

    #[tokio::test(start_paused = true)]
    async fn a_visit_waits_enters_and_is_over() {
        let (mut visits, visit, rank) = (Visits::default(), TicketId::from_bytes([1; 12]), Rank::new(7));
        let came = Instant::now();
        assert!(!visits.saw(visit, LaneId::general, false, came), "nobody knows it, and only a page comes");
        assert!(
            visits.saw(visit, LaneId::general, true, came) && visits.saw(visit, LaneId::general, false, came)
        );
        assert_eq!(visits.take_new(5), [(visit, LaneId::general())]);
        visits.waits(visit, rank);
        assert_eq!((up_to(&visits, rank), up_to(&visits, Rank::new(6))), (vec![place(rank, visit)], vec![]));
        tokio::time::advance(Duration::from_secs(30)).await;
        assert_eq!(visits.enters(visit, rank, Instant::now()), Some(Duration::from_secs(30)));
        assert!(up_to(&visits, Rank::MAX).is_empty());
        visits.saw(visit, LaneId::general, false, Instant::now());
        assert_eq!(visits.take_seen(9, Instant::now()), [(visit, Duration::ZERO)]);
        visits.is_done(visit);
        assert_eq!(visits.take_done(9), [visit]);
        visits.ends(visit, Instant::now());
        assert!(
            visits.is_empty() && !visits.saw(visit, LaneId::general, true, Instant::now()),
            "it comes anew, under another id"
        );
        tokio::time::advance(OVER_FOR).await;
        visits.tidy(Instant::now());
        assert!(visits.saw(visit, LaneId::general, true, Instant::now()));
    }

    #[tokio::test(start_paused = true)]
    async fn who_is_done_before_their_turn_leaves_when_it_comes() {
        let (mut visits, visit, rank) = (Visits::default(), TicketId::from_bytes([1; 12]), Rank::new(7));
        visits.comes(visit, LaneId::general(), Instant::now());
        visits.waits(visit, rank);
        visits.is_done(visit);
        assert!(visits.take_done(9).is_empty());
        visits.enters(visit, rank, Instant::now());
        assert_eq!(visits.take_done(9), [visit]);
        assert_eq!(visits.take_all(), [place(rank, visit)]);
    }
}
