//! Fans' WebSockets: how many came, what they were sent, and why they ended.

use super::cells::Counters;

/// Why a WebSocket ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Closed {
    /// The fan closed it, or is gone.
    Gone,
    /// The fan did not read what they were sent.
    Slow,
    /// Nothing was heard of the fan.
    Silent,
    /// The ticket is worth nothing any more.
    Expired,
    /// What the fan sent is not the protocol, or too much.
    Refused,
    /// There were too many of the same ticket, or in all.
    Crowded,
    /// The process ends; the fan connects again.
    Restart,
}

impl Closed {
    const ALL: [(Self, &str); 7] = [
        (Self::Gone, "gone"),
        (Self::Slow, "slow"),
        (Self::Silent, "silent"),
        (Self::Expired, "expired"),
        (Self::Refused, "refused"),
        (Self::Crowded, "crowded"),
        (Self::Restart, "restart"),
    ];
}

/// What became of the WebSockets of this process.
#[derive(Debug, Default)]
pub struct SocketTally {
    /// Opened, and messages sent.
    traffic: Counters<2>,
    closed: Counters<{ Closed::ALL.len() }>,
}

impl SocketTally {
    /// One was opened.
    pub fn opened(&self) {
        self.traffic.add(0, 1);
    }

    /// A fan was told where they stand.
    pub fn sent(&self) {
        self.traffic.add(1, 1);
    }

    /// One ended.
    pub fn closed(&self, why: Closed) {
        self.closed.add(why as usize, 1);
    }

    /// How many were opened, and how many messages were sent.
    pub fn traffic(&self) -> [u64; 2] {
        self.traffic.totals()
    }

    /// How many ended, each reason with its name.
    pub fn ends(&self) -> impl Iterator<Item = (&'static str, u64)> {
        Closed::ALL.into_iter().map(|(_, name)| name).zip(self.closed.totals())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_end_is_counted_under_its_name() {
        let tally = SocketTally::default();
        for (nth, (why, _)) in Closed::ALL.into_iter().enumerate() {
            (0..nth).for_each(|_| tally.closed(why));
        }
        let ends: Vec<_> = tally.ends().collect();
        let named: Vec<_> = Closed::ALL.iter().zip(0..).map(|((_, name), count)| (*name, count)).collect();
        assert_eq!(ends, named);
    }
}
