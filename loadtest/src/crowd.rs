//! Many fans at once.

use std::net::Ipv4Addr;
use std::time::{Duration, Instant};

use anyhow::Result;
use tokio::sync::watch;
use tokio::task::JoinSet;

use crate::fan::{Fan, Plan, Venue};
use crate::random::Dice;
use crate::story::Story;

/// The fans that were sent, and what those who are gone saw.
#[derive(Debug)]
pub struct Crowd {
    venue: Venue,
    seed: u64,
    dice: Dice,
    sent: u32,
    fans: JoinSet<Story>,
    stop: watch::Sender<bool>,
}

impl Crowd {
    /// An empty crowd. The same seed sends the same fans.
    pub fn new(venue: Venue, seed: u64) -> Self {
        let (stop, _) = watch::channel(false);
        Self { venue, seed, dice: Dice::new(seed), sent: 0, fans: JoinSet::new(), stop }
    }

    /// Sends one fan, with the plan that the dice give.
    pub fn send(&mut self, plan: impl FnOnce(&mut Dice) -> Plan) -> Result<()> {
        let plan = plan(&mut self.dice);
        let fan = Fan::new(self.venue.clone(), self.sent, plan, self.seed)?;
        self.sent += 1;
        self.fans.spawn(fan.live(self.stop.subscribe()));
        Ok(())
    }

    /// Sends the fan of this number, from an address of their own, who was meant to come at `due`.
    pub fn send_from(&mut self, number: u32, plan: Plan, from: Ipv4Addr, due: Instant) -> Result<()> {
        let fan = Fan::new(self.venue.clone(), number, plan, self.seed)?.coming(from, due);
        self.fans.spawn(fan.live(self.stop.subscribe()));
        Ok(())
    }

    /// How many were sent and are not gone.
    pub fn here(&self) -> usize {
        self.fans.len()
    }

    /// The story of one who is gone, if anybody is whose story was not told.
    pub fn next_gone(&mut self) -> Option<Story> {
        loop {
            match self.fans.try_join_next()? {
                Ok(story) => return Some(story),
                Err(_) => continue,
            }
        }
    }

    /// Forgets the stories of those who are gone: a crowd that comes for hours is not kept.
    pub fn forget_gone(&mut self) {
        while self.next_gone().is_some() {}
    }

    /// Sends everybody home, without waiting for them.
    pub fn send_home(&self) {
        self.stop.send_replace(true);
    }

    /// Waits until all are gone, or `within` has passed; then those left are sent home. All tell their stories.
    pub async fn gather(mut self, within: Duration) -> Vec<Story> {
        let mut stories = Vec::new();
        let until = tokio::time::sleep(within);
        tokio::pin!(until);
        loop {
            tokio::select! {
                story = self.fans.join_next() => match story {
                    Some(Ok(story)) => stories.push(story),
                    Some(Err(_)) => {}
                    None => break,
                },
                () = &mut until, if !*self.stop.borrow() => self.send_home(),
            }
        }
        stories.sort_by_key(|story| story.fan);
        stories
    }

    /// Sends everybody home.
    pub async fn disperse(self) -> Vec<Story> {
        self.gather(Duration::ZERO).await
    }
}
