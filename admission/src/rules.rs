//! The rules by which a room's line moves: what an operator sets, checked.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::clock::{Timestamp, millis};
use crate::name::LaneId;

/// Most fans a minute that a room may be asked to admit: 100,000 a second.
pub const DRAIN_PER_MINUTE_MAX: u64 = 6_000_000;

/// Most fans inside, and most who wait.
pub const FANS_MAX: u64 = 100_000_000;

/// Most lanes in a room.
pub const LANES_MAX: usize = 64;

/// Highest weight of a lane.
pub const WEIGHT_MAX: u32 = 1000;

/// Longest time that any of the rules may name.
pub const DURATION_MAX: Duration = Duration::from_secs(7 * 24 * 3600);

/// Shortest time from the beginning of the pre-queue to the opening: the ranks that the draw gives take up the
/// pre-queue's own stretch of time, and need this much of it.
pub const PREQUEUE_MIN: Duration = Duration::from_secs(35);

/// Who has to wait.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Mode {
    /// Nobody: the room is not protected.
    Off,
    /// Fans are let in at once while there is room and nobody waits.
    #[default]
    Auto,
    /// Everybody stands in the line, however short it is.
    Always,
    /// Everybody waits and nobody is admitted.
    Paused,
    /// Nobody is admitted and nobody may join.
    Closed,
    /// Nobody has to wait, as with [`Mode::Off`]; a line beside the room's own tells who would.
    Shadow,
}

/// What the mode and the times together come to at a moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// The room is not protected.
    Off,
    /// The room opens later, and it is too early even for the pre-queue: nobody may join.
    Early,
    /// Fans gather; their order is not decided, and nobody is admitted.
    Prequeue,
    /// Fans whose turn comes are admitted.
    Open,
    /// Everybody waits and nobody is admitted.
    Paused,
    /// Nobody is admitted and nobody may join.
    Closed,
}

impl Mode {
    /// All there are.
    pub const ALL: [Self; 6] =
        [Self::Off, Self::Shadow, Self::Auto, Self::Always, Self::Paused, Self::Closed];

    /// Whether visitors pass without a place in the line: the room does not protect.
    pub const fn lets_all_pass(self) -> bool {
        matches!(self, Self::Off | Self::Shadow)
    }

    /// Whether fans are admitted once the room is open.
    pub const fn admits(self) -> bool {
        matches!(self, Self::Auto | Self::Always)
    }

    /// The name in configuration and storage.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Off => "off",
            Self::Auto => "auto",
            Self::Always => "always",
            Self::Paused => "paused",
            Self::Closed => "closed",
            Self::Shadow => "shadow",
        }
    }
}

/// A lane and its share of the drain.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LaneRule {
    /// The lane's name.
    pub name: LaneId,
    /// Turns that go to this lane for each turn of a lane of weight 1, while both have fans waiting.
    pub weight: u32,
}

/// Between which rates the drain adapts to what the shop can take.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AdaptiveDrain {
    /// Fans a minute, at least.
    pub min: u64,
    /// Fans a minute, at most.
    pub max: u64,
}

/// The rules of a room's line.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rules {
    /// Who has to wait.
    pub mode: Mode,
    /// When the pre-queue begins, whose order is drawn. Needs `opens_at`.
    pub prequeue_at: Option<Timestamp>,
    /// When the first fan is admitted; at once where nothing is said.
    pub opens_at: Option<Timestamp>,
    /// When the room closes; never where nothing is said.
    pub closes_at: Option<Timestamp>,
    /// Fans admitted a minute; where the drain adapts, the rate that it begins with.
    pub drain_per_minute: u64,
    /// Whether and between which bounds the drain adapts to what the shop can take.
    pub adaptive: Option<AdaptiveDrain>,
    /// Most permits that gather while nobody takes them; the line never admits more than this beyond its rate.
    pub burst: u64,
    /// Most fans with a turn or a session at one time.
    pub max_active: u64,
    /// Most fans waiting; whoever comes then is told that the line is full.
    pub waiting_max: u64,
    /// How long an admitted fan may stay without a request.
    pub session: Duration,
    /// How long an admitted fan may stay in all.
    pub session_max: Duration,
    /// How long a turn waits for its fan.
    pub claim_window: Duration,
    /// How long a fan who was passed over keeps the right to enter first.
    pub return_window: Duration,
    /// How long after the last sign of a fan they count as present.
    pub presence_window: Duration,
    /// How long nobody is admitted after a line that lost its data begins to be rebuilt, so that the fans in
    /// front are back before the turns are given.
    pub recovery_grace: Duration,
    /// The lanes; at least one.
    pub lanes: Vec<LaneRule>,
}

/// A time as people write it.
fn written(time: Duration) -> String {
    let ms = millis(time);
    let units = [(86_400_000, "d"), (3_600_000, "h"), (60_000, "m"), (1000, "s")];
    let whole = units.into_iter().find(|(unit, _)| ms > 0 && ms.is_multiple_of(*unit));
    whole.map_or_else(|| format!("{ms}ms"), |(unit, name)| format!("{}{name}", ms / unit))
}

impl Default for Rules {
    fn default() -> Self {
        Self {
            mode: Mode::Auto,
            prequeue_at: None,
            opens_at: None,
            closes_at: None,
            drain_per_minute: 600,
            adaptive: None,
            burst: 10,
            max_active: 1000,
            waiting_max: 2_000_000,
            session: Duration::from_secs(10 * 60),
            session_max: Duration::from_secs(60 * 60),
            claim_window: Duration::from_secs(2 * 60),
            return_window: Duration::from_secs(10 * 60),
            presence_window: Duration::from_secs(10),
            recovery_grace: Duration::from_secs(5),
            lanes: vec![LaneRule { name: LaneId::general(), weight: 1 }],
        }
    }
}

/// A rule that cannot work: which one, what was found, what would be right.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{field}` is {found}; {needed}")]
pub struct RulesError {
    /// The field's name, as in the configuration.
    pub field: &'static str,
    /// The value that was found.
    pub found: String,
    /// What would be right.
    pub needed: String,
}

impl RulesError {
    fn new(field: &'static str, found: &impl ToString, needed: impl Into<String>) -> Self {
        Self { field, found: found.to_string(), needed: needed.into() }
    }
}

impl Rules {
    /// What the mode and the times come to at `now`.
    pub fn phase(&self, now: Timestamp) -> Phase {
        let has_come = |moment: Option<Timestamp>| moment.is_some_and(|moment| moment <= now);
        match self.mode {
            Mode::Off | Mode::Shadow => Phase::Off,
            Mode::Closed => Phase::Closed,
            _ if has_come(self.closes_at) => Phase::Closed,
            _ if self.opens_at.is_none() || has_come(self.opens_at) => match self.mode {
                Mode::Paused => Phase::Paused,
                _ => Phase::Open,
            },
            _ if has_come(self.prequeue_at) => Phase::Prequeue,
            _ => Phase::Early,
        }
    }

    /// The time from which to which permits gather while the mode admits fans: from the opening to the closing.
    pub(crate) fn open_time(&self) -> (Timestamp, Timestamp) {
        let opens_at = self.opens_at.unwrap_or_default();
        (opens_at, self.closes_at.unwrap_or(Timestamp::from_millis(u64::MAX)))
    }

    /// The rate that the drain begins with, fans a minute.
    pub fn first_rate(&self) -> u64 {
        self.bounded_rate(self.drain_per_minute)
    }

    /// `rate` within the bounds of the adaptive drain; without one, the rate that is set.
    pub fn bounded_rate(&self, rate: u64) -> u64 {
        match self.adaptive {
            Some(AdaptiveDrain { min, max }) => rate.clamp(min, max.max(min)),
            None => self.drain_per_minute,
        }
    }

    /// The highest rate that these rules allow, fans a minute.
    pub fn rate_max(&self) -> u64 {
        self.adaptive.map_or(self.drain_per_minute, |adaptive| adaptive.max)
    }

    /// The burst that a rate needs when the operator names none: one second's worth of admissions, at least 1.
    pub const fn default_burst(drain_per_minute: u64) -> u64 {
        let second = drain_per_minute.div_ceil(60);
        if second == 0 { 1 } else { second }
    }

    /// The least burst with which a rate can be kept up by drains half a second apart.
    pub const fn burst_min(drain_per_minute: u64) -> u64 {
        let half_second = drain_per_minute.div_ceil(120);
        if half_second == 0 { 1 } else { half_second }
    }

    /// Checks that the rules can work together.
    ///
    /// # Errors
    /// The first rule that cannot, with what would be right.
    pub fn check(self) -> Result<Self, RulesError> {
        let whole = |field, value: u64, min: u64, max: u64| {
            if (min..=max).contains(&value) {
                Ok(())
            } else {
                Err(RulesError::new(field, &value, format!("a whole number from {min} to {max} is needed")))
            }
        };
        whole("drain_per_minute", self.drain_per_minute, 0, DRAIN_PER_MINUTE_MAX)?;
        if let Some(AdaptiveDrain { min, max }) = self.adaptive {
            whole("drain_max", max, 1, DRAIN_PER_MINUTE_MAX)?;
            whole("drain_min", min, 1, max)?;
        }
        whole("burst", self.burst, Self::burst_min(self.rate_max()), DRAIN_PER_MINUTE_MAX)?;
        whole("max_active", self.max_active, 1, FANS_MAX)?;
        whole("waiting_max", self.waiting_max, 1, FANS_MAX)?;
        for (field, value, min) in [
            ("session", self.session, Duration::from_secs(1)),
            ("session_max", self.session_max, self.session),
            ("claim_window", self.claim_window, Duration::from_secs(1)),
            ("return_window", self.return_window, Duration::ZERO),
            ("presence_window", self.presence_window, Duration::from_secs(1)),
            ("recovery_grace", self.recovery_grace, Duration::ZERO),
        ] {
            if !(min..=DURATION_MAX).contains(&value) {
                let needed = format!("a time from {} to {} is needed", written(min), written(DURATION_MAX));
                return Err(RulesError::new(field, &written(value), needed));
            }
        }
        self.check_times()?;
        if self.lanes.is_empty() || self.lanes.len() > LANES_MAX {
            return Err(RulesError::new(
                "lanes",
                &self.lanes.len(),
                format!("1 to {LANES_MAX} lanes are needed"),
            ));
        }
        for (index, lane) in self.lanes.iter().enumerate() {
            whole("weight", u64::from(lane.weight), 1, u64::from(WEIGHT_MAX))?;
            if self.lanes.iter().take(index).any(|other| other.name == lane.name) {
                return Err(RulesError::new("lanes", &lane.name, "each lane needs a name of its own"));
            }
        }
        Ok(self)
    }

    fn check_times(&self) -> Result<(), RulesError> {
        let after = |field,
                     moment: Option<Timestamp>,
                     before: Option<Timestamp>,
                     gap: Duration,
                     needed: &str| {
            match (moment, before) {
                (Some(moment), Some(before)) if moment < before + gap => {
                    Err(RulesError::new(field, &format!("{moment} ms since 1970"), needed))
                }
                _ => Ok(()),
            }
        };
        if self.prequeue_at.is_some() && self.opens_at.is_none() {
            return Err(RulesError::new(
                "prequeue_at",
                &"set without `opens_at`",
                "a pre-queue needs an opening",
            ));
        }
        let gap = PREQUEUE_MIN;
        after(
            "opens_at",
            self.opens_at,
            self.prequeue_at,
            gap,
            "at least 35 s after `prequeue_at` are needed",
        )?;
        let moment = Duration::from_millis(1);
        after("closes_at", self.closes_at, self.opens_at, moment, "a time after `opens_at` is needed")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_defaults_are_sound() {
        assert!(Rules::default().check().is_ok());
        for rate in [0, 1, 59, 60, 61, 600, DRAIN_PER_MINUTE_MAX] {
            let rules =
                Rules { drain_per_minute: rate, burst: Rules::default_burst(rate), ..Rules::default() };
            assert!(rules.check().is_ok(), "{rate}");
        }
    }

    #[test]
    fn a_rule_that_cannot_work_is_named() {
        let lane = |name: &str, weight| LaneRule { name: LaneId::parse(name).unwrap(), weight };
        let good = Rules::default;
        let at = |seconds: u64| Some(Timestamp::from_millis(seconds * 1000));
        let cases = [
            ("drain_per_minute", Rules { drain_per_minute: DRAIN_PER_MINUTE_MAX + 1, ..good() }),
            ("burst", Rules { burst: 0, ..good() }),
            ("burst", Rules { drain_per_minute: 12_000, burst: 99, ..good() }),
            ("max_active", Rules { max_active: 0, ..good() }),
            ("waiting_max", Rules { waiting_max: 0, ..good() }),
            ("session", Rules { session: Duration::ZERO, ..good() }),
            ("session_max", Rules { session_max: Duration::from_secs(1), ..good() }),
            ("claim_window", Rules { claim_window: Duration::ZERO, ..good() }),
            ("return_window", Rules { return_window: DURATION_MAX + Duration::from_secs(1), ..good() }),
            ("lanes", Rules { lanes: vec![], ..good() }),
            ("lanes", Rules { lanes: vec![lane("a", 1), lane("a", 2)], ..good() }),
            ("weight", Rules { lanes: vec![lane("a", 0)], ..good() }),
            ("drain_min", Rules { adaptive: Some(AdaptiveDrain { min: 0, max: 9 }), ..good() }),
            ("drain_min", Rules { adaptive: Some(AdaptiveDrain { min: 10, max: 9 }), ..good() }),
            ("burst", Rules { adaptive: Some(AdaptiveDrain { min: 10, max: 12_000 }), ..good() }),
            ("prequeue_at", Rules { prequeue_at: at(1), ..good() }),
            ("opens_at", Rules { prequeue_at: at(1), opens_at: at(30), ..good() }),
            ("closes_at", Rules { opens_at: at(30), closes_at: at(30), ..good() }),
        ];
        for (field, rules) in cases {
            assert_eq!(rules.check().unwrap_err().field, field);
        }
    }

    #[test]
    fn the_times_make_the_phases() {
        let at = |seconds: u64| Timestamp::from_millis(seconds * 1000);
        let rules = |mode| Rules {
            mode,
            prequeue_at: Some(at(100)),
            opens_at: Some(at(200)),
            closes_at: Some(at(300)),
            ..Rules::default()
        };
        let phases = |mode| [99, 100, 199, 200, 299, 300].map(|second| rules(mode).phase(at(second)));
        use Phase::{Closed, Early, Open, Paused, Prequeue};
        assert_eq!(phases(Mode::Auto), [Early, Prequeue, Prequeue, Open, Open, Closed]);
        assert_eq!(phases(Mode::Paused), [Early, Prequeue, Prequeue, Paused, Paused, Closed]);
        assert_eq!(phases(Mode::Closed), [Closed; 6]);
        assert_eq!(phases(Mode::Off), [Phase::Off; 6]);
        assert_eq!(phases(Mode::Shadow), [Phase::Off; 6]);
        assert_eq!(Rules::default().phase(at(0)), Open);
        let no_prequeue = Rules { prequeue_at: None, ..rules(Mode::Auto) };
        assert_eq!(no_prequeue.phase(at(150)), Early);
    }
}
