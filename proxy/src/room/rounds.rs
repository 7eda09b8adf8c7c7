//! The round along all fans, once a tick: whoever what they were shown would mislead is told anew, and so is who was told
//! nothing for a heartbeat.
//!
//! Of what they are told, all but the place is the same for a lane. So it is put together once, and each fan's message is
//! written from here; tasks are woken only where that does not do ([`crate::wire`]).

use admission::name::LaneId;
use tokio::time::Instant;

use super::Room;
use super::registry::{Due, Round};
use super::telling::poll_after_ms;
use super::view::View;
use crate::waiting::status::{Eta, State};
use crate::waiting::told::{Mould, Own};
use crate::wire::Frame;

/// So many are told before others have their turn to work.
const AT_ONCE: usize = 32;

/// How a lane's fans who wait are told where they stand.
struct Lane {
    mould: Mould,
    waiting: u64,
}

impl Room {
    /// Tells who is due. Where a place is no `news` since the last round, nobody can be misled who was not then.
    pub(super) async fn tell_the_due(&self, is_news: bool) {
        let view = self.view.load_full();
        let now = Instant::now();
        let (names, lanes) = self.moulds(&view, now);
        let places = view.snapshot().filter(|_| !view.is_rebuilding() && !view.order_is_secret());
        let round = Round {
            places: places.map(|snapshot| (&**snapshot, view.settled_below())),
            is_news,
            lanes: &names,
            now,
        };
        let due = self.registry.lock().due(&round);
        let mut frame = Vec::new();
        for (nth, due) in due.into_iter().enumerate() {
            if nth % AT_ONCE == AT_ONCE - 1 {
                tokio::task::yield_now().await;
            }
            self.tell(&view, (&names, &lanes), &due, now, &mut frame);
        }
    }

    fn tell(
        &self,
        view: &View,
        (names, lanes): (&[LaneId], &[Lane]),
        due: &Due,
        now: Instant,
        frame: &mut Vec<u8>,
    ) {
        let (Some(name), Some(lane)) = (names.get(due.lane), lanes.get(due.lane)) else { return };
        if self.sessions.has_ended(due.id) {
            // Their task says so.
            return due.wire.ring();
        }
        self.tally.promises.showed(due.position, due.ahead);
        let ahead = due.position.saturating_sub(1);
        let wait = view.wait(name, ahead, now);
        let own = Own {
            position: due.position,
            ahead,
            waiting: lane.waiting.max(due.position),
            eta: wait.map(Eta::of),
            poll_after_ms: poll_after_ms(
                self.ports.random.as_ref(),
                State::Waiting,
                wait.map(|wait| wait.low),
                None,
                lane.waiting,
            ),
        };
        frame.clear();
        frame.extend_from_slice(&Frame::BEFORE);
        lane.mould.frame(&own, frame);
        due.wire.tell(due.turn, &Frame::new(frame), due.is_beat, now);
    }

    /// The lanes whose fans who wait are told the same but for their places, and how.
    fn moulds(&self, view: &View, now: Instant) -> (Vec<LaneId>, Vec<Lane>) {
        let is_plain = !view.is_rebuilding() && !view.order_is_secret() && !view.store_is_away_at(now);
        let Some(snapshot) = view.snapshot().filter(|_| is_plain && self.waits(view)) else {
            return (Vec::new(), Vec::new());
        };
        let lanes = snapshot.lanes.iter().filter(|lane| !view.lane_stands(&lane.name));
        lanes
            .map(|lane| {
                let status = self.status_without_place(view, &lane.name, now);
                (lane.name.clone(), Lane { mould: Mould::of(&status), waiting: status.waiting })
            })
            .unzip()
    }
}
