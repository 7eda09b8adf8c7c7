//! `kill -9` of everything, at random and under load: shops, the database, Redis with its files and without, the payment
//! provider. Whatever dies is started again, as an init system does; the fans go on. Afterwards the books have to agree.
//!
//! `STANCHION_KILLS` is how often each is killed, `STANCHION_SEED` repeats who is killed when.

mod audit;
mod buyer;
mod services;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use reqwest::{Client, Method};
use serde_json::{Value, json};

use crate::random::Dice;
use crate::support::{Charge, Edge, FakeStripe, PostgresServer, RedisServer, StripeProcess, elsewhere};
use audit::Figures;
use buyer::{Counts, ROWS, SEATS_A_ROW, Story, buy_on};
use services::{Services, ShopProcess, Victim};

const BUYERS: u64 = 10;
/// How long it may take until a shop answers again, or until nothing is open any more.
const RECOVERY_MAX: Duration = Duration::from_secs(120);
/// How long a shop may take to say that it is well.
const PROBE_MAX: Duration = Duration::from_secs(3);
/// How long the inventory may differ from the database: what is in flight for a minute, and the time between comparisons.
const COMPARISON_MAX: Duration = Duration::from_secs(180);
/// From how many kills on the inventory is waited for that long.
const LONG_RUN: usize = 20;

#[tokio::test(flavor = "multi_thread")]
async fn no_kill_costs_a_seat_or_money_on_sqlite() {
    // The database and the inventory die with the shop.
    let folder = tempfile::tempdir().unwrap();
    let database = format!("sqlite://{}/shop.db", folder.path().display());
    let provider = provider().await;
    let (books, url) = (provider.file(), provider.url());
    let shop = ShopProcess::new(folder.path(), 0, &database, "memory", &url);
    let shops = vec![elsewhere(shop.address)];
    let services =
        Services::new(vec![(Victim::Shop, Box::new(shop)), (Victim::Provider, Box::new(provider))]);
    let world = World { services, shops, database, books };
    world.play(&[Victim::Shop, Victim::Provider]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn no_kill_costs_a_seat_or_money_on_postgres() {
    let folder = tempfile::tempdir().unwrap();
    let (postgres, redis) = (PostgresServer::start().await, RedisServer::start_durable());
    let (database, inventory) = (postgres.url(), redis.url());
    let provider = provider().await;
    let (books, url) = (provider.file(), provider.url());
    let shops = [0, 1].map(|nth| ShopProcess::new(folder.path(), nth, &database, &inventory, &url));
    let edges = shops.iter().map(|shop| elsewhere(shop.address)).collect();
    let [one, other] = shops;
    let services = Services::new(vec![
        (Victim::Shop, Box::new(one)),
        (Victim::Shop, Box::new(other)),
        (Victim::Database, Box::new(postgres)),
        (Victim::Redis, Box::new(redis)),
        (Victim::Provider, Box::new(provider)),
    ]);
    let world = World { services, shops: edges, database, books };
    world.play(&[Victim::Shop, Victim::Database, Victim::Redis, Victim::Provider]).await;
}

async fn provider() -> StripeProcess {
    let mut provider = StripeProcess::new();
    provider.start().await;
    provider
}

/// What runs.
struct World {
    services: Services,
    shops: Vec<Edge>,
    database: String,
    /// The provider's books.
    books: std::path::PathBuf,
}

fn number(name: &str, otherwise: u64) -> u64 {
    std::env::var(name).ok().map_or(otherwise, |text| text.parse().unwrap())
}

impl World {
    async fn play(&self, victims: &[Victim]) {
        let (kills, seed) =
            (usize::try_from(number("STANCHION_KILLS", 5)).unwrap(), number("STANCHION_SEED", 1));
        println!("{kills} kills of each of {victims:?}, STANCHION_SEED={seed}");
        let begun = Instant::now();
        self.all_answer().await;
        let rows: Vec<_> = (0..ROWS).map(|row| format!("R{row}")).collect();
        let rows: Vec<_> = rows.iter().map(|row| (row.as_str(), SEATS_A_ROW)).collect();
        self.shops[0].create_demo(&rows).await;
        let (counts, stop) = (Arc::new(Counts::default()), Arc::new(AtomicBool::new(false)));
        let buyers: Vec<_> = (0..BUYERS)
            .map(|buyer| {
                let seed = seed * 1000 + buyer;
                tokio::spawn(buy_on(self.shops.clone(), seed, Arc::clone(&counts), Arc::clone(&stop)))
            })
            .collect();
        let mut dice = Dice(seed);
        let mut deck: Vec<_> =
            victims.iter().flat_map(|victim| std::iter::repeat_n(*victim, kills)).collect();
        let mut slowest = Duration::ZERO;
        while !deck.is_empty() {
            let victim = deck.swap_remove(usize::try_from(dice.below(deck.len() as u64)).unwrap());
            // Mostly all is well again before the next; now and then something else dies meanwhile.
            if dice.below(4) > 0 {
                slowest = slowest.max(self.all_answer().await);
                tokio::time::sleep(Duration::from_millis(dice.below(600))).await;
            }
            let nth = usize::try_from(dice.below(self.services.count(victim) as u64)).unwrap();
            let away = Duration::from_millis(dice.below(300));
            // Redis comes back with everything, or with nothing.
            let loses = victim == Victim::Redis && dice.below(2) == 0;
            self.services.kill(victim, nth, away, loses);
            if deck.len().is_multiple_of(50) {
                println!("{} kills to go after {} s, {counts:?}", deck.len(), begun.elapsed().as_secs());
            }
        }
        slowest = slowest.max(self.all_answer().await);
        // Also after the last there is something to do.
        tokio::time::sleep(Duration::from_secs(1)).await;
        stop.store(true, Ordering::SeqCst);
        let mut stories: Vec<Story> = Vec::new();
        for buyer in buyers {
            stories.extend(buyer.await.unwrap());
        }
        self.settled().await;
        let (figures, wrong) = audit::audit(&self.database, &self.charges(), &stories).await;
        println!(
            "{} s, {counts:?}, {figures}, all answered again after {} ms at most",
            begun.elapsed().as_secs(),
            slowest.as_millis()
        );
        assert!(wrong.is_empty(), "{} contradictions:\n{}", wrong.len(), wrong.join("\n"));
        self.ledger_agrees(&figures).await;
        self.inventory_agrees(&figures, kills >= LONG_RUN).await;
        assert!(figures.charges > 0 && figures.refunds > 0, "nobody bought or gave back: {figures}");
    }

    fn charges(&self) -> Vec<Charge> {
        FakeStripe::left_in(&self.books)
    }

    /// Waits until every shop is ready and has its stores; gives how long that took.
    async fn all_answer(&self) -> Duration {
        let begun = Instant::now();
        let client = Client::builder().timeout(PROBE_MAX).build().unwrap();
        for shop in &self.shops {
            while !is_well(&client, shop).await {
                assert!(begun.elapsed() < RECOVERY_MAX, "{} is not well again", shop.address);
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        }
        begun.elapsed()
    }

    /// Waits until no money is on its way any more.
    async fn settled(&self) {
        const OPEN: &str = "SELECT id, state, '' FROM reservations
            WHERE state IN ('paying', 'refund_due') ORDER BY id";
        let begun = Instant::now();
        loop {
            let open = audit::ask(&self.database, OPEN).await;
            if open.is_empty() {
                return;
            }
            assert!(begun.elapsed() < RECOVERY_MAX, "still open: {open:?}");
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
    }

    /// The ledger has what the provider has, for the tickets that there are.
    async fn ledger_agrees(&self, figures: &Figures) {
        for shop in &self.shops {
            assert_eq!(crate::sandbox::balance(shop, "provider").await, figures.kept);
            assert_eq!(crate::sandbox::balance(shop, "sales").await, -figures.kept);
            assert_eq!(crate::sandbox::balance(shop, "unsettled").await, 0);
            let sales = shop.sales().await;
            assert_eq!(
                (&sales["tickets"], &sales["double_sold"]),
                (&figures.sold.into(), &0.into()),
                "{sales}"
            );
        }
    }

    /// No seat that is sold can be had; and, if there is time to wait for it, every other one can.
    async fn inventory_agrees(&self, figures: &Figures, waits: bool) {
        let begun = Instant::now();
        for shop in &self.shops {
            loop {
                let (status, map) = shop.organiser(Method::GET, "/api/events/demo/seats", None).await;
                assert_eq!(status, 200, "{map}");
                let in_state = |state: &str| -> Vec<&str> {
                    let seats = map["seats"].as_array().unwrap().iter();
                    seats
                        .filter(|seat| seat["state"] == state)
                        .map(|seat| seat["id"].as_str().unwrap())
                        .collect()
                };
                for seat in in_state("available") {
                    assert!(!figures.seats_sold.contains(seat), "{seat} is sold and can be had");
                }
                let sold = in_state("sold").len();
                if sold == figures.sold && in_state("held").is_empty() || !waits {
                    break;
                }
                assert!(begun.elapsed() < COMPARISON_MAX, "{sold} sold, held {:?}", in_state("held"));
                tokio::time::sleep(Duration::from_secs(1)).await;
            }
        }
    }
}

/// Whether a shop has its database and its inventory: somebody holds a seat there.
async fn is_well(client: &Client, shop: &Edge) -> bool {
    let ready = client.get(format!("http://{}/readyz", shop.address)).send().await;
    if ready.map_or(0, |ready| ready.status().as_u16()) != 200 {
        return false;
    }
    let seat = json!({"event": "demo", "seats": ["R0-1"]});
    let fan = Client::builder().cookie_store(true).timeout(PROBE_MAX).build().unwrap();
    let ask = |method, path: &str| shop.forward(&fan, method, path, "demo", "probe");
    let Ok(held) = ask(Method::POST, "/api/reservations").json(&seat).send().await else { return false };
    match held.status().as_u16() {
        // Somebody has it; or there is no such event yet.
        409 | 404 => true,
        201 => {
            let Ok(held) = held.json::<Value>().await else { return false };
            let path = format!("/api/reservations/{}", held["id"].as_str().unwrap());
            ask(Method::DELETE, &path).send().await.is_ok_and(|answer| answer.status() == 204)
        }
        _ => false,
    }
}
