//! Finding what to start, and ports to start it on.

use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};

use super::process::find_in_path;
use crate::random::Dice;

/// Ports are taken from here: below what the kernel hands out for outgoing connections, so that no
/// connection of the crowd takes a port between our finding it and the process listening on it.
const PORTS: std::ops::Range<u16> = 15_000..32_000;
/// How many ports to try.
const TRIES: usize = 200;

/// The binary `name` of this workspace, beside this executable.
pub fn binary(name: &str) -> Result<PathBuf> {
    let own = std::env::current_exe().context("the path of this executable is unknown")?;
    beside(&own, name)
}

fn beside(own: &Path, name: &str) -> Result<PathBuf> {
    let folder = own.parent().unwrap_or(own);
    // Tests lie one folder deeper.
    let folder = if folder.ends_with("deps") { folder.parent().unwrap_or(folder) } else { folder };
    let file = folder.join(name);
    if !file.is_file() {
        let how = if folder.ends_with("release") { " --release" } else { "" };
        bail!(
            "{} is missing; build it first: cargo build{how} --workspace --bins --examples",
            file.display()
        );
    }
    Ok(file)
}

/// A tool of the system, which `make tools` installs.
pub fn tool(name: &str) -> Result<PathBuf> {
    // Servers are where not everybody's path leads.
    let server = || Some(Path::new("/usr/sbin").join(name)).filter(|file| file.is_file());
    find_in_path(name)
        .or_else(server)
        .with_context(|| format!("{name} is not installed; install it with: make tools"))
}

/// A port of the loopback address that nobody listens on.
pub fn free_port() -> Result<u16> {
    let mut dice = Dice::new(crate::random::seed()?);
    for _ in 0..TRIES {
        let port = PORTS.start + u16::try_from(dice.below(PORTS.len())).unwrap_or_default();
        if is_free(port) {
            return Ok(port);
        }
    }
    bail!("no free port between {} and {} was found", PORTS.start, PORTS.end)
}

/// Whether `port` can be listened on.
pub fn is_free(port: u16) -> bool {
    TcpListener::bind(SocketAddr::from((Ipv4Addr::LOCALHOST, port))).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_binary_names_the_command_that_builds_it() {
        let error = beside(Path::new("/nowhere/deps/it-1"), "proxy").unwrap_err().to_string();
        assert!(error.starts_with("/nowhere/proxy is missing"), "{error}");
        assert!(error.contains("cargo build --workspace"), "{error}");
        let error = beside(Path::new("/nowhere/release/loadtest"), "proxy").unwrap_err().to_string();
        assert!(error.contains("cargo build --release --workspace"), "{error}");
    }

    #[test]
    fn a_missing_tool_names_the_command_that_installs_it() {
        let error = tool("no-such-tool").unwrap_err().to_string();
        assert!(error.contains("make tools"), "{error}");
    }

    #[test]
    fn a_port_in_use_is_not_free() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        assert!(!is_free(listener.local_addr().unwrap().port()));
        assert!(is_free(free_port().unwrap()));
    }
}
