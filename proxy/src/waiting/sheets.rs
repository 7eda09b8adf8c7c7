//! Memory for pages and their heads, used again and again: what was written a moment ago is still near the processor, and a page is long.

use std::cell::RefCell;

use bytes::Bytes;

/// How long a page is, about.
const LENGTH: usize = 16 * 1024;
/// Longest that is kept.
const LENGTH_MAX: usize = 64 * 1024;
/// How many each thread keeps.
const SHEETS_MAX: usize = 8;

thread_local! {
    static SHEETS: RefCell<Vec<Vec<u8>>> = const { RefCell::new(Vec::new()) };
}

/// Memory for one page.
pub(crate) struct Sheet(Vec<u8>);

impl Sheet {
    /// An empty one.
    pub(crate) fn take() -> Self {
        let kept = SHEETS.try_with(|sheets| sheets.borrow_mut().pop()).ok().flatten();
        Self(kept.unwrap_or_else(|| Vec::with_capacity(LENGTH)))
    }

    /// What is written on it.
    pub(crate) fn bytes(&mut self) -> &mut Vec<u8> {
        &mut self.0
    }

    /// The page. Its memory is kept once nobody reads it any more.
    pub(super) fn finish(self) -> Bytes {
        Bytes::from_owner(self)
    }
}

impl AsRef<[u8]> for Sheet {
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
}

impl Drop for Sheet {
    fn drop(&mut self) {
        let mut bytes = std::mem::take(&mut self.0);
        if bytes.capacity() > LENGTH_MAX {
            return;
        }
        bytes.clear();
        let _ = SHEETS.try_with(|sheets| {
            let mut sheets = sheets.borrow_mut();
            if sheets.len() < SHEETS_MAX {
                sheets.push(bytes);
            }
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_is_used_again_once_nobody_reads_it() {
        let write = |text: &str| {
            let mut sheet = Sheet::take();
            assert!(sheet.bytes().is_empty());
            sheet.bytes().extend_from_slice(text.as_bytes());
            sheet.finish()
        };
        let first = write("first");
        let second = write("second");
        assert_ne!(first.as_ptr(), second.as_ptr());
        let (at, clone) = (first.as_ptr(), first.clone());
        drop(first);
        assert_ne!(write("third").as_ptr(), at);
        assert_eq!(clone, "first");
        drop(clone);
        assert_eq!(write("fourth").as_ptr(), at);
    }
}
