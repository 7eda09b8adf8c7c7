//! Those who send one request and are gone: they have no story, only an answer that came or did not. Each goes over a
//! connection that others used before.

use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use parking_lot::Mutex;
use reqwest::{Method, Url};
use serde_json::json;
use tokio::sync::Semaphore;

use crate::client::{Answer, Client};
use crate::meter::Step;
use crate::random::Dice;
use crate::run::scenario::Errand;
use crate::tally::Tally;

/// Pages and lists that no room protects, and how many of ten who browse want each.
const OPEN: [(&str, usize); 3] = [("/api/events", 6), ("/", 2), ("/api/events/demo", 2)];
/// Requests that are under way at once; further ones wait, and their time counts.
const AT_ONCE: usize = 256;
/// How many are inside for those requests that take an admission.
const REGULARS: usize = 32;
/// How long it may take until they are.
const REGULARS_IN_MAX: Duration = Duration::from_secs(50);
const ASK_EVERY: Duration = Duration::from_millis(200);
const TICKET: &str = "/.waiting-room/demo/ticket";
const SEATS: &str = "/api/events/demo/seats";
const CALL: &str = "/api/reservations";

/// All of them.
pub(super) struct Passing {
    edges: Arc<[Url]>,
    turns: Arc<Semaphore>,
    strangers: Arc<Mutex<Vec<Client>>>,
    places: Arc<Semaphore>,
    regulars: Arc<Mutex<Vec<Regular>>>,
    seats: Arc<[String]>,
    /// How many regulars there are.
    inside: usize,
}

/// Somebody who is inside, and holds seats or gives them back, in turns.
struct Regular {
    client: Client,
    holds: Option<String>,
}

impl Passing {
    pub(super) fn new(edges: &Arc<[Url]>) -> Self {
        Self {
            edges: Arc::clone(edges),
            turns: Arc::new(Semaphore::new(AT_ONCE)),
            strangers: Arc::default(),
            places: Arc::new(Semaphore::new(0)),
            regulars: Arc::default(),
            seats: Arc::new([]),
            inside: 0,
        }
    }

    /// Lets those in who are inside when the run begins.
    pub(super) async fn let_regulars_in(&mut self) -> Result<()> {
        let until = Instant::now() + REGULARS_IN_MAX;
        let mut regulars = Vec::new();
        for at in 0..REGULARS {
            let client = Client::new(Arc::clone(&self.edges), at)?;
            client.call(Method::POST, TICKET, None).await?;
            regulars.push(client);
        }
        for client in &regulars {
            while client.admission("demo").is_none() {
                ensure!(Instant::now() < until, "those who are to be inside did not get in");
                client.call(Method::GET, TICKET, None).await?;
                tokio::time::sleep(ASK_EVERY).await;
            }
        }
        if let Some(client) = regulars.first() {
            let map = client.call(Method::GET, SEATS, None).await?;
            let seats = map.body.get("seats").and_then(|seats| seats.as_array()).cloned().unwrap_or_default();
            let ids = seats.iter().filter_map(|seat| Some(seat.get("id")?.as_str()?.to_owned()));
            self.seats = ids.collect::<Vec<_>>().into();
        }
        let regulars = regulars.into_iter().map(|client| Regular { client, holds: None }).collect();
        *self.regulars.lock() = regulars;
        self.places.add_permits(REGULARS);
        self.inside = REGULARS;
        Ok(())
    }

    pub(super) fn is_idle(&self) -> bool {
        self.turns.available_permits() == AT_ONCE && self.places.available_permits() == self.inside
    }

    /// Sends one who was meant to come at `due`.
    pub(super) fn send(&self, errand: Errand, tally: &Arc<Tally>, dice: &mut Dice, due: Instant) {
        if errand == Errand::Reserve {
            self.reserve(tally, dice, due);
            return;
        }
        let (turns, strangers) = (Arc::clone(&self.turns), Arc::clone(&self.strangers));
        let (edges, at, tally) = (Arc::clone(&self.edges), dice.below(self.edges.len()), Arc::clone(tally));
        let path = pick(dice.below(10));
        tokio::spawn(async move {
            let Ok(_turn) = turns.acquire_owned().await else { return };
            let kept = strangers.lock().pop();
            let Some(mut client) = kept.or_else(|| Client::new(edges, at).ok()) else { return };
            let (step, wanted, answer) = match errand {
                Errand::Join => {
                    client.forget();
                    (Step::Join, 201, client.call(Method::POST, TICKET, None).await)
                }
                _ if path == "/" => (Step::Browse, 200, client.open_page(path).await),
                _ => (Step::Browse, 200, client.call(Method::GET, path, None).await),
            };
            if !count(&tally, step, due, &answer, &[wanted]) {
                client.move_on();
            }
            strangers.lock().push(client);
        });
    }

    /// One who is inside holds a seat, or gives it back.
    fn reserve(&self, tally: &Arc<Tally>, dice: &mut Dice, due: Instant) {
        let (places, regulars, tally) =
            (Arc::clone(&self.places), Arc::clone(&self.regulars), Arc::clone(tally));
        let seat = self.seats.get(dice.below(self.seats.len())).cloned().unwrap_or_default();
        tokio::spawn(async move {
            let Ok(_place) = places.acquire_owned().await else { return };
            let Some(mut regular) = regulars.lock().pop() else { return };
            let good = match regular.holds.take() {
                None => {
                    let wanted = json!({"event": "demo", "seats": [seat]});
                    let answer = regular.client.call(Method::POST, CALL, Some(&wanted)).await;
                    let id = answer.as_ref().ok().and_then(|answer| answer.text("id"));
                    regular.holds = id.map(ToOwned::to_owned);
                    tally.held.add(u64::from(regular.holds.is_some()));
                    // Somebody may have been quicker.
                    count(&tally, Step::Hold, due, &answer, &[201, 409])
                }
                Some(held) => {
                    let path = format!("{CALL}/{held}");
                    let answer = regular.client.call(Method::DELETE, &path, None).await;
                    count(&tally, Step::Cancel, due, &answer, &[204, 404])
                }
            };
            if !good {
                regular.client.move_on();
            }
            regulars.lock().push(regular);
        });
    }
}

fn pick(mut which: usize) -> &'static str {
    for (path, of) in OPEN {
        if which < of {
            return path;
        }
        which -= of;
    }
    "/"
}

fn count(tally: &Tally, step: Step, due: Instant, answer: &Result<Answer>, wanted: &[u16]) -> bool {
    match answer {
        Ok(answer) if wanted.contains(&answer.status) => {
            tally.meter.answered(step, due);
            return true;
        }
        Ok(answer) => tally.meter.wrong(step, &answer.summary()),
        Err(error) => tally.meter.wrong(step, &error.root_cause().to_string()),
    }
    false
}
