//! Configuration in force: read once at start, checked, and then plain values.
//!
//! `wire` is the file as written, `check` turns it into [`Settings`] and says what would be right where it
//! cannot. A key that is missing has the default that the shipped `config/shop.toml` shows.

mod accounts;
mod args;
mod check;
mod edge_keys;
mod inventory;
mod mail;
mod payments;
mod secrets;
mod telemetry;
mod wire;

use std::fmt;
use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

pub use accounts::Accounts;
pub use args::Args;
pub use edge_keys::EdgeKeys;
pub use inventory::{Inventory, InventoryStore};
pub use mail::{Mail, MailServer, SmtpServer, SmtpTls};
pub use payments::{Payments, Provider, StripeSettings};
pub use secrets::{Environment, ORGANISER_TOKEN_LENGTH_MIN, OrganiserToken, Secret};
pub use telemetry::Telemetry;

use crate::tickets::TicketKeys;
use check::Source;

/// Everything that the shop can be told.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Where to listen.
    pub listen: SocketAddr,
    /// Which database.
    pub database: DatabaseUrl,
    /// Whom to believe.
    pub edge: EdgeTrust,
    /// Who may create events; nobody when there is none.
    pub organiser_token: Option<OrganiserToken>,
    /// What tickets are signed with; without keys a ticket is its code alone.
    pub ticket_keys: Option<TicketKeys>,
    /// How accounts are run.
    pub accounts: Accounts,
    /// Where it is kept which seats are free.
    pub inventory: Inventory,
    /// How seats are held.
    pub holds: Holds,
    /// How payments are made.
    pub payments: Payments,
    /// How long what is read often is kept.
    pub cache: CacheSettings,
    /// How mails get out.
    pub mail: Mail,
    /// What bounds the shop.
    pub limits: Limits,
    /// Where traces go.
    pub telemetry: Telemetry,
}

/// Whether a request must carry the edge's signature.
#[derive(Clone, Debug)]
pub enum EdgeTrust {
    /// It must, made with one of these keys.
    Required(EdgeKeys),
    /// Anyone may say anything: for development, on the loopback interface only.
    Off,
}

/// How seats are held.
#[derive(Clone, Copy, Debug)]
pub struct Holds {
    /// How long a fan may think before paying.
    pub duration: Duration,
    /// Most seats of one event that one fan may have, held and sold together; counted by the fan's cookie and by
    /// the waiting room's ticket.
    pub seats_per_fan_max: u32,
    /// How long a seat that came back is kept for a fan who waited.
    pub offer: Duration,
    /// How often expired holds are swept and unsettled payments taken up again.
    pub sweep_every: Duration,
}

/// How long what is read often is kept, in memory. A change made by this shop is seen at once; one that another shop on
/// the same database made, after that time at the latest.
#[derive(Clone, Copy, Debug)]
pub struct CacheSettings {
    /// An event, its house and its sales.
    pub event: Duration,
    /// Which seats can be had.
    pub seats: Duration,
    /// A page of the list of events.
    pub list: Duration,
    /// Most of each kind.
    pub entries: usize,
}

/// What bounds the shop.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Longest body of a request.
    pub body_bytes: usize,
    /// Longest time for a request, from its head to its answer.
    pub request: Duration,
    /// Longest time for the head of a request, and so for an idle connection.
    pub head: Duration,
    /// Most connections at once.
    pub connections: usize,
    /// Most requests at once; one more is told to come back.
    pub requests_in_flight: usize,
    /// Most connections to the database.
    pub database_connections: u32,
    /// How long requests may take to finish when the shop stops.
    pub shutdown: Duration,
}

/// The address of a database; its password is never shown.
#[derive(Clone, PartialEq, Eq)]
pub struct DatabaseUrl(String);

impl DatabaseUrl {
    /// Takes `url`, which names the kind of database in its scheme.
    ///
    /// # Errors
    /// When the scheme is neither `sqlite:` nor `postgres:`.
    pub fn parse(url: &str) -> Result<Self, ConfigError> {
        let url = url.trim();
        if ["sqlite:", "postgres:", "postgresql:"].iter().any(|scheme| url.starts_with(scheme)) {
            Ok(Self(url.to_owned()))
        } else {
            // The text itself may hold a password, so it is not repeated.
            Err(ConfigError::new(
                "the database is neither `sqlite://<file>`, `sqlite::memory:` nor \
                 `postgres://<user>@<host>/<database>`"
                    .to_owned(),
            ))
        }
    }

    /// Which kind of database it is.
    pub fn kind(&self) -> &'static str {
        if self.0.starts_with("sqlite:") { "sqlite" } else { "postgresql" }
    }

    /// The address with its password, for connecting.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for DatabaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Whatever stands before the last `@`, and in a query, may be a secret.
        let bare = self.0.split('?').next().unwrap_or_default();
        match (bare.split_once("://"), bare.rsplit_once('@')) {
            (Some((scheme, _)), Some((_, host))) => write!(f, "{scheme}://…@{host}"),
            _ => f.write_str(bare),
        }
    }
}

impl fmt::Debug for DatabaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// The configuration cannot be used; the message says where, why, and what would be right.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct ConfigError {
    message: String,
}

impl ConfigError {
    fn new(message: String) -> Self {
        Self { message }
    }
}

impl Settings {
    /// Reads the file that `args` name, and the secrets.
    ///
    /// # Errors
    /// When the file or a secret is missing, malformed or out of range.
    pub fn load(args: &Args, environment: Environment<'_>) -> Result<Self, ConfigError> {
        let (name, text) = match &args.config {
            Some(path) => {
                let text = std::fs::read_to_string(path).map_err(|error| {
                    ConfigError::new(format!("{}: cannot be read: {error}", path.display()))
                })?;
                (path.display().to_string(), text)
            }
            None => ("(defaults)".to_owned(), String::new()),
        };
        let folder = args.config.as_deref().and_then(Path::parent).unwrap_or(Path::new(""));
        check::settings(&Source { name: &name, text: &text, folder }, args, environment)
    }
}

/// The configuration in force, in the form of the file, without secrets.
impl fmt::Display for Settings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Destructured, so that a new field cannot be forgotten here.
        let Self {
            listen,
            database,
            edge,
            organiser_token,
            ticket_keys,
            accounts,
            inventory,
            holds,
            payments,
            cache,
            mail,
            limits,
            telemetry,
        } = self;
        let Holds { duration, seats_per_fan_max, offer, sweep_every } = holds;
        let CacheSettings { event, seats, list, entries } = cache;
        let Limits {
            body_bytes,
            request,
            head,
            connections,
            requests_in_flight,
            database_connections,
            shutdown,
        } = limits;
        let keys = match edge {
            EdgeTrust::Required(keys) => format!("# edge keys: {keys:?}\nrequire_edge = true"),
            EdgeTrust::Off => "require_edge = false".to_owned(),
        };
        writeln!(f, "listen = \"{listen}\"\ndatabase = \"{database}\"\n{keys}")?;
        writeln!(f, "# organiser token: {}", if organiser_token.is_some() { "set" } else { "not set" })?;
        writeln!(
            f,
            "# ticket keys: {}",
            ticket_keys.as_ref().map_or("not set".to_owned(), |keys| format!("{keys:?}"))
        )?;
        write!(f, "{accounts}")?;
        writeln!(f, "\n[inventory]\nstore = \"{}\"", inventory.store)?;
        writeln!(f, "warm_up_seconds = {}", inventory.warm_up.as_secs())?;
        writeln!(f, "\n[holds]\nseconds = {}", duration.as_secs())?;
        writeln!(f, "offer_seconds = {}", offer.as_secs())?;
        writeln!(f, "seats_per_fan_max = {seats_per_fan_max}\nsweep_seconds = {}", sweep_every.as_secs())?;
        write!(f, "{payments}")?;
        writeln!(f, "\n[cache]\nevent_seconds = {}\nseats_ms = {}", event.as_secs(), seats.as_millis())?;
        writeln!(f, "list_seconds = {}\nentries = {entries}", list.as_secs())?;
        write!(f, "{mail}")?;
        writeln!(f, "\n[limits]\nbody_bytes = {body_bytes}\nrequest_seconds = {}", request.as_secs())?;
        writeln!(f, "head_seconds = {}\nconnections = {connections}", head.as_secs())?;
        writeln!(f, "requests_in_flight = {requests_in_flight}")?;
        writeln!(f, "database_connections = {database_connections}")?;
        writeln!(f, "shutdown_seconds = {}", shutdown.as_secs())?;
        write!(f, "{telemetry}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_password_of_a_database_is_shown() {
        let cases = [
            ("postgres://shop:s3cr@t@db.example:5432/shop?sslmode=x", "postgres://…@db.example:5432/shop"),
            ("postgres:///shop?host=/run/pg&password=s3cret", "postgres:///shop"),
            ("sqlite://shop.db", "sqlite://shop.db"),
            ("sqlite::memory:", "sqlite::memory:"),
        ];
        for (url, shown) in cases {
            assert_eq!(DatabaseUrl::parse(url).unwrap().to_string(), shown);
        }
        assert!(!DatabaseUrl::parse("mysql://u:s3cret@h/d").unwrap_err().to_string().contains("s3cret"));
    }
}
