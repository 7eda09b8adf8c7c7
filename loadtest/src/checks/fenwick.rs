//! How many, below a rank: sums that change, each in the logarithm of how many there are.

/// Counts by rank.
#[derive(Debug)]
pub(super) struct Counts {
    ranks: Vec<u64>,
    sums: Vec<i64>,
}

impl Counts {
    /// Nothing yet, of these ranks in any order.
    pub(super) fn of(mut ranks: Vec<u64>) -> Self {
        ranks.sort_unstable();
        ranks.dedup();
        let sums = vec![0; ranks.len() + 1];
        Self { ranks, sums }
    }

    /// So many more of a rank, one of those that were named.
    pub(super) fn add(&mut self, rank: u64, more: i64) {
        let mut at = self.ranks.partition_point(|known| *known < rank) + 1;
        while let Some(sum) = self.sums.get_mut(at) {
            *sum += more;
            at += at & at.wrapping_neg();
        }
    }

    /// How many there are below a rank.
    pub(super) fn below(&self, rank: u64) -> i64 {
        let mut at = self.ranks.partition_point(|known| *known < rank);
        let mut sum = 0;
        while at > 0 {
            sum += self.sums.get(at).copied().unwrap_or_default();
            at &= at - 1;
        }
        sum
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_counts_as_counting_one_by_one_does() {
        let ranks: Vec<u64> = (0..50).map(|n| n * 37 % 101).collect();
        let mut counts = Counts::of(ranks.clone());
        for (at, rank) in ranks.iter().enumerate() {
            counts.add(*rank, 1);
            let by_hand = ranks[..=at].iter().filter(|other| **other < 60).count();
            assert_eq!(counts.below(60), by_hand as i64);
        }
        counts.add(ranks[3], -1);
        assert_eq!(counts.below(u64::MAX), 49);
    }
}
