//! One decision: from what was seen and what is remembered to the next rate.

use super::history::History;
use super::signs::{Of, Sign, Targets, Zone, signs};
use super::{DrainRange, INTERVAL, LoadInterval};

/// Most that an interval counts for: nobody knows what happened in a long one.
pub(super) const LENGTH_MAX: f64 = 10.0;
/// The time over which admissions are averaged, twice in a row: together they remember the last minute.
const ADMITTED_OVER: f64 = 20.0;
/// The time over which answers are averaged.
const ANSWERING_OVER: f64 = 5.0;
/// The time over which failures are averaged.
const FAILED_OVER: f64 = 10.0;
/// The same, while there are too few of them to forget any so soon.
const FEW_FAILED_OVER: f64 = 120.0;
const FEW: f64 = 100_000.0;

/// How far below what the shop can take a cut goes.
const MARGIN: f64 = 0.96;
/// The deepest cut at once.
const CUT_MAX: f64 = 0.25;
/// The deepest step where it is only a little too much.
const EASE_MAX: f64 = 0.96;
/// How long it may be bad without becoming better before the cut was not enough.
const STRAINED_MAX: u64 = 30_000;
/// The same, where a queue has to go first.
const QUEUEING_MAX: u64 = 45_000;
/// How long failures may be a few at the rate that hurt, and where that begins.
const FAILING_MAX: u64 = 30_000;
const WELL_BELOW: f64 = 0.9;
/// A step down after that, and one where it is not bad yet.
const STEP_DOWN: f64 = 0.95;
const STEP_DOWN_A_LITTLE: f64 = 0.98;

/// How long all has to be well before the rate is raised.
const CALM_MIN: u64 = 6_000;
/// Steps up in two seconds, as a share of the rate: in general; where the shop itself says that it has room for
/// twice as much; close to what hurt; and beyond that, at first, and how much faster the further it is beyond.
const STEP_UP: f64 = 0.01;
const STEP_UP_INVITED: f64 = 0.03;
const STEP_UP_CLOSE: f64 = 0.004;
const STEP_UP_BEYOND: f64 = 0.003;
const FASTER_BEYOND: f64 = 0.02;
/// By what hurt: where it is close, where to wait, from where on to go faster, and from where on it is forgotten.
const CLOSE: f64 = 0.9;
const BELOW: f64 = 0.97;
const BEYOND: f64 = 1.03;
const FORGET: f64 = 1.4;
/// How long to wait below what hurt, at first and at most.
const PATIENCE: u64 = 20_000;
const PATIENCE_MAX: u64 = 3 * 60_000;
/// Trouble so soon after the last cut is still the same trouble.
const SAME_TROUBLE: u64 = 30_000;
/// A limit so far from the one before is another one.
const ELSEWHERE: f64 = 0.2;
/// So is one that falls by so much within the same trouble.
const FALLING: f64 = 0.88;
/// The line uses the rate when it takes this much of it.
const USED: f64 = 0.6;
/// How long nothing may be asked of the shop before the rate goes back to where it began.
const IDLE_MAX: u64 = 60_000;
const STEP_BACK: f64 = 0.01;

pub(super) fn thousandths(number: u64) -> f64 {
    number as f64 / 1000.0
}

pub(super) fn in_thousandths(number: f64) -> u64 {
    (number * 1000.0).round() as u64
}

pub(super) fn beginning(level: f64) -> History {
    let level = in_thousandths(level);
    History { level, admitted_lately: level, load_made_by: level, ..History::default() }
}

/// One decision in the making.
pub(super) struct Controller {
    pub(super) level: f64,
    /// What the interval counts for, in seconds.
    pub(super) length: f64,
    pub(super) history: History,
}

impl Controller {
    /// Brings the averages and the times up to date.
    pub(super) fn take_in(&mut self, interval: &LoadInterval) {
        let (length, millis) = (self.length, self.millis());
        let history = &mut self.history;
        let seconds = interval.length.as_secs_f64().max(0.1);
        let admitted = interval.admitted as f64 * 60.0 / seconds * 1000.0;
        let towards = |average: u64, value: f64, over: f64| {
            let kept = (-length / over).exp();
            (average as f64 * kept + value * (1.0 - kept)).round() as u64
        };
        history.admitted_lately = towards(history.admitted_lately, admitted, ADMITTED_OVER);
        history.load_made_by = towards(history.load_made_by, history.admitted_lately as f64, ADMITTED_OVER);
        let answering = interval.report.answered() as f64 / seconds * 1000.0;
        history.answering = match history.answering {
            0 => answering as u64,
            before => towards(before, answering, ANSWERING_OVER),
        };
        let over = if history.answered as f64 > FEW { FAILED_OVER } else { FEW_FAILED_OVER };
        let sum = |sum: u64, count: u64| {
            (sum as f64 * (-length / over).exp()).min(1e15) as u64 + count.min(u64::from(u32::MAX)) * 1000
        };
        history.answered = sum(history.answered, interval.report.answered());
        history.failed = sum(history.failed, interval.report.failed()).min(history.answered);
        history.unlowered = history.unlowered.saturating_add(millis);
        history.idle = if interval.report.is_empty() && interval.admitted == 0 {
            history.idle.saturating_add(millis)
        } else {
            0
        };
    }

    /// Changes the level where that is called for, and tells why.
    pub(super) fn act(&mut self, interval: &LoadInterval, range: DrainRange, targets: &Targets) -> String {
        if self.history.idle > 0 {
            return self.rest(range);
        }
        let signs = signs(&interval.report, &self.history, targets);
        let Some(worst) = signs
            .iter()
            .max_by(|one, other| one.zone.cmp(&other.zone).then(other.bearable.total_cmp(&one.bearable)))
        else {
            return format!("{} answers are too few to judge by", interval.report.answered());
        };
        if worst.zone < Zone::High {
            self.history.strain = 0;
        }
        match worst.zone {
            Zone::Alarm | Zone::High => self.lower(worst),
            Zone::Full => self.stay(worst),
            Zone::Calm => self.raise(&signs),
        }
    }

    fn rest(&mut self, range: DrainRange) -> String {
        if self.history.idle <= IDLE_MAX {
            return "nothing was asked of the shop".into();
        }
        self.history.calm = 0;
        let start = (range.start as f64).clamp(range.min as f64, range.max as f64);
        let step = (self.level * STEP_BACK * self.steps()).max(1.0);
        self.level += (start - self.level).clamp(-step, step);
        self.history.limit = 0;
        self.history.patience = 0;
        format!("nothing was asked of the shop for {} s; it began with {start}", self.history.idle / 1000)
    }

    fn stay(&mut self, sign: &Sign) -> String {
        self.history.calm = 0;
        // A few failures at the rate that hurt are the first of many; anywhere else the shop may just be like that.
        let hurts = self.history.limit > 0 && self.level > thousandths(self.history.limit) * WELL_BELOW;
        if sign.fails && hurts {
            self.history.strained = self.history.strained.saturating_add(self.millis());
        }
        if self.history.strained > FAILING_MAX {
            self.history.strained = 0;
            self.level *= STEP_DOWN_A_LITTLE;
            return format!("{}, close to the rate that was too much", sign.seen);
        }
        format!("the shop is as full as it should be: {}", sign.seen)
    }

    fn lower(&mut self, sign: &Sign) -> String {
        let too_much = format!("{}, more than {}", sign.seen, sign.bound);
        let answered = thousandths(self.history.answering);
        let strain = (sign.strain * 1000.0).max(1.0) as u64;
        let begins = self.history.strain == 0;
        let better = (strain as f64) < self.history.strain as f64 * 0.95;
        let history = &mut self.history;
        if begins {
            // From here on the answers say how much of the load is left, however late it follows the admissions.
            let made_by = history.load_made_by.midpoint(history.admitted_lately);
            history.worth = (made_by as f64 / answered.max(0.1)) as u64;
        }
        if begins || better {
            self.history.strain = strain;
            self.history.strained = 0;
        } else {
            self.history.strained = self.history.strained.saturating_add(self.millis());
        }
        self.history.calm = 0;

        let load = thousandths(self.history.worth) * answered;
        let bearable = load * sign.bearable;
        let deepest = if sign.zone == Zone::Alarm { CUT_MAX } else { EASE_MAX.powf(self.steps()) };
        let goal = (bearable * MARGIN).max(self.level * deepest);
        let wait = match sign.of {
            Of::Answers => false,
            // While a queue goes, a shop gives fewer answers because it is asked for fewer.
            Of::AnswersBehindQueue => !begins && strain as f64 <= self.history.strain as f64 * 1.1,
            // The shop may tell its load late.
            Of::Load => better,
        };
        if goal < self.level * 0.995 && !wait {
            self.remember(bearable);
            self.level = goal;
            if sign.of == Of::Answers {
                self.history.answered = 0;
                self.history.failed = 0;
            }
            return too_much;
        }
        let most = if sign.of == Of::AnswersBehindQueue { QUEUEING_MAX } else { STRAINED_MAX };
        if self.history.strained > most {
            self.history.strained = 0;
            self.level *= STEP_DOWN;
            self.history.unlowered = 0;
            return format!("{too_much}, and it does not get better");
        }
        format!("{too_much}, but the rate was cut and fans who came before are still there")
    }

    /// Remembers what the shop can take, where it is known.
    fn remember(&mut self, limit: f64) {
        let again = self.history.unlowered > SAME_TROUBLE;
        self.history.unlowered = 0;
        if !self.is_used() {
            return;
        }
        let before = thousandths(self.history.limit);
        if (limit - before).abs() > before * ELSEWHERE || (!again && limit < before * FALLING) {
            self.history.limit = in_thousandths(limit);
            self.history.patience = PATIENCE;
        } else if again {
            // What it seems to be this time is partly chance, and so was what it seemed to be the last time.
            self.history.limit = in_thousandths(f64::midpoint(before, limit));
            self.history.patience = self.history.patience.saturating_mul(2).clamp(PATIENCE, PATIENCE_MAX);
        }
    }

    fn raise(&mut self, signs: &[Sign]) -> String {
        let seen = signs.iter().map(|sign| sign.seen.as_str()).collect::<Vec<_>>().join(", ");
        self.history.strained = 0;
        self.history.calm = self.history.calm.saturating_add(self.millis());
        if self.history.calm < CALM_MIN {
            return format!("there is room for more, but only just: {seen}");
        }
        if !self.is_used() {
            let admitted = thousandths(self.history.admitted_lately);
            return format!("there is room for more, but the line takes only {admitted:.0}: {seen}");
        }
        let limit = thousandths(self.history.limit);
        // Only the load is told in parts of what the shop can take.
        let room = signs.iter().map(|sign| sign.bearable).filter(|bearable| *bearable > 1.0).reduce(f64::min);
        let by_limit = if limit > 0.0 { self.level / limit } else { f64::MAX };
        let (step, most) = if by_limit > FORGET {
            self.history.limit = 0;
            self.history.patience = 0;
            match room {
                Some(2.0..) => (STEP_UP_INVITED, f64::MAX),
                _ => (STEP_UP, f64::MAX),
            }
        } else if by_limit < CLOSE {
            (STEP_UP, limit * BELOW)
        } else if by_limit < BELOW * 0.999 {
            (STEP_UP_CLOSE, limit * BELOW)
        } else if self.history.unlowered < self.history.patience {
            let left = (self.history.patience - self.history.unlowered) / 1000;
            return format!("{limit:.0} was too much; more is tried in {left} s: {seen}");
        } else {
            // The surer it is that this is the limit, the more gently it is tried.
            let gently = (self.history.patience as f64 / PATIENCE as f64).clamp(1.0, 5.0);
            (STEP_UP_BEYOND / gently + (by_limit - BEYOND).max(0.0) * FASTER_BEYOND, f64::MAX)
        };
        let most = room.map_or(most, |room| most.min(thousandths(self.history.load_made_by) * room));
        self.level =
            (self.level * (1.0 + step.min(STEP_UP_INVITED) * self.steps())).min(most.max(self.level));
        format!("there is room for more: {seen}")
    }

    fn is_used(&self) -> bool {
        thousandths(self.history.admitted_lately) >= self.level * USED
    }

    fn millis(&self) -> u64 {
        (self.length * 1000.0) as u64
    }

    /// How many intervals of the usual length this one was.
    fn steps(&self) -> f64 {
        self.length / INTERVAL.as_secs_f64()
    }
}
