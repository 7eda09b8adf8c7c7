//! The clock that all processes of this machine share, and that nobody sets.

use rustix::time::{ClockId, clock_gettime};

/// Microseconds on it.
pub fn monotonic() -> u64 {
    let now = clock_gettime(ClockId::Monotonic);
    let (seconds, nanos) = (u64::try_from(now.tv_sec), u64::try_from(now.tv_nsec));
    seconds.unwrap_or_default() * 1_000_000 + nanos.unwrap_or_default() / 1000
}
