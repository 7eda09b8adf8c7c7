//! `[[room.bypass]]`: who goes past the line by a rule.

use std::collections::BTreeMap;

use admission::keyring::is_key_id;
use http::{HeaderName, Method};
use serde::Deserialize;
use toml::{Spanned, Table, Value};

use crate::config::cdn::network;
use crate::config::error::{ConfigError, Source};
use crate::gate::bypass::{BypassRule, CookieRule};
use crate::gate::routes::PathRule;
use crate::gate::target::Case;

/// Most rules of a room, and most entries of a list in one.
const ENTRIES_MAX: usize = 64;
/// Longest name of a rule, in bytes.
const NAME_MAX: usize = 32;
/// Stands where a value is shown that may be a secret. As a value itself it is refused: whoever writes back what was
/// shown to them must not make a public text of a secret.
const NOT_SHOWN: &str = "(not shown)";

/// A rule as it is written.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct WireBypass {
    name: Spanned<String>,
    #[serde(default)]
    paths: Vec<Spanned<String>>,
    #[serde(default)]
    methods: Vec<Spanned<String>>,
    #[serde(default)]
    networks: Vec<Spanned<String>>,
    #[serde(default)]
    headers: BTreeMap<Spanned<String>, Spanned<String>>,
    cookie: Option<WireCookie>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WireCookie {
    name: Spanned<String>,
    key: Spanned<String>,
    #[serde(default)]
    claims: BTreeMap<String, String>,
}

/// The rules of a room, checked.
///
/// # Errors
/// The first thing that is wrong, with its line.
pub(super) fn check(
    source: &Source<'_>,
    case: Case,
    wire: Vec<WireBypass>,
) -> Result<Vec<BypassRule>, ConfigError> {
    let mut rules: Vec<BypassRule> = Vec::new();
    for WireBypass { name, paths, methods, networks, headers, cookie } in wire {
        let quoted = format!("\"{}\"", name.get_ref());
        let entries = paths.len().max(methods.len()).max(networks.len()).max(headers.len());
        if rules.len() == ENTRIES_MAX || entries > ENTRIES_MAX {
            let needed = format!("a room has at most {ENTRIES_MAX} rules with as many entries in each list");
            return Err(source.error(&name.span(), "room.bypass", quoted, needed));
        }
        let is_name =
            name.get_ref().bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte));
        if name.get_ref().is_empty() || name.get_ref().len() > NAME_MAX || !is_name {
            let needed = "a name out of letters, digits, `-` and `_` is needed: the log counts by it";
            return Err(source.error(&name.span(), "room.bypass.name", quoted, needed));
        }
        if rules.iter().any(|rule| rule.name == *name.get_ref()) {
            let found = format!("{quoted} a second time");
            return Err(source.error(
                &name.span(),
                "room.bypass.name",
                found,
                "each rule needs a name of its own",
            ));
        }
        if entries == 0 && cookie.is_none() {
            let needed = "`paths`, `methods`, `networks`, `headers` or a `cookie` are needed: a rule without any would open the \
                          room to everybody (mode = \"off\" does that)";
            return Err(source.error(&name.span(), "room.bypass", quoted, needed));
        }
        rules.push(BypassRule {
            name: name.into_inner(),
            paths: paths.iter().map(|path| check_path(source, path, case)).collect::<Result<_, _>>()?,
            methods: methods.iter().map(|method| check_method(source, method)).collect::<Result<_, _>>()?,
            networks: networks
                .iter()
                .map(|found| network(source, "room.bypass.networks", found))
                .collect::<Result<_, _>>()?,
            headers: headers
                .iter()
                .map(|(name, value)| check_header(source, name, value))
                .collect::<Result<_, _>>()?,
            cookie: cookie.map(|cookie| check_cookie(source, cookie)).transpose()?,
        });
    }
    Ok(rules)
}

fn check_path(source: &Source<'_>, found: &Spanned<String>, case: Case) -> Result<PathRule, ConfigError> {
    PathRule::parse_as(found.get_ref(), case).ok_or_else(|| {
        let needed =
            "a path is needed as in the room's `paths`, such as \"/event/health\" or \"/event/api/*\"";
        source.error(&found.span(), "room.bypass.paths", format!("\"{}\"", found.get_ref()), needed)
    })
}

fn check_method(source: &Source<'_>, found: &Spanned<String>) -> Result<Method, ConfigError> {
    let is_upper = found.get_ref().bytes().all(|byte| byte.is_ascii_uppercase());
    found.get_ref().parse().ok().filter(|_| is_upper).ok_or_else(|| {
        let needed = "a method in capital letters is needed, such as \"GET\"";
        source.error(&found.span(), "room.bypass.methods", format!("\"{}\"", found.get_ref()), needed)
    })
}

fn check_header(
    source: &Source<'_>,
    name: &Spanned<String>,
    value: &Spanned<String>,
) -> Result<(HeaderName, String), ConfigError> {
    let parsed: HeaderName = name.get_ref().parse().map_err(|_| {
        let needed = "the name of a header is needed, such as \"X-Partner\"";
        source.error(&name.span(), "room.bypass.headers", format!("\"{}\"", name.get_ref()), needed)
    })?;
    if value.get_ref() == NOT_SHOWN {
        let needed =
            "it stands for a value that is not shown; write the value itself, or leave `bypass` as it is";
        return Err(source.error(&value.span(), "room.bypass.headers", format!("\"{NOT_SHOWN}\""), needed));
    }
    if value.get_ref().is_empty() || !value.get_ref().bytes().all(|byte| (0x20..0x7f).contains(&byte)) {
        let needed = "a value of printable ASCII characters is needed";
        return Err(source.error(&value.span(), "room.bypass.headers", "something else", needed));
    }
    Ok((parsed, value.get_ref().clone()))
}

fn check_cookie(source: &Source<'_>, wire: WireCookie) -> Result<CookieRule, ConfigError> {
    let WireCookie { name, key, claims } = wire;
    let is_token = |byte: u8| byte.is_ascii_graphic() && !b"()<>@,;:\\\"/[]?={}".contains(&byte);
    if name.get_ref().is_empty() || name.get_ref().len() > 128 || !name.get_ref().bytes().all(is_token) {
        let needed = "the name of a cookie is needed, such as \"shop-staff\"";
        let found = format!("\"{}\"", name.get_ref());
        return Err(source.error(&name.span(), "room.bypass.cookie.name", found, needed));
    }
    if !is_key_id(key.get_ref()) || claims.len() > ENTRIES_MAX {
        let needed = "the name of a key in STANCHION_COOKIE_KEYS is needed, and at most 64 claims";
        let found = format!("\"{}\"", key.get_ref());
        return Err(source.error(&key.span(), "room.bypass.cookie.key", found, needed));
    }
    let claims = claims.into_iter().collect();
    Ok(CookieRule { name: name.into_inner(), key: key.into_inner(), claims })
}

/// The rules as tables; values of headers may be secrets and are not shown.
pub(super) fn show(rules: &[BypassRule]) -> Value {
    let list = |items: Vec<String>| Value::from(items);
    let tables = rules.iter().map(|BypassRule { name, paths, methods, networks, headers, cookie }| {
        let mut table = Table::new();
        table.insert("name".to_owned(), name.clone().into());
        table.insert("paths".to_owned(), list(paths.iter().map(ToString::to_string).collect()));
        table.insert("methods".to_owned(), list(methods.iter().map(ToString::to_string).collect()));
        table.insert("networks".to_owned(), list(networks.iter().map(ToString::to_string).collect()));
        let mut shown = Table::new();
        for (name, _) in headers {
            shown.insert(name.as_str().to_owned(), NOT_SHOWN.into());
        }
        table.insert("headers".to_owned(), shown.into());
        if let Some(CookieRule { name, key, claims }) = cookie {
            let mut shown = Table::new();
            shown.insert("name".to_owned(), name.clone().into());
            shown.insert("key".to_owned(), key.clone().into());
            let claims = claims.iter().map(|(claim, value)| (claim.clone(), value.clone().into()));
            shown.insert("claims".to_owned(), Value::Table(claims.collect()));
            table.insert("cookie".to_owned(), shown.into());
        }
        Value::from(table)
    });
    tables.collect::<Vec<_>>().into()
}
