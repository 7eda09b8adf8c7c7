//! Paying by Stripe's own form: the browser confirms the payment at Stripe, and the shop believes Stripe alone.

use crate::axe;
use crate::chromium::{Browser, Kind};
use crate::shop::{Shop, WEBHOOK_SECRET};
use crate::stand_in::StandIn;
use crate::stripe::{FakeStripe, LocalStripe};

async fn shop_at(stripe: &FakeStripe, key: &str) -> Shop {
    Shop::start_with(&format!(
        "[payments]\nprovider = \"stripe\"\n[payments.stripe]\nurl = \"{}\"\n{key}",
        stripe.url()
    ))
    .await
}

const KEY: &str = "publishable_key = \"pk_test_of_the_tests\"\n";

async fn hold(browser: &Browser, shop: &Shop, seat: &str) {
    browser.goto(&shop.url("/events/lighthouse")).await;
    browser.run(&format!("document.querySelector('[data-testid=\"seat-{seat}\"]').checked = true")).await;
    browser.click("hold").await;
}

async fn type_card(browser: &Browser, card: &str) {
    browser.shows("pay", |text| text.starts_with("Pay ")).await;
    browser.run(&format!("window.card = '{card}'")).await;
}

/// Behind the stand-in for Stripe's hosts is another's idea of Stripe, which tells by signed messages as well.
#[tokio::test(flavor = "multi_thread")]
async fn a_card_is_declined_and_another_pays_at_localstripe() {
    let local = LocalStripe::start().await;
    let told = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    local.tell(&format!("http://{}/", told.local_addr().unwrap()), WEBHOOK_SECRET).await;
    let stripe = FakeStripe::before(Some(local)).await;
    let shop = shop_at(&stripe, KEY).await;
    let webhook = shop.url("/api/payments/webhooks/stripe");
    let relay =
        axum::Router::new().fallback(async move |headers: axum::http::HeaderMap, body: axum::body::Bytes| {
            let signature = headers.get("stripe-signature").unwrap().clone();
            let message = reqwest::Client::new().post(webhook.clone()).header("stripe-signature", signature);
            message.body(body).send().await.unwrap().status()
        });
    let relaying = tokio::spawn(async move { axum::serve(told, relay).await.unwrap() });
    let hosts = StandIn::start(stripe.url()).await;
    let kind = Kind { size: (900, 1200), ..Kind::default() };
    let browser = Browser::start_with(kind, &hosts.arguments()).await;

    hold(&browser, &shop, "A-1").await;
    browser.shows("pay", |text| text == "Pay £45.00").await;
    axe::finds_nothing(&browser, "stripe's form").await;
    browser.click("pay").await;
    browser.shows("pay-problem", |text| text == "Your card number is incomplete.").await;
    axe::finds_nothing(&browser, "a card that is not typed yet").await;
    type_card(&browser, "pm_card_visa").await;
    browser.run("document.querySelector('[data-testid=email]').value = 'guest@example.com'").await;
    browser.click("pay").await;
    browser.shows("ticket-code", |code| code.len() == 19).await;
    let asked = hosts.asked();
    assert!(asked.iter().any(|call| call == "js.stripe.com/v3/"), "{asked:?}");
    assert!(asked.iter().any(|call| call.starts_with("api.stripe.com/v1/payment_intents/pi_")), "{asked:?}");

    // The fan leaves at the moment at which it is charged: Stripe tells the shop, and the page follows.
    hold(&browser, &shop, "A-2").await;
    type_card(&browser, "pm_card_visa").await;
    browser.run("window.leaves = true").await;
    browser.click("pay").await;
    browser.until("return window.charged", |charged| charged == true).await;
    browser.goto(&shop.url("/tickets")).await;
    let codes = "return document.querySelectorAll('[data-testid=ticket-code]').length";
    let two = async || {
        browser.goto(&shop.url("/tickets")).await;
        browser.run(codes).await
    };
    for _ in 0..100 {
        if two().await == 2 {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(200)).await;
    }
    assert_eq!(browser.run(codes).await, 2);
    assert_eq!(browser.complaints().await, Vec::<String>::new(), "the policy lets in what is needed");
    relaying.abort();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_begun_can_be_gone_on_with_and_given_up() {
    let stripe = FakeStripe::start().await;
    let shop = shop_at(&stripe, KEY).await;
    let hosts = StandIn::start(stripe.url()).await;
    let kind = Kind { size: (900, 1200), ..Kind::default() };
    let browser = Browser::start_with(kind, &hosts.arguments()).await;
    hold(&browser, &shop, "A-1").await;
    type_card(&browser, "pm_card_chargeCustomerFail").await;
    browser.click("pay").await;
    browser.shows("pay-problem", |text| text == "Your card was declined.").await;
    let page = browser.run("return location.href").await;
    browser.goto(page.as_str().unwrap()).await;
    browser.shows("hold-countdown", |text| text.starts_with("Held for you for ")).await;
    axe::finds_nothing(&browser, "a payment that is begun").await;
    browser.click("give-back").await;
    browser.until("return location.pathname", |path| path == "/events/lighthouse").await;
    assert_eq!(stripe.charges().pop().unwrap().status, "canceled");
    hold(&browser, &shop, "A-2").await;
    type_card(&browser, "pm_card_chargeCustomerFail").await;
    browser.click("pay").await;
    browser.shows("pay-problem", |text| text == "Your card was declined.").await;
    type_card(&browser, "pm_card_visa").await;
    browser.click("pay").await;
    browser.shows("ticket-code", |code| code.len() == 19).await;
    assert_eq!(stripe.charges().iter().map(|charge| charge.taken).sum::<u32>(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn without_stripes_script_the_page_says_so() {
    let stripe = FakeStripe::start().await;
    let shop = shop_at(&stripe, KEY).await;
    let kind = Kind { scripts: false, size: (900, 1200), ..Kind::default() };
    let browser = Browser::start(kind).await;
    browser.goto(&shop.url("/events/lighthouse")).await;
    browser.click("seat-A-3").await;
    browser.click("hold").await;
    browser.shows("needs-script", |text| text.contains("that form needs JavaScript")).await;
    assert_eq!(browser.text("pay").await, None, "there is nothing to press");
    drop(browser);
    // Nobody answers at js.stripe.com.
    let nowhere = ["--host-resolver-rules=MAP *.stripe.com 127.0.0.1:9".to_owned()];
    let browser = Browser::start_with(Kind::default(), &nowhere).await;
    hold(&browser, &shop, "A-4").await;
    browser.shows("pay-problem", |text| text.contains("Stripe's form cannot be loaded")).await;
    axe::finds_nothing(&browser, "stripe cannot be reached").await;
}
