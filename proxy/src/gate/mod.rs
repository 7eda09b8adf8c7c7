//! From the facts of a request to a verdict. Pure: plain data in, plain data out, no I/O, no clock, and no word
//! of the HTTP library that carries it.

mod back;
pub mod bypass;
pub mod calls;
pub mod client;
pub mod credentials;
pub mod elsewhere;
pub mod fields;
pub mod framing;
pub mod host;
mod key;
mod kind;
pub mod query;
mod readings;
pub mod routes;
pub mod target;

use http::{Method, header};

pub use back::back;
use calls::Call;
use fields::Fields;
use host::Authority;
pub use kind::Kind;
use routes::Routes;
use target::{Case, Target};

/// Everything below belongs to the edge.
const EDGE_PATH: &str = "/.waiting-room";

fn is_edge_path(key: &str) -> bool {
    key.strip_prefix(EDGE_PATH).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// What is to be done with a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decision {
    /// The host, as forwarded.
    pub authority: Authority,
    /// The target, as forwarded.
    pub target: Target,
    /// Where it leads.
    pub verdict: Verdict,
}

/// Where a request leads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// To the edge itself.
    Edge(Call),
    /// To a path that no room protects.
    Open,
    /// To a path of the room with this index.
    Protected {
        /// The room.
        room: usize,
        /// What is wanted.
        kind: Kind,
    },
}

/// Why a request is refused before anything else is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// No `Host`, or more than one.
    #[error("exactly one Host is needed")]
    HostCount,
    /// A `Host` that is none.
    #[error(transparent)]
    Host(#[from] host::BadHost),
    /// An absolute-form target for another host than `Host` says.
    #[error("the target and the Host name different hosts")]
    HostMismatch,
    /// A target that cannot be read.
    #[error(transparent)]
    Target(#[from] target::BadTarget),
    /// A head whose lines, or whose body, end in different places for different readers.
    #[error("the head can be read in two ways")]
    Framing,
    /// A method that has the shop send back what it was sent, and with it what only the edge may say.
    #[error("this method is not served")]
    Method,
    /// A path that one server would read as protected and another not.
    #[error("the path can be read in two ways")]
    Ambiguous,
}

/// Decides where a request leads.
///
/// # Errors
/// When host or target cannot be read in exactly one way.
pub fn decide(
    routes: &Routes,
    method: &Method,
    raw_target: &[u8],
    headers: &Fields<'_>,
) -> Result<Decision, Refusal> {
    if ["TRACE", "TRACK"].iter().any(|echo| method.as_str().eq_ignore_ascii_case(echo)) {
        return Err(Refusal::Method);
    }
    let mut hosts = headers.get_all(header::HOST);
    let (Some(only), None) = (hosts.next(), hosts.next()) else { return Err(Refusal::HostCount) };
    let authority = host::parse(only.as_bytes())?;
    let (named, target) = target::parse(raw_target)?;
    if let Some(named) = named
        && host::parse(named)? != authority
    {
        return Err(Refusal::HostMismatch);
    }
    let verdict = if is_edge_path(target.plain()) {
        if !target.has_one_reading() {
            return Err(Refusal::Ambiguous);
        }
        Verdict::Edge(Call::parse(method, target.plain().strip_prefix(EDGE_PATH).unwrap_or_default()))
    } else if target.others_as(Case::Ignored).any(is_edge_path) {
        return Err(Refusal::Ambiguous);
    } else {
        match routes.find_both(authority.host(), &target) {
            Ok(Some(room)) => Verdict::Protected { room, kind: Kind::of(method, headers) },
            Ok(None) => Verdict::Open,
            Err(()) => return Err(Refusal::Ambiguous),
        }
    };
    Ok(Decision { authority, target, verdict })
}

#[cfg(test)]
mod tests;
