//! What one request carries from phase to phase.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use admission::bypass::Bypass;
use admission::clock::Timestamp;
use admission::name::RoomId;
use admission::ticket::TicketId;
use admission::token::Admission;

use crate::gate::Decision;
use crate::live::{HandOver, HeadArrived, StreamNote};
use crate::room::Room;
use crate::telemetry::RequestTrace;
use crate::upstream::{FirstByte, Sending};

/// A session may end while its request is on the way to the shop's instances.
const BODY_TIME: Duration = Duration::from_secs(120);

/// What one request carries from phase to phase.
pub struct Context {
    /// When it began.
    pub began: Instant,
    /// When it was answered.
    pub ended: Option<Instant>,
    /// Tells the owner of the connection that the head is complete.
    pub head: Option<Arc<HeadArrived>>,
    /// Tells the owner of a connection of many requests what became of this one.
    pub stream: Option<Arc<StreamNote>>,
    /// The id under which edge and shop log it.
    pub request_id: String,
    /// Its W3C trace context; empty until it is asked for.
    pub traceparent: String,
    /// Its spans, where it is traced.
    pub(crate) trace: Option<Box<RequestTrace>>,
    /// Who asks, as far as it is known.
    pub client: Option<IpAddr>,
    /// Whether it was judged already, and goes to the shop.
    pub is_let_through: bool,
    /// What was decided.
    pub decision: Option<Decision>,
    /// As what it passes, when it does.
    pub passage: Passage,
    /// Whether the operator marked the path as one whose answers are public assets.
    pub is_public: bool,
    /// `Set-Cookie` values for the response.
    pub cookies: Vec<String>,
    /// A WebSocket that the owner of the connection takes over.
    pub hand_over: Option<HandOver>,
    /// Bytes of the body that came so far.
    pub body_bytes: u64,
    /// When it was sent on to the shop, while no answer has come.
    pub forwarded_at: Option<Instant>,
    /// It on its way to an instance of the shop, until that answers.
    pub sending: Option<Sending>,
    /// The connection over which its answer is awaited, where that has a time of its own.
    pub first_byte: Option<FirstByte>,
    /// Whether the answer did not begin in that time.
    pub is_overdue: bool,
    /// The instances that it was sent to.
    pub tried: Vec<usize>,
    /// No instance takes requests for so long.
    pub circuit_open: Option<Duration>,
    /// What became of it, in a word for the log.
    pub outcome: &'static str,
    /// The status of an answer that the edge gave itself.
    pub own_status: Option<u16>,
}

/// As what a request passes to the shop.
#[derive(Clone, Default)]
pub struct Passage {
    /// The room whose path it asks for.
    pub room: Option<Arc<Room>>,
    /// The session that lets it through; nothing on an open path, and where the room does not protect.
    pub admission: Option<Admission>,
    /// Whether the room does not protect, for it is off, or open while the store is away.
    pub is_open: bool,
    /// The visit that it is of, where the room is in shadow mode.
    pub shadow: Option<TicketId>,
    /// The name of the rule by which it goes past the line.
    pub bypassed_by: Option<String>,
    /// The bypass with which it does.
    pub bypass: Option<Bypass>,
    /// Whether anybody may have asked: the rule by which it goes past the line names paths and methods alone.
    pub is_anybodys: bool,
}

impl Passage {
    /// Whether whoever asks was let in, by the line or by a rule that is for some only. What anybody may ask for says
    /// nothing about the shop that others would have to suffer for.
    pub(crate) fn is_let_in(&self) -> bool {
        self.room.is_some() && !self.is_anybodys
    }

    /// Whether nothing lets a request through to a path of this room, though it is about to be sent on (P6): no session of
    /// this room that lasts, no rule, and no room that is open to all. Looked at apart from what decided, so that a mistake
    /// there is seen.
    pub(super) fn has_no_right(&self, room: &RoomId, is_public: bool, now: Timestamp) -> bool {
        match &self.admission {
            Some(admission) => admission.room != *room || admission.expires_at + BODY_TIME <= now,
            None => {
                let by_rule = self.bypassed_by.is_some() || self.bypass.is_some();
                !(by_rule || self.is_open || is_public)
            }
        }
    }
}

impl Context {
    /// A request that begins now.
    pub fn new() -> Self {
        Self {
            began: Instant::now(),
            ended: None,
            head: None,
            stream: None,
            request_id: String::new(),
            traceparent: String::new(),
            trace: None,
            client: None,
            is_let_through: false,
            decision: None,
            passage: Passage::default(),
            is_public: false,
            cookies: Vec::new(),
            hand_over: None,
            body_bytes: 0,
            forwarded_at: None,
            sending: None,
            first_byte: None,
            is_overdue: false,
            tried: Vec::new(),
            circuit_open: None,
            outcome: "unread",
            own_status: None,
        }
    }
}

impl Context {
    /// The shop answered, or failed to; and said this of its load. Counts once.
    pub(super) fn saw_the_shop(&mut self, failed: bool, load: Option<f64>) {
        if let (Some(room), Some(forwarded_at)) = (&self.passage.room, self.forwarded_at.take()) {
            room.saw_the_shop(forwarded_at.elapsed(), failed, load);
        }
    }
}

impl Default for Context {
    fn default() -> Self {
        Self::new()
    }
}

/// The address of who asked, as text.
pub(super) fn client(address: Option<IpAddr>) -> String {
    address.map_or_else(|| "unknown".to_owned(), |address| address.to_string())
}

#[cfg(test)]
mod tests {
    use admission::name::LaneId;
    use admission::ticket::TICKET_ID_BYTES;

    use super::*;

    fn admission(room: &str, expires_at: u64) -> Admission {
        let at = Timestamp::from_millis;
        Admission {
            room: RoomId::parse(room).unwrap(),
            ticket: TicketId::from_bytes([7; TICKET_ID_BYTES]),
            lane: LaneId::general(),
            admitted_at: at(0),
            began_at: at(0),
            issued_at: at(0),
            expires_at: at(expires_at),
            binding: None,
        }
    }

    #[test]
    fn what_nothing_lets_through_is_noticed_and_nothing_else_is() {
        let (room, now) = (RoomId::parse("demo").unwrap(), Timestamp::from_millis(1_000_000));
        let with = |admission| Passage { admission: Some(admission), ..Passage::default() };
        let right = [
            with(admission("demo", 1_000_001)),
            with(admission("demo", 999_000)),
            Passage { is_open: true, ..Passage::default() },
            Passage { bypassed_by: Some("staff".to_owned()), ..Passage::default() },
        ];
        assert!(right.iter().all(|passage| !passage.has_no_right(&room, false, now)));
        assert!(!Passage::default().has_no_right(&room, true, now), "assets that are for all");
        let wrong = [Passage::default(), with(admission("other", 2_000_000)), with(admission("demo", 1000))];
        assert!(wrong.iter().all(|passage| passage.has_no_right(&room, false, now)));
    }
}
