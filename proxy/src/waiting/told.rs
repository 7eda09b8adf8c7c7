//! What the fans of a lane are told who wait, as frames of a WebSocket: all but the place is the same for all of them, and is
//! written down once.

use serde::Serialize;

use super::status::{Eta, Status};

/// A text frame, whole.
const TEXT: u8 = 0x81;
/// Lengths beyond this take two bytes more, and beyond those eight.
const SHORT_MAX: usize = 125;
const LENGTH_OF_TWO: u8 = 126;
const LENGTH_OF_EIGHT: u8 = 127;

/// A status without what is a fan's own.
pub(crate) struct Mould {
    /// Up to the position.
    head: Vec<u8>,
    /// From behind the wait to the time of the next poll.
    middle: Vec<u8>,
    /// Behind that.
    tail: Vec<u8>,
}

/// What is a fan's own of a status.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Own {
    /// Their place, from 1.
    pub(crate) position: u64,
    /// Fans before them.
    pub(crate) ahead: u64,
    /// Fans who wait in the room, in all.
    pub(crate) waiting: u64,
    /// How long it may take.
    pub(crate) eta: Option<Eta>,
    /// When to ask again.
    pub(crate) poll_after_ms: u64,
}

impl Mould {
    /// Of any fan's status.
    pub(crate) fn of(status: &Status) -> Self {
        let Status { room, lane, state, drain_per_minute, opens_at, message, .. } = status;
        let mut head = Vec::new();
        put(&mut head, "{\"room\":", room);
        put(&mut head, ",\"lane\":", lane);
        put(&mut head, ",\"state\":", state);
        head.extend_from_slice(b",\"position\":");
        let mut middle = Vec::new();
        put(&mut middle, ",\"drain_per_minute\":", drain_per_minute);
        put(&mut middle, ",\"opens_at\":", opens_at);
        middle.extend_from_slice(b",\"poll_after_ms\":");
        let mut tail = Vec::new();
        put(&mut tail, ",\"message\":", message);
        if let Some(note) = &status.note {
            put(&mut tail, ",\"note\":", note);
        }
        if let Some(seconds) = &status.claim_seconds {
            put(&mut tail, ",\"claim_seconds\":", seconds);
        }
        put(&mut tail, ",\"updated_at\":", &status.updated_at);
        tail.push(b'}');
        Self { head, middle, tail }
    }

    /// Adds the frame of the status of a fan of whom this is their own. The same bytes as [`Status::to_json`].
    pub(crate) fn frame(&self, own: &Own, frame: &mut Vec<u8>) {
        let mut text = Digits::default();
        let position = text.put(own.position);
        let ahead = text.put(own.ahead);
        let waiting = text.put(own.waiting);
        let wait = own.eta.map(|eta| (text.put(eta.low), text.put(eta.high)));
        let poll_after = text.put(own.poll_after_ms);
        let digits = |span| text.get(span);
        let (low, high) = wait.map_or((&b""[..], &b""[..]), |(low, high)| (digits(low), digits(high)));
        let wait: [&[u8]; 5] = match own.eta {
            Some(_) => [b"{\"low\":", low, b",\"high\":", high, b"}"],
            None => [b"null", b"", b"", b"", b""],
        };
        let place: [&[u8]; 7] = [
            &self.head,
            digits(position),
            b",\"ahead\":",
            digits(ahead),
            b",\"waiting\":",
            digits(waiting),
            b",\"eta_seconds\":",
        ];
        let rest: [&[u8]; 3] = [&self.middle, digits(poll_after), &self.tail];
        let pieces = || place.iter().chain(&wait).chain(&rest);
        begin(frame, pieces().map(|piece| piece.len()).sum());
        pieces().for_each(|piece| frame.extend_from_slice(piece));
    }
}

fn put(text: &mut Vec<u8>, name: &str, value: &impl Serialize) {
    text.extend_from_slice(name.as_bytes());
    // These are numbers, strings and names of states: there is nothing that could fail.
    text.extend_from_slice(&serde_json::to_vec(value).unwrap_or_default());
}

/// The head of a text frame of so many bytes.
fn begin(frame: &mut Vec<u8>, length: usize) {
    frame.push(TEXT);
    match (u8::try_from(length), u16::try_from(length)) {
        (Ok(short), _) if length <= SHORT_MAX => frame.push(short),
        (_, Ok(two)) => {
            frame.push(LENGTH_OF_TWO);
            frame.extend_from_slice(&two.to_be_bytes());
        }
        _ => {
            frame.push(LENGTH_OF_EIGHT);
            frame.extend_from_slice(&(length as u64).to_be_bytes());
        }
    }
}

/// Numbers as text, without asking for memory.
struct Digits {
    bytes: [u8; Self::MAX],
    used: usize,
}

impl Default for Digits {
    fn default() -> Self {
        Self { bytes: [0; Self::MAX], used: Self::MAX }
    }
}

impl Digits {
    /// Six numbers of twenty digits.
    const MAX: usize = 120;

    /// Adds a number, from the end: where it lies.
    fn put(&mut self, number: u64) -> (usize, usize) {
        let (end, mut left) = (self.used, number);
        while let Some(place) = self.used.checked_sub(1).and_then(|at| self.bytes.get_mut(at)) {
            *place = b'0' + (left % 10) as u8;
            self.used -= 1;
            left /= 10;
            if left == 0 {
                break;
            }
        }
        (self.used, end)
    }

    fn get(&self, (from, to): (usize, usize)) -> &[u8] {
        self.bytes.get(from..to).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::waiting::status::{Note, State};

    fn status(own: &Own, message: &str, opens_at: Option<String>, note: Option<Note>) -> Status {
        Status {
            room: "demo \"one\"".to_owned(),
            lane: "general".to_owned(),
            state: State::Waiting,
            position: Some(own.position),
            ahead: Some(own.ahead),
            waiting: own.waiting,
            eta_seconds: own.eta,
            drain_per_minute: 600,
            opens_at,
            opens_in: None,
            poll_after_ms: own.poll_after_ms,
            message: message.to_owned(),
            note,
            claim_seconds: None,
            updated_at: "2027-05-01T10:03:21.402Z".to_owned(),
        }
    }

    #[test]
    fn what_is_written_from_the_mould_is_the_status_as_it_is_told_to_one() {
        let numbers = [0, 1, 9, 10, 12_345, u64::MAX];
        let long = "x".repeat(70_000);
        for (nth, number) in numbers.into_iter().enumerate() {
            let other = numbers[(nth * 5 + 2) % numbers.len()];
            let eta = (nth % 2 == 0).then_some(Eta { low: other, high: number });
            let own = Own { position: number, ahead: other, waiting: number, eta, poll_after_ms: other };
            for message in ["", "Bitte \u{1f39f} \"warten\"\n", &long] {
                let opens_at = (nth % 3 == 0).then(|| "2027-05-01T10:00:00.000Z".to_owned());
                let note = (nth % 2 == 1).then_some(Note::Slowed);
                let status = status(&own, message, opens_at, note);
                let mut frame = Vec::new();
                // Of any fan.
                let anyone =
                    Status { position: None, ahead: None, waiting: 7, eta_seconds: None, ..status.clone() };
                Mould::of(&anyone).frame(&own, &mut frame);
                let json = status.to_json();
                let head = match json.len() {
                    length @ ..=125 => vec![0x81, length as u8],
                    length @ ..=65_535 => [&[0x81, 126][..], &(length as u16).to_be_bytes()].concat(),
                    length => [&[0x81, 127][..], &(length as u64).to_be_bytes()].concat(),
                };
                assert_eq!(String::from_utf8_lossy(&frame[head.len()..]), json);
                assert_eq!(frame[..head.len()], head);
            }
        }
    }
}
