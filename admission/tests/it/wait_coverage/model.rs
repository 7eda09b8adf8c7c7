//! A model of a line that is drained in ticks, with fans who leave it.

use std::collections::{BTreeMap, VecDeque};

use admission::clock::Timestamp;
use admission::wait::{Ahead, DrainMeter, LaneLoad, Line};

/// Seconds between two drains.
const TICK: f64 = 0.25;
/// How long after they left fans still count as present, and how long their turn is kept for them.
const PRESENT_FOR: f64 = 10.0;
const CLAIM_WINDOW: f64 = 120.0;
/// Fans who are asked, each second, how long they are told to wait.
const ASKED: usize = 8;

/// What happens at a line.
#[derive(Clone, Debug)]
pub(crate) struct Scenario {
    pub(crate) name: &'static str,
    /// Fans a minute, at this second.
    pub(crate) rate: fn(f64) -> f64,
    pub(crate) burst: f64,
    pub(crate) seconds: f64,
    /// The lanes: weight, fans who stand in it at the beginning, and who join it a minute.
    pub(crate) lanes: &'static [(u32, u64, f64)],
    /// So many more join the first lane every minute, all at once.
    pub(crate) wave: u64,
    /// The share of fans who leave before their turn, and of those the share who say so.
    pub(crate) leave: f64,
    pub(crate) say_so: f64,
    /// Sessions at most at a time, of a minute on average.
    pub(crate) sessions: u64,
    /// Only what is told in these seconds counts.
    pub(crate) told: (f64, f64),
}

#[derive(Clone, Debug)]
struct Fan {
    leaves_at: Option<f64>,
    /// When they were told a wait, and from when to when their turn was to come.
    told: Vec<(f64, f64, f64)>,
}

/// What fans were told, held against what came.
#[derive(Clone, Debug, Default)]
pub(crate) struct Coverage {
    pub(crate) told: usize,
    pub(crate) covered: usize,
    pub(crate) early: usize,
    pub(crate) late: usize,
    pub(crate) nothing: usize,
    /// Width of the range by the true wait, of waits over a minute.
    widths: Vec<f64>,
    ratios: Vec<f64>,
}

impl Coverage {
    pub(crate) fn add(&mut self, other: Self) {
        self.told += other.told;
        self.covered += other.covered;
        self.early += other.early;
        self.late += other.late;
        self.nothing += other.nothing;
        self.widths.extend(other.widths);
        self.ratios.extend(other.ratios);
    }

    pub(crate) fn share(&self) -> f64 {
        self.covered as f64 / self.told as f64
    }

    pub(crate) fn width(&mut self) -> f64 {
        self.widths.sort_by(f64::total_cmp);
        self.widths.get(self.widths.len() / 2).copied().unwrap_or_default()
    }

    pub(crate) fn ratio(&self) -> f64 {
        self.ratios.iter().sum::<f64>() / self.ratios.len().max(1) as f64
    }
}

/// Numbers that look like chance and are the same each time.
struct Chance(u64);

impl Chance {
    fn next(&mut self) -> f64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) as f64 / (1_u64 << 53) as f64
    }

    fn below(&mut self, end: usize) -> usize {
        ((self.next() * end as f64) as usize).min(end.saturating_sub(1))
    }
}

struct Room<'a> {
    scenario: &'a Scenario,
    chance: Chance,
    lanes: Vec<VecDeque<Fan>>,
    passes: Vec<f64>,
    permits: f64,
    turns: u64,
    joined: u64,
    /// When sessions end, and when turns that nobody claims lapse.
    sessions: Vec<f64>,
    lapses: VecDeque<f64>,
    coverage: Coverage,
}

/// Runs a scenario, and judges every wait that was told to fans who came to their turn.
pub(crate) fn run(scenario: &Scenario, seed: u64) -> Coverage {
    let count = scenario.lanes.len();
    let mut room = Room {
        scenario,
        chance: Chance(seed * 2 + 1),
        lanes: vec![VecDeque::new(); count],
        passes: vec![0.0; count],
        permits: 0.0,
        turns: 0,
        joined: 0,
        sessions: Vec::new(),
        lapses: VecDeque::new(),
        coverage: Coverage::default(),
    };
    for (lane, (_, standing, _)) in scenario.lanes.iter().enumerate() {
        (0..*standing).for_each(|_| room.join(lane, 0.0));
    }
    let mut meter = DrainMeter::default();
    let mut due = vec![0.0; count];
    for tick in 0..(scenario.seconds / TICK) as u64 {
        let now = tick as f64 * TICK;
        for (lane, (_, _, joins)) in scenario.lanes.iter().enumerate() {
            due[lane] += joins / 60.0 * TICK * 2.0 * room.chance.next();
            while due[lane] >= 1.0 {
                due[lane] -= 1.0;
                room.join(lane, now);
            }
        }
        if scenario.wave > 0 && tick % 240 == 100 {
            (0..scenario.wave).for_each(|_| room.join(0, now));
        }
        room.leave(now);
        room.drain(now);
        let waiting = room.lanes.iter().map(VecDeque::len).sum::<usize>() as u64;
        meter.observe(&Line {
            at: Timestamp::from_millis(1_000_000 + (now * 1000.0) as u64),
            turns: room.turns,
            joined: room.joined,
            waiting,
            rate: (scenario.rate)(now) as u64,
            burst: scenario.burst as u64,
            moves: true,
        });
        if tick % 4 == 3 && (scenario.told.0..scenario.told.1).contains(&now) {
            room.ask(now, &meter);
        }
    }
    room.coverage
}

impl Room<'_> {
    fn join(&mut self, lane: usize, now: f64) {
        // Leavers leave at any time of the wait that stands before them.
        let rate = (self.scenario.rate)(now).min(self.scenario.sessions as f64);
        let wait = self.lanes.iter().map(VecDeque::len).sum::<usize>() as f64 * 60.0 / rate.max(1.0);
        let leaves = self.chance.next() < self.scenario.leave;
        let leaves_at = leaves.then(|| now + self.chance.next() * wait);
        self.lanes[lane].push_back(Fan { leaves_at, told: Vec::new() });
        self.joined += 1;
    }

    /// Fans who leave and say so are out of the line at once.
    fn leave(&mut self, now: f64) {
        if self.scenario.say_so == 0.0 {
            return;
        }
        let (say_so, chance) = (self.scenario.say_so, &mut self.chance);
        for lane in &mut self.lanes {
            lane.retain(|fan| {
                let just_left = fan.leaves_at.is_some_and(|at| at <= now && now < at + TICK);
                !(just_left && chance.next() < say_so)
            });
        }
    }

    fn drain(&mut self, now: f64) {
        let rate = (self.scenario.rate)(now);
        self.permits = (self.permits + rate / 60.0 * TICK).min(self.scenario.burst);
        while self.lapses.front().is_some_and(|at| *at <= now) {
            self.lapses.pop_front();
            self.permits += 1.0;
        }
        self.sessions.retain(|end| *end > now);
        while self.permits >= 1.0 && (self.sessions.len() as u64) < self.scenario.sessions {
            let waiting = (0..self.lanes.len()).filter(|lane| !self.lanes[*lane].is_empty());
            let next = waiting.min_by(|one, other| self.passes[*one].total_cmp(&self.passes[*other]));
            let Some(lane) = next else { break };
            let Some(fan) = self.lanes[lane].pop_front() else { break };
            if fan.leaves_at.is_some_and(|at| at + PRESENT_FOR <= now) {
                continue;
            }
            self.permits -= 1.0;
            self.turns += 1;
            let level = self.passes.iter().copied().fold(0.0, f64::max);
            let stride = 1.0 / f64::from(self.scenario.lanes[lane].0);
            self.passes[lane] = self.passes[lane].max(level - 1.0) + stride;
            if fan.leaves_at.is_some_and(|at| at <= now) {
                self.lapses.push_back(now + CLAIM_WINDOW);
                continue;
            }
            self.sessions.push(now - 60.0 * (1.0 - self.chance.next()).ln());
            self.judge(&fan, now);
        }
    }

    fn ask(&mut self, now: f64, meter: &DrainMeter) {
        for _ in 0..ASKED {
            let lane = self.chance.below(self.lanes.len());
            let len = self.lanes[lane].len();
            if len == 0 {
                continue;
            }
            // At all depths, the front as often as the depths.
            let index = if self.chance.next() < 0.3 {
                self.chance.below(len.min(50))
            } else {
                self.chance.below(len)
            };
            let load = |(other, (weight, _, _)): (usize, &(u32, u64, f64))| LaneLoad {
                weight: *weight,
                waiting: self.lanes[other].len() as u64,
            };
            let others = self.scenario.lanes.iter().enumerate().filter(|(other, _)| *other != lane).map(load);
            // As a ladder tells it: exactly for the first hundred, within 1 % behind them.
            let off = if index < 100 { 0.0 } else { index as f64 * 0.01 * (2.0 * self.chance.next() - 1.0) };
            let ahead = Ahead::new((index as f64 + off) as u64, self.scenario.lanes[lane].0, others);
            match meter.wait(&ahead) {
                Some(wait) => {
                    let range = (now, now + wait.low.as_secs_f64(), now + wait.high.as_secs_f64());
                    self.lanes[lane][index].told.push(range);
                }
                None => self.coverage.nothing += 1,
            }
        }
    }

    fn judge(&mut self, fan: &Fan, now: f64) {
        for (at, low, high) in &fan.told {
            let coverage = &mut self.coverage;
            coverage.told += 1;
            coverage.early += usize::from(now < *low);
            coverage.late += usize::from(now > *high);
            coverage.covered += usize::from(*low <= now && now <= *high);
            if now - at > 60.0 {
                coverage.widths.push((high - low) / (now - at));
                coverage.ratios.push((high - at) / (low - at).max(1.0));
            }
        }
    }
}

/// What was measured, as the rows of a table.
pub(crate) fn table(rows: &mut BTreeMap<&'static str, Coverage>) -> String {
    let mut lines = vec![
        "| scenario | told | in the range | too early | too late | width by wait | high by low |".to_string(),
        "|---|---|---|---|---|---|---|".to_string(),
    ];
    for (name, row) in rows {
        let share = |count: usize| 100.0 * count as f64 / row.told.max(1) as f64;
        let (covered, early, late) = (share(row.covered), share(row.early), share(row.late));
        let (told, width, ratio) = (row.told, row.width(), row.ratio());
        lines.push(format!(
            "| {name} | {told} | {covered:.1} % | {early:.1} % | {late:.1} % | {width:.2} | {ratio:.2} |"
        ));
    }
    lines.join("\n")
}
