//! What is told of each room.

use std::sync::Arc;

use super::super::Desk;
use super::super::rooms::PHASES;
use super::page::{Family, Page};
use crate::config::RoomConfig;
use crate::room::{Figures, Room, ShadowFigures};
use crate::telemetry::promises::Event;

/// A room at the moment of the question.
struct Seen {
    id: String,
    config: RoomConfig,
    figures: Figures,
    room: Arc<Room>,
}

pub(super) fn tell(page: &mut Page, desk: &Desk) {
    let in_force = desk.fleet.in_force();
    let seen = |config: &RoomConfig| {
        let room = in_force.rooms.by_id(config.id.as_str())?.clone();
        Some(Seen { id: config.id.to_string(), config: config.clone(), figures: room.figures(), room })
    };
    let rooms: Vec<Seen> = in_force.configs.iter().filter_map(seen).collect();
    line(page, &rooms);
    drain(page, &rooms);
    state(page, &rooms);
    promises(page, &rooms);
    shadows(page, &rooms);
}

/// A gauge with one series for each room.
fn gauge(page: &mut Page, rooms: &[Seen], name: &str, help: &str, value: fn(&Seen) -> u64) {
    page.gauge(name, help, &["room"], |family| {
        rooms.iter().for_each(|seen| family.count(&[&seen.id], value(seen)));
    });
}

/// A counter with one series for each room.
fn counter(page: &mut Page, rooms: &[Seen], name: &str, help: &str, value: fn(&Seen) -> u64) {
    page.counter(name, help, &["room"], |family| {
        rooms.iter().for_each(|seen| family.count(&[&seen.id], value(seen)));
    });
}

/// Who is where.
fn line(page: &mut Page, rooms: &[Seen]) {
    let help = "The line: fans who wait, by lane.";
    page.gauge("stanchion_room_waiting_fans", help, &["room", "lane"], |family| {
        for seen in rooms {
            seen.figures.lanes.iter().for_each(|(lane, waiting)| family.count(&[&seen.id, lane], *waiting));
        }
    });
    let help = "The line: fans who have been admitted and have a session.";
    gauge(page, rooms, "stanchion_room_active_sessions", help, |seen| seen.figures.active);
    let help = "The line: most fans with a turn or a session at one time (max_active).";
    gauge(page, rooms, "stanchion_room_active_sessions_limit", help, |seen| seen.config.rules.max_active);
    let help = "The line: fans whose turn has come and who have not claimed it yet.";
    gauge(page, rooms, "stanchion_room_open_turns", help, |seen| seen.figures.turns);
    let help = "Fans whom this proxy holds, by WebSocket or by polling.";
    gauge(page, rooms, "stanchion_room_held_fans", help, |seen| seen.figures.held_here as u64);
    let help = "Fans at this proxy's WebSockets who wait though the turn of their rank has come: they were passed over, and \
                came back.";
    gauge(page, rooms, "stanchion_room_overtaken_fans", help, |seen| seen.room.overtaken() as u64);
    let help = "The line: fans who joined, at all proxies.";
    counter(page, rooms, "stanchion_room_joins_total", help, |seen| seen.figures.totals[0]);
    let help = "Fans who have to work for a place, at this proxy: asked, computed, waited, refused.";
    page.counter("stanchion_room_work_total", help, &["room", "outcome"], |family| {
        for seen in rooms {
            seen.room
                .tally
                .work
                .totals()
                .for_each(|(outcome, total)| family.count(&[&seen.id, outcome], total));
        }
    });
}

/// How fast.
fn drain(page: &mut Page, rooms: &[Seen]) {
    let per_second = |fans_a_minute: u64| fans_a_minute as f64 / 60.0;
    let help = "The line: the rate in force, as configured or as the drain has adapted.";
    page.gauge("stanchion_room_drain_fans_per_second", help, &["room"], |family| {
        rooms.iter().for_each(|seen| family.set(&[&seen.id], per_second(seen.figures.rate)));
    });
    let help = "The line: the rate as configured.";
    page.gauge("stanchion_room_configured_drain_fans_per_second", help, &["room"], |family| {
        rooms.iter().for_each(|seen| family.set(&[&seen.id], per_second(seen.config.rules.drain_per_minute)));
    });
    let help = "The line: turns given, at all proxies. Their rate is the drain as used.";
    counter(page, rooms, "stanchion_room_admissions_total", help, |seen| seen.figures.totals[1]);
    let help = "The line: turns that operators gave out of order, at all proxies; admissions have them too.";
    let by_hand = |seen: &Seen| seen.figures.admitted_by_hand;
    counter(page, rooms, "stanchion_room_admissions_by_hand_total", help, by_hand);
    let help = "The line: turns that nobody claimed in time, at all proxies; their permits went back.";
    counter(page, rooms, "stanchion_room_lapsed_turns_total", help, |seen| seen.figures.totals[2]);
    let help = "Absent fans who were passed over, by drains of this proxy.";
    let passed = |seen: &Seen| seen.room.tally.promises.events(Event::Passed);
    counter(page, rooms, "stanchion_room_passed_fans_total", help, passed);
}

/// In what state.
fn state(page: &mut Page, rooms: &[Seen]) {
    let help = "Whether this proxy reaches the line: 1, or 0.";
    gauge(page, rooms, "stanchion_room_line_reachable", help, |seen| seen.figures.reachable.into());
    let help = "Whether the line is being put back together, so that nobody is admitted: 1, or 0.";
    gauge(page, rooms, "stanchion_room_line_rebuilding", help, |seen| seen.figures.rebuilding.into());
    let help = "How often the line began anew or was taken over by another server, as this proxy saw it.";
    let resumed = |seen: &Seen| seen.room.tally.promises.events(Event::Resumed);
    counter(page, rooms, "stanchion_room_line_resumed_total", help, resumed);
    let help = "Fans whom this proxy put back at their ranks after the line lost data.";
    let restored = |seen: &Seen| seen.room.tally.promises.events(Event::Restored);
    counter(page, rooms, "stanchion_room_restored_fans_total", help, restored);
    let help = "The line: 1 for the phase that the room is in, by mode and times.";
    page.gauge("stanchion_room_phase", help, &["room", "phase"], |family| {
        for seen in rooms {
            PHASES
                .iter()
                .for_each(|(phase, name)| family.is(&[&seen.id, name], *phase == seen.figures.phase));
        }
    });
}

/// What was seen of the promises.
fn promises(page: &mut Page, rooms: &[Seen]) {
    let help = "How often this proxy saw a promise to the fans broken.";
    page.counter("stanchion_promise_violations_total", help, &["room", "promise"], |family| {
        for seen in rooms {
            let broken = seen.room.tally.promises.broken();
            broken.for_each(|(promise, total)| family.count(&[&seen.id, promise.id()], total));
        }
    });
    let help = "Admission tokens that opened nothing: expired, ended, void, forged, of somebody else, or of another room.";
    let refused = |seen: &Seen| seen.room.tally.promises.events(Event::TokenRefused);
    counter(page, rooms, "stanchion_room_refused_tokens_total", help, refused);
}

/// What would be, in rooms in shadow mode.
fn shadows(page: &mut Page, rooms: &[Seen]) {
    let shadows: Vec<(&str, ShadowFigures)> =
        rooms.iter().filter_map(|seen| Some((seen.id.as_str(), seen.room.shadow_figures()?))).collect();
    let mut count = |name: &str, help: &str, is_total: bool, value: fn(&ShadowFigures) -> u64| {
        let told = |family: &mut Family<'_>| {
            shadows.iter().for_each(|(id, figures)| family.count(&[id], value(figures)));
        };
        if is_total {
            page.counter(name, help, &["room"], told);
        } else {
            page.gauge(name, help, &["room"], told);
        }
    };
    let help = "The line: visitors who would have joined, at all proxies, in a room in shadow mode.";
    count("stanchion_room_shadow_arrivals_total", help, true, |figures| figures.arrivals_total);
    let help = "The line: visitors who would wait now, if the room were not in shadow mode.";
    count("stanchion_room_shadow_waiting_fans", help, false, |figures| figures.waiting);
    let help = "The line: visitors who would have a turn or a session, if the room were not in shadow mode.";
    count("stanchion_room_shadow_active_sessions", help, false, |figures| figures.active);
    let help = "Visitors of this proxy who would have had to wait.";
    count("stanchion_room_shadow_queued_total", help, true, |figures| figures.queued_here);
    let help = "Requests to this proxy that would have been refused, for only pages can wait.";
    count("stanchion_room_shadow_refused_total", help, true, |figures| figures.refused_here);
    let help =
        "The line: how long somebody who came now would wait, hardly less (low) and hardly more (high).";
    page.gauge("stanchion_room_shadow_wait_seconds", help, &["room", "bound"], |family| {
        for (id, figures) in &shadows {
            if let Some((low, high)) = figures.wait {
                family.set(&[id, "low"], low.as_secs_f64());
                family.set(&[id, "high"], high.as_secs_f64());
            }
        }
    });
}
