//! `/metrics`, for Prometheus: what is known at the moment of the question. The cost is paid by who asks, not by fans.
//!
//! Labels are rooms and lanes as configured, so there is a bound to how many series there are.

use axum::extract::State;
use http::{StatusCode, header};
use prometheus::core::Collector;
use prometheus::{
    Encoder as _, GaugeVec, IntCounter, IntCounterVec, IntGauge, IntGaugeVec, Opts, Registry, TextEncoder,
};

use super::Desk;
use super::rooms::PHASES;

/// What is told of each room.
struct RoomMetrics {
    waiting: IntGaugeVec,
    active: IntGaugeVec,
    turns: IntGaugeVec,
    held: IntGaugeVec,
    rate: GaugeVec,
    configured: GaugeVec,
    joins: IntCounterVec,
    admissions: IntCounterVec,
    lapsed: IntCounterVec,
    work: IntCounterVec,
    reachable: IntGaugeVec,
    rebuilding: IntGaugeVec,
    phase: IntGaugeVec,
}

/// Makes a metric and has it gathered.
fn kept<M: Collector + Clone + 'static>(
    registry: &Registry,
    metric: prometheus::Result<M>,
) -> prometheus::Result<M> {
    let metric = metric?;
    registry.register(Box::new(metric.clone()))?;
    Ok(metric)
}

impl RoomMetrics {
    fn new(registry: &Registry) -> prometheus::Result<Self> {
        let gauge = |name: &str, help: &str, labels: &[&str]| {
            kept(registry, IntGaugeVec::new(Opts::new(format!("stanchion_room_{name}"), help), labels))
        };
        let pace = |name: &str, help: &str| {
            kept(registry, GaugeVec::new(Opts::new(format!("stanchion_room_{name}"), help), &["room"]))
        };
        let counter = |name: &str, help: &str| {
            kept(registry, IntCounterVec::new(Opts::new(format!("stanchion_room_{name}"), help), &["room"]))
        };
        Ok(Self {
            waiting: gauge("waiting_fans", "Fans who wait in the line, by lane.", &["room", "lane"])?,
            active: gauge("active_sessions", "Fans who have been admitted and have a session.", &["room"])?,
            turns: gauge(
                "open_turns",
                "Fans whose turn has come and who have not claimed it yet.",
                &["room"],
            )?,
            held: gauge("held_fans", "Fans whom this proxy holds, by WebSocket or by polling.", &["room"])?,
            rate: pace(
                "drain_fans_per_second",
                "The rate in force: as configured, or as the drain has adapted.",
            )?,
            configured: pace("configured_drain_fans_per_second", "The rate as configured.")?,
            joins: counter("joins_total", "Fans who joined, at all proxies.")?,
            admissions: counter("admissions_total", "Turns given, at all proxies.")?,
            lapsed: counter("lapsed_turns_total", "Turns that nobody claimed in time, at all proxies.")?,
            work: {
                let help = "What became of fans who have to work for a place, at this proxy.";
                let name = "stanchion_room_work_total";
                kept(registry, IntCounterVec::new(Opts::new(name, help), &["room", "outcome"]))?
            },
            reachable: gauge("line_reachable", "Whether this proxy reaches the line: 1, or 0.", &["room"])?,
            rebuilding: gauge(
                "line_rebuilding",
                "Whether the line is being put back together, so that nobody is admitted: 1, or 0.",
                &["room"],
            )?,
            phase: gauge(
                "phase",
                "What mode and times come to: 1 for the phase that the room is in.",
                &["room", "phase"],
            )?,
        })
    }
}

fn gather(desk: &Desk) -> prometheus::Result<Vec<u8>> {
    let registry = Registry::new();
    let rooms = RoomMetrics::new(&registry)?;
    let in_force = desk.fleet.in_force();
    let small = |number: u64| i64::try_from(number).unwrap_or(i64::MAX);
    for config in &in_force.configs {
        let id = config.id.as_str();
        let Some(room) = in_force.rooms.by_id(id) else { continue };
        let figures = room.figures();
        for (lane, waiting) in &figures.lanes {
            rooms.waiting.with_label_values(&[id, lane]).set(small(*waiting));
        }
        rooms.active.with_label_values(&[id]).set(small(figures.active));
        rooms.turns.with_label_values(&[id]).set(small(figures.turns));
        rooms.held.with_label_values(&[id]).set(small(figures.held_here as u64));
        rooms.rate.with_label_values(&[id]).set(figures.rate as f64 / 60.0);
        rooms.configured.with_label_values(&[id]).set(config.rules.drain_per_minute as f64 / 60.0);
        for (counter, total) in
            [&rooms.joins, &rooms.admissions, &rooms.lapsed].into_iter().zip(figures.totals)
        {
            counter.with_label_values(&[id]).inc_by(total);
        }
        for (outcome, total) in room.work.totals() {
            rooms.work.with_label_values(&[id, outcome]).inc_by(total);
        }
        rooms.reachable.with_label_values(&[id]).set(figures.reachable.into());
        rooms.rebuilding.with_label_values(&[id]).set(figures.rebuilding.into());
        for (phase, name) in PHASES {
            rooms.phase.with_label_values(&[id, name]).set((phase == figures.phase).into());
        }
    }
    let gauge = |name: &str, help: &str| kept(&registry, IntGauge::new(name, help));
    gauge("stanchion_websockets", "WebSockets of fans that are open at this proxy.")?
        .set(small(desk.load.sockets() as u64));
    gauge("stanchion_requests_in_flight", "Requests that this proxy is answering.")?
        .set(small(desk.load.requests() as u64));
    gauge("stanchion_configuration_revision", "Which configuration of the rooms is in force at this proxy.")?
        .set(small(in_force.configuration.revision));
    let refused = "Configurations that were refused because something was wrong with them.";
    kept(&registry, IntCounter::new("stanchion_configurations_refused_total", refused))?
        .inc_by(desk.fleet.refused());
    let build = Opts::new("stanchion_build_info", "The version of the program.");
    kept(&registry, IntGaugeVec::new(build, &["version"]))?
        .with_label_values(&[env!("CARGO_PKG_VERSION")])
        .set(1);
    let mut text = Vec::new();
    TextEncoder::new().encode(&registry.gather(), &mut text)?;
    Ok(text)
}

pub(super) async fn metrics(
    State(desk): State<Desk>,
) -> (StatusCode, [(header::HeaderName, &'static str); 1], Vec<u8>) {
    let kind = |kind| [(header::CONTENT_TYPE, kind)];
    match gather(&desk) {
        Ok(text) => (StatusCode::OK, kind(prometheus::TEXT_FORMAT), text),
        Err(error) => {
            tracing::error!(%error, "the metrics could not be gathered");
            (
                StatusCode::INTERNAL_SERVER_ERROR,
                kind("text/plain"),
                b"the metrics could not be gathered\n".to_vec(),
            )
        }
    }
}
