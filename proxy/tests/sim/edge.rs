//! An edge: the real room of a proxy, with a clock and a wire of its own, and what a fan can ask of it. The calls
//! do what the phases of a request do with a room (`proxy/src/phases`), without HTTP.

use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use admission::clock::Timestamp;
use admission::keyring::Keyring;
use admission::store::Intent;
use admission::ticket::Order;
use admission::token::Admission;
use arc_swap::ArcSwap;
use proxy::config::RoomConfig;
use proxy::room::{Arrival, Carried, Claim, OpenTicket, Pass, Ports, Room, Stand, Wish};
use proxy::waiting::cookies::Scheme;
use proxy::waiting::status::Status;
use tokio::sync::watch;
use tokio::time::{Instant, timeout};

use crate::dice::{Dice, SimClock};
use crate::house::Wire;

/// After how long a fan gives up on a request.
const PATIENCE: Duration = Duration::from_secs(8);
/// How long the first look at the line may take before the edge takes requests all the same.
const FIRST_LOOK: Duration = Duration::from_secs(2);
/// When someone who polls is heard of again, at the latest.
pub(crate) const POLL_AGAIN: Duration = Duration::from_secs(4);

/// An edge that runs.
pub(crate) struct Edge {
    /// Its name; another one each time it starts.
    pub(crate) name: u32,
    pub(crate) room: Arc<Room>,
    dead: watch::Sender<bool>,
    started: Instant,
    listens: AtomicBool,
}

/// The edge did not answer, or could not.
pub(crate) struct NoAnswer;

/// What a fan has after they asked for a place.
pub(crate) enum Place {
    Ticket(String, OpenTicket),
    Session(Pass),
    /// The line is away: a sealed note of when they came.
    Noted(String, Timestamp),
    /// What they carried was no such note any more.
    NoteWorthless,
    InvitationUsed,
    None,
}

impl Edge {
    pub(crate) fn start(
        name: u32,
        config: RoomConfig,
        keys: Arc<ArcSwap<Keyring>>,
        clock: Arc<SimClock>,
        wire: Arc<Wire>,
        dice: Dice,
        tick: Duration,
    ) -> Self {
        wire.rename(name);
        let ports = Ports { store: wire, keys, clock, random: Arc::new(dice) };
        let room = Room::start(config, 1, Scheme::Http, ports, tick);
        let (dead, listens) = (watch::Sender::new(false), AtomicBool::new(false));
        Self { name, room, dead, started: Instant::now(), listens }
    }

    /// Whether it takes requests: it looks at the line first, but not for ever.
    pub(crate) fn listens(&self) -> bool {
        let listens = self.room.is_ready() || self.started.elapsed() > FIRST_LOOK;
        self.listens.fetch_or(listens, Ordering::Relaxed) || listens
    }

    /// The process is killed.
    pub(crate) fn crash(&self) {
        self.room.stop();
        self.dead.send_replace(true);
    }

    pub(crate) fn is_dead(&self) -> bool {
        *self.dead.borrow()
    }

    /// Returns when the edge is dead.
    pub(crate) async fn died(&self) {
        let mut dead = self.dead.subscribe();
        let _ = dead.wait_for(|dead| *dead).await;
    }

    /// A request of a fan: dropped when the edge dies, given up when it takes too long.
    async fn request<T>(&self, answer: impl Future<Output = T>) -> Result<T, NoAnswer> {
        tokio::select! {
            biased;
            () = self.died() => Err(NoAnswer),
            answer = timeout(PATIENCE, answer) => answer.map_err(|_| NoAnswer),
        }
    }

    /// Asks for a place, with an invitation or a note of when they came.
    pub(crate) async fn join(
        &self,
        intent: Intent,
        invitation: Option<&str>,
        noted: Option<&str>,
    ) -> Result<Place, NoAnswer> {
        let noted = match noted.map(|noted| self.room.open_ticket(noted)) {
            Some(Some(Carried::Noted(ticket))) => Some(ticket),
            Some(_) => return Ok(Place::NoteWorthless),
            None => None,
        };
        let invitation = invitation.and_then(|sealed| self.room.open_invitation(sealed).ok());
        let wish = Wish { intent, invitation: invitation.as_ref(), noted: noted.as_ref(), worked: None };
        match self.request(self.room.join(&wish)).await? {
            Ok(Arrival::Entered(pass)) => Ok(Place::Session(pass)),
            Ok(Arrival::Waiting(ticket)) => Ok(Place::Ticket(self.room.seal(&ticket.ticket), ticket)),
            Ok(Arrival::Noted(ticket)) => match ticket.order {
                Order::Provisional { arrived_at } => Ok(Place::Noted(self.room.seal(&ticket), arrived_at)),
                _ => Ok(Place::None),
            },
            Ok(Arrival::InvitationUsed) => Ok(Place::InvitationUsed),
            Ok(Arrival::NotFree | Arrival::Full | Arrival::Closed | Arrival::Taken) => Ok(Place::None),
            Err(_) => Err(NoAnswer),
        }
    }

    /// Presents a ticket, and what its fan was shown last: a poll, or a page. None when it is none any more.
    pub(crate) async fn present(
        &self,
        sealed: &str,
        shown: Option<u64>,
    ) -> Result<Option<(OpenTicket, Status)>, NoAnswer> {
        let Some(Carried::Placed(ticket)) = self.room.open_ticket(sealed) else { return Ok(None) };
        let stand = self.request(self.room.stand(&ticket.place, POLL_AGAIN)).await?;
        if let Some(shown) = shown {
            self.room.was_shown(&ticket.place, shown);
        }
        let status = self.room.status(&ticket.place, stand);
        Ok((stand != Stand::Expired).then_some((ticket, status)))
    }

    /// What a fan with a live connection is told now.
    pub(crate) fn status(&self, ticket: &OpenTicket) -> Status {
        self.room.status(&ticket.place, self.room.stand_now(&ticket.place))
    }

    /// Claims the turn of a ticket. None when it is not its turn after all.
    pub(crate) async fn claim(&self, ticket: &OpenTicket) -> Result<Option<Pass>, NoAnswer> {
        match self.request(self.room.claim(&ticket.place)).await? {
            Ok(Claim::Active(pass)) => Ok(Some(pass)),
            Ok(Claim::Waiting(_) | Claim::Expired) => Ok(None),
            Err(_) => Err(NoAnswer),
        }
    }

    /// A request to the shop: what the token says, and a renewed one where it is time.
    pub(crate) fn visit(&self, token: &str) -> Option<(Admission, Option<Pass>)> {
        let admission = self.room.admit(token, None)?;
        let renewed = self.room.slide(&admission);
        Some((admission, renewed))
    }

    /// Gives a place up.
    pub(crate) async fn leave(&self, ticket: &OpenTicket) -> Result<(), NoAnswer> {
        self.request(self.room.leave(&ticket.place)).await?.map_err(|_| NoAnswer)
    }
}
