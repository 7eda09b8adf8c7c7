//! The adaptive drain with model shops, in a closed loop.

mod shop;

use std::time::Duration;

use admission::adaptive::{
    Change, DrainRange, History, LoadInterval, LoadReport, REPORT_NUMBERS, Targets, decide,
};
use proptest::prelude::*;
use shop::{Chance, Seen, Shop, Shows, Stretch, run, run_with_line};

const RANGE: DrainRange = DrainRange { min: 30, start: 300, max: 6000 };
const CAPACITY: f64 = 600.0;
const CAPACITY_LESS: f64 = 200.0;

const ALL: [Shows; 4] = [Shows::Errors, Shows::Queue, Shows::Slowness, Shows::Load];

/// Each kind of shop, with fans who come and go at once and with fans who begin late and stay.
fn shops(capacity: fn(f64) -> f64) -> Vec<(String, Shop)> {
    let mut shops = Vec::new();
    for shows in ALL {
        let shop = Shop::new(shows, capacity);
        shops.push((format!("{shows:?}"), shop));
        shops.push((format!("{shows:?}, late"), shop.late()));
        shops.push((format!("{shows:?}, noisy"), shop.noisy()));
        shops.push((format!("{shows:?}, late and noisy"), shop.late().noisy()));
    }
    shops
}

/// What can be had of a shop: a shop that tells its load is kept at 0.85 of it, and one that gets slow is too
/// slow before it is full. The least that the controller has to find of it.
const fn usable(shows: Shows) -> f64 {
    match shows {
        Shows::Errors | Shows::Queue => CAPACITY,
        Shows::Slowness | Shows::Load => CAPACITY * 0.85,
    }
}

fn within_range(seen: &[Seen]) -> bool {
    seen.iter().all(|seen| (RANGE.min..=RANGE.max).contains(&seen.decision.rate))
}

/// How steady a rate has to be: from its lowest to its highest where nothing is left to chance, else nine tenths of
/// the time.
fn swing(shop: &Shop, settled: &Stretch) -> f64 {
    if shop.noise == 0.0 { settled.swing() } else { settled.usual_swing() }
}

#[test]
fn the_rate_settles_below_what_the_shop_can_take() {
    for (name, shop) in shops(|_| CAPACITY) {
        for seed in 1..=5 {
            let seen = run(&shop, RANGE, 3600, seed);
            assert!(within_range(&seen), "{name}, {seed}");
            let settled = Stretch::of(&seen, 1200.0, 3600.0);
            let swing = swing(&shop, &settled);
            println!("{name}, {seed}: {settled:?}, swing {swing:.3}");
            assert!(settled.mean >= 0.88 * usable(shop.shows), "{name}, {seed}: {settled:?}");
            assert!(settled.high <= 1.07 * CAPACITY, "{name}, {seed}: {settled:?}");
            assert!(settled.failed <= 0.01, "{name}, {seed}: {settled:?}");
            assert!(swing <= 0.15, "{name}, {seed}: {swing}, {settled:?}");
        }
    }
}

#[test]
fn a_shop_that_can_take_less_gets_less_and_then_more_again() {
    let capacity = |at| if (1200.0..1800.0).contains(&at) { CAPACITY_LESS } else { CAPACITY };
    for (name, shop) in shops(capacity) {
        for seed in 1..=3 {
            let seen = run(&shop, RANGE, 3600, seed);
            assert!(within_range(&seen), "{name}, {seed}");
            let first = |from: f64, wanted: &dyn Fn(f64) -> bool| {
                let found = seen.iter().find(|seen| seen.at > from && wanted(seen.decision.rate as f64));
                found.map_or(f64::MAX, |seen| seen.at - from)
            };
            let below = first(1200.0, &|rate| rate <= CAPACITY_LESS * 1.1);
            let back = first(1800.0, &|rate| rate >= 0.9 * usable(shop.shows));
            let during = Stretch::of(&seen, 1320.0, 1800.0);
            println!("{name}, {seed}: below after {below} s, back after {back} s, {during:?}");
            assert!(below <= 30.0, "{name}, {seed}: {below} s");
            assert!(back <= 900.0, "{name}, {seed}: {back} s");
            assert!(during.failed <= 0.02, "{name}, {seed}: {during:?}");
            assert!(
                during.mean >= 0.5 * CAPACITY_LESS && during.mean <= 1.05 * CAPACITY_LESS,
                "{name}, {seed}: {during:?}"
            );
        }
    }
}

#[test]
fn a_shop_that_warms_up_is_not_overrun() {
    let capacity = |at: f64| CAPACITY * (0.2 + at / 300.0).min(1.0);
    for (name, shop) in shops(capacity) {
        let seen = run(&shop, RANGE, 3600, 1);
        let (first, settled) = (Stretch::of(&seen, 60.0, 1200.0), Stretch::of(&seen, 1800.0, 3600.0));
        assert!(first.failed <= 0.05, "{name}: {first:?}");
        assert!(settled.mean >= 0.85 * usable(shop.shows), "{name}: {settled:?}");
    }
}

#[test]
fn a_shop_that_answers_nothing_gets_the_least_and_is_found_again() {
    for (name, shop) in shops(|at| if (600.0..720.0).contains(&at) { 0.001 } else { CAPACITY }) {
        let seen = run(&shop, RANGE, 3600, 1);
        let away = Stretch::of(&seen, 640.0, 720.0);
        assert!(away.low <= 3.0 * RANGE.min as f64, "{name}: {away:?}");
        let later = Stretch::of(&seen, 2400.0, 3600.0);
        assert!(later.mean >= 0.85 * usable(shop.shows), "{name}: {later:?}");
    }
}

#[test]
fn a_rate_that_the_line_does_not_use_is_not_raised() {
    let shop = Shop::new(Shows::Errors, |_| CAPACITY);
    let seen = run_with_line(&shop, RANGE, 1200, 1, |_| 100.0);
    assert!(seen.iter().all(|seen| seen.decision.rate <= RANGE.start * 11 / 10));
    assert!(seen.last().unwrap().decision.reason.contains("the line takes only"));
}

#[test]
fn an_idle_shop_goes_back_to_where_it_began() {
    let shop = Shop::new(Shows::Errors, |_| 60_000.0);
    let line = |at| if at < 600.0 { f64::MAX } else { 0.0 };
    let seen = run_with_line(&shop, RANGE, 3000, 1, line);
    let before = Stretch::of(&seen, 598.0, 600.0).mean;
    assert!(before > 2.0 * RANGE.start as f64);
    assert!(Stretch::of(&seen, 602.0, 650.0).low >= 0.99 * before, "a short pause changes nothing");
    assert_eq!(seen.last().unwrap().decision.rate, RANGE.start);
}

fn interval(rate: u64, answered: u64, failed: u64, latency: Duration, load: Option<f64>) -> LoadInterval {
    let mut report = LoadReport::default();
    for number in 0..answered {
        report.record(latency, number < failed, load);
    }
    LoadInterval { number: 7, length: Duration::from_secs(2), report, admitted: rate / 30, rate }
}

#[test]
fn the_reason_names_the_figures() {
    let (fast, slow) = (Duration::from_millis(60), Duration::from_millis(2700));
    let calm: History = {
        let mut history = History::default();
        for _ in 0..5 {
            history =
                decide(&interval(600, 240, 0, fast, None), &history, RANGE, &Targets::default()).history;
        }
        history
    };
    for (interval, history, change, reason) in [
        (
            interval(600, 240, 29, fast, None),
            History::default(),
            Change::Cut,
            "cut from 600 to 506 a minute: 12 % of 240 answers failed, more than 5 %",
        ),
        (
            interval(600, 240, 0, slow, None),
            History::default(),
            Change::Cut,
            "cut from 600 to 564 a minute: 95 % of 240 answers took up to 3.0 s, more than 1.5 s",
        ),
        (
            interval(600, 240, 0, fast, Some(1.7)),
            History::default(),
            Change::Cut,
            "cut from 600 to 288 a minute: the shop told a load of 1.70, more than 1.00",
        ),
        (
            interval(600, 240, 0, fast, Some(0.85)),
            History::default(),
            Change::Kept,
            "kept 600 a minute: the shop is as full as it should be: the shop told a load of 0.85",
        ),
        (
            interval(600, 3, 0, fast, None),
            History::default(),
            Change::Kept,
            "kept 600 a minute: 3 answers are too few to judge by",
        ),
        (
            interval(618, 240, 0, fast, None),
            calm.clone(),
            Change::Raised,
            "raised from 618 to 624 a minute: there is room for more: 0 % of 925 answers failed, 95 % of 240 \
             answers took up to 74 ms",
        ),
    ] {
        let decision = decide(&interval, &history, RANGE, &Targets::default());
        assert_eq!((decision.reason.as_str(), decision.change), (reason, change));
    }
}

#[test]
fn a_rate_that_somebody_else_set_counts() {
    let fast = Duration::from_millis(60);
    let history = decide(&interval(600, 240, 0, fast, None), &History::default(), RANGE, &Targets::default());
    let decision = decide(&interval(90, 240, 0, fast, None), &history.history, RANGE, &Targets::default());
    assert_eq!(decision.rate, 90);
    let decision = decide(&interval(9, 240, 0, fast, None), &history.history, RANGE, &Targets::default());
    assert_eq!(decision.rate, RANGE.min, "never outside of the range");
}

fn any_history() -> impl Strategy<Value = String> {
    let numbers = prop::collection::vec(prop_oneof![Just(0), 0..1_000_000_u64, any::<u64>()], 14);
    numbers.prop_map(|numbers| {
        let words: Vec<String> = numbers.iter().map(ToString::to_string).collect();
        format!("a1 {}", words.join(" "))
    })
}

fn any_report() -> impl Strategy<Value = LoadReport> {
    let number = prop_oneof![Just(0), 0..1000_u64, any::<u64>()];
    prop::collection::vec(number, REPORT_NUMBERS).prop_map(|mut numbers| {
        numbers[1] = numbers[1].min(numbers[0]);
        numbers[2] %= 1_000_001;
        LoadReport::from_numbers(&numbers).unwrap()
    })
}

proptest! {
    /// Whatever is reported and remembered, the rate stays in its range, and what is to be remembered can be read.
    #[test]
    fn no_sequence_of_intervals_leaves_the_range(
        text in any_history(),
        intervals in prop::collection::vec(
            (any_report(), any::<u64>(), any::<u64>(), 0..100_000_u64, any::<bool>()), 1..40),
        min in 0..1000_u64,
        start in any::<u64>(),
        max in 0..10_000_000_u64,
    ) {
        let range = DrainRange { min, start, max };
        let mut history: History = text.parse().unwrap();
        let mut rate = start;
        for (number, (report, admitted, other, millis, set)) in intervals.into_iter().enumerate() {
            let rate_before = if set { other } else { rate };
            let interval = LoadInterval {
                number: number as u64,
                length: Duration::from_millis(millis),
                report,
                admitted,
                rate: rate_before,
            };
            let decision = decide(&interval, &history, range, &Targets::default());
            prop_assert!(decision.rate >= min && decision.rate <= max.max(min), "{decision:?}");
            let read: History = decision.history.to_string().parse().unwrap();
            prop_assert_eq!(&read, &decision.history);
            (history, rate) = (read, decision.rate);
        }
    }

    /// The same from the beginning, with shops of any size and any chance.
    #[test]
    fn any_shop_is_kept_in_range(seed in any::<u64>(), capacity in 0..3_usize, kind in 0..4_usize) {
        let capacities: [fn(f64) -> f64; 3] = [|_| 2.0, |_| 40.0, |at| Chance::new(at as u64 / 20).next() * 900.0];
        let shop = Shop::new(ALL[kind], capacities[capacity]).noisy();
        prop_assert!(within_range(&run(&shop, RANGE, 300, seed)));
    }
}
