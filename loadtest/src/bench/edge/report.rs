//! What came of it, as tables.

use std::fmt;
use std::time::Duration;

use super::super::pipe::Seen;
use super::EdgePlan;
use super::variants as v;

/// One turn of one row.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Round {
    /// Requests a second.
    pub(super) a_second: f64,
    /// Requests for each second that the server worked; 0 where that is unknown.
    pub(super) a_second_of_work: f64,
    /// Half of the requests took no longer.
    pub(super) p50: Duration,
    /// 99 of 100 took no longer.
    pub(super) p99: Duration,
}

impl Round {
    pub(super) fn new(mut seen: Seen, length: Duration, worked: Option<Duration>) -> Self {
        seen.times.sort_unstable();
        let at = |percent: usize| {
            let index = (seen.times.len() * percent / 100).min(seen.times.len().saturating_sub(1));
            seen.times.get(index).copied().unwrap_or_default()
        };
        let good = seen.good as f64;
        let worked = worked.map_or(0.0, |worked| worked.as_secs_f64());
        Self {
            a_second: good / length.as_secs_f64(),
            a_second_of_work: if worked > 0.0 { good / worked } else { 0.0 },
            p50: at(50),
            p99: at(99),
        }
    }
}

/// One row: a server that does one thing.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Row {
    pub(super) group: &'static str,
    pub(super) who: &'static str,
    pub(super) rounds: Vec<Round>,
}

impl Row {
    pub(super) fn new(group: &'static str, who: &'static str) -> Self {
        Self { group, who, rounds: Vec::new() }
    }

    fn median(&self, of: impl Fn(&Round) -> f64) -> f64 {
        median(self.rounds.iter().map(of).collect())
    }
}

/// The middle one; of an even number, the mean of both.
fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    let at = |index: usize| values.get(index).copied().unwrap_or_default();
    match values.len() {
        0 => 0.0,
        length if length % 2 == 1 => at(length / 2),
        length => (at(length / 2 - 1) + at(length / 2)) / 2.0,
    }
}

/// What is wanted of a ratio.
#[derive(Clone, Copy, Debug)]
enum Bound {
    AtLeast(f64),
    AtMost(f64),
}

impl Bound {
    fn holds(self, ratio: f64) -> bool {
        match self {
            Self::AtLeast(least) => ratio >= least,
            Self::AtMost(most) => ratio <= most,
        }
    }
}

impl fmt::Display for Bound {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::AtLeast(least) => write!(f, "≥ {least:.2}"),
            Self::AtMost(most) => write!(f, "≤ {most:.2}"),
        }
    }
}

/// What is compared: the edge with whom, at what, and what is wanted.
const GOALS: [(&str, &str, Bound); 12] = [
    (v::PASSING, v::PINGORA, Bound::AtLeast(0.97)),
    (v::PASSING, v::NGINX, Bound::AtLeast(0.75)),
    (v::PASSING_LOGGED, v::NGINX, Bound::AtLeast(0.75)),
    (v::PAGE, v::NGINX, Bound::AtLeast(0.85)),
    (v::REFUSED, v::NGINX, Bound::AtLeast(0.85)),
    (v::PASSING_TLS, v::PINGORA, Bound::AtLeast(0.97)),
    (v::PASSING_TLS, v::NGINX, Bound::AtLeast(0.75)),
    (v::PAGE_TLS, v::NGINX, Bound::AtLeast(0.85)),
    (v::REFUSED_TLS, v::NGINX, Bound::AtLeast(0.85)),
    (v::PASSING_HTTP2, v::PINGORA, Bound::AtLeast(0.97)),
    (v::PAGE_HTTP2, v::NGINX, Bound::AtLeast(0.85)),
    (v::REFUSED_HTTP2, v::NGINX, Bound::AtLeast(0.85)),
];

/// What came of it.
#[derive(Clone, Debug)]
pub struct Report {
    pub(super) plan: EdgePlan,
    pub(super) rows: Vec<Row>,
}

impl Report {
    /// The ratios of the edge to `who`, as the median over the rounds.
    fn ratio(&self, (group, who): (&str, &str), of: impl Fn(&Round) -> f64) -> Option<f64> {
        let row = |who: &str| self.rows.iter().find(|row| (row.group, row.who) == (group, who));
        let (edge, peer) = (row(v::EDGE)?, row(who)?);
        let ratios = edge.rounds.iter().zip(&peer.rounds).map(|(edge, peer)| of(edge) / of(peer));
        Some(median(ratios.filter(|ratio| ratio.is_finite()).collect()))
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let EdgePlan { rounds, length, connections, .. } = &self.plan;
        writeln!(
            f,
            "{rounds} rounds of {} ms in turn, {connections} requests at once; medians over the rounds\n",
            length.as_millis()
        )?;
        writeln!(f, "| what | who | a second | for each second of work | p50 ms | p99 ms |")?;
        writeln!(f, "|---|---|---|---|---|---|")?;
        for row in &self.rows {
            let millis = |of: fn(&Round) -> Duration| row.median(|round| of(round).as_secs_f64() * 1000.0);
            let work = match row.median(|round| round.a_second_of_work) {
                0.0 => "–".to_owned(),
                work => format!("{work:.0}"),
            };
            writeln!(
                f,
                "| {} | {} | {:.0} | {work} | {:.2} | {:.2} |",
                row.group,
                row.who,
                row.median(|round| round.a_second),
                millis(|round| round.p50),
                millis(|round| round.p99),
            )?;
        }
        writeln!(f, "\n| the edge at | by that of | wanted | a second | for each second of work | p99 |")?;
        writeln!(f, "|---|---|---|---|---|---|")?;
        for (group, who, bound) in GOALS {
            let Some(ratio) = self.ratio((group, who), |round| round.a_second) else { continue };
            let by_work = self.ratio((group, who), |round| round.a_second_of_work).unwrap_or_default();
            let p99 = self.ratio((group, who), |round| round.p99.as_secs_f64()).unwrap_or_default();
            let mark = |holds| if holds { "" } else { " ✗" };
            // What is added at the worst counts beside the same library; another one has another spread.
            let most = Bound::AtMost(1.10);
            let p99_mark = if who == v::PINGORA { mark(most.holds(p99)) } else { "" };
            writeln!(
                f,
                "| {group} | {who} | {bound} | {ratio:.2}{} | {by_work:.2}{} | {p99:.2}{p99_mark} |",
                mark(bound.holds(ratio)),
                mark(bound.holds(by_work)),
            )?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(group: &'static str, who: &'static str, a_second: &[f64]) -> Row {
        let rounds = a_second.iter().map(|a_second| Round { a_second: *a_second, ..Round::default() });
        Row { group, who, rounds: rounds.collect() }
    }

    #[test]
    fn ratios_are_those_of_one_round() {
        // The machine was busy in the second round, for both.
        let rows = vec![
            row(v::PASSING, v::NGINX, &[100.0, 10.0, 100.0]),
            row(v::PASSING, v::EDGE, &[80.0, 8.0, 90.0]),
        ];
        let plan = EdgePlan { rounds: 3, length: Duration::from_secs(1), connections: 1, only: Vec::new() };
        let report = Report { plan, rows };
        let ratio = report.ratio((v::PASSING, v::NGINX), |round| round.a_second);
        assert!(ratio.is_some_and(|ratio| (ratio - 0.8).abs() < 1e-9), "{ratio:?}");
        assert_eq!(report.ratio((v::PASSING, v::HAPROXY), |round| round.a_second), None);
        assert!(report.to_string().contains("| passing on | nginx | ≥ 0.75 | 0.80 |"), "{report}");
    }

    #[test]
    fn percentiles_and_medians() {
        let times = (1..=100).map(Duration::from_millis).collect();
        let round = Round::new(Seen { good: 100, other: 0, times }, Duration::from_secs(2), None);
        assert_eq!((round.p50, round.p99), (Duration::from_millis(51), Duration::from_millis(100)));
        assert!((round.a_second - 50.0).abs() < 1e-9);
        assert!(
            (median(vec![3.0, 1.0, 2.0]) - 2.0).abs() < 1e-9 && (median(vec![1.0, 2.0]) - 1.5).abs() < 1e-9
        );
        assert!(median(Vec::new()).abs() < 1e-9);
    }
}
