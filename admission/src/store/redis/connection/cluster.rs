//! Which node of a cluster holds a room, and following it when that changes.
//!
//! A room's keys share a hash tag, so a room is in one slot. Every node has a connection of its own: while one is
//! away, rooms on the others notice nothing.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard};
use std::time::Duration;

use redis::{
    Cmd, ConnectionAddr, ConnectionInfo, ErrorKind, IntoConnectionInfo, Pipeline, RedisError,
    ServerErrorKind, Value,
};
use tokio::sync::Mutex;
use tokio::task::JoinSet;
use tokio::time::Instant;

use super::link::{Link, connect_to};
use super::url::Manner;
use super::{ASK_TIMEOUT, Fault};

/// How many nodes one command is sent to: whoever has the slot, whom that one names, and who then took over.
const TRIES: usize = 4;
/// The pause between two questions who has which slots.
const ASK_PAUSE: Duration = Duration::from_millis(200);
/// Most nodes that one such question goes to.
const ASKED_MAX: usize = 5;
const SLOTS: u16 = 16384;

/// Where a node listens: host and port.
type Address = (String, u16);
/// First slot, last slot, whose.
type Range = (u16, u16, Address);

/// The nodes of one cluster.
pub(super) struct Cluster {
    /// Nodes to ask when no other is known.
    seeds: Vec<ConnectionAddr>,
    manner: Manner,
    name: Arc<str>,
    map: RwLock<Map>,
    asking: Mutex<Asked>,
}

/// Who has which slots, as last heard.
#[derive(Default)]
struct Map {
    /// In ascending order.
    ranges: Vec<Range>,
    links: HashMap<Address, Arc<Link>>,
    /// Counts what was heard.
    version: u64,
}

#[derive(Default)]
struct Asked {
    at: Option<Instant>,
    /// Why nobody answered, where nobody did.
    failed: Option<RedisError>,
    /// With whom the next question begins.
    turn: usize,
}

impl Cluster {
    pub(super) fn new(seeds: Vec<ConnectionAddr>, manner: Manner) -> Self {
        let (map, asking) = (RwLock::default(), Mutex::default());
        Self { seeds, manner, name: "the cluster".into(), map, asking }
    }

    pub(super) fn name(&self) -> &Arc<str> {
        &self.name
    }

    /// Sends a command, which may be repeated, to the node that has the room.
    pub(super) async fn send(&self, room: &str, command: &Cmd) -> Result<Value, Fault> {
        let slot = slot_of(room);
        let mut fault = None;
        for _ in 0..TRIES {
            let (link, version) = self.link_of(slot);
            if let Some(link) = &link {
                match self.follow(link, command).await {
                    Err(failed) if is_misled(&failed) => fault = Some(failed),
                    answer => return answer,
                }
            }
            let unanswered = self.ask(version).await;
            fault = fault.or(unanswered);
            // Where the cluster goes on naming the same node, nobody took over yet.
            let is_same = match (&link, self.link_of(slot).0) {
                (Some(link), Some(now)) => Arc::ptr_eq(link, &now),
                (_, now) => now.is_none(),
            };
            let is_sent_on = fault.as_ref().is_some_and(|fault| redirection(&fault.error).is_some());
            if is_same && !is_sent_on {
                break;
            }
        }
        Err(fault.unwrap_or_else(|| {
            let slot = slot.to_string();
            Fault::new(
                &self.name,
                RedisError::from((ErrorKind::Io, "no node is known to have the slot", slot)),
            )
        }))
    }

    /// Sends a command to a node, and where that one sends it on, to the one it names.
    async fn follow(&self, link: &Arc<Link>, command: &Cmd) -> Result<Value, Fault> {
        let version = self.read().version;
        let answer = link.send_twice(command).await;
        let Err(fault) = &answer else { return answer };
        let Some((host, port)) = redirection(&fault.error) else { return answer };
        let host = if host.is_empty() { host_of(link.name()) } else { host };
        let other = self.link_to((host.to_owned(), port))?;
        if fault.error.kind() == ErrorKind::Server(ServerErrorKind::Ask) {
            return other.send_asking(command).await;
        }
        // The slot moved for good: meanwhile hear which others moved with it.
        let (answer, _) = tokio::join!(other.send(command), self.ask(version));
        answer
    }

    fn read(&self) -> RwLockReadGuard<'_, Map> {
        self.map.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn link_of(&self, slot: u16) -> (Option<Arc<Link>>, u64) {
        let map = self.read();
        let at = map.ranges.partition_point(|(_, last, _)| *last < slot);
        let range = map.ranges.get(at).filter(|(first, ..)| *first <= slot);
        (range.and_then(|(.., address)| map.links.get(address)).cloned(), map.version)
    }

    /// The link to a node that another one named.
    fn link_to(&self, address: Address) -> Result<Arc<Link>, Fault> {
        let mut map = self.map.write().unwrap_or_else(PoisonError::into_inner);
        if let Some(link) = map.links.get(&address) {
            return Ok(Arc::clone(link));
        }
        let link = Link::to(self.server(address.clone()).map_err(|error| Fault::new(&self.name, error))?);
        map.links.insert(address, Arc::clone(&link));
        Ok(link)
    }

    fn server(&self, address: impl IntoConnectionInfo) -> Result<ConnectionInfo, RedisError> {
        self.manner.server(address)
    }

    /// Hears who has which slots, unless that was heard since `version`, or asked a moment ago. Of those who
    /// answer, the one that saw the latest fail-over is right: a node that was cut off goes on naming the
    /// primaries of before. Tells why, where nobody answers.
    async fn ask(&self, version: u64) -> Option<Fault> {
        let mut asking = self.asking.lock().await;
        let is_recent = asking.at.is_some_and(|at| at.elapsed() < ASK_PAUSE);
        if self.read().version != version || is_recent {
            return asking.failed.clone().map(|error| Fault::new(&self.name, error));
        }
        asking.at = Some(Instant::now());
        asking.turn = asking.turn.wrapping_add(1);
        let mut asked = JoinSet::new();
        for node in self.nodes(asking.turn) {
            asked.spawn(ask_node(node));
        }
        let most = asked.len() / 2 + 1;
        let mut best: Option<(u64, Vec<Range>)> = None;
        let mut answers = 0;
        let mut failed = None;
        let collect = async {
            while let Some(answer) = asked.join_next().await {
                match answer {
                    Ok(Ok((epoch, ranges))) => {
                        answers += 1;
                        if best.as_ref().is_none_or(|(best, _)| epoch > *best) {
                            best = Some((epoch, ranges));
                        }
                    }
                    Ok(Err(error)) => failed = Some(error),
                    Err(_) => {}
                }
                if answers == most {
                    break;
                }
            }
        };
        // Those who have not answered by then are away.
        let _ = tokio::time::timeout(ASK_TIMEOUT, collect).await;
        asking.failed = match best {
            Some((_, ranges)) => {
                self.take_over(ranges);
                None
            }
            None => failed,
        };
        asking.failed.clone().map(|error| Fault::new(&self.name, error))
    }

    /// Some of the nodes that are known, others each time.
    fn nodes(&self, turn: usize) -> Vec<ConnectionInfo> {
        let seeds = self.seeds.iter().filter_map(|seed| self.server(seed.clone()).ok());
        let known: Vec<Address> = self.read().links.keys().cloned().collect();
        let known = known.into_iter().filter_map(|address| self.server(address).ok());
        let mut nodes: Vec<ConnectionInfo> = Vec::new();
        for node in seeds.chain(known) {
            if nodes.iter().all(|other| other.addr() != node.addr()) {
                nodes.push(node);
            }
        }
        let first = turn % nodes.len().max(1);
        nodes.rotate_left(first);
        nodes.truncate(ASKED_MAX);
        nodes
    }

    fn take_over(&self, ranges: Vec<Range>) {
        let mut map = self.map.write().unwrap_or_else(PoisonError::into_inner);
        let mut links = HashMap::new();
        for (.., address) in &ranges {
            let known = map.links.remove(address);
            if let Some(link) = known.or_else(|| self.server(address.clone()).ok().map(Link::to)) {
                links.insert(address.clone(), link);
            }
        }
        let version = map.version.wrapping_add(1);
        *map = Map { ranges, links, version };
    }
}

/// Whether another node may be the one to ask.
fn is_misled(fault: &Fault) -> bool {
    let is_between = fault.error.kind() == ErrorKind::Server(ServerErrorKind::TryAgain);
    fault.is_broken() || fault.is_elsewhere() || is_between || redirection(&fault.error).is_some()
}

/// Whom a node names instead of itself.
fn redirection(error: &RedisError) -> Option<(&str, u16)> {
    let (address, _) = error.redirect_node()?;
    let (host, port) = address.rsplit_once(':')?;
    Some((host, port.parse().ok()?))
}

fn host_of(name: &str) -> &str {
    name.rsplit_once(':').map_or(name, |(host, _)| host)
}

/// Asks one node how many fail-overs it knows of, and who has which slots.
async fn ask_node(node: ConnectionInfo) -> Result<(u64, Vec<Range>), RedisError> {
    let host = host_of(&node.addr().to_string()).to_owned();
    let mut connection = connect_to(node, ASK_TIMEOUT).await?;
    let mut questions = Pipeline::new();
    questions.cmd("CLUSTER").arg("INFO").cmd("CLUSTER").arg("SLOTS");
    let (info, slots): (String, Vec<Value>) = questions.query_async(&mut connection).await?;
    let epoch =
        info.lines().find_map(|line| line.strip_prefix("cluster_current_epoch:")?.trim().parse().ok());
    let mut ranges: Vec<Range> = slots.iter().filter_map(|range| read_range(range, &host)).collect();
    ranges.sort();
    match epoch {
        Some(epoch) if !ranges.is_empty() => Ok((epoch, ranges)),
        _ => Err(RedisError::from((ErrorKind::UnexpectedReturnType, "a node knows of no slots"))),
    }
}

/// One range of slots, as a node at `host` tells it: first, last, the primary, its replicas.
fn read_range(range: &Value, host: &str) -> Option<Range> {
    let Value::Array(range) = range else { return None };
    let [Value::Int(first), Value::Int(last), Value::Array(primary), ..] = range.as_slice() else {
        return None;
    };
    let [name, Value::Int(port), ..] = primary.as_slice() else { return None };
    let host = match name {
        Value::BulkString(name) if name.as_slice() == b"?" => return None,
        Value::BulkString(name) if !name.is_empty() => std::str::from_utf8(name).ok()?,
        // A node that does not know its own name is to be found where it was asked.
        _ => host,
    };
    let (first, last) = (u16::try_from(*first).ok()?, u16::try_from(*last).ok()?);
    Some((first, last, (host.to_owned(), u16::try_from(*port).ok()?)))
}

/// The slot of the keys whose hash tag is `tag`: CRC16 as in XMODEM.
fn slot_of(tag: &str) -> u16 {
    let crc = tag.bytes().fold(0_u16, |crc, byte| {
        (0..8).fold(crc ^ (u16::from(byte) << 8), |crc, _| {
            if crc & 0x8000 == 0 { crc << 1 } else { (crc << 1) ^ 0x1021 }
        })
    });
    crc % SLOTS
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slots_are_those_of_redis() {
        // As CLUSTER KEYSLOT gives them.
        for (tag, slot) in [("123456789", 0x31c3), ("foo", 12182), ("bar", 5061)] {
            assert_eq!(slot_of(tag), slot, "{tag}");
        }
    }

    #[test]
    fn a_range_is_read_with_the_host_it_names_or_the_one_that_was_asked() {
        let range = |host: &str| {
            let host = Value::BulkString(host.as_bytes().to_vec());
            Value::Array(vec![Value::Int(5), Value::Int(9), Value::Array(vec![host, Value::Int(7000)])])
        };
        for (told, host) in [("10.0.0.7", "10.0.0.7"), ("", "asked"), ("::1", "::1")] {
            assert_eq!(read_range(&range(told), "asked"), Some((5, 9, (host.to_owned(), 7000))));
        }
        assert_eq!(read_range(&range("?"), "asked"), None);
        assert_eq!(read_range(&Value::Nil, "asked"), None);
    }
}
