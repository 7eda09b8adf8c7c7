//! The dashboard, as operators use it.

mod changing;
mod gallery;
mod looking;
mod one_fan;
mod reaching;
mod scene;

use fantoccini::Locator;
use fantoccini::elements::Element;
use fantoccini::key::Key;
use reqwest::Method;
use serde_json::Value;

use crate::chromium::{Browser, Kind};
use crate::harness::{Edge, OPERATOR, browser as program, navigate};

const WIDE: Kind = Kind { scripts: true, language: "en-US", dark: false, size: (1300, 1000) };

fn address(edge: &Edge) -> String {
    format!("http://{}/", edge.admin)
}

async fn found(browser: &Browser, testid: &str) -> Element {
    browser.page().find(Locator::Css(&format!("[data-testid='{testid}']"))).await.unwrap()
}

/// Writes into a field, instead of what is there.
async fn enter(browser: &Browser, testid: &str, text: &str) {
    let field = found(browser, testid).await;
    // All of it at once, as somebody who types does: figures that come meanwhile do not come between.
    field.send_keys(&format!("{}a{}{text}", char::from(Key::Control), char::from(Key::Null))).await.unwrap();
}

/// Clicks something, wherever it is on the page: its head covers what lies under it.
async fn click(browser: &Browser, testid: &str) {
    let seen = format!(
        "const one = document.querySelector(\"[data-testid='{testid}']\"); \
         one?.scrollIntoView({{ block: 'center' }}); return Boolean(one)"
    );
    browser.until(&seen, |seen| seen == true).await;
    browser.click(testid).await;
}

/// Opens the dashboard with this token, and waits until it shows something.
async fn sign_in(browser: &Browser, edge: &Edge, token: &str) {
    browser.goto(&address(edge)).await;
    browser.until("return document.activeElement.id", |id| id == "token").await;
    enter(browser, "token", &format!("{token}\n")).await;
    browser.shows("link", |text| text == "Live").await;
}

/// An operator before their dashboard.
async fn operator(edge: &Edge) -> Browser {
    let browser = Browser::start(WIDE).await;
    sign_in(&browser, edge, OPERATOR).await;
    browser
}

/// Asks the admin API, past the dashboard.
async fn api(edge: &Edge, token: &str, method: Method, path: &str, body: Option<Value>) -> Value {
    let request = program().request(method, format!("{}api/v1{path}", address(edge))).bearer_auth(token);
    let request = match body {
        Some(body) => request.json(&body),
        None => request,
    };
    let answer = request.send().await.unwrap();
    assert!(answer.status().is_success(), "{path}: {}", answer.text().await.unwrap());
    answer.json().await.unwrap()
}

async fn shown(edge: &Edge) -> Value {
    api(edge, OPERATOR, Method::GET, "/rooms/demo", None).await
}

/// So many fans join, and go.
async fn come(edge: &Edge, fans: usize) {
    for _ in 0..fans {
        navigate(&program(), &edge.url("/events/demo")).await;
    }
}

fn none() -> Vec<String> {
    Vec::new()
}
