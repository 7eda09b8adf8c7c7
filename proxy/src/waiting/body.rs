//! The body of an answer. What is the same for all stands in it without being copied: a page is ten kilobytes, of which a
//! fan's own are three.

use std::sync::Arc;

use bytes::Bytes;

use super::sheets::Sheet;

/// Most pieces that are the same for all.
const SHARED_MAX: usize = 2;
/// As many pieces as there are then.
pub const PIECES: usize = 2 * SHARED_MAX + 1;

/// The body of an answer.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Body {
    /// What is this answer's own.
    own: Bytes,
    /// What stands between it.
    between: Between,
}

impl Body {
    /// With these between what is its own, each behind so many bytes of it.
    pub(super) const fn with(own: Bytes, between: Between) -> Self {
        Self { own, between }
    }

    /// The pieces, one behind the other; some are empty.
    pub fn pieces(&self) -> [&[u8]; PIECES] {
        let mut pieces: [&[u8]; PIECES] = [&[]; PIECES];
        let mut rest = &self.own[..];
        let mut from = 0;
        let mut places = pieces.iter_mut();
        for (at, shared) in self.between.iter() {
            let (before, after) = rest.split_at_checked(at.saturating_sub(from)).unwrap_or((rest, &[]));
            for (piece, place) in [before, shared].into_iter().zip(places.by_ref()) {
                *place = piece;
            }
            from += before.len();
            rest = after;
        }
        if let Some(last) = places.next() {
            *last = rest;
        }
        pieces
    }

    /// How long it is, in bytes.
    pub fn len(&self) -> usize {
        self.own.len() + self.between.iter().map(|(_, shared)| shared.len()).sum::<usize>()
    }

    /// Whether there is nothing in it.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// All of it in one piece.
    pub fn into_bytes(self) -> Bytes {
        if self.between.iter().next().is_none() {
            return self.own;
        }
        let mut sheet = Sheet::take();
        self.pieces().into_iter().for_each(|piece| sheet.bytes().extend_from_slice(piece));
        sheet.finish()
    }
}

impl From<Bytes> for Body {
    fn from(own: Bytes) -> Self {
        Self { own, ..Self::default() }
    }
}

impl From<String> for Body {
    fn from(own: String) -> Self {
        Bytes::from(own).into()
    }
}

/// What is the same for all and stands between what is an answer's own.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Between {
    pieces: [Option<Arc<[u8]>>; SHARED_MAX],
    /// Behind how many bytes of the answer's own each of them stands; in their order.
    at: [u32; SHARED_MAX],
}

impl Between {
    /// Takes `shared` behind so many bytes of the answer's own; `false` where there is no place for it any more.
    pub(super) fn take(&mut self, at: usize, shared: &Arc<[u8]>) -> bool {
        let free = self.pieces.iter_mut().zip(&mut self.at).find(|(piece, _)| piece.is_none());
        let (Some((piece, place)), Ok(at)) = (free, u32::try_from(at)) else { return false };
        (*piece, *place) = (Some(shared.clone()), at);
        true
    }

    /// Each with its place.
    fn iter(&self) -> impl Iterator<Item = (usize, &[u8])> {
        let pieces = self.pieces.iter().map_while(Option::as_deref);
        pieces.zip(self.at).map(|(piece, at)| (at as usize, piece))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_shared_stands_where_it_was_put() {
        let shared = ["-one-", "-two-", "-three-"].map(|text| Arc::from(text.as_bytes()));
        for (places, whole) in [
            (&[][..], "abcdef"),
            (&[0], "-one-abcdef"),
            (&[6], "abcdef-one-"),
            (&[2, 2], "ab-one--two-cdef"),
            (&[0, 6], "-one-abcdef-two-"),
            (&[1, 4], "a-one-bcd-two-ef"),
        ] {
            let mut between = Between::default();
            for (at, shared) in places.iter().zip(&shared) {
                assert!(between.take(*at, shared));
            }
            let body = Body::with(Bytes::from_static(b"abcdef"), between);
            assert_eq!((body.pieces().concat(), body.len()), (whole.as_bytes().to_vec(), whole.len()));
            assert_eq!(body.into_bytes(), whole);
        }
        let mut between = Between::default();
        let taken: Vec<bool> = shared.iter().map(|shared| between.take(0, shared)).collect();
        assert_eq!(taken, [true, true, false]);
        assert!(Body::default().is_empty() && Body::default().into_bytes().is_empty());
    }
}
