//! `[limits]`: bounds on what a client may ask for.

use std::time::Duration;

use admission::work::{BITS_MAX, BITS_MIN};
use serde::Deserialize;

use super::super::error::{ConfigError, Source};
use super::super::values::Maybe;
use super::SECOND;
use crate::limits::{Pace, WorkRules};

/// Bounds on what a client may ask for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Longest request head, in bytes.
    pub head_bytes: usize,
    /// Most header lines in a request.
    pub headers: usize,
    /// Longest request body, in bytes.
    pub body_bytes: u64,
    /// Most connections at once, without the fans' WebSockets.
    pub connections: usize,
    /// Most WebSockets of waiting fans.
    pub sockets: usize,
    /// Longest time from the connection until requests may come: PROXY protocol and TLS.
    pub handshake_timeout: Duration,
    /// Longest time for a request head to arrive.
    pub head_timeout: Duration,
    /// Longest silence in a request's body.
    pub body_idle: Duration,
    /// Fewest bytes a second of a request's body, after the first `body_idle`. 0 for any.
    pub body_rate: u64,
    /// Longest time in which a client takes nothing of an answer.
    pub write_timeout: Duration,
    /// Longest idle time of a connection between requests.
    pub idle: Duration,
    /// Most requests at once on a connection that speaks HTTP/2.
    pub http2_requests: u32,
    /// Most requests that a client gives up on such a connection, those that it sees to their end taken off.
    pub http2_given_up: u32,
    /// How fast new places are given to one network; nothing for as fast as they ask.
    pub joins: Option<Pace>,
    /// Bits of an IPv4 address that make a network.
    pub network_bits_v4: u8,
    /// Bits of an IPv6 address that make a network.
    pub network_bits_v6: u8,
    /// How fast one admitted session may ask; nothing for as fast as it likes.
    pub session_requests: Option<Pace>,
    /// How much work is asked for before a ticket.
    pub work: WorkRules,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            head_bytes: 32 * 1024,
            headers: 100,
            body_bytes: 16 << 20,
            connections: 10_000,
            sockets: 100_000,
            handshake_timeout: SECOND * 10,
            head_timeout: SECOND * 15,
            body_idle: SECOND * 30,
            body_rate: 500,
            write_timeout: SECOND * 30,
            idle: SECOND * 60,
            http2_requests: 100,
            http2_given_up: 100,
            joins: None,
            network_bits_v4: 24,
            network_bits_v6: 56,
            session_requests: Pace::new(6000, 1000),
            work: WorkRules::default(),
        }
    }
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct WireLimits {
    head_bytes: Maybe<i64>,
    headers: Maybe<i64>,
    body_bytes: Maybe<i64>,
    connections: Maybe<i64>,
    sockets: Maybe<i64>,
    handshake_timeout: Maybe<String>,
    head_timeout: Maybe<String>,
    body_idle: Maybe<String>,
    body_rate: Maybe<i64>,
    write_timeout: Maybe<String>,
    idle: Maybe<String>,
    http2_requests: Maybe<i64>,
    http2_given_up: Maybe<i64>,
    joins_per_minute: Maybe<i64>,
    joins_burst: Maybe<i64>,
    network_bits_v4: Maybe<i64>,
    network_bits_v6: Maybe<i64>,
    session_requests_per_minute: Maybe<i64>,
    session_requests_burst: Maybe<i64>,
    work_bits: Maybe<i64>,
    work_bits_max: Maybe<i64>,
    work_calm_per_minute: Maybe<i64>,
    work_wait: Maybe<String>,
    work_waits_per_minute: Maybe<i64>,
}

pub(super) fn check(source: &Source<'_>, limits: WireLimits) -> Result<Limits, ConfigError> {
    let WireLimits {
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
        joins_per_minute,
        joins_burst,
        network_bits_v4,
        network_bits_v6,
        session_requests_per_minute,
        session_requests_burst,
        work_bits,
        work_bits_max,
        work_calm_per_minute,
        work_wait,
        work_waits_per_minute,
    } = limits;
    let default = Limits::default();
    let size = |field, value: &Maybe<i64>, range, default: usize| {
        source.number(field, value, range, default as u64).map(|number| number as usize)
    };
    let count = |field, value: &Maybe<i64>, range, default: u32| {
        source
            .number(field, value, range, default.into())
            .map(|number| u32::try_from(number).unwrap_or(u32::MAX))
    };
    let time = |field, value: &Maybe<String>, most, default| {
        source.duration(field, value, SECOND..=SECOND * most, default)
    };
    let pace = |names: [&str; 2], per_minute: &Maybe<i64>, burst: &Maybe<i64>, default: [u64; 2]| {
        let per_minute = source.number(names[0], per_minute, 0..=10_000_000, default[0])?;
        let burst = source.number(names[1], burst, 1..=1_000_000, default[1])?;
        Ok::<_, ConfigError>(Pace::new(per_minute, burst))
    };
    let bits = |field, value: &Maybe<i64>, most, default: u8| {
        source
            .number(field, value, 8..=most, default.into())
            .map(|bits| u8::try_from(bits).unwrap_or(default))
    };
    Ok(Limits {
        head_bytes: size("limits.head_bytes", &head_bytes, 1024..=1_000_000, default.head_bytes)?,
        headers: size("limits.headers", &headers, 8..=256, default.headers)?,
        body_bytes: source.number("limits.body_bytes", &body_bytes, 0..=1 << 40, default.body_bytes)?,
        connections: size("limits.connections", &connections, 1..=1_000_000, default.connections)?,
        sockets: size("limits.sockets", &sockets, 0..=1_000_000, default.sockets)?,
        handshake_timeout: time(
            "limits.handshake_timeout",
            &handshake_timeout,
            300,
            default.handshake_timeout,
        )?,
        head_timeout: time("limits.head_timeout", &head_timeout, 300, default.head_timeout)?,
        body_idle: time("limits.body_idle", &body_idle, 3600, default.body_idle)?,
        body_rate: source.number("limits.body_rate", &body_rate, 0..=1 << 30, default.body_rate)?,
        write_timeout: time("limits.write_timeout", &write_timeout, 3600, default.write_timeout)?,
        idle: time("limits.idle", &idle, 3600, default.idle)?,
        http2_requests: count("limits.http2_requests", &http2_requests, 1..=10_000, default.http2_requests)?,
        http2_given_up: count(
            "limits.http2_given_up",
            &http2_given_up,
            1..=1_000_000,
            default.http2_given_up,
        )?,
        joins: pace(
            ["limits.joins_per_minute", "limits.joins_burst"],
            &joins_per_minute,
            &joins_burst,
            [0, 500],
        )?,
        network_bits_v4: bits("limits.network_bits_v4", &network_bits_v4, 32, default.network_bits_v4)?,
        network_bits_v6: bits("limits.network_bits_v6", &network_bits_v6, 64, default.network_bits_v6)?,
        session_requests: pace(
            ["limits.session_requests_per_minute", "limits.session_requests_burst"],
            &session_requests_per_minute,
            &session_requests_burst,
            [6000, 1000],
        )?,
        work: WorkRules {
            bits: work_bits_of(source, "limits.work_bits", &work_bits)?.unwrap_or(default.work.bits),
            bits_max: work_bits_of(source, "limits.work_bits_max", &work_bits_max)?
                .unwrap_or(default.work.bits_max),
            calm_per_minute: source.number(
                "limits.work_calm_per_minute",
                &work_calm_per_minute,
                1..=1_000_000,
                default.work.calm_per_minute,
            )?,
            wait: time("limits.work_wait", &work_wait, 300, default.work.wait)?,
            waits_per_minute: source.number(
                "limits.work_waits_per_minute",
                &work_waits_per_minute,
                1..=1_000_000,
                default.work.waits_per_minute,
            )?,
        },
    })
}

/// How much work is asked for, in bits, if that is said: 0 for none.
pub(in crate::config) fn work_bits_of(
    source: &Source<'_>,
    field: &str,
    value: &Maybe<i64>,
) -> Result<Option<u8>, ConfigError> {
    let Some(value) = value else { return Ok(None) };
    let bits = u8::try_from(*value.get_ref()).ok();
    bits.filter(|bits| *bits == 0 || (BITS_MIN..=BITS_MAX).contains(bits)).map(Some).ok_or_else(|| {
        let needed = format!("0 for no work, or {BITS_MIN} to {BITS_MAX} bits, are needed");
        source.error(&value.span(), field, value.get_ref(), needed)
    })
}
