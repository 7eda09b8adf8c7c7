//! A fan waits, in one of several ways, and hears of their place.

use std::sync::Arc;
use std::time::Duration;

use admission::invariants::{Line, Told, What};
use admission::wait::Wait;
use proxy::room::{OpenTicket, Pass};
use proxy::waiting::status::{State, Status};
use proxy::wire::Wire;
use tokio::time::{Instant, sleep, sleep_until, timeout};

use super::{End, Fan, Guest, Manner, Whim};
use crate::edge::Edge;

/// How often someone with a live connection hears of their place, at least.
const HEARTBEAT: Duration = Duration::from_secs(3);

enum Turned {
    Session(Pass),
    Expired,
    Whim,
    /// The edge is gone.
    Alone,
}

impl Fan {
    pub(super) async fn wait(&mut self, sealed: String, ticket: OpenTicket, mut edge: Arc<Edge>) -> End {
        loop {
            let until = self.whims.last().map_or(Instant::now() + Duration::from_secs(3600), |(at, _)| *at);
            let turned = match self.manner {
                Manner::Live => self.hold(&sealed, &edge, until).await,
                Manner::Asks | Manner::Roams => self.ask(&sealed, &mut edge, until).await,
            };
            match turned {
                Turned::Session(pass) => {
                    return End::LetIn(Box::new(Guest { sealed, ticket: Some(ticket), pass }));
                }
                Turned::Expired => return End::Worthless,
                Turned::Alone => {
                    sleep(self.dice.time(Duration::from_millis(50), Duration::from_secs(2))).await;
                }
                Turned::Whim => match self.whims.pop().map(|(_, whim)| whim) {
                    Some(Whim::Away(time)) => sleep(time).await,
                    Some(Whim::Leave) => {
                        let edge = self.any_edge().await;
                        if edge.leave(&ticket).await.is_ok() {
                            self.see(&edge, What::Left);
                            self.try_again(&sealed).await;
                        }
                        return End::Gone;
                    }
                    Some(Whim::Vanish) => return End::Gone,
                    None => {}
                },
            }
            if edge.is_dead() || self.dice.percent(70) {
                edge = self.any_edge().await;
            }
        }
    }

    /// Waits with a live connection.
    async fn hold(&mut self, sealed: &str, edge: &Arc<Edge>, until: Instant) -> Turned {
        self.see(edge, What::Came { live: true });
        // As in the handshake: the edge asks where the fan stands before it takes the connection.
        let ticket = match edge.present(sealed, self.carries()).await {
            Ok(Some((ticket, _))) => ticket,
            Ok(None) => {
                self.see(edge, told(Line::Expired));
                return Turned::Expired;
            }
            Err(_) => {
                self.see(edge, What::Went);
                return Turned::Alone;
            }
        };
        let wire = Wire::of_task(HEARTBEAT, Arc::default());
        if !edge.room.attach(&ticket.place, &wire) {
            self.see(edge, What::Went);
            return Turned::Alone;
        }
        let turned = self.listen(&ticket, edge, &wire, until).await;
        if !edge.is_dead() {
            edge.room.detach(&ticket.place, &wire);
        }
        if !matches!(turned, Turned::Session(_) | Turned::Expired) {
            self.see(edge, What::Went);
        }
        turned
    }

    async fn listen(&mut self, ticket: &OpenTicket, edge: &Arc<Edge>, wire: &Wire, until: Instant) -> Turned {
        loop {
            let status = edge.status(ticket);
            self.hear(edge, &status);
            match status.state {
                State::Expired => return Turned::Expired,
                State::Admitted if self.claims => {
                    let after = self.dice.time(Duration::ZERO, Duration::from_millis(1500));
                    tokio::select! {
                        biased;
                        () = edge.died() => return Turned::Alone,
                        () = sleep(after) => {}
                    }
                    match edge.claim(ticket).await {
                        Ok(Some(pass)) => {
                            self.see(edge, What::Entered);
                            return Turned::Session(pass);
                        }
                        Ok(None) => {}
                        Err(_) if edge.is_dead() => return Turned::Alone,
                        Err(_) => sleep(Duration::from_millis(700)).await,
                    }
                }
                _ => {}
            }
            tokio::select! {
                biased;
                () = edge.died() => return Turned::Alone,
                () = sleep_until(until) => return Turned::Whim,
                _ = timeout(HEARTBEAT, wire.rung()) => {}
            }
        }
    }

    /// Waits by asking now and then.
    async fn ask(&mut self, sealed: &str, edge: &mut Arc<Edge>, until: Instant) -> Turned {
        self.see(edge, What::Came { live: false });
        loop {
            match edge.present(sealed, self.carries()).await {
                Ok(None) => {
                    self.see(edge, told(Line::Expired));
                    return Turned::Expired;
                }
                Ok(Some((ticket, status))) => {
                    self.see(edge, ticket_of(&ticket));
                    self.hear(edge, &status);
                    if status.state == State::Admitted
                        && self.claims
                        && let Ok(Some(pass)) = edge.claim(&ticket).await
                    {
                        self.see(edge, What::Entered);
                        return Turned::Session(pass);
                    }
                }
                Err(_) => {}
            }
            if edge.is_dead() {
                self.see(edge, What::Went);
                return Turned::Alone;
            }
            let pause = self.dice.time(Duration::from_millis(1500), Duration::from_millis(3500));
            if Instant::now() + pause >= until {
                sleep_until(until).await;
                self.see(edge, What::Went);
                return Turned::Whim;
            }
            sleep(pause).await;
            if self.manner == Manner::Roams || edge.is_dead() {
                *edge = self.any_edge().await;
            }
        }
    }

    fn hear(&mut self, edge: &Edge, status: &Status) {
        let line = match status.state {
            State::Waiting => Line::Waiting,
            State::Admitted => Line::Turn,
            State::Expired => Line::Expired,
            _ => Line::Standing,
        };
        let wait = status
            .eta_seconds
            .map(|eta| Wait { low: Duration::from_secs(eta.low), high: Duration::from_secs(eta.high) });
        // The room has no words of its own in these runs: whatever is said is a note that something is wrong.
        let sure = status.message.is_empty();
        self.shown = status.position.or(self.shown);
        self.see(edge, What::Told(Told { line, position: status.position, wait, sure }));
    }
}

fn told(line: Line) -> What {
    What::Told(Told { line, position: None, wait: None, sure: true })
}

pub(super) fn ticket_of(ticket: &OpenTicket) -> What {
    What::Ticket { lane: ticket.place.lane.clone(), rank: ticket.place.rank }
}
