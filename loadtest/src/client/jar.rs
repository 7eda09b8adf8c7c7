//! The cookies of one browser. All edges are one site, so each goes along to whichever is asked.

use std::time::{Duration, Instant};

/// Most cookies that are kept; a site that sets more is not ours.
const COOKIES_MAX: usize = 50;

/// The cookies.
#[derive(Clone, Debug, Default)]
pub(super) struct Jar(Vec<Cookie>);

#[derive(Clone, Debug)]
struct Cookie {
    name: String,
    value: String,
    until: Option<Instant>,
}

impl Jar {
    /// Keeps what a `Set-Cookie` header says. One that is over at once is a cookie less.
    pub(super) fn keep(&mut self, header: &str) {
        let mut parts = header.split(';').map(str::trim);
        let Some((name, value)) = parts.next().and_then(|first| first.split_once('=')) else { return };
        let age = parts.find_map(|part| {
            let (name, value) = part.split_once('=')?;
            name.eq_ignore_ascii_case("max-age").then(|| value.parse::<i64>().ok())?
        });
        self.0.retain(|cookie| cookie.name != name);
        let until = match age {
            Some(..=0) => return,
            Some(age) => Instant::now().checked_add(Duration::from_secs(age.unsigned_abs())),
            None => None,
        };
        if self.0.len() < COOKIES_MAX {
            self.0.push(Cookie { name: name.to_owned(), value: value.to_owned(), until });
        }
    }

    /// The value of the cookie of this name.
    pub(super) fn get(&self, name: &str) -> Option<&str> {
        self.valid().find(|cookie| cookie.name == name).map(|cookie| cookie.value.as_str())
    }

    /// Writes them as the `Cookie` header has them; nothing where there are none.
    pub(super) fn write(&self, to: &mut String) {
        for (nth, Cookie { name, value, .. }) in self.valid().enumerate() {
            to.push_str(if nth == 0 { "Cookie: " } else { "; " });
            to.push_str(name);
            to.push('=');
            to.push_str(value);
        }
        if self.valid().next().is_some() {
            to.push_str("\r\n");
        }
    }

    fn valid(&self) -> impl Iterator<Item = &Cookie> {
        let now = Instant::now();
        self.0.iter().filter(move |cookie| cookie.until.is_none_or(|until| until > now))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cookies_are_kept_replaced_and_taken_back() {
        let mut jar = Jar::default();
        let written = |jar: &Jar| {
            let mut text = String::new();
            jar.write(&mut text);
            text
        };
        assert_eq!(written(&jar), "");
        jar.keep("wr-ticket-demo2=b; Path=/");
        jar.keep("wr-ticket-demo=v1.a.b=; Path=/; HttpOnly; Max-Age=60");
        assert_eq!((jar.get("wr-ticket-demo"), jar.get("wr-ticket-de")), (Some("v1.a.b="), None));
        jar.keep("wr-ticket-demo2=c; Path=/");
        assert_eq!(written(&jar), "Cookie: wr-ticket-demo=v1.a.b=; wr-ticket-demo2=c\r\n");
        jar.keep("wr-ticket-demo=; Path=/; Max-Age=0");
        jar.keep("nonsense");
        assert_eq!(written(&jar), "Cookie: wr-ticket-demo2=c\r\n");
    }
}
