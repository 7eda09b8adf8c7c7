//! The cookies of a room: their names, and how they are set and cleared.

use std::fmt;
use std::time::Duration;

use admission::name::RoomId;

/// How fans reach the edge, or the CDN before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scheme {
    /// Plain HTTP: a development machine.
    Http,
    /// TLS: cookies are `Secure` and bound to the host.
    Https,
}

impl Scheme {
    /// As in configuration and in `X-Forwarded-Proto`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Http => "http",
            Self::Https => "https",
        }
    }
}

impl fmt::Display for Scheme {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// How long a browser keeps a ticket. The line forgets fans earlier; this only bounds the clutter.
const TICKET_AGE: Duration = Duration::from_secs(7 * 24 * 3600);

/// How long a browser keeps the id of a visit to a room in shadow mode.
const SHADOW_AGE: Duration = Duration::from_secs(12 * 3600);

/// The cookies of one room.
#[derive(Clone, Debug)]
pub struct Cookies {
    ticket: String,
    admission: String,
    invitation: String,
    bypass: String,
    shown: String,
    work: String,
    shadow: String,
    scheme: Scheme,
}

impl Cookies {
    /// The cookies of `room`.
    pub fn new(room: &RoomId, scheme: Scheme) -> Self {
        let prefix = match scheme {
            Scheme::Http => "",
            Scheme::Https => "__Host-",
        };
        Self {
            ticket: format!("{prefix}wr-ticket-{room}"),
            admission: format!("{prefix}wr-admission-{room}"),
            invitation: format!("{prefix}wr-invitation-{room}"),
            bypass: format!("{prefix}wr-bypass-{room}"),
            shown: format!("{prefix}wr-shown-{room}"),
            work: format!("{prefix}wr-work-{room}"),
            shadow: format!("{prefix}wr-shadow-{room}"),
            scheme,
        }
    }

    /// The name of the cookie that holds the ticket.
    pub fn ticket_name(&self) -> &str {
        &self.ticket
    }

    /// The name of the cookie that holds the admission token.
    pub fn admission_name(&self) -> &str {
        &self.admission
    }

    /// The name of the cookie that holds the invitation.
    pub fn invitation_name(&self) -> &str {
        &self.invitation
    }

    /// The name of the cookie that holds a bypass.
    pub fn bypass_name(&self) -> &str {
        &self.bypass
    }

    /// The `Set-Cookie` value that keeps a bypass which is good for `age`.
    pub fn give_bypass(&self, sealed: &str, age: Duration) -> String {
        self.set(&self.bypass, sealed, age)
    }

    /// The name of the cookie that holds the place which the fan was shown last.
    pub fn shown_name(&self) -> &str {
        &self.shown
    }

    /// The name of the cookie by which a visitor is known again who passes a room in shadow mode.
    pub fn shadow_name(&self) -> &str {
        &self.shadow
    }

    /// The `Set-Cookie` value by which a visitor is known again.
    pub fn give_shadow(&self, visit: &str) -> String {
        self.set(&self.shadow, visit, SHADOW_AGE)
    }

    /// The name of the cookie that holds what the fan has to do before they get a place.
    pub fn work_name(&self) -> &str {
        &self.work
    }

    /// The `Set-Cookie` value that keeps a challenge which is good for `age`.
    pub fn give_work(&self, sealed: &str, age: Duration) -> String {
        self.set(&self.work, sealed, age)
    }

    /// The `Set-Cookie` value that gives the fan their ticket.
    pub fn give_ticket(&self, sealed: &str) -> String {
        self.set(&self.ticket, sealed, TICKET_AGE)
    }

    /// The `Set-Cookie` value that gives the fan an admission token which is good for `age`.
    pub fn give_admission(&self, token: &str, age: Duration) -> String {
        self.set(&self.admission, token, age)
    }

    /// The admission token that a `Set-Cookie` value gives, if it gives one.
    pub fn admission_in<'a>(&self, set_cookie: &'a str) -> Option<&'a str> {
        let value = set_cookie.strip_prefix(self.admission.as_str())?.strip_prefix('=')?;
        value.split(';').next().filter(|token| !token.is_empty())
    }

    /// The `Set-Cookie` value that keeps an invitation which is good for `age`.
    pub fn give_invitation(&self, sealed: &str, age: Duration) -> String {
        self.set(&self.invitation, sealed, age)
    }

    /// The `Set-Cookie` value that takes the invitation away.
    pub fn clear_invitation(&self) -> String {
        self.set(&self.invitation, "", Duration::ZERO)
    }

    /// The `Set-Cookie` value that keeps the place which the fan was shown. The page's script writes it too.
    pub fn give_shown(&self, position: u64) -> String {
        self.set(&self.shown, &position.to_string(), TICKET_AGE).replace(" HttpOnly;", "")
    }

    /// The `Set-Cookie` value that takes it away.
    pub fn clear_shown(&self) -> String {
        self.set(&self.shown, "", Duration::ZERO).replace(" HttpOnly;", "")
    }

    /// The `Set-Cookie` values that take away what belongs to a place: the ticket, the admission token, and what was
    /// shown of it.
    pub fn clear(&self) -> [String; 3] {
        [
            self.set(&self.ticket, "", Duration::ZERO),
            self.set(&self.admission, "", Duration::ZERO),
            self.clear_shown(),
        ]
    }

    fn set(&self, name: &str, value: &str, age: Duration) -> String {
        let secure = match self.scheme {
            Scheme::Http => "",
            Scheme::Https => "; Secure",
        };
        format!("{name}={value}; Path=/; Max-Age={}; HttpOnly; SameSite=Lax{secure}", age.as_secs())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cookies_are_bound_to_the_host_under_tls() {
        let room = RoomId::parse("demo").unwrap();
        let plain = Cookies::new(&room, Scheme::Http);
        assert_eq!(
            plain.give_admission("t", Duration::from_secs(600)),
            "wr-admission-demo=t; Path=/; Max-Age=600; HttpOnly; SameSite=Lax"
        );
        let secure = Cookies::new(&room, Scheme::Https);
        assert_eq!(
            secure.give_ticket("t"),
            "__Host-wr-ticket-demo=t; Path=/; Max-Age=604800; HttpOnly; SameSite=Lax; Secure"
        );
        assert_eq!(
            secure.give_shown(7),
            "__Host-wr-shown-demo=7; Path=/; Max-Age=604800; SameSite=Lax; Secure"
        );
        for cleared in secure.clear() {
            assert!(cleared.contains("=; Path=/; Max-Age=0;"), "{cleared}");
        }
    }
}
