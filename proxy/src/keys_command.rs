//! `proxy keys`: makes keys, and prints the public ones for those who check tokens without asking the edge.

use admission::clock::{Clock, Random};
use admission::keyring::{KEY_ID_LENGTH_MAX, Keyring, TokenAlgorithm, is_key_id};
use clap::{Args, Subcommand, ValueEnum};
use proxy::waiting::time::rfc3339;
use zeroize::Zeroizing;

/// What is to be done.
#[derive(Subcommand)]
pub(crate) enum Keys {
    /// Print a new key, as an entry of STANCHION_KEYS or of the file that `keys_file` names.
    New(New),
    /// Print the public keys of those in force, as /.waiting-room/jwks.json tells them.
    Public,
}

/// What key is to be made.
#[derive(Args)]
pub(crate) struct New {
    /// How admission tokens are signed with it: by HMAC, or by Ed25519, so that others can check them too.
    #[arg(long, value_enum, default_value = "hs256")]
    algorithm: Algorithm,
    /// Its id, which every token tells. Each key of a ring has one of its own. [default: today's date]
    #[arg(long, value_name = "ID")]
    id: Option<String>,
}

#[derive(Clone, Copy, ValueEnum)]
enum Algorithm {
    Hs256,
    Eddsa,
}

/// The entry of a new key, and nothing else, so that it can be appended to a file.
///
/// # Errors
/// What is wrong with the id, or that there is no randomness.
pub(crate) fn new(
    arguments: &New,
    clock: &dyn Clock,
    random: &dyn Random,
) -> Result<Zeroizing<String>, String> {
    let New { algorithm, id } = arguments;
    let today = || rfc3339(clock.now()).chars().take_while(|c| *c != 'T').collect();
    let id: String = id.clone().unwrap_or_else(today);
    if !is_key_id(&id) {
        return Err(format!(
            "`--id` is \"{id}\"; 1 to {KEY_ID_LENGTH_MAX} characters out of `a-z`, `0-9` and `-` are needed"
        ));
    }
    let algorithm = match algorithm {
        Algorithm::Hs256 => TokenAlgorithm::Hs256,
        Algorithm::Eddsa => TokenAlgorithm::EdDsa,
    };
    let mut entry = Keyring::new_entry(&id, algorithm, random).map_err(|error| error.to_string())?;
    entry.push('\n');
    Ok(entry)
}

/// The public keys.
///
/// # Errors
/// When there are none.
pub(crate) fn public(keys: &Keyring) -> Result<String, String> {
    let keys = keys.jwks().ok_or_else(|| {
        "no key signs by Ed25519, so there is nothing to publish; `proxy keys new --algorithm eddsa` makes one"
            .to_owned()
    })?;
    Ok(format!("{keys}\n"))
}
