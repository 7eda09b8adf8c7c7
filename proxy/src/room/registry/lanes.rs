//! The fans of each lane in the order of their ranks, so that "up to the horizon" and "up to the cursor" are ranges, and
//! nobody's lane has to be compared when all fans of one are looked at.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;

use admission::name::LaneId;
use admission::rank::Rank;
use admission::ticket::{Place, TICKET_ID_BYTES, TicketId};

use super::fan::Fan;

/// Fans by lane and rank. Two tickets may have one rank; the id tells them apart.
#[derive(Default)]
pub(super) struct Lanes {
    /// A handful.
    lanes: Vec<Lane>,
    len: usize,
}

struct Lane {
    name: LaneId,
    fans: BTreeMap<(Rank, TicketId), Fan>,
}

/// Where a fan stands, without a copy of the lane's name.
#[derive(Clone, Copy)]
pub(super) struct Spot<'a> {
    lane: &'a LaneId,
    pub(super) rank: Rank,
    id: TicketId,
}

impl<'a> Spot<'a> {
    fn new(lane: &'a LaneId, (rank, id): (Rank, TicketId)) -> Self {
        Self { lane, rank, id }
    }

    pub(super) fn place(self) -> Place {
        Place { lane: self.lane.clone(), rank: self.rank, id: self.id }
    }
}

fn between(from: Rank, to: Rank) -> RangeInclusive<(Rank, TicketId)> {
    let id = |byte| TicketId::from_bytes([byte; TICKET_ID_BYTES]);
    (from, id(u8::MIN))..=(to.max(from), id(u8::MAX))
}

impl Lanes {
    fn lane(&self, name: &LaneId) -> Option<&Lane> {
        self.lanes.iter().find(|lane| lane.name == *name)
    }

    fn lane_mut(&mut self, name: &LaneId) -> Option<&mut Lane> {
        self.lanes.iter_mut().find(|lane| lane.name == *name)
    }

    pub(super) fn len(&self) -> usize {
        self.len
    }

    pub(super) fn get(&self, place: &Place) -> Option<&Fan> {
        self.lane(&place.lane)?.fans.get(&(place.rank, place.id))
    }

    pub(super) fn get_mut(&mut self, place: &Place) -> Option<&mut Fan> {
        self.lane_mut(&place.lane)?.fans.get_mut(&(place.rank, place.id))
    }

    pub(super) fn get_or_insert(&mut self, place: &Place, new: impl FnOnce() -> Fan) -> &mut Fan {
        let nth = self.lanes.iter().position(|lane| lane.name == place.lane).unwrap_or_else(|| {
            self.lanes.push(Lane { name: place.lane.clone(), fans: BTreeMap::new() });
            self.lanes.len() - 1
        });
        let Self { lanes, len } = self;
        #[expect(clippy::indexing_slicing, reason = "it was found, or pushed, just now")]
        lanes[nth].fans.entry((place.rank, place.id)).or_insert_with(|| {
            *len += 1;
            new()
        })
    }

    /// Everybody.
    pub(super) fn iter(&self) -> impl Iterator<Item = (Spot<'_>, &Fan)> {
        self.lanes
            .iter()
            .flat_map(|lane| lane.fans.iter().map(|(key, fan)| (Spot::new(&lane.name, *key), fan)))
    }

    /// Those in a lane with a rank in this range, by rank.
    pub(super) fn range(
        &self,
        lane: &LaneId,
        from: Rank,
        to: Rank,
    ) -> impl Iterator<Item = (Spot<'_>, &Fan)> {
        let lanes = self.lane(lane).into_iter();
        lanes.flat_map(move |lane| {
            lane.fans.range(between(from, to)).map(|(key, fan)| (Spot::new(&lane.name, *key), fan))
        })
    }

    /// Everybody, to be changed: each lane with its fans by rank.
    pub(super) fn lanes_mut(
        &mut self,
    ) -> impl Iterator<Item = (&LaneId, impl Iterator<Item = (Rank, TicketId, &mut Fan)>)> {
        self.lanes
            .iter_mut()
            .map(|Lane { name, fans }| (&*name, fans.iter_mut().map(|((rank, id), fan)| (*rank, *id, fan))))
    }

    /// Those of [`Self::range`], to be changed.
    pub(super) fn range_mut(
        &mut self,
        lane: &LaneId,
        from: Rank,
        to: Rank,
    ) -> impl Iterator<Item = (Spot<'_>, &mut Fan)> {
        let lanes = self.lane_mut(lane).into_iter();
        lanes.flat_map(move |Lane { name, fans }| {
            let name = &*name;
            fans.range_mut(between(from, to)).map(move |(key, fan)| (Spot::new(name, *key), fan))
        })
    }

    pub(super) fn values(&self) -> impl Iterator<Item = &Fan> {
        self.lanes.iter().flat_map(|lane| lane.fans.values())
    }

    pub(super) fn values_mut(&mut self) -> impl Iterator<Item = &mut Fan> {
        self.lanes.iter_mut().flat_map(|lane| lane.fans.values_mut())
    }

    /// Keeps those of whom this is true.
    pub(super) fn retain(&mut self, keep: impl Fn(&Fan) -> bool) {
        for lane in &mut self.lanes {
            lane.fans.retain(|_, fan| keep(fan));
        }
        self.lanes.retain(|lane| !lane.fans.is_empty());
        self.len = self.lanes.iter().map(|lane| lane.fans.len()).sum();
    }
}
