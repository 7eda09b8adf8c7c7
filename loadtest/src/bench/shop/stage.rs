//! What is asked: Redis, PostgreSQL and two shops, each as it is by default.

use std::fs;
use std::net::{Ipv4Addr, SocketAddr};

use anyhow::{Context as _, Result};
use tempfile::TempDir;

use crate::bench::ceiling;
use crate::stack::{PostgresServer, Process, Program, RedisServer, Secrets, answers_tcp, binary, free_port};

/// How many calls it sends at once, where it does not wait for each.
const PIPELINE: &str = "16";

/// Everything that runs. Dropping it stops it.
pub(super) struct Stage {
    // Dropped in this order: who asks before who answers.
    pub(super) shops: Vec<Shop>,
    redis: RedisServer,
    postgres: PostgresServer,
    pub(super) secrets: Secrets,
    _folder: TempDir,
}

/// A shop.
pub(super) struct Shop {
    pub(super) name: &'static str,
    pub(super) address: SocketAddr,
    process: Process,
}

/// What Redis does by itself, in calls a second.
#[derive(Clone, Copy, Debug, serde::Serialize)]
pub(super) struct Alone {
    pub(super) set: f64,
    pub(super) eval: f64,
    pub(super) set_pipelined: f64,
    pub(super) eval_pipelined: f64,
}

impl Stage {
    pub(super) async fn start() -> Result<Self> {
        let folder = tempfile::Builder::new().prefix("stanchion-").tempdir()?;
        let (redis, postgres) = (RedisServer::start(folder.path()).await?, PostgresServer::start().await?);
        let secrets = Secrets::make()?;
        let mut shops = Vec::new();
        let url = redis_url(&redis);
        let file = format!("sqlite://{}", folder.path().join("shop.db").display());
        for (name, inventory, database) in
            [("Redis and PostgreSQL", url.as_str(), postgres.url()), ("memory and SQLite", "memory", file)]
        {
            let address = SocketAddr::from((Ipv4Addr::LOCALHOST, free_port()?));
            let mut env = secrets.of_shop();
            env.push(("STANCHION_SHOP_DATABASE", database));
            env.push(("STANCHION_SHOP_INVENTORY", inventory.to_owned()));
            env.push(("STANCHION_SHOP_LISTEN", address.to_string()));
            let config = folder.path().join(format!("shop-{}.toml", shops.len()));
            fs::write(&config, "")?;
            let mut process = Process::start(Program {
                name: format!("origin-app ({name})"),
                executable: binary("origin-app")?,
                args: vec!["--config".into(), config.into()],
                env,
                log: folder.path().join(format!("shop-{}.log", shops.len())),
            })?;
            answers_tcp(&mut process, address).await?;
            shops.push(Shop { name, address, process });
        }
        Ok(Self { shops, redis, postgres, secrets, _folder: folder })
    }

    pub(super) fn shop(&self, nth: usize) -> Result<&Shop> {
        self.shops.get(nth).context("there is no such shop")
    }

    pub(super) fn redis_url(&self) -> String {
        redis_url(&self.redis)
    }

    pub(super) fn postgres_url(&self) -> String {
        self.postgres.url()
    }

    /// All processes that run.
    pub(super) fn processes(&self) -> Result<Vec<u32>> {
        let server = self.postgres.id();
        let children = fs::read_to_string(format!("/proc/{server}/task/{server}/children"))
            .context("the processes of PostgreSQL are unknown")?;
        let mut all: Vec<u32> = children.split_whitespace().filter_map(|id| id.parse().ok()).collect();
        all.extend([server, self.redis.id()]);
        all.extend(self.shops.iter().map(|shop| shop.process.id()));
        Ok(all)
    }

    /// What this Redis does with nothing to think about: as the hot path asks it, and the most that it can.
    pub(super) async fn redis_alone(&self, at_once: usize) -> Result<Alone> {
        let set: &[&str] = &["set", "__bench", "value"];
        let eval: &[&str] = &["eval", "return 1", "0"];
        Ok(Alone {
            set: self.calls(at_once, "1", set).await?,
            eval: self.calls(at_once, "1", eval).await?,
            set_pipelined: self.calls(at_once, PIPELINE, set).await?,
            eval_pipelined: self.calls(at_once, PIPELINE, eval).await?,
        })
    }

    async fn calls(&self, at_once: usize, pipeline: &str, command: &[&str]) -> Result<f64> {
        ceiling::calls(self.redis.port(), at_once, pipeline, command).await
    }
}

fn redis_url(redis: &RedisServer) -> String {
    format!("redis://127.0.0.1:{}/0", redis.port())
}

/// What this machine is.
pub(super) fn machine() -> String {
    let read = |file: &str| fs::read_to_string(file).unwrap_or_default();
    let (cpus, memory, load) = (read("/proc/cpuinfo"), read("/proc/meminfo"), read("/proc/loadavg"));
    let value = |text: &str, name: &str| {
        let line = text.lines().find(|line| line.starts_with(name))?;
        line.split_once(':').map(|(_, value)| value.trim().to_owned())
    };
    let cores = cpus.lines().filter(|line| line.starts_with("processor")).count();
    let model = value(&cpus, "model name").unwrap_or_else(|| "a processor without a name".to_owned());
    let kib = value(&memory, "MemTotal").and_then(|kib| kib.strip_suffix(" kB")?.trim().parse::<u64>().ok());
    let gib = kib.unwrap_or_default() / (1024 * 1024);
    let kernel = read("/proc/sys/kernel/osrelease");
    let load: Vec<_> = load.split(' ').take(3).collect();
    format!("{cores} cores ({model}), {gib} GiB, Linux {}, load {}", kernel.trim(), load.join(" "))
}
