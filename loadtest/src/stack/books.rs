//! What the stores of a stack hold at the end, read from themselves and not from the shop.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};

use super::Stack;
use crate::checks::LineTotals;
use crate::checks::books::{Books, Charged, Reservation};

/// How long money may be on its way when everything runs again.
const SETTLED_MAX: Duration = Duration::from_secs(60);
const LOOK_EVERY: Duration = Duration::from_millis(200);
const OPEN: &str = "SELECT id FROM reservations WHERE state IN ('paying', 'refund_due')";
const RESERVATIONS: &str = "SELECT id, state, amount_cents FROM reservations ORDER BY id";
const SEATS: &str = "SELECT reservation_id, seat_id FROM reservation_seats ORDER BY reservation_id, seat_id";
const TICKETS: &str = "SELECT reservation_id, seat_id FROM tickets ORDER BY reservation_id, seat_id";
const TAKEN: &str = "return table.concat(redis.call('HKEYS', KEYS[1]), ' ')";

impl Stack {
    /// What the line of `room` counted since it began, read from Redis; nothing where it lives in an edge's memory.
    ///
    /// # Errors
    /// When Redis does not answer.
    pub async fn line_totals(&self, room: &str) -> Result<Option<LineTotals>> {
        match &self.redis {
            Some(redis) => redis.totals(room).await.map(Some),
            None => Ok(None),
        }
    }

    /// What its stores hold of `event`, once no money is on its way any more; what is in the shop alone is left out.
    ///
    /// # Errors
    /// When a store does not answer, or money stays on its way.
    pub async fn books(&mut self, event: &str) -> Result<Books> {
        let mut books = Books::default();
        if let Some(postgres) = &self.postgres {
            let until = Instant::now() + SETTLED_MAX;
            while !postgres.ask(OPEN).await?.is_empty() {
                if Instant::now() > until {
                    bail!("money is still on its way after {} s", SETTLED_MAX.as_secs());
                }
                tokio::time::sleep(LOOK_EVERY).await;
            }
            let mut seats = by_reservation(postgres.ask(SEATS).await?);
            let mut tickets = by_reservation(postgres.ask(TICKETS).await?);
            let rows = postgres.ask(RESERVATIONS).await?.into_iter().map(|row| {
                let [id, state, amount] =
                    <[String; 3]>::try_from(row).ok().context("a reservation cannot be read")?;
                let amount_cents = amount.parse().context("an amount cannot be read")?;
                let (seats, tickets) =
                    (seats.remove(&id).unwrap_or_default(), tickets.remove(&id).unwrap_or_default());
                Ok(Reservation { id, state, amount_cents, seats, tickets })
            });
            books.reservations = Some(rows.collect::<Result<_>>()?);
        }
        if let Some(payments) = &self.payments {
            let charges = payments.charges()?.into_iter().map(|charge| Charged {
                reservation: charge.reservation,
                amount_cents: charge.amount_cents,
                taken: charge.taken,
                refunded: charge.refunded,
            });
            books.charges = Some(charges.collect());
        }
        if let Some(inventory) = &self.inventory {
            let taken = inventory.script(TAKEN, &[&format!("shop:{{{event}}}:taken")]).await?;
            books.taken = Some(taken.split_whitespace().map(ToOwned::to_owned).collect());
        }
        Ok(books)
    }
}

fn by_reservation(rows: Vec<Vec<String>>) -> BTreeMap<String, Vec<String>> {
    let mut all: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for row in rows {
        if let Ok([id, seat]) = <[String; 2]>::try_from(row) {
            all.entry(id).or_default().push(seat);
        }
    }
    all
}
