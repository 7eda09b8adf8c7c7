//! A room as one proxy sees it: what it knows of the line, the fans it holds, and how it asks the store.
//!
//! No truth lives here. Everything is rebuilt from the store, the tickets and the tokens when the process is
//! killed.

mod answers;
mod arriving;
mod binding;
mod configured;
mod drawing;
mod ends;
mod figures;
mod hearing;
mod here;
mod load;
mod moving;
mod noted;
mod open;
mod opened;
mod passes;
mod registry;
mod relocating;
mod rounds;
mod seen;
mod sessions;
mod shadow;
mod telling;
#[cfg(test)]
mod tests;
mod tick;
mod view;

use std::future::Future;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use admission::clock::{Clock, Random, Timestamp};
use admission::keyring::Keyring;
use admission::name::RoomId;
use admission::rules::{Mode, Phase};
use admission::store::{Joins, QueueStore, Standing, StoreError};
use admission::ticket::{Place, TicketId};
use arc_swap::ArcSwap;
use parking_lot::Mutex;
use tokio::task::AbortHandle;
use tokio::time::Instant;

use crate::config::RoomConfig;
use crate::telemetry::RoomTally;
use crate::waiting::cookies::{Cookies, Scheme};
use crate::waiting::moving::Marks;
use crate::waiting::refusal::Refusals;
pub use answers::{Claim, RoomError, Stand};
pub use arriving::{Arrival, Carried, Declined, OpenTicket, Wish};
pub use binding::Who;
pub use configured::Configured;
pub use drawing::TOLD_SEED;
use ends::Ends;
pub use figures::Figures;
use load::Load;
pub use moving::{TRANSFER_LIFE, Taken};
use noted::Noted;
pub use passes::Pass;
use registry::{Known, Registry, Stage};
use relocating::Relocations;
use sessions::Sessions;
pub use shadow::{Shade, ShadowFigures};
pub use telling::Opening;
use view::{View, sessions_come_first};

/// Longest time that a call of the store may take.
const STORE_TIMEOUT: Duration = Duration::from_secs(2);
/// How long a fan who polls counts as there after they should have polled again.
const POLL_GRACE: Duration = Duration::from_secs(5);
/// The longest time between two polls that is ever asked for: before the opening.
const POLL_LATEST: Duration = Duration::from_secs(25);
/// How long a fan counts as there after their WebSocket closed: a page that is being reloaded.
const RECONNECT_GRACE: Duration = Duration::from_secs(3);
/// The store is asked about one ticket at most this often, however often its fan asks.
const LOOK_EVERY: Duration = Duration::from_millis(500);
/// Gives a call of the store its time, and no more.
async fn bounded<T>(call: impl Future<Output = Result<T, StoreError>>) -> Result<T, StoreError> {
    match tokio::time::timeout(STORE_TIMEOUT, call).await {
        Ok(answer) => answer,
        Err(_) => Err(StoreError::Unavailable("it did not answer in time".to_owned())),
    }
}

/// What every room needs of the process.
#[derive(Clone)]
pub struct Ports {
    /// Where the lines live.
    pub store: Arc<dyn QueueStore>,
    /// The keys of tickets and admission tokens, which change while the process runs.
    pub keys: Arc<ArcSwap<Keyring>>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Randomness.
    pub random: Arc<dyn Random>,
}

/// A room as one proxy sees it.
pub struct Room {
    /// Its id.
    pub id: RoomId,
    /// Its cookies.
    pub cookies: Cookies,
    /// The cookies of a place that moves to another device.
    pub marks: Marks,
    /// What is said to programs that cannot stand in its line.
    pub refusals: Refusals,
    /// What is counted of it here.
    pub tally: RoomTally,
    configured: ArcSwap<Configured>,
    ports: Ports,
    view: ArcSwap<View>,
    registry: Mutex<Registry>,
    sessions: Sessions,
    opened: opened::Opened,
    joins: Joins,
    ends: Ends,
    load: Load,
    tick: OnceLock<AbortHandle>,
    noted: Mutex<Noted>,
    without_store: open::WithoutStore,
    shadow: shadow::Shadow,
    relocations: Relocations,
    /// No longer configured: nobody has to wait here any more.
    is_retired: AtomicBool,
}

impl Room {
    /// A room, with its background tasks running on the current runtime.
    pub fn start(
        config: RoomConfig,
        revision: u64,
        scheme: Scheme,
        ports: Ports,
        tick: Duration,
    ) -> Arc<Self> {
        let room = Arc::new(Self {
            cookies: Cookies::new(&config.id, scheme),
            marks: Marks::new(&config.id, scheme),
            refusals: Refusals::new(config.id.clone()),
            tally: RoomTally::default(),
            joins: Joins::start(config.id.clone(), ports.store.clone(), ports.random.clone()),
            ends: Ends::start(config.id.clone(), ports.store.clone()),
            id: config.id.clone(),
            view: ArcSwap::from_pointee(View::default()),
            registry: Mutex::default(),
            sessions: Sessions::default(),
            opened: opened::Opened::default(),
            load: Load::default(),
            tick: OnceLock::new(),
            noted: Mutex::default(),
            without_store: open::WithoutStore::new(),
            shadow: shadow::Shadow::default(),
            relocations: Relocations::default(),
            is_retired: AtomicBool::new(false),
            configured: ArcSwap::from_pointee(Configured { config, revision }),
            ports,
        });
        open::start(&room);
        let task = tokio::spawn(tick::run(room.clone(), tick));
        room.tick.get_or_init(|| task.abort_handle());
        shadow::start(&room, tick);
        room
    }

    /// Tells the store what was accepted and it does not know yet, at most until `deadline`; then stops. Whoever
    /// calls this takes no requests any more.
    pub async fn finish(&self, deadline: Instant) {
        let untold = self.ends.finish(deadline).await;
        if untold > 0 {
            tracing::warn!(room = %self.id, untold, "sessions ended, and the store could not be told");
        }
        self.stop();
    }

    /// Stops the background tasks at once: nothing is asked of the store any more, and what they hold is let go
    /// of. The store and the other proxies go on without this room as they would after a crash.
    pub fn stop(&self) {
        self.joins.stop();
        self.ends.stop();
        self.shadow.stop();
        if let Some(tick) = self.tick.get() {
            tick.abort();
        }
        // Without the tick nobody breaks their silence.
        self.registry.lock().shut_all();
    }

    /// The mode in force.
    pub fn mode(&self) -> Mode {
        let view = self.view.load();
        view.snapshot().map_or_else(|| self.config().rules.mode, |snapshot| snapshot.rules.mode)
    }

    /// What mode and times come to.
    pub fn phase(&self) -> Phase {
        self.phase_by(&self.view.load())
    }

    /// The same by this view. What is configured is looked at only where the store has told nothing.
    fn phase_by(&self, view: &View) -> Phase {
        let configured = || self.config().rules.phase(self.ports.clock.now());
        view.snapshot().map_or_else(configured, |snapshot| snapshot.phase())
    }

    /// Whether the order is drawn and yet to be told.
    pub fn order_is_secret(&self) -> bool {
        self.view.load().order_is_secret()
    }

    /// Whether a fan who came now would probably be let in without waiting.
    pub fn is_free(&self) -> bool {
        self.view.load().is_free()
    }

    fn random_id(&self) -> Result<TicketId, RoomError> {
        TicketId::random(self.ports.random.as_ref()).map_err(|error| RoomError::Unsigned(error.to_string()))
    }

    /// A fan with a ticket is there and will be heard of again within `again_within`: where do they stand?
    pub async fn stand(&self, place: &Place, again_within: Duration) -> Stand {
        let now = Instant::now();
        let view = self.view.load_full();
        // Before the opening fans are asked to poll less often.
        let again_within = if view.order_is_secret() { again_within.max(POLL_LATEST) } else { again_within };
        let known = self.registry.lock().polled(place, now + again_within + POLL_GRACE, now);
        let looked_at = known.and_then(|known| known.looked_at);
        let just_looked = looked_at.is_some_and(|at| now.duration_since(at) < LOOK_EVERY);
        let just_joined = known.is_some_and(|known| known.ahead_at_join.is_some());
        let here = self.stand_by(&view, known, place);
        let Stand::Waiting(_) = here else { return here };
        // Newer than the snapshot, and the answer to the join is still the best there is.
        let is_fresh = just_joined && view.ahead(place).is_none();
        // Whether the store is asked must not depend on a rank that nobody knows yet: it takes time.
        if view.order_is_secret() {
            return here;
        }
        let is_away = view.store_is_away_at(now);
        if !just_looked && !is_away && self.is_unsettled(&view, known, place) {
            return Box::pin(self.put_back(place)).await.unwrap_or(here);
        }
        if !view.only_the_store_knows(place) || just_looked || is_fresh || is_away {
            return here;
        }
        match Box::pin(bounded(self.ports.store.look(&self.id, std::slice::from_ref(place)))).await {
            Ok(standings) => standings.first().map_or(here, |standing| self.learn(place, *standing)),
            Err(_) => here,
        }
    }

    /// Whether the line may not know a fan who waits, because it lost data and they were not put back from here, though
    /// they might have been.
    fn is_unsettled(&self, view: &View, known: Option<Known>, place: &Place) -> bool {
        let Some((snapshot, read_at)) = view.read().filter(|(snapshot, _)| !sessions_come_first(snapshot))
        else {
            return false;
        };
        !Known::is_settled(known, place.rank, snapshot, read_at) && !self.sessions.knows(place.id)
    }

    /// Puts a fan back into a line that lost data, and learns where they stand: another edge may have done so
    /// before, and their turn may have come since.
    async fn put_back(&self, place: &Place) -> Option<Stand> {
        let places = std::slice::from_ref(place);
        let resumed_at = self.view.load().snapshot()?.resumed_at;
        let standings = bounded(self.ports.store.restore(&self.id, places)).await.ok()?;
        self.count_restored(&standings);
        self.registry.lock().restored(places, resumed_at, Instant::now());
        self.line_is_put_back();
        Some(match self.learn(place, *standings.first()?) {
            // Those in front may not be back yet. What is true the next snapshots say, when the line is whole.
            Stand::Waiting(_) => Stand::Waiting(None),
            stand => stand,
        })
    }

    /// The first ticket that a new line has forgotten makes it hold. That is known here before a snapshot says it.
    fn line_is_put_back(&self) {
        self.view.rcu(|view| match view.with_a_hold_begun() {
            Some(held) => Arc::new(held),
            None => view.clone(),
        });
    }

    /// Where the fan stands by what is known here, without asking anyone.
    pub fn stand_now(&self, place: &Place) -> Stand {
        let known = self.registry.lock().known(place);
        self.stand_by(&self.view.load(), known, place)
    }

    /// The same, by what is known of the fan.
    fn stand_by(&self, view: &View, known: Option<Known>, place: &Place) -> Stand {
        if self.sessions.has_ended(place.id) || view.is_from_before_a_reset(place) {
            return Stand::Expired;
        }
        match known.map(|known| known.stage) {
            Some(Stage::Expired) => Stand::Expired,
            Some(Stage::Admitted(until)) if until > Instant::now() => Stand::Admitted,
            _ => Stand::Waiting(known_ahead(view, known, place)),
        }
    }

    /// Takes in what the store says of a ticket.
    fn learn(&self, place: &Place, standing: Standing) -> Stand {
        let now = Instant::now();
        let left = |until: Timestamp| {
            let store_now = self.view.load().store_now().unwrap_or(until);
            now + until.since(store_now)
        };
        let (stage, stand) = match standing {
            Standing::Waiting { ahead } => {
                let ahead = self.view.load().believed(place, ahead);
                (Stage::Waiting, Stand::Waiting(ahead))
            }
            Standing::Turn { until } | Standing::Active { until, .. } => {
                (Stage::Admitted(left(until)), Stand::Admitted)
            }
            Standing::Ended => (Stage::Expired, Stand::Expired),
            Standing::Unknown => {
                self.registry.lock().lost(place);
                return Stand::Waiting(None);
            }
        };
        self.registry.lock().learn(place, stage, now);
        stand
    }

    /// A fan whose turn has come claims it.
    ///
    /// # Errors
    /// When the store cannot be reached.
    pub async fn claim(&self, place: &Place) -> Result<Claim, RoomError> {
        if let Some(pass) = self.claim_without_store(place)? {
            return Ok(Claim::Active(pass));
        }
        let places = std::slice::from_ref(place);
        let claim = || bounded(self.ports.store.claim(&self.id, places));
        let mut standing = claim().await?.first().copied();
        // Whoever has a session, or had one, is not put back into the line.
        if standing == Some(Standing::Unknown) && !self.sessions.knows(place.id) {
            self.count_restored(&bounded(self.ports.store.restore(&self.id, places)).await?);
            self.line_is_put_back();
            standing = claim().await?.first().copied();
        }
        let Some(standing) = standing else {
            return Err(StoreError::Unreadable("a claim without an answer".to_owned()).into());
        };
        self.learn(place, standing);
        Ok(match standing {
            Standing::Active { until, admitted_at } => {
                Claim::Active(self.pass(place, until, Some(admitted_at))?)
            }
            // What the store counts may be a line that is not whole yet: what can be told is known here.
            Standing::Waiting { .. } | Standing::Turn { .. } | Standing::Unknown => {
                Claim::Waiting(match self.stand_now(place) {
                    Stand::Waiting(ahead) => ahead,
                    Stand::Admitted | Stand::Expired => None,
                })
            }
            Standing::Ended => Claim::Expired,
        })
    }

    /// A fan gives up their place.
    ///
    /// # Errors
    /// When the store cannot be reached.
    pub async fn leave(&self, place: &Place) -> Result<(), RoomError> {
        bounded(self.ports.store.leave(&self.id, std::slice::from_ref(place))).await?;
        self.tally.promises.gave_up(place);
        self.registry.lock().forget(place);
        self.sessions.end(&[place.id], self.token_life());
        Ok(())
    }
}

/// How many stand before a waiting fan by what is known here; nothing while that would not be the truth.
fn known_ahead(view: &View, known: Option<Known>, place: &Place) -> Option<u64> {
    let (snapshot, read_at) = view.read()?;
    if !Known::is_settled(known, place.rank, snapshot, read_at) {
        return None;
    }
    view.ahead(place).or_else(|| view.believed(place, known?.ahead_at_join?))
}
