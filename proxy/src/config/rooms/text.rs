//! What a text says, without a check of all of it.

use std::path::Path;

use serde::Deserialize;
use toml::{Spanned, Value};

use crate::config::error::Source;

/// The files that a text names for pages, as they are written there. None where the text cannot be read.
pub fn named_files(text: &str) -> Vec<String> {
    let read: toml::Table = text.parse().unwrap_or_default();
    let rooms = read.get("room").and_then(Value::as_array).into_iter().flatten();
    let pages = rooms.filter_map(|room| room.get("pages")).filter_map(Value::as_table);
    pages
        .flat_map(toml::Table::values)
        .map(|name| name.as_str().map_or_else(|| name.to_string(), ToOwned::to_owned))
        .collect()
}

/// The id of the room of a text that stands at a line of it. None where the text cannot be read.
pub(in crate::config) fn id_at(text: &str, line: usize) -> Option<String> {
    #[derive(Deserialize)]
    struct Ids {
        room: Vec<Spanned<toml::Table>>,
    }
    let source = Source { file: Path::new(""), text };
    let Ids { room } = toml::from_str(text).ok()?;
    let before = room.iter().rfind(|room| source.line_of(&room.span()) <= line)?;
    before.get_ref().get("id").and_then(Value::as_str).map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_line_is_of_the_room_whose_header_is_above_it() {
        let text = "# two\n[[room]]\nid = \"one\"\npaths = [\"/1\"]\nmessage = \"\"\"\n[[room]]\nid = \"none\"\n\"\"\"\n\
                    [[room.lane]]\nname = \"general\"\n\n[[room]]\npaths = [\"/2\"]\nid = \"two\"\n";
        let ids: Vec<Option<String>> = (1..=14).map(|line| id_at(text, line)).collect();
        let (one, two) = (Some("one".to_owned()), Some("two".to_owned()));
        assert_eq!(ids[0], None);
        assert!(ids[1..11].iter().all(|id| *id == one), "{ids:?}");
        assert!(ids[11..].iter().all(|id| *id == two), "{ids:?}");
        assert_eq!(id_at("[[room]", 1), None);
    }
}
