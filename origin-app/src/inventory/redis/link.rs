//! The connection to Redis, made when it is first needed and made again after it was lost. Whatever happens on the
//! way, a call ends within a bounded time.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use redis::aio::MultiplexedConnection;
use redis::{
    AsyncConnectionConfig, Client, Cmd, ConnectionInfo, ErrorKind, IntoConnectionInfo, RedisError,
    ServerErrorKind, Value,
};
use tokio::time::Instant;

/// How long a server may take to answer. Loading an event of a hundred thousand seats takes a few hundred
/// milliseconds; what takes longer than this is lost, and so is the connection.
const RESPONSE_TIMEOUT: Duration = Duration::from_secs(3);
const CONNECTION_TIMEOUT: Duration = Duration::from_secs(1);
/// The pause after an attempt to connect that failed.
const PAUSE: Duration = Duration::from_millis(200);

/// A script, and the name that servers know it by once they ran it.
pub(super) struct Script {
    source: &'static str,
    hash: String,
}

impl Script {
    pub(super) fn new(source: &'static str) -> Self {
        Self { source, hash: redis::Script::new(source).get_hash().to_owned() }
    }
}

/// One server. All who send to it share one connection.
pub(super) struct Link {
    server: ConnectionInfo,
    state: Mutex<State>,
    /// Held while connecting: who comes meanwhile waits for that one attempt.
    connecting: tokio::sync::Mutex<()>,
}

#[derive(Default)]
struct State {
    open: Option<MultiplexedConnection>,
    /// Counts the connections, so that who lost one does not close the next.
    generation: u64,
    failed: Option<(String, Instant)>,
}

/// Why there is no answer.
#[derive(Debug)]
pub(super) enum Fault {
    /// The server answered with an error of this code.
    Refused(String, String),
    /// It did not answer.
    Away(String),
}

impl Link {
    pub(super) fn to(url: &str) -> Result<Self, String> {
        let scheme = url.split_once(':').map_or("", |(scheme, _)| scheme);
        if !matches!(scheme, "redis" | "valkey" | "unix" | "redis+unix" | "valkey+unix") {
            return Err("this is no URL of Redis".to_owned());
        }
        // What redis says of a URL names the part that is wrong, and not what stood there.
        let server = url.into_connection_info().map_err(|error| error.to_string())?;
        Ok(Self { server, state: Mutex::default(), connecting: tokio::sync::Mutex::default() })
    }

    /// Runs a script on the keys of one event. Every verb may be repeated, so it is sent once more where the
    /// connection turns out to be broken, as it does when the server was restarted.
    pub(super) async fn run(
        &self,
        script: &Script,
        key: &str,
        arguments: &[Vec<u8>],
    ) -> Result<Value, Fault> {
        let command = |name: &str, script: &str| {
            let mut command = redis::cmd(name);
            command.arg(script).arg(1).arg(key).arg(arguments);
            command
        };
        match self.send_twice(&command("EVALSHA", &script.hash)).await {
            Err(error) if error.kind() == ErrorKind::Server(ServerErrorKind::NoScript) => {
                self.send_twice(&command("EVAL", script.source)).await.map_err(|error| fault(&error))
            }
            answer => answer.map_err(|error| fault(&error)),
        }
    }

    /// Sends a command that may be repeated.
    pub(super) async fn command(&self, command: &Cmd) -> Result<Value, Fault> {
        self.send_twice(command).await.map_err(|error| fault(&error))
    }

    async fn send_twice(&self, command: &Cmd) -> Result<Value, RedisError> {
        match self.send(command).await {
            Err(error) if is_broken(&error) && !error.is_timeout() => self.send(command).await,
            answer => answer,
        }
    }

    async fn send(&self, command: &Cmd) -> Result<Value, RedisError> {
        let (mut connection, generation) = self.lease().await?;
        let answer = command.query_async(&mut connection).await;
        if let Err(error) = &answer
            && (is_broken(error) || matches!(error.code(), Some("READONLY" | "LOADING" | "MASTERDOWN")))
        {
            let mut state = self.state();
            if state.generation == generation {
                state.open = None;
            }
        }
        answer
    }

    async fn lease(&self) -> Result<(MultiplexedConnection, u64), RedisError> {
        if let Some(lease) = self.open() {
            return Ok(lease);
        }
        let _only_one = self.connecting.lock().await;
        if let Some(lease) = self.open() {
            return Ok(lease);
        }
        if let Some((error, retry_at)) = &self.state().failed
            && Instant::now() < *retry_at
        {
            return Err(away(error.clone()));
        }
        let connected = tokio::time::timeout(CONNECTION_TIMEOUT, connect(self.server.clone())).await;
        let connected = connected.unwrap_or_else(|_| Err(away("cannot connect in time".to_owned())));
        let mut state = self.state();
        match connected {
            Ok(connection) => {
                state.generation += 1;
                state.open = Some(connection.clone());
                state.failed = None;
                Ok((connection, state.generation))
            }
            Err(error) => {
                state.failed = Some((error.to_string(), Instant::now() + PAUSE));
                Err(error)
            }
        }
    }

    fn open(&self) -> Option<(MultiplexedConnection, u64)> {
        let state = self.state();
        state.open.clone().map(|connection| (connection, state.generation))
    }

    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

async fn connect(server: ConnectionInfo) -> Result<MultiplexedConnection, RedisError> {
    let config = AsyncConnectionConfig::new()
        .set_connection_timeout(None)
        .set_response_timeout(Some(RESPONSE_TIMEOUT));
    Client::open(server)?.get_multiplexed_async_connection_with_config(&config).await
}

fn is_broken(error: &RedisError) -> bool {
    error.is_io_error() || error.is_unrecoverable_error()
}

fn away(what: String) -> RedisError {
    RedisError::from(std::io::Error::new(std::io::ErrorKind::NotConnected, what))
}

fn fault(error: &RedisError) -> Fault {
    match error.code() {
        Some(code) if !is_broken(error) => Fault::Refused(code.to_owned(), error.to_string()),
        _ => Fault::Away(error.to_string()),
    }
}
