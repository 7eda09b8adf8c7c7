//! `proxy void`: takes back every admission of a room.

use clap::Args;
use proxy::config::Config;
use proxy::server::void;
use proxy::waiting::time::rfc3339;

/// Whose admissions are to be taken back.
#[derive(Args)]
pub(crate) struct Void {
    /// The room, as in rooms.toml.
    #[arg(long)]
    room: String,
}

/// What was done, in a line.
///
/// # Errors
/// Why not.
pub(crate) fn all(arguments: &Void, config: &Config) -> Result<String, String> {
    let Some(room) = config.rooms.iter().find(|room| room.id.as_str() == arguments.room) else {
        let rooms: Vec<&str> = config.rooms.iter().map(|room| room.id.as_str()).collect();
        return Err(format!("`--room` is \"{}\"; there are: {}", arguments.room, rooms.join(", ")));
    };
    let voided = void(config, &room.id).map_err(|error| error.to_string())?;
    let noun = if voided.sessions == 1 { "session" } else { "sessions" };
    Ok(format!(
        "{} {noun} ended; every admission to `{}` up to {} is void\n",
        voided.sessions,
        room.id,
        rfc3339(voided.before)
    ))
}
