//! One core for the server under test and another for everything else, so that each server has as much to work with as
//! any other, and who asks takes nothing of it.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use rustix::process::{Pid, Resource, Rlimit, getrlimit, setrlimit};
use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};
use tokio::sync::oneshot;

pub(super) use crate::clock::monotonic;
use crate::stack::{Process, Program, tool};

/// Two cores.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Cores {
    /// Of the server under test.
    pub(super) server: usize,
    /// Of the load and the shop.
    pub(super) load: usize,
}

impl Cores {
    /// The first two that this process may run on.
    pub(super) fn pick() -> Result<Self> {
        let allowed = sched_getaffinity(None).context("the cores of this machine are unknown")?;
        let mut cores = (0..CpuSet::MAX_CPU).filter(|core| allowed.is_set(*core));
        let (Some(server), Some(load)) = (cores.next(), cores.next()) else {
            bail!("two cores are needed: one for the server, one for the load");
        };
        Ok(Self { server, load })
    }

    /// This thread works on the core of the load from now on.
    pub(super) fn pin_this_thread(self) -> Result<()> {
        let mut only = CpuSet::new();
        only.set(self.load);
        sched_setaffinity(None::<Pid>, &only).context("this thread cannot be pinned to a core")
    }

    /// Starts `program` on the core of the server.
    pub(super) fn start(self, program: Program) -> Result<Process> {
        let Program { executable, args, .. } = program;
        let before = ["-c".into(), self.server.to_string().into(), executable.into_os_string()];
        let args = before.into_iter().chain(args).collect();
        Process::start(Program { executable: tool("taskset")?, args, ..program })
    }
}

/// How long a process has worked, over all its threads.
pub(super) fn worked(process: u32) -> Result<Duration> {
    let tasks = PathBuf::from(format!("/proc/{process}/task"));
    let tasks = fs::read_dir(&tasks).with_context(|| format!("{} cannot be read", tasks.display()))?;
    let nanos = tasks.filter_map(|task| nanos(&task.ok()?.path())).sum();
    Ok(Duration::from_nanos(nanos))
}

/// How much memory a process has resident.
pub(super) fn resident(process: u32) -> Result<u64> {
    let file = format!("/proc/{process}/status");
    let text = fs::read_to_string(&file).with_context(|| format!("{file} cannot be read"))?;
    let line = text.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kib = line.and_then(|line| line.trim().strip_suffix(" kB")?.trim().parse::<u64>().ok());
    Ok(kib.with_context(|| format!("{file} does not tell the memory"))? * 1024)
}

/// Runs `work` on one thread, on the core of the load, until it is done or `interrupted`: nothing then.
pub(super) async fn on_the_core_of_the_load<T, F>(
    interrupted: impl Future<Output = ()>,
    work: impl FnOnce(Cores) -> F + Send + 'static,
) -> Result<Option<T>>
where
    T: Send + 'static,
    F: Future<Output = Result<T>>,
{
    let (stop, stopped) = oneshot::channel::<()>();
    let mut working = tokio::task::spawn_blocking(move || {
        let cores = Cores::pick()?;
        cores.pin_this_thread()?;
        allow_descriptors()?;
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        runtime.block_on(async {
            tokio::select! {
                done = work(cores) => done.map(Some),
                _ = stopped => Ok(None),
            }
        })
    });
    tokio::select! {
        done = &mut working => done?,
        () = interrupted => {
            let _ = stop.send(());
            working.await?
        }
    }
}

/// As many descriptors as the system allows, for this process and those that it starts.
pub(super) fn allow_descriptors() -> Result<()> {
    let limit = getrlimit(Resource::Nofile);
    setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, ..limit }).context("descriptors are refused")
}

/// How long one thread has worked. A thread that ended meanwhile has not.
fn nanos(task: &Path) -> Option<u64> {
    let text = fs::read_to_string(task.join("schedstat")).ok()?;
    text.split(' ').next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn work_is_counted() {
        let before = worked(std::process::id()).unwrap();
        let mut sum = 0_u64;
        for number in 0..20_000_000_u64 {
            sum = std::hint::black_box(sum ^ number.wrapping_mul(sum | 1));
        }
        assert!(worked(std::process::id()).unwrap() > before);
        assert!(worked(u32::MAX).is_err());
    }
}
