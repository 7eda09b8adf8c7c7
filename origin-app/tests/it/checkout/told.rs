//! What becomes of a payment is told by mail, once: the mail is written with the step that it tells of.

use std::time::Duration;

use crate::support::{Database, MailSink, Shop, on_both_databases, settings};

on_both_databases!(a_fan_is_told_by_mail_what_becomes_of_a_payment);

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
