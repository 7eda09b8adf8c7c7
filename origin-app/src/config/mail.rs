//! `[mail]`: how mails get out.

use std::fmt;

use axum::http::Uri;
use lettre::message::Mailbox;

use super::ConfigError;
use super::check::Source;
use super::secrets::{self, Environment};
use super::wire::WireMail;
use crate::notifications::SecretText;

const PASSWORD: &str = "STANCHION_SMTP_PASSWORD";
const FROM: &str = "Stanchion Tickets <tickets@localhost>";
const SITE: &str = "http://127.0.0.1:8080";

const SERVER_RIGHT: &str = "`console`, `smtps://<host>:465` (TLS), `smtp://<host>:587` (STARTTLS) or, on a loopback \
                            address only, `smtp://127.0.0.1:25` without TLS is right";

/// How mails get out.
#[derive(Clone, Debug)]
pub struct Mail {
    /// Who takes them.
    pub server: MailServer,
    /// User and password at the server.
    pub login: Option<(String, SecretText)>,
    /// Who they are from.
    pub from: Mailbox,
    /// Where fans reach the shop, for links; without a slash at its end.
    pub site: String,
}

/// Who takes mails.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MailServer {
    /// They are printed on standard output.
    Console,
    /// A server.
    Smtp(SmtpServer),
}

/// A mail server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SmtpServer {
    /// Its name or address.
    pub host: String,
    /// Its port.
    pub port: u16,
    /// How the connection is kept private.
    pub tls: SmtpTls,
}

/// How the connection to a mail server is kept private.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SmtpTls {
    /// It does not leave the machine.
    Never,
    /// By STARTTLS, which the server must offer.
    Upgrade,
    /// From its first byte on.
    Always,
}

pub(super) fn check(
    source: &Source<'_>,
    wire: &WireMail,
    environment: Environment<'_>,
) -> Result<Mail, ConfigError> {
    let WireMail { server, user, password_file, from, site } = wire;
    let server = match server {
        None => MailServer::Console,
        Some(field) => {
            server_of(field.get_ref()).ok_or_else(|| source.wrong("mail.server", field, SERVER_RIGHT))?
        }
    };
    let file = source.path(password_file.as_ref());
    let password = secrets::read(PASSWORD, file.as_deref(), environment)?;
    let login = match (user, password) {
        (Some(user), Some(password)) => {
            Some((user.get_ref().clone(), SecretText::new(password.trim_end_matches(['\r', '\n']))))
        }
        (Some(user), None) => {
            let right = format!("it needs a password, in {PASSWORD} or in `mail.password_file`");
            return Err(source.wrong("mail.user", user, &right));
        }
        (None, _) => None,
    };
    let right = "an address is needed, such as `Tickets <tickets@example.com>`";
    let from = match from {
        None => FROM.parse().map_err(|_| ConfigError::new(right.to_owned()))?,
        Some(field) => field.get_ref().parse().map_err(|_| source.wrong("mail.from", field, right))?,
    };
    let right = "the address where fans reach the shop is needed, such as `https://tickets.example.com`";
    let site = match site {
        None => SITE.to_owned(),
        Some(field) => site_of(field.get_ref()).ok_or_else(|| source.wrong("mail.site", field, right))?,
    };
    Ok(Mail { server, login, from, site })
}

fn server_of(text: &str) -> Option<MailServer> {
    if text == "console" {
        return Some(MailServer::Console);
    }
    let uri: Uri = text.parse().ok()?;
    let host = uri.host().filter(|_| !text.contains(['@', '?']))?.trim_matches(['[', ']']).to_owned();
    let is_near = host == "localhost" || host.parse().is_ok_and(|ip: std::net::IpAddr| ip.is_loopback());
    let (tls, port) = match uri.scheme_str()? {
        "smtps" => (SmtpTls::Always, 465),
        "smtp" if is_near => (SmtpTls::Never, 25),
        "smtp" => (SmtpTls::Upgrade, 587),
        _ => return None,
    };
    let port = uri.port_u16().unwrap_or(port);
    matches!(uri.path(), "" | "/").then_some(MailServer::Smtp(SmtpServer { host, port, tls }))
}

fn site_of(text: &str) -> Option<String> {
    let uri: Uri = text.parse().ok()?;
    let is_good = matches!(uri.scheme_str(), Some("http" | "https"))
        && uri.host().is_some()
        && uri.query().is_none()
        && !text.contains(['@', '#']);
    is_good.then(|| text.trim_end_matches('/').to_owned())
}

impl Default for Mail {
    /// As without a file.
    fn default() -> Self {
        Self {
            server: MailServer::Console,
            login: None,
            from: Mailbox::new(
                Some("Stanchion Tickets".to_owned()),
                lettre::Address::new_dangerous("tickets", "localhost"),
            ),
            site: SITE.to_owned(),
        }
    }
}

/// As it is in the file, without the password.
impl fmt::Display for Mail {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { server, login, from, site } = self;
        writeln!(f, "\n[mail]")?;
        match server {
            MailServer::Console => writeln!(f, "server = \"console\"")?,
            MailServer::Smtp(SmtpServer { host, port, tls }) => {
                let scheme = if *tls == SmtpTls::Always { "smtps" } else { "smtp" };
                let host = if host.contains(':') { format!("[{host}]") } else { host.clone() };
                writeln!(f, "server = \"{scheme}://{host}:{port}\"")?;
            }
        }
        if let Some((user, _)) = login {
            writeln!(f, "user = \"{user}\"\n# password: set")?;
        }
        writeln!(f, "from = \"{}\"\nsite = \"{site}\"", from.to_string().replace('"', "\\\""))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_says_by_its_scheme_how_it_is_kept_private() {
        let server = |text| match server_of(text) {
            Some(MailServer::Smtp(SmtpServer { host, port, tls })) => Some((host, port, tls)),
            _ => None,
        };
        assert_eq!(server_of("console"), Some(MailServer::Console));
        assert_eq!(server("smtp://127.0.0.1:1025"), Some(("127.0.0.1".into(), 1025, SmtpTls::Never)));
        assert_eq!(server("smtp://[::1]"), Some(("::1".into(), 25, SmtpTls::Never)));
        assert_eq!(server("smtp://mail.example"), Some(("mail.example".into(), 587, SmtpTls::Upgrade)));
        assert_eq!(server("smtps://mail.example/"), Some(("mail.example".into(), 465, SmtpTls::Always)));
        for wrong in [
            "",
            "mail.example",
            "http://mail.example",
            "smtp://u:s3cret@mail.example",
            "smtp:///",
            "smtp://m/x",
        ] {
            assert_eq!(server_of(wrong), None, "{wrong}");
        }
        let default: Mailbox = FROM.parse().unwrap();
        assert_eq!(Mail::default().from, default);
    }
}
