//! The books are compared: the database's, the provider's, and what fans were told.

use std::collections::{BTreeMap, BTreeSet};

use sqlx::{Connection, PgConnection, SqliteConnection};

use super::buyer::Story;
use crate::support::Charge;

/// What the database says of a reservation.
#[derive(Debug)]
struct Account {
    state: String,
    amount: i64,
    seats: BTreeSet<String>,
    /// Seats and codes.
    tickets: Vec<(String, String)>,
}

/// What was found.
#[derive(Default)]
pub(super) struct Figures {
    pub(super) reservations: usize,
    pub(super) sold: usize,
    pub(super) seats_sold: BTreeSet<String>,
    pub(super) charges: usize,
    pub(super) refunds: usize,
    /// What the provider has and did not give back.
    pub(super) kept: i64,
}

impl std::fmt::Display for Figures {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { reservations, sold, charges, refunds, .. } = self;
        write!(
            f,
            "{reservations} reservations, {charges} charges, {refunds} refunds, {sold} seats sold in the end"
        )
    }
}

/// Asks the database; every column as text.
pub(super) async fn ask(url: &str, question: &'static str) -> Vec<(String, String, String)> {
    if url.starts_with("sqlite") {
        let mut connection = SqliteConnection::connect(url).await.unwrap();
        sqlx::query_as(question).fetch_all(&mut connection).await.unwrap()
    } else {
        let mut connection = PgConnection::connect(url).await.unwrap();
        sqlx::query_as(question).fetch_all(&mut connection).await.unwrap()
    }
}

/// Every contradiction between the database at `url`, the `charges` of the provider, and the fans' `stories`.
pub(super) async fn audit(url: &str, charges: &[Charge], stories: &[Story]) -> (Figures, Vec<String>) {
    let mut wrong = Vec::new();
    let accounts = accounts(url).await;
    let mut sold = BTreeMap::new();
    for (id, account) in &accounts {
        let Account { state, seats, tickets, .. } = account;
        if !matches!(state.as_str(), "held" | "confirmed" | "released" | "expired" | "refunded") {
            wrong.push(format!("{id} is still {state}"));
        }
        let have: BTreeSet<_> = tickets.iter().map(|(seat, _)| seat.clone()).collect();
        let wanted = if state == "confirmed" { seats.clone() } else { BTreeSet::new() };
        if have != wanted || have.len() != tickets.len() {
            wrong.push(format!("{id} is {state} with {seats:?} and has tickets for {have:?}"));
        }
        for seat in have {
            if let Some(other) = sold.insert(seat.clone(), id) {
                wrong.push(format!("{seat} is sold twice, to {other} and {id}"));
            }
        }
    }
    let mut figures = Figures { reservations: accounts.len(), sold: sold.len(), ..Figures::default() };
    figures.seats_sold = sold.into_keys().collect();
    let mut taken: BTreeMap<&str, Vec<&Charge>> = BTreeMap::new();
    for charge in charges.iter().filter(|charge| charge.taken > 0) {
        taken.entry(&charge.reservation).or_default().push(charge);
        figures.charges += 1;
        figures.refunds += usize::from(charge.refunded);
        figures.kept += if charge.refunded { 0 } else { charge.amount };
    }
    for (reservation, charges) in &taken {
        let Some(account) = accounts.get(*reservation) else {
            wrong.push(format!("a charge of a reservation that is not known: {charges:?}"));
            continue;
        };
        for charge in charges {
            if charge.taken > 1 || charge.amount != account.amount {
                wrong.push(format!("charged wrongly: {charge:?} for {account:?}"));
            }
        }
    }
    for (id, account) in &accounts {
        let charges = taken.get(id.as_str()).map_or(&[][..], Vec::as_slice);
        let kept = charges.iter().filter(|charge| !charge.refunded).count();
        match (account.state.as_str(), kept) {
            ("confirmed", 1) => {}
            ("confirmed", _) => wrong.push(format!("tickets without one charge: {id} {charges:?}")),
            (_, 0) => {}
            (state, _) => wrong.push(format!("a charge without tickets or refund: {id} {state} {charges:?}")),
        }
        if account.state == "refunded" && charges.is_empty() {
            wrong.push(format!("nothing was charged and it came back: {id}"));
        }
    }
    wrong.extend(stories.iter().filter_map(|story| told(story, &accounts)));
    (figures, wrong)
}

/// What a fan was told and is not so.
fn told(story: &Story, accounts: &BTreeMap<String, Account>) -> Option<String> {
    let account = accounts.get(&story.reservation);
    let state = account.map_or("unknown", |account| account.state.as_str());
    let tickets = story.tickets.as_ref()?;
    let is_so = story.refused.is_none()
        && match (state, story.gives_back, story.gave_back) {
            ("confirmed", _, false) => account.is_some_and(|account| account.tickets == *tickets),
            // The answer may have been lost.
            ("refunded", true, _) => true,
            _ => false,
        };
    (!is_so).then(|| format!("a fan was told otherwise: {story:?}, and it is {account:?}"))
}

async fn accounts(url: &str) -> BTreeMap<String, Account> {
    let mut accounts = BTreeMap::new();
    let rows = ask(url, "SELECT id, state, CAST(amount_cents AS TEXT) FROM reservations").await;
    for (id, state, amount) in rows {
        let amount = amount.parse().unwrap();
        accounts.insert(id, Account { state, amount, seats: BTreeSet::new(), tickets: Vec::new() });
    }
    for (id, seat, _) in ask(url, "SELECT reservation_id, seat_id, '' FROM reservation_seats").await {
        accounts.get_mut(&id).unwrap().seats.insert(seat);
    }
    for (id, seat, code) in
        ask(url, "SELECT reservation_id, seat_id, code FROM tickets ORDER BY seat_id, code").await
    {
        accounts.get_mut(&id).unwrap().tickets.push((seat, code));
    }
    accounts
}
