//! `rooms.toml`: the rooms, where they apply and how their lines move.

mod bypass;
mod policy;
mod rules;
mod text;

use std::ops::Range;
use std::path::Path;

use admission::binding::BindTo;
use admission::name::RoomId;
use admission::rules::{DRAIN_PER_MINUTE_MAX, Rules};
use http::Method;
use serde::Deserialize;
use toml::{Spanned, Value};

use self::bypass::WireBypass;
pub use self::policy::OnStoreFailure;
use self::policy::{bind_tokens_as_str, check_bind_tokens, check_on_store_failure};
use self::rules::WireLane;
pub(super) use self::text::id_at;
pub use self::text::named_files;
use super::edge::work_bits_of;
use super::error::{ConfigError, Source};
use super::pages::{self, PagesConfig, WirePages};
use super::values::Maybe;
use crate::gate::bypass::BypassRule;
use crate::gate::host;
use crate::gate::routes::{PathRule, Route};
use crate::gate::target::{Case, Target};

/// Most rooms in one file.
const ROOMS_MAX: usize = 256;
/// Most hosts or paths of one room.
const ROUTES_MAX: usize = 256;
/// Longest title or message, in bytes.
const TEXT_MAX: usize = 2000;

/// A room as configured.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RoomConfig {
    /// Its id.
    pub id: RoomId,
    /// The hosts it applies to; empty for any.
    pub hosts: Vec<String>,
    /// The paths it protects.
    pub paths: Vec<PathRule>,
    /// Those whose answers are public assets.
    pub public_paths: Vec<PathRule>,
    /// Whether upper and lower case differ in all of these.
    pub case: Case,
    /// What the waiting page calls what the fans wait for.
    pub title: String,
    /// What the operator tells those who wait; may be empty.
    pub message: String,
    /// What becomes of visitors while the store is away.
    pub on_store_failure: OnStoreFailure,
    /// How many each proxy lets in a minute then, by itself.
    pub open_per_minute: u64,
    /// How much work is asked for before a ticket, where that is other than for the rooms of the edge.
    pub work_bits: Option<u8>,
    /// What its admission tokens are bound to; nothing where they are good for whoever has them.
    pub bind_tokens: Option<BindTo>,
    /// Who goes past its line by a rule.
    pub bypass: Vec<BypassRule>,
    /// Its own pages, over those of the edge.
    pub pages: PagesConfig,
    /// How its line moves.
    pub rules: Rules,
}

impl RoomConfig {
    /// Whether the answer to such a request is a public asset, however the target is read.
    pub fn is_public(&self, method: &Method, target: &Target) -> bool {
        matches!(*method, Method::GET | Method::HEAD)
            && self.public_paths.iter().any(|path| path.covers_both(target))
    }

    /// What is never shown.
    pub fn secrets(&self) -> impl Iterator<Item = &str> {
        self.bypass.iter().flat_map(|rule| rule.headers.iter().map(|(_, value)| value.as_str()))
    }

    /// The page where somebody is sent who has to go somewhere in the room.
    pub fn first_page(&self) -> String {
        self.paths.first().map_or_else(|| "/".to_owned(), PathRule::first_page)
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WireRooms {
    #[serde(default)]
    room: Vec<Spanned<WireRoom>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WireRoom {
    id: Spanned<String>,
    #[serde(default)]
    hosts: Vec<Spanned<String>>,
    paths: Spanned<Vec<Spanned<String>>>,
    #[serde(default)]
    public_paths: Vec<Spanned<String>>,
    case_sensitive: Maybe<bool>,
    title: Maybe<String>,
    message: Maybe<String>,
    on_store_failure: Maybe<String>,
    open_per_minute: Maybe<i64>,
    bind_tokens: Maybe<String>,
    work_bits: Maybe<i64>,
    mode: Maybe<String>,
    prequeue_at: Maybe<Value>,
    opens_at: Maybe<Value>,
    closes_at: Maybe<Value>,
    drain_per_minute: Maybe<i64>,
    drain_min: Maybe<i64>,
    drain_max: Maybe<i64>,
    burst: Maybe<i64>,
    max_active: Maybe<i64>,
    waiting_max: Maybe<i64>,
    session: Maybe<String>,
    session_max: Maybe<String>,
    claim_window: Maybe<String>,
    return_window: Maybe<String>,
    presence_window: Maybe<String>,
    recovery_grace: Maybe<String>,
    #[serde(default)]
    lane: Vec<WireLane>,
    #[serde(default)]
    bypass: Vec<WireBypass>,
    pages: Option<WirePages>,
}

/// Reads `rooms.toml` from its text.
///
/// # Errors
/// The first thing that is wrong, with its line.
pub fn parse(file: &Path, text: &str) -> Result<Vec<RoomConfig>, ConfigError> {
    let source = Source { file, text };
    let WireRooms { room: wire } = source.parse()?;
    if wire.is_empty() {
        let problem = "found no [[room]], so nothing would be protected; at least one is needed, with an `id` such as \
                       \"demo\" and `paths` such as [\"/events/demo\", \"/events/demo/*\"] (to open the shop to \
                       everybody, give the room mode = \"off\")";
        return Err(ConfigError::whole(file, problem));
    }
    if wire.len() > ROOMS_MAX {
        return Err(ConfigError::whole(
            file,
            format!("there are {} rooms; at most {ROOMS_MAX} fit", wire.len()),
        ));
    }
    let mut rooms: Vec<RoomConfig> = Vec::new();
    let mut routes: Vec<(Route, RoomId)> = Vec::new();
    for room in wire {
        let span = room.span();
        let room = room.into_inner();
        let (id_span, path_spans) =
            (room.id.span(), room.paths.get_ref().iter().map(Spanned::span).collect::<Vec<_>>());
        let room = check(&source, &span, room)?;
        if rooms.iter().any(|other| other.id == room.id) {
            let needed = "each room needs an id of its own";
            return Err(source.error(&id_span, "room.id", format!("\"{}\" a second time", room.id), needed));
        }
        for route in room_routes(&room, rooms.len()) {
            if let Some((_, other)) = routes.iter().find(|(taken, _)| taken.same_as(&route)) {
                let at =
                    room.paths.iter().position(|path| *path == route.path).and_then(|i| path_spans.get(i));
                let found = format!("\"{}\", which room `{other}` has already", route.path);
                let needed = "each path on a host belongs to one room";
                return Err(source.error(at.unwrap_or(&span), "room.paths", found, needed));
            }
            routes.push((route, room.id.clone()));
        }
        rooms.push(room);
    }
    Ok(rooms)
}

/// The routes that lead to `room`, the `index`th.
pub(crate) fn room_routes(room: &RoomConfig, index: usize) -> Vec<Route> {
    let hosts: Vec<Option<String>> =
        if room.hosts.is_empty() { vec![None] } else { room.hosts.iter().cloned().map(Some).collect() };
    hosts
        .iter()
        .flat_map(|host| room.paths.iter().map(|path| Route::new(host.clone(), path.clone(), index)))
        .collect()
}

fn check(source: &Source<'_>, span: &Range<usize>, wire: WireRoom) -> Result<RoomConfig, ConfigError> {
    // Destructured, so that a new field cannot be forgotten here.
    let WireRoom {
        id,
        hosts,
        paths,
        public_paths,
        case_sensitive,
        title,
        message,
        on_store_failure,
        open_per_minute,
        bind_tokens,
        work_bits,
        mode,
        prequeue_at,
        opens_at,
        closes_at,
        drain_per_minute,
        drain_min,
        drain_max,
        burst,
        max_active,
        waiting_max,
        session,
        session_max,
        claim_window,
        return_window,
        presence_window,
        recovery_grace,
        lane,
        bypass,
        pages,
    } = wire;
    let room_id = RoomId::parse(id.get_ref())
        .map_err(|error| source.error(&id.span(), "room.id", format!("\"{}\"", id.get_ref()), error))?;
    let is_case_kept = case_sensitive.is_some_and(Spanned::into_inner);
    let case = if is_case_kept { Case::Kept } else { Case::Ignored };
    let (paths_span, paths) = (paths.span(), paths.into_inner());
    if paths.is_empty() || paths.len() > ROUTES_MAX {
        let needed = format!("a room needs 1 to {ROUTES_MAX} paths, such as \"/event\" and \"/event/*\"");
        return Err(source.error(&paths_span, "room.paths", format!("{} paths", paths.len()), needed));
    }
    if public_paths.len() > ROUTES_MAX {
        let needed = format!("a room has at most {ROUTES_MAX} public paths");
        let found = format!("{} paths", public_paths.len());
        return Err(source.error(&id.span(), "room.public_paths", found, needed));
    }
    if hosts.len() > ROUTES_MAX {
        let needed = format!("a room has at most {ROUTES_MAX} hosts");
        return Err(source.error(&id.span(), "room.hosts", format!("{} hosts", hosts.len()), needed));
    }
    let rules = rules::check(
        source,
        span,
        rules::Wire {
            mode,
            prequeue_at,
            opens_at,
            closes_at,
            drain_per_minute,
            drain_min,
            drain_max,
            burst,
            max_active,
            waiting_max,
            session,
            session_max,
            claim_window,
            return_window,
            presence_window,
            recovery_grace,
            lane,
        },
    )?;
    let open_per_minute = source.number(
        "room.open_per_minute",
        &open_per_minute,
        0..=DRAIN_PER_MINUTE_MAX,
        rules.drain_per_minute,
    )?;
    Ok(RoomConfig {
        open_per_minute,
        work_bits: work_bits_of(source, "room.work_bits", &work_bits)?,
        title: text(source, "room.title", &title, room_id.as_str())?,
        message: text(source, "room.message", &message, "")?,
        on_store_failure: check_on_store_failure(source, &on_store_failure)?,
        bind_tokens: check_bind_tokens(source, &bind_tokens)?,
        hosts: hosts.iter().map(|host| check_host(source, host)).collect::<Result<_, _>>()?,
        paths: check_paths(source, "room.paths", &paths, case)?,
        public_paths: check_paths(source, "room.public_paths", &public_paths, case)?,
        bypass: bypass::check(source, case, bypass)?,
        pages: pages::check(source, pages)?,
        case,
        id: room_id,
        rules,
    })
}

fn check_host(source: &Source<'_>, found: &Spanned<String>) -> Result<String, ConfigError> {
    match host::parse(found.get_ref().as_bytes()) {
        Ok(authority) if authority.port().is_none() => Ok(authority.host().to_owned()),
        _ => {
            let needed = "a host name without a port is needed, such as \"tickets.example\"";
            Err(source.error(&found.span(), "room.hosts", format!("\"{}\"", found.get_ref()), needed))
        }
    }
}

fn check_paths(
    source: &Source<'_>,
    field: &str,
    paths: &[Spanned<String>],
    case: Case,
) -> Result<Vec<PathRule>, ConfigError> {
    paths.iter().map(|path| check_path(source, field, path, case)).collect()
}

fn check_path(
    source: &Source<'_>,
    field: &str,
    found: &Spanned<String>,
    case: Case,
) -> Result<PathRule, ConfigError> {
    PathRule::parse_as(found.get_ref(), case).ok_or_else(|| {
        let needed = "a path such as \"/event\" is needed, \"/event/*\" for everything below it, or a pattern such as \
                      \"/event-*\" or \"/shop/*/buy\"; plain, without `//`, `.`, `..`, `**`, `%`, `?`, `#` or `;`, and not \
                      below /.waiting-room";
        source.error(&found.span(), field, format!("\"{}\"", found.get_ref()), needed)
    })
}

fn text(
    source: &Source<'_>,
    field: &str,
    value: &Maybe<String>,
    default: &str,
) -> Result<String, ConfigError> {
    let Some(value) = value else { return Ok(default.to_owned()) };
    let length = value.get_ref().len();
    if let Some(c) = value.get_ref().chars().find(|c| c.is_control() && !matches!(c, '\n' | '\t')) {
        let found = format!("the control character U+{:04X}", u32::from(c));
        return Err(source.error(&value.span(), field, found, "characters that can be read are needed"));
    }
    if length <= TEXT_MAX {
        return Ok(value.get_ref().clone());
    }
    let needed = format!("at most {TEXT_MAX} bytes are needed");
    Err(source.error(&value.span(), field, format!("{length} bytes"), needed))
}

/// A room as a table that [`parse`] reads.
pub fn show(room: &RoomConfig) -> toml::Table {
    let RoomConfig {
        id,
        hosts,
        paths,
        public_paths,
        case,
        title,
        message,
        on_store_failure,
        open_per_minute,
        bind_tokens,
        work_bits,
        bypass,
        pages,
        rules,
    } = room;
    let mut table = toml::Table::new();
    let mut put = |key: &str, value: Value| table.insert(key.to_owned(), value);
    put("id", id.to_string().into());
    put("hosts", hosts.clone().into());
    put("paths", paths.iter().map(ToString::to_string).collect::<Vec<_>>().into());
    if !public_paths.is_empty() {
        put("public_paths", public_paths.iter().map(ToString::to_string).collect::<Vec<_>>().into());
    }
    put("case_sensitive", (*case == Case::Kept).into());
    put("title", title.clone().into());
    put("message", message.clone().into());
    put("on_store_failure", on_store_failure.as_str().into());
    put("open_per_minute", Value::Integer(i64::try_from(*open_per_minute).unwrap_or(i64::MAX)));
    work_bits.map(|bits| put("work_bits", bits.into()));
    put("bind_tokens", bind_tokens_as_str(*bind_tokens).into());
    if let Some(pages) = pages::show(pages) {
        put("pages", pages.into());
    }
    if !bypass.is_empty() {
        put("bypass", bypass::show(bypass));
    }
    rules::show(rules, &mut table);
    table
}
