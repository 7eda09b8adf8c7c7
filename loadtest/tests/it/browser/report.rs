//! The pages of runs, as a browser shows them: no complaint, nothing loaded, nothing that keeps people from reading.

use std::path::Path;
use std::str::FromStr;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use fantoccini::wd::WebDriverCompatibleCommand;
use http::Method;
use loadtest::report::{compare, html};
use loadtest::run::record::OutcomeFacts;
use reqwest::Url;
use serde_json::{Value, json};

use super::chromium::{Browser, Javascript};
use crate::report::PARTS;
use crate::report::record::{record, verdict};
use crate::support::{loadtest, text as text_of};

/// Where `.ci/tools` puts what tells what keeps people from using a page.
const AXE: &str = "../target/tools/axe/node_modules/axe-core/axe.min.js";

/// A command that goes beside the standard.
#[derive(Debug)]
struct Beside(&'static str, Value);

impl WebDriverCompatibleCommand for Beside {
    fn endpoint(&self, base: &Url, session: Option<&str>) -> Result<Url, <Url as FromStr>::Err> {
        base.join(&format!("session/{}/{}", session.unwrap_or_default(), self.0))
    }

    fn method_and_body(&self, _: &Url) -> (Method, Option<String>) {
        (Method::POST, Some(self.1.to_string()))
    }
}

async fn devtools(browser: &Browser, command: &str, params: Value) -> Value {
    let body = json!({ "cmd": command, "params": params });
    browser.page().issue_cmd(Beside("goog/cdp/execute", body)).await.unwrap()
}

/// Nothing was refused by the page's own policy, not found, or thrown; nothing was asked of anybody; axe finds nothing.
async fn is_sound(browser: &Browser, what: &str) {
    let log = browser.page().issue_cmd(Beside("se/log", json!({ "type": "browser" }))).await.unwrap();
    assert_eq!(log, json!([]), "{what}");
    let asked = "return performance.getEntriesByType('resource').map((entry) => entry.name)";
    assert_eq!(browser.page().execute(asked, vec![]).await.unwrap(), json!([]), "{what}");
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join(AXE);
    let axe = std::fs::read_to_string(&file)
        .unwrap_or_else(|error| panic!("{}: {error}; `.ci/tools test` installs axe", file.display()));
    browser.page().execute(&axe, vec![]).await.unwrap();
    let run = "const done = arguments[0]; axe.run().then((found) => done(found.violations.map((one) => \
               one.id + ': ' + one.nodes.map((node) => node.html).join(' | '))), (error) => done(['failed: ' + error]));";
    assert_eq!(browser.page().execute_async(run, vec![]).await.unwrap(), json!([]), "{what}");
}

/// Keeps a picture of the page from `selector` on in the folder of the documentation's.
async fn picture(browser: &Browser, folder: &Path, name: &str, selector: &str, height: u32) {
    let top = format!("return document.querySelector('{selector}').getBoundingClientRect().top + scrollY");
    let top = browser.page().execute(&top, vec![]).await.unwrap();
    let clip = json!({ "x": 0, "y": top, "width": 1000, "height": height, "scale": 0.75 });
    let how = json!({ "format": "png", "captureBeyondViewport": true, "clip": clip });
    let picture = devtools(browser, "Page.captureScreenshot", how).await;
    let picture = BASE64_STANDARD.decode(picture["data"].as_str().unwrap()).unwrap();
    std::fs::create_dir_all(folder).unwrap();
    std::fs::write(folder.join(format!("{name}.png")), picture).unwrap();
}

/// `make screenshots`: the page of a small run with faults.
#[tokio::test]
#[ignore = "it writes into the documentation"]
async fn picture_of_a_run() {
    let Some(folder) = std::env::var_os("STANCHION_SCREENSHOTS") else { return };
    let out = tempfile::tempdir().unwrap();
    let scenarios = Path::new(env!("CARGO_MANIFEST_DIR")).join("../config/loadtest");
    let text = std::fs::read_to_string(scenarios.join("smoke.toml")).unwrap();
    let fault = "\n[[fault]]\nat = \"4s\"\nwhat = \"proxy-killed\"\n\
                 \n[[fault]]\nat = \"9s\"\nwhat = \"redis-restarted-empty\"\n";
    std::fs::write(out.path().join("smoke.toml"), text + fault).unwrap();
    let output =
        loadtest().args(["run", "smoke.toml", "--out", "."]).current_dir(out.path()).output().await.unwrap();
    assert!(output.status.success(), "{}", text_of(&output));
    let browser = Browser::start(Javascript::On).await;
    let page = format!("file://{}", out.path().join("report.html").display());
    browser.page().goto(&page).await.unwrap();
    let folder = Path::new(&folder).join("report");
    picture(&browser, &folder, "run", "body", 1250).await;
    picture(&browser, &folder, "plots", "#plots", 1650).await;
    browser.stop().await;
}

#[tokio::test]
async fn the_page_of_a_run_is_readable_by_all() {
    let folder = tempfile::tempdir().unwrap();
    let (one, mut two) = (record(600, 7), record(600, 8));
    two.verdicts[1] = verdict("P2 rate", OutcomeFacts::Broken, "Never more than the rate allows.");
    let names = ("a.json".to_owned(), "b.json".to_owned());
    let comparison = compare::Comparison::of(names, &one, &two);
    for (name, page) in
        [("run", html(&one)), ("broken", html(&two)), ("compared", compare::html(&comparison))]
    {
        std::fs::write(folder.path().join(format!("{name}.html")), page).unwrap();
    }
    let browser = Browser::start(Javascript::On).await;
    let page = browser.page();
    for scheme in ["light", "dark"] {
        let features = json!({ "features": [{ "name": "prefers-color-scheme", "value": scheme }] });
        devtools(&browser, "Emulation.setEmulatedMedia", features).await;
        for name in ["run", "broken", "compared"] {
            page.goto(&format!("file://{}/{name}.html", folder.path().display())).await.unwrap();
            is_sound(&browser, &format!("{name}, {scheme}")).await;
        }
    }

    // Every part is there and has a size; a line is drawn in the colour that its name has.
    page.goto(&format!("file://{}/run.html", folder.path().display())).await.unwrap();
    let parts = "return [...document.querySelectorAll('section')].filter((part) => \
                 part.getBoundingClientRect().height > 40).map((part) => part.id)";
    assert_eq!(page.execute(parts, vec![]).await.unwrap(), json!(PARTS));
    let lines = "return [...document.querySelectorAll('figure')].map((figure) => \
                 [...figure.querySelectorAll('.names span')].every((name) => { \
                 const colour = getComputedStyle(name, '::before').backgroundColor; \
                 return [...figure.querySelectorAll('polyline')].some((line) => getComputedStyle(line).stroke === colour); }))";
    let drawn = page.execute(lines, vec![]).await.unwrap();
    assert!(
        drawn.as_array().unwrap().len() == 18 && drawn.as_array().unwrap().iter().all(|yes| *yes == true),
        "{drawn}"
    );
    browser.stop().await;
}
