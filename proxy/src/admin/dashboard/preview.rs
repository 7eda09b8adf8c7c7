//! What would come of a change, before it is made.

use std::time::Duration;

use admission::clock::Timestamp;
use admission::rules::{Mode, Rules};
use axum::Json;
use axum::extract::State;
use serde::Serialize;
use serde_json::{Map, Value};
use utoipa::ToSchema;

use super::forecast::{self, Effect, Limit, Now, Terms, number, words};
use crate::admin::access::{Caller, Role};
use crate::admin::body::{Body, RoomId};
use crate::admin::problem::Problem;
use crate::admin::rooms::PHASES;
use crate::admin::{Desk, edit};
use crate::fleet::changes;

/// What comes of a configuration for those who wait now.
#[derive(Debug, PartialEq, Serialize, ToSchema)]
pub(in crate::admin) struct EffectView {
    /// In a sentence or two.
    words: String,
    /// What mode and times come to.
    #[schema(example = "open")]
    phase: String,
    /// What holds the line back: `rate`, `places` (turns are given as sessions end), `closed` (nobody gets in), or
    /// `nothing`.
    #[schema(example = "rate")]
    limited_by: String,
    /// Fans a minute who are let in when the last of those who wait now is.
    per_minute: u64,
    /// Fans who are inside then.
    inside: u64,
    /// Seconds until then, hardly less than this; nothing where nobody is let in.
    last_low_seconds: Option<u64>,
    /// Hardly more than this.
    last_high_seconds: Option<u64>,
}

/// What would come of a change.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::admin) struct PreviewView {
    /// Which configuration would be changed.
    revision: u64,
    /// What would be otherwise, one line each.
    changes: Vec<String>,
    /// What comes of the configuration as it is.
    now: EffectView,
    /// What would come of it.
    then: EffectView,
    /// What else there is to know.
    notes: Vec<String>,
}

/// A configuration's terms at a moment. What the rate is follows from the one in force.
fn terms(rules: &Rules, rate: u64, now: Timestamp) -> Terms {
    Terms {
        phase: rules.phase(now),
        opens_in: rules.opens_at.map_or(Duration::ZERO, |opens_at| opens_at.since(now)),
        rate: rules.bounded_rate(rate),
        places: rules.max_active,
        session: rules.session,
    }
}

/// The rate under other rules: where the drain adapts, it goes on from where it is unless the rate is set anew.
fn rate_then(now: &Rules, then: &Rules, rate: u64) -> u64 {
    if now.drain_per_minute == then.drain_per_minute { then.bounded_rate(rate) } else { then.first_rate() }
}

fn view(now: &Now, mode: Mode, terms: &Terms) -> EffectView {
    let effect = forecast::forecast(now, terms);
    let words = words(now, mode, terms, &effect);
    let Effect { limit, per_minute, last, inside } = effect;
    let limited_by = match limit {
        Limit::Rate => "rate",
        Limit::Places => "places",
        Limit::Nobody => "closed",
        Limit::Nothing => "nothing",
    };
    let phase = PHASES.iter().find(|(phase, _)| *phase == terms.phase).map_or("", |(_, name)| name);
    EffectView {
        words,
        phase: phase.to_owned(),
        limited_by: limited_by.to_owned(),
        per_minute: per_minute.round() as u64,
        inside: inside.round() as u64,
        last_low_seconds: last.map(|(low, _)| low.round() as u64),
        last_high_seconds: last.map(|(_, high)| high.round() as u64),
    }
}

fn notes(now: &Now, before: &Rules, then: &Rules, rate: u64) -> Vec<String> {
    let mut notes = Vec::new();
    if let Some(adaptive) = then.adaptive {
        notes.push(format!(
            "The drain follows the shop, between {} and {} a minute: the rate that is set is the one that it goes on from. \
             It is {} now.",
            number(adaptive.min),
            number(adaptive.max),
            number(rate)
        ));
    }
    if then.max_active > before.max_active && now.waiting > 0 {
        let more = then.max_active - before.max_active;
        notes.push(format!("The shop may have {} more fans at once than now.", number(more)));
    }
    if then.max_active < now.inside {
        notes.push(format!(
            "{} fans are inside, which is more: nobody gets in before enough of them have left.",
            number(now.inside)
        ));
    }
    if now.waiting > 0 && now.lately.is_none_or(|lately| lately.ended < 3.0) {
        notes.push(
            "How long fans stay is not known yet; it is taken to be as long as `session` says.".to_owned(),
        );
    }
    notes
}

/// That the room closes before all who wait now are in, if it does.
fn closing(then: &Rules, effect: &EffectView, now: Timestamp) -> Option<String> {
    let left = then.closes_at?.since(now).as_secs();
    let last = effect.last_high_seconds.filter(|last| *last > left && left > 0)?;
    let minutes = |seconds: u64| number(seconds.div_ceil(60));
    Some(format!(
        "The room closes in {} min: the last of those who wait now may need {} min, and not get in.",
        minutes(left),
        minutes(last)
    ))
}

/// What would come of a change, for those who wait now: the same body as for PATCH, which is checked in the same way.
/// Nothing is changed.
#[utoipa::path(post, path = "/api/v1/rooms/{room}/preview", tag = "rooms",
    params(("room" = String, Path, description = "Its id")),
    request_body(content = Object, example = json!({ "drain_per_minute": 300 })),
    responses((status = 200, body = PreviewView), (status = 404, body = Problem), (status = 422, body = Problem)))]
pub(in crate::admin) async fn preview(
    State(desk): State<Desk>,
    caller: Caller,
    RoomId(room): RoomId,
    Body(keys): Body<Map<String, Value>>,
) -> Result<Json<PreviewView>, Problem> {
    caller.may(Role::Viewer)?;
    let room = desk.room(&room)?;
    let in_force = desk.fleet.in_force();
    let configuration = in_force.configuration.clone();
    let text = edit::change_room(&configuration.text, room.id.as_str(), &keys)?;
    let checked = desk.fleet.check_change(&text);
    let configs = checked.map_err(|error| desk.fleet.of_a_change(error, &text, room.id.as_str()))?;
    let find =
        |configs: &[crate::config::RoomConfig]| configs.iter().find(|config| config.id == room.id).cloned();
    let (Some(before), Some(then)) = (find(&in_force.configs), find(&configs)) else {
        return Err(Problem::no_room());
    };
    let figures = room.figures();
    let clock = desk.clock.now();
    let now = Now {
        waiting: figures.waiting,
        inside: figures.active + figures.turns,
        lately: desk.recorder.lately(room.id.as_str(), clock),
    };
    let after = rate_then(&before.rules, &then.rules, figures.rate);
    let mut notes = notes(&now, &before.rules, &then.rules, figures.rate);
    if !figures.reachable {
        notes.insert(0, "The line cannot be reached now; this is by what was known last.".to_owned());
    }
    let effect = view(&now, then.rules.mode, &terms(&then.rules, after, clock));
    notes.extend(closing(&then.rules, &effect, clock));
    Ok(Json(PreviewView {
        revision: configuration.revision,
        changes: changes(&in_force.configs, &configs),
        now: view(&now, before.rules.mode, &terms(&before.rules, figures.rate, clock)),
        then: effect,
        notes,
    }))
}

#[cfg(test)]
mod tests {
    use admission::rules::AdaptiveDrain;

    use super::*;

    #[test]
    fn a_drain_that_adapts_goes_on_unless_its_rate_is_set() {
        let adaptive = Some(AdaptiveDrain { min: 60, max: 900 });
        let rules = Rules { drain_per_minute: 600, adaptive, ..Rules::default() };
        assert_eq!(rate_then(&rules, &Rules { max_active: 5, ..rules.clone() }, 240), 240);
        assert_eq!(rate_then(&rules, &Rules { drain_per_minute: 300, ..rules.clone() }, 240), 300);
        assert_eq!(rate_then(&rules, &Rules { adaptive: None, ..rules.clone() }, 240), 600);
        assert!(notes(&Now::default(), &rules, &rules, 240).concat().contains("It is 240 now"));
    }

    #[test]
    fn who_may_not_get_in_before_the_room_closes_is_told_of() {
        let now = Timestamp::from_millis(1_800_000_000_000);
        let rules = |minutes: u64| Rules {
            closes_at: Some(now + Duration::from_secs(60 * minutes)),
            drain_per_minute: 60,
            max_active: 100_000,
            ..Rules::default()
        };
        let line = Now { waiting: 600, ..Now::default() };
        let told = |minutes: u64| {
            let rules = rules(minutes);
            closing(&rules, &view(&line, rules.mode, &terms(&rules, 60, now)), now)
        };
        assert_eq!(told(12), None);
        let said = told(8).unwrap();
        assert!(said.contains("closes in 8 min") && said.contains("may need 11 min"), "{said}");
        assert_eq!(
            closing(&Rules::default(), &view(&line, Mode::Auto, &terms(&rules(8), 60, now)), now),
            None
        );
    }

    #[test]
    fn what_else_there_is_to_know_is_noted() {
        let rules = Rules::default();
        let now = Now { waiting: 10, inside: 700, lately: None };
        let more = notes(&now, &rules, &Rules { max_active: 1500, ..rules.clone() }, 600);
        assert!(
            more.concat().contains("500 more fans at once") && more.concat().contains("not known yet"),
            "{more:?}"
        );
        let fewer = notes(&now, &rules, &Rules { max_active: 500, ..rules.clone() }, 600);
        assert!(fewer.concat().contains("700 fans are inside"), "{fewer:?}");
        assert!(notes(&Now::default(), &rules, &rules, 600).is_empty());
    }
}
