//! What a proxy knows of the admitted: tokens it has verified, sessions that saw a request, sessions that ended.
//! Everything on the path of an admitted request is here, and none of it asks the store.

use std::collections::HashMap;
use std::hash::BuildHasher;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use admission::clock::Timestamp;
use admission::keyring::Keyring;
use admission::name::RoomId;
use admission::store::BATCH_MAX;
use admission::ticket::TicketId;
use admission::token::Admission;
use parking_lot::{Mutex, RwLock};
use tokio::time::Instant;

const SHARDS: usize = 16;
/// Most verified tokens remembered in each shard.
const TOKENS_PER_SHARD_MAX: usize = 16_384;
/// Most sessions followed, and most ended ones remembered.
const SESSIONS_MAX: usize = 1_000_000;
/// A session that is in use is noted once in this time.
const TOUCH_EVERY_MS: u64 = 1000;

struct Verified {
    admission: Admission,
    touched_at_ms: AtomicU64,
}

struct Session {
    seen: bool,
    last: Instant,
    reported_at: Option<Instant>,
    keep_until: Option<Instant>,
}

/// What a proxy knows of the admitted.
pub(super) struct Sessions {
    tokens: [RwLock<HashMap<Box<str>, Arc<Verified>>>; SHARDS],
    hasher: std::hash::RandomState,
    active: Mutex<HashMap<TicketId, Session>>,
    ended: RwLock<HashMap<TicketId, Instant>>,
}

impl Default for Sessions {
    fn default() -> Self {
        Self {
            tokens: std::array::from_fn(|_| RwLock::default()),
            hasher: std::hash::RandomState::new(),
            active: Mutex::default(),
            ended: RwLock::default(),
        }
    }
}

impl Sessions {
    /// Checks an admission token, and notes that its session is in use. A token that was verified once is not
    /// verified again: the same text is the same token.
    pub(super) fn admit(
        &self,
        keys: &Keyring,
        room: &RoomId,
        token: &str,
        now: Timestamp,
    ) -> Option<Admission> {
        let verified = self.verified(keys, room, token, now)?;
        if verified.admission.expires_at <= now || self.has_ended(verified.admission.ticket) {
            return None;
        }
        let touched = verified.touched_at_ms.load(Ordering::Relaxed);
        if now.as_millis().abs_diff(touched) >= TOUCH_EVERY_MS {
            verified.touched_at_ms.store(now.as_millis(), Ordering::Relaxed);
            self.touch(verified.admission.ticket, None);
        }
        Some(verified.admission.clone())
    }

    fn verified(&self, keys: &Keyring, room: &RoomId, token: &str, now: Timestamp) -> Option<Arc<Verified>> {
        let shard = self.tokens.get(self.hasher.hash_one(token) as usize % SHARDS)?;
        if let Some(found) = shard.read().get(token) {
            return Some(found.clone());
        }
        let admission = Admission::verify(keys, room, token, now).ok()?;
        let verified = Arc::new(Verified { admission, touched_at_ms: AtomicU64::new(0) });
        let mut tokens = shard.write();
        if tokens.len() >= TOKENS_PER_SHARD_MAX {
            tokens.retain(|_, verified| verified.admission.expires_at > now);
            if tokens.len() >= TOKENS_PER_SHARD_MAX {
                tokens.clear();
            }
        }
        tokens.insert(token.into(), verified.clone());
        Some(verified)
    }

    /// The session of `ticket` saw a request; with `keep_for`, it is to live that long without any.
    pub(super) fn touch(&self, ticket: TicketId, keep_for: Option<Duration>) {
        let now = Instant::now();
        let mut active = self.active.lock();
        if active.len() >= SESSIONS_MAX && !active.contains_key(&ticket) {
            return;
        }
        let session = active.entry(ticket).or_insert(Session {
            seen: true,
            last: now,
            reported_at: None,
            keep_until: None,
        });
        session.seen = true;
        session.last = now;
        if let Some(time) = keep_for {
            session.keep_until = Some(now + time);
        }
    }

    /// The sessions to report as active: those used since their last report, at most every `every`, and those
    /// that the shop wants kept.
    pub(super) fn due_for_presence(&self, every: Duration, session: Duration) -> Vec<TicketId> {
        let now = Instant::now();
        let mut active = self.active.lock();
        active.retain(|_, held| {
            now.duration_since(held.last) < session || held.keep_until.is_some_and(|until| until > now)
        });
        let mut due = Vec::new();
        for (ticket, held) in active.iter_mut() {
            let kept = held.keep_until.is_some_and(|until| until > now);
            let since = held.reported_at.map(|at| now.duration_since(at));
            let is_due = match since {
                None => true,
                Some(since) => (held.seen && since >= every) || (kept && since >= session / 3),
            };
            if is_due && due.len() < 8 * BATCH_MAX {
                held.seen = false;
                held.reported_at = Some(now);
                due.push(*ticket);
            }
        }
        due
    }

    /// The reports of these sessions did not arrive.
    pub(super) fn presence_failed(&self, tickets: &[TicketId]) {
        let mut active = self.active.lock();
        for ticket in tickets {
            if let Some(session) = active.get_mut(ticket) {
                session.seen = true;
                session.reported_at = None;
            }
        }
    }

    /// Whether the session of `ticket` ended before its token expired.
    pub(super) fn has_ended(&self, ticket: TicketId) -> bool {
        let ended = self.ended.read();
        !ended.is_empty() && ended.contains_key(&ticket)
    }

    /// These sessions ended; their tokens are refused for `keep`, by when all of them have expired.
    pub(super) fn end(&self, tickets: &[TicketId], keep: Duration) {
        if tickets.is_empty() {
            return;
        }
        let now = Instant::now();
        {
            let mut ended = self.ended.write();
            if ended.len() + tickets.len() > SESSIONS_MAX {
                ended.retain(|_, until| *until > now);
            }
            for ticket in tickets {
                if ended.len() >= SESSIONS_MAX {
                    tracing::error!(
                        "more sessions ended than can be remembered; some tokens live until they expire"
                    );
                    break;
                }
                ended.insert(*ticket, now + keep);
            }
        }
        let mut active = self.active.lock();
        for ticket in tickets {
            active.remove(ticket);
        }
    }

    /// A ticket whose session ended has a new one: an operator or the store brought it back.
    pub(super) fn revive(&self, ticket: TicketId) {
        if self.has_ended(ticket) {
            self.ended.write().remove(&ticket);
        }
    }

    /// Forgets ended sessions whose tokens have expired. Called now and then.
    pub(super) fn tidy(&self) {
        let now = Instant::now();
        self.ended.write().retain(|_, until| *until > now);
    }
}
