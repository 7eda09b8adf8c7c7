//! What a visitor sees of the seats: the house as the database has it, and who has what as the inventory knows it.

use std::collections::{BTreeMap, HashMap};

use super::{Holding, HoldingState, House};
use crate::events::{Seat, SeatState, SectionCount};
use crate::ids::{FanId, SectionId};

/// The seats of a house as somebody sees them to whom none belongs: what is among the holdings is gone, all else can be had,
/// whatever the database said when it was asked.
pub fn of(seats: &[Seat], holdings: &[Holding]) -> Vec<Seat> {
    let mut seats = seats.to_vec();
    for seat in &mut seats {
        (seat.state, seat.mine) = (SeatState::Available, false);
    }
    mark(&mut seats, holdings, None);
    seats
}

/// Marks the seats that somebody has. What is not among the holdings, the database has said already.
pub fn mark(seats: &mut [Seat], holdings: &[Holding], fan: Option<&FanId>) {
    let mut owners = HashMap::new();
    for holding in holdings {
        owners.extend(holding.seats.iter().map(|seat| (&seat.id, holding)));
    }
    for seat in seats {
        let Some(holding) = owners.get(&seat.id) else { continue };
        seat.state = match holding.state {
            HoldingState::Sold => SeatState::Sold,
            _ => SeatState::Held,
        };
        seat.mine = fan == Some(&holding.fan);
    }
}

/// How many places of each section somebody has.
pub fn count(house: &House, holdings: &[Holding]) -> Vec<SectionCount> {
    let mut counts: BTreeMap<&SectionId, i64> = BTreeMap::new();
    for seat in holdings.iter().flat_map(|holding| &holding.seats) {
        if let Some(section) = house.section_of(&seat.id) {
            *counts.entry(section).or_default() += 1;
        }
    }
    let count = |(section, claimed): (&SectionId, i64)| SectionCount { section: section.clone(), claimed };
    counts.into_iter().map(count).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::events::samples::row;

    #[test]
    fn what_nobody_holds_can_be_had_whatever_the_database_said() {
        let mut said = row("A", 3);
        (said[0].state, said[0].mine) = (SeatState::Held, true);
        said[1].state = SeatState::Sold;
        assert_eq!(of(&said, &[]), row("A", 3));
    }
}
