//! An address of a person. It is personal: it shows itself only to who asks for it by name.

use std::fmt;

use serde::{Deserialize, Deserializer};

/// Longest address, in characters (RFC 5321, 4.5.3.1.3, less the angle brackets).
const LENGTH_MAX: usize = 254;

/// A mail address, in lower case: nobody has two that differ in nothing else.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct EmailAddress(String);

/// A text is no mail address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("this is not a mail address such as `fan@example.com`")]
pub struct NoAddress;

impl EmailAddress {
    /// Takes `text` as an address.
    ///
    /// # Errors
    /// When no mail could be sent there.
    pub fn parse(text: &str) -> Result<Self, NoAddress> {
        let text = text.trim().to_lowercase();
        let domain = text.rsplit_once('@').map(|(_, domain)| domain).ok_or(NoAddress)?;
        let is_plain = text.len() <= LENGTH_MAX
            && text.bytes().all(|byte| byte.is_ascii_graphic() && !matches!(byte, b'<' | b'>' | b'"' | b'\\' | b','))
            // An address at a bare network address is no person's.
            && !domain.starts_with('[');
        // Who sends it takes it apart again, and must not be surprised.
        if is_plain && text.parse::<lettre::Address>().is_ok() { Ok(Self(text)) } else { Err(NoAddress) }
    }

    /// The address itself, for who sends or stores it.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for EmailAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("EmailAddress(…)")
    }
}

impl<'de> Deserialize<'de> for EmailAddress {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(&text).map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_checked_and_not_shown() {
        for good in ["fan@example.com", " Fan.Name+tickets@Example.co.kr ", "a@b"] {
            assert!(EmailAddress::parse(good).is_ok(), "{good}");
        }
        let long = format!("{}@example.com", "a".repeat(250));
        for bad in [
            "",
            "fan",
            "@example.com",
            "fan@",
            "fan@exam ple.com",
            "a@b@c",
            "fan@example.com\r\nBcc: x@y",
            "<fan@example.com>",
            "fan@[127.0.0.1]",
            "a@x.com,b@x.com",
            &long,
        ] {
            assert!(EmailAddress::parse(bad).is_err(), "{bad}");
        }
        let address = EmailAddress::parse("Fan@Example.com").unwrap();
        assert_eq!(address.expose(), "fan@example.com");
        assert!(!format!("{address:?}").contains("fan"));
    }
}
