//! Who takes the money, in a process of its own: a Stripe for runs, so far as the shop speaks with one. No money moves. It
//! keeps its promise about idempotency keys, and its books outlive it.

mod books;
mod serve;

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};

pub use books::Charge;
pub use serve::serve;

use super::process::{Process, Program};
use super::{answers_tcp, binary, files, free_port};

/// The key that the shop says; one of a test, so nobody's.
const KEY: &str = "sk_test_of_a_run";

/// A payment provider that runs.
#[derive(Debug)]
pub struct Provider {
    process: Process,
    port: u16,
    books: PathBuf,
}

impl Provider {
    /// Starts one, with its books in `folder`.
    ///
    /// # Errors
    /// When it does not answer.
    pub async fn start(folder: &Path) -> Result<Self> {
        let (port, books) = (free_port()?, files::file(folder, "payments.jsonl"));
        let mut process = Process::start(Program {
            name: "payments".to_owned(),
            executable: binary("loadtest")?,
            args: vec![
                "provider".into(),
                "--port".into(),
                port.to_string().into(),
                "--books".into(),
                books.clone().into(),
            ],
            env: Vec::new(),
            log: files::file(folder, "payments.log"),
        })?;
        answers_tcp(&mut process, ([127, 0, 0, 1], port).into()).await?;
        Ok(Self { process, port, books })
    }

    /// The port that it listens on.
    pub const fn port(&self) -> u16 {
        self.port
    }

    /// Its process.
    pub const fn process(&mut self) -> &mut Process {
        &mut self.process
    }

    /// Its process id.
    pub fn id(&self) -> u32 {
        self.process.id()
    }

    /// Starts it again after it was killed, with its books.
    ///
    /// # Errors
    /// When it does not answer.
    pub async fn restart(&mut self) -> Result<()> {
        self.process.restart()?;
        answers_tcp(&mut self.process, ([127, 0, 0, 1], self.port).into()).await
    }

    /// What is in its books.
    ///
    /// # Errors
    /// When they cannot be read.
    pub fn charges(&self) -> Result<Vec<Charge>> {
        let text = std::fs::read_to_string(&self.books);
        let text = text.with_context(|| format!("the books {} cannot be read", self.books.display()))?;
        Ok(books::Desk::left_in(&text).charges())
    }

    /// What the shop is told of it, in its environment.
    pub(super) fn of_shop(&self) -> Vec<(&'static str, String)> {
        vec![("STANCHION_STRIPE_KEY", KEY.to_owned())]
    }
}
