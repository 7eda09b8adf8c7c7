//! Who comes, with a ticket or without: what their ticket is worth, and how they join.

use std::time::Duration;

use admission::bypass::{Bypass, BypassError};
use admission::clock::Timestamp;
use admission::draw::DrawId;
use admission::invitation::{Invitation, InvitationError};
use admission::name::LaneId;
use admission::rank::Rank;
use admission::rules::Phase;
use admission::store::{Intent, InvitationUse, Join, Joined};
use admission::ticket::{Order, Place, TICKET_ID_BYTES, Ticket, TicketId};
use sha2::{Digest as _, Sha256};
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
    /// Whether the fan came with a ticket of before, whose place an operator moved here.
    pub is_relocated: bool,
}

/// A ticket that a fan carries.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Carried {
    /// It stands in the line.
    Placed(OpenTicket),
    /// It says when the fan came, and stands nowhere yet.
    Noted(Ticket),
}

/// What somebody joins with.
#[derive(Clone, Copy, Debug)]
pub struct Wish<'a> {
    /// Whether to enter, to wait, or either.
    pub intent: Intent,
    /// The invitation that opens a lane to them.
    pub invitation: Option<&'a Invitation>,
    /// The provisional ticket that they got while the store was away.
    pub noted: Option<&'a Ticket>,
    /// The id that they worked for. It is worth one number of a draw, and no other one if that is taken.
    pub worked: Option<TicketId>,
}

impl Wish<'_> {
    /// Nothing but this.
    pub const fn new(intent: Intent) -> Self {
        Self { intent, invitation: None, noted: None, worked: None }
    }
}

/// What became of a join.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Arrival {
    /// The fan has a session.
    Entered(Pass),
    /// The fan waits, with this ticket.
    Waiting(OpenTicket),
    /// The store is away; this ticket says when the fan came.
    Noted(Ticket),
    /// The room is not free, and the fan did not want to wait.
    NotFree,
    /// The line is as long as it may get.
    Full,
    /// The room is closed, or not open yet.
    Closed,
    /// The invitation was used as often as it may be.
    InvitationUsed,
    /// Somebody has the number of the draw that the work was for: most likely by the same work, at another edge.
    Taken,
}

/// Why an invitation is not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Declined {
    /// It is none, or not for here and now.
    #[error(transparent)]
    Invalid(#[from] InvitationError),
    /// The room has no such lane any more.
    #[error("the invitation is for a lane that there is not")]
    NoLane,
}

impl Room {
    /// Opens a ticket. One whose session ended is none any more, nor is one of another draw than the room has now.
    pub fn open_ticket(&self, sealed: &str) -> Option<Carried> {
        let ticket =
            self.opened.get(sealed, || Ticket::open(&self.ports.keys.load(), &self.id, sealed).ok())?;
        if let Some(open) = self.follow(&ticket) {
            return (!self.sessions.has_ended(open.place.id)).then_some(Carried::Placed(open));
        }
        if self.sessions.has_ended(ticket.id) || !self.is_of_this_draw(&ticket.order) {
            return None;
        }
        if matches!(ticket.order, Order::Provisional { .. }) {
            return Some(Carried::Noted(ticket));
        }
        if let Order::Drawn(draw) = &ticket.order {
            self.watch_draw(draw);
        }
        let place = ticket.place(&self.ports.keys.load())?;
        Some(Carried::Placed(OpenTicket { ticket, place, is_relocated: false }))
    }

    /// Opens an invitation.
    ///
    /// # Errors
    /// When it is not for this room, not any more, or none at all.
    pub fn open_invitation(&self, sealed: &str) -> Result<Invitation, Declined> {
        let view = self.view.load();
        let now = view.store_now().unwrap_or_else(|| self.ports.clock.now());
        let invitation = Invitation::open(&self.ports.keys.load(), &self.id, sealed, now)?;
        let config = self.config();
        let lanes = &view.rules(&config.rules).lanes;
        if lanes.iter().any(|lane| lane.name == invitation.lane) {
            Ok(invitation)
        } else {
            Err(Declined::NoLane)
        }
    }

    /// Opens a bypass.
    ///
    /// # Errors
    /// When it is not for this room, not any more, or none at all.
    pub fn open_bypass(&self, sealed: &str) -> Result<Bypass, BypassError> {
        Bypass::open(&self.ports.keys.load(), &self.id, sealed, self.line_now())
    }

    /// The time that the line goes by.
    pub fn line_now(&self) -> Timestamp {
        self.view.load().store_now().unwrap_or_else(|| self.ports.clock.now())
    }

    /// How long it is until a moment.
    pub fn time_left(&self, until: Timestamp) -> Duration {
        until.since(self.line_now())
    }

    /// The ticket as the fan carries it.
    pub fn seal(&self, ticket: &Ticket) -> String {
        ticket.seal(&self.ports.keys.load())
    }

    /// A fan without a place joins. While the store is away, it is noted when they came.
    ///
    /// # Errors
    /// When no ticket can be made.
    pub async fn join(&self, wish: &Wish<'_>) -> Result<Arrival, RoomError> {
        if matches!(self.phase_now(), Phase::Early | Phase::Closed) {
            return Ok(Arrival::Closed);
        }
        if self.view.load().store_is_away() {
            return self.note(wish);
        }
        let arrival = match wish.noted {
            Some(noted) => self.settle(wish, noted).await,
            None => self.take_in(wish).await,
        };
        match arrival {
            Err(RoomError::Store(error)) => {
                tracing::debug!(room = %self.id, %error, "the store cannot be asked; a fan's arrival is noted");
                self.note(wish)
            }
            arrival => arrival,
        }
    }

    /// Asks the store to take a fan in.
    pub(super) async fn take_in(&self, wish: &Wish<'_>) -> Result<Arrival, RoomError> {
        let draw = self.draw_id();
        let lane = self.lane_of(wish);
        let arrived_at = wish.noted.and_then(|noted| match noted.order {
            Order::Provisional { arrived_at } => Some(arrived_at),
            _ => None,
        });
        let invitation = wish.invitation.map(|invitation| InvitationUse {
            id: invitation.id,
            uses: invitation.uses,
            good_for: self.time_left(invitation.expires_at),
        });
        for attempt in 0..DRAWS_MAX {
            let id = self.id_of(wish, attempt)?;
            // Computed for everyone: the store alone says who came during the pre-queue.
            let drawn = self.drawn(draw.as_ref(), id);
            let (lane, invitation) = (lane.clone(), invitation.clone());
            let join = Join { lane, id, intent: wish.intent, drawn, arrived_at, invitation };
            let joined = self.joins.join(join).await?;
            return Ok(match (joined, draw.clone().zip(drawn)) {
                (Joined::Taken, Some(_)) if wish.worked.is_some() => Arrival::Taken,
                (Joined::Taken, Some(_)) => continue,
                (Joined::Entered { rank, until }, _) => {
                    Arrival::Entered(self.pass(&self.place(wish, rank, id), until, None)?)
                }
                (Joined::Waiting { rank, ahead }, _) => self.waiting(wish, rank, id, ahead),
                (Joined::Drawn, Some((draw, rank))) => {
                    Arrival::Waiting(self.ticket(self.place(wish, rank, id), Order::Drawn(draw)))
                }
                (Joined::NotFree, _) => Arrival::NotFree,
                (Joined::Full, _) => Arrival::Full,
                (Joined::InvitationUsed, _) => Arrival::InvitationUsed,
                (Joined::Closed | Joined::Drawn | Joined::Taken, _) => Arrival::Closed,
            });
        }
        Err(RoomError::Unsigned("every draw number that was tried belongs to somebody else".to_owned()))
    }

    pub(super) fn drawn(&self, draw: Option<&DrawId>, id: TicketId) -> Option<Rank> {
        draw?.rank(&self.ports.keys.load(), &self.id, id)
    }

    fn place(&self, wish: &Wish<'_>, rank: Rank, id: TicketId) -> Place {
        Place { lane: self.lane_of(wish), rank, id }
    }

    fn ticket(&self, place: Place, order: Order) -> OpenTicket {
        let (room, issued_at) = (self.id.clone(), self.ports.clock.now());
        let (lane, id) = (place.lane.clone(), place.id);
        OpenTicket { ticket: Ticket { room, lane, id, order, issued_at }, place, is_relocated: false }
    }

    /// The fan waits at `rank`. Where a single invitation was used before, that may be the place of then, drawn for
    /// one of the ids that are tried in turn.
    fn waiting(&self, wish: &Wish<'_>, rank: Rank, id: TicketId, ahead: u64) -> Arrival {
        let is_single = wish.invitation.is_some_and(|invitation| invitation.only_ticket().is_some());
        if let Some(draw) = self.draw_id().filter(|_| is_single) {
            let ids = (0..DRAWS_MAX).filter_map(|attempt| self.id_of(wish, attempt).ok());
            for id in ids {
                if self.drawn(Some(&draw), id) == Some(rank) {
                    if self.sessions.has_ended(id) {
                        return Arrival::InvitationUsed;
                    }
                    return Arrival::Waiting(self.ticket(self.place(wish, rank, id), Order::Drawn(draw)));
                }
            }
        }
        let open = self.ticket(self.place(wish, rank, id), Order::Ranked(rank));
        self.registry.lock().joined(&open.place, ahead, Instant::now());
        Arrival::Waiting(open)
    }

    /// The id of the ticket that this wish leads to, at the `attempt`th try. An invitation for one fan leads to the
    /// same ids each time, and so does a provisional ticket.
    pub(super) fn id_of(&self, wish: &Wish<'_>, attempt: usize) -> Result<TicketId, RoomError> {
        let given = wish
            .invitation
            .and_then(Invitation::only_ticket)
            .or(wish.noted.map(|noted| noted.id))
            .or(wish.worked);
        match (given, attempt) {
            (None, _) => self.random_id(),
            (Some(id), 0) => Ok(id),
            (Some(id), attempt) => {
                let digest = Sha256::digest(format!("another ticket id {attempt} of {id}"));
                let bytes = digest.iter().copied().take(TICKET_ID_BYTES).collect::<Vec<_>>();
                Ok(bytes.try_into().map_or(id, TicketId::from_bytes))
            }
        }
    }

    /// The lane that this wish leads to: the invitation's, or the general one.
    pub(super) fn lane_of(&self, wish: &Wish<'_>) -> LaneId {
        wish.invitation.map_or_else(|| self.general_lane(), |invitation| invitation.lane.clone())
    }

    /// What mode and times come to at this very moment, as well as it can be told from here.
    pub(super) fn phase_now(&self) -> Phase {
        let view = self.view.load();
        view.rules(&self.config().rules).phase(view.store_now().unwrap_or_else(|| self.ports.clock.now()))
    }

    /// The draw of the pre-queue that the rules name.
    pub(super) fn draw_id(&self) -> Option<DrawId> {
        let view = self.view.load();
        let prequeue_at = view.rules(&self.config().rules).prequeue_at?;
        Some(DrawId::new(&self.ports.keys.load(), prequeue_at))
    }

    /// Whether a ticket of this order belongs to the line as it is now. A ticket of another draw than the rules name
    /// does not; where they name none, every ticket does.
    fn is_of_this_draw(&self, order: &Order) -> bool {
        let (Order::Drawn(draw) | Order::Moved(draw, _)) = order else { return true };
        let view = self.view.load();
        view.rules(&self.config().rules)
            .prequeue_at
            .is_none_or(|prequeue_at| prequeue_at == draw.prequeue_at())
    }

    /// The lane of those who hold no invitation to another: `general` where there is one, else the last.
    fn general_lane(&self) -> LaneId {
        let view = self.view.load();
        let config = self.config();
        let lanes = &view.rules(&config.rules).lanes;
        let general = LaneId::general();
        match lanes.last() {
            Some(last) if lanes.iter().all(|lane| lane.name != general) => last.name.clone(),
            _ => general,
        }
    }
}
