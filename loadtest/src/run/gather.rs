//! What comes from all processes of fans, put together second by second.

use std::collections::BTreeMap;

use super::crowds::Beat;
use super::record::{LatencyPoint, LatencySeries, Percentiles, Second, Waits};
use super::scenario::arrivals::Arrival;
use crate::meter::Step;
use crate::story::{Ending, Story};

/// Most seconds that a run has.
const SECONDS_MAX: usize = 48 * 3600;

/// Times in microseconds, and how often each was seen.
type Seen = BTreeMap<u64, u64>;

/// The sums.
#[derive(Debug, Default)]
pub struct Gathered {
    seconds: Vec<Second>,
    /// How many processes have told of each second.
    told: Vec<usize>,
    times: BTreeMap<Step, BTreeMap<usize, Seen>>,
    wrong: BTreeMap<String, u64>,
    late_ms: u64,
}

impl Gathered {
    /// Begins with the fans who are to come.
    pub fn new(arrivals: &[Arrival]) -> Self {
        let mut gathered = Self::default();
        for arrival in arrivals {
            let second = usize::try_from(arrival.at_us / 1_000_000).unwrap_or(SECONDS_MAX);
            if let Some(second) = gathered.second(second) {
                second.intended += 1;
            }
        }
        gathered.told = vec![0; gathered.seconds.len()];
        gathered
    }

    fn second(&mut self, nth: usize) -> Option<&mut Second> {
        if nth >= self.seconds.len() && nth < SECONDS_MAX {
            self.seconds.resize(nth + 1, Second::default());
            self.told.resize(nth + 1, 0);
        }
        self.seconds.get_mut(nth)
    }

    /// Takes in what one process told of a second.
    pub fn add(&mut self, beat: &Beat) {
        self.late_ms = self.late_ms.max(beat.late_ms);
        let nth = beat.second;
        let Some(second) = self.second(nth) else { return };
        second.arrived += beat.arrived;
        second.admitted += beat.admitted;
        second.held += beat.held;
        second.bought += beat.bought;
        second.left += beat.left;
        second.waiting += beat.waiting;
        second.inside += beat.inside;
        second.sockets += beat.sockets;
        second.answers += beat.counted.answers;
        second.errors += beat.counted.wrong.iter().map(|(_, count)| count).sum::<u64>();
        for (what, count) in &beat.counted.wrong {
            *self.wrong.entry(what.clone()).or_default() += count;
        }
        for (step, times) in &beat.counted.times {
            let seen = self.times.entry(*step).or_default().entry(nth).or_default();
            for (micros, count) in times {
                *seen.entry(*micros).or_default() += count;
            }
        }
        if let Some(told) = self.told.get_mut(nth) {
            *told += 1;
        }
    }

    /// Second `nth`, where at least so many processes have told of it.
    pub fn whole(&self, nth: usize, processes: usize) -> Option<&Second> {
        let told = self.told.get(nth).copied().unwrap_or_default();
        self.seconds.get(nth).filter(|_| told >= processes.max(1))
    }

    /// How late any of them was.
    pub const fn late_ms(&self) -> u64 {
        self.late_ms
    }

    /// All seconds up to the last of which anybody told.
    pub fn seconds(&self) -> Vec<Second> {
        let last = self.told.iter().rposition(|told| *told > 0).map_or(0, |last| last + 1);
        self.seconds.iter().take(last).cloned().collect()
    }

    /// What went wrong, most often first.
    pub fn wrong(&self) -> Vec<(String, u64)> {
        most_first(self.wrong.clone())
    }

    /// How long answers took.
    pub fn latencies(&self) -> Vec<LatencySeries> {
        let series = |(step, seconds): (&Step, &BTreeMap<usize, Seen>)| {
            let mut whole = Seen::new();
            for (micros, count) in seconds.values().flatten() {
                *whole.entry(*micros).or_default() += count;
            }
            let point =
                |(at, seen): (&usize, &Seen)| LatencyPoint { at_s: *at as f64, seen: percentiles(seen) };
            LatencySeries {
                kind: step.name().to_owned(),
                whole: percentiles(&whole),
                points: seconds.iter().map(point).collect(),
            }
        };
        self.times.iter().map(series).collect()
    }
}

fn percentiles(seen: &Seen) -> Percentiles {
    let count: u64 = seen.values().sum();
    let at = |share: f64| {
        let wanted = (share * count as f64).ceil().max(1.0) as u64;
        let mut so_far = 0;
        let found = seen.iter().find(|(_, count)| {
            so_far += **count;
            so_far >= wanted
        });
        found.map_or(0.0, |(micros, _)| *micros as f64 / 1000.0)
    };
    let most_ms = seen.last_key_value().map_or(0.0, |(micros, _)| *micros as f64 / 1000.0);
    Percentiles { count, p50_ms: at(0.5), p90_ms: at(0.9), p99_ms: at(0.99), most_ms }
}

/// How long fans waited who were admitted, by the second in which they came.
pub fn waits(stories: &[Story]) -> Vec<Waits> {
    let mut by_second: BTreeMap<u64, Vec<u64>> = BTreeMap::new();
    for story in stories {
        if let Some((asked, told)) = story.asked_ms.zip(story.told_ms) {
            by_second.entry(asked / 1000).or_default().push(told.saturating_sub(asked));
        }
    }
    let waits = |(second, mut waits): (u64, Vec<u64>)| {
        waits.sort_unstable();
        let at = |at: usize| waits.get(at).map_or(0.0, |ms| *ms as f64 / 1000.0);
        Waits {
            arrived_s: second as f64,
            fans: waits.len() as u64,
            least_s: at(0),
            median_s: at(waits.len() / 2),
            most_s: at(waits.len().saturating_sub(1)),
        }
    };
    by_second.into_iter().map(waits).collect()
}

/// How fans ended, most of them first.
pub fn endings(stories: &[Story]) -> Vec<(String, u64)> {
    let mut endings: BTreeMap<String, u64> = BTreeMap::new();
    for story in stories {
        let ending = match &story.ending {
            Ending::Bought => "bought".to_owned(),
            Ending::LeftEarly => "looked and left".to_owned(),
            Ending::LeftLine => "left the line".to_owned(),
            Ending::NoSeats => "found no seat".to_owned(),
            Ending::ShutOut(why) => format!("shut out: {why}"),
            Ending::Stopped | Ending::None => "still there at the end".to_owned(),
        };
        *endings.entry(ending).or_default() += 1;
    }
    most_first(endings)
}

fn most_first(counts: BTreeMap<String, u64>) -> Vec<(String, u64)> {
    let mut counts: Vec<_> = counts.into_iter().collect();
    counts.sort_by(|one, other| other.1.cmp(&one.1).then_with(|| one.0.cmp(&other.0)));
    counts
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::meter::Counted;

    #[test]
    fn beats_of_all_processes_are_one_second() {
        let arrivals = [500_000, 1_500_000, 1_700_000].map(|at_us| Arrival { at_us, kind: 0 });
        let mut gathered = Gathered::new(&arrivals);
        let counted = |micros| Counted {
            answers: 2,
            times: vec![(Step::Join, vec![(1000, 1), (micros, 1)])],
            wrong: vec![("join: no connection".to_owned(), 1)],
        };
        let beat = |second, micros| Beat {
            second,
            arrived: 1,
            waiting: 5,
            counted: counted(micros),
            ..Beat::default()
        };
        gathered.add(&beat(0, 3000));
        assert!(gathered.whole(0, 2).is_none());
        gathered.add(&beat(0, 9000));
        assert_eq!(gathered.whole(0, 2).map(|second| (second.arrived, second.waiting)), Some((2, 10)));
        gathered.add(&beat(1, 9000));
        let seconds = gathered.seconds();
        assert_eq!(seconds.iter().map(|second| second.intended).collect::<Vec<_>>(), [1, 2]);
        assert_eq!((seconds[0].answers, seconds[0].errors), (4, 2));
        let latencies = gathered.latencies();
        let whole = latencies[0].whole;
        assert_eq!((whole.count, whole.p50_ms, whole.most_ms), (6, 1.0, 9.0));
        assert_eq!(latencies[0].points.len(), 2);
        assert_eq!(gathered.wrong(), [("join: no connection".to_owned(), 3)]);
    }

    #[test]
    fn fans_are_summed_up() {
        let fan =
            |asked, told, ending| Story { asked_ms: Some(asked), told_ms: told, ending, ..Story::default() };
        let stories = [
            fan(100, Some(1100), Ending::Bought),
            fan(900, Some(4900), Ending::Bought),
            fan(1500, None, Ending::LeftLine),
        ];
        let waits = waits(&stories);
        assert_eq!((waits.len(), waits[0].fans, waits[0].least_s, waits[0].most_s), (1, 2, 1.0, 4.0));
        assert_eq!(endings(&stories), [("bought".to_owned(), 2), ("left the line".to_owned(), 1)]);
    }
}
