//! Many fans in one process, who stand in line over WebSockets, one connection each. As little as can be for each of them:
//! this side is not what is measured. It is a process of its own, for one may not hold enough descriptors for all.
//!
//! It says `ready` when all stand in line. Each line that it is told, it answers with the number of messages so far; at the
//! end of what it is told it says whose turn came when, and ends.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::Duration;

use anyhow::{Context as _, Result, bail, ensure};
use parking_lot::Mutex;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::sync::Semaphore;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;

use super::super::cores::monotonic;
use super::super::edge::connector;
use super::super::pipe::read_answer;
use crate::client::frames::{Frame, next};
use crate::ticket;

/// Fans who come at once.
const COMING: usize = 32;
/// How long one may take until they stand in line.
const PATIENCE: Duration = Duration::from_secs(60);
/// How long fans who stand in line rest before they look for messages. On one machine whoever sends also pays for waking
/// the process that receives, by an interrupt of another core, which no edge does for fans elsewhere.
const REST: Duration = Duration::from_millis(4);
/// A pong without words, masked as clients have to.
const PONG: [u8; 6] = [0x8a, 0x80, 0, 0, 0, 0];

/// Whom to hold, and where.
#[derive(Clone, Debug)]
pub struct HoldPlan {
    /// The edge.
    pub edge: SocketAddr,
    /// The room. Without, they stand in no line: they connect, and listen.
    pub room: Option<String>,
    /// How many.
    pub fans: usize,
    /// Over TLS, with this certificate.
    pub certificate: Option<PathBuf>,
}

struct Crowd {
    plan: HoldPlan,
    tls: Option<TlsConnector>,
    coming: Semaphore,
    messages: AtomicU64,
    /// The ranks of those whose turn came, and when they heard of it.
    told: Mutex<Vec<(u64, u64)>>,
}

trait Wire: AsyncRead + AsyncWrite + Send + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin> Wire for T {}

/// Holds them until there is nothing more to read from standard input.
///
/// # Errors
/// When they cannot stand in line.
pub async fn run(plan: HoldPlan) -> Result<()> {
    tokio::task::spawn_blocking(move || {
        let all_are_there = Arc::new(AtomicBool::new(false));
        let resting = all_are_there.clone();
        let rest = move || {
            if resting.load(Ordering::Relaxed) {
                thread::sleep(REST);
            }
        };
        let runtime =
            tokio::runtime::Builder::new_current_thread().enable_all().on_thread_park(rest).build()?;
        runtime.block_on(hold(plan, &all_are_there))
    })
    .await?
}

async fn hold(plan: HoldPlan, all_are_there: &AtomicBool) -> Result<()> {
    let tls = plan.certificate.as_deref().map(|file: &Path| connector(file, b"http/1.1")).transpose()?;
    let (fans, coming) = (plan.fans, Semaphore::new(COMING));
    let crowd = Arc::new(Crowd { plan, tls, coming, messages: AtomicU64::new(0), told: Mutex::default() });
    let arrivals: Vec<_> = (0..fans)
        .map(|_| {
            let crowd = crowd.clone();
            tokio::spawn(async move { crowd.arrive().await })
        })
        .collect();
    for arrival in arrivals {
        arrival.await??;
    }
    all_are_there.store(true, Ordering::Relaxed);
    println!("ready");
    let asked = crowd.clone();
    tokio::task::spawn_blocking(move || {
        for _ in std::io::stdin().lines().map_while(Result::ok) {
            println!("{}", asked.messages.load(Ordering::Relaxed));
        }
    })
    .await?;
    for (rank, at) in crowd.told.lock().iter() {
        println!("{rank} {at}");
    }
    Ok(())
}

impl Crowd {
    /// One fan comes, and stands in line from then on.
    async fn arrive(self: Arc<Self>) -> Result<()> {
        let _turn = self.coming.acquire().await?;
        let (stream, buffer, rank) =
            timeout(PATIENCE, self.stand_in_line()).await.context("a fan waited for long")??;
        let crowd = self.clone();
        tokio::spawn(async move {
            // A connection that breaks is a fan less.
            let _ = crowd.listen(stream, buffer, rank).await;
        });
        Ok(())
    }

    async fn connect(&self) -> Result<Box<dyn Wire>> {
        let stream = TcpStream::connect(self.plan.edge).await.context("the edge cannot be reached")?;
        stream.set_nodelay(true)?;
        Ok(match &self.tls {
            None => Box::new(stream),
            Some(tls) => Box::new(tls.connect(self.plan.edge.ip().into(), stream).await?),
        })
    }

    async fn stand_in_line(&self) -> Result<(Box<dyn Wire>, Vec<u8>, u64)> {
        let mut stream = self.connect().await?;
        let HoldPlan { edge, room: Some(room), .. } = &self.plan else { return Ok((stream, Vec::new(), 0)) };
        let mut buffer = Vec::with_capacity(1024);
        let join = format!(
            "POST /.waiting-room/{room}/ticket HTTP/1.1\r\nHost: {edge}\r\nContent-Length: 0\r\n\r\n"
        );
        stream.write_all(join.as_bytes()).await?;
        stream.flush().await?;
        let answer = read_answer(&mut stream, &mut buffer).await?;
        ensure!(answer.status == 201, "a join was answered with {}", answer.status);
        let text = String::from_utf8_lossy(&buffer).into_owned();
        let body =
            text.get(answer.head..).and_then(|body| serde_json::from_str::<serde_json::Value>(body).ok());
        let ticket =
            body.and_then(|body| Some(body.get("ticket")?.as_str()?.to_owned())).context("no ticket came")?;
        let rank = ticket::place(&ticket).context("the ticket names no place")?.rank;
        let upgrade = format!(
            "GET /.waiting-room/{room}/live HTTP/1.1\r\nHost: {edge}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
             Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nWR-Ticket: {ticket}\r\n\r\n"
        );
        stream.write_all(upgrade.as_bytes()).await?;
        stream.flush().await?;
        let answer = read_answer(&mut stream, &mut buffer).await?;
        ensure!(answer.status == 101, "an upgrade was answered with {}", answer.status);
        buffer.drain(..answer.head);
        Ok((stream, buffer, rank))
    }

    /// Counts messages and answers pings, until the turn comes.
    async fn listen(&self, mut stream: Box<dyn Wire>, mut buffer: Vec<u8>, rank: u64) -> Result<()> {
        loop {
            while let Some((frame, length)) = next(&buffer)? {
                let is_turn = match frame {
                    Frame::Text(text) => {
                        self.messages.fetch_add(1, Ordering::Relaxed);
                        text.windows(16).any(|part| part == b"\"state\":\"admitte")
                    }
                    Frame::Ping => {
                        stream.write_all(&PONG).await?;
                        stream.flush().await?;
                        false
                    }
                    Frame::Close => return Ok(()),
                    Frame::Other => false,
                };
                buffer.drain(..length);
                if is_turn {
                    self.told.lock().push((rank, monotonic()));
                    return Ok(());
                }
            }
            if stream.read_buf(&mut buffer).await? == 0 {
                bail!("the edge closed the connection");
            }
        }
    }
}
