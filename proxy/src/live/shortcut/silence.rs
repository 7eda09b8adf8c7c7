//! A connection on which nothing is asked: until when it may be, and what ends it before.

use std::future::poll_fn;
use std::mem::MaybeUninit;
use std::pin::Pin;
use std::task::{Context, Poll, Waker, ready};

use pingora::protocols::Stream;
use tokio::io::{AsyncRead as _, ReadBuf};
use tokio::sync::watch;
use tokio::time::{Instant, Sleep};

use super::READ;
use crate::listen::Meter;

/// What ends a connection on which nothing is asked.
pub(super) struct Silence<'a, E> {
    /// Rings when it has lasted too long, or before.
    alarm: Pin<&'a mut Sleep>,
    /// Done when idle connections are closed.
    ends: Pin<&'a mut E>,
    /// Whether there is news of that.
    news: watch::Receiver<bool>,
    /// Who is woken by both. They are asked again only when they have something to say: most requests come long before.
    woken: Option<Waker>,
}

impl<'a, E: Future<Output = ()>> Silence<'a, E> {
    /// Ends by `alarm`, or with `ends`, of which nobody hears without `news`.
    pub(super) fn new(alarm: Pin<&'a mut Sleep>, ends: Pin<&'a mut E>, news: watch::Receiver<bool>) -> Self {
        Self { alarm, ends, news, woken: None }
    }

    /// What is read next; nothing when that takes too long, when the client is gone, or when the connection ends. What
    /// waits holds no buffer.
    pub(super) async fn broken(
        &mut self,
        stream: &mut Stream,
        meter: &Meter,
        until: Instant,
    ) -> Option<Vec<u8>> {
        if until < self.alarm.deadline() {
            self.alarm.as_mut().reset(until);
            self.woken = None;
        }
        poll_fn(|cx| {
            let mut space = [MaybeUninit::uninit(); READ];
            let mut buffer = ReadBuf::uninit(&mut space);
            if let Poll::Ready(outcome) = Pin::new(&mut *stream).poll_read(cx, &mut buffer) {
                let came = Some(buffer.filled()).filter(|came| !came.is_empty() && outcome.is_ok());
                return Poll::Ready(came.map(<[u8]>::to_vec));
            }
            meter.waits();
            ready!(self.poll_over(cx, until));
            Poll::Ready(None)
        })
        .await
    }

    /// Ready when it is over.
    fn poll_over(&mut self, cx: &mut Context<'_>, until: Instant) -> Poll<()> {
        let is_quiet = !self.alarm.is_elapsed() && matches!(self.news.has_changed(), Ok(false));
        if is_quiet && self.woken.as_ref().is_some_and(|woken| woken.will_wake(cx.waker())) {
            return Poll::Pending;
        }
        if self.ends.as_mut().poll(cx).is_ready() {
            return Poll::Ready(());
        }
        // Set anew only where it rings.
        while self.alarm.as_mut().poll(cx).is_ready() {
            if Instant::now() >= until {
                return Poll::Ready(());
            }
            self.alarm.as_mut().reset(until);
        }
        self.woken = Some(cx.waker().clone());
        Poll::Pending
    }
}

#[cfg(test)]
mod tests {
    use std::pin::pin;
    use std::time::Duration;

    use tokio::io::AsyncWriteExt as _;
    use tokio::time::{advance, sleep_until};

    use super::*;

    /// Reads a few times, and then waits for what ends it; at the last, for so long.
    async fn after_requests(count: usize, news: watch::Receiver<bool>, last: Duration) -> Duration {
        let (near, mut far) = tokio::io::duplex(64);
        let mut stream: Stream = Box::new(near);
        let meter = Meter::default();
        let first = Instant::now() + Duration::from_secs(10);
        let mut ends = news.clone();
        let mut ends = pin!(async move { drop(ends.wait_for(|ends| *ends).await) });
        let mut alarm = pin!(sleep_until(first));
        let mut silence = Silence::new(alarm.as_mut(), ends.as_mut(), news);
        for _ in 0..count {
            let until = Instant::now() + Duration::from_secs(60);
            let (came, ()) = tokio::join!(silence.broken(&mut stream, &meter, until), async {
                tokio::task::yield_now().await;
                advance(Duration::from_secs(7)).await;
                far.write_all(b"more").await.unwrap();
            });
            assert_eq!(came.as_deref(), Some(&b"more"[..]));
        }
        let began = Instant::now();
        assert!(silence.broken(&mut stream, &meter, began + last).await.is_none());
        began.elapsed()
    }

    #[tokio::test(start_paused = true)]
    async fn silence_lasts_as_long_as_it_may() {
        let news = watch::Sender::new(false);
        for count in [0, 1, 5, 20] {
            for seconds in [1, 30, 60, 100] {
                let last = Duration::from_secs(seconds);
                let lasted = after_requests(count, news.subscribe(), last).await;
                assert!(
                    lasted >= last && lasted < last + Duration::from_secs(1),
                    "{count} {last:?} {lasted:?}"
                );
            }
        }
    }

    #[tokio::test(start_paused = true)]
    async fn it_ends_when_idle_connections_are_closed() {
        for count in [0, 1, 5] {
            let news = watch::Sender::new(false);
            let (lasted, ()) =
                tokio::join!(after_requests(count, news.subscribe(), Duration::from_secs(600)), async {
                    tokio::time::sleep(Duration::from_secs(90)).await;
                    news.send_replace(true);
                });
            assert!(lasted < Duration::from_secs(100), "{count} {lasted:?}");
        }
    }
}
