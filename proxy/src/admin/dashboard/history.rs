//! What a room was like lately, in columns.

use axum::Json;
use axum::extract::State;
use http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::series::{CLOSE_STEP, FAR_STEP, Sample, Series};
use crate::admin::Desk;
use crate::admin::access::{Caller, Role};
use crate::admin::body::{Asked, RoomId};
use crate::admin::problem::Problem;

/// How far back.
#[derive(Clone, Copy, Debug, Default, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(in crate::admin) enum Span {
    /// Half an hour, every two seconds.
    #[default]
    Close,
    /// A day, every minute.
    Far,
}

/// What of it.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(in crate::admin) struct Which {
    /// `close`: half an hour, every two seconds; `far`: a day, every minute.
    #[param(inline)]
    span: Option<Span>,
    /// Only what is newer than this, in milliseconds since the Unix epoch: the last `at` that is known already.
    #[param(minimum = 0, maximum = 9_007_199_254_740_991_i64)]
    after: Option<u64>,
}

/// The largest number that every program reads as it is.
const AFTER_MAX: u64 = (1 << 53) - 1;

/// A room over time. The figures with the same index are of the same moment. Those of the line are the same at every
/// proxy and `null` for times at which this one could not reach it; those of waits and of the shop are what this proxy saw.
/// Kept in memory since the proxy began.
#[derive(Debug, Default, Serialize, ToSchema)]
pub(in crate::admin) struct HistoryView {
    /// The time now, by this proxy's clock, in milliseconds since the Unix epoch.
    now: u64,
    /// How far apart the moments are.
    step_seconds: u64,
    /// The moments.
    at: Vec<u64>,
    /// Fans who wait.
    waiting: Vec<Option<u32>>,
    /// Fans with a session.
    active: Vec<Option<u32>>,
    /// Fans whose turn has come and who have not claimed it.
    turns: Vec<Option<u32>>,
    /// Most fans with a session or a turn, as configured.
    max_active: Vec<u32>,
    /// Fans who joined since the moment before.
    joined: Vec<Option<u32>>,
    /// Turns given since the moment before: how much of the drain was used.
    given: Vec<Option<u32>>,
    /// Turns that nobody claimed since the moment before: fans who did not show up.
    lapsed: Vec<Option<u32>>,
    /// Fans a minute, as configured.
    configured_per_minute: Vec<u32>,
    /// Fans a minute, as the shop allowed; as configured, where the drain does not adapt.
    allowed_per_minute: Vec<Option<u32>>,
    /// Of the fans whom this proxy let in out of the line in the minute before: seconds that half of them waited at most.
    wait_p50_seconds: Vec<Option<u32>>,
    /// The same, nine of ten.
    wait_p90_seconds: Vec<Option<u32>>,
    /// The same, 99 of 100.
    wait_p99_seconds: Vec<Option<u32>>,
    /// Requests of the room's fans that this proxy sent to the shop and that ended since the moment before.
    origin_requests: Vec<u32>,
    /// Those of them that failed: no answer, or a status of 500 and above.
    origin_failed: Vec<u32>,
    /// Milliseconds until the shop's answer began, for half of them at most.
    origin_p50_ms: Vec<Option<f32>>,
    /// The same, 95 of 100.
    origin_p95_ms: Vec<Option<f32>>,
}

impl HistoryView {
    fn push(&mut self, sample: &Sample) {
        let line = sample.line;
        let counts = line.and_then(|line| line.counts);
        let [joined, given, lapsed] = [0, 1, 2].map(|index: usize| counts?.get(index).copied());
        let [p50, p90, p99] = [0, 1, 2].map(|index: usize| sample.waits?.get(index).copied());
        let [half, most] =
            [0, 1].map(|index: usize| sample.latency?.get(index).map(|ms| (ms * 10.0).round() / 10.0));
        let [requests, failed] = sample.requests;
        self.at.push(sample.at);
        self.waiting.push(line.map(|line| line.waiting));
        self.active.push(line.map(|line| line.active));
        self.turns.push(line.map(|line| line.turns));
        self.max_active.push(sample.max_active);
        self.joined.push(joined);
        self.given.push(given);
        self.lapsed.push(lapsed);
        self.configured_per_minute.push(sample.configured);
        self.allowed_per_minute.push(line.map(|line| line.allowed));
        self.wait_p50_seconds.push(p50);
        self.wait_p90_seconds.push(p90);
        self.wait_p99_seconds.push(p99);
        self.origin_requests.push(requests);
        self.origin_failed.push(failed);
        self.origin_p50_ms.push(half);
        self.origin_p95_ms.push(most);
    }

    fn of(series: &Series, span: Span, after: u64, now: u64) -> Self {
        let step = match span {
            Span::Close => CLOSE_STEP,
            Span::Far => FAR_STEP,
        };
        let mut view = Self { now, step_seconds: step.as_secs(), ..Self::default() };
        match span {
            Span::Close => series.close(after).for_each(|sample| view.push(sample)),
            Span::Far => series.far(after).for_each(|sample| view.push(sample)),
        }
        view
    }
}

/// What a room was like: half an hour every two seconds, or a day by the minute. Of the first 200 rooms.
#[utoipa::path(get, path = "/api/v1/rooms/{room}/history", tag = "rooms",
    params(("room" = String, Path, description = "Its id"), Which),
    responses((status = 200, body = HistoryView), (status = 404, body = Problem), (status = 422, body = Problem)))]
pub(in crate::admin) async fn history(
    State(desk): State<Desk>,
    caller: Caller,
    RoomId(room): RoomId,
    Asked(Which { span, after }): Asked<Which>,
) -> Result<Json<HistoryView>, Problem> {
    caller.may(Role::Viewer)?;
    let room = desk.room(&room)?;
    if let Some(after) = after.filter(|after| *after > AFTER_MAX) {
        let detail = format!("`after`: found {after}; a time in milliseconds since the Unix epoch is needed");
        return Err(Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "bad_query", detail));
    }
    let (span, after, now) = (span.unwrap_or_default(), after.unwrap_or_default(), desk.now());
    Ok(Json(desk.recorder.ask(room.id.as_str(), |series| HistoryView::of(series, span, after, now))))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use admission::adaptive::LoadReport;

    use super::super::series::Line;
    use super::*;

    #[test]
    fn each_figure_is_in_its_column_and_what_is_not_known_is_null() {
        let mut series = Series::default();
        let line = Line { waiting: 1, active: 2, turns: 3, allowed: 4, counts: Some([5, 6, 7]) };
        let sample = Sample {
            at: 1_800_000_000_000,
            configured: 8,
            max_active: 9,
            line: Some(line),
            waits: Some([10, 11, 12]),
            ..Sample::default()
        };
        let mut report = LoadReport::default();
        report.record(Duration::from_millis(40), true, None);
        series.push(sample, &report);
        let away = Sample { at: sample.at + 2000, line: None, waits: None, ..sample };
        series.push(away, &LoadReport::default());
        let view = HistoryView::of(&series, Span::Close, 0, 7);
        let view = serde_json::to_value(&view).unwrap();
        for (column, known) in [
            ("waiting", 1),
            ("active", 2),
            ("turns", 3),
            ("allowed_per_minute", 4),
            ("joined", 5),
            ("given", 6),
            ("lapsed", 7),
            ("wait_p50_seconds", 10),
            ("wait_p90_seconds", 11),
            ("wait_p99_seconds", 12),
        ] {
            assert_eq!(view[column], serde_json::json!([known, null]), "{column}");
        }
        assert_eq!(view["configured_per_minute"], serde_json::json!([8, 8]));
        assert_eq!(view["max_active"], serde_json::json!([9, 9]));
        assert_eq!((&view["origin_requests"], &view["origin_failed"]), (&[1, 0].into(), &[1, 0].into()));
        assert!(view["origin_p95_ms"][0].as_f64().is_some_and(|ms| (35.0..=50.0).contains(&ms)));
        assert!(view["origin_p95_ms"][1].is_null());
        let columns = view.as_object().unwrap().values().filter_map(serde_json::Value::as_array);
        assert!(columns.clone().count() == 17 && columns.into_iter().all(|column| column.len() == 2));
        let newer = HistoryView::of(&series, Span::Close, sample.at, 7);
        assert_eq!(newer.at, [sample.at + 2000]);
        assert_eq!(HistoryView::of(&series, Span::Far, 0, 7).step_seconds, 60);
    }
}
