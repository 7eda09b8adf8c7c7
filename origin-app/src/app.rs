//! The composition root: which parts there are, and how they are put together and taken down.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use admission::clock::{Clock, Random, SystemClock, SystemRandom};
use anyhow::Context as _;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::accounts::Accounts;
use crate::checkout::{Checkout, CheckoutParts, CheckoutRules, NoProbe, Probe};
use crate::cold_path::{ColdPath, Reconciler};
use crate::config::{EdgeTrust, Holds, Provider, Settings};
use crate::events::Events;
use crate::http::{Assets, Gate};
use crate::ids;
use crate::inventory::memory::MemoryInventory;
use crate::inventory::redis::RedisInventory;
use crate::inventory::{BoxOffice, Houses, Inventory, WarmUp};
use crate::notifications::{self, Notifier};
use crate::outbox::Sender;
use crate::pages::{SeatMaps, Templates};
use crate::payments::{Guarded, PaymentProvider, SandboxProvider, Stripe};
use crate::reservations::{Reservations, sweep};
use crate::router::router;
use crate::store::Stores;
use crate::telemetry::metrics::{Metrics, audit};
use crate::telemetry::traces::Traces;
use crate::telemetry::{counted, traced};
use crate::waitlist::Waitlist;
use crate::{persistence, server};

/// How often it is looked for what is over.
const FORGET_EVERY: Duration = Duration::from_secs(600);
/// How long after an event, or after it was given, the address of a guest is kept.
const CONTACTS_KEPT: Duration = Duration::from_secs(30 * 24 * 3600);
/// How long a shop that starts loads events before it serves.
const FIRST_ROUND: Duration = Duration::from_secs(10);
/// After so many sweeps inventory and database are compared: once a minute, unless the sweep is told otherwise.
const SWEEPS_PER_COMPARISON: u32 = 30;
/// How long a shop that stops may take to bring its last holds into the database.
const LAST_ROUND: Duration = Duration::from_secs(5);

/// Everything that a request may need.
pub struct App {
    pub(crate) settings: Settings,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) random: Arc<dyn Random>,
    pub(crate) stores: Stores,
    pub(crate) events: Arc<Events>,
    pub(crate) accounts: Accounts,
    pub(crate) metrics: Arc<Metrics>,
    pub(crate) waitlist: Arc<Waitlist>,
    pub(crate) reservations: Arc<Reservations>,
    pub(crate) checkout: Arc<Checkout>,
    pub(crate) office: Arc<BoxOffice>,
    pub(crate) cold_path: Arc<ColdPath>,
    pub(crate) reconciler: Arc<Reconciler>,
    pub(crate) gate: Gate,
    pub(crate) assets: Assets,
    pub(crate) templates: Templates,
    pub(crate) seat_maps: SeatMaps,
    pub(crate) traces: Option<Arc<Traces>>,
}

/// What the shop takes from outside; tests bring their own.
pub struct Surroundings {
    /// Tells the time.
    pub clock: Arc<dyn Clock>,
    /// Gives randomness.
    pub random: Arc<dyn Random>,
    /// Takes the money; without one, the sandbox does.
    pub provider: Option<Arc<dyn PaymentProvider>>,
    /// Is told of every step of a payment, and can stop it there.
    pub probe: Option<Arc<dyn Probe>>,
    /// Knows which seats are free; without one, the one that the configuration names does.
    pub inventory: Option<Arc<dyn Inventory>>,
}

impl Default for Surroundings {
    fn default() -> Self {
        Self {
            clock: Arc::new(SystemClock),
            random: Arc::new(SystemRandom),
            provider: None,
            probe: None,
            inventory: None,
        }
    }
}

/// A shop that serves.
pub struct Running {
    address: SocketAddr,
    stop: watch::Sender<bool>,
    serving: JoinHandle<()>,
}

impl Running {
    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Stops accepting, lets requests finish, and closes the database.
    ///
    /// # Errors
    /// When the serving task failed.
    pub async fn stop(self) -> anyhow::Result<()> {
        self.stop.send_replace(true);
        self.serving.await.context("the shop did not stop cleanly")
    }
}

/// Opens the database, listens, and serves in the background.
///
/// # Errors
/// When the database cannot be used or the address is taken.
pub async fn start(settings: Settings, surroundings: Surroundings) -> anyhow::Result<Running> {
    let Surroundings { clock, random, provider, probe, inventory } = surroundings;
    // The address first: a second shop by mistake must not touch the database of the first.
    let listener = TcpListener::bind(settings.listen)
        .await
        .with_context(|| format!("cannot listen on {}; is another shop running there?", settings.listen))?;
    let address = listener.local_addr()?;
    let stores = persistence::connect(&settings.database, &settings.limits)
        .await
        .with_context(|| format!("cannot use the database {}", settings.database))?;
    let metrics = Arc::new(Metrics::new()?);
    let traces = Traces::start(&settings.telemetry, settings.database.kind())?;
    let stores = match &traces {
        Some(traces) => traced::stores(stores, traces),
        None => stores,
    };
    let provider = match (provider, &settings.payments.provider) {
        (Some(provider), _) => provider,
        (None, Provider::Sandbox { latency }) => {
            Arc::new(SandboxProvider::new(Arc::clone(&stores.charges), Arc::clone(&clock), *latency))
        }
        (None, Provider::Stripe(stripe)) => Arc::new(Stripe::new(stripe, Arc::clone(&clock))?),
    };
    let provider = match &traces {
        Some(traces) => traced::provider(provider, traces),
        None => provider,
    };
    let provider =
        Guarded::new(provider, Arc::clone(&clock), settings.payments.timeout, settings.payments.breaker);
    let inventory = match inventory {
        Some(inventory) => inventory,
        None => open_inventory(&settings, &clock)?,
    };
    let name = ids::process_id(random.as_ref())?;
    let office = BoxOffice::new(
        inventory,
        Houses::new(Arc::clone(&stores.events)),
        Arc::clone(&stores.reservations),
        Arc::clone(&clock),
        name.clone(),
    );
    let cold_path = Arc::new(ColdPath::new(Arc::clone(&office), Arc::clone(&stores.reservations), name));
    let reconciler =
        Arc::new(Reconciler::new(Arc::clone(&office), Arc::clone(&stores.reservations), Arc::clone(&clock)));
    // What was on sale is again before anybody asks; and what was lost is known to be. Loading an event waits until its log
    // is in the database, so somebody has to bring it there.
    tokio::select! {
        first = tokio::time::timeout(FIRST_ROUND, reconciler.round()) => if first.is_err() {
            tracing::warn!("the events on sale are still being loaded");
        },
        () = cold_path.run() => {}
    }
    let events = Arc::new(Events::new(
        Arc::clone(&stores.events),
        Arc::clone(&office),
        Arc::clone(&clock),
        settings.cache,
    ));
    let reservations = Arc::new(Reservations::new(
        Arc::clone(&events),
        Arc::clone(&office),
        Arc::clone(&stores.reservations),
        Arc::clone(&clock),
        Arc::clone(&random),
        settings.holds,
    ));
    // What is offered is kept for longer than what a fan chose: they may be asleep.
    let offers = Reservations::new(
        Arc::clone(&events),
        Arc::clone(&office),
        Arc::clone(&stores.reservations),
        Arc::clone(&clock),
        Arc::clone(&random),
        Holds { duration: settings.holds.offer, ..settings.holds },
    );
    let waitlist = Arc::new(Waitlist::new(
        Arc::clone(&stores.waitlist),
        Arc::clone(&events),
        Arc::new(offers),
        Arc::clone(&clock),
    ));
    let accounts = Accounts::new(
        Arc::clone(&stores.accounts),
        Arc::clone(&clock),
        Arc::clone(&random),
        settings.accounts.clone(),
    )?;
    let rules = CheckoutRules {
        timeout: settings.payments.timeout,
        keep_seats: settings.payments.keep_seats,
        cancel_until: settings.payments.cancel_until,
    };
    let parts = CheckoutParts {
        reservations: Arc::clone(&reservations),
        events: Arc::clone(&events),
        contacts: Arc::clone(&stores.contacts),
        store: Arc::clone(&stores.checkout),
        provider: counted::provider(Arc::new(provider), &metrics),
        clock: Arc::clone(&clock),
        random: Arc::clone(&random),
        probe: probe.unwrap_or_else(|| Arc::new(NoProbe)),
    };
    let checkout = Arc::new(Checkout::new(parts, rules));
    let assets = Assets::new();
    let app = Arc::new(App {
        gate: Gate::new(settings.limits.requests_in_flight),
        templates: Templates::new(&assets, money(&settings.payments.provider))?,
        seat_maps: SeatMaps::default(),
        assets,
        events,
        accounts,
        metrics,
        office,
        cold_path,
        reconciler,
        waitlist,
        reservations,
        checkout,
        stores,
        random,
        clock,
        settings,
        traces,
    });
    announce(&app.settings, address);
    let mailer = notifications::mailer(&app.settings.mail).context("mail cannot be sent")?;
    let notifier = Notifier::new(Arc::clone(&app.stores.events), mailer, &app.settings.mail.site)?;
    let (clock, random) = (Arc::clone(&app.clock), Arc::clone(&app.random));
    let sender = Sender::new(Arc::clone(&app.stores.outbox), notifier, clock, random);
    let (stop, stopping) = watch::channel(false);
    let serving = tokio::spawn(run(app, sender, listener, stopping));
    Ok(Running { address, stop, serving })
}

async fn run(app: Arc<App>, sender: Sender, listener: TcpListener, stopping: watch::Receiver<bool>) {
    let sending = tokio::spawn(sender.run(stopping.clone(), {
        let metrics = Arc::clone(&app.metrics);
        move |delivered| metrics.mails(delivered)
    }));
    let offering = tokio::spawn(Arc::clone(&app.waitlist).run());
    let auditing = tokio::spawn(audit(Arc::clone(&app)));
    let keys = match &app.settings.edge {
        EdgeTrust::Required(keys) => Some(tokio::spawn(keys.clone().follow())),
        EdgeTrust::Off => None,
    };
    let forgetting = tokio::spawn(forget(Arc::clone(&app)));
    let cold_path = Arc::clone(&app.cold_path);
    let persisting = tokio::spawn(async move { cold_path.run().await });
    let compare_every = app.settings.holds.sweep_every * SWEEPS_PER_COMPARISON;
    let reconciler = Arc::clone(&app.reconciler);
    let comparing = tokio::spawn(async move { reconciler.run(compare_every).await });
    let warm_up = WarmUp::new(
        Arc::clone(&app.office),
        Arc::clone(&app.stores.reservations),
        Arc::clone(&app.clock),
        Arc::clone(&app.random),
        app.settings.inventory.warm_up,
    );
    let warming = tokio::spawn(async move { warm_up.run().await });
    // Read before anybody is served, so that no payment of this shop is among them.
    let left = app.checkout.unsettled(Duration::ZERO).await.unwrap_or_else(|error| {
        tracing::error!(error = %error, "unsettled payments not read");
        Vec::new()
    });
    let sweeping = tokio::spawn(sweep(
        Arc::clone(&app.office),
        Arc::clone(&app.stores.reservations),
        Arc::clone(&app.checkout),
        Arc::clone(&app.clock),
        app.settings.holds,
        app.settings.payments.resume_after,
        left,
    ));
    server::serve(listener, router(&app), &app.settings.limits, stopping).await;
    // Whatever the sweep was doing is taken up at the next start.
    sweeping.abort();
    warming.abort();
    comparing.abort();
    forgetting.abort();
    if let Some(keys) = keys {
        keys.abort();
    }
    auditing.abort();
    persisting.abort();
    // What was held here last; what is left, another shop brings in, or this one when it is back.
    let last = tokio::time::timeout(LAST_ROUND, app.cold_path.round()).await;
    if !matches!(last, Ok(Ok(()))) {
        tracing::warn!("the database may not know the last holds yet");
    }
    offering.abort();
    // A mail that is cut off may come twice.
    if tokio::time::timeout(app.settings.limits.shutdown, sending).await.is_err() {
        tracing::warn!("mails were cut off by the shutdown");
    }
    app.stores.lifecycle.close().await;
    if let Some(traces) = app.traces.clone() {
        let _ = tokio::task::spawn_blocking(move || traces.close()).await;
    }
    tracing::info!("stopped");
}

/// Forgets logins, links and answers whose time is over, now and then.
async fn forget(app: Arc<App>) {
    loop {
        if let Err(error) = app.accounts.forget().await {
            tracing::warn!(error = %error, "what is over of accounts is not forgotten");
        }
        if let Err(error) = app.stores.idempotency.forget(app.clock.now()).await {
            tracing::warn!(error = %error, "old answers are not forgotten");
        }
        if let Err(error) = app.stores.contacts.forget(app.clock.now() - CONTACTS_KEPT).await {
            tracing::warn!(error = %error, "addresses of guests are not forgotten");
        }
        tokio::time::sleep(FORGET_EVERY).await;
    }
}

/// What the pages say of money, by its word.
fn money(provider: &Provider) -> &'static str {
    match provider {
        Provider::Sandbox { .. } => "sandbox",
        Provider::Stripe(stripe) if stripe.is_test() => "stripe_test",
        Provider::Stripe(_) => "stripe",
    }
}

fn open_inventory(settings: &Settings, clock: &Arc<dyn Clock>) -> anyhow::Result<Arc<dyn Inventory>> {
    Ok(match settings.inventory.store.redis_url() {
        None => Arc::new(MemoryInventory::new(Arc::clone(clock))),
        Some(url) => Arc::new(RedisInventory::open(url).context("cannot use the inventory's Redis")?),
    })
}

fn announce(settings: &Settings, address: SocketAddr) {
    tracing::info!(%address, database = %settings.database, inventory = %settings.inventory.store, "listening");
    if matches!(settings.edge, EdgeTrust::Off) {
        tracing::warn!("require_edge is off: anyone who reaches this address counts as admitted");
    }
    if settings.organiser_token.is_none() {
        tracing::warn!("STANCHION_ORGANISER_TOKEN is not set: nobody can create events");
    }
}
