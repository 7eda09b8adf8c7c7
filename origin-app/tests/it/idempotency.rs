//! Asking again is no second order.

use reqwest::{Client, Method};
use serde_json::{Value, json};

use crate::support::{Database, Edge, Shop, on_both_databases};

on_both_databases!(
    the_same_request_has_the_same_answer,
    a_guest_without_a_cookie_is_known_by_the_key,
    of_many_at_once_one_is_carried_out,
    who_is_to_ask_again_hears_what_became_of_it,
);

struct Told {
    status: u16,
    replayed: bool,
    cookie: String,
    body: Value,
}

async fn post(edge: &Edge, path: &str, key: &str, cookie: &str, ticket: &str, body: &Value) -> Told {
    let mut request = edge.forward(&Client::new(), Method::POST, path, "demo", ticket);
    if !cookie.is_empty() {
        request = request.header("cookie", cookie);
    }
    let response = request.header("idempotency-key", key).json(body).send().await.unwrap();
    let header = |name: &str| {
        response.headers().get(name).map(|value| value.to_str().unwrap().to_owned()).unwrap_or_default()
    };
    let cookie = header("set-cookie").split(';').next().unwrap().to_owned();
    let (status, replayed) = (response.status().as_u16(), header("idempotency-replayed") == "true");
    Told { status, replayed, cookie, body: response.json().await.unwrap() }
}

fn hold(seat: &str) -> Value {
    json!({"event": "demo", "seats": [seat]})
}

async fn the_same_request_has_the_same_answer(database: Database) {
    let shop = Shop::open(&database).await;
    shop.create_demo(&[("A", 4)]).await;
    let reservations = "/api/reservations";
    let first = post(&shop, reservations, "order-1", "", "t1", &hold("A-1")).await;
    assert_eq!((first.status, first.replayed), (201, false), "{}", first.body);
    // The same browser, which has a cookie by now.
    let again = post(&shop, reservations, "order-1", &first.cookie, "t1", &hold("A-1")).await;
    assert_eq!((again.status, again.replayed, &again.body), (201, true, &first.body));
    let other = post(&shop, reservations, "order-1", &first.cookie, "t1", &hold("A-2")).await;
    assert_eq!((other.status, other.body["code"].as_str()), (422, Some("idempotency_key_reused")));
    // Somebody else's key of the same name has nothing to do with it.
    let stranger = post(&shop, reservations, "order-1", "", "t2", &hold("A-1")).await;
    assert_eq!((stranger.status, stranger.body["code"].as_str()), (409, Some("seat_taken")));
    let refused = post(&shop, reservations, "order-1", "", "t2", &hold("A-1")).await;
    assert_eq!((refused.status, refused.replayed), (409, true), "a refusal is an answer");

    let pay = format!("/api/reservations/{}/payment", first.body["id"].as_str().unwrap());
    let declined = json!({"card": "sandbox-declined"});
    for replayed in [false, true] {
        let told = post(&shop, &pay, "pay-1", &first.cookie, "t1", &declined).await;
        assert_eq!((told.status, told.replayed), (402, replayed));
    }
    let paid = post(&shop, &pay, "pay-2", &first.cookie, "t1", &json!({"card": "sandbox-ok"})).await;
    assert_eq!(paid.status, 200, "{}", paid.body);
    shop.close().await;

    // Another shop on the same database, or the same after a crash, answers as the first did.
    let shop = Shop::open(&database).await;
    let paid_again = post(&shop, &pay, "pay-2", &first.cookie, "t1", &json!({"card": "sandbox-ok"})).await;
    assert_eq!((paid_again.status, paid_again.replayed, &paid_again.body), (200, true, &paid.body));
    shop.clock.advance(std::time::Duration::from_secs(25 * 3600));
    let late = post(&shop, &pay, "pay-2", &first.cookie, "t1", &json!({"card": "sandbox-ok"})).await;
    assert_eq!((late.status, late.replayed), (200, false), "it is forgotten, and paid all the same");
    assert_eq!(shop.sales().await["charges_cents"], 4500);
    shop.close().await;
}

async fn a_guest_without_a_cookie_is_known_by_the_key(database: Database) {
    let shop = Shop::open(&database).await;
    shop.create_demo(&[("A", 4)]).await;
    // Neither cookie nor ticket: the key must be one that nobody else has.
    let ask = async |key: &str| {
        let body = json!({"event": "demo", "seats": ["A-1"]});
        let request = shop.forward(&Client::new(), Method::POST, "/api/reservations", "", "");
        let response = request.header("idempotency-key", key).json(&body).send().await.unwrap();
        (response.status().as_u16(), response.json::<Value>().await.unwrap()["code"].clone())
    };
    assert_eq!(ask("short").await, (400, json!("idempotency_key_malformed")));
    assert_eq!(ask(&"x".repeat(201)).await, (400, json!("idempotency_key_malformed")));
    assert_eq!(ask("0123456789abcdef").await, (403, json!("not_admitted")));
    // With a ticket and no cookie, asking again also brings the cookie again: the first answer may be lost.
    let first = post(&shop, "/api/reservations", "k", "", "t1", &hold("A-1")).await;
    let again = post(&shop, "/api/reservations", "k", "", "t1", &hold("A-1")).await;
    assert!(first.cookie.starts_with("shop-fan="));
    assert_eq!((again.replayed, &again.cookie), (true, &first.cookie));
    shop.close().await;
}

async fn of_many_at_once_one_is_carried_out(database: Database) {
    let shop = Shop::open(&database).await;
    shop.create_demo(&[("A", 4)]).await;
    let asked = (0..8).map(|_| {
        let edge = shop.edge.clone();
        tokio::spawn(async move {
            loop {
                let told = post(&edge, "/api/reservations", "same", "", "t1", &hold("A-1")).await;
                if told.body["code"] != "idempotency_key_in_use" {
                    return told;
                }
                tokio::time::sleep(std::time::Duration::from_millis(20)).await;
            }
        })
    });
    let told = futures_util::future::join_all(asked.collect::<Vec<_>>()).await;
    let told: Vec<_> = told.into_iter().map(Result::unwrap).collect();
    assert!(told.iter().all(|told| told.status == 201));
    assert!(told.iter().all(|one| one.body["id"] == told[0].body["id"]));
    assert_eq!(told.iter().filter(|told| !told.replayed).count(), 1);
    shop.close().await;
}

/// An answer that says when to ask again is no last word, also under the same key.
async fn who_is_to_ask_again_hears_what_became_of_it(database: Database) {
    let shop = Shop::open(&database).await;
    shop.create_demo(&[("A", 4)]).await;
    let held = post(&shop, "/api/reservations", "order-1", "", "t1", &hold("A-1")).await;
    let pay = format!("/api/reservations/{}/payment", held.body["id"].as_str().unwrap());
    let card = json!({"card": "sandbox-flaky"});
    let delayed = post(&shop, &pay, "pay-1", &held.cookie, "t1", &card).await;
    assert_eq!((delayed.status, delayed.body["state"].as_str()), (202, Some("payment_delayed")));
    let paid = post(&shop, &pay, "pay-1", &held.cookie, "t1", &card).await;
    assert_eq!((paid.status, paid.replayed), (200, false), "{}", paid.body);
    let again = post(&shop, &pay, "pay-1", &held.cookie, "t1", &card).await;
    assert_eq!((again.status, again.replayed, &again.body), (200, true, &paid.body));
    assert_eq!(shop.sales().await["charges_cents"], 4500);
    shop.close().await;
}
