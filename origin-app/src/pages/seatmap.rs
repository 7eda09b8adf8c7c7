//! Where the seats of a house are drawn: rows in front of a stage, each a shallow arc, section by section. Pure
//! reckoning, in units of which a seat and the gap beside it have [`PITCH`]. Who has them is filled in later ([`super::seats`]).

use serde::Serialize;

use crate::events::{EventDetail, Seat, Section, SectionKind};
use crate::ids::{SeatId, SectionId};

use super::mould::gap;
use super::views::letters;

/// Asks how a seat looks.
pub(super) const LOOK: char = 's';
/// Asks how many places of a section are left, in words.
pub(super) const LEFT: char = 'l';

/// A seat and the gap beside it.
const PITCH: f64 = 30.0;
/// How much nearer to the stage a seat is than the middle of its row, for each seat's width squared.
const ARC: f64 = 0.12;
/// Width and height of a section where nobody sits.
const FLOOR: (f64, f64) = (14.0 * PITCH, 3.0 * PITCH);
/// What stays free around everything.
const MARGIN: f64 = 1.5 * PITCH;

/// A seat map, ready to be drawn.
#[derive(Debug, Serialize)]
pub(super) struct SeatMap {
    left: f64,
    top: f64,
    width: f64,
    height: f64,
    /// Where the stage is.
    stage: Area,
    seats: Vec<Mark>,
    labels: Vec<Label>,
    floors: Vec<Floor>,
}

#[derive(Debug, Serialize)]
struct Mark {
    id: SeatId,
    x: f64,
    y: f64,
    /// The gap where it stands.
    state: String,
    letter: char,
    /// Which price class, from 0.
    class: usize,
}

#[derive(Debug, Serialize)]
struct Label {
    text: String,
    x: f64,
    y: f64,
    /// Whether it names a section, and not a row.
    section: bool,
}

/// A section where nobody sits.
#[derive(Debug, Serialize)]
struct Floor {
    id: SectionId,
    name: String,
    /// The gap where it stands how many places are left.
    left: String,
    area: Area,
}

#[derive(Clone, Copy, Debug, Serialize)]
struct Area {
    x: f64,
    y: f64,
    width: f64,
    height: f64,
}

/// Draws `rows`, each of one section, and, where `with_floors`, the sections where nobody sits.
pub(super) fn draw(detail: &EventDetail, rows: &[&[Seat]], with_floors: bool) -> SeatMap {
    let mut drawing =
        Drawing { detail, next_y: 0.0, seats: Vec::new(), labels: Vec::new(), floors: Vec::new() };
    for section in &detail.sections {
        match section.kind {
            SectionKind::Numbered => {
                let of_it: Vec<_> = rows
                    .iter()
                    .filter(|row| row.first().is_some_and(|seat| seat.section == section.id))
                    .collect();
                if !of_it.is_empty() {
                    drawing.rows(section, &of_it);
                }
            }
            SectionKind::General if with_floors => drawing.floor(section),
            SectionKind::General => {}
        }
    }
    drawing.framed()
}

struct Drawing<'a> {
    detail: &'a EventDetail,
    /// Where the next section begins that says nothing of its place.
    next_y: f64,
    seats: Vec<Mark>,
    labels: Vec<Label>,
    floors: Vec<Floor>,
}

impl Drawing<'_> {
    /// The middle of the front of `section`.
    fn front(&self, section: &Section) -> (f64, f64) {
        section.map.map_or((0.0, self.next_y), |(x, y)| (x as f64 * PITCH, y as f64 * PITCH))
    }

    fn rows(&mut self, section: &Section, rows: &[&&[Seat]]) {
        let (middle, front) = self.front(section);
        let longest = rows.iter().map(|row| row.len()).max().unwrap_or_default() as f64;
        // The arc rises towards the stage, so the first row begins lower than the front.
        let first = front + ARC * (longest / 2.0).powi(2) + PITCH;
        if !section.name.is_empty() {
            self.labels.push(Label { text: section.name.clone(), x: middle, y: front, section: true });
        }
        let mut y = first;
        for row in rows {
            let half = (row.len() as f64 - 1.0) / 2.0;
            for (place, seat) in (0_u32..).zip(row.iter()) {
                let beside = f64::from(place) - half;
                let class = self.class_of(seat);
                self.seats.push(Mark {
                    id: seat.id.clone(),
                    x: tenth(middle + beside * PITCH),
                    y: tenth(y - ARC * beside * beside),
                    state: gap(LOOK, seat.id.as_str()),
                    letter: letters().nth(class).unwrap_or('*'),
                    class,
                });
            }
            let end = half + 1.0;
            if let Some(seat) = row.first() {
                for side in [-end, end] {
                    self.labels.push(Label {
                        text: seat.row.clone(),
                        x: tenth(middle + side * PITCH),
                        y: tenth(y - ARC * side * side),
                        section: false,
                    });
                }
            }
            y += PITCH;
        }
        self.next_y = self.next_y.max(y + PITCH);
    }

    fn floor(&mut self, section: &Section) {
        let (middle, front) = self.front(section);
        let (width, height) = FLOOR;
        let area = Area { x: middle - width / 2.0, y: front, width, height };
        self.floors.push(Floor {
            id: section.id.clone(),
            name: section.name.clone(),
            left: gap(LEFT, section.id.as_str()),
            area,
        });
        self.next_y = self.next_y.max(front + height + PITCH);
    }

    fn class_of(&self, seat: &Seat) -> usize {
        let classes = &self.detail.price_classes;
        classes.iter().position(|class| class.id == seat.price_class).unwrap_or_default()
    }

    /// All of it, with the stage before it and a margin around it.
    fn framed(self) -> SeatMap {
        let floors = self.floors.iter().flat_map(|floor| {
            let Area { x, y, width, height } = floor.area;
            [(x, y), (x + width, y + height)]
        });
        let points = self.seats.iter().map(|seat| (seat.x, seat.y));
        let points: Vec<_> =
            points.chain(self.labels.iter().map(|label| (label.x, label.y))).chain(floors).collect();
        let low = |pick: fn(&(f64, f64)) -> f64| points.iter().map(pick).fold(0.0, f64::min);
        let high = |pick: fn(&(f64, f64)) -> f64| points.iter().map(pick).fold(0.0, f64::max);
        let (left, right) = (low(|(x, _)| *x) - MARGIN, high(|(x, _)| *x) + MARGIN);
        let (front, bottom) = (low(|(_, y)| *y), high(|(_, y)| *y) + MARGIN);
        let stage_width = ((right - left) / 2.0).clamp(6.0 * PITCH, 20.0 * PITCH);
        let stage =
            Area { x: -stage_width / 2.0, y: front - 3.0 * PITCH, width: stage_width, height: 1.5 * PITCH };
        let (left, right) = (left.min(stage.x - MARGIN), right.max(stage.x + stage.width + MARGIN));
        let top = stage.y - MARGIN / 2.0;
        SeatMap {
            left: tenth(left),
            top: tenth(top),
            width: tenth(right - left),
            height: tenth(bottom - top),
            stage,
            seats: self.seats,
            labels: self.labels,
            floors: self.floors,
        }
    }
}

/// Coordinates need no more digits than anybody sees.
fn tenth(value: f64) -> f64 {
    (value * 10.0).round() / 10.0
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::events::samples::{detail, row};

    fn map(rows: &[Vec<Seat>]) -> SeatMap {
        let rows: Vec<_> = rows.iter().map(Vec::as_slice).collect();
        draw(&detail(), &rows, true)
    }

    #[test]
    fn no_two_seats_touch_and_all_are_inside() {
        let map = map(&[row("A", 21), row("B", 40), row("C", 3)]);
        assert_eq!(map.seats.len(), 64);
        for (nth, one) in map.seats.iter().enumerate() {
            assert!(one.x - 12.0 > map.left && one.x + 12.0 < map.left + map.width, "{one:?}");
            assert!(one.y - 12.0 > map.top && one.y + 12.0 < map.top + map.height, "{one:?}");
            for other in &map.seats[nth + 1..] {
                let apart = (one.x - other.x).hypot(one.y - other.y);
                assert!(apart >= 24.0, "{one:?} {other:?}");
            }
        }
        let floor = map.floors.first().unwrap().area;
        assert!(map.seats.iter().all(|seat| seat.y + 12.0 < floor.y), "the floor is behind the stalls");
    }

    #[test]
    fn a_row_is_centred_and_bends_towards_the_stage() {
        let map = map(&[row("A", 5)]);
        let xs: Vec<_> = map.seats.iter().map(|seat| seat.x).collect();
        assert_eq!(xs, [-60.0, -30.0, 0.0, 30.0, 60.0]);
        assert!(map.seats[0].y < map.seats[2].y && map.seats[0].y == map.seats[4].y);
    }

    #[test]
    fn a_section_stands_where_the_organiser_put_it() {
        let mut detail = detail();
        detail.sections[0].map = Some((20, 10));
        let seats = row("A", 1);
        let map = draw(&detail, &[&seats], false);
        assert!((map.seats[0].x - 600.0).abs() < 0.1 && map.seats[0].y >= 300.0, "{map:?}");
        assert!(map.floors.is_empty());
    }
}
