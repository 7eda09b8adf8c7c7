//! How a room's line moves: the part of a room that the store is told.

use std::ops::Range;
use std::time::Duration;

use admission::name::LaneId;
use admission::rules::{AdaptiveDrain, DRAIN_PER_MINUTE_MAX, FANS_MAX, LaneRule, Mode, Rules, RulesError};
use serde::Deserialize;
use toml::{Spanned, Table, Value};

use crate::config::error::{ConfigError, Source};
use crate::config::values::Maybe;
use crate::config::{duration, moment};

/// The rules as they are written.
pub(super) struct Wire {
    pub(super) mode: Maybe<String>,
    pub(super) prequeue_at: Maybe<Value>,
    pub(super) opens_at: Maybe<Value>,
    pub(super) closes_at: Maybe<Value>,
    pub(super) drain_per_minute: Maybe<i64>,
    pub(super) drain_min: Maybe<i64>,
    pub(super) drain_max: Maybe<i64>,
    pub(super) burst: Maybe<i64>,
    pub(super) max_active: Maybe<i64>,
    pub(super) waiting_max: Maybe<i64>,
    pub(super) session: Maybe<String>,
    pub(super) session_max: Maybe<String>,
    pub(super) claim_window: Maybe<String>,
    pub(super) return_window: Maybe<String>,
    pub(super) presence_window: Maybe<String>,
    pub(super) recovery_grace: Maybe<String>,
    pub(super) lane: Vec<WireLane>,
}

/// A lane as it is written.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct WireLane {
    name: Spanned<String>,
    weight: Maybe<i64>,
}

/// The rules of the room at `span`, checked.
///
/// # Errors
/// The first thing that is wrong, with its line.
pub(super) fn check(source: &Source<'_>, span: &Range<usize>, wire: Wire) -> Result<Rules, ConfigError> {
    // Destructured, so that a new field cannot be forgotten here.
    let Wire {
        mode,
        prequeue_at,
        opens_at,
        closes_at,
        drain_per_minute,
        drain_min,
        drain_max,
        burst,
        max_active,
        waiting_max,
        session,
        session_max,
        claim_window,
        return_window,
        presence_window,
        recovery_grace,
        lane,
    } = wire;
    let default = Rules::default();
    // What each may be at all; what it may be beside the others is checked below, when all are known.
    let number = |field, value: &Maybe<i64>, range, default| source.number(field, value, range, default);
    let time = |field, value: &Maybe<String>, default| {
        source.duration(field, value, Duration::ZERO..=Duration::MAX, default)
    };
    let drain = number(
        "room.drain_per_minute",
        &drain_per_minute,
        0..=DRAIN_PER_MINUTE_MAX,
        default.drain_per_minute,
    )?;
    let adaptive = check_adaptive(source, &drain_min, &drain_max)?;
    let fastest = adaptive.map_or(drain, |adaptive| adaptive.max);
    let rules = Rules {
        mode: check_mode(source, &mode)?,
        prequeue_at: source.moment("room.prequeue_at", &prequeue_at)?,
        opens_at: source.moment("room.opens_at", &opens_at)?,
        closes_at: source.moment("room.closes_at", &closes_at)?,
        drain_per_minute: drain,
        adaptive,
        burst: number(
            "room.burst",
            &burst,
            Rules::burst_min(fastest)..=DRAIN_PER_MINUTE_MAX,
            Rules::default_burst(fastest),
        )?,
        max_active: number("room.max_active", &max_active, 1..=FANS_MAX, default.max_active)?,
        waiting_max: number("room.waiting_max", &waiting_max, 1..=FANS_MAX, default.waiting_max)?,
        session: time("room.session", &session, default.session)?,
        session_max: time("room.session_max", &session_max, default.session_max)?,
        claim_window: time("room.claim_window", &claim_window, default.claim_window)?,
        return_window: time("room.return_window", &return_window, default.return_window)?,
        presence_window: time("room.presence_window", &presence_window, default.presence_window)?,
        recovery_grace: time("room.recovery_grace", &recovery_grace, default.recovery_grace)?,
        lanes: check_lanes(source, &lane)?,
    };
    rules.check().map_err(|error: RulesError| {
        let RulesError { field, mut found, needed } = error;
        let at = match field {
            "prequeue_at" => spot(&prequeue_at),
            "opens_at" => spot(&opens_at),
            "closes_at" => spot(&closes_at),
            "drain_per_minute" => spot(&drain_per_minute),
            "drain_min" => spot(&drain_min),
            "drain_max" => spot(&drain_max),
            "burst" => spot(&burst).or(spot(&drain_max)),
            "max_active" => spot(&max_active),
            "waiting_max" => spot(&waiting_max),
            "session" => spot(&session),
            "session_max" => spot(&session_max).or(spot(&session)),
            "claim_window" => spot(&claim_window),
            "return_window" => spot(&return_window),
            "presence_window" => spot(&presence_window),
            "recovery_grace" => spot(&recovery_grace),
            _ => lane.last().map(|lane| spot(&lane.weight).unwrap_or(lane.name.span())),
        };
        // A moment is shown as it was written: nobody reads milliseconds.
        let written = match field {
            "opens_at" => opens_at.as_ref(),
            "closes_at" => closes_at.as_ref(),
            _ => None,
        };
        if let Some(written) = written {
            found = written.get_ref().to_string();
        }
        let is_set = match field {
            "session_max" => session_max.is_some(),
            "burst" => burst.is_some(),
            _ => true,
        };
        if !is_set {
            found = format!("{found}, the default");
        }
        source.error(&at.unwrap_or(span.clone()), &format!("room.{field}"), found, needed)
    })
}

fn spot<T>(value: &Maybe<T>) -> Option<Range<usize>> {
    value.as_ref().map(Spanned::span)
}

fn check_mode(source: &Source<'_>, mode: &Maybe<String>) -> Result<Mode, ConfigError> {
    let Some(mode) = mode else { return Ok(Mode::default()) };
    Mode::ALL.into_iter().find(|known| known.as_str() == mode.get_ref()).ok_or_else(|| {
        let needed = "one of \"off\", \"shadow\", \"auto\", \"always\", \"paused\", \"closed\" is needed";
        source.error(&mode.span(), "room.mode", format!("\"{}\"", mode.get_ref()), needed)
    })
}

fn check_adaptive(
    source: &Source<'_>,
    min: &Maybe<i64>,
    max: &Maybe<i64>,
) -> Result<Option<AdaptiveDrain>, ConfigError> {
    let alone = |at: &Spanned<i64>, field, other| {
        let needed = format!("`{other}` is needed beside it, for the drain adapts between the two");
        Err(source.error(&at.span(), field, at.get_ref(), needed))
    };
    match (min, max) {
        (None, None) => Ok(None),
        (Some(min), None) => alone(min, "room.drain_min", "drain_max"),
        (None, Some(max)) => alone(max, "room.drain_max", "drain_min"),
        (Some(_), Some(_)) => {
            let range = || 1..=admission::rules::DRAIN_PER_MINUTE_MAX;
            Ok(Some(AdaptiveDrain {
                min: source.number("room.drain_min", min, range(), 1)?,
                max: source.number("room.drain_max", max, range(), 1)?,
            }))
        }
    }
}

fn check_lanes(source: &Source<'_>, lanes: &[WireLane]) -> Result<Vec<LaneRule>, ConfigError> {
    if lanes.is_empty() {
        return Ok(Rules::default().lanes);
    }
    lanes
        .iter()
        .enumerate()
        .map(|(index, WireLane { name, weight })| {
            if lanes.iter().take(index).any(|other| other.name.get_ref() == name.get_ref()) {
                let found = format!("\"{}\" a second time", name.get_ref());
                let needed = "each lane needs a name of its own";
                return Err(source.error(&name.span(), "room.lane.name", found, needed));
            }
            let lane = LaneId::parse(name.get_ref()).map_err(|error| {
                source.error(&name.span(), "room.lane.name", format!("\"{}\"", name.get_ref()), error)
            })?;
            let max = u64::from(admission::rules::WEIGHT_MAX);
            let weight = source.number("room.lane.weight", weight, 1..=max, 1)?;
            Ok(LaneRule { name: lane, weight: u32::try_from(weight).unwrap_or(u32::MAX) })
        })
        .collect()
}

/// Writes the rules so that they are read back.
pub(super) fn show(rules: &Rules, table: &mut Table) {
    // Destructured, so that a new field cannot be forgotten here.
    let Rules {
        mode,
        prequeue_at,
        opens_at,
        closes_at,
        drain_per_minute,
        adaptive,
        burst,
        max_active,
        waiting_max,
        session,
        session_max,
        claim_window,
        return_window,
        presence_window,
        recovery_grace,
        lanes,
    } = rules;
    let mut put = |key: &str, value: Value| table.insert(key.to_owned(), value);
    let number = |value: u64| Value::Integer(i64::try_from(value).unwrap_or(i64::MAX));
    put("mode", mode.as_str().into());
    for (key, at) in [("prequeue_at", prequeue_at), ("opens_at", opens_at), ("closes_at", closes_at)] {
        if let Some(at) = at {
            put(key, moment::show(*at));
        }
    }
    put("drain_per_minute", number(*drain_per_minute));
    if let Some(AdaptiveDrain { min, max }) = adaptive {
        put("drain_min", number(*min));
        put("drain_max", number(*max));
    }
    put("burst", number(*burst));
    put("max_active", number(*max_active));
    put("waiting_max", number(*waiting_max));
    for (key, value) in [
        ("session", session),
        ("session_max", session_max),
        ("claim_window", claim_window),
        ("return_window", return_window),
        ("presence_window", presence_window),
        ("recovery_grace", recovery_grace),
    ] {
        put(key, duration::show(*value).into());
    }
    let lanes: Vec<Value> = lanes
        .iter()
        .map(|LaneRule { name, weight }| {
            let mut lane = Table::new();
            lane.insert("name".to_owned(), name.to_string().into());
            lane.insert("weight".to_owned(), number(u64::from(*weight)));
            lane.into()
        })
        .collect();
    put("lane", lanes.into());
}
