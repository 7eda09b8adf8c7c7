//! Accounts: by whom they are opened, what they carry along, and what nobody learns of them.

use std::sync::Arc;

use origin_app::config::Settings;
use origin_app::notifications::EmailAddress;
use reqwest::{Client, Method};
use serde_json::{Value, json};

use crate::binary::{Process, origin_app};
use crate::support::{
    Answer, Database, Fan, MailSink, ManualClock, Shop, eventually, on_both_databases, settings,
};

pub(crate) const EMAIL: &str = "fan@example.com";
pub(crate) const PASSWORD: &str = "correct horse";

on_both_databases!(
    an_account_is_opened_by_the_link_in_the_mail,
    what_a_guest_has_comes_along,
    a_new_password_ends_every_session,
    organisers_are_named_or_made,
);

pub(crate) async fn open_shop(database: &Database, sink: &MailSink) -> Shop {
    let organisers = vec![EmailAddress::parse("boss@example.com").unwrap()];
    let accounts = origin_app::config::Accounts { organisers, ..Default::default() };
    let settings = Settings { mail: sink.settings(), accounts, ..settings(database) };
    Shop::open_with(settings, Arc::new(ManualClock::new()), None).await
}

async fn sign_up(fan: &Fan, email: &str, password: &str) -> Answer {
    fan.post("/api/auth/signup", &json!({"email": email, "password": password})).await
}

pub(crate) async fn log_in(fan: &Fan, email: &str, password: &str) -> Answer {
    fan.post("/api/auth/login", &json!({"email": email, "password": password})).await
}

/// Opens an account with the password of all tests.
pub(crate) async fn account(fan: &Fan, sink: &MailSink, email: &str) {
    assert_eq!(sign_up(fan, email, PASSWORD).await.status, 202);
    let token = sink.mails(email, 1).await[0].token();
    let verified = fan.post("/api/auth/verify", &json!({"token": token})).await;
    assert_eq!((verified.status, verified.json()), (200, json!({"status": "verified"})));
}

pub(crate) async fn logged_in(fan: &Fan, email: &str) {
    let answer = log_in(fan, email, PASSWORD).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
}

async fn reservations(fan: &Fan) -> Vec<Value> {
    fan.get("/api/reservations").await.json()["reservations"].as_array().unwrap().clone()
}

async fn an_account_is_opened_by_the_link_in_the_mail(database: Database) {
    let sink = MailSink::start().await;
    let shop = open_shop(&database, &sink).await;
    let (fan, thief) = (shop.fan(), shop.fan());
    // Somebody else is first to ask with this address. The link that its owner follows is their own.
    assert_eq!(sign_up(&thief, EMAIL, "a thief's password").await.status, 202);
    sink.mails(EMAIL, 1).await;
    let answer = sign_up(&fan, " Fan@Example.com ", PASSWORD).await;
    assert_eq!((answer.status, answer.json()), (202, json!({"status": "mail_sent"})));
    log_in(&fan, EMAIL, PASSWORD).await.is_problem(401, "login_failed");
    let mails = sink.mails(EMAIL, 2).await;
    let tokens = [mails[0].token(), mails[1].token()];
    fan.post("/api/auth/verify", &json!({"token": "0".repeat(64)})).await.is_problem(410, "link_over");
    assert_eq!(fan.post("/api/auth/verify", &json!({"token": tokens[1]})).await.status, 200);
    for token in &tokens {
        thief.post("/api/auth/verify", &json!({"token": token})).await.is_problem(410, "link_over");
    }
    log_in(&thief, EMAIL, "a thief's password").await.is_problem(401, "login_failed");

    fan.get("/api/auth/account").await.is_problem(401, "login_needed");
    let answer = log_in(&fan, "FAN@example.com", PASSWORD).await;
    let cookie = answer.header("set-cookie").to_owned();
    assert!(cookie.starts_with("shop-session="), "{cookie}");
    for part in ["HttpOnly", "SameSite=Lax", "Path=/", "Max-Age=1209600"] {
        assert!(cookie.contains(part), "no {part} in {cookie}");
    }
    let me = fan.get("/api/auth/account").await;
    assert_eq!((me.json()["email"].as_str(), me.json()["role"].as_str()), (Some(EMAIL), Some("fan")));
    assert_eq!(me.header("cache-control"), "private, no-store");
    // The token itself is nowhere.
    let token = cookie.split(['=', ';']).nth(1).unwrap();
    assert_eq!(database.count("SELECT count(*) FROM sessions").await, 1);
    let hashed: &'static str =
        Box::leak(format!("SELECT count(*) FROM sessions WHERE token_hash = '{token}'").into_boxed_str());
    assert_eq!(database.count(hashed).await, 0);

    assert_eq!(fan.post("/api/auth/logout", &json!({})).await.status, 204);
    fan.get("/api/auth/account").await.is_problem(401, "login_needed");
    assert_eq!(database.count("SELECT count(*) FROM sessions").await, 0);

    logged_in(&fan, EMAIL).await;
    shop.clock.advance(std::time::Duration::from_secs(14 * 24 * 3600));
    fan.get("/api/auth/account").await.is_problem(401, "login_needed");
    shop.close().await;
}

async fn what_a_guest_has_comes_along(database: Database) {
    let sink = MailSink::start().await;
    let shop = open_shop(&database, &sink).await;
    shop.create_demo(&[("A", 5)]).await;
    let fan = shop.fan();
    account(&fan, &sink, EMAIL).await;
    let (bought, held) = (fan.held(&["A-1"]).await, fan.held(&["A-2"]).await);
    assert_eq!(fan.pay(&bought, "sandbox-ok").await.status, 200);
    let guest = fan.cookie("shop-fan").unwrap();
    // By the page: what is only held comes along from the inventory as well.
    assert_eq!(fan.submit("/account/login", &[("email", EMAIL), ("password", PASSWORD)]).await.status, 303);
    assert_eq!(fan.cookie("shop-fan"), None, "nobody else shall be the guest");
    assert_eq!(reservations(&fan).await.len(), 2);
    assert_eq!(fan.pay(&held, "sandbox-ok").await.status, 200);
    let more = fan.held(&["A-3"]).await;

    let elsewhere = shop.fan();
    logged_in(&elsewhere, EMAIL).await;
    assert_eq!(reservations(&elsewhere).await.len(), 3);
    assert_eq!(elsewhere.pay(&more, "sandbox-ok").await.status, 200);
    assert_eq!(
        elsewhere.hold(&["A-4", "A-5"]).await.status,
        422,
        "the limit is the fan's, in whatever browser"
    );

    // Whoever has the guest's cookie has nothing any more.
    let request = shop.forward(&Client::new(), Method::GET, "/api/reservations", "demo", "t1");
    let answer: Value =
        request.header("cookie", format!("shop-fan={guest}")).send().await.unwrap().json().await.unwrap();
    assert_eq!(answer["reservations"], json!([]));
    fan.post("/api/auth/logout", &json!({})).await;
    assert_eq!(reservations(&fan).await.len(), 0);
    shop.close().await;
}

async fn a_new_password_ends_every_session(database: Database) {
    let sink = MailSink::start().await;
    let shop = open_shop(&database, &sink).await;
    let fan = shop.fan();
    account(&fan, &sink, EMAIL).await;
    logged_in(&fan, EMAIL).await;
    let answer = fan.post("/api/auth/forgot", &json!({"email": EMAIL})).await;
    assert_eq!((answer.status, answer.json()), (202, json!({"status": "mail_sent"})));
    let token = sink.mails(EMAIL, 2).await[1].token();
    let body = json!({"token": token, "password": "another horse"});
    assert_eq!(fan.post("/api/auth/reset", &body).await.status, 200);
    fan.get("/api/auth/account").await.is_problem(401, "login_needed");
    fan.post("/api/auth/reset", &body).await.is_problem(410, "link_over");
    log_in(&fan, EMAIL, PASSWORD).await.is_problem(401, "login_failed");
    assert_eq!(log_in(&fan, EMAIL, "another horse").await.status, 200);

    // The owner is told. In an hour a link is over.
    let told = sink.mails(EMAIL, 3).await.pop().unwrap();
    assert!(told.header("Subject").contains("password was changed"), "{}", told.header("Subject"));
    fan.post("/api/auth/forgot", &json!({"email": EMAIL})).await;
    let token = sink.mails(EMAIL, 4).await[3].token();
    shop.clock.advance(std::time::Duration::from_secs(3601));
    let body = json!({"token": token, "password": "a third horse"});
    fan.post("/api/auth/reset", &body).await.is_problem(410, "link_over");
    shop.close().await;
}

async fn organisers_are_named_or_made(database: Database) {
    let sink = MailSink::start().await;
    let shop = open_shop(&database, &sink).await;
    let event = |id: &str| {
        json!({
            "id": id, "name": "E", "venue": "V", "starts_at": "2027-06-01T19:30:00Z", "currency": "EUR",
            "waiting_room": null, "rows": [{"name": "A", "seats": 2, "price_cents": 100}],
        })
    };
    let boss = shop.fan();
    account(&boss, &sink, "boss@example.com").await;
    logged_in(&boss, "boss@example.com").await;
    assert_eq!(boss.post("/api/events", &event("one")).await.status, 201);

    let fan = shop.fan();
    account(&fan, &sink, EMAIL).await;
    logged_in(&fan, EMAIL).await;
    fan.post("/api/events", &event("two")).await.is_problem(403, "organiser_only");
    let url = database.url();
    let run = |verb: &str, who: &str| origin_app(&["--database", &url, "accounts", verb, who]);
    assert_eq!(run("grant", EMAIL).0, Some(0));
    shop.clock.advance(std::time::Duration::from_secs(10));
    assert_eq!(fan.post("/api/events", &event("two")).await.status, 201);
    assert_eq!(run("revoke", EMAIL).0, Some(0));
    shop.clock.advance(std::time::Duration::from_secs(10));
    fan.post("/api/events", &event("three")).await.is_problem(403, "organiser_only");
    let (code, said) = run("grant", "nobody@example.com");
    assert_eq!((code, said.contains("no account has this address")), (Some(1), true), "{said}");
    shop.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_learns_who_has_an_account() {
    let sink = MailSink::start().await;
    let shop = open_shop(&Database::in_memory(), &sink).await;
    let fan = shop.fan();
    account(&fan, &sink, EMAIL).await;
    let same = |one: Answer, other: Answer| {
        assert_eq!((one.status, &one.text), (other.status, &other.text));
        let names = |answer: &Answer| {
            let mut names: Vec<_> = answer.headers.keys().map(ToString::to_string).collect();
            names.sort();
            names
        };
        assert_eq!(names(&one), names(&other));
    };
    let other = "other@example.com";
    same(log_in(&fan, EMAIL, "wrong").await, log_in(&fan, other, "wrong").await);
    same(sign_up(&fan, EMAIL, PASSWORD).await, sign_up(&fan, other, PASSWORD).await);
    let forgot = async |email: &str| fan.post("/api/auth/forgot", &json!({"email": email})).await;
    same(forgot(EMAIL).await, forgot("third@example.com").await);
    // What there is to know, the owner is told.
    let mails = sink.mails(EMAIL, 3).await;
    let subjects: Vec<_> = mails.iter().map(|mail| mail.header("Subject")).collect();
    assert!(
        subjects.contains(&"You already have an account at Stanchion Tickets".to_owned()),
        "{subjects:?}"
    );
    sink.mails(other, 1).await;
    assert!(sink.all().iter().all(|mail| mail.to != "third@example.com"));
    shop.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_tries_too_often_waits() {
    let sink = MailSink::start().await;
    let shop = open_shop(&Database::in_memory(), &sink).await;
    let post = async |path: &'static str, email: &str, from: &str| {
        let request = shop.forward(&Client::new(), Method::POST, path, "", "");
        let body = json!({"email": email, "password": "wrong password"});
        let response = request.header("x-forwarded-for", from).json(&body).send().await.unwrap();
        let retry = response.headers().get("retry-after").map(|value| value.to_str().unwrap().to_owned());
        (response.status().as_u16(), retry)
    };
    for _ in 0..10 {
        assert_eq!(post("/api/auth/login", EMAIL, "10.0.0.1").await.0, 401);
    }
    let (status, retry) = post("/api/auth/login", EMAIL, "10.0.0.1").await;
    assert_eq!(status, 429);
    assert!((1..=100).contains(&retry.unwrap().parse().unwrap()));
    assert_eq!(post("/api/auth/login", EMAIL, "10.0.0.2").await.0, 401, "its owner, elsewhere");
    for _ in 0..5 {
        assert_eq!(post("/api/auth/signup", EMAIL, "10.0.0.3").await.0, 202);
    }
    assert_eq!(post("/api/auth/forgot", EMAIL, "10.0.0.4").await.0, 429, "an address gets so many mails");
    shop.clock.advance(std::time::Duration::from_secs(3600));
    assert_eq!(post("/api/auth/forgot", EMAIL, "10.0.0.4").await.0, 202);
    shop.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_makes_no_sense_is_told_without_repeating_it() {
    let shop = Shop::open(&Database::in_memory()).await;
    let fan = shop.fan();
    for (email, password) in
        [("nobody", PASSWORD), (EMAIL, "s3cret"), ("", ""), (EMAIL, &"s3cret".repeat(60))]
    {
        let answer = sign_up(&fan, email, password).await;
        answer.is_problem(422, "invalid");
        assert!(!answer.text.contains("s3cret"), "{}", answer.text);
    }
    fan.post("/api/auth/verify", &json!({"token": "<b>"})).await.is_problem(410, "link_over");
}

#[tokio::test(flavor = "multi_thread")]
async fn another_site_cannot_log_anybody_in() {
    let shop = Shop::open(&Database::in_memory()).await;
    for (name, value, refused) in [
        ("sec-fetch-site", "cross-site", true),
        ("sec-fetch-site", "same-origin", false),
        ("origin", "https://evil.example", true),
        ("origin", "http://127.0.0.1:8080", false),
    ] {
        let request = shop.forward(&Client::new(), Method::POST, "/api/auth/login", "", "");
        let body = json!({"email": EMAIL, "password": PASSWORD});
        let response = request.header(name, value).json(&body).send().await.unwrap();
        assert_eq!(response.status() == 403, refused, "{name}: {value}");
    }
}

/// Nothing of a person is in the log, whatever happens to them.
#[tokio::test(flavor = "multi_thread")]
async fn the_log_knows_nobody() {
    let (database, sink) = (Database::sqlite(), MailSink::start().await);
    let shop = Process::start(&database, &sink.section()).await;
    let fan = shop.edge.fan();
    sink.refuse(&["451 come back", "550 never"]);
    assert_eq!(sign_up(&fan, "else@example.com", PASSWORD).await.status, 202);
    // Before any other message is sent, so that it is this one that is refused twice.
    eventually("it is given up", async || {
        shop.log().iter().any(|line| line.contains("message given up")).then_some(())
    })
    .await;
    account(&fan, &sink, EMAIL).await;
    log_in(&fan, EMAIL, "a wrong password").await;
    logged_in(&fan, EMAIL).await;
    let session = fan.cookie("shop-session").unwrap();
    sign_up(&fan, EMAIL, PASSWORD).await;
    fan.post("/api/auth/forgot", &json!({"email": EMAIL})).await;
    fan.post("/api/auth/signup", &json!({"email": "broken@", "password": PASSWORD})).await;
    fan.get("/account/verify?token=0123456789abcdef").await;
    sink.mails(EMAIL, 3).await;
    let mut secrets = vec![
        "example.com".to_owned(),
        "broken@".to_owned(),
        "wrong password".to_owned(),
        PASSWORD.to_owned(),
        session,
        "0123456789abcdef".to_owned(),
        "127.0.0.1:0".to_owned(),
    ];
    secrets.extend(
        sink.all().iter().filter(|mail| mail.text().contains("token=")).map(crate::support::Received::token),
    );
    assert!(secrets.len() >= 9);
    let log = shop.log();
    assert!(log.iter().any(|line| line.contains("account opened")), "{log:?}");
    for line in &log {
        for secret in &secrets {
            assert!(!line.contains(secret), "{secret} in {line}");
        }
    }
}

/// The same by pages, without a script.
#[tokio::test(flavor = "multi_thread")]
async fn a_person_walks_from_sign_up_to_log_out() {
    let sink = MailSink::start().await;
    let shop = open_shop(&Database::in_memory(), &sink).await;
    let fan = shop.fan();
    let page = async |path: &str, contains: &str| {
        let answer = fan.get(path).await;
        assert!(answer.status == 200 && answer.text.contains(contains), "{path}: {}", answer.text);
        assert_eq!(answer.header("cache-control"), "private, no-store");
    };
    let submit = async |path: &str, fields: &[(&str, &str)], status: u16, contains: &str| {
        let answer = fan.submit(path, fields).await;
        assert!(answer.status == status && answer.text.contains(contains), "{path}: {}", answer.text);
        answer
    };
    page("/account", "href=\"/account/signup\"").await;
    page("/account/signup", "autocomplete=\"new-password\"").await;
    let wrong =
        submit("/account/signup", &[("email", "fan"), ("password", PASSWORD)], 422, "mail address").await;
    assert!(!wrong.text.contains(PASSWORD), "a password is not sent back");
    submit("/account/signup", &[("email", EMAIL), ("password", PASSWORD)], 200, "look at your mail").await;
    let token = sink.mails(EMAIL, 1).await[0].token();
    page(&format!("/account/verify?token={token}"), "data-testid=\"verify\"").await;
    submit("/account/verify", &[("token", &token)], 200, "Your account is open").await;
    submit("/account/verify", &[("token", &token)], 410, "The link works no more").await;

    let login = [("email", EMAIL), ("password", "wrong horse"), ("next", "/tickets")];
    submit("/account/login", &login, 401, "The login failed").await;
    for (next, location) in [("/tickets", "/tickets"), ("//evil.example", "/"), ("", "/account")] {
        let login = [("email", EMAIL), ("password", PASSWORD), ("next", next)];
        assert_eq!(submit("/account/login", &login, 303, "").await.header("location"), location);
    }
    page("/account", "You are logged in as fan@example.com.").await;
    assert_eq!(submit("/account/logout", &[], 303, "").await.header("location"), "/account");
    page("/account", "data-testid=\"login\"").await;

    submit("/account/forgot", &[("email", EMAIL)], 200, "on its way").await;
    let token = sink.mails(EMAIL, 2).await[1].token();
    page(&format!("/account/reset?token={token}"), "data-testid=\"reset\"").await;
    submit("/account/reset", &[("token", &token), ("password", "short")], 422, "8 characters").await;
    submit("/account/reset", &[("token", &token), ("password", "another horse")], 200, "is set").await;
    let korean = shop.fan().speaking("ko").get("/account/login").await;
    assert!(korean.text.contains("<html lang=\"ko\">") && korean.text.contains("로그인"), "{}", korean.text);
    shop.close().await;
}
