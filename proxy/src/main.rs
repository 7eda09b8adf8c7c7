//! Arguments, configuration, go.

mod bypass;
mod invite;
mod preview;

use std::io::Write as _;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;

use admission::clock::{SystemClock, SystemRandom};
use clap::{Parser, Subcommand};
use proxy::config::{self, Config, ConfigError, keys};
use proxy::server::{self, Keys};
use tracing_subscriber::EnvFilter;

/// Bad usage or bad configuration (`EX_USAGE`).
const BAD_CONFIG: u8 = 64;

/// The edge of Stanchion: a virtual waiting room in front of a ticket shop.
///
/// Keys come from the environment: STANCHION_KEYS (tickets and admission tokens) and STANCHION_EDGE_KEYS (the
/// signature to the shop), or from the files that edge.toml names.
#[derive(Parser)]
#[command(version)]
struct Arguments {
    /// What is read at start: listeners, store, shop, limits.
    #[arg(long, global = true, value_name = "FILE", default_value = "config/edge.toml")]
    config: PathBuf,
    /// The rooms.
    #[arg(long, global = true, value_name = "FILE", default_value = "config/rooms.toml")]
    rooms: PathBuf,
    /// Listen here instead of where edge.toml says.
    #[arg(long, value_name = "ADDRESS:PORT", env = "STANCHION_LISTEN")]
    listen: Option<SocketAddr>,
    /// Take the listening sockets over from the edge that runs (`upgrade_socket` in edge.toml), which then ends. Where
    /// none runs, start as ever.
    #[arg(long)]
    upgrade: bool,
    /// Only check the configuration and the keys.
    #[arg(long)]
    check: bool,
    /// Print what is in force, without secrets.
    #[arg(long)]
    print_config: bool,
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Subcommand)]
enum Command {
    /// Mint invitations to a lane, one on each line.
    Invite(invite::Invite),
    /// Write a page of a room with made-up facts, to be looked at.
    Preview(preview::Preview),
    /// Mint rights to go past a room's line for a while, one on each line.
    Bypass(bypass::BypassArguments),
}

fn main() -> ExitCode {
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(error) => {
            let _ = error.print();
            return if error.use_stderr() { ExitCode::from(BAD_CONFIG) } else { ExitCode::SUCCESS };
        }
    };
    let config = match load(&arguments) {
        Ok(config) => config,
        Err(error) => return refuse(&error),
    };
    if arguments.print_config {
        return print(&config::show(&config));
    }
    let pages = match config::pages::load(&config) {
        Ok(pages) => pages,
        Err(error) => return refuse(&error),
    };
    // Who designs a page has no keys.
    if let Some(Command::Preview(preview)) = &arguments.command {
        return match preview::write(preview, &config, &pages) {
            Ok((page, remark)) => {
                say(&remark);
                print(&page)
            }
            Err(error) => {
                say(&format!("proxy preview: {error}\n"));
                ExitCode::from(BAD_CONFIG)
            }
        };
    }
    let keys = match load_keys(&config) {
        Ok(keys) => keys,
        Err(error) => return refuse(&error),
    };
    if let Some(command) = &arguments.command {
        let (name, minted) = match command {
            Command::Invite(invite) => {
                ("invite", invite::mint(invite, &config, &keys.line, &SystemClock, &SystemRandom))
            }
            Command::Preview(_) => return ExitCode::SUCCESS,
            Command::Bypass(bypass) => {
                ("bypass", bypass::mint(bypass, &config, &keys.line, &SystemClock, &SystemRandom))
            }
        };
        return match minted {
            Ok(lines) => print(&lines),
            Err(error) => {
                say(&format!("proxy {name}: {error}\n"));
                ExitCode::from(BAD_CONFIG)
            }
        };
    }
    if arguments.check {
        let rooms: Vec<&str> = config.rooms.iter().map(|room| room.id.as_str()).collect();
        let noun = if rooms.len() == 1 { "room" } else { "rooms" };
        return print(&format!("the configuration is good; {} {noun}: {}\n", rooms.len(), rooms.join(", ")));
    }
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info"));
    tracing_subscriber::fmt()
        .json()
        .flatten_event(true)
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .init();
    match server::run(config, keys, pages, arguments.upgrade) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            say(&format!("proxy: {error}\n"));
            ExitCode::FAILURE
        }
    }
}

fn load(arguments: &Arguments) -> Result<Config, ConfigError> {
    let mut config = config::load(&arguments.config, &arguments.rooms)?;
    if let Some(listen) = arguments.listen {
        let admin = config.edge.admin_listen;
        if config::edge::clash(listen, admin) {
            let problem = format!(
                "found \"{listen}\" by --listen or STANCHION_LISTEN, where `admin_listen` is (\"{admin}\"); each \
                 needs an address or port of its own"
            );
            return Err(ConfigError::whole(&arguments.config, problem));
        }
        if let Some(first) = config.edge.listen.first_mut() {
            first.address = listen;
        }
    }
    Ok(config)
}

fn load_keys(config: &Config) -> Result<Keys, ConfigError> {
    let load = |variable, field, file: &Option<PathBuf>| {
        let value = std::env::var(variable).ok();
        keys::load(variable, value.as_deref(), field, file.as_deref())
    };
    Ok(Keys {
        line: load(keys::KEYS_VARIABLE, "keys_file", &config.edge.keys_file)?,
        edge: load(keys::EDGE_KEYS_VARIABLE, "edge_keys_file", &config.edge.edge_keys_file)?,
        cdn: match &config.edge.cdn.secret_header {
            Some(_) => {
                let value = std::env::var(keys::CDN_SECRET_VARIABLE).ok();
                Some(keys::load_cdn_secret(value.as_deref(), config.edge.cdn.secret_file.as_deref())?)
            }
            None => None,
        },
    })
}

fn refuse(error: &ConfigError) -> ExitCode {
    say(&format!("proxy: {error}\n"));
    ExitCode::from(BAD_CONFIG)
}

fn say(text: &str) {
    let _ = std::io::stderr().write_all(text.as_bytes());
}

fn print(text: &str) -> ExitCode {
    match std::io::stdout().write_all(text.as_bytes()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(_) => ExitCode::FAILURE,
    }
}
