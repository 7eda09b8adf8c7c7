//! Asking sentinels who is the primary.

use std::collections::HashMap;
use std::sync::Arc;

use redis::aio::MultiplexedConnection;
use redis::{ConnectionAddr, ConnectionInfo, ErrorKind, RedisError, Value};
use tokio::task::JoinSet;

use super::link::connect_to;
use super::url::Manner;
use super::{ASK_TIMEOUT, Fault};

/// The sentinels of one service.
pub(super) struct Sentinels {
    addresses: Vec<ConnectionAddr>,
    service: String,
    /// How to log in to the servers, and which database to take. Sentinels that ask for a password are given
    /// the same one.
    manner: Manner,
    name: Arc<str>,
}

/// What one sentinel says.
struct Opinion {
    host: String,
    port: u16,
    /// Counts the fail-overs: the highest knows best.
    epoch: u64,
}

impl Sentinels {
    pub(super) fn new(addresses: Vec<ConnectionAddr>, service: String, manner: Manner) -> Self {
        let name = format!("the sentinels of `{service}`").into();
        Self { addresses, service, manner, name }
    }

    pub(super) fn name(&self) -> &Arc<str> {
        &self.name
    }

    /// Asks all sentinels at once and waits for most of them. The one that saw the latest fail-over is right: a
    /// sentinel that was cut off goes on naming the primary of before.
    pub(super) async fn find_primary(&self) -> Result<ConnectionInfo, Fault> {
        let mut asked = JoinSet::new();
        for address in &self.addresses {
            asked.spawn(ask(address.clone(), self.service.clone(), self.manner.clone()));
        }
        let most = self.addresses.len() / 2 + 1;
        let mut best: Option<Opinion> = None;
        let mut answers = 0;
        let mut failure = None;
        let collect = async {
            while let Some(answer) = asked.join_next().await {
                match answer {
                    Ok(Ok(opinion)) => {
                        answers += 1;
                        if best.as_ref().is_none_or(|best| opinion.epoch > best.epoch) {
                            best = Some(opinion);
                        }
                    }
                    Ok(Err(error)) => failure = Some(error),
                    Err(_) => {}
                }
                if answers == most {
                    break;
                }
            }
        };
        // Those who have not answered by then are away; what the others say has to do.
        let _ = tokio::time::timeout(ASK_TIMEOUT, collect).await;
        let Some(Opinion { host, port, .. }) = best else {
            return Err(match failure {
                Some(error) => Fault::new(&self.name, error),
                None => Fault::timeout(&self.name, "none answered in time"),
            });
        };
        self.manner.server((host, port)).map_err(|error| Fault::new(&self.name, error))
    }
}

async fn ask(address: ConnectionAddr, service: String, manner: Manner) -> Result<Opinion, RedisError> {
    match ask_as(manner.bare(address.clone())?, &service).await {
        Err(error) if error.code() == Some("NOAUTH") => {
            // Sentinels have no databases.
            ask_as(manner.without_database().server(address)?, &service).await
        }
        answer => answer,
    }
}

async fn ask_as(sentinel: ConnectionInfo, service: &str) -> Result<Opinion, RedisError> {
    let mut connection = connect_to(sentinel, ASK_TIMEOUT).await?;
    let fields: HashMap<String, String> =
        redis::cmd("SENTINEL").arg("MASTER").arg(service).query_async(&mut connection).await?;
    let field = |name: &str| {
        fields.get(name).ok_or_else(|| {
            RedisError::from((ErrorKind::UnexpectedReturnType, "a sentinel did not tell", name.to_owned()))
        })
    };
    let unreadable = |_| {
        RedisError::from((ErrorKind::UnexpectedReturnType, "a sentinel told no number where one belongs"))
    };
    Ok(Opinion {
        host: field("ip")?.clone(),
        port: field("port")?.parse().map_err(unreadable)?,
        epoch: field("config-epoch")?.parse().map_err(unreadable)?,
    })
}

/// Makes sure that a server is what the sentinels say: they tell it only a moment later that it is so.
pub(super) async fn check_is_primary(connection: &mut MultiplexedConnection) -> Result<(), RedisError> {
    let role: Vec<Value> = redis::cmd("ROLE").query_async(connection).await?;
    match role.first() {
        Some(Value::BulkString(role)) if role == b"master" => Ok(()),
        _ => Err(RedisError::from((ErrorKind::Io, "the sentinels name this server, but it is no primary"))),
    }
}
