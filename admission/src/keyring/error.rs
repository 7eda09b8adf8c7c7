//! What can be wrong with a list of keys.

use super::{KEY_ID_LENGTH_MAX, KEYS_MAX, SECRET_BYTES_MIN};

/// A keyring could not be read. The messages count entries and never show a secret.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeyringError {
    /// Nothing was there.
    #[error(
        "there is no key; write one entry `<key id>:<secret>`, where the secret is at least \
         {SECRET_BYTES_MIN} random bytes in base64 (for one: `echo k1:$(openssl rand -base64 32)`)"
    )]
    Empty,
    /// An entry has no colon.
    #[error("entry {entry} is not of the form `<key id>:<secret in base64>`")]
    Malformed {
        /// Which entry, from 1.
        entry: usize,
    },
    /// A key id has a wrong length or a character outside `a-z`, `0-9` and `-`.
    #[error(
        "entry {entry} has a key id that is not 1 to {KEY_ID_LENGTH_MAX} characters out of `a-z`, `0-9` and `-`"
    )]
    BadKeyId {
        /// Which entry, from 1.
        entry: usize,
    },
    /// An entry names an algorithm that there is not.
    #[error(
        "entry {entry} (`{key_id}`) names an algorithm that is not known; write \
         `<key id>:<secret in base64>`, `<key id>:hs256:<secret>` or `<key id>:eddsa:<secret>`"
    )]
    BadAlgorithm {
        /// Which entry, from 1.
        entry: usize,
        /// Its key id.
        key_id: String,
    },
    /// A secret is not base64.
    #[error("entry {entry} (`{key_id}`) has a secret that is not base64")]
    NotBase64 {
        /// Which entry, from 1.
        entry: usize,
        /// Its key id.
        key_id: String,
    },
    /// A secret is too short to be safe.
    #[error(
        "entry {entry} (`{key_id}`) has a secret of {found} bytes; at least {SECRET_BYTES_MIN} are needed"
    )]
    TooShort {
        /// Which entry, from 1.
        entry: usize,
        /// Its key id.
        key_id: String,
        /// Bytes that the secret has.
        found: usize,
    },
    /// Two entries share an id.
    #[error("entry {entry} repeats the key id `{key_id}`")]
    Repeated {
        /// Which entry, from 1.
        entry: usize,
        /// The id that came twice.
        key_id: String,
    },
    /// More keys than a ring holds.
    #[error("there are more than {KEYS_MAX} keys")]
    TooMany,
}
