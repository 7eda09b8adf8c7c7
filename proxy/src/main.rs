//! Arguments, configuration, go.

mod bypass;
mod explain_command;
mod invite;
mod keys_command;
mod preview;
mod quick_start;
mod void;

use std::io::Write as _;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use admission::clock::{Clock as _, SystemClock, SystemRandom};
use admission::keyring::Keyring;
use clap::{Parser, Subcommand, ValueEnum};
use proxy::config::quick::{QuickFiles, QuickStart};
use proxy::config::{self, Config, ConfigError, keys};
use proxy::fleet::Secret;
use proxy::server::{self, Keys, Source, take_shared};
use proxy::telemetry::log::{self, Log};
use quick_start::QuickArguments;
use tracing_subscriber::EnvFilter;
use zeroize::Zeroizing;

/// A request is many small pieces of memory, taken and given back; this allocator takes less than half as long over them
/// as the system's.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Bad usage or bad configuration (`EX_USAGE`).
const BAD_CONFIG: u8 = 64;

/// The edge of Stanchion: a virtual waiting room in front of a ticket shop.
///
/// Keys come from the environment: STANCHION_KEYS (tickets and admission tokens) and STANCHION_EDGE_KEYS (the
/// signature to the shop), or from the files that edge.toml names. STANCHION_ADMIN_TOKENS are the tokens of operators.
#[derive(Parser)]
#[command(version)]
struct Arguments {
    /// What is read at start: listeners, store, shop, limits. [default: config/edge.toml]
    #[arg(long, global = true, value_name = "FILE")]
    config: Option<PathBuf>,
    /// The rooms. [default: config/rooms.toml]
    #[arg(long, global = true, value_name = "FILE")]
    rooms: Option<PathBuf>,
    /// Listen here instead of where edge.toml says.
    #[arg(long, value_name = "ADDRESS:PORT", env = "STANCHION_LISTEN", value_parser = address)]
    listen: Option<SocketAddr>,
    /// Tell health here, on a loopback address, instead of where edge.toml says (`admin_listen`).
    #[arg(long, value_name = "ADDRESS:PORT", env = "STANCHION_ADMIN_LISTEN", value_parser = address)]
    admin_listen: Option<SocketAddr>,
    /// Take the listening sockets over from the edge that runs (`upgrade_socket` in edge.toml), which then ends. Where
    /// none runs, start as ever.
    #[arg(long)]
    upgrade: bool,
    /// Only check the configuration and the keys.
    #[arg(long)]
    check: bool,
    /// Print what is in force, without secrets: both files, or one of them. The rooms are those that the fleet shares, where
    /// its store can be asked; in comments, how the file differs.
    #[arg(long, value_name = "FILE", num_args = 0..=1, require_equals = true, default_missing_value = "all")]
    print_config: Option<Printed>,
    /// With --print-config and --explain: by the files alone, without asking the store what is in force.
    #[arg(long)]
    files_only: bool,
    #[command(flatten)]
    explained: explain_command::Explained,
    #[command(flatten)]
    quick: QuickArguments,
    #[command(subcommand)]
    command: Option<Command>,
}

/// Which files are printed.
#[derive(Clone, Copy, ValueEnum)]
enum Printed {
    All,
    Edge,
    Rooms,
}

/// The configuration, and the flags where they made it.
struct Loaded {
    config: Config,
    quick: Option<(QuickStart, QuickFiles)>,
}

#[derive(Subcommand)]
enum Command {
    /// Mint invitations to a lane, one on each line.
    Invite(invite::Invite),
    /// Write a page of a room with made-up facts, to be looked at.
    Preview(preview::Preview),
    /// Mint rights to go past a room's line for a while, one on each line.
    Bypass(bypass::BypassArguments),
    /// Take back every admission to a room: all sessions end, at every edge within a tick. Their fans may join again.
    Void(void::Void),
    /// Make keys, or print the public ones.
    #[command(subcommand)]
    Keys(keys_command::Keys),
}

fn main() -> ExitCode {
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(error) => {
            let _ = error.print();
            return if error.use_stderr() { ExitCode::from(BAD_CONFIG) } else { ExitCode::SUCCESS };
        }
    };
    // Keys are made before there is anything to configure.
    if let Some(Command::Keys(keys_command::Keys::New(new))) = &arguments.command {
        return finish("keys new", keys_command::new(new, &SystemClock, &SystemRandom));
    }
    let environment = |name: &str| std::env::var(name).ok();
    let loaded = load(&arguments).and_then(|mut loaded| {
        loaded.config.edge.telemetry.take_environment(environment)?;
        loaded.config.edge.store.take_environment(environment)?;
        Ok(loaded)
    });
    let Loaded { mut config, quick } = match loaded {
        Ok(loaded) => loaded,
        Err(error) => return refuse(&error),
    };
    let source = source(&arguments, &mut config, quick.is_some());
    if let Some(printed) = arguments.print_config {
        return print(&match printed {
            Printed::All => config::show(&config, source.lines()),
            Printed::Edge => config::show_edge(&config),
            Printed::Rooms => config::show_rooms(&config, source.lines()),
        });
    }
    let pages = match config::pages::load(&config.edge, &config.rooms) {
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
    // Nor has who asks the store.
    if let Some(Command::Void(arguments)) = &arguments.command {
        return finish("void", void::all(arguments, &config));
    }
    let (keys, made) = match load_keys(&mut config, quick.is_some()) {
        Ok(loaded) => loaded,
        Err(error) => return refuse(&error),
    };
    if let Some(command) = &arguments.command {
        let line = keys.line.in_force.load();
        let (name, minted) = match command {
            Command::Invite(invite) => {
                ("invite", invite::mint(invite, &config, &line, &SystemClock, &SystemRandom))
            }
            Command::Preview(_) | Command::Void(_) => return ExitCode::SUCCESS,
            Command::Bypass(bypass) => {
                ("bypass", bypass::mint(bypass, &config, &line, &SystemClock, &SystemRandom))
            }
            Command::Keys(_) => ("keys public", keys_command::public(&line)),
        };
        return finish(name, minted);
    }
    if arguments.explained.explain.is_some() {
        let told = arguments.explained.tell(&config, &keys, SystemClock.now());
        let rooms = source.lines().join("\n  ");
        return finish("--explain", told.map(|told| format!("rooms: {rooms}\n{told}")));
    }
    if arguments.check {
        // What only the start would find otherwise.
        if let Err(error) = server::check_files(&config.edge) {
            say(&format!("proxy: {error}\n"));
            return ExitCode::from(BAD_CONFIG);
        }
        let rooms: Vec<&str> = config.rooms.iter().map(|room| room.id.as_str()).collect();
        let noun = if rooms.len() == 1 { "room" } else { "rooms" };
        let notes: String = config
            .rooms
            .iter()
            .filter_map(config::advice::of)
            .map(|note| format!("note: {note}\n"))
            .collect();
        let (count, rooms) = (rooms.len(), rooms.join(", "));
        return print(&format!("the configuration is good; {count} {noun}: {rooms}\n{notes}"));
    }
    if let Some((quick, files)) = &quick {
        say(&quick_start::explain(quick, &config, files, &made));
    }
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info"));
    let log = match Log::start() {
        Ok(log) => log,
        Err(error) => {
            say(&format!("proxy: nothing can be logged: {error}\n"));
            return ExitCode::FAILURE;
        }
    };
    tracing_subscriber::fmt().json().flatten_event(true).with_env_filter(filter).with_writer(log).init();
    let outcome = server::run(config, keys, pages, arguments.upgrade);
    log::flush();
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            say(&format!("proxy: {error}\n"));
            ExitCode::FAILURE
        }
    }
}

/// Where to listen, as a flag says it.
fn address(text: &str) -> Result<SocketAddr, String> {
    text.parse().map_err(|_| {
        let port = text.rsplit(':').next().filter(|port| port.parse::<u16>().is_ok()).unwrap_or("8080");
        format!(
            "found {text}; an IP address and a port are needed, such as 127.0.0.1:{port} for this machine alone, or \
             0.0.0.0:{port} for everybody"
        )
    })
}

fn load(arguments: &Arguments) -> Result<Loaded, ConfigError> {
    let Arguments { config, rooms, listen, admin_listen, quick, command, .. } = arguments;
    let file = config.as_ref().map(|_| "--config").or(rooms.as_ref().map(|_| "--rooms"));
    if let Some(start) = quick.start(file, *listen, *admin_listen)? {
        if command.is_some() {
            let problem = "it runs an edge; other commands take files (--print-config prints them)";
            return Err(ConfigError::whole(Path::new("--origin"), problem));
        }
        let (config, files) = start.load(SystemClock.now())?;
        return Ok(Loaded { config, quick: Some((start, files)) });
    }
    let edge_file = config.as_deref().unwrap_or(Path::new("config/edge.toml"));
    let rooms_file = rooms.as_deref().unwrap_or(Path::new("config/rooms.toml"));
    let mut config = config::load(edge_file, rooms_file).map_err(|mut error| {
        if file.is_none() && error.file == edge_file && !edge_file.exists() {
            error.problem.push_str(
                "; name your files with --config and --rooms, or run without any: proxy --origin \
                 http://127.0.0.1:3000 --protect '/shop/*'",
            );
        }
        error
    })?;
    if let Some(admin) = *admin_listen {
        config.edge.admin_listen = admin;
    }
    if let Some(listen) = *listen
        && let Some(first) = config.edge.listen.first_mut()
    {
        first.address = listen;
    }
    if listen.is_some() || admin_listen.is_some() {
        config::edge::check_listeners(edge_file, &config.edge)?;
    }
    Ok(Loaded { config, quick: None })
}

/// Whose rooms are told; those that are in force in the fleet are put into `config`, if they are to be told.
fn source(arguments: &Arguments, config: &mut Config, is_quick: bool) -> Source {
    let is_told = arguments.explained.explain.is_some()
        || matches!(arguments.print_config, Some(Printed::All | Printed::Rooms));
    if is_told && !arguments.files_only && !is_quick { take_shared(config) } else { Source::files(config) }
}

/// The keys, and the variables of those that were made because there were none and the edge is to run without.
fn load_keys(config: &mut Config, may_make: bool) -> Result<(Keys, Vec<&'static str>), ConfigError> {
    let mut made = Vec::new();
    let mut load = |variable, field, file: &Option<PathBuf>| -> Result<Secret<Keyring>, ConfigError> {
        let mut value = std::env::var(variable).ok().map(Zeroizing::new);
        if value.is_none() && may_make {
            made.push(variable);
            value = Some(quick_start::make_keys(&SystemRandom)?);
        }
        let file = file.as_deref();
        let keys = keys::load(variable, value.as_ref().map(|value| value.as_str()), field, file)?;
        Ok(Secret::new(keys, file.filter(|_| value.is_none()).map(Path::to_owned)))
    };
    let keys = Keys {
        line: load(keys::KEYS_VARIABLE, "keys_file", &config.edge.keys_file)?,
        edge: load(keys::EDGE_KEYS_VARIABLE, "edge_keys_file", &config.edge.edge_keys_file)?,
        cdn: match &config.edge.cdn.secret_header {
            Some(_) => {
                let value = std::env::var(keys::CDN_SECRET_VARIABLE).ok();
                Some(keys::load_cdn_secret(value.as_deref(), config.edge.cdn.secret_file.as_deref())?)
            }
            None => None,
        },
        admin: {
            let value = std::env::var(keys::ADMIN_TOKENS_VARIABLE).ok().map(Zeroizing::new);
            let value = value.as_ref().map(|value| value.as_str());
            let file = config.edge.admin_tokens_file.as_deref();
            let tokens = keys::load_admin_tokens(value, file)?;
            Secret::new(tokens, file.filter(|_| value.is_none()).map(Path::to_owned))
        },
    };
    let value = std::env::var(keys::COOKIE_KEYS_VARIABLE).ok().map(Zeroizing::new);
    let value = value.as_ref().map(|value| value.as_str());
    let cookie_keys = keys::load_cookie_keys(value, config.edge.cookie_keys_file.as_deref())?;
    let rooms_file = config.rooms_file.as_deref().unwrap_or(Path::new("rooms.toml"));
    keys::check_cookie_rules(rooms_file, &config.rooms_text, &config.rooms, &cookie_keys)?;
    config.edge.cookie_keys = cookie_keys.into();
    Ok((keys, made))
}

/// Prints what a command made, or why it did not.
fn finish(command: &str, outcome: Result<impl AsRef<str>, String>) -> ExitCode {
    match outcome {
        Ok(lines) => print(lines.as_ref()),
        Err(error) => {
            say(&format!("proxy {command}: {error}\n"));
            ExitCode::from(BAD_CONFIG)
        }
    }
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
