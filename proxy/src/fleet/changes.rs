//! What differs between two configurations, in words for logs and the audit log. Secrets are not among them.

use toml::{Table, Value};

use crate::config::RoomConfig;
use crate::config::rooms::show;

/// Most changes that are told one by one.
const TOLD_MAX: usize = 50;
/// Longest value that is told, in characters.
const VALUE_MAX: usize = 120;

/// One line for each thing that is otherwise: `demo: drain_per_minute 600 → 300`.
pub fn changes(before: &[RoomConfig], after: &[RoomConfig]) -> Vec<String> {
    let mut told = Vec::new();
    for room in after {
        match before.iter().find(|old| old.id == room.id) {
            None => told.push(format!("{}: a new room", room.id)),
            Some(old) if old == room => {}
            Some(old) => {
                let mut lines = differences(&show(old), &show(room));
                // What is not shown may have changed as well, or alone.
                if lines.is_empty() || old.secrets().ne(room.secrets()) {
                    lines.push("a secret changed".to_owned());
                }
                told.extend(lines.into_iter().map(|line| format!("{}: {line}", room.id)));
            }
        }
    }
    let gone = before.iter().filter(|old| after.iter().all(|room| room.id != old.id));
    told.extend(gone.map(|old| format!("{}: the room is gone", old.id)));
    let order = |rooms: &[RoomConfig]| rooms.iter().map(|room| room.id.clone()).collect::<Vec<_>>();
    if told.is_empty() && order(before) != order(after) {
        told.push("the order of the rooms".to_owned());
    }
    if told.len() > TOLD_MAX {
        let more = told.len() - TOLD_MAX;
        told.truncate(TOLD_MAX);
        told.push(format!("and {more} more"));
    }
    told
}

fn differences(before: &Table, after: &Table) -> Vec<String> {
    let mut lines = Vec::new();
    for (key, value) in after {
        match before.get(key) {
            Some(old) if old == value => {}
            Some(old) => lines.push(format!("{key} {} → {}", short(old), short(value))),
            None => lines.push(format!("{key} {}", short(value))),
        }
    }
    let gone = before.iter().filter(|(key, _)| !after.contains_key(*key));
    lines.extend(gone.map(|(key, old)| format!("{key} no longer {}", short(old))));
    lines
}

pub(super) fn short(value: &Value) -> String {
    let text = value.to_string();
    match text.char_indices().nth(VALUE_MAX) {
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default()),
        None => text,
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::config::rooms::parse;

    fn rooms(text: &str) -> Vec<RoomConfig> {
        parse(Path::new("rooms.toml"), text).unwrap()
    }

    const ONE: &str = "[[room]]\nid = \"demo\"\npaths = [\"/a\"]\n";

    #[test]
    fn each_difference_is_told_in_a_line() {
        let before = rooms(ONE);
        assert!(changes(&before, &before).is_empty());
        let after = rooms(&format!(
            "{ONE}drain_per_minute = 300\nmode = \"paused\"\nopens_at = 2027-01-01T20:00:00Z"
        ));
        let told = changes(&before, &after);
        assert!(told.contains(&"demo: drain_per_minute 600 → 300".to_owned()), "{told:?}");
        assert!(told.contains(&"demo: mode \"auto\" → \"paused\"".to_owned()), "{told:?}");
        assert!(told.iter().any(|line| line.starts_with("demo: opens_at ")), "{told:?}");
        let back = changes(&after, &before);
        assert!(back.iter().any(|line| line.starts_with("demo: opens_at no longer")), "{back:?}");
        let other = rooms("[[room]]\nid = \"other\"\npaths = [\"/a\"]\n");
        assert_eq!(changes(&before, &other), ["other: a new room", "demo: the room is gone"]);
        let [two, swapped] = [[&before[..], &other].concat(), [&other[..], &before].concat()];
        assert_eq!(changes(&two, &swapped), ["the order of the rooms"]);
    }

    #[test]
    fn no_secret_is_told() {
        let with = |value: &str| {
            rooms(&format!(
                "{ONE}[[room.bypass]]\nname = \"partner\"\nheaders = {{ \"X-Key\" = \"{value}\" }}"
            ))
        };
        let told = changes(&with("a first secret value"), &with("another secret value"));
        assert_eq!(told, ["demo: a secret changed"]);
        let slower = |value| {
            let mut rooms = with(value);
            rooms[0].rules.drain_per_minute = 60;
            rooms
        };
        let told = changes(&with("a first secret value"), &slower("another secret value"));
        assert_eq!(
            told,
            ["demo: drain_per_minute 600 → 60", "demo: a secret changed"],
            "nothing is told in silence"
        );
        assert_eq!(changes(&with("a secret value"), &slower("a secret value")).len(), 1);
        assert!(!changes(&rooms(ONE), &with("a first secret value")).concat().contains("first"));
    }

    #[test]
    fn many_and_long_ones_are_cut() {
        let many = |from: usize| -> String {
            (from..from + 60).map(|n| format!("[[room]]\nid = \"r{n}\"\npaths = [\"/{n}\"]\n")).collect()
        };
        assert_eq!(changes(&rooms(&many(0)), &rooms(&many(100))).len(), TOLD_MAX + 1);
        let long = rooms(&format!("{ONE}message = \"{}\"", "é".repeat(500)));
        assert!(changes(&rooms(ONE), &long)[0].chars().count() < 200);
    }
}
