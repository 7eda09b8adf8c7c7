//! `accounts`: what the owner of an account may do.

use clap::Subcommand;

use super::Refused;
use crate::accounts::{AccountStore, Role};
use crate::notifications::EmailAddress;

/// About accounts.
#[derive(Clone, Debug, Subcommand)]
pub enum AccountsCommand {
    /// Make the owner of an account an organiser, who creates and changes events.
    Grant {
        /// The account's address.
        email: String,
    },
    /// Make an organiser a fan again.
    Revoke {
        /// The account's address.
        email: String,
    },
}

pub(super) async fn run(command: &AccountsCommand, store: &dyn AccountStore) -> anyhow::Result<String> {
    let (email, role) = match command {
        AccountsCommand::Grant { email } => (email, Role::Organiser),
        AccountsCommand::Revoke { email } => (email, Role::Fan),
    };
    let email = EmailAddress::parse(email)?;
    if !store.set_role(&email, role).await? {
        let why = "no account has this address; its owner signs up first, and follows the link in the mail";
        return Err(Refused(why.to_owned()).into());
    }
    Ok(format!("the account is now of role {}; shops know within ten seconds\n", role.as_str()))
}
