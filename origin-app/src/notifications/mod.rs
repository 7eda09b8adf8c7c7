//! What fans are told by mail: which notices there are, how each reads in each language, and how a mail gets out.

mod address;
mod console;
mod contact;
mod mailer;
mod notice;
mod notifier;
mod smtp;
mod texts;

pub use address::{EmailAddress, NoAddress};
pub use contact::{Contact, ContactStore};
pub use mailer::{Failure, Mail, Mailer};
pub use notice::{News, Notice, ReservationNotice, SecretText};
pub use notifier::Notifier;

use crate::config::{Mail as MailSettings, MailServer};
use std::sync::Arc;

/// The way out for mails that the configuration names.
///
/// # Errors
/// When there is no TLS to be had for it.
pub fn mailer(settings: &MailSettings) -> Result<Arc<dyn Mailer>, lettre::transport::smtp::Error> {
    Ok(match &settings.server {
        MailServer::Console => Arc::new(console::Console),
        MailServer::Smtp(server) => Arc::new(smtp::Smtp::new(server, settings)?),
    })
}
