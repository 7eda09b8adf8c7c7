//! The real binaries on free ports, with keys made for the run: started, watched, restarted, stopped.

mod blueprint;
mod books;
mod files;
mod find;
pub mod link;
pub mod links;
mod postgres_server;
mod process;
mod provider;
mod ready;
mod redis_server;
mod secrets;

use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::sync::Arc;

use anyhow::{Context as _, Result, bail};
use reqwest::{Method, Url};
use tempfile::TempDir;

pub use blueprint::{Blueprint, Database, Payments, Room, Row, Sale, Store};
pub use files::moment_text;
pub use find::{binary, free_port, is_free, tool};
pub use postgres_server::PostgresServer;
pub use process::{Process, Program, children};
pub use provider::{Charge, Provider, serve as serve_payments};
pub use ready::answers_tcp;
pub use redis_server::RedisServer;
pub use secrets::Secrets;

use crate::checks::seats::Sales;
use crate::client::{Answer, Client};
use files::EdgeAddresses;
use link::Link;
use links::Links;
use postgres_server::SOCKET;

/// The file with the rooms, which all edges read.
const ROOMS: &str = "rooms.toml";
/// Ports to try when somebody takes one in the moment between finding it free and listening on it.
const PORT_TRIES: u32 = 3;

/// Everything that runs. Dropping it stops it.
#[derive(Debug)]
pub struct Stack {
    // Fields are dropped in this order: who asks before who answers.
    proxies: Vec<Process>,
    shop: Process,
    redis: Option<RedisServer>,
    inventory: Option<RedisServer>,
    postgres: Option<PostgresServer>,
    payments: Option<Provider>,
    links: Links,
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

        let redis = redis_of(at, "line", blueprint.store).await?;
        let inventory = redis_of(at, "inventory", blueprint.inventory).await?;
        let postgres = match blueprint.database {
            Database::Sqlite => None,
            Database::Postgres => Some(PostgresServer::start().await?),
        };
        let payments = match blueprint.payments {
            Payments::Sandbox => None,
            Payments::Provider => Some(Provider::start(at).await?),
        };
        let mut links = Links::default();
        // The port to ask, by way of a link where there are links.
        let by_link = |link: &mut Option<Link>, port: u16| -> Result<u16> {
            if !blueprint.links {
                return Ok(port);
            }
            Ok(link.insert(Link::to_port(port)?).port())
        };

        let mut shop_env = secrets.of_shop();
        let database = match &postgres {
            None => format!("sqlite://{}", files::file(at, "shop.db").display()),
            Some(postgres) if blueprint.links => {
                let (link, socket) = links::to_postgres(at, &postgres.socket(), SOCKET)?;
                links.database = Some(link);
                postgres_server::url(&socket)
            }
            Some(postgres) => postgres.url(),
        };
        shop_env.push(("STANCHION_SHOP_DATABASE", database));
        if let Some(inventory) = &inventory {
            let port = by_link(&mut links.inventory, inventory.port())?;
            shop_env.push(("STANCHION_SHOP_INVENTORY", format!("redis://127.0.0.1:{port}/0")));
        }
        let mut stripe = None;
        if let Some(payments) = &payments {
            stripe = Some(by_link(&mut links.payments, payments.port())?);
            shop_env.extend(payments.of_shop());
        }
        let (shop, shop_port) = on_free_port("the shop", None, async |port| {
            let listen = format!("127.0.0.1:{port}");
            let config = files::file(at, "shop.toml");
            files::write_shop(&config, &listen, blueprint.hold_seconds, stripe)?;
            let mut shop = Process::start(Program {
                name: "origin-app".to_owned(),
                executable: shop_binary.clone(),
                args: vec!["--config".into(), config.into()],
                env: shop_env.clone(),
                log: files::file(at, "origin-app.log"),
            })?;
            ready::answers(&mut shop, &address(port, "/readyz")?).await?;
            Ok(shop)
        })
        .await?;

        let upstream = match blueprint.upstream {
            None => format!("127.0.0.1:{}", by_link(&mut links.shop, shop_port)?),
            Some(address) => address.to_string(),
        };
        let rooms = files::file(at, ROOMS);
        files::write_rooms(&rooms, &blueprint.rooms)?;
        let facts =
            blueprint.rooms.first().map_or_else(String::new, |room| format!("/.waiting-room/{}", room.id));
        let (mut proxies, mut edges, mut admins) = (Vec::new(), Vec::new(), Vec::new());
        for nth in 0..blueprint.proxies {
            let wanted = blueprint.edge_port.filter(|_| nth == 0);
            let mut line = None;
            let redis = redis.as_ref().map(|redis| by_link(&mut line, redis.port())).transpose()?;
            links.line.extend(line);
            let redis_url = redis.map(|port| format!("redis://127.0.0.1:{port}"));
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
            inventory,
            postgres,
            payments,
            links,
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

    /// Gives all edges these rooms from now on, as an operator does who edits the file.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn change_rooms(&self, rooms: &[Room]) -> Result<()> {
        files::write_rooms(&files::file(self.folder.path(), ROOMS), rooms)
    }

    /// Where operators ask, edge by edge.
    pub fn admins(&self) -> &[Url] {
        &self.admins
    }

    /// Where configuration and logs are, until the stack is stopped.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// All processes that were started, by what people call them; children of theirs are theirs.
    pub fn processes(&self) -> Vec<(String, u32)> {
        let named = self.proxies.iter().chain([&self.shop]);
        let mut all: Vec<_> = named.map(|process| (process.name().to_owned(), process.id())).collect();
        all.extend(self.redis.as_ref().map(|redis| ("Redis".to_owned(), redis.id())));
        all.extend(self.inventory.as_ref().map(|redis| ("Redis (seats)".to_owned(), redis.id())));
        all.extend(self.postgres.as_ref().map(|postgres| ("PostgreSQL".to_owned(), postgres.id())));
        all.extend(self.payments.as_ref().map(|payments| ("payments".to_owned(), payments.id())));
        all
    }

    /// Their process ids.
    pub fn ids(&self) -> Vec<u32> {
        self.processes().into_iter().map(|(_, id)| id).collect()
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
        self.proxy(nth)?.kill();
        Ok(())
    }

    /// The Redis that holds the line.
    pub fn redis(&mut self) -> Result<&mut RedisServer> {
        self.redis.as_mut().context("the line is not in Redis")
    }

    /// The Redis in which the shop has which seats are free.
    pub fn inventory(&mut self) -> Result<&mut RedisServer> {
        self.inventory.as_mut().context("the shop's inventory is not in Redis")
    }

    /// The PostgreSQL of the shop.
    pub fn postgres(&mut self) -> Result<&mut PostgresServer> {
        self.postgres.as_mut().context("the shop has no PostgreSQL")
    }

    /// Who takes the money.
    pub fn payments(&mut self) -> Result<&mut Provider> {
        self.payments.as_mut().context("the shop takes its money in its own sandbox")
    }

    /// The links between its processes.
    pub const fn links(&self) -> &Links {
        &self.links
    }

    /// One of the proxies.
    pub fn proxy(&mut self, nth: usize) -> Result<&mut Process> {
        self.proxies.get_mut(nth).context("there is no such proxy")
    }

    /// The shop.
    pub const fn shop(&mut self) -> &mut Process {
        &mut self.shop
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
        let inventory = self.inventory.as_mut().map(RedisServer::process);
        let payments = self.payments.as_mut().map(Provider::process);
        for process in [Some(&mut self.shop), redis, inventory, payments].into_iter().flatten() {
            process.tell_to_stop();
            process.stopped().await;
        }
    }
}

/// A Redis with its files in a folder of this name, where it is asked for.
async fn redis_of(at: &Path, name: &str, store: Store) -> Result<Option<RedisServer>> {
    if store == Store::Memory {
        return Ok(None);
    }
    let folder = files::file(at, name);
    std::fs::create_dir(&folder).with_context(|| format!("{} cannot be made", folder.display()))?;
    Ok(Some(RedisServer::start(&folder).await?))
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
