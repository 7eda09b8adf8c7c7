//! How long something may take.

use std::future::poll_fn;
use std::pin::pin;
use std::task::Poll;
use std::time::Duration;

use tokio::time::error::Elapsed;
use tokio::time::timeout;

/// The outcome of `work`, if it takes no longer than `time`. What is done at once, as writing nearly always is, needs
/// neither clock nor timer.
///
/// # Errors
/// When it takes longer.
pub(crate) async fn within<T>(time: Duration, work: impl Future<Output = T>) -> Result<T, Elapsed> {
    let mut work = pin!(work);
    if let Poll::Ready(done) = poll_fn(|cx| Poll::Ready(work.as_mut().poll(cx))).await {
        return Ok(done);
    }
    timeout(time, work).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn what_takes_too_long_is_given_up() {
        let time = Duration::from_secs(3);
        assert_eq!(within(time, async { 1 }).await.ok(), Some(1));
        let after = |seconds| tokio::time::sleep(Duration::from_secs(seconds));
        assert!(within(time, after(2)).await.is_ok());
        assert!(within(time, after(4)).await.is_err());
    }
}
