//! Invitations are minted with the keys of the line alone, by `proxy invite` and over the API. The store is told of each when
//! it is used.

use std::time::Duration;

use admission::clock::{Random, Timestamp};
use admission::invitation::Invitation;
use admission::keyring::Keyring;
use admission::ticket::TicketId;

use crate::config::{RoomConfig, duration};

/// Longest life of an invitation.
const LIFE_MAX: Duration = Duration::from_secs(366 * 24 * 3600);

/// What is to be minted.
#[derive(Clone, Copy, Debug)]
pub struct Wanted<'a> {
    /// The lane that it opens.
    pub lane: &'a str,
    /// How many tickets may be had for each.
    pub uses: u32,
    /// For how long they are good: `24h`, `7d`.
    pub expires_in: &'a str,
    /// How many.
    pub count: u32,
    /// The address of the site below which links are to be; codes alone where there is none.
    pub link: Option<&'a str>,
}

/// Invitations, just made.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Minted {
    /// The id of each.
    pub ids: Vec<TicketId>,
    /// Each as a code, or as a link.
    pub codes: Vec<String>,
    /// Until when they are good.
    pub expires_at: Timestamp,
}

/// What cannot be minted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wrong {
    /// The field of [`Wanted`]; none where it is nobody's fault.
    pub field: &'static str,
    /// What was found and what would be right.
    pub problem: String,
}

/// Mints invitations to a lane of this room.
///
/// # Errors
/// What cannot be minted, and what would be right.
pub fn mint(
    wanted: &Wanted<'_>,
    room: &RoomConfig,
    keys: &Keyring,
    now: Timestamp,
    random: &dyn Random,
) -> Result<Minted, Wrong> {
    let Wanted { lane, uses, expires_in, count, link } = *wanted;
    let wrong = |field, problem| Wrong { field, problem };
    let Some(lane) = room.rules.lanes.iter().find(|known| known.name.as_str() == lane) else {
        let lanes: Vec<&str> = room.rules.lanes.iter().map(|lane| lane.name.as_str()).collect();
        return Err(wrong("lane", format!("is \"{lane}\"; the room has: {}", lanes.join(", "))));
    };
    let life = duration::parse(expires_in)
        .filter(|life| (Duration::from_secs(1)..=LIFE_MAX).contains(life))
        .ok_or_else(|| {
            wrong("expires_in", format!("is \"{expires_in}\"; a time up to 366d is needed, such as 24h"))
        })?;
    let begin = link_to(link, room, "invitation").map_err(|problem| wrong("link", problem))?;
    let mut minted = Minted { expires_at: now + life, ..Minted::default() };
    for _ in 0..count {
        let id = TicketId::random(random).map_err(|error| wrong("", error.to_string()))?;
        let (room, lane, expires_at) = (room.id.clone(), lane.name.clone(), minted.expires_at);
        let invitation = Invitation { room, lane, id, uses, expires_at };
        minted.ids.push(id);
        minted.codes.push(format!("{begin}{}", invitation.seal(keys)));
    }
    Ok(minted)
}

/// What a link to the edge's page of this name begins with, below the address of a site; nothing where only codes are
/// wanted.
///
/// # Errors
/// What is wrong with the address.
pub fn link_to(site: Option<&str>, room: &RoomConfig, page: &str) -> Result<String, String> {
    match site.map(|site| site.trim_end_matches('/')) {
        None => Ok(String::new()),
        Some(site) if site.starts_with("https://") || site.starts_with("http://") => {
            Ok(format!("{site}/.waiting-room/{}/{page}?code=", room.id))
        }
        Some(site) => Err(format!("is \"{site}\"; an address such as https://SITE is needed")),
    }
}
