//! `--print-config`: the shop.

use std::time::Duration;

use toml::{Table, Value};

use super::duration;
use super::edge::{HealthConfig, UpstreamConfig, UpstreamTls};
use super::show::number;
use crate::upstream::breaker::BreakerRules;

/// `[upstream]`.
pub(super) fn table(upstream: &UpstreamConfig) -> Table {
    // Destructured, so that a new field cannot be forgotten here.
    let UpstreamConfig {
        addresses,
        http2,
        tls,
        connect_timeout,
        read_timeout,
        first_byte_timeout,
        stream_timeout,
        write_timeout,
        keepalive,
        keepalive_timeout,
        health,
        breaker,
    } = upstream;
    let mut table = Table::new();
    table.insert("address".to_owned(), addresses.clone().into());
    table.insert("protocol".to_owned(), if *http2 { "http2" } else { "http1" }.into());
    if let Some(UpstreamTls { name, ca }) = tls {
        table.insert("tls_name".to_owned(), name.clone().into());
        if let Some(ca) = ca {
            table.insert("tls_ca".to_owned(), ca.display().to_string().into());
        }
    }
    put(
        &mut table,
        [
            ("connect_timeout", time(*connect_timeout)),
            ("read_timeout", time(*read_timeout)),
            ("first_byte_timeout", time(first_byte_timeout.unwrap_or(*read_timeout))),
            ("stream_timeout", time(*stream_timeout)),
            ("write_timeout", time(*write_timeout)),
            ("keepalive", number(*keepalive as u64)),
            ("keepalive_timeout", time(*keepalive_timeout)),
        ],
    );
    if let Some(health) = health {
        table.insert("health".to_owned(), show_health(health).into());
    }
    table.insert("breaker".to_owned(), show_breaker(breaker).into());
    table
}

fn time(value: Duration) -> Value {
    duration::show(value).into()
}

fn put<const N: usize>(table: &mut Table, values: [(&str, Value); N]) {
    for (key, value) in values {
        table.insert(key.to_owned(), value);
    }
}

fn show_health(health: &HealthConfig) -> Table {
    let HealthConfig { path, every, timeout, down_after, up_after } = health;
    let mut table = Table::new();
    let values = [
        ("path", path.clone().into()),
        ("every", time(*every)),
        ("timeout", time(*timeout)),
        ("down_after", number((*down_after).into())),
        ("up_after", number((*up_after).into())),
    ];
    put(&mut table, values);
    table
}

fn show_breaker(rules: &BreakerRules) -> Table {
    let BreakerRules { failures, percent, least, window, slow, pause, pause_max, trials } = rules;
    let mut table = Table::new();
    let values = [
        ("failures", number((*failures).into())),
        ("percent", number((*percent).into())),
        ("least", number((*least).into())),
        ("window", time(*window)),
        ("slow", time(*slow)),
        ("pause", time(*pause)),
        ("pause_max", time(*pause_max)),
        ("trials", number((*trials).into())),
    ];
    put(&mut table, values);
    table
}
