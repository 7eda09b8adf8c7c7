//! Names that people give: rooms and lanes.

use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize, Serializer};

/// Longest name, in characters.
pub const NAME_LENGTH_MAX: usize = 32;

/// Ends the name of a room's shadow line. People cannot give such a name.
const SHADOW: &str = "~shadow";

/// A name has a wrong length or a character that is not allowed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{found}` is not a name: 1 to {NAME_LENGTH_MAX} characters out of `a-z`, `0-9` and `-` are needed, the \
     first a letter or digit"
)]
pub struct NameError {
    found: String,
}

fn check(text: &str) -> Result<Arc<str>, NameError> {
    let starts_well = text.starts_with(|c: char| c.is_ascii_lowercase() || c.is_ascii_digit());
    let all_allowed = text.bytes().all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-'));
    if starts_well && all_allowed && text.len() <= NAME_LENGTH_MAX {
        Ok(text.into())
    } else {
        Err(NameError { found: text.chars().take(2 * NAME_LENGTH_MAX).collect() })
    }
}

macro_rules! name {
    ($(#[$doc:meta])* $type:ident) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize)]
        #[serde(try_from = "String")]
        pub struct $type(Arc<str>);

        impl Serialize for $type {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(&self.0)
            }
        }

        impl $type {
            /// Checks `text` and takes it as a name.
            ///
            /// # Errors
            /// When it is empty, too long, or has a character outside `a-z`, `0-9` and `-`.
            pub fn parse(text: &str) -> Result<Self, NameError> {
                check(text).map(Self)
            }

            /// The name as text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl TryFrom<String> for $type {
            type Error = NameError;

            fn try_from(text: String) -> Result<Self, NameError> {
                check(text.strip_suffix(SHADOW).unwrap_or(&text))?;
                Ok(Self(text.into()))
            }
        }

        impl From<$type> for String {
            fn from(name: $type) -> Self {
                name.0.as_ref().to_owned()
            }
        }

        impl fmt::Display for $type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl fmt::Debug for $type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

name! {
    /// The id of a room: one protected part of a site with its own line.
    RoomId
}

name! {
    /// The name of a lane: a class of fans with its own order.
    LaneId
}

impl RoomId {
    /// The name of a line beside that of this room: what would be, if the room did not let everybody pass. A store keeps
    /// it as any other line; no configuration can name it.
    #[must_use]
    pub fn shadow(&self) -> Self {
        Self(format!("{self}{SHADOW}").into())
    }
}

impl LaneId {
    /// The lane of those who hold no invitation to another.
    pub fn general() -> Self {
        Self("general".into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shadow_is_kept_and_cannot_be_named() {
        let shadow = RoomId::parse("demo").unwrap().shadow();
        assert!(RoomId::parse(shadow.as_str()).is_err());
        assert_eq!(serde_json::from_str::<RoomId>(&serde_json::to_string(&shadow).unwrap()).unwrap(), shadow);
        assert!(serde_json::from_str::<RoomId>("\"~shadow\"").is_err());
    }

    #[test]
    fn names_are_short_and_plain() {
        for good in ["demo", "a", "0", "on-sale-2027", &"x".repeat(NAME_LENGTH_MAX)] {
            assert_eq!(RoomId::parse(good).unwrap().as_str(), good);
        }
        for bad in ["", "-a", "Demo", "a b", "a{b}", "a:b", "é", &"x".repeat(NAME_LENGTH_MAX + 1)] {
            assert!(RoomId::parse(bad).is_err(), "{bad}");
        }
    }
}
