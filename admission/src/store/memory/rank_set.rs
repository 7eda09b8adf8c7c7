//! An ordered set of ranks that knows how many stand below any of them.

use std::collections::BTreeMap;

use crate::position::{Ladder, Rung, next_depth};
use crate::rank::Rank;

/// A chunk that grows beyond this is cut in two. Inserting moves at most a chunk, counting walks the chunks.
const CHUNK_MAX: usize = 512;

/// Ranks in ascending order, in chunks by their lowest rank. No chunk is ever empty.
#[derive(Clone, Debug, Default)]
pub(super) struct RankSet {
    chunks: BTreeMap<Rank, Vec<Rank>>,
    count: usize,
}

impl RankSet {
    pub(super) fn len(&self) -> u64 {
        self.count as u64
    }

    pub(super) fn contains(&self, rank: Rank) -> bool {
        self.chunks.range(..=rank).next_back().is_some_and(|(_, chunk)| chunk.binary_search(&rank).is_ok())
    }

    pub(super) fn insert(&mut self, rank: Rank) -> bool {
        // Most come at the end of the line.
        if let Some(mut last) = self.chunks.last_entry()
            && last.get().last().is_some_and(|highest| *highest < rank)
        {
            if last.get().len() < CHUNK_MAX {
                last.get_mut().push(rank);
            } else {
                self.chunks.insert(rank, vec![rank]);
            }
            self.count += 1;
            return true;
        }
        // A rank below all others joins the first chunk, whose key then has to go down with it.
        let home = self.chunks.range(..=rank).next_back().or_else(|| self.chunks.iter().next());
        let Some(key) = home.map(|(key, _)| *key) else {
            self.chunks.insert(rank, vec![rank]);
            self.count = 1;
            return true;
        };
        let Some(mut chunk) = self.chunks.remove(&key) else { return false };
        let found = chunk.binary_search(&rank);
        if let Err(at) = found {
            chunk.insert(at, rank);
            self.count += 1;
        }
        if chunk.len() > CHUNK_MAX {
            // Lines grow at the end: leave the lower part nearly full rather than half empty.
            let upper = chunk.split_off(CHUNK_MAX - CHUNK_MAX / 8);
            self.put(upper);
        }
        self.put(chunk);
        found.is_err()
    }

    pub(super) fn remove(&mut self, rank: Rank) -> bool {
        let Some((&key, chunk)) = self.chunks.range_mut(..=rank).next_back() else { return false };
        let Ok(at) = chunk.binary_search(&rank) else { return false };
        chunk.remove(at);
        self.count -= 1;
        if at == 0 {
            // The chunk's lowest rank changed, or the chunk is empty.
            let chunk = self.chunks.remove(&key).unwrap_or_default();
            self.put(chunk);
        }
        true
    }

    fn put(&mut self, chunk: Vec<Rank>) {
        if let Some(&lowest) = chunk.first() {
            self.chunks.insert(lowest, chunk);
        }
    }

    pub(super) fn count_below(&self, rank: Rank) -> u64 {
        let mut count = 0;
        for chunk in self.chunks.range(..rank).map(|(_, chunk)| chunk) {
            count += match chunk.last() {
                Some(&highest) if highest < rank => chunk.len(),
                _ => chunk.partition_point(|&other| other < rank),
            };
        }
        count as u64
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = Rank> {
        self.chunks.values().flatten().copied()
    }

    /// The rank with `depth` others below it.
    pub(super) fn at_depth(&self, depth: u64) -> Option<Rank> {
        let mut left = usize::try_from(depth).ok()?;
        for chunk in self.chunks.values() {
            match chunk.get(left) {
                Some(rank) => return Some(*rank),
                None => left -= chunk.len(),
            }
        }
        None
    }

    pub(super) fn ladder(&self) -> Ladder {
        let mut rungs = Vec::new();
        let mut depth = 0;
        let mut before_chunk = 0;
        for chunk in self.chunks.values() {
            while let Some(&rank) = usize::try_from(depth - before_chunk).ok().and_then(|at| chunk.get(at)) {
                rungs.push(Rung { rank, ahead: depth });
                depth = next_depth(depth);
            }
            before_chunk += chunk.len() as u64;
        }
        Ladder::new(rungs, self.len())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn behaves_like_a_plain_ordered_set(steps in prop::collection::vec((any::<bool>(), 0_u64..3000), 0..4000)) {
            let mut set = RankSet::default();
            let mut model = BTreeSet::new();
            for (insert, number) in steps {
                let rank = Rank::new(number);
                if insert {
                    prop_assert_eq!(set.insert(rank), model.insert(rank));
                } else {
                    prop_assert_eq!(set.remove(rank), model.remove(&rank));
                }
            }
            prop_assert_eq!(set.len(), model.len() as u64);
            prop_assert!(set.iter().eq(model.iter().copied()));
            for number in (0..3000).step_by(37) {
                let rank = Rank::new(number);
                prop_assert_eq!(set.contains(rank), model.contains(&rank));
                prop_assert_eq!(set.count_below(rank), model.range(..rank).count() as u64);
                prop_assert_eq!(set.at_depth(number), model.iter().nth(number as usize).copied());
            }
            for rung in set.ladder().rungs() {
                prop_assert_eq!(set.at_depth(rung.ahead), Some(rung.rank));
            }
        }
    }

    #[test]
    fn a_long_line_is_cut_into_chunks() {
        let mut set = RankSet::default();
        for number in 0..10_000 {
            set.insert(Rank::new(number));
        }
        assert!(set.chunks.len() < 30 && set.chunks.values().all(|chunk| chunk.len() <= CHUNK_MAX));
        assert_eq!(set.count_below(Rank::new(7777)), 7777);
    }
}
