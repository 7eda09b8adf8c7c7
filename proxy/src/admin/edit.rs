//! Changes of one room in the text of `rooms.toml`. What the change does not concern stays as its author wrote it.

use serde_json::{Map, Value};
use toml_edit::{ArrayOfTables, DocumentMut, Item, Table};

/// A change cannot be made to this text.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum EditError {
    /// There is no such room.
    #[error("there is no such room")]
    NoRoom,
    /// A value that a configuration cannot have.
    #[error("`{0}`: {1}")]
    Value(String, &'static str),
    /// The text that is in force cannot be read: it was written by something else.
    #[error("the configuration in force cannot be edited: {0}")]
    Text(String),
}

/// The text in which the keys of a room are these; those that are `null` are taken out (RFC 7396).
///
/// # Errors
/// When there is no such room, or a value cannot be written.
pub(super) fn change_room(text: &str, room: &str, keys: &Map<String, Value>) -> Result<String, EditError> {
    let mut document: DocumentMut = text.parse().map_err(|error| EditError::Text(format!("{error}")))?;
    let rooms = document.get_mut("room").and_then(Item::as_array_of_tables_mut);
    let is_it = |table: &&mut Table| table.get("id").and_then(Item::as_str) == Some(room);
    let table = rooms.into_iter().flat_map(ArrayOfTables::iter_mut).find(is_it).ok_or(EditError::NoRoom)?;
    for (key, value) in keys {
        if key == "id" {
            return Err(EditError::Value(key.clone(), "a room keeps its id"));
        }
        merge(table, key, value)?;
    }
    Ok(document.to_string())
}

fn merge(table: &mut Table, key: &str, value: &Value) -> Result<(), EditError> {
    match value {
        Value::Null => {
            table.remove(key);
        }
        // A list of tables, such as lanes, is replaced as a whole.
        Value::Array(list) if !list.is_empty() && list.iter().all(Value::is_object) => {
            let mut tables = ArrayOfTables::new();
            for entry in list {
                let mut inner = Table::new();
                for (key, value) in entry.as_object().into_iter().flatten() {
                    merge(&mut inner, key, value)?;
                }
                tables.push(inner);
            }
            table.insert(key, Item::ArrayOfTables(tables));
        }
        _ => {
            let mut fresh = plain(key, value)?;
            // A comment behind the old value stays behind the new one.
            if let Some(old) = table.get(key).and_then(Item::as_value) {
                *fresh.decor_mut() = old.decor().clone();
            }
            table.insert(key, Item::Value(fresh));
        }
    }
    Ok(())
}

fn plain(key: &str, value: &Value) -> Result<toml_edit::Value, EditError> {
    let wrong = |problem| EditError::Value(key.to_owned(), problem);
    Ok(match value {
        Value::Null => return Err(wrong("nothing cannot be part of a list")),
        Value::Bool(truth) => (*truth).into(),
        Value::String(text) => text.as_str().into(),
        Value::Number(number) => match (number.as_i64(), number.as_f64()) {
            (Some(whole), _) => whole.into(),
            (None, Some(fraction)) => fraction.into(),
            _ => return Err(wrong("the number is too large")),
        },
        Value::Array(list) => {
            let values = list.iter().map(|value| plain(key, value)).collect::<Result<Vec<_>, _>>()?;
            toml_edit::Value::Array(values.into_iter().collect())
        }
        Value::Object(keys) => {
            let mut table = toml_edit::InlineTable::new();
            for (key, value) in keys {
                table.insert(key, plain(key, value)?);
            }
            toml_edit::Value::InlineTable(table)
        }
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const TEXT: &str = "# The sale.\n[[room]]\nid = \"demo\"\npaths = [\"/a\"] # the page\ndrain_per_minute = 600 # as agreed\n\n\
                        [[room.lane]]\nname = \"general\"\nweight = 1\n\n[[room]]\nid = \"other\"\npaths = [\"/b\"]\n";

    fn change(room: &str, keys: &Value) -> Result<String, EditError> {
        change_room(TEXT, room, keys.as_object().unwrap())
    }

    #[test]
    fn one_key_changes_and_everything_else_stays_as_it_was_written() {
        let changed = change("demo", &json!({ "drain_per_minute": 300 })).unwrap();
        assert_eq!(changed, TEXT.replace("= 600 #", "= 300 #"));
        let changed = change("other", &json!({ "mode": "paused", "title": "A \"b\"" })).unwrap();
        assert!(changed.ends_with("paths = [\"/b\"]\nmode = \"paused\"\ntitle = 'A \"b\"'\n"), "{changed}");
        let back =
            change_room(&changed, "other", json!({ "mode": null, "title": null }).as_object().unwrap());
        assert_eq!(back.unwrap(), TEXT);
    }

    #[test]
    fn moments_lists_and_lanes_are_written_as_toml_has_them() {
        let lanes = json!([{ "name": "general", "weight": 1 }, { "name": "member", "weight": 3 }]);
        let keys = json!({ "opens_at": "2027-06-01T20:00:00Z", "paths": ["/a", "/a/*"], "lane": lanes, "message": "20:00" });
        let changed = change("demo", &keys).unwrap();
        let read: toml::Table = changed.parse().unwrap();
        let room = &read["room"][0];
        // Moments are taken as texts too.
        assert_eq!(room["opens_at"].as_str(), Some("2027-06-01T20:00:00Z"));
        assert_eq!(room["lane"].as_array().unwrap().len(), 2);
        assert_eq!(room["paths"].as_array().unwrap().len(), 2);
    }

    #[test]
    fn what_cannot_be_changed_is_said() {
        assert_eq!(change("nobody", &json!({ "mode": "off" })), Err(EditError::NoRoom));
        assert!(matches!(change("demo", &json!({ "id": "x" })), Err(EditError::Value(..))));
        assert!(matches!(change("demo", &json!({ "paths": [null] })), Err(EditError::Value(..))));
        assert!(matches!(change_room("[[room]", "demo", &Map::new()), Err(EditError::Text(_))));
        assert_eq!(change_room("room = 5", "demo", &Map::new()), Err(EditError::NoRoom));
    }
}
