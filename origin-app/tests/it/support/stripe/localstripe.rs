//! `localstripe`, another's idea of Stripe, in a process of its own: on the loopback interface only, in memory only.

use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use axum::body::Bytes;
use axum::http::{Method, StatusCode, Uri};
use reqwest::Client;
use serde_json::{Value, json};

use super::STRIPE_KEY;

/// By itself it listens everywhere and keeps its data in a file that all of them share.
const PROGRAM: &str = "
import sys
from aiohttp import web
from localstripe import resources, server
resources.Store.dump_to_disk = lambda self: None
web.run_app(server.app, host='127.0.0.1', port=int(sys.argv[1]), print=None)
";

pub(crate) struct LocalStripe {
    url: String,
    client: Client,
    child: Child,
}

impl LocalStripe {
    pub(crate) async fn start() -> Self {
        let python = Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/tools/bin/python");
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let child = Command::new(&python)
            .args(["-c", PROGRAM, &port.to_string()])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap_or_else(|error| {
                panic!("{}: {error}; `.ci/tools test` installs localstripe", python.display())
            });
        let mut this = Self { url: format!("http://127.0.0.1:{port}"), client: Client::new(), child };
        this.wait_until_ready().await;
        this
    }

    async fn wait_until_ready(&mut self) {
        for _ in 0..600 {
            if self.client.get(&self.url).send().await.is_ok() {
                return;
            }
            if let Some(status) = self.child.try_wait().unwrap() {
                panic!("localstripe ended with {status}; `.ci/tools test` installs it");
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        panic!("localstripe did not answer within a minute");
    }

    /// Has its messages sent to `url`, signed with `secret`.
    pub(crate) async fn tell(&self, url: &str, secret: &str) {
        let hook = json!({"url": url, "secret": secret});
        let answer = self.client.post(format!("{}/_config/webhooks/shop", self.url)).json(&hook).send().await;
        assert_eq!(answer.unwrap().status(), 200);
    }

    pub(super) async fn forward(&self, method: Method, uri: &Uri, body: Bytes) -> (StatusCode, Value) {
        let answer = self
            .client
            .request(method, format!("{}{uri}", self.url))
            .bearer_auth(STRIPE_KEY)
            .header("content-type", "application/x-www-form-urlencoded")
            .body(body)
            .send()
            .await
            .unwrap();
        (answer.status(), answer.json().await.unwrap())
    }
}

impl Drop for LocalStripe {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
