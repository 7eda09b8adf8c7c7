//! The rules by which a room's line moves: what an operator sets, checked.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::clock::millis;
use crate::name::LaneId;

/// Most fans a minute that a room may be asked to admit: 100,000 a second.
pub const DRAIN_PER_MINUTE_MAX: u64 = 6_000_000;

/// Most lanes in a room.
pub const LANES_MAX: usize = 8;

/// Highest weight of a lane.
pub const WEIGHT_MAX: u32 = 1000;

/// Longest time that any of the rules may name.
pub const DURATION_MAX: Duration = Duration::from_secs(7 * 24 * 3600);

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
}

impl Mode {
    /// Whether fans whose turn comes are admitted.
    pub const fn drains(self) -> bool {
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

/// The rules of a room's line.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rules {
    /// Who has to wait.
    pub mode: Mode,
    /// Fans admitted a minute.
    pub drain_per_minute: u64,
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

impl Default for Rules {
    fn default() -> Self {
        Self {
            mode: Mode::Auto,
            drain_per_minute: 600,
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
    /// Whether fans whose turn comes are admitted. A rate of zero admits nobody, not even a burst.
    pub const fn drains(&self) -> bool {
        self.mode.drains() && self.drain_per_minute > 0
    }

    /// The burst that a rate needs when the operator names none: one second's worth of admissions, at least 1.
    pub const fn default_burst(drain_per_minute: u64) -> u64 {
        let second = drain_per_minute.div_ceil(60);
        if second == 0 { 1 } else { second }
    }

    /// The least burst with which a rate can be kept up by drains half a second apart.
    const fn burst_min(drain_per_minute: u64) -> u64 {
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
        whole("burst", self.burst, Self::burst_min(self.drain_per_minute), DRAIN_PER_MINUTE_MAX)?;
        whole("max_active", self.max_active, 1, 100_000_000)?;
        whole("waiting_max", self.waiting_max, 1, 100_000_000)?;
        for (field, value, min) in [
            ("session", self.session, Duration::from_secs(1)),
            ("session_max", self.session_max, self.session),
            ("claim_window", self.claim_window, Duration::from_secs(1)),
            ("return_window", self.return_window, Duration::ZERO),
            ("presence_window", self.presence_window, Duration::from_secs(1)),
            ("recovery_grace", self.recovery_grace, Duration::ZERO),
        ] {
            if !(min..=DURATION_MAX).contains(&value) {
                let needed =
                    format!("a time from {} s to {} s is needed", min.as_secs_f64(), DURATION_MAX.as_secs());
                return Err(RulesError::new(field, &format!("{} ms", millis(value)), needed));
            }
        }
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
        ];
        for (field, rules) in cases {
            assert_eq!(rules.check().unwrap_err().field, field);
        }
    }
}
