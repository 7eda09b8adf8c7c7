//! What happens in a run besides what the fans do: what goes wrong, and what the operator does.

use std::sync::Arc;
use std::time::Duration;

use admission::clock::{Clock as _, Timestamp};
use admission::invariants::Span;
use tokio::time::{sleep, sleep_until};

use crate::plan::{Event, Fault, Order};
use crate::world::{WARM_UP, World, room};

impl World {
    fn was_cut_off(&self, edge: Option<u32>, from: Timestamp) {
        if let Some(edge) = edge {
            self.house.record.lock().cut_off.push((edge, Span::new(from, self.house.time.now())));
        }
    }

    fn name_of(&self, slot: usize) -> Option<u32> {
        self.slots[slot].edge.lock().as_ref().map(|edge| edge.name)
    }

    pub(crate) async fn happens(self: Arc<Self>, at: Duration, event: Event) {
        sleep_until(self.began + WARM_UP + at).await;
        match event {
            Event::Wrong(fault) => self.goes_wrong(fault).await,
            Event::Operator(Order::Void) => self.house.void(&room(), None).await,
            Event::Operator(order) => {
                let rules = {
                    let mut operator = self.house.operator.lock();
                    let (rules, revision) = operator.get_or_insert_with(|| (self.plan.rules.clone(), 1));
                    match order {
                        Order::Rate(rate) => {
                            rules.drain_per_minute = rate;
                            rules.burst = rules.burst.max(admission::rules::Rules::default_burst(rate));
                        }
                        Order::Mode(mode) => rules.mode = mode,
                        Order::MaxActive(most) => rules.max_active = most,
                        Order::Void => {}
                    }
                    *revision += 1;
                    (rules.clone(), *revision)
                };
                self.house.operate(&room(), &rules.0, rules.1).await;
            }
        }
    }

    async fn goes_wrong(&self, fault: Fault) {
        let all: Vec<usize> = (0..self.slots.len()).collect();
        match fault {
            Fault::CutOff { edge, lasts, hangs } => self.cut(&[edge], lasts, hangs).await,
            Fault::AllCutOff { lasts, hangs } => self.cut(&all, lasts, hangs).await,
            Fault::Slow { edge, lasts } => {
                self.slots[edge].wire.slow();
                sleep(lasts).await;
                self.slots[edge].wire.mend();
            }
            Fault::Crash { edge, back_after } => self.crash(&[edge], back_after).await,
            Fault::Replaced { edge } => self.replace(edge).await,
            Fault::AllCrash { back_after } => self.crash(&all, back_after).await,
            Fault::ClockJump { edge, by_ms } => self.slots[edge].clock.jump(by_ms),
            Fault::Loss => self.house.lose_everything(),
            Fault::StaleFailOver { behind } => {
                let replica = self.house.replica();
                sleep(behind).await;
                self.house.fail_over(&replica);
            }
        }
        if matches!(fault, Fault::Loss | Fault::StaleFailOver { .. }) {
            // The operator sees that the rules are the old ones again, and sets theirs once more.
            sleep(Duration::from_secs(2)).await;
            let again = self.house.operator.lock().clone();
            if let Some((rules, revision)) = again {
                self.house.operate(&room(), &rules, revision).await;
            }
            if let Some(before) = self.house.voided_before() {
                self.house.void(&room(), Some(before)).await;
            }
        }
    }

    async fn cut(&self, slots: &[usize], lasts: Duration, hangs: bool) {
        let from = self.house.time.now();
        let names: Vec<Option<u32>> = slots.iter().map(|slot| self.name_of(*slot)).collect();
        for slot in slots {
            self.slots[*slot].wire.cut(hangs);
        }
        sleep(lasts).await;
        for (slot, name) in slots.iter().zip(names) {
            self.slots[*slot].wire.mend();
            self.was_cut_off(name, from);
            // One that was started meanwhile was cut off just as well.
            let now = self.name_of(*slot).filter(|now| Some(*now) != name);
            self.was_cut_off(now, from);
        }
    }

    async fn replace(&self, slot: usize) {
        let Some(edge) = self.slots[slot].edge.lock().take() else { return };
        edge.room.finish(tokio::time::Instant::now() + Duration::from_secs(5)).await;
        edge.crash();
        self.start(slot);
    }

    async fn crash(&self, slots: &[usize], back_after: Duration) {
        let from = self.house.time.now();
        for slot in slots {
            if let Some(edge) = self.slots[*slot].edge.lock().take() {
                edge.crash();
                // Whatever it was about to tell nobody heard.
                let until = from + self.plan.length;
                self.house.record.lock().cut_off.push((edge.name, Span::new(from, until)));
            }
        }
        sleep(back_after).await;
        for slot in slots {
            if self.slots[*slot].edge.lock().is_none() {
                self.start(*slot);
            }
        }
    }
}
