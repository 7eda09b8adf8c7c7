//! Messages get out, once as far as mail allows, whatever the mail server does.

use std::sync::Arc;
use std::time::Duration;

use crate::binary::{Process, origin_app};
use crate::support::{Database, MailSink, ManualClock, Shop, eventually, on_both_databases, settings};

on_both_databases!(
    a_message_is_tried_again_until_it_is_out,
    a_mail_whose_receipt_got_lost_is_the_same_mail_again,
    what_nobody_takes_is_given_up_and_can_be_revived,
);

/// A message of before the shop's time: it was written by a shop that is gone.
const WAITING: &str =
    "INSERT INTO outbox (message_key, state, recipient, language, notice, next_at, created_at)
    VALUES ('k-1', 'waiting', 'fan@example.com', 'ko', '{\"kind\":\"sign_up\",\"token\":\"t0ken\"}', 0, 0)";

async fn with_mail(database: &Database, sink: &MailSink, clock: &Arc<ManualClock>) -> Shop {
    let settings = origin_app::config::Settings { mail: sink.settings(), ..settings(database) };
    Shop::open_with(settings, clock.clone(), None).await
}

/// A database with tables and one message.
async fn waiting(database: &Database) {
    Shop::open(database).await.close().await;
    database.tamper(WAITING).await;
}

async fn a_message_is_tried_again_until_it_is_out(database: Database) {
    waiting(&database).await;
    let sink = MailSink::start().await;
    sink.refuse(&["451 later", "421 later"]);
    let clock = Arc::new(ManualClock::new());
    let shop = with_mail(&database, &sink, &clock).await;
    let mail = eventually("the mail is there", async || {
        clock.advance(Duration::from_secs(10));
        sink.all().pop()
    })
    .await;
    assert_eq!(mail.to, "fan@example.com");
    assert_eq!(mail.token(), "t0ken");
    assert!(mail.text().contains("환영합니다"), "{}", mail.text());
    assert_eq!(mail.header("Auto-Submitted"), "auto-generated");
    assert_eq!(mail.header("From"), "\"Stanchion Tickets\" <tickets@localhost>");
    // Nothing more comes, and nothing of the fan is left.
    clock.advance(Duration::from_secs(3600));
    shop.close().await;
    assert_eq!(sink.all().len(), 1);
    let left = "SELECT count(*) FROM outbox WHERE state = 'sent' AND recipient IS NULL AND notice IS NULL";
    assert_eq!(database.count(left).await, 1);
}

async fn a_mail_whose_receipt_got_lost_is_the_same_mail_again(database: Database) {
    waiting(&database).await;
    let sink = MailSink::start().await;
    sink.refuse(&[""]);
    let clock = Arc::new(ManualClock::new());
    let shop = with_mail(&database, &sink, &clock).await;
    let mails = eventually("the mail comes twice", async || {
        clock.advance(Duration::from_secs(10));
        Some(sink.all()).filter(|mails| mails.len() == 2)
    })
    .await;
    let ids: Vec<_> = mails.iter().map(|mail| mail.header("Message-ID")).collect();
    assert!(ids[0].ends_with("@localhost>") && ids[0] == ids[1], "{ids:?}");
    shop.close().await;
}

async fn what_nobody_takes_is_given_up_and_can_be_revived(database: Database) {
    waiting(&database).await;
    let sink = MailSink::start().await;
    sink.refuse(&["550 no such user"]);
    let dead = "SELECT count(*) FROM outbox WHERE state = 'dead'";
    let shop = Process::start(&database, &sink.section()).await;
    eventually("it is given up", async || (database.count(dead).await == 1).then_some(())).await;
    let log = shop.log();
    assert!(log.iter().any(|line| line.contains("message given up") && line.contains("550")), "{log:?}");
    assert!(!log.concat().contains("fan@example.com"), "{log:?}");

    let url = database.url();
    let run = |arguments: &[&str]| origin_app(&[&["--database", &url, "outbox"], arguments].concat());
    let (code, said) = run(&["list"]);
    assert_eq!(code, Some(0), "{said}");
    assert!(said.contains("k-1") && said.contains("550") && !said.contains("example.com"), "{said}");
    let (code, said) = run(&["retry", "another"]);
    assert_eq!((code, said.contains("no such message")), (Some(1), true), "{said}");
    assert_eq!(run(&["retry", "k-1"]).0, Some(0));
    assert_eq!(sink.mails("fan@example.com", 1).await.len(), 1);
    assert!(run(&["list"]).1.contains("nothing was given up"));
}
