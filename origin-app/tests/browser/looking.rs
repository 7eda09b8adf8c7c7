//! Every page in both languages, by day and in the dark, on a desk and on a phone.

use serde_json::json;

use crate::axe;
use crate::chromium::{Browser, Kind};
use crate::shop::{ORGANISER_TOKEN, Shop};
use crate::smtp::MailSink;

/// What everybody, or an organiser, can open.
const PAGES: [&str; 16] = [
    "/",
    "/?q=nothing",
    "/events/arena",
    "/tickets",
    "/account/login",
    "/account",
    "/account/signup",
    "/account/forgot",
    "/account/verify?token=nobodys",
    "/account/reset?token=nobodys",
    "/organiser",
    "/organiser/events/new",
    "/organiser/events/arena",
    "/organiser/events/arena/call-off",
    "/organiser/events/lighthouse/refund?seat=A-2",
    "/nowhere",
];

/// Has the browser say with each request that an organiser sits before it.
pub(crate) async fn organises(browser: &Browser) {
    browser.devtools("Network.enable", json!({})).await;
    let headers = json!({ "headers": { "Authorization": format!("Bearer {ORGANISER_TOKEN}") } });
    browser.devtools("Network.setExtraHTTPHeaders", headers).await;
}

#[tokio::test]
async fn axe_finds_nothing_on_any_page_and_a_phone_shows_all_of_it() {
    let shop = Shop::start().await;
    shop.pay(&shop.take("lighthouse", &["A-1", "A-2"]).await).await;
    for (dark, language) in [(false, "en-US"), (true, "ko-KR")] {
        let browser = Browser::start(Kind { dark, language, ..Kind::default() }).await;
        organises(&browser).await;
        for width in [1100, 360] {
            browser.sized(width, 800).await;
            for page in PAGES {
                browser.goto(&shop.url(page)).await;
                let what = format!("{page} {language} {width}");
                axe::finds_nothing(&browser, &what).await;
                let wide = browser.run("return document.documentElement.scrollWidth - innerWidth").await;
                assert_eq!(wide, 0, "{what} is wider than the screen");
                assert_eq!(browser.run("return document.documentElement.lang").await, language[..2]);
            }
        }
        let complaints = browser.complaints().await;
        // The page that is not there says so to the log as well.
        assert!(complaints.iter().all(|line| line.contains("/nowhere")), "{complaints:?}");
    }
}

#[tokio::test]
async fn axe_finds_nothing_on_pages_of_who_is_logged_in() {
    let sink = MailSink::start().await;
    let shop = Shop::start_with(&sink.section()).await;
    let client = reqwest::Client::new();
    let post =
        async |path: &str, body| client.post(shop.url(path)).json(&body).send().await.unwrap().status();
    let who = json!({"email": "fan@example.com", "password": "a long evening"});
    assert_eq!(post("/api/auth/signup", who).await, 202);
    let token = sink.mails("fan@example.com", 1).await[0].token();
    assert_eq!(post("/api/auth/verify", json!({"token": token})).await, 200);
    for (dark, language) in [(false, "en-US"), (true, "ko-KR")] {
        let browser = Browser::start(Kind { dark, language, ..Kind::default() }).await;
        browser.goto(&shop.url("/account/login")).await;
        let log_in = "const form = document.querySelector('form[action=\"/account/login\"]'); \
                      form.email.value = 'fan@example.com'; form.password.value = 'a long evening'; form.requestSubmit()";
        browser.run(log_in).await;
        let told = "return document.body.textContent.includes('fan@example.com')";
        browser.until(told, |seen| *seen == true).await;
        for (page, width) in [("/account", 1100), ("/account/password", 1100), ("/account/password", 360)] {
            browser.sized(width, 800).await;
            browser.goto(&shop.url(page)).await;
            assert_eq!(browser.run("return location.pathname").await, page);
            axe::finds_nothing(&browser, &format!("{page} {language} {width}")).await;
        }
    }
}

#[tokio::test]
async fn states_differ_by_shape_and_not_by_colour_alone() {
    let shop = Shop::start().await;
    shop.hold(&["ST.A-1"]).await;
    let browser = Browser::start(Kind::default()).await;
    browser.goto(&shop.url("/events/arena")).await;
    // One seat in each state, as who sees no colours sees it.
    browser.devtools("Emulation.setEmulatedVisionDeficiency", json!({ "type": "achromatopsia" })).await;
    let mut pictures = Vec::new();
    for state in ["available", "held", "sold", "mine", "chosen"] {
        let draw = format!(
            "const mark = document.querySelector('[data-seat=\"ST.C-1\"]'); mark.querySelector('use').setAttribute('href', \
             '#m-{state}'); mark.querySelector('text').textContent = ''; mark.scrollIntoView({{ block: 'center' }}); \
             const at = mark.getBoundingClientRect(); return [at.x + scrollX, at.y + scrollY]"
        );
        let at = browser.run(&draw).await;
        let clip = json!({ "x": at[0], "y": at[1], "width": 24, "height": 24, "scale": 1 });
        let picture =
            browser.devtools("Page.captureScreenshot", json!({ "format": "png", "clip": clip })).await;
        assert!(!pictures.contains(&picture), "{state} looks like another");
        pictures.push(picture);
    }
    let drawn = "return document.querySelector('[data-seat=\"ST.A-1\"] use').getAttribute('href')";
    assert_eq!(browser.run(drawn).await, "#m-held");
}
