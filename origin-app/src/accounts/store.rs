//! The port to wherever accounts are kept. Each verb is one transaction, the mail that it has sent included.

use admission::clock::Timestamp;
use async_trait::async_trait;

use super::model::{Account, Role, Session};
use super::token::TokenHash;
use crate::ids::{AccountId, FanId};
use crate::language::Language;
use crate::notifications::{EmailAddress, Notice};
use crate::outbox::Message;
use crate::store::StoreError;

/// A link that opens an account.
#[derive(Clone, Debug)]
pub struct SignUp {
    /// The hash of the link's token.
    pub token: TokenHash,
    /// Where it is sent.
    pub email: EmailAddress,
    /// The hash of the password that the account will have.
    pub password_hash: String,
    /// In which language its owner is written to.
    pub language: Language,
    /// When the link ends.
    pub expires_at: Timestamp,
}

/// What a new account needs besides what its link has.
#[derive(Clone, Debug)]
pub struct NewAccount {
    /// Its id.
    pub id: AccountId,
    /// Its fan.
    pub fan: FanId,
    /// The addresses whose accounts are organisers'.
    pub organisers: Vec<EmailAddress>,
}

/// What came of following the link that opens an account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Opened {
    /// There is an account now.
    Yes(Role),
    /// There was one of that address before; nothing changed.
    Existed,
    /// No such link, or it is used or over.
    NoLink,
}

/// A login.
#[derive(Clone, Debug)]
pub struct NewSession {
    /// The hash of what the browser holds.
    pub token: TokenHash,
    /// Who logs in.
    pub account: AccountId,
    /// Who they were in this browser until now; what is theirs becomes the account's.
    pub guest: Option<FanId>,
    /// When it ends.
    pub expires_at: Timestamp,
}

/// A password that its owner changes.
#[derive(Clone, Debug)]
pub struct PasswordChange {
    /// Of which account.
    pub account: AccountId,
    /// The hash of the password that was given for the old one.
    pub from: String,
    /// The hash of the new one.
    pub to: String,
    /// The session that goes on.
    pub session: TokenHash,
}

/// Keeps accounts, their sessions, and the links that were sent.
#[async_trait]
pub trait AccountStore: Send + Sync {
    /// The account of an address, with the hash of its password.
    async fn find(&self, email: &EmailAddress) -> Result<Option<(Account, String)>, StoreError>;

    /// The account `id`.
    async fn account(&self, id: &AccountId) -> Result<Option<Account>, StoreError>;

    /// Keeps a link and has it sent, unless the address has an account: then `known` is sent.
    async fn sign_up(
        &self,
        new: &SignUp,
        link: &Message,
        known: &Message,
        now: Timestamp,
    ) -> Result<(), StoreError>;

    /// Opens the account of a link.
    async fn open(&self, token: &TokenHash, new: &NewAccount, now: Timestamp) -> Result<Opened, StoreError>;

    /// Keeps a link that sets a new password and has it sent, if the address has an account.
    async fn forgot(
        &self,
        email: &EmailAddress,
        token: &TokenHash,
        link: &Message,
        expires_at: Timestamp,
        now: Timestamp,
    ) -> Result<(), StoreError>;

    /// Sets the password of a link's account, whose owner is `told` under this key, and ends its sessions and its other links. False where
    /// there is no such link.
    async fn reset(
        &self,
        token: &TokenHash,
        password_hash: &str,
        told: (String, Notice),
        now: Timestamp,
    ) -> Result<bool, StoreError>;

    /// Changes a password, of which the owner is `told`, and ends all sessions but one, and all links. False where the
    /// password is another by now.
    async fn change_password(
        &self,
        change: &PasswordChange,
        told: &Message,
        now: Timestamp,
    ) -> Result<bool, StoreError>;

    /// Logs in.
    async fn open_session(&self, new: &NewSession, now: Timestamp) -> Result<(), StoreError>;

    /// Who is logged in by this token.
    async fn session(&self, token: &TokenHash, now: Timestamp) -> Result<Option<Session>, StoreError>;

    /// Logs out.
    async fn close_session(&self, token: &TokenHash) -> Result<(), StoreError>;

    /// Changes what the owner of an account may do; false where there is no such account.
    async fn set_role(&self, email: &EmailAddress, role: Role) -> Result<bool, StoreError>;

    /// Forgets sessions and links whose time is over.
    async fn forget(&self, now: Timestamp) -> Result<(), StoreError>;
}
