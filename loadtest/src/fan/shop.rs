//! The fan is in the shop: looks at the seats, holds some, pays, or leaves.

use anyhow::{Result, bail};
use reqwest::Method;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{Fan, State, TRIES_MAX};
use crate::client::Answer;
use crate::story::Ending;

/// How often a fan chooses again when somebody was quicker.
const MISSES_MAX: u32 = 8;
/// How many seats count as the front.
const FRONT: usize = 24;

#[derive(Debug, Deserialize)]
struct SeatMap {
    seats: Vec<Seat>,
}

#[derive(Clone, Debug, Deserialize)]
struct Seat {
    id: String,
    row: String,
    state: String,
}

impl Fan {
    pub(super) async fn look(&mut self) -> State {
        let path = format!("/events/{}", self.venue.event);
        let mut last = String::new();
        for attempt in 0..TRIES_MAX {
            match self.client.open_page(&path).await {
                Ok(answer) if answer.status == 200 => {
                    tokio::time::sleep(self.plan.lingers).await;
                    self.think().await;
                    return State::Choosing { misses: 0 };
                }
                Ok(answer) if !is_passing(answer.status) => {
                    return shut_out("the event's page", &answer);
                }
                Ok(answer) => last = answer.summary(),
                Err(error) => last = format!("{error:#}"),
            }
            self.pause(attempt).await;
            self.client.move_on();
        }
        State::Gone(Ending::ShutOut(format!("the event's page: {last}")))
    }

    pub(super) async fn choose(&mut self, misses: u32) -> State {
        let path = format!("/api/events/{}/seats", self.venue.event);
        let map: SeatMap = match self.persist(Method::GET, &path, None).await {
            Ok(answer) if answer.status == 200 => match serde_json::from_value(answer.body) {
                Ok(map) => map,
                Err(error) => return State::Gone(Ending::ShutOut(format!("the seat map: {error}"))),
            },
            Ok(answer) => return shut_out("the seat map", &answer),
            Err(error) => return State::Gone(Ending::ShutOut(format!("the seat map: {error:#}"))),
        };
        let free: Vec<&Seat> = map.seats.iter().filter(|seat| seat.state == "available").collect();
        if misses == 0 && !self.wants_to_buy(free.len(), map.seats.len()) {
            self.think().await;
            return State::Leaving(Ending::LeftEarly);
        }
        let seats = self.pick(&free);
        if seats.is_empty() || misses > MISSES_MAX {
            return State::Leaving(Ending::NoSeats);
        }
        self.think().await;
        let wanted = json!({"event": self.venue.event, "seats": seats});
        match self.persist(Method::POST, "/api/reservations", Some(&wanted)).await {
            Ok(answer) if answer.status == 201 => match answer.text("id") {
                Some(reservation) => State::Paying { reservation: reservation.to_owned(), misses },
                None => shut_out("a reservation without an id", &answer),
            },
            // Somebody was quicker, or an answer was lost and these are the fan's own by now.
            Ok(answer) if answer.status == 409 => State::Choosing { misses: misses + 1 },
            Ok(answer) if answer.text("code") == Some("too_many_seats") => State::Leaving(Ending::NoSeats),
            Ok(answer) => shut_out("the reservation", &answer),
            Err(error) => State::Gone(Ending::ShutOut(format!("the reservation: {error:#}"))),
        }
    }

    pub(super) async fn pay(&mut self, reservation: &str, misses: u32) -> State {
        let path = format!("/api/reservations/{reservation}/payment");
        self.think().await;
        if std::mem::take(&mut self.plan.declined_first) {
            let card = json!({"card": "sandbox-declined", "finish": true});
            match self.persist(Method::POST, &path, Some(&card)).await {
                Ok(answer) if answer.status == 402 => self.think().await,
                Ok(answer) => return shut_out("a declined payment", &answer),
                Err(error) => return State::Gone(Ending::ShutOut(format!("a declined payment: {error:#}"))),
            }
        }
        let card = json!({"card": "sandbox-ok", "finish": true});
        self.begin_to_leave();
        match self.persist(Method::POST, &path, Some(&card)).await {
            Ok(answer) if answer.status == 200 => {
                self.leave_papers();
                self.take_tickets(&answer)
            }
            Ok(answer) if answer.text("code") == Some("hold_expired") => {
                State::Choosing { misses: misses + 1 }
            }
            Ok(answer) => {
                self.story.payments_unknown += u32::from(answer.status >= 500);
                shut_out("the payment", &answer)
            }
            Err(error) => {
                self.story.payments_unknown += 1;
                State::Gone(Ending::ShutOut(format!("the payment: {error:#}")))
            }
        }
    }

    fn take_tickets(&mut self, answer: &Answer) -> State {
        let tickets = answer.body.get("tickets").and_then(Value::as_array);
        let seats = tickets.into_iter().flatten().filter_map(|ticket| ticket.get("seat")?.as_str());
        let before = self.story.seats.len();
        self.story.seats.extend(seats.map(ToOwned::to_owned));
        self.story.paid_cents += answer.body.get("amount_cents").and_then(Value::as_u64).unwrap_or_default();
        let bought = self.story.seats.len() - before;
        self.venue.tally.seats_bought.add(bought as u64);
        if bought == 0 {
            return shut_out("a payment without a ticket", answer);
        }
        State::Gone(Ending::Bought)
    }

    fn wants_to_buy(&mut self, free: usize, all: usize) -> bool {
        let share = free as f64 / all.max(1) as f64;
        let spare = (share - self.plan.leave_free) / (1.0 - self.plan.leave_free);
        self.dice.chance(self.plan.appetite * spare.max(0.0))
    }

    /// Seats side by side, where the dice fall; fewer where there is no room for all.
    fn pick(&mut self, free: &[&Seat]) -> Vec<String> {
        let reach = if self.plan.front_row { FRONT.min(free.len()) } else { free.len() };
        let from = self.dice.below(reach);
        let Some(first) = free.get(from) else {
            return Vec::new();
        };
        let beside = free.iter().skip(from).take(self.plan.seats.max(1));
        beside.take_while(|seat| seat.row == first.row).map(|seat| seat.id.clone()).collect()
    }

    /// Sends a request until it is answered. All of them may be repeated: holding again meets the fan's own
    /// hold, and paying again is charged once.
    async fn persist(&mut self, method: Method, path: &str, body: Option<&Value>) -> Result<Answer> {
        let mut last = None;
        for attempt in 0..TRIES_MAX {
            match self.client.call(method.clone(), path, body).await {
                Ok(answer) if is_passing(answer.status) => last = Some(Ok(answer)),
                Ok(answer) => return Ok(answer),
                Err(error) => last = Some(Err(error)),
            }
            self.pause(attempt).await;
            self.client.move_on();
        }
        last.unwrap_or_else(|| bail!("nothing was tried"))
    }
}

/// Statuses of something that is being restarted, or of a payment that takes longer: it is not known yet what became
/// of it, and paying again is charged once.
const fn is_passing(status: u16) -> bool {
    matches!(status, 202 | 502..=504)
}

fn shut_out(what: &str, answer: &Answer) -> State {
    State::Gone(Ending::ShutOut(format!("{what}: {}", answer.summary())))
}
