//! The configuration files that the stack writes.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use reqwest::Url;
use toml::value::{Date, Datetime, Offset, Time};
use toml::{Table, Value, toml};

use super::blueprint::Room;
use super::secrets::Secrets;

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
    // Beside the file, so that an edge that is killed goes on with its line.
    let line = path.with_extension("line").display().to_string();
    let store = match redis {
        None => toml! { kind = "memory" path = line },
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

/// Writes `rooms.toml`. Who reads it meanwhile reads the one before, or all of it.
pub(super) fn write_rooms(path: &Path, rooms: &[Room]) -> Result<()> {
    let rooms = rooms.iter().map(|room| Value::Table(room_table(room))).collect();
    let mut table = Table::new();
    table.insert("room".to_owned(), Value::Array(rooms));
    let beside = path.with_extension("new");
    write(&beside, &table)?;
    fs::rename(&beside, path).with_context(|| format!("{} cannot be written", path.display()))
}

fn room_table(room: &Room) -> Table {
    let Room { id, title, paths, mode, drain_per_minute, adaptive, burst, max_active, .. } = room;
    let whole = |number: u64| i64::try_from(number).unwrap_or(i64::MAX);
    let (drain, burst, active) = (whole(*drain_per_minute), whole(*burst), whole(*max_active));
    let seconds = |number: u64| format!("{number}s");
    let (session, grace) = (seconds(room.session_seconds), seconds(room.recovery_grace_seconds));
    let presence = seconds(room.presence_window_seconds);
    let (id, title, mode, paths) = (id.as_str(), title.as_str(), *mode, paths.clone());
    let mut table = toml! {
        id = id
        title = title
        paths = paths
        mode = mode
        drain_per_minute = drain
        burst = burst
        max_active = active
        session = session
        presence_window = presence
        recovery_grace = grace
    };
    if let Some((min, max)) = adaptive {
        table.insert("drain_min".to_owned(), Value::Integer(whole(*min)));
        table.insert("drain_max".to_owned(), Value::Integer(whole(*max)));
    }
    if let Some((prequeue_at, opens_at)) = room.draw {
        table.insert("prequeue_at".to_owned(), Value::Datetime(moment(prequeue_at)));
        table.insert("opens_at".to_owned(), Value::Datetime(moment(opens_at)));
    }
    table
}

/// A moment in milliseconds since 1970 as text, RFC 3339.
pub fn moment_text(ms: u64) -> String {
    moment(ms).to_string()
}

/// A moment in milliseconds since 1970, as a configuration has it.
fn moment(ms: u64) -> Datetime {
    let (days, of_day) = (ms / 86_400_000, ms % 86_400_000);
    // The calendar repeats every 400 years; its years begin with March here, so that a leap day is the last of one.
    let since_march = days + 719_468;
    let (era, of_era) = (since_march / 146_097, since_march % 146_097);
    let year = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    let month = (5 * of_year + 2) / 153;
    let day = of_year - (153 * month + 2) / 5 + 1;
    let month = if month < 10 { month + 3 } else { month - 9 };
    let year = year + era * 400 + u64::from(month <= 2);
    let small = |number: u64| u8::try_from(number).unwrap_or_default();
    Datetime {
        date: Some(Date {
            year: u16::try_from(year).unwrap_or_default(),
            month: small(month),
            day: small(day),
        }),
        time: Some(Time {
            hour: small(of_day / 3_600_000),
            minute: small(of_day / 60_000 % 60),
            second: Some(small(of_day / 1000 % 60)),
            nanosecond: match u32::try_from(of_day % 1000).unwrap_or_default() {
                0 => None,
                ms => Some(ms * 1_000_000),
            },
        }),
        offset: Some(Offset::Z),
    }
}

/// Writes `shop.toml`; `stripe` is the port of the payment provider, where the shop has one.
pub(super) fn write_shop(path: &Path, listen: &str, hold_seconds: u64, stripe: Option<u16>) -> Result<()> {
    let hold = i64::try_from(hold_seconds).unwrap_or(i64::MAX);
    let mut table = toml! {
        listen = listen
        [holds]
        seconds = hold
    };
    if let Some(port) = stripe {
        let url = format!("http://127.0.0.1:{port}");
        // What hangs is asked again before the crowd is gone.
        let payments = toml! {
            provider = "stripe"
            timeout_ms = 2000
            resume_after_seconds = 2
            breaker_seconds = 2
            [stripe]
            url = url
        };
        table.insert("payments".to_owned(), Value::Table(payments));
    }
    write(path, &table)
}

/// Writes what an operator's shell needs: the variables that the runbooks use, and what the programs find in theirs.
pub(super) fn write_operator(
    path: &Path,
    edge: &Url,
    admin: &Url,
    secrets: &Secrets,
    proxy: &Path,
) -> Result<()> {
    let (folder, programs) = (path.parent().unwrap_or(path), proxy.parent().unwrap_or(proxy));
    let (edge, admin) = (edge.as_str().trim_end_matches('/'), admin.as_str().trim_end_matches('/'));
    let mut text = format!(
        "export edge='{edge}' admin='{admin}' api='{admin}/api/v1' room='demo'\n\
         export auth='Authorization: Bearer {}'\n\
         export config='{}'\n\
         export PATH='{}':\"$PATH\"\n",
        secrets.admin_token(),
        folder.display(),
        programs.display()
    );
    for (name, value) in secrets.of_proxy() {
        text += &format!("export {name}='{value}'\n");
    }
    fs::write(path, text).with_context(|| format!("{} cannot be written", path.display()))
}

/// A file of this name in `folder`.
pub(super) fn file(folder: &Path, name: &str) -> PathBuf {
    folder.join(name)
}

fn write(path: &Path, table: &Table) -> Result<()> {
    fs::write(path, table.to_string()).with_context(|| format!("{} cannot be written", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(write: impl FnOnce(&Path) -> Result<()>) -> Table {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file.toml");
        write(&path).unwrap();
        fs::read_to_string(path).unwrap().parse().unwrap()
    }

    #[test]
    fn an_edge_is_told_where_it_listens_and_what_is_behind_it() {
        let addresses = EdgeAddresses {
            listen: "127.0.0.1:1",
            admin_listen: "127.0.0.1:2",
            shop: "127.0.0.1:3",
            redis: Some("redis://127.0.0.1:4"),
        };
        let edge = written(|path| write_edge(path, &addresses));
        assert_eq!(edge["listen"].as_str(), Some("127.0.0.1:1"));
        assert_eq!(edge["upstream"]["address"].as_str(), Some("127.0.0.1:3"));
        assert_eq!(edge["store"]["url"].as_str(), Some("redis://127.0.0.1:4"));
        let edge = written(|path| write_edge(path, &EdgeAddresses { redis: None, ..addresses }));
        assert_eq!(edge["store"]["kind"].as_str(), Some("memory"));
        assert!(edge["store"].get("url").is_none());
    }

    #[test]
    fn a_moment_is_written_as_a_date() {
        assert_eq!(moment(1_763_803_815_250).to_string(), "2025-11-22T09:30:15.25Z");
        assert_eq!(moment(1_709_164_800_000).to_string(), "2024-02-29T00:00:00Z");
        assert_eq!(moment(951_782_400_000 + 86_399_000).to_string(), "2000-02-29T23:59:59Z");
    }

    #[test]
    fn rooms_are_told_their_rules() {
        let adaptive = Room { adaptive: Some((10, 200)), ..Room::brief() };
        let rooms = written(|path| write_rooms(path, &[Room::demo(90), adaptive]));
        let rooms = rooms["room"].as_array().unwrap();
        assert_eq!(rooms[0]["drain_per_minute"].as_integer(), Some(90));
        assert_eq!(rooms[0]["session"].as_str(), Some("600s"));
        assert_eq!(rooms[0].get("drain_min"), None);
        assert_eq!(rooms[1]["drain_max"].as_integer(), Some(200));
        assert_eq!(rooms[1]["id"].as_str(), Some("brief"));
        assert_eq!(rooms[1]["paths"].as_array().unwrap().len(), 2);
    }
}
