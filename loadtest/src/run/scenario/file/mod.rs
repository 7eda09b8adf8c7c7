//! A scenario file as it is written, and what becomes of it.

mod tables;

use std::path::Path;
use std::time::Duration;

use clap::ValueEnum as _;
use toml::Spanned;

use super::values::{Name, Number, Time};
use super::{Arrivals, Errand, Kind, Phase, Planned, Scenario};
use crate::fault::{Fault, Part};
use crate::rehearse::arrivals::Counts;
use crate::stack::{Blueprint, Database, Payments, Room, Sale, Store};
use tables::{Books, Crowd, Fans, File, Place, Shape, Stretch, Struck, System, Till};

/// Most who come in one scenario.
pub(super) const ARRIVALS_MAX: u64 = 2_000_000;
/// Most entries of each list.
const LIST_MAX: usize = 32;
/// Longest phase, fault and patience, in seconds.
const DAY: u64 = 24 * 3600;
/// Shortest pre-queue that a room may have.
const PREQUEUE_MIN: Duration = Duration::from_secs(35);
/// Most seats of the sale.
const SEATS_MAX: u64 = 100_000;

/// Reads `text`; files that it names are in `folder`. A mistake is told as `line: field: …`.
pub(super) fn parse(text: &str, folder: &Path) -> Result<Scenario, String> {
    let file: File = toml::from_str(text).map_err(|error| {
        let at = error.span().map_or(0, |span| span.start);
        mistake(text, at, error.message())
    })?;
    let here = |at: usize, what: &str| mistake(text, at, what);
    let System {
        proxies, line, database, seats, payments, drain_per_minute, hold, rows, seats_per_row, ..
    } = &file.system;
    let (rows, row) = (rows.map_or(20, |rows| rows.0), seats_per_row.as_ref().map_or(25, |s| s.get_ref().0));
    if rows * row > SEATS_MAX {
        let at = seats_per_row.as_ref().map_or(0, |seats| seats.span().start);
        return Err(here(at, &format!("found {} seats in all; {SEATS_MAX} at most are needed", rows * row)));
    }
    let mut blueprint = Blueprint {
        store: line.map_or(Store::Redis, Into::into),
        // In the memory of several proxies there would be several lines.
        proxies: match (proxies, line) {
            (Some(proxies), _) => usize::try_from(proxies.0).unwrap_or(2),
            (None, Some(Place::Memory)) => 1,
            (None, _) => 2,
        },
        rooms: vec![room(&file.system, drain_per_minute.map_or(600, |drain| drain.0))],
        database: match database {
            None | Some(Books::Sqlite) => Database::Sqlite,
            Some(Books::Postgres) => Database::Postgres,
        },
        inventory: seats.map_or(Store::Memory, Into::into),
        payments: match payments {
            None | Some(Till::Sandbox) => Payments::Sandbox,
            Some(Till::Provider) => Payments::Provider,
        },
        hold_seconds: hold.map_or(60, |hold| hold.0.as_secs().max(1)),
        ..Blueprint::default()
    };
    let kinds = kinds(&file.fans).map_err(|what| here(file.fans.span().start, &what))?;
    if kinds.iter().any(|kind| kind.errand == Errand::Cheat) {
        // Some of what cheats try takes a session that is over in a moment.
        blueprint.rooms.push(Room::brief());
    }
    let stretches = file.phase.get_ref();
    if stretches.is_empty() || stretches.len() > LIST_MAX {
        let what = format!("found {} phases; 1 to {LIST_MAX} are needed", stretches.len());
        return Err(here(file.phase.span().start, &what));
    }
    let phases = stretches
        .iter()
        .map(|phase| {
            self::phase(phase.get_ref(), &kinds, folder).map_err(|what| here(phase.span().start, &what))
        })
        .collect::<Result<Vec<_>, _>>()?;
    let total: f64 = phases.iter().map(expected).sum();
    if total > ARRIVALS_MAX as f64 {
        let what = format!("found {total:.0} fans in all phases; {ARRIVALS_MAX} at most are needed");
        return Err(here(file.phase.span().start, &what));
    }
    let length: Duration = phases.iter().map(|phase| phase.length).sum();
    if let Some(opens) = &file.system.opens_after {
        opens_within(opens.get_ref().0, length).map_err(|what| here(opens.span().start, &what))?;
    }
    let mut faults = Vec::new();
    for fault in file.fault.iter().take(LIST_MAX) {
        faults.push(
            planned(fault.get_ref(), length, &blueprint).map_err(|what| here(fault.span().start, &what))?,
        );
    }
    if let Some(more) = file.fault.get(LIST_MAX) {
        return Err(here(more.span().start, &format!("found more than {LIST_MAX} faults; fewer are needed")));
    }
    faults.sort_by_key(|fault| fault.at);
    blueprint.links = faults.iter().any(|planned: &Planned| planned.fault.needs_links());
    let Crowd { processes, networks, patience } = file.crowd;
    Ok(Scenario {
        name: file.name.0,
        about: file.about.0,
        seed: file.seed.map(|seed| seed.0),
        sale: Sale::demo(u32::try_from(rows).unwrap_or(1), u32::try_from(row).unwrap_or(1)),
        blueprint,
        proxies_follow: file.system.proxies.is_none(),
        opens_after: file.system.opens_after.map(|opens| opens.into_inner().0),
        processes: processes.and_then(|processes| usize::try_from(processes.0).ok()),
        networks: networks.and_then(|networks| u32::try_from(networks.0).ok()).unwrap_or(250),
        patience: patience.map_or(Duration::from_secs(120), |patience| patience.0),
        kinds,
        phases,
        faults,
    })
}

fn room(system: &System, drain_per_minute: u64) -> Room {
    let room = Room::demo(drain_per_minute);
    let seconds = |time: Option<Time<DAY>>, or: u64| time.map_or(or, |time| time.0.as_secs().max(1));
    Room {
        burst: system.burst.map_or(room.burst, |burst| burst.0),
        max_active: system.max_active.map_or(room.max_active, |active| active.0),
        session_seconds: seconds(system.session, room.session_seconds),
        presence_window_seconds: seconds(system.presence_window, room.presence_window_seconds),
        recovery_grace_seconds: seconds(system.recovery_grace, room.recovery_grace_seconds),
        ..room
    }
}

fn kinds(fans: &Spanned<Vec<Fans>>) -> Result<Vec<Kind>, String> {
    let fans = fans.get_ref();
    if fans.is_empty() || fans.len() > LIST_MAX {
        return Err(format!("found {} kinds of fans; 1 to {LIST_MAX} are needed", fans.len()));
    }
    let total: f64 = fans.iter().map(|fans| fans.share.0).sum();
    if (total - 1.0).abs() > 1e-9 {
        return Err(format!(
            "share: the shares are {} % together; 100 % is needed",
            (total * 1e8).round() / 1e6
        ));
    }
    let mut kinds: Vec<Kind> = Vec::new();
    for fans in fans {
        let name = fans.name.0.clone();
        if kinds.iter().any(|kind| kind.name == name) {
            return Err(format!("name: found \"{name}\" twice; a name of its own for each kind is needed"));
        }
        kinds.push(Kind {
            name,
            share: fans.share.0,
            errand: fans.does,
            waits: fans.waits,
            returns: fans.returns.0,
            impatient: fans.impatient.0,
            declined: fans.declined.0,
            front_row: fans.front_row.map_or(0.5, |front| front.0),
            seats: fans.seats.and_then(|seats| usize::try_from(seats.0).ok()).unwrap_or(2),
            thinks: fans.thinks.map_or(Duration::from_millis(200), |thinks| thinks.0),
        });
    }
    Ok(kinds)
}

fn phase(stretch: &Stretch, kinds: &[Kind], folder: &Path) -> Result<Phase, String> {
    let length = stretch.length.0;
    let given = [
        ("fans", stretch.fans.is_some()),
        ("within", stretch.within.is_some()),
        ("per_second", stretch.per_second.is_some()),
        ("from", stretch.from.is_some()),
        ("to", stretch.to.is_some()),
        ("file", stretch.file.is_some()),
    ];
    let (shape, may): (&str, &[&str]) = match stretch.arrivals {
        Shape::None => ("none", &[]),
        Shape::Burst => ("burst", &["fans", "within"]),
        Shape::Ramp => ("ramp", &["from", "to"]),
        Shape::Poisson => ("poisson", &["per_second"]),
        Shape::Constant => ("constant", &["per_second"]),
        Shape::Recorded => ("recorded", &["file"]),
    };
    if let Some((other, _)) = given.iter().find(|(name, is)| *is && !may.contains(name)) {
        return Err(format!(
            "{other}: means nothing with `arrivals = \"{shape}\"`; {} would be right",
            if may.is_empty() { "none of it".to_owned() } else { format!("`{}`", may.join("` and `")) }
        ));
    }
    let missing = |what: &str| format!("{what}: is missing; `arrivals = \"{shape}\"` needs it");
    let rate =
        |rate: Option<Number<100_000>>, what: &str| rate.map(|rate| rate.0).ok_or_else(|| missing(what));
    let arrivals = match stretch.arrivals {
        Shape::None => Arrivals::None,
        Shape::Burst => {
            let within = stretch.within.map_or(Duration::from_secs(1).min(length), |within| within.0);
            if within > length {
                return Err("within: is longer than the phase; at most its length is needed".to_owned());
            }
            Arrivals::Burst(stretch.fans.ok_or_else(|| missing("fans"))?.0, within)
        }
        Shape::Ramp => Arrivals::Ramp(rate(stretch.from, "from")?, rate(stretch.to, "to")?),
        Shape::Poisson => Arrivals::Poisson(rate(stretch.per_second, "per_second")?),
        Shape::Constant => Arrivals::Constant(rate(stretch.per_second, "per_second")?),
        Shape::Recorded => {
            let file = stretch.file.as_ref().ok_or_else(|| missing("file"))?;
            Arrivals::Recorded(Counts::read(&folder.join(&file.0)).map_err(|what| format!("file: {what}"))?)
        }
    };
    let named = |name: &Name| {
        let found = kinds.iter().position(|kind| kind.name == name.0);
        found.ok_or_else(|| {
            format!("only: there are no fans named \"{}\"; the name of a kind is needed", name.0)
        })
    };
    let kinds = match &stretch.only {
        None => (0..kinds.len()).collect(),
        Some(names) => names.iter().map(named).collect::<Result<Vec<_>, _>>()?,
    };
    if kinds.is_empty() {
        return Err("only: names nobody; the name of at least one kind is needed".to_owned());
    }
    Ok(Phase { name: stretch.name.0.clone(), length, arrivals, kinds })
}

fn planned(struck: &Struck, length: Duration, blueprint: &Blueprint) -> Result<Planned, String> {
    let fault = Fault::from_str(&struck.what.0, false).map_err(|_| {
        let all: Vec<_> = Fault::value_variants()
            .iter()
            .filter_map(|fault| Some(fault.to_possible_value()?.get_name().to_owned()))
            .collect();
        format!("what: found \"{}\"; one of {} is needed", struck.what.0, all.join(", "))
    })?;
    if struck.at.0 >= length {
        return Err(format!("at: is after the last phase, which ends at {} s", length.as_secs()));
    }
    let (is_there, needed) = match fault.what().0 {
        Part::Redis | Part::ProxiesAndRedis => (blueprint.store == Store::Redis, "line = \"redis\""),
        Part::Inventory => (blueprint.inventory == Store::Redis, "seats = \"redis\""),
        Part::Postgres => (blueprint.database == Database::Postgres, "database = \"postgres\""),
        Part::Payments => (blueprint.payments == Payments::Provider, "payments = \"provider\""),
        Part::Proxy | Part::Proxies | Part::Shop => (true, ""),
    };
    if !is_there {
        return Err(format!("what: {fault} needs `{needed}` in [system]"));
    }
    Ok(Planned {
        at: struck.at.0,
        fault,
        lasts: struck.lasts.map_or(Duration::from_secs(8), |lasts| lasts.0),
    })
}

/// Whether a room can open so long after the beginning of a run of this length.
fn opens_within(after: Duration, length: Duration) -> Result<(), String> {
    if (PREQUEUE_MIN..length).contains(&after) {
        return Ok(());
    }
    let (found, least, most) = (after.as_secs(), PREQUEUE_MIN.as_secs(), length.as_secs());
    Err(format!(
        "opens_after: found {found} s; at least {least} s, as long as a pre-queue has to be, and less than the {most} s of \
         all phases are needed"
    ))
}

/// How many come in a phase, on average.
fn expected(phase: &Phase) -> f64 {
    let seconds = phase.length.as_secs_f64();
    match &phase.arrivals {
        Arrivals::None => 0.0,
        Arrivals::Burst(fans, _) => *fans as f64,
        Arrivals::Ramp(from, to) => (from + to) / 2.0 * seconds,
        Arrivals::Poisson(rate) | Arrivals::Constant(rate) => rate * seconds,
        Arrivals::Recorded(counts) => counts.total() as f64,
    }
}

/// A mistake at a place in the text: its line, the field there, and what is wrong.
fn mistake(text: &str, at: usize, what: &str) -> String {
    let before = text.get(..at).unwrap_or(text);
    let number = before.matches('\n').count() + 1;
    let line = text.lines().nth(number - 1).unwrap_or_default().trim();
    let field = line.split_once('=').map_or(line, |(field, _)| field.trim());
    let field: String = field.chars().take(40).collect();
    let what = what.trim().replace('\n', " ");
    if field.is_empty() || what.starts_with(&format!("{field}:")) {
        format!("{number}: {what}")
    } else {
        format!("{number}: {field}: {what}")
    }
}

#[cfg(test)]
mod tests;
