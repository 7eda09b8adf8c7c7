//! What a browser holds to be known, and what a mail carries to prove where it was read.

use std::fmt;

use admission::clock::{Random, RandomError};
use sha2::{Digest as _, Sha256};

/// Random bytes in a token: too many to guess.
const BYTES: usize = 32;

/// A token. It does not show itself; the database knows its hash.
#[derive(Clone, PartialEq, Eq)]
pub struct Token(String);

/// The hash of a token. Whoever has it cannot make the token of it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct TokenHash(String);

impl Token {
    /// A new token that nobody can foresee.
    ///
    /// # Errors
    /// When there is no randomness.
    pub fn random(random: &dyn Random) -> Result<Self, RandomError> {
        let mut bytes = [0; BYTES];
        random.fill(&mut bytes)?;
        Ok(Self(hexadecimal(&bytes)))
    }

    /// A token that somebody presents, if it could be one.
    pub fn parse(text: &str) -> Option<Self> {
        let is_token =
            text.len() == 2 * BYTES && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
        is_token.then(|| Self(text.to_owned()))
    }

    /// The token itself.
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// Its hash. A token is as random as a key, so that nothing slower is needed.
    pub fn hash(&self) -> TokenHash {
        TokenHash(hash_of(&self.0))
    }
}

impl TokenHash {
    /// The hash as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token(…)")
    }
}

/// The hash of a text, as text.
pub(super) fn hash_of(text: &str) -> String {
    hexadecimal(&Sha256::digest(text))
}

fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use admission::clock::SystemRandom;

    #[test]
    fn a_token_comes_back_and_does_not_show_itself() {
        let token = Token::random(&SystemRandom).unwrap();
        assert_eq!(Token::parse(token.expose()), Some(token.clone()));
        assert_eq!(Token::parse(&token.expose().to_uppercase()), None);
        assert_eq!(Token::parse(""), None);
        assert!(!format!("{token:?}").contains(token.expose()));
        assert!(!token.hash().as_str().contains(token.expose()));
    }
}
