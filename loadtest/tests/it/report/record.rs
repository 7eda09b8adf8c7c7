//! A run that might have been: the same for the same seed.

use loadtest::random::Dice;
use loadtest::run::record::{
    FORMAT, LatencyPoint, LatencySeries, Machine, OutcomeFacts, Percentiles, ProcessSample, ProcessSeries,
    RunRecord, ScenarioFacts, Second, Stretch, VerdictFacts, Waits,
};

const RATE: f64 = 600.0;

/// A run of so many seconds, with Redis killed in its middle.
pub(crate) fn record(length: u32, seed: u64) -> RunRecord {
    let mut dice = Dice::new(seed);
    let fans = u64::from(length) * 8;
    let fault = (f64::from(length) * 0.5, f64::from(length) * 0.5 + 8.0);
    let mut seconds: Vec<Second> = Vec::new();
    let (mut waiting, mut inside) = (0_u64, 0_u64);
    for at in 0..length {
        let is_early = at < length / 5;
        let intended = if is_early { fans / u64::from(length / 5) } else { 0 };
        let is_struck = (fault.0..fault.1).contains(&f64::from(at));
        waiting += intended;
        let admitted = if is_struck { 0 } else { waiting.min(10) };
        waiting -= admitted;
        inside = (inside + admitted).saturating_sub(dice.roll() % 14);
        let (held, errors) = (admitted * 2 / 3, if is_struck { dice.roll() % 20 } else { 0 });
        let bought = held.min(dice.roll() % 8);
        let answers = 200 + waiting / 20 + (dice.roll() % 50);
        let (left, sockets) = (dice.roll() % 2, waiting * 9 / 10);
        let arrived = intended;
        seconds.push(Second {
            intended,
            arrived,
            admitted,
            held,
            bought,
            left,
            answers,
            errors,
            waiting,
            inside,
            sockets,
        });
    }
    let jitter = |dice: &mut Dice| 0.8 + dice.below(40) as f64 / 100.0;
    let waits = (0..length / 5).map(|at| {
        let median_s = f64::from(at) * 4.0;
        Waits {
            arrived_s: f64::from(at),
            fans: 40,
            least_s: median_s * 0.97,
            median_s,
            most_s: median_s + 9.0,
        }
    });
    let latencies = ["join", "status", "event page", "hold", "pay", "turn told"].iter().enumerate();
    let latencies = latencies.map(|(index, kind)| {
        let base = 2.0 + index as f64 * 3.0;
        let seen = |at: f64, dice: &mut Dice| {
            let slow = if (fault.0..fault.1 + 2.0).contains(&at) { 20.0 } else { 1.0 };
            let p50_ms = base * jitter(dice) * slow;
            Percentiles {
                count: 40,
                p50_ms,
                p90_ms: p50_ms * 1.7,
                p99_ms: p50_ms * 3.0,
                most_ms: p50_ms * 8.0,
            }
        };
        let points: Vec<_> = (0..length)
            .filter(|at| !(fault.0..fault.0 + 4.0).contains(&f64::from(*at)))
            .map(|at| LatencyPoint { at_s: f64::from(at), seen: seen(f64::from(at), &mut dice) })
            .collect();
        let whole = Percentiles { count: points.len() as u64 * 40, ..seen(0.0, &mut dice) };
        LatencySeries { kind: (*kind).to_owned(), whole, points }
    });
    let latencies = latencies.collect();
    let names = ["proxy-1", "proxy-2", "shop", "Redis", "PostgreSQL", "crowd-1", "crowd-2", "crowd-3"];
    let processes = names.iter().enumerate().map(|(index, name)| {
        let sample = |at: u32| ProcessSample {
            at_s: f64::from(at),
            cores: (0.1 + index as f64 * 0.05) * (0.8 + dice.below(40) as f64 / 100.0),
            memory_bytes: (40 + index as u64 * 10) * 1024 * 1024 + u64::from(at.min(length / 5)) * 200_000,
            descriptors: 300 + u64::from(at),
        };
        ProcessSeries { name: (*name).to_owned(), samples: (0..length).step_by(2).map(sample).collect() }
    });
    let processes = processes.collect();
    let stretch = |name: &str, about: &str, from_s: f64, to_s: f64| Stretch {
        name: name.to_owned(),
        about: about.to_owned(),
        from_s,
        to_s,
    };
    let end = f64::from(length);
    RunRecord {
        format: FORMAT,
        scenario: ScenarioFacts {
            name: "on-sale".to_owned(),
            about: "A sale that everybody wants, and Redis goes away in its middle.".to_owned(),
            file: "# An on-sale\nfans = 50_000\n[[phase]]\nname = \"rush\" # <most at once>\n".to_owned(),
            command: format!("loadtest run config/loadtest/on-sale.toml --seed {seed}"),
            seed,
            fans,
            proxies: 2,
            crowds: 3,
            stores: "Redis 7.0, PostgreSQL 15".to_owned(),
        },
        machine: Machine {
            began_at: "2026-11-22T09:00:00Z".to_owned(),
            processor: "A processor <of two>".to_owned(),
            cores: 2,
            memory_bytes: 8 << 30,
            kernel: "6.1".to_owned(),
            release_build: true,
            load_before: 0.3,
        },
        late_ms: 12,
        phases: vec![
            stretch("rush", "Most come.", 0.0, end / 5.0),
            stretch("long line", "They wait.", end / 5.0, end),
        ],
        faults: vec![
            stretch("Redis killed", "The process is killed, and started again.", fault.0, fault.1),
            stretch("proxy-1 killed", "One of two proxies dies.", end * 0.7, end * 0.7 + 1.0),
        ],
        seconds,
        opened_s: None,
        configured: vec![(0.0, RATE), (end * 0.6, RATE)],
        max_active: None,
        waits: waits.collect(),
        latencies,
        processes,
        endings: vec![("bought and went".to_owned(), 300), ("left the line & the page".to_owned(), 40)],
        errors: vec![("503 while the line was away".to_owned(), 21)],
        verdicts: vec![
            verdict("P1 order", OutcomeFacts::Kept, "Who came earlier is let in earlier."),
            verdict("P2 rate", OutcomeFacts::Kept, "Never more than the rate allows."),
            verdict("P9 seats", OutcomeFacts::Unjudged, "No seat is sold twice."),
        ],
    }
}

pub(crate) fn verdict(promise: &str, outcome: OutcomeFacts, says: &str) -> VerdictFacts {
    let told = vec![format!("{promise}: what was seen of <it>")];
    VerdictFacts { promise: promise.to_owned(), says: says.to_owned(), outcome, told }
}
