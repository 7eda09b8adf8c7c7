//! Tickets of somebody who bought and held much.

use crate::support::{Database, Shop, on_both_databases};

on_both_databases!(who_held_much_since_still_has_the_ticket);

async fn who_held_much_since_still_has_the_ticket(database: Database) {
    let shop = Shop::open(&database).await;
    shop.create_demo(&[("A", 4)]).await;
    let fan = shop.fan().speaking("en");
    let bought = fan.held(&["A-1"]).await;
    let paid = fan.pay(&bought, "sandbox-ok").await.json();
    let code = paid["tickets"][0]["code"].as_str().unwrap();
    // More than one page shows, and later: ids of one moment have no order.
    shop.clock.advance(std::time::Duration::from_millis(1));
    for _ in 0..101 {
        let held = fan.held(&["A-2"]).await;
        assert_eq!(fan.delete(&format!("/api/reservations/{held}")).await.status, 204);
    }
    assert_eq!(fan.get(&format!("/tickets/{code}")).await.status, 200);
    assert_eq!(fan.get(&format!("/tickets/{code}/calendar.ics")).await.status, 200);
    let stranger = shop.fan();
    for is_somebody in [false, true] {
        if is_somebody {
            stranger.held(&["A-3"]).await;
        }
        assert_eq!(stranger.get(&format!("/tickets/{code}")).await.status, 404, "{is_somebody}");
    }

    let page = fan.get("/tickets").await.text;
    assert!(!page.contains(code) && !page.contains("There are no tickets here yet."), "{page}");
    let (_, rest) = page.split_once("href=\"/tickets?after=").unwrap();
    let older = fan.get(&format!("/tickets?after={}", rest.split('"').next().unwrap())).await.text;
    assert!(older.contains(code) && !older.contains("data-testid=\"older\""), "{older}");
    shop.close().await;
}
