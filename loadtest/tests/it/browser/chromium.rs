//! Chromium, driven through its WebDriver.

use std::path::{Path, PathBuf};

use fantoccini::wd::Capabilities;
use fantoccini::{Client, ClientBuilder, Locator};
use hyper_util::client::legacy::connect::HttpConnector;
use loadtest::stack::{Process, Program, free_port, tool};
use loadtest::story::Place;
use serde_json::json;
use tempfile::TempDir;

use crate::support::{eventually, eventually_within};

/// A whole line may have to pass before the seats come.
const TURN_MAX: std::time::Duration = std::time::Duration::from_secs(120);

/// Whether pages may run scripts.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Javascript {
    On,
    Off,
}

pub(super) struct Browser {
    client: Client,
    // Dropped after the client: the driver, which ends Chromium with it, and then their files.
    driver: Process,
    _folder: TempDir,
}

/// Finds an element by its stable hook.
pub(super) fn by_testid(id: &'static str) -> Locator<'static> {
    // A locator borrows its text, and there are only a handful.
    Locator::Css(format!("[data-testid='{id}']").leak())
}

impl Browser {
    pub(super) async fn start(javascript: Javascript) -> Self {
        let chromium = tool("chromium").unwrap();
        let folder = tempfile::tempdir().unwrap();
        let (driver, port) = start_driver(&folder).await;
        let client = eventually("a session of Chromium", async || {
            let capabilities = capabilities(&chromium, &folder.path().join("profile"), javascript);
            let address = format!("http://127.0.0.1:{port}");
            match ClientBuilder::new(HttpConnector::new()).capabilities(capabilities).connect(&address).await
            {
                Ok(client) => Some(client),
                Err(error) => {
                    eprintln!("{error}\n{}", driver.log_tail());
                    None
                }
            }
        })
        .await;
        client.set_window_size(1100, 1000).await.unwrap();
        Self { client, driver, _folder: folder }
    }

    pub(super) fn page(&self) -> &Client {
        &self.client
    }

    /// The position on the waiting page, once it shows one.
    pub(super) async fn position(&self) -> u64 {
        eventually("a position", async || self.position_now().await).await
    }

    /// The position that the page shows now; none on another page, or between two.
    pub(super) async fn position_now(&self) -> Option<u64> {
        let text = self.client.find(by_testid("position")).await.ok()?.text().await.ok()?;
        text.replace(',', "").parse().ok()
    }

    /// Waits until the fan is let in and sees the seats.
    pub(super) async fn seats(&self) {
        let seat = Locator::Css("[data-testid^='seat-']");
        eventually_within(TURN_MAX, "the turn", async || self.client.find(seat).await.ok()).await;
    }

    /// Chooses a free seat, as a person does by its label in the list, and tells its id.
    pub(super) async fn choose_seat(&self) -> String {
        // Where there is a script, the seat map stands for the list, which is folded up.
        if let Ok(folded) = self.client.find(Locator::Css("details.list:not([open]) > summary")).await {
            folded.click().await.unwrap();
        }
        let seats = Locator::Css("[data-testid^='seat-']:not([disabled])");
        let seat = self.client.find_all(seats).await.unwrap().into_iter().nth(1).expect("a second free seat");
        let id = seat.attr("data-testid").await.unwrap().unwrap();
        seat.find(Locator::XPath("./ancestor::label")).await.unwrap().click().await.unwrap();
        assert!(seat.is_selected().await.unwrap(), "{id} is chosen");
        id.trim_start_matches("seat-").to_owned()
    }

    /// The place that the fan's ticket names.
    pub(super) async fn place(&self) -> Place {
        let cookie = self.client.get_named_cookie("wr-ticket-demo").await.unwrap();
        assert_eq!(cookie.http_only(), Some(true));
        loadtest::ticket::place(cookie.value()).expect("a ticket")
    }

    /// Keeps a picture for the documentation, where somebody asks for it.
    pub(super) async fn screenshot(&self, name: &str) {
        if let Some(folder) = std::env::var_os("STANCHION_SCREENSHOTS") {
            let picture = self.client.screenshot().await.unwrap();
            std::fs::write(PathBuf::from(folder).join(format!("{name}.png")), picture).unwrap();
        }
    }

    pub(super) async fn stop(mut self) {
        self.client.close().await.unwrap();
        self.driver.tell_to_stop();
        self.driver.stopped().await;
    }
}

async fn start_driver(folder: &TempDir) -> (Process, u16) {
    let port = free_port().unwrap();
    let driver = Process::start(Program {
        name: "chromedriver".to_owned(),
        executable: tool("chromedriver").unwrap(),
        args: vec![format!("--port={port}").into()],
        env: vec![],
        log: folder.path().join("chromedriver.log"),
    });
    (driver.unwrap(), port)
}

fn capabilities(chromium: &Path, profile: &Path, javascript: Javascript) -> Capabilities {
    let arguments = [
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
    ];
    let mut arguments: Vec<String> = arguments.map(ToOwned::to_owned).to_vec();
    arguments.push(format!("--user-data-dir={}", profile.display()));
    let javascript = match javascript {
        Javascript::On => 1,
        Javascript::Off => 2,
    };
    let options = json!({
        "binary": chromium,
        "args": arguments,
        "prefs": {
            "profile.default_content_setting_values.javascript": javascript,
            "profile.managed_default_content_settings.javascript": javascript,
        },
    });
    Capabilities::from_iter([
        ("goog:chromeOptions".to_owned(), options),
        ("goog:loggingPrefs".to_owned(), json!({ "browser": "ALL" })),
    ])
}
