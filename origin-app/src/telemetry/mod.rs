//! What the shop tells of itself: logs, one JSON object a line on standard error; metrics (`metrics`); and traces (`traces`), with the calls of
//! the database and of the payment provider in them (`traced`).

pub(crate) mod counted;
pub(crate) mod metrics;
pub(crate) mod traced;
pub(crate) mod traces;

use tracing_subscriber::EnvFilter;

/// What is logged where `RUST_LOG` says nothing.
const DEFAULT_FILTER: &str = "info,sqlx=warn";

/// Starts logging. A second call changes nothing.
pub(crate) fn init() {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new(DEFAULT_FILTER));
    let subscriber = tracing_subscriber::fmt()
        .json()
        .flatten_event(true)
        .with_current_span(false)
        .with_span_list(false)
        .with_env_filter(filter)
        .with_writer(std::io::stderr);
    // Fails only when there is a subscriber already, and then that one is right.
    let _ = subscriber.try_init();
}
