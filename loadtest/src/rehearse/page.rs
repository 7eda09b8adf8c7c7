//! The figures as a page of its own: no script, nothing loaded from elsewhere.

use super::figures::Figures;
use super::table::rows;
use super::tally::Sample;
use crate::report::document::{document, table};
use crate::report::plot::{Line, Plot, Tone, Unit};
use crate::report::words::{escaped, number, time};

/// The page.
pub fn page(figures: &Figures, arrivals: &str) -> String {
    let title = format!("Rehearsal of the room {}", figures.room);
    let facts: Vec<Vec<String>> =
        rows(figures).into_iter().map(|(name, text)| vec![name.to_owned(), escaped(&text)]).collect();
    let advice: String = figures
        .advice
        .iter()
        .map(|advice| format!("<li>{}</li>", escaped(&advice.text.replace('`', ""))))
        .collect();
    let advice = if advice.is_empty() { advice } else { format!("<ul class=\"advice\">{advice}</ul>") };
    let body = format!(
        "<h1>{}</h1><p class=\"dim\">{} fans, arrivals {}, seed {}</p>{advice}{}{}<h2>How it went</h2>{}",
        escaped(&title),
        number(figures.fans),
        escaped(arrivals),
        figures.seed,
        table(&[], &facts, false),
        lanes(figures),
        plots(figures)
    );
    document(&title, &body)
}

fn lanes(figures: &Figures) -> String {
    let rows: Vec<Vec<String>> = figures
        .lanes
        .iter()
        .map(|lane| {
            let wait = lane.wait_seconds;
            vec![
                escaped(&lane.lane),
                number(lane.came),
                number(lane.got_in),
                time(wait.p50),
                time(wait.p90),
                time(wait.p99),
                time(wait.max),
                number(lane.left),
                number(lane.no_shows),
                number(lane.still_waiting),
            ]
        })
        .collect();
    let heads =
        ["lane", "came", "got in", "wait p50", "p90", "p99", "longest", "left", "no-shows", "still waiting"];
    table(&heads, &rows, true)
}

fn plots(figures: &Figures) -> String {
    let course = &figures.course;
    let values = |of: &dyn Fn(&Sample) -> f64| course.iter().map(|sample| (sample.at, of(sample))).collect();
    // Counts of a stretch, as so many in a second.
    let a_second = |of: fn(&Sample) -> u64, times: f64| {
        let pairs = course.iter().zip(course.iter().skip(1));
        pairs.map(|(one, next)| (next.at, of(next) as f64 / (next.at - one.at).max(0.25) * times)).collect()
    };
    let line = |name: &str, tone, points| Line::new(name, tone, points);
    let plot = |title, unit, lines: &[Line]| {
        let (about, span, marks, gap) = ("", None, &[], f64::MAX);
        Plot { title, about, unit, lines, span, marks, gap }.to_html()
    };
    let waits =
        |of: fn(&(f64, f64, f64)) -> f64| figures.waits.iter().map(|wait| (wait.0, of(wait))).collect();
    let mut shop = vec![line("asked", Tone::Seen(0), a_second(|sample| sample.asked, 1.0))];
    if let Some(capacity) = figures.shop_capacity {
        shop.push(line("can be answered", Tone::Limit, values(&|_| capacity)));
    }
    [
        plot(
            "Fans in line",
            Unit::Number,
            &[line("waiting", Tone::Seen(0), values(&|sample| sample.waiting as f64))],
        ),
        plot(
            "Wait, by when a fan came",
            Unit::Seconds,
            &[
                line("half of them", Tone::Seen(0), waits(|wait| wait.1)),
                line("nine of ten", Tone::Seen(1), waits(|wait| wait.2)),
            ],
        ),
        plot(
            "Fans a minute",
            Unit::Number,
            &[
                line("got in", Tone::Seen(0), a_second(|sample| sample.got_in, 60.0)),
                line("rate", Tone::Limit, values(&|sample| sample.rate as f64)),
            ],
        ),
        plot(
            "Fans with a turn or a session",
            Unit::Number,
            &[
                line("active", Tone::Seen(0), values(&|sample| sample.active as f64)),
                line("max_active", Tone::Limit, values(&|_| figures.max_active as f64)),
            ],
        ),
        plot(
            "Arrivals a second",
            Unit::Number,
            &[line("came", Tone::Seen(0), a_second(|sample| sample.came, 1.0))],
        ),
        plot("Requests to the shop a second", Unit::Number, &shop),
        plot(
            "Slowest answer of the shop",
            Unit::Millis,
            &[line("latency", Tone::Seen(0), values(&|sample| sample.latency_ms))],
        ),
    ]
    .concat()
}
