//! Fans in the shop, and what the shop makes of them.

use std::time::Duration;

use admission::adaptive::{DrainRange, LoadReport, Targets, decide};
use admission::clock::Timestamp;
use admission::rules::AdaptiveDrain;
use admission::store::{Presence, QueueStore as _, Stay};
use anyhow::Result;

use super::events::Event;
use super::{Course, TICK};

/// Sessions slide no more often than this.
const SLIDE_EVERY_MIN: Duration = Duration::from_secs(1);

impl Course<'_> {
    /// A fan is in the shop.
    pub(super) fn let_in(&mut self, index: usize, now: Timestamp) {
        let Some(fan) = self.fans.get(index).copied() else { return };
        self.tally.got_in(fan.lane, fan.comes_at, now);
        self.sample.got_in += 1;
        self.shopping += 1;
        self.use_again(index, now, now);
        self.later(now + fan.stays.min(self.plan.rules.session_max), index, Event::Finish);
    }

    /// A session slides when a quarter of it is over, as the edge has it, for as long as the fan stays.
    fn use_again(&mut self, index: usize, admitted_at: Timestamp, now: Timestamp) {
        let Some(fan) = self.fans.get(index) else { return };
        let again_at = now + (self.plan.rules.session / 4).max(SLIDE_EVERY_MIN);
        if again_at < admitted_at + fan.stays {
            self.later(again_at, index, Event::Use(admitted_at));
        }
    }

    pub(super) async fn keep_session(
        &mut self,
        index: usize,
        admitted_at: Timestamp,
        now: Timestamp,
    ) -> Result<()> {
        let Some(fan) = self.fans.get(index).copied() else { return Ok(()) };
        let stay = Stay { ticket: fan.id, stayed: now.since(admitted_at), keep_for: self.plan.rules.session };
        let presence = Presence { active: vec![stay], ..Presence::default() };
        let answer = self.store.report_presence(&self.plan.room, &presence).await?;
        if answer.ended.is_empty() {
            self.use_again(index, admitted_at, now);
        }
        Ok(())
    }

    /// A fan leaves the shop: finished, put out, or just gone, which holds their place until the session ends.
    pub(super) async fn finish(&mut self, index: usize) -> Result<()> {
        let Some(fan) = self.fans.get(index).copied() else { return Ok(()) };
        self.shopping = self.shopping.saturating_sub(1);
        if fan.stays > self.plan.rules.session_max {
            self.tally.put_out += 1;
        } else if fan.finishes {
            self.store.end(&self.plan.room, &[fan.id]).await?;
        }
        Ok(())
    }

    /// The shop answers those who are in it; where the drain adapts, the rate follows as it does at an edge.
    pub(super) async fn serve(&mut self, now: Timestamp) -> Result<()> {
        let adaptive = self.plan.rules.adaptive;
        let report = adaptive.is_some().then_some(&mut self.report);
        let step = self.shop.serve(self.shopping, TICK.as_secs_f64(), report, &mut self.dice);
        self.saw_the_shop(step);
        let Some(AdaptiveDrain { min, max }) = adaptive else { return Ok(()) };
        self.clock.set(now);
        let report: LoadReport = std::mem::take(&mut self.report);
        let closed = self.store.report_load(&self.plan.room, &report).await?;
        let Some((interval, history)) = closed else { return Ok(()) };
        let range = DrainRange { min, start: self.plan.rules.drain_per_minute, max };
        let decision = decide(&interval, &history, range, &Targets::default());
        if self.store.set_rate(&self.plan.room, interval.number, decision.rate, &decision.history).await? {
            self.rate = decision.rate;
        }
        Ok(())
    }
}
