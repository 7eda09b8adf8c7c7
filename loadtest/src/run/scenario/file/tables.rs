//! The tables of a scenario file, as they are written.

use serde::Deserialize;
use toml::Spanned;

use super::super::values::{Name, Number, Percent, Text, Time, Whole};
use super::super::{Errand, Waits};
use super::{ARRIVALS_MAX, DAY};
use crate::stack::Store;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct File {
    pub(super) name: Name,
    pub(super) about: Text,
    pub(super) seed: Option<Whole<0, { i64::MAX as u64 }>>,
    #[serde(default)]
    pub(super) system: System,
    #[serde(default)]
    pub(super) crowd: Crowd,
    pub(super) fans: Spanned<Vec<Fans>>,
    pub(super) phase: Spanned<Vec<Spanned<Stretch>>>,
    #[serde(default)]
    pub(super) fault: Vec<Spanned<Struck>>,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct System {
    pub(super) proxies: Option<Whole<1, 8>>,
    pub(super) line: Option<Place>,
    pub(super) database: Option<Books>,
    pub(super) seats: Option<Place>,
    pub(super) payments: Option<Till>,
    pub(super) drain_per_minute: Option<Whole<1, 600_000>>,
    pub(super) burst: Option<Whole<1, 100_000>>,
    pub(super) max_active: Option<Whole<1, 1_000_000>>,
    pub(super) opens_after: Option<Spanned<Time<DAY>>>,
    pub(super) session: Option<Time<DAY>>,
    pub(super) presence_window: Option<Time<DAY>>,
    pub(super) recovery_grace: Option<Time<DAY>>,
    pub(super) hold: Option<Time<DAY>>,
    pub(super) rows: Option<Whole<1, 500>>,
    pub(super) seats_per_row: Option<Spanned<Whole<1, 500>>>,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Crowd {
    pub(super) processes: Option<Whole<1, 32>>,
    pub(super) networks: Option<Whole<1, 4000>>,
    pub(super) patience: Option<Time<DAY>>,
}

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Place {
    Memory,
    Redis,
}

impl From<Place> for Store {
    fn from(place: Place) -> Self {
        match place {
            Place::Memory => Self::Memory,
            Place::Redis => Self::Redis,
        }
    }
}

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Books {
    Sqlite,
    Postgres,
}

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Till {
    Sandbox,
    Provider,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Fans {
    pub(super) name: Name,
    pub(super) share: Percent,
    pub(super) does: Errand,
    #[serde(default)]
    pub(super) waits: Waits,
    #[serde(default)]
    pub(super) returns: Percent,
    #[serde(default)]
    pub(super) impatient: Percent,
    #[serde(default)]
    pub(super) declined: Percent,
    pub(super) front_row: Option<Percent>,
    pub(super) seats: Option<Whole<1, 4>>,
    pub(super) thinks: Option<Time<600>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Stretch {
    pub(super) name: Name,
    pub(super) length: Time<DAY>,
    pub(super) arrivals: Shape,
    pub(super) fans: Option<Whole<1, ARRIVALS_MAX>>,
    pub(super) within: Option<Time<DAY>>,
    pub(super) per_second: Option<Number<100_000>>,
    pub(super) from: Option<Number<100_000>>,
    pub(super) to: Option<Number<100_000>>,
    pub(super) file: Option<Text>,
    pub(super) only: Option<Vec<Name>>,
}

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Shape {
    None,
    Burst,
    Ramp,
    Poisson,
    Constant,
    Recorded,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Struck {
    pub(super) at: Time<DAY>,
    pub(super) what: Text,
    pub(super) lasts: Option<Time<DAY>>,
}
