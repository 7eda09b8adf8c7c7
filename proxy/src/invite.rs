//! `proxy invite`: mints invitations.

use admission::clock::{Clock, Random};
use admission::keyring::Keyring;
use clap::Args;
use proxy::config::Config;
use proxy::minting::{self, Wanted, Wrong};

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
    let Invite { lane, uses, expires_in, count, link, .. } = invite;
    let wanted = Wanted { lane, uses: *uses, expires_in, count: *count, link: link.as_deref() };
    let minted = minting::mint(&wanted, room, keys, clock.now(), random).map_err(as_flag)?;
    Ok(minted.codes.iter().map(|code| format!("{code}\n")).collect())
}

fn as_flag(Wrong { field, problem }: Wrong) -> String {
    if field.is_empty() { problem } else { format!("`--{}` {problem}", field.replace('_', "-")) }
}
