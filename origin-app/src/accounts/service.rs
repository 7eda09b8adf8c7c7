//! Signing up, logging in and out, new passwords.
//!
//! Nobody learns from an answer, or from how long it takes, whether an address has an account: signing up and asking for a
//! new password always have the same answer and the rest by mail, and a login fails alike for whatever reason.

use std::sync::Arc;
use std::time::Duration;

use admission::clock::{Clock, Random, RandomError};

use super::limit::{Limiter, Network, TooOften};
use super::model::{Account, Session};
use super::password::{HashError, Password, Passwords};
use super::sessions::Sessions;
use super::store::{AccountStore, NewAccount, NewSession, Opened, PasswordChange, SignUp};
use super::token::{Token, TokenHash, hash_of};
use crate::config::Accounts as Settings;
use crate::ids::{AccountId, FanId};
use crate::language::Language;
use crate::notifications::{EmailAddress, Notice, SecretText};
use crate::outbox::{Message, Recipient};
use crate::store::StoreError;

/// How long a link that opens an account works.
const SIGN_UP_LINK: Duration = Duration::from_secs(24 * 3600);
/// How long a link that sets a new password works.
const RESET_LINK: Duration = Duration::from_secs(3600);
/// An address that has an account is told at most this often that somebody tried to sign up with it.
const KNOWN_EVERY: Duration = Duration::from_secs(24 * 3600);

/// Accounts and who is logged in.
pub struct Accounts {
    store: Arc<dyn AccountStore>,
    sessions: Sessions,
    passwords: Passwords,
    limiter: Limiter,
    clock: Arc<dyn Clock>,
    random: Arc<dyn Random>,
    settings: Settings,
}

/// Why something was not done.
#[derive(Debug, thiserror::Error)]
pub enum AccountRefused {
    /// It was tried too often.
    #[error("too often")]
    TooOften(TooOften),
    /// Address and password do not go together, or there is no such account.
    #[error("login failed")]
    LoginFailed,
    /// Nobody is logged in, or not any more.
    #[error("not logged in")]
    NotLoggedIn,
    /// The old password is another.
    #[error("wrong password")]
    WrongPassword,
    /// No such link, or it is used or over.
    #[error("no such link")]
    NoLink,
    /// Too many passwords are being checked, or it failed.
    #[error(transparent)]
    Hash(#[from] HashError),
    /// The database failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// There is no randomness.
    #[error(transparent)]
    Random(#[from] RandomError),
}

impl From<TooOften> for AccountRefused {
    fn from(refused: TooOften) -> Self {
        Self::TooOften(refused)
    }
}

/// Somebody who has logged in.
#[derive(Debug)]
pub struct LoggedIn {
    /// Into which account.
    pub account: Account,
    /// What the browser holds from now on.
    pub token: Token,
    /// For how long.
    pub lasts: Duration,
}

impl Accounts {
    /// The accounts in `store`.
    ///
    /// # Errors
    /// When passwords cannot be hashed.
    pub fn new(
        store: Arc<dyn AccountStore>,
        clock: Arc<dyn Clock>,
        random: Arc<dyn Random>,
        settings: Settings,
    ) -> Result<Self, HashError> {
        Ok(Self {
            sessions: Sessions::new(Arc::clone(&store), Arc::clone(&clock)),
            passwords: Passwords::new(Arc::clone(&random))?,
            limiter: Limiter::default(),
            store,
            clock,
            random,
            settings,
        })
    }

    /// Has a link sent that opens an account; or, if there is one already, a word about it.
    ///
    /// # Errors
    /// When it was asked for too often, or something failed.
    pub async fn sign_up(
        &self,
        email: EmailAddress,
        password: Password,
        language: Language,
        network: Option<Network>,
    ) -> Result<(), AccountRefused> {
        let now = self.clock.now();
        self.limiter.mail(&email, network, now)?;
        // Hashed in any case: the time tells nothing.
        let password_hash = self.passwords.hash(password).await?;
        let token = Token::random(self.random.as_ref())?;
        let day = now.as_millis() / u64::try_from(KNOWN_EVERY.as_millis()).unwrap_or(1);
        let known = self.message(&format!("known.{day}"), &email, language, Notice::SignUpAgain);
        let link = self.link("sign-up", &token, &email, language);
        let expires_at = now + SIGN_UP_LINK;
        let new = SignUp { token: token.hash(), email, password_hash, language, expires_at };
        Ok(self.store.sign_up(&new, &link, &known, now).await?)
    }

    /// Opens the account of a link.
    ///
    /// # Errors
    /// When there is no such link, or something failed.
    pub async fn open(&self, token: &str) -> Result<(), AccountRefused> {
        let token = Token::parse(token).ok_or(AccountRefused::NoLink)?;
        let new = NewAccount {
            id: AccountId::random(self.random.as_ref())?,
            fan: FanId::random(self.random.as_ref())?,
            organisers: self.settings.organisers.clone(),
        };
        match self.store.open(&token.hash(), &new, self.clock.now()).await? {
            Opened::Yes(role) => {
                tracing::info!(account = %new.id, role = role.as_str(), "account opened");
                Ok(())
            }
            Opened::Existed => Ok(()),
            Opened::NoLink => Err(AccountRefused::NoLink),
        }
    }

    /// Logs in; what the guest of this browser has becomes the account's.
    ///
    /// # Errors
    /// When it fails, for whatever reason, or was tried too often.
    pub async fn log_in(
        &self,
        email: &EmailAddress,
        password: Password,
        guest: Option<FanId>,
        network: Option<Network>,
    ) -> Result<LoggedIn, AccountRefused> {
        self.limiter.login(email, network, self.clock.now())?;
        let found = self.store.find(email).await?;
        let hash = found.as_ref().map(|(_, hash)| hash.as_str());
        let right = self.passwords.is_right(password, hash).await?;
        let Some((account, _)) = found.filter(|_| right) else {
            return Err(AccountRefused::LoginFailed);
        };
        let token = Token::random(self.random.as_ref())?;
        let (now, lasts) = (self.clock.now(), self.settings.session);
        let new =
            NewSession { token: token.hash(), account: account.id.clone(), guest, expires_at: now + lasts };
        self.store.open_session(&new, now).await?;
        Ok(LoggedIn { account, token, lasts })
    }

    /// Who is logged in by this token.
    ///
    /// # Errors
    /// When the database does not say.
    pub async fn session(&self, token: &TokenHash) -> Result<Option<Session>, StoreError> {
        self.sessions.of(token).await
    }

    /// The account of somebody who is logged in.
    ///
    /// # Errors
    /// When the database does not say.
    pub async fn account(&self, session: &Session) -> Result<Option<Account>, StoreError> {
        self.store.account(&session.account).await
    }

    /// Logs out.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn log_out(&self, token: &TokenHash) -> Result<(), StoreError> {
        self.store.close_session(token).await?;
        self.sessions.forget(token);
        Ok(())
    }

    /// Has a link sent that sets a new password, if the address has an account.
    ///
    /// # Errors
    /// When it was asked for too often, or something failed.
    pub async fn forgot(&self, email: &EmailAddress, network: Option<Network>) -> Result<(), AccountRefused> {
        let now = self.clock.now();
        self.limiter.mail(email, network, now)?;
        let token = Token::random(self.random.as_ref())?;
        // The language is the account's.
        let link = self.link("reset", &token, email, Language::default());
        Ok(self.store.forgot(email, &token.hash(), &link, now + RESET_LINK, now).await?)
    }

    /// Sets the new password of a link's account, and ends all its sessions.
    ///
    /// # Errors
    /// When there is no such link, or something failed.
    pub async fn reset(&self, token: &str, password: Password) -> Result<(), AccountRefused> {
        let token = Token::parse(token).ok_or(AccountRefused::NoLink)?;
        let hash = self.passwords.hash(password).await?;
        let now = self.clock.now();
        // Whom it is told, the link says.
        let told =
            (format!("account.password.{}", token.hash().as_str()), Notice::PasswordChanged { at: now });
        if !self.store.reset(&token.hash(), &hash, told, now).await? {
            return Err(AccountRefused::NoLink);
        }
        self.sessions.forget_all();
        Ok(())
    }

    /// Changes the password of somebody who is logged in by `token` and knows the old one. Every other login ends.
    ///
    /// # Errors
    /// When the old password is another, it was tried too often, or something failed.
    pub async fn change_password(
        &self,
        (token, session): (&TokenHash, &Session),
        old: Password,
        new: Password,
        network: Option<Network>,
    ) -> Result<(), AccountRefused> {
        let now = self.clock.now();
        let account = self.account(session).await?.ok_or(AccountRefused::NotLoggedIn)?;
        // Whoever sits before somebody else's open browser guesses no faster than at the login.
        self.limiter.login(&account.email, network, now)?;
        let found = self.store.find(&account.email).await?;
        let (account, from) = found.ok_or(AccountRefused::NotLoggedIn)?;
        if !self.passwords.is_right(old, Some(&from)).await? {
            return Err(AccountRefused::WrongPassword);
        }
        let to = self.passwords.hash(new).await?;
        let news = Token::random(self.random.as_ref())?;
        let told = Message {
            key: format!("account.password.{}", news.hash().as_str()),
            to: Recipient::Address(account.email, account.language),
            notice: Notice::PasswordChanged { at: now },
        };
        let change = PasswordChange { account: account.id, from, to, session: token.clone() };
        if !self.store.change_password(&change, &told, now).await? {
            return Err(AccountRefused::WrongPassword);
        }
        self.sessions.forget_all();
        Ok(())
    }

    /// Forgets what is over.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn forget(&self) -> Result<(), StoreError> {
        self.store.forget(self.clock.now()).await
    }

    fn link(&self, purpose: &str, token: &Token, email: &EmailAddress, language: Language) -> Message {
        let secret = SecretText::new(token.expose());
        let notice = match purpose {
            "reset" => Notice::Reset { token: secret },
            _ => Notice::SignUp { token: secret },
        };
        // Each link is news of its own. Its hash says which, and opens nothing.
        Message {
            key: format!("account.{purpose}.{}", token.hash().as_str()),
            to: Recipient::Address(email.clone(), language),
            notice,
        }
    }

    fn message(&self, news: &str, email: &EmailAddress, language: Language, notice: Notice) -> Message {
        // The key outlives the mail: it must not tell the address.
        let who = hash_of(email.expose());
        Message {
            key: format!("account.{news}.{who}"),
            to: Recipient::Address(email.clone(), language),
            notice,
        }
    }
}
