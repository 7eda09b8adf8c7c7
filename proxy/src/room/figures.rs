//! What operators are told of a room.

use admission::clock::Timestamp;
use admission::rules::Phase;
use admission::store::{Standing, Voided};
use admission::ticket::{Place, Ticket, TicketId};
use admission::token::Admission;

use super::{Room, RoomError, bounded};
use crate::telemetry::promises::Event;
use admission::invariants::Promise;

/// A room in figures, by the last snapshot of its line. Zero where there was none yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Figures {
    /// Whether the line can be reached.
    pub reachable: bool,
    /// What mode and times come to.
    pub phase: Phase,
    /// When the snapshot was taken, in milliseconds since the Unix epoch.
    pub at: u64,
    /// Which rules are in force there.
    pub revision: u64,
    /// Fans a minute, now.
    pub rate: u64,
    /// Fans with a session.
    pub active: u64,
    /// Fans whose turn has come and who have not claimed it.
    pub turns: u64,
    /// Fans who wait, in all lanes.
    pub waiting: u64,
    /// Whether the line is being put back together, so that nobody is admitted.
    pub rebuilding: bool,
    /// Fans who joined, turns given, and turns that nobody claimed, in all.
    pub totals: [u64; 3],
    /// Turns that operators gave out of order, in all.
    pub admitted_by_hand: u64,
    /// Fans whom this proxy holds.
    pub held_here: usize,
    /// Each lane with how many wait in it.
    pub lanes: Vec<(String, u64)>,
}

impl Room {
    /// Fans were put back into a line that lost data, and stand so there now.
    pub(super) fn count_restored(&self, standings: &[Standing]) {
        let lost = standings.iter().filter(|standing| **standing == Standing::Unknown).count();
        self.tally.promises.count(Event::Restored, (standings.len() - lost) as u64);
        (0..lost).for_each(|_| self.tally.promises.break_one(Promise::Place));
    }

    /// Fans who are held here and wait though the turn of their rank has come: they were passed over, and came back.
    pub fn overtaken(&self) -> usize {
        let view = self.view.load();
        view.snapshot().map_or(0, |snapshot| self.registry.lock().overtaken(snapshot))
    }

    /// Whether the room's line was read from the store at least once, lately.
    pub fn is_ready(&self) -> bool {
        !self.view.load().store_is_away()
    }

    /// How many fans this proxy holds.
    pub fn fans(&self) -> usize {
        self.registry.lock().len()
    }

    /// The room in figures.
    pub fn figures(&self) -> Figures {
        let view = self.view.load();
        let phase = self.phase_by(&view);
        let snapshot = view.snapshot();
        let of =
            |figure: fn(&admission::store::Snapshot) -> u64| snapshot.map_or(0, |snapshot| figure(snapshot));
        Figures {
            reachable: !view.store_is_away(),
            phase,
            at: of(|snapshot| snapshot.at.as_millis()),
            revision: of(|snapshot| snapshot.revision),
            rate: of(|snapshot| snapshot.rate),
            active: of(|snapshot| snapshot.active),
            turns: of(|snapshot| snapshot.turns),
            waiting: of(admission::store::Snapshot::waiting),
            rebuilding: view.is_rebuilding(),
            totals: [
                of(|snapshot| snapshot.joined_total),
                of(|snapshot| snapshot.admitted_total),
                of(|snapshot| snapshot.lapsed_total),
            ],
            admitted_by_hand: of(|snapshot| snapshot.by_hand.admitted),
            held_here: self.fans(),
            lanes: snapshot.map_or_else(Vec::new, |snapshot| {
                snapshot.lanes.iter().map(|lane| (lane.name.to_string(), lane.ladder.waiting())).collect()
            }),
        }
    }

    /// Where a ticket stands, by the store itself.
    ///
    /// # Errors
    /// When the store cannot be reached.
    pub async fn standing(&self, place: &Place) -> Result<Option<Standing>, RoomError> {
        let standings = bounded(self.ports.store.look(&self.id, std::slice::from_ref(place))).await?;
        Ok(standings.first().copied())
    }

    /// What a sealed ticket says of itself, whatever became of it: its id, and its place where it has one. Of a place that was
    /// moved, where it is now.
    pub fn read_ticket(&self, sealed: &str) -> Option<(TicketId, Option<Place>)> {
        let ticket = Ticket::open(&self.ports.keys.load(), &self.id, sealed).ok()?;
        if let Some(open) = self.follow(&ticket) {
            return Some((open.place.id, Some(open.place)));
        }
        Some((ticket.id, ticket.place(&self.ports.keys.load())))
    }

    /// The ticket whose session an admission token is of, while the token is good.
    pub fn read_token(&self, token: &str) -> Option<TicketId> {
        let now = self.ports.clock.now();
        Admission::verify(&self.ports.keys.load(), &self.id, token, now)
            .ok()
            .map(|admission| admission.ticket)
    }

    /// Voids every admission until now, at every proxy within a tick.
    ///
    /// # Errors
    /// When the store cannot be reached. Asked again, it voids what is there then.
    pub async fn void(&self) -> Result<Voided, RoomError> {
        Ok(bounded(self.ports.store.void(&self.id, None)).await?)
    }

    /// The store's clock, as well as it can be told from here.
    pub fn store_now(&self) -> Option<Timestamp> {
        self.view.load().store_now()
    }

    /// The store said where a ticket stands.
    pub fn heard(&self, place: &Place, standing: Standing) {
        self.learn(place, standing);
    }

    /// Ends a session, everywhere within a tick.
    ///
    /// # Errors
    /// When the store cannot be reached.
    pub async fn end_session(&self, ticket: TicketId) -> Result<(), RoomError> {
        bounded(self.ports.store.end(&self.id, &[ticket])).await?;
        self.sessions.end(&[ticket], self.token_life());
        Ok(())
    }
}
