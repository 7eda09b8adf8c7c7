//! The connection to one server, made when it is first needed and made again after it was lost.

use std::sync::Arc;
use std::time::Duration;

use redis::aio::MultiplexedConnection;
use redis::{AsyncConnectionConfig, Client, Cmd, ConnectionInfo, Pipeline, RedisError, Value};
use tokio::sync::Mutex;
use tokio::time::Instant;

use super::sentinel::Sentinels;
use super::{CONNECTION_TIMEOUT, Fault, RESPONSE_TIMEOUT};

/// The pause before the first attempt after one that failed; each further failure doubles it.
const PAUSE_MIN: Duration = Duration::from_millis(50);
/// The longest pause between attempts to connect.
const PAUSE_MAX: Duration = Duration::from_millis(500);
/// How often sentinels are asked whether the primary is still the primary: one that was cut off from them does
/// not know that it no longer is.
const ASK_AGAIN: Duration = Duration::from_secs(2);

/// One server. All who send to it share one connection.
pub(super) struct Link {
    server: Server,
    name: Arc<str>,
    state: Mutex<State>,
}

enum Server {
    At(ConnectionInfo),
    Behind(Sentinels),
}

#[derive(Default)]
struct State {
    open: Option<Open>,
    /// Counts the connections, so that who lost one does not close the next.
    generation: u64,
    /// Attempts that failed since the last that did not, the error of the latest, and when to try again.
    failed: Option<(u32, Fault, Instant)>,
}

struct Open {
    connection: MultiplexedConnection,
    address: Arc<str>,
    asked_at: Instant,
}

/// What a caller uses of the connection.
struct Lease {
    connection: MultiplexedConnection,
    address: Arc<str>,
    generation: u64,
}

impl Link {
    /// To the server at an address.
    pub(super) fn to(server: ConnectionInfo) -> Arc<Self> {
        let name = server.addr().to_string().into();
        Arc::new(Self { server: Server::At(server), name, state: Mutex::default() })
    }

    /// To the primary that sentinels name.
    pub(super) fn behind(sentinels: Sentinels) -> Arc<Self> {
        let name = Arc::clone(sentinels.name());
        Arc::new(Self { server: Server::Behind(sentinels), name, state: Mutex::default() })
    }

    pub(super) fn name(&self) -> &Arc<str> {
        &self.name
    }

    /// Sends a command that may be repeated: once more where the connection turns out to be broken, as it does
    /// when the server was restarted.
    pub(super) async fn send_twice(self: &Arc<Self>, command: &Cmd) -> Result<Value, Fault> {
        match self.send(command).await {
            Err(fault) if fault.is_broken() && !fault.error.is_timeout() => self.send(command).await,
            answer => answer,
        }
    }

    /// Sends a command.
    pub(super) async fn send(self: &Arc<Self>, command: &Cmd) -> Result<Value, Fault> {
        let mut lease = self.lease().await?;
        let answer = command.query_async(&mut lease.connection).await;
        self.judge(lease, answer).await
    }

    /// Sends a command that a node of a cluster is about to become responsible for.
    pub(super) async fn send_asking(self: &Arc<Self>, command: &Cmd) -> Result<Value, Fault> {
        let mut lease = self.lease().await?;
        let mut both = Pipeline::new();
        both.cmd("ASKING").ignore().add_command(command.clone());
        let answer: Result<(Value,), _> = both.query_async(&mut lease.connection).await;
        self.judge(lease, answer.map(|(value,)| value)).await
    }

    /// Gives up the connection where the answer says that it is of no more use.
    async fn judge(&self, lease: Lease, answer: Result<Value, RedisError>) -> Result<Value, Fault> {
        let Err(error) = answer else { return answer.map_err(|error| Fault::new(&lease.address, error)) };
        let fault = Fault::new(&lease.address, error);
        if fault.is_broken() || fault.is_elsewhere() {
            self.give_up(lease.generation).await;
        }
        Err(fault)
    }

    async fn give_up(&self, generation: u64) {
        let mut state = self.state.lock().await;
        if state.generation == generation {
            state.open = None;
        }
    }

    async fn lease(self: &Arc<Self>) -> Result<Lease, Fault> {
        // Held while connecting: who comes meanwhile waits for that one attempt and shares what comes of it.
        let mut state = self.state.lock().await;
        if state.open.is_none() {
            if let Some((_, fault, retry_at)) = &state.failed
                && Instant::now() < *retry_at
            {
                return Err(fault.clone());
            }
            match self.connect().await {
                Ok((connection, address)) => {
                    state.open = Some(Open { connection, address, asked_at: Instant::now() });
                    state.generation += 1;
                    state.failed = None;
                }
                Err(fault) => {
                    let failures =
                        state.failed.as_ref().map_or(0, |(failures, ..)| failures.saturating_add(1));
                    let pause = (PAUSE_MIN * (1 << failures.min(8))).min(PAUSE_MAX);
                    state.failed = Some((failures, fault, Instant::now() + pause));
                }
            }
        }
        let State { open, generation, failed } = &mut *state;
        let Some(open) = open else {
            let unknown = || Fault::timeout(&self.name, "no connection");
            return Err(failed.as_ref().map_or_else(unknown, |(_, fault, _)| fault.clone()));
        };
        if matches!(self.server, Server::Behind(_)) && open.asked_at.elapsed() > ASK_AGAIN {
            open.asked_at = Instant::now();
            tokio::spawn(Arc::clone(self).ask_again(Arc::clone(&open.address), *generation));
        }
        Ok(Lease {
            connection: open.connection.clone(),
            address: Arc::clone(&open.address),
            generation: *generation,
        })
    }

    /// Gives up the connection where the sentinels meanwhile name another server.
    async fn ask_again(self: Arc<Self>, address: Arc<str>, generation: u64) {
        let Server::Behind(sentinels) = &self.server else { return };
        if sentinels.find_primary().await.is_ok_and(|primary| primary.addr().to_string() != *address) {
            self.give_up(generation).await;
        }
    }

    async fn connect(&self) -> Result<(MultiplexedConnection, Arc<str>), Fault> {
        let (server, has_to_be_primary) = match &self.server {
            Server::At(server) => (server.clone(), false),
            Server::Behind(sentinels) => (sentinels.find_primary().await?, true),
        };
        let address: Arc<str> = server.addr().to_string().into();
        let connected = async {
            let mut connection = connect_to(server, RESPONSE_TIMEOUT).await?;
            if has_to_be_primary {
                super::sentinel::check_is_primary(&mut connection).await?;
            }
            Ok(connection)
        };
        match tokio::time::timeout(CONNECTION_TIMEOUT, connected).await {
            Ok(Ok(connection)) => Ok((connection, address)),
            Ok(Err(error)) => Err(Fault::new(&address, error)),
            Err(_) => Err(Fault::timeout(&address, "cannot connect in time")),
        }
    }
}

/// A connection to the server at an address. The caller sets a bound to the time that this takes.
pub(super) async fn connect_to(
    server: ConnectionInfo,
    response_timeout: Duration,
) -> Result<MultiplexedConnection, RedisError> {
    let config = AsyncConnectionConfig::new()
        .set_connection_timeout(None)
        .set_response_timeout(Some(response_timeout));
    Client::open(server)?.get_multiplexed_async_connection_with_config(&config).await
}
