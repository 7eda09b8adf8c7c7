//! Tokens that are good for one client only, where the room wants it so.

use std::net::IpAddr;
use std::time::Duration;

use admission::binding::{BindTo, Binding, Client};
use admission::token::Admission;
use http::header;

use super::{Pass, Room};
use crate::gate::client::Prefix;
use crate::gate::fields::{Fields, Value};

/// For how long after a session began its ticket still brings the token: an answer may have been lost on the way. Later
/// a ticket that was stolen along with the token would bring the thief one of their own.
const AGAIN_WITHIN: Duration = Duration::from_secs(30);

/// Who asks, as far as tokens may be bound to it.
#[derive(Clone, Copy)]
pub struct Who<'a> {
    /// Their address, where that is known.
    pub address: Option<IpAddr>,
    /// How many bits of an address make a network, for IPv4 and for IPv6.
    pub network_bits: (u8, u8),
    /// What else they say.
    pub headers: &'a Fields<'a>,
}

impl Who<'_> {
    fn with_client<T>(&self, told: impl FnOnce(Client<'_>) -> T) -> T {
        let (v4, v6) = self.network_bits;
        let network = self.address.map(|address| Prefix::of(address, v4, v6).number().to_be_bytes());
        let browser = self.headers.get(header::USER_AGENT).map_or(&[][..], Value::as_bytes);
        told(Client { network: network.as_ref().map_or(&[][..], |bytes| bytes.as_slice()), browser })
    }
}

impl Room {
    /// Whether a token is good for who shows it. One that is bound to nobody is good for anybody: it was made before the
    /// room wanted it otherwise.
    pub(super) fn is_theirs(&self, admission: &Admission, who: &Who<'_>) -> bool {
        match &admission.binding {
            Some(binding) if self.config().bind_tokens.is_some() => {
                who.with_client(|client| binding.holds(&self.ports.keys.load(), &self.id, client))
            }
            _ => true,
        }
    }

    /// The pass as it is given to `who`: bound to them, where the room wants it so. Nothing for a session that began a
    /// while ago: its token is with somebody, and is not given to another.
    pub fn hand_to(&self, pass: Pass, who: &Who<'_>) -> Option<Pass> {
        let Some(to) = self.config().bind_tokens else { return Some(pass) };
        if self.line_now().since(pass.admission.began_at) > AGAIN_WITHIN {
            return None;
        }
        self.bound(&pass.admission, to, who)
    }

    fn bound(&self, admission: &Admission, to: BindTo, who: &Who<'_>) -> Option<Pass> {
        let binding = who.with_client(|client| Binding::new(&self.ports.keys.load(), &self.id, to, client));
        let admission = Admission { binding: Some(binding), ..admission.clone() };
        self.mint(admission, self.ports.clock.now()).ok()
    }
}
