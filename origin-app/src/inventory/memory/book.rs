//! The inventory of one event: who has which seat, and what counts against whom.

use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};
use std::time::Duration;

use admission::clock::Timestamp;

use super::log::Log;
use crate::ids::{FanId, ReservationId, SeatId};
use crate::inventory::{
    Ask, GeneralAsk, Held, HeldSeat, Holding, HoldingState, Keep, LAPSE_MAX, Loaded, LogEntry,
};

/// One event.
#[derive(Default)]
pub(super) struct Book {
    loaded: bool,
    /// Who has a seat.
    taken: HashMap<SeatId, ReservationId>,
    holdings: HashMap<ReservationId, Holding>,
    /// Which holds lapse when.
    expiry: BTreeSet<(Timestamp, ReservationId)>,
    /// What counts against a fan, and against a ticket: reservations and their seats, oldest first.
    fans: HashMap<FanId, Vec<(ReservationId, u32)>>,
    tickets: HashMap<String, Vec<(ReservationId, u32)>>,
    sections: BTreeMap<String, Section>,
    /// When it is forgotten, for its event is over.
    ends_at: Option<Timestamp>,
    pub(super) log: Log,
}

/// A section without numbers: its seats up to `given` were given at some time, and some came back.
#[derive(Default)]
struct Section {
    given: u32,
    returned: VecDeque<u32>,
}

impl Book {
    pub(super) const fn is_loaded(&self) -> bool {
        self.loaded
    }

    pub(super) fn load(&mut self, holdings: &[Holding], now: Timestamp) -> Loaded {
        if self.loaded {
            return Loaded::Before;
        }
        *self = Self { loaded: true, log: std::mem::take(&mut self.log), ..Self::default() };
        for holding in holdings {
            self.restore(holding, now);
        }
        Loaded::Now
    }

    /// Whether it can be forgotten, `after` this was asked first.
    pub(super) fn retire(&mut self, after: Duration, now: Timestamp) -> bool {
        *self.ends_at.get_or_insert(now + after) <= now
    }

    pub(super) fn hold(&mut self, ask: &Ask, now: Timestamp) -> Held {
        if let Some(before) = self.holdings.get(&ask.id)
            && before.fan == ask.fan
        {
            return Held::Held(before.clone());
        }
        let mut refusal = self.refusal(ask);
        // What has lapsed stands in nobody's way, however much it is.
        while refusal.is_some() && self.lapse(LAPSE_MAX, now) > 0 {
            refusal = self.refusal(ask);
        }
        if let Some(refusal) = refusal {
            return refusal;
        }
        let mut seats = ask.seats.clone();
        for seat in seats.iter().filter(|seat| seat.general) {
            self.take_number(&seat.id);
        }
        for general in &ask.general {
            seats.extend((0..general.quantity).filter_map(|_| self.next_of(general)));
        }
        let holding = Holding {
            id: ask.id.clone(),
            state: HoldingState::Held,
            expires_at: now + ask.duration,
            since: now,
            fan: ask.fan.clone(),
            ticket: ask.ticket.clone(),
            created_at: now,
            currency: ask.currency.clone(),
            seats,
        };
        for seat in &holding.seats {
            self.taken.insert(seat.id.clone(), holding.id.clone());
        }
        self.expiry.insert((holding.expires_at, holding.id.clone()));
        self.charge(&holding, Some(holding.seats.len()));
        self.holdings.insert(holding.id.clone(), holding.clone());
        self.log.tell(&holding, now);
        Held::Held(holding)
    }

    fn refusal(&self, ask: &Ask) -> Option<Held> {
        let sum = |counts: Option<&Vec<(ReservationId, u32)>>| {
            counts.map_or(0, |counts| counts.iter().map(|(_, seats)| seats).sum())
        };
        let by_ticket = ask.ticket.as_ref().map_or(0, |ticket| sum(self.tickets.get(ticket)));
        let has: u32 = sum(self.fans.get(&ask.fan)).max(by_ticket);
        if has.saturating_add(ask.quantity()) > ask.seats_max {
            return Some(Held::OverLimit { has });
        }
        let named = ask.seats.iter().map(|seat| &seat.id);
        let taken: Vec<_> = named.filter(|seat| self.taken.contains_key(*seat)).cloned().collect();
        if !taken.is_empty() {
            return Some(Held::Taken(taken));
        }
        let short = ask.general.iter().find(|general| {
            let (given, returned) = self
                .sections
                .get(&general.section)
                .map_or((0, 0), |section| (section.given, section.returned.len()));
            let returned = u32::try_from(returned).unwrap_or(u32::MAX);
            let named = ask.seats.iter().filter(|seat| {
                seat.general && number_of(&seat.id).is_some_and(|(section, _)| section == general.section)
            });
            let wanted = general.quantity.saturating_add(u32::try_from(named.count()).unwrap_or(u32::MAX));
            general.capacity.saturating_add(returned).saturating_sub(given) < wanted
        });
        short.map(|general| Held::SoldOut(general.section.clone()))
    }

    /// The next free seat of a section without numbers: one that came back, or one that was never given.
    fn next_of(&mut self, general: &GeneralAsk) -> Option<HeldSeat> {
        let section = self.sections.entry(general.section.clone()).or_default();
        let number = section.returned.pop_front().unwrap_or_else(|| {
            section.given += 1;
            section.given
        });
        Some(HeldSeat {
            id: SeatId::of(&general.section, number).ok()?,
            price_cents: general.price_cents,
            place: general.place + i64::from(number),
            general: true,
        })
    }

    pub(super) fn release(&mut self, id: &ReservationId, fan: &FanId, now: Timestamp) -> Option<Holding> {
        let holding = self.holdings.get(id).filter(|holding| holding.fan == *fan)?;
        if holding.state == HoldingState::Held {
            let state = match holding.state_at(now) {
                HoldingState::Expired => HoldingState::Expired,
                _ => HoldingState::Released,
            };
            self.close(id, state, now);
        }
        self.look(id)
    }

    pub(super) fn keep(&mut self, id: &ReservationId, fan: &FanId, now: Timestamp) -> Keep {
        let Some(holding) = self.holdings.get_mut(id).filter(|holding| holding.fan == *fan) else {
            return Keep::Unknown;
        };
        match holding.state_at(now) {
            HoldingState::Held => {
                (holding.state, holding.since) = (HoldingState::Kept, now);
                self.expiry.remove(&(holding.expires_at, id.clone()));
                Keep::Kept(holding.clone())
            }
            HoldingState::Kept => Keep::Kept(holding.clone()),
            HoldingState::Expired if holding.state == HoldingState::Held => {
                self.close(id, HoldingState::Expired, now);
                self.look(id).map_or(Keep::Unknown, Keep::Over)
            }
            _ => Keep::Over(holding.clone()),
        }
    }

    pub(super) fn put_back(&mut self, id: &ReservationId, now: Timestamp) -> Option<Holding> {
        let holding = self.holdings.get_mut(id)?;
        if holding.state == HoldingState::Kept {
            if holding.expires_at <= now {
                self.close(id, HoldingState::Expired, now);
            } else {
                (holding.state, holding.since) = (HoldingState::Held, now);
                self.expiry.insert((holding.expires_at, id.clone()));
            }
        }
        self.look(id)
    }

    pub(super) fn sell(&mut self, id: &ReservationId, now: Timestamp) -> bool {
        let Some(holding) = self.holdings.get_mut(id).filter(|holding| holding.state.has_seats()) else {
            return false;
        };
        if holding.state != HoldingState::Sold {
            (holding.state, holding.since) = (HoldingState::Sold, now);
            self.expiry.remove(&(holding.expires_at, id.clone()));
            self.log.tell(holding, now);
        }
        true
    }

    pub(super) fn free(&mut self, id: &ReservationId, now: Timestamp) -> bool {
        if self.holdings.get(id).is_none_or(|holding| !holding.state.has_seats()) {
            return false;
        }
        let Some(mut holding) = self.holdings.remove(id) else {
            return false;
        };
        self.give_back(&holding);
        self.charge(&holding, None);
        (holding.state, holding.since) = (HoldingState::Freed, now);
        self.log.tell(&holding, now);
        true
    }

    pub(super) fn lapse(&mut self, limit: u32, now: Timestamp) -> u32 {
        let mut lapsed = 0;
        while lapsed < limit
            && let Some((until, id)) = self.expiry.first().cloned()
            && until <= now
        {
            self.close(&id, HoldingState::Expired, now);
            lapsed += 1;
        }
        lapsed
    }

    pub(super) fn look(&self, id: &ReservationId) -> Option<Holding> {
        self.holdings.get(id).cloned()
    }

    pub(super) fn of_fan(&self, fan: &FanId) -> Vec<Holding> {
        let ids = self.fans.get(fan).into_iter().flatten();
        ids.filter_map(|(id, _)| self.holdings.get(id)).cloned().collect()
    }

    pub(super) fn adopt(&mut self, guest: &FanId, fan: &FanId) -> u32 {
        let mut adopted = 0;
        for (id, seats) in self.fans.remove(guest).unwrap_or_default() {
            if let Some(holding) = self.holdings.get_mut(&id) {
                holding.fan = fan.clone();
                note(&mut self.fans, fan, &id, Some(seats));
                adopted += 1;
            }
        }
        adopted
    }

    pub(super) fn all(&self, now: Timestamp) -> Vec<Holding> {
        let holdings = self.holdings.values().filter(|holding| holding.state_at(now).has_seats());
        holdings.cloned().collect()
    }

    pub(super) fn restore(&mut self, holding: &Holding, now: Timestamp) -> bool {
        let owners = holding.seats.iter().filter_map(|seat| self.taken.get(&seat.id));
        let rivals: Vec<_> = owners.filter(|owner| **owner != holding.id).cloned().collect();
        if holding.state == HoldingState::Held && !rivals.is_empty() {
            return false;
        }
        for rival in rivals {
            if self.holdings.get(&rival).is_some_and(|rival| rival.state.has_seats()) {
                self.close(&rival, HoldingState::Expired, now);
            }
        }
        if let Some(before) = self.holdings.get(&holding.id) {
            self.expiry.remove(&(before.expires_at, holding.id.clone()));
        }
        for seat in &holding.seats {
            if self.taken.insert(seat.id.clone(), holding.id.clone()).as_ref() != Some(&holding.id)
                && seat.general
            {
                self.take_number(&seat.id);
            }
        }
        if holding.state == HoldingState::Held {
            self.expiry.insert((holding.expires_at, holding.id.clone()));
        }
        self.charge(holding, Some(holding.seats.len()));
        self.holdings.insert(holding.id.clone(), holding.clone());
        true
    }

    /// Takes a seat that is one of many alike off those that are free.
    fn take_number(&mut self, seat: &SeatId) {
        let Some((section, number)) = number_of(seat) else { return };
        let section = self.sections.entry(section.to_owned()).or_default();
        if number <= section.given {
            if let Some(place) = section.returned.iter().position(|returned| *returned == number) {
                section.returned.remove(place);
            }
        } else {
            section.returned.extend(section.given + 1..number);
            section.given = number;
        }
    }

    pub(super) fn acknowledge(&mut self, entries: &[LogEntry]) {
        for entry in entries {
            self.log.acknowledge(&entry.mark);
            let Some(id) = entry.ended() else { continue };
            if self.holdings.get(id).is_some_and(|holding| !holding.state.has_seats())
                && let Some(holding) = self.holdings.remove(id)
            {
                self.charge(&holding, None);
            }
        }
    }

    /// Ends a holding. It stays known until the database knows.
    fn close(&mut self, id: &ReservationId, state: HoldingState, now: Timestamp) {
        let Some(mut holding) = self.holdings.get(id).cloned() else { return };
        self.give_back(&holding);
        (holding.state, holding.since) = (state, now);
        self.charge(&holding, Some(0));
        self.log.tell(&holding, now);
        self.holdings.insert(id.clone(), holding);
    }

    fn give_back(&mut self, holding: &Holding) {
        for seat in &holding.seats {
            if self.taken.get(&seat.id) != Some(&holding.id) {
                continue;
            }
            self.taken.remove(&seat.id);
            if seat.general
                && let Some((section, number)) = number_of(&seat.id)
            {
                self.sections.entry(section.to_owned()).or_default().returned.push_back(number);
            }
        }
        self.expiry.remove(&(holding.expires_at, holding.id.clone()));
    }

    /// Counts seats of a holding against its fan and ticket; none forgets that it ever was.
    fn charge(&mut self, holding: &Holding, seats: Option<usize>) {
        let seats = seats.map(|seats| u32::try_from(seats).unwrap_or(u32::MAX));
        note(&mut self.fans, &holding.fan, &holding.id, seats);
        if let Some(ticket) = &holding.ticket {
            note(&mut self.tickets, ticket, &holding.id, seats.filter(|seats| *seats > 0));
        }
    }
}

fn note<K: Clone + Eq + std::hash::Hash>(
    counts: &mut HashMap<K, Vec<(ReservationId, u32)>>,
    key: &K,
    id: &ReservationId,
    seats: Option<u32>,
) {
    let list = counts.entry(key.clone()).or_default();
    list.retain(|(other, _)| other != id);
    list.extend(seats.map(|seats| (id.clone(), seats)));
    if list.is_empty() {
        counts.remove(key);
    }
}

/// Section and number of a seat that is one of many alike.
fn number_of(seat: &SeatId) -> Option<(&str, u32)> {
    let (section, number) = seat.as_str().rsplit_once('-')?;
    Some((section, number.parse().ok()?))
}
