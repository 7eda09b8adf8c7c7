//! What is told of a run beforehand: what is played, when, and at which rate.

use super::machine::version;
use super::needs::Needs;
use super::record::{ScenarioFacts, Stretch};
use super::scenario::{Arrivals, Scenario};
use crate::checks::Strike;
use crate::stack::{Database, Store};

/// What was played, by so many fans from a `text`.
pub(super) fn scenario(
    scenario: &Scenario,
    text: &str,
    seed: u64,
    fans: usize,
    needs: Needs,
) -> ScenarioFacts {
    let blueprint = &scenario.blueprint;
    let mut stores = Vec::new();
    let redis = || format!("Redis {}", version("redis-server", "--version").unwrap_or_default());
    match blueprint.store {
        Store::Memory => stores.push("line in memory".to_owned()),
        Store::Redis => stores.push(format!("line in {}", redis())),
    }
    match blueprint.inventory {
        Store::Memory => stores.push("seats in memory".to_owned()),
        Store::Redis => stores.push("seats in another".to_owned()),
    }
    match blueprint.database {
        Database::Sqlite => stores.push("SQLite".to_owned()),
        Database::Postgres => {
            let version = version("postgres", "--version").unwrap_or_default();
            stores.push(format!("PostgreSQL {version}").trim().to_owned());
        }
    }
    ScenarioFacts {
        name: scenario.name.clone(),
        about: scenario.about.clone(),
        file: text.to_owned(),
        command: String::new(),
        seed,
        fans: fans as u64,
        proxies: needs.proxies,
        crowds: needs.crowds,
        stores: stores.join(", "),
    }
}

/// The phases, one after another.
pub(super) fn phases(scenario: &Scenario) -> Vec<Stretch> {
    let mut from = 0.0;
    let mut stretches = Vec::new();
    for phase in &scenario.phases {
        let to = from + phase.length.as_secs_f64();
        let about = match &phase.arrivals {
            Arrivals::None => "nobody comes".to_owned(),
            Arrivals::Burst(fans, within) => format!("{fans} come within {} s", within.as_secs_f64()),
            Arrivals::Ramp(from, to) => format!("from {from} to {to} a second"),
            Arrivals::Poisson(rate) => format!("{rate} a second by chance"),
            Arrivals::Constant(rate) => format!("{rate} a second"),
            Arrivals::Recorded(counts) => format!("{} come as they were counted once", counts.total()),
        };
        stretches.push(Stretch { name: phase.name.clone(), about, from_s: from, to_s: to });
        from = to;
    }
    stretches
}

/// When something failed.
pub(super) fn stretch(strike: &Strike) -> Stretch {
    Stretch {
        name: strike.name.clone(),
        about: strike.told.clone(),
        from_s: strike.from_ms as f64 / 1000.0,
        to_s: strike.to_ms as f64 / 1000.0,
    }
}

/// The rate that was configured, each time it changed; none before the room opened.
pub(super) fn configured(scenario: &Scenario, opened_s: Option<f64>) -> Vec<(f64, f64)> {
    let Some(room) = scenario.room() else { return Vec::new() };
    let rate = room.drain_per_minute as f64;
    match opened_s {
        None => vec![(0.0, rate)],
        Some(opened_s) => vec![(0.0, 0.0), (opened_s, rate)],
    }
}
