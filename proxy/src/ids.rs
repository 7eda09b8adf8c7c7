//! Random ids, and jitter, from the random port.

use std::fmt::Write as _;
use std::time::Duration;

use admission::clock::Random;

/// `bytes` random bytes in hexadecimal.
fn hex<const BYTES: usize>(random: &dyn Random) -> String {
    let mut buffer = [0; BYTES];
    if random.fill(&mut buffer).is_err() {
        // The id then names nothing, which costs a log line its use and nobody their place.
        tracing::error!("the random source failed");
    }
    buffer.iter().fold(String::with_capacity(BYTES * 2), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// The id of a request.
pub(crate) fn request_id(random: &dyn Random) -> String {
    hex::<16>(random)
}

/// A W3C `traceparent` that begins a trace.
pub(crate) fn traceparent(random: &dyn Random) -> String {
    format!("00-{}-{}-01", hex::<16>(random), hex::<8>(random))
}

/// Whether `text` is a W3C `traceparent` of the version that we know.
pub(crate) fn is_traceparent(text: &str) -> bool {
    let fields: Vec<&str> = text.split('-').collect();
    let [version, trace, span, flags] = fields.as_slice() else { return false };
    let is_hex = |text: &str, length: usize| {
        text.len() == length && text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'))
    };
    let is_zero = |text: &str| text.bytes().all(|byte| byte == b'0');
    *version == "00"
        && is_hex(trace, 32)
        && is_hex(span, 16)
        && is_hex(flags, 2)
        && !is_zero(trace)
        && !is_zero(span)
}

/// The id of the trace in a `traceparent`.
pub(crate) fn trace_id(traceparent: &str) -> &str {
    traceparent.split('-').nth(1).unwrap_or_default()
}

/// A duration between `from` and `to`, so that many do not act at once.
pub(crate) fn jitter(random: &dyn Random, from: Duration, to: Duration) -> Duration {
    let mut buffer = [0; 4];
    let share = match random.fill(&mut buffer) {
        Ok(()) => f64::from(u32::from_le_bytes(buffer)) / f64::from(u32::MAX),
        Err(_) => 0.5,
    };
    from + to.saturating_sub(from).mul_f64(share)
}

#[cfg(test)]
mod tests {
    use admission::clock::SystemRandom;

    use super::*;

    #[test]
    fn ids_differ_and_traces_are_well_formed() {
        assert_ne!(request_id(&SystemRandom), request_id(&SystemRandom));
        assert_eq!(request_id(&SystemRandom).len(), 32);
        assert!(is_traceparent(&traceparent(&SystemRandom)));
        for bad in [
            "",
            "00",
            "00-0-0-0",
            "01-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
            "00-00000000000000000000000000000000-b7ad6b7169203331-01",
            "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-0g",
        ] {
            assert!(!is_traceparent(bad), "{bad}");
        }
    }

    #[test]
    fn jitter_stays_within_its_bounds() {
        let (from, to) = (Duration::from_secs(1), Duration::from_secs(2));
        for _ in 0..100 {
            assert!((from..=to).contains(&jitter(&SystemRandom, from, to)));
        }
    }
}
