//! axe: what keeps people from using a page, as far as a program can tell.

use std::path::Path;

use serde_json::Value;

use crate::chromium::Browser;

/// Where `.ci/tools` puts it.
const FILE: &str = "../target/tools/axe/node_modules/axe-core/axe.min.js";

/// Fails where axe finds anything on the page.
pub(crate) async fn finds_nothing(browser: &Browser, what: &str) {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join(FILE);
    let source = std::fs::read_to_string(&file)
        .unwrap_or_else(|error| panic!("{}: {error}; `.ci/tools test` installs axe", file.display()));
    browser.page().execute(&source, vec![]).await.unwrap();
    let run = "const done = arguments[0]; axe.run().then((found) => done(found.violations.map((one) => \
               one.id + ': ' + one.nodes.map((node) => node.html).join(' | '))), (error) => done(['failed: ' + error]));";
    let found = browser.page().execute_async(run, vec![]).await.unwrap();
    assert_eq!(found, Value::Array(vec![]), "{what}");
}
