//! The shop's pages in a real Chromium: by keyboard, without script, in both languages, on a phone, in the dark; judged
//! by axe and by the browser's own log. How Chromium is driven is shared with the pages of the edge.

#![expect(
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test that cannot go on stops"
)]

#[path = "../../../proxy/tests/browser/axe.rs"]
mod axe;
mod buying;
#[expect(dead_code, reason = "what the pages of the edge need more of it")]
#[path = "../../../proxy/tests/browser/chromium.rs"]
mod chromium;
#[expect(dead_code, reason = "what other tests need more of it")]
#[path = "../it/support/clock.rs"]
mod clock;
mod gallery;
mod leaving;
mod looking;
mod paying;
mod shop;
#[expect(dead_code, reason = "what the tests of mail need more of it")]
#[path = "../it/support/smtp.rs"]
mod smtp;
mod stand_in;
#[expect(dead_code, unused_imports, reason = "what the tests of the money need more of it")]
#[path = "../it/support/stripe/mod.rs"]
mod stripe;
mod waiting;

/// Waits until `check` gives something.
async fn eventually<T, F: Future<Output = Option<T>>>(what: &str, mut check: impl FnMut() -> F) -> T {
    for _ in 0..1200 {
        if let Some(found) = check().await {
            return found;
        }
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    panic!("not within a minute: {what}");
}

/// What the shared helpers ask of the tests around them.
mod harness {
    use std::time::Duration;

    /// How long anything may take.
    pub(crate) const PATIENCE: Duration = Duration::from_secs(60);
}
