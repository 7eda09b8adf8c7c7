//! Programs that are killed, and started again by whoever looks after them, as an init system does.

use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use crate::support::{KEYS, ORGANISER_TOKEN, PostgresServer, RedisServer, STRIPE_KEY, StripeProcess};

/// The pause before something is started again that ended by itself: a shop, for one, that finds no database.
const AGAIN_AFTER: Duration = Duration::from_millis(50);
const LOOK_EVERY: Duration = Duration::from_millis(10);

/// What is killed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Victim {
    Shop,
    Database,
    Redis,
    Provider,
}

/// A program.
pub(super) trait Service: Send {
    fn spawn(&mut self);
    fn runs(&mut self) -> bool;
    fn kill(&mut self);
    /// Removes what it kept in files.
    fn lose(&mut self) {}
}

struct Kept {
    victim: Victim,
    service: Box<dyn Service>,
    /// When it is to be started, while it does not run.
    start_at: Option<Instant>,
    loses: bool,
}

/// All programs, and the task that starts them again.
pub(super) struct Services {
    kept: Arc<Mutex<Vec<Kept>>>,
    keeping: tokio::task::JoinHandle<()>,
}

impl Services {
    pub(super) fn new(services: Vec<(Victim, Box<dyn Service>)>) -> Self {
        let keep = |(victim, service)| Kept { victim, service, start_at: None, loses: false };
        let kept: Arc<Mutex<Vec<Kept>>> = Arc::new(Mutex::new(services.into_iter().map(keep).collect()));
        let looked_at = Arc::clone(&kept);
        let keeping = tokio::spawn(async move {
            loop {
                look_after(&mut looked_at.lock().unwrap());
                tokio::time::sleep(LOOK_EVERY).await;
            }
        });
        Self { kept, keeping }
    }

    pub(super) fn count(&self, victim: Victim) -> usize {
        self.kept.lock().unwrap().iter().filter(|kept| kept.victim == victim).count()
    }

    /// Kills the `nth` of these, which starts again after a while, perhaps without what it kept in files.
    pub(super) fn kill(&self, victim: Victim, nth: usize, away: Duration, loses: bool) {
        let mut kept = self.kept.lock().unwrap();
        let one = kept.iter_mut().filter(|kept| kept.victim == victim).nth(nth).unwrap();
        one.service.kill();
        one.start_at = Some(Instant::now() + away);
        one.loses |= loses;
    }
}

impl Drop for Services {
    fn drop(&mut self) {
        self.keeping.abort();
    }
}

fn look_after(all: &mut [Kept]) {
    for kept in all {
        match kept.start_at {
            Some(at) if at <= Instant::now() => {
                if std::mem::take(&mut kept.loses) {
                    kept.service.lose();
                }
                kept.service.spawn();
                kept.start_at = None;
            }
            None if !kept.service.runs() => kept.start_at = Some(Instant::now() + AGAIN_AFTER),
            _ => {}
        }
    }
}

impl Service for PostgresServer {
    fn spawn(&mut self) {
        self.spawn_again();
    }

    fn runs(&mut self) -> bool {
        self.runs()
    }

    fn kill(&mut self) {
        self.kill();
    }
}

impl Service for RedisServer {
    fn spawn(&mut self) {
        self.spawn_again();
    }

    fn runs(&mut self) -> bool {
        self.runs()
    }

    fn kill(&mut self) {
        self.kill();
    }

    fn lose(&mut self) {
        Self::lose(self);
    }
}

impl Service for StripeProcess {
    fn spawn(&mut self) {
        self.spawn();
    }

    fn runs(&mut self) -> bool {
        self.runs()
    }

    fn kill(&mut self) {
        self.kill();
    }
}

/// A shop that always listens at the same address.
pub(super) struct ShopProcess {
    pub(super) address: SocketAddr,
    config: PathBuf,
    log: PathBuf,
    database: String,
    inventory: String,
    child: Option<Child>,
}

impl ShopProcess {
    pub(super) fn new(folder: &Path, nth: usize, database: &str, inventory: &str, provider: &str) -> Self {
        let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let config = folder.join(format!("shop-{nth}.toml"));
        // Everything happens within seconds.
        let text = format!(
            "listen = \"{address}\"\n\
             [holds]\nseconds = 4\nsweep_seconds = 1\n\
             [payments]\nprovider = \"stripe\"\ntimeout_ms = 800\nresume_after_seconds = 1\nkeep_seats_seconds = 3\n\
             breaker_seconds = 1\ncancel_until_hours = 0\n\
             [payments.stripe]\nurl = \"{provider}\"\n\
             [cache]\nseats_ms = 100\n"
        );
        std::fs::write(&config, text).unwrap();
        let log = folder.join(format!("shop-{nth}.log"));
        let (database, inventory) = (database.to_owned(), inventory.to_owned());
        let mut this = Self { address, config, log, database, inventory, child: None };
        this.spawn();
        this
    }
}

impl Service for ShopProcess {
    fn spawn(&mut self) {
        let log = std::fs::File::options().create(true).append(true).open(&self.log).unwrap();
        let child = Command::new(env!("CARGO_BIN_EXE_origin-app"))
            .env_clear()
            .arg("--config")
            .arg(&self.config)
            .env("STANCHION_SHOP_DATABASE", &self.database)
            .env("STANCHION_SHOP_INVENTORY", &self.inventory)
            .env("STANCHION_EDGE_KEYS", KEYS)
            .env("STANCHION_ORGANISER_TOKEN", ORGANISER_TOKEN)
            .env("STANCHION_STRIPE_KEY", STRIPE_KEY)
            .stdin(Stdio::null())
            .stdout(log.try_clone().unwrap())
            .stderr(log)
            .spawn()
            .unwrap();
        self.child = Some(child);
    }

    fn runs(&mut self) -> bool {
        self.child.as_mut().is_some_and(|child| child.try_wait().unwrap().is_none())
    }

    fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

impl Drop for ShopProcess {
    fn drop(&mut self) {
        self.kill();
    }
}
