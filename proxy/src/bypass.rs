//! `proxy bypass`: mints the right to go past a room's line for a while.

use std::fmt::Write as _;
use std::time::Duration;

use admission::bypass::Bypass;
use admission::clock::{Clock, Random};
use admission::keyring::Keyring;
use admission::ticket::TicketId;
use clap::Args;
use proxy::config::{Config, duration};
use proxy::minting::link_to;

/// Longest life of a bypass: it is worth more than a place, and nothing takes it back but a change of keys.
const LIFE_MAX: Duration = Duration::from_secs(31 * 24 * 3600);
/// Most bypasses at a time.
const COUNT_MAX: u32 = 10_000;

/// What is to be minted.
#[derive(Args)]
pub(crate) struct BypassArguments {
    /// The room, as in rooms.toml.
    #[arg(long)]
    room: String,
    /// For how long they are good: 8h, 2d. At most 31d.
    #[arg(long, default_value = "8h", value_name = "TIME")]
    expires_in: String,
    /// How many.
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=i64::from(COUNT_MAX)))]
    count: u32,
    /// Print links below this address of the site instead of codes.
    #[arg(long, value_name = "https://SITE")]
    link: Option<String>,
}

/// The bypasses, one on each line.
///
/// # Errors
/// What cannot be minted, and what would be right.
pub(crate) fn mint(
    arguments: &BypassArguments,
    config: &Config,
    keys: &Keyring,
    clock: &dyn Clock,
    random: &dyn Random,
) -> Result<String, String> {
    let BypassArguments { room, expires_in, count, link } = arguments;
    let Some(room) = config.rooms.iter().find(|known| known.id.as_str() == room) else {
        let rooms: Vec<&str> = config.rooms.iter().map(|room| room.id.as_str()).collect();
        return Err(format!("`--room` is \"{room}\"; there are: {}", rooms.join(", ")));
    };
    let life = duration::parse(expires_in)
        .filter(|life| (Duration::from_secs(1)..=LIFE_MAX).contains(life))
        .ok_or_else(|| {
            format!("`--expires-in` is \"{expires_in}\"; a time up to 31d is needed, such as 8h")
        })?;
    let begin = link_to(link.as_deref(), room, "bypass").map_err(|problem| format!("`--link` {problem}"))?;
    let mut lines = String::new();
    for _ in 0..*count {
        let id = TicketId::random(random).map_err(|error| error.to_string())?;
        let bypass = Bypass { room: room.id.clone(), id, expires_at: clock.now() + life };
        let _ = writeln!(lines, "{begin}{}", bypass.seal(keys));
    }
    Ok(lines)
}
