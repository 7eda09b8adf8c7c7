//! Invitations: taken from a link, kept in a cookie, and what is said where they are worth nothing.

use admission::invitation::InvitationError;
use http::{StatusCode, header};

use super::edge::Edge;
use super::links::{code_of, destination};
use crate::gate::Kind;
use crate::gate::credentials::{INVITATION_HEADER, TRIES_MAX};
use crate::gate::fields::Fields;
use crate::room::{Declined, Room};
use crate::waiting::notice::{About, Notice, Way};
use crate::waiting::reader::Reader;
use crate::waiting::reply::Reply;

impl Edge {
    /// `GET …/invitation?code=…&to=…`: keeps the invitation, and leads to the room.
    pub(super) fn invitation(
        &self,
        room: &Room,
        kind: Kind,
        headers: &Fields<'_>,
        query: Option<&str>,
    ) -> Reply {
        let code = code_of(query, headers, &INVITATION_HEADER);
        let invitation = match room.open_invitation(&code) {
            Ok(invitation) => invitation,
            Err(declined) => return self.declined(room, kind, headers, declined),
        };
        let to = match destination(room, query, "invitation_to") {
            Ok(to) => to,
            Err(refusal) => return refusal,
        };
        Reply::empty(StatusCode::SEE_OTHER)
            .with(header::LOCATION, to)
            .cookie(&room.cookies.give_invitation(&code, room.time_left(invitation.expires_at)))
    }

    fn declined(&self, room: &Room, kind: Kind, headers: &Fields<'_>, declined: Declined) -> Reply {
        let (status, code, about) = said_of(declined);
        let reader = Reader::of(headers, self.config.public_scheme, "/");
        self.said(room, kind, &reader, status, code, about)
    }

    /// The page of a fan whose invitation was used as often as it may be. They may stand in the general line.
    pub(super) fn invitation_used(&self, room: &Room, reader: &Reader) -> Reply {
        let (status, code, about) = (StatusCode::CONFLICT, "invitation_used", About::InvitationUsed);
        self.said(room, Kind::Navigation, reader, status, code, about)
            .cookie(&room.cookies.clear_invitation())
    }

    fn said(
        &self,
        room: &Room,
        kind: Kind,
        reader: &Reader,
        status: StatusCode,
        code: &str,
        about: About,
    ) -> Reply {
        if kind != Kind::Navigation {
            return Reply::problem(status, code, &self.detail(about));
        }
        let page = room.config().first_page();
        let config = room.config();
        let notice = Notice::new(status, &config.title, about).retry(0).link(&page, Way::GeneralLine);
        self.fleet.in_force().pages.notice(Some(room.id.as_str()), reader, &notice)
    }

    /// What programs are told.
    pub(super) fn detail(&self, about: About) -> String {
        self.fleet.in_force().pages.english(&format!("{}_text", about.as_str()))
    }

    /// That an invitation was used as often as it may be, for programs.
    pub(super) fn used(&self, room: &Room) -> Reply {
        let detail = self.detail(About::InvitationUsed);
        Reply::problem(StatusCode::CONFLICT, "invitation_used", &detail)
            .cookie(&room.cookies.clear_invitation())
    }

    /// The refusal of a request that names an invitation in its header, none of which is good.
    pub(super) fn bad_header(&self, room: &Room, headers: &Fields<'_>) -> Option<Reply> {
        let mut last = None;
        for value in headers.get_all(INVITATION_HEADER).take(TRIES_MAX) {
            match room.open_invitation(value.to_str().unwrap_or_default()) {
                Ok(_) => return None,
                Err(declined) => last = Some(declined),
            }
        }
        let (status, code, about) = said_of(last?);
        Some(Reply::problem(status, code, &self.detail(about)))
    }
}

/// What is said of an invitation that is not taken.
const fn said_of(declined: Declined) -> (StatusCode, &'static str, About) {
    match declined {
        Declined::Invalid(InvitationError::Malformed | InvitationError::Forged) => {
            (StatusCode::BAD_REQUEST, "invitation_unknown", About::InvitationUnknown)
        }
        Declined::Invalid(InvitationError::OtherRoom) => {
            (StatusCode::NOT_FOUND, "invitation_elsewhere", About::InvitationElsewhere)
        }
        Declined::Invalid(InvitationError::Expired) => {
            (StatusCode::GONE, "invitation_expired", About::InvitationExpired)
        }
        Declined::NoLane => (StatusCode::GONE, "invitation_no_lane", About::InvitationNoLane),
    }
}
