//! `[store]`: where the line lives.

use std::path::{Path, PathBuf};

use admission::store::redis::check_url;
use serde::Deserialize;
use toml::Spanned;

use super::super::error::{ConfigError, Source};
use super::super::values::Maybe;

/// Where the line lives.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StoreConfig {
    /// In this process: one proxy, nothing to install.
    Memory {
        /// The file in which it survives a restart; none, and it does not.
        path: Option<PathBuf>,
    },
    /// In Redis: any number of proxies.
    Redis {
        /// The address, which may hold a password.
        url: String,
    },
}

/// Where a Redis may be named too: a URL with a password belongs into no file that others read.
const URL_VARIABLE: &str = "STANCHION_STORE_URL";

impl StoreConfig {
    /// Takes the Redis that the environment names, if it names one.
    ///
    /// # Errors
    /// When that leads nowhere; never with the password.
    pub fn take_environment(
        &mut self,
        environment: impl Fn(&str) -> Option<String>,
    ) -> Result<(), ConfigError> {
        let Some(url) = environment(URL_VARIABLE).filter(|url| !url.trim().is_empty()) else { return Ok(()) };
        let url = url.trim();
        check_url(url).map_err(|error| ConfigError::whole(Path::new(URL_VARIABLE), error.to_string()))?;
        *self = Self::Redis { url: url.to_owned() };
        Ok(())
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct WireStore {
    kind: Spanned<String>,
    url: Maybe<String>,
    path: Maybe<String>,
}

pub(super) fn check(
    source: &Source<'_>,
    store: Option<WireStore>,
    folder: &Path,
) -> Result<StoreConfig, ConfigError> {
    let Some(WireStore { kind, url, path }) = store else { return Ok(StoreConfig::Memory { path: None }) };
    if let Some(path) = path.as_ref().filter(|path| kind.get_ref() == "redis" || path.get_ref().is_empty()) {
        let needed = match kind.get_ref().as_str() {
            "redis" => {
                "the kind \"redis\" takes none: Redis keeps the line; remove it, or set kind = \"memory\""
            }
            _ => "the name of a file is needed, such as \"/var/lib/stanchion/line\"",
        };
        return Err(source.error(&path.span(), "store.path", format!("\"{}\"", path.get_ref()), needed));
    }
    match (kind.get_ref().as_str(), url) {
        ("memory", None) => Ok(StoreConfig::Memory { path: path.map(|path| folder.join(path.into_inner())) }),
        ("memory", Some(url)) => {
            let needed = "the kind \"memory\" takes none; remove it, or set kind = \"redis\"";
            Err(source.error(&url.span(), "store.url", "a URL", needed))
        }
        ("redis", Some(url)) => match check_url(url.get_ref()) {
            Ok(()) => Ok(StoreConfig::Redis { url: url.into_inner() }),
            Err(error) => Err(source.error(&url.span(), "store.url", "a URL that leads nowhere", error)),
        },
        ("redis", None) => {
            let needed = "the kind \"redis\" needs a `url` beside it, such as \"redis://127.0.0.1:6379\"";
            Err(source.error(&kind.span(), "store.url", "nothing", needed))
        }
        (other, _) => {
            let needed = "\"memory\" or \"redis\" is needed";
            Err(source.error(&kind.span(), "store.kind", format!("\"{other}\""), needed))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_environment_comes_before_the_file() {
        let mut store = StoreConfig::Memory { path: None };
        store.take_environment(|_| None).unwrap();
        store.take_environment(|_| Some(" ".to_owned())).unwrap();
        assert_eq!(store, StoreConfig::Memory { path: None });
        let wrong =
            store.take_environment(|_| Some("redis://u:hunter2@h:port".to_owned())).unwrap_err().to_string();
        assert!(wrong.starts_with("STANCHION_STORE_URL: ") && !wrong.contains("hunter2"), "{wrong}");
        let url = "rediss://u:secret@h:1";
        store.take_environment(|name| (name == URL_VARIABLE).then(|| format!("{url}\n"))).unwrap();
        assert_eq!(store, StoreConfig::Redis { url: url.to_owned() });
    }
}
