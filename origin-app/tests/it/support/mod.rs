//! What the tests stand on: databases, a clock that is told the time, shops, and fans.

mod clock;
mod database;
mod fan;
pub(crate) mod postgres;
mod redis;
mod shop;
mod smtp;
mod stripe;

pub(crate) use clock::ManualClock;
pub(crate) use database::Database;
pub(crate) use fan::{Answer, Fan};
pub(crate) use postgres::PostgresServer;
pub(crate) use redis::RedisServer;
pub(crate) use shop::{Edge, KEYS, ORGANISER_TOKEN, Shop, elsewhere, inventory, settings};
pub(crate) use smtp::{MailSink, Received};
pub(crate) use stripe::{Charge, FakeStripe, Fault, LocalStripe, STRIPE_KEY, StripeProcess};

use std::time::Duration;

/// Runs each test on both databases: SQLite with the inventory in memory, and PostgreSQL with one in Redis.
macro_rules! on_both_databases {
    ($($test:ident),+ $(,)?) => {
        mod on_sqlite {
            $(
                #[tokio::test(flavor = "multi_thread")]
                async fn $test() {
                    super::$test($crate::support::Database::sqlite()).await;
                }
            )+
        }
        mod on_postgres {
            $(
                #[tokio::test(flavor = "multi_thread")]
                async fn $test() {
                    super::$test($crate::support::Database::postgres().await).await;
                }
            )+
        }
    };
}
pub(crate) use on_both_databases;

/// Waits until `check` gives something; far longer than it should ever take.
pub(crate) async fn eventually<T, F: Future<Output = Option<T>>>(
    what: &str,
    mut check: impl FnMut() -> F,
) -> T {
    for _ in 0..1200 {
        if let Some(found) = check().await {
            return found;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("not within a minute: {what}");
}
