//! What is counted while the shop runs, for `/metrics`.
//!
//! Labels are routes (patterns, never paths), codes of problems, and words of a fixed list: there is a bound to how many
//! series there are, and nobody's name among them. `docs/metrics.md` lists all of them, in the words of their help, and a test
//! holds it to that.

mod audit;
pub(crate) mod page;

use std::time::Duration;

use axum::http::{Method, StatusCode};
use prometheus::core::Collector as _;
use prometheus::process_collector::ProcessCollector;
use prometheus::{HistogramOpts, HistogramVec, IntCounter, IntCounterVec, Opts, Registry};

use crate::outbox::Delivered;

pub(crate) use audit::audit;

/// The bounds of how long a request takes, in seconds.
const BOUNDS: [f64; 12] = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0];
/// Where seats are held, and where they are paid.
const HOLD_ROUTES: [&str; 2] = ["/api/reservations", "/events/{event}/hold"];
/// Methods that have a name of their own among the labels.
const METHODS: [&str; 6] = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"];

/// Everything that is counted.
pub(crate) struct Metrics {
    registry: Registry,
    requests: IntCounterVec,
    durations: HistogramVec,
    holds: IntCounterVec,
    payments: IntCounterVec,
    mails: IntCounterVec,
    violations: IntCounter,
}

impl Metrics {
    /// Nothing is counted yet; what can be foreseen is there with zero.
    pub(crate) fn new() -> prometheus::Result<Self> {
        let counter =
            |name: &str, help: &str, labels: &[&str]| IntCounterVec::new(Opts::new(name, help), labels);
        let durations =
            HistogramOpts::new("shop_request_duration_seconds", "From the head of a request to its answer")
                .buckets(BOUNDS.to_vec());
        let violations = Opts::new(
            "shop_promise_violations_total",
            "Seats sold without a ticket of their own, and charges that are neither ticket nor refund: looked up every \
             20 s in what was paid lately, at the start and once an hour in all",
        );
        let metrics = Self {
            registry: Registry::new(),
            requests: counter(
                "shop_requests_total",
                "Requests, by the class of their answer",
                &["method", "route", "class"],
            )?,
            durations: HistogramVec::new(durations, &["route"])?,
            holds: counter(
                "shop_holds_total",
                "Attempts to hold seats: held, the code of the problem, or refused (on a page)",
                &["outcome"],
            )?,
            payments: counter(
                "shop_payments_total",
                "Answers of the payment provider to charges: charged, declined, or no_answer",
                &["outcome"],
            )?,
            mails: counter(
                "shop_mails_total",
                "Attempts to send a mail: sent, delayed, or dead, which is given up",
                &["outcome"],
            )?,
            violations: IntCounter::with_opts(violations.const_label("promise", "P9"))?,
        };
        for known in ["held", "seat_taken", "too_many_seats", "not_admitted"] {
            metrics.holds.with_label_values(&[known]);
        }
        for known in ["charged", "declined", "no_answer"] {
            metrics.payments.with_label_values(&[known]);
        }
        for known in ["sent", "delayed", "dead"] {
            metrics.mails.with_label_values(&[known]);
        }
        metrics.registry.register(Box::new(metrics.requests.clone()))?;
        metrics.registry.register(Box::new(metrics.durations.clone()))?;
        metrics.registry.register(Box::new(metrics.holds.clone()))?;
        metrics.registry.register(Box::new(metrics.payments.clone()))?;
        metrics.registry.register(Box::new(metrics.mails.clone()))?;
        metrics.registry.register(Box::new(metrics.violations.clone()))?;
        Ok(metrics)
    }

    /// A request was answered, with a problem of this code if there was one.
    pub(crate) fn request(
        &self,
        (method, route): (&Method, &str),
        status: StatusCode,
        code: Option<&str>,
        took: Duration,
    ) {
        let known = METHODS.into_iter().find(|known| *known == method.as_str());
        let class = match status.as_u16() {
            200..300 => "2xx",
            300..400 => "3xx",
            400..500 => "4xx",
            _ => "5xx",
        };
        self.requests.with_label_values(&[known.unwrap_or("other"), route, class]).inc();
        self.durations.with_label_values(&[route]).observe(took.as_secs_f64());
        if method == Method::POST && HOLD_ROUTES.contains(&route) {
            // A page tells its problem to people, and carries no code.
            let outcome =
                if status.is_client_error() || status.is_server_error() { "refused" } else { "held" };
            self.holds.with_label_values(&[code.unwrap_or(outcome)]).inc();
        }
    }

    /// The provider answered, or did not.
    pub(super) fn payment(&self, outcome: &'static str) {
        self.payments.with_label_values(&[outcome]).inc();
    }

    /// A round of the sender is over.
    pub(crate) fn mails(&self, delivered: Delivered) {
        for (outcome, count) in
            [("sent", delivered.sent), ("delayed", delivered.delayed), ("dead", delivered.dead)]
        {
            self.mails.with_label_values(&[outcome]).inc_by(u64::from(count));
        }
    }

    /// There are so many violations of P9 now; those of before are counted already.
    fn violations(&self, now: u64) {
        let known = self.violations.get();
        self.violations.inc_by(now.saturating_sub(known));
    }

    /// What was counted, and what the system knows of this process.
    fn gather(&self) -> Vec<prometheus::proto::MetricFamily> {
        let mut families = self.registry.gather();
        families.extend(ProcessCollector::for_self().collect());
        families
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_violation_is_counted_once_however_often_it_is_seen() {
        let metrics = Metrics::new().unwrap();
        for now in [0, 2, 2, 1, 3] {
            metrics.violations(now);
        }
        assert_eq!(metrics.violations.get(), 3);
    }
}
