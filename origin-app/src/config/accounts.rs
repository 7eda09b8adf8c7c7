//! `[accounts]`: who is an organiser from the beginning, and how long a login lasts.

use std::fmt;
use std::time::Duration;

use super::ConfigError;
use super::check::Source;
use super::wire::WireAccounts;
use crate::notifications::EmailAddress;

const DAY: Duration = Duration::from_secs(24 * 3600);
/// How many addresses may be named.
const ORGANISERS_MAX: usize = 100;

/// How accounts are run.
#[derive(Clone, Debug)]
pub struct Accounts {
    /// How long a login lasts.
    pub session: Duration,
    /// Whose accounts are organisers' from the moment they are opened.
    pub organisers: Vec<EmailAddress>,
}

impl Default for Accounts {
    /// As without a file.
    fn default() -> Self {
        Self { session: DAY * 14, organisers: Vec::new() }
    }
}

pub(super) fn check(source: &Source<'_>, wire: &WireAccounts) -> Result<Accounts, ConfigError> {
    let WireAccounts { session_days, organisers } = wire;
    let days: u32 = source.number("accounts.session_days", session_days, 14, 1..=365)?;
    let right = "a mail address such as `organiser@example.com` is needed, 100 of them at most";
    let mut addresses = Vec::new();
    for field in organisers {
        let address = EmailAddress::parse(field.get_ref()).ok().filter(|_| addresses.len() < ORGANISERS_MAX);
        addresses.push(address.ok_or_else(|| source.wrong("accounts.organisers", field, right))?);
    }
    Ok(Accounts { session: DAY * days, organisers: addresses })
}

/// As it is in the file.
impl fmt::Display for Accounts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { session, organisers } = self;
        let organisers: Vec<_> =
            organisers.iter().map(|address| format!("\"{}\"", address.expose())).collect();
        writeln!(f, "\n[accounts]\nsession_days = {}", session.as_secs() / DAY.as_secs())?;
        writeln!(f, "organisers = [{}]", organisers.join(", "))
    }
}
