//! Keys of tickets, and checking tickets where there is neither network nor shop.

use std::io::BufRead as _;
use std::path::PathBuf;
use std::process::ExitCode;

use admission::clock::{SystemRandom, Timestamp};
use clap::Subcommand;

use crate::datetime;
use crate::ids::EventId;
use crate::tickets::{PublicKeys, TicketClaims, TicketKeys};

/// Where the keys are that sign.
const TICKET_KEYS: &str = "STANCHION_TICKET_KEYS";

/// What can be asked about tickets. None of it needs a database or a configuration.
#[derive(Clone, Debug, Subcommand)]
pub enum TicketCommand {
    /// Make an entry for STANCHION_TICKET_KEYS.
    NewKey {
        /// What the key is called, such as 2027.
        id: String,
    },
    /// Print the public keys of STANCHION_TICKET_KEYS, for the entrances.
    Keys,
    /// Check scanned tickets, one a line of the standard input unless some are given. Ends with 1 when one is not good.
    Verify {
        /// The file with the public keys.
        #[arg(long, value_name = "FILE")]
        keys: PathBuf,
        /// Take only tickets of this event.
        #[arg(long)]
        event: Option<String>,
        /// What was scanned.
        tickets: Vec<String>,
    },
}

/// Carries `command` out.
pub(crate) fn run(command: &TicketCommand) -> ExitCode {
    match carried_out(command) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("origin-app: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn carried_out(command: &TicketCommand) -> anyhow::Result<bool> {
    match command {
        TicketCommand::NewKey { id } => {
            let entry = TicketKeys::new_entry(id, &SystemRandom)?;
            TicketKeys::parse(&entry)?;
            println!("{entry}");
            Ok(true)
        }
        TicketCommand::Keys => {
            let keys = std::env::var(TICKET_KEYS).map_err(|_| anyhow::anyhow!("{TICKET_KEYS} is not set"))?;
            println!("{}", serde_json::to_string_pretty(&TicketKeys::parse(&keys)?.public())?);
            Ok(true)
        }
        TicketCommand::Verify { keys, event, tickets } => {
            let text = std::fs::read_to_string(keys)
                .map_err(|error| anyhow::anyhow!("{}: cannot be read: {error}", keys.display()))?;
            let keys: PublicKeys = serde_json::from_str(&text)
                .map_err(|error| anyhow::anyhow!("{}: is no set of keys: {error}", keys.display()))?;
            let event = event.as_deref().map(EventId::parse).transpose()?;
            let mut good = true;
            let mut check = |ticket: &str| {
                let (said, is_good) = verdict(ticket, &keys, event.as_ref());
                println!("{said}");
                good &= is_good;
            };
            tickets.iter().for_each(|ticket| check(ticket));
            if tickets.is_empty() {
                for line in std::io::stdin().lock().lines() {
                    let line = line?;
                    if !line.trim().is_empty() {
                        check(&line);
                    }
                }
            }
            Ok(good)
        }
    }
}

fn verdict(ticket: &str, keys: &PublicKeys, event: Option<&EventId>) -> (String, bool) {
    match TicketClaims::verify(ticket, keys, event) {
        Ok(claims) => {
            let TicketClaims { code, event, seat, starts } = claims;
            let starts = datetime::to_rfc3339(Timestamp::from_millis(starts.saturating_mul(1000)));
            (format!("good\t{event}\t{seat}\t{code}\t{starts}"), true)
        }
        Err(error) => (format!("bad\t{error}"), false),
    }
}
