//! What came of it, as tables and as JSON.

use std::fmt;
use std::time::Duration;

use anyhow::{Context as _, Result};
use serde_json::{Value, json};

use super::driver::Seen;
use super::stage::Alone;
use super::{APART, CROWDED, ShopPlan, Who};

/// Holds a second that are wanted of the hot path.
const HOLDS_WANTED: f64 = 10_000.0;
/// How many times as many as with locks.
const RATIO_WANTED: f64 = 10.0;
/// Until when the last seat should be confirmed, in milliseconds.
const CROWD_WANTED: f64 = 1000.0;

/// One turn of one row.
#[derive(Clone, Copy, Debug, Default, serde::Serialize)]
pub(super) struct Turn {
    /// Holds a second.
    held: f64,
    /// Answers a second, refusals as well.
    answers: f64,
    p50_ms: f64,
    p99_ms: f64,
    /// What all processes together worked for one answer, in microseconds.
    work_us: f64,
}

impl Turn {
    pub(super) fn new(seen: &Seen, worked: Duration) -> Self {
        let answers = (seen.held + seen.refused) as f64;
        Self {
            held: seen.held as f64 / seen.seconds,
            answers: answers / seen.seconds,
            p50_ms: seen.p50_us as f64 / 1000.0,
            p99_ms: seen.p99_us as f64 / 1000.0,
            work_us: worked.as_secs_f64() * 1e6 / answers,
        }
    }
}

/// One row: somebody who holds seats.
#[derive(Clone, Debug)]
pub(super) struct Row {
    pub(super) asked: &'static str,
    pub(super) who: Who,
    pub(super) turns: Vec<Turn>,
}

impl Row {
    pub(super) const fn new(asked: &'static str, who: Who) -> Self {
        Self { asked, who, turns: Vec::new() }
    }

    fn spread(&self, of: impl Fn(&Turn) -> f64) -> Spread {
        Spread::of(self.turns.iter().map(of).collect())
    }
}

/// A crowd that bought all seats, once each round.
#[derive(Clone, Debug)]
pub(super) struct Crowd {
    shop: &'static str,
    last_seat_ms: Vec<f64>,
    last_answer_ms: Vec<f64>,
    requests: Vec<f64>,
}

impl Crowd {
    pub(super) const fn new(shop: &'static str) -> Self {
        Self { shop, last_seat_ms: Vec::new(), last_answer_ms: Vec::new(), requests: Vec::new() }
    }

    pub(super) fn add(&mut self, seen: &Value) -> Result<()> {
        let figure =
            |name: &str| seen.get(name).and_then(Value::as_f64).with_context(|| format!("no {name}"));
        self.last_seat_ms.push(figure("last_seat_ms")?);
        self.last_answer_ms.push(figure("last_answer_ms")?);
        self.requests.push(figure("requests")?);
        Ok(())
    }
}

/// The middle one, the least and the most.
#[derive(Clone, Copy, Debug, Default, PartialEq, serde::Serialize)]
struct Spread {
    median: f64,
    least: f64,
    most: f64,
}

impl Spread {
    fn of(mut values: Vec<f64>) -> Self {
        values.retain(|value| value.is_finite());
        values.sort_by(f64::total_cmp);
        let at = |index: usize| values.get(index).copied().unwrap_or_default();
        let (half, last) = (values.len() / 2, values.len().saturating_sub(1));
        let median =
            if values.len() % 2 == 1 { at(half) } else { (at(half.saturating_sub(1)) + at(half)) / 2.0 };
        Self { median, least: at(0), most: at(last) }
    }
}

/// What came of it.
#[derive(Clone, Debug)]
pub struct Report {
    pub(super) plan: ShopPlan,
    pub(super) machine: String,
    pub(super) rows: Vec<Row>,
    pub(super) crowds: Vec<Crowd>,
    pub(super) ceiling: Vec<Alone>,
}

impl Report {
    /// How many times as much the inventory in Redis did as `who`, round by round.
    fn ratio(&self, asked: &str, who: Who, of: impl Fn(&Turn) -> f64) -> Option<Spread> {
        let row = |who: Who| self.rows.iter().find(|row| (row.asked, row.who) == (asked, who));
        let (own, peer) = (row(Who::Redis)?, row(who)?);
        Some(Spread::of(own.turns.iter().zip(&peer.turns).map(|(own, peer)| of(own) / of(peer)).collect()))
    }

    /// The same as [`fmt::Display`] tells, and every turn, for programs.
    pub fn to_json(&self) -> Value {
        let rows: Vec<_> = self
            .rows
            .iter()
            .map(|row| json!({"asked": row.asked, "who": row.who.name(), "turns": row.turns}))
            .collect();
        let ratios: Vec<_> = [APART, CROWDED]
            .into_iter()
            .flat_map(|asked| {
                [Who::Rows, Who::Function, Who::Lock].map(|who| {
                    json!({
                        "asked": asked, "who": who.name(),
                        "held": self.ratio(asked, who, |turn| turn.held),
                        "answers": self.ratio(asked, who, |turn| turn.answers),
                        "answers_for_the_same_work": self.ratio(asked, who, |turn| 1.0 / turn.work_us),
                    })
                })
            })
            .collect();
        let crowds: Vec<_> = self
            .crowds
            .iter()
            .map(|crowd| {
                json!({
                    "shop": crowd.shop, "last_seat_ms": crowd.last_seat_ms,
                    "last_answer_ms": crowd.last_answer_ms, "requests": crowd.requests,
                })
            })
            .collect();
        json!({
            "machine": self.machine,
            "rounds": self.plan.rounds, "turn_ms": self.plan.length.as_millis(), "at_once": self.plan.at_once,
            "connections": self.plan.connections,
            "buyers": self.plan.buyers,
            "rows": rows, "ratios_of_inventory_in_redis": ratios, "crowds": crowds, "redis_alone": self.ceiling,
        })
    }
}

const fn mark(is_met: bool) -> &'static str {
    if is_met { "" } else { " ✗" }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ShopPlan { rounds, length, at_once, connections, buyers } = self.plan;
        writeln!(f, "{}", self.machine)?;
        writeln!(
            f,
            "{rounds} rounds of {} ms in turn, {at_once} asks at once for two seats each, {connections} connections of the peers to \
             PostgreSQL; medians (least–most)\n",
            length.as_millis()
        )?;
        writeln!(
            f,
            "| fans ask | who | holds a second | answers a second | p50 ms | p99 ms | work, µs an answer |"
        )?;
        writeln!(f, "|---|---|---|---|---|---|---|")?;
        for row in &self.rows {
            let held = row.spread(|turn| turn.held);
            let middle = |of: fn(&Turn) -> f64| row.spread(of).median;
            let wanted = (row.asked, row.who) == (APART, Who::Redis);
            writeln!(
                f,
                "| {} | {} | {:.0} ({:.0}–{:.0}){} | {:.0} | {:.2} | {:.2} | {:.0} |",
                row.asked,
                row.who.name(),
                held.median,
                held.least,
                held.most,
                mark(!wanted || held.median >= HOLDS_WANTED),
                middle(|turn| turn.answers),
                middle(|turn| turn.p50_ms),
                middle(|turn| turn.p99_ms),
                middle(|turn| turn.work_us),
            )?;
        }
        writeln!(
            f,
            "\n| the inventory in Redis by | fans ask | wanted | holds | answers | answers for the same work |"
        )?;
        writeln!(f, "|---|---|---|---|---|---|")?;
        for (asked, who) in [APART, CROWDED]
            .into_iter()
            .flat_map(|asked| [Who::Rows, Who::Function, Who::Lock].map(|who| (asked, who)))
        {
            let of = |of: fn(&Turn) -> f64| self.ratio(asked, who, of).unwrap_or_default();
            let (held, answers) = (of(|turn| turn.held), of(|turn| turn.answers));
            let work = of(|turn| 1.0 / turn.work_us);
            let wanted =
                if who == Who::Function { "–".to_owned() } else { format!("≥ {RATIO_WANTED:.0}") };
            writeln!(
                f,
                "| {} | {asked} | {wanted} | {:.1} ({:.1}–{:.1}){} | {:.1} | {:.1} ({:.1}–{:.1}) |",
                who.name(),
                held.median,
                held.least,
                held.most,
                mark(who == Who::Function || held.median >= RATIO_WANTED),
                answers.median,
                work.median,
                work.least,
                work.most,
            )?;
        }
        let alone = |of: fn(&Alone) -> f64| Spread::of(self.ceiling.iter().map(of).collect()).median;
        writeln!(
            f,
            "\n`redis-benchmark` alone, calls a second: SET {:.0}, EVAL \"return 1\" {:.0}; 16 at a time: {:.0} and {:.0}",
            alone(|alone| alone.set),
            alone(|alone| alone.eval),
            alone(|alone| alone.set_pipelined),
            alone(|alone| alone.eval_pipelined),
        )?;
        writeln!(
            f,
            "\n| {buyers} buyers at once for 100 seats | last seat confirmed, ms | everybody answered, ms | requests |"
        )?;
        writeln!(f, "|---|---|---|---|")?;
        for crowd in &self.crowds {
            let [seat, answer, requests] = [&crowd.last_seat_ms, &crowd.last_answer_ms, &crowd.requests]
                .map(|all| Spread::of(all.clone()));
            writeln!(
                f,
                "| {} | {:.0} ({:.0}–{:.0}){} | {:.0} ({:.0}–{:.0}) | {:.0} |",
                crowd.shop,
                seat.median,
                seat.least,
                seat.most,
                mark(seat.median < CROWD_WANTED),
                answer.median,
                answer.least,
                answer.most,
                requests.median,
            )?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ratios_are_those_of_one_round() {
        let row = |who, held: &[f64]| Row {
            asked: APART,
            who,
            turns: held.iter().map(|held| Turn { held: *held, ..Turn::default() }).collect(),
        };
        let plan =
            ShopPlan { rounds: 3, length: Duration::from_secs(1), at_once: 1, connections: 1, buyers: 1 };
        let report = Report {
            plan,
            machine: "a machine".to_owned(),
            // The machine was busy in the second round, for both.
            rows: vec![row(Who::Redis, &[2000.0, 200.0, 1800.0]), row(Who::Rows, &[100.0, 10.0, 100.0])],
            crowds: Vec::new(),
            ceiling: Vec::new(),
        };
        let ratio = report.ratio(APART, Who::Rows, |turn| turn.held).unwrap();
        assert_eq!(ratio, Spread { median: 20.0, least: 18.0, most: 20.0 });
        let text = report.to_string();
        assert!(text.contains("| row locks in PostgreSQL | apart | ≥ 10 | 20.0 (18.0–20.0) |"), "{text}");
        assert!(text.contains("| apart | inventory in Redis | 1800 (200–2000) ✗ |"), "{text}");
        assert_eq!(report.to_json()["ratios_of_inventory_in_redis"][0]["held"]["median"], 20.0);
    }
}
