//! `outbox`: what was given up, tried anew or dropped.

use std::fmt::Write as _;

use admission::clock::Clock;
use clap::{Args, Subcommand};

use super::Refused;
use crate::datetime;
use crate::outbox::{DeadLetter, OutboxStore};

/// Most messages in one list.
const LIST_MAX: u32 = 1000;

/// About messages that could not be sent.
#[derive(Clone, Debug, Subcommand)]
pub enum OutboxCommand {
    /// List what was given up, the newest first: never to whom.
    List,
    /// Have it tried anew.
    Retry(Which),
    /// Take it for done without sending it.
    Drop(Which),
}

/// Which messages.
#[derive(Args, Clone, Debug)]
#[group(required = true, multiple = false)]
pub struct Which {
    /// The one of this key.
    key: Option<String>,
    /// All of them.
    #[arg(long)]
    all: bool,
}

pub(super) async fn run(
    command: &OutboxCommand,
    store: &dyn OutboxStore,
    clock: &dyn Clock,
) -> anyhow::Result<String> {
    let now = clock.now();
    match command {
        OutboxCommand::List => Ok(listed(&store.dead(LIST_MAX).await?)),
        OutboxCommand::Retry(which) => {
            done(store.revive(which.key.as_deref(), now).await?, "will be tried anew")
        }
        OutboxCommand::Drop(which) => done(store.drop_dead(which.key.as_deref(), now).await?, "dropped"),
    }
}

fn done(count: u64, what: &str) -> anyhow::Result<String> {
    match count {
        0 => Err(Refused("no such message was given up; `outbox list` shows which were".to_owned()).into()),
        1 => Ok(format!("1 message {what}\n")),
        _ => Ok(format!("{count} messages {what}\n")),
    }
}

fn listed(dead: &[DeadLetter]) -> String {
    if dead.is_empty() {
        return "nothing was given up\n".to_owned();
    }
    let mut text = String::new();
    for DeadLetter { key, attempts, failure, created_at, died_at } in dead {
        let (created, died) = (datetime::to_rfc3339(*created_at), datetime::to_rfc3339(*died_at));
        let _ = writeln!(text, "{key}\twritten {created}\tgiven up {died} after {attempts}\t{failure}");
    }
    text
}
