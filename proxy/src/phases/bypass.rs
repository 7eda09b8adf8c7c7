//! Those who go past a room's line: by a rule of the operator, or with a bypass that the operator minted.

use admission::bypass::BypassError;
use http::{StatusCode, header};

use std::net::IpAddr;
use std::sync::Arc;

use super::asked::Asked;
use super::context::Passage;
use super::edge::Edge;
use super::links::{code_of, destination};
use crate::gate::credentials::{BYPASS_HEADER, presented};
use crate::gate::fields::Fields;
use crate::gate::{self, Decision, Kind};
use crate::room::Room;
use crate::waiting::notice::{About, Notice, Way};
use crate::waiting::reader::Reader;
use crate::waiting::reply::Reply;

/// By what name a minted bypass is counted.
const LINK: &str = "link";

/// As what a request goes past the line of its room, if it does.
pub(super) fn past_the_line(
    edge: &Edge,
    room: &Arc<Room>,
    decision: &Decision,
    asked: &Asked<'_>,
    client: Option<IpAddr>,
) -> Option<Passage> {
    let passage = |by: &str, bypass| Passage {
        room: Some(room.clone()),
        bypassed_by: Some(by.to_owned()),
        bypass,
        ..Passage::default()
    };
    let (target, method, headers) = (&decision.target, asked.method, asked.headers);
    let rules = &room.config().bypass;
    // Most rooms have none, and need not know what time it is.
    if !rules.is_empty() {
        let (cookie_keys, now) = (edge.config.cookie_keys.as_ref(), edge.clock.now());
        let facts = gate::bypass::Asked { target, method, client, headers, cookie_keys, now };
        if let Some(rule) = rules.iter().find(|rule| rule.covers(&facts)) {
            return Some(Passage { is_anybodys: rule.is_for_anybody(), ..passage(&rule.name, None) });
        }
    }
    let minted = presented(headers, &BYPASS_HEADER, room.cookies.bypass_name());
    let bypass = minted.filter_map(|sealed| room.open_bypass(sealed).ok()).next()?;
    Some(passage(LINK, Some(bypass)))
}

impl Edge {
    /// `GET …/bypass?code=…&to=…`: keeps the bypass, and leads to the room.
    pub(super) fn bypass(&self, room: &Room, kind: Kind, headers: &Fields<'_>, query: Option<&str>) -> Reply {
        let code = code_of(query, headers, &BYPASS_HEADER);
        let bypass = match room.open_bypass(&code) {
            Ok(bypass) => bypass,
            Err(error) => return self.no_bypass(room, kind, headers, error),
        };
        let to = match destination(room, query, "bypass_to") {
            Ok(to) => to,
            Err(refusal) => return refusal,
        };
        Reply::empty(StatusCode::SEE_OTHER)
            .with(header::LOCATION, to)
            .cookie(&room.cookies.give_bypass(&code, room.time_left(bypass.expires_at)))
    }

    fn no_bypass(&self, room: &Room, kind: Kind, headers: &Fields<'_>, error: BypassError) -> Reply {
        let (status, about) = match error {
            BypassError::Invalid => (StatusCode::BAD_REQUEST, About::BypassUnknown),
            BypassError::OtherRoom => (StatusCode::NOT_FOUND, About::BypassElsewhere),
            BypassError::Expired => (StatusCode::GONE, About::BypassExpired),
        };
        if kind != Kind::Navigation {
            return Reply::problem(status, about.as_str(), &self.detail(about));
        }
        let page = room.config().first_page();
        let config = room.config();
        let notice = Notice::new(status, &config.title, about).retry(0).link(&page, Way::Line);
        let reader = Reader::of(headers, self.config.public_scheme, "/");
        self.fleet.in_force().pages.notice(Some(room.id.as_str()), &reader, &notice)
    }
}
