//! The page of metrics, family by family.

use prometheus::core::Collector as _;
use prometheus::process_collector::ProcessCollector;
use prometheus::proto::{Bucket, Counter, Gauge, Histogram, LabelPair, Metric, MetricFamily, MetricType};
use prometheus::{Encoder as _, TextEncoder};

use crate::telemetry::cells::TimesRead;

/// The page of metrics.
#[derive(Default)]
pub(super) struct Page(Vec<MetricFamily>);

/// The series of one family.
pub(super) struct Family<'a> {
    names: &'a [&'a str],
    kind: MetricType,
    series: Vec<Metric>,
}

impl Page {
    /// A family whose series have the labels `names`, and which `fill` fills.
    fn family(
        &mut self,
        kind: MetricType,
        (name, help): (&str, &str),
        names: &[&str],
        fill: impl FnOnce(&mut Family<'_>),
    ) {
        let mut family = Family { names, kind, series: Vec::new() };
        fill(&mut family);
        if family.series.is_empty() {
            return;
        }
        let mut written = MetricFamily::default();
        written.set_name(name.to_owned());
        written.set_help(help.to_owned());
        written.set_field_type(kind);
        written.set_metric(family.series);
        self.0.push(written);
    }

    /// Numbers that go up and down.
    pub(super) fn gauge(
        &mut self,
        name: &str,
        help: &str,
        names: &[&str],
        fill: impl FnOnce(&mut Family<'_>),
    ) {
        self.family(MetricType::GAUGE, (name, help), names, fill);
    }

    /// Numbers that only go up.
    pub(super) fn counter(
        &mut self,
        name: &str,
        help: &str,
        names: &[&str],
        fill: impl FnOnce(&mut Family<'_>),
    ) {
        self.family(MetricType::COUNTER, (name, help), names, fill);
    }

    /// Durations.
    pub(super) fn histogram(
        &mut self,
        name: &str,
        help: &str,
        names: &[&str],
        fill: impl FnOnce(&mut Family<'_>),
    ) {
        self.family(MetricType::HISTOGRAM, (name, help), names, fill);
    }

    /// What the system knows of this process: memory, processor time, descriptors.
    pub(super) fn process(&mut self) {
        self.0.extend(ProcessCollector::for_self().collect());
    }

    /// The page in the text format.
    pub(super) fn text(mut self) -> prometheus::Result<Vec<u8>> {
        self.0.sort_by(|one, other| one.name().cmp(other.name()));
        let mut text = Vec::new();
        TextEncoder::new().encode(&self.0, &mut text)?;
        Ok(text)
    }
}

impl Family<'_> {
    fn metric(&self, labels: &[&str]) -> Metric {
        let label = |(name, value): (&&str, &&str)| {
            let mut label = LabelPair::default();
            label.set_name((*name).to_owned());
            label.set_value((*value).to_owned());
            label
        };
        let mut labels: Vec<LabelPair> = self.names.iter().zip(labels).map(label).collect();
        labels.sort_by(|one, other| one.name().cmp(other.name()));
        Metric::from_label(labels)
    }

    /// A series with these labels.
    pub(super) fn set(&mut self, labels: &[&str], value: f64) {
        let mut metric = self.metric(labels);
        if self.kind == MetricType::COUNTER {
            let mut counter = Counter::default();
            counter.set_value(value);
            metric.set_counter(counter);
        } else {
            let mut gauge = Gauge::default();
            gauge.set_value(value);
            metric.set_gauge(gauge);
        }
        self.series.push(metric);
    }

    /// A series with these labels, for a whole number.
    pub(super) fn count(&mut self, labels: &[&str], value: u64) {
        self.set(labels, value as f64);
    }

    /// A series with these labels that says yes or no.
    pub(super) fn is(&mut self, labels: &[&str], value: bool) {
        self.set(labels, f64::from(u8::from(value)));
    }

    /// A series with these labels, for durations.
    pub(super) fn times(&mut self, labels: &[&str], times: &TimesRead) {
        let mut histogram = Histogram::default();
        let bucket = |(bound, within): &(f64, u64)| {
            let mut bucket = Bucket::default();
            bucket.set_upper_bound(*bound);
            bucket.set_cumulative_count(*within);
            bucket
        };
        histogram.set_bucket(times.buckets.iter().map(bucket).collect());
        histogram.set_sample_count(times.count);
        histogram.set_sample_sum(times.seconds);
        let mut metric = self.metric(labels);
        metric.set_histogram(histogram);
        self.series.push(metric);
    }
}
