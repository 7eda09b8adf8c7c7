//! What a browser keeps while a place moves, and the code that the other one scans.

use admission::name::RoomId;
use qrcode::{Color, EcLevel, QrCode};

use super::cookies::Scheme;
use super::notice::Qr;

/// How long the browser that gave a place away is told that it moved.
const MOVING_SECONDS: u64 = 7 * 24 * 3600;
/// How long the browser that takes it over may ask again.
const TAKING_SECONDS: u64 = 15 * 60;
/// The light border that scanners need.
const BORDER: usize = 4;

/// The cookies of a move: one says which ticket a link was made for, one who takes a place over.
pub struct Marks {
    moving: String,
    taking: String,
    scheme: Scheme,
}

impl Marks {
    /// The cookies of `room`.
    pub fn new(room: &RoomId, scheme: Scheme) -> Self {
        let prefix = if scheme == Scheme::Https { "__Host-" } else { "" };
        Self { moving: format!("{prefix}wr-move-{room}"), taking: format!("{prefix}wr-take-{room}"), scheme }
    }

    /// The name of the cookie that says which ticket a link was made for.
    pub fn moving_name(&self) -> &str {
        &self.moving
    }

    /// The name of the cookie that says who takes a place over.
    pub fn taking_name(&self) -> &str {
        &self.taking
    }

    /// The `Set-Cookie` value for a link that was made for `ticket`.
    pub fn moving(&self, ticket: &str) -> String {
        self.set(&self.moving, ticket, MOVING_SECONDS)
    }

    /// The `Set-Cookie` value that takes it away.
    pub fn not_moving(&self) -> String {
        self.set(&self.moving, "", 0)
    }

    /// The `Set-Cookie` value for who is asked whether to take a place over.
    pub fn taking(&self, taker: &str) -> String {
        self.set(&self.taking, taker, TAKING_SECONDS)
    }

    fn set(&self, name: &str, value: &str, seconds: u64) -> String {
        let secure = if self.scheme == Scheme::Https { "; Secure" } else { "" };
        format!("{name}={value}; Path=/; Max-Age={seconds}; HttpOnly; SameSite=Lax{secure}")
    }
}

/// The code that says `link`, to be drawn as one path; nothing where the link is too long for one.
pub fn qr(link: &str) -> Option<Qr> {
    let code = QrCode::with_error_correction_level(link, EcLevel::L).ok()?;
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
    Some(Qr { size: width + 2 * BORDER, path, link: link.to_owned() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_becomes_a_code() {
        let code = qr("https://tickets.example/.waiting-room/demo/take?code=v1.abc").unwrap();
        // The upper left corner of every code: seven dark, one light.
        assert!(code.path.starts_with("M4 4h7v1h-7z"), "{}", code.path);
        assert!(code.size > 30 && code.size < 60, "{}", code.size);
        assert!(qr(&"x".repeat(3000)).is_none());
    }

    #[test]
    fn cookies_are_bound_to_the_host_under_tls() {
        let marks = Marks::new(&RoomId::parse("demo").unwrap(), Scheme::Https);
        assert_eq!(
            marks.moving("t"),
            "__Host-wr-move-demo=t; Path=/; Max-Age=604800; HttpOnly; SameSite=Lax; Secure"
        );
        assert!(marks.not_moving().contains("=; Path=/; Max-Age=0;"));
        assert!(marks.taking("x").starts_with("__Host-wr-take-demo=x; "));
    }
}
