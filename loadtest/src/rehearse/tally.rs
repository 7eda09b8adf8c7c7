//! What is counted while a rehearsal goes on.

use admission::clock::Timestamp;
use serde::Serialize;

/// What became of the fans of one lane.
#[derive(Clone, Debug, Default)]
pub struct LaneTally {
    /// Who got into the line or at once into the shop.
    pub came: u64,
    /// How long each waited who got in, in milliseconds: from coming, or from the opening for who came before it.
    pub waits: Vec<u64>,
    /// Who closed the page while they waited.
    pub left: u64,
    /// Whose turn came and who did not take it.
    pub no_shows: u64,
    /// Who came to take their turn when it had lapsed.
    pub late: u64,
    /// Who came too late even for the right to return.
    pub lost: u64,
    /// Who still waits at the end.
    pub still_waiting: u64,
}

/// The room at one second.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Sample {
    /// Seconds after the opening.
    pub at: f64,
    /// Fans who came since the sample before.
    pub came: u64,
    /// Fans in line.
    pub waiting: u64,
    /// Fans with a turn or a session.
    pub active: u64,
    /// Fans who got in since the sample before.
    pub got_in: u64,
    /// The rate in force, fans a minute.
    pub rate: u64,
    /// Requests to the shop since the sample before.
    pub asked: u64,
    /// Those of them that failed.
    pub failed: u64,
    /// How long the shop took to answer, in milliseconds.
    pub latency_ms: f64,
}

/// All that is counted.
#[derive(Clone, Debug, Default)]
pub struct Tally {
    /// When the room opens.
    pub opening: Timestamp,
    /// Lane by lane, in the order of the rules.
    pub lanes: Vec<LaneTally>,
    /// Who was told that the room is not open, or closed.
    pub turned_away: u64,
    /// Who was told that the line is full.
    pub full: u64,
    /// Who was put out of the shop because they stayed longer than anybody may.
    pub put_out: u64,
    /// Permits due while somebody waited who was there.
    pub due: f64,
    /// Turns given.
    pub turns: u64,
    /// Turns that lapsed.
    pub lapsed: u64,
    /// Seconds in which somebody waited for a turn while the room was open.
    pub waiting_seconds: u64,
    /// Those of them in which the shop was full.
    pub full_seconds: u64,
    /// When the last fan got in.
    pub last_in: Option<Timestamp>,
    /// When it ended.
    pub ended_at: Timestamp,
    /// Whether it ended because the time was over, not because everybody was through.
    pub is_cut_short: bool,
    /// The room second by second.
    pub samples: Vec<Sample>,
    /// When fans came, in seconds after the opening, and how long they waited, of those who got in.
    pub waits_by_arrival: Vec<(f64, f64)>,
}

impl Tally {
    /// A fan of this lane got in, who came at `came_at`.
    pub fn got_in(&mut self, lane: usize, came_at: Timestamp, now: Timestamp) {
        let waited = now.since(came_at.max(self.opening));
        let millis = admission::clock::millis(waited);
        if let Some(lane) = self.lanes.get_mut(lane) {
            lane.waits.push(millis);
        }
        self.waits_by_arrival.push((self.seconds(came_at), waited.as_secs_f64()));
        self.last_in = Some(now);
    }

    /// Seconds after the opening.
    pub fn seconds(&self, at: Timestamp) -> f64 {
        (at.as_millis() as f64 - self.opening.as_millis() as f64) / 1000.0
    }
}
