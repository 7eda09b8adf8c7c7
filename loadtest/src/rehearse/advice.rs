//! What an operator should know before the day: what in the file does not fit the crowd, and what would.

use std::time::Duration;

use admission::clock::millis;
use serde::Serialize;

use super::Plan;
use super::figures::Figures;
use crate::report::words::{number, time};

/// A page without script asks again after so long: a shorter `claim_window` lets turns lapse that are wanted.
const ASKS_AGAIN: Duration = Duration::from_secs(20);
/// Waits that people should be told of beforehand.
const LONG_WAIT: f64 = 30.0 * 60.0;
/// The share of the time in which a full shop begins to be what limits.
const FULL: f64 = 0.05;
/// The share of requests that may fail.
const FAILED: f64 = 0.001;

/// One thing to know.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Advice {
    /// A name for it that stays.
    pub code: &'static str,
    /// What it is, with the figures.
    pub text: String,
}

/// All there is to say of these figures.
pub fn of(plan: &Plan, figures: &Figures) -> Vec<Advice> {
    let said = [
        ("mode", mode(plan)),
        ("long_wait", long_wait(figures)),
        ("rate_zero", rate_zero(plan)),
        ("max_active", capacity(plan, figures)),
        ("unused_rate", unused(figures)),
        ("waiting_max", full(plan, figures)),
        ("turned_away", turned_away(figures)),
        ("still_waiting", still_waiting(plan, figures)),
        ("claim_window", claim_window(plan, figures)),
        ("session", session(plan)),
        ("session_max", session_max(plan, figures)),
        ("shop", shop(plan, figures)),
        ("shop_capacity", shop_capacity(plan)),
    ];
    said.into_iter().filter_map(|(code, text)| Some(Advice { code, text: text? })).collect()
}

fn mode(plan: &Plan) -> Option<String> {
    let mode = plan.other_mode?.as_str();
    Some(format!("the file says mode = \"{mode}\"; this is what mode = \"auto\" would do"))
}

fn long_wait(figures: &Figures) -> Option<String> {
    let longest = figures.lanes.iter().map(|lane| lane.wait_seconds.max).fold(0.0, f64::max);
    let fans = number(figures.fans);
    (longest >= LONG_WAIT).then(|| {
        format!("at this rate the last of {fans} fans waits {}: tell them beforehand", time(longest))
    })
}

fn rate_zero(plan: &Plan) -> Option<String> {
    (plan.rules.rate_max() == 0).then(|| "drain_per_minute = 0 lets nobody in".to_owned())
}

/// A shop that is full admits by how soon fans go, whatever the rate says.
fn capacity(plan: &Plan, figures: &Figures) -> Option<String> {
    let last = figures.last_in_at?;
    if figures.full_share < FULL || figures.is_cut_short && last <= 0.0 {
        return None;
    }
    let got_in: u64 = figures.lanes.iter().map(|lane| lane.got_in).sum();
    let first = figures.course.iter().find(|sample| sample.got_in > 0).map_or(0.0, |sample| sample.at);
    let per_minute = got_in as f64 / (last - first).max(1.0) * 60.0;
    let stays = figures.active_mean / per_minute.max(0.001);
    let rate = plan.rules.rate_max();
    let needed = (stays * rate as f64 * 1.1).ceil() as u64;
    Some(format!(
        "max_active = {} was reached in {:.0} % of the time in which fans waited: {per_minute:.0} got in a minute, not {rate}. \
         Each held a place for {} on average; for the whole rate some {} places are needed, or a shorter `session` ({}), \
         for which the place of everybody is held who just goes away",
        number(plan.rules.max_active),
        figures.full_share * 100.0,
        time(stays * 60.0),
        number(needed),
        time(plan.rules.session.as_secs_f64()),
    ))
}

fn unused(figures: &Figures) -> Option<String> {
    let used = figures.utilisation;
    (used > 0.0 && used < 0.9 && figures.full_share < FULL).then(|| {
        format!(
            "only {:.0} % of the rate went to fans who took their turn; the other turns lapsed, each after `claim_window`",
            used * 100.0
        )
    })
}

fn full(plan: &Plan, figures: &Figures) -> Option<String> {
    (figures.full > 0).then(|| {
        format!(
            "{} fans were told that the line is full: waiting_max = {}",
            number(figures.full),
            number(plan.rules.waiting_max)
        )
    })
}

fn turned_away(figures: &Figures) -> Option<String> {
    (figures.turned_away > 0).then(|| {
        format!(
            "{} fans came while nobody may join, before `prequeue_at` or `opens_at` or after `closes_at`; they read when \
             it opens, and most of them will come again at that moment",
            number(figures.turned_away)
        )
    })
}

fn still_waiting(plan: &Plan, figures: &Figures) -> Option<String> {
    let waiting: u64 = figures.lanes.iter().map(|lane| lane.still_waiting).sum();
    if waiting == 0 {
        return None;
    }
    let waiting = number(waiting);
    Some(if figures.is_cut_short {
        let after = time(plan.afterwards.as_secs_f64());
        format!(
            "{waiting} fans still waited {after} after the last came; nothing later was rehearsed (--afterwards)"
        )
    } else {
        format!("{waiting} fans still waited when the room closed: `closes_at` is too soon for this rate")
    })
}

fn claim_window(plan: &Plan, figures: &Figures) -> Option<String> {
    let window = plan.rules.claim_window;
    let late: u64 = figures.lanes.iter().map(|lane| lane.late).sum();
    (window <= ASKS_AGAIN).then(|| {
        format!(
            "claim_window = {} is shorter than the {} s after which a page without script asks again: {} turns lapsed that \
             their fans wanted; at least 30 s is right",
            time(window.as_secs_f64()),
            ASKS_AGAIN.as_secs(),
            number(late)
        )
    })
}

fn session(plan: &Plan) -> Option<String> {
    let gap = 60.0 / plan.shop.fan_requests_per_minute.max(0.001);
    let session = plan.rules.session.as_secs_f64();
    (gap > session).then(|| {
        format!(
            "session = {} is shorter than the {} between two requests of a fan: they lose their session while they read",
            time(session),
            time(gap)
        )
    })
}

fn session_max(plan: &Plan, figures: &Figures) -> Option<String> {
    (figures.put_out > 0).then(|| {
        format!(
            "{} fans were put out of the shop, for they stayed longer than session_max = {}",
            number(figures.put_out),
            time(plan.rules.session_max.as_secs_f64())
        )
    })
}

fn shop(plan: &Plan, figures: &Figures) -> Option<String> {
    let capacity = figures.shop_capacity?;
    if figures.shop_failed < FAILED && figures.shop_requests_mean < capacity {
        return None;
    }
    let last = figures.last_in_at?.max(1.0);
    let got_in: u64 = figures.lanes.iter().map(|lane| lane.got_in).sum();
    let each = figures.shop_requests_mean * last / got_in.max(1) as f64;
    let rate = (capacity * 0.8 / each.max(0.001) * 60.0) as u64;
    let adapts =
        if plan.rules.adaptive.is_some() { "" } else { ", or `drain_min` and `drain_max` to let it adapt" };
    Some(format!(
        "the shop was asked for up to {:.0} requests a second, of {capacity:.0} that it can answer; {:.1} % failed. A fan \
         asked for about {each:.0}: {} a minute would leave a fifth of the shop free{adapts}",
        figures.shop_requests_max,
        figures.shop_failed * 100.0,
        number(rate)
    ))
}

fn shop_capacity(plan: &Plan) -> Option<String> {
    (plan.rules.adaptive.is_some() && plan.shop.requests_per_second.is_none()).then(|| {
        format!(
            "the drain adapts, and nothing says what the shop can take (--shop-capacity): one that always answers in {} ms \
             was assumed, so the rate only goes up",
            millis(plan.shop.latency)
        )
    })
}
