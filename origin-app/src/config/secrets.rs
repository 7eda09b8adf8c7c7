//! Secrets: from the environment or from a file, never from the configuration itself.

use std::fmt;
use std::path::Path;

use sha2::{Digest, Sha256};

use super::ConfigError;

/// Shortest organiser token, in characters.
pub const ORGANISER_TOKEN_LENGTH_MIN: usize = 16;

/// Where to look for secrets; a closure over the environment, so that tests need none.
pub type Environment<'a> = &'a dyn Fn(&str) -> Option<String>;

/// The bearer token that may create events. Only its hash is kept.
#[derive(Clone)]
pub struct OrganiserToken([u8; 32]);

impl OrganiserToken {
    /// Takes `token` as the one that opens.
    ///
    /// # Errors
    /// When it is too short to be safe.
    pub fn new(token: &str) -> Result<Self, ConfigError> {
        if token.len() < ORGANISER_TOKEN_LENGTH_MIN {
            return Err(ConfigError::new(format!(
                "the organiser's token has {} characters; at least {ORGANISER_TOKEN_LENGTH_MIN} are needed \
                 (for one: `openssl rand -hex 24`)",
                token.len()
            )));
        }
        Ok(Self(Sha256::digest(token).into()))
    }

    /// Whether `presented` is the token. What an observer could time is the comparison of two hashes.
    pub fn matches(&self, presented: &str) -> bool {
        self.0 == <[u8; 32]>::from(Sha256::digest(presented))
    }
}

impl fmt::Debug for OrganiserToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("OrganiserToken(…)")
    }
}

/// A secret that has to be shown to somebody else. It is never printed.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// Keeps `text`.
    pub fn new(text: &str) -> Self {
        Self(text.to_owned())
    }

    /// The secret itself, for whom it is meant.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

/// The secret of environment variable `variable`, or of `file`; the environment wins.
pub(super) fn read(
    variable: &str,
    file: Option<&Path>,
    environment: Environment<'_>,
) -> Result<Option<String>, ConfigError> {
    if let Some(value) = environment(variable).filter(|value| !value.trim().is_empty()) {
        return Ok(Some(value));
    }
    let Some(file) = file else {
        return Ok(None);
    };
    match std::fs::read_to_string(file) {
        Ok(text) => Ok(Some(text)),
        Err(error) => Err(ConfigError::new(format!("{}: cannot be read: {error}", file.display()))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_opens_only_for_itself() {
        let token = OrganiserToken::new("a-token-long-enough").unwrap();
        assert!(token.matches("a-token-long-enough"));
        assert!(!token.matches("a-token-long-enougH"));
        assert!(!token.matches(""));
        assert!(OrganiserToken::new("short").is_err());
        assert_eq!(format!("{token:?}"), "OrganiserToken(…)");
    }

    #[test]
    fn the_environment_wins_over_the_file() {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), "from the file").unwrap();
        let set = |_: &str| Some("from the environment".to_owned());
        let unset = |_: &str| None;
        assert_eq!(read("X", Some(file.path()), &set).unwrap().unwrap(), "from the environment");
        assert_eq!(read("X", Some(file.path()), &unset).unwrap().unwrap(), "from the file");
        assert_eq!(read("X", None, &unset).unwrap(), None);
        assert!(read("X", Some(Path::new("/nowhere/at/all")), &unset).is_err());
    }
}
