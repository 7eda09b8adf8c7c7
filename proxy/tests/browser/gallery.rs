//! The pictures of every state in `docs/screenshots`: `make screenshots`.

use crate::chromium::{Browser, Kind};
use crate::previews::{Previews, WAITING};

const PHONE: (u32, u32) = (390, 700);
const DESKTOP: (u32, u32) = (1000, 700);

#[tokio::test]
#[ignore = "takes the pictures of the documentation: `make screenshots`"]
async fn every_state() {
    let previews = Previews::new();
    let browser = Browser::start(Kind::default()).await;
    browser.sized(PHONE.0, PHONE.1).await;
    for state in previews.names() {
        browser.goto(&previews.write(&state, "en")).await;
        browser.picture(&format!("phone/{state}")).await;
    }
    write_list(&previews.names());
    browser.sized(DESKTOP.0, DESKTOP.1).await;
    for state in WAITING {
        browser.goto(&previews.write(state, "en")).await;
        browser.picture(&format!("desktop/{state}")).await;
    }
}

/// A page that shows all of them.
fn write_list(names: &[String]) {
    let Some(folder) = std::env::var_os("STANCHION_SCREENSHOTS") else { return };
    let mut list = "# Every page\n\nTaken by `make screenshots`, which writes this file too. What each page is for: \
                    [waiting-page.md](../waiting-page.md). There are pictures on a [desktop](desktop), in the \
                    [dark](dark), in other [languages](languages), [live](live) ones, those of the \
                    [dashboard](dashboard), which is for operators: [operating.md](../operating.md#the-dashboard), and those of \
                    the [shop](shop): [shop.md](../shop.md#pages).\n"
        .to_owned();
    for row in names.chunks(3) {
        let cells = |cell: &dyn Fn(&String) -> String| row.iter().map(cell).collect::<Vec<_>>().join(" | ");
        let head = cells(&|name| format!("`{name}`"));
        let pictures = cells(&|name| format!("![{name}](phone/{name}.png)"));
        list += &format!("\n| {head} |\n|{}\n| {pictures} |\n", "---|".repeat(row.len()));
    }
    std::fs::write(std::path::Path::new(&folder).join("README.md"), list).unwrap();
}

#[tokio::test]
#[ignore = "takes the pictures of the documentation: `make screenshots`"]
async fn every_language_and_the_dark() {
    let previews = Previews::new();
    let browser = Browser::start(Kind::default()).await;
    browser.sized(PHONE.0, PHONE.1).await;
    for (state, language) in [
        ("waiting", "ko"),
        ("prequeue", "ja"),
        ("drawn", "zh"),
        ("early", "es"),
        ("paused", "de"),
        ("closed", "fr"),
        ("waiting", "ar"),
    ] {
        browser.goto(&previews.write(state, language)).await;
        browser.picture(&format!("languages/{state}-{language}")).await;
    }
    browser.emulate("prefers-color-scheme", "dark").await;
    for state in ["waiting", "prequeue", "admitted", "store-away", "take"] {
        browser.goto(&previews.write(state, "en")).await;
        browser.picture(&format!("dark/{state}")).await;
    }
}
