//! Whether seats, counters and holdings agree with each other. All that writes them keeps them so; what does not agree was
//! changed by hand.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::decode;
use crate::inventory::InventoryError;

/// Holdings and their lines by turns, seats and their owners by turns, and for each section without numbers its name, how
/// many of its seats were ever given, and which came back.
pub(super) type Survey = (Vec<String>, Vec<String>, Vec<(String, u32, Vec<u32>)>);

/// What does not look right.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Doubts {
    /// Seats, and whose each should be, or `-`.
    pub(super) seats: Vec<(String, String)>,
    /// Sections whose counters are wrong, and how many seats they have.
    pub(super) sections: Vec<(String, u32)>,
}

impl Doubts {
    pub(super) fn is_empty(&self) -> bool {
        self.seats.is_empty() && self.sections.is_empty()
    }
}

pub(super) fn doubts(survey: Survey, capacities: &[(String, u32)]) -> Result<Doubts, InventoryError> {
    let (lines, taken, sections) = survey;
    let holdings = decode::holdings(&lines)?;
    let mut should: HashMap<&str, Vec<&str>> = HashMap::new();
    let mut numbers: BTreeMap<&str, BTreeSet<u32>> = BTreeMap::new();
    for holding in holdings.iter().filter(|holding| holding.state.has_seats()) {
        for seat in &holding.seats {
            should.entry(seat.id.as_str()).or_default().push(holding.id.as_str());
            let parts = seat.id.as_str().rsplit_once('-').filter(|_| seat.general);
            if let Some((section, number)) =
                parts.and_then(|(name, number)| Some((name, number.parse().ok()?)))
            {
                numbers.entry(section).or_default().insert(number);
            }
        }
    }
    let taken: HashMap<&str, &str> = taken
        .chunks(2)
        .filter_map(|pair| match pair {
            [seat, owner] => Some((seat.as_str(), owner.as_str())),
            _ => None,
        })
        .collect();
    let mut doubts = Doubts::default();
    for (seat, owner) in &taken {
        let owners = should.get(seat).map_or(&[][..], Vec::as_slice);
        if !owners.contains(owner) {
            let right = owners.first().copied().unwrap_or("-");
            doubts.seats.push(((*seat).to_owned(), right.to_owned()));
        }
    }
    for (seat, owners) in should.iter().filter(|(seat, _)| !taken.contains_key(*seat)) {
        let right = owners.first().copied().unwrap_or("-");
        doubts.seats.push(((*seat).to_owned(), right.to_owned()));
    }
    for (name, capacity) in capacities {
        let counters = sections.iter().find(|(section, ..)| section == name);
        let (given, returned) = counters.map_or((0, &[][..]), |(_, given, back)| (*given, back.as_slice()));
        let taken = numbers.get(name.as_str());
        if !adds_up(given, returned, taken.unwrap_or(&BTreeSet::new()), *capacity) {
            doubts.sections.push((name.clone(), *capacity));
        }
    }
    Ok(doubts)
}

/// Every number that was ever given is taken or came back, and no number is both.
fn adds_up(given: u32, returned: &[u32], taken: &BTreeSet<u32>, capacity: u32) -> bool {
    let all: BTreeSet<u32> = returned.iter().chain(taken).copied().collect();
    given <= capacity
        && all.len() == returned.len() + taken.len()
        && all.len() == given as usize
        && all.last().is_none_or(|last| *last == given)
        && !all.contains(&0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_does_not_add_up_is_seen() {
        let taken = |numbers: &[u32]| numbers.iter().copied().collect::<BTreeSet<_>>();
        assert!(adds_up(0, &[], &taken(&[]), 10));
        assert!(adds_up(4, &[3, 1], &taken(&[2, 4]), 4));
        for (given, returned, owned) in [
            (3, &[3, 1][..], &[2, 4][..]),
            (5, &[3, 1], &[2, 4]),
            (4, &[3, 1, 1], &[2, 4]),
            (4, &[3, 2], &[2, 4]),
            (4, &[3], &[2, 4]),
            (0, &[], &[1]),
        ] {
            assert!(!adds_up(given, returned, &taken(owned), 10), "{given} {returned:?} {owned:?}");
        }
        assert!(!adds_up(4, &[3, 1], &taken(&[2, 4]), 3));
    }
}
