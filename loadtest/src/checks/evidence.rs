//! What is known of a run: what the fans saw, what the operator had set, what was done to the system, and what its
//! stores held at the end.

use std::ops::Range;

use serde::{Deserialize, Serialize};

use super::books::Books;
use super::draw::Draw;
use super::entry::Attempt;
use super::rate::Expected;
use super::seats::Sales;
use crate::stack::Room;
use crate::story::Story;

/// What is known of a run. What is not known is left out, and what follows from it is not judged.
#[derive(Clone, Debug, Default)]
pub struct Evidence {
    /// What every fan saw, as they saw it.
    pub stories: Vec<Story>,
    /// What was set for the room, where nobody but these fans stood in its line.
    pub setting: Option<Setting>,
    /// What was done to the system, in the order of time.
    pub strikes: Vec<Strike>,
    /// What was tried without a turn.
    pub attempts: Vec<Attempt>,
    /// The shop's figures of the sale at the end, where nobody but these fans bought.
    pub sales: Option<Sales>,
    /// What the stores themselves held of it.
    pub books: Option<Books>,
    /// What can be known of the draw, where there was one.
    pub draw: Option<Draw>,
    /// What the line counted, by its own books at the end, where it never lost them.
    pub line: Option<LineTotals>,
    /// How late this machine was at most.
    pub late_ms: u64,
}

/// What was set for a room.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Setting {
    /// From when on the line had to do what, in the order of time.
    pub rates: Vec<(u64, Expected)>,
    /// Most fans inside.
    pub max_active: u64,
    /// When the line opened, where it was closed at the beginning.
    pub opened_ms: Option<u64>,
    /// How long a fan counts as there after the last sign of them.
    pub presence_window_ms: u64,
    /// How long nobody is admitted after the line was lost.
    pub recovery_grace_ms: u64,
}

impl Setting {
    /// What `room` says, all the time.
    pub fn of(room: &Room) -> Self {
        Self {
            rates: vec![(0, room.expected())],
            max_active: room.max_active,
            opened_ms: None,
            presence_window_ms: room.presence_window_seconds * 1000,
            recovery_grace_ms: room.recovery_grace_seconds * 1000,
        }
    }

    /// What the line had to do, where that was the same all the time.
    pub fn only_rate(&self) -> Option<Expected> {
        match (self.rates.as_slice(), self.opened_ms) {
            ([(_, expected)], None) => Some(*expected),
            _ => None,
        }
    }
}

/// What a line counted since it began.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LineTotals {
    /// Turns that were given.
    pub admitted: u64,
    /// Turns that nobody claimed, and that gave their permit back.
    pub lapsed: u64,
}

impl LineTotals {
    /// What was counted after `before`.
    #[must_use]
    pub const fn since(self, before: Self) -> Self {
        let (admitted, lapsed) = (self.admitted - before.admitted, self.lapsed - before.lapsed);
        Self { admitted, lapsed }
    }
}

/// Something that was done to the system.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Strike {
    /// What, in a word: `redis-killed`.
    pub name: String,
    /// What, in a sentence.
    pub told: String,
    /// From when.
    pub from_ms: u64,
    /// Until everything ran again.
    pub to_ms: u64,
    /// What followed from it for what fans could see.
    pub effects: Effects,
}

impl Strike {
    /// When it happened.
    pub const fn during(&self) -> Range<u64> {
        self.from_ms..self.to_ms
    }
}

/// What follows from something that was done to the system.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Effects {
    /// These edges were ended: what they had not told their fans yet was lost.
    pub edges_killed: Vec<usize>,
    /// These edges did not run: what they were asked was not answered.
    pub edges_down: Vec<usize>,
    /// These edges did nothing, or could not reach the line: nobody knew of their fans, and they of no turn.
    pub edges_away: Vec<usize>,
    /// Fans heard no more of turns that came just before.
    pub news_stopped: bool,
    /// So much later fans heard of turns meanwhile.
    pub news_late_ms: u64,
    /// The line did not answer, so newcomers have to be given tickets that tell no rank yet.
    pub line_away: bool,
    /// The line may have lost something, or begins anew, and admits nobody for a while.
    pub line_lost: bool,
    /// All fans were cut off, and the line waits until they are back.
    pub line_waited: bool,
    /// The line could not be asked, or hardly: who is inside has to go on all the same.
    pub line_failed: bool,
    /// The shop, or something behind it, could not be asked, or hardly.
    pub shop_failed: bool,
}

impl Evidence {
    /// The stories, with all that followed from strikes and from this machine for what their fans could see.
    pub(super) fn stories_judged(&self) -> Vec<Story> {
        let mut stories = self.stories.clone();
        let grace_ms = self.setting.as_ref().map_or(0, |setting| setting.recovery_grace_ms);
        for story in &mut stories {
            story.machine_was_late(self.late_ms);
            for strike in &self.strikes {
                suffer(story, strike, grace_ms, self.late_ms);
            }
        }
        stories
    }
}

/// How long before its end a fan has to be back, to be in time for the line that waits.
const IN_TIME_MS: u64 = 1000;
/// How long after its end an edge that was away may take until it asks the line again, and may still tell what came
/// meanwhile: connections that said nothing are given up and made anew.
const CATCHES_UP_MS: u64 = 4000;

fn suffer(story: &mut Story, strike: &Strike, grace_ms: u64, late_ms: u64) {
    let Strike { from_ms, to_ms, effects, .. } = strike;
    let (from_ms, to_ms) = (*from_ms, *to_ms);
    for edge in &effects.edges_killed {
        story.edge_was_killed(*edge, from_ms);
    }
    for edge in &effects.edges_away {
        story.edge_was_away(*edge, from_ms, to_ms + CATCHES_UP_MS + late_ms);
    }
    if effects.news_stopped {
        story.news_stopped(from_ms);
    }
    if effects.news_late_ms > 0 {
        // What was late at the end of it is heard of so much after it.
        story.news_was_late(from_ms, to_ms + effects.news_late_ms, effects.news_late_ms);
    }
    if effects.line_waited {
        story.line_waited(from_ms, (to_ms + grace_ms).saturating_sub(IN_TIME_MS));
    }
}
