//! Traces: what one request took, at the edge and behind it, told to a collector (OTLP).
//!
//! Of a request that is not traced nothing is made but a few random bytes. Finished spans go into a bounded queue and from
//! there, by a thread of its own, to the collector; what does not fit is dropped, and nobody waits for it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use admission::clock::Random;
use opentelemetry::trace::{
    Span as _, SpanContext, SpanId, SpanKind, Status, TraceContextExt as _, TraceFlags, TraceId, TraceState,
    Tracer as _, TracerProvider as _,
};
use opentelemetry::{Context, KeyValue};
use opentelemetry_otlp::{Protocol, SpanExporter, WithExportConfig as _};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::trace::{
    BatchConfigBuilder, BatchSpanProcessor, Sampler, SdkTracer, SdkTracerProvider, Span, SpanData,
};

use crate::config::edge::TelemetryConfig;

/// Most finished spans that wait to be sent.
const QUEUE: usize = 4096;
/// Most spans in one message.
const BATCH: usize = 512;
/// How long spans wait for company.
const DELAY: Duration = Duration::from_secs(1);
/// How long the collector may take for a message.
const TIMEOUT: Duration = Duration::from_secs(5);
/// How long the last spans may take when the process ends.
const LAST_WORDS: Duration = Duration::from_secs(2);

/// The collector cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("traces cannot be sent: {0}")]
pub struct TracesError(#[from] opentelemetry_otlp::ExporterBuildError);

/// Makes spans, and has them sent.
pub struct Traces {
    provider: SdkTracerProvider,
    tracer: SdkTracer,
    /// A request whose random number is below this is traced.
    below: u64,
}

/// A collector that is away is told of once, and so is that it is back.
#[derive(Debug)]
struct ToldOnce {
    exporter: SpanExporter,
    endpoint: String,
    is_away: AtomicBool,
}

impl opentelemetry_sdk::trace::SpanExporter for ToldOnce {
    async fn export(&self, batch: Vec<SpanData>) -> OTelSdkResult {
        let outcome = self.exporter.export(batch).await;
        let was_away = self.is_away.swap(outcome.is_err(), Ordering::Relaxed);
        match &outcome {
            Err(error) if !was_away => {
                tracing::warn!(endpoint = %self.endpoint, %error, "traces do not reach the collector, and are dropped");
            }
            Ok(()) if was_away => {
                tracing::info!(endpoint = %self.endpoint, "traces reach the collector again");
            }
            _ => {}
        }
        // It was said already.
        Ok(())
    }

    fn shutdown_with_timeout(&self, timeout: Duration) -> OTelSdkResult {
        self.exporter.shutdown_with_timeout(timeout)
    }

    fn set_resource(&mut self, resource: &Resource) {
        self.exporter.set_resource(resource);
    }
}

impl Traces {
    /// Traces as configured; nothing where there is no collector.
    ///
    /// # Errors
    /// When no client for the collector can be made.
    pub fn start(config: &TelemetryConfig) -> Result<Option<Arc<Self>>, TracesError> {
        let Some(endpoint) = config.endpoint.clone() else { return Ok(None) };
        let exporter = SpanExporter::builder()
            .with_http()
            .with_protocol(Protocol::HttpBinary)
            .with_endpoint(format!("{endpoint}/v1/traces"))
            .with_timeout(TIMEOUT)
            .build()?;
        let exporter = ToldOnce { exporter, endpoint, is_away: AtomicBool::new(false) };
        let batches = BatchConfigBuilder::default()
            .with_max_queue_size(QUEUE)
            .with_max_export_batch_size(BATCH)
            .with_scheduled_delay(DELAY)
            .build();
        let attributes = [KeyValue::new("service.version", env!("CARGO_PKG_VERSION"))];
        let mut resource = Resource::builder().with_attributes(attributes);
        if std::env::var_os("OTEL_SERVICE_NAME").is_none() {
            resource = resource.with_service_name("stanchion-edge");
        }
        let provider = SdkTracerProvider::builder()
            .with_span_processor(BatchSpanProcessor::builder(exporter).with_batch_config(batches).build())
            // Who is traced is decided here, before there is a span.
            .with_sampler(Sampler::AlwaysOn)
            .with_resource(resource.build())
            .build();
        let tracer = provider.tracer("stanchion");
        let below = (config.sample_ratio * u64::MAX as f64) as u64;
        Ok(Some(Arc::new(Self { provider, tracer, below })))
    }

    /// Begins the trace of a request, or goes on with the one that whoever sent it began: if it is traced there, or no one
    /// decided and it is one of those that are.
    pub(crate) fn begin(
        &self,
        given: Option<&str>,
        method: &str,
        random: &dyn Random,
    ) -> Option<RequestTrace> {
        let parent = given.and_then(remote);
        match &parent {
            Some(parent) if !parent.is_sampled() => return None,
            Some(_) => {}
            None => {
                let mut dice = [0; 8];
                random.fill(&mut dice).ok()?;
                // At a share of 1 the highest number is in, too.
                let dice = u64::from_le_bytes(dice);
                if dice >= self.below && self.below != u64::MAX {
                    return None;
                }
            }
        }
        let around =
            parent.map_or_else(Context::new, |parent| Context::new().with_remote_span_context(parent));
        let request = self
            .tracer
            .span_builder(method.to_owned())
            .with_kind(SpanKind::Server)
            .start_with_context(&self.tracer, &around);
        Some(RequestTrace { request, shop: None })
    }

    /// A request is sent to an instance of the shop.
    pub(crate) fn send(&self, trace: &mut RequestTrace, method: &str, instance: &str) {
        trace.end_shop(Some("it was sent again"));
        let attributes = [
            KeyValue::new("http.request.method", method.to_owned()),
            KeyValue::new("server.address", instance.to_owned()),
        ];
        let around = Context::new().with_remote_span_context(trace.request.span_context().clone());
        let span = self
            .tracer
            .span_builder(method.to_owned())
            .with_kind(SpanKind::Client)
            .with_attributes(attributes);
        trace.shop = Some(span.start_with_context(&self.tracer, &around));
    }

    /// A call of the store begins; nothing where no request that is traced waits for it.
    pub(super) fn store_call(&self, verb: &'static str) -> Option<StoreSpan> {
        let around = Context::current();
        if !around.span().span_context().is_sampled() {
            return None;
        }
        let attributes = [KeyValue::new("db.operation.name", verb)];
        let span = self.tracer.span_builder(verb).with_kind(SpanKind::Client).with_attributes(attributes);
        Some(StoreSpan(span.start_with_context(&self.tracer, &around)))
    }

    /// Sends what there is, at most for a moment. It blocks.
    pub fn close(&self) {
        // What could not be sent was told already.
        let _ = self.provider.shutdown_with_timeout(LAST_WORDS);
    }
}

/// The span of a call of the store.
pub(super) struct StoreSpan(Span);

impl StoreSpan {
    /// It ended, well or with an error.
    pub(super) fn end(mut self, error: Option<&'static str>) {
        if let Some(error) = error {
            self.0.set_status(Status::error(error));
        }
        self.0.end();
    }
}

/// The spans of a request that is traced.
pub(crate) struct RequestTrace {
    request: Span,
    shop: Option<Span>,
}

impl RequestTrace {
    /// What whoever works for this request goes on with.
    pub(crate) fn context(&self) -> Context {
        Context::new().with_remote_span_context(self.request.span_context().clone())
    }

    /// The W3C `traceparent` for the shop, or of the request where it does not go there.
    pub(crate) fn traceparent(&self) -> String {
        let context = self.shop.as_ref().unwrap_or(&self.request).span_context();
        format!("00-{}-{}-{:02x}", context.trace_id(), context.span_id(), context.trace_flags().to_u8())
    }

    /// The shop answered.
    pub(crate) fn answered(&mut self, status: u16) {
        if let Some(shop) = &mut self.shop {
            shop.set_attribute(status_code(status));
            if status >= 500 {
                shop.set_status(Status::error("the shop failed"));
            }
        }
    }

    fn end_shop(&mut self, error: Option<&'static str>) {
        if let Some(mut shop) = self.shop.take() {
            if let Some(error) = error {
                shop.set_status(Status::error(error));
            }
            shop.end();
        }
    }

    /// All is done: what became of it, in the words of the log.
    pub(crate) fn end(mut self, facts: &Facts<'_>) {
        self.end_shop(facts.error.map(|_| "it was not answered as a whole"));
        let Facts { method, path, status, room, outcome, request_id, error } = *facts;
        self.request.set_attributes([
            KeyValue::new("http.request.method", method.to_owned()),
            KeyValue::new("url.path", path.to_owned()),
            status_code(status),
            KeyValue::new("stanchion.room", room.to_owned()),
            KeyValue::new("stanchion.outcome", outcome),
            KeyValue::new("stanchion.request_id", request_id.to_owned()),
        ]);
        if let Some(error) = error {
            self.request.set_attribute(KeyValue::new("error.type", error.to_owned()));
        }
        if status >= 500 || error.is_some() {
            self.request.set_status(Status::error(outcome));
        }
        if !room.is_empty() {
            self.request.update_name(format!("{method} {room}"));
        }
        self.request.end();
    }
}

fn status_code(status: u16) -> KeyValue {
    KeyValue::new("http.response.status_code", i64::from(status))
}

/// What is told of a request; the same as in the log.
pub(crate) struct Facts<'a> {
    pub(crate) method: &'a str,
    pub(crate) path: &'a str,
    pub(crate) status: u16,
    pub(crate) room: &'a str,
    pub(crate) outcome: &'static str,
    pub(crate) request_id: &'a str,
    pub(crate) error: Option<&'a str>,
}

/// A well-formed `traceparent`, taken apart.
fn remote(traceparent: &str) -> Option<SpanContext> {
    let mut fields = traceparent.split('-').skip(1);
    let trace = TraceId::from_hex(fields.next()?).ok()?;
    let span = SpanId::from_hex(fields.next()?).ok()?;
    let flags = u8::from_str_radix(fields.next()?, 16).ok()?;
    let flags = TraceFlags::new(flags) & TraceFlags::SAMPLED;
    Some(SpanContext::new(trace, span, flags, true, TraceState::NONE))
}

#[cfg(test)]
mod tests {
    use admission::clock::SystemRandom;

    use super::*;

    fn traces(sample_ratio: f64) -> Arc<Traces> {
        let endpoint = Some("http://127.0.0.1:1".to_owned());
        Traces::start(&TelemetryConfig { endpoint, sample_ratio }).unwrap().unwrap()
    }

    #[test]
    fn a_share_is_traced_and_what_a_trusted_proxy_decided_stays_so() {
        assert!(Traces::start(&TelemetryConfig::default()).unwrap().is_none());
        let of = |ratio: f64, given: Option<&str>| {
            let traces = traces(ratio);
            (0..200).filter_map(|_| traces.begin(given, "GET", &SystemRandom)).count()
        };
        assert_eq!((of(0.0, None), of(1.0, None)), (0, 200));
        assert!((1..=199).contains(&of(0.5, None)));
        let given = |flags: &str| format!("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-{flags}");
        assert_eq!(of(0.0, Some(&given("01"))), 200);
        assert_eq!(of(1.0, Some(&given("00"))), 0);
    }

    #[test]
    fn the_shop_hears_of_the_same_trace() {
        let traces = traces(0.0);
        let given = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
        let mut trace = traces.begin(Some(given), "GET", &SystemRandom).unwrap();
        let here = trace.traceparent();
        traces.send(&mut trace, "GET", "127.0.0.1:9090");
        let there = trace.traceparent();
        for told in [&here, &there] {
            assert!(
                told.starts_with("00-0af7651916cd43dd8448eb211c80319c-") && told.ends_with("-01"),
                "{told}"
            );
            assert!(crate::ids::is_traceparent(told));
        }
        assert!(here != there && here != given);
    }
}
