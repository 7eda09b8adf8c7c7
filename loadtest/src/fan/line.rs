//! The fan waits: over a WebSocket, by polling where that does not work, and with going away and coming back.

use std::time::{Duration, Instant};

use futures_util::StreamExt as _;
use tokio_tungstenite::tungstenite::Message;

use super::{Absence, Fan, State, TRIES_MAX};
use crate::checks::position::is_rise;
use crate::client::Status;
use crate::story::{Ending, Present, SeenPosition};

/// WebSockets that may fail in a row before the fan polls.
const FAILURES_BEFORE_POLLING: u32 = 3;
/// The time between polls where the edge names none, and the bounds to what it names.
const POLL_AFTER: Duration = Duration::from_secs(2);
const POLL_MIN: Duration = Duration::from_millis(200);
const POLL_MAX: Duration = Duration::from_secs(30);
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
            let polls = self.plan.polls || failures >= FAILURES_BEFORE_POLLING;
            let shown_before = self.story.positions.len();
            let heard = if polls { self.wait_polling().await } else { self.wait_live().await };
            match heard {
                Heard::Turn => return State::TurnCome,
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
        let Ok(mut live) = self.client.live(&self.venue.room).await else {
            return Heard::Lost;
        };
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
                    let _gone_anyway = live.close(None).await;
                    return self.make(next);
                }
            };
            let Ok(Some(Ok(message))) = message else {
                return Heard::Lost;
            };
            match message {
                Message::Text(text) => {
                    let Ok(status) = serde_json::from_str::<Status>(&text) else {
                        return Heard::Lost;
                    };
                    self.note_present(first, Duration::ZERO);
                    if let Some(heard) = self.hear(&status, !first) {
                        return heard;
                    }
                    first = false;
                }
                Message::Close(_) => return Heard::Lost,
                _ => {}
            }
        }
    }

    async fn wait_polling(&mut self) -> Heard {
        self.connection += 1;
        let mut first = true;
        loop {
            let Ok(status) = self.client.status(&self.venue.room).await else {
                return Heard::Lost;
            };
            let after =
                status.poll_after_ms.map_or(POLL_AFTER, Duration::from_millis).clamp(POLL_MIN, POLL_MAX);
            self.note_present(first, after);
            if let Some(heard) = self.hear(&status, false) {
                return heard;
            }
            first = false;
            let (at, next) = self.next_move();
            tokio::select! {
                () = tokio::time::sleep(after) => {}
                () = tokio::time::sleep_until(at.into()), if next.is_some() => return self.make(next),
            }
        }
    }

    /// Takes in a status.
    fn hear(&mut self, status: &Status, live: bool) -> Option<Heard> {
        let now = self.venue.watch.ms();
        if let Some(position) = status.position {
            let (connection, edge) = (self.connection, self.client.edge());
            let seen = SeenPosition { at_ms: now, position, connection, edge };
            if self.story.positions.last().is_some_and(|before| is_rise(before, &seen)) {
                self.venue.tally.rises.add(1);
            }
            self.story.positions.push(seen);
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

    fn note_present(&mut self, first: bool, deaf: Duration) {
        let now = self.venue.watch.ms();
        let deaf_ms = u64::try_from(deaf.as_millis()).unwrap_or(u64::MAX);
        if first {
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
        let joined = self.story.places.first().map_or(0, |seen| seen.at_ms);
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
        for attempt in 0..TRIES_MAX {
            match self.client.status(&self.venue.room).await {
                Ok(status) if status.state == "admitted" => {
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
                    last = format!("{error:#}");
                    self.pause(attempt).await;
                    self.client.move_on();
                }
            }
        }
        State::Gone(Ending::ShutOut(format!("the turn came, but not the admission: {last}")))
    }
}
