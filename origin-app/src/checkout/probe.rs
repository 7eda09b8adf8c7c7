//! Where a test can have the shop die.

use async_trait::async_trait;

use super::model::{Deed, Happened};

/// A place between two steps of the saga.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Point {
    /// The intention to pay is written down; the provider does not know of it.
    Begun,
    /// The provider is about to be asked.
    Asking,
    /// It has a payment ready for the fan's browser, which does not know of it.
    HandedOver,
    /// It has answered, or not; that is not written down.
    Answered(Happened),
    /// It is written down; nothing more is done.
    Written(Happened),
    /// This, too, is done.
    Done(Deed),
}

/// News of every place that the shop passes. A test may stop it there for good; nothing else brings one.
#[async_trait]
pub trait Probe: Send + Sync {
    /// The shop is at `point`, and goes on when this returns.
    async fn pass(&self, point: Point);
}

/// Lets the shop pass everywhere.
pub(crate) struct NoProbe;

#[async_trait]
impl Probe for NoProbe {
    async fn pass(&self, _: Point) {}
}
