//! An upgrade: a new process takes the listening sockets over from the one that runs, and no connection is refused.
//!
//! ```text
//!  new                            old
//!   │ ── "stanchion upgrade 1" ──▶ │
//!   │ ◀── the sockets ──────────── │   both hold them now; the old one accepts
//!   │   (opens the store, looks)   │
//!   │ ── "take" ─────────────────▶ │   stops accepting; what connects now waits in the socket
//!   │                              │   closes the store, where it lives in the process
//!   │ ◀── "yours" ──────────────── │   finishes its requests, tells WebSockets to come back
//!   │ accepts                      │ ends
//! ```
//!
//! A new process that fails before "take" changes nothing. They talk over a unix socket that only the same user may
//! open.

use std::io::{self, BufRead as _, BufReader, IoSlice, IoSliceMut, Read as _, Write as _};
use std::mem::MaybeUninit;
use std::net::{SocketAddr, TcpListener};
use std::os::fd::{AsFd as _, BorrowedFd, OwnedFd};
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rustix::net::{
    RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendAncillaryBuffer, SendAncillaryMessage,
    SendFlags, recvmsg, sendmsg,
};
use tokio::net::UnixListener;

const HELLO: &str = "stanchion upgrade 1\n";
const TAKE: &str = "take\n";
const YOURS: &str = "yours\n";
/// How long either waits for the other's next word. The new process opens its store meanwhile; the old one ends its.
const PATIENCE: Duration = Duration::from_secs(30);
/// Most sockets that are handed over.
const SOCKETS_MAX: usize = 32;

/// The process that runs, as the new one sees it.
pub(super) struct Predecessor {
    stream: UnixStream,
    sockets: Vec<TcpListener>,
}

impl Predecessor {
    /// The process that answers at `path`; nothing when nobody does.
    pub(super) fn find(path: &Path) -> io::Result<Option<Self>> {
        let mut stream = match UnixStream::connect(path) {
            Ok(stream) => stream,
            Err(error)
                if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::ConnectionRefused) =>
            {
                return Ok(None);
            }
            Err(error) => return Err(error),
        };
        stream.set_read_timeout(Some(PATIENCE))?;
        stream.write_all(HELLO.as_bytes())?;
        let sockets = receive(&stream)?;
        Ok(Some(Self { stream, sockets }))
    }

    /// The socket that listens on `address`, if there is one. Port 0 is any.
    pub(super) fn socket(&mut self, address: SocketAddr) -> Option<TcpListener> {
        let fits = |socket: &TcpListener| {
            let found = socket.local_addr().ok();
            found.is_some_and(|found| found == address || address.port() == 0 && found.ip() == address.ip())
        };
        let index = self.sockets.iter().position(fits)?;
        Some(self.sockets.remove(index))
    }

    /// Has it stop, and returns when it accepts no more.
    pub(super) fn step_down(mut self) -> io::Result<()> {
        self.stream.write_all(TAKE.as_bytes())?;
        expect(&self.stream, YOURS)
    }
}

/// Where a new process asks.
pub(super) struct Door {
    listener: UnixListener,
    /// Copies of the listening sockets.
    sockets: Vec<OwnedFd>,
}

/// A new process that is ready to take over.
pub(super) struct Successor(UnixStream);

impl Door {
    /// Opens the door at `path`, in place of any that was there.
    pub(super) fn open(path: &Path, sockets: Vec<OwnedFd>) -> io::Result<Self> {
        let mut fresh = path.as_os_str().to_owned();
        fresh.push(format!(".{}", std::process::id()));
        let fresh = PathBuf::from(fresh);
        let _ = std::fs::remove_file(&fresh);
        let listener = UnixListener::bind(&fresh)?;
        std::fs::set_permissions(&fresh, std::fs::Permissions::from_mode(0o600))?;
        std::fs::rename(&fresh, path)?;
        Ok(Self { listener, sockets })
    }

    /// Waits for a new process that has been given the sockets and says that it is ready.
    pub(super) async fn successor(&self) -> Successor {
        loop {
            let Ok((stream, _)) = self.listener.accept().await else {
                tokio::time::sleep(Duration::from_secs(1)).await;
                continue;
            };
            let is_us =
                stream.peer_cred().is_ok_and(|peer| peer.uid() == rustix::process::geteuid().as_raw());
            if !is_us {
                tracing::warn!("somebody else than this user asked for the listening sockets");
                continue;
            }
            let sockets = self.sockets.iter().map(OwnedFd::try_clone).collect::<io::Result<Vec<_>>>();
            let handed = match (stream.into_std(), sockets) {
                (Ok(stream), Ok(sockets)) => {
                    tokio::task::spawn_blocking(move || hand(stream, &sockets)).await
                }
                (Err(error), _) | (_, Err(error)) => Ok(Err(error)),
            };
            match handed {
                Ok(Ok(stream)) => return Successor(stream),
                Ok(Err(error)) => {
                    tracing::warn!(%error, "a new process asked for the sockets and did not take over");
                }
                Err(error) => tracing::error!(%error, "the sockets could not be handed over"),
            }
        }
    }
}

impl Successor {
    /// Tells it that it is its turn.
    pub(super) fn yours(mut self) {
        if let Err(error) = self.0.write_all(YOURS.as_bytes()) {
            tracing::error!(%error, "the new process has gone away");
        }
    }
}

/// Hands the sockets to the process at the other end, and waits until it says that it is ready.
fn hand(stream: UnixStream, sockets: &[OwnedFd]) -> io::Result<UnixStream> {
    stream.set_nonblocking(false)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    expect(&stream, HELLO)?;
    let descriptors: Vec<BorrowedFd<'_>> = sockets.iter().map(OwnedFd::as_fd).collect();
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(SOCKETS_MAX))];
    let mut control = SendAncillaryBuffer::new(&mut space);
    if !control.push(SendAncillaryMessage::ScmRights(&descriptors)) {
        return Err(io::Error::other("too many sockets"));
    }
    let line = format!("{}\n", sockets.len());
    sendmsg(&stream, &[IoSlice::new(line.as_bytes())], &mut control, SendFlags::NOSIGNAL)?;
    expect(&stream, TAKE)?;
    Ok(stream)
}

fn receive(stream: &UnixStream) -> io::Result<Vec<TcpListener>> {
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(SOCKETS_MAX))];
    let mut control = RecvAncillaryBuffer::new(&mut space);
    let mut line = [0; 16];
    let received = recvmsg(stream, &mut [IoSliceMut::new(&mut line)], &mut control, RecvFlags::CMSG_CLOEXEC)?;
    let mut sockets = Vec::new();
    for message in control.drain() {
        if let RecvAncillaryMessage::ScmRights(descriptors) = message {
            sockets.extend(descriptors.map(TcpListener::from));
        }
    }
    let told =
        line.get(..received.bytes).and_then(|line| std::str::from_utf8(line).ok()?.trim().parse().ok());
    if told != Some(sockets.len()) {
        return Err(io::Error::other("the process that runs did not hand over all its sockets"));
    }
    Ok(sockets)
}

/// Waits for a line.
fn expect(stream: &UnixStream, line: &str) -> io::Result<()> {
    let mut found = String::new();
    BufReader::with_capacity(1, stream.take(line.len() as u64)).read_line(&mut found)?;
    if found == line {
        Ok(())
    } else {
        Err(io::Error::other("the other process went away or speaks otherwise"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(flavor = "multi_thread")]
    async fn sockets_go_over_and_what_connects_meanwhile_waits() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("upgrade");
        assert!(Predecessor::find(&path).unwrap().is_none());
        let socket = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = socket.local_addr().unwrap();
        let door = Door::open(&path, vec![socket.as_fd().try_clone_to_owned().unwrap()]).unwrap();
        let mode = std::fs::metadata(&path).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        let other_side = path.clone();
        let taking = tokio::task::spawn_blocking(move || {
            // One that asks and goes away changes nothing.
            drop(Predecessor::find(&other_side).unwrap().unwrap());
            let mut predecessor = Predecessor::find(&other_side).unwrap().unwrap();
            assert!(predecessor.socket("127.0.0.2:0".parse().unwrap()).is_none());
            let socket = predecessor.socket(address).unwrap();
            assert!(predecessor.socket(address).is_none());
            predecessor.step_down().unwrap();
            socket
        });
        let successor = door.successor().await;
        drop((door, socket));
        let waiting = std::net::TcpStream::connect(address).unwrap();
        successor.yours();
        let socket = taking.await.unwrap();
        let (_stream, peer) = socket.accept().unwrap();
        assert_eq!(peer, waiting.local_addr().unwrap());
    }
}
