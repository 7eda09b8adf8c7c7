//! Changes: what would come of them, that they are made, who is faster, and what is refused.

use reqwest::Method;
use serde_json::{Value, json};

use super::{api, click, come, enter, found, none, operator, shown};
use crate::axe;
use crate::chromium::Browser;
use crate::harness::{ADMIN, Edge, OPERATOR, STANDING, browser as program, navigate, room, until_state};
use crate::shop::Shop;

async fn change(edge: &Edge, room: &str, keys: Value) {
    api(edge, ADMIN, Method::PATCH, &format!("/rooms/{room}"), Some(keys)).await;
}

/// Two rooms, `demo` and `other`.
fn rooms(mode: &str) -> String {
    let other = format!(
        "[[room]]\nid = \"other\"\npaths = [\"/other\"]\ntitle = \"Another Show\"\nmode = \"{mode}\"\n"
    );
    format!("{}{other}", room(STANDING))
}

async fn apply(browser: &Browser) {
    browser.until("return document.querySelector('[data-testid=apply]').disabled", |off| off == false).await;
    click(browser, "apply").await;
}

#[tokio::test]
async fn a_rate_is_previewed_put_in_force_and_in_the_audit_trail() {
    let shop = Shop::start().await;
    let edge = Edge::start(&shop, &room(STANDING));
    come(&edge, 12).await;
    let browser = operator(&edge).await;
    browser.shows("preview", |text| text.contains("The 12 who wait keep their places")).await;
    enter(&browser, "rate", "2").await;
    browser.run("const mode = document.getElementById('mode'); mode.value = 'auto'; mode.dispatchEvent(new Event('input'))").await;
    let told = browser
        .shows("preview", |text| text.contains("At 2 a minute the last of the 12 fans who wait"))
        .await;
    assert!(told.contains("4 to 6 min more"), "{told}");
    let news = "return document.getElementById('news').textContent";
    browser.until(news, |said| said.as_str().is_some_and(|said| said.starts_with("At 2 a minute"))).await;
    assert_eq!(shown(&edge).await["drain_per_minute"], 600, "nothing is changed yet");
    apply(&browser).await;
    browser
        .shows("said", |text| text.contains("In force:") && text.contains("drain_per_minute 600 → 2"))
        .await;
    let now = shown(&edge).await;
    assert_eq!((&now["drain_per_minute"], &now["mode"]), (&json!(2), &json!("auto")));
    browser.shows("audit", |text| text.contains("anna") && text.contains("drain_per_minute 600 → 2")).await;
    browser.shows("value-drain", |text| text != "600").await;
    // What is wrong is said by the edge, before and after.
    enter(&browser, "places", "0").await;
    browser.shows("preview", |text| text.contains("max_active")).await;
    apply(&browser).await;
    browser.shows("said", |text| text.contains("max_active")).await;
    click(&browser, "undo").await;
    browser.until("return document.getElementById('places').value", |value| value == "1000").await;
    // A field that is empty is not a change.
    enter(&browser, "rate", "\u{e017}").await;
    assert!(!found(&browser, "apply").await.is_enabled().await.unwrap());
    assert_eq!(shown(&edge).await["drain_per_minute"], 2);
}

#[tokio::test]
async fn a_room_is_paused_resumed_and_closed_and_its_fans_are_told() {
    let shop = Shop::start().await;
    let edge = Edge::start(&shop, &room("mode = \"always\"\ndrain_per_minute = 0"));
    let fan = program();
    navigate(&fan, &edge.url("/events/demo")).await;
    let browser = operator(&edge).await;
    click(&browser, "pause").await;
    browser.shows("phase", |text| text == "paused").await;
    until_state(&fan, &edge, "paused").await;
    browser.until("return document.querySelector('[data-testid=resume]').disabled", |off| off == false).await;
    click(&browser, "resume").await;
    browser.shows("phase", |text| text == "open").await;
    assert_eq!(shown(&edge).await["mode"], "always", "as before");
    enter(&browser, "message", "The second show is on sale at nine.").await;
    click(&browser, "tell").await;
    browser.shows("said", |text| text.contains("message")).await;
    assert_eq!(until_state(&fan, &edge, "waiting").await["message"], "The second show is on sale at nine.");
    browser.until("return document.querySelector('[data-testid=untell]').disabled", |off| off == false).await;
    click(&browser, "untell").await;
    browser.until("return document.getElementById('message').value", |value| value == "").await;
    // One thing after another: nobody is in their own way.
    let hasty = "for (const name of ['pause', 'tell', 'apply']) { const one = document.querySelector(`[data-testid=${name}]`); \
                 if (name === 'apply') { const rate = document.getElementById('rate'); rate.value = '7'; \
                 rate.dispatchEvent(new Event('input')); } one.click(); one.click(); }";
    browser.until("return document.querySelector('[data-testid=pause]').disabled", |off| off == false).await;
    browser.run(hasty).await;
    browser.shows("phase", |text| text == "paused").await;
    browser.until("return document.querySelector('[data-testid=apply]').disabled", |off| off == false).await;
    assert_eq!(browser.text("outrun").await, None);
    assert_eq!(shown(&edge).await["drain_per_minute"], 0, "what was not to be clicked yet was not");
    click(&browser, "apply").await;
    browser.shows("said", |text| text.contains("drain_per_minute 0 → 7")).await;
    click(&browser, "resume").await;
    browser.shows("phase", |text| text == "open").await;
    // Closing is asked about.
    click(&browser, "close").await;
    browser.shows("closing", |text| text.contains("Nobody joins and nobody gets in")).await;
    axe::finds_nothing(&browser, "closing").await;
    click(&browser, "choose-none").await;
    assert_eq!(shown(&edge).await["mode"], "always");
    click(&browser, "close").await;
    click(&browser, "choose-close").await;
    browser.shows("phase", |text| text == "closed").await;
    browser.shows("audit", |text| text.contains("close") && text.contains("pause")).await;
    assert_eq!(browser.complaints().await, none());
}

#[tokio::test]
async fn of_two_operators_the_second_sees_what_the_first_did_and_may_insist() {
    let shop = Shop::start().await;
    let edge = Edge::start(&shop, &rooms("paused"));
    let browser = operator(&edge).await;
    enter(&browser, "rate", "200").await;
    change(&edge, "demo", json!({ "drain_per_minute": 100 })).await;
    browser.shows("meanwhile", |text| text.contains("rate from 600 to 100")).await;
    apply(&browser).await;
    browser.shows("outrun", |text| text.contains("Somebody was faster")).await;
    browser.shows("other-change", |text| text.contains("Rate was 600, and is 100 now")).await;
    browser
        .shows("other-who", |text| text.contains("root") && text.contains("drain_per_minute 600 → 100"))
        .await;
    axe::finds_nothing(&browser, "outrun").await;
    browser.sized(1280, 1420).await;
    browser.picture("dashboard/two-operators").await;
    click(&browser, "choose-none").await;
    assert_eq!(shown(&edge).await["drain_per_minute"], 100);
    apply(&browser).await;
    click(&browser, "choose-again").await;
    browser.shows("said", |text| text.contains("drain_per_minute 100 → 200")).await;
    assert_eq!(shown(&edge).await["drain_per_minute"], 200);
    browser.complaints().await;
    // Somebody who changes another room is in nobody's way.
    enter(&browser, "rate", "300").await;
    change(&edge, "other", json!({ "drain_per_minute": 50 })).await;
    apply(&browser).await;
    browser.shows("said", |text| text.contains("drain_per_minute 200 → 300")).await;
    assert_eq!(api(&edge, OPERATOR, Method::GET, "/rooms/other", None).await["drain_per_minute"], 50);
}

/// The answer to the first change is lost on its way.
const LOSES_AN_ANSWER: &str = "const real = window.fetch; let lost = 0; window.fetch = async (url, how) => { \
    const answer = await real(url, how); \
    if (how.method === 'PATCH' && lost++ === 0) throw new TypeError('lost'); \
    window.asked = lost; return answer; }";

#[tokio::test]
async fn a_change_whose_answer_was_lost_is_not_made_twice() {
    let shop = Shop::start().await;
    let edge = Edge::start(&shop, &room(STANDING));
    let browser = Browser::start(super::WIDE).await;
    browser.before_each_page(LOSES_AN_ANSWER).await;
    super::sign_in(&browser, &edge, OPERATOR).await;
    enter(&browser, "rate", "45").await;
    apply(&browser).await;
    // Made again without its key it would be another change, of a configuration that is otherwise by now.
    browser.shows("said", |text| text.contains("drain_per_minute 600 → 45")).await;
    assert_eq!(browser.run("return window.asked").await, json!(2));
    let entries = api(&edge, OPERATOR, Method::GET, "/audit", None).await["entries"].clone();
    let made = entries.as_array().unwrap().iter().filter(|entry| entry["actor"] == "anna").count();
    assert_eq!(made, 1, "{entries}");
}

#[tokio::test]
async fn each_room_has_a_page_of_its_own() {
    let shop = Shop::start().await;
    let edge = Edge::start(&shop, &rooms("closed"));
    let browser = operator(&edge).await;
    browser.shows("room", |text| text == "The Show").await;
    browser.run("document.querySelector('nav a[href=\"#other\"]').click()").await;
    browser.shows("room", |text| text == "Another Show").await;
    browser.shows("phase", |text| text == "closed").await;
    browser.page().refresh().await.unwrap();
    browser.shows("room", |text| text == "Another Show").await;
    assert_eq!(browser.text("shadow").await, None);
    change(&edge, "other", json!({ "mode": "shadow" })).await;
    browser.shows("shadow", |text| text.contains("0 would wait now, 0 would be inside")).await;
    browser.page().back().await.unwrap();
    browser.shows("room", |text| text == "The Show").await;
}

#[tokio::test]
async fn taking_all_admissions_back_takes_the_name_of_the_room() {
    let shop = Shop::start().await;
    let edge = Edge::start(&shop, &room(""));
    let fan = program();
    assert_eq!(navigate(&fan, &edge.url("/events/demo")).await.status(), 200);
    let browser = operator(&edge).await;
    browser.shows("active", |text| text == "1 of 1,000").await;
    click(&browser, "void").await;
    browser.shows("grave", |text| text.contains("Type demo to go on")).await;
    axe::finds_nothing(&browser, "void").await;
    enter(&browser, "typed-word", "dem").await;
    click(&browser, "choose-yes").await;
    browser.shows("grave", |_| true).await;
    enter(&browser, "typed-word", "demo").await;
    enter(&browser, "typed-why", "a key leaked").await;
    click(&browser, "choose-yes").await;
    browser.shows("said", |text| text == "Done: 1 sessions ended.").await;
    browser.shows("audit", |text| text.contains("void") && text.contains("a key leaked")).await;
    browser.shows("active", |text| text == "0 of 1,000").await;
}

#[tokio::test]
async fn a_line_is_emptied_by_an_admin_who_names_the_room() {
    let shop = Shop::start().await;
    let edge = Edge::start(&shop, &room(STANDING));
    come(&edge, 3).await;
    let browser = operator(&edge).await;
    browser.shows("waiting", |text| text == "3").await;
    browser.shows("why-no-reset", |text| text.contains("token of an admin")).await;
    assert!(!found(&browser, "reset").await.is_enabled().await.unwrap());
    click(&browser, "sign-out").await;
    super::sign_in(&browser, &edge, ADMIN).await;
    browser.shows("waiting", |text| text == "3").await;
    click(&browser, "reset").await;
    browser.shows("grave", |text| text.contains("All 3 places") && text.contains("Type demo to go on")).await;
    enter(&browser, "typed-word", "demo").await;
    enter(&browser, "typed-why", "it began too early").await;
    click(&browser, "choose-yes").await;
    browser.shows("said", |text| text == "Done: 3 places and 0 sessions ended.").await;
    browser.shows("waiting", |text| text == "0").await;
    browser.shows("audit", |text| text.contains("reset") && text.contains("it began too early")).await;
    assert_eq!(browser.complaints().await, none());
}
