//! What can be asked of the binary besides serving: each command works on the database that the configuration names, also
//! while shops run on it.

mod accounts;
mod dead_letters;
mod outbox;
mod seed;
pub(crate) mod ticket;

use std::process::ExitCode;

use admission::clock::SystemClock;
use clap::Subcommand;

use crate::config::Settings;
use crate::persistence;

/// A command.
#[derive(Clone, Debug, Subcommand)]
pub enum Command {
    /// Keys of tickets, and checking tickets without a network.
    #[command(subcommand)]
    Ticket(ticket::TicketCommand),
    /// Put a catalogue of events on sale, to look at. What is there already stays as it is.
    Seed,
    /// What the owner of an account may do.
    #[command(subcommand)]
    Accounts(accounts::AccountsCommand),
    /// Messages that could not be sent.
    #[command(subcommand)]
    Outbox(outbox::OutboxCommand),
    /// What happened to seats and could not be written into the database.
    #[command(subcommand)]
    DeadLetters(dead_letters::DeadLettersCommand),
}

/// A command did not do what it was asked, and says why.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
struct Refused(String);

/// Carries `command` out.
pub(crate) async fn run(command: &Command, settings: &Settings) -> ExitCode {
    match carried_out(command, settings).await {
        Ok(said) => {
            print!("{said}");
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("origin-app: {error:#}");
            ExitCode::FAILURE
        }
    }
}

async fn carried_out(command: &Command, settings: &Settings) -> anyhow::Result<String> {
    if let Command::DeadLetters(command) = command {
        // It asks the inventory, and works while the database is away.
        return dead_letters::run(command, &settings.inventory.store).await;
    }
    let stores = persistence::connect(&settings.database, &settings.limits).await?;
    let said = match command {
        // They ask no database, and were carried out before.
        Command::Ticket(_) | Command::DeadLetters(_) => Ok(String::new()),
        Command::Seed => seed::run(stores.events.as_ref(), &SystemClock).await,
        Command::Accounts(command) => accounts::run(command, stores.accounts.as_ref()).await,
        Command::Outbox(command) => outbox::run(command, stores.outbox.as_ref(), &SystemClock).await,
    };
    stores.lifecycle.close().await;
    said
}
