//! Traces, told to a collector (OTLP): of those requests that the edge traces.
//!
//! Finished spans go into a bounded queue and from there, by a thread of its own, to the collector; what does not fit is
//! dropped, and nobody waits for it.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use admission::clock::Random;
use axum::extract::{MatchedPath, Request, State};
use axum::http::HeaderMap;
use axum::middleware::Next;
use axum::response::Response;
use opentelemetry::context::FutureExt as _;
use opentelemetry::trace::{
    SpanContext, SpanId, SpanKind, Status, TraceContextExt as _, TraceFlags, TraceId, TraceState,
    Tracer as _, TracerProvider as _,
};
use opentelemetry::{Context, KeyValue};
use opentelemetry_otlp::{ExporterBuildError, Protocol, SpanExporter, WithExportConfig as _};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::trace::{
    BatchConfigBuilder, BatchSpanProcessor, Sampler, SdkTracer, SdkTracerProvider, SpanData,
};

use crate::app::App;
use crate::config::Telemetry;

/// Most finished spans that wait to be sent.
const QUEUE: usize = 4096;
/// Most spans in one message.
const BATCH: usize = 512;
/// How long spans wait for company.
const DELAY: Duration = Duration::from_secs(1);
/// How long the collector may take for a message.
const TIMEOUT: Duration = Duration::from_secs(5);
/// How long the last spans may take when the shop stops.
const LAST_WORDS: Duration = Duration::from_secs(2);

/// Makes spans, and has them sent.
#[derive(Debug)]
pub(crate) struct Traces {
    provider: SdkTracerProvider,
    tracer: SdkTracer,
    /// A request that no edge decided about is traced when its random number is below this.
    below: u64,
    /// The kind of database, for its spans.
    database: &'static str,
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
    pub(crate) fn start(
        config: &Telemetry,
        database: &'static str,
    ) -> Result<Option<Arc<Self>>, ExporterBuildError> {
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
            resource = resource.with_service_name("stanchion-shop");
        }
        let provider = SdkTracerProvider::builder()
            .with_span_processor(BatchSpanProcessor::builder(exporter).with_batch_config(batches).build())
            // Who is traced is decided here, before there is a span.
            .with_sampler(Sampler::AlwaysOn)
            .with_resource(resource.build())
            .build();
        let tracer = provider.tracer("stanchion");
        let below = (config.sample_ratio * u64::MAX as f64) as u64;
        Ok(Some(Arc::new(Self { provider, tracer, below, database })))
    }

    /// What a request is traced by: the edge's trace where it is traced there; a new one where there is no edge and the
    /// dice say so.
    fn begin(&self, headers: &HeaderMap, random: &dyn Random) -> Option<Context> {
        let given = headers.get("traceparent").and_then(|value| value.to_str().ok()).and_then(parse);
        match given {
            Some(given) => given.is_sampled().then(|| Context::new().with_remote_span_context(given)),
            None => {
                let mut dice = [0; 8];
                random.fill(&mut dice).ok()?;
                (u64::from_le_bytes(dice) < self.below || self.below == u64::MAX).then(Context::new)
            }
        }
    }

    /// Does one step of a request, as a span of its trace where it is traced.
    async fn step<T, E>(
        &self,
        name: &'static str,
        attribute: KeyValue,
        call: impl Future<Output = Result<T, E>>,
    ) -> Result<T, E> {
        let around = Context::current();
        if !around.span().span_context().is_sampled() {
            return call.await;
        }
        let span = self.tracer.span_builder(name).with_kind(SpanKind::Client).with_attributes([attribute]);
        let inside = around.with_span(span.start_with_context(&self.tracer, &around));
        let answer = call.with_context(inside.clone()).await;
        if answer.is_err() {
            inside.span().set_status(Status::error("it failed"));
        }
        inside.span().end();
        answer
    }

    /// Asks the database.
    pub(super) async fn database<T, E>(
        &self,
        name: &'static str,
        call: impl Future<Output = Result<T, E>>,
    ) -> Result<T, E> {
        self.step(name, KeyValue::new("db.system.name", self.database), call).await
    }

    /// Asks the payment provider.
    pub(super) async fn payment<T, E>(
        &self,
        name: &'static str,
        call: impl Future<Output = Result<T, E>>,
    ) -> Result<T, E> {
        self.step(name, KeyValue::new("peer.service", "payment"), call).await
    }

    /// Sends what there is, at most for a moment. It blocks.
    pub(crate) fn close(&self) {
        // What could not be sent was told already.
        let _ = self.provider.shutdown_with_timeout(LAST_WORDS);
    }
}

/// Traces the request, if it is one of those. What it may tell is what the log tells.
pub(crate) async fn trace_request(State(app): State<Arc<App>>, request: Request, next: Next) -> Response {
    let begun =
        |traces: &Arc<Traces>| Some((traces.clone(), traces.begin(request.headers(), app.random.as_ref())?));
    let Some((traces, around)) = app.traces.as_ref().and_then(begun) else { return next.run(request).await };
    let method = request.method().to_string();
    let route =
        request.extensions().get::<MatchedPath>().map_or("unmatched", |path| path.as_str()).to_owned();
    let attributes =
        [KeyValue::new("http.request.method", method.clone()), KeyValue::new("http.route", route.clone())];
    let span = traces.tracer.span_builder(format!("{method} {route}"));
    let span = span.with_kind(SpanKind::Server).with_attributes(attributes);
    let inside = around.with_span(span.start_with_context(&traces.tracer, &around));
    let response = next.run(request).with_context(inside.clone()).await;
    let status = response.status();
    let span = inside.span();
    span.set_attribute(KeyValue::new("http.response.status_code", i64::from(status.as_u16())));
    if status.is_server_error() {
        span.set_status(Status::error("the shop failed"));
    }
    span.end();
    response
}

/// The id of the trace in a `traceparent`, for the log.
pub(crate) fn trace_id(headers: &HeaderMap) -> Option<TraceIdText> {
    let given = headers.get("traceparent").and_then(|value| value.to_str().ok()).and_then(parse)?;
    Some(TraceIdText(given.trace_id()))
}

/// The id of a trace as it is written.
#[derive(Clone, Copy, Debug)]
pub(crate) struct TraceIdText(TraceId);

impl fmt::Display for TraceIdText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

/// A W3C `traceparent` of the version that we know, taken apart.
fn parse(traceparent: &str) -> Option<SpanContext> {
    let mut fields = traceparent.split('-');
    let (version, trace, span, flags) = (fields.next()?, fields.next()?, fields.next()?, fields.next()?);
    if version != "00" || trace.len() != 32 || span.len() != 16 || flags.len() != 2 || fields.next().is_some()
    {
        return None;
    }
    let flags = TraceFlags::new(u8::from_str_radix(flags, 16).ok()?) & TraceFlags::SAMPLED;
    let (trace, span) = (TraceId::from_hex(trace).ok()?, SpanId::from_hex(span).ok()?);
    let context = SpanContext::new(trace, span, flags, true, TraceState::NONE);
    context.is_valid().then_some(context)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_traceparent_is_read_or_is_none() {
        let good = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
        let read = parse(good).unwrap();
        assert!(read.is_sampled());
        assert_eq!(TraceIdText(read.trace_id()).to_string(), "0af7651916cd43dd8448eb211c80319c");
        assert!(!parse(&good.replace("-01", "-00")).unwrap().is_sampled());
        for bad in [
            "",
            "00",
            "01-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
            "00-00000000000000000000000000000000-b7ad6b7169203331-01",
            "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-more",
            "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-zz",
        ] {
            assert!(parse(bad).is_none(), "{bad}");
        }
    }
}
