//! Accounts in either database.

use super::rows::{self, Columns};
use crate::accounts::{Account, Role, Session};
use crate::ids::{AccountId, FanId};
use crate::language::Language;
use crate::notifications::EmailAddress;
use crate::outbox::Recipient;
use crate::store::StoreError;

macro_rules! account {
    ($where:literal) => {
        concat!(
            "SELECT id, email, password_hash, fan_id, role, language, created_at FROM accounts WHERE ",
            $where
        )
    };
}

/// $1 address.
const BY_EMAIL: &str = account!("email = $1");
/// $1 id.
const BY_ID: &str = account!("id = $1");

/// $1 hash, $2 purpose, $3 address, $4 password's hash, $5 language, $6 end.
const NEW_LINK: &str = "INSERT INTO account_links
       (token_hash, purpose, email, password_hash, language, expires_at) VALUES ($1, $2, $3, $4, $5, $6)";

/// $1 hash, $2 purpose, $3 now. A link works once: whoever deletes it has it.
const USE_LINK: &str = "DELETE FROM account_links
      WHERE token_hash = $1 AND purpose = $2 AND expires_at > $3
  RETURNING email, password_hash, language";

/// $1 address.
const DROP_LINKS: &str = "DELETE FROM account_links WHERE email = $1";

/// $1 id, $2 address, $3 password's hash, $4 fan, $5 role, $6 language, $7 now.
const NEW_ACCOUNT: &str = "INSERT INTO accounts
       (id, email, password_hash, fan_id, role, language, created_at, password_at)
     VALUES ($1, $2, $3, $4, $5, $6, $7, $7) ON CONFLICT (email) DO NOTHING";

/// $1 fan, $2 address, $3 language, $4 now.
const CONTACT: &str = "INSERT INTO contacts (fan_id, email, language, updated_at) VALUES ($1, $2, $3, $4)
     ON CONFLICT (fan_id) DO UPDATE SET email = $2, language = $3, updated_at = $4";

/// $1 address, $2 password's hash, $3 now.
const NEW_PASSWORD: &str =
    "UPDATE accounts SET password_hash = $2, password_at = $3 WHERE email = $1 RETURNING id, language";

/// $1 account, $2 the old hash, $3 the new one, $4 now.
const CHANGE_PASSWORD: &str = "UPDATE accounts SET password_hash = $3, password_at = $4
      WHERE id = $1 AND password_hash = $2 RETURNING email";

/// $1 account, $2 the session that goes on.
const END_OTHERS: &str = "DELETE FROM sessions WHERE account_id = $1 AND token_hash <> $2";

/// $1 account.
const END_SESSIONS: &str = "DELETE FROM sessions WHERE account_id = $1";

/// $1 hash, $2 account, $3 now, $4 end.
const NEW_SESSION: &str =
    "INSERT INTO sessions (token_hash, account_id, created_at, expires_at) VALUES ($1, $2, $3, $4)";

/// $1 hash, $2 now.
const SESSION: &str = "SELECT a.id, a.fan_id, a.role, s.expires_at
       FROM sessions s JOIN accounts a ON a.id = s.account_id WHERE s.token_hash = $1 AND s.expires_at > $2";

/// $1 hash.
const END_SESSION: &str = "DELETE FROM sessions WHERE token_hash = $1";

/// $1 guest, $2 account, $3 now. A guest becomes one fan, the first who logs in there.
const GUEST: &str = "INSERT INTO guests (guest_id, fan_id, since)
     SELECT $1, a.fan_id, $3 FROM accounts a WHERE a.id = $2 ON CONFLICT (guest_id) DO NOTHING";

/// $1 guest. Who waits keeps the better of two places for one event, the guest's or the account's: an offer before a
/// place in the list, the earlier before the later. What the account knows of its owner counts from then on.
const WAIT_ON: [&str; 3] = [
    "DELETE FROM waitlist WHERE fan_id = (SELECT fan_id FROM guests WHERE guest_id = $1)
        AND EXISTS (SELECT 1 FROM waitlist g WHERE g.event_id = waitlist.event_id AND g.fan_id = $1
           AND (CASE g.state WHEN 'offered' THEN 0 WHEN 'waiting' THEN 1 ELSE 2 END, g.joined_at)
             < (CASE waitlist.state WHEN 'offered' THEN 0 WHEN 'waiting' THEN 1 ELSE 2 END, waitlist.joined_at))",
    "DELETE FROM waitlist WHERE fan_id = $1 AND event_id IN
       (SELECT event_id FROM waitlist WHERE fan_id = (SELECT fan_id FROM guests WHERE guest_id = $1))",
    "UPDATE waitlist SET fan_id = (SELECT fan_id FROM guests WHERE guest_id = $1), email = NULL, language = NULL
      WHERE fan_id = $1",
];

/// $1 address, $2 role.
const ROLE: &str = "UPDATE accounts SET role = $2 WHERE email = $1";

/// $1 now.
const FORGET: [&str; 2] =
    ["DELETE FROM sessions WHERE expires_at <= $1", "DELETE FROM account_links WHERE expires_at <= $1"];

/// $1 guest. Locked in the order in which everybody locks reservations.
macro_rules! adopt {
    ($lock:literal) => {
        concat!(
            "UPDATE reservations SET fan_id = (SELECT fan_id FROM guests WHERE guest_id = $1)
              WHERE id IN (SELECT id FROM reservations WHERE fan_id = $1 ORDER BY id",
            $lock,
            ")"
        )
    };
}
use adopt;

fn account(row: &impl Columns) -> Result<(Account, String), StoreError> {
    let account = Account {
        id: rows::valid("id", AccountId::parse(&row.text("id")?).ok())?,
        email: rows::valid("email", EmailAddress::parse(&row.text("email")?).ok())?,
        fan: rows::valid("fan_id", FanId::parse(&row.text("fan_id")?).ok())?,
        role: rows::valid("role", Role::parse(&row.text("role")?))?,
        language: Language::parse(&row.text("language")?).unwrap_or_default(),
        created_at: rows::moment(row, "created_at")?,
    };
    Ok((account, row.text("password_hash")?))
}

fn recipient(email: &str, language: &str) -> Result<Recipient, StoreError> {
    let email = rows::valid("email", EmailAddress::parse(email).ok())?;
    Ok(Recipient::Address(email, Language::parse(language).unwrap_or_default()))
}

fn session(row: &impl Columns) -> Result<Session, StoreError> {
    Ok(Session {
        account: rows::valid("id", AccountId::parse(&row.text("id")?).ok())?,
        fan: rows::valid("fan_id", FanId::parse(&row.text("fan_id")?).ok())?,
        role: rows::valid("role", Role::parse(&row.text("role")?))?,
        expires_at: rows::moment(row, "expires_at")?,
    })
}

/// The port on one of the databases.
macro_rules! accounts_on {
    ($module:ident: $Database:ident, $adopt:expr) => {
        mod $module {
            use admission::clock::Timestamp;
            use async_trait::async_trait;

            use super::super::outbox::$module::enqueue;
            use super::super::rows::{Columns as _, at};
            use super::super::$module::$Database;
            use crate::accounts::{
                Account, AccountStore, NewAccount, NewSession, Opened, PasswordChange, Role, Session, SignUp,
                TokenHash,
            };
            use crate::ids::AccountId;
            use crate::notifications::{EmailAddress, Notice};
            use crate::outbox::Message;
            use crate::store::StoreError;

            #[async_trait]
            impl AccountStore for $Database {
                async fn find(&self, email: &EmailAddress) -> Result<Option<(Account, String)>, StoreError> {
                    let query = sqlx::query(super::BY_EMAIL).bind(email.expose());
                    query.fetch_optional(self.readers()).await?.as_ref().map(super::account).transpose()
                }

                async fn account(&self, id: &AccountId) -> Result<Option<Account>, StoreError> {
                    let row =
                        sqlx::query(super::BY_ID).bind(id.as_str()).fetch_optional(self.readers()).await?;
                    Ok(row.as_ref().map(super::account).transpose()?.map(|(account, _)| account))
                }

                async fn sign_up(
                    &self,
                    new: &SignUp,
                    link: &Message,
                    known: &Message,
                    now: Timestamp,
                ) -> Result<(), StoreError> {
                    let mut transaction = self.begin().await?;
                    let account = sqlx::query(super::BY_EMAIL).bind(new.email.expose());
                    if account.fetch_optional(&mut *transaction).await?.is_some() {
                        enqueue(&mut transaction, known, now).await?;
                    } else {
                        sqlx::query(super::NEW_LINK)
                            .bind(new.token.as_str())
                            .bind("sign_up")
                            .bind(new.email.expose())
                            .bind(&new.password_hash)
                            .bind(new.language.tag())
                            .bind(at(new.expires_at))
                            .execute(&mut *transaction)
                            .await?;
                        enqueue(&mut transaction, link, now).await?;
                    }
                    transaction.commit().await?;
                    Ok(())
                }

                async fn open(
                    &self,
                    token: &TokenHash,
                    new: &NewAccount,
                    now: Timestamp,
                ) -> Result<Opened, StoreError> {
                    let mut transaction = self.begin().await?;
                    let link = sqlx::query(super::USE_LINK)
                        .bind(token.as_str())
                        .bind("sign_up")
                        .bind(at(now))
                        .fetch_optional(&mut *transaction)
                        .await?;
                    let Some(link) = link else { return Ok(Opened::NoLink) };
                    let (email, language) = (link.text("email")?, link.text("language")?);
                    let organiser = new.organisers.iter().any(|organiser| organiser.expose() == email);
                    let role = if organiser { Role::Organiser } else { Role::Fan };
                    let opened = sqlx::query(super::NEW_ACCOUNT)
                        .bind(new.id.as_str())
                        .bind(&email)
                        .bind(link.text("password_hash")?)
                        .bind(new.fan.as_str())
                        .bind(role.as_str())
                        .bind(&language)
                        .bind(at(now))
                        .execute(&mut *transaction)
                        .await?
                        .rows_affected();
                    if opened == 1 {
                        sqlx::query(super::CONTACT)
                            .bind(new.fan.as_str())
                            .bind(&email)
                            .bind(&language)
                            .bind(at(now))
                            .execute(&mut *transaction)
                            .await?;
                        // What others asked for with this address comes to nothing.
                        sqlx::query(super::DROP_LINKS).bind(&email).execute(&mut *transaction).await?;
                    }
                    transaction.commit().await?;
                    Ok(if opened == 1 { Opened::Yes(role) } else { Opened::Existed })
                }

                async fn forgot(
                    &self,
                    email: &EmailAddress,
                    token: &TokenHash,
                    link: &Message,
                    expires_at: Timestamp,
                    now: Timestamp,
                ) -> Result<(), StoreError> {
                    let mut transaction = self.begin().await?;
                    let account = sqlx::query(super::BY_EMAIL).bind(email.expose());
                    let Some(account) = account.fetch_optional(&mut *transaction).await? else {
                        return Ok(());
                    };
                    let (account, _) = super::account(&account)?;
                    sqlx::query(super::NEW_LINK)
                        .bind(token.as_str())
                        .bind("reset")
                        .bind(email.expose())
                        .bind(None::<&str>)
                        .bind(account.language.tag())
                        .bind(at(expires_at))
                        .execute(&mut *transaction)
                        .await?;
                    let to = crate::outbox::Recipient::Address(account.email, account.language);
                    enqueue(&mut transaction, &Message { to, ..link.clone() }, now).await?;
                    transaction.commit().await?;
                    Ok(())
                }

                async fn reset(
                    &self,
                    token: &TokenHash,
                    password_hash: &str,
                    (key, notice): (String, Notice),
                    now: Timestamp,
                ) -> Result<bool, StoreError> {
                    let mut transaction = self.begin().await?;
                    let link = sqlx::query(super::USE_LINK)
                        .bind(token.as_str())
                        .bind("reset")
                        .bind(at(now))
                        .fetch_optional(&mut *transaction)
                        .await?;
                    let Some(link) = link else { return Ok(false) };
                    let email = link.text("email")?;
                    let account = sqlx::query(super::NEW_PASSWORD)
                        .bind(&email)
                        .bind(password_hash)
                        .bind(at(now))
                        .fetch_optional(&mut *transaction)
                        .await?;
                    let Some(account) = account else { return Ok(false) };
                    sqlx::query(super::END_SESSIONS)
                        .bind(account.text("id")?)
                        .execute(&mut *transaction)
                        .await?;
                    sqlx::query(super::DROP_LINKS).bind(&email).execute(&mut *transaction).await?;
                    let to = super::recipient(&email, &account.text("language")?)?;
                    enqueue(&mut transaction, &Message { key, to, notice }, now).await?;
                    transaction.commit().await?;
                    Ok(true)
                }

                async fn change_password(
                    &self,
                    change: &PasswordChange,
                    told: &Message,
                    now: Timestamp,
                ) -> Result<bool, StoreError> {
                    let mut transaction = self.begin().await?;
                    let changed = sqlx::query(super::CHANGE_PASSWORD)
                        .bind(change.account.as_str())
                        .bind(&change.from)
                        .bind(&change.to)
                        .bind(at(now))
                        .fetch_optional(&mut *transaction)
                        .await?;
                    let Some(account) = changed else { return Ok(false) };
                    sqlx::query(super::END_OTHERS)
                        .bind(change.account.as_str())
                        .bind(change.session.as_str())
                        .execute(&mut *transaction)
                        .await?;
                    sqlx::query(super::DROP_LINKS)
                        .bind(account.text("email")?)
                        .execute(&mut *transaction)
                        .await?;
                    enqueue(&mut transaction, told, now).await?;
                    transaction.commit().await?;
                    Ok(true)
                }

                async fn open_session(&self, new: &NewSession, now: Timestamp) -> Result<(), StoreError> {
                    let mut transaction = self.begin().await?;
                    sqlx::query(super::NEW_SESSION)
                        .bind(new.token.as_str())
                        .bind(new.account.as_str())
                        .bind(at(now))
                        .bind(at(new.expires_at))
                        .execute(&mut *transaction)
                        .await?;
                    if let Some(guest) = &new.guest {
                        sqlx::query(super::GUEST)
                            .bind(guest.as_str())
                            .bind(new.account.as_str())
                            .bind(at(now))
                            .execute(&mut *transaction)
                            .await?;
                        sqlx::query($adopt).bind(guest.as_str()).execute(&mut *transaction).await?;
                        for statement in super::WAIT_ON {
                            sqlx::query(statement).bind(guest.as_str()).execute(&mut *transaction).await?;
                        }
                    }
                    transaction.commit().await?;
                    Ok(())
                }

                async fn session(
                    &self,
                    token: &TokenHash,
                    now: Timestamp,
                ) -> Result<Option<Session>, StoreError> {
                    let query = sqlx::query(super::SESSION).bind(token.as_str()).bind(at(now));
                    query.fetch_optional(self.readers()).await?.as_ref().map(super::session).transpose()
                }

                async fn close_session(&self, token: &TokenHash) -> Result<(), StoreError> {
                    sqlx::query(super::END_SESSION).bind(token.as_str()).execute(self.writer()).await?;
                    Ok(())
                }

                async fn set_role(&self, email: &EmailAddress, role: Role) -> Result<bool, StoreError> {
                    let query = sqlx::query(super::ROLE).bind(email.expose()).bind(role.as_str());
                    Ok(query.execute(self.writer()).await?.rows_affected() == 1)
                }

                async fn forget(&self, now: Timestamp) -> Result<(), StoreError> {
                    for statement in super::FORGET {
                        sqlx::query(statement).bind(at(now)).execute(self.writer()).await?;
                    }
                    Ok(())
                }
            }
        }
    };
}

accounts_on!(sqlite: Sqlite, super::adopt!(""));
accounts_on!(postgres: Postgres, super::adopt!(" FOR UPDATE"));
