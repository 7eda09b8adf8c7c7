//! The list of events, and what somebody looks for in it.

use std::sync::Arc;
use std::time::Duration;

use admission::clock::Timestamp;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use minijinja::context;
use serde::{Deserialize, Serialize};

use super::views::EventView;
use crate::app::App;
use crate::datetime;
use crate::events::EventQuery;
use crate::http::{Problem, QueryArgs, Reader, public_page};
use crate::ids::EventId;

/// Events on one page.
const PAGE: u32 = 24;
/// How long an event stays in the list after it began.
const SHOWN_FOR: Duration = Duration::from_secs(12 * 3600);
const HOUR_MS: u64 = 3600 * 1000;
const DAY: Duration = Duration::from_secs(24 * 3600);
/// Longest text that is looked for, in characters.
const SEARCH_LENGTH_MAX: usize = 200;

/// What the form of the list says; an empty field says nothing.
#[derive(Default, Deserialize, Serialize)]
pub(super) struct ListArgs {
    #[serde(default)]
    q: String,
    #[serde(default)]
    venue: String,
    #[serde(default)]
    from: String,
    #[serde(default)]
    until: String,
    #[serde(skip_serializing)]
    after: Option<EventId>,
}

impl ListArgs {
    /// What is looked for at `now`. Without a first day it is what has not been over for long; that moment moves by the
    /// hour, so that all who look within one ask for the same list.
    fn query(&self, now: Timestamp) -> Result<EventQuery, Problem> {
        let day = |name: &str, text: &str| match text {
            "" => Ok(None),
            _ => datetime::parse_day(text)
                .map(Some)
                .map_err(|_| Problem::invalid(format!("`{name}`: a day such as `2027-06-01` is needed"))),
        };
        let shown = (now - SHOWN_FOR).as_millis();
        let shown = Timestamp::from_millis(shown - shown % HOUR_MS);
        Ok(EventQuery {
            words: EventQuery::words_of(&self.q.chars().take(SEARCH_LENGTH_MAX).collect::<String>()),
            venue: EventQuery::venue_of(&self.venue),
            from: Some(day("from", &self.from)?.unwrap_or(shown)),
            // The last day is in it.
            until: day("until", &self.until)?.map(|day| day + DAY),
            with_drafts: false,
            after: self.after.clone(),
            limit: PAGE,
        })
    }

    const fn is_empty(&self) -> bool {
        self.q.is_empty() && self.venue.is_empty() && self.from.is_empty() && self.until.is_empty()
    }
}

/// `GET /`
pub(super) async fn list(
    State(app): State<Arc<App>>,
    QueryArgs(args): QueryArgs<ListArgs>,
    reader: Reader,
) -> Result<Response, Problem> {
    let events = app.events.page(&args.query(app.clock.now())?).await?;
    let venues = app.events.venues().await?;
    let next = events.last().filter(|_| events.len() >= PAGE as usize).map(|last| last.event.id.as_str());
    let views: Vec<_> = events.iter().map(|event| EventView::on_sale(event, reader.language)).collect();
    let context = context! {
        events => views,
        venues => *venues,
        args,
        searched => !args.is_empty(),
        later => args.after.is_some(),
        next,
    };
    let mut response = app.templates.page(&reader, StatusCode::OK, "events.html", context)?;
    public_page(response.headers_mut());
    Ok(response)
}
