//! What is in force, asked from outside the edges: the rooms that a fleet shares are in its store.

use std::sync::Arc;

use admission::clock::{Clock, SystemClock};
use admission::store::{Configuration, StoreError};

use super::{OpenStore, open_store};
use crate::config::edge::StoreConfig;
use crate::config::{Config, rooms};
use crate::fleet::{bounded, changes};

/// Whose rooms are told, one line each.
pub struct Source(Vec<String>);

impl Source {
    /// The files alone.
    pub fn files(config: &Config) -> Self {
        Self::file(config, "the line goes by it unless a newer one is in force there, which the log says")
    }

    fn file(config: &Config, remark: &str) -> Self {
        Self(vec![format!("of the file, revision {}; {remark}", config.revision)])
    }

    /// The lines.
    pub fn lines(&self) -> &[String] {
        &self.0
    }
}

/// Puts the rooms into `config` that are in force in the fleet, where its store can be asked. Whose they are.
pub fn take_shared(config: &mut Config) -> Source {
    let kept = match &config.edge.store {
        StoreConfig::Memory { .. } => {
            let remark = "the edge has the line to itself, and is not asked: what was changed over the API is told by \
                          GET /api/v1/configuration on its `admin_listen`";
            return Source::file(config, remark);
        }
        StoreConfig::Redis { .. } => kept(&config.edge.store),
    };
    match kept {
        Ok(Some(kept)) => take(config, kept),
        Ok(None) => Source::file(config, "the store has none yet, for no edge has run with it"),
        Err(error) => Source::file(config, &format!("what is in force is not known: {error}")),
    }
}

fn kept(store: &StoreConfig) -> Result<Option<Configuration>, String> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    runtime.map_err(|error| error.to_string())?.block_on(async {
        let OpenStore { fleet, .. } = open_store(store, &clock).map_err(|error| error.to_string())?;
        let answer: Result<_, StoreError> = bounded(fleet.configuration(0)).await;
        answer.map(|(_, kept)| kept).map_err(|error| error.to_string())
    })
}

fn take(config: &mut Config, kept: Configuration) -> Source {
    let file = config.rooms_file.clone().unwrap_or_else(|| "rooms.toml".into());
    let rooms = match rooms::parse(&file, &kept.text) {
        Ok(rooms) => rooms,
        Err(error) => {
            let error = error.by_its_room(&kept.text, None);
            return Source::file(config, &format!("what is in force cannot be read here: {error}"));
        }
    };
    let changes = changes(&config.rooms, &rooms);
    let mut told = vec![format!("in force in the fleet, by its store, revision {}", kept.revision)];
    if !changes.is_empty() {
        let file = file.display();
        told.push(format!("{file} says otherwise; from there to what is in force:"));
        told.extend(changes.into_iter().map(|change| format!("  {change}")));
    }
    (config.rooms, config.rooms_text, config.revision) = (rooms, kept.text, kept.revision);
    Source(told)
}
