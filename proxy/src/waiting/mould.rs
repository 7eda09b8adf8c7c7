//! Pages that are made once for all who read the same, with holes for what differs from fan to fan.
//!
//! To render a page and to compress it takes twice as long as everything else about it. The template that ships only prints
//! what differs (places, times, addresses), so it is rendered once with marks in their places, cut at the marks, and the
//! pieces are compressed. For each fan the holes are filled: what goes into them is stored as it is, which deflate allows
//! between its blocks.

use std::borrow::Cow;
use std::collections::HashMap;
use std::hash::{BuildHasher as _, Hash};
use std::sync::Arc;

use foldhash::fast::FixedState;
use foldhash::quality::RandomState;
use parking_lot::RwLock;

use super::body::{Between, Body};
use super::checksum::Checksum;
use super::parcel::{END, Fixed, HEAD};
use super::sheets::Sheet;

/// Most moulds that are kept: some for each language and state. Beyond, all are made anew.
const MOULDS_MAX: usize = 256;
/// A piece that is shorter is stored as it is.
const LITERAL_MAX: usize = 64;
/// Longest stored block.
const STORED_MAX: usize = 0xffff;

/// Which part of a page that is the same for everybody.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Shared {
    Style,
    Script,
}

/// A piece of a rendered page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Cut<'a> {
    /// As it was rendered.
    Text(&'a str),
    /// The style or the script.
    Shared(Shared),
    /// The hole with this number.
    Hole(usize),
}

#[derive(Debug)]
enum Piece {
    Packed(Box<Fixed>),
    Literal(String),
    Shared(Shared),
    Hole(usize),
}

/// A page with holes.
#[derive(Debug)]
pub(super) struct Mould {
    pieces: Vec<Piece>,
}

impl Mould {
    /// Packs what is the same each time.
    pub(super) fn new<'a>(cuts: impl IntoIterator<Item = Cut<'a>>) -> Self {
        let pieces = cuts.into_iter().map(|cut| match cut {
            Cut::Text(text) if text.len() < LITERAL_MAX => Piece::Literal(text.to_owned()),
            Cut::Text(text) => Piece::Packed(Box::new(Fixed::new(text.to_owned()))),
            Cut::Shared(shared) => Piece::Shared(shared),
            Cut::Hole(hole) => Piece::Hole(hole),
        });
        Self { pieces: pieces.collect() }
    }

    /// The page in gzip, with these texts in its holes.
    pub(super) fn fill<'a>(&self, shared: impl Fn(Shared) -> &'a Fixed, holes: &[impl AsRef<str>]) -> Body {
        let mut page = Page {
            sheet: Sheet::take(),
            between: Between::default(),
            checksum: Checksum::default(),
            stored_from: None,
        };
        page.sheet.bytes().extend_from_slice(&HEAD);
        for piece in &self.pieces {
            match piece {
                Piece::Packed(fixed) => page.packed(fixed),
                Piece::Shared(name) => page.shared(shared(*name)),
                Piece::Literal(text) => page.stored(text),
                Piece::Hole(hole) => page.stored(holes.get(*hole).map_or("", AsRef::as_ref)),
            }
        }
        page.finish()
    }
}

/// A page that is being put together.
struct Page {
    sheet: Sheet,
    /// Style and script.
    between: Between,
    checksum: Checksum,
    /// Where the head of the stored block begins that is being written.
    stored_from: Option<usize>,
}

impl Page {
    fn packed(&mut self, fixed: &Fixed) {
        self.close();
        self.sheet.bytes().extend_from_slice(&fixed.deflated);
        self.checksum.append(&fixed.checksum);
    }

    /// The same, and left where it is.
    fn shared(&mut self, fixed: &Fixed) {
        self.close();
        let at = self.sheet.bytes().len();
        if self.between.take(at, &fixed.deflated) {
            self.checksum.append(&fixed.checksum);
        } else {
            self.packed(fixed);
        }
    }

    fn stored(&mut self, text: &str) {
        let mut rest = text.as_bytes();
        while !rest.is_empty() {
            let from = *self.stored_from.get_or_insert_with(|| {
                let from = self.sheet.bytes().len();
                self.sheet.bytes().extend_from_slice(&[0; 5]);
                from
            });
            let room = (from + 5 + STORED_MAX).saturating_sub(self.sheet.bytes().len());
            let (now, later) = rest.split_at(room.min(rest.len()));
            self.sheet.bytes().extend_from_slice(now);
            rest = later;
            if !rest.is_empty() {
                self.close();
            }
        }
    }

    /// Ends the stored block: only now its length is known, and its sum is taken at once.
    fn close(&mut self) {
        let Some(from) = self.stored_from.take() else { return };
        let Some((head, stored)) =
            self.sheet.bytes().get_mut(from..).and_then(|block| block.split_first_chunk_mut::<5>())
        else {
            return;
        };
        let length = u16::try_from(stored.len()).unwrap_or(u16::MAX);
        let [[low, high], [not_low, not_high]] = [length.to_le_bytes(), (!length).to_le_bytes()];
        *head = [0, low, high, not_low, not_high];
        self.checksum.update(stored);
    }

    fn finish(mut self) -> Body {
        self.close();
        self.sheet.bytes().extend_from_slice(&END);
        self.sheet.bytes().extend_from_slice(&self.checksum.trailer());
        Body::with(self.sheet.finish(), self.between)
    }
}

/// The moulds of one look.
#[derive(Debug, Default)]
pub(super) struct Moulds {
    /// Two, for two keys that are alike would show one fan the page of another.
    hashers: [RandomState; 2],
    /// By what is a hash already.
    made: RwLock<HashMap<[u64; 2], Arc<Mould>, FixedState>>,
}

impl Moulds {
    /// The mould of all pages that have `key` in common; where there is none it is made by `make`.
    pub(super) fn get<E>(
        &self,
        key: &impl Hash,
        make: impl FnOnce() -> Result<Mould, E>,
    ) -> Result<Arc<Mould>, E> {
        let key = self.hashers.each_ref().map(|hasher| hasher.hash_one(key));
        if let Some(mould) = self.made.read().get(&key) {
            return Ok(mould.clone());
        }
        let mould = Arc::new(make()?);
        let mut made = self.made.write();
        if made.len() >= MOULDS_MAX {
            made.clear();
        }
        made.insert(key, mould.clone());
        Ok(mould)
    }
}

/// `text` as templates write it into a page.
pub(super) fn escaped(text: &str) -> Cow<'_, str> {
    let Some(first) = text.bytes().position(|byte| entity(byte).is_some()) else { return text.into() };
    let mut escaped = String::with_capacity(text.len() + 32);
    let (mut plain, mut rest) = text.split_at(first);
    loop {
        escaped.push_str(plain);
        let Some(entity) = rest.bytes().next().and_then(entity) else { return escaped.into() };
        escaped.push_str(entity);
        rest = rest.get(1..).unwrap_or_default();
        let next = rest.bytes().position(|byte| self::entity(byte).is_some()).unwrap_or(rest.len());
        (plain, rest) = rest.split_at(next);
    }
}

/// What stands for a byte that means something in a page.
const fn entity(byte: u8) -> Option<&'static str> {
    Some(match byte {
        b'&' => "&amp;",
        b'<' => "&lt;",
        b'>' => "&gt;",
        b'"' => "&quot;",
        b'\'' => "&#x27;",
        b'/' => "&#x2f;",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use std::io::Read as _;

    use minijinja::HtmlEscape;

    use super::*;

    fn unpacked(page: Body) -> String {
        let mut text = String::new();
        flate2::read::GzDecoder::new(page.into_bytes().as_ref()).read_to_string(&mut text).unwrap();
        text
    }

    #[test]
    fn holes_are_filled() {
        let long = "the same for everyone, ".repeat(400);
        let style = Fixed::new("a style, ".repeat(20));
        let far_too_long = "é".repeat(STORED_MAX);
        let cuts = [
            Cut::Text(&long),
            Cut::Hole(0),
            Cut::Text("short"),
            Cut::Hole(1),
            Cut::Shared(Shared::Style),
            Cut::Hole(1),
            Cut::Hole(7),
            Cut::Text(""),
        ];
        let mould = Mould::new(cuts);
        for one in ["", "x", far_too_long.as_str()] {
            let page = mould.fill(|_| &style, &["7", one]);
            assert!(unpacked(page) == format!("{long}7short{one}{}{one}", style.text), "{}", one.len());
        }
        assert!(Mould::new(cuts).fill(|_| &style, &["7", "x"]).len() < 300);
    }

    #[test]
    fn moulds_are_made_once_and_never_too_many() {
        let moulds = Moulds::default();
        let mut made = 0;
        for _ in 0..3 {
            let make = || {
                made += 1;
                Ok::<_, ()>(Mould::new([]))
            };
            moulds.get(&("a", 1), make).unwrap();
        }
        assert_eq!(made, 1);
        for other in 0..2 * MOULDS_MAX {
            moulds.get(&other, || Ok::<_, ()>(Mould::new([]))).unwrap();
            assert!(moulds.made.read().len() <= MOULDS_MAX);
        }
        assert_eq!(moulds.get(&"bad", || Err(7)).unwrap_err(), 7);
    }

    #[test]
    fn what_fans_bring_is_escaped() {
        assert_eq!(escaped("a?b=1"), "a?b=1");
        let letters = "\"><i>'&/é";
        assert_eq!(escaped(letters), "&quot;&gt;&lt;i&gt;&#x27;&amp;&#x2f;é");
        assert_eq!(escaped("/a/é//b"), HtmlEscape("/a/é//b").to_string());
        // Each that the library escapes is looked for.
        for letter in (0_u8..=127).map(char::from).map(String::from) {
            assert_eq!(escaped(&letter), HtmlEscape(&letter).to_string());
        }
    }
}
