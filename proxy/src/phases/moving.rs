//! A place moves to another device: the link and its code on the one, the question and the answer on the other.

use std::sync::Arc;

use admission::transfer::TransferError;
use http::{StatusCode, header};
use serde_json::json;

use super::arrive::{log_failure, ticket_of};
use super::edge::Edge;
use super::forms::wanted_page;
use crate::gate::credentials::cookies;
use crate::gate::fields::Fields;
use crate::gate::query::{encode, parameter};
use crate::gate::{Decision, Kind};
use crate::live::comes_from_here;
use crate::room::{OpenTicket, Room, TRANSFER_LIFE, Taken};
use crate::waiting::moving::{Marks, qr};
use crate::waiting::notice::{About, Button, Form, Notice, Way};
use crate::waiting::reader::Reader;
use crate::waiting::reply::{Caching, Reply};

/// After how long a page without script goes back from the code to the place.
const BACK_SECONDS: u64 = 60;

impl Edge {
    /// `POST …/move?to=…`: a link that takes the place to another device, as JSON for the page's script or as a page.
    pub(super) async fn move_away(
        &self,
        room: &Arc<Room>,
        headers: &Fields<'_>,
        decision: &Decision,
    ) -> Reply {
        let page = wanted_page(room, decision.target.query());
        let reader = Reader::of(headers, self.config.public_scheme, &page);
        let (id, title) = (room.id.as_str(), &room.config().title);
        if !comes_from_here(headers, &decision.authority) {
            return self.foreign(room, &reader);
        }
        let wants_page = Kind::of(&http::Method::GET, headers) == Kind::Navigation;
        let Some(ticket) = ticket_of(room, headers) else {
            if wants_page {
                let notice = Notice::new(StatusCode::CONFLICT, title, About::NoPlace).link(&page, Way::On);
                return self.fleet.in_force().pages.notice(Some(id), &reader, &notice);
            }
            return super::calls::no_ticket();
        };
        let code = room.transfer(&ticket);
        let scheme = self.config.public_scheme;
        let link = format!(
            "{scheme}://{}/.waiting-room/{id}/take?code={code}&to={}",
            decision.authority,
            encode(&page)
        );
        let mark = room.marks.moving(&ticket.ticket.id.to_string());
        let (Some(qr), minutes) = (qr(&link), TRANSFER_LIFE.as_secs() / 60) else {
            return Reply::problem(
                StatusCode::URI_TOO_LONG,
                "link",
                "the address of the page is too long for a code",
            );
        };
        if wants_page {
            let minutes = minutes.to_string();
            let notice = Notice::new(StatusCode::OK, title, About::Move).retry(BACK_SECONDS);
            let notice = Notice {
                values: vec![("minutes", &minutes)],
                qr: Some(&qr),
                retry_at: Some(&page),
                ..notice
            };
            return self
                .fleet
                .in_force()
                .pages
                .notice(Some(id), &reader, &notice.link(&page, Way::Back))
                .cookie(&mark);
        }
        let body = json!({ "link": link, "minutes": minutes, "qr": { "size": qr.size, "path": qr.path } });
        Reply::json(StatusCode::OK, body.to_string(), Caching::Private).cookie(&mark)
    }

    /// `GET …/take?code=…&to=…`: asks before anything is moved, for programs follow links too.
    pub(super) fn ask_to_take(&self, room: &Room, headers: &Fields<'_>, decision: &Decision) -> Reply {
        let query = decision.target.query();
        let page = wanted_page(room, query);
        let reader = Reader::of(headers, self.config.public_scheme, &page);
        let code = parameter(query, "code").unwrap_or_default();
        if let Err(error) = room.open_transfer(&code) {
            return self.not_taken(room, &reader, refusal(error));
        }
        let id = room.id.as_str();
        let marks = &room.marks;
        let action = format!("/.waiting-room/{id}/take?code={}&to={}", encode(&code), encode(&page));
        let form = Some(Form { action: &action, button: Button::Take });
        let gives_up = ticket_of(room, headers).is_some();
        let config = room.config();
        let notice = Notice::new(StatusCode::OK, &config.title, About::Take);
        let reply =
            self.fleet.in_force().pages.notice(Some(id), &reader, &Notice { form, gives_up, ..notice });
        if taker(headers, marks).is_some() {
            return reply;
        }
        reply.cookie(&marks.taking(&crate::ids::request_id(self.random.as_ref())))
    }

    /// `POST …/take?code=…&to=…`: the place moves here.
    pub(super) async fn take(&self, room: &Arc<Room>, headers: &Fields<'_>, decision: &Decision) -> Reply {
        let query = decision.target.query();
        let page = wanted_page(room, query);
        let reader = Reader::of(headers, self.config.public_scheme, &page);
        let marks = &room.marks;
        // Another site could else give its visitors a place at the end for the one that they have.
        let (true, Some(taker)) = (comes_from_here(headers, &decision.authority), taker(headers, marks))
        else {
            return self.foreign(room, &reader);
        };
        let transfer = match room.open_transfer(&parameter(query, "code").unwrap_or_default()) {
            Ok(transfer) => transfer,
            Err(error) => return self.not_taken(room, &reader, refusal(error)),
        };
        let here = ticket_of(room, headers);
        if here.as_ref().is_some_and(|here| here.ticket.id == transfer.ticket.id) {
            // The link was opened where it was made: there is nothing to move.
            return Reply::empty(StatusCode::SEE_OTHER).with(header::LOCATION, &page);
        }
        match room.take_over(&transfer, taker).await {
            Ok(Taken::Here(ticket)) => {
                // What stood here before is given up, unless it is the very place.
                let is_other = |here: &OpenTicket| {
                    (&here.place.lane, here.place.rank) != (&ticket.place.lane, ticket.place.rank)
                };
                if let Some(here) = here.filter(is_other)
                    && let Err(error) = room.leave(&here.place).await
                {
                    log_failure(room, &error);
                }
                let reply = Reply::empty(StatusCode::SEE_OTHER)
                    .with(header::LOCATION, &page)
                    .with(header::REFERRER_POLICY, "no-referrer");
                reply
                    .cookie(&room.cookies.clear_shown())
                    .cookie(&room.cookies.give_ticket(&room.seal(&ticket.ticket)))
                    .cookie(&marks.not_moving())
            }
            Ok(Taken::Used) => self.not_taken(room, &reader, (StatusCode::CONFLICT, About::TakeUsed)),
            Err(error) => {
                log_failure(room, &error);
                self.not_taken(room, &reader, (StatusCode::SERVICE_UNAVAILABLE, About::Failed))
            }
        }
    }

    fn not_taken(&self, room: &Room, reader: &Reader, (status, about): (StatusCode, About)) -> Reply {
        let config = room.config();
        let notice = Notice::new(status, &config.title, about).link(&reader.page, Way::On);
        self.fleet.in_force().pages.notice(Some(room.id.as_str()), reader, &notice)
    }

    /// Whether the fan's place is on another device now; then, what a page or a program is told of it.
    pub(crate) async fn moved(&self, room: &Room, headers: &Fields<'_>) -> bool {
        let marks = &room.marks;
        let Some(marked) = cookies(headers, marks.moving_name()).next() else { return false };
        match cookies(headers, room.cookies.ticket_name()).next() {
            Some(sealed) => Box::pin(room.has_moved(sealed, marked)).await,
            None => false,
        }
    }

    /// The page of a fan whose place is on another device now. Standing in line again gives up nothing.
    pub(super) fn moved_page(&self, room: &Room, reader: &Reader) -> Reply {
        let id = room.id.as_str();
        let action = format!("/.waiting-room/{id}/leave?to={}", encode(&reader.page));
        let form = Some(Form { action: &action, button: Button::Again });
        let config = room.config();
        let notice = Notice::new(StatusCode::ACCEPTED, &config.title, About::Moved);
        self.fleet.in_force().pages.notice(Some(id), reader, &Notice { form, ..notice })
    }
}

/// How whoever takes a place over names themselves: at random, and the same each time.
fn taker<'a>(headers: &'a Fields<'a>, marks: &'a Marks) -> Option<&'a str> {
    cookies(headers, marks.taking_name()).find(|value| (16..=64).contains(&value.len()))
}

const fn refusal(error: TransferError) -> (StatusCode, About) {
    match error {
        TransferError::Malformed | TransferError::Forged | TransferError::OtherRoom => {
            (StatusCode::BAD_REQUEST, About::TakeUnknown)
        }
        TransferError::Expired => (StatusCode::GONE, About::TakeExpired),
    }
}
