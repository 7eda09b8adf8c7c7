//! A ticket as an entry of a calendar (RFC 5545).

use admission::clock::Timestamp;

use crate::datetime;
use crate::events::Event;

/// Longest line, in bytes without its end; longer ones are folded.
const LINE_BYTES_MAX: usize = 75;

/// A calendar with one entry: the event, for the ticket `code` of the seat that is called `seat`, written at `now`.
pub fn entry(event: &Event, code: &str, seat: &str, now: Timestamp) -> String {
    let place = match event.city.as_str() {
        "" => event.venue.clone(),
        city => format!("{}, {city}", event.venue),
    };
    let lines = [
        "BEGIN:VCALENDAR".to_owned(),
        "VERSION:2.0".to_owned(),
        "PRODID:-//Stanchion//Tickets//EN".to_owned(),
        "METHOD:PUBLISH".to_owned(),
        "BEGIN:VEVENT".to_owned(),
        format!("UID:{code}@{}.stanchion", event.id),
        format!("DTSTAMP:{}", stamp(now)),
        format!("DTSTART:{}", stamp(event.starts_at)),
        // A calendar that has this entry already takes the newer one.
        format!("SEQUENCE:{}", event.version),
        format!("SUMMARY:{}", escaped(&event.name)),
        format!("LOCATION:{}", escaped(&place)),
        format!("DESCRIPTION:{}", escaped(&format!("{seat}\n{code}"))),
        "END:VEVENT".to_owned(),
        "END:VCALENDAR".to_owned(),
    ];
    lines.iter().flat_map(|line| [folded(line), "\r\n".to_owned()]).collect()
}

/// `20270601T193000Z`
fn stamp(at: Timestamp) -> String {
    let whole = Timestamp::from_millis(at.as_secs() * 1000);
    datetime::to_rfc3339(whole).chars().filter(|letter| !matches!(letter, '-' | ':')).collect()
}

fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '\\' | ';' | ',' => escaped.extend(['\\', letter]),
            '\n' => escaped.push_str("\\n"),
            letter if letter.is_control() => {}
            letter => escaped.push(letter),
        }
    }
    escaped
}

fn folded(line: &str) -> String {
    let mut folded = String::with_capacity(line.len() + line.len() / LINE_BYTES_MAX * 3);
    let mut length = 0;
    for letter in line.chars() {
        if length + letter.len_utf8() > LINE_BYTES_MAX {
            folded.push_str("\r\n ");
            length = 1;
        }
        folded.push(letter);
        length += letter.len_utf8();
    }
    folded
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::events::samples::detail;

    #[test]
    fn an_entry_says_when_where_and_which_seat() {
        let event = Event { name: "One; two, \\three".to_owned(), ..detail().event };
        let text = entry(&event, "7KQ2", "Stalls, row A, seat 1", Timestamp::from_millis(1_800_000_000_123));
        let unfolded = text.replace("\r\n ", "");
        for line in [
            "UID:7KQ2@sample.stanchion",
            "DTSTAMP:20270115T080000Z",
            "DTSTART:20300317T174640Z",
            "SUMMARY:One\\; two\\, \\\\three",
            "LOCATION:Hall\\, Seoul",
            "DESCRIPTION:Stalls\\, row A\\, seat 1\\n7KQ2",
        ] {
            assert!(unfolded.split("\r\n").any(|found| found == line), "no {line} in {unfolded}");
        }
        assert!(text.ends_with("END:VCALENDAR\r\n"));
    }

    #[test]
    fn long_lines_are_folded_between_letters() {
        let event = Event { name: "서울 ".repeat(60), ..detail().event };
        let text = entry(&event, "7KQ2", "Seat", Timestamp::from_millis(0));
        assert!(text.split("\r\n").all(|line| line.len() <= LINE_BYTES_MAX));
        assert!(text.replace("\r\n ", "").contains(event.name.trim()));
    }
}
