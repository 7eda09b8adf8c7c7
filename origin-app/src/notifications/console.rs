//! Mails on standard output, for who develops: never in the log, which has nothing personal in it.

use std::io::Write as _;

use async_trait::async_trait;

use super::mailer::{Failure, Mail, Mailer};

/// Prints mails.
pub(super) struct Console;

#[async_trait]
impl Mailer for Console {
    async fn send(&self, mail: &Mail) -> Result<(), Failure> {
        let Mail { to, subject, text, .. } = mail;
        let page = format!("\n--- mail to {}\nSubject: {subject}\n\n{text}\n---\n", to.expose());
        // Whoever reads it may be slow.
        let written = tokio::task::spawn_blocking(move || {
            let mut console = std::io::stdout().lock();
            console.write_all(page.as_bytes()).and_then(|()| console.flush())
        });
        match written.await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(error)) => Err(Failure::passing(format!("standard output: {}", error.kind()))),
            Err(_) => Err(Failure::passing("standard output was not written to")),
        }
    }
}
