//! The code that an entrance scans, as one path of an SVG.

use qrcode::{Color, EcLevel, QrCode};
use serde::Serialize;

/// The light border that scanners need.
const BORDER: usize = 4;

/// A code, ready to be drawn.
#[derive(Debug, Serialize)]
pub(crate) struct Qr {
    size: usize,
    path: String,
}

/// The code that says `text`; nothing where that is too long for one.
pub(crate) fn qr(text: &str) -> Option<Qr> {
    let code = QrCode::with_error_correction_level(text, EcLevel::M).ok()?;
    let width = code.width();
    let mut path = String::with_capacity(width * width * 4);
    for (y, row) in code.to_colors().chunks(width).enumerate() {
        // Neighbours in a row are one stroke.
        let mut x = 0;
        for run in row.chunk_by(|a, b| a == b) {
            if run.first() == Some(&Color::Dark) {
                path.push_str(&format!("M{} {}h{}v1h-{}z", x + BORDER, y + BORDER, run.len(), run.len()));
            }
            x += run.len();
        }
    }
    Some(Qr { size: width + 2 * BORDER, path })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ticket_fits_into_a_code() {
        let code = qr(&"a".repeat(330)).unwrap();
        assert!(code.size < 90 && code.path.starts_with("M4 4h7v1h-7z"), "{}", code.size);
        assert!(qr(&"a".repeat(5000)).is_none());
    }
}
