//! The fan is in the shop: looks at the seats, holds some, pays, or leaves.

use std::time::Instant;

use anyhow::{Result, bail};
use reqwest::Method;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{Fan, State, TRIES_MAX};
use crate::client::Answer;
use crate::meter::Step;
use crate::run::scenario::Errand;
use crate::story::Ending;

/// How often a fan chooses again when somebody was quicker.
const MISSES_MAX: u32 = 8;
/// How many seats count as the front.
const FRONT: usize = 24;

/// The map as it came: names of seats and rows have nothing in them that JSON would write otherwise.
#[derive(Debug, Deserialize)]
struct SeatMap<'a> {
    #[serde(borrow)]
    seats: Vec<Seat<'a>>,
}

#[derive(Clone, Debug, Deserialize)]
struct Seat<'a> {
    id: &'a str,
    row: &'a str,
    state: &'a str,
}

impl Fan {
    pub(super) async fn look(&mut self) -> State {
        let path = format!("/events/{}", self.venue.event);
        let mut last = String::new();
        let due = Instant::now();
        for attempt in 0..TRIES_MAX {
            let asked_ms = self.venue.watch.ms();
            let answer = self.client.open_page(&path).await;
            self.note_asked(true, asked_ms, &answer);
            self.count(Step::EventPage, due, &answer);
            match answer {
                Ok(answer) if answer.status == 200 => {
                    tokio::time::sleep(self.plan.lingers).await;
                    self.think().await;
                    return match self.plan.errand {
                        Errand::Look => State::Leaving(Ending::LeftEarly),
                        _ => State::Choosing { misses: 0 },
                    };
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
        if misses > 0 {
            // Whoever was not quick enough looks again at once: how long they took to hear of it is counted there.
            self.due = Instant::now();
        }
        let body = match self.fetch(&path).await {
            Ok((answer, body)) if answer.status == 200 => body,
            Ok((answer, _)) => return shut_out("the seat map", &answer),
            Err(error) => return State::Gone(Ending::ShutOut(format!("the seat map: {error:#}"))),
        };
        let map: SeatMap<'_> = match serde_json::from_slice(&body) {
            Ok(map) => map,
            Err(error) => return State::Gone(Ending::ShutOut(format!("the seat map: {error}"))),
        };
        let free: Vec<&Seat<'_>> = map.seats.iter().filter(|seat| seat.state == "available").collect();
        if misses == 0 && !self.wants_to_buy(free.len(), map.seats.len()) {
            self.think().await;
            return State::Leaving(Ending::LeftEarly);
        }
        let seats = self.pick(&free);
        // Nobody keeps the map while they think.
        drop(map);
        drop(body);
        if seats.is_empty() || misses > MISSES_MAX {
            return State::Leaving(Ending::NoSeats);
        }
        self.think().await;
        let wanted = json!({"event": self.venue.event, "seats": seats});
        match self.persist(Step::Hold, Method::POST, "/api/reservations", Some(&wanted)).await {
            Ok(answer) if answer.status == 201 => match answer.text("id").map(ToOwned::to_owned) {
                Some(reservation) => {
                    self.venue.tally.held.add(1);
                    match self.plan.errand {
                        Errand::Cancel => State::GivingBack { reservation },
                        _ => State::Paying { reservation, misses },
                    }
                }
                None => shut_out("a reservation without an id", &answer),
            },
            // Somebody was quicker, or an answer was lost and these are the fan's own by now.
            Ok(answer) if answer.status == 409 => State::Choosing { misses: misses + 1 },
            Ok(answer) if answer.text("code") == Some("too_many_seats") => State::Leaving(Ending::NoSeats),
            Ok(answer) => shut_out("the reservation", &answer),
            Err(error) => State::Gone(Ending::ShutOut(format!("the reservation: {error:#}"))),
        }
    }

    pub(super) async fn give_back(&mut self, reservation: &str) -> State {
        self.think().await;
        let path = format!("/api/reservations/{reservation}");
        match self.persist(Step::Cancel, Method::DELETE, &path, None).await {
            // It may be gone by itself by then.
            Ok(answer) if matches!(answer.status, 204 | 404) => State::Leaving(Ending::LeftEarly),
            Ok(answer) => shut_out("giving seats back", &answer),
            Err(error) => State::Gone(Ending::ShutOut(format!("giving seats back: {error:#}"))),
        }
    }

    pub(super) async fn pay(&mut self, reservation: &str, misses: u32) -> State {
        let path = format!("/api/reservations/{reservation}/payment");
        self.think().await;
        let [good, declined] = self.venue.payments.cards();
        if std::mem::take(&mut self.plan.declined_first) {
            let card = json!({"card": declined, "finish": true});
            match self.persist(Step::Pay, Method::POST, &path, Some(&card)).await {
                Ok(answer) if answer.status == 402 => self.think().await,
                Ok(answer) if is_hold_gone(&answer) => return State::Choosing { misses: misses + 1 },
                Ok(answer) => return shut_out("a declined payment", &answer),
                Err(error) => return State::Gone(Ending::ShutOut(format!("a declined payment: {error:#}"))),
            }
        }
        let card = json!({"card": good, "finish": true});
        self.begin_to_leave();
        // Until it is answered nobody knows what became of it: the fan may be sent home before.
        self.story.payments_unknown += 1;
        let paid = self.persist(Step::Pay, Method::POST, &path, Some(&card)).await;
        if paid.as_ref().is_ok_and(|answer| answer.status < 500) {
            self.story.payments_unknown -= 1;
        }
        match paid {
            Ok(answer) if answer.status == 200 => {
                self.leave_papers();
                self.take_tickets(&answer)
            }
            Ok(answer) if is_hold_gone(&answer) => State::Choosing { misses: misses + 1 },
            Ok(answer) => shut_out("the payment", &answer),
            Err(error) => State::Gone(Ending::ShutOut(format!("the payment: {error:#}"))),
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
        self.venue.tally.bought.add(1);
        State::Gone(Ending::Bought)
    }

    fn wants_to_buy(&mut self, free: usize, all: usize) -> bool {
        let share = free as f64 / all.max(1) as f64;
        let spare = (share - self.plan.leave_free) / (1.0 - self.plan.leave_free);
        self.dice.chance(self.plan.appetite * spare.max(0.0))
    }

    /// Seats side by side, where the dice fall; fewer where there is no room for all.
    fn pick(&mut self, free: &[&Seat<'_>]) -> Vec<String> {
        let reach = if self.plan.front_row { FRONT.min(free.len()) } else { free.len() };
        let from = self.dice.below(reach);
        let Some(first) = free.get(from) else {
            return Vec::new();
        };
        let beside = free.iter().skip(from).take(self.plan.seats.max(1));
        beside.take_while(|seat| seat.row == first.row).map(|seat| seat.id.to_owned()).collect()
    }

    /// Fetches the seat map until it is answered.
    async fn fetch(&mut self, path: &str) -> Result<(Answer, Vec<u8>)> {
        let mut last = None;
        let due = self.due;
        for attempt in 0..TRIES_MAX {
            let asked_ms = self.venue.watch.ms();
            let (answer, body) = match self.client.fetch(path).await {
                Ok((answer, body)) => (Ok(answer), body),
                Err(error) => (Err(error), Vec::new()),
            };
            self.note_asked(false, asked_ms, &answer);
            self.count(Step::Seats, due, &answer);
            match answer {
                Ok(answer) if is_passing(answer.status) => last = Some(Ok((answer, body))),
                Ok(answer) => return Ok((answer, body)),
                Err(error) => last = Some(Err(error)),
            }
            self.pause(attempt).await;
            self.client.move_on();
        }
        last.unwrap_or_else(|| bail!("nothing was tried"))
    }

    /// Sends a request until it is answered. All of them may be repeated: holding again meets the fan's own
    /// hold, and paying again is charged once.
    async fn persist(
        &mut self,
        step: Step,
        method: Method,
        path: &str,
        body: Option<&Value>,
    ) -> Result<Answer> {
        let mut last = None;
        let due = self.due;
        for attempt in 0..TRIES_MAX {
            let asked_ms = self.venue.watch.ms();
            let answer = self.client.call(method.clone(), path, body).await;
            self.note_asked(false, asked_ms, &answer);
            self.count(step, due, &answer);
            match answer {
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

/// Whether the seats are somebody else's by now: the time was over, or the shop lost its inventory.
fn is_hold_gone(answer: &Answer) -> bool {
    matches!(answer.text("code"), Some("hold_expired" | "hold_lost"))
}

fn shut_out(what: &str, answer: &Answer) -> State {
    State::Gone(Ending::ShutOut(format!("{what}: {}", answer.summary())))
}
