//! The page of metrics: what was counted, and what is so at the moment of the question.

use std::sync::Arc;
use std::time::Duration;

use admission::edge_signature::HEADER_SIGNATURE;
use axum::extract::State;
use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderMap, HeaderValue};
use axum::response::{IntoResponse as _, Response};
use prometheus::proto::MetricFamily;
use prometheus::{Encoder as _, Gauge, GaugeVec, IntCounter, IntCounterVec, Opts, Registry, TextEncoder};

use crate::app::App;
use crate::cold_path::{LogCounts, LogFigures};
use crate::http::Problem;

/// How long the inventory may take to tell its figures: a scrape must not hang on it.
const PATIENCE: Duration = Duration::from_secs(2);

/// For Prometheus, and for who reaches the shop itself: through the edge, fans would.
#[utoipa::path(get, path = "/metrics", tag = "health", responses((status = 200, body = String, content_type = "text/plain")))]
pub(crate) async fn metrics(State(app): State<Arc<App>>, headers: HeaderMap) -> Result<Response, Problem> {
    if headers.contains_key(HEADER_SIGNATURE) {
        return Err(Problem::not_found());
    }
    let mut families = app.metrics.gather();
    families.extend(now(&app).await.map_err(|error| Problem::internal(&error))?);
    families.sort_by(|one, other| one.name().cmp(other.name()));
    let mut text = Vec::new();
    TextEncoder::new().encode(&families, &mut text).map_err(|error| Problem::internal(&error))?;
    let mut response = text.into_response();
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(prometheus::TEXT_FORMAT));
    Ok(response)
}

/// What is so now. What the database does not say is left out: a scrape must not fail with it.
async fn now(app: &App) -> prometheus::Result<Vec<MetricFamily>> {
    let registry = Registry::new();
    let gauge = |name: &str, help: &str, value: f64| -> prometheus::Result<()> {
        let gauge = Gauge::new(name, help)?;
        gauge.set(value);
        registry.register(Box::new(gauge))
    };
    let (in_use, limit) = app.gate.in_use();
    gauge("shop_requests_in_flight", "Requests that are being answered", in_use as f64)?;
    gauge(
        "shop_requests_in_flight_limit",
        "Most requests that are answered at once (limits.requests_in_flight)",
        limit as f64,
    )?;
    let spared = app.checkout.provider().is_spared();
    gauge(
        "shop_payment_circuit_open",
        "Whether the payment provider is not asked, for it did not answer: 1, or 0",
        f64::from(u8::from(spared)),
    )?;
    let pool = app.stores.lifecycle.pool();
    let connections = GaugeVec::new(
        Opts::new("shop_database_connections", "Connections to the database that are idle, or in_use"),
        &["state"],
    )?;
    connections.with_label_values(&["idle"]).set(f64::from(pool.idle));
    connections.with_label_values(&["in_use"]).set(f64::from(pool.open.saturating_sub(pool.idle)));
    registry.register(Box::new(connections))?;
    gauge("shop_database_connections_limit", "Most connections to the database", f64::from(pool.limit))?;
    let outbox = app.stores.outbox.backlog().await;
    gauge("shop_database_up", "Whether the database answers: 1, or 0", f64::from(u8::from(outbox.is_ok())))?;
    if let Ok(outbox) = outbox {
        let age = outbox.oldest.map_or(0.0, |oldest| app.clock.now().since(oldest).as_secs_f64());
        gauge("shop_outbox_messages", "Mails that wait to be sent", outbox.waiting as f64)?;
        gauge(
            "shop_outbox_oldest_message_age_seconds",
            "How long the oldest mail that is not sent has waited",
            age,
        )?;
        gauge("shop_outbox_dead_messages", "Mails that were given up", outbox.dead as f64)?;
    }
    inventory(app, &registry).await?;
    Ok(registry.gather())
}

/// The inventory, its log, and what this shop has done about it.
async fn inventory(app: &App, registry: &Registry) -> prometheus::Result<()> {
    let store = app.settings.inventory.store.kind();
    let gauge = |name: &str, help: &str, value: f64| -> prometheus::Result<()> {
        let gauge = Gauge::with_opts(Opts::new(name, help).const_label("store", store))?;
        gauge.set(value);
        registry.register(Box::new(gauge))
    };
    let figures = tokio::time::timeout(PATIENCE, app.cold_path.figures()).await;
    let figures = figures.ok().and_then(Result::ok);
    gauge(
        "shop_inventory_up",
        "Whether the inventory, in memory or redis, answers: 1, or 0",
        f64::from(u8::from(figures.is_some())),
    )?;
    if let Some(LogFigures { backlog_entries, oldest_age, dead_letters }) = figures {
        gauge(
            "shop_log_backlog_entries",
            "Entries of all events' logs (holds and the like) that are not in the database yet",
            backlog_entries as f64,
        )?;
        let age = oldest_age.as_secs_f64();
        gauge(
            "shop_log_oldest_entry_age_seconds",
            "How long the oldest entry that is not in the database yet has waited",
            age,
        )?;
        gauge(
            "shop_log_dead_letters",
            "Entries of the logs that the database refused and that were put aside",
            dead_letters as f64,
        )?;
    }
    let LogCounts { written, retries, put_aside } = app.cold_path.counts();
    let entries = Opts::new(
        "shop_log_entries_total",
        "Entries of the logs that this shop has written or put_aside, and attempts that failed",
    );
    let entries = IntCounterVec::new(entries, &["outcome"])?;
    for (outcome, count) in [("written", written), ("failed", retries), ("put_aside", put_aside)] {
        entries.with_label_values(&[outcome]).inc_by(count);
    }
    registry.register(Box::new(entries))?;
    let repairs = IntCounter::new(
        "shop_inventory_repairs_total",
        "What the reconciler of this shop put right between inventory and database",
    )?;
    repairs.inc_by(app.reconciler.repaired());
    registry.register(Box::new(repairs))
}
