//! The keys, from the environment or a file; never from the configuration itself.

use std::path::Path;

use admission::keyring::Keyring;

use super::error::ConfigError;

/// The environment variable with the keys of tickets and admission tokens.
pub const KEYS_VARIABLE: &str = "STANCHION_KEYS";
/// The environment variable with the keys of the signature to the shop.
pub const EDGE_KEYS_VARIABLE: &str = "STANCHION_EDGE_KEYS";

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
        return Keyring::parse(text)
            .map_err(|error| ConfigError::whole(Path::new(&place), error.to_string()));
    }
    let Some(file) = file else {
        let problem = format!(
            "there is no key; set {variable} or `{field}` in edge.toml to entries `<key id>:<at least 32 random \
             bytes in base64>` (for one: {variable}=k1:$(openssl rand -base64 32))"
        );
        return Err(ConfigError::whole(Path::new(&format!("environment variable {variable}")), problem));
    };
    let text = std::fs::read_to_string(file)
        .map_err(|error| ConfigError::whole(file, format!("cannot be read ({field} names it): {error}")))?;
    Keyring::parse(&text).map_err(|error| ConfigError::whole(file, error.to_string()))
}
