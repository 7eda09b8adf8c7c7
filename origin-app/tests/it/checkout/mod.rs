//! The saga from outside: payments that are delayed, tickets that go back, shops that die in between.

mod crash;
mod crash_in_browser;
mod delayed;
mod late;
mod provider_killed;
mod random;
mod refunds;
mod stage;
mod told;
