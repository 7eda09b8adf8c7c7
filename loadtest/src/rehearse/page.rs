//! The figures as a page of its own: no script, nothing loaded from elsewhere.

use super::figures::Figures;
use super::plot::{Line, Unit, plot};
use super::table::{number, rows, time};
use super::tally::Sample;

const STYLE: &str = include_str!("page.css");

/// The page.
pub fn page(figures: &Figures, arrivals: &str) -> String {
    let title = format!("Rehearsal of the room {}", escaped(&figures.room));
    let facts: String = rows(figures)
        .iter()
        .map(|(name, text)| format!("<tr><th>{name}</th><td>{}</td></tr>", escaped(text)))
        .collect();
    let advice: String =
        figures.advice.iter().map(|advice| format!("<li>{}</li>", escaped(&advice.text))).collect();
    let advice = if advice.is_empty() { advice } else { format!("<ul class=\"advice\">{advice}</ul>") };
    format!(
        "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width\">\
         <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\
         <title>{title}</title><style>{STYLE}</style></head><body><h1>{title}</h1>\
         <p>{} fans, arrivals {}, seed {}</p>{advice}<table>{facts}</table>{}{}</body></html>\n",
        number(figures.fans),
        escaped(arrivals),
        figures.seed,
        lanes(figures),
        plots(figures)
    )
}

fn lanes(figures: &Figures) -> String {
    let rows: String = figures
        .lanes
        .iter()
        .map(|lane| {
            let wait = lane.wait_seconds;
            let cells = [
                number(lane.came),
                number(lane.got_in),
                time(wait.p50),
                time(wait.p90),
                time(wait.p99),
                time(wait.max),
                number(lane.left),
                number(lane.no_shows),
                number(lane.still_waiting),
            ];
            let cells: String = cells.iter().map(|cell| format!("<td>{cell}</td>")).collect();
            format!("<tr><th>{}</th>{cells}</tr>", escaped(&lane.lane))
        })
        .collect();
    format!(
        "<table class=\"lanes\"><tr><th>lane</th><th>came</th><th>got in</th><th>wait p50</th><th>p90</th><th>p99</th>\
         <th>longest</th><th>left</th><th>no-shows</th><th>still waiting</th></tr>{rows}</table>"
    )
}

fn plots(figures: &Figures) -> String {
    let course = &figures.course;
    let values = |of: &dyn Fn(&Sample) -> f64| course.iter().map(|sample| (sample.at, of(sample))).collect();
    // Counts of a stretch, as so many in a second.
    let a_second = |of: fn(&Sample) -> u64, times: f64| {
        let pairs = course.iter().zip(course.iter().skip(1));
        pairs.map(|(one, next)| (next.at, of(next) as f64 / (next.at - one.at).max(0.25) * times)).collect()
    };
    let line = |name, class, points| Line { name, class, points };
    let waits =
        |of: fn(&(f64, f64, f64)) -> f64| figures.waits.iter().map(|wait| (wait.0, of(wait))).collect();
    let mut shop = vec![line("asked", "a", a_second(|sample| sample.asked, 1.0))];
    if let Some(capacity) = figures.shop_capacity {
        shop.push(line("can be answered", "limit", values(&|_| capacity)));
    }
    [
        plot("Fans in line", Unit::Number, &[line("waiting", "a", values(&|sample| sample.waiting as f64))]),
        plot(
            "Wait, by when a fan came",
            Unit::Seconds,
            &[
                line("half of them", "a", waits(|wait| wait.1)),
                line("nine of ten", "b", waits(|wait| wait.2)),
            ],
        ),
        plot(
            "Fans a minute",
            Unit::Number,
            &[
                line("got in", "a", a_second(|sample| sample.got_in, 60.0)),
                line("rate", "limit", values(&|sample| sample.rate as f64)),
            ],
        ),
        plot(
            "Fans with a turn or a session",
            Unit::Number,
            &[
                line("active", "a", values(&|sample| sample.active as f64)),
                line("max_active", "limit", values(&|_| figures.max_active as f64)),
            ],
        ),
        plot("Arrivals a second", Unit::Number, &[line("came", "a", a_second(|sample| sample.came, 1.0))]),
        plot("Requests to the shop a second", Unit::Number, &shop),
        plot(
            "Slowest answer of the shop, ms",
            Unit::Number,
            &[line("latency", "a", values(&|sample| sample.latency_ms))],
        ),
    ]
    .concat()
}

fn escaped(text: &str) -> String {
    text.replace('`', "")
        .replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
}
