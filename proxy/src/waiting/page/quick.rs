//! The waiting page from a mould: rendered and compressed once for all who read the same words, filled for each fan.

use std::borrow::Cow;

use minijinja::{Value, context};

use super::super::body::Body;
use super::super::look::{Look, MARK};
use super::super::mould::{Cut, Mould, Shared, escaped};
use super::super::reader::Reader;
use super::Given;

/// How many holes there are.
const HOLES: usize = 16;

/// What the template that ships prints and never looks at. All else is in the key of the mould.
struct Holes<'a> {
    texts: [Option<Cow<'a, str>>; HOLES],
}

impl<'a> Holes<'a> {
    /// Each has its number by its place here, and the same in `Look::mould`.
    fn of(given: &'a Given<'_>) -> Self {
        let number = |number: u64| Some(number.to_string().into());
        Self {
            texts: [
                Some(escaped(given.page)),
                Some(escaped(&given.to)),
                given.position.as_deref().map(escaped),
                given.position_number.and_then(number),
                given.ahead.as_deref().map(escaped),
                Some(escaped(&given.wait)),
                Some(escaped(given.updated_at)),
                Some(escaped(&given.updated_words)),
                number(given.joined),
                number(given.poll_after_ms),
                number(given.refresh_seconds),
                Some(escaped(&given.refreshes)),
                given.opens_at.map(escaped),
                given.opens_in_ms.and_then(number),
                given.opens_words.as_deref().map(escaped),
                given.ticket.map(escaped),
            ],
        }
    }
}

impl Look {
    /// Whether the page can come from a mould: the template is the one that ships, of which it is known what it does
    /// with what it is given, and no turn is running out, of which it looks at the seconds.
    pub(super) fn has_mould(&self, reader: &Reader, given: &Given<'_>) -> bool {
        self.is_shipped && reader.takes_gzip && given.claim_seconds.is_none()
    }

    /// The waiting page, in gzip.
    pub(super) fn by_mould(&self, language: usize, given: &Given<'_>) -> Result<Body, minijinja::Error> {
        let holes = Holes::of(given);
        let filled = holes.texts.each_ref().map(Option::is_some);
        // Destructured, so that whoever adds something decides whether it makes another mould.
        let Given {
            title,
            room,
            state,
            // As the state says, and whether there is an opening.
            heading: _,
            lead: _,
            note,
            message,
            claim_seconds: _,
            claim_left: _,
            commitment,
            is_drawn,
            holds_place,
            can_move,
            shown_cookie,
            languages: _,
            page: _,
            to: _,
            position: _,
            position_number: _,
            ahead: _,
            wait: _,
            updated_at: _,
            updated_words: _,
            opens_at: _,
            opens_in_ms: _,
            opens_words: _,
            ticket: _,
            poll_after_ms: _,
            refresh_seconds: _,
            refreshes: _,
            joined: _,
        } = given;
        let words = (title, room, state, note, message, commitment, shown_cookie);
        let key = (language, filled, words, is_drawn, holds_place, can_move);
        let mould = self.moulds.get(&key, || self.mould(language, given, filled))?;
        let texts = holes.texts.map(Option::unwrap_or_default);
        Ok(mould.fill(|shared| self.shared(shared, language), &texts))
    }

    /// Renders the page with marks in place of what differs.
    fn mould(
        &self,
        language: usize,
        given: &Given<'_>,
        filled: [bool; HOLES],
    ) -> Result<Mould, minijinja::Error> {
        let [
            page,
            to,
            position,
            position_number,
            ahead,
            wait,
            updated_at,
            updated_words,
            joined,
            poll_after_ms,
            refresh_seconds,
            refreshes,
            opens_at,
            opens_in_ms,
            opens_words,
            ticket,
        ] = std::array::from_fn(|hole| match filled.get(hole) {
            Some(true) => Value::from_safe_string(format!("{MARK}{}", letter(hole))),
            _ => Value::from(()),
        });
        let marked = context! {
            page, to, position, position_number, ahead, wait, updated_at, updated_words, joined, poll_after_ms,
            refresh_seconds, refreshes, opens_at, opens_in_ms, opens_words, ticket,
            ..Value::from_serialize(given)
        };
        let text = self.text_of("waiting", language, marked)?;
        let mut pieces = text.split(MARK);
        let mut cuts = vec![Cut::Text(pieces.next().unwrap_or_default())];
        for piece in pieces {
            let mut rest = piece.chars();
            cuts.extend(match rest.next() {
                Some('s') => Some(Cut::Shared(Shared::Style)),
                Some('j') => Some(Cut::Shared(Shared::Script)),
                Some(mark) => (0..HOLES).find(|hole| letter(*hole) == mark).map(Cut::Hole),
                None => None,
            });
            cuts.push(Cut::Text(rest.as_str()));
        }
        Ok(Mould::new(cuts))
    }
}

/// What marks a hole.
fn letter(hole: usize) -> char {
    char::from(b'A' + u8::try_from(hole).unwrap_or_default())
}
