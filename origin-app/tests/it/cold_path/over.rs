//! What is kept of an event that is over goes.

use std::time::Duration;

use super::Stage;
use crate::support::{Database, eventually, on_both_databases};

on_both_databases!(what_is_kept_of_an_event_that_is_over_goes,);

const DAY: Duration = Duration::from_secs(24 * 3600);

async fn what_is_kept_of_an_event_that_is_over_goes(database: Database) {
    let mut stage = Stage::open(database, 4).await;
    let fan = stage.shop.fan();
    let id = fan.held(&["A-1"]).await;
    assert_eq!(fan.pay(&id, "sandbox-ok").await.status, 200);
    let is_known = async |stage: &Stage| stage.inventory.events().await.unwrap().contains(&stage.event);
    // It begins on the first of June; the next day something may still be looked up.
    stage.shop.clock.advance(DAY * 138);
    tokio::time::sleep(Duration::from_secs(4)).await;
    assert!(is_known(&stage).await);
    if let Database::Postgres(_, redis) = &stage.database {
        assert_eq!(redis.command(&["TTL", "shop:{demo}:holds"]).unwrap(), ":-1\r\n");
    }
    stage.shop.clock.advance(DAY);
    if matches!(stage.database, Database::Postgres(..)) {
        let redis = stage.database.redis();
        let time_left = |key: &str| -> i64 {
            let said = redis.command(&["TTL", key]).unwrap();
            said.trim_start_matches(':').trim().parse().unwrap()
        };
        eventually("it has an end", async || (time_left("shop:{demo}:holds") > 0).then_some(())).await;
        for key in ["shop:{demo}", "shop:{demo}:taken", "shop:{demo}:holds", "shop:{demo}:fans"] {
            let left = time_left(key);
            assert!((1..=7 * 24 * 3600).contains(&left), "{key}: {left}");
        }
        // The week passes.
        redis.command(&[
            "DEL",
            "shop:{demo}",
            "shop:{demo}:taken",
            "shop:{demo}:holds",
            "shop:{demo}:fans",
            "shop:{demo}:log",
        ]);
    } else {
        tokio::time::sleep(Duration::from_secs(4)).await;
        assert!(is_known(&stage).await);
        stage.shop.clock.advance(DAY * 7);
    }
    eventually("it is gone", async || (!is_known(&stage).await).then_some(())).await;
    tokio::time::sleep(Duration::from_secs(1)).await;
    if matches!(stage.database, Database::Postgres(..)) {
        let said = stage.database.redis().command(&["TTL", "shop:{demo}"]).unwrap();
        assert_ne!(said, ":-1\r\n", "nothing is left that never ends");
    }
    // Whoever asks for the tickets has them: those are the database's.
    assert_eq!(fan.state(&id).await, "confirmed");
    stage.close().await;
}
