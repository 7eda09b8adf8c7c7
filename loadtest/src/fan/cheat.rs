//! The fan tries to get in without a turn, or to get a friend in on the same ticket. Then it stands in line as everybody does.

use std::sync::Arc;

use reqwest::Method;
use serde_json::json;

use super::{Fan, State};
use crate::checks::entry::{Attempt, Due};
use crate::client::{Answer, Client};
use crate::run::scenario::Errand;
use crate::ticket;

/// A call that the room protects.
const CALL: &str = "/api/reservations";
/// A token that nobody issued, for a fan who is not called `demo`.
const MADE_UP: &str = "eyJhbGciOiJub25lIn0.eyJhdWQiOiJkZW1vIiwic3ViIjoiQUFBQSIsImV4cCI6NDEwMjQ0NDgwMH0.";
/// Other spellings of the event's page.
const SPELLINGS: [&str; 6] =
    ["//events/{}", "/./events/{}", "/%65vents/{}", "/x/../events/{}", "/events%2f{}", "/Events/{}"];

impl Fan {
    pub(super) async fn cheat(&mut self) -> State {
        let Some(sealed) = self.client.ticket(&self.venue.room) else { return State::Waiting };
        if self.plan.errand == Errand::Share {
            self.share(&sealed).await;
            return State::Waiting;
        }
        let event = self.venue.event.clone();
        let hold = json!({"event": event, "seats": ["A-1"]});
        let status = format!("/.waiting-room/{}/ticket", self.venue.room);
        match self.dice.below(5) {
            0 => self.call("a token that was made up", Due::Wait, CALL, &[("WR-Admission", MADE_UP)]).await,
            1 => self.call("a ticket as a token", Due::Wait, CALL, &[("WR-Admission", &sealed)]).await,
            2 => {
                if let Some(better) = ticket::with_rank(&sealed, 1) {
                    let header = [("WR-Ticket", better.as_str())];
                    self.stranger("a ticket with an edited rank", Due::Refusal, &status, &header).await;
                }
            }
            3 => {
                let spelling = SPELLINGS.get(self.dice.below(SPELLINGS.len())).unwrap_or(&"//events/{}");
                let path = spelling.replace("{}", &event);
                self.call(&format!("GET {path}"), Due::Refusal, &path, &[]).await;
            }
            _ => {
                let answer = self.client.call(Method::POST, CALL, Some(&hold)).await;
                if !self.had_a_turn(&answer).await {
                    self.note_attempt("seats without a turn", Due::Wait, &answer);
                }
            }
        }
        State::Waiting
    }

    /// A friend with another browser has the ticket too: it opens nothing before its turn.
    async fn share(&self, sealed: &str) {
        let header = [("WR-Ticket", sealed)];
        self.stranger("a friend's ticket, before its turn", Due::Wait, CALL, &header).await;
    }

    async fn call(&self, what: &str, due: Due, path: &str, headers: &[(&str, &str)]) {
        let answer = self.client.call_with(Method::GET, path, None, headers).await;
        if !self.had_a_turn(&answer).await {
            self.note_attempt(what, due, &answer);
        }
    }

    /// Whether the fan got in because the turn came in this very moment, as it does where nobody is before them: by their
    /// own status, which no forged token changes.
    async fn had_a_turn(&self, answer: &anyhow::Result<Answer>) -> bool {
        let is_in = answer.as_ref().is_ok_and(|answer| (200..300).contains(&answer.status));
        is_in && self.client.status(&self.venue.room).await.is_ok_and(|status| status.state == "admitted")
    }

    /// The same in a browser without cookies.
    async fn stranger(&self, what: &str, due: Due, path: &str, headers: &[(&str, &str)]) {
        let Ok(client) = Client::new(Arc::clone(&self.venue.edges), self.client.edge()) else { return };
        let answer = client.call_with(Method::GET, path, None, headers).await;
        self.note_attempt(what, due, &answer);
    }

    /// Notes an attempt. While something is down it has to be no entry, and no more.
    fn note_attempt(&self, what: &str, due: Due, answer: &anyhow::Result<Answer>) {
        let status = answer.as_ref().ok().map(|answer| answer.status);
        let due = if status.is_none_or(|status| status >= 500) { Due::NoEntry } else { due };
        let what = format!("fan {} at {} ms: {what}", self.story.fan, self.venue.watch.ms());
        self.venue.tally.attempts.keep(Attempt { what, due, status });
    }
}
