//! The results of record: every benchmark in turn, and its tables into the doc.
//!
//! The doc has a place for each, between two marks. Each benchmark is a process of its own, so that what one leaves behind
//! in memory or on the cores is not in the next.

use std::path::{Path, PathBuf};
use std::process::{ExitCode, Stdio};

use anyhow::{Context as _, Result, bail, ensure};
use clap::{Args, ValueEnum};
use tokio::process::Command;

use crate::report::file::write_whole;
use crate::run::machine::machine;

/// From which load for each core on figures are worth little.
const LOAD_A_CORE: f64 = 0.25;

/// A benchmark whose tables are in the doc.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Kind {
    /// `bench edge`.
    Edge,
    /// `bench shop`.
    Shop,
    /// `bench fans`.
    Fans,
    /// The line in Redis: `cargo bench -p admission --bench line`.
    Line,
    /// `bench joins`.
    Joins,
    /// The journal of the embedded store: `cargo bench -p admission --bench journal`.
    Journal,
}

impl Kind {
    /// The command as people type it.
    fn command(self) -> &'static str {
        match self {
            Self::Edge => "target/release/loadtest bench edge --rounds 5",
            Self::Shop => "target/release/loadtest bench shop",
            Self::Fans => "target/release/loadtest bench fans --plain 10000,100000 --tls 10000",
            Self::Line => "cargo bench -p admission --bench line",
            Self::Joins => "target/release/loadtest bench joins",
            Self::Journal => "cargo bench -p admission --bench journal",
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::Edge => "edge",
            Self::Shop => "shop",
            Self::Fans => "fans",
            Self::Line => "line",
            Self::Joins => "joins",
            Self::Journal => "journal",
        }
    }
}

/// Where the results go, and which.
#[derive(Clone, Debug, Args)]
pub struct RecordArgs {
    /// The doc whose tables are written anew.
    #[arg(long, default_value = "docs/benchmarks.md", value_name = "FILE.md")]
    doc: PathBuf,
    /// Only these.
    #[arg(long, value_enum, value_delimiter = ',')]
    only: Vec<Kind>,
    /// Prints the commands and runs none.
    #[arg(long)]
    dry_run: bool,
}

impl RecordArgs {
    /// Measures and writes, until it is done or `interrupted`. What was measured until then is written.
    ///
    /// # Errors
    /// When the doc has no place for the tables, or a benchmark fails.
    pub async fn run(self, interrupted: impl Future<Output = ()>) -> Result<ExitCode> {
        let kinds = if self.only.is_empty() { Kind::value_variants() } else { &self.only };
        let doc = read(&self.doc)?;
        // Half an hour is long for learning that there is no place.
        for kind in kinds {
            written(&doc, *kind, "")?;
        }
        if self.dry_run {
            for kind in kinds {
                println!("{}", kind.command());
            }
            return Ok(ExitCode::SUCCESS);
        }
        ensure!(
            !cfg!(debug_assertions),
            "figures of programs that were not built with --release are worth nothing"
        );
        tokio::select! {
            measured = all(&self.doc, kinds) => measured.map(|()| ExitCode::SUCCESS),
            () = interrupted => Ok(ExitCode::FAILURE),
        }
    }
}

async fn all(doc: &Path, kinds: &[Kind]) -> Result<()> {
    for kind in kinds {
        let machine = machine();
        if machine.load_before > LOAD_A_CORE * machine.cores as f64 {
            eprintln!("this machine has a load of {:.1}: figures are worth little", machine.load_before);
        }
        eprintln!("{}", kind.command());
        let tables = measure(*kind).await?;
        let gib = machine.memory_bytes as f64 / (1 << 30) as f64;
        let seen = format!(
            "Seen on {} cores ({}), {gib:.0} GiB, Linux {}, with a load of {:.1} before, {}, by `{}`:\n\n{}\n",
            machine.cores,
            machine.processor,
            machine.kernel,
            machine.load_before,
            machine.began_at.get(..10).unwrap_or_default(),
            kind.command(),
            tables.trim()
        );
        println!("{seen}");
        // The doc may have been edited meanwhile.
        write_whole(doc, &written(&read(doc)?, *kind, &seen)?)
            .with_context(|| format!("{} cannot be written", doc.display()))?;
    }
    Ok(())
}

/// Runs it, and gives what it printed.
async fn measure(kind: Kind) -> Result<String> {
    let mut words = kind.command().split(' ');
    let program = match words.next() {
        Some("cargo") => PathBuf::from("cargo"),
        _ => std::env::current_exe().context("the path of this executable is unknown")?,
    };
    let output = Command::new(program)
        .args(words)
        .stdin(Stdio::null())
        .stderr(Stdio::inherit())
        .kill_on_drop(true)
        .output()
        .await
        .with_context(|| format!("`{}` cannot be started", kind.command()))?;
    ensure!(output.status.success(), "`{}` failed", kind.command());
    String::from_utf8(output.stdout).context("it did not print text")
}

fn read(doc: &Path) -> Result<String> {
    std::fs::read_to_string(doc).with_context(|| format!("{} cannot be read", doc.display()))
}

/// The doc with these tables in the place that it has for them.
fn written(doc: &str, kind: Kind, tables: &str) -> Result<String> {
    let (begin, end) = marks(kind);
    let place = doc.split_once(&begin).and_then(|(before, rest)| Some((before, rest.split_once(&end)?.1)));
    let Some((before, after)) = place else {
        bail!("the doc has no place for the tables of {}: `{begin}` and, below it, `{end}`", kind.name());
    };
    Ok(format!("{before}{begin}\n{tables}{end}{after}"))
}

fn marks(kind: Kind) -> (String, String) {
    let name = kind.name();
    (format!("<!-- bench record, {name}: begin -->"), format!("<!-- bench record, {name}: end -->"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tables_are_put_between_their_marks() {
        let (begin, end) = marks(Kind::Shop);
        let doc = format!("a\n{begin}\nold\n{end}\nb\n");
        let new = written(&doc, Kind::Shop, "new\n").unwrap();
        assert_eq!(new, format!("a\n{begin}\nnew\n{end}\nb\n"));
        assert_eq!(written(&new, Kind::Shop, "new\n").unwrap(), new);
        assert!(
            written(&doc, Kind::Edge, "")
                .unwrap_err()
                .to_string()
                .contains("no place for the tables of edge")
        );
        assert!(written(&format!("{end}{begin}"), Kind::Shop, "").is_err());
    }

    #[test]
    fn the_doc_has_a_place_for_all() {
        let doc = read(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/benchmarks.md")).unwrap();
        for kind in Kind::value_variants() {
            written(&doc, *kind, "").unwrap();
        }
    }
}
