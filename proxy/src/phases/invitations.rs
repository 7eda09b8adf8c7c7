//! Invitations: taken from a link, kept in a cookie, and what is said where they are worth nothing.

use admission::invitation::InvitationError;
use http::{HeaderMap, StatusCode, header};

use super::edge::Edge;
use crate::gate::Kind;
use crate::gate::credentials::{INVITATION_HEADER, TRIES_MAX};
use crate::gate::query::{local_path, parameter};
use crate::room::{Declined, Room};
use crate::waiting::page::Notice;
use crate::waiting::reply::Reply;

/// What is said of an invitation that was used as often as it may be.
const USED: (StatusCode, &str, &str) = (
    StatusCode::CONFLICT,
    "invitation_used",
    "Somebody has used it already as often as it may be used. If that was you, your place is in the browser that you \
     used then.",
);

impl Edge {
    /// `GET …/invitation?code=…&to=…`: keeps the invitation, and leads to the room.
    pub(super) fn invitation(
        &self,
        room: &Room,
        kind: Kind,
        headers: &HeaderMap,
        query: Option<&str>,
    ) -> Reply {
        let by_header = headers.get(INVITATION_HEADER).and_then(|value| value.to_str().ok());
        let code = parameter(query, "code").or_else(|| by_header.map(str::to_owned)).unwrap_or_default();
        let invitation = match room.open_invitation(&code) {
            Ok(invitation) => invitation,
            Err(declined) => return self.declined(room, kind, declined),
        };
        let first_page = || {
            room.config
                .paths
                .first()
                .map_or_else(|| "/".to_owned(), crate::gate::routes::PathRule::first_page)
        };
        let to = match parameter(query, "to") {
            None => first_page(),
            Some(to) => match local_path(&to) {
                Some(to) => to,
                None => {
                    let detail = "`to` has to be a path of this site, such as /events/demo";
                    return Reply::problem(StatusCode::BAD_REQUEST, "invitation_to", detail);
                }
            },
        };
        Reply::empty(StatusCode::SEE_OTHER)
            .with(header::LOCATION, to)
            .cookie(&room.cookies.give_invitation(&code, room.time_left(invitation.expires_at)))
    }

    fn declined(&self, room: &Room, kind: Kind, declined: Declined) -> Reply {
        let (status, code, text) = words(declined);
        self.said(
            room,
            kind,
            status,
            code,
            ("This invitation cannot be used", text),
            "Go to the general line",
        )
    }

    /// The page of a fan whose invitation was used as often as it may be. They may stand in the general line.
    pub(super) fn invitation_used(&self, room: &Room) -> Reply {
        let (status, code, text) = USED;
        let heading = "This invitation has been used";
        self.said(room, Kind::Navigation, status, code, (heading, text), "Go to the general line")
            .cookie(&room.cookies.clear_invitation())
    }

    fn said(
        &self,
        room: &Room,
        kind: Kind,
        status: StatusCode,
        code: &str,
        (heading, text): (&str, &str),
        way_on: &str,
    ) -> Reply {
        if kind != Kind::Navigation {
            return Reply::problem(status, code, text);
        }
        let page = room
            .config
            .paths
            .first()
            .map_or_else(|| "/".to_owned(), crate::gate::routes::PathRule::first_page);
        let link = Some((page.as_str(), way_on));
        self.pages.notice(&Notice {
            status,
            title: &room.config.title,
            heading,
            text,
            retry_seconds: 0,
            link,
        })
    }
}

/// The same, for programs.
pub(super) fn used(room: &Room) -> Reply {
    let (status, code, text) = USED;
    Reply::problem(status, code, text).cookie(&room.cookies.clear_invitation())
}

/// The refusal of a request that names an invitation in its header, none of which is good.
pub(super) fn bad_header(room: &Room, headers: &HeaderMap) -> Option<Reply> {
    let mut last = None;
    for value in headers.get_all(INVITATION_HEADER).iter().take(TRIES_MAX) {
        match room.open_invitation(value.to_str().unwrap_or_default()) {
            Ok(_) => return None,
            Err(declined) => last = Some(declined),
        }
    }
    let (status, code, text) = words(last?);
    Some(Reply::problem(status, code, text))
}

/// What is said of an invitation that is not taken.
const fn words(declined: Declined) -> (StatusCode, &'static str, &'static str) {
    match declined {
        Declined::Invalid(InvitationError::Malformed | InvitationError::Forged) => (
            StatusCode::BAD_REQUEST,
            "invitation_unknown",
            "It is not an invitation of this site. Perhaps the link was cut off: copy all of it.",
        ),
        Declined::Invalid(InvitationError::OtherRoom) => (
            StatusCode::NOT_FOUND,
            "invitation_elsewhere",
            "It is an invitation to something else on this site.",
        ),
        Declined::Invalid(InvitationError::Expired) => {
            (StatusCode::GONE, "invitation_expired", "It has expired.")
        }
        Declined::NoLane => {
            (StatusCode::GONE, "invitation_no_lane", "The line that it was for is not there any more.")
        }
    }
}
