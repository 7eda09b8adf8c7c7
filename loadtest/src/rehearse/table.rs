//! The figures for a terminal.

use std::fmt;

use super::figures::{Figures, LaneFigures};
use crate::report::words::{number, time};

/// The figures, as text.
pub struct Table<'a> {
    /// The figures.
    pub figures: &'a Figures,
    /// How the fans came, as it was asked for.
    pub arrivals: &'a str,
}

impl fmt::Display for Table<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Figures { room, fans, seed, .. } = self.figures;
        writeln!(f, "room {room}: {} fans, arrivals {}, seed {seed}\n", number(*fans), self.arrivals)?;
        for (name, text) in rows(self.figures) {
            writeln!(f, "  {name:<14}{text}")?;
        }
        writeln!(
            f,
            "\n  {:<14}{:>6}{:>11}{:>11}  {:>12}{:>12}{:>12}{:>12}{:>9}{:>10}",
            "lane", "weight", "came", "got in", "wait p50", "p90", "p99", "longest", "left", "no-shows"
        )?;
        for lane in &self.figures.lanes {
            let LaneFigures { lane, weight, came, got_in, wait_seconds: wait, left, no_shows, .. } = lane;
            writeln!(
                f,
                "  {lane:<14}{weight:>6}{:>11}{:>11}  {:>12}{:>12}{:>12}{:>12}{:>9}{:>10}",
                number(*came),
                number(*got_in),
                time(wait.p50),
                time(wait.p90),
                time(wait.p99),
                time(wait.max),
                number(*left),
                number(*no_shows)
            )?;
        }
        if !self.figures.advice.is_empty() {
            writeln!(f)?;
        }
        for advice in &self.figures.advice {
            writeln!(f, "  ! {}", advice.text)?;
        }
        Ok(())
    }
}

/// The figures by name, as people read them.
pub(super) fn rows(figures: &Figures) -> Vec<(&'static str, String)> {
    let mut arrivals = format!(
        "{} fans, at most {} in a second",
        number(figures.fans),
        number(figures.arrivals_per_second_max)
    );
    if figures.turned_away > 0 {
        arrivals += &format!("; {} turned away", number(figures.turned_away));
    }
    if figures.full > 0 {
        arrivals += &format!("; {} told that the line is full", number(figures.full));
    }
    let (low, high) = figures.rate_range;
    let rate = if low == high {
        format!("{} a minute", number(high))
    } else {
        format!("{} to {} a minute", number(low), number(high))
    };
    let last = figures.last_in_at.map_or_else(|| "nobody got in".to_owned(), moment);
    let capacity = figures.shop_capacity.map_or_else(String::new, |capacity| format!(" of {capacity:.0}"));
    vec![
        ("arrivals", arrivals),
        ("longest line", format!("{} fans, {}", number(figures.waiting_max), moment(figures.waiting_max_at))),
        ("last fan in", last),
        ("rate", format!("{rate}, {:.0} % of it used while fans waited", figures.utilisation * 100.0)),
        (
            "active",
            format!(
                "{} at most, {} on average; max_active {} was reached in {:.0} % of the time",
                number(figures.active_max),
                number(figures.active_mean.round() as u64),
                number(figures.max_active),
                figures.full_share * 100.0
            ),
        ),
        (
            "shop",
            format!(
                "{:.0}{capacity} requests a second at most, {:.0} on average; slowest answer {:.0} ms, {:.1} % failed",
                figures.shop_requests_max,
                figures.shop_requests_mean,
                figures.shop_latency_ms_max,
                figures.shop_failed * 100.0
            ),
        ),
    ]
}

/// A moment, from the opening on.
pub(super) fn moment(seconds: f64) -> String {
    if seconds < 0.0 {
        format!("{} before the opening", time(-seconds))
    } else {
        format!("{} after the opening", time(seconds))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_is_told_from_the_opening_on() {
        assert_eq!(moment(-90.0), "1 min 30 s before the opening");
    }
}
