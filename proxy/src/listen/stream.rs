//! A client's connection, as the HTTP library reads and writes it.
//!
//! Reading is unbuffered: what parses above has buffers of its own. Writing gathers head and body of an answer into
//! one packet, in a buffer that is there only while there is something in it, so an idle connection holds none.

use std::fmt;
use std::io::{self, Cursor, IoSlice};
use std::net::SocketAddr;
use std::os::fd::AsRawFd;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use async_trait::async_trait;
use pingora::protocols::l4::socket::SocketAddr as PeerAddr;
use pingora::protocols::raw_connect::ProxyDigest;
use pingora::protocols::{
    GetProxyDigest, GetSocketDigest, GetTimingDigest, Peek, Shutdown, SocketDigest, Ssl, Stream,
    TimingDigest, UniqueID, UniqueIDType,
};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt, ReadBuf};
use tokio::net::TcpStream;
use tokio::sync::Semaphore;
use tokio::time::timeout;

use super::meter::{GoesOut, Meter};
use super::proxy_protocol::{self, Parsed};

/// What is gathered before it is written. The waiting page goes out in one piece.
const GATHER: usize = 8 * 1024;
/// What is gathered of answers that are given together.
const GATHER_HELD: usize = 64 * 1024;
/// Most pieces that are written in one go. What is beyond is written the next time.
const PIECES: usize = 17;
/// How a connection over HTTP/2 without TLS begins.
const HTTP2_PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
/// How long a client is listened to that was answered before it had sent everything, and how much it may send: were
/// the connection closed at once, the answer would be lost on its way.
const LINGER: Duration = Duration::from_secs(2);
const LINGER_BYTES: u64 = 4 << 20;
/// How many connections linger at once. Beyond, they are closed as they are.
static LINGERING: Semaphore = Semaphore::const_new(1024);

/// A client's connection.
pub(super) struct ClientStream {
    /// Gone once the connection lingers.
    tcp: Option<TcpStream>,
    meter: Arc<Meter>,
    /// Read before its time, to find out what is spoken.
    early: Vec<u8>,
    out: Vec<u8>,
    out_sent: usize,
    /// Who is at the other end. What the library calls a digest of the socket is three times as long as all of this, so it
    /// is made when it is asked for.
    peer: Option<SocketAddr>,
}

impl ClientStream {
    /// The connection `tcp`. Who is at its other end is told by [`Self::comes_from`].
    pub(super) fn new(tcp: TcpStream, meter: Arc<Meter>) -> Self {
        Self { tcp: Some(tcp), meter, early: Vec::new(), out: Vec::new(), out_sent: 0, peer: None }
    }

    /// Who is at the other end, for all that follows.
    pub(super) const fn comes_from(&mut self, peer: SocketAddr) {
        self.peer = Some(peer);
    }

    /// Reads the header of the PROXY protocol and says who it names; nobody, where the connection is the balancer's
    /// own.
    ///
    /// # Errors
    /// When there is none.
    pub(super) async fn proxied_for(&mut self) -> io::Result<Option<SocketAddr>> {
        loop {
            match proxy_protocol::parse(&self.early) {
                Parsed::Header(length, source) => {
                    self.early.drain(..length);
                    return Ok(source);
                }
                Parsed::Bad => return Err(io::ErrorKind::InvalidData.into()),
                Parsed::Incomplete => self.read_early(proxy_protocol::LENGTH_MAX).await?,
            }
        }
    }

    /// Reads at most `most` bytes before their time.
    async fn read_early(&mut self, most: usize) -> io::Result<()> {
        let Some(tcp) = &mut self.tcp else { return Err(closed()) };
        let mut limited = tcp.take(most as u64);
        match limited.read_buf(&mut self.early).await? {
            0 => Err(closed()),
            _ => Ok(()),
        }
    }

    /// Whether the client begins as one does that speaks HTTP/2. Reads no further than it has to.
    ///
    /// # Errors
    /// When the client is gone.
    pub(super) async fn speaks_http2(&mut self) -> io::Result<bool> {
        loop {
            if self.early.iter().zip(HTTP2_PREFACE).any(|(byte, wanted)| byte != wanted) {
                return Ok(false);
            }
            if self.early.len() >= HTTP2_PREFACE.len() {
                return Ok(true);
            }
            self.read_early(HTTP2_PREFACE.len() - self.early.len()).await?;
        }
    }

    /// Writes what was gathered.
    fn poll_out(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        while let Some(rest) = self.out.get(self.out_sent..).filter(|rest| !rest.is_empty()) {
            let Some(tcp) = &mut self.tcp else { return Poll::Ready(Err(closed())) };
            match ready!(Pin::new(tcp).poll_write(cx, rest))? {
                0 => return Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
                written => self.out_sent += written,
            }
        }
        self.out = Vec::new();
        self.out_sent = 0;
        Poll::Ready(Ok(()))
    }

    /// How much is gathered before it is written.
    fn gathers(&self) -> usize {
        if self.meter.goes_out(GoesOut::Whole) {
            0
        } else if self.meter.goes_out(GoesOut::Held) {
            GATHER_HELD
        } else {
            GATHER
        }
    }

    /// Takes `pieces` along with what was gathered before: gathers them too where they fit and more may follow, else writes
    /// all of it in one go, for a page is longer than what is gathered and its head goes with it.
    fn poll_take(&mut self, cx: &mut Context<'_>, pieces: &[IoSlice<'_>]) -> Poll<io::Result<usize>> {
        let length: usize = pieces.iter().map(|piece| piece.len()).sum();
        if length == 0 {
            return Poll::Ready(Ok(0));
        }
        let most = self.gathers();
        if self.out.len() + length <= most {
            // As much as it takes: most answers are whole at once, and to have memory for the longest takes longer.
            self.out.reserve(if self.out.len() + length > GATHER { most - self.out.len() } else { length });
            pieces.iter().for_each(|piece| self.out.extend_from_slice(piece));
            return Poll::Ready(Ok(length));
        }
        loop {
            let Some(tcp) = &mut self.tcp else { return Poll::Ready(Err(closed())) };
            let gathered = self.out.get(self.out_sent..).unwrap_or_default();
            let mut all = [IoSlice::new(&[]); PIECES];
            let mut count = 0;
            let given = [gathered].into_iter().chain(pieces.iter().map(|piece| &**piece));
            for (place, piece) in all.iter_mut().zip(given.filter(|piece| !piece.is_empty())) {
                *place = IoSlice::new(piece);
                count += 1;
            }
            let tcp = Pin::new(tcp);
            // No more than there are: for one the kernel has a shorter way, for more than eight it has to find memory.
            let written = match all.get(..count).unwrap_or(&all) {
                [only] => ready!(tcp.poll_write(cx, only))?,
                all => ready!(tcp.poll_write_vectored(cx, all))?,
            };
            if written == 0 {
                return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
            }
            let beyond = written.checked_sub(gathered.len());
            let Some(beyond) = beyond else {
                self.out_sent += written;
                continue;
            };
            self.out = Vec::new();
            self.out_sent = 0;
            if beyond > 0 {
                return Poll::Ready(Ok(beyond));
            }
        }
    }
}

/// The connection itself, and what was read of it before its time. The same again where it is not plain, or where something
/// is yet to be written.
pub(crate) fn plain(stream: Stream) -> Result<(TcpStream, Vec<u8>), Stream> {
    let is_plain = |client: &ClientStream| client.out.is_empty() && !client.meter.lingers();
    if !(*stream).as_any().downcast_ref().is_some_and(is_plain) {
        return Err(stream);
    }
    let client = stream.into_any().downcast::<ClientStream>();
    let taken =
        client.ok().and_then(|mut client| Some((client.tcp.take()?, std::mem::take(&mut client.early))));
    // It was asked just now.
    taken.ok_or_else(|| Box::new(Cursor::new(Vec::new())) as Stream)
}

fn closed() -> io::Error {
    io::ErrorKind::ConnectionAborted.into()
}

impl AsyncRead for ClientStream {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        // What was read early is given together with what follows it, where that is there already.
        let has_some = !this.early.is_empty();
        if has_some {
            let count = this.early.len().min(buf.remaining());
            buf.put_slice(this.early.get(..count).unwrap_or_default());
            this.early.drain(..count);
            if buf.remaining() == 0 || !this.early.is_empty() {
                return Poll::Ready(Ok(()));
            }
            this.early = Vec::new();
        }
        if !this.meter.may_read() {
            return Poll::Ready(Err(io::ErrorKind::InvalidData.into()));
        }
        let Some(tcp) = &mut this.tcp else { return Poll::Ready(Err(closed())) };
        let before = buf.filled().len();
        match Pin::new(tcp).poll_read(cx, buf) {
            Poll::Ready(Ok(())) => this.meter.read(buf.filled().len() - before),
            // What is wrong is told when there is nothing else to tell.
            Poll::Ready(Err(_)) | Poll::Pending if has_some => {}
            other => return other,
        }
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for ClientStream {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        self.get_mut().poll_take(cx, &[IoSlice::new(buf)])
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        pieces: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.get_mut().poll_take(cx, pieces)
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        // Whoever holds it back flushes once more.
        if this.meter.goes_out(GoesOut::Held) { Poll::Ready(Ok(())) } else { this.poll_out(cx) }
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        ready!(this.poll_out(cx))?;
        let Some(tcp) = &mut this.tcp else { return Poll::Ready(Ok(())) };
        Pin::new(tcp).poll_shutdown(cx)
    }
}

impl Drop for ClientStream {
    fn drop(&mut self) {
        let Some(tcp) = self.tcp.take() else { return };
        if let Some(rest) = self.out.get(self.out_sent..).filter(|rest| !rest.is_empty()) {
            // Nobody waits for it any more; what the kernel takes is sent.
            let _ = tcp.try_write(rest);
        }
        if self.meter.lingers()
            && let Ok(runtime) = tokio::runtime::Handle::try_current()
        {
            runtime.spawn(linger(tcp));
        }
    }
}

/// Says that nothing more is coming, and listens for a while: to close while the client still sends would take the
/// answer from it.
async fn linger(mut tcp: TcpStream) {
    let Ok(_slot) = LINGERING.try_acquire() else { return };
    let listen = async {
        tcp.shutdown().await?;
        tokio::io::copy(&mut (&mut tcp).take(LINGER_BYTES), &mut tokio::io::sink()).await
    };
    let _ = timeout(LINGER, listen).await;
}

impl fmt::Debug for ClientStream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ClientStream")
    }
}

#[async_trait]
impl Shutdown for ClientStream {
    async fn shutdown(&mut self) {
        let _ = AsyncWriteExt::shutdown(self).await;
    }
}

impl UniqueID for ClientStream {
    fn id(&self) -> UniqueIDType {
        self.tcp.as_ref().map_or(-1, AsRawFd::as_raw_fd)
    }
}

impl Ssl for ClientStream {}

impl Peek for ClientStream {}

impl GetTimingDigest for ClientStream {
    fn get_timing_digest(&self) -> Vec<Option<TimingDigest>> {
        Vec::new()
    }
}

impl GetProxyDigest for ClientStream {
    fn get_proxy_digest(&self) -> Option<Arc<ProxyDigest>> {
        None
    }
}

impl GetSocketDigest for ClientStream {
    fn get_socket_digest(&self) -> Option<Arc<SocketDigest>> {
        let digest = SocketDigest::from_raw_fd(self.tcp.as_ref()?.as_raw_fd());
        if let Some(peer) = self.peer {
            let _ = digest.peer_addr.set(Some(PeerAddr::Inet(peer)));
        }
        Some(Arc::new(digest))
    }
}

#[cfg(test)]
mod tests {
    use tokio::net::TcpListener;

    use super::*;

    /// Writes pieces of all sizes, flushes here and there, and looks at what arrives: the same bytes in the same order.
    #[tokio::test]
    async fn what_is_written_arrives_whole_and_in_order() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let client = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
        let meter: Arc<Meter> = Arc::default();
        let mut stream = ClientStream::new(client, meter.clone());
        let (mut other, _) = listener.accept().await.unwrap();
        let reading = tokio::spawn(async move {
            let mut bytes = Vec::new();
            let mut buffer = [0; 3000];
            // Slowly, so that writes are taken in part.
            loop {
                match other.read(&mut buffer).await.unwrap() {
                    0 => return bytes,
                    count => bytes.extend_from_slice(&buffer[..count]),
                }
                tokio::task::yield_now().await;
            }
        });
        let mut sent = Vec::new();
        for round in 0_u32..400 {
            let length = [1, 100, GATHER - 1, GATHER, GATHER + 1, 300_000, 0, 5000][round as usize % 8];
            let piece: Vec<u8> = (0..length).map(|n| (n as u32 + round) as u8).collect();
            meter.go_out([GoesOut::Gathered, GoesOut::Whole, GoesOut::Held][round as usize % 5 % 3]);
            if round % 3 == 0 {
                stream.write_all(&piece).await.unwrap();
                sent.extend_from_slice(&piece);
            } else {
                let (left, right) = piece.split_at(length / 3);
                let count = stream.write_vectored(&[IoSlice::new(left), IoSlice::new(right)]).await.unwrap();
                sent.extend_from_slice(&piece[..count]);
            }
            assert!(stream.out.len() <= GATHER_HELD);
            if round % 7 == 0 {
                stream.flush().await.unwrap();
                meter.go_out(GoesOut::Gathered);
                stream.flush().await.unwrap();
                assert_eq!(stream.out.capacity(), 0, "an idle connection holds no buffer");
            }
        }
        AsyncWriteExt::shutdown(&mut stream).await.unwrap();
        drop(stream);
        assert!(reading.await.unwrap() == sent, "what arrived is not what was written");
    }
}
