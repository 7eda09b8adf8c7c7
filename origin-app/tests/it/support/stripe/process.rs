//! The fake Stripe in a process of its own, so that it can be killed. It is this test binary once more, told to be that.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use super::FakeStripe;
use super::books::Charge;

const PORT: &str = "FAKE_STRIPE_PORT";
const FILE: &str = "FAKE_STRIPE_FILE";

/// Not a test: what the process does.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "it serves, for the tests that kill it"]
async fn serve() {
    let (Ok(port), Ok(file)) = (std::env::var(PORT), std::env::var(FILE)) else { return };
    let listener = tokio::net::TcpListener::bind(format!("127.0.0.1:{port}")).await.unwrap();
    FakeStripe::serve(listener, PathBuf::from(file)).await;
}

/// A Stripe that dies and comes back, at the same address and with the same books.
pub(crate) struct StripeProcess {
    port: u16,
    folder: tempfile::TempDir,
    child: Option<Child>,
}

impl StripeProcess {
    pub(crate) fn new() -> Self {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        Self { port, folder: tempfile::tempdir().unwrap(), child: None }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// Starts it, and waits until it answers.
    pub(crate) async fn start(&mut self) {
        self.spawn();
        for _ in 0..6000 {
            if std::net::TcpStream::connect(("127.0.0.1", self.port)).is_ok() {
                return;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        panic!("the fake Stripe does not come up");
    }

    /// Starts it.
    pub(crate) fn spawn(&mut self) {
        let child = Command::new(std::env::current_exe().unwrap())
            .args(["support::stripe::process::serve", "--exact", "--ignored", "--nocapture"])
            .env(PORT, self.port.to_string())
            .env(FILE, self.file())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        self.child = Some(child);
    }

    /// Whether it runs, or at least has not ended.
    pub(crate) fn runs(&mut self) -> bool {
        self.child.as_mut().is_some_and(|child| child.try_wait().unwrap().is_none())
    }

    pub(crate) fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            let _ = child.kill();
            let _ = child.wait();
        }
    }

    /// Where its books are.
    pub(crate) fn file(&self) -> PathBuf {
        Path::new(self.folder.path()).join("books.json")
    }

    /// What is in its books.
    pub(crate) fn charges(&self) -> Vec<Charge> {
        FakeStripe::left_in(&self.file())
    }
}

impl Drop for StripeProcess {
    fn drop(&mut self) {
        self.kill();
    }
}
