//! `loadtest demo`, as somebody at a terminal runs it.

use std::net::TcpListener;
use std::process::{Command as Kill, Stdio};
use std::sync::{Arc, Mutex};

use loadtest::client::Client;
use loadtest::stack::free_port;
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::Child;

use crate::support::{eventually, loadtest, runs};

pub(crate) struct Demo {
    child: Child,
    lines: Arc<Mutex<Vec<String>>>,
    /// What a demo that is killed cannot remove.
    _folder: TempDir,
}

impl Demo {
    pub(crate) fn start(port: u16) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut child = loadtest()
            .arg("demo")
            .env("TMPDIR", folder.path())
            .env("DEMO_PORT", port.to_string())
            .env("DEMO_FANS", "20")
            .env("DEMO_DRAIN_PER_MINUTE", "120")
            .stdout(Stdio::piped())
            .spawn()
            .expect("loadtest runs");
        let lines = Arc::new(Mutex::new(Vec::new()));
        let mut output = BufReader::new(child.stdout.take().unwrap()).lines();
        let seen = Arc::clone(&lines);
        tokio::spawn(async move {
            while let Ok(Some(line)) = output.next_line().await {
                seen.lock().unwrap().push(line);
            }
        });
        Self { child, lines, _folder: folder }
    }

    /// Waits for a line that `find` makes something of.
    pub(crate) async fn line<T>(&self, what: &str, find: impl Fn(&str) -> Option<T>) -> T {
        eventually(what, async || self.lines.lock().unwrap().iter().find_map(|line| find(line))).await
    }

    /// Waits until fans wait.
    pub(crate) async fn until_a_line_stands(&self) {
        let waiting = |line: &str| line.split_once(" s: ")?.1.split(' ').next()?.parse::<u64>().ok();
        self.line("a line", |line| waiting(line).filter(|waiting| *waiting >= 10)).await;
    }

    pub(crate) async fn stop(mut self) {
        kill("-INT", self.child.id().unwrap());
        let status = tokio::time::timeout(crate::support::PATIENCE, self.child.wait()).await;
        assert_eq!(status.expect("it stops").unwrap().code(), Some(0), "{:?}", self.lines.lock().unwrap());
    }
}

fn kill(signal: &str, id: u32) {
    let killed = Kill::new("kill").args([signal, &id.to_string()]).status().unwrap();
    assert!(killed.success(), "process {id} takes {signal}");
}

fn address(line: &str) -> Option<String> {
    line.trim().strip_prefix("Open ").map(|rest| rest.trim().to_owned())
}

fn ids(line: &str) -> Option<(u32, u32)> {
    let mut ids = line.split("kill -9 ").skip(1).map(|rest| rest.split(' ').next()?.parse().ok());
    Some((ids.next()??, ids.next()??))
}

#[tokio::test]
async fn a_line_stands_moves_survives_a_crash_and_leaves_nothing_behind() {
    let demo = Demo::start(free_port().unwrap());
    let edge = demo.line("the address", address).await.parse().unwrap();
    let (proxy, shop) = demo.line("the process ids", ids).await;
    let visitor = Client::new(Arc::new([edge]), 0).unwrap();
    let waiting = async || visitor.facts("demo").await.ok().filter(|facts| facts.waiting >= 15);
    eventually("a line", waiting).await;
    let front = visitor.open_page("/").await.unwrap();
    assert_eq!(front.status, 200, "the front page is open");
    let page = visitor.open_page("/events/demo").await.unwrap();
    assert_eq!(page.status, 202, "the event is behind the line");

    for victim in [proxy, shop] {
        kill("-KILL", victim);
        eventually("the end of the victim", async || (!runs(victim)).then_some(())).await;
    }
    let revived = |name: &'static str| {
        move |line: &str| {
            let rest = line.strip_prefix(name)?.strip_prefix(" died and was started again, as process ")?;
            rest.split(';').next()?.parse::<u32>().ok()
        }
    };
    let proxy = demo.line("a new proxy", revived("proxy-1")).await;
    let shop = demo.line("a new shop", revived("origin-app")).await;
    eventually("the line again", waiting).await;
    // The visitor stands in line like everybody, and gets in.
    eventually("the turn", async || {
        visitor.status("demo").await.ok().filter(|status| status.state == "admitted").map(|_| ())
    })
    .await;
    assert_eq!(visitor.open_page("/events/demo").await.unwrap().status, 200);

    demo.stop().await;
    assert!(!runs(proxy) && !runs(shop));
}

#[tokio::test]
async fn a_demo_that_is_killed_leaves_no_process_behind() {
    let mut demo = Demo::start(free_port().unwrap());
    let (proxy, shop) = demo.line("the process ids", ids).await;
    assert!(runs(proxy) && runs(shop));
    demo.child.kill().await.unwrap();
    eventually("the end of the others", async || (!runs(proxy) && !runs(shop)).then_some(())).await;
}

#[tokio::test]
async fn a_port_that_is_taken_is_said_and_another_used() {
    let port = free_port().unwrap();
    let taken = TcpListener::bind(("127.0.0.1", port)).unwrap();
    let demo = Demo::start(port);
    let expected = format!("Port {port} is taken; using ");
    demo.line("the message", |line| line.starts_with(&expected).then_some(())).await;
    let address = demo.line("the address", address).await;
    assert!(!address.contains(&port.to_string()), "{address}");
    demo.stop().await;
    drop(taken);
}
