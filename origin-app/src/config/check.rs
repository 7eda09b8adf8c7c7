//! From what is written to what is in force: defaults, ranges, and errors that name file, line and field.

use std::fmt::Display;
use std::net::SocketAddr;
use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};
use std::time::Duration;

use admission::keyring::Keyring;
use toml::Spanned;

use super::secrets::{self, Environment, OrganiserToken};
use super::wire::{Field, Wire, WireCache, WireHolds, WireLimits};
use super::{Args, CacheSettings, ConfigError, DatabaseUrl, EdgeKeys, EdgeTrust, Holds, Limits, Settings};
use super::{accounts, inventory, mail, payments as payments_of, telemetry};
use crate::tickets::TicketKeys;

const LISTEN: &str = "127.0.0.1:9090";
const DATABASE: &str = "sqlite://shop.db";
const EDGE_KEYS: &str = "STANCHION_EDGE_KEYS";
const ORGANISER_TOKEN: &str = "STANCHION_ORGANISER_TOKEN";
const TICKET_KEYS: &str = "STANCHION_TICKET_KEYS";

/// A configuration file: what to call it in errors, its text, and where paths inside it start.
pub(super) struct Source<'a> {
    pub(super) name: &'a str,
    pub(super) text: &'a str,
    pub(super) folder: &'a Path,
}

pub(super) fn settings(
    source: &Source<'_>,
    args: &Args,
    environment: Environment<'_>,
) -> Result<Settings, ConfigError> {
    let wire: Wire = toml::from_str(source.text).map_err(|error| source.malformed(&error))?;
    let Wire {
        listen,
        database,
        edge_keys_file,
        organiser_token_file,
        ticket_keys_file,
        require_edge,
        accounts,
        inventory,
        holds,
        payments,
        cache,
        mail,
        limits,
        telemetry,
    } = wire;
    let listen = source.listen(args.listen.as_deref(), listen.as_ref())?;
    let edge = match &require_edge {
        Some(required) if !required.get_ref() => {
            if !listen.ip().is_loopback() {
                let right = "it may be `false` only while `listen` is a loopback address";
                return Err(source.wrong("require_edge", required, right));
            }
            EdgeTrust::Off
        }
        _ => EdgeTrust::Required(source.edge_keys(edge_keys_file.as_ref(), environment)?),
    };
    let token_file = source.path(organiser_token_file.as_ref());
    let organiser_token = secrets::read(ORGANISER_TOKEN, token_file.as_deref(), environment)?
        .map(|token| OrganiserToken::new(token.trim()))
        .transpose()?;
    let keys_file = source.path(ticket_keys_file.as_ref());
    let ticket_keys = secrets::read(TICKET_KEYS, keys_file.as_deref(), environment)?
        .map(|keys| TicketKeys::parse(&keys))
        .transpose()
        .map_err(|error| ConfigError::new(format!("{TICKET_KEYS}: {error}")))?;
    Ok(Settings {
        listen,
        database: source.database(args.database.as_deref(), database.as_ref())?,
        edge,
        organiser_token,
        ticket_keys,
        accounts: accounts::check(source, &accounts)?,
        inventory: inventory::check(source, args.inventory.as_deref(), &inventory)?,
        holds: source.holds(&holds)?,
        payments: payments_of::check(source, &payments, environment)?,
        cache: source.cache(&cache)?,
        mail: mail::check(source, &mail, environment)?,
        limits: source.limits(&limits)?,
        telemetry: telemetry::check(source, &telemetry, environment)?,
    })
}

impl Source<'_> {
    fn listen(
        &self,
        given: Option<&str>,
        field: Option<&Spanned<String>>,
    ) -> Result<SocketAddr, ConfigError> {
        let right = "an address and a port are needed, such as `127.0.0.1:9090`";
        match (given, field) {
            (Some(text), _) => {
                text.parse().map_err(|_| ConfigError::new(format!("--listen: `{text}` is wrong; {right}")))
            }
            (None, Some(field)) => field.get_ref().parse().map_err(|_| self.wrong("listen", field, right)),
            (None, None) => LISTEN.parse().map_err(|_| ConfigError::new(right.to_owned())),
        }
    }

    fn database(
        &self,
        given: Option<&str>,
        field: Option<&Spanned<String>>,
    ) -> Result<DatabaseUrl, ConfigError> {
        match (given, field) {
            (Some(url), _) => DatabaseUrl::parse(url),
            (None, Some(field)) => DatabaseUrl::parse(field.get_ref())
                .map_err(|error| ConfigError::new(format!("{}: database: {error}", self.place(field)))),
            (None, None) => DatabaseUrl::parse(DATABASE),
        }
    }

    fn edge_keys(
        &self,
        field: Option<&Spanned<String>>,
        environment: Environment<'_>,
    ) -> Result<EdgeKeys, ConfigError> {
        let file = self.path(field);
        let Some(text) = secrets::read(EDGE_KEYS, file.as_deref(), environment)? else {
            return Err(ConfigError::new(format!(
                "there are no keys to check the edge's signature with: set {EDGE_KEYS} to what the edge signs \
                 with, or `edge_keys_file` in {}",
                self.name
            )));
        };
        let keys =
            Keyring::parse(&text).map_err(|error| ConfigError::new(format!("{EDGE_KEYS}: {error}")))?;
        // What the environment has comes before the file, and stays.
        let from_file = environment(EDGE_KEYS).is_none_or(|text| text.trim().is_empty());
        Ok(EdgeKeys::new(keys, file.filter(|_| from_file)))
    }

    fn holds(&self, wire: &WireHolds) -> Result<Holds, ConfigError> {
        let WireHolds { seconds, offer_seconds, seats_per_fan_max, sweep_seconds } = wire;
        Ok(Holds {
            duration: self.seconds("holds.seconds", seconds, 180, 1..=3600)?,
            offer: self.seconds("holds.offer_seconds", offer_seconds, 1800, 1..=86_400)?,
            seats_per_fan_max: self.number("holds.seats_per_fan_max", seats_per_fan_max, 4, 1..=100)?,
            sweep_every: self.seconds("holds.sweep_seconds", sweep_seconds, 2, 1..=60)?,
        })
    }

    fn cache(&self, wire: &WireCache) -> Result<CacheSettings, ConfigError> {
        let WireCache { event_seconds, seats_ms, list_seconds, entries } = wire;
        let seats: u64 = self.number("cache.seats_ms", seats_ms, 1000, 0..=60_000)?;
        Ok(CacheSettings {
            event: self.seconds("cache.event_seconds", event_seconds, 5, 0..=300)?,
            seats: Duration::from_millis(seats),
            list: self.seconds("cache.list_seconds", list_seconds, 5, 0..=300)?,
            entries: self.number("cache.entries", entries, 1000, 1..=100_000)?,
        })
    }

    fn limits(&self, wire: &WireLimits) -> Result<Limits, ConfigError> {
        let WireLimits {
            body_bytes,
            request_seconds,
            head_seconds,
            connections,
            requests_in_flight,
            database_connections,
            shutdown_seconds,
        } = wire;
        Ok(Limits {
            body_bytes: self.number("limits.body_bytes", body_bytes, 131_072, 1024..=1_048_576)?,
            request: self.seconds("limits.request_seconds", request_seconds, 20, 1..=300)?,
            head: self.seconds("limits.head_seconds", head_seconds, 75, 1..=600)?,
            connections: self.number("limits.connections", connections, 2048, 1..=20_000)?,
            requests_in_flight: self.number(
                "limits.requests_in_flight",
                requests_in_flight,
                1024,
                1..=20_000,
            )?,
            database_connections: self.number(
                "limits.database_connections",
                database_connections,
                16,
                2..=200,
            )?,
            shutdown: self.seconds("limits.shutdown_seconds", shutdown_seconds, 20, 0..=300)?,
        })
    }

    pub(super) fn seconds(
        &self,
        name: &str,
        field: &Field<i64>,
        default: u64,
        range: RangeInclusive<i64>,
    ) -> Result<Duration, ConfigError> {
        self.number(name, field, default, range).map(Duration::from_secs)
    }

    pub(super) fn number<T: TryFrom<i64>>(
        &self,
        name: &str,
        field: &Field<i64>,
        default: T,
        range: RangeInclusive<i64>,
    ) -> Result<T, ConfigError> {
        let Some(field) = field else {
            return Ok(default);
        };
        let value = *field.get_ref();
        range
            .contains(&value)
            .then(|| T::try_from(value).ok())
            .flatten()
            .ok_or_else(|| self.wrong(name, field, &format!("{} to {} is right", range.start(), range.end())))
    }

    pub(super) fn path(&self, field: Option<&Spanned<String>>) -> Option<PathBuf> {
        field.map(|field| self.folder.join(field.get_ref()))
    }

    pub(super) fn wrong<T: Display>(&self, name: &str, field: &Spanned<T>, right: &str) -> ConfigError {
        ConfigError::new(format!("{}: {name}: `{}` is wrong; {right}", self.place(field), field.get_ref()))
    }

    /// File and line of `field`.
    pub(super) fn place<T>(&self, field: &Spanned<T>) -> String {
        format!("{}:{}", self.name, self.line(field.span().start))
    }

    fn line(&self, offset: usize) -> usize {
        self.text.bytes().take(offset).filter(|byte| *byte == b'\n').count() + 1
    }

    fn malformed(&self, error: &toml::de::Error) -> ConfigError {
        let line = error.span().map_or(1, |span| self.line(span.start));
        ConfigError::new(format!("{}:{line}: {}", self.name, error.message()))
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    const KEYS: &str = "k1:AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8";

    fn read(text: &str) -> Result<Settings, String> {
        read_with(text, &|_| None)
    }

    /// What `text` says, with the edge's keys and the secrets of `environment`.
    pub(in crate::config) fn read_with(text: &str, environment: Environment<'_>) -> Result<Settings, String> {
        let environment = |name: &str| match name {
            EDGE_KEYS => Some(KEYS.to_owned()),
            other => environment(other),
        };
        let source = Source { name: "shop.toml", text, folder: Path::new("") };
        settings(&source, &Args::default(), &environment).map_err(|error| error.to_string())
    }

    #[test]
    fn the_shipped_file_is_complete_and_says_the_defaults() {
        let shipped = include_str!("../../../config/shop.toml");
        assert_eq!(read(shipped).unwrap().to_string(), read("").unwrap().to_string());
        for line in read("").unwrap().to_string().lines() {
            let key = line.split('=').next().unwrap_or_default().trim();
            assert!(shipped.contains(key) || key.starts_with('#'), "{key} is not in config/shop.toml");
        }
    }

    #[test]
    fn what_is_printed_reads_back() {
        let settings = read("[holds]\nseconds = 33\n[limits]\nconnections = 7").unwrap();
        assert_eq!(read(&settings.to_string()).unwrap().to_string(), settings.to_string());
    }

    #[test]
    fn errors_name_file_line_field_and_what_would_be_right() {
        for (text, expected) in [
            ("\n[holds]\nseconds = 0", "shop.toml:3: holds.seconds: `0` is wrong; 1 to 3600 is right"),
            (
                "[telemetry]\nendpoint = \"collector\"",
                "shop.toml:2: telemetry.endpoint: `collector` is wrong; the address of a collector that takes OTLP over \
                 HTTP is needed, such as `http://127.0.0.1:4318`; one beside the shop sends it on by TLS",
            ),
            (
                "[mail]\nserver = \"mail.example\"",
                "shop.toml:2: mail.server: `mail.example` is wrong; `console`, `smtps://<host>:465` (TLS), \
                 `smtp://<host>:587` (STARTTLS) or, on a loopback address only, `smtp://127.0.0.1:25` without TLS is \
                 right",
            ),
            (
                "[accounts]\norganisers = [\n  \"boss\",\n]",
                "shop.toml:3: accounts.organisers: `boss` is wrong; a mail address such as `organiser@example.com` is \
                 needed, 100 of them at most",
            ),
            (
                "[mail]\nuser = \"shop\"",
                "shop.toml:2: mail.user: `shop` is wrong; it needs a password, in STANCHION_SMTP_PASSWORD or in \
                 `mail.password_file`",
            ),
            (
                "[inventory]\nstore = \"redis\"",
                "shop.toml:2: inventory.store: this is no URL of Redis; `memory` is right, or the URL of one Redis such \
                 as `redis://127.0.0.1:6379/0` or `unix:///run/redis.sock`",
            ),
            (
                "listen = \"localhost\"",
                "shop.toml:1: listen: `localhost` is wrong; an address and a port are needed, such as \
                 `127.0.0.1:9090`",
            ),
            (
                "listen = \"0.0.0.0:80\"\nrequire_edge = false",
                "shop.toml:2: require_edge: `false` is wrong; it may be `false` only while `listen` is a loopback \
                 address",
            ),
        ] {
            assert_eq!(read(text).unwrap_err(), expected);
        }
        assert!(read("\nlisten = 3").unwrap_err().starts_with("shop.toml:2: "), "type");
        let unknown = read("[holds]\nsecond = 3").unwrap_err();
        assert!(unknown.starts_with("shop.toml:2: ") && unknown.contains("`seconds`"), "{unknown}");
    }

    #[test]
    fn without_keys_there_is_no_shop() {
        let source = Source { name: "shop.toml", text: "", folder: Path::new("") };
        let error = settings(&source, &Args::default(), &|_| None).unwrap_err().to_string();
        assert!(error.contains(EDGE_KEYS), "{error}");
        let development = Source { name: "shop.toml", text: "require_edge = false", folder: Path::new("") };
        assert!(settings(&development, &Args::default(), &|_| None).is_ok());
    }

    #[test]
    fn a_flag_wins_over_the_file() {
        let args = Args {
            listen: Some("127.0.0.1:1".into()),
            database: Some("sqlite::memory:".into()),
            ..Args::default()
        };
        let text = "listen = \"127.0.0.1:2\"\ndatabase = \"sqlite://x.db\"\nrequire_edge = false";
        let source = Source { name: "shop.toml", text, folder: Path::new("") };
        let settings = settings(&source, &args, &|_| None).unwrap();
        assert_eq!(settings.listen.port(), 1);
        assert_eq!(settings.database.to_string(), "sqlite::memory:");
    }
}
