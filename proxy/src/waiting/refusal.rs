//! What programs are told that cannot stand in the line: 429, never a 2xx, for a half-finished checkout must not mistake a
//! queue for success. It is the same for all who ask, but for when to ask again, so it is put together once.

use std::sync::{Arc, LazyLock, OnceLock};

use admission::name::RoomId;
use http::StatusCode;
use http::header::{self, HeaderName, HeaderValue};

use super::body::Body;
use super::reply::{Common, Reply};
use super::status::State;

/// Tells where the fan stands.
const WAITING_ROOM: HeaderName = HeaderName::from_static("waiting-room");
/// How many states there are.
const STATES: usize = 6;

/// The refusals of one room.
#[derive(Debug)]
pub struct Refusals {
    room: RoomId,
    /// The headers of each state.
    common: [OnceLock<Arc<Common>>; STATES],
}

impl Refusals {
    /// Those of `room`.
    pub fn new(room: RoomId) -> Self {
        Self { room, common: Default::default() }
    }

    /// What every refusal says in its head: where whoever asks stands, and where to join.
    pub fn headers(&self, state: State) -> [(HeaderName, String); 2] {
        let room = &self.room;
        [
            (WAITING_ROOM, format!("{}; room=\"{room}\"", state.as_str())),
            (header::LINK, format!("</.waiting-room/{room}/ticket>; rel=\"ticket\"")),
        ]
    }

    /// The refusal of a program in this state; `is_voided` where it was inside, and all admissions were taken back.
    pub fn problem(&self, state: State, is_voided: bool) -> Reply {
        static BODIES: LazyLock<[Body; 2]> = LazyLock::new(|| {
            let again = "stand in the line and ask again with an admission token";
            let voided = "the organiser took all admissions back; stand in the line again, and ask again with an admission token";
            [again, voided]
                .map(|detail| Reply::problem(StatusCode::TOO_MANY_REQUESTS, "waiting_room", detail).body)
        });
        let make = || {
            let headers = self.headers(state).into_iter();
            let headers =
                headers.filter_map(|(name, value)| Some((name, HeaderValue::try_from(value).ok()?)));
            Reply::common_of_problems(headers)
        };
        let common = self.common.get(state as usize).map(|common| common.get_or_init(make).clone());
        let [again, voided] = &*BODIES;
        Reply {
            status: StatusCode::TOO_MANY_REQUESTS,
            common: common.unwrap_or_else(make),
            headers: Vec::new(),
            body: if is_voided { voided } else { again }.clone(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_state_has_its_refusal() {
        let refusals = Refusals::new(RoomId::parse("demo").unwrap());
        for state in
            [State::Prequeue, State::Waiting, State::Admitted, State::Paused, State::Closed, State::Expired]
        {
            assert!((state as usize) < STATES);
            for (is_voided, word) in [(false, "stand in the line and"), (true, "took all admissions back")] {
                let reply = refusals.problem(state, is_voided).retry_after(7);
                let says = format!("{}; room=\"demo\"", state.as_str());
                assert_eq!(reply.header("waiting-room"), Some(&*says));
                assert_eq!(reply.header("link"), Some("</.waiting-room/demo/ticket>; rel=\"ticket\""));
                assert_eq!((reply.status.as_u16(), reply.header("retry-after")), (429, Some("7")));
                assert_eq!(reply.header("cache-control"), Some("private, no-store"));
                assert_eq!(reply.header("content-type"), Some("application/problem+json"));
                assert!(std::str::from_utf8(&reply.body.into_bytes()).unwrap().contains(word));
            }
        }
    }
}
