//! The shop of the benchmark: it answers every request with the same page, and does nothing besides.

use std::net::SocketAddr;
use std::sync::Arc;

use anyhow::{Context as _, Result};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

/// Bytes of the page.
pub(super) const PAGE_BYTES: usize = 1024;
/// Longest head that is read.
const HEAD_MAX: usize = 16 * 1024;

/// Answers from now on; on this thread, which is pinned.
pub(super) async fn start() -> Result<SocketAddr> {
    let listener = TcpListener::bind("127.0.0.1:0").await.context("the shop cannot listen")?;
    let address = listener.local_addr()?;
    let page: String = "seats and prices ".chars().cycle().take(PAGE_BYTES).collect();
    let answer = format!(
        "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: {PAGE_BYTES}\r\nServer: shop\r\n\r\n{page}"
    );
    let answer: Arc<str> = answer.into();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let _ = stream.set_nodelay(true);
            tokio::spawn(serve(stream, answer.clone()));
        }
    });
    Ok(address)
}

async fn serve(mut stream: TcpStream, answer: Arc<str>) -> Result<()> {
    let mut head = Vec::with_capacity(4096);
    while stream.read_buf(&mut head).await? > 0 && head.len() < HEAD_MAX {
        if head.ends_with(b"\r\n\r\n") {
            stream.write_all(answer.as_bytes()).await?;
            head.clear();
        }
    }
    Ok(())
}
