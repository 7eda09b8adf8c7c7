//! What the phases share.

use std::sync::Arc;

use admission::clock::{Clock, Random};
use admission::keyring::Keyring;
use arc_swap::ArcSwap;

use crate::config::EdgeConfig;
use crate::config::keys::CdnSecret;
use crate::fleet::Fleet;
use crate::limits::{PrefixLimit, Work};
use crate::live::Load;
use crate::telemetry::{RequestTally, Traces};
use crate::upstream::Upstream;

/// The edge: decides per request, serves the waiting room, forwards the admitted.
pub struct Edge {
    /// As configured.
    pub config: EdgeConfig,
    /// The rooms and their pages, as they are in force.
    pub fleet: Arc<Fleet>,
    /// The keys of the signature to the shop.
    pub edge_keys: Arc<ArcSwap<Keyring>>,
    /// The keys of tickets and admission tokens.
    pub line_keys: Arc<ArcSwap<Keyring>>,
    /// What the CDN shows; nothing where it need not.
    pub cdn_secret: Option<CdnSecret>,
    /// How fast new places are given to one network, where that is bounded.
    pub joins: Option<PrefixLimit>,
    /// What work is asked of fans before they get a place.
    pub work: Work,
    /// The shop.
    pub upstream: Arc<Upstream>,
    /// The requests for paths of no room.
    pub requests: Arc<RequestTally>,
    /// Traces, where there is a collector.
    pub traces: Option<Arc<Traces>>,
    /// How much is going on.
    pub load: Arc<Load>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Randomness.
    pub random: Arc<dyn Random>,
}
