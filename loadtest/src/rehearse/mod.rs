//! A rehearsal: the rules of a room against a crowd that does not exist, in virtual time.
//!
//! It reads the `rooms.toml` that the edge reads, with the edge's own parser, and drives the line of `admission` as an
//! edge does: joins, presence, a drain every tick, claims, sessions, the adaptive drain. Only fans, clock and shop are
//! made up. Nothing here goes over the wire, and nothing reads the machine's clock: the same seed gives the same
//! figures.
//!
//! - [`options`] is what can be asked for.
//! - [`arrivals`] says when fans come, [`crowd`] what each of them does, [`stay`] for how long.
//! - [`shop`] becomes slower the more is asked of it.
//! - [`course`] lets all of this happen; [`tally`] counts it.
//! - [`figures`] sums it up, [`advice`] says what is wrong with it; [`table`] and [`page`] show it.

pub mod advice;
pub mod arrivals;
pub mod course;
pub mod crowd;
pub mod figures;
pub mod options;
pub mod page;
pub mod shop;
pub mod stay;
pub mod table;
pub mod tally;

use std::time::Duration;

use admission::name::RoomId;
use admission::rules::{Mode, Rules};
use anyhow::Result;

use self::arrivals::Arrivals;
use self::crowd::Habits;
use self::figures::Figures;
use self::shop::ShopModel;

/// Most fans of a rehearsal.
pub const FANS_MAX: usize = 2_000_000;
/// Longest time that a rehearsal covers after the last fan came.
pub const AFTERWARDS_MAX: Duration = Duration::from_secs(7 * 24 * 3600);

/// What is rehearsed.
#[derive(Clone, Debug)]
pub struct Plan {
    /// The room.
    pub room: RoomId,
    /// The rules by which its line moves.
    pub rules: Rules,
    /// The mode that the file names, where that one would let nobody in.
    pub other_mode: Option<Mode>,
    /// How many fans come.
    pub fans: usize,
    /// When they come.
    pub arrivals: Arrivals,
    /// What they do.
    pub habits: Habits,
    /// What the shop can take.
    pub shop: ShopModel,
    /// How long it goes on after the last fan came, at most.
    pub afterwards: Duration,
    /// Repeats the crowd of an earlier rehearsal.
    pub seed: u64,
}

/// A time as configuration files have it, such as `90s`.
pub fn duration(text: &str) -> Option<Duration> {
    proxy::config::duration::parse(text)
}

/// Rehearses.
///
/// # Errors
/// When the crowd does not fit the room.
pub async fn run(plan: &Plan) -> Result<Figures> {
    let (fans, opening) = crowd::gather(plan)?;
    let tally = course::run(plan, fans, opening).await?;
    Ok(figures::sum_up(plan, tally))
}
