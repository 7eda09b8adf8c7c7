//! An edge in front of a site without any file: its flags, keys for the run, and what is said to whoever starts it.

use std::fmt::Write as _;
use std::net::SocketAddr;
use std::path::Path;

use admission::clock::Random;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use clap::Args;
use proxy::config::keys::{EDGE_KEYS_VARIABLE, KEYS_VARIABLE};
use proxy::config::quick::{QuickFiles, QuickStart};
use proxy::config::{Config, ConfigError};
use zeroize::Zeroizing;

/// Bytes of a secret that is made for a run.
const SECRET_BYTES: usize = 32;

/// What stands for edge.toml and rooms.toml.
#[derive(Args)]
#[command(next_help_heading = "Without any file")]
pub(crate) struct QuickArguments {
    /// Stand before this site with no file at all, such as http://127.0.0.1:3000. Needs --protect.
    #[arg(long, value_name = "URL")]
    origin: Option<String>,
    /// What has a line: '/buy', or '/shop/*' for /shop and everything below it. May be given several times.
    #[arg(long, value_name = "PATH")]
    protect: Vec<String>,
    /// Fans admitted a minute. [default: 600]
    #[arg(long, value_name = "FANS", allow_negative_numbers = true)]
    drain_per_minute: Option<String>,
    /// Most fans inside at once. [default: as many as come at that rate during the longest session]
    #[arg(long, value_name = "FANS", allow_negative_numbers = true)]
    max_active: Option<String>,
    /// The heading of the waiting page. [default: Waiting room]
    #[arg(long, value_name = "TEXT")]
    title: Option<String>,
}

impl QuickArguments {
    /// What is asked for, if the edge is to run without files.
    ///
    /// # Errors
    /// When files are named too, or a flag has nothing to belong to.
    pub(crate) fn start(
        &self,
        file: Option<&str>,
        listen: Option<SocketAddr>,
        admin_listen: Option<SocketAddr>,
    ) -> Result<Option<QuickStart>, ConfigError> {
        let Self { origin, protect, drain_per_minute, max_active, title } = self;
        let Some(origin) = origin else {
            for (flag, key, is_given) in [
                ("--protect", "paths", !protect.is_empty()),
                ("--drain-per-minute", "drain_per_minute", drain_per_minute.is_some()),
                ("--max-active", "max_active", max_active.is_some()),
                ("--title", "title", title.is_some()),
            ] {
                if is_given {
                    let problem = format!(
                        "it goes with --origin, which runs without files; with files, write it as `{key}` of a [[room]] \
                         in rooms.toml"
                    );
                    return Err(ConfigError::whole(Path::new(flag), problem));
                }
            }
            return Ok(None);
        };
        if let Some(file) = file {
            let problem = format!(
                "it runs without files and cannot go with {file}; either leave that out, or write the site as `address` \
                 under [upstream] in edge.toml (--print-config shows what --origin and the other flags would be there)"
            );
            return Err(ConfigError::whole(Path::new("--origin"), problem));
        }
        Ok(Some(QuickStart {
            origin: origin.clone(),
            protect: protect.clone(),
            drain_per_minute: drain_per_minute.clone(),
            max_active: max_active.clone(),
            title: title.clone(),
            listen,
            admin_listen,
        }))
    }
}

/// A keyring of one new key, as it would be written in the environment.
///
/// # Errors
/// When the system has no random bytes.
pub(crate) fn make_keys(random: &dyn Random) -> Result<Zeroizing<String>, ConfigError> {
    let mut secret = Zeroizing::new([0_u8; SECRET_BYTES]);
    random
        .fill(secret.as_mut_slice())
        .map_err(|error| ConfigError::whole(Path::new("keys for this run"), error.to_string()))?;
    Ok(Zeroizing::new(format!("run:{}", STANDARD.encode(secret.as_slice()))))
}

/// What whoever starts it should know. `made` are the variables whose keys were made for this run.
pub(crate) fn explain(quick: &QuickStart, config: &Config, files: &QuickFiles, made: &[&str]) -> String {
    let mut text = String::new();
    let scheme = config.edge.public_scheme.as_str();
    let _ = writeln!(text, "A waiting room in front of {}\n", quick.origin);
    if let Some(listen) = config.edge.listen.first() {
        let address = listen.address;
        let note = match (address.port(), address.ip().is_loopback()) {
            (0, _) => "  (a free port: the log below says which, \"the edge is up\")",
            (_, true) => "  (this machine only; --listen 0.0.0.0:8080 for everybody)",
            _ => "",
        };
        let _ = writeln!(text, "  open       {scheme}://{address}/{note}");
    }
    for room in &config.rooms {
        let paths: Vec<String> = room.paths.iter().map(ToString::to_string).collect();
        let _ = writeln!(text, "  protected  {}", paths.join("  "));
        let added: Vec<&str> =
            paths.iter().filter(|path| !quick.protect.contains(path)).map(String::as_str).collect();
        if !added.is_empty() {
            let _ = writeln!(
                text,
                "             ({} too: a page goes with what is below it)",
                added.join(" and ")
            );
        }
        if !paths.iter().any(|path| path == "/*") {
            let _ = writeln!(text, "             every other path is open to everybody");
        }
        let rules = &room.rules;
        let _ = writeln!(
            text,
            "  admits     {} fans a minute, at most {} inside at once; room \"{}\"",
            rules.drain_per_minute, rules.max_active, room.id
        );
    }
    let _ = writeln!(text, "  health     http://{}/readyz\n", config.edge.admin_listen);
    if made.contains(&KEYS_VARIABLE) {
        text.push_str(
            "Keys were made for this run. When it ends, every ticket and every session ends with it, and who waits \
             begins\nanew. To keep them, make keys once and name them at each start:\n\n",
        );
    }
    if !made.is_empty() {
        for variable in made {
            let file = file_of(variable);
            let _ = writeln!(text, "  (umask 077; echo \"k1:$(openssl rand -base64 32)\" > {file})");
            let _ = writeln!(text, "  export {variable}=\"$(cat {file})\"");
        }
        text.push('\n');
    }
    if made.contains(&EDGE_KEYS_VARIABLE) {
        text.push_str(
            "Requests to the site are signed; one that knows nothing of signatures need not care. Let nobody reach it but\n\
             through here.\n\n",
        );
    }
    text.push_str("The same as files, to change more than flags can:\n\n");
    for (name, content) in [("edge.toml", &files.edge), ("rooms.toml", &files.rooms)] {
        let _ = writeln!(text, "  # {name}");
        if name == "edge.toml" {
            for variable in made {
                let key = if *variable == KEYS_VARIABLE { "keys_file" } else { "edge_keys_file" };
                let _ = writeln!(
                    text,
                    "  {key} = \"{}\"    # or by the environment, as above",
                    file_of(variable)
                );
            }
        }
        for line in content.lines() {
            let _ = writeln!(text, "  {line}");
        }
        if name == "edge.toml" {
            let _ = writeln!(
                text,
                "  [store]\n  kind = \"memory\"\n  path = \"line\"    # keeps the line over restarts"
            );
        }
        text.push('\n');
    }
    text.push_str(
        "With every key: this command and --print-config=edge > edge.toml, and --print-config=rooms > rooms.toml.\n\
         Then: proxy --config edge.toml --rooms rooms.toml\n\n",
    );
    text
}

fn file_of(variable: &str) -> &'static str {
    if variable == KEYS_VARIABLE { "keys" } else { "edge-keys" }
}
