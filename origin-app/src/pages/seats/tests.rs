use super::*;
use crate::events::samples::{detail, row};
use crate::http::Assets;
use crate::ids::SectionId;

/// A language; a seat's name in it, what is said of five seats, and of places that are left.
type Case = (Language, fn(u32) -> String, [&'static str; 5], &'static str);

fn templates() -> Templates {
    Templates::new(&Assets::new(), "sandbox").unwrap()
}

fn id(seat: &str) -> SeatId {
    SeatId::parse(seat).unwrap()
}

fn text(value: &Value) -> String {
    assert!(value.is_safe());
    value.to_string()
}

#[test]
fn each_seat_is_shown_as_it_is_for_its_visitor() {
    let (templates, detail) = (templates(), detail());
    let mut seats = row("A", 5);
    seats[1].state = SeatState::Held;
    seats[2].state = SeatState::Sold;
    seats[3].state = SeatState::Sold;
    let own = HashMap::from([(id("ST.A-4"), SeatState::Sold)]);
    // What was chosen and is gone by now is not chosen any more.
    let chosen = [id("ST.A-5"), id("ST.A-2")];
    let claimed = [SectionCount { section: SectionId::parse("GA").unwrap(), claimed: 3 }];
    let plan = Plan::of(&detail, &Arc::new(seats.clone()));
    let cases: [Case; 2] = [
        (
            Language::En,
            |number| format!("Stalls, row A, seat {number}"),
            ["", ", held", ", sold", ", yours", ""],
            "7 of 10 places left",
        ),
        (
            Language::Ko,
            |number| format!("Stalls A열 {number}번"),
            ["", ", 선택 중", ", 판매됨", ", 내 좌석", ""],
            "전체 10명 중 7명 입장 가능",
        ),
    ];
    for (language, name, said, left) in cases {
        let part = plan.part(&templates, &detail, language, 1).unwrap();
        let shown = part.show(&detail, &seats, &own, &chosen, &claimed);
        let (map, list) = (text(&shown.map), text(&shown.list));
        let looks = [("available", ""), ("held", " disabled"), ("sold", " disabled"), ("mine", " disabled")];
        let looks = looks.into_iter().chain([("available", " checked")]);
        for (number, ((look, attribute), said)) in (1..).zip(looks.zip(said)) {
            let mark =
                format!("<g class=\"place {look}\" data-seat=\"ST.A-{number}\" transform=\"translate(");
            assert!(map.contains(&mark), "{mark} in {map}");
            let label = format!(
                "<label class=\"seat {look}\"><input type=\"checkbox\" name=\"seat\" value=\"ST.A-{number}\" \
                 data-testid=\"seat-ST.A-{number}\" data-cents=\"9000\"{attribute}><span class=\"vh\">{}</span>\
                 <span class=\"number\" aria-hidden=\"true\">{number}</span><span class=\"vh state\">{said}</span></label>",
                name(number)
            );
            assert!(list.contains(&label), "{label} in {list}");
        }
        assert_eq!(map.matches("\"/><text class=\"letter\">A</text></g>").count(), 5, "{map}");
        assert_eq!(map.matches("<use href=\"#m-mine\"/>").count(), 1, "{map}");
        assert!(map.contains(left), "{map}");
        assert!(!map.contains(['\u{1}', '\u{2}']) && !list.contains(['\u{1}', '\u{2}']), "{map} {list}");
    }
}

#[test]
fn a_large_house_is_shown_in_parts_of_whole_rows() {
    let (templates, detail) = (templates(), detail());
    let seats = Arc::new([row("A", 600), row("B", 400), row("C", 1), row("D", 2000)].concat());
    let plan = Plan::of(&detail, &seats);
    let parts = plan.parts(&detail);
    let names: Vec<_> = parts.iter().map(|part| (part.number, part.first, part.last)).collect();
    assert_eq!(names, [(1, "A", "B"), (2, "C", "C"), (3, "D", "D")]);
    assert_eq!([None, Some(0), Some(2), Some(99)].map(|part| plan.nearest(part)), [1, 1, 2, 3]);
    let show = |number| {
        let part = plan.part(&templates, &detail, Language::En, number).unwrap();
        let shown = part.show(&detail, &seats, &HashMap::new(), &[], &[]);
        (text(&shown.map), text(&shown.list))
    };
    let (map, list) = show(2);
    assert_eq!((map.matches("data-seat=").count(), list.matches("name=\"seat\"").count()), (1, 1));
    assert!(!map.contains("class=\"floor\""), "{map}");
    assert!(show(1).0.contains("class=\"floor\""));
}

#[test]
fn an_event_where_nobody_sits_has_a_map_and_no_list() {
    let (templates, detail) = (templates(), detail());
    let plan = Plan::of(&detail, &Arc::default());
    let part = plan.part(&templates, &detail, Language::En, plan.nearest(None)).unwrap();
    let shown = part.show(&detail, &[], &HashMap::new(), &[], &[]);
    assert!(text(&shown.map).contains("10 of 10 places left") && text(&shown.list).is_empty());
}

#[test]
fn what_is_the_same_for_all_is_made_once_for_each_version() {
    let (templates, mut detail, maps) = (templates(), detail(), SeatMaps::default());
    let find = |detail: &EventDetail, seats: &Arc<Vec<Seat>>, language| {
        maps.find(&templates, detail, seats, language, None).unwrap().part
    };
    let seats = Arc::new(row("A", 5));
    let first = find(&detail, &seats, Language::En);
    assert!(Arc::ptr_eq(&first, &find(&detail, &seats, Language::En)));
    assert!(!Arc::ptr_eq(&first, &find(&detail, &seats, Language::Ko)));
    // Sold or not, they are the same seats.
    let mut later = row("A", 5);
    later[0].state = SeatState::Sold;
    assert!(Arc::ptr_eq(&first, &find(&detail, &Arc::new(later.clone()), Language::En)));
    // Another house, read at another moment than the version was: then it is made by that.
    later[0].price_cents += 1;
    assert!(!Arc::ptr_eq(&first, &find(&detail, &Arc::new(later), Language::En)));
    let second = find(&detail, &seats, Language::En);
    detail.event.version += 1;
    detail.sections[0].name = "Circle".to_owned();
    let third = find(&detail, &seats, Language::En);
    assert!(!Arc::ptr_eq(&second, &third));
    let shown = text(&third.show(&detail, &seats, &HashMap::new(), &[], &[]).list);
    assert!(shown.contains("Circle, row A, seat 1") && !shown.contains("Stalls"), "{shown}");
    let plan_and_part = maps.bytes();
    find(&detail, &seats, Language::En);
    assert_eq!(maps.bytes(), plan_and_part);
}

#[test]
fn however_many_are_looked_at_they_take_no_more_memory_than_allowed() {
    const MOST: usize = 256 << 10;
    let (templates, mut detail, maps) = (templates(), detail(), SeatMaps::within(MOST));
    let seats = Arc::new(row("A", 100));
    let mut sizes = vec![0];
    for number in 0..20 {
        detail.event.id = crate::ids::EventId::parse(&format!("e{number}")).unwrap();
        let found = maps.find(&templates, &detail, &seats, Language::En, None).unwrap();
        assert_eq!(found.number, 1);
        sizes.push(maps.bytes());
    }
    assert!(sizes.iter().all(|size| *size <= MOST), "{sizes:?}");
    assert!(!sizes.is_sorted(), "room was made: {sizes:?}");
}
