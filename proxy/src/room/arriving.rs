//! Who comes, with a ticket or without: what their ticket is worth, and how they join.

use admission::draw::DrawId;
use admission::name::LaneId;
use admission::rules::Phase;
use admission::store::{Intent, Join, Joined};
use admission::ticket::{Order, Place, Ticket};
use tokio::time::Instant;

use super::{Pass, Room, RoomError};

/// How many ids are tried for a fan whose draw numbers others have already. With a million fans the first one is
/// taken once in 33 times.
const DRAWS_MAX: usize = 8;

/// A ticket that is good, and where it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OpenTicket {
    /// What the fan carries.
    pub ticket: Ticket,
    /// Its place, computed once. For a drawn ticket the fan must not learn it before the room opens.
    pub place: Place,
}

/// What became of a join.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Arrival {
    /// The fan has a session.
    Entered(Pass),
    /// The fan waits, with this ticket.
    Waiting(OpenTicket),
    /// The room is not free, and the fan did not want to wait.
    NotFree,
    /// The line is as long as it may get.
    Full,
    /// The room is closed, or not open yet.
    Closed,
}

impl Room {
    /// Opens a ticket. One whose session ended is none any more, nor is one of another draw than the room has now;
    /// and one that stands nowhere is none yet.
    pub fn open_ticket(&self, sealed: &str) -> Option<OpenTicket> {
        let ticket = Ticket::open(&self.ports.keys, &self.config.id, sealed).ok()?;
        let place = ticket.place(&self.ports.keys)?;
        let is_good = !self.sessions.has_ended(ticket.id) && self.is_of_this_draw(&ticket.order);
        is_good.then_some(OpenTicket { ticket, place })
    }

    /// The ticket as the fan carries it.
    pub fn seal(&self, open: &OpenTicket) -> String {
        open.ticket.seal(&self.ports.keys)
    }

    /// A fan without a ticket joins.
    ///
    /// # Errors
    /// When the store cannot be reached.
    pub async fn join(&self, intent: Intent) -> Result<Arrival, RoomError> {
        if matches!(self.phase_now(), Phase::Early | Phase::Closed) {
            return Ok(Arrival::Closed);
        }
        let lane = self.general_lane();
        let draw = self.draw_id();
        for _ in 0..DRAWS_MAX {
            let id = self.random_id()?;
            // Computed for everyone: the store alone says who came during the pre-queue.
            let drawn = draw.as_ref().and_then(|draw| draw.rank(&self.ports.keys, &self.config.id, id));
            let joined = self.joins.join(Join { drawn, ..Join::new(lane.clone(), id, intent) }).await?;
            let waiting = |order, rank| {
                let place = Place { lane: lane.clone(), rank, id };
                let (room, issued_at) = (self.config.id.clone(), self.ports.clock.now());
                OpenTicket { ticket: Ticket { room, lane: lane.clone(), id, order, issued_at }, place }
            };
            return Ok(match (joined, draw.clone().zip(drawn)) {
                (Joined::Taken, Some(_)) => continue,
                (Joined::Entered { rank, until }, _) => {
                    Arrival::Entered(self.pass(&Place { lane, rank, id }, until, None)?)
                }
                (Joined::Waiting { rank, ahead }, _) => {
                    let open = waiting(Order::Ranked(rank), rank);
                    self.registry.lock().joined(&open.place, ahead, Instant::now());
                    Arrival::Waiting(open)
                }
                (Joined::Drawn, Some((draw, rank))) => Arrival::Waiting(waiting(Order::Drawn(draw), rank)),
                (Joined::NotFree, _) => Arrival::NotFree,
                (Joined::Full, _) => Arrival::Full,
                (Joined::Closed | Joined::Drawn | Joined::Taken | Joined::InvitationUsed, _) => {
                    Arrival::Closed
                }
            });
        }
        Err(RoomError::Unsigned("every draw number that was tried belongs to somebody else".to_owned()))
    }

    /// What mode and times come to at this very moment, as well as it can be told from here.
    fn phase_now(&self) -> Phase {
        let view = self.view.load();
        view.rules(&self.config.rules).phase(view.store_now().unwrap_or_else(|| self.ports.clock.now()))
    }

    /// The draw of the pre-queue that the rules name.
    pub(super) fn draw_id(&self) -> Option<DrawId> {
        let view = self.view.load();
        let prequeue_at = view.rules(&self.config.rules).prequeue_at?;
        Some(DrawId::new(&self.ports.keys, prequeue_at))
    }

    /// Whether a ticket of this order belongs to the line as it is now. A ticket of another draw than the rules name
    /// does not; where they name none, every ticket does.
    fn is_of_this_draw(&self, order: &Order) -> bool {
        let Order::Drawn(draw) = order else { return true };
        let view = self.view.load();
        view.rules(&self.config.rules).prequeue_at.is_none_or(|prequeue_at| prequeue_at == draw.prequeue_at())
    }

    /// The lane of those who hold no invitation to another: `general` where there is one, else the last.
    fn general_lane(&self) -> LaneId {
        let view = self.view.load();
        let lanes = &view.rules(&self.config.rules).lanes;
        let general = LaneId::general();
        match lanes.last() {
            Some(last) if lanes.iter().all(|lane| lane.name != general) => last.name.clone(),
            _ => general,
        }
    }
}
