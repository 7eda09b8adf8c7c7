//! General admission over HTTP: any places of a section, by number.

use std::sync::atomic::{AtomicBool, Ordering};

use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{Answer, Database, Fan, Shop, on_both_databases};

on_both_databases!(
    many_at_once_take_no_more_than_there_is,
    a_fan_takes_no_more_than_one_may,
    what_is_asked_for_must_be_there,
    the_page_says_that_so_many_are_not_left,
);

async fn open(shop: &Shop, capacity: u32) {
    let body = json!({
        "id": "demo", "name": "Demo", "venue": "Hall", "starts_at": "2027-06-01T19:30:00Z", "currency": "EUR",
        "waiting_room": "demo", "price_classes": [{"id": "p", "name": "P", "price_cents": 2000}],
        "sections": [{"id": "A", "name": "A", "price_class": "p", "rows": [{"name": "A", "seats": 4}]},
            {"id": "GA", "name": "Floor", "price_class": "p", "capacity": capacity}],
    });
    let (status, answer) = shop.organiser(Method::POST, "/api/events", Some(&body)).await;
    assert_eq!(status, 201, "{answer}");
}

async fn any(fan: &Fan, section: &str, quantity: impl Into<Value>) -> Answer {
    let body = json!({"event": "demo", "section": section, "quantity": quantity.into()});
    fan.post("/api/reservations", &body).await
}

async fn left(fan: &Fan) -> i64 {
    let seats = fan.get("/api/events/demo/seats").await.json();
    let floor = seats["sections"].as_array().unwrap().iter().find(|section| section["id"] == "GA").cloned();
    floor.unwrap()["available"].as_i64().unwrap()
}

async fn many_at_once_take_no_more_than_there_is(database: Database) {
    const CAPACITY: u32 = 150;
    let shop = Shop::open(&database).await;
    open(&shop, CAPACITY).await;
    let looker = shop.fan();
    let over = AtomicBool::new(false);
    let asking = async {
        let asks = (0..200_u32).map(|number| {
            let fan = shop.fan();
            async move {
                let wanted = number % 4 + 1;
                let held = any(&fan, "GA", wanted).await;
                match held.status {
                    201 => {
                        let body = held.json();
                        let seats = body["seats"].as_array().unwrap().len();
                        assert_eq!(
                            (seats, body["amount_cents"].as_u64()),
                            (wanted as usize, Some(u64::from(wanted) * 2000))
                        );
                        let id = body["id"].as_str().unwrap().to_owned();
                        // Every third thinks better of it.
                        if number % 3 == 0 {
                            assert_eq!(fan.delete(&format!("/api/reservations/{id}")).await.status, 204);
                            return Vec::new();
                        }
                        assert_eq!(fan.pay(&id, "sandbox-ok").await.status, 200);
                        seats_of(&body)
                    }
                    409 => {
                        held.is_problem(409, "sold_out");
                        Vec::new()
                    }
                    other => panic!("{other}: {}", held.text),
                }
            }
        });
        let seats: Vec<_> = futures_util::future::join_all(asks).await.into_iter().flatten().collect();
        over.store(true, Ordering::SeqCst);
        seats
    };
    let looking = async {
        while !over.load(Ordering::SeqCst) {
            let left = left(&looker).await;
            assert!((0..=i64::from(CAPACITY)).contains(&left), "{left}");
        }
    };
    let (mut sold, ()) = tokio::join!(asking, looking);
    // What is left goes one by one, to the last and no further.
    loop {
        let fan = shop.fan();
        let held = any(&fan, "GA", 1).await;
        if held.status != 201 {
            held.is_problem(409, "sold_out");
            break;
        }
        let id = held.json()["id"].as_str().unwrap().to_owned();
        assert_eq!(fan.pay(&id, "sandbox-ok").await.status, 200);
        sold.extend(seats_of(&held.json()));
    }
    sold.sort();
    sold.dedup();
    assert_eq!(sold.len(), CAPACITY as usize);
    assert!(sold.iter().all(|seat| seat.starts_with("GA-")), "{sold:?}");
    let sales = shop.sales().await;
    assert_eq!((&sales["sold"], &sales["double_sold"]), (&json!(CAPACITY), &json!(0)));
    assert_eq!((&sales["held"], &sales["charges_cents"]), (&json!(0), &json!(CAPACITY * 2000)));
    shop.clock.advance(std::time::Duration::from_secs(2));
    assert_eq!(left(&looker).await, 0);
    shop.close().await;
}

fn seats_of(body: &Value) -> Vec<String> {
    body["seats"].as_array().unwrap().iter().map(|seat| seat.as_str().unwrap().to_owned()).collect()
}

async fn a_fan_takes_no_more_than_one_may(database: Database) {
    let shop = Shop::open(&database).await;
    open(&shop, 40).await;
    let fan = shop.fan();
    any(&fan, "GA", 5).await.is_problem(422, "too_many_seats");
    fan.held(&["A.A-1"]).await;
    let statuses =
        futures_util::future::join_all((0..20).map(|_| async { any(&fan, "GA", 1).await.status })).await;
    let of = |status| statuses.iter().filter(|other| **other == status).count();
    assert_eq!((of(201), of(422)), (3, 17), "{statuses:?}");
    // Another cookie with the same ticket is the same fan.
    any(&shop.fan().with_ticket("one"), "GA", 3).await;
    any(&shop.fan().with_ticket("one"), "GA", 2).await.is_problem(422, "too_many_seats");
    assert_eq!(shop.sales().await["held"], 7);
    shop.close().await;
}

async fn what_is_asked_for_must_be_there(database: Database) {
    let shop = Shop::open(&database).await;
    open(&shop, 3).await;
    let fan = shop.fan();
    any(&fan, "GA", 0).await.is_problem(422, "no_seats");
    for section in ["A", "NO"] {
        let refused = any(&fan, section, 1).await;
        assert_eq!(refused.status, 422, "{}", refused.text);
    }
    for quantity in [json!(-1), json!(1.5), json!("2"), json!(5_000_000_000_u64)] {
        let refused = any(&fan, "GA", quantity.clone()).await;
        assert!([400, 422].contains(&refused.status), "{quantity}: {}", refused.text);
    }
    any(&fan, "GA", 4).await.is_problem(409, "sold_out");
    let held = any(&fan, "GA", 3).await;
    assert_eq!(held.json()["seats"], json!(["GA-1", "GA-2", "GA-3"]));
    any(&shop.fan(), "GA", 1).await.is_problem(409, "sold_out");
    shop.clock.advance(std::time::Duration::from_secs(180));
    assert_eq!(any(&shop.fan(), "GA", 1).await.status, 201);
    shop.close().await;
}

/// Nobody was asked for seats by number, and the count said no: the page says so, and keeps what was chosen.
async fn the_page_says_that_so_many_are_not_left(database: Database) {
    let shop = Shop::open(&database).await;
    open(&shop, 3).await;
    let form = "/events/demo/hold";
    let sayings = [
        ("en", "Not so many are left.", "Section GA has not so many seats left; none is held."),
        ("ko", "그만큼 남아 있지 않습니다.", "이 구역에는 요청하신 만큼의 자리가 남아 있지 않습니다."),
    ];
    for (language, title, detail) in sayings {
        let fan = shop.fan().speaking(language);
        let refused = fan.submit(form, &[("seat", "A.A-1"), ("places-GA", "4")]).await;
        assert_eq!(refused.status, 422, "one may have four: {}", refused.text);
        let refused = fan.submit(form, &[("places-GA", "4")]).await;
        assert_eq!(refused.status, 409, "{}", refused.text);
        assert!(refused.text.contains(title) && refused.text.contains(detail), "{}", refused.text);
        assert!(refused.text.contains("name=\"places-GA\" value=\"4\""), "{}", refused.text);
        assert!(
            refused.text.contains("data-testid=\"hold\""),
            "there are others to choose: {}",
            refused.text
        );
        assert_eq!(left(&fan).await, 3, "none is held");
    }
    // All or none: the seat that was chosen beside them is not held, and still chosen.
    let other = shop.fan();
    assert_eq!(any(&other, "GA", 2).await.status, 201);
    let fan = shop.fan().speaking("en");
    let refused = fan.submit(form, &[("seat", "A.A-1"), ("places-GA", "2")]).await;
    assert!(refused.status == 409 && refused.text.contains("Not so many are left."), "{}", refused.text);
    let seat = refused.text.split("value=\"A.A-1\"").nth(1).and_then(|rest| rest.split('>').next());
    assert!(seat.is_some_and(|seat| seat.contains("checked")), "{}", refused.text);
    assert_eq!(fan.seat("A.A-1").await, ("available".to_owned(), false));

    // What is gone is the fan's own, if they sent the form twice: then it is theirs to pay.
    let first = fan.submit(form, &[("places-GA", "1")]).await;
    assert_eq!(first.status, 303, "{}", first.text);
    let again = fan.submit(form, &[("places-GA", "1")]).await;
    assert_eq!((again.status, again.header("location")), (303, first.header("location")), "{}", again.text);
    let more = fan.submit(form, &[("places-GA", "2")]).await;
    assert!(more.status == 409 && more.text.contains("Not so many are left."), "{}", more.text);
    shop.close().await;
}
