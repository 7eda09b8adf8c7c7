//! Chromium, driven through its WebDriver.

use std::net::TcpListener;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use fantoccini::wd::{Capabilities, WebDriverCompatibleCommand};
use fantoccini::{Client, ClientBuilder, Locator};
use hyper_util::client::legacy::connect::HttpConnector;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::harness::PATIENCE;

/// What a browser is like.
#[derive(Clone, Copy)]
pub(crate) struct Kind {
    pub(crate) scripts: bool,
    pub(crate) language: &'static str,
    pub(crate) dark: bool,
    pub(crate) size: (u32, u32),
}

impl Default for Kind {
    fn default() -> Self {
        Self { scripts: true, language: "en-US", dark: false, size: (900, 1000) }
    }
}

/// A browser of its own. Ended when dropped.
pub(crate) struct Browser {
    client: Client,
    driver: Child,
    _folder: TempDir,
}

impl Drop for Browser {
    fn drop(&mut self) {
        // The driver was started as the leader of a group, and Chromium is in it.
        let group = format!("-{}", self.driver.id());
        let _ = Command::new("kill").args(["-KILL", "--", &group]).status();
        let _ = self.driver.wait();
    }
}

/// The browser's own log.
#[derive(Debug)]
struct Log;

impl WebDriverCompatibleCommand for Log {
    fn endpoint(&self, base: &url::Url, session: Option<&str>) -> Result<url::Url, url::ParseError> {
        base.join(&format!("session/{}/se/log", session.unwrap_or_default()))
    }

    fn method_and_body(&self, _: &url::Url) -> (http::Method, Option<String>) {
        (http::Method::POST, Some(json!({ "type": "browser" }).to_string()))
    }
}

/// A command of the DevTools.
#[derive(Debug)]
struct DevTools(String, Value);

impl WebDriverCompatibleCommand for DevTools {
    fn endpoint(&self, base: &url::Url, session: Option<&str>) -> Result<url::Url, url::ParseError> {
        base.join(&format!("session/{}/goog/cdp/execute", session.unwrap_or_default()))
    }

    fn method_and_body(&self, _: &url::Url) -> (http::Method, Option<String>) {
        (http::Method::POST, Some(json!({ "cmd": self.0, "params": self.1 }).to_string()))
    }
}

impl Browser {
    pub(crate) async fn start(kind: Kind) -> Self {
        Self::start_with(kind, &[]).await
    }

    /// The same, with further arguments for Chromium.
    pub(crate) async fn start_with(kind: Kind, further: &[String]) -> Self {
        use std::os::unix::process::CommandExt as _;
        let folder = tempfile::tempdir().unwrap();
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let mut command = Command::new("chromedriver");
        command.arg(format!("--port={port}")).process_group(0).stdout(Stdio::null()).stderr(Stdio::null());
        let driver = command.spawn().unwrap();
        let until = Instant::now() + PATIENCE;
        let client = loop {
            let capabilities = capabilities(&folder.path().join("profile"), kind, further);
            let mut builder = ClientBuilder::new(HttpConnector::new());
            match builder.capabilities(capabilities).connect(&format!("http://127.0.0.1:{port}")).await {
                Ok(client) => break client,
                Err(error) => assert!(Instant::now() < until, "no session of Chromium: {error}"),
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        };
        client.set_window_size(kind.size.0, kind.size.1).await.unwrap();
        Self { client, driver, _folder: folder }
    }

    pub(crate) fn page(&self) -> &Client {
        &self.client
    }

    pub(crate) async fn goto(&self, url: &str) {
        self.client.goto(url).await.unwrap();
    }

    /// What a script gives back.
    pub(crate) async fn run(&self, script: &str) -> Value {
        self.client.execute(script, vec![]).await.unwrap()
    }

    /// The text that the element with this hook shows; nothing where it is not to be seen.
    pub(crate) async fn text(&self, testid: &str) -> Option<String> {
        let css = format!("[data-testid='{testid}']");
        let element = self.client.find(Locator::Css(&css)).await.ok()?;
        let text = element.text().await.ok()?;
        (!text.is_empty()).then_some(text)
    }

    /// Waits until the element shows what `is_right` likes.
    pub(crate) async fn shows(&self, testid: &str, is_right: impl Fn(&str) -> bool) -> String {
        let until = Instant::now() + PATIENCE;
        let mut last = None;
        while Instant::now() < until {
            last = self.text(testid).await;
            if let Some(text) = last.as_deref().filter(|text| is_right(text)) {
                return text.to_owned();
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        panic!("{testid} shows {last:?}: {}", self.client.source().await.unwrap_or_default());
    }

    pub(crate) async fn click(&self, testid: &str) {
        let css = format!("[data-testid='{testid}']");
        self.client.find(Locator::Css(&css)).await.unwrap().click().await.unwrap();
    }

    /// Has the DevTools do something.
    pub(crate) async fn devtools(&self, command: &str, parameters: Value) -> Value {
        self.client.issue_cmd(DevTools(command.to_owned(), parameters)).await.unwrap()
    }

    /// Says for the fan whether pages may do something.
    pub(crate) async fn allow(&self, name: &str, yes: bool) {
        let setting = if yes { "granted" } else { "denied" };
        let permission = json!({ "permission": { "name": name }, "setting": setting });
        self.devtools("Browser.setPermission", permission).await;
    }

    /// Has pages see another taste of the fan's.
    pub(crate) async fn emulate(&self, feature: &str, value: &str) {
        let features = json!({ "features": [{ "name": feature, "value": value }] });
        self.devtools("Emulation.setEmulatedMedia", features).await;
    }

    /// Makes the page so large, narrower than a window may be.
    pub(crate) async fn sized(&self, width: u32, height: u32) {
        let size = json!({ "width": width, "height": height, "deviceScaleFactor": 1, "mobile": false });
        self.devtools("Emulation.setDeviceMetricsOverride", size).await;
    }

    /// Runs a script before any of a page's own, on every page from now on.
    pub(crate) async fn before_each_page(&self, source: &str) {
        self.devtools("Page.addScriptToEvaluateOnNewDocument", json!({ "source": source })).await;
    }

    /// Waits until a script gives back what `is_right` likes.
    pub(crate) async fn until(&self, script: &str, is_right: impl Fn(&Value) -> bool) -> Value {
        let until = Instant::now() + PATIENCE;
        loop {
            // Between two pages there is nothing that could answer.
            let value = self.client.execute(script, vec![]).await.unwrap_or_default();
            if is_right(&value) {
                return value;
            }
            assert!(Instant::now() < until, "{script}: {value}");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// What the browser complained of since the last look: refused by policy, not found, thrown.
    pub(crate) async fn complaints(&self) -> Vec<String> {
        let log = self.client.issue_cmd(Log).await.unwrap();
        let messages = log.as_array().unwrap().iter().filter(|entry| entry["level"] == "SEVERE");
        messages.map(|entry| entry["message"].as_str().unwrap_or_default().to_owned()).collect()
    }

    /// Keeps a picture of the whole page for the documentation, where somebody asks for it.
    pub(crate) async fn picture(&self, name: &str) {
        let Some(folder) = std::env::var_os("STANCHION_SCREENSHOTS") else { return };
        let size = "return [innerWidth, Math.max(innerHeight, document.documentElement.scrollHeight)]";
        let size = self.run(size).await;
        let clip = json!({ "x": 0, "y": 0, "width": size[0], "height": size[1], "scale": 1 });
        let how = json!({ "format": "png", "captureBeyondViewport": true, "clip": clip });
        let picture = self.devtools("Page.captureScreenshot", how).await;
        let picture = STANDARD.decode(picture["data"].as_str().unwrap()).unwrap();
        let file = PathBuf::from(folder).join(format!("{name}.png"));
        std::fs::create_dir_all(file.parent().unwrap()).unwrap();
        std::fs::write(file, picture).unwrap();
    }
}

fn capabilities(profile: &std::path::Path, kind: Kind, further: &[String]) -> Capabilities {
    let mut arguments: Vec<String> = [
        "--headless=new",
        "--no-sandbox",
        "--disable-gpu",
        "--disable-quic",
        "--disable-dev-shm-usage",
        "--no-first-run",
        "--disable-background-networking",
        "--disable-component-update",
        "--disable-sync",
        "--no-proxy-server",
        "--hide-scrollbars",
    ]
    .map(ToOwned::to_owned)
    .to_vec();
    arguments.push(format!("--user-data-dir={}", profile.display()));
    arguments.push(format!("--accept-lang={}", kind.language));
    arguments.extend_from_slice(further);
    if kind.dark {
        arguments.push("--blink-settings=preferredColorScheme=0".to_owned());
    }
    let scripts = if kind.scripts { 1 } else { 2 };
    let options = json!({
        "args": arguments,
        "prefs": {
            "intl.accept_languages": kind.language,
            "profile.default_content_setting_values.javascript": scripts,
            "profile.managed_default_content_settings.javascript": scripts,
        },
    });
    Capabilities::from_iter([
        ("goog:chromeOptions".to_owned(), options),
        ("goog:loggingPrefs".to_owned(), json!({ "browser": "ALL" })),
        ("unhandledPromptBehavior".to_owned(), json!("ignore")),
    ])
}
