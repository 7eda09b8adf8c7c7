//! What a run is about: the rules, the crowd, what the operator does and what goes wrong; all of it from the seed.

use std::time::Duration;

use admission::invariants::Promise;
use admission::name::LaneId;
use admission::rules::{LaneRule, Mode, Rules};

use crate::dice::{BEGIN, Dice};

/// What may go wrong in a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Family {
    /// Nothing: the fans come and go.
    Calm,
    /// Nothing: a long line of patient fans.
    Crowd,
    /// The same, and the store loses its data.
    CrowdLoss,
    /// The operator changes the rules.
    Operated,
    /// Edges are cut off from the store, calls are slow or lost, and clocks jump.
    Cuts,
    /// Edges crash, alone and all together.
    Crashes,
    /// The store loses its data.
    Losses,
    /// A long line of patient fans in two lanes.
    Lanes,
    /// A long line in which many do not take their turn.
    NoShows,
    /// Fans stay as long as they may, and the store may lose its data.
    Stays,
    /// Fans do nothing for long while every edge is replaced by a new process; then the store loses its data.
    Idle,
    /// The operator takes all admissions back, once or twice, and this or that goes wrong.
    Voided,
    /// Most fans come before the opening, and this or that goes wrong.
    Prequeue,
    /// All of it.
    Everything,
}

impl Family {
    /// A long line of patient fans, in which every turn can be told to the tick.
    pub(crate) fn is_a_crowd(self) -> bool {
        matches!(self, Self::Crowd | Self::CrowdLoss | Self::Lanes | Self::NoShows)
    }
}

/// Something that goes wrong.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Fault {
    /// One edge cannot reach the store; calls hang, or are refused at once.
    CutOff { edge: usize, lasts: Duration, hangs: bool },
    /// No edge can.
    AllCutOff { lasts: Duration, hangs: bool },
    /// Calls of one edge take long, and their answers may be lost.
    Slow { edge: usize, lasts: Duration },
    /// The process of an edge is killed, and started again.
    Crash { edge: usize, back_after: Duration },
    /// A new process takes the place of an edge, which tells the line what it still had to.
    Replaced { edge: usize },
    /// All of them are.
    AllCrash { back_after: Duration },
    /// The clock of an edge jumps.
    ClockJump { edge: usize, by_ms: i64 },
    /// The store loses all its data.
    Loss,
    /// A replica takes over that is so far behind.
    StaleFailOver { behind: Duration },
}

/// Something that the operator does.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Order {
    Rate(u64),
    Mode(Mode),
    MaxActive(u64),
    /// All admissions so far are void.
    Void,
}

#[derive(Clone, Copy, Debug)]
pub(crate) enum Event {
    Wrong(Fault),
    Operator(Order),
}

/// A run.
#[derive(Clone, Debug)]
pub(crate) struct Plan {
    pub(crate) family: Family,
    pub(crate) edges: usize,
    pub(crate) fans: usize,
    pub(crate) length: Duration,
    /// All fans are there by then.
    pub(crate) arrivals: Duration,
    pub(crate) tick: Duration,
    pub(crate) rules: Rules,
    /// How wrong the clock of each edge is at the start.
    pub(crate) skews_ms: Vec<i64>,
    /// Longest time that a call takes while nothing is wrong.
    pub(crate) latency: Duration,
    /// How many fans in a hundred do something else than wait patiently.
    pub(crate) restless: u64,
    /// How many in a hundred have an invitation to the other lane.
    pub(crate) members: u64,
    /// How many in a hundred do not take a turn that is theirs.
    pub(crate) unclaimed: u64,
    /// The longest that a fan wants to stay, in seconds.
    pub(crate) longest_stay: u64,
    /// Whether fans who are in the shop do nothing for long.
    pub(crate) is_idle: bool,
    pub(crate) events: Vec<(Duration, Event)>,
}

impl Plan {
    pub(crate) fn of(family: Family, seed: u64) -> Self {
        let dice = Dice::new(seed);
        let edges = dice.between(2, 5) as usize;
        let fans = dice.between(12, 36) as usize;
        let length = Duration::from_secs(60);
        let rate = dice.one_of(&[30, 60, 60, 120, 240]);
        let tight = dice.percent(40);
        let rules = Rules {
            mode: dice.one_of(&[Mode::Always, Mode::Always, Mode::Auto]),
            drain_per_minute: rate,
            burst: dice.between(Rules::default_burst(rate).max(2), 8),
            max_active: if tight { dice.between(3, 8) } else { 1000 },
            session: Duration::from_secs(20),
            session_max: Duration::from_secs(600),
            claim_window: Duration::from_secs(dice.between(4, 8)),
            return_window: Duration::from_secs(90),
            presence_window: Duration::from_secs(3),
            recovery_grace: Duration::from_secs(4),
            ..Rules::default()
        };
        let skews_ms = (0..edges).map(|_| dice.between(0, 4000) as i64 - 2000).collect();
        let plan = Self {
            family,
            edges,
            fans,
            length,
            arrivals: dice.seconds(3, 35),
            tick: dice.one_of(&[Duration::from_millis(250), Duration::from_millis(500)]),
            rules,
            skews_ms,
            latency: Duration::from_millis(dice.one_of(&[0, 5, 40])),
            restless: dice.one_of(&[0, 30, 60]),
            members: 0,
            unclaimed: 0,
            longest_stay: 25,
            is_idle: false,
            events: Vec::new(),
        };
        let plan = if family.is_a_crowd() { plan.crowded() } else { plan };
        let features = dice.fork(1);
        plan.with_events(&dice).with_features(&features)
    }

    /// What this family is about besides what goes wrong; anything of it where everything is.
    fn with_features(self, dice: &Dice) -> Self {
        match self.family {
            Family::Lanes => self.with_lanes(dice, 50),
            Family::NoShows => Self { unclaimed: 35, ..self },
            Family::Stays => self.with_long_stays(),
            Family::Idle => self.with_idle_fans(dice),
            Family::Prequeue => self.with_prequeue(dice),
            Family::Voided => self.with_many_inside(),
            Family::Everything => {
                let mut plan = self;
                if dice.percent(40) {
                    plan = plan.with_lanes(dice, 40);
                }
                if dice.percent(25) {
                    plan = plan.with_prequeue(dice);
                }
                if dice.percent(25) {
                    plan = plan.with_long_stays();
                }
                if dice.percent(20) {
                    plan.events.push((dice.seconds(8, 40), Event::Operator(Order::Void)));
                }
                plan.unclaimed = dice.one_of(&[0, 0, 20]);
                plan
            }
            _ => self,
        }
    }

    fn with_lanes(mut self, dice: &Dice, members: u64) -> Self {
        let weight = dice.between(1, 4) as u32;
        self.rules.lanes =
            vec![LaneRule { name: member(), weight }, LaneRule { name: LaneId::general(), weight: 1 }];
        Self { members, ..self }
    }

    fn with_long_stays(mut self) -> Self {
        self.rules.session_max = Duration::from_secs(25);
        self.rules.drain_per_minute = self.rules.drain_per_minute.max(120);
        self.arrivals = self.arrivals.min(Duration::from_secs(10));
        Self { longest_stay: 55, ..self }
    }

    /// The shop is full of fans who do nothing for long. All edges are new when the store loses its data.
    fn with_idle_fans(mut self, dice: &Dice) -> Self {
        self.rules.max_active = dice.between(3, 8);
        self.rules.session = Duration::from_secs(60);
        self.rules.drain_per_minute = self.rules.drain_per_minute.max(120);
        self.arrivals = self.arrivals.min(Duration::from_secs(10));
        let mut at = dice.seconds(12, 20);
        for edge in 0..self.edges {
            self.events.push((at, Event::Wrong(Fault::Replaced { edge })));
            at += dice.seconds(1, 2);
        }
        self.events.push((at + dice.seconds(1, 6), Event::Wrong(Fault::Loss)));
        Self { longest_stay: 55, is_idle: true, ..self }
    }

    /// Many fans are inside, for long.
    fn with_many_inside(mut self) -> Self {
        self.rules.drain_per_minute = self.rules.drain_per_minute.max(120);
        self.arrivals = self.arrivals.min(Duration::from_secs(20));
        Self { longest_stay: 40, ..self }
    }

    fn with_prequeue(mut self, dice: &Dice) -> Self {
        self.rules.prequeue_at = Some(BEGIN - Duration::from_secs(30));
        self.rules.opens_at = Some(BEGIN + dice.time(Duration::from_secs(6), Duration::from_secs(16)));
        self.rules.drain_per_minute = self.rules.drain_per_minute.max(60);
        self.arrivals = self.arrivals.min(Duration::from_secs(20));
        self
    }

    fn crowded(mut self) -> Self {
        (self.fans, self.arrivals, self.restless) = (50, Duration::from_secs(3), 0);
        self.rules.max_active = 1000;
        self.rules.drain_per_minute = self.rules.drain_per_minute.min(60);
        self.rules.mode = Mode::Always;
        self
    }

    fn with_events(mut self, dice: &Dice) -> Self {
        let (faults, orders) = match self.family {
            Family::Calm | Family::Crowd | Family::Lanes | Family::NoShows | Family::Idle => (0, 0),
            Family::Stays => (dice.between(0, 1), 0),
            Family::Prequeue => (dice.between(0, 2), 0),
            Family::Voided => (dice.between(0, 2), 0),
            Family::CrowdLoss => (1, 0),
            Family::Operated => (0, dice.between(1, 4)),
            Family::Cuts | Family::Crashes | Family::Losses => (dice.between(1, 3), 0),
            Family::Everything => (dice.between(2, 5), dice.between(0, 3)),
        };
        let at = |dice: &Dice| dice.seconds(4, 45);
        for _ in 0..faults {
            let fault = self.fault(dice);
            self.events.push((at(dice), Event::Wrong(fault)));
        }
        let mut paused = false;
        for _ in 0..orders {
            let order = match dice.between(0, 3) {
                0 if !paused => {
                    paused = true;
                    Order::Mode(dice.one_of(&[Mode::Paused, Mode::Closed]))
                }
                0 | 1 => Order::Mode(self.rules.mode),
                2 => Order::Rate(dice.one_of(&[0, 30, 60, 120, 300])),
                _ => Order::MaxActive(dice.between(2, 10)),
            };
            self.events.push((at(dice), Event::Operator(order)));
        }
        if self.family == Family::Voided {
            for _ in 0..dice.between(1, 2) {
                self.events.push((dice.seconds(8, 40), Event::Operator(Order::Void)));
            }
        }
        if paused {
            self.events.push((Duration::from_secs(46), Event::Operator(Order::Mode(self.rules.mode))));
        }
        self.events.sort_by_key(|(at, _)| *at);
        self
    }

    fn fault(&self, dice: &Dice) -> Fault {
        let edge = dice.between(0, self.edges as u64 - 1) as usize;
        let lasts = dice.one_of(&[Duration::from_secs(1), Duration::from_secs(5), Duration::from_secs(25)]);
        let lasts = dice.time(Duration::from_millis(200), lasts);
        let hangs = dice.percent(50);
        let back_after = dice.time(Duration::from_millis(10), Duration::from_secs(6));
        let kind = match self.family {
            Family::Cuts => dice.between(0, 3),
            Family::Crashes => dice.between(4, 5),
            Family::Losses => dice.one_of(&[0, 4, 6, 6, 6, 6]),
            Family::CrowdLoss => 6,
            _ => dice.between(0, 6),
        };
        match kind {
            0 => Fault::CutOff { edge, lasts, hangs },
            1 => Fault::AllCutOff { lasts, hangs },
            2 => Fault::Slow { edge, lasts },
            3 => Fault::ClockJump { edge, by_ms: dice.between(0, 6000) as i64 - 3000 },
            4 => Fault::Crash { edge, back_after },
            5 => Fault::AllCrash { back_after },
            _ if dice.percent(30) => Fault::StaleFailOver { behind: dice.seconds(1, 3) },
            _ => Fault::Loss,
        }
    }

    fn has(&self, is_it: impl Fn(&Fault) -> bool) -> bool {
        self.events.iter().any(|(_, event)| matches!(event, Event::Wrong(fault) if is_it(fault)))
    }

    /// Whether the promise can be kept under what goes wrong in this run: `docs/testing.md` has the arguments.
    pub(crate) fn is_promised(&self, promise: Promise) -> bool {
        let loses = self.has(|fault| matches!(fault, Fault::Loss | Fault::StaleFailOver { .. }));
        let crash = self.has(|fault| matches!(fault, Fault::Crash { .. } | Fault::AllCrash { .. }));
        let all_crash = self.has(|fault| matches!(fault, Fault::AllCrash { .. }));
        match promise {
            // A session that ended is known to the store and to the edges. When both are gone, nobody knows.
            Promise::NoTurnNoEntry => !(loses && all_crash),
            // An edge that crashed cannot tell that a fan has a session whom another one puts back into the line: those
            // behind read a place that is too high until the drain passes that fan over.
            Promise::Truth => !(loses && crash),
            _ => true,
        }
    }
}

/// The lane that takes an invitation.
pub(crate) fn member() -> LaneId {
    LaneId::parse("member").unwrap()
}
