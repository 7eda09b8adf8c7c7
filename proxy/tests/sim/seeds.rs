//! Many runs of each family; and stores that are wrong, to see that it is noticed.

use std::fmt::Write as _;

use admission::invariants::{Coverage, Promise, estimate};

use crate::mutants::Mutation;
use crate::plan::Family;
use crate::world::{Outcome, run};

/// Runs of each test, unless the environment says otherwise.
const SEEDS: u64 = 150;
/// Most runs after which a mutation has to be noticed.
const MUTANT_SEEDS: u64 = 40;

fn number(variable: &str) -> Option<u64> {
    std::env::var(variable).ok()?.parse().ok()
}

fn tell(family: Family, seed: u64, outcome: &Outcome) -> String {
    let thread = std::thread::current();
    let test = thread.name().unwrap_or_default();
    let mut text = format!(
        "seed {seed} of {family:?}; repeat it with\n  STANCHION_SEED={seed} cargo test -p proxy --test sim -- {test}\n"
    );
    for violation in &outcome.violations {
        let _ = write!(text, "{violation}\n{}", outcome.stories_of(violation));
        for story in outcome.stories.iter().filter(|story| violation.fans.contains(&story.name)) {
            let _ = writeln!(
                text,
                "{}: turns {:?}, present {:?}",
                story.name,
                story.turns(&outcome.setting),
                story.present(&outcome.setting)
            );
        }
    }
    let _ = writeln!(text, "{:?}", outcome.plan);
    if std::env::var_os("STANCHION_STORIES").is_some() {
        outcome.stories.iter().for_each(|story| text.push_str(&story.to_string()));
    }
    text
}

/// Runs part `part` of the seeds of a family.
fn promises_hold(family: Family, part: u64) {
    let seeds = match number("STANCHION_SEED") {
        Some(seed) => seed..seed + 1,
        None => {
            let count = number("STANCHION_SEEDS").unwrap_or(SEEDS);
            part * 1_000_000..part * 1_000_000 + count
        }
    };
    let mut all = Coverage::default();
    let mut failed = Vec::new();
    for seed in seeds {
        let outcome = run(family, seed, None);
        all += outcome.coverage;
        if !outcome.violations.is_empty() {
            if failed.is_empty() {
                eprintln!("{}", tell(family, seed, &outcome));
            }
            failed.push(format!("{seed} ({})", outcome.violations[0].promise));
        }
    }
    assert!(failed.is_empty(), "{family:?} fails with the seeds {}", failed.join(", "));
    // Only where the drain is steady does the past minute say anything about the next.
    if matches!(family, Family::Calm | Family::Crowd) {
        let estimates = estimate(all, admission::clock::Timestamp::default());
        assert!(estimates.is_none(), "{family:?}: {estimates:?}");
    }
}

macro_rules! families {
    ($($name:ident: $family:ident, $part:literal;)*) => {
        $(#[test] fn $name() { promises_hold(Family::$family, $part); })*
    };
}

families! {
    promises_hold_when_nothing_is_wrong: Calm, 0;
    promises_hold_in_a_long_line: Crowd, 0;
    promises_hold_in_a_long_line_when_the_store_loses_its_data: CrowdLoss, 0;
    promises_hold_while_the_operator_changes_the_rules: Operated, 0;
    promises_hold_while_edges_are_cut_off_1: Cuts, 0;
    promises_hold_while_edges_are_cut_off_2: Cuts, 1;
    promises_hold_while_edges_crash_1: Crashes, 0;
    promises_hold_while_edges_crash_2: Crashes, 1;
    promises_hold_when_the_store_loses_its_data_1: Losses, 0;
    promises_hold_when_the_store_loses_its_data_2: Losses, 1;
    promises_hold_in_two_lanes: Lanes, 0;
    promises_hold_when_many_do_not_take_their_turn: NoShows, 0;
    promises_hold_when_fans_stay_as_long_as_they_may: Stays, 0;
    promises_hold_when_fans_are_idle_and_edges_new: Idle, 0;
    promises_hold_when_the_order_is_drawn: Prequeue, 0;
    promises_hold_when_admissions_are_voided: Voided, 0;
    promises_hold_when_everything_goes_wrong_1: Everything, 0;
    promises_hold_when_everything_goes_wrong_2: Everything, 1;
    promises_hold_when_everything_goes_wrong_3: Everything, 2;
    promises_hold_when_everything_goes_wrong_4: Everything, 3;
}

#[test]
fn the_same_seed_is_the_same_run() {
    for family in [Family::Calm, Family::Losses, Family::Everything] {
        for seed in 0..5 {
            let (first, second) = (run(family, seed, None), run(family, seed, None));
            assert_eq!(first.digest(), second.digest(), "{family:?}, seed {seed}");
            assert!(first.stories.len() > 5);
        }
    }
}

fn is_caught(mutation: Mutation, family: Family, by: &[Promise]) {
    for seed in 0..MUTANT_SEEDS {
        let outcome = run(family, seed, Some(mutation));
        if outcome.violations.iter().any(|violation| by.contains(&violation.promise)) {
            return;
        }
    }
    panic!("{mutation:?} is not noticed by {by:?} in {MUTANT_SEEDS} runs of {family:?}");
}

macro_rules! mutations {
    ($($name:ident: $mutation:ident, $family:ident, $($promise:ident)|+;)*) => {
        $(#[test] fn $name() { is_caught(Mutation::$mutation, Family::$family, &[$(Promise::$promise),+]); })*
    };
}

mutations! {
    mutation_forgets_restore_is_caught: ForgetsRestore, Losses, Order;
    mutation_ranks_anew_after_loss_is_caught: RanksAnewAfterLoss, Losses, Order | Place;
    mutation_no_hold_after_loss_is_caught: NoHoldAfterLoss, Losses, Order | Capacity;
    mutation_burst_anew_is_caught: BurstAnew, Crowd, Rate;
    mutation_turns_by_the_edges_clock_is_caught: TurnsByTheEdgesClock, Calm, Rate;
    mutation_ignores_presence_is_caught: IgnoresPresence, Calm, Presence | Rate;
    mutation_hard_of_hearing_is_caught: HardOfHearing, Calm, Order;
    mutation_two_stores_is_caught: TwoStores, Calm, Rate;
    mutation_forgets_the_ended_is_caught: ForgetsTheEnded, Calm, NoTurnNoEntry;
    mutation_no_limit_is_caught: NoLimit, Calm, Capacity;
    mutation_wrong_positions_is_caught: WrongPositions, Calm, Truth;
    mutation_no_return_is_caught: NoReturn, Calm, Place;
    mutation_slow_is_caught: Slow, Crowd, Rate;
    mutation_ignores_weights_is_caught: IgnoresWeights, Lanes, Order;
    mutation_unclaimed_is_over_is_caught: UnclaimedIsOver, NoShows, Place | Rate;
    mutation_no_hard_limit_is_caught: NoHardLimit, Stays, NoTurnNoEntry;
    mutation_ignores_arrival_is_caught: IgnoresArrival, Cuts, Order;
    mutation_tells_the_draw_is_caught: TellsTheDraw, Prequeue, FairDraw;
    mutation_draws_the_late_is_caught: DrawsTheLate, Prequeue, FairDraw;
    mutation_forgets_the_void_is_caught: ForgetsTheVoid, Voided, NoTurnNoEntry;
    mutation_voids_those_who_come_later_is_caught: VoidsTheLater, Voided, FreePassage;
    mutation_tells_no_sessions_is_caught: TellsNoSessions, Idle, Capacity;
    mutation_forgets_what_was_shown_is_caught: ForgetsWhatWasShown, Losses, Truth;
}
