//! What was seen of a line's movement, and what follows for the waits.

use std::collections::VecDeque;
use std::time::Duration;

use super::{Ahead, Wait, seconds};
use crate::clock::Timestamp;

/// How far back the meter looks: so far, and further while fewer turns than that were given.
const WINDOW: Duration = Duration::from_secs(60);
const WINDOW_MAX: Duration = Duration::from_secs(240);
const TURNS_WANTED: u64 = 300;
/// How far apart samples are.
const STEP: Duration = Duration::from_millis(500);
/// Most samples kept: the longest window, with room to spare.
const SAMPLES_MAX: usize = 512;
/// The last so many seconds are compared with what was to be expected, to find that the line has slowed down.
const RECENT: [Duration; 2] = [Duration::from_secs(4), Duration::from_secs(16)];

/// Fewer turns due than this say nothing.
const DUE_MIN: f64 = 3.0;
/// The drain does what it is set to when it gives this share of the turns due.
const KEPT_UP: f64 = 0.9;
/// How much faster and slower than its rate a drain that keeps up may be after all.
const FASTER: f64 = 1.03;
const SLOWER: f64 = 0.97;
/// The share of fans who leave before their turn: where it is not known, at most, and how much it may yet grow and
/// shrink in a long wait, and what a long wait is, in seconds.
const GONE_UNKNOWN: f64 = 0.3;
const GONE_MAX: f64 = 0.7;
const GONE_GROWS: f64 = 0.2;
const GONE_SHRINKS: f64 = 0.4;
const LONG: f64 = 300.0;
/// By how many standard deviations chance may be off.
const CHANCE: f64 = 1.2;
/// How late a turn is told, in seconds.
const TOLD_LATE: f64 = 1.5;
/// How old what is known may be, in seconds.
const KNOWN_LATE: f64 = 0.5;

/// What a snapshot says of a line.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Line {
    /// The store's time.
    pub at: Timestamp,
    /// Turns given, in all.
    pub turns: u64,
    /// Fans who joined, in all.
    pub joined: u64,
    /// Fans who wait.
    pub waiting: u64,
    /// Fans a minute, the rate in force.
    pub rate: u64,
    /// Most permits that may have gathered.
    pub burst: u64,
    /// Whether turns are given at all: the room is open and not paused.
    pub moves: bool,
}

#[derive(Clone, Copy, Debug)]
struct Sample {
    line: Line,
    /// Turns that were due since the meter began.
    due: f64,
}

/// Measures how a line really moves while fans wait in it.
#[derive(Clone, Debug, Default)]
pub struct DrainMeter {
    samples: VecDeque<Sample>,
    now: Line,
}

/// What the meter saw from its first sample to its last.
struct Seen {
    span: f64,
    due: f64,
    turns: f64,
    /// Fans who left the line without a turn.
    gone: f64,
    joined: f64,
}

impl Seen {
    fn between(from: &Sample, to: &Sample) -> Self {
        let more = |of: fn(&Line) -> u64| of(&to.line) as f64 - of(&from.line) as f64;
        let (turns, joined) = (more(|line| line.turns), more(|line| line.joined));
        let gone = (joined - turns - more(|line| line.waiting)).max(0.0);
        let span = to.line.at.since(from.line.at).as_secs_f64();
        Self { span, due: to.due - from.due, turns, gone, joined }
    }
}

/// How fast turns are given, a second.
struct Pace {
    slow: f64,
    fast: f64,
    /// Whether chance has a part in it: turns come when sessions end.
    by_chance: bool,
    /// Permits that may have gathered.
    saved: f64,
}

impl DrainMeter {
    /// Takes in what a snapshot said of the line. One that does not move or in which nobody waits says nothing about
    /// how fast it can move.
    pub fn observe(&mut self, line: &Line) {
        let before = std::mem::replace(&mut self.now, *line);
        let went_back = line.at < before.at || line.turns < before.turns || line.joined < before.joined;
        if went_back || !line.moves || line.waiting == 0 {
            self.samples.clear();
        }
        if !line.moves || line.waiting == 0 {
            return;
        }
        let due = self.samples.back().map_or(0.0, |last| {
            last.due + last.line.rate as f64 / 60.0 * line.at.since(last.line.at).as_secs_f64()
        });
        // The newest is always known; the ones before it stand a step apart.
        let close = |(_, before): (_, &Sample)| line.at.since(before.line.at) < STEP;
        if self.samples.iter().rev().enumerate().nth(1).is_some_and(close) {
            self.samples.pop_back();
        }
        self.samples.push_back(Sample { line: *line, due });
        while self.samples.len() > SAMPLES_MAX || self.first_is_old() {
            self.samples.pop_front();
        }
        for recent in RECENT {
            self.forget_if_it_slowed(recent);
        }
    }

    fn first_is_old(&self) -> bool {
        self.samples.front().is_some_and(|first| {
            let age = self.now.at.since(first.line.at);
            let turns = self.now.turns.saturating_sub(first.line.turns);
            age > WINDOW_MAX || (age > WINDOW && turns > TURNS_WANTED)
        })
    }

    /// Forgets all but the last seconds, when those are not what the time before them would have led to expect.
    fn forget_if_it_slowed(&mut self, recent: Duration) {
        let index = self.samples.partition_point(|sample| self.now.at.since(sample.line.at) > recent);
        let (Some(first), Some(from), Some(last)) =
            (self.samples.front(), self.samples.get(index), self.samples.back())
        else {
            return;
        };
        let (before, lately) = (Seen::between(first, from), Seen::between(from, last));
        if before.due < DUE_MIN {
            return;
        }
        let expected = lately.due * before.turns / before.due;
        if (lately.turns - expected).abs() > 4.0 * expected.sqrt() + 3.0 {
            self.samples.drain(..index);
        }
    }

    fn seen(&self) -> Option<Seen> {
        Some(Seen::between(self.samples.front()?, self.samples.back()?)).filter(|seen| seen.due >= DUE_MIN)
    }

    fn pace(&self, seen: Option<&Seen>) -> Option<Pace> {
        let set = self.now.rate as f64 / 60.0;
        let saved = self.now.burst as f64;
        let Some(seen) = seen else {
            return Some(Pace { slow: set * 0.9, fast: set * FASTER, by_chance: false, saved });
        };
        if seen.turns >= seen.due * KEPT_UP - 2.0 {
            // Turns that nobody claims are given again, so there may be more of them than the rate says.
            let kept_up = if seen.due < 20.0 { 1.0 } else { (seen.turns / seen.due).clamp(KEPT_UP, 1.5) };
            let rate = set * kept_up;
            return Some(Pace { slow: rate * SLOWER, fast: rate * FASTER, by_chance: false, saved: 0.0 });
        }
        if seen.turns < 1.0 {
            return None;
        }
        let rate = seen.turns / seen.span;
        let chance = CHANCE * seen.turns.sqrt() / seen.span;
        let slow = (rate - chance).max(rate * 0.5).min(set) * SLOWER;
        Some(Pace { slow, fast: (rate + chance).min(set) * FASTER, by_chance: true, saved })
    }

    /// How long a fan waits before whom these have their turns. Nothing where the line does not move: then nobody
    /// knows.
    pub fn wait(&self, ahead: &Ahead) -> Option<Wait> {
        if !self.now.moves || self.now.rate == 0 {
            return None;
        }
        let seen = self.seen();
        let pace = self.pace(seen.as_ref())?;
        let joins_by_turn = seen.as_ref().map_or(0.0, |seen| seen.joined / seen.turns.max(1.0));
        let (least, most) = (ahead.least(), ahead.most(joins_by_turn));
        let chance = |turns: f64| if pace.by_chance { CHANCE * turns.sqrt() } else { 0.0 };

        // The longer the wait, the less the share of those who are gone at the front of the line says about it.
        let long = 1.0 - (-most / pace.slow / LONG).exp();
        let (gone_least, gone_most) = gone(seen.as_ref(), long);
        let turns = (least * (1.0 - gone_most) - pace.saved).max(0.0);
        let low = (turns - chance(turns)).max(0.0) / pace.fast - KNOWN_LATE;

        // Those who are gone may all have stood at the front, or anywhere in the line.
        let at_front = most * (1.0 - gone_least);
        let anywhere = seen.as_ref().map_or(most, |seen| thinned(most, seen, self.now.waiting, pace.slow));
        let turns = at_front.max(anywhere.min(most)) + 1.0;
        let high = (turns + chance(turns)) / pace.slow + TOLD_LATE;
        Some(Wait { low: seconds(low), high: seconds(high) })
    }
}

/// The least and the most that the share of those may be who are gone when their turn comes.
fn gone(seen: Option<&Seen>, long: f64) -> (f64, f64) {
    let Some(seen) = seen else { return (0.0, GONE_UNKNOWN) };
    let all = (seen.gone + seen.turns).max(1.0);
    let share = seen.gone / all;
    let chance = CHANCE * (share * (1.0 - share) / all).sqrt() + 1.0 / all;
    let least = share * (1.0 - GONE_SHRINKS * long) - chance;
    let most = share + GONE_GROWS * long + chance;
    (least.clamp(0.0, GONE_MAX), most.clamp(0.0, GONE_MAX))
}

/// How many turns `before` others take if those who leave do so anywhere in a line of `waiting`.
fn thinned(before: f64, seen: &Seen, waiting: u64, pace: f64) -> f64 {
    let leaving = seen.gone / seen.span / (waiting as f64).max(1.0);
    if leaving <= 0.0 || pace <= 0.0 {
        return before;
    }
    pace / leaving * (leaving * before / pace).ln_1p()
}
