//! What a proxy knows of the admitted: tokens it has verified, sessions that saw a request, sessions that ended.
//! Everything on the path of an admitted request is here, and none of it asks the store.

mod heard;
mod tail;

use std::collections::HashMap;
use std::hash::BuildHasher;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use crate::limits::{Pace, Paced};
use admission::clock::Timestamp;
use admission::keyring::Keyring;
use admission::name::RoomId;
use admission::store::{BATCH_MAX, ENDED_MEMORY, Stay};
use admission::ticket::TicketId;
use admission::token::Admission;
use parking_lot::{Mutex, RwLock};
use tokio::time::Instant;

use self::heard::Heard;
use self::tail::Tail;

const SHARDS: usize = 16;
/// Most verified tokens remembered in each shard.
const TOKENS_PER_SHARD_MAX: usize = 16_384;
/// Most sessions followed.
const SESSIONS_MAX: usize = 1_000_000;
/// Most ended sessions remembered: some 40 bytes each.
const ENDED_MAX: usize = 4_000_000;
/// A session that is in use is noted once in this time.
const TOUCH_EVERY_MS: u64 = 1000;
/// Ends of a session that are no further apart are the same.
const ALIKE: Duration = Duration::from_secs(1);

struct Verified {
    admission: Admission,
    touched_at_ms: AtomicU64,
    paced: Paced,
}

struct Session {
    seen: bool,
    last: Instant,
    reported_at: Option<Instant>,
    keep_until: Option<Instant>,
    admitted_at: Timestamp,
    /// The same by the line's clock.
    began_at: Timestamp,
}

/// Verified tokens, by their text.
type Tokens = HashMap<Box<str>, Arc<Verified>, Tail>;

/// What a proxy knows of the admitted.
pub(super) struct Sessions {
    tokens: [RwLock<Tokens>; SHARDS],
    hasher: Tail,
    active: Mutex<HashMap<TicketId, Session>>,
    /// Those that the store told of, locked after the others.
    heard: Mutex<Heard>,
    /// When sessions were heard to have ended.
    ended: RwLock<HashMap<TicketId, Instant>>,
    /// Of those, the ones that a store which lost data is still to be told.
    end_again: Mutex<Vec<TicketId>>,
    /// Admissions up to this moment by the line's clock are void, whoever knows of their sessions.
    voided_before_ms: AtomicU64,
}

impl Default for Sessions {
    fn default() -> Self {
        Self {
            tokens: std::array::from_fn(|_| RwLock::default()),
            hasher: Tail::default(),
            active: Mutex::default(),
            heard: Mutex::default(),
            ended: RwLock::default(),
            end_again: Mutex::default(),
            voided_before_ms: AtomicU64::new(0),
        }
    }
}

impl Sessions {
    /// Checks an admission token, also whether it is theirs who show it, and notes that its session is in use. A token that was verified once is not
    /// verified again: the same text is the same token.
    pub(super) fn admit(
        &self,
        keys: &Keyring,
        room: &RoomId,
        token: &str,
        now: Timestamp,
        is_theirs: impl FnOnce(&Admission) -> bool,
    ) -> Option<Admission> {
        let verified = self.verified(keys, room, token, now)?;
        if verified.admission.expires_at <= now || self.has_ended(verified.admission.ticket) {
            return None;
        }
        if verified.admission.began_at <= self.voided_before() {
            self.end_the_void(&verified.admission);
            return None;
        }
        if !is_theirs(&verified.admission) {
            return None;
        }
        let touched = verified.touched_at_ms.load(Ordering::Relaxed);
        if now.as_millis().abs_diff(touched) >= TOUCH_EVERY_MS {
            verified.touched_at_ms.store(now.as_millis(), Ordering::Relaxed);
            self.touch(&verified.admission, None);
        }
        Some(verified.admission.clone())
    }

    /// Takes one of the requests that go with a token.
    pub(super) fn pace(&self, token: &str, pace: Pace, now: Timestamp) -> Result<(), Duration> {
        let Some(shard) = self.tokens.get(self.hasher.hash_one(token) as usize % SHARDS) else {
            return Ok(());
        };
        match shard.read().get(token) {
            Some(known) => known.paced.take(pace, now.as_millis().saturating_mul(1000)),
            None => Ok(()),
        }
    }

    fn verified(&self, keys: &Keyring, room: &RoomId, token: &str, now: Timestamp) -> Option<Arc<Verified>> {
        let shard = self.tokens.get(self.hasher.hash_one(token) as usize % SHARDS)?;
        if let Some(found) = shard.read().get(token) {
            return Some(found.clone());
        }
        let admission = Admission::verify(keys, room, token, now).ok()?;
        let verified =
            Arc::new(Verified { admission, touched_at_ms: AtomicU64::new(0), paced: Paced::default() });
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

    /// Forgets which tokens were verified: a key that did may be gone.
    pub(super) fn forget_verified(&self) {
        self.tokens.iter().for_each(|shard| shard.write().clear());
    }

    /// A session saw a request; with `keep_for`, it is to live that long without any.
    pub(super) fn touch(&self, admission: &Admission, keep_for: Option<Duration>) {
        let ticket = admission.ticket;
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
            admitted_at: admission.admitted_at,
            began_at: admission.began_at,
        });
        session.admitted_at = session.admitted_at.min(admission.admitted_at);
        session.seen = true;
        session.last = now;
        if let Some(time) = keep_for {
            session.keep_until = Some(now + time);
        }
    }

    /// When the fan with this session was admitted, where that is known here.
    pub(super) fn admitted_at(&self, ticket: TicketId) -> Option<Timestamp> {
        self.active.lock().get(&ticket).map(|session| session.admitted_at)
    }

    /// The sessions that have lasted as long as any may.
    pub(super) fn overstayed(&self, now: Timestamp, session_max: Duration) -> Vec<TicketId> {
        let active = self.active.lock();
        active
            .iter()
            .filter(|(_, session)| session.admitted_at + session_max <= now)
            .map(|(ticket, _)| *ticket)
            .take(BATCH_MAX)
            .collect()
    }

    /// The sessions to report as active: those used since their last report, at most every `every`, and those
    /// that the shop wants kept.
    pub(super) fn due_for_presence(
        &self,
        every: Duration,
        session: Duration,
        store_now: Timestamp,
    ) -> Vec<Stay> {
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
                let last = (held.last + session).max(held.keep_until.unwrap_or(now));
                due.push(Stay {
                    ticket: *ticket,
                    stayed: store_now.since(held.began_at),
                    keep_for: last.duration_since(now),
                });
            }
        }
        let is_known = |ticket, until: Timestamp| {
            active.get(&ticket).is_some_and(|held| {
                let last = (held.last + session).max(held.keep_until.unwrap_or(now));
                last + ALIKE >= now + until.since(store_now)
            })
        };
        let most = (8 * BATCH_MAX).saturating_sub(due.len());
        due.extend(self.heard.lock().take_due(most, store_now, is_known));
        due
    }

    /// Everything known has to be told again: the store may have forgotten it.
    pub(super) fn all_are_due(&self) {
        for session in self.active.lock().values_mut() {
            session.reported_at = None;
        }
        self.heard.lock().all_are_due();
        *self.end_again.lock() = self.ended.read().keys().copied().collect();
    }

    /// Some of the sessions that have to be ended again.
    pub(super) fn due_to_end_again(&self) -> Vec<TicketId> {
        let mut due = self.end_again.lock();
        let from = due.len().saturating_sub(8 * BATCH_MAX);
        due.split_off(from)
    }

    /// The reports of these sessions did not arrive.
    pub(super) fn presence_failed(&self, stays: &[Stay]) {
        let mut active = self.active.lock();
        for Stay { ticket, .. } in stays {
            if let Some(session) = active.get_mut(ticket) {
                session.seen = true;
                session.reported_at = None;
            }
        }
        let heard_of = stays.iter().map(|stay| stay.ticket).filter(|ticket| !active.contains_key(ticket));
        self.heard.lock().are_due(heard_of);
    }

    /// Whether the session of `ticket` is known to have ended.
    pub(super) fn has_ended(&self, ticket: TicketId) -> bool {
        let ended = self.ended.read();
        !ended.is_empty() && ended.contains_key(&ticket)
    }

    /// Whether the ticket has, or had, a session that is known here.
    pub(super) fn knows(&self, ticket: TicketId) -> bool {
        self.has_ended(ticket) || self.active.lock().contains_key(&ticket) || self.heard.lock().knows(ticket)
    }

    /// These sessions ended. That is remembered for as long as the store remembers it, which may forget everything:
    /// nobody who is done comes back that way. Where there are too many, those go whose tokens, which live for
    /// `token_life`, have expired.
    pub(super) fn end(&self, tickets: &[TicketId], token_life: Duration) {
        if tickets.is_empty() {
            return;
        }
        let now = Instant::now();
        {
            let mut ended = self.ended.write();
            if ended.len() + tickets.len() > ENDED_MAX {
                ended.retain(|_, ended_at| now.duration_since(*ended_at) < token_life);
            }
            for ticket in tickets {
                if ended.len() >= ENDED_MAX {
                    tracing::error!(
                        "more sessions ended than can be remembered; some tokens live until they expire"
                    );
                    break;
                }
                ended.insert(*ticket, now);
            }
        }
        let mut active = self.active.lock();
        for ticket in tickets {
            active.remove(ticket);
        }
        self.heard.lock().end(tickets);
    }

    /// Up to when admissions are void, by the line's clock.
    pub(super) fn voided_before(&self) -> Timestamp {
        Timestamp::from_millis(self.voided_before_ms.load(Ordering::Acquire))
    }

    /// Admissions up to this moment are void: from now on none of their tokens is good, and the store is told which
    /// sessions are over, should it not know them. Whether that is news.
    pub(super) fn void(&self, before: Timestamp, token_life: Duration) -> bool {
        if self.voided_before_ms.fetch_max(before.as_millis(), Ordering::AcqRel) >= before.as_millis() {
            return false;
        }
        let is_void =
            |(ticket, session): (&TicketId, &Session)| (session.began_at <= before).then_some(*ticket);
        let mut void: Vec<TicketId> = self.active.lock().iter().filter_map(is_void).collect();
        void.extend(self.heard.lock().begun_by(before));
        self.end(&void, token_life);
        self.end_again.lock().extend(void);
        true
    }

    /// A token came of an admission that was voided. Its ticket is worth nothing either, unless it has another session.
    fn end_the_void(&self, admission: &Admission) {
        let ticket = admission.ticket;
        if !self.knows(ticket) {
            self.end(&[ticket], Duration::MAX);
            self.end_again.lock().push(ticket);
        }
    }

    /// A ticket whose session ended has a new one: an operator or the store brought it back.
    pub(super) fn revive(&self, ticket: TicketId) {
        if self.has_ended(ticket) {
            self.ended.write().remove(&ticket);
        }
    }

    /// Forgets sessions that ended so long ago that their tickets are not put back either. Called now and then.
    pub(super) fn tidy(&self) {
        let now = Instant::now();
        self.ended.write().retain(|_, ended_at| now.duration_since(*ended_at) < ENDED_MEMORY);
    }
}

#[cfg(test)]
mod tests;
