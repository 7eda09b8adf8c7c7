//! How often the wait that fans are told comes true.

mod model;

use std::collections::BTreeMap;
use std::time::Duration;

use admission::clock::Timestamp;
use admission::wait::{Ahead, DrainMeter, LaneLoad, Line};
use model::{Coverage, Scenario, run, table};

const STEADY: Scenario = Scenario {
    name: "600 a minute, nobody leaves",
    rate: |_| 600.0,
    burst: 10.0,
    seconds: 900.0,
    lanes: &[(1, 6000, 300.0)],
    wave: 0,
    leave: 0.0,
    say_so: 0.0,
    sessions: u64::MAX,
    told: (0.0, f64::MAX),
};

fn scenarios() -> Vec<Scenario> {
    let s = STEADY;
    vec![
        s.clone(),
        Scenario {
            name: "6 a minute",
            rate: |_| 6.0,
            burst: 1.0,
            seconds: 3000.0,
            lanes: &[(1, 200, 3.0)],
            ..s.clone()
        },
        Scenario {
            name: "60 a minute",
            rate: |_| 60.0,
            seconds: 1800.0,
            lanes: &[(1, 1500, 30.0)],
            ..s.clone()
        },
        Scenario {
            name: "12,000 a minute",
            rate: |_| 12_000.0,
            burst: 200.0,
            seconds: 400.0,
            lanes: &[(1, 60_000, 3000.0)],
            ..s.clone()
        },
        Scenario { name: "600 a minute, 15 % leave", leave: 0.15, ..s.clone() },
        Scenario { name: "600 a minute, 30 % leave", leave: 0.3, ..s.clone() },
        Scenario { name: "600 a minute, 30 % leave and say so", leave: 0.3, say_so: 1.0, ..s.clone() },
        Scenario { name: "600 a minute, 30 % leave, half say so", leave: 0.3, say_so: 0.5, ..s.clone() },
        Scenario {
            name: "60 a minute, 30 % leave",
            leave: 0.3,
            rate: |_| 60.0,
            seconds: 1800.0,
            lanes: &[(1, 1500, 30.0)],
            ..s.clone()
        },
        Scenario {
            name: "a line of all at once, 30 % leave",
            leave: 0.3,
            lanes: &[(1, 9000, 0.0)],
            ..s.clone()
        },
        Scenario {
            name: "a line that stays long, 30 % leave",
            leave: 0.3,
            seconds: 1800.0,
            lanes: &[(1, 2000, 800.0)],
            ..s.clone()
        },
        Scenario {
            name: "waves of 800 every minute, 20 % leave",
            leave: 0.2,
            wave: 800,
            lanes: &[(1, 500, 10.0)],
            ..s.clone()
        },
        Scenario { name: "a burst of a minute", burst: 600.0, leave: 0.1, ..s.clone() },
        Scenario {
            name: "two lanes, 1 and 3",
            leave: 0.1,
            lanes: &[(1, 3000, 100.0), (3, 3000, 100.0)],
            ..s.clone()
        },
        Scenario {
            name: "a lane that a trickle passes",
            lanes: &[(1, 4000, 100.0), (3, 5, 120.0)],
            ..s.clone()
        },
        Scenario {
            name: "three lanes, 20 % leave",
            leave: 0.2,
            lanes: &[(1, 3000, 150.0), (2, 1000, 50.0), (5, 500, 20.0)],
            ..s.clone()
        },
        Scenario { name: "a full shop", sessions: 120, lanes: &[(1, 1200, 60.0)], ..s.clone() },
        Scenario {
            name: "a full shop, 20 % leave",
            sessions: 120,
            leave: 0.2,
            lanes: &[(1, 1200, 60.0)],
            ..s.clone()
        },
        Scenario {
            name: "cut to a quarter 2 s ago and more",
            rate: |at| if at < 120.0 { 1200.0 } else { 300.0 },
            burst: 20.0,
            told: (122.0, f64::MAX),
            ..s.clone()
        },
        Scenario {
            name: "raised fourfold 2 s ago and more",
            rate: |at| if at < 120.0 { 300.0 } else { 1200.0 },
            burst: 20.0,
            told: (122.0, f64::MAX),
            ..s
        },
    ]
}

#[test]
fn nine_in_ten_waits_come_true() {
    let mut rows = BTreeMap::new();
    for scenario in scenarios() {
        let row: &mut Coverage = rows.entry(scenario.name).or_default();
        for seed in 1..=3 {
            row.add(run(&scenario, seed));
        }
    }
    println!("{}", table(&mut rows));
    for (name, row) in &mut rows {
        assert!(row.told > 1000 && row.nothing * 20 < row.told, "{name}: {row:?}");
        assert!(row.share() >= 0.93, "{name}: {}", row.share());
        assert!(row.ratio() <= 2.25, "{name}: {}", row.ratio());
    }
    let ratio = rows.values().map(Coverage::ratio).sum::<f64>() / rows.len() as f64;
    assert!(ratio <= 1.6, "{ratio}");
}

/// A line at 600 a minute that gives so many turns in a second.
fn meter_of(seconds: u64, turns: fn(u64) -> u64) -> (DrainMeter, Line) {
    let mut meter = DrainMeter::default();
    let mut line = Line {
        at: Timestamp::from_millis(1_000_000),
        turns: 0,
        joined: 100_000,
        waiting: 100_000,
        rate: 600,
        burst: 10,
        moves: true,
    };
    meter.observe(&line);
    for second in 0..seconds {
        line.at = line.at + Duration::from_secs(1);
        line.turns += turns(second);
        line.waiting -= turns(second);
        meter.observe(&line);
    }
    (meter, line)
}

fn told(meter: &DrainMeter, ahead: u64) -> Option<(f64, f64)> {
    let wait = meter.wait(&Ahead::new(ahead, 1, []))?;
    Some((wait.low.as_secs_f64(), wait.high.as_secs_f64()))
}

#[test]
fn a_change_of_the_rate_shows_at_once() {
    let (mut meter, mut line) = meter_of(60, |_| 10);
    let (low, high) = told(&meter, 600).unwrap();
    assert!(low <= 60.0 && (60.0..70.0).contains(&high), "{low} {high}");
    line.at = line.at + Duration::from_millis(250);
    line.rate = 150;
    meter.observe(&line);
    let (low, high) = told(&meter, 600).unwrap();
    assert!(low <= 240.0 && low > 150.0 && high >= 240.0, "{low} {high}");
}

#[test]
fn a_line_that_slows_down_by_itself_is_seen_within_seconds() {
    let (meter, _) = meter_of(66, |second| if second < 60 { 10 } else { 2 });
    let (low, high) = told(&meter, 600).unwrap();
    assert!(low <= 300.0 && high >= 300.0, "{low} {high}");
    let (meter, _) = meter_of(120, |second| if second < 60 { 10 } else { 2 });
    let (low, high) = told(&meter, 600).unwrap();
    assert!(low > 200.0 && high < 450.0, "{low} {high}");
    let (meter, _) = meter_of(90, |second| if (20..60).contains(&second) { 2 } else { 10 });
    let (low, high) = told(&meter, 600).unwrap();
    assert!(low > 40.0 && high < 80.0, "it is fast again: {low} {high}");
}

#[test]
fn nobody_knows_while_the_line_stands() {
    let (meter, _) = meter_of(66, |second| if second < 60 { 10 } else { 0 });
    assert_eq!(told(&meter, 600), None, "no turn for seconds, where ten a second were due");
    let (mut meter, mut line) = meter_of(60, |_| 10);
    line.moves = false;
    meter.observe(&line);
    assert_eq!(told(&meter, 600), None, "paused");
    line.moves = true;
    meter.observe(&line);
    assert!(
        told(&meter, 600).is_some(),
        "what was seen before the pause is forgotten, and the rate is known"
    );
    line.rate = 0;
    meter.observe(&line);
    assert_eq!(told(&meter, 600), None, "a rate of zero");
    assert_eq!(told(&DrainMeter::default(), 600), None, "nothing was seen");
}

#[test]
fn a_counter_that_goes_back_starts_the_measure_anew() {
    let (mut meter, mut line) = meter_of(60, |_| 2);
    assert!(told(&meter, 600).unwrap().0 > 200.0);
    line.turns = 0;
    meter.observe(&line);
    assert!(told(&meter, 600).unwrap().1 < 90.0);
}

#[test]
fn other_lanes_lengthen_the_wait_by_what_they_can_take() {
    let (meter, _) = meter_of(60, |_| 10);
    let wait = |others: &[(u32, u64)]| {
        let others = others.iter().map(|(weight, waiting)| LaneLoad { weight: *weight, waiting: *waiting });
        meter.wait(&Ahead::new(100, 1, others)).unwrap()
    };
    let (alone, few, many) = (wait(&[]), wait(&[(3, 40)]), wait(&[(3, 4000)]));
    assert!(alone.high < few.high && few.high < many.high && few.low < many.low);
    let truth = [(alone, 10), (few, 14), (many, 40)];
    for (wait, seconds) in truth {
        let seconds = Duration::from_secs(seconds);
        assert!(wait.low <= seconds && seconds <= wait.high, "{wait:?}");
    }
}
