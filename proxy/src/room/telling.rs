//! What a room tells: to a fan of their place, to anyone of the room.

use std::sync::atomic::Ordering;
use std::time::Duration;

use admission::clock::{Random, Timestamp};
use admission::name::LaneId;
use admission::rules::Phase;
use admission::ticket::{Order, Place, Ticket};
use admission::wait::Wait;
use tokio::time::Instant;

use super::view::View;
use super::{Room, Stand};
use crate::ids::jitter;
use crate::waiting::status::{Eta, Facts, Note, State, Status};
use crate::waiting::time::rfc3339;
use crate::waiting::words::time_of_day;

/// Between two polls before the opening, at least and at most.
const EARLY_POLLS: (Duration, Duration) = (Duration::from_secs(8), Duration::from_secs(15));
/// How long after the opening the last of those who poll comes back, at most, and for how many each second more.
const OPENING_SPREAD: (Duration, Duration) = (Duration::from_secs(2), Duration::from_secs(10));
const POLLS_PER_SECOND: u64 = 1000;

/// When a room opens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Opening {
    /// The moment.
    pub at: String,
    /// When to ask again: somewhat after the next thing happens, not at once with everybody, and not too seldom.
    pub again_in: Duration,
}

impl Room {
    /// What a fan is told.
    pub fn status(&self, place: &Place, stand: Stand) -> Status {
        let (view, now) = (self.view.load(), Instant::now());
        let state = match stand {
            Stand::Admitted => State::Admitted,
            Stand::Expired => State::Expired,
            // A lane that the rules no longer name stands until they name it again: there is no wait to tell, and no
            // place that would come nearer.
            Stand::Waiting(_) if view.lane_stands(&place.lane) => self.state(&view).standing(),
            Stand::Waiting(_) => self.state(&view),
        };
        // While the order is not drawn there is none to tell, whatever the rank; and while the line is being put back
        // together, or fans come back who came while the store was away, whoever is back first would read a place that
        // is too good.
        let is_told = !view.order_is_secret() && !view.is_rebuilding() && place.rank < view.settled_below();
        let ahead = match (stand, state) {
            (_, State::Admitted | State::Prequeue) => None,
            (Stand::Waiting(ahead), _) if is_told && !view.lane_stands(&place.lane) => ahead,
            _ => None,
        };
        let position = ahead.map(|ahead| self.show(place, ahead));
        let shown_ahead = position.map(|position| position.saturating_sub(1));
        let wait = shown_ahead
            .and_then(|ahead| view.wait(&place.lane, ahead, now))
            .filter(|_| state == State::Waiting);
        let note = self.remark(&view, now, state);
        let claim_seconds = match stand {
            Stand::Admitted => self.registry.lock().admitted_for(place, now).map(|left| left.as_secs()),
            _ => None,
        };
        let told = self.told((&view, now), &place.lane, state, wait, (note, self.message(note)));
        // Whoever joined since the last snapshot waits too.
        let waiting = told.waiting.max(position.unwrap_or_default());
        Status { position, ahead: shown_ahead, waiting, claim_seconds, ..told }
    }

    /// The place to show to a fan before whom so many stand.
    fn show(&self, place: &Place, ahead: u64) -> u64 {
        let position = self.registry.lock().show(place, ahead);
        self.tally.promises.showed(position, ahead);
        position
    }

    /// What a fan is told who came while the store was away.
    pub fn noted_status(&self, ticket: &Ticket) -> Status {
        let (view, now) = (self.view.load(), Instant::now());
        let said = match ticket.order {
            Order::Provisional { arrived_at } => (
                Some(Note::Noted),
                format!(
                    "We cannot reach the line right now. That you came at {} is noted: it decides about your place, as \
                 soon as the line is back.",
                    time_of_day(&rfc3339(arrived_at))
                ),
            ),
            _ => {
                let note = self.remark(&view, now, State::Waiting);
                (note, self.message(note))
            }
        };
        self.told((&view, now), &ticket.lane, self.state(&view), None, said)
    }

    /// What a fan is told who came while the store was away and is let in all the same.
    pub fn entered_status(&self, ticket: &Ticket) -> Status {
        let status = self.noted_status(ticket);
        Status { state: State::Admitted, note: None, message: String::new(), ..status }
    }

    /// What a fan is told who waits.
    fn state(&self, view: &View) -> State {
        if self.is_retired.load(Ordering::Relaxed) {
            return State::Admitted;
        }
        match self.phase_by(view) {
            // Nobody has to wait any more: whoever asks for the page again gets it.
            Phase::Off => State::Admitted,
            Phase::Open => State::Waiting,
            Phase::Prequeue => State::Prequeue,
            Phase::Paused => State::Paused,
            Phase::Early | Phase::Closed => State::Closed,
        }
    }

    /// Whether who waits is told a place and nothing that would be another fan's.
    pub(super) fn waits(&self, view: &View) -> bool {
        self.state(view) == State::Waiting
    }

    /// What a fan of this lane is told who waits in a line that moves, but for their place.
    pub(super) fn status_without_place(&self, view: &View, lane: &LaneId, now: Instant) -> Status {
        let note = self.remark(view, now, State::Waiting);
        self.told((view, now), lane, State::Waiting, None, (note, self.message(note)))
    }

    /// Everything but the place.
    fn told(
        &self,
        (view, now): (&View, Instant),
        lane: &LaneId,
        state: State,
        wait: Option<Wait>,
        (note, message): (Option<Note>, String),
    ) -> Status {
        let waiting = view.snapshot().map_or(0, |snapshot| snapshot.waiting());
        let opens = self.opens(view);
        let opens_in = opens.map(|(_, opens_in)| opens_in);
        let random = self.ports.random.as_ref();
        let mut poll_after_ms = poll_after_ms(random, state, wait.map(|wait| wait.low), opens_in, waiting);
        if view.store_is_away_at(now) {
            // Everybody hears that it is back, but not in the same second.
            poll_after_ms += admission::clock::millis(jitter(random, Duration::ZERO, OPENING_SPREAD.0));
        }
        Status {
            room: self.id.as_str().to_owned(),
            lane: lane.as_str().to_owned(),
            state,
            position: None,
            ahead: None,
            waiting,
            eta_seconds: wait.map(Eta::of),
            drain_per_minute: self.rate(view),
            opens_at: opens.map(|(opens_at, _)| rfc3339(opens_at)),
            opens_in,
            poll_after_ms,
            message,
            note,
            claim_seconds: None,
            updated_at: rfc3339(
                view.snapshot().map_or_else(|| self.ports.clock.now(), |snapshot| snapshot.at),
            ),
        }
    }

    /// When the room opens and how long that is from now, while it is to come.
    fn opens(&self, view: &View) -> Option<(Timestamp, Duration)> {
        let configured = || self.config().rules.opens_at;
        let opens_at = view.snapshot().map_or_else(configured, |snapshot| snapshot.rules.opens_at)?;
        let phase = self.phase_by(view);
        let opens_in = opens_at.since(view.store_now().unwrap_or_else(|| self.ports.clock.now()));
        (phase == Phase::Prequeue || !opens_in.is_zero()).then_some((opens_at, opens_in))
    }

    /// When the room opens, for who may not join yet; nothing where no opening is to come.
    pub fn opening(&self) -> Option<Opening> {
        let view = self.view.load();
        let (at, opens_in) = self.opens(&view)?;
        let now = view.store_now().unwrap_or_else(|| self.ports.clock.now());
        let joins_in = view.rules(&self.config().rules).prequeue_at.map(|at| at.since(now));
        let next = joins_in.filter(|joins_in| !joins_in.is_zero()).unwrap_or(opens_in);
        let random = self.ports.random.as_ref();
        let again_in = if next > Duration::from_secs(60) {
            jitter(random, Duration::from_secs(30), Duration::from_secs(60))
        } else {
            next + jitter(random, Duration::from_secs(1), OPENING_SPREAD.1)
        };
        Some(Opening { at: rfc3339(at), again_in })
    }

    fn rate(&self, view: &View) -> u64 {
        view.snapshot().map_or_else(|| self.config().rules.first_rate(), |snapshot| snapshot.rate)
    }

    /// What there is to know besides the state, the gravest first.
    fn remark(&self, view: &View, now: Instant, state: State) -> Option<Note> {
        let holds = matches!(state, State::Waiting | State::Paused | State::Prequeue);
        match view.snapshot() {
            _ if holds && view.store_is_away_at(now) => Some(Note::StoreAway),
            _ if holds && view.is_rebuilding() => Some(Note::Rebuilding),
            Some(snapshot) if state == State::Waiting => {
                let rules = &snapshot.rules;
                let is_slowed = rules.adaptive.is_some() && snapshot.rate * 4 < rules.first_rate() * 3;
                match snapshot.active + snapshot.turns >= rules.max_active {
                    true => Some(Note::Full),
                    false => is_slowed.then_some(Note::Slowed),
                }
            }
            _ => None,
        }
    }

    fn message(&self, note: Option<Note>) -> String {
        match note {
            Some(Note::StoreAway) => {
                "We cannot reach the line right now. Your place is safe, and nobody passes you.".to_owned()
            }
            Some(Note::Rebuilding) => "The line is being put back together. Your place is safe.".to_owned(),
            _ => self.config().message.clone(),
        }
    }

    /// What anyone is told of the room.
    pub fn facts(&self) -> Facts {
        let view = self.view.load();
        let waiting = view.snapshot().map_or(0, |snapshot| snapshot.waiting());
        let state = match self.phase_by(&view) {
            Phase::Prequeue => "prequeue",
            Phase::Paused => "paused",
            Phase::Early | Phase::Closed => "closed",
            Phase::Off => "open",
            Phase::Open if view.is_free() => "open",
            Phase::Open => "queueing",
        };
        Facts {
            room: self.id.to_string(),
            state,
            waiting,
            active: view.snapshot().map_or(0, |snapshot| snapshot.active),
            drain_per_minute: self.rate(&view),
            opens_at: self.opens(&view).map(|(opens_at, _)| rfc3339(opens_at)),
            server_time: rfc3339(view.store_now().unwrap_or_else(|| self.ports.clock.now())),
        }
    }
}

/// When to ask again: often near the front, and never so seldom that a turn could be missed. Before the opening
/// everybody at another time, and after it not all at once.
pub(super) fn poll_after_ms(
    random: &dyn Random,
    state: State,
    wait: Option<Duration>,
    opens_in: Option<Duration>,
    waiting: u64,
) -> u64 {
    let after = match (state, wait, opens_in) {
        (State::Admitted, ..) => Duration::from_secs(1),
        (State::Prequeue | State::Closed, _, Some(opens_in)) => {
            let (from, to) = EARLY_POLLS;
            let (least, most) = OPENING_SPREAD;
            let spread = Duration::from_secs(waiting / POLLS_PER_SECOND).clamp(least, most);
            if opens_in > to {
                jitter(random, from, to)
            } else {
                opens_in + jitter(random, Duration::ZERO, spread)
            }
        }
        (State::Waiting, Some(low), _) => (low / 10).clamp(Duration::from_secs(2), Duration::from_secs(10)),
        _ => Duration::from_secs(5),
    };
    admission::clock::millis(after).max(1000)
}

#[cfg(test)]
mod tests {
    use admission::clock::SystemRandom;

    use super::*;

    #[test]
    fn polls_before_the_opening_are_spread() {
        let polls = |opens_in: u64, waiting| -> Vec<u64> {
            let opens_in = Some(Duration::from_secs(opens_in));
            (0..200).map(|_| poll_after_ms(&SystemRandom, State::Prequeue, None, opens_in, waiting)).collect()
        };
        let distinct = |polls: &[u64]| polls.iter().collect::<std::collections::BTreeSet<_>>().len();
        let far = polls(600, 0);
        assert!(far.iter().all(|poll| (8000..=15_000).contains(poll)) && distinct(&far) > 150);
        let near = polls(5, 8000);
        assert!(near.iter().all(|poll| (5000..=13_000).contains(poll)) && distinct(&near) > 150);
        assert!(near.iter().max() > Some(&11_000), "not all at the opening");
        let at = polls(0, 0);
        assert!(at.iter().all(|poll| (1000..=2000).contains(poll)));
    }

    #[test]
    fn polls_in_the_line_follow_the_wait() {
        let poll = |wait| poll_after_ms(&SystemRandom, State::Waiting, wait, None, 0);
        assert_eq!(poll(None), 5000);
        assert_eq!(poll(Some(Duration::from_secs(1))), 2000);
        assert_eq!(poll(Some(Duration::from_secs(50))), 5000);
        assert_eq!(poll(Some(Duration::from_secs(5000))), 10_000);
    }
}
