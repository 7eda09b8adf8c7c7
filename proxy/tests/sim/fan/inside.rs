//! A fan who is let in uses the shop, goes, and tries whether they could come back.

use std::time::Duration;

use admission::invariants::What;
use proxy::waiting::status::State;
use tokio::time::{Instant, sleep};

use super::{Fan, Guest};

impl Fan {
    /// Uses the shop for a while, through any edge, and goes.
    pub(super) async fn use_the_shop(&mut self, Guest { sealed, ticket, pass }: Guest) {
        let mut token = pass.token;
        let stays = self.dice.seconds(3, self.world.plan.longest_stay);
        let done_at = Instant::now() + stays;
        let says_so = self.dice.percent(70);
        let mut edge = self.any_edge().await;
        loop {
            let Some((admission, renewed)) = edge.visit(&token) else {
                self.see(&edge, What::Used { accepted: false });
                if self.world.house.voided_before().is_some() && !sealed.is_empty() {
                    self.try_again(&sealed).await;
                }
                return;
            };
            self.see(&edge, What::Used { accepted: true });
            if let Some(renewed) = renewed {
                token = renewed.token;
            }
            if Instant::now() >= done_at {
                if says_so {
                    edge.room.end(admission.ticket);
                    self.see(&edge, What::Finished);
                    break;
                }
                if let Some(ticket) = ticket.as_ref().filter(|_| self.dice.percent(50))
                    && edge.leave(ticket).await.is_ok()
                {
                    self.see(&edge, What::Left);
                    break;
                }
                return;
            }
            let (least, most) = if self.world.plan.is_idle { (8000, 15_000) } else { (500, 3000) };
            sleep(self.dice.time(Duration::from_millis(least), Duration::from_millis(most))).await;
            if edge.is_dead() || self.dice.percent(30) {
                edge = self.any_edge().await;
            }
        }
        sleep(self.dice.seconds(2, 6)).await;
        let edge = self.any_edge().await;
        let accepted = edge.visit(&token).is_some();
        self.see(&edge, What::Used { accepted });
        if !sealed.is_empty() {
            self.try_again(&sealed).await;
        }
    }

    /// Presents a ticket that should be worth nothing any more.
    pub(super) async fn try_again(&mut self, sealed: &str) {
        for _ in 0..3 {
            sleep(self.dice.seconds(2, 8)).await;
            let edge = self.any_edge().await;
            if let Ok(Some((ticket, status))) = edge.present(sealed, None).await
                && status.state == State::Admitted
                && let Ok(Some(_)) = edge.claim(&ticket).await
            {
                self.see(&edge, What::Entered);
                return;
            }
        }
    }
}
