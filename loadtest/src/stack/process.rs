//! One process of the stack: started with a log of its own, stopped by its id, never left behind.

use std::ffi::OsString;
use std::fs::{self, File};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use rustix::process::{Pid, Signal, kill_process, kill_process_group};

/// How long a process may take to finish its requests when it is told to stop.
const STOP_MAX: Duration = Duration::from_secs(15);
/// The same where nobody can wait for long: the stack is dropped, perhaps by a failing test.
const DROP_MAX: Duration = Duration::from_secs(3);
/// How often to look whether it has stopped.
const LOOK_EVERY: Duration = Duration::from_millis(20);
/// Lines of a log that an error shows.
const TAIL_LINES: usize = 25;
/// Bytes of a log that are read for it.
const TAIL_BYTES: usize = 64 * 1024;

/// What to start, and how to start it again.
#[derive(Clone, Debug)]
pub struct Program {
    /// What people call it, such as `proxy-1`.
    pub name: String,
    /// The executable.
    pub executable: PathBuf,
    /// Its arguments.
    pub args: Vec<OsString>,
    /// Variables of its environment, besides those inherited.
    pub env: Vec<(&'static str, String)>,
    /// The file that takes what it prints.
    pub log: PathBuf,
}

/// A running process. Dropping it stops it.
#[derive(Debug)]
pub struct Process {
    program: Program,
    child: Child,
    ended: Option<ExitStatus>,
}

impl Process {
    /// Starts `program`.
    pub fn start(program: Program) -> Result<Self> {
        let child = spawn(&program)?;
        Ok(Self { program, child, ended: None })
    }

    /// What people call it.
    pub fn name(&self) -> &str {
        &self.program.name
    }

    /// Its process id.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// How it ended, if it has.
    pub fn ended(&mut self) -> Option<ExitStatus> {
        if self.ended.is_none() {
            self.ended = self.child.try_wait().ok().flatten();
            if self.ended.is_some() {
                // Processes that it started itself, and did not stop.
                let _none_left = kill_process_group(Pid::from_child(&self.child), Signal::KILL);
            }
        }
        self.ended
    }

    /// An error with the end of its log if it has ended.
    pub fn check_running(&mut self) -> Result<()> {
        match self.ended() {
            None => Ok(()),
            Some(status) => bail!("{} ended ({status}). Its last words:\n{}", self.name(), self.log_tail()),
        }
    }

    /// Ends it without warning, as a crash does.
    pub fn kill(&mut self) {
        self.signal(Signal::KILL);
        while self.ended().is_none() {
            std::thread::sleep(LOOK_EVERY);
        }
    }

    /// Stops it where it is, as a machine does that hangs: its sockets stay open.
    pub fn freeze(&mut self) {
        self.signal(Signal::STOP);
    }

    /// Lets it go on after [`Process::freeze`].
    pub fn thaw(&mut self) {
        self.signal(Signal::CONT);
    }

    /// Starts it again, with the same arguments, after it ended.
    pub fn restart(&mut self) -> Result<()> {
        self.stop_within(DROP_MAX);
        self.child = spawn(&self.program)?;
        self.ended = None;
        Ok(())
    }

    /// Tells it to stop, without waiting.
    pub fn tell_to_stop(&mut self) {
        self.signal(Signal::TERM);
    }

    /// Waits until it has stopped, after [`Process::tell_to_stop`]; ends it when it takes too long.
    pub async fn stopped(&mut self) {
        let until = Instant::now() + STOP_MAX;
        while self.ended().is_none() {
            if Instant::now() > until {
                self.kill();
                return;
            }
            tokio::time::sleep(LOOK_EVERY).await;
        }
    }

    /// The last lines of its log.
    pub fn log_tail(&self) -> String {
        tail(&self.program.log)
    }

    fn stop_within(&mut self, bound: Duration) {
        self.signal(Signal::TERM);
        let until = Instant::now() + bound;
        while self.ended().is_none() {
            if Instant::now() > until {
                self.kill();
                return;
            }
            std::thread::sleep(LOOK_EVERY);
        }
    }

    fn signal(&mut self, signal: Signal) {
        // Once it was waited for, its id may belong to somebody else.
        if self.ended().is_none() {
            let _gone_meanwhile = kill_process(Pid::from_child(&self.child), signal);
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.stop_within(DROP_MAX);
    }
}

fn spawn(program: &Program) -> Result<Child> {
    let log = File::options()
        .create(true)
        .append(true)
        .open(&program.log)
        .with_context(|| format!("the log {} cannot be written", program.log.display()))?;
    let mut command = dying_with_us(&program.executable);
    // What the person who runs us has set for a system of their own must not leak into this one.
    for (name, _) in std::env::vars_os() {
        if name.as_encoded_bytes().starts_with(b"STANCHION_") {
            command.env_remove(name);
        }
    }
    command
        .args(&program.args)
        .envs(program.env.iter().map(|(name, value)| (name, value)))
        .stdin(Stdio::null())
        .stdout(log.try_clone().context("a log cannot be shared")?)
        .stderr(log)
        // Ctrl-C in the terminal reaches a whole group; we stop the others ourselves, in order.
        .process_group(0);
    command.spawn().with_context(|| format!("{} cannot be started", program.executable.display()))
}

/// The command for `executable`, such that the kernel ends it when this process dies without having stopped
/// it. Asking the kernel for that between fork and exec needs `unsafe`; `setpriv` of util-linux asks it for
/// us, and becomes the program under the same process id. Where it is missing, a `loadtest` that is killed
/// with SIGKILL leaves its processes behind.
fn dying_with_us(executable: &Path) -> Command {
    match find_in_path("setpriv") {
        Some(setpriv) => {
            let mut command = Command::new(setpriv);
            command.args(["--pdeathsig", "KILL", "--"]).arg(executable);
            command
        }
        None => Command::new(executable),
    }
}

/// The processes that process `id` has started and that still run.
pub fn children(id: u32) -> Vec<u32> {
    let file = format!("/proc/{id}/task/{id}/children");
    let text = fs::read_to_string(file).unwrap_or_default();
    text.split_whitespace().filter_map(|id| id.parse().ok()).collect()
}

/// Where `PATH` has an executable of this name.
pub(super) fn find_in_path(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path).map(|folder| folder.join(name)).find(|file| file.is_file())
}

fn tail(log: &Path) -> String {
    let Ok(bytes) = fs::read(log) else {
        return "(it left no log)".to_owned();
    };
    let end = bytes.get(bytes.len().saturating_sub(TAIL_BYTES)..).unwrap_or_default();
    let text = String::from_utf8_lossy(end);
    let lines: Vec<&str> = text.lines().collect();
    let last = lines.get(lines.len().saturating_sub(TAIL_LINES)..).unwrap_or_default();
    if last.is_empty() { "(it said nothing)".to_owned() } else { last.join("\n") }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shell(folder: &Path, script: &str) -> Process {
        Process::start(Program {
            name: "sh".to_owned(),
            executable: PathBuf::from("/bin/sh"),
            args: vec!["-c".into(), script.into()],
            env: vec![("WORD", "hello".to_owned())],
            log: folder.join("sh.log"),
        })
        .unwrap()
    }

    fn runs(id: u32) -> bool {
        Path::new(&format!("/proc/{id}/stat")).exists()
    }

    #[tokio::test]
    async fn a_process_that_ended_shows_its_last_words() {
        let folder = tempfile::tempdir().unwrap();
        let mut process = shell(folder.path(), "echo $WORD; echo trouble >&2; exit 3");
        process.stopped().await;
        let error = process.check_running().unwrap_err().to_string();
        assert!(error.contains("exit status: 3") && error.contains("hello\ntrouble"), "{error}");
    }

    #[tokio::test]
    async fn a_process_that_will_not_stop_is_ended() {
        let folder = tempfile::tempdir().unwrap();
        let mut process = shell(folder.path(), "trap '' TERM; while true; do sleep 0.1; done");
        assert!(process.check_running().is_ok());
        let id = process.id();
        process.stop_within(Duration::from_millis(200));
        assert!(!runs(id));
    }

    #[test]
    fn a_dropped_process_is_stopped() {
        let folder = tempfile::tempdir().unwrap();
        let process = shell(folder.path(), "exec sleep 100");
        let id = process.id();
        assert!(runs(id));
        drop(process);
        assert!(!runs(id));
    }

    #[test]
    fn what_a_process_started_itself_ends_with_it() {
        let folder = tempfile::tempdir().unwrap();
        let process = shell(folder.path(), "sleep 100 & echo $!; exec sleep 100");
        let child: u32 = loop {
            if let Ok(id) = process.log_tail().trim().parse() {
                break id;
            }
            std::thread::sleep(LOOK_EVERY);
        };
        drop(process);
        let gone_or_dead = |id: u32| {
            let stat = fs::read_to_string(format!("/proc/{id}/stat"));
            stat.map_or(true, |stat| stat.contains(") Z "))
        };
        let until = Instant::now() + Duration::from_secs(10);
        while !gone_or_dead(child) {
            assert!(Instant::now() < until, "{child} still runs");
            std::thread::sleep(LOOK_EVERY);
        }
    }

    #[test]
    fn a_killed_process_starts_again() {
        let folder = tempfile::tempdir().unwrap();
        let mut process = shell(folder.path(), "exec sleep 100");
        let before = process.id();
        process.kill();
        assert!(process.ended().is_some());
        process.restart().unwrap();
        assert!(process.ended().is_none() && process.id() != before);
    }
}
