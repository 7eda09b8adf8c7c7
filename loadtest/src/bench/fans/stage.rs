//! One row: edges, a Redis and fans, and what is measured of them.

use std::fs;
use std::net::SocketAddr;
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context as _, Result};
use tempfile::TempDir;

use super::super::certificate::Certificate;
use super::super::cores::{Cores, monotonic, resident, worked};
use super::holder::Holder;
use super::watch::Turns;
use super::{FANS_PER_EDGE, Row, SETTLE, here, messages_of, shares};
use crate::stack::{Process, Program, RedisServer, Secrets, answers_tcp, binary};

const ROOM: &str = "line";
/// Fans who leave the front each second.
const TURNS_A_SECOND: u64 = 50;
/// How long after a turn was given it is still waited for that its fan hears of it.
const AFTERWARDS: Duration = Duration::from_secs(2);

/// One row, while it runs.
pub(super) struct Stage {
    // Fields are dropped in this order: who asks before who answers.
    holders: Vec<Holder>,
    edges: Vec<Process>,
    redis: RedisServer,
    /// What the edges took before anybody came.
    before: u64,
    fans: usize,
    is_tls: bool,
    _folder: TempDir,
}

impl Stage {
    /// Starts everything, and waits until all fans stand in line.
    pub(super) async fn start(cores: Cores, fans: usize, is_tls: bool) -> Result<Self> {
        let folder = tempfile::Builder::new()
            .prefix("stanchion-")
            .permissions(fs::Permissions::from_mode(0o700))
            .tempdir()
            .context("a temporary folder cannot be made")?;
        let at = folder.path();
        let certificate = if is_tls { Some(Certificate::make(at).await?) } else { None };
        let redis = RedisServer::start(at).await?;
        let secrets = Secrets::make()?;
        let rooms = at.join("rooms.toml");
        fs::write(&rooms, room())?;
        let (mut edges, mut addresses) = (Vec::new(), Vec::new());
        for nth in 1..=fans.div_ceil(FANS_PER_EDGE).max(1) {
            let (listen, admin) = (here()?, here()?);
            let config = at.join(format!("edge-{nth}.toml"));
            fs::write(&config, edge(listen, admin, redis.port(), certificate.as_ref()))?;
            let mut env = secrets.of_proxy();
            env.push(("RUST_LOG", "warn".to_owned()));
            let mut process = cores.start(Program {
                name: format!("edge-{nth}"),
                executable: binary("proxy")?,
                args: vec!["--config".into(), config.into(), "--rooms".into(), rooms.clone().into()],
                env,
                log: at.join(format!("edge-{nth}.log")),
            })?;
            answers_tcp(&mut process, listen).await?;
            edges.push(process);
            addresses.push(listen);
        }
        tokio::time::sleep(SETTLE).await;
        let before = edges.iter().map(|edge| resident(edge.id())).sum::<Result<u64>>()?;
        let file: Option<PathBuf> = certificate.map(|certificate| certificate.certificate);
        let mut holders = addresses
            .iter()
            .zip(shares(fans, addresses.len()))
            .map(|(edge, share)| Holder::start(*edge, Some(ROOM), share, file.as_deref()))
            .collect::<Result<Vec<_>>>()?;
        for holder in &mut holders {
            holder.ready().await?;
        }
        Ok(Self { holders, edges, redis, before, fans, is_tls, _folder: folder })
    }

    /// Measures for `length`.
    pub(super) async fn measure(&mut self, length: Duration) -> Result<Row> {
        tokio::time::sleep(SETTLE).await;
        let mut turns = Turns::default();
        let (messages, worked, redis, from) =
            (messages_of(&mut self.holders).await?, self.worked()?, self.redis_worked()?, monotonic());
        tokio::select! {
            () = tokio::time::sleep(length) => {}
            failed = turns.watch(self.redis.port(), ROOM) => failed?,
        }
        let (until, worked) = (monotonic(), self.worked()?.saturating_sub(worked));
        let redis = self.redis_worked()?.saturating_sub(redis);
        let messages = messages_of(&mut self.holders).await?.saturating_sub(messages);
        let memory = self.edges.iter().map(|edge| resident(edge.id())).sum::<Result<u64>>()?;
        tokio::time::sleep(AFTERWARDS).await;
        let mut after = Vec::new();
        for holder in std::mem::take(&mut self.holders) {
            for (rank, at) in holder.told().await? {
                after.extend(turns.of(rank).map(|given| at.saturating_sub(given)));
            }
        }
        after.sort_unstable();
        let nth = |percent: usize| {
            let index = (after.len() * percent / 100).min(after.len().saturating_sub(1));
            Duration::from_micros(after.get(index).copied().unwrap_or_default())
        };
        let time = Duration::from_micros(until.saturating_sub(from)).as_secs_f64();
        Ok(Row {
            fans: self.fans,
            is_tls: self.is_tls,
            edges: self.edges.len(),
            bytes_each: memory.saturating_sub(self.before) as f64 / self.fans.max(1) as f64,
            cores: worked.as_secs_f64() / time,
            redis_cores: redis.as_secs_f64() / time,
            messages_a_second: messages as f64 / time,
            bare: None,
            told: after.len(),
            told_after: [nth(50), nth(99), nth(100)],
        })
    }

    fn worked(&self) -> Result<Duration> {
        self.edges.iter().map(|edge| worked(edge.id())).sum()
    }

    fn redis_worked(&self) -> Result<Duration> {
        worked(self.redis.id())
    }

    /// Stops everything.
    pub(super) async fn stop(mut self) {
        for edge in &mut self.edges {
            edge.tell_to_stop();
        }
        for edge in &mut self.edges {
            edge.stopped().await;
        }
    }
}

/// A line that moves all the time. Whoever was called and does not come keeps nobody else out, for turns do not lapse here.
fn room() -> String {
    format!(
        "[[room]]\nid = \"{ROOM}\"\ntitle = \"The Long Evening\"\npaths = [\"/line\", \"/line/*\"]\nmode = \"always\"\n\
         drain_per_minute = {}\nburst = {TURNS_A_SECOND}\nmax_active = 1000000\nclaim_window = \"1h\"\n",
        TURNS_A_SECOND * 60
    )
}

fn edge(listen: SocketAddr, admin: SocketAddr, redis: u16, certificate: Option<&Certificate>) -> String {
    let tls = certificate.map_or_else(String::new, |Certificate { certificate, key }| {
        format!("certificate = \"{}\"\nkey = \"{}\"\n", certificate.display(), key.display())
    });
    format!(
        "admin_listen = \"{admin}\"\nthreads = 1\nshutdown_grace = \"1s\"\n\
         [store]\nkind = \"redis\"\nurl = \"redis://127.0.0.1:{redis}\"\n\
         [upstream]\naddress = \"127.0.0.1:9\"\n\
         [[listen]]\naddress = \"{listen}\"\n{tls}"
    )
}
