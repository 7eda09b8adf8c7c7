//! The pages, as a browser without a script walks them.

use reqwest::Method;
use serde_json::json;

use crate::support::{Answer, Database, Shop, eventually};

#[track_caller]
fn is_page(answer: &Answer, status: u16, contains: &[&str]) {
    assert_eq!(answer.status, status, "{}", answer.text);
    assert_eq!(answer.header("content-type"), "text/html; charset=utf-8");
    for text in contains {
        assert!(answer.text.contains(text), "no {text:?} in {}", answer.text);
    }
    // What the policy would block must not be there, and the policy must be.
    assert!(answer.header("content-security-policy").starts_with("default-src 'none';"));
    for inline in [" style=", "<style", " onclick=", "<script>", "javascript:"] {
        assert!(!answer.text.contains(inline), "{inline} in {}", answer.text);
    }
}

#[tokio::test]
async fn a_fan_walks_from_the_list_to_the_tickets() {
    let shop = Shop::open(&Database::in_memory()).await;
    shop.create_demo(&[("A", 5)]).await;
    let fan = shop.fan();
    let list = fan.get("/").await;
    is_page(
        &list,
        200,
        &["data-testid=\"event-link\"", "href=\"/events/demo\"", "data-testid=\"my-tickets\""],
    );
    assert_eq!((list.header("cache-control"), list.header("set-cookie")), ("public, max-age=1", ""));
    let event = fan.get("/events/demo").await;
    is_page(&event, 200, &["data-testid=\"seat-A-1\"", "data-testid=\"hold\"", "€45.00"]);
    assert_eq!(event.header("set-cookie"), "", "looking needs no name");

    let none = fan.submit("/events/demo/hold", &[]).await;
    is_page(&none, 422, &["Choose at least one seat."]);
    let held = fan.submit("/events/demo/hold", &[("seat", "A-1"), ("seat", "A-2")]).await;
    assert_eq!(held.status, 303);
    assert!(held.header("set-cookie").starts_with("shop-fan="), "{:?}", held.headers);
    assert_eq!(held.header("cache-control"), "private, no-store");
    let checkout = held.header("location").to_owned();
    is_page(
        &fan.get(&checkout).await,
        200,
        &["data-testid=\"hold-countdown\"", "data-seconds-left=\"180\"", "data-testid=\"pay\"", "€90.00"],
    );

    let other = shop.fan();
    let taken = other.submit("/events/demo/hold", &[("seat", "A-2"), ("seat", "A-3")]).await;
    is_page(&taken, 409, &["Seat A-2 can no longer be had"]);
    assert!(taken.text.contains("data-testid=\"seat-A-3\" data-cents=\"4500\" checked"), "the choice stays");
    assert_eq!(other.get(&checkout).await.status, 404);

    let declined = fan.submit(&format!("{checkout}/pay"), &[("card", "sandbox-declined")]).await;
    is_page(&declined, 402, &["Nothing was charged", "data-testid=\"pay\""]);
    let paid = fan.submit(&format!("{checkout}/pay"), &[("card", "sandbox-ok")]).await;
    assert_eq!((paid.status, paid.header("location")), (303, checkout.as_str()));
    assert_eq!(paid.header("x-waiting-room-session"), "", "the fan may want another seat");
    let bought = fan.get(&checkout).await;
    is_page(&bought, 200, &["data-testid=\"ticket-code\"", "data-testid=\"finish\"", "Buy another seat"]);

    let finished = fan.submit("/events/demo/finish", &[]).await;
    assert_eq!((finished.status, finished.header("location")), (303, "/tickets"));
    assert_eq!(finished.header("x-waiting-room-session"), "end");
    let tickets = fan.get("/tickets").await;
    is_page(&tickets, 200, &["data-testid=\"ticket-code\"", "Row A, seat 1", "Row A, seat 2"]);
    is_page(&other.get("/tickets").await, 200, &["There are no tickets here yet."]);
}

#[tokio::test]
async fn a_fan_who_may_buy_no_more_is_led_to_the_tickets() {
    let shop = Shop::open(&Database::in_memory()).await;
    shop.create_demo(&[("A", 5)]).await;
    let fan = shop.fan();
    let seats = ["A-1", "A-2", "A-3", "A-4"].map(|seat| ("seat", seat));
    let checkout = fan.submit("/events/demo/hold", &seats).await.header("location").to_owned();
    let paid = fan.submit(&format!("{checkout}/pay"), &[("card", "sandbox-ok")]).await;
    assert_eq!((paid.status, paid.header("location")), (303, "/tickets"));
    assert_eq!(paid.header("x-waiting-room-session"), "end");
}

#[tokio::test]
async fn seats_can_be_given_back_and_run_out() {
    let shop = Shop::open(&Database::in_memory()).await;
    shop.create_demo(&[("A", 2)]).await;
    let fan = shop.fan();
    let hold =
        async || fan.submit("/events/demo/hold", &[("seat", "A-1")]).await.header("location").to_owned();
    let checkout = hold().await;
    let cancelled = fan.submit(&format!("{checkout}/cancel"), &[]).await;
    assert_eq!((cancelled.status, cancelled.header("location")), (303, "/events/demo"));
    is_page(&fan.get(&checkout).await, 200, &["The seats were given back"]);
    let checkout = hold().await;
    is_page(&fan.get("/tickets").await, 200, &["Go to checkout"]);
    shop.clock.advance(std::time::Duration::from_secs(181));
    let late = fan.submit(&format!("{checkout}/pay"), &[("card", "sandbox-ok")]).await;
    assert_eq!((late.status, late.header("location")), (303, checkout.as_str()));
    is_page(&fan.get(&checkout).await, 200, &["data-leave-after=\"120\"", "action=\"/events/demo/finish\""]);
    is_page(&fan.get(&checkout).await, 200, &["The time is over"]);
}

#[tokio::test]
async fn what_goes_wrong_is_a_page_too() {
    let shop = Shop::open(&Database::in_memory()).await;
    shop.create_demo(&[("A", 1)]).await;
    let fan = shop.fan();
    is_page(&fan.get("/nowhere").await, 404, &["There is nothing at this address."]);
    is_page(&fan.get("/events/nope").await, 404, &["Event not found"]);
    is_page(&fan.get("/events/demo/checkout/nope").await, 404, &["Reservation not found"]);
    is_page(&fan.get("/events/demo/hold").await, 405, &["Method not allowed"]);
    is_page(&fan.submit("/events/demo/hold", &[("seat", "<b>")]).await, 422, &["this is not a seat"]);
}

#[tokio::test]
async fn style_and_script_are_kept_by_the_browser() {
    let shop = Shop::open(&Database::in_memory()).await;
    let fan = shop.fan();
    let page = fan.get("/").await.text;
    for (name, kind) in
        [("shop.css", "text/css"), ("shop.js", "text/javascript"), ("shop.svg", "image/svg+xml")]
    {
        let start = page.find(&format!("/assets/{name}?v=")).unwrap_or_else(|| panic!("no {name} in {page}"));
        let address = page[start..].split('"').next().unwrap();
        let asset = fan.get(address).await;
        assert_eq!(asset.status, 200);
        assert!(asset.header("content-type").starts_with(kind));
        assert_eq!(asset.header("cache-control"), "public, max-age=31536000, immutable");
        let other = fan.get(&format!("/assets/{name}?v=other")).await;
        assert_eq!(other.header("cache-control"), "public, max-age=60");
    }
    fan.get("/assets/nothing.css").await.is_problem(404, "not_found");
}

#[tokio::test]
async fn pages_are_read_in_korean_and_english() {
    let shop = Shop::open(&Database::in_memory()).await;
    shop.create_demo(&[("A", 2)]).await;
    let korean = shop.fan().speaking("ko-KR,ko;q=0.9,en;q=0.8");
    let list = korean.get("/?q=demo").await;
    is_page(&list, 200, &["<html lang=\"ko\">", "공연 검색", "value=\"&#x2f;?q=demo\"", "2027년 6월 1일"]);
    assert_eq!(list.header("vary"), "Accept-Language, Cookie");
    is_page(&korean.get("/events/demo").await, 200, &["좌석 배치도", "A열 1번"]);
    is_page(&korean.get("/events/nope").await, 404, &["<html lang=\"ko\">", "공연을 찾을 수 없습니다"]);
    is_page(&korean.submit("/events/demo/hold", &[]).await, 422, &["좌석을 하나 이상 골라 주세요."]);
    shop.fan().held(&["A-2"]).await;
    let taken = korean.submit("/events/demo/hold", &[("seat", "A-2")]).await;
    // The form stands on the event's page, and nowhere else is led back to.
    is_page(
        &taken,
        409,
        &["A-2 좌석은 더 이상 예매할 수 없습니다", "name=\"back\" value=\"&#x2f;events&#x2f;demo\""],
    );
    // What programs read is the same for everybody.
    korean.get("/api/events/nope").await.is_problem(404, "event_not_found");
    assert!(korean.get("/api/events/nope").await.text.contains("Event not found"));

    let chosen = korean.submit("/language", &[("language", "en"), ("back", "/events/demo?part=1")]).await;
    assert_eq!((chosen.status, chosen.header("location")), (303, "/events/demo?part=1"));
    assert!(chosen.header("set-cookie").starts_with("shop-language=en; HttpOnly; SameSite=Lax"));
    is_page(&korean.get("/events/demo").await, 200, &["<html lang=\"en\">", "Row A, seat 1"]);
    let elsewhere = korean.submit("/language", &[("language", "ko"), ("back", "//elsewhere.example/")]).await;
    assert_eq!(elsewhere.header("location"), "/");
    assert_eq!(korean.submit("/language", &[("language", "xx")]).await.status, 422);
}

#[tokio::test]
async fn events_are_searched_and_leafed_through_without_a_script() {
    let shop = Shop::open(&Database::in_memory()).await;
    for number in 0..26 {
        let body = json!({
            "id": format!("e{number:02}"), "name": format!("Night {number}"), "venue": (["Hall", "Dome & Co"][number % 2]),
            "starts_at": format!("2027-06-{:02}T19:30:00Z", number + 1), "currency": "EUR", "waiting_room": null,
            "rows": [{"name": "A", "seats": 1, "price_cents": 100}],
        });
        assert_eq!(shop.organiser(Method::POST, "/api/events", Some(&body)).await.0, 201);
    }
    let fan = shop.fan();
    let found = |answer: &Answer| answer.text.matches("data-testid=\"event-link\"").count();
    let first = fan.get("/").await;
    is_page(&first, 200, &["Dome &amp; Co</option>", "data-testid=\"more\""]);
    assert_eq!(found(&first), 24);
    let rest = fan.get("/?q=&venue=&from=&until=&after=e23").await;
    assert_eq!(found(&rest), 2);
    assert!(!rest.text.contains("data-testid=\"more\""));
    let searched = fan.get("/?q=night&venue=Dome+%26+Co&from=2027-06-04&until=2027-06-08").await;
    assert_eq!(found(&searched), 3, "the days named are among them");
    is_page(&searched, 200, &["<option selected>Dome &amp; Co</option>", "value=\"2027-06-04\""]);
    is_page(&fan.get("/?q=nothing").await, 200, &["Nothing found."]);
    is_page(&fan.get("/?from=soon").await, 422, &["a day such as"]);
    // What is over is not on sale.
    shop.clock.advance(std::time::Duration::from_secs(150 * 24 * 3600));
    assert_eq!(found(&fan.get("/").await), 13);
}

#[tokio::test]
async fn a_ticket_is_shown_printed_and_checked_without_a_network() {
    let shop = Shop::open(&Database::in_memory()).await;
    shop.create_demo(&[("A", 2)]).await;
    let fan = shop.fan();
    let id = fan.held(&["A-2"]).await;
    let paid = fan.pay(&id, "sandbox-ok").await.json();
    let code = paid["tickets"][0]["code"].as_str().unwrap().to_owned();
    let path = format!("/tickets/{code}");
    is_page(&fan.get("/tickets").await, 200, &[&format!("href=\"{path}\"")]);
    let ticket = fan.get(&path).await;
    is_page(&ticket, 200, &[&code, "Row A, seat 2", "data-testid=\"ticket-qr\"", "data-print"]);
    assert_eq!(ticket.header("cache-control"), "private, no-store");
    let calendar = fan.get(&format!("{path}/calendar.ics")).await;
    assert_eq!((calendar.status, calendar.header("content-type")), (200, "text/calendar; charset=utf-8"));
    assert!(calendar.text.contains("DTSTART:20270601T193000Z\r\n"), "{}", calendar.text);
    for path in [path.as_str(), &format!("{path}/calendar.ics"), "/tickets/0000-0000-0000-0000"] {
        is_page(&shop.fan().get(path).await, 404, &["Ticket not found"]);
    }

    // What was scanned is checked by the command, with nothing but the public keys.
    let folder = tempfile::tempdir().unwrap();
    let keys = folder.path().join("keys.json");
    std::fs::write(&keys, fan.get("/api/tickets/keys").await.text).unwrap();
    let token = ticket.text.split("data-token=\"").nth(1).unwrap().split('"').next().unwrap();
    let verify = |event: &str, token: &str| {
        let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_origin-app"));
        command.env_clear().args(["ticket", "verify", "--keys"]).arg(&keys).args(["--event", event, token]);
        let output = command.output().unwrap();
        (output.status.code(), String::from_utf8(output.stdout).unwrap())
    };
    assert_eq!(verify("demo", token), (Some(0), format!("good\tdemo\tA-2\t{code}\t2027-06-01T19:30:00Z\n")));
    assert_eq!(verify("other", token), (Some(1), "bad\tthis ticket is for another event\n".into()));
    let forged = token.replace(token.split('.').next_back().unwrap(), &"A".repeat(86));
    assert_eq!(verify("demo", &forged), (Some(1), "bad\tnobody known has signed this ticket\n".into()));
}

#[tokio::test]
async fn an_organiser_makes_changes_and_publishes_an_event() {
    let shop = Shop::open(&Database::in_memory()).await;
    let (organiser, fan) = (shop.fan().organising(), shop.fan());
    for path in ["/organiser", "/organiser/events/new"] {
        is_page(&fan.get(path).await, 401, &["Only for organisers"]);
    }
    is_page(&organiser.get("/organiser").await, 200, &["There are no events yet."]);
    is_page(&organiser.get("/organiser/events/new").await, 200, &["section_6_places"]);
    let facts = [
        ("id", "arena"),
        ("name", "Arena"),
        ("venue", "Dome"),
        ("city", "Seoul"),
        ("description", "One\r\n\r\ntwo"),
        ("starts_at", "2027-06-01T19:30"),
        ("currency", "EUR"),
        ("waiting_room", ""),
        ("section_1_id", "ST"),
        ("section_1_name", "Stalls"),
        ("section_1_rows", "27"),
        ("section_1_seats", "2"),
        ("section_3_id", "GA"),
        ("section_3_name", "Floor"),
        ("section_3_price", "20"),
        ("section_3_places", "5"),
    ];
    let without_price = organiser.submit("/organiser/events", &facts).await;
    is_page(&without_price, 422, &["section 1: a price such as", "value=\"Stalls\""]);
    let all: Vec<_> = facts.into_iter().chain([("section_1_price", "45.50")]).collect();
    let created = organiser.submit("/organiser/events", &all).await;
    assert_eq!(
        (created.status, created.header("location")),
        (303, "/organiser/events/arena"),
        "{}",
        created.text
    );
    is_page(&organiser.submit("/organiser/events", &all).await, 409, &["an event of this id already"]);
    let draft = organiser.get("/organiser/events/arena").await;
    is_page(&draft, 200, &["data-testid=\"publish\"", "2027-06-01T19:30", "name=\"version\" value=\"1\""]);
    assert_eq!(fan.get("/events/arena").await.status, 404);
    is_page(&organiser.get("/organiser").await, 200, &["draft", "0 of 59"]);

    let change = [
        ("version", "1"),
        ("name", "Arena II"),
        ("venue", "Dome"),
        ("city", "Seoul"),
        ("description", ""),
        ("starts_at", "2027-06-02T19:30"),
        ("waiting_room", ""),
        ("sale_1_id", "all"),
        ("sale_1_name", "General"),
        ("sale_1_opens_at", "2027-01-15T09:00"),
        ("sale_1_closes_at", ""),
        ("sale_1_waiting_room", ""),
        ("sale_1_sections", "ST GA"),
    ];
    assert_eq!(organiser.submit("/organiser/events/arena", &change).await.status, 303);
    let stale = organiser.submit("/organiser/events/arena", &change).await;
    is_page(
        &stale,
        409,
        &["Somebody changed the event", "name=\"version\" value=\"2\"", "value=\"Arena II\""],
    );
    let published = organiser.submit("/organiser/events/arena/publish", &[("version", "2")]).await;
    assert_eq!(published.status, 303, "{}", published.text);
    is_page(
        &fan.get("/events/arena").await,
        200,
        &["Arena II", "from 15 January 2027, 09:00 UTC", "ST.AA-2"],
    );
    shop.clock.advance(std::time::Duration::from_secs(3600));
    let held = fan.submit("/events/arena/hold", &[("seat", "ST.AA-2")]).await;
    assert_eq!(held.status, 303, "{}", held.text);
    let checkout = held.header("location").to_owned();
    is_page(&fan.get(&checkout).await, 200, &["Stalls, row AA, seat 2", "€45.50"]);
    fan.submit(&format!("{checkout}/pay"), &[("card", "sandbox-ok")]).await;
    is_page(&organiser.get("/organiser/events/arena").await, 200, &["data-testid=\"sold\">1<", "€45.50"]);
    for path in ["/organiser/events", "/organiser/events/arena", "/organiser/events/arena/publish"] {
        assert_eq!(fan.submit(path, &all).await.status, 401);
    }
}

#[tokio::test]
async fn an_organiser_takes_tickets_back_and_calls_an_event_off() {
    let shop = Shop::open(&Database::in_memory()).await;
    shop.create_demo(&[("A", 4)]).await;
    let (organiser, fan) = (shop.fan().organising(), shop.fan());
    let (first, second) = (fan.held(&["A-1", "A-2"]).await, fan.held(&["A-3"]).await);
    for id in [&first, &second] {
        assert_eq!(fan.pay(id, "sandbox-ok").await.status, 200);
    }
    let page = "/organiser/events/demo";
    is_page(&organiser.get(page).await, 200, &["data-testid=\"call-off\"", "data-testid=\"refund\""]);
    for seat in ["A-4", "Z-9", "nonsense", ""] {
        let found = organiser.get(&format!("{page}/refund?seat={seat}")).await;
        is_page(&found, 404, &["no ticket for this seat"]);
    }
    let found = organiser.get(&format!("{page}/refund?seat=A-2")).await;
    let payment = format!("{first}.1");
    is_page(&found, 200, &["Row A, seat 1", "Row A, seat 2", "€90.00", &format!("value=\"{payment}\"")]);
    // Without the box nothing happens.
    let unsure = organiser.submit(&format!("{page}/refund"), &[("payment", &payment)]).await;
    is_page(&unsure, 422, &["please tick the box", "€90.00"]);
    assert_eq!(fan.state(&first).await, "confirmed");
    let sure = [("payment", payment.as_str()), ("sure", "yes")];
    for _ in 0..2 {
        let done = organiser.submit(&format!("{page}/refund"), &sure).await;
        assert_eq!((done.status, done.header("location")), (303, "/organiser/events/demo?done=refund"));
    }
    is_page(&organiser.get(&format!("{page}?done=refund")).await, 200, &["on its way back"]);
    assert_eq!((fan.state(&first).await, fan.state(&second).await), ("refunded".into(), "confirmed".into()));
    shop.create_event("other", &[("A", 1)]).await;
    let elsewhere = organiser.submit("/organiser/events/other/refund", &sure).await;
    is_page(&elsewhere, 404, &["payment"]);

    let call_off = format!("{page}/call-off");
    is_page(&organiser.get(&call_off).await, 200, &["Call “Demo” off?", "€45.00", "name=\"sure\""]);
    is_page(&organiser.submit(&call_off, &[]).await, 422, &["please tick the box"]);
    assert_eq!(fan.get("/events/demo").await.status, 200);
    for _ in 0..2 {
        assert_eq!(organiser.submit(&call_off, &[("sure", "yes")]).await.header("location"), page);
    }
    is_page(&organiser.get(page).await, 200, &["The event is called off"]);
    assert_eq!(organiser.get(&call_off).await.status, 303);
    eventually("the money is back", async || (fan.state(&second).await == "refunded").then_some(())).await;
    for path in ["refund", "call-off"] {
        assert_eq!(fan.submit(&format!("{page}/{path}"), &sure).await.status, 401);
        assert_eq!(fan.get(&format!("{page}/{path}?seat=A-1")).await.status, 401);
    }
}

#[tokio::test]
async fn places_where_nobody_sits_are_bought_by_number() {
    let shop = Shop::open(&Database::in_memory()).await;
    let body = json!({
        "id": "demo", "name": "Fest", "venue": "Park", "starts_at": "2027-06-01T19:30:00Z", "currency": "EUR",
        "waiting_room": null,
        "price_classes": [{"id": "field", "price_cents": 6900}, {"id": "lawn", "price_cents": 4500}],
        "sections": [
            {"id": "F", "name": "Field", "price_class": "field", "capacity": 3},
            {"id": "L", "name": "Lawn", "price_class": "lawn", "capacity": 50},
        ],
    });
    assert_eq!(shop.organiser(Method::POST, "/api/events", Some(&body)).await.0, 201);
    let (fan, other) = (shop.fan(), shop.fan());
    is_page(
        &fan.get("/events/demo").await,
        200,
        &["data-testid=\"places-F\"", "€69.00", "3 of 3 places left"],
    );
    let held = fan.submit("/events/demo/hold", &[("places-F", "2"), ("places-L", "0")]).await;
    assert_eq!(held.status, 303, "{}", held.text);
    let checkout = held.header("location").to_owned();
    is_page(&fan.get(&checkout).await, 200, &["Field, place 1", "Field, place 2", "€138.00"]);
    let over = other.submit("/events/demo/hold", &[("places-F", "2"), ("places-L", "")]).await;
    assert_eq!(over.status, 409, "one is left: {}", over.text);
    let both = other.submit("/events/demo/hold", &[("places-F", "1"), ("places-L", "1")]).await;
    is_page(&both, 422, &["One section at a time", "name=\"places-L\" value=\"1\""]);
    is_page(&other.submit("/events/demo/hold", &[("places-L", "5")]).await, 422, &["Too many seats"]);
    is_page(&other.submit("/events/demo/hold", &[("places-F", "many")]).await, 422, &["is not a number"]);
    assert_eq!(other.submit("/events/demo/hold", &[("places-F", "1")]).await.status, 303);
    is_page(&shop.fan().get("/events/demo").await, 200, &["0 of 3 places left", "50 of 50 places left"]);
}
