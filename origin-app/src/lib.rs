//! The shop behind the edge: events, seats, reservations, payments, tickets.
//!
//! A fan holds seats (all or none), pays within the hold's time, and has a ticket for each. What may go wrong
//! in between is kept in the database before it can: see [`reservations::ReservationState`].
//!
//! # Layout
//! - [`config`]: the file, flags and secrets, checked
//! - [`app`]: which parts there are; `router`, `server`: how requests reach them
//! - [`commands`]: what the binary does besides serving
//! - [`http`]: the edge's signature, limits, errors, cookies, health
//! - [`accounts`]: who logs in; a guest needs none
//! - [`events`], [`reservations`], [`payments`]: one folder a feature, each with its model, its ports, its
//!   service and its routes
//! - [`idempotency`]: answers that are given once
//! - [`waitlist`]: seats that come back, for those who wait
//! - [`outbox`]: messages out, written with what they tell of; [`notifications`]: how they read, and the mail server
//! - [`inventory`]: which seats are free, the hot path of a sale; [`cold_path`]: how what happened there comes into the
//!   database
//! - [`store`]: what the ports to the database share; `persistence`: SQLite and PostgreSQL behind them, the
//!   only place that knows `sqlx`
//! - `pages`: what a person sees

pub mod accounts;
pub mod app;
pub mod checkout;
pub mod cold_path;
pub mod commands;
pub mod config;
mod datetime;
pub mod events;
pub mod http;
pub mod idempotency;
pub mod ids;
pub mod inventory;
pub mod language;
mod money;
pub mod notifications;
pub mod outbox;
mod pages;
pub mod payments;
mod persistence;
pub mod reservations;
mod router;
mod server;
pub mod store;
mod telemetry;
pub mod tickets;
pub mod waitlist;

use std::process::ExitCode;

use tokio::signal::unix::{SignalKind, signal};

use app::Surroundings;
use commands::Command;
use config::{Args, Settings};

/// The command line or the configuration is wrong (`EX_USAGE`).
const EXIT_USAGE: u8 = 64;

/// Runs the shop until it is told to stop by `SIGTERM` or `SIGINT`.
pub async fn run(args: Args) -> ExitCode {
    telemetry::init();
    if let Some(Command::Ticket(command)) = &args.command {
        return commands::ticket::run(command);
    }
    let settings = match Settings::load(&args, &|name| std::env::var(name).ok()) {
        Ok(settings) => settings,
        Err(error) => {
            eprintln!("origin-app: {error}");
            return ExitCode::from(EXIT_USAGE);
        }
    };
    if args.print_config {
        print!("{settings}");
        return ExitCode::SUCCESS;
    }
    if args.check {
        println!(
            "the configuration is good; it listens on {}, database {}",
            settings.listen, settings.database
        );
        return ExitCode::SUCCESS;
    }
    if let Some(command) = &args.command {
        return commands::run(command, &settings).await;
    }
    match serve(settings).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("origin-app: {error:#}");
            ExitCode::FAILURE
        }
    }
}

async fn serve(settings: Settings) -> anyhow::Result<()> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let running = app::start(settings, Surroundings::default()).await?;
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
    tracing::info!("stopping");
    running.stop().await
}
