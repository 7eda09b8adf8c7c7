//! What fans carry and cannot change: how tickets and invitations are written down and signed.
//!
//! `v1.<base64url payload>.<base64url tag>`. The payload is a fixed list of fields, each preceded by its
//! length, beginning with the id of the key that signed; the tag is HMAC-SHA-256 over version and payload, by
//! a key that serves this one purpose. The base64 is canonical: no padding, no stray bits. So what is sealed
//! has exactly one spelling.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::keyring::{Keyring, Purpose};

/// Longest text that is looked at, in characters.
pub(crate) const SEALED_LENGTH_MAX: usize = 256;

const VERSION: &str = "v1";

/// Why a text is not opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum SealError {
    /// Not of the form.
    Malformed,
    /// Signed by an unknown key or for another purpose, edited, or made up.
    Forged,
}

/// Gathers the fields of what is to be sealed.
pub(crate) struct Sealer<'a> {
    keyring: &'a Keyring,
    purpose: Purpose,
    payload: Vec<u8>,
}

impl<'a> Sealer<'a> {
    pub(crate) fn new(keyring: &'a Keyring, purpose: Purpose) -> Self {
        let (key_id, _) = keyring.signing_key(purpose);
        Self { keyring, purpose, payload: Vec::with_capacity(128) }.text(key_id)
    }

    /// Appends a field: one byte of length, then the bytes. Every field is short by its type.
    pub(crate) fn bytes(mut self, field: &[u8]) -> Self {
        debug_assert!(field.len() <= usize::from(u8::MAX), "a sealed field is short");
        self.payload.push(field.len() as u8);
        self.payload.extend_from_slice(field);
        self
    }

    pub(crate) fn text(self, field: &str) -> Self {
        self.bytes(field.as_bytes())
    }

    pub(crate) fn number(self, field: u64) -> Self {
        self.bytes(&field.to_be_bytes())
    }

    /// Signs the fields and writes them down.
    pub(crate) fn seal(self) -> String {
        let tag = self.keyring.sign(self.purpose, &[VERSION.as_bytes(), &self.payload]).tag;
        format!("{VERSION}.{}.{}", URL_SAFE_NO_PAD.encode(&self.payload), URL_SAFE_NO_PAD.encode(tag))
    }
}

/// A payload whose signature matched.
pub(crate) struct Opened {
    payload: Vec<u8>,
    /// Where the fields after the key id begin.
    begin: usize,
}

impl Opened {
    /// Checks the signature of `sealed`. Nothing of the payload is used before, but for the key id.
    pub(crate) fn check(keyring: &Keyring, purpose: Purpose, sealed: &str) -> Result<Self, SealError> {
        if sealed.len() > SEALED_LENGTH_MAX {
            return Err(SealError::Malformed);
        }
        let mut parts = sealed.split('.');
        let (Some(VERSION), Some(payload), Some(tag), None) =
            (parts.next(), parts.next(), parts.next(), parts.next())
        else {
            return Err(SealError::Malformed);
        };
        let decode = |text| URL_SAFE_NO_PAD.decode(text).map_err(|_| SealError::Malformed);
        let (payload, tag) = (decode(payload)?, decode(tag)?);
        let mut fields = Fields { rest: &payload };
        let key_id = fields.text().ok_or(SealError::Malformed)?;
        if !keyring.verify(purpose, key_id, &[VERSION.as_bytes(), &payload], &tag) {
            return Err(SealError::Forged);
        }
        let begin = payload.len() - fields.rest.len();
        Ok(Self { payload, begin })
    }

    /// The fields after the key id.
    pub(crate) fn fields(&self) -> Fields<'_> {
        Fields { rest: self.payload.get(self.begin..).unwrap_or_default() }
    }
}

/// Reads fields in their order.
pub(crate) struct Fields<'a> {
    rest: &'a [u8],
}

impl<'a> Fields<'a> {
    pub(crate) fn bytes(&mut self) -> Option<&'a [u8]> {
        let (length, after) = self.rest.split_first()?;
        let (field, after) = after.split_at_checked(usize::from(*length))?;
        self.rest = after;
        Some(field)
    }

    pub(crate) fn text(&mut self) -> Option<&'a str> {
        std::str::from_utf8(self.bytes()?).ok()
    }

    pub(crate) fn number(&mut self) -> Option<u64> {
        self.bytes()?.try_into().ok().map(u64::from_be_bytes)
    }

    /// `value`, if every field was read.
    pub(crate) fn end<T>(self, value: T) -> Option<T> {
        self.rest.is_empty().then_some(value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ring() -> Keyring {
        Keyring::parse("k1:AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8").unwrap()
    }

    fn check(sealed: &str) -> Result<Opened, SealError> {
        Opened::check(&ring(), Purpose::Ticket, sealed)
    }

    #[test]
    fn fields_are_read_as_they_were_written() {
        let sealed = Sealer::new(&ring(), Purpose::Ticket).text("").number(7).bytes(&[0, 255]).seal();
        let opened = check(&sealed).ok().unwrap();
        let mut fields = opened.fields();
        assert_eq!((fields.text(), fields.number()), (Some(""), Some(7)));
        assert_eq!(fields.bytes(), Some([0, 255].as_slice()));
        assert_eq!(fields.end(()), Some(()));
    }

    #[test]
    fn fields_that_are_missing_or_left_over_are_noticed() {
        let opened = check(&Sealer::new(&ring(), Purpose::Ticket).text("one").seal()).ok().unwrap();
        assert_eq!(opened.fields().end(()), None);
        let mut fields = opened.fields();
        assert_eq!((fields.number(), fields.text()), (None, None));
    }

    #[test]
    fn the_same_bytes_are_not_spelled_in_another_way() {
        let sealed = Sealer::new(&ring(), Purpose::Ticket).text("a").seal();
        assert!(check(&sealed).is_ok());
        let (head, last) = sealed.split_at(sealed.len() - 1);
        // The last character of 32 bytes in base64 has two bits to spare: they have to be zero.
        let others = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_".chars();
        let spellings: Vec<_> = others.filter(|c| check(&format!("{head}{c}")).is_ok()).collect();
        assert_eq!(spellings, last.chars().collect::<Vec<_>>());
        for other in [format!("{sealed}="), sealed.replacen("v1", "V1", 1), sealed.replace('.', "..")] {
            assert!(matches!(check(&other), Err(SealError::Malformed)), "{other}");
        }
    }

    #[test]
    fn nothing_that_was_edited_or_cut_opens() {
        let sealed = Sealer::new(&ring(), Purpose::Ticket).text("demo").number(7).seal();
        for at in 0..sealed.len() {
            for with in ["A", "-", ".", "="] {
                let edited = format!("{}{with}{}", &sealed[..at], &sealed[at + 1..]);
                assert!(edited == sealed || check(&edited).is_err(), "{with} at {at}");
            }
            assert!(check(&sealed[..at]).is_err() && check(&sealed[at + 1..]).is_err(), "cut at {at}");
            assert!(check(&format!("{}A{}", &sealed[..at], &sealed[at..])).is_err(), "longer at {at}");
        }
    }

    #[test]
    fn a_seal_holds_for_its_purpose_only() {
        let sealed = Sealer::new(&ring(), Purpose::Invitation).text("a").seal();
        assert!(matches!(check(&sealed), Err(SealError::Forged)));
    }
}
