//! The port to whoever takes mails.

use admission::clock::Timestamp;
use async_trait::async_trait;

use super::address::EmailAddress;

/// A mail, ready to go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mail {
    /// What makes its `Message-ID`, the same whenever the same is told.
    pub key: String,
    /// Where it goes.
    pub to: EmailAddress,
    /// Its subject, one line.
    pub subject: String,
    /// Its text.
    pub text: String,
    /// When it is sent.
    pub at: Timestamp,
}

/// Why a mail did not get out. It is kept and logged, so it never says to whom or what.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{why}")]
pub struct Failure {
    /// What happened.
    pub why: String,
    /// Whether it would happen again.
    pub for_good: bool,
}

impl Failure {
    /// What may be over next time.
    pub fn passing(why: impl Into<String>) -> Self {
        Self { why: why.into(), for_good: false }
    }

    /// What will be the same next time.
    pub fn lasting(why: impl Into<String>) -> Self {
        Self { why: why.into(), for_good: true }
    }
}

/// Takes mails.
#[async_trait]
pub trait Mailer: Send + Sync {
    /// Hands `mail` over.
    async fn send(&self, mail: &Mail) -> Result<(), Failure>;
}
