//! Waiting until something is ready, by asking it.

use std::time::{Duration, Instant};

use anyhow::{Result, bail};
use reqwest::{Method, Url};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use super::process::Process;
use crate::client::Client;

/// Longest time to become ready; a busy machine may take a while.
const READY_MAX: Duration = Duration::from_secs(60);
const ASK_EVERY: Duration = Duration::from_millis(50);
const ANSWER_MAX: Duration = Duration::from_secs(5);

/// Waits until a GET of `url` is answered with 200.
pub(super) async fn answers(process: &mut Process, url: &Url) -> Result<()> {
    let client = client(url)?;
    until(process, async || {
        client.call(Method::GET, url.path(), None).await.is_ok_and(|answer| answer.status == 200)
    })
    .await
}

/// Waits until a GET of `url` is answered at all.
pub(super) async fn speaks(process: &mut Process, url: &Url) -> Result<()> {
    let client = client(url)?;
    until(process, async || client.call(Method::GET, url.path(), None).await.is_ok()).await
}

/// Waits until somebody listens at `address`.
pub async fn answers_tcp(process: &mut Process, address: std::net::SocketAddr) -> Result<()> {
    until(process, async || TcpStream::connect(address).await.is_ok()).await
}

/// Waits until Redis answers on `port`.
pub(super) async fn pongs(process: &mut Process, port: u16) -> Result<()> {
    until(process, async || ping(port).await.is_ok_and(|answer| answer == *b"+PONG")).await
}

fn client(url: &Url) -> Result<Client> {
    Client::new([url.clone()].into(), 0)
}

async fn ping(port: u16) -> std::io::Result<[u8; 5]> {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).await?;
    stream.write_all(b"PING\r\n").await?;
    let mut answer = [0; 5];
    stream.read_exact(&mut answer).await?;
    Ok(answer)
}

async fn until(process: &mut Process, is_ready: impl AsyncFn() -> bool) -> Result<()> {
    let deadline = Instant::now() + READY_MAX;
    loop {
        process.check_running()?;
        if tokio::time::timeout(ANSWER_MAX, is_ready()).await.unwrap_or(false) {
            // Another process on that port could have answered in its place.
            return process.check_running();
        }
        if Instant::now() > deadline {
            bail!(
                "{} is not ready after {} s. Its last words:\n{}",
                process.name(),
                READY_MAX.as_secs(),
                process.log_tail()
            );
        }
        tokio::time::sleep(ASK_EVERY).await;
    }
}
