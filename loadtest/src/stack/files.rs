//! The configuration files that the stack writes.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use toml::{Table, Value, toml};

use super::blueprint::{Blueprint, Room};

/// Where one proxy listens and what is behind it.
pub(super) struct EdgeAddresses<'a> {
    pub(super) listen: &'a str,
    pub(super) admin_listen: &'a str,
    pub(super) shop: &'a str,
    pub(super) redis: Option<&'a str>,
}

/// Writes `edge.toml` of one proxy.
pub(super) fn write_edge(path: &Path, addresses: &EdgeAddresses<'_>) -> Result<()> {
    let EdgeAddresses { listen, admin_listen, shop, redis } = *addresses;
    let store = match redis {
        None => toml! { kind = "memory" },
        Some(url) => toml! { kind = "redis" url = url },
    };
    let table = toml! {
        listen = listen
        admin_listen = admin_listen
        shutdown_grace = "3s"
        store = store
        [upstream]
        address = shop
    };
    write(path, &table)
}

/// Writes `rooms.toml`.
pub(super) fn write_rooms(path: &Path, rooms: &[Room]) -> Result<()> {
    let rooms = rooms.iter().map(|room| Value::Table(room_table(room))).collect();
    let mut table = Table::new();
    table.insert("room".to_owned(), Value::Array(rooms));
    write(path, &table)
}

fn room_table(room: &Room) -> Table {
    let Room { id, title, paths, mode, drain_per_minute, burst, max_active, session_seconds } = room;
    let whole = |number: u64| i64::try_from(number).unwrap_or(i64::MAX);
    let (drain, burst, active) = (whole(*drain_per_minute), whole(*burst), whole(*max_active));
    let session = format!("{session_seconds}s");
    let (id, title, mode, paths) = (id.as_str(), title.as_str(), *mode, paths.clone());
    toml! {
        id = id
        title = title
        paths = paths
        mode = mode
        drain_per_minute = drain
        burst = burst
        max_active = active
        session = session
    }
}

/// Writes `shop.toml`.
pub(super) fn write_shop(path: &Path, listen: &str, database: &Path, blueprint: &Blueprint) -> Result<()> {
    let database = format!("sqlite://{}", database.display());
    let hold = i64::try_from(blueprint.hold_seconds).unwrap_or(i64::MAX);
    let table = toml! {
        listen = listen
        database = database
        [holds]
        seconds = hold
    };
    write(path, &table)
}

/// A file of this name in `folder`.
pub(super) fn file(folder: &Path, name: &str) -> PathBuf {
    folder.join(name)
}

fn write(path: &Path, table: &Table) -> Result<()> {
    fs::write(path, table.to_string()).with_context(|| format!("{} cannot be written", path.display()))
}
