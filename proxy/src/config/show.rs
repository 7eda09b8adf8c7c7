//! `--print-config`: what is in force, as TOML that can be read back, without secrets.

use std::path::Path;

use toml::{Table, Value};

use crate::limits::Pace;

use super::edge::{CertificateFiles, EdgeConfig, Limits, ListenConfig, StoreConfig, show_telemetry};
use super::{Config, cdn, duration, pages as own_pages, rooms, show_upstream};

/// What is in force: both files. `source` says whose rooms they are, one line each.
pub fn show(config: &Config, source: &[String]) -> String {
    format!("{}\n{}", show_edge(config), show_rooms(config, source))
}

/// What is in force of `edge.toml`.
pub fn show_edge(config: &Config) -> String {
    let of_file = super::edge::parse(Path::new("edge.toml"), &config.edge_text).ok();
    let of_file = of_file.as_ref().map(edge).unwrap_or_default();
    let raw: Table = config.edge_text.parse().unwrap_or_default();
    let mut derived = Vec::new();
    let set = split(&edge(&config.edge), &raw, &of_file, "", &mut derived);
    format!("# edge.toml, in force. Keys are never shown.\n{set}{}", marked("the file", &derived))
}

/// What is in force of `rooms.toml`. `source` says whose it is, one line each.
pub fn show_rooms(config: &Config, source: &[String]) -> String {
    let raw: Table = config.rooms_text.parse().unwrap_or_default();
    let raw = raw.get("room").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    let mut text = format!("# rooms.toml: {}\n", source.join("\n# "));
    for room in &config.rooms {
        let table = rooms::show(room);
        let is_it = |raw: &&Table| raw.get("id").and_then(Value::as_str) == Some(room.id.as_str());
        let raw = raw.iter().filter_map(Value::as_table).find(is_it).cloned().unwrap_or_default();
        let mut derived = Vec::new();
        let set = split(&table, &raw, &table, "", &mut derived);
        let one = Table::from_iter([("room".to_owned(), Value::Array(vec![set.into()]))]);
        text.push_str(&format!("{one}{}\n", marked(&format!("[[room]] `{}`", room.id), &derived)));
    }
    text
}

/// What somebody set, in a file or by a flag; what merely follows from that, or from the machine, is `derived`.
fn split(table: &Table, raw: &Table, of_file: &Table, path: &str, derived: &mut Vec<String>) -> Table {
    let mut set = Table::new();
    let nothing = Table::new();
    let inner_of =
        |table: &Table, key: &str| table.get(key).and_then(Value::as_table).cloned().unwrap_or_default();
    for (key, value) in table {
        match value {
            Value::Table(inner) => {
                let (raw, of_file) = (inner_of(raw, key), inner_of(of_file, key));
                let inner = split(inner, &raw, &of_file, &format!("{path}{key}."), derived);
                if inner != nothing {
                    set.insert(key.clone(), inner.into());
                }
            }
            _ if raw.contains_key(key) || of_file.get(key) != Some(value) => {
                set.insert(key.clone(), value.clone());
            }
            _ => derived.push(format!("#   {path}{key} = {value}\n")),
        }
    }
    set
}

/// What is not set, in comments: pasted back, it goes on to follow.
fn marked(whose: &str, derived: &[String]) -> String {
    if derived.is_empty() {
        return String::new();
    }
    format!("# Not set in {whose}, and in force so because of what is, or by default:\n{}", derived.concat())
}

fn edge(config: &EdgeConfig) -> Table {
    // Destructured, so that a new field cannot be forgotten here.
    let EdgeConfig {
        listen,
        admin_listen,
        admin_hosts,
        public_scheme,
        threads,
        shutdown_grace,
        upgrade_socket,
        heartbeat,
        tick,
        keys_file,
        edge_keys_file,
        admin_tokens_file,
        cookie_keys_file,
        cookie_keys: _,
        store,
        upstream,
        limits,
        cdn,
        pages,
        telemetry,
    } = config;
    let mut table = Table::new();
    let mut put = |key: &str, value: Value| table.insert(key.to_owned(), value);
    put("listen", show_listen(listen));
    put("admin_listen", admin_listen.to_string().into());
    put("admin_hosts", admin_hosts.clone().into());
    put("public_scheme", public_scheme.as_str().into());
    put("threads", number(*threads as u64));
    put("shutdown_grace", duration::show(*shutdown_grace).into());
    put("heartbeat", duration::show(*heartbeat).into());
    put("tick", duration::show(*tick).into());
    let files = [
        ("keys_file", keys_file),
        ("edge_keys_file", edge_keys_file),
        ("admin_tokens_file", admin_tokens_file),
        ("cookie_keys_file", cookie_keys_file),
        ("upgrade_socket", upgrade_socket),
    ];
    for (key, file) in files {
        if let Some(file) = file {
            put(key, file.display().to_string().into());
        }
    }
    put("store", show_store(store).into());
    put("upstream", show_upstream::table(upstream).into());
    put("limits", show_limits(limits).into());
    put("cdn", cdn::show(cdn).into());
    put("telemetry", show_telemetry(telemetry).into());
    if let Some(pages) = own_pages::show(pages) {
        put("pages", pages.into());
    }
    table
}

pub(super) fn number(value: u64) -> Value {
    Value::Integer(i64::try_from(value).unwrap_or(i64::MAX))
}

/// In the short form where that says all.
fn show_listen(listen: &[ListenConfig]) -> Value {
    match listen {
        [
            ListenConfig {
                address,
                certificates,
                redirect_to_https: None,
                http2: false,
                proxy_protocol: false,
            },
        ] if certificates.is_empty() => address.to_string().into(),
        several => several.iter().map(show_listener).collect::<Vec<_>>().into(),
    }
}

fn show_listener(listener: &ListenConfig) -> Value {
    let ListenConfig { address, certificates, redirect_to_https, http2, proxy_protocol } = listener;
    let mut table = Table::new();
    table.insert("address".to_owned(), address.to_string().into());
    let show = |table: &mut Table, files: &CertificateFiles| {
        table.insert("certificate".to_owned(), files.certificate.display().to_string().into());
        table.insert("key".to_owned(), files.key.display().to_string().into());
    };
    if let Some((first, more)) = certificates.split_first() {
        show(&mut table, first);
        let more = more.iter().map(|files| {
            let mut table = Table::new();
            show(&mut table, files);
            Value::from(table)
        });
        let more: Vec<Value> = more.collect();
        if !more.is_empty() {
            table.insert("certificates".to_owned(), more.into());
        }
    }
    if let Some(port) = redirect_to_https {
        table.insert("redirect_to_https".to_owned(), number((*port).into()));
    }
    table.insert("http2".to_owned(), (*http2).into());
    table.insert("proxy_protocol".to_owned(), (*proxy_protocol).into());
    table.into()
}

fn show_store(store: &StoreConfig) -> Table {
    let mut table = Table::new();
    match store {
        StoreConfig::Memory { path } => {
            table.insert("kind".to_owned(), "memory".into());
            if let Some(path) = path {
                table.insert("path".into(), path.display().to_string().into());
            }
        }
        StoreConfig::Redis { url } => {
            table.insert("kind".to_owned(), "redis".into());
            table.insert("url".to_owned(), redact(url).into());
        }
    }
    table
}

fn show_limits(limits: &Limits) -> Table {
    let Limits {
        head_bytes,
        headers,
        body_bytes,
        connections,
        sockets,
        handshake_timeout,
        head_timeout,
        body_idle,
        body_rate,
        write_timeout,
        idle,
        http2_requests,
        http2_given_up,
        joins,
        network_bits_v4,
        network_bits_v6,
        session_requests,
        work,
    } = limits;
    let mut table = Table::new();
    for (key, value) in [
        ("head_bytes", *head_bytes as u64),
        ("headers", *headers as u64),
        ("body_bytes", *body_bytes),
        ("connections", *connections as u64),
        ("sockets", *sockets as u64),
        ("body_rate", *body_rate),
        ("http2_requests", u64::from(*http2_requests)),
        ("http2_given_up", u64::from(*http2_given_up)),
        ("joins_per_minute", joins.map_or(0, Pace::per_minute)),
        ("network_bits_v4", (*network_bits_v4).into()),
        ("network_bits_v6", (*network_bits_v6).into()),
        ("session_requests_per_minute", session_requests.map_or(0, Pace::per_minute)),
        ("work_bits", work.bits.into()),
        ("work_bits_max", work.bits_max.into()),
        ("work_calm_per_minute", work.calm_per_minute),
        ("work_waits_per_minute", work.waits_per_minute),
    ] {
        table.insert(key.to_owned(), number(value));
    }
    // Where there is no pace there is no burst to tell.
    for (key, pace) in [("joins_burst", joins), ("session_requests_burst", session_requests)] {
        if let Some(pace) = pace {
            table.insert(key.to_owned(), number(pace.burst()));
        }
    }
    for (key, value) in [
        ("handshake_timeout", handshake_timeout),
        ("head_timeout", head_timeout),
        ("body_idle", body_idle),
        ("write_timeout", write_timeout),
        ("idle", idle),
        ("work_wait", &work.wait),
    ] {
        table.insert(key.to_owned(), duration::show(*value).into());
    }
    table
}

/// The URL without its password.
fn redact(url: &str) -> String {
    let Some((scheme, rest)) = url.split_once("://") else { return "redacted".to_owned() };
    // Whatever stands before the last `@` may be a secret, however it is written.
    let (login, rest) = rest.rsplit_once('@').map_or(("", rest), |(_, rest)| ("redacted@", rest));
    let (address, query) = rest.split_once('?').unwrap_or((rest, ""));
    let query = match (query.is_empty(), scheme) {
        (true, _) => String::new(),
        // Nothing but names of files.
        (false, "rediss" | "valkeys" | "rediss+cluster" | "rediss+sentinel") => format!("?{query}"),
        // It may carry a password too.
        (false, _) => "?redacted".to_owned(),
    };
    format!("{scheme}://{login}{address}{query}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_password_is_shown() {
        for (url, shown) in [
            ("redis://127.0.0.1:6379", "redis://127.0.0.1:6379"),
            ("redis://:secret@h:1/2", "redis://redacted@h:1/2"),
            ("redis://user:sec@ret@h:1", "redis://redacted@h:1"),
            ("unix:///run/r.sock?pass=secret", "unix:///run/r.sock?redacted"),
            ("redis://u:sec?ret@h:1", "redis://redacted@h:1"),
            ("rediss+cluster://u:secret@a:1?ca=/c.pem", "rediss+cluster://redacted@a:1?ca=/c.pem"),
            ("redis+cluster://u:secret@a:1,b:2", "redis+cluster://redacted@a:1,b:2"),
            ("redis+sentinel://:secret@a:1,b:2/main/3", "redis+sentinel://redacted@a:1,b:2/main/3"),
        ] {
            assert_eq!(redact(url), shown);
        }
    }
}
