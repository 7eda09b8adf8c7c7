//! `loadtest run`.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context as _, Result};
use clap::Args;

use super::play;
use super::record::OutcomeFacts;
use super::scenario::Scenario;
use crate::random;
use crate::report::{file, html, plain};

/// What is played, and where what comes of it goes.
#[derive(Clone, Debug, Args)]
pub struct RunArgs {
    /// The scenario file.
    scenario: PathBuf,
    /// The folder for `run.json` and `report.html`.
    #[arg(long, value_name = "FOLDER", default_value = "target/loadtest")]
    out: PathBuf,
    /// Repeats the fans of an earlier run.
    #[arg(long)]
    seed: Option<u64>,
}

impl RunArgs {
    /// Plays it, until it is over or `interrupted`. It fails when a promise was broken.
    ///
    /// # Errors
    /// When the scenario cannot be played, or what came of it cannot be written.
    pub async fn run(self, interrupted: impl Future<Output = ()>) -> Result<ExitCode> {
        let (scenario, text) = Scenario::read(&self.scenario)?;
        let seed = self.seed.or(scenario.seed).map_or_else(random::seed, Ok)?;
        std::fs::create_dir_all(&self.out)
            .with_context(|| format!("{} cannot be made", self.out.display()))?;
        // What is found out only after the run is found out too late.
        tempfile::tempfile_in(&self.out)
            .with_context(|| format!("nothing can be written into {}", self.out.display()))?;
        let command = format!("loadtest run {} --seed {seed}", self.scenario.display());
        let folder = self.scenario.parent().unwrap_or(Path::new("."));
        let played = tokio::select! {
            played = play::play(&scenario, (&text, folder), seed) => Some(played?),
            () = interrupted => None,
        };
        let Some(mut record) = played else {
            eprintln!(
                "Interrupted: all that was started is stopped, nothing is judged, nothing was written."
            );
            return Ok(ExitCode::FAILURE);
        };
        record.scenario.command = command;
        let (json, page) = (self.out.join("run.json"), self.out.join("report.html"));
        // Told first: whatever becomes of the files, that much is known.
        let mut out = std::io::stdout();
        let _ = writeln!(out, "{}", plain::verdict(&record));
        for broken in plain::broken(&record) {
            let _ = writeln!(out, "{broken}");
        }
        file::write(&json, &record)?;
        file::write_whole(&page, &html(&record))
            .with_context(|| format!("{} cannot be written", page.display()))?;
        let _ = writeln!(out, "{}\n{}", json.display(), page.display());
        let broken = record.verdicts.iter().any(|verdict| verdict.outcome == OutcomeFacts::Broken);
        Ok(if broken { ExitCode::FAILURE } else { ExitCode::SUCCESS })
    }
}
