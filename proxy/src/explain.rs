//! What would happen to a request, and why, rule by rule: by the code that decides about real ones. What only a running edge
//! knows (who waits, which sessions ended) is said to be so.

use std::net::IpAddr;

use admission::bypass::Bypass;
use admission::clock::Timestamp;
use admission::keyring::Keyring;
use admission::name::RoomId;
use admission::rules::{Mode, Phase};
use admission::ticket::Ticket;
use admission::token::Admission;
use http::{HeaderMap, Method};

use crate::config::keys::CdnSecret;
use crate::config::rooms::room_routes;
use crate::config::{Config, RoomConfig};
use crate::gate::bypass::Asked;
use crate::gate::credentials::{ADMISSION_HEADER, BYPASS_HEADER, TICKET_HEADER, presented};
use crate::gate::fields::Fields;
use crate::gate::routes::Routes;
use crate::gate::{Decision, Kind, Verdict, decide};
use crate::waiting::cookies::Cookies;
use crate::waiting::time::rfc3339;

/// A request that is asked about.
#[derive(Clone, Debug)]
pub struct Request {
    /// Its method.
    pub method: Method,
    /// Its target, as it stands in the request line.
    pub target: String,
    /// Its headers, `Host` among them.
    pub headers: HeaderMap,
    /// Where its connection comes from.
    pub peer: IpAddr,
}

/// The keys that decide.
#[derive(Clone, Copy)]
pub struct Known<'a> {
    /// Of tickets and tokens.
    pub line: &'a Keyring,
    /// What the CDN shows, where one has to.
    pub cdn: Option<&'a CdnSecret>,
}

/// Tells it, one line each, the outcome in the last.
pub fn explain(config: &Config, room: &RoomId, keys: Known<'_>, request: &Request, now: Timestamp) -> String {
    let mut told = Vec::new();
    let outcome = steps(config, room, keys, request, now, &mut told);
    told.push(format!("=> {outcome}"));
    told.join("\n") + "\n"
}

fn steps(
    config: &Config,
    asked_about: &RoomId,
    keys: Known<'_>,
    request: &Request,
    now: Timestamp,
    told: &mut Vec<String>,
) -> String {
    let Request { method, target, headers, peer } = request;
    let headers = &Fields::of(headers);
    let edge = &config.edge;
    if let Some(header) = &edge.cdn.secret_header {
        let mut shown = headers.get_all(header);
        let is_shown = matches!((shown.next(), shown.next(), keys.cdn), (Some(only), None, Some(secret)) if secret.is(only.as_bytes()));
        if !is_shown {
            return format!("403: `cdn.secret_header` is set, and {header} does not come with the secret");
        }
        told.push(format!("cdn: {header} comes with the secret"));
    }
    let client = match edge.cdn.trusted_proxies.client(*peer, headers) {
        Ok(client) if client == peer.to_canonical() => {
            told.push(format!("client: {client}, the peer of the connection"));
            client
        }
        Ok(client) => {
            told.push(format!("client: {client}, for {peer} is one of `cdn.trusted_proxies` and says so"));
            client
        }
        Err(error) => return format!("400: {peer} is one of `cdn.trusted_proxies`, but {error}"),
    };
    let routes = config.rooms.iter().enumerate().flat_map(|(index, room)| room_routes(room, index)).collect();
    let decision = match decide(&Routes::new(routes), method, target.as_bytes(), headers) {
        Ok(decision) => decision,
        Err(refusal) => return format!("400, before any room is asked: {refusal}"),
    };
    told.push(format!("read as: {method} {}{}", decision.authority.host(), decision.target.path_and_query()));
    let room = match &decision.verdict {
        Verdict::Edge(_) => {
            return "the edge answers itself: below /.waiting-room nothing is forwarded".to_owned();
        }
        Verdict::Open => {
            for line in why_not(config, asked_about, &decision) {
                told.push(line);
            }
            return "forwarded to the shop: no room protects this host and path".to_owned();
        }
        Verdict::Protected { room, .. } => config.rooms.get(*room),
    };
    let Some(room) = room else { return "nothing is known of the room".to_owned() };
    let path = room.paths.iter().find(|path| path.covers_both(&decision.target));
    let path = path.map_or_else(String::new, |path| format!(", by its path \"{path}\""));
    told.push(format!("room: `{}`{path}", room.id));
    if room.id != *asked_about {
        told.push(format!(
            "so `{asked_about}` has nothing to do with it: its own paths do not lead here, or less exactly"
        ));
    }
    in_room(config, room, keys, request, &decision, client, now, told)
}

/// Why the room that was asked about does not protect the request.
fn why_not(config: &Config, asked_about: &RoomId, decision: &Decision) -> Vec<String> {
    let Some(room) = config.rooms.iter().find(|room| room.id == *asked_about) else { return Vec::new() };
    let mut lines = Vec::new();
    let host = decision.authority.host();
    if !room.hosts.is_empty() && !room.hosts.iter().any(|name| name == host) {
        lines.push(format!("`{}` is not for {host}; its hosts: {}", room.id, room.hosts.join(", ")));
    }
    if !room.paths.iter().any(|path| path.covers_both(&decision.target)) {
        let paths: Vec<String> = room.paths.iter().map(ToString::to_string).collect();
        lines.push(format!("`{}` does not have this path; its paths: {}", room.id, paths.join(", ")));
    }
    lines
}

#[expect(clippy::too_many_arguments, reason = "all that decides")]
fn in_room(
    config: &Config,
    room: &RoomConfig,
    keys: Known<'_>,
    request: &Request,
    decision: &Decision,
    client: IpAddr,
    now: Timestamp,
    told: &mut Vec<String>,
) -> String {
    let Request { method, headers, .. } = request;
    let headers = &Fields::of(headers);
    let (target, cookie_keys) = (&decision.target, config.edge.cookie_keys.as_ref());
    let asked = Asked { target, method, client: Some(client), headers, cookie_keys, now };
    for rule in &room.bypass {
        match rule.failing(&asked) {
            Some(why) => told.push(format!("bypass `{}`: no, {why}", rule.name)),
            None => {
                told.push(format!("bypass `{}`: all that it names holds", rule.name));
                return format!("forwarded to the shop, past the line, by the rule `{}`", rule.name);
            }
        }
    }
    let cookies = Cookies::new(&room.id, config.edge.public_scheme);
    for sealed in presented(headers, &BYPASS_HEADER, cookies.bypass_name()) {
        match Bypass::open(keys.line, &room.id, sealed, now) {
            Ok(_) => return "forwarded to the shop, past the line, by a minted bypass".to_owned(),
            Err(error) => told.push(format!("a minted bypass: no, {error}")),
        }
    }
    let mut tokens = 0;
    for token in presented(headers, &ADMISSION_HEADER, cookies.admission_name()) {
        tokens += 1;
        match Admission::verify(keys.line, &room.id, token, now) {
            Ok(admission) => {
                let until = rfc3339(admission.expires_at);
                told.push(format!("admission token: good until {until}, of ticket {}", admission.ticket));
                if let Some(bind) = room.bind_tokens {
                    told.push(format!(
                        "it is good for one {} only, which a running edge checks",
                        bind.as_str()
                    ));
                }
                return "forwarded to the shop with its session, unless the session ended or was voided, which running edges \
                        know"
                    .to_owned();
            }
            Err(error) => told.push(format!("admission token: no, {error}")),
        }
    }
    if tokens == 0 {
        told.push(format!(
            "admission token: none in {} or the header {ADMISSION_HEADER}",
            cookies.admission_name()
        ));
    }
    let phase = room.rules.phase(now);
    told.push(format!("mode: {}, which now comes to {phase:?}", room.rules.mode.as_str()).to_lowercase());
    if room.rules.mode == Mode::Off {
        return "forwarded to the shop: with mode = \"off\" the room protects nothing".to_owned();
    }
    if room.rules.mode == Mode::Shadow {
        return "forwarded to the shop: with mode = \"shadow\" everybody passes, and the room tells who would have waited"
            .to_owned();
    }
    let mut has_ticket = false;
    for sealed in presented(headers, &TICKET_HEADER, cookies.ticket_name()) {
        match Ticket::open(keys.line, &room.id, sealed) {
            Ok(ticket) => {
                told.push(format!(
                    "ticket: {} in lane {}; where it stands the line says",
                    ticket.id, ticket.lane
                ));
                has_ticket = true;
                break;
            }
            Err(error) => told.push(format!("ticket: no, {error}")),
        }
    }
    in_line(room, phase, Kind::of(method, headers), room.is_public(method, target), has_ticket, told)
}

/// What becomes of who has to stand in line, or might.
fn in_line(
    room: &RoomConfig,
    phase: Phase,
    kind: Kind,
    is_public: bool,
    has_ticket: bool,
    told: &mut Vec<String>,
) -> String {
    let (wants, refused) = match kind {
        Kind::Navigation => ("a page for a person", "202 with the waiting page"),
        Kind::Prefetch => {
            return "503: a prefetch is a guess of the browser, and takes no place in the line".to_owned();
        }
        Kind::Form => ("a form of a browser", "429 with a page that leads back"),
        Kind::Other => (
            "neither a page nor a form, by its Sec-Fetch-Mode and Accept",
            "429 with Waiting-Room and a Link to join",
        ),
    };
    told.push(format!("it wants: {wants}"));
    if is_public {
        told.push(
            "its path is one of `public_paths`: while nobody waits it passes and takes no turn".to_owned(),
        );
    }
    let if_free = match (phase, room.rules.mode) {
        (Phase::Open, Mode::Auto) if room.rules.drain_per_minute > 0 => {
            "where nobody waits and there is room, forwarded with a session at once; else "
        }
        _ => "",
    };
    let turn = if has_ticket { "if its turn has come, forwarded with a session; else " } else { "" };
    format!("{turn}{if_free}{refused}")
}
