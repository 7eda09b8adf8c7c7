//! `loadtest report` and `loadtest compare`.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use clap::Args;

use super::compare::{self, Comparison, Table};
use super::{file, html};

/// Which record becomes a page, and where it goes.
#[derive(Clone, Debug, Args)]
pub struct ReportArgs {
    /// The record of a run, as `loadtest run` wrote it.
    record: PathBuf,
    /// Where the page goes; beside the record, with the ending .html, where nothing is said.
    #[arg(long, value_name = "FILE.html")]
    out: Option<PathBuf>,
}

impl ReportArgs {
    /// Makes the page, and tells where it is.
    ///
    /// # Errors
    /// When the record cannot be used, or the page cannot be written.
    pub fn run(self) -> Result<String> {
        let record = file::read(&self.record)?;
        let out = self.out.unwrap_or_else(|| self.record.with_extension("html"));
        written(&out, &html(&record))?;
        Ok(format!("{}\n{}", super::plain::verdict(&record), out.display()))
    }
}

/// Which runs are compared.
#[derive(Clone, Debug, Args)]
pub struct CompareArgs {
    /// The record of the first run.
    first: PathBuf,
    /// The record of the second run.
    second: PathBuf,
    /// Writes the comparison as a page, too, which loads nothing from elsewhere.
    #[arg(long, value_name = "FILE.html")]
    report: Option<PathBuf>,
}

impl CompareArgs {
    /// Compares.
    ///
    /// # Errors
    /// When a record cannot be used, or the page cannot be written.
    pub fn run(self) -> Result<Comparison> {
        let name = |file: &Path| file.display().to_string();
        let (first, second) = (file::read(&self.first)?, file::read(&self.second)?);
        let comparison = Comparison::of((name(&self.first), name(&self.second)), &first, &second);
        if let Some(report) = &self.report {
            written(report, &compare::html(&comparison))?;
        }
        Ok(comparison)
    }
}

impl std::fmt::Display for Comparison {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        Table(self).fmt(f)
    }
}

fn written(file: &Path, page: &str) -> Result<()> {
    file::write_whole(file, page).with_context(|| format!("{} cannot be written", file.display()))
}
