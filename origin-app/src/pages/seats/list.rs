//! The seats of a part as a list, as the templates see it.

use serde::Serialize;

use crate::events::{EventDetail, Seat};
use crate::ids::SectionId;
use crate::language::Language;
use crate::money;
use crate::pages::mould::gap;
use crate::pages::seatmap::LOOK;
use crate::pages::texts::Texts;
use crate::pages::views::seat_name;

/// Asks whether a seat may be chosen.
pub(super) const MAY: char = 'm';
/// Asks what is said of a seat.
pub(super) const WORDS: char = 'w';

/// A section's rows.
#[derive(Serialize)]
pub(super) struct SectionView<'a> {
    name: &'a str,
    rows: Vec<RowView<'a>>,
}

#[derive(Serialize)]
struct RowView<'a> {
    name: &'a str,
    price: String,
    price_cents: i64,
    seats: Vec<SeatView<'a>>,
}

/// A seat; what varies is a gap.
#[derive(Serialize)]
struct SeatView<'a> {
    id: &'a str,
    name: String,
    number: i64,
    state: String,
    may: String,
    words: String,
}

/// These rows by section, in `language`.
pub(super) fn sections<'a>(
    rows: &[&'a [Seat]],
    detail: &'a EventDetail,
    texts: &Texts,
    language: Language,
) -> Vec<SectionView<'a>> {
    let view = |rows: &[&'a [Seat]]| {
        let section = rows.first().and_then(section_of).and_then(|id| detail.section(id));
        SectionView {
            name: section.map_or("", |section| &section.name),
            rows: rows.iter().map(|row| row_view(row, detail, texts, language)).collect(),
        }
    };
    rows.chunk_by(|one, other| section_of(one) == section_of(other)).map(view).collect()
}

fn section_of<'a>(row: &&'a [Seat]) -> Option<&'a SectionId> {
    row.first().map(|seat| &seat.section)
}

fn row_view<'a>(row: &'a [Seat], detail: &EventDetail, texts: &Texts, language: Language) -> RowView<'a> {
    let (name, price_cents) = row.first().map_or(("", 0), |seat| (seat.row.as_str(), seat.price_cents));
    let view = |seat: &'a Seat| {
        let id = seat.id.as_str();
        SeatView {
            id,
            name: seat_name(detail, &seat.id, texts, language),
            number: seat.number,
            state: gap(LOOK, id),
            may: gap(MAY, id),
            words: gap(WORDS, id),
        }
    };
    let price = money::for_people(price_cents, &detail.event.currency);
    RowView { name, price, price_cents, seats: row.iter().map(view).collect() }
}
