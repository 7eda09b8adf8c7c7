//! The keys of one run. They are made when it starts, handed over by environment, and gone with it.

use std::fmt;

use anyhow::Result;
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};

use crate::random::secret;

/// The keys of one run.
#[derive(Clone)]
pub struct Secrets {
    keys: String,
    edge_keys: String,
    organiser: String,
    tickets: String,
    admin: String,
}

impl Secrets {
    /// New ones.
    pub fn make() -> Result<Self> {
        let key = || Ok::<_, anyhow::Error>(format!("run:{}", STANDARD.encode(secret::<32>()?)));
        let token = || Ok::<_, anyhow::Error>(URL_SAFE_NO_PAD.encode(secret::<24>()?));
        Ok(Self { keys: key()?, edge_keys: key()?, organiser: token()?, tickets: key()?, admin: token()? })
    }

    /// What a proxy finds in its environment.
    pub fn of_proxy(&self) -> Vec<(&'static str, String)> {
        vec![
            ("STANCHION_KEYS", self.keys.clone()),
            ("STANCHION_EDGE_KEYS", self.edge_keys.clone()),
            ("STANCHION_ADMIN_TOKENS", format!("operator:admin:{}", self.admin)),
        ]
    }

    /// What a shop finds in its environment.
    pub fn of_shop(&self) -> Vec<(&'static str, String)> {
        vec![
            ("STANCHION_EDGE_KEYS", self.edge_keys.clone()),
            ("STANCHION_ORGANISER_TOKEN", self.organiser.clone()),
            ("STANCHION_TICKET_KEYS", self.tickets.clone()),
        ]
    }

    /// The token of the one operator, who may do everything.
    pub fn admin_token(&self) -> &str {
        &self.admin
    }

    pub(super) fn organiser_bearer(&self) -> String {
        format!("Bearer {}", self.organiser)
    }
}

impl fmt::Debug for Secrets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secrets(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_run_has_keys_of_its_own_and_shows_none() {
        let (one, other) = (Secrets::make().unwrap(), Secrets::make().unwrap());
        assert_ne!(one.keys, other.keys);
        assert_ne!(one.keys, one.edge_keys);
        assert_eq!(format!("{one:?}"), "Secrets(…)");
        assert!(one.of_shop().iter().all(|(name, _)| *name != "STANCHION_KEYS"));
    }
}
