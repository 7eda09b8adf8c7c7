//! A fan arrives, with what they carry: a ticket, a note of when they came, an invitation, what they were shown.

use std::sync::Arc;
use std::time::Duration;

use admission::invitation::Invitation;
use admission::store::Intent;
use admission::ticket::Ticket;
use admission::token::Admission;
use http::{HeaderMap, HeaderValue, header};

use super::work::{May, NotYet};
use crate::gate::credentials::{ADMISSION_HEADER, INVITATION_HEADER, SHOWN_HEADER, TICKET_HEADER, presented};
use crate::gate::fields::Fields;
use crate::limits::Lacking;
use crate::room::{Arrival, Carried, OpenTicket, Pass, Room, RoomError, Stand, Who, Wish};
use crate::waiting::reply::Reply;
use crate::waiting::status::Status;

/// Highest place that is believed to have been shown.
const SHOWN_MAX: u64 = 100_000_000;

/// What became of a fan who arrived.
pub(super) enum Outcome {
    /// They have a place.
    Placed {
        /// With this ticket.
        ticket: OpenTicket,
        /// Where it stands.
        stand: Stand,
        /// Whether they got it just now.
        is_new: bool,
    },
    /// The store is away; when they came is noted.
    Noted(Ticket),
    /// They have a session.
    Entered(Pass),
    /// The room is not free, and they did not want to wait.
    NotFree,
    /// The line is as long as it may get.
    Full,
    /// Nobody may join: any more, or yet.
    Closed,
    /// Their invitation was used as often as it may be.
    InvitationUsed,
    /// Not before this.
    NotYet(NotYet),
    /// No ticket could be made.
    Failed(RoomError),
}

/// The first ticket of the room that a request carries and that is good.
fn carried(room: &Room, headers: &Fields<'_>) -> Option<Carried> {
    presented(headers, &TICKET_HEADER, room.cookies.ticket_name()).find_map(|sealed| room.open_ticket(sealed))
}

/// The first ticket that has a place.
pub(crate) fn ticket_of(room: &Room, headers: &Fields<'_>) -> Option<OpenTicket> {
    match carried(room, headers)? {
        Carried::Placed(ticket) => Some(ticket),
        Carried::Noted(_) => None,
    }
}

/// The first ticket that says when its fan came, and has no place yet.
pub(crate) fn noted_of(room: &Room, headers: &Fields<'_>) -> Option<Ticket> {
    match carried(room, headers)? {
        Carried::Placed(_) => None,
        Carried::Noted(ticket) => Some(ticket),
    }
}

/// The same request without its ticket.
pub(super) fn without_ticket(room: &Room, headers: &Fields<'_>) -> HeaderMap {
    let mut bare = headers.to_map(|name| name != TICKET_HEADER && name != header::COOKIE);
    for line in headers.get_all(header::COOKIE).filter_map(|value| value.to_str().ok()) {
        let name = room.cookies.ticket_name();
        let is_other = |pair: &&str| pair.split('=').next().is_none_or(|found| found.trim() != name);
        let kept = line.split(';').filter(is_other).collect::<Vec<_>>().join(";");
        if let Ok(kept) = HeaderValue::from_str(&kept) {
            bare.append(header::COOKIE, kept);
        }
    }
    bare
}

/// The first admission token of the room that a request carries and that is good for who asks, and what it says.
pub(crate) fn admission_of<'a>(room: &'a Room, who: &Who<'a>) -> Option<(&'a str, Admission)> {
    presented(who.headers, &ADMISSION_HEADER, room.cookies.admission_name())
        .find_map(|token| Some((token, room.admit(token, Some(who))?)))
}

/// Whether a request shows an admission that was taken back with all others.
pub(crate) fn was_voided(room: &Room, headers: &Fields<'_>) -> bool {
    presented(headers, &ADMISSION_HEADER, room.cookies.admission_name()).any(|token| room.was_voided(token))
}

/// The first invitation to the room that a request carries and that is good.
fn invitation_of(room: &Room, headers: &Fields<'_>) -> Option<Invitation> {
    presented(headers, &INVITATION_HEADER, room.cookies.invitation_name())
        .find_map(|sealed| room.open_invitation(sealed).ok())
}

/// The best place that the fan says they were shown.
pub(crate) fn shown_of(room: &Room, headers: &Fields<'_>) -> Option<u64> {
    presented(headers, &SHOWN_HEADER, room.cookies.shown_name()).filter_map(shown).min()
}

/// A place as fans carry it: nothing for what is none.
pub(crate) fn shown(text: &str) -> Option<u64> {
    let is_number = (1..=9).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit());
    text.parse().ok().filter(|shown| is_number && (1..=SHOWN_MAX).contains(shown))
}

/// `reply`, which tells this status, with a cookie that remembers the place for whichever proxy comes next.
pub(super) fn remembering(
    reply: Reply,
    room: &Room,
    headers: &Fields<'_>,
    status: &Status,
    is_new: bool,
) -> Reply {
    let carried = shown_of(room, headers);
    match status.position {
        Some(position) if carried != Some(position) => reply.cookie(&room.cookies.give_shown(position)),
        // What was shown belongs to a place that is gone.
        None if is_new && carried.is_some() => reply.cookie(&room.cookies.clear_shown()),
        _ => reply,
    }
}

/// A fan arrives and will be heard of again within `again_within`.
pub(super) async fn arrive(
    room: &Arc<Room>,
    headers: &Fields<'_>,
    intent: Intent,
    again_within: Duration,
    may_join: impl FnOnce(Intent) -> Result<May, NotYet>,
) -> Outcome {
    let invitation = invitation_of(room, headers);
    let (mut noted, mut old) = (None, None);
    match carried(room, headers) {
        Some(Carried::Placed(ticket)) => {
            let stand = room.stand(&ticket.place, again_within).await;
            if let Some(shown) = shown_of(room, headers).filter(|_| !ticket.is_relocated) {
                room.was_shown(&ticket.place, shown);
            }
            let is_new = ticket.is_relocated;
            let leads_elsewhere =
                invitation.as_ref().is_some_and(|invitation| invitation.lane != ticket.place.lane);
            match stand {
                Stand::Expired => {}
                Stand::Waiting(_) if leads_elsewhere && room.is_ready() => old = Some((ticket, stand)),
                stand => return Outcome::Placed { ticket, stand, is_new },
            }
        }
        Some(Carried::Noted(ticket)) => noted = Some(ticket),
        None => {}
    }
    if intent != Intent::Wait
        && old.is_none()
        && let Some(pass) = room.enter_without_store(noted.as_ref())
    {
        return Outcome::Entered(pass);
    }
    // Who carries an invitation is bounded by its uses, and who was noted was counted then.
    let may = if invitation.is_none() && noted.is_none() { may_join(intent) } else { Ok(May::Join(None)) };
    let (intent, worked) = match may {
        Ok(May::Join(worked)) => (intent, worked),
        Ok(May::OnlyEnter) => (Intent::EnterOnly, None),
        Err(not_yet) => return Outcome::NotYet(not_yet),
    };
    let wish = Wish { intent, invitation: invitation.as_ref(), noted: noted.as_ref(), worked };
    // What asks the store is in a place of its own: most fans have a place, and need no room for it.
    let arrival = Box::pin(room.join(&wish)).await;
    match (arrival, old) {
        // The last one was quicker, or the draw knows the work already.
        (Ok(Arrival::NotFree), None) if intent == Intent::EnterOnly => {
            Outcome::NotYet(NotYet::Work(Lacking::All))
        }
        (Ok(Arrival::Taken), None) => Outcome::NotYet(NotYet::Work(Lacking::Used)),
        (Ok(Arrival::InvitationUsed), _) => Outcome::InvitationUsed,
        (Ok(Arrival::Waiting(ticket)), old) => {
            give_up(room, old).await;
            let stand = room.stand(&ticket.place, again_within).await;
            Outcome::Placed { ticket, stand, is_new: true }
        }
        (Ok(Arrival::Entered(pass)), old) => {
            give_up(room, old).await;
            Outcome::Entered(pass)
        }
        // Nothing better was to be had.
        (_, Some((ticket, stand))) => Outcome::Placed { ticket, stand, is_new: false },
        (Ok(Arrival::Noted(ticket)), None) => Outcome::Noted(ticket),
        (Ok(Arrival::NotFree), None) => Outcome::NotFree,
        (Ok(Arrival::Full), None) => Outcome::Full,
        (Ok(Arrival::Closed), None) => Outcome::Closed,
        (Err(error), None) => Outcome::Failed(error),
    }
}

/// A fan has another place now.
async fn give_up(room: &Room, old: Option<(OpenTicket, Stand)>) {
    if let Some((old, _)) = old
        && let Err(error) = Box::pin(room.leave(&old.place)).await
    {
        // Nobody stands there any more, so it costs nobody a turn.
        log_failure(room, &error);
    }
}

pub(super) fn log_failure(room: &Room, error: &RoomError) {
    tracing::warn!(room = %room.id, %error, "a visitor could not be served by the line");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_places_are_believed() {
        for (text, place) in [("1", Some(1)), ("0042", Some(42)), ("100000000", Some(100_000_000))] {
            assert_eq!(shown(text), place, "{text}");
        }
        for junk in ["", "0", "-1", "+1", "1.5", "1e3", "100000001", "9999999999", " 1", "١", "NaN"] {
            assert_eq!(shown(junk), None, "{junk}");
        }
    }
}
