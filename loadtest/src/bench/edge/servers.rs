//! The servers side by side: each alone on the same core, each before the same shop.

use std::fs;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;

use anyhow::{Context as _, Result, bail};
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;

use super::super::certificate::Certificate;
use super::super::cores::Cores;
use super::super::pipe::read_answer;
use super::files::{self, Listen, NginxListen, Own};
use super::load::Ask;
use crate::stack::{Process, Program, Secrets, answers_tcp, binary, free_port, tool};

/// A server that runs.
pub(super) struct Server {
    pub(super) process: Process,
    pub(super) listen: Listen,
}

/// Everything that is compared.
pub(super) struct Servers {
    /// The edge without its line of log for each request, as the others are without theirs.
    pub(super) edge: Server,
    /// The edge as it comes.
    pub(super) edge_logging: Server,
    pub(super) pingora: Server,
    pub(super) pingora_tls: Server,
    pub(super) nginx: Server,
    /// The same nginx, where it writes a line for each request.
    pub(super) nginx_logging: SocketAddr,
    /// Where it is installed.
    pub(super) haproxy: Option<Server>,
}

/// Answers of the edge that others are to give too.
pub(super) struct Owns {
    pub(super) page: Own,
    pub(super) refused: Own,
}

/// What starting takes.
#[derive(Clone, Copy)]
pub(super) struct Ground<'a> {
    pub(super) folder: &'a Path,
    pub(super) cores: Cores,
    pub(super) shop: SocketAddr,
    pub(super) certificate: &'a Certificate,
}

impl Ground<'_> {
    /// Starts an edge; `log` is how much it says.
    pub(super) async fn edge(&self, name: &'static str, log: &str, secrets: &Secrets) -> Result<Server> {
        let listen = free()?;
        let (config, rooms) = (self.folder.join(format!("{name}.toml")), self.folder.join("rooms.toml"));
        fs::write(&config, files::edge(listen, here()?, self.shop, self.certificate))?;
        fs::write(&rooms, files::rooms())?;
        let mut env = secrets.of_proxy();
        env.push(("RUST_LOG", log.to_owned()));
        let args = vec!["--config".into(), config.into(), "--rooms".into(), rooms.into()];
        let executable = binary("proxy")?;
        self.start(Program { name: name.to_owned(), executable, args, env, log: self.log(name) }, listen)
            .await
    }

    /// Starts plain Pingora; with TLS it speaks nothing else.
    pub(super) async fn pingora(&self, tls: bool) -> Result<Server> {
        let at = here()?;
        let mut args = vec![at.to_string().into(), self.shop.to_string().into()];
        if tls {
            let Certificate { certificate, key } = self.certificate;
            args.extend([certificate.into(), key.into()]);
        }
        let name = if tls { "plain-pingora-tls" } else { "plain-pingora" };
        let executable = binary("examples/plain")?;
        let program =
            Program { name: name.to_owned(), executable, args, env: Vec::new(), log: self.log(name) };
        self.start(program, Listen { plain: at, tls: at }).await
    }

    /// Starts nginx, which gives `owns` too.
    pub(super) async fn nginx(&self, owns: &Owns) -> Result<(Server, SocketAddr)> {
        let listen = NginxListen { quiet: free()?, logging: here()? };
        fs::write(self.folder.join("page"), &owns.page.body)?;
        let config = self.folder.join("nginx.conf");
        let text =
            files::nginx(self.folder, listen, self.shop, self.certificate, (&owns.page, &owns.refused));
        fs::write(&config, text)?;
        let args = vec!["-e".into(), self.log("nginx").into(), "-c".into(), config.into()];
        let executable = tool("nginx")?;
        let program =
            Program { name: "nginx".to_owned(), executable, args, env: Vec::new(), log: self.log("nginx") };
        Ok((self.start(program, listen.quiet).await?, listen.logging))
    }

    /// Starts HAProxy, where it is installed.
    pub(super) async fn haproxy(&self) -> Result<Option<Server>> {
        let Ok(executable) = tool("haproxy") else { return Ok(None) };
        let listen = free()?;
        let Certificate { certificate, key } = self.certificate;
        let both = self.folder.join("both.pem");
        fs::write(&both, [fs::read(certificate)?, fs::read(key)?].concat())?;
        let config = self.folder.join("haproxy.cfg");
        fs::write(&config, files::haproxy(listen, self.shop, &both))?;
        let args = vec!["-db".into(), "-f".into(), config.into()];
        let program = Program {
            name: "haproxy".to_owned(),
            executable,
            args,
            env: Vec::new(),
            log: self.log("haproxy"),
        };
        self.start(program, listen).await.map(Some)
    }

    fn log(&self, name: &str) -> std::path::PathBuf {
        self.folder.join(format!("{name}.log"))
    }

    async fn start(&self, program: Program, listen: Listen) -> Result<Server> {
        let mut process = self.cores.start(program)?;
        answers_tcp(&mut process, listen.plain).await?;
        answers_tcp(&mut process, listen.tls).await?;
        Ok(Server { process, listen })
    }
}

impl Servers {
    /// Starts all of them.
    pub(super) async fn start(ground: Ground<'_>) -> Result<Self> {
        let secrets = Secrets::make()?;
        let edge = ground.edge("edge", "warn", &secrets).await?;
        let edge_logging = ground.edge("edge-logging", "info", &secrets).await?;
        // The first one takes the only place, the second one waits.
        let line = Ask::navigation("/line", None);
        once(edge.listen.plain, &line).await?;
        let page = once(edge.listen.plain, &line).await?;
        let refused = once(edge.listen.plain, &Ask::api("/line")).await?;
        if (page.status, refused.status) != (202, 429) {
            bail!("the edge answers {} and {} in place of 202 and 429", page.status, refused.status);
        }
        let (nginx, nginx_logging) = ground.nginx(&Owns { page, refused }).await?;
        Ok(Self {
            edge,
            edge_logging,
            pingora: ground.pingora(false).await?,
            pingora_tls: ground.pingora(true).await?,
            nginx,
            nginx_logging,
            haproxy: ground.haproxy().await?,
        })
    }

    /// Stops all of them.
    pub(super) async fn stop(mut self) {
        let all = [
            &mut self.edge,
            &mut self.edge_logging,
            &mut self.pingora,
            &mut self.pingora_tls,
            &mut self.nginx,
        ];
        let mut all: Vec<&mut Process> =
            all.into_iter().chain(&mut self.haproxy).map(|server| &mut server.process).collect();
        for process in &mut all {
            process.tell_to_stop();
        }
        for process in &mut all {
            process.stopped().await;
        }
    }
}

/// One answer.
pub(super) async fn once(server: SocketAddr, ask: &Ask) -> Result<Own> {
    let mut stream = TcpStream::connect(server).await.context("the server cannot be reached")?;
    stream.write_all(&ask.to_http1(server)).await?;
    let mut buffer = Vec::new();
    let answer = read_answer(&mut stream, &mut buffer).await?;
    let head = String::from_utf8_lossy(buffer.get(..answer.head).unwrap_or_default()).into_owned();
    let headers = head.lines().skip(1).filter_map(|line| line.split_once(':'));
    let headers = headers.map(|(name, value)| (name.to_ascii_lowercase(), value.trim().to_owned())).collect();
    Ok(Own { status: answer.status, headers, body: buffer.split_off(answer.head) })
}

fn here() -> Result<SocketAddr> {
    Ok(SocketAddr::from((Ipv4Addr::LOCALHOST, free_port()?)))
}

fn free() -> Result<Listen> {
    Ok(Listen { plain: here()?, tls: here()? })
}
