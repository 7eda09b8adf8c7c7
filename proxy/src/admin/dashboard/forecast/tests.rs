use admission::rules::Mode;

use super::*;

fn terms(rate: u64, places: u64) -> Terms {
    let (phase, opens_in) = (Phase::Open, Duration::ZERO);
    Terms { phase, opens_in, rate, places, session: Duration::from_secs(600) }
}

/// A minute in which fans stayed for `stay` seconds, and nobody was absent.
fn lately(inside: f64, stay: f64) -> Option<Observed> {
    let ended = inside * 60.0 / stay;
    Some(Observed { seconds: 60.0, given: ended.max(10.0), ended, inside, ..Observed::default() })
}

fn said(now: &Now, mode: Mode, terms: &Terms) -> String {
    words(now, mode, terms, &forecast(now, terms))
}

#[test]
fn the_last_fan_waits_for_all_before_them() {
    let now = Now { waiting: 12_600, inside: 0, lately: lately(10.0, 1.0) };
    let effect = forecast(&now, &terms(300, 1000));
    let (low, high) = effect.last.unwrap();
    assert!((low..=high).contains(&(42.0 * 60.0)) && high - low < 200.0, "{effect:?}");
    assert_eq!((effect.limit, effect.per_minute.round()), (Limit::Rate, 300.0));
    assert_eq!(
        said(&now, Mode::Auto, &terms(300, 1000)),
        "At 300 a minute the last of the 12,600 fans who wait waits 41 to 43 min more."
    );
}

#[test]
fn who_does_not_come_when_it_is_their_turn_shortens_the_wait() {
    let seen = Observed { seconds: 60.0, given: 80.0, lapsed: 20.0, gone: 20.0, ended: 0.0, inside: 50.0 };
    let now = Now { waiting: 1000, inside: 50, lately: Some(seen) };
    let (low, high) = forecast(&now, &terms(60, 100_000)).last.unwrap();
    assert!((low - 600.0 / FASTER).abs() < 1.0 && (high - 1000.0 / SLOWER).abs() < 1.0, "{low} {high}");
    let unknown = forecast(&Now { lately: None, ..now }, &terms(60, 100_000)).last.unwrap();
    assert!((unknown.0 - 700.0 / FASTER).abs() < 1.0, "{unknown:?}");
}

#[test]
fn a_full_room_gives_turns_as_sessions_end() {
    let now = Now { waiting: 600, inside: 100, lately: lately(100.0, 100.0) };
    let full = forecast(&now, &terms(600, 100));
    assert_eq!((full.limit, full.per_minute.round()), (Limit::Places, 60.0));
    assert!(full.last.is_some_and(|(low, high)| low <= 600.0 && 600.0 <= high), "{full:?}");
    // Twice the places are filled at the rate, and then twice as many become free.
    let twice = forecast(&now, &terms(600, 200));
    assert!(twice.last.unwrap().1 < 300.0 && twice.per_minute.round() == 120.0, "{twice:?}");
    assert_eq!(twice.inside.round(), 200.0);
    // Half of them: nobody gets in before enough have left.
    let half = forecast(&now, &terms(600, 50));
    assert!(half.last.unwrap().0 > 69.0 + 1199.0, "{half:?}");
    let words = said(&now, Mode::Auto, &terms(600, 100));
    assert!(
        words.starts_with("With 100 places, of which about 60 a minute become free, the last of"),
        "{words}"
    );
}

/// The same, second by second.
fn stepped(rate: f64, inside: f64, places: f64, stay: f64, fans: f64) -> f64 {
    let (mut inside, mut left, mut at, step) = (inside, fans, 0.0, 0.01);
    while left > 0.0 && at < 100_000.0 {
        inside -= inside / stay * step;
        let comes = (rate * step).min(places - inside).clamp(0.0, left);
        (inside, left, at) = (inside + comes, left - comes, at + step);
    }
    at
}

#[test]
fn the_curve_is_what_comes_of_it_step_by_step() {
    for rate in [0.5, 2.0, 10.0] {
        for inside in [0.0, 40.0, 100.0, 180.0] {
            for stay in [5.0, 60.0, 300.0] {
                for fans in [20.0, 300.0] {
                    let curve = Curve { rate, inside, places: 100.0, stay: Some(stay) };
                    let (told, stepped) = (curve.until(fans), stepped(rate, inside, 100.0, stay, fans));
                    let is_close = (told - stepped).abs() <= 0.02 * stepped + 0.5;
                    assert!(is_close, "{rate} {inside} {stay} {fans}: {told} for {stepped}");
                }
            }
        }
    }
}

#[test]
fn what_is_not_open_says_so() {
    let now = Now { waiting: 5, inside: 1, lately: None };
    let with = |phase| Terms { phase, ..terms(60, 10) };
    for (phase, words) in [
        (Phase::Paused, "until the room is resumed. The 5 who wait keep their places."),
        (Phase::Closed, "Nobody joins"),
        (Phase::Off, "and so do the 5 who wait"),
    ] {
        let told = said(&now, Mode::Auto, &with(phase));
        assert!(told.contains(words), "{told}");
    }
    assert!(said(&now, Mode::Shadow, &with(Phase::Off)).starts_with("Everybody passes, and the room tells"));
    assert_eq!(forecast(&now, &with(Phase::Paused)).last, None);
    assert!(said(&now, Mode::Auto, &terms(0, 10)).starts_with("Nobody gets in at 0 a minute"));
    let early = Terms { opens_in: Duration::from_secs(7200), ..with(Phase::Prequeue) };
    assert!(forecast(&now, &early).last.is_some_and(|(low, high)| low > 7200.0 && high < 7230.0));
    let nobody = Now { waiting: 0, ..now };
    assert_eq!(said(&nobody, Mode::Auto, &early), "The room opens in 2 h.");
    assert!(
        said(&nobody, Mode::Auto, &terms(60, 10)).starts_with("Nobody waits. There is a line as soon as")
    );
    assert!(said(&nobody, Mode::Always, &terms(60, 10)).contains("stands in line"));
    let one = Now { waiting: 1, ..now };
    assert!(said(&one, Mode::Auto, &with(Phase::Paused)).ends_with("The one who waits keeps the place."));
    assert!(said(&one, Mode::Auto, &terms(60, 10)).contains("the fan who waits waits"));
}
