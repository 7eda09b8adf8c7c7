use super::*;
use crate::events::house::SectionKind;
use serde_json::{Value, json};

const NOW: Timestamp = Timestamp::from_millis(1_800_000_000_000);

fn body() -> Value {
    json!({
        "id": "demo", "name": " The Demo ", "venue": "Hall", "starts_at": "2027-06-01T19:30:00Z",
        "currency": "EUR", "waiting_room": "demo",
        "rows": [{"name": "A", "seats": 2, "price_cents": 4500}, {"name": "B", "seats": 1, "price_cents": 1}],
    })
}

fn with_sections() -> Value {
    json!({
        "id": "arena", "name": "Arena", "venue": "Dome", "city": "Seoul", "description": "Two\r\nlines",
        "starts_at": "2027-06-01T19:30:00Z", "currency": "KRW", "waiting_room": null, "status": "draft",
        "price_classes": [{"id": "front", "name": "Front", "price_cents": 9000}, {"id": "rest", "price_cents": 50}],
        "sections": [
            {"id": "ST", "name": "Stalls", "price_class": "rest", "map": {"x": 0, "y": 3},
             "rows": [{"name": "A", "seats": 1, "price_class": "front"}, {"name": "B", "seats": 2}]},
            {"id": "GA", "name": "Floor", "price_class": "rest", "capacity": 3},
        ],
        "sales": [
            {"id": "early", "name": "Members", "opens_at": "2027-01-01T00:00:00Z",
             "closes_at": "2027-01-02T00:00:00Z", "waiting_room": "members", "sections": ["ST", "ST"]},
            {"id": "all", "name": "General", "opens_at": "2027-01-03T00:00:00Z"},
        ],
    })
}

fn parse(body: Value) -> Result<NewEvent, NewEventError> {
    serde_json::from_value::<NewEventBody>(body).unwrap().check(NOW)
}

fn ids(seats: &[NewSeat]) -> Vec<&str> {
    seats.iter().map(|seat| seat.id.as_str()).collect()
}

#[test]
fn rows_alone_are_one_section_with_a_class_for_each_price() {
    let NewEvent { detail, seats } = parse(body()).unwrap();
    assert_eq!((detail.event.name.as_str(), detail.event.seats_total), ("The Demo", 3));
    assert_eq!((detail.event.status, detail.event.version), (EventStatus::Published, 1));
    assert_eq!(ids(&seats), ["A-1", "A-2", "B-1"]);
    let classes: Vec<_> = detail.price_classes.iter().map(|class| class.id.as_str()).collect();
    assert_eq!(classes, ["p4500", "p1"]);
    assert_eq!(detail.sections.len(), 1);
    assert!(seats.iter().all(|seat| seat.section == SectionId::only()));
    assert!(detail.section_of(&seats[0].id).is_some());
}

#[test]
fn sections_are_rows_or_places_of_a_class() {
    let NewEvent { detail, seats } = parse(with_sections()).unwrap();
    assert_eq!(ids(&seats), ["ST.A-1", "ST.B-1", "ST.B-2", "GA-1", "GA-2", "GA-3"]);
    assert_eq!(seats.iter().map(|seat| seat.price_cents).collect::<Vec<_>>(), [9000, 50, 50, 50, 50, 50]);
    let sections: Vec<_> =
        detail.sections.iter().map(|section| (section.kind, section.capacity, section.map)).collect();
    assert_eq!(sections, [(SectionKind::Numbered, 3, Some((0, 3))), (SectionKind::General, 3, None)]);
    assert_eq!((detail.event.status, detail.event.description.as_str()), (EventStatus::Draft, "Two\nlines"));
    assert_eq!(detail.sales.iter().map(|sale| sale.sections.len()).collect::<Vec<_>>(), [1, 0]);
    for seat in &seats {
        assert_eq!(detail.section_of(&seat.id).unwrap().id, seat.section, "{}", seat.id);
    }
}

#[test]
fn each_field_is_checked() {
    let row =
        |name: &str, seats: u64, price: i64| json!({"name": name, "seats": seats, "price_cents": price});
    for (field, value) in [
        ("id", json!("De mo")),
        ("name", json!(" ")),
        ("name", json!("two\nlines")),
        ("venue", json!("x".repeat(201))),
        ("city", json!("x".repeat(201))),
        ("description", json!("x".repeat(5001))),
        ("description", json!("a\u{7}b")),
        ("starts_at", json!("tomorrow")),
        ("currency", json!("eur")),
        ("waiting_room", json!("")),
        ("status", json!("called_off")),
        ("rows", json!([])),
        ("rows", json!([row("A", 1, 1), row("A", 1, 1)])),
        ("rows", json!([row("A", 0, 1)])),
        ("rows", json!([row("A", 1, 0)])),
        ("rows", json!([row("A B", 1, 1)])),
        ("rows", json!([row("A", 4_000_000_000, 1), row("B", 4_000_000_000, 1)])),
    ] {
        let mut body = body();
        body[field] = value.clone();
        assert_eq!(parse(body).unwrap_err().field, field, "{value}");
    }
}

#[test]
fn each_field_of_a_house_of_sections_is_checked() {
    for (path, value) in [
        ("/price_classes", json!([])),
        ("/price_classes/1/id", json!("front")),
        ("/price_classes/0/price_cents", json!(0)),
        ("/sections", json!([])),
        ("/sections/1/id", json!("ST")),
        ("/sections/1/id", json!("too-long-for-one")),
        ("/sections/0/name", json!("")),
        ("/sections/0/price_class", json!("none")),
        ("/sections/0/rows", json!([])),
        ("/sections/0/rows/0/price_class", json!("none")),
        ("/sections/0/rows/1/name", json!("A")),
        ("/sections/0/rows/0/seats", json!(0)),
        ("/sections/0/map/y", json!(-1)),
        ("/sections/1/capacity", json!(50_001)),
        ("/sections/1/capacity", json!(0)),
        ("/sections/1/rows", json!([{"name": "A", "seats": 1}])),
        ("/sales/0/sections", json!(["NO"])),
        ("/sales/0/id", json!("all")),
        ("/sales/0/closes_at", json!("2027-01-01T00:00:00Z")),
        ("/sales/0/waiting_room", json!("")),
        ("/sales/1/opens_at", json!("soon")),
    ] {
        let mut body = with_sections();
        let field = path.split('/').nth(1).unwrap();
        match body.pointer_mut(path) {
            Some(place) => *place = value.clone(),
            None => {
                let (parent, name) = path.rsplit_once('/').unwrap();
                body.pointer_mut(parent).unwrap()[name] = value.clone();
            }
        }
        let Err(error) = parse(body) else { panic!("{path} {value}") };
        assert!(error.field == field, "{path} {value}: {error}");
    }
    let mut both = with_sections();
    both["rows"] = json!([{"name": "A", "seats": 1, "price_cents": 1}]);
    assert!(parse(both).is_err());
    let mut neither = body();
    neither.as_object_mut().unwrap().remove("rows");
    assert!(parse(neither).is_err());
}

#[test]
fn a_misspelt_field_is_refused() {
    let mut body = body();
    body["waitingroom"] = json!("demo");
    assert!(serde_json::from_value::<NewEventBody>(body).is_err());
}

fn change(before: &EventDetail, body: Value) -> Result<change::Changed, NewEventError> {
    serde_json::from_value::<ChangeBody>(body).unwrap().apply(before, NOW)
}

#[test]
fn a_change_changes_what_it_names() {
    let before = parse(with_sections()).unwrap().detail;
    let after = change(&before, json!({"name": "Dome", "sales": []})).unwrap();
    assert!(after.seats.is_none());
    let expected = EventDetail {
        event: Event {
            name: "Dome".to_owned(),
            version: 2,
            updated_at: Timestamp::from_millis(NOW.as_millis() + 1),
            ..before.event.clone()
        },
        sales: Vec::new(),
        ..before.clone()
    };
    assert_eq!(after.detail, expected);
    let house =
        json!({"rows": [{"name": "A", "seats": 5, "price_cents": 100}], "sales": [], "status": "published"});
    let after = change(&before, house).unwrap();
    assert_eq!((after.detail.event.seats_total, after.seats.unwrap().len()), (5, 5));
    let published = after.detail;
    let room = change(&published, json!({"waiting_room": "demo"})).unwrap().detail;
    assert_eq!(room.event.waiting_room, RoomName::parse("demo").ok());
    assert_eq!(change(&room, json!({"waiting_room": null})).unwrap().detail.event.waiting_room, None);
    assert_eq!(change(&room, json!({})).unwrap().detail.event.waiting_room, room.event.waiting_room);
}

#[test]
fn what_people_have_seen_is_not_taken_back() {
    let draft = parse(with_sections()).unwrap().detail;
    let published = change(&draft, json!({"status": "published"})).unwrap().detail;
    for (before, body, field) in [
        (&published, json!({"status": "draft"}), "status"),
        (&draft, json!({"status": "called_off"}), "status"),
        (&published, json!({"rows": [{"name": "A", "seats": 5, "price_cents": 100}]}), "sections"),
        (&draft, json!({"rows": [{"name": "A", "seats": 5, "price_cents": 100}]}), "sales"),
    ] {
        let Err(error) = change(before, body.clone()) else { panic!("{body}") };
        assert_eq!(error.field, field, "{body}");
    }
}
