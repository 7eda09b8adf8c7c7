//! `proxy invite`: mints invitations with the keys of the line. The store is told of each when it is used.

use std::fmt::Write as _;
use std::time::Duration;

use admission::clock::{Clock, Random};
use admission::invitation::Invitation;
use admission::keyring::Keyring;
use admission::ticket::TicketId;
use clap::Args;
use proxy::config::{Config, RoomConfig, duration};

/// Longest life of an invitation.
const LIFE_MAX: Duration = Duration::from_secs(366 * 24 * 3600);
/// Most invitations at a time.
const COUNT_MAX: u32 = 100_000;

/// What is to be minted.
#[derive(Args)]
pub(crate) struct Invite {
    /// The room, as in rooms.toml.
    #[arg(long)]
    room: String,
    /// The lane that it opens.
    #[arg(long)]
    lane: String,
    /// How many tickets may be had for each. Who uses one for a single ticket again gets the same place.
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..))]
    uses: u32,
    /// For how long they are good: 24h, 7d.
    #[arg(long, default_value = "24h", value_name = "TIME")]
    expires_in: String,
    /// How many.
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=i64::from(COUNT_MAX)))]
    count: u32,
    /// Print links below this address of the site instead of codes.
    #[arg(long, value_name = "https://SITE")]
    link: Option<String>,
}

/// The invitations, one on each line.
///
/// # Errors
/// What cannot be minted, and what would be right.
pub(crate) fn mint(
    invite: &Invite,
    config: &Config,
    keys: &Keyring,
    clock: &dyn Clock,
    random: &dyn Random,
) -> Result<String, String> {
    let Some(room) = config.rooms.iter().find(|room| room.id.as_str() == invite.room) else {
        let rooms: Vec<&str> = config.rooms.iter().map(|room| room.id.as_str()).collect();
        return Err(format!("`--room` is \"{}\"; there are: {}", invite.room, rooms.join(", ")));
    };
    let Some(lane) = room.rules.lanes.iter().find(|lane| lane.name.as_str() == invite.lane) else {
        let lanes: Vec<&str> = room.rules.lanes.iter().map(|lane| lane.name.as_str()).collect();
        return Err(format!("`--lane` is \"{}\"; the room has: {}", invite.lane, lanes.join(", ")));
    };
    let life = duration::parse(&invite.expires_in)
        .filter(|life| (Duration::from_secs(1)..=LIFE_MAX).contains(life))
        .ok_or_else(|| {
            format!("`--expires-in` is \"{}\"; a time up to 366d is needed, such as 24h", invite.expires_in)
        })?;
    let begin = link_to(invite.link.as_deref(), room, "invitation")?;
    let mut lines = String::new();
    for _ in 0..invite.count {
        let invitation = Invitation {
            room: room.id.clone(),
            lane: lane.name.clone(),
            id: TicketId::random(random).map_err(|error| error.to_string())?,
            uses: invite.uses,
            expires_at: clock.now() + life,
        };
        let _ = writeln!(lines, "{begin}{}", invitation.seal(keys));
    }
    Ok(lines)
}

/// What a link to the edge's page of this name begins with, below the address of a site; nothing where only codes are
/// wanted.
///
/// # Errors
/// What is wrong with the address.
pub(crate) fn link_to(site: Option<&str>, room: &RoomConfig, page: &str) -> Result<String, String> {
    match site.map(|site| site.trim_end_matches('/')) {
        None => Ok(String::new()),
        Some(site) if site.starts_with("https://") || site.starts_with("http://") => {
            Ok(format!("{site}/.waiting-room/{}/{page}?code=", room.id))
        }
        Some(site) => Err(format!("`--link` is \"{site}\"; an address such as https://SITE is needed")),
    }
}
