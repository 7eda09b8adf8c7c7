//! Takes samples of all rooms, whether or not anybody looks.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use admission::clock::{Clock, Timestamp};
use parking_lot::Mutex;
use tokio::time::{MissedTickBehavior, interval};

use super::forecast::Observed;
use super::series::{CLOSE_STEP, Line, Sample, Series, percentiles, small};
use crate::config::RoomConfig;
use crate::fleet::Fleet;
use crate::room::Room;

/// The waits of so long are told together: at a low rate few are let in between two samples.
const WAITS_OF: Duration = Duration::from_secs(60);
/// Most rooms of which samples are kept: the first ones that are configured.
pub(super) const ROOMS_MAX: usize = 200;

/// What the rooms of this proxy were like.
#[derive(Default)]
pub(in crate::admin) struct Recorder {
    rooms: Mutex<HashMap<String, Series>>,
}

impl Recorder {
    /// Takes samples from now on, as long as somebody may ask for them.
    pub(in crate::admin) fn start(fleet: Arc<Fleet>, clock: Arc<dyn Clock>) -> Arc<Self> {
        let recorder = Arc::new(Self::default());
        let kept = Arc::downgrade(&recorder);
        tokio::spawn(async move {
            let mut interval = interval(CLOSE_STEP);
            interval.set_missed_tick_behavior(MissedTickBehavior::Delay);
            loop {
                interval.tick().await;
                let Some(recorder) = kept.upgrade() else { return };
                recorder.take(&fleet, clock.now());
            }
        });
        recorder
    }

    fn take(&self, fleet: &Fleet, now: Timestamp) {
        let in_force = fleet.in_force();
        let kept = in_force.configs.get(..ROOMS_MAX).unwrap_or(&in_force.configs);
        let mut rooms = self.rooms.lock();
        rooms.retain(|id, _| kept.iter().any(|config| config.id.as_str() == id));
        for config in kept {
            if let Some(room) = in_force.rooms.by_id(config.id.as_str()) {
                take(rooms.entry(config.id.to_string()).or_default(), room, config, now);
            }
        }
    }

    /// Asks the series of a room; an empty one, where there is none.
    pub(super) fn ask<T>(&self, room: &str, question: impl FnOnce(&Series) -> T) -> T {
        match self.rooms.lock().get(room) {
            Some(series) => question(series),
            None => question(&Series::default()),
        }
    }

    /// How the line of a room moved lately.
    pub(super) fn lately(&self, room: &str, now: Timestamp) -> Option<Observed> {
        self.ask(room, |series| series.lately(now.as_millis()))
    }
}

fn take(series: &mut Series, room: &Room, config: &RoomConfig, now: Timestamp) {
    let figures = room.figures();
    let counts = series.counts(figures.reachable.then_some(figures.totals));
    let line = figures.reachable.then(|| Line {
        waiting: small(figures.waiting),
        active: small(figures.active),
        turns: small(figures.turns),
        allowed: small(figures.rate),
        counts,
    });
    let sample = Sample {
        at: now.as_millis(),
        configured: small(config.rules.drain_per_minute),
        max_active: small(config.rules.max_active),
        line,
        waits: percentiles(room.waits_since(now - WAITS_OF)),
        ..Sample::default()
    };
    series.push(sample, &room.take_shop_report());
}
