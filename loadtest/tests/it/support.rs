//! Running the `loadtest` binary, and waiting for conditions.

use std::path::Path;
use std::process::Output;
use std::time::{Duration, Instant};

use tokio::process::Command;

/// Longest time for anything to come about on a machine that does other things as well.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);
const LOOK_EVERY: Duration = Duration::from_millis(100);

/// The `loadtest` binary; it ends when the test does.
pub(crate) fn loadtest() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_loadtest"));
    command.kill_on_drop(true);
    command
}

/// Runs `loadtest check` with `args` to its end.
pub(crate) async fn check(args: &[&str]) -> Output {
    loadtest().arg("check").args(args).output().await.expect("loadtest runs")
}

/// What it printed.
pub(crate) fn text(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

/// Waits until `look` finds something.
pub(crate) async fn eventually<T>(what: &str, look: impl AsyncFnMut() -> Option<T>) -> T {
    eventually_within(PATIENCE, what, look).await
}

/// The same with a bound of its own.
pub(crate) async fn eventually_within<T>(
    bound: Duration,
    what: &str,
    mut look: impl AsyncFnMut() -> Option<T>,
) -> T {
    let until = Instant::now() + bound;
    loop {
        if let Some(found) = look().await {
            return found;
        }
        assert!(Instant::now() < until, "{what} did not come about within {bound:?}");
        tokio::time::sleep(LOOK_EVERY).await;
    }
}

/// Whether a process of this id runs.
pub(crate) fn runs(id: u32) -> bool {
    let stat = std::fs::read_to_string(Path::new("/proc").join(id.to_string()).join("stat"));
    // What nobody has waited for yet is dead all the same.
    stat.is_ok_and(|stat| !stat.contains(") Z "))
}
