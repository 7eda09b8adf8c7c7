//! `dead-letters`: what happened to seats and could not be written into the database, looked at, written anew or dropped.

use std::fmt::Write as _;
use std::str::FromStr;

use clap::{Args, Subcommand};

use super::Refused;
use crate::config::InventoryStore;
use crate::datetime;
use crate::ids::EventId;
use crate::inventory::redis::RedisInventory;
use crate::inventory::{DeadLetter, HeldSeat, Inventory, InventoryLog as _};

/// Most letters of an event in one list.
const LIST_MAX: u32 = 1000;
/// Most letters of an event that are looked through for one.
const SEARCH_MAX: u32 = 1_000_000;

/// About entries of the log that the database refused again and again, or that nobody can read.
#[derive(Clone, Debug, Subcommand)]
pub enum DeadLettersCommand {
    /// List what was put aside, event by event, the oldest first.
    List,
    /// Show all of one.
    Show {
        /// Which one, as the list calls it.
        id: LetterId,
    },
    /// Have it written anew: when what was in its way is gone. What is newer stays as it is.
    Replay(Which),
    /// Forget one: what it tells of never comes into the database.
    Drop {
        /// Which one, as the list calls it.
        id: LetterId,
    },
}

/// Which letters.
#[derive(Args, Clone, Debug)]
#[group(required = true, multiple = false)]
pub struct Which {
    /// The one of this id.
    id: Option<LetterId>,
    /// All of them.
    #[arg(long)]
    all: bool,
}

/// `<event>/<mark>`: which letter of which event.
#[derive(Clone, Debug)]
pub struct LetterId {
    event: EventId,
    mark: String,
}

impl FromStr for LetterId {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let parts = text.split_once('/').and_then(|(event, mark)| Some((EventId::parse(event).ok()?, mark)));
        let is_mark = |mark: &str| !mark.is_empty() && mark.bytes().all(|b| b.is_ascii_digit() || b == b'-');
        match parts.filter(|(_, mark)| is_mark(mark)) {
            Some((event, mark)) => Ok(Self { event, mark: mark.to_owned() }),
            None => Err("an id is an event and a number, such as `demo/1800000000000-0`".to_owned()),
        }
    }
}

pub(super) async fn run(command: &DeadLettersCommand, store: &InventoryStore) -> anyhow::Result<String> {
    let Some(url) = store.redis_url() else {
        let why = "the inventory is kept in the shop's own process (`[inventory] store = \"memory\"`), and what was put aside \
                   with it; its log said so when that happened";
        return Err(Refused(why.to_owned()).into());
    };
    let inventory = RedisInventory::open(url)?;
    match command {
        DeadLettersCommand::List => list(&inventory).await,
        DeadLettersCommand::Show { id } => {
            let letters = inventory.dead(&id.event, SEARCH_MAX).await?;
            let letter = letters.iter().find(|letter| letter.mark == id.mark).ok_or_else(unknown)?;
            Ok(shown(&id.event, letter))
        }
        DeadLettersCommand::Replay(Which { id: Some(id), .. }) => {
            unbury(&inventory, id, true).await?;
            Ok("1 dead letter is written anew; `list` shows whether it came back\n".to_owned())
        }
        DeadLettersCommand::Replay(_) => replay_all(&inventory).await,
        DeadLettersCommand::Drop { id } => {
            unbury(&inventory, id, false).await?;
            Ok("1 dead letter dropped\n".to_owned())
        }
    }
}

fn unknown() -> Refused {
    Refused("there is no such dead letter; `dead-letters list` shows which there are".to_owned())
}

async fn unbury(inventory: &RedisInventory, id: &LetterId, replay: bool) -> anyhow::Result<()> {
    if inventory.unbury(&id.event, &id.mark, replay).await? { Ok(()) } else { Err(unknown().into()) }
}

async fn list(inventory: &RedisInventory) -> anyhow::Result<String> {
    let mut text = String::new();
    for event in inventory.events().await? {
        for letter in inventory.dead(&event, LIST_MAX).await? {
            let written = datetime::to_rfc3339(letter.entry.at);
            let (what, reason) = (told(&letter), one_line(&letter.reason));
            let _ = writeln!(text, "{event}/{}\twritten {written}\t{what}\t{reason}", letter.mark);
        }
        let all = inventory.backlog(&event).await?.dead;
        if all > u64::from(LIST_MAX) {
            let _ = writeln!(text, "{event}: these are the oldest {LIST_MAX} of {all}");
        }
    }
    Ok(if text.is_empty() { "nothing was put aside\n".to_owned() } else { text })
}

async fn replay_all(inventory: &RedisInventory) -> anyhow::Result<String> {
    let mut count = 0_u64;
    for event in inventory.events().await? {
        // Those of now: what comes back meanwhile would come back for ever.
        for letter in inventory.dead(&event, SEARCH_MAX).await? {
            count += u64::from(inventory.unbury(&event, &letter.mark, true).await?);
        }
    }
    Ok(match count {
        0 => "nothing was put aside\n".to_owned(),
        1 => "1 dead letter is written anew; `list` shows whether it came back\n".to_owned(),
        _ => format!("{count} dead letters are written anew; `list` shows which came back\n"),
    })
}

/// What happened, in a few words.
fn told(letter: &DeadLetter) -> String {
    match &letter.entry.holding {
        Ok(holding) => format!("{} {}", holding.state.as_str(), names(&holding.seats)),
        Err(_) => "unreadable".to_owned(),
    }
}

/// Everything but whose it is: that is what a fan's browser shows to have their tickets.
fn shown(event: &EventId, letter: &DeadLetter) -> String {
    let mut text = String::new();
    let mut line = |name: &str, value: &str| {
        let _ = writeln!(text, "{name:<12} {value}");
    };
    line("id", &format!("{event}/{}", letter.mark));
    line("event", event.as_str());
    line("written", &datetime::to_rfc3339(letter.entry.at));
    line("why", &one_line(&letter.reason));
    match &letter.entry.holding {
        Ok(holding) => {
            line("reservation", holding.id.as_str());
            line("state", holding.state.as_str());
            line("since", &datetime::to_rfc3339(holding.since));
            line("held at", &datetime::to_rfc3339(holding.created_at));
            line("held until", &datetime::to_rfc3339(holding.expires_at));
            line("seats", &names(&holding.seats));
            line("amount", &format!("{} {}", holding.amount_cents(), holding.currency));
        }
        Err(entry) => line("entry", &one_line(&without_secrets(entry))),
    }
    text
}

fn names(seats: &[HeldSeat]) -> String {
    let names: Vec<_> = seats.iter().map(|seat| seat.id.as_str()).collect();
    names.join(", ")
}

/// What came from elsewhere must not be read as lines of ours, nor move a terminal's cursor.
fn one_line(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect()
}

/// An entry that cannot be read, less what may be a fan's id: every word of hexadecimal digits that long but the first.
fn without_secrets(entry: &str) -> String {
    let may_be_fan = |word: &str| word.len() == 32 && word.bytes().all(|b| b.is_ascii_hexdigit());
    let words = entry.split(' ').enumerate();
    let words: Vec<_> =
        words.map(|(number, word)| if number > 0 && may_be_fan(word) { "(fan)" } else { word }).collect();
    words.join(" ")
}
