//! A wire of ours between two processes, that can be made slow or be cut: a small proxy of bytes.

use std::fmt;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, Result};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpSocket, TcpStream, UnixListener, UnixStream};
use tokio::sync::{mpsc, watch};
use tokio::task::{JoinHandle, JoinSet};
use tokio::time::Instant;

use super::free_port;

/// Bytes that go on at once.
const PIECE: usize = 16 * 1024;
/// Pieces that may be on their way.
const UNDER_WAY_MAX: usize = 1024;
const BACKLOG: u32 = 1024;
/// How often to try to listen again, where the address is not free yet.
const AGAIN_EVERY: Duration = Duration::from_millis(20);

/// What a link does with what is sent over it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Weather {
    /// Passes it on.
    #[default]
    Fair,
    /// Passes it on later, and no more than so much of it.
    Slow {
        /// How much later, each way.
        latency: Duration,
        /// How many bytes a second, each way.
        bytes_per_second: u64,
    },
    /// Ends every connection, and refuses new ones.
    Refused,
    /// Says nothing: connections stay open, and nothing comes through.
    Unreachable,
}

/// An end of a link.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum End {
    /// An address.
    Tcp(SocketAddr),
    /// A socket in a folder.
    Unix(PathBuf),
}

impl End {
    /// A port of this machine.
    pub fn port(port: u16) -> Self {
        Self::Tcp(SocketAddr::from((Ipv4Addr::LOCALHOST, port)))
    }
}

/// Changes bytes on their way, in place.
pub type Edit = Arc<dyn Fn(&mut [u8]) + Send + Sync>;

/// What is changed, each way.
#[derive(Clone, Default)]
struct Edits {
    there: Option<Edit>,
    back: Option<Edit>,
}

/// A link. Dropping it cuts it for good.
pub struct Link {
    listens: End,
    weather: watch::Sender<Weather>,
    task: JoinHandle<()>,
}

impl fmt::Debug for Link {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Link")
            .field("listens", &self.listens)
            .field("weather", &*self.weather.borrow())
            .finish()
    }
}

impl Link {
    /// A link to `to`, on a free port.
    ///
    /// # Errors
    /// When nobody can listen.
    pub fn to_port(to: u16) -> Result<Self> {
        Self::between(End::port(free_port()?), End::port(to), Edits::default())
    }

    /// The same, which changes what comes back.
    ///
    /// # Errors
    /// When nobody can listen.
    pub fn editing(to: u16, back: Edit) -> Result<Self> {
        Self::between(End::port(free_port()?), End::port(to), Edits { there: None, back: Some(back) })
    }

    /// The same, which changes what goes there too.
    ///
    /// # Errors
    /// When nobody can listen.
    pub fn editing_both(to: u16, there: Edit, back: Edit) -> Result<Self> {
        Self::between(End::port(free_port()?), End::port(to), Edits { there: Some(there), back: Some(back) })
    }

    /// A link to the socket `to`, on another one.
    ///
    /// # Errors
    /// When nobody can listen.
    pub fn to_socket(listens: &Path, to: &Path) -> Result<Self> {
        Self::between(End::Unix(listens.to_owned()), End::Unix(to.to_owned()), Edits::default())
    }

    fn between(listens: End, to: End, edits: Edits) -> Result<Self> {
        let (weather, seen) = watch::channel(Weather::Fair);
        let ear = Ear::open(&listens).with_context(|| format!("nobody can listen at {listens:?}"))?;
        let task = tokio::spawn(carry(listens.clone(), ear, to, seen, edits));
        Ok(Self { listens, weather, task })
    }

    /// The port that it listens on; 0 where it is a socket in a folder.
    pub const fn port(&self) -> u16 {
        match &self.listens {
            End::Tcp(address) => address.port(),
            End::Unix(_) => 0,
        }
    }

    /// From now on it does this.
    pub fn set(&self, weather: Weather) {
        self.weather.send_replace(weather);
    }
}

impl Drop for Link {
    fn drop(&mut self) {
        self.task.abort();
        if let End::Unix(path) = &self.listens {
            let _gone_already = std::fs::remove_file(path);
        }
    }
}

enum Ear {
    Tcp(TcpListener),
    Unix(UnixListener),
}

impl Ear {
    fn open(at: &End) -> std::io::Result<Self> {
        match at {
            End::Tcp(address) => {
                let socket = TcpSocket::new_v4()?;
                // Connections that just ended are in nobody's way.
                socket.set_reuseaddr(true)?;
                socket.bind(*address)?;
                socket.listen(BACKLOG).map(Self::Tcp)
            }
            End::Unix(path) => {
                let _none_yet = std::fs::remove_file(path);
                UnixListener::bind(path).map(Self::Unix)
            }
        }
    }

    async fn hear(&self) -> std::io::Result<Wire> {
        match self {
            Self::Tcp(listener) => {
                let (stream, _) = listener.accept().await?;
                stream.set_nodelay(true)?;
                let (read, write) = stream.into_split();
                Ok((Box::new(read), Box::new(write)))
            }
            Self::Unix(listener) => {
                let (read, write) = listener.accept().await?.0.into_split();
                Ok((Box::new(read), Box::new(write)))
            }
        }
    }
}

type Wire = (Box<dyn AsyncRead + Send + Unpin>, Box<dyn AsyncWrite + Send + Unpin>);

async fn connect(to: &End) -> std::io::Result<Wire> {
    match to {
        End::Tcp(address) => {
            let stream = TcpStream::connect(address).await?;
            stream.set_nodelay(true)?;
            let (read, write) = stream.into_split();
            Ok((Box::new(read), Box::new(write)))
        }
        End::Unix(path) => {
            let (read, write) = UnixStream::connect(path).await?.into_split();
            Ok((Box::new(read), Box::new(write)))
        }
    }
}

async fn carry(listens: End, ear: Ear, to: End, mut weather: watch::Receiver<Weather>, edits: Edits) {
    let mut ear = Some(ear);
    let mut wires = JoinSet::new();
    loop {
        let now = *weather.borrow_and_update();
        if now == Weather::Refused {
            ear = None;
            if let End::Unix(path) = &listens {
                let _gone_already = std::fs::remove_file(path);
            }
            wires.shutdown().await;
            if weather.changed().await.is_err() {
                return;
            }
            continue;
        }
        let Some(open) = &ear else {
            ear = Ear::open(&listens).ok();
            if ear.is_none() {
                tokio::time::sleep(AGAIN_EVERY).await;
            }
            continue;
        };
        tokio::select! {
            changed = weather.changed() => if changed.is_err() { return },
            heard = open.hear() => if let Ok(wire) = heard {
                wires.spawn(join(wire, to.clone(), weather.clone(), edits.clone()));
            },
            Some(_) = wires.join_next() => {}
        }
    }
}

/// One connection, until either side ends it.
async fn join(near: Wire, to: End, mut weather: watch::Receiver<Weather>, edits: Edits) {
    if weather.wait_for(|now| *now != Weather::Unreachable).await.is_err() {
        return;
    }
    let Ok(far) = connect(&to).await else { return };
    // Whichever side ends, all that it sent goes on first.
    let Edits { there, back } = edits;
    tokio::join!(pump(near.0, far.1, weather.clone(), there), pump(far.0, near.1, weather, back));
}

async fn pump(
    mut from: Box<dyn AsyncRead + Send + Unpin>,
    mut to: Box<dyn AsyncWrite + Send + Unpin>,
    weather: watch::Receiver<Weather>,
    edit: Option<Edit>,
) {
    let (sends, mut receives) = mpsc::channel::<(Instant, Vec<u8>)>(UNDER_WAY_MAX);
    let mut seen = weather.clone();
    let reading = async move {
        let mut piece = vec![0; PIECE];
        while let Ok(length @ 1..) = from.read(&mut piece).await {
            let mut bytes = piece.get(..length).unwrap_or_default().to_vec();
            if let Some(edit) = &edit {
                edit(&mut bytes);
            }
            let latency = match *weather.borrow() {
                Weather::Slow { latency, .. } => latency,
                _ => Duration::ZERO,
            };
            if sends.send((Instant::now() + latency, bytes)).await.is_err() {
                return;
            }
        }
    };
    let writing = async move {
        while let Some((due, bytes)) = receives.recv().await {
            if seen.wait_for(|now| *now != Weather::Unreachable).await.is_err() {
                return;
            }
            if due > Instant::now() {
                tokio::time::sleep_until(due).await;
            }
            let now = *seen.borrow();
            if let Weather::Slow { bytes_per_second, .. } = now {
                let seconds = bytes.len() as f64 / bytes_per_second.max(1) as f64;
                tokio::time::sleep(Duration::from_secs_f64(seconds)).await;
            }
            if to.write_all(&bytes).await.is_err() {
                return;
            }
        }
        let _gone_anyway = to.shutdown().await;
    };
    tokio::join!(reading, writing);
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Says back what it hears.
    async fn echo() -> u16 {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(async move {
                    let (mut read, mut write) = stream.into_split();
                    tokio::io::copy(&mut read, &mut write).await
                });
            }
        });
        port
    }

    async fn said_back(stream: &mut TcpStream, word: &[u8; 5]) -> [u8; 5] {
        let mut back = [0; 5];
        stream.write_all(word).await.unwrap();
        stream.read_exact(&mut back).await.unwrap();
        back
    }

    #[tokio::test]
    async fn it_passes_on_at_once_and_slowly() {
        let link = Link::to_port(echo().await).unwrap();
        let mut stream = TcpStream::connect(("127.0.0.1", link.port())).await.unwrap();
        assert_eq!(said_back(&mut stream, b"hello").await, *b"hello");
        link.set(Weather::Slow { latency: Duration::from_millis(100), bytes_per_second: 50 });
        let began = Instant::now();
        assert_eq!(said_back(&mut stream, b"there").await, *b"there");
        // A tenth of a second each way for being far, and another for being narrow.
        assert!(began.elapsed() >= Duration::from_millis(400), "{:?}", began.elapsed());
    }

    #[tokio::test]
    async fn it_refuses_and_takes_up_again() {
        let link = Link::to_port(echo().await).unwrap();
        let mut stream = TcpStream::connect(("127.0.0.1", link.port())).await.unwrap();
        assert_eq!(said_back(&mut stream, b"hello").await, *b"hello");
        link.set(Weather::Refused);
        assert_eq!(stream.read(&mut [0; 1]).await.unwrap_or(0), 0, "ended");
        assert!(TcpStream::connect(("127.0.0.1", link.port())).await.is_err());
        link.set(Weather::Fair);
        let mut stream = loop {
            match TcpStream::connect(("127.0.0.1", link.port())).await {
                Ok(stream) => break stream,
                Err(_) => tokio::time::sleep(AGAIN_EVERY).await,
            }
        };
        assert_eq!(said_back(&mut stream, b"again").await, *b"again");
    }

    #[tokio::test]
    async fn it_says_nothing_and_then_all_of_it() {
        let link = Link::to_port(echo().await).unwrap();
        let mut stream = TcpStream::connect(("127.0.0.1", link.port())).await.unwrap();
        assert_eq!(said_back(&mut stream, b"hello").await, *b"hello");
        link.set(Weather::Unreachable);
        stream.write_all(b"there").await.unwrap();
        let mut back = [0; 5];
        let nothing = tokio::time::timeout(Duration::from_millis(200), stream.read_exact(&mut back)).await;
        assert!(nothing.is_err());
        link.set(Weather::Fair);
        stream.read_exact(&mut back).await.unwrap();
        assert_eq!(back, *b"there");
    }

    #[tokio::test]
    async fn what_comes_back_can_be_changed_and_sockets_be_joined() {
        let upper: Edit = Arc::new(<[u8]>::make_ascii_uppercase);
        let inner = Link::editing(echo().await, upper).unwrap();
        let folder = tempfile::tempdir().unwrap();
        let (one, other) = (folder.path().join("one"), folder.path().join("other"));
        let _far =
            Link::between(End::Unix(other.clone()), End::port(inner.port()), Edits::default()).unwrap();
        let _near = Link::to_socket(&one, &other).unwrap();
        let mut stream = UnixStream::connect(&one).await.unwrap();
        stream.write_all(b"hello").await.unwrap();
        let mut back = [0; 5];
        stream.read_exact(&mut back).await.unwrap();
        assert_eq!(back, *b"HELLO");
    }
}
