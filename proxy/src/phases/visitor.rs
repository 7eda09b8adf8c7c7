//! A visitor of a protected path: let through, let in, shown the line, or told to join it.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use admission::rules::{Mode, Phase};
use admission::store::Intent;
use http::StatusCode;

use super::arrive::{
    Outcome, admission_of, arrive, log_failure, noted_of, remembering, ticket_of, was_voided, without_ticket,
};
use super::context::Passage;
use super::edge::Edge;
use super::work::NotYet;
use crate::gate::fields::Fields;
use crate::gate::{self, Decision, Kind};
use crate::room::{Arrival, Claim, OpenTicket, Pass, Room, Shade, Stand, Who, Wish};
use crate::waiting::notice::{About, Notice, Way};
use crate::waiting::page::WaitingPage;
use crate::waiting::reader::Reader;
use crate::waiting::reply::Reply;
use crate::waiting::status::{State, Status};
use crate::waiting::words;

/// When a page without script is heard of again, at the latest.
const PAGE_AGAIN: Duration = Duration::from_secs(20);
/// After how long a prefetch or a request without a place may try again.
const RETRY_SECONDS: u64 = 5;

/// What becomes of a visitor.
pub enum Answer {
    /// The request goes to the shop.
    Forward {
        /// As what.
        passage: Passage,
        /// `Set-Cookie` values for the response.
        cookies: Vec<String>,
        /// In a word, for the log.
        outcome: &'static str,
    },
    /// The edge answers.
    Reply(Reply, &'static str),
}

impl Answer {
    fn admitted(room: &Arc<Room>, pass: Pass, outcome: &'static str) -> Self {
        let cookies = vec![room.cookies.give_admission(&pass.token, pass.age)];
        let passage =
            Passage { room: Some(room.clone()), admission: Some(pass.admission), ..Passage::default() };
        Self::Forward { passage, cookies, outcome }
    }
}

impl Edge {
    /// Who asks, as far as tokens may be bound to it.
    pub(crate) fn who<'a>(&self, headers: &'a Fields<'a>, client: Option<IpAddr>) -> Who<'a> {
        let limits = &self.config.limits;
        let network_bits = (limits.network_bits_v4, limits.network_bits_v6);
        Who { address: client, network_bits, headers }
    }

    /// A visitor who was let in just now.
    fn admitted(&self, room: &Arc<Room>, pass: Pass, who: &Who<'_>, outcome: &'static str) -> Answer {
        match room.hand_to(pass, who) {
            Some(pass) => Answer::admitted(room, pass, outcome),
            None => {
                let detail = "the token cannot be made right now";
                let reply = Reply::problem(StatusCode::SERVICE_UNAVAILABLE, "failed", detail);
                Answer::Reply(reply.retry_after(RETRY_SECONDS), "failed")
            }
        }
    }

    /// Decides about a visitor of a path that `room` protects. Whoever holds a good admission token goes on
    /// without any question to the store.
    pub async fn visit(
        &self,
        room: &Arc<Room>,
        kind: Kind,
        is_public: bool,
        decision: &Decision,
        headers: &Fields<'_>,
        client: Option<IpAddr>,
    ) -> Answer {
        let who = self.who(headers, client);
        if let Some((token, admission)) = admission_of(room, &who) {
            if let Some(pace) = self.config.limits.session_requests
                && let Err(wait) = room.pace(token, pace)
            {
                let detail = "this session asks for too much at once; the shop is there again in a moment";
                let reply = Reply::problem(StatusCode::TOO_MANY_REQUESTS, "too_many_requests", detail);
                return Answer::Reply(reply.retry_after(wait.as_secs() + 1), "too_many_requests");
            }
            // What a shared cache may store carries no cookie; the next page renews the session.
            let renewed = if is_public { None } else { room.slide(&admission) };
            let cookies =
                renewed.iter().map(|pass| room.cookies.give_admission(&pass.token, pass.age)).collect();
            let passage =
                Passage { room: Some(room.clone()), admission: Some(admission), ..Passage::default() };
            return Answer::Forward { passage, cookies, outcome: "admitted" };
        }
        let mode = room.mode();
        if mode.lets_all_pass() {
            let passage = Passage { room: Some(room.clone()), is_open: true, ..Passage::default() };
            if mode == Mode::Off {
                return Answer::Forward { passage, cookies: Vec::new(), outcome: "unprotected" };
            }
            if is_public || kind == Kind::Prefetch {
                return Answer::Forward { passage, cookies: Vec::new(), outcome: "shadow" };
            }
            let Shade { visit, cookie } = room.shade(headers, kind == Kind::Navigation);
            let passage = Passage { shadow: visit, ..passage };
            return Answer::Forward { passage, cookies: cookie.into_iter().collect(), outcome: "shadow" };
        }
        if is_public && kind != Kind::Prefetch && room.is_free() {
            // The answer could not carry the session, so no turn is taken for it.
            let passage = Passage { room: Some(room.clone()), ..Passage::default() };
            return Answer::Forward { passage, cookies: Vec::new(), outcome: "public" };
        }
        match kind {
            Kind::Prefetch => {
                let detail = "a guess of the browser takes no place in the line";
                let reply = Reply::problem(StatusCode::SERVICE_UNAVAILABLE, "prefetch", detail);
                Answer::Reply(reply.retry_after(RETRY_SECONDS), "prefetch")
            }
            Kind::Navigation => {
                let reader = Reader::of(headers, self.config.public_scheme, decision.target.path_and_query());
                self.navigate(room, headers, &reader, client).await
            }
            Kind::Form | Kind::Other => match self.other(room, headers, client).await {
                Ok(pass) => self.admitted(room, pass, &who, "entered"),
                Err(standing) => {
                    let is_voided = was_voided(room, headers);
                    // A person, who has somewhere to go back to, reads a page.
                    let person = (kind == Kind::Form).then(|| {
                        let back = gate::back(decision, headers, &room.config().paths);
                        Reader::of(headers, self.config.public_scheme, back)
                    });
                    let refusal = self.refuse(room, standing.as_ref(), person.as_ref(), is_voided);
                    Answer::Reply(refusal, "refused")
                }
            },
        }
    }

    async fn navigate(
        &self,
        room: &Arc<Room>,
        headers: &Fields<'_>,
        reader: &Reader,
        client: Option<IpAddr>,
    ) -> Answer {
        if self.moved(room, headers).await {
            return Answer::Reply(self.moved_page(room, reader), "moved");
        }
        let arrival = || {
            let may_join = |intent| self.may_join(room, headers, client, intent);
            arrive(room, headers, Intent::EnterOrWait, PAGE_AGAIN, may_join)
        };
        let who = self.who(headers, client);
        let mut outcome = arrival().await;
        if let Outcome::Placed { ticket, stand: Stand::Admitted, is_new } = outcome {
            let stand = match Box::pin(room.claim(&ticket.place)).await {
                Ok(Claim::Active(pass)) => match room.hand_to(pass, &who) {
                    Some(pass) => {
                        room.let_in(&ticket.ticket, &pass);
                        return Answer::admitted(room, pass, "claimed");
                    }
                    // Its token is with somebody else: whoever asks stands in line as if they had no ticket.
                    None => {
                        let bare = without_ticket(room, headers);
                        return Box::pin(self.navigate(room, &Fields::of(&bare), reader, client)).await;
                    }
                },
                Ok(Claim::Waiting(ahead)) => Stand::Waiting(ahead),
                Ok(Claim::Expired) => Stand::Expired,
                Err(error) => {
                    log_failure(room, &error);
                    Stand::Waiting(None)
                }
            };
            outcome = match stand {
                // The place has passed; whoever asks for the page again stands in line again.
                Stand::Expired => Box::pin(arrival()).await,
                stand => Outcome::Placed { ticket, stand, is_new },
            };
        }
        match outcome {
            Outcome::Placed { ticket, stand, is_new } => {
                let page = self.waiting_page(room, headers, reader, &ticket, stand, is_new);
                Answer::Reply(page, if is_new { "joined" } else { "waiting" })
            }
            Outcome::Noted(ticket) => {
                let status = room.noted_status(&ticket);
                let page = WaitingPage {
                    title: &room.config().title,
                    status: &status,
                    draw: None,
                    shown_cookie: room.cookies.shown_name(),
                    joined: ticket.issued_at.as_millis(),
                    can_move: false,
                };
                let page = self.fleet.in_force().pages.waiting(reader, &page);
                let page = page.cookie(&room.cookies.give_ticket(&room.seal(&ticket)));
                Answer::Reply(remembering(page, room, headers, &status, true), "noted")
            }
            Outcome::Entered(pass) => self.admitted(room, pass, &who, "entered"),
            Outcome::Full => Answer::Reply(self.notice(room, reader, About::Full, 30), "full"),
            Outcome::Closed | Outcome::NotFree => Answer::Reply(self.closed(room, reader), "closed"),
            Outcome::InvitationUsed => Answer::Reply(self.invitation_used(room, reader), "invitation_used"),
            Outcome::NotYet(NotYet::Work(lacking)) => {
                let outcome = lacking.code();
                Answer::Reply(self.work_page(room, reader, client, lacking), outcome)
            }
            Outcome::NotYet(NotYet::TooMany(wait)) => {
                let page = self.notice(room, reader, About::Crowded, wait.as_secs() + 1);
                Answer::Reply(page, "too_many_joins")
            }
            Outcome::Failed(error) => {
                log_failure(room, &error);
                Answer::Reply(self.notice(room, reader, About::Failed, RETRY_SECONDS), "failed")
            }
        }
    }

    fn waiting_page(
        &self,
        room: &Room,
        headers: &Fields<'_>,
        reader: &Reader,
        open: &OpenTicket,
        stand: Stand,
        is_new: bool,
    ) -> Reply {
        let status = room.status(&open.place, stand).after_a_void(was_voided(room, headers));
        let draw = room.draw_note(&open.ticket);
        let page = WaitingPage {
            title: &room.config().title,
            status: &status,
            draw: draw.as_ref(),
            shown_cookie: room.cookies.shown_name(),
            joined: open.ticket.issued_at.as_millis(),
            can_move: true,
        };
        let page = self.fleet.in_force().pages.waiting(reader, &page);
        let page =
            if is_new { page.cookie(&room.cookies.give_ticket(&room.seal(&open.ticket))) } else { page };
        remembering(page, room, headers, &status, is_new)
    }

    /// Nobody may join: any more, or yet.
    fn closed(&self, room: &Room, reader: &Reader) -> Reply {
        let Some(opening) = room.opening() else {
            return self.notice(room, reader, About::Closed, 60);
        };
        let id = room.id.as_str();
        let moment = words::moment(self.fleet.in_force().pages.look(Some(id)).texts(reader), &opening.at);
        let config = room.config();
        let notice = Notice::new(StatusCode::SERVICE_UNAVAILABLE, &config.title, About::NotOpen)
            .retry(opening.again_in.as_secs());
        self.fleet.in_force().pages.notice(
            Some(id),
            reader,
            &Notice { values: vec![("moment", &moment)], ..notice },
        )
    }

    fn notice(&self, room: &Room, reader: &Reader, about: About, retry_seconds: u64) -> Reply {
        let config = room.config();
        let notice = Notice::new(StatusCode::SERVICE_UNAVAILABLE, &config.title, about);
        self.fleet.in_force().pages.notice(Some(room.id.as_str()), reader, &notice.retry(retry_seconds))
    }

    /// A request that cannot stand in the line: let in where nobody waits, else refused with its standing, if it
    /// has one.
    async fn other(
        &self,
        room: &Arc<Room>,
        headers: &Fields<'_>,
        client: Option<IpAddr>,
    ) -> Result<Pass, Option<Status>> {
        let ticket = ticket_of(room, headers);
        if ticket.is_none() && room.is_free() && self.at_this_pace(client).is_ok() {
            match Box::pin(room.join(&Wish::new(Intent::EnterOnly))).await {
                Ok(Arrival::Entered(pass)) => return Ok(pass),
                Ok(_) => {}
                Err(error) => log_failure(room, &error),
            }
        }
        let noted = noted_of(room, headers);
        if ticket.is_none()
            && let Some(pass) = room.enter_without_store(noted.as_ref())
        {
            return Ok(pass);
        }
        Err(match (ticket, noted) {
            (Some(ticket), _) => Some(room.status(&ticket.place, room.stand_now(&ticket.place))),
            (None, noted) => noted.map(|noted| room.noted_status(&noted)),
        })
    }

    /// 429: there is a line, here is where to join it. It is never a 2xx: a half-finished checkout must not
    /// mistake a queue for success. A person reads a page, which leads back to where they were.
    fn refuse(
        &self,
        room: &Room,
        standing: Option<&Status>,
        person: Option<&Reader>,
        is_voided: bool,
    ) -> Reply {
        let state = match (standing, room.phase()) {
            (Some(status), _) => status.state,
            (None, Phase::Prequeue) => State::Prequeue,
            (None, Phase::Paused) => State::Paused,
            (None, Phase::Closed | Phase::Early) => State::Closed,
            (None, Phase::Open | Phase::Off) => State::Waiting,
        };
        let retry_seconds = standing.map_or(RETRY_SECONDS, |status| status.poll_after_ms.div_ceil(1000));
        let Some(reader) = person else {
            return room.refusals.problem(state, is_voided).retry_after(retry_seconds);
        };
        let about = refused(standing.map(|status| status.state));
        let config = room.config();
        let notice = Notice::new(StatusCode::TOO_MANY_REQUESTS, &config.title, about).retry(retry_seconds);
        let notice = notice.link(&reader.page, Way::Back);
        let reply = self.fleet.in_force().pages.notice(Some(room.id.as_str()), reader, &notice);
        room.refusals.headers(state).into_iter().fold(reply, |reply, (name, value)| reply.with(name, value))
    }
}

/// What a person reads who posted a form out of turn.
const fn refused(standing: Option<State>) -> About {
    match standing {
        Some(State::Admitted) => About::FormTooEarly,
        Some(State::Prequeue | State::Waiting | State::Paused | State::Closed) => About::FormWaiting,
        Some(State::Expired) | None => About::FormEnded,
    }
}
