//! Mails by SMTP.

use std::time::{Duration, UNIX_EPOCH};

use async_trait::async_trait;
use lettre::message::header::{ContentType, HeaderName, HeaderValue};
use lettre::message::{Mailbox, Message, MessageBuilder};
use lettre::transport::smtp::authentication::Credentials;
use lettre::transport::smtp::client::{Tls, TlsParameters};
use lettre::transport::smtp::{Error, PoolConfig};
use lettre::{AsyncSmtpTransport, AsyncTransport as _, Tokio1Executor};
use sha2::{Digest as _, Sha256};

use super::mailer::{Failure, Mail, Mailer};
use crate::config::{Mail as Settings, SmtpServer, SmtpTls};

/// How long the server may take for one step.
const STEP_TIMEOUT: Duration = Duration::from_secs(20);
/// How long the server may take for a mail.
const TIMEOUT: Duration = Duration::from_secs(60);
/// Most connections to the server.
const CONNECTIONS_MAX: u32 = 4;

/// A mail server.
pub(super) struct Smtp {
    transport: AsyncSmtpTransport<Tokio1Executor>,
    from: Mailbox,
}

impl Smtp {
    pub(super) fn new(server: &SmtpServer, settings: &Settings) -> Result<Self, Error> {
        let SmtpServer { host, port, tls } = server;
        let tls = match tls {
            SmtpTls::Never => Tls::None,
            SmtpTls::Upgrade => Tls::Required(TlsParameters::new(host.clone())?),
            SmtpTls::Always => Tls::Wrapper(TlsParameters::new(host.clone())?),
        };
        let mut transport = AsyncSmtpTransport::<Tokio1Executor>::builder_dangerous(host)
            .port(*port)
            .tls(tls)
            .timeout(Some(STEP_TIMEOUT))
            .pool_config(PoolConfig::new().max_size(CONNECTIONS_MAX));
        if let Some((user, password)) = &settings.login {
            transport = transport.credentials(Credentials::new(user.clone(), password.expose().to_owned()));
        }
        Ok(Self { transport: transport.build(), from: settings.from.clone() })
    }

    fn message(&self, mail: &Mail) -> Result<Message, Failure> {
        let to = mail.to.expose().parse().map_err(|_| Failure::lasting("no mail can go to this address"))?;
        // The key may tell of a reservation; its hash does not.
        let id: String =
            Sha256::digest(&mail.key).iter().take(16).map(|byte| format!("{byte:02x}")).collect();
        let builder: MessageBuilder = Message::builder()
            .from(self.from.clone())
            .to(Mailbox::new(None, to))
            .subject(mail.subject.clone())
            .date(UNIX_EPOCH + Duration::from_millis(mail.at.as_millis()))
            .message_id(Some(format!("<{id}@{}>", self.from.email.domain())))
            // Nobody's absence note shall answer it (RFC 3834).
            .raw_header(HeaderValue::new(
                HeaderName::new_from_ascii_str("Auto-Submitted"),
                "auto-generated".to_owned(),
            ))
            .header(ContentType::TEXT_PLAIN);
        builder.body(mail.text.clone()).map_err(|_| Failure::lasting("no mail can be made of this message"))
    }
}

#[async_trait]
impl Mailer for Smtp {
    async fn send(&self, mail: &Mail) -> Result<(), Failure> {
        let message = self.message(mail)?;
        match tokio::time::timeout(TIMEOUT, self.transport.send(message)).await {
            Ok(Ok(_)) => Ok(()),
            Ok(Err(error)) => Err(failure(&error)),
            Err(_) => Err(Failure::passing("the mail server took too long")),
        }
    }
}

/// What went wrong, without what the server said: it likes to repeat addresses.
fn failure(error: &Error) -> Failure {
    match error.status() {
        Some(code) if error.is_permanent() => Failure::lasting(format!("the mail server refused it: {code}")),
        Some(code) => Failure::passing(format!("the mail server does not take it now: {code}")),
        None if error.is_timeout() => Failure::passing("the mail server took too long"),
        None if error.is_tls() => Failure::passing("no TLS with the mail server"),
        None => Failure::passing("the mail server cannot be reached"),
    }
}
