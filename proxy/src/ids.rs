//! Random ids, and jitter, from the random port.

use std::sync::Arc;
use std::time::Duration;

use admission::clock::{Random, RandomError};
use parking_lot::Mutex;

/// How many bytes are fetched at once: those of some hundred requests.
const POOL_BYTES: usize = 4096;

/// A random source that asks another one for many bytes at once. Every request takes some for its ids, and a system call
/// each time would cost more than all else about them. For ids only: what was fetched lies in memory until it is used.
pub(crate) struct Pooled {
    source: Arc<dyn Random>,
    pool: Mutex<Pool>,
}

struct Pool {
    bytes: Box<[u8; POOL_BYTES]>,
    used: usize,
}

impl Pooled {
    /// Asks `source`.
    pub(crate) fn new(source: Arc<dyn Random>) -> Self {
        Self { source, pool: Mutex::new(Pool { bytes: Box::new([0; POOL_BYTES]), used: POOL_BYTES }) }
    }
}

impl Random for Pooled {
    fn fill(&self, buffer: &mut [u8]) -> Result<(), RandomError> {
        // Another thread that is at it is not waited for.
        let Some(mut pool) = self.pool.try_lock().filter(|_| buffer.len() <= POOL_BYTES) else {
            return self.source.fill(buffer);
        };
        let Pool { bytes, used } = &mut *pool;
        if *used + buffer.len() > POOL_BYTES {
            // Nothing is given out twice, though the source should fail half-way.
            *used = POOL_BYTES;
            self.source.fill(bytes.as_mut_slice())?;
            *used = 0;
        }
        let Some(given) = bytes.get_mut(*used..*used + buffer.len()) else { return self.source.fill(buffer) };
        buffer.copy_from_slice(given);
        given.fill(0);
        *used += buffer.len();
        Ok(())
    }
}

/// `bytes` random bytes in hexadecimal, behind what is there.
fn append_hex<const BYTES: usize>(random: &dyn Random, text: &mut String) {
    let mut buffer = [0; BYTES];
    if random.fill(&mut buffer).is_err() {
        // The id then names nothing, which costs a log line its use and nobody their place.
        tracing::error!("the random source failed");
    }
    let digit = |half: u8| if half < 10 { b'0' + half } else { b'a' + half - 10 };
    let mut digits = [[0; 2]; BYTES];
    for (pair, byte) in digits.iter_mut().zip(buffer) {
        *pair = [digit(byte >> 4), digit(byte & 15)];
    }
    text.push_str(std::str::from_utf8(digits.as_flattened()).unwrap_or_default());
}

/// The id of a request.
pub(crate) fn request_id(random: &dyn Random) -> String {
    let mut id = String::with_capacity(32);
    append_hex::<16>(random, &mut id);
    id
}

/// A W3C `traceparent` of a request that nobody traces: its ids join the lines of logs.
pub(crate) fn traceparent(random: &dyn Random) -> String {
    let mut trace = String::with_capacity(55);
    trace.push_str("00-");
    append_hex::<16>(random, &mut trace);
    trace.push('-');
    append_hex::<8>(random, &mut trace);
    trace.push_str("-00");
    trace
}

/// Whether `text` is a W3C `traceparent` of the version that we know.
pub(crate) fn is_traceparent(text: &str) -> bool {
    let mut fields = text.split('-');
    let (Some(version), Some(trace), Some(span), Some(flags), None) =
        (fields.next(), fields.next(), fields.next(), fields.next(), fields.next())
    else {
        return false;
    };
    let is_hex = |text: &str, length: usize| {
        text.len() == length && text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'))
    };
    let is_zero = |text: &str| text.bytes().all(|byte| byte == b'0');
    version == "00"
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

    /// Counts upwards, sixteen bits at a time, and how often it is asked.
    #[derive(Default)]
    struct Counting(Mutex<(u16, usize)>);

    impl Random for Counting {
        fn fill(&self, buffer: &mut [u8]) -> Result<(), RandomError> {
            let (number, asked) = &mut *self.0.lock();
            *asked += 1;
            for pair in buffer.chunks_mut(2) {
                *number += 1;
                pair.copy_from_slice(&number.to_be_bytes()[..pair.len()]);
            }
            Ok(())
        }
    }

    #[test]
    fn what_is_pooled_is_given_out_once_and_seldom_fetched() {
        let source = Arc::new(Counting::default());
        let pooled = Pooled::new(source.clone());
        let ids: Vec<String> = (0..1000).map(|_| request_id(&pooled)).collect();
        let unique: std::collections::HashSet<&String> = ids.iter().collect();
        assert_eq!(unique.len(), ids.len());
        assert_eq!(source.0.lock().1, 1000 * 16 / POOL_BYTES + 1);
        let mut much = [0; POOL_BYTES + 1];
        pooled.fill(&mut much).unwrap();
        assert_ne!(much[..16], much[16..32]);
    }

    #[test]
    fn jitter_stays_within_its_bounds() {
        let (from, to) = (Duration::from_secs(1), Duration::from_secs(2));
        for _ in 0..100 {
            assert!((from..=to).contains(&jitter(&SystemRandom, from, to)));
        }
    }
}
