//! Notices that the configuration changed: in the file, in the files of the pages, or at another proxy.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::{Instant, MissedTickBehavior, interval};

use super::watched::Watched;
use super::{Begun, ChangeError, Fleet, check};
use crate::config::pages;

/// How often files are looked at. What changed is read when it stayed so until the next look.
const LOOK_EVERY: Duration = Duration::from_millis(100);
/// How often the store is asked what others changed.
const ASK_EVERY: Duration = Duration::from_millis(200);

/// What is watched, and what of it has yet to be done.
struct Follower {
    fleet: Arc<Fleet>,
    file: Watched,
    pages: Watched,
    asked_at: Option<Instant>,
    /// The file changed, and the store could not be told yet.
    is_untold: bool,
    /// The last problem that was logged: once is enough.
    logged: Option<String>,
}

impl Fleet {
    /// Follows all changes until `stopped`.
    pub async fn follow(self: Arc<Self>, mut stopped: watch::Receiver<bool>) {
        let mut follower = Follower {
            file: Watched::new(self.file.as_slice()),
            pages: Watched::new(&self.page_files()),
            fleet: self.clone(),
            asked_at: None,
            is_untold: false,
            logged: None,
        };
        follower.look_back().await;
        let mut interval = interval(LOOK_EVERY);
        interval.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                _ = interval.tick() => follower.look().await,
                () = self.hurry.notified() => {
                    follower.take_file("signal").await;
                    follower.take_pages();
                }
                () = has_stopped(&mut stopped) => return,
            }
        }
    }

    fn page_files(&self) -> Vec<PathBuf> {
        pages::files(&self.edge, &self.in_force().configs)
    }
}

impl Follower {
    /// The file may have changed since it was read, before it was watched.
    async fn look_back(&mut self) {
        let Some(file) = self.fleet.file.clone() else { return };
        if super::file::read(&file).await.is_ok_and(|text| text != self.fleet.read_at_start) {
            self.take_file("file").await;
        }
    }

    async fn look(&mut self) {
        let file_changed = self.file.have_changed(self.fleet.file.as_slice());
        if file_changed || self.is_untold {
            self.take_file("file").await;
        }
        if self.pages.have_changed(&self.fleet.page_files()) {
            self.take_pages();
        }
        if self.asked_at.is_none_or(|at| at.elapsed() >= ASK_EVERY) {
            self.asked_at = Some(Instant::now());
            self.ask().await;
        }
    }

    /// What was changed in the file is the newest, if it is good.
    async fn take_file(&mut self, via: &'static str) {
        let fleet = self.fleet.clone();
        let outcome = fleet.take_file(via).await;
        // Tried again until the store is back.
        self.is_untold = matches!(outcome, Err(ChangeError::Store(_)));
        match (outcome, &fleet.file) {
            (Ok(()), _) => {
                self.logged = None;
                fleet.problems.lock().file = None;
            }
            (Err(ChangeError::Outrun(_)), Some(file)) => self.refuse(&format!(
                "{} was written before the file of which changes were taken last; save it again or send SIGHUP if its \
                 changes should be in force",
                file.display()
            )),
            (Err(error @ ChangeError::Wrong(_)), _) => {
                let problem = error.to_string();
                fleet.problems.lock().file = Some(problem.clone());
                self.log(&problem);
            }
            (Err(error), _) => self.refuse(&error.to_string()),
        }
    }

    /// The pages changed, and nothing else. Each proxy has its own files.
    fn take_pages(&mut self) {
        let fleet = self.fleet.clone();
        let Ok(_one) = fleet.changing.try_lock() else {
            // Whoever changes the configuration now reads the pages too.
            return;
        };
        let configuration = fleet.in_force().configuration.clone();
        match check(&fleet.edge, fleet.file.as_deref(), &configuration.text) {
            Ok((configs, pages)) => {
                fleet.apply(Begun { configs, pages, configuration });
                tracing::info!("the pages were read again");
            }
            Err(error) => self.refuse(&error.to_string()),
        }
    }

    /// What others changed.
    async fn ask(&mut self) {
        match self.fleet.clone().catch_up().await {
            Ok(is_news) if is_news => self.logged = None,
            Err(error @ ChangeError::Shared(_)) => self.refuse(&error.to_string()),
            // Where the store is away the rooms say so.
            _ => {}
        }
    }

    /// A configuration was refused; what is in force stays.
    fn refuse(&mut self, problem: &str) {
        self.fleet.problems.lock().other = Some(problem.to_owned());
        self.log(problem);
    }

    /// Once is enough.
    fn log(&mut self, problem: &str) {
        if self.logged.as_deref() == Some(problem) {
            return;
        }
        self.fleet.refused.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        tracing::error!(problem, "a new configuration is not put in force; the one before stays");
        self.logged = Some(problem.to_owned());
    }
}

/// Returns when the process stops.
async fn has_stopped(stopped: &mut watch::Receiver<bool>) {
    let _ = stopped.wait_for(|stopped| *stopped).await;
}
