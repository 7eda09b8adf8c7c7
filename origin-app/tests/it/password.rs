//! A password that its owner changes while they are logged in.

use serde_json::json;

use crate::accounts::{EMAIL, PASSWORD, account, log_in, logged_in, open_shop};
use crate::support::{Database, MailSink, on_both_databases};

on_both_databases!(a_password_is_changed_by_who_knows_it);

async fn a_password_is_changed_by_who_knows_it(database: Database) {
    let sink = MailSink::start().await;
    let shop = open_shop(&database, &sink).await;
    let (fan, elsewhere) = (shop.fan(), shop.fan());
    let body = json!({"old_password": PASSWORD, "password": "another horse"});
    fan.post("/api/auth/password", &body).await.is_problem(401, "login_needed");
    account(&fan, &sink, EMAIL).await;
    logged_in(&fan, EMAIL).await;
    logged_in(&elsewhere, EMAIL).await;
    let wrong = json!({"old_password": "wrong horse", "password": "another horse"});
    fan.post("/api/auth/password", &wrong).await.is_problem(403, "wrong_password");
    let short = fan.post("/api/auth/password", &json!({"old_password": PASSWORD, "password": "short"})).await;
    short.is_problem(422, "invalid");
    // A link of before sets no password any more.
    assert_eq!(fan.post("/api/auth/forgot", &json!({"email": EMAIL})).await.status, 202);
    let link = sink.mails(EMAIL, 2).await[1].token();
    let changed = fan.post("/api/auth/password", &body).await;
    assert_eq!(
        (changed.status, changed.json()),
        (200, json!({"status": "password_set"})),
        "{}",
        changed.text
    );
    let stale = fan.post("/api/auth/reset", &json!({"token": link, "password": "third horse"})).await;
    stale.is_problem(410, "link_over");
    let told = sink.mails(EMAIL, 3).await.pop().unwrap();
    assert_eq!(told.header("Subject"), "Your password was changed at Stanchion Tickets");
    assert_eq!(fan.get("/api/auth/account").await.status, 200, "who changed it stays");
    elsewhere.get("/api/auth/account").await.is_problem(401, "login_needed");
    log_in(&elsewhere, EMAIL, PASSWORD).await.is_problem(401, "login_failed");
    // By the page, and not without end.
    assert!(fan.get("/account").await.text.contains("href=\"/account/password\""));
    assert!(fan.get("/account/password").await.text.contains("name=\"old\""));
    let fields = [("old", "wrong horse"), ("password", PASSWORD)];
    let refused = fan.submit("/account/password", &fields).await;
    assert!(refused.status == 403 && !refused.text.contains(PASSWORD), "{}", refused.text);
    let fields = [("old", "another horse"), ("password", PASSWORD)];
    let done = fan.submit("/account/password", &fields).await;
    assert!(done.status == 200 && done.text.contains("Your new password is set."), "{}", done.text);
    assert_eq!(log_in(&elsewhere, EMAIL, PASSWORD).await.status, 200);
    let login = elsewhere.submit("/account/logout", &[]).await;
    assert_eq!(login.status, 303);
    let sent = elsewhere.submit("/account/password", &[("old", PASSWORD)]).await;
    assert_eq!(sent.header("location"), "/account/login?next=/account/password");
    let mut last = 0;
    for _ in 0..12 {
        last = fan.post("/api/auth/password", &wrong).await.status;
    }
    assert_eq!(last, 429, "an open browser is no place to guess");
    shop.close().await;
}
