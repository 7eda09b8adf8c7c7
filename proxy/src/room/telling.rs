//! What a room tells: to a fan of their place, to anyone of the room.

use std::time::Duration;

use admission::rules::Mode;
use admission::ticket::Place;

use super::view::View;
use super::{Room, Stand};
use crate::waiting::status::{Eta, Facts, State, Status};
use crate::waiting::time::rfc3339;

impl Room {
    /// What a fan is told.
    pub fn status(&self, place: &Place, stand: Stand) -> Status {
        let view = self.view.load();
        let rules = view.rules(&self.config.rules);
        let state = match (stand, rules.mode) {
            (Stand::Admitted, _) => State::Admitted,
            (Stand::Expired, _) => State::Expired,
            // Nobody has to wait any more: whoever asks for the page again gets it.
            (Stand::Waiting(_), Mode::Off) => State::Admitted,
            (Stand::Waiting(_), Mode::Paused) => State::Paused,
            (Stand::Waiting(_), Mode::Closed) => State::Closed,
            (Stand::Waiting(_), _) => State::Waiting,
        };
        // While the line is being put back together, whoever is back first would read a place that is too good.
        let ahead = match stand {
            Stand::Waiting(ahead) if !view.is_rebuilding() && state != State::Admitted => ahead,
            _ => None,
        };
        let position = ahead.map(|ahead| self.registry.lock().show(place, ahead));
        let shown_ahead = position.map(|position| position.saturating_sub(1));
        let wait = shown_ahead.and_then(|ahead| view.wait(place, ahead)).filter(|_| state == State::Waiting);
        Status {
            room: self.config.id.to_string(),
            lane: place.lane.to_string(),
            state,
            position,
            ahead: shown_ahead,
            waiting: view.snapshot().map_or(0, |snapshot| snapshot.waiting()),
            eta_seconds: wait.map(|wait| Eta { low: wait.low.as_secs(), high: wait.high.as_secs().max(1) }),
            drain_per_minute: rules.drain_per_minute,
            opens_at: None,
            poll_after_ms: poll_after_ms(state, wait.map(|wait| wait.low)),
            message: self.message(&view, state),
            updated_at: rfc3339(view.snapshot().map_or(self.ports.clock.now(), |snapshot| snapshot.at)),
        }
    }

    fn message(&self, view: &View, state: State) -> String {
        if matches!(state, State::Waiting | State::Paused) {
            if view.store_is_away() {
                return "We cannot reach the line right now. Your place is safe, and nobody passes you."
                    .to_owned();
            }
            if view.is_rebuilding() {
                return "The line is being put back together. Your place is safe.".to_owned();
            }
        }
        self.config.message.clone()
    }

    /// What anyone is told of the room.
    pub fn facts(&self) -> Facts {
        let view = self.view.load();
        let rules = view.rules(&self.config.rules);
        let waiting = view.snapshot().map_or(0, |snapshot| snapshot.waiting());
        let state = match rules.mode {
            Mode::Paused => "paused",
            Mode::Closed => "closed",
            Mode::Off => "open",
            Mode::Auto if waiting == 0 && view.is_free() => "open",
            Mode::Auto | Mode::Always => "queueing",
        };
        Facts {
            room: self.config.id.to_string(),
            state,
            waiting,
            active: view.snapshot().map_or(0, |snapshot| snapshot.active),
            drain_per_minute: rules.drain_per_minute,
            opens_at: None,
            server_time: rfc3339(view.store_now().unwrap_or_else(|| self.ports.clock.now())),
        }
    }
}

/// When to ask again: often near the front, and never so seldom that a turn could be missed.
fn poll_after_ms(state: State, wait: Option<Duration>) -> u64 {
    match (state, wait) {
        (State::Admitted, _) => 1000,
        (State::Waiting, Some(low)) => (admission::clock::millis(low) / 10).clamp(2000, 10_000),
        _ => 5000,
    }
}
