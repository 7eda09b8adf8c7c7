//! A shop that does as it is told: prompt or slow, well or failing, and saying what its load is. Under each path it
//! works at one request at a time, so that it can take only so many.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

/// How the shop is under some path.
#[derive(Clone, Debug)]
pub(super) struct Mood {
    /// How long it works at a request.
    pub(super) takes: Duration,
    pub(super) status: u16,
    pub(super) load: Option<f64>,
}

impl Mood {
    pub(super) const WELL: Self = Self { takes: Duration::from_millis(2), status: 200, load: None };
}

/// Where the requests under one path queue.
type Counter = Arc<tokio::sync::Mutex<()>>;

type Counters = Arc<Mutex<HashMap<String, (Mood, Counter)>>>;

pub(super) struct Shop {
    pub(super) address: SocketAddr,
    counters: Counters,
    task: JoinHandle<()>,
}

impl Shop {
    pub(super) async fn open() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let counters = Counters::default();
        let told = Arc::clone(&counters);
        let task = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serve(stream, Arc::clone(&told)));
            }
        });
        Self { address, counters, task }
    }

    /// From now on the shop is like this under `path`.
    pub(super) fn is(&self, path: &str, mood: Mood) {
        let mut counters = self.counters.lock().unwrap();
        counters.entry(path.to_owned()).or_insert((Mood::WELL, Counter::default())).0 = mood;
    }
}

impl Drop for Shop {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Answers one request after another until the edge closes the connection. None of them has a body.
async fn serve(mut stream: TcpStream, counters: Counters) {
    let mut read = Vec::new();
    loop {
        let Some(end) = read.windows(4).position(|window| window == b"\r\n\r\n") else {
            match stream.read_buf(&mut read).await {
                Ok(1..) => continue,
                _ => return,
            }
        };
        let head: Vec<u8> = read.drain(..end + 4).collect();
        let path = String::from_utf8_lossy(&head).split(' ').nth(1).unwrap_or_default().to_owned();
        let counter = counters.lock().unwrap().get(&path).map(|(_, counter)| Arc::clone(counter));
        let Some(counter) = counter else { return };
        let at_the_counter = counter.lock().await;
        let mood = counters.lock().unwrap().get(&path).map_or(Mood::WELL, |(mood, _)| mood.clone());
        tokio::time::sleep(mood.takes).await;
        drop(at_the_counter);
        let load = mood.load.map_or_else(String::new, |load| format!("X-Waiting-Room-Load: {load}\r\n"));
        let answer = format!("HTTP/1.1 {} Told\r\nContent-Length: 2\r\n{load}\r\nok", mood.status);
        if stream.write_all(answer.as_bytes()).await.is_err() {
            return;
        }
    }
}
