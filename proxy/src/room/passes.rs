//! Admission tokens of a room: checked, made, carried on, and over. Nothing here asks the store.

use std::time::Duration;

use admission::clock::Timestamp;
use admission::ticket::{Place, TicketId};
use admission::token::Admission;
use tokio::time::Instant;

use super::registry::Stage;
use super::{Room, RoomError, Who};
use crate::limits::Pace;
use crate::telemetry::promises::Event;

/// How long tokens may outlive the session that they belong to, at most.
const CLOCK_SLACK: Duration = Duration::from_secs(60);
/// How long before it tells of a session a store can have begun it, beyond what is known of its time.
const LATE: Duration = Duration::from_secs(5);

/// An admission token, just made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pass {
    /// What it says.
    pub admission: Admission,
    /// The token.
    pub token: String,
    /// How long it is good for.
    pub age: Duration,
}

impl Room {
    /// Checks an admission token that `who` shows. Never asks the store.
    pub fn admit(&self, token: &str, who: Option<&Who<'_>>) -> Option<Admission> {
        let is_theirs = |admission: &Admission| who.is_none_or(|who| self.is_theirs(admission, who));
        let admitted =
            self.sessions.admit(&self.ports.keys.load(), &self.id, token, self.ports.clock.now(), is_theirs);
        if admitted.is_none() {
            self.tally.promises.count(Event::TokenRefused, 1);
        }
        admitted
    }

    /// Takes one of the requests that the session of a token may make; the token was admitted.
    ///
    /// # Errors
    /// How long it is until one may be made.
    pub fn pace(&self, token: &str, pace: Pace) -> Result<(), Duration> {
        self.sessions.pace(token, pace, self.ports.clock.now())
    }

    /// The admission token of a session that lives until `until` and began at `admitted_at`, by the store's clock;
    /// just now where that is not said.
    pub(super) fn pass(
        &self,
        place: &Place,
        until: Timestamp,
        admitted_at: Option<Timestamp>,
    ) -> Result<Pass, RoomError> {
        let view = self.view.load();
        let config = self.config();
        let rules = view.rules(&config.rules);
        let left = view.store_now().map_or(rules.session, |now| until.since(now)).min(rules.session);
        let now = self.ports.clock.now();
        self.sessions.revive(place.id);
        // Who was let in just now was let in when the session that the store tells of began; its rules may be newer than
        // those known here.
        let store_now = view.store_now().unwrap_or(now);
        let just_now = || (until - rules.session).clamp(store_now, store_now + LATE);
        let began_at = admitted_at.unwrap_or_else(just_now);
        // Claiming again, from a second tab, does not begin the stay anew.
        let stayed = match (view.store_now(), admitted_at) {
            (Some(store_now), Some(admitted_at)) => store_now.since(admitted_at),
            _ => Duration::ZERO,
        };
        let admitted_at = self.sessions.admitted_at(place.id).unwrap_or(now - stayed);
        let left = left.min((admitted_at + rules.session_max).since(now));
        self.mint(
            Admission {
                room: self.id.clone(),
                ticket: place.id,
                lane: place.lane.clone(),
                admitted_at,
                began_at,
                issued_at: now,
                expires_at: now + left.max(Duration::from_secs(1)),
                binding: None,
            },
            now,
        )
    }

    pub(super) fn mint(&self, admission: Admission, now: Timestamp) -> Result<Pass, RoomError> {
        let token = admission.mint(&self.ports.keys.load(), self.random_id()?)?;
        self.sessions.touch(&admission, None);
        Ok(Pass { age: admission.expires_at.since(now), admission, token })
    }

    /// The token that carries on a session which saw a request, when a good part of the old one is over.
    pub fn slide(&self, admission: &Admission) -> Option<Pass> {
        let view = self.view.load();
        let config = self.config();
        let rules = view.rules(&config.rules);
        let now = self.ports.clock.now();
        if admission.expires_at.since(now) >= rules.session * 3 / 4 {
            return None;
        }
        let expires_at = (now + rules.session).min(admission.admitted_at + rules.session_max);
        // Seconds are all that a token tells.
        if expires_at.as_secs() <= admission.expires_at.as_secs() {
            return None;
        }
        self.mint(Admission { issued_at: now, expires_at, ..admission.clone() }, now).ok()
    }

    /// The shop wants the session to live so long without a request.
    pub fn extend(&self, admission: &Admission, time: Duration) -> Option<Pass> {
        let view = self.view.load();
        let config = self.config();
        let rules = view.rules(&config.rules);
        let now = self.ports.clock.now();
        let end = admission.admitted_at + rules.session_max;
        let expires_at = (now + time).min(end).max(admission.expires_at.min(end));
        self.sessions.touch(admission, Some(expires_at.since(now)));
        self.mint(Admission { issued_at: now, expires_at, ..admission.clone() }, now).ok()
    }

    /// Whether this admission token is one that was taken back with all others of its time.
    pub fn was_voided(&self, token: &str) -> bool {
        let before = self.sessions.voided_before();
        let verify = || Admission::verify(&self.ports.keys.load(), &self.id, token, self.ports.clock.now());
        before > Timestamp::default() && verify().is_ok_and(|admission| admission.began_at <= before)
    }

    /// Whether an admission token is good for who shows it, read apart from what lets requests through.
    pub fn is_good(&self, token: &str, who: &Who<'_>) -> bool {
        let admission = Admission::verify(&self.ports.keys.load(), &self.id, token, self.ports.clock.now());
        admission.is_ok_and(|admission| {
            let is_over = self.sessions.has_ended(admission.ticket);
            !is_over && admission.began_at > self.sessions.voided_before() && self.is_theirs(&admission, who)
        })
    }

    /// The keys changed: tokens that were good by one that is gone are looked at again.
    pub fn rekeyed(&self) {
        self.sessions.forget_verified();
        self.opened.forget();
    }

    /// Whether the session of this ticket is known to be over.
    pub fn has_ended(&self, ticket: TicketId) -> bool {
        self.sessions.has_ended(ticket)
    }

    /// The session is over: at once here, and within a tick everywhere.
    pub fn end(&self, ticket: TicketId) {
        self.sessions.end(&[ticket], self.token_life());
        self.ends.end(ticket);
    }

    /// The fan with this ticket shows that they were admitted: they do not stand in the line, whatever the store
    /// has forgotten.
    pub(crate) fn recognise(&self, place: &Place, admission: &Admission) {
        if place.id == admission.ticket {
            let now = Instant::now();
            let left = admission.expires_at.since(self.ports.clock.now());
            self.registry.lock().learn(place, Stage::Admitted(now + left), now);
        }
    }

    /// Ends the sessions of fans who have stayed as long as anyone may.
    pub(super) fn end_the_overstayed(&self, session_max: Duration) {
        for ticket in self.sessions.overstayed(self.ports.clock.now(), session_max) {
            self.end(ticket);
        }
    }

    /// The longest time that a token of this room can be good for.
    pub(super) fn token_life(&self) -> Duration {
        let view = self.view.load();
        let config = self.config();
        let rules = view.rules(&config.rules);
        rules.session.max(rules.session_max) + CLOCK_SLACK
    }
}
