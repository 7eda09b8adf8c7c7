//! The real binaries on free ports, with keys made for the run: started, watched, restarted, stopped.

mod blueprint;
mod files;
mod find;
mod postgres_server;
mod process;
mod ready;
mod redis_server;
mod secrets;

use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::sync::Arc;

use anyhow::{Context as _, Result, bail};
use reqwest::{Method, Url};
use tempfile::TempDir;

pub use blueprint::{Blueprint, Room, Row, Sale, Store};
pub use find::{binary, free_port, is_free, tool};
pub use postgres_server::PostgresServer;
pub use process::{Process, Program};
pub use ready::answers_tcp;
pub use redis_server::RedisServer;
pub use secrets::Secrets;

use crate::checks::seats::Sales;
use crate::client::{Answer, Client};
use files::EdgeAddresses;

/// Ports to try when somebody takes one in the moment between finding it free and listening on it.
const PORT_TRIES: u32 = 3;

/// Everything that runs. Dropping it stops it.
#[derive(Debug)]
pub struct Stack {
    // Fields are dropped in this order: who asks before who answers.
    proxies: Vec<Process>,
    shop: Process,
    redis: Option<RedisServer>,
    edges: Arc<[Url]>,
    /// Where operators ask, edge by edge.
    admins: Vec<Url>,
    shop_url: Url,
    secrets: Secrets,
    operator: Client,
    folder: TempDir,
}

impl Stack {
    /// Starts what `blueprint` says, and waits until all of it is ready.
    pub async fn start(blueprint: &Blueprint) -> Result<Self> {
        if blueprint.proxies == 0 {
            bail!("at least one proxy is needed");
        }
        let (proxy_binary, shop_binary) = (binary("proxy")?, binary("origin-app")?);
        let folder = tempfile::Builder::new()
            .prefix("stanchion-")
            .permissions(std::fs::Permissions::from_mode(0o700))
            .tempdir()
            .context("a temporary folder cannot be made")?;
        let at = folder.path();
        let secrets = Secrets::make()?;

        let redis = match blueprint.store {
            Store::Memory => None,
            Store::Redis => Some(RedisServer::start(at).await?),
        };
        let redis_url = redis.as_ref().map(|redis| format!("redis://127.0.0.1:{}", redis.port()));

        let (shop, shop_port) = on_free_port("the shop", None, async |port| {
            let listen = format!("127.0.0.1:{port}");
            let config = files::file(at, "shop.toml");
            files::write_shop(&config, &listen, &files::file(at, "shop.db"), blueprint)?;
            let mut shop = Process::start(Program {
                name: "origin-app".to_owned(),
                executable: shop_binary.clone(),
                args: vec!["--config".into(), config.into()],
                env: secrets.of_shop(),
                log: files::file(at, "origin-app.log"),
            })?;
            ready::answers(&mut shop, &address(port, "/readyz")?).await?;
            Ok(shop)
        })
        .await?;

        let upstream = blueprint
            .upstream
            .map_or_else(|| format!("127.0.0.1:{shop_port}"), |address| address.to_string());
        let rooms = files::file(at, "rooms.toml");
        files::write_rooms(&rooms, &blueprint.rooms)?;
        let facts =
            blueprint.rooms.first().map_or_else(String::new, |room| format!("/.waiting-room/{}", room.id));
        let (mut proxies, mut edges, mut admins) = (Vec::new(), Vec::new(), Vec::new());
        for nth in 0..blueprint.proxies {
            let wanted = blueprint.edge_port.filter(|_| nth == 0);
            let ((proxy, admin), port) = on_free_port("the edge", wanted, async |port| {
                let name = format!("proxy-{}", nth + 1);
                let admin = free_port()?;
                let config = files::file(at, &format!("edge-{}.toml", nth + 1));
                let addresses = EdgeAddresses {
                    listen: &format!("127.0.0.1:{port}"),
                    admin_listen: &format!("127.0.0.1:{admin}"),
                    shop: &upstream,
                    redis: redis_url.as_deref(),
                };
                files::write_edge(&config, &addresses)?;
                let mut proxy = Process::start(Program {
                    log: files::file(at, &format!("{name}.log")),
                    name,
                    executable: proxy_binary.clone(),
                    args: vec!["--config".into(), config.into(), "--rooms".into(), rooms.clone().into()],
                    env: secrets.of_proxy(),
                })?;
                ready::answers(&mut proxy, &address(port, &facts)?).await?;
                Ok((proxy, admin))
            })
            .await?;
            proxies.push(proxy);
            edges.push(address(port, "/")?);
            admins.push(address(admin, "/")?);
        }

        let edges: Arc<[Url]> = edges.into();
        let operator = Client::new(Arc::clone(&edges), 0)?;
        Ok(Self {
            proxies,
            shop,
            redis,
            edges,
            admins,
            shop_url: address(shop_port, "/")?,
            secrets,
            operator,
            folder,
        })
    }

    /// The edges' base addresses.
    pub fn edges(&self) -> Arc<[Url]> {
        Arc::clone(&self.edges)
    }

    /// The shop's own base address, which fans must get nothing from.
    pub const fn shop_url(&self) -> &Url {
        &self.shop_url
    }

    /// Writes a file that a shell reads to operate the first edge: its addresses, the operator's token, the keys, and where
    /// the programs are. Only who started the stack can read it.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn write_operator_file(&self) -> Result<std::path::PathBuf> {
        let file = files::file(self.folder.path(), "operator.env");
        let (edge, admin) = self.edges.first().zip(self.admins.first()).context("there is no edge")?;
        files::write_operator(&file, edge, admin, &self.secrets, &binary("proxy")?)?;
        Ok(file)
    }

    /// Where operators ask, edge by edge.
    pub fn admins(&self) -> &[Url] {
        &self.admins
    }

    /// Where configuration and logs are, until the stack is stopped.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// The process ids of the proxies, the shop and Redis.
    pub fn ids(&self) -> Vec<u32> {
        let processes = self.proxies.iter().chain([&self.shop]).map(Process::id);
        processes.chain(self.redis.as_ref().map(RedisServer::id)).collect()
    }

    /// Puts an event on sale, through the edge.
    pub async fn open_sale(&self, sale: &Sale) -> Result<()> {
        let body = serde_json::to_value(sale).context("the sale cannot be written as JSON")?;
        let answer = self.organise(Method::POST, "/api/events", Some(&body)).await?;
        if answer.status != 201 {
            bail!("the shop did not take the event: {} {}", answer.summary(), answer.body);
        }
        Ok(())
    }

    /// The shop's figures of an event.
    pub async fn sales(&self, event: &str) -> Result<Sales> {
        let answer = self.organise(Method::GET, &format!("/api/sales/{event}"), None).await?;
        if answer.status != 200 {
            bail!("the shop did not tell its figures: {}", answer.summary());
        }
        serde_json::from_value(answer.body).context("the shop's figures cannot be read")
    }

    async fn organise(&self, method: Method, path: &str, body: Option<&serde_json::Value>) -> Result<Answer> {
        let bearer = self.secrets.organiser_bearer();
        self.operator.call_with(method, path, body, &[("Authorization", &bearer)]).await
    }

    /// Ends proxy `nth` without warning.
    pub fn kill_proxy(&mut self, nth: usize) -> Result<()> {
        self.proxies.get_mut(nth).context("there is no such proxy")?.kill();
        Ok(())
    }

    /// The Redis that holds the line.
    pub fn redis(&mut self) -> Result<&mut RedisServer> {
        self.redis.as_mut().context("the line is not in Redis")
    }

    /// Another Redis holds the line from now on; the one before is stopped.
    pub fn replace_redis(&mut self, redis: RedisServer) {
        self.redis = Some(redis);
    }

    /// Starts again what has died, and waits until it is ready; tells what it was, and its new
    /// process id.
    pub async fn mend(&mut self) -> Result<Vec<(String, u32)>> {
        let mut mended = Vec::new();
        let shop_ready = self.shop_url.join("/readyz")?;
        let edges = self.edges.iter().map(|edge| edge.join("/.waiting-room/jwks.json"));
        let edges = edges.collect::<Result<Vec<_>, _>>()?;
        if let Some(redis) = &mut self.redis
            && redis.process().ended().is_some()
        {
            redis.restart().await?;
            mended.push((redis.process().name().to_owned(), redis.id()));
        }
        let asked = [(&mut self.shop, shop_ready)];
        let proxies = self.proxies.iter_mut().zip(edges);
        for (process, ready) in asked.into_iter().chain(proxies) {
            if process.ended().is_some() {
                process.restart()?;
                ready::speaks(process, &ready).await?;
                mended.push((process.name().to_owned(), process.id()));
            }
        }
        Ok(mended)
    }

    /// Stops everything, in order, and removes the folder.
    pub async fn stop(mut self) {
        for proxy in &mut self.proxies {
            proxy.tell_to_stop();
        }
        for proxy in &mut self.proxies {
            proxy.stopped().await;
        }
        let redis = self.redis.as_mut().map(RedisServer::process);
        for process in [Some(&mut self.shop), redis].into_iter().flatten() {
            process.tell_to_stop();
            process.stopped().await;
        }
    }
}

fn address(port: u16, path: &str) -> Result<Url> {
    Url::parse(&format!("http://127.0.0.1:{port}{path}")).context("an address cannot be made")
}

/// Starts something on a free port, or on the `wanted` one. When that is snatched in the last moment, on another.
async fn on_free_port<T>(
    what: &str,
    wanted: Option<u16>,
    start: impl AsyncFn(u16) -> Result<T>,
) -> Result<(T, u16)> {
    let mut attempt = 1;
    loop {
        let port = match wanted.filter(|_| attempt == 1) {
            Some(port) => port,
            None => free_port()?,
        };
        match start(port).await {
            Ok(started) => return Ok((started, port)),
            // While it is not free, somebody else has it; anything else is a reason of its own.
            Err(_) if attempt < PORT_TRIES && !is_free(port) => attempt += 1,
            Err(error) => return Err(error.context(format!("{what} did not start on port {port}"))),
        }
    }
}
