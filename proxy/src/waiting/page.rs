//! The pages: the waiting page, and the plain ones for when there is no line to show.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::StatusCode;
use http::header::{self, HeaderName};
use minijinja::{AutoEscape, Environment, context};
use sha2::{Digest, Sha256};

use super::draw::DrawNote;
use super::reply::Reply;
use super::status::{State, Status};
use super::words;

const WAITING: &str = include_str!("../../assets/waiting.html");
const NOTICE: &str = include_str!("../../assets/notice.html");
const STYLE: &str = include_str!("../../assets/waiting.css");
const SCRIPT: &str = include_str!("../../assets/waiting.js");

/// Renders the pages.
pub struct Pages {
    templates: Environment<'static>,
    policy: String,
}

/// The templates do not parse.
#[derive(Debug, thiserror::Error)]
#[error("a page template cannot be used: {0}")]
pub struct TemplateError(#[from] minijinja::Error);

/// A plain page: something is in the way, and what to do.
#[derive(Clone, Copy, Debug)]
pub struct Notice<'a> {
    /// The status code.
    pub status: StatusCode,
    /// What the fan came for.
    pub title: &'a str,
    /// What is the matter.
    pub heading: &'a str,
    /// What it means and what happens next.
    pub text: &'a str,
    /// After how long to try again.
    pub retry_seconds: u64,
    /// Where a link leads, and its words. Without one the page tries again by itself, which one that answers a
    /// posted form must not: it would ask for something else.
    pub link: Option<(&'a str, &'a str)>,
}

/// The page of a fan who waits.
#[derive(Clone, Copy, Debug)]
pub struct WaitingPage<'a> {
    /// What the fan came for.
    pub title: &'a str,
    /// Where they stand.
    pub status: &'a Status,
    /// The draw that they take part in.
    pub draw: Option<&'a DrawNote>,
    /// The cookie that remembers the place that they were shown.
    pub shown_cookie: &'a str,
}

impl Pages {
    /// Reads the templates.
    ///
    /// # Errors
    /// When one does not parse.
    pub fn new() -> Result<Self, TemplateError> {
        let mut templates = Environment::new();
        templates.set_auto_escape_callback(|_| AutoEscape::Html);
        templates.add_template("waiting", WAITING)?;
        templates.add_template("notice", NOTICE)?;
        let hash = |text: &str| format!("'sha256-{}'", STANDARD.encode(Sha256::digest(text)));
        // The style and the script are the same for everyone, so their hashes say exactly what may run.
        let policy = format!(
            "default-src 'none'; style-src {}; script-src {}; connect-src 'self'; img-src data:; base-uri 'none'; \
             form-action 'none'; frame-ancestors 'none'",
            hash(STYLE),
            hash(SCRIPT)
        );
        Ok(Self { templates, policy })
    }

    /// The waiting page.
    pub fn waiting(&self, page: &WaitingPage<'_>) -> Reply {
        let WaitingPage { title, status, draw, shown_cookie } = *page;
        let refresh_seconds = refresh_seconds(status);
        let (heading, lead) = words::of(status);
        let page = self.templates.get_template("waiting").and_then(|template| {
            template.render(context! {
                title, heading, lead, refresh_seconds, shown_cookie,
                style => STYLE, script => SCRIPT,
                room => status.room,
                state => status.state.as_str(),
                position => status.position.map(words::grouped),
                position_number => status.position,
                ahead => status.ahead.map(words::grouped),
                wait => words::wait(status.eta_seconds),
                message => status.message,
                updated_at => status.updated_at,
                updated_words => words::time_of_day(&status.updated_at),
                opens_at => status.opens_at,
                opens_in_ms => status.opens_in.map(admission::clock::millis),
                opens_words => words::opens(status),
                commitment => draw.map(|draw| draw.commitment.as_str()),
                ticket => draw.map(|draw| draw.ticket.as_str()),
                is_drawn => status.state != State::Prequeue,
                poll_after_ms => status.poll_after_ms,
            })
        });
        self.finish(StatusCode::ACCEPTED, page).retry_after(refresh_seconds)
    }

    /// A plain page.
    pub fn notice(&self, notice: &Notice<'_>) -> Reply {
        let page = self.templates.get_template("notice").and_then(|template| {
            template.render(context! {
                style => STYLE,
                title => notice.title,
                heading => notice.heading,
                text => notice.text,
                retry_seconds => notice.retry_seconds,
                link => notice.link.map(|(target, _)| target),
                link_words => notice.link.map(|(_, words)| words),
            })
        });
        self.finish(notice.status, page).retry_after(notice.retry_seconds)
    }

    fn finish(&self, status: StatusCode, page: Result<String, minijinja::Error>) -> Reply {
        match page {
            Ok(page) => Reply::html(status, page)
                .with(header::CONTENT_SECURITY_POLICY, &self.policy)
                .with(header::REFERRER_POLICY, "same-origin")
                .with(header::X_FRAME_OPTIONS, "DENY")
                .with(HeaderName::from_static("x-robots-tag"), "noindex"),
            Err(error) => {
                tracing::error!(%error, "a page could not be rendered");
                Reply::problem(StatusCode::INTERNAL_SERVER_ERROR, "page", "the page could not be made")
            }
        }
    }
}

/// After how long a page without script asks again.
fn refresh_seconds(status: &Status) -> u64 {
    status.poll_after_ms.div_ceil(1000).clamp(2, 25)
}

#[cfg(test)]
mod tests {
    use super::super::status::Eta;
    use super::*;

    fn status() -> Status {
        Status {
            room: "demo".to_owned(),
            lane: "general".to_owned(),
            state: State::Waiting,
            position: Some(1235),
            ahead: Some(1234),
            waiting: 5000,
            eta_seconds: Some(Eta { low: 300, high: 500 }),
            drain_per_minute: 600,
            opens_at: None,
            opens_in: None,
            poll_after_ms: 5000,
            message: "<b>Doors & more</b>".to_owned(),
            updated_at: "2027-01-01T12:01:24.950Z".to_owned(),
        }
    }

    fn page<'a>(title: &'a str, status: &'a Status, draw: Option<&'a DrawNote>) -> WaitingPage<'a> {
        WaitingPage { title, status, draw, shown_cookie: "wr-shown-demo" }
    }

    #[test]
    fn the_page_is_whole_without_script() {
        let reply = Pages::new().unwrap().waiting(&page("The \"Big\" Show", &status(), None));
        let body = std::str::from_utf8(&reply.body).unwrap();
        for part in [
            "1,235",
            "1,234",
            "5 to 9 minutes",
            ">12:01:24 UTC</time>",
            "http-equiv=\"refresh\"",
            "data-testid=\"position\"",
            "data-testid=\"ahead\"",
            "data-testid=\"wait\"",
            "data-testid=\"state\"",
            "data-testid=\"leave\"",
            "aria-live=\"polite\"",
            "&lt;b&gt;Doors &amp; more&lt;",
        ] {
            assert!(body.contains(part), "{part} is missing in {body}");
        }
        assert_eq!(reply.status, StatusCode::ACCEPTED);
        assert_eq!(reply.header("retry-after"), Some("5"));
        assert!(body.len() < 15 * 1024, "{} bytes", body.len());
        for outside in ["src=\"http", "href=\"http", "url(http", "//cdn"] {
            assert!(!body.contains(outside), "{outside}");
        }
    }

    #[test]
    fn a_place_that_is_not_known_is_not_shown() {
        let unknown = Status { position: None, ahead: None, eta_seconds: None, ..status() };
        let reply = Pages::new().unwrap().waiting(&page("Show", &unknown, None));
        let body = std::str::from_utf8(&reply.body).unwrap();
        assert!(body.contains("class=\"place\" hidden") && body.contains("data-number=\"\""), "{body}");
    }

    #[test]
    fn before_the_opening_the_page_says_how_the_order_is_made() {
        let early = Status {
            state: State::Prequeue,
            position: None,
            ahead: None,
            eta_seconds: None,
            opens_at: Some("2027-01-01T12:13:00.000Z".to_owned()),
            opens_in: Some(std::time::Duration::from_secs(11 * 60 + 30)),
            ..status()
        };
        let draw = DrawNote { commitment: "c0ffee".to_owned(), ticket: "abcdefghijklmnop".to_owned() };
        let body = |status: &Status| {
            let reply = Pages::new().unwrap().waiting(&page("Show", status, Some(&draw)));
            assert!(reply.body.len() < 18 * 1024, "{} bytes", reply.body.len());
            String::from_utf8(reply.body.to_vec()).unwrap()
        };
        let page = body(&early);
        for part in [
            "The order will be drawn",
            "gives no advantage",
            "One place is one draw",
            "refreshing changes nothing",
            "12:13:00 UTC on 2027-01-01, in about 12 minutes",
            "data-opens-in=\"690000\"",
            "c0ffee",
            "abcdefghijklmnop",
            "id=\"drawn\" hidden",
            "class=\"place\" hidden",
        ] {
            assert!(page.contains(part), "{part} is missing in {page}");
        }
        let page = body(&status());
        assert!(page.contains("c0ffee") && page.contains("/.waiting-room/demo/draw"), "{page}");
        assert!(
            page.contains("id=\"undrawn\" hidden") && page.contains("id=\"opens\" class=\"place\" hidden"),
            "{page}"
        );
    }

    #[test]
    fn the_policy_names_what_the_page_holds() {
        let pages = Pages::new().unwrap();
        let reply = pages.waiting(&page("x", &status(), None));
        let body = std::str::from_utf8(&reply.body).unwrap();
        let policy = reply.header("content-security-policy").unwrap();
        for (open, close) in [("<style>", "</style>"), ("<script>", "</script>")] {
            let inside = body.split(open).nth(1).unwrap().split(close).next().unwrap();
            let hash = STANDARD.encode(Sha256::digest(inside));
            assert!(policy.contains(&format!("'sha256-{hash}'")), "{open}");
        }
        assert!(!policy.contains("unsafe"));
        assert!(!body.contains(" onclick=") && !body.contains(" style="));
    }

    #[test]
    fn a_notice_says_what_it_has_to_say() {
        let notice = Notice {
            status: StatusCode::SERVICE_UNAVAILABLE,
            title: "Show",
            heading: "Back soon",
            text: "Your place is safe.",
            retry_seconds: 7,
            link: None,
        };
        let reply = Pages::new().unwrap().notice(&notice);
        assert_eq!((reply.status.as_u16(), reply.header("retry-after")), (503, Some("7")));
        let page = std::str::from_utf8(&reply.body).unwrap();
        assert!(page.contains("Your place is safe.") && page.contains("http-equiv"), "{page}");

        let linked = Notice { link: Some(("/a?b=\"><script>", "Go back")), ..notice };
        let reply = Pages::new().unwrap().notice(&linked);
        let page = std::str::from_utf8(&reply.body).unwrap();
        assert!(page.contains("Go back</a>") && !page.contains("http-equiv"), "{page}");
        assert!(!page.contains("<script>") && !page.contains("tries again"), "{page}");
    }
}
