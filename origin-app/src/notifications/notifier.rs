//! From a notice to a mail that is out.

use std::sync::Arc;

use admission::clock::Timestamp;

use super::mailer::{Failure, Mail, Mailer};
use super::notice::Notice;
use super::texts::Texts;
use crate::events::{Event, EventStore};
use crate::outbox::Letter;

/// Tells fans what there is to tell.
pub struct Notifier {
    events: Arc<dyn EventStore>,
    mailer: Arc<dyn Mailer>,
    texts: Texts,
}

impl Notifier {
    /// Tells of `events`, by `mailer`, with links to the shop at `site`.
    ///
    /// # Errors
    /// When a text is not well formed, which a test would have noticed.
    pub fn new(
        events: Arc<dyn EventStore>,
        mailer: Arc<dyn Mailer>,
        site: &str,
    ) -> Result<Self, minijinja::Error> {
        Ok(Self { events, mailer, texts: Texts::new(site)? })
    }

    /// Sends the mail that `letter` comes to.
    ///
    /// # Errors
    /// When it did not get out.
    pub async fn send(&self, letter: &Letter, now: Timestamp) -> Result<(), Failure> {
        let event = self.event(&letter.notice, now).await?;
        let (subject, text) = self
            .texts
            .of(&letter.notice, event.as_ref(), letter.language)
            .map_err(|error| Failure::lasting(format!("its text cannot be made: {:?}", error.kind())))?;
        let (key, to) = (letter.key.clone(), letter.to.clone());
        self.mailer.send(&Mail { key, to, subject, text, at: now }).await
    }

    async fn event(&self, notice: &Notice, now: Timestamp) -> Result<Option<Event>, Failure> {
        let id = match notice {
            Notice::Reservation(notice) => &notice.event,
            Notice::Offer { event, .. } => event,
            Notice::SignUp { .. }
            | Notice::SignUpAgain
            | Notice::Reset { .. }
            | Notice::PasswordChanged { .. } => return Ok(None),
        };
        match self.events.find(id, now).await {
            Ok(Some(found)) => Ok(Some(found.event)),
            Ok(None) => Err(Failure::lasting("there is no such event")),
            Err(error) => Err(Failure::passing(error.to_string())),
        }
    }
}
