//! Who may ask for a place now, and the work that is asked of them before: as a page, and as a problem for programs.

use std::net::IpAddr;
use std::time::{Duration, Instant};

use admission::store::Intent;
use admission::ticket::TicketId;
use admission::work::PARTS;
use http::StatusCode;
use serde_json::json;

use super::edge::Edge;
use crate::gate::credentials::{WORK_HEADER, presented};
use crate::gate::fields::Fields;
use crate::limits::{Asked, Lacking};
use crate::room::Room;
use crate::waiting::notice::{About, Notice, Puzzle};
use crate::waiting::reader::Reader;
use crate::waiting::reply::Reply;

/// What somebody without a place may do.
pub(super) enum May {
    /// Join, with this id where it was worked for.
    Join(Option<TicketId>),
    /// Enter where nobody waits; for a place they would have to work.
    OnlyEnter,
}

/// Why somebody may not join yet.
pub(super) enum NotYet {
    /// Too many come from the same network at once; so long it is until one more may.
    TooMany(Duration),
    /// They have to work for it.
    Work(Lacking),
}

impl Edge {
    /// Takes one of the places that the network of `client` may ask for at this pace.
    pub(super) fn at_this_pace(&self, client: Option<IpAddr>) -> Result<(), Duration> {
        self.joins.as_ref().map_or(Ok(()), |joins| joins.take(client, Instant::now()))
    }

    /// Whether somebody without a place may join. Work that they bring is used up by it.
    pub(super) fn may_join(
        &self,
        room: &Room,
        headers: &Fields<'_>,
        client: Option<IpAddr>,
        intent: Intent,
    ) -> Result<May, NotYet> {
        let pace = || self.at_this_pace(client).map_err(NotYet::TooMany);
        if self.work_bits(room) == 0 {
            return pace().map(|()| May::Join(None));
        }
        if intent == Intent::EnterOrWait && room.is_free() {
            // While nobody waits there is no place to be had, and nothing to be gained.
            return pace().map(|()| May::OnlyEnter);
        }
        let presented = presented(headers, &WORK_HEADER, room.cookies.work_name());
        let proof = self.work.check(&room.id, client, presented, room.line_now()).map_err(NotYet::Work)?;
        pace()?;
        let done = proof.done();
        let id = self.work.spend(proof, client, room.line_now()).map_err(NotYet::Work)?;
        room.tally.work.add(done);
        Ok(May::Join(Some(id)))
    }

    /// How much work a room asks for, in bits.
    fn work_bits(&self, room: &Room) -> u8 {
        room.config().work_bits.unwrap_or(self.config.limits.work.bits)
    }

    fn ask(&self, room: &Room, client: Option<IpAddr>, lacking: Lacking) -> Option<Asked> {
        room.tally.work.lack(&lacking);
        let asked = self.work.ask(&room.id, self.work_bits(room), client, lacking, room.line_now());
        asked.inspect_err(|error| tracing::error!(%error, "no challenge can be made")).ok()
    }

    /// The page that works, or waits where it cannot.
    pub(super) fn work_page(
        &self,
        room: &Room,
        reader: &Reader,
        client: Option<IpAddr>,
        lacking: Lacking,
    ) -> Reply {
        let config = room.config();
        let (id, title) = (room.id.as_str(), &config.title);
        let Some(asked) = self.ask(room, client, lacking) else {
            let notice = Notice::new(StatusCode::SERVICE_UNAVAILABLE, title, About::Failed);
            return self.fleet.in_force().pages.notice(Some(id), reader, &notice.retry(5));
        };
        let puzzle = Puzzle {
            room: id,
            challenge: &asked.sealed,
            seed: asked.challenge.id.to_string(),
            parts: PARTS,
            zero_bits: asked.challenge.zero_bits(),
        };
        let notice = Notice::new(StatusCode::ACCEPTED, title, About::Work).retry(asked.ready_in);
        let page =
            self.fleet.in_force().pages.notice(Some(id), reader, &Notice { puzzle: Some(&puzzle), ..notice });
        page.cookie(&room.cookies.give_work(&asked.sealed, asked.good_for))
    }

    /// What programs are told: the challenge, and how it is met.
    pub(super) fn work_problem(&self, room: &Room, client: Option<IpAddr>, lacking: Lacking) -> Reply {
        let Some(asked) = self.ask(room, client, lacking) else {
            let detail = "no challenge can be made right now";
            return Reply::problem(StatusCode::SERVICE_UNAVAILABLE, "work", detail).retry_after(5);
        };
        let detail = "a place takes work: for each part from 0 find a number such that the SHA-256 of \
                      `<seed>.<part>.<number>` begins with `zero_bits` zeros, and ask again with the header \
                      `WR-Work: <challenge>:<number>,<number>,…`; or with the challenge alone after \
                      `ready_in_seconds`, from the same network";
        let more = json!({ "work": {
            "challenge": asked.sealed,
            "algorithm": "sha-256",
            "seed": asked.challenge.id.to_string(),
            "parts": PARTS,
            "zero_bits": asked.challenge.zero_bits(),
            "ready_in_seconds": asked.ready_in,
            "expires_in_seconds": asked.good_for.as_secs(),
        } });
        Reply::problem_with(StatusCode::PRECONDITION_REQUIRED, asked.lacking.code(), detail, &more)
            .retry_after(asked.ready_in)
    }
}
