//! A shop that becomes slower the more is asked of it, and fails when it is far too much.

use std::time::Duration;

use admission::adaptive::LoadReport;
use serde::Serialize;

use crate::random::Dice;

/// How long a shop lets a request wait before it fails.
const TIMEOUT_SECONDS: f64 = 10.0;
/// The time over which load is averaged, in seconds.
const LOAD_OVER: f64 = 3.0;
/// A shop that is as good as full answers so many times slower than an idle one.
const SLOWEST: f64 = 50.0;

/// What the shop can take.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ShopModel {
    /// Requests a second that it can answer; as many as come where nothing is said.
    pub requests_per_second: Option<f64>,
    /// How long an answer takes while it has nothing else to do.
    pub latency: Duration,
    /// Requests a minute of a fan who is in the shop.
    pub fan_requests_per_minute: f64,
}

/// The shop in one step of time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct ShopStep {
    /// Requests that came.
    pub asked: u64,
    /// Those of them that failed.
    pub failed: u64,
    /// How long answers took, in seconds.
    pub latency: f64,
}

/// The shop as it goes.
#[derive(Clone, Copy, Debug)]
pub struct Shop {
    model: ShopModel,
    due: f64,
    failures_due: f64,
    backlog: f64,
    load: f64,
}

impl Shop {
    /// A shop with nothing to do.
    pub const fn new(model: ShopModel) -> Self {
        Self { model, due: 0.0, failures_due: 0.0, backlog: 0.0, load: 0.0 }
    }

    /// So many fans are in the shop for so many seconds. What an edge sees of it goes into `report`, if that is wanted.
    pub fn serve(
        &mut self,
        fans: u64,
        seconds: f64,
        report: Option<&mut LoadReport>,
        dice: &mut Dice,
    ) -> ShopStep {
        self.due += fans as f64 * self.model.fan_requests_per_minute / 60.0 * seconds;
        let asked = self.due.floor();
        self.due -= asked;
        let mut latency = self.model.latency.as_secs_f64();
        if let Some(per_second) = self.model.requests_per_second {
            let capacity = per_second * seconds;
            self.load += (asked / capacity - self.load) * (seconds / LOAD_OVER).min(1.0);
            latency *= (1.0 / (1.0 - self.load).max(1.0 / SLOWEST)).max(1.0);
            self.backlog = (self.backlog + asked - capacity).max(0.0);
            let refused = (self.backlog - TIMEOUT_SECONDS * per_second).max(0.0);
            self.backlog -= refused;
            self.failures_due += refused;
            latency += self.backlog / per_second;
        }
        let failed = self.failures_due.floor().min(asked);
        self.failures_due -= failed;
        let step = ShopStep { asked: asked as u64, failed: failed as u64, latency };
        if let Some(report) = report {
            for number in 0..step.asked {
                let took = Duration::from_secs_f64(latency * (0.5 + dice.unit()));
                report.record(took, number < step.failed, None);
            }
        }
        step
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settled(fans: u64) -> ShopStep {
        let latency = Duration::from_millis(60);
        let model = ShopModel { requests_per_second: Some(100.0), latency, fan_requests_per_minute: 12.0 };
        let (mut shop, mut dice) = (Shop::new(model), Dice::new(1));
        (0..400).map(|_| shop.serve(fans, 0.25, None, &mut dice)).last().unwrap()
    }

    #[test]
    fn it_is_quick_while_little_is_asked_slow_when_full_and_fails_beyond() {
        let (idle, half, near, beyond) = (settled(1), settled(250), settled(480), settled(1000));
        assert!(idle.latency < 0.07 && idle.failed == 0, "{idle:?}");
        assert!((0.1..0.2).contains(&half.latency) && half.failed == 0, "{half:?}");
        assert!(near.latency > 0.5 && near.failed == 0, "{near:?}");
        assert!(beyond.latency > 9.0 && beyond.failed > 0, "{beyond:?}");
    }
}
