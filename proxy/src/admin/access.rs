//! Who may do what: bearer tokens with names and roles.

use admission::clock::Timestamp;
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;

use crate::limits::{Pace, Paced};

/// Shortest token, in characters.
const TOKEN_LENGTH_MIN: usize = 32;
/// Longest name of a token, in characters.
const NAME_LENGTH_MAX: usize = 64;
/// Most tokens.
const TOKENS_MAX: usize = 256;
/// How often each token may be used, a minute and at once: a dashboard asks every second.
const USES: (u64, u64) = (1200, 100);
/// How often somebody may come with a token that is none, a minute and at once, all of them together.
const FAILURES: (u64, u64) = (120, 20);

/// What the holder of a token may do. Each may do what those before may.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Role {
    /// Look.
    Viewer,
    /// Run a sale: rates, modes, messages, single fans.
    Operator,
    /// Change the configuration as a whole, which holds secrets.
    Admin,
}

impl Role {
    /// As it is written.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Viewer => "viewer",
            Self::Operator => "operator",
            Self::Admin => "admin",
        }
    }

    fn parse(text: &str) -> Option<Self> {
        [Self::Viewer, Self::Operator, Self::Admin].into_iter().find(|role| role.as_str() == text)
    }
}

/// Who calls.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Caller {
    /// The name of their token.
    pub name: String,
    /// What they may do.
    pub role: Role,
}

struct Token {
    caller: Caller,
    /// SHA-256 of it: of one length, so that comparing tells nothing.
    digest: [u8; 32],
    paced: Paced,
}

/// The tokens that are good.
#[derive(Default)]
pub struct Tokens {
    tokens: Vec<Token>,
    failures: Paced,
}

/// A request is not let through.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refused {
    /// There are no tokens at all.
    NoTokens,
    /// No token, or one that is none.
    Unknown,
    /// Too many requests; so many seconds until the next.
    TooMany(u64),
}

impl Tokens {
    /// Reads entries `<name>:<role>:<token>`, separated by white space or commas.
    ///
    /// # Errors
    /// What is wrong with which entry. No message shows a token.
    pub fn parse(text: &str) -> Result<Self, String> {
        let words = text.split(|c: char| c == ',' || c.is_whitespace()).filter(|word| !word.is_empty());
        let mut tokens: Vec<Token> = Vec::new();
        for (index, word) in words.enumerate() {
            let nth = index + 1;
            let parts: Vec<&str> = word.splitn(3, ':').collect();
            let [name, role, token] = parts[..] else {
                return Err(format!("entry {nth} is not `<name>:<role>:<token>`, such as anna:operator:…"));
            };
            let is_name = !name.is_empty()
                && name.len() <= NAME_LENGTH_MAX
                && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.@".contains(&byte));
            if !is_name {
                return Err(format!(
                    "the name of entry {nth} has to be 1 to {NAME_LENGTH_MAX} of a-z, 0-9 and -_.@"
                ));
            }
            let Some(role) = Role::parse(role) else {
                return Err(format!("the role of `{name}` has to be viewer, operator or admin"));
            };
            if token.len() < TOKEN_LENGTH_MIN {
                return Err(format!(
                    "the token of `{name}` is shorter than {TOKEN_LENGTH_MIN} characters; `openssl rand -hex 24` makes one"
                ));
            }
            let digest: [u8; 32] = Sha256::digest(token.as_bytes()).into();
            if tokens.iter().any(|other| other.digest == digest) {
                return Err(format!("the token of `{name}` is another's too; each needs its own"));
            }
            let caller = Caller { name: name.to_owned(), role };
            tokens.push(Token { caller, digest, paced: Paced::default() });
        }
        match tokens.len() {
            0 => Err("at least one entry `<name>:<role>:<token>` is needed".to_owned()),
            1..=TOKENS_MAX => Ok(Self { tokens, failures: Paced::default() }),
            more => Err(format!("there are {more} tokens; at most {TOKENS_MAX} fit")),
        }
    }

    /// Whose they are, and what each may.
    pub fn names(&self) -> Vec<String> {
        let told = |Token { caller, .. }: &Token| format!("{} ({})", caller.name, caller.role.as_str());
        self.tokens.iter().map(told).collect()
    }

    /// Who comes with this `Authorization` header.
    ///
    /// # Errors
    /// Why the request is not let through.
    pub fn caller(&self, header: Option<&str>, now: Timestamp) -> Result<Caller, Refused> {
        if self.tokens.is_empty() {
            return Err(Refused::NoTokens);
        }
        let micros = now.as_millis().saturating_mul(1000);
        let take = |paced: &Paced, (per_minute, burst): (u64, u64)| {
            let Some(pace) = Pace::new(per_minute, burst) else { return Ok(()) };
            paced.take(pace, micros).map_err(|wait| Refused::TooMany(wait.as_secs() + 1))
        };
        let shown = header
            .and_then(|header| header.split_once(' '))
            .filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"));
        let digest: [u8; 32] = Sha256::digest(shown.map_or("", |(_, token)| token.trim()).as_bytes()).into();
        // All are looked at, in one time, whichever it is.
        let mut found = None;
        for token in &self.tokens {
            if bool::from(token.digest.ct_eq(&digest)) {
                found = Some(token);
            }
        }
        match found {
            Some(token) => take(&token.paced, USES).map(|()| token.caller.clone()),
            None => Err(take(&self.failures, FAILURES).err().unwrap_or(Refused::Unknown)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ANNA: &str = "0123456789abcdef0123456789abcdef";
    const BEN: &str = "fedcba9876543210fedcba9876543210";

    fn at(millis: u64) -> Timestamp {
        Timestamp::from_millis(1_800_000_000_000 + millis)
    }

    #[test]
    fn who_comes_with_a_token_has_its_name_and_role() {
        let tokens = Tokens::parse(&format!("anna:operator:{ANNA}, ben:viewer:{BEN}")).unwrap();
        let anna = tokens.caller(Some(&format!("Bearer {ANNA}")), at(0)).unwrap();
        assert_eq!((anna.name.as_str(), anna.role), ("anna", Role::Operator));
        assert_eq!(tokens.caller(Some(&format!("bearer {BEN}")), at(0)).unwrap().role, Role::Viewer);
        for other in [None, Some(""), Some("Bearer"), Some("Bearer x"), Some(ANNA)] {
            assert_eq!(tokens.caller(other, at(0)), Err(Refused::Unknown), "{other:?}");
        }
        let basic = format!("Basic {ANNA}");
        assert_eq!(tokens.caller(Some(&basic), at(0)), Err(Refused::Unknown));
        assert_eq!(Tokens::default().caller(Some(&basic), at(0)), Err(Refused::NoTokens));
        assert!(Role::Admin > Role::Operator && Role::Operator > Role::Viewer);
    }

    #[test]
    fn what_is_wrong_with_tokens_is_said_without_showing_them() {
        for (text, said) in [
            ("", "at least one"),
            ("anna", "entry 1"),
            (&format!("anna:operator:{ANNA} :viewer:{BEN}"), "entry 2"),
            (&format!("anna:boss:{ANNA}"), "role of `anna`"),
            ("anna:operator:short-secret", "shorter"),
            (&format!("anna:operator:{ANNA} ben:viewer:{ANNA}"), "another's"),
        ] {
            let error = Tokens::parse(text).err().unwrap();
            assert!(error.contains(said) && !error.contains("secret") && !error.contains(ANNA), "{error}");
        }
    }

    #[test]
    fn nobody_asks_without_end() {
        let tokens = Tokens::parse(&format!("anna:operator:{ANNA}")).unwrap();
        let good = format!("Bearer {ANNA}");
        let taken = (0..10_000).filter(|_| tokens.caller(Some(&good), at(0)).is_ok()).count();
        assert!((90..=110).contains(&taken), "{taken}");
        let guesses =
            (0..10_000).filter(|_| tokens.caller(Some("Bearer x"), at(0)) == Err(Refused::Unknown)).count();
        assert!((15..=25).contains(&guesses), "{guesses}");
        assert!(tokens.caller(Some(&good), at(60_000)).is_ok(), "guesses cost others nothing");
    }
}
