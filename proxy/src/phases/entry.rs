//! Whatever goes on to a protected path is looked at once more, apart from what let it through (P6); and whoever is inside,
//! that they go on and the store is not asked (P7).

use admission::invariants::Promise;

use super::context::Context;
use super::edge::Edge;
use super::visitor::Answer;
use crate::gate::credentials::{ADMISSION_HEADER, presented};
use crate::gate::{Decision, Verdict};
use crate::room::{Room, Who};

impl Edge {
    /// Counts a request that nothing lets through and that is sent on all the same. It is not held back here: what decides
    /// is elsewhere, and this only tells that it is wrong.
    pub(super) fn watch_entry(&self, context: &Context, decision: &Decision) {
        let Verdict::Protected { room: index, .. } = decision.verdict else { return };
        let known = context.passage.room.clone();
        let Some(room) = known.or_else(|| self.fleet.in_force().rooms.get(index).cloned()) else { return };
        if context.passage.has_no_right(&room.id, context.is_public, self.clock.now()) {
            room.tally.promises.break_one(Promise::NoTurnNoEntry);
            tracing::error!(room = %room.id, request_id = context.request_id, "a request went on that nothing lets through");
        }
    }

    /// Counts a visitor who is inside and for whom the store was asked so often, or who is not let on while it is away.
    pub(super) fn watch_passage(&self, room: &Room, who: &Who<'_>, answer: &Answer, asked: u64) {
        let is_inside = || {
            presented(who.headers, &ADMISSION_HEADER, room.cookies.admission_name())
                .any(|token| room.is_good(token, who))
        };
        let became = match answer {
            Answer::Forward { outcome, .. } => Became::Passed { is_admitted: *outcome == "admitted" },
            Answer::Reply(_, "too_many_requests") => Became::Held,
            Answer::Reply(..) => Became::Refused { is_inside: !room.is_ready() && is_inside() },
        };
        if became.breaks_free_passage(asked) {
            room.tally.promises.break_one(Promise::FreePassage);
            tracing::error!(room = %room.id, asked, "a request of a session was held up by the store");
        }
    }
}

/// What became of a visitor of a protected path.
#[derive(Clone, Copy, Debug)]
enum Became {
    /// They went on; by a session that they had, or otherwise.
    Passed { is_admitted: bool },
    /// They ask for more than a session may.
    Held,
    /// They did not go on. Where the store is away: whether they are inside.
    Refused { is_inside: bool },
}

impl Became {
    const fn breaks_free_passage(self, asked: u64) -> bool {
        match self {
            Self::Passed { is_admitted } => is_admitted && asked > 0,
            Self::Held => false,
            Self::Refused { is_inside } => is_inside,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn free_passage_is_broken_by_a_question_or_a_refusal() {
        assert!(Became::Passed { is_admitted: true }.breaks_free_passage(1));
        assert!(Became::Refused { is_inside: true }.breaks_free_passage(0));
        // Whose turn has come claims it from the store; and who is not inside may be refused.
        let kept =
            [Became::Passed { is_admitted: false }, Became::Held, Became::Refused { is_inside: false }];
        assert!(kept.iter().all(|became| !became.breaks_free_passage(1)), "{kept:?}");
        assert!(!Became::Passed { is_admitted: true }.breaks_free_passage(0));
    }
}
