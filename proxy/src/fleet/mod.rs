//! What the proxies of one fleet have in common: the configuration of their rooms, which may change while they run.
//!
//! ```text
//!  rooms.toml, SIGHUP ─┐                        ┌─▶ this proxy: Rooms, Pages
//!                      ├─▶ checked whole ─▶ store
//!  the admin API ──────┘                        └─▶ every other proxy, and those that start later
//! ```
//!
//! - [`InForce`] is what is in force here; requests read it without a lock.
//! - [`Rooms`] are the rooms and the ways to them, and how they become others.
//! - `follow` notices what changed: files here, and in the store what others changed.
//! - `changes` says in words what differs.
//! - `by_hand` is what operators do to a line, `key_files` what becomes of keys that change.
//! - `wrong` says what is wrong with a change, to whoever made it.
//! - `merge` puts what somebody changed in the file together with what others changed meanwhile; pure. `file` does it.
//!
//! The newest change of a key wins. One that is wrong changes nothing, wherever it comes from.

mod by_hand;
mod changes;
mod file;
mod follow;
mod key_files;
mod merge;
mod rooms;
mod watched;
mod wrong;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use admission::store::{AuditEntry, Basis, Configuration, FleetStore, Proposed, RoomsFile, StoreError};
use arc_swap::{ArcSwap, Guard};
use parking_lot::Mutex;
use tokio::sync::Notify;

use crate::config::{self, Config, ConfigError, EdgeConfig, RoomConfig};
use crate::room::{Ports, TOLD_SEED};
use crate::waiting::page::Pages;
use crate::waiting::time::rfc3339;
pub use changes::changes;
pub use key_files::{KeyFiles, KeysError, Secret};
use rooms::Opening;
pub use rooms::Rooms;
pub use wrong::ChangeError;

/// Longest time that a call of the store may take.
const STORE_TIMEOUT: Duration = Duration::from_secs(2);

/// What is in force.
pub struct InForce {
    /// The rooms.
    pub rooms: Rooms,
    /// Their pages.
    pub pages: Pages,
    /// Which configuration it is, and its text.
    pub configuration: Configuration,
    /// The same, checked.
    pub configs: Vec<RoomConfig>,
}

/// Where a change comes from.
#[derive(Clone, Copy, Debug)]
pub struct Author<'a> {
    /// Who: the name of a token, or of the host whose file it is.
    pub actor: &'a str,
    /// How: `file`, `signal`, `api`.
    pub via: &'a str,
}

/// A text that is to be in force.
pub struct Change<'a> {
    /// When it may take the place of what is.
    pub basis: Basis,
    /// The text.
    pub text: &'a str,
    /// Where it comes from, if from a file.
    pub file: Option<RoomsFile>,
    /// What others changed and this takes back, one line each.
    pub lost: Vec<String>,
    /// Whose it is.
    pub author: Author<'a>,
}

/// The configuration of the rooms, as this proxy and all others of its fleet have it.
pub struct Fleet {
    in_force: ArcSwap<InForce>,
    store: Arc<dyn FleetStore>,
    edge: EdgeConfig,
    /// Where it is read, if it is in a file.
    file: Option<PathBuf>,
    read_at_start: String,
    host: String,
    opening: Opening,
    /// One change at a time.
    changing: tokio::sync::Mutex<()>,
    hurry: Notify,
    refused: AtomicU64,
    problems: Mutex<Problems>,
}

/// What is wrong with configurations that are not in force.
#[derive(Debug, Default)]
struct Problems {
    /// With the file, until it is good: the edge would not start with it.
    file: Option<String>,
    /// With anything else, until something newer is in force.
    other: Option<String>,
}

impl Fleet {
    /// What `config` says, or what the store keeps where that is newer.
    pub async fn open(config: Config, pages: Pages, ports: Ports, store: Arc<dyn FleetStore>) -> Arc<Self> {
        let Config { edge, edge_text: _, rooms: configs, revision, rooms_text: text, rooms_file: file } =
            config;
        let read_at_start = text.clone();
        let opening = Opening { ports, scheme: edge.public_scheme, tick: edge.tick };
        let of_file = file.is_some().then(|| RoomsFile { text: text.clone(), written: revision });
        let mut begun =
            Begun { configs, pages, configuration: Configuration { revision, text, file: of_file } };
        if let Ok((_, Some(kept))) = bounded(store.configuration(0)).await {
            begun = file::at_start(&edge, file.as_deref(), begun, kept);
        }
        let Begun { configs, pages, configuration } = begun;
        let rooms = Rooms::open(&configs, configuration.revision, &opening);
        Arc::new(Self {
            in_force: ArcSwap::from_pointee(InForce { rooms, pages, configuration, configs }),
            store,
            edge,
            file,
            read_at_start,
            host: host(),
            opening,
            changing: tokio::sync::Mutex::default(),
            hurry: Notify::new(),
            refused: AtomicU64::new(0),
            problems: Mutex::default(),
        })
    }

    /// What is in force.
    pub fn in_force(&self) -> Guard<Arc<InForce>> {
        self.in_force.load()
    }

    /// Reads the file again at once, though it may not have changed: it is the newest from then on.
    pub fn reload(&self) {
        self.hurry.notify_one();
    }

    /// How many configurations were refused since the process began.
    pub fn refused(&self) -> u64 {
        self.refused.load(Ordering::Relaxed)
    }

    /// What is wrong with the newest configuration, where it is not in force.
    pub fn problem(&self) -> Option<String> {
        let problems = self.problems.lock();
        problems.file.clone().or_else(|| problems.other.clone())
    }

    /// The audit log, newest first.
    ///
    /// # Errors
    /// When the store cannot be reached.
    pub async fn audit(&self, most: usize) -> Result<Vec<AuditEntry>, StoreError> {
        bounded(self.store.audit(most)).await
    }

    /// The names by which operators reach an edge, beside its addresses.
    pub fn admin_hosts(&self) -> &[String] {
        &self.edge.admin_hosts
    }

    /// What this host is called in the audit log.
    pub fn host(&self) -> &str {
        &self.host
    }

    /// Notes something that somebody did.
    ///
    /// # Errors
    /// When the store cannot be reached.
    pub async fn note(&self, entry: AuditEntry) -> Result<(), StoreError> {
        bounded(self.store.note(entry)).await
    }

    /// Puts a configuration in force, here at once and everywhere within a moment. Its revision, and what it changed. One
    /// that says the same as the one in force stays of its revision, and nothing is noted.
    ///
    /// # Errors
    /// When it is wrong, another came first, or the store cannot be reached. Then nothing has changed.
    pub async fn put_in_force(
        &self,
        change: Change<'_>,
        entry: AuditEntry,
    ) -> Result<(u64, Vec<String>), ChangeError> {
        let Change { basis, text, file, lost, author } = change;
        let _one = self.changing.lock().await;
        if author.via == "api" {
            self.refuse_new_files(text)?;
        }
        let (configs, pages) = check(&self.edge, self.file.as_deref(), text)?;
        self.refuse_told_seeds(&configs)?;
        let before = self.in_force().clone();
        let told = changes(&before.configs, &configs);
        let said = if told.is_empty() { "nothing that counts".to_owned() } else { told.join("; ") };
        let mut detail = match entry.detail.as_str() {
            "" => said.clone(),
            note => format!("{note}: {said}"),
        };
        if !lost.is_empty() {
            detail = format!("{detail} (lost: {})", lost.join("; "));
        }
        let (actor, via) = (author.actor.to_owned(), author.via.to_owned());
        let entry = AuditEntry { actor, via, detail, ..entry };
        let is_news = !merge::say_the_same(text, &before.configuration.text);
        let text = if is_news { text } else { before.configuration.text.as_str() };
        match bounded(self.store.propose(basis, text, file.as_ref(), entry)).await? {
            Proposed::Kept(revision) => {
                for lost in lost {
                    tracing::warn!(
                        revision,
                        lost,
                        "the file and others changed the same; the newest is in force"
                    );
                }
                if is_news || revision != before.configuration.revision {
                    let file = file.or_else(|| before.configuration.file.clone());
                    let configuration = Configuration { revision, text: text.to_owned(), file };
                    self.apply(Begun { configs, pages, configuration });
                    tracing::info!(
                        revision,
                        actor = author.actor,
                        via = author.via,
                        changes = said,
                        "a new configuration of the rooms is in force"
                    );
                } else {
                    self.problems.lock().other = None;
                }
                Ok((revision, told))
            }
            Proposed::Refused(revision) => Err(ChangeError::Outrun(revision)),
        }
    }

    /// Checks a change that somebody might make over the API, as it would be when they made it. Nothing is changed.
    ///
    /// # Errors
    /// When it is wrong.
    pub fn check_change(&self, text: &str) -> Result<Vec<RoomConfig>, ChangeError> {
        self.refuse_new_files(text)?;
        let configs = check(&self.edge, self.file.as_deref(), text)?.0;
        self.refuse_told_seeds(&configs)?;
        Ok(configs)
    }

    /// Refuses rules that would have fans drawn with a seed that is public already.
    fn refuse_told_seeds(&self, configs: &[RoomConfig]) -> Result<(), ConfigError> {
        let file = self.rooms_file();
        let in_force = self.in_force();
        let draws = |config: &&RoomConfig| {
            let room = in_force.rooms.by_id(config.id.as_str());
            room.is_some_and(|room| room.draws_with_a_told_seed(&config.rules))
        };
        match configs.iter().find(draws) {
            None => Ok(()),
            Some(config) => {
                let (id, opens_at) = (&config.id, config.rules.opens_at.map(rfc3339).unwrap_or_default());
                let problem =
                    format!("found {opens_at} in the room `{id}`; these times cannot be: {TOLD_SEED}");
                Err(ConfigError {
                    field: Some("room.opens_at".to_owned()),
                    ..ConfigError::whole(file, problem)
                })
            }
        }
    }

    /// Refuses a text that names files of this machine which are not named yet. Whoever has a token could have any file
    /// served to the public otherwise, keys included.
    fn refuse_new_files(&self, text: &str) -> Result<(), ConfigError> {
        let file = self.rooms_file();
        let named = config::rooms::named_files(text);
        let known = config::rooms::named_files(&self.in_force().configuration.text);
        match named.iter().find(|name| !known.contains(name)) {
            None => Ok(()),
            Some(name) => {
                let problem = format!(
                    "found {name:?}; which files are pages is said in rooms.toml on the edge's own machine, not over the API"
                );
                Err(ConfigError { field: Some("room.pages".to_owned()), ..ConfigError::whole(file, problem) })
            }
        }
    }

    /// Takes what others changed, and tells the store what it has lost. Whether there was news.
    ///
    /// # Errors
    /// When the news are of no use here, or the store cannot be reached.
    pub async fn catch_up(&self) -> Result<bool, ChangeError> {
        let _one = self.changing.lock().await;
        let before = self.in_force().configuration.clone();
        let (kept, news) = bounded(self.store.configuration(before.revision)).await?;
        if kept < before.revision {
            let entry = AuditEntry {
                actor: self.host.clone(),
                via: "start".to_owned(),
                action: "configure".to_owned(),
                detail: "the store had none that is as new".to_owned(),
                ..AuditEntry::default()
            };
            let basis = Basis::Newer(before.revision);
            bounded(self.store.propose(basis, &before.text, before.file.as_ref(), entry)).await?;
        }
        let Some(configuration) = news.filter(|news| news.revision > before.revision) else {
            return Ok(false);
        };
        let checked = check(&self.edge, self.file.as_deref(), &configuration.text);
        let (configs, pages) = checked.map_err(|error| self.shared(error, &configuration.text))?;
        let told = changes(&self.in_force().configs, &configs).join("; ");
        let revision = configuration.revision;
        self.apply(Begun { configs, pages, configuration });
        tracing::info!(
            revision,
            changes = told,
            "a new configuration of the rooms, which the fleet shares, is in force"
        );
        Ok(true)
    }

    fn apply(&self, begun: Begun) {
        let Begun { configs, pages, configuration } = begun;
        let rooms = self.in_force().rooms.with(&configs, configuration.revision, &self.opening);
        self.in_force.store(Arc::new(InForce { rooms, pages, configuration, configs }));
        self.problems.lock().other = None;
    }
}

/// What is about to be in force.
struct Begun {
    configs: Vec<RoomConfig>,
    pages: Pages,
    configuration: Configuration,
}

/// Checks a configuration whole, pages included.
fn check(
    edge: &EdgeConfig,
    file: Option<&Path>,
    text: &str,
) -> Result<(Vec<RoomConfig>, Pages), ConfigError> {
    let file = file.unwrap_or(Path::new("rooms.toml"));
    let configs = config::rooms::parse(file, text)?;
    config::keys::check_cookie_rules(file, text, &configs, &edge.cookie_keys)?;
    let pages = config::pages::load(edge, &configs)?;
    Ok((configs, pages))
}

/// Gives a call of the store its time, and no more.
pub(crate) async fn bounded<T>(call: impl Future<Output = Result<T, StoreError>>) -> Result<T, StoreError> {
    match tokio::time::timeout(STORE_TIMEOUT, call).await {
        Ok(answer) => answer,
        Err(_) => Err(StoreError::Unavailable("it did not answer in time".to_owned())),
    }
}

/// What this host is called, for the audit log.
fn host() -> String {
    let name = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    if name.trim().is_empty() { "this host".to_owned() } else { name.trim().to_owned() }
}
