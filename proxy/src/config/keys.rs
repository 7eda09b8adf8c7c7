//! The keys and secrets, from the environment or a file; never from the configuration itself.

use std::path::Path;

use admission::keyring::Keyring;
use admission::signed_cookie::CookieKeys;
use subtle::ConstantTimeEq as _;
use zeroize::Zeroizing;

use super::RoomConfig;
use super::error::ConfigError;
use crate::admin::access::Tokens;

/// The environment variable with the keys of tickets and admission tokens.
pub const KEYS_VARIABLE: &str = "STANCHION_KEYS";
/// The environment variable with the keys of the signature to the shop.
pub const EDGE_KEYS_VARIABLE: &str = "STANCHION_EDGE_KEYS";

/// The environment variable with the tokens of operators.
pub const ADMIN_TOKENS_VARIABLE: &str = "STANCHION_ADMIN_TOKENS";

/// The environment variable with the keys that signed cookies are checked with.
pub const COOKIE_KEYS_VARIABLE: &str = "STANCHION_COOKIE_KEYS";
/// The environment variable with the secret that the CDN shows.
pub const CDN_SECRET_VARIABLE: &str = "STANCHION_CDN_SECRET";
/// Shortest secret of a CDN, in bytes.
const CDN_SECRET_LENGTH_MIN: usize = 16;

/// What the CDN shows with every request, so that nobody walks around it. Several at once while it is changed.
pub struct CdnSecret(Vec<Zeroizing<Vec<u8>>>);

impl CdnSecret {
    /// Reads secrets, separated by commas or white space.
    ///
    /// # Errors
    /// When there is none, or one is too short to be one.
    pub fn parse(text: &str) -> Result<Self, String> {
        let words = text.split(|c: char| c == ',' || c.is_whitespace()).filter(|word| !word.is_empty());
        let secrets: Vec<_> = words.map(|word| Zeroizing::new(word.as_bytes().to_vec())).collect();
        if secrets.is_empty() || secrets.iter().any(|secret| secret.len() < CDN_SECRET_LENGTH_MIN) {
            return Err(format!(
                "a secret of at least {CDN_SECRET_LENGTH_MIN} characters is needed, or several separated by commas; \
                 `openssl rand -hex 24` makes one"
            ));
        }
        Ok(Self(secrets))
    }

    /// Whether this is one of them, told in a time that does not depend on how much of it is right.
    pub fn is(&self, shown: &[u8]) -> bool {
        self.0.iter().fold(false, |found, secret| found | bool::from(secret.ct_eq(shown)))
    }
}

/// Reads the secret of a CDN: `from_environment` is the variable's value and wins over the file.
///
/// # Errors
/// When neither is there, or what is there is none. No message shows a secret.
pub fn load_cdn_secret(
    from_environment: Option<&str>,
    file: Option<&Path>,
) -> Result<CdnSecret, ConfigError> {
    let variable = format!("environment variable {CDN_SECRET_VARIABLE}");
    let variable = Path::new(&variable);
    if let Some(text) = from_environment {
        return CdnSecret::parse(text).map_err(|problem| ConfigError::whole(variable, problem));
    }
    let Some(file) = file else {
        let problem = format!(
            "edge.toml has `cdn.secret_header`, but there is no secret; set {CDN_SECRET_VARIABLE}, or `cdn.secret_file` to \
             a file that holds it"
        );
        return Err(ConfigError::whole(variable, problem));
    };
    let text = std::fs::read_to_string(file).map_err(|error| {
        ConfigError::whole(file, format!("cannot be read (cdn.secret_file names it): {error}"))
    })?;
    CdnSecret::parse(&text).map_err(|problem| ConfigError::whole(file, problem))
}

/// Reads the tokens of operators: `from_environment` is the variable's value and wins over the file. None where neither is
/// there: nobody may use the API then.
///
/// # Errors
/// When what is there is wrong. No message shows a token.
pub fn load_admin_tokens(from_environment: Option<&str>, file: Option<&Path>) -> Result<Tokens, ConfigError> {
    if let Some(text) = from_environment {
        let place = format!("environment variable {ADMIN_TOKENS_VARIABLE}");
        return Tokens::parse(text).map_err(|problem| ConfigError::whole(Path::new(&place), problem));
    }
    let Some(file) = file else { return Ok(Tokens::default()) };
    let text = std::fs::read_to_string(file).map(Zeroizing::new).map_err(|error| {
        ConfigError::whole(file, format!("cannot be read (admin_tokens_file names it): {error}"))
    })?;
    Tokens::parse(&text).map_err(|problem| ConfigError::whole(file, problem))
}

/// Reads the keys that signed cookies are checked with: `from_environment` is the variable's value and wins over the file.
/// None where neither is there.
///
/// # Errors
/// When what is there is wrong. No message shows a key.
pub fn load_cookie_keys(
    from_environment: Option<&str>,
    file: Option<&Path>,
) -> Result<CookieKeys, ConfigError> {
    if let Some(text) = from_environment {
        let place = format!("environment variable {COOKIE_KEYS_VARIABLE}");
        return CookieKeys::parse(text)
            .map_err(|error| ConfigError::whole(Path::new(&place), error.to_string()));
    }
    let Some(file) = file else { return Ok(CookieKeys::default()) };
    let text = std::fs::read_to_string(file).map(Zeroizing::new).map_err(|error| {
        ConfigError::whole(file, format!("cannot be read (cookie_keys_file names it): {error}"))
    })?;
    CookieKeys::parse(&text).map_err(|error| ConfigError::whole(file, error.to_string()))
}

/// Whether there is a key for each rule of `rooms`, which were read from `text`.
///
/// # Errors
/// The first one without, with its line.
pub fn check_cookie_rules(
    file: &Path,
    text: &str,
    rooms: &[RoomConfig],
    keys: &CookieKeys,
) -> Result<(), ConfigError> {
    let names = keys.names();
    let cookies = rooms.iter().flat_map(|room| &room.bypass).filter_map(|rule| rule.cookie.as_ref());
    let Some(cookie) = cookies.into_iter().find(|cookie| !names.contains(&cookie.key.as_str())) else {
        return Ok(());
    };
    let quoted = format!("\"{}\"", cookie.key);
    let line = text.lines().position(|line| line.contains("key") && line.contains(&quoted)).map(|at| at + 1);
    let there = if names.is_empty() { "none".to_owned() } else { names.join(", ") };
    Err(ConfigError {
        file: file.to_owned(),
        line,
        column: None,
        field: Some("room.bypass.cookie.key".to_owned()),
        problem: format!(
            "found {quoted}; the name of a key in {COOKIE_KEYS_VARIABLE} (or in the file that `cookie_keys_file` in \
             edge.toml names) is needed, and there are: {there}"
        ),
    })
}

/// Reads a keyring: `from_environment` is the variable's value and wins over the file.
///
/// # Errors
/// When neither is there, or what is there is no keyring. No message shows a secret.
pub fn load(
    variable: &str,
    from_environment: Option<&str>,
    field: &str,
    file: Option<&Path>,
) -> Result<Keyring, ConfigError> {
    if let Some(text) = from_environment {
        let place = format!("environment variable {variable}");
        return parse(variable, Path::new(&place), text);
    }
    let Some(file) = file else {
        let problem = format!(
            "there is no key; set {variable} or `{field}` in edge.toml to entries `<key id>:<at least 32 random \
             bytes in base64>` (for one: {variable}=k1:$(openssl rand -base64 32))"
        );
        return Err(ConfigError::whole(Path::new(&format!("environment variable {variable}")), problem));
    };
    let text =
        Zeroizing::new(std::fs::read_to_string(file).map_err(|error| {
            ConfigError::whole(file, format!("cannot be read ({field} names it): {error}"))
        })?);
    parse(variable, file, &text)
}

fn parse(variable: &str, place: &Path, text: &str) -> Result<Keyring, ConfigError> {
    let keyring = Keyring::parse(text).map_err(|error| ConfigError::whole(place, error.to_string()))?;
    // Nobody but the shop checks that signature, so a public key would promise what there is not.
    match keyring.asymmetric_key_id().filter(|_| variable == EDGE_KEYS_VARIABLE) {
        None => Ok(keyring),
        Some(key_id) => {
            let problem = format!(
                "the key `{key_id}` is one of `eddsa`, which is for admission tokens ({KEYS_VARIABLE}); requests to the \
                 shop are signed by HMAC, so write `{key_id}:<at least 32 random bytes in base64>`"
            );
            Err(ConfigError::whole(place, problem))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_of_a_cdn_is_long_and_may_be_one_of_several() {
        let both = CdnSecret::parse("0123456789abcdef, fedcba9876543210\n").unwrap();
        for (shown, is) in [
            ("0123456789abcdef", true),
            ("fedcba9876543210", true),
            ("0123456789abcde", false),
            ("0123456789abcdef0", false),
            ("", false),
        ] {
            assert_eq!(both.is(shown.as_bytes()), is, "{shown}");
        }
        for bad in ["", " , ", "short", "0123456789abcdef short"] {
            assert!(CdnSecret::parse(bad).is_err(), "{bad}");
        }
    }
}
