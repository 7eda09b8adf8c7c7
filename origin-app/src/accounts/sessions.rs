//! Who is logged in, remembered for some seconds: a page and its calls come together, and holding a seat must not wait for
//! the database. There is nothing personal in it.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use admission::clock::{Clock, Timestamp};

use super::model::Session;
use super::store::AccountStore;
use super::token::TokenHash;
use crate::store::StoreError;

/// How long it is remembered. In so many seconds every shop on the database knows that a session has ended.
const MEMORY: Duration = Duration::from_secs(10);
/// Most sessions that are remembered at once.
const REMEMBERED_MAX: usize = 50_000;

/// Knows who is logged in.
pub(super) struct Sessions {
    store: Arc<dyn AccountStore>,
    clock: Arc<dyn Clock>,
    known: Mutex<HashMap<TokenHash, Known>>,
}

struct Known {
    session: Session,
    asked_at: Timestamp,
}

impl Sessions {
    /// Those of `store`.
    pub(super) fn new(store: Arc<dyn AccountStore>, clock: Arc<dyn Clock>) -> Self {
        Self { store, clock, known: Mutex::default() }
    }

    /// Who is logged in by this token.
    ///
    /// # Errors
    /// When the database does not say.
    pub(super) async fn of(&self, token: &TokenHash) -> Result<Option<Session>, StoreError> {
        let now = self.clock.now();
        if let Some(session) = self.remembered(token, now) {
            return Ok(Some(session));
        }
        let found = self.store.session(token, now).await?;
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        match &found {
            Some(session) => {
                if known.len() >= REMEMBERED_MAX {
                    known.retain(|_, known| now.since(known.asked_at) < MEMORY);
                }
                if known.len() < REMEMBERED_MAX {
                    known.insert(token.clone(), Known { session: session.clone(), asked_at: now });
                }
            }
            None => {
                known.remove(token);
            }
        }
        Ok(found)
    }

    fn remembered(&self, token: &TokenHash, now: Timestamp) -> Option<Session> {
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let Known { session, asked_at } = known.get(token)?;
        let good = now.since(*asked_at) < MEMORY && now < session.expires_at;
        good.then(|| session.clone())
    }

    /// This session has ended.
    pub(super) fn forget(&self, token: &TokenHash) {
        self.known.lock().unwrap_or_else(PoisonError::into_inner).remove(token);
    }

    /// Some sessions have ended.
    pub(super) fn forget_all(&self) {
        self.known.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }
}
