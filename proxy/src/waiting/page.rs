//! The pages: the waiting page, and the plain ones for when there is no line to show.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::StatusCode;
use http::header::{self, HeaderName};
use minijinja::{AutoEscape, Environment, context};
use sha2::{Digest, Sha256};

use super::reply::Reply;
use super::status::{State, Status};

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

    /// The waiting page for a fan with this status.
    pub fn waiting(&self, title: &str, status: &Status) -> Reply {
        let refresh_seconds = refresh_seconds(status);
        let (heading, lead) = words(status.state);
        let page = self.templates.get_template("waiting").and_then(|template| {
            template.render(context! {
                title, heading, lead, refresh_seconds,
                style => STYLE, script => SCRIPT,
                room => status.room,
                state => status.state.as_str(),
                position => status.position.map(grouped),
                position_number => status.position,
                ahead => status.ahead.map(grouped),
                wait => wait_words(status),
                message => status.message,
                updated_at => status.updated_at,
                updated_words => time_of_day(&status.updated_at),
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
    (status.poll_after_ms / 1000).clamp(2, 20)
}

fn words(state: State) -> (&'static str, &'static str) {
    match state {
        State::Waiting => {
            ("You are in line", "Keep this page open. You will be let in as soon as it is your turn.")
        }
        State::Admitted => ("It is your turn", "You are being let in."),
        State::Paused => ("The line is paused", "Nobody is let in at the moment. Your place is kept."),
        State::Closed => ("This is closed", "Nobody is let in any more."),
        State::Expired => ("Your place has passed", "Your turn came and went. You can stand in line again."),
    }
}

/// The wait in words, as the page's script writes it too.
fn wait_words(status: &Status) -> String {
    let Some(eta) = status.eta_seconds else {
        return "not known yet".to_owned();
    };
    if eta.high < 60 {
        return "less than a minute".to_owned();
    }
    let (low, high) = (eta.low / 60, eta.high.div_ceil(60));
    if high < 120 { between(low, high, "minute") } else { between(low / 60, high.div_ceil(60), "hour") }
}

fn between(low: u64, high: u64, unit: &str) -> String {
    let plural = if high == 1 { "" } else { "s" };
    match low {
        0 => format!("up to {high} {unit}{plural}"),
        low if low >= high => format!("about {high} {unit}{plural}"),
        low => format!("{low} to {high} {unit}{plural}"),
    }
}

/// `2027-01-31T12:00:00.250Z` as `12:00:00 UTC`, for pages without script; with it, the browser's own clock is used.
fn time_of_day(moment: &str) -> String {
    let time = moment.split_once('T').and_then(|(_, time)| time.get(..8));
    time.map_or_else(|| moment.to_owned(), |time| format!("{time} UTC"))
}

/// `1234567` as `1,234,567`.
fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
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
            poll_after_ms: 5000,
            message: "<b>Doors & more</b>".to_owned(),
            updated_at: "2027-01-01T12:01:24.950Z".to_owned(),
        }
    }

    #[test]
    fn the_page_is_whole_without_script() {
        let reply = Pages::new().unwrap().waiting("The \"Big\" Show", &status());
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
        assert!(body.len() < 14 * 1024, "{} bytes", body.len());
        for outside in ["src=\"http", "href=\"http", "url(http", "//cdn"] {
            assert!(!body.contains(outside), "{outside}");
        }
    }

    #[test]
    fn a_place_that_is_not_known_is_not_shown() {
        let unknown = Status { position: None, ahead: None, eta_seconds: None, ..status() };
        let reply = Pages::new().unwrap().waiting("Show", &unknown);
        let body = std::str::from_utf8(&reply.body).unwrap();
        assert!(body.contains("class=\"place\" hidden") && body.contains("data-number=\"\""), "{body}");
    }

    #[test]
    fn the_policy_names_what_the_page_holds() {
        let pages = Pages::new().unwrap();
        let reply = pages.waiting("x", &status());
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

    #[test]
    fn numbers_and_waits_are_written_for_people() {
        for (number, text) in [(0, "0"), (999, "999"), (1000, "1,000"), (1_234_567, "1,234,567")] {
            assert_eq!(grouped(number), text);
        }
        assert_eq!(wait_words(&Status { eta_seconds: None, ..status() }), "not known yet");
        for (low, high, text) in [
            (0, 30, "less than a minute"),
            (59, 59, "less than a minute"),
            (0, 60, "up to 1 minute"),
            (60, 60, "about 1 minute"),
            (20, 90, "up to 2 minutes"),
            (60, 61, "1 to 2 minutes"),
            (120, 120, "about 2 minutes"),
            (600, 1000, "10 to 17 minutes"),
            (3600, 7139, "60 to 119 minutes"),
            (3599, 7141, "up to 2 hours"),
            (3600, 7200, "1 to 2 hours"),
            (1200, 9000, "up to 3 hours"),
            (7200, 7200, "about 2 hours"),
            (7200, 9000, "2 to 3 hours"),
        ] {
            let eta_seconds = Some(Eta { low, high });
            assert_eq!(wait_words(&Status { eta_seconds, ..status() }), text, "{low} {high}");
        }
    }
}
