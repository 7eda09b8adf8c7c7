//! Fans who go on whatever fails: they ask again, at another shop, and remember what they were told.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use reqwest::{Client, Method};
use serde_json::{Value, json};

use crate::random::Dice;
use crate::support::Edge;

/// Rows of the house, and seats in each: more than are sold for good in a long run.
pub(super) const ROWS: u64 = 60;
pub(super) const SEATS_A_ROW: u32 = 50;
/// How long a fan waits for an answer.
const PATIENCE: Duration = Duration::from_secs(6);
/// How often one asks for the same.
const TRIES: usize = 12;

/// What a fan was told of one reservation.
#[derive(Clone, Debug)]
pub(super) struct Story {
    pub(super) reservation: String,
    /// Seats and codes, if they were told that these are theirs.
    pub(super) tickets: Option<Vec<(String, String)>>,
    /// Whether they asked to give the tickets back.
    pub(super) gives_back: bool,
    /// Whether they were told that the money comes back.
    pub(super) gave_back: bool,
    /// Why they were not let, which is always wrong.
    pub(super) refused: Option<String>,
}

/// How much there was of everything.
#[derive(Debug, Default)]
pub(super) struct Counts {
    pub(super) answers: AtomicU64,
    pub(super) silences: AtomicU64,
    pub(super) troubles: AtomicU64,
    pub(super) bought: AtomicU64,
}

/// Buys and gives back until it is over.
pub(super) async fn buy_on(
    shops: Vec<Edge>,
    seed: u64,
    counts: Arc<Counts>,
    stop: Arc<AtomicBool>,
) -> Vec<Story> {
    let mut dice = Dice(seed);
    let mut stories = Vec::new();
    let mut fans = 0;
    while !stop.load(Ordering::SeqCst) {
        fans += 1;
        let ticket = format!("t{seed}-{fans}");
        let client = Client::builder().cookie_store(true).timeout(PATIENCE).build().unwrap();
        let fan = Fan { shops: &shops, client, ticket, counts: &counts };
        stories.extend(fan.buy(&mut dice).await);
    }
    stories
}

struct Fan<'a> {
    shops: &'a [Edge],
    client: Client,
    ticket: String,
    counts: &'a Counts,
}

impl Fan<'_> {
    /// Buys one or two seats, if there are any; mostly gives them back, so that there is something to buy again.
    async fn buy(&self, dice: &mut Dice) -> Option<Story> {
        // Most want to sit in front, and are in each other's way.
        let rows = if dice.below(3) > 0 { 1 + ROWS / 20 } else { ROWS };
        let row = dice.below(rows);
        let first = dice.below(u64::from(SEATS_A_ROW) - 1) + 1;
        let many = 1 + dice.below(2);
        let seats: Vec<_> = (first..first + many).map(|number| format!("R{row}-{number}")).collect();
        // Half of them say that asking again is the same order.
        let key = (dice.below(2) == 0).then(|| format!("order-of-{}", self.ticket));
        let body = json!({"event": "demo", "seats": seats});
        let held = loop {
            let held = self.ask(dice, Method::POST, "/api/reservations", Some(&body), key.as_deref()).await?;
            match held.0 {
                201 => break held.1,
                409 if held.1["code"] == "idempotency_key_in_use" => pause(dice, 100).await,
                _ => {
                    pause(dice, 30).await;
                    return None;
                }
            }
        };
        let reservation = held["id"].as_str().unwrap().to_owned();
        let path = format!("/api/reservations/{reservation}");
        let mut story =
            Story { reservation, tickets: None, gives_back: false, gave_back: false, refused: None };
        let card = if dice.below(8) == 0 { "pm_card_chargeCustomerFail" } else { "pm_card_visa" };
        let body = json!({"card": card});
        for _ in 0..TRIES {
            let paid = self.ask(dice, Method::POST, &format!("{path}/payment"), Some(&body), None).await;
            match paid {
                Some((200, paid)) => {
                    story.tickets = Some(tickets(&paid));
                    self.counts.bought.fetch_add(1, Ordering::Relaxed);
                    break;
                }
                Some((202 | 503, _)) | None => pause(dice, 400).await,
                Some((402 | 409 | 404, _)) => return Some(story),
                Some((status, said)) => panic!("a payment: {status} {said}"),
            }
            // Some lose their patience. What becomes of it becomes of it.
            if dice.below(6) == 0 {
                return Some(story);
            }
        }
        if story.tickets.is_some() && dice.below(12) > 0 {
            story.gives_back = true;
            for _ in 0..TRIES {
                match self.ask(dice, Method::DELETE, &path, None, None).await {
                    Some((200 | 204, _)) => {
                        story.gave_back = true;
                        break;
                    }
                    Some((status @ 400..500, said)) => {
                        story.refused = Some(format!("{status} {said}"));
                        break;
                    }
                    _ => pause(dice, 400).await,
                }
            }
        }
        Some(story)
    }

    /// Asks once, at any shop; nothing where nobody answers.
    async fn ask(
        &self,
        dice: &mut Dice,
        method: Method,
        path: &str,
        body: Option<&Value>,
        key: Option<&str>,
    ) -> Option<(u16, Value)> {
        let shop = &self.shops[usize::try_from(dice.below(self.shops.len() as u64)).unwrap()];
        // Cookies are kept by host, and both shops are on the same.
        let mut request = shop.forward(&self.client, method, path, "demo", &self.ticket);
        if let Some(body) = body {
            request = request.json(body);
        }
        if let Some(key) = key {
            request = request.header("idempotency-key", key);
        }
        let Ok(answer) = request.send().await else {
            self.counts.silences.fetch_add(1, Ordering::Relaxed);
            // Else whoever finds nobody asks a thousand times a second.
            pause(dice, 60).await;
            return None;
        };
        let status = answer.status().as_u16();
        let Ok(text) = answer.text().await else {
            self.counts.silences.fetch_add(1, Ordering::Relaxed);
            return None;
        };
        self.counts.answers.fetch_add(1, Ordering::Relaxed);
        if status >= 500 {
            self.counts.troubles.fetch_add(1, Ordering::Relaxed);
        }
        Some((status, serde_json::from_str(&text).unwrap_or_default()))
    }
}

fn tickets(paid: &Value) -> Vec<(String, String)> {
    let word = |ticket: &Value, name: &str| ticket[name].as_str().unwrap().to_owned();
    let tickets = paid["tickets"].as_array().unwrap();
    let mut tickets: Vec<_> = tickets.iter().map(|one| (word(one, "seat"), word(one, "code"))).collect();
    tickets.sort();
    tickets
}

async fn pause(dice: &mut Dice, millis: u64) {
    tokio::time::sleep(Duration::from_millis(dice.below(millis) + millis / 4)).await;
}
