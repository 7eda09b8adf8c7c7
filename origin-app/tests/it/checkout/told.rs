//! What becomes of a payment is told by mail, once: the mail is written with the step that it tells of.

use std::sync::Arc;
use std::time::Duration;

use serde_json::json;

use crate::support::{Database, MailSink, ManualClock, Shop, eventually, on_both_databases, settings};

on_both_databases!(
    a_fan_is_told_by_mail_what_becomes_of_a_payment,
    a_guest_is_told_where_they_said,
    who_can_be_reached_is_told_that_a_hold_has_lapsed,
);

async fn a_fan_is_told_by_mail_what_becomes_of_a_payment(database: Database) {
    let sink = MailSink::start().await;
    let settings = origin_app::config::Settings { mail: sink.settings(), ..settings(&database) };
    let shop = Shop::open_with(settings, Default::default(), None).await;
    shop.create_demo(&[("A", 4)]).await;
    let fan = shop.fan();
    let first = fan.held(&["A-1"]).await;
    assert_eq!(fan.pay(&first, "sandbox-ok").await.status, 200);
    assert!(sink.all().is_empty(), "nobody knows an address yet");
    database
        .tamper(
            "INSERT INTO contacts (fan_id, email, language, updated_at)
             SELECT DISTINCT fan_id, 'fan@example.com', 'en', 0 FROM reservations",
        )
        .await;
    let second = fan.held(&["A-2"]).await;
    assert_eq!(fan.pay(&second, "sandbox-ok").await.status, 200);
    assert_eq!(fan.pay(&second, "sandbox-ok").await.status, 200);
    assert_eq!(fan.delete(&format!("/api/reservations/{second}")).await.status, 200);
    // Paid, given back, and the money is back; paying twice is told once.
    sink.mails("fan@example.com", 3).await;
    shop.clock.advance(Duration::from_secs(3600));
    tokio::time::sleep(Duration::from_millis(200)).await;
    shop.close().await;
    assert_eq!(sink.all().len(), 3);
    let keys = "SELECT count(DISTINCT message_key) FROM outbox WHERE message_key LIKE 'reservation.%'";
    assert_eq!(database.count(keys).await, 3);
}

/// A guest says at the checkout where they are told; nobody else learns it.
async fn a_guest_is_told_where_they_said(database: Database) {
    let sink = MailSink::start().await;
    let settings = origin_app::config::Settings { mail: sink.settings(), ..settings(&database) };
    let shop = Shop::open_with(settings, Arc::default(), None).await;
    shop.create_demo(&[("A", 4)]).await;
    let fan = shop.fan();
    let bought = fan.held(&["A-1"]).await;
    let body = json!({"card": "sandbox-ok", "email": "Guest@Example.com", "language": "ko"});
    let path = format!("/api/reservations/{bought}/payment");
    // Nobody says for others where they are told.
    let stranger = shop.fan();
    stranger.held(&["A-4"]).await;
    let other = json!({"card": "sandbox-ok", "email": "stranger@example.com"});
    stranger.post(&path, &other).await.is_problem(404, "reservation_not_found");
    let wrong = fan.post(&path, &json!({"card": "sandbox-ok", "email": "no address"})).await;
    wrong.is_problem(422, "invalid");
    assert!(!wrong.text.contains("no address"), "{}", wrong.text);
    let paid = fan.post(&path, &body).await;
    assert_eq!(paid.status, 200, "{}", paid.text);
    assert!(!paid.text.to_lowercase().contains("guest@"), "{}", paid.text);
    // Nor does anybody have told elsewhere what becomes of it from here on.
    stranger.post(&path, &other).await.is_problem(404, "reservation_not_found");
    assert_eq!(fan.delete(&format!("/api/reservations/{bought}")).await.status, 200);
    let mails = sink.mails("guest@example.com", 3).await;
    for news in ["결제가 완료되었습니다", "좌석을 반환했으며", "환불되었습니다"] {
        assert!(mails.iter().any(|mail| mail.text().contains(news)), "{news}");
    }

    // On the page, in the language of the page; what is no address is said, and stays in the field.
    let reader = shop.fan().speaking("en");
    let held = reader.held(&["A-2"]).await;
    let page = format!("/events/demo/checkout/{held}");
    assert!(reader.get(&page).await.text.contains("name=\"email\" value=\"\""));
    let pay = format!("{page}/pay");
    let refused = reader.submit(&pay, &[("card", "sandbox-ok"), ("email", "reader@")]).await;
    assert_eq!(refused.status, 422);
    assert!(refused.text.contains("value=\"reader@\"") && refused.text.contains("not a mail address"));
    let declined =
        reader.submit(&pay, &[("card", "sandbox-declined"), ("email", "reader@example.com")]).await;
    assert_eq!(declined.status, 402);
    assert!(declined.text.contains("value=\"reader@example.com\""), "it need not be typed twice");
    assert_eq!(reader.submit(&pay, &[("card", "sandbox-ok"), ("email", "")]).await.status, 303);
    let mail = sink.mails("reader@example.com", 1).await.pop().unwrap();
    assert!(mail.header("Subject").contains("Your tickets"), "{}", mail.header("Subject"));

    // The event is over for a month: nothing more is to be told, and the addresses go.
    let kept = "SELECT count(*) FROM reservation_contacts";
    assert_eq!(database.count(kept).await, 2);
    shop.close().await;
    let clock = Arc::new(ManualClock::new());
    clock.advance(Duration::from_secs(800 * 24 * 3600));
    let later = Shop::open_with(self::settings(&database), clock, None).await;
    eventually("addresses are forgotten", async || (database.count(kept).await == 0).then_some(())).await;
    later.close().await;
}

/// Once, and not who gave the seats back or never said where they are told.
async fn who_can_be_reached_is_told_that_a_hold_has_lapsed(database: Database) {
    let sink = MailSink::start().await;
    let settings = origin_app::config::Settings { mail: sink.settings(), ..settings(&database) };
    let shop = Shop::open_with(settings, Arc::default(), None).await;
    shop.create_demo(&[("A", 5)]).await;
    let (guest, giver, stranger) = (shop.fan().speaking("en"), shop.fan(), shop.fan());
    let (lapses, given_back) = (guest.held(&["A-1"]).await, giver.held(&["A-2"]).await);
    let unknown = stranger.held(&["A-3"]).await;
    for (fan, id, email) in
        [(&guest, &lapses, "guest@example.com"), (&giver, &given_back, "giver@example.com")]
    {
        let body = json!({"card": "sandbox-declined", "email": email, "language": "en"});
        assert_eq!(fan.post(&format!("/api/reservations/{id}/payment"), &body).await.status, 402);
    }
    assert_eq!(giver.delete(&format!("/api/reservations/{given_back}")).await.status, 204);
    shop.clock.advance(Duration::from_secs(181));
    let mail = sink.mails("guest@example.com", 1).await.pop().unwrap();
    assert!(mail.header("Subject").contains("Your hold is over"), "{}", mail.header("Subject"));
    assert!(mail.text().contains("Nothing was charged."), "{}", mail.text());
    eventually("the sweep is through", async || {
        let over = "SELECT count(*) FROM reservations WHERE state = 'expired'";
        (database.count(over).await == 2).then_some(())
    })
    .await;
    assert_eq!(
        (guest.state(&lapses).await, stranger.state(&unknown).await),
        ("expired".into(), "expired".into())
    );
    shop.close().await;
    assert_eq!(sink.all().len(), 1);
    assert_eq!(database.count("SELECT count(*) FROM outbox").await, 1);
}
