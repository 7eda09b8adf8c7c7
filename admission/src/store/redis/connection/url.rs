//! The URL that says how Redis is reached.

use redis::{ConnectionAddr, ConnectionInfo, IntoConnectionInfo, RedisConnectionInfo, RedisError};

use crate::store::redis::tls::{self, Tls};

const CLUSTER: &str = "redis+cluster://";
const SENTINEL: &str = "redis+sentinel://";
const CLUSTER_FORM: &str = "redis+cluster://[user:password@]host:port,host:port,…";
const SENTINEL_FORM: &str = "redis+sentinel://[user:password@]host:port,host:port,…/service[/db]";
const FORMS: &str = "redis://[user:password@]host:port[/db], unix:///path[?db=…], \
                     redis+cluster://[user:password@]host:port,host:port,… or \
                     redis+sentinel://[user:password@]host:port,host:port,…/service[/db]; with rediss for redis it is \
                     spoken over TLS, and ?ca=FILE (and &cert=FILE&key=FILE) may follow";
/// Most addresses in one URL.
const ADDRESSES_MAX: usize = 64;

/// A URL does not say how to reach Redis. What it says of the URL never holds the password.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{wrong}; the form is {form}")]
pub struct UrlError {
    wrong: String,
    form: &'static str,
}

/// What a URL leads to.
#[derive(Debug)]
pub(super) enum Target {
    Server(ConnectionInfo),
    Cluster {
        /// Nodes to ask for all the others.
        nodes: Vec<ConnectionAddr>,
        manner: Manner,
    },
    Sentinels {
        sentinels: Vec<ConnectionAddr>,
        service: String,
        manner: Manner,
    },
}

/// How the servers of one URL are spoken with, wherever they are.
#[derive(Clone, Debug)]
pub(super) struct Manner {
    settings: RedisConnectionInfo,
    tls: Option<Tls>,
}

impl Manner {
    /// One of the servers, with the login.
    pub(super) fn server(&self, address: impl IntoConnectionInfo) -> Result<ConnectionInfo, RedisError> {
        self.bare(address).map(|server| server.set_redis_settings(self.settings.clone()))
    }

    /// The same without a login.
    pub(super) fn bare(&self, address: impl IntoConnectionInfo) -> Result<ConnectionInfo, RedisError> {
        let server = address.into_connection_info()?;
        match &self.tls {
            Some(tls) => tls.secure(server),
            None => Ok(server),
        }
    }

    /// The same for what knows no databases.
    pub(super) fn without_database(mut self) -> Self {
        self.settings = self.settings.set_db(0);
        self
    }
}

impl Target {
    pub(super) fn parse(url: &str) -> Result<Self, UrlError> {
        let (url, tls) = tls::take(url).map_err(|wrong| UrlError { wrong, form: FORMS })?;
        if let Some(rest) = url.strip_prefix(CLUSTER) {
            Self::cluster(rest, tls).map_err(|wrong| UrlError { wrong, form: CLUSTER_FORM })
        } else if let Some(rest) = url.strip_prefix(SENTINEL) {
            Self::sentinels(rest, tls).map_err(|wrong| UrlError { wrong, form: SENTINEL_FORM })
        } else {
            Self::server(&url, tls.as_ref()).map_err(|wrong| UrlError { wrong, form: FORMS })
        }
    }

    fn server(url: &str, tls: Option<&Tls>) -> Result<Self, String> {
        let scheme = url.split_once(':').map_or("", |(scheme, _)| scheme);
        match scheme {
            "redis" | "valkey" | "unix" | "redis+unix" | "valkey+unix" => {
                // What redis says of a URL names the part that is wrong, and not what stood there.
                let server = url.into_connection_info().map_err(|error| error.to_string())?;
                let server = tls.map_or(Ok(server.clone()), |tls| tls.secure(server));
                server.map(Self::Server).map_err(|error| error.to_string())
            }
            _ => Err("this is no URL of Redis".to_owned()),
        }
    }

    fn cluster(rest: &str, tls: Option<Tls>) -> Result<Self, String> {
        let Parts { login, addresses, path } = Parts::of(rest)?;
        if !path.is_empty() {
            return Err("a cluster has no databases to choose from".to_owned());
        }
        Ok(Self::Cluster { nodes: addresses, manner: Manner { settings: settings(login, "")?, tls } })
    }

    fn sentinels(rest: &str, tls: Option<Tls>) -> Result<Self, String> {
        let Parts { login, addresses, path } = Parts::of(rest)?;
        let (service, db) = path.split_once('/').unwrap_or((path, ""));
        if service.is_empty() {
            return Err("the name of the service is missing after the addresses".to_owned());
        }
        if !db.is_empty() && db.parse::<u16>().is_err() {
            return Err("the database is no number".to_owned());
        }
        Ok(Self::Sentinels {
            sentinels: addresses,
            service: service.to_owned(),
            manner: Manner { settings: settings(login, db)?, tls },
        })
    }
}

/// `login@addresses/path`.
struct Parts<'a> {
    login: &'a str,
    addresses: Vec<ConnectionAddr>,
    path: &'a str,
}

impl<'a> Parts<'a> {
    fn of(rest: &'a str) -> Result<Self, String> {
        if rest.contains(['?', '#']) {
            return Err(
                "nothing may follow a `?` or `#`; in a password they are written %3F and %23".to_owned()
            );
        }
        let (authority, path) = rest.split_once('/').unwrap_or((rest, ""));
        if path.contains('@') {
            return Err("a `/` stands before the `@`; in a password it is written %2F".to_owned());
        }
        let (login, hosts) = authority.split_once('@').unwrap_or(("", authority));
        if hosts.contains('@') {
            return Err(
                "there is more than one `@`: the login stands once, before all addresses; in a password \
                        an `@` is written %40"
                    .to_owned(),
            );
        }
        let hosts: Vec<&str> = hosts.split(',').collect();
        if hosts.len() > ADDRESSES_MAX {
            return Err(format!("{} addresses are too many, {ADDRESSES_MAX} are the most", hosts.len()));
        }
        let addresses = hosts.into_iter().map(address).collect::<Result<_, _>>()?;
        Ok(Self { login, addresses, path: path.trim_end_matches('/') })
    }
}

fn address(text: &str) -> Result<ConnectionAddr, String> {
    let wrong = || format!("`{text}` is no address with a port");
    let (host, port) = text.rsplit_once(':').ok_or_else(wrong)?;
    if host.is_empty() || !port.parse::<u16>().is_ok_and(|port| port != 0) {
        return Err(wrong());
    }
    let server = format!("redis://{text}").into_connection_info().map_err(|_| wrong())?;
    Ok(server.addr().clone())
}

/// Lets redis decode what may be percent-encoded.
fn settings(login: &str, db: &str) -> Result<RedisConnectionInfo, String> {
    let at = if login.is_empty() { "" } else { "@" };
    let server = format!("redis://{login}{at}localhost/{db}");
    let server = server.into_connection_info().map_err(|_| "the login cannot be read".to_owned())?;
    Ok(server.redis_settings().clone())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_form_is_understood() {
        for url in ["redis://127.0.0.1:6379", "redis://:p@h/2", "unix:///run/redis.sock?db=1"] {
            assert!(matches!(Target::parse(url), Ok(Target::Server(_))), "{url}");
        }
        let Target::Cluster { nodes, manner: Manner { settings, tls } } =
            Target::parse("redis+cluster://u:p%40ss@a:1,10.0.0.2:2,[::1]:3/").unwrap()
        else {
            panic!("no cluster")
        };
        assert_eq!(nodes.iter().map(ToString::to_string).collect::<Vec<_>>(), ["a:1", "10.0.0.2:2", "::1:3"]);
        assert_eq!((settings.username(), settings.password()), (Some("u"), Some("p@ss")));
        assert!(tls.is_none());
        let Target::Sentinels { sentinels, service, manner: Manner { settings, .. } } =
            Target::parse("redis+sentinel://:p@a:1,b:2/main/3").unwrap()
        else {
            panic!("no sentinels")
        };
        assert_eq!((sentinels.len(), service.as_str(), settings.db()), (2, "main", 3));
        assert_eq!((settings.username(), settings.password()), (None, Some("p")));
        assert!(Target::parse("redis+sentinel://a:1/main").is_ok());
        let Target::Server(server) = Target::parse("rediss://u:p%40ss@a:1/3").unwrap() else {
            panic!("no server")
        };
        assert!(matches!(server.addr(), ConnectionAddr::TcpTls { insecure: false, .. }));
        assert_eq!((server.redis_settings().password(), server.redis_settings().db()), (Some("p@ss"), 3));
        for url in ["rediss+cluster://u:p@a:1,b:2", "rediss+sentinel://a:1/main", "rediss+cluster://a:1?"] {
            let (Target::Cluster { manner, .. } | Target::Sentinels { manner, .. }) =
                Target::parse(url).unwrap()
            else {
                panic!("{url}")
            };
            let node = manner.server(("c", 3)).unwrap();
            assert!(
                matches!(node.addr(), ConnectionAddr::TcpTls { insecure: false, .. }),
                "those that are heard of too"
            );
        }
    }

    #[test]
    fn a_wrong_url_is_told_what_would_be_right_and_its_password_is_not_told() {
        for (url, words) in [
            ("http://u:hunter2@a:1", "no URL of Redis"),
            ("", "no URL of Redis"),
            ("rediss://u:hunter2@a:1?ca=/nowhere.pem", "`/nowhere.pem` cannot be read"),
            ("rediss+cluster://u:hunter2@a:1?password=hunter2", "none of `ca=`"),
            ("rediss://u:hunter2@a:1?cert=/dev/null", "needs its key"),
            ("rediss+sentinel://u:hunter2@a:1/main?ca=/dev/null", "no certificate in PEM"),
            ("redis://u:hunter2@a:port", "did not parse"),
            ("redis://u:hunter2@a:1/first", "database"),
            ("redis+cluster://", "`` is no address"),
            ("redis+cluster://u:hunter2@a:1,b", "`b` is no address"),
            ("redis+cluster://u:hunter2@a:1,b:0", "`b:0` is no address"),
            ("redis+cluster://u:hunter2@a:1/2", "no databases"),
            ("redis+cluster://u:hun/ter2@a:1", "%2F"),
            ("redis+cluster://u:hunter2@a:1,u:hunter2@b:1", "more than one `@`"),
            ("redis+cluster://u:hun@ter2@a:1", "%40"),
            ("redis+cluster://u:hunter2@a:1?x=1", "may follow"),
            ("redis+sentinel://u:hunter2@a:1", "service is missing"),
            ("redis+sentinel://u:hunter2@a:1/main/first", "no number"),
        ] {
            let error = Target::parse(url).unwrap_err().to_string();
            assert!(error.contains(words) && error.contains("the form is redis"), "{url}: {error}");
            assert!(!error.contains("hunter2") && !error.contains("ter2"), "{error}");
        }
    }
}
