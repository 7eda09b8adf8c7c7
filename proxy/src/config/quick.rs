//! An edge in front of a site by flags alone: they are written as the two files, and those are read like any others.

use std::fmt::Write as _;
use std::net::SocketAddr;
use std::path::Path;

use admission::clock::Timestamp;
use admission::rules::DRAIN_PER_MINUTE_MAX;
use http::Uri;
use toml::Value;

use super::{Config, ConfigError, edge, rooms};
use crate::gate::routes::{PathRule, Route};

/// The room's id: it is in the names of cookies, so short.
const ROOM: &str = "main";
/// The heading of the waiting page where none is named.
const TITLE: &str = "Waiting room";
/// The rate where none is named, as in rooms.toml: what one small server answers without sweat.
const DRAIN_PER_MINUTE: u64 = 600;
/// For how many minutes a session lasts at the most (`session_max`): so many minutes' fans are inside at once.
const SESSION_MINUTES: u64 = 60;
/// Fewest fans inside where nothing is said, as in rooms.toml.
const ACTIVE_LEAST: u64 = 1000;

/// What the flags say.
#[derive(Clone, Debug, Default)]
pub struct QuickStart {
    /// The site: `http://host:port` or `https://host`.
    pub origin: String,
    /// The paths to protect, as in rooms.toml.
    pub protect: Vec<String>,
    /// Fans admitted a minute.
    pub drain_per_minute: Option<String>,
    /// Fans who are inside at once.
    pub max_active: Option<String>,
    /// The heading of the waiting page.
    pub title: Option<String>,
    /// Where fans connect.
    pub listen: Option<SocketAddr>,
    /// Where health is told.
    pub admin_listen: Option<SocketAddr>,
}

/// The flags as the texts of two files that say the same.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct QuickFiles {
    /// `edge.toml`.
    pub edge: String,
    /// `rooms.toml`.
    pub rooms: String,
}

impl QuickStart {
    /// The flags as files.
    ///
    /// # Errors
    /// The first flag that is wrong, with what would be right.
    pub fn files(&self) -> Result<QuickFiles, ConfigError> {
        let Origin { address, tls_name } = Origin::parse(&self.origin)?;
        let mut edge = String::new();
        for (key, listen) in [("listen", self.listen), ("admin_listen", self.admin_listen)] {
            if let Some(listen) = listen {
                let _ = writeln!(edge, "{key} = \"{listen}\"");
            }
        }
        let _ = writeln!(edge, "[upstream]\naddress = {}", quoted(&address));
        if let Some(name) = tls_name {
            let _ = writeln!(edge, "tls_name = {}", quoted(&name));
        }
        let paths = protected(&self.protect)?;
        let paths: Vec<String> = paths.iter().map(|path| quoted(path)).collect();
        let drain = number("--drain-per-minute", self.drain_per_minute.as_deref(), DRAIN_PER_MINUTE_MAX)?
            .unwrap_or(DRAIN_PER_MINUTE);
        // Who asks for a rate gets that rate: a site that does not tell when a visit ends keeps its fans for as long as
        // a session lasts, and a lower bound on them would slow the line down.
        let most = number("--max-active", self.max_active.as_deref(), 100_000_000)?
            .unwrap_or_else(|| drain.saturating_mul(SESSION_MINUTES).clamp(ACTIVE_LEAST, 100_000_000));
        let title = quoted(self.title.as_deref().unwrap_or(TITLE));
        let rooms = format!(
            "[[room]]\nid = \"{ROOM}\"\npaths = [{}]\ntitle = {title}\ndrain_per_minute = {drain}\nmax_active = {most}\n",
            paths.join(", ")
        );
        Ok(QuickFiles { edge, rooms })
    }

    /// The configuration that the files make.
    ///
    /// # Errors
    /// When a flag is wrong.
    pub fn load(&self, now: Timestamp) -> Result<(Config, QuickFiles), ConfigError> {
        let files = self.files()?;
        let flags = Path::new("what the flags say");
        let config = Config {
            edge: edge::parse(flags, &files.edge)?,
            edge_text: files.edge.clone(),
            rooms: rooms::parse(flags, &files.rooms)?,
            revision: now.as_millis(),
            rooms_text: files.rooms.clone(),
            rooms_file: None,
        };
        Ok((config, files))
    }
}

/// Where the site is.
#[derive(Debug, PartialEq, Eq)]
struct Origin {
    address: String,
    /// The name in its certificate, where it speaks TLS.
    tls_name: Option<String>,
}

impl Origin {
    fn parse(text: &str) -> Result<Self, ConfigError> {
        let refuse = |needed: &str| wrong("--origin", text, needed);
        let needed =
            "the address of your site is needed, such as http://127.0.0.1:3000 or https://shop.internal";
        if !text.contains("://") {
            return Err(refuse(&format!("{needed}; is http://{text} meant?")));
        }
        let uri: Uri = text.parse().map_err(|_| refuse(needed))?;
        let (is_tls, default_port) = match uri.scheme_str() {
            Some("http") => (false, 80),
            Some("https") => (true, 443),
            _ => return Err(refuse(needed)),
        };
        let (Some(authority), Some(host)) = (uri.authority(), uri.host().filter(|host| !host.is_empty()))
        else {
            return Err(refuse(needed));
        };
        if authority.as_str().contains('@') {
            // Not repeated: it may be a password.
            let problem = "found a user name in it; the edge cannot log in, so write the address without";
            return Err(ConfigError::whole(Path::new("--origin"), problem));
        }
        if !matches!(uri.path(), "" | "/") || uri.query().is_some() {
            let needed = "only scheme, host and port are needed: visitors' paths go to the site as they are";
            return Err(refuse(needed));
        }
        let port = match authority.as_str().strip_prefix(host) {
            Some("") => default_port,
            Some(port) => match port.strip_prefix(':').and_then(|port| port.parse::<u16>().ok()) {
                Some(port) if port > 0 => port,
                _ => return Err(refuse("a port is a number from 1 to 65535")),
            },
            None => return Err(refuse(needed)),
        };
        let name = host.trim_start_matches('[').trim_end_matches(']');
        Ok(Self { address: format!("{host}:{port}"), tls_name: is_tls.then(|| name.to_owned()) })
    }
}

/// The paths, and with everything below a page that page itself: `/shop/*` alone would leave the shop's front door open.
fn protected(paths: &[String]) -> Result<Vec<String>, ConfigError> {
    if paths.is_empty() {
        let problem = "nothing would be protected; say which pages are to have a line, such as --protect '/shop/*', or \
                       --protect '/*' for all of them";
        return Err(ConfigError::whole(Path::new("--protect"), problem));
    }
    let mut taken: Vec<Route> = Vec::new();
    let mut all = Vec::new();
    for path in paths {
        let parent = path.strip_suffix("/*").filter(|parent| !parent.is_empty());
        for path in parent.into_iter().chain([path.as_str()]) {
            let Some(rule) = PathRule::parse(path) else {
                let needed = "a path of your site is needed, such as '/buy', '/shop/*' for a page and everything below it, \
                              or a pattern such as '/event-*'; in quotes, without `//`, `.`, `..`, `**`, `%`, `?`, `#` or \
                              `;`, and not below /.waiting-room";
                return Err(wrong("--protect", path, needed));
            };
            let route = Route::new(None, rule, 0);
            if !taken.iter().any(|other| other.same_as(&route)) {
                taken.push(route);
                all.push(path.to_owned());
            }
        }
    }
    Ok(all)
}

fn number(flag: &str, text: Option<&str>, most: u64) -> Result<Option<u64>, ConfigError> {
    let Some(text) = text else { return Ok(None) };
    match text.parse() {
        Ok(number) if (1..=most).contains(&number) => Ok(Some(number)),
        _ => {
            Err(wrong(flag, text, &format!("a whole number of fans from 1 to {most} is needed, such as 600")))
        }
    }
}

fn wrong(flag: &str, found: &str, needed: &str) -> ConfigError {
    ConfigError::whole(Path::new(flag), format!("found {}; {needed}", quoted(found)))
}

/// As a string of TOML.
fn quoted(text: &str) -> String {
    Value::from(text).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn start(origin: &str, protect: &[&str]) -> QuickStart {
        let protect = protect.iter().map(|&path| path.to_owned()).collect();
        QuickStart { origin: origin.to_owned(), protect, ..QuickStart::default() }
    }

    #[test]
    fn an_origin_is_a_scheme_a_host_and_perhaps_a_port() {
        for (text, address, name) in [
            ("http://127.0.0.1:3000", "127.0.0.1:3000", None),
            ("http://127.0.0.1:3000/", "127.0.0.1:3000", None),
            ("http://localhost", "localhost:80", None),
            ("HTTP://shop_1:81", "shop_1:81", None),
            ("http://[::1]:3000", "[::1]:3000", None),
            ("https://shop.internal", "shop.internal:443", Some("shop.internal")),
            ("https://[::1]", "[::1]:443", Some("::1")),
        ] {
            let origin = Origin::parse(text).unwrap();
            assert_eq!((origin.address.as_str(), origin.tls_name.as_deref()), (address, name), "{text}");
        }
        for bad in [
            "",
            "shop",
            "127.0.0.1:3000",
            "ftp://shop",
            "http://",
            "http://:80",
            "http://shop/path",
            "http://shop?x",
            "http://shop:0",
            "http://shop:",
            "http://shop:70000",
            "http://a b",
            "/shop",
            "http://user:hunter2@shop",
        ] {
            let error = Origin::parse(bad).unwrap_err().to_string();
            assert!(error.starts_with("--origin: found") && !error.contains("hunter2"), "{bad}: {error}");
        }
    }

    #[test]
    fn the_page_above_is_protected_too_and_nothing_twice() {
        for (given, all) in [
            (vec!["/shop/*"], vec!["/shop", "/shop/*"]),
            (vec!["/*"], vec!["/*"]),
            (vec!["/buy"], vec!["/buy"]),
            (vec!["/shop/*", "/Shop", "/shop/*", "/buy"], vec!["/shop", "/shop/*", "/buy"]),
            (vec!["/a-*/b/*"], vec!["/a-*/b", "/a-*/b/*"]),
        ] {
            let given: Vec<String> = given.into_iter().map(str::to_owned).collect();
            assert_eq!(protected(&given).unwrap(), all);
        }
    }

    #[test]
    fn the_rate_is_the_rate_though_nobody_says_when_a_visit_ends() {
        let quick = QuickStart { drain_per_minute: Some("600".to_owned()), ..start("http://h:1", &["/*"]) };
        let (config, _) = quick.load(Timestamp::from_millis(1)).unwrap();
        let rules = &config.rooms[0].rules;
        assert_eq!(u128::from(SESSION_MINUTES * 60_000), rules.session_max.as_millis());
        assert_eq!((rules.drain_per_minute, rules.max_active), (600, 36_000));
    }

    #[test]
    fn what_is_between_quotes_stays_there() {
        let quick = QuickStart { title: Some("a \"b\"\n[x]\\".to_owned()), ..start("http://h:1", &["/*"]) };
        let (config, _) = quick.load(Timestamp::from_millis(1)).unwrap();
        assert_eq!(config.rooms[0].title, "a \"b\"\n[x]\\");
    }
}
