//! The fan waits: over a WebSocket, by polling where that does not work, and with going away and coming back.

use std::time::{Duration, Instant};

use super::{Absence, Fan, State, TRIES_MAX};
use crate::checks::position::is_rise;
use crate::client::Status;
use crate::meter::Step;
use crate::run::scenario::Waits;
use crate::story::{Ending, Present, SeenPosition};

/// WebSockets that may fail in a row before the fan polls.
const FAILURES_BEFORE_POLLING: u32 = 3;
/// The time between polls where the edge names none, and the bounds to what it names.
const POLL_AFTER: Duration = Duration::from_secs(2);
const POLL_MIN: Duration = Duration::from_millis(200);
const POLL_MAX: Duration = Duration::from_secs(30);
/// Signs of a fan who polls may be so much further apart than they are meant to be.
const SIGNS_APART_MS: u64 = 2000;
/// A page without script is not loaded again before that.
const REFRESH_MIN: Duration = Duration::from_secs(1);
/// A connection is kept for the next request where that comes so soon.
const KEEPS_IDLE: Duration = Duration::from_secs(1);
/// How long a WebSocket may be silent: the edge says something at every heartbeat.
const SILENCE_MAX: Duration = Duration::from_secs(60);
/// How often to ask for the cookie when the turn has come.
const COOKIE_EVERY: Duration = Duration::from_millis(200);

/// How often at most, before the fan stands in line again.
const COOKIE_ASKED_MAX: u32 = 10;

/// What ends a stretch of waiting.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Heard {
    /// The turn has come.
    Turn,
    /// It had, and the page is the shop's.
    In,
    /// The place is gone.
    Expired,
    /// The room is closed.
    Closed,
    /// The connection is.
    Lost,
    /// It is time to go away for a while.
    Away(Absence),
    /// Patience has an end.
    Enough,
}

impl Fan {
    pub(super) async fn wait(&mut self) -> State {
        let mut failures = 0;
        loop {
            let waits = match self.plan.waits {
                Waits::Live if failures >= FAILURES_BEFORE_POLLING => Waits::Poll,
                as_planned => as_planned,
            };
            let shown_before = self.story.positions.len();
            let heard = match waits {
                Waits::Live => self.wait_live().await,
                Waits::Poll => self.wait_polling().await,
                Waits::Page => self.wait_refreshing(failures == 0).await,
            };
            match heard {
                Heard::Turn => return State::TurnCome,
                Heard::In => return State::Looking,
                Heard::Expired => {
                    // An honest edge says so only to who stayed away too long: stand in line again.
                    self.story.expired_ms.push(self.venue.watch.ms());
                    self.pause(failures).await;
                    return State::Arriving;
                }
                Heard::Closed => return State::Gone(Ending::ShutOut("the room is closed".to_owned())),
                Heard::Enough => return State::Leaving(Ending::LeftLine),
                Heard::Away(absence) => {
                    tokio::time::sleep(absence.away).await;
                    if absence.elsewhere {
                        self.client.move_on();
                    }
                    self.story.returns += 1;
                    return State::Arriving;
                }
                Heard::Lost => {
                    self.venue.tally.connections_lost.add(1);
                    failures = if self.story.positions.len() > shown_before { 1 } else { failures + 1 };
                    if failures > TRIES_MAX {
                        let why = "neither WebSocket nor polling was answered".to_owned();
                        return State::Gone(Ending::ShutOut(why));
                    }
                    self.pause(failures).await;
                    self.client.move_on();
                }
            }
        }
    }

    async fn wait_live(&mut self) -> Heard {
        let due = Instant::now();
        let mut live = match self.client.live(&self.venue.room).await {
            Ok(live) => live,
            Err(error) => {
                self.venue.tally.meter.wrong(Step::Socket, &error.root_cause().to_string());
                return Heard::Lost;
            }
        };
        self.venue.tally.meter.answered(Step::Socket, due);
        let tally = std::sync::Arc::clone(&self.venue.tally);
        let _connected = tally.live.enter();
        self.connection += 1;
        let mut first = true;
        loop {
            let (at, next) = self.next_move();
            let message = tokio::select! {
                message = tokio::time::timeout(SILENCE_MAX, live.next()) => message,
                () = tokio::time::sleep_until(at.into()), if next.is_some() => {
                    // Closing properly is what a browser does with a tab.
                    live.close().await;
                    return self.make(next);
                }
            };
            let Ok(Ok(Some(text))) = message else {
                return Heard::Lost;
            };
            let Ok(status) = serde_json::from_slice::<Status>(&text) else {
                return Heard::Lost;
            };
            self.note_present(first, Duration::ZERO);
            if let Some(heard) = self.hear(&status, !first) {
                return heard;
            }
            first = false;
        }
    }

    async fn wait_polling(&mut self) -> Heard {
        self.connection += 1;
        let mut first = true;
        let mut due = Instant::now();
        loop {
            let status = match self.client.status(&self.venue.room).await {
                Ok(status) => status,
                Err(error) => {
                    self.venue.tally.meter.wrong(Step::Status, &error.root_cause().to_string());
                    return Heard::Lost;
                }
            };
            self.venue.tally.meter.answered(Step::Status, due);
            let after =
                status.poll_after_ms.map_or(POLL_AFTER, Duration::from_millis).clamp(POLL_MIN, POLL_MAX);
            self.note_present(first, after);
            if let Some(heard) = self.hear(&status, false) {
                return heard;
            }
            first = false;
            due = Instant::now() + after;
            if let Some(heard) = self.rest_until(due).await {
                return heard;
            }
        }
    }

    /// Without script: the page says how soon it loads itself again, and one day it is the shop's.
    /// The page may be there already.
    async fn wait_refreshing(&mut self, is_loaded: bool) -> Heard {
        self.connection += 1;
        let path = format!("/events/{}", self.venue.event);
        let mut first = true;
        let mut after = if is_loaded { POLL_AFTER } else { Duration::ZERO };
        loop {
            if is_loaded || !first {
                self.note_present(first, after.max(REFRESH_MIN));
            }
            let due = Instant::now() + after;
            if let Some(heard) = self.rest_until(due).await {
                return heard;
            }
            let answer = self.client.open_page(&path).await;
            self.count(Step::Refresh, due, &answer);
            match answer {
                Ok(answer) if answer.status == 202 => {
                    after = answer.retry_after.unwrap_or(POLL_AFTER).clamp(POLL_MIN, POLL_MAX);
                    if !self.note_place() {
                        return Heard::Expired;
                    }
                    if let Some(position) = answer.position {
                        self.note_shown(position, None);
                    }
                    if first && !is_loaded {
                        self.note_present(true, after);
                    }
                    first = false;
                }
                Ok(answer) if answer.status == 200 => {
                    self.note_place();
                    self.note_told(false);
                    self.note_admitted();
                    return Heard::In;
                }
                _ => return Heard::Lost,
            }
        }
    }

    /// Rests between two requests, unless the fan has something else in mind before the next. Nobody keeps a connection
    /// open for that long.
    async fn rest_until(&mut self, due: Instant) -> Option<Heard> {
        if due > Instant::now() + KEEPS_IDLE {
            self.client.hang_up();
        }
        let (at, next) = self.next_move();
        tokio::select! {
            () = tokio::time::sleep_until(due.into()) => None,
            () = tokio::time::sleep_until(at.into()), if next.is_some() => Some(self.make(next)),
        }
    }

    /// Takes in a status.
    fn hear(&mut self, status: &Status, live: bool) -> Option<Heard> {
        if let Some(position) = status.position {
            self.note_shown(position, status.eta_seconds.map(|eta| (eta.low, eta.high)));
            self.client.remember_shown(&self.venue.room, position);
        }
        match status.state.as_str() {
            "admitted" => {
                self.note_told(live);
                Some(Heard::Turn)
            }
            "expired" => Some(Heard::Expired),
            "closed" => Some(Heard::Closed),
            _ => None,
        }
    }

    /// Notes a place that the fan was shown, by a page or in a status.
    pub(super) fn note_shown(&mut self, position: u64, wait_s: Option<(u64, u64)>) {
        let (at_ms, connection, edge) = (self.venue.watch.ms(), self.connection, self.client.edge());
        let seen = SeenPosition { at_ms, position, connection, edge, wait_s };
        if self.story.positions.last().is_some_and(|before| is_rise(before, &seen)) {
            self.venue.tally.rises.add(1);
        }
        self.story.positions.push(seen);
    }

    fn note_present(&mut self, first: bool, deaf: Duration) {
        let now = self.venue.watch.ms();
        let deaf_ms = u64::try_from(deaf.as_millis()).unwrap_or(u64::MAX);
        // An answer that took long leaves the edge without a sign of the fan: nobody knew of them meanwhile.
        let was_silent = self.story.present.last().is_some_and(|present| {
            present.deaf_ms > 0 && now > present.to_ms + present.deaf_ms.max(deaf_ms) + SIGNS_APART_MS
        });
        if first || was_silent {
            let edge = self.client.edge();
            self.story.present.push(Present { from_ms: now, to_ms: now, edge, deaf_ms });
        } else if let Some(present) = self.story.present.last_mut() {
            present.to_ms = now;
            present.deaf_ms = present.deaf_ms.max(deaf_ms);
        }
    }

    /// What the fan will do of themselves, and when.
    fn next_move(&self) -> (Instant, Option<Heard>) {
        let absence = self.plan.absences.first().map(|absence| (absence.after, Heard::Away(*absence)));
        let enough = self.plan.patience.map(|patience| (patience, Heard::Enough));
        let next = [absence, enough].into_iter().flatten().min_by_key(|(after, _)| *after);
        let joined = self.story.answered_ms.unwrap_or_default();
        let waited = Duration::from_millis(self.venue.watch.ms().saturating_sub(joined));
        let now = Instant::now();
        match next {
            Some((after, heard)) => (now + after.saturating_sub(waited), Some(heard)),
            None => (now, None),
        }
    }

    fn make(&mut self, next: Option<Heard>) -> Heard {
        if matches!(next, Some(Heard::Away(_))) {
            self.plan.absences.remove(0);
        }
        // The edge holds the fan for present until the connection ends.
        if let Some(present) = self.story.present.last_mut() {
            present.to_ms = self.venue.watch.ms();
        }
        next.unwrap_or(Heard::Lost)
    }

    /// Told over one proxy, the fan may ask another that reads it a tick later: ask again until it knows.
    pub(super) async fn fetch_cookie(&mut self) -> State {
        let mut last = String::new();
        let due = Instant::now();
        for attempt in 0..TRIES_MAX {
            match self.client.status(&self.venue.room).await {
                Ok(status) if status.state == "admitted" => {
                    self.venue.tally.meter.answered(Step::Admission, due);
                    // A provisional ticket has its rank by now.
                    self.note_place();
                    self.note_admitted();
                    return State::Looking;
                }
                // The store lost its data in this very moment: the fan is first in the new line.
                Ok(status) if status.state == "waiting" && attempt >= COOKIE_ASKED_MAX => {
                    return State::Waiting;
                }
                Ok(status) => {
                    last = status.state;
                    tokio::time::sleep(COOKIE_EVERY).await;
                }
                Err(error) => {
                    self.venue.tally.meter.wrong(Step::Admission, &error.root_cause().to_string());
                    last = format!("{error:#}");
                    self.pause(attempt).await;
                    self.client.move_on();
                }
            }
        }
        State::Gone(Ending::ShutOut(format!("the turn came, but not the admission: {last}")))
    }
}
