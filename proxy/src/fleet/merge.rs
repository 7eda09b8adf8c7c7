//! What somebody changed in `rooms.toml`, put together with what others changed in what is in force; pure.
//!
//! Three texts: the file as it was when it was last taken, the file as it is now, and what is in force. A key of a room that
//! only one side changed is as that side has it. Where both changed one, the newest has it, and what was lost is told.

use toml::{Table, Value};
use toml_edit::{ArrayOfTables, DocumentMut, Item};

use super::changes::short;
use crate::config::moment;

/// Its values may be secret, so they are not told.
const SECRET: &str = "bypass";

/// Which side has what both changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Newest {
    /// The file was written last.
    File,
    /// What is in force was made after the file was written.
    InForce,
}

/// What came of two changes.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Merged {
    /// The file, with what others changed.
    pub(super) text: String,
    /// What was lost, one line each.
    pub(super) lost: Vec<String>,
}

/// Puts the change from `base` to `file` together with that from `base` to `in_force`. Nothing where one of them cannot be
/// read.
pub(super) fn merge(base: &str, file: &str, in_force: &str, newest: Newest) -> Option<Merged> {
    let (before, written, now) = (rooms(base)?, rooms(file)?, rooms(in_force)?);
    let mut document: DocumentMut = file.parse().ok()?;
    let mut lost = Vec::new();
    let item = document.as_table_mut().entry("room").or_insert(Item::ArrayOfTables(ArrayOfTables::new()));
    let mut tables = std::mem::take(item).into_array_of_tables().ok()?;
    let mut gone = Vec::new();
    for (index, table) in tables.iter_mut().enumerate() {
        let id = table.get("id").and_then(Item::as_str).unwrap_or_default().to_owned();
        let in_file = find(&written, &id)?;
        match (find(&before, &id), find(&now, &id)) {
            (base, Some(now)) => {
                let settled = settle(&id, base.unwrap_or(&Table::new()), in_file, now, newest, &mut lost);
                settled.iter().for_each(|(key, value)| set(table, key, *value));
            }
            (Some(base), None) if base == in_file => gone.push(index),
            (Some(_), None) if newest == Newest::InForce => {
                lost.push(format!(
                    "{id}: the file's changes gave way, for the room was taken out after them"
                ));
                gone.push(index);
            }
            (Some(_), None) => lost.push(format!("{id}: taking it out gave way to the file's changes")),
            (None, None) => {}
        }
    }
    gone.iter().rev().for_each(|index| drop(tables.remove(*index)));
    for (id, room) in &now {
        match (find(&written, id), find(&before, id)) {
            (Some(_), _) => continue,
            (None, Some(base)) if base == room => continue,
            (None, Some(_)) if newest == Newest::File => {
                lost.push(format!(
                    "{id}: what was changed since gave way, for the file has the room no more"
                ));
                continue;
            }
            (None, Some(_)) => {
                lost.push(format!("{id}: the file has the room no more, but it was changed after that"));
            }
            (None, None) => {}
        }
        let mut table = toml_edit::Table::new();
        room.iter().for_each(|(key, value)| set(&mut table, key, Some(value)));
        tables.push(table);
    }
    document.insert("room", Item::ArrayOfTables(tables));
    Some(Merged { text: document.to_string(), lost })
}

/// Whether two texts say the same, however they are written.
pub(super) fn say_the_same(one: &str, other: &str) -> bool {
    let read = |text: &str| text.parse::<Table>().ok();
    one == other || read(one).is_some_and(|one| read(other) == Some(one))
}

fn rooms(text: &str) -> Option<Vec<(String, Table)>> {
    let read: Table = text.parse().ok()?;
    let rooms = read.get("room").map_or(Some(&[][..]), |rooms| rooms.as_array().map(Vec::as_slice))?;
    rooms.iter().map(|room| Some((room.get("id")?.as_str()?.to_owned(), room.as_table()?.clone()))).collect()
}

fn find<'a>(rooms: &'a [(String, Table)], id: &str) -> Option<&'a Table> {
    rooms.iter().find(|(other, _)| other == id).map(|(_, room)| room)
}

/// What the file's room has to be given, key by key.
fn settle<'a>(
    id: &str,
    base: &Table,
    file: &Table,
    now: &'a Table,
    newest: Newest,
    lost: &mut Vec<String>,
) -> Vec<(String, Option<&'a Value>)> {
    let mut settled = Vec::new();
    let unset = base.keys().filter(|key| !now.contains_key(*key));
    for key in now.keys().chain(unset) {
        let (before, in_file, now) = (base.get(key), file.get(key), now.get(key));
        if same(before, now) || same(in_file, now) {
            continue;
        }
        if same(before, in_file) {
            settled.push((key.clone(), now));
            continue;
        }
        let (since, written) = (told(key, now), told(key, in_file));
        lost.push(match newest {
            Newest::File => format!("{id}: {key} {since}, set since, gave way to the file's {written}"),
            Newest::InForce => {
                format!("{id}: the file's {key} {written} gave way to {since}, set after it was written")
            }
        });
        if newest == Newest::InForce {
            settled.push((key.clone(), now));
        }
    }
    settled
}

/// Whether two values mean the same: moments may be written as texts.
fn same(one: Option<&Value>, other: Option<&Value>) -> bool {
    let moment = |value: Option<&Value>| value.and_then(moment::parse);
    one == other || moment(one).is_some_and(|one| moment(other) == Some(one))
}

fn told(key: &str, value: Option<&Value>) -> String {
    match value {
        _ if key == SECRET => "rules".to_owned(),
        Some(value) => short(value),
        None => "(none)".to_owned(),
    }
}

fn set(table: &mut toml_edit::Table, key: &str, value: Option<&Value>) {
    let Some(value) = value else {
        table.remove(key);
        return;
    };
    let mut item = item(value);
    // A comment behind the old value stays behind the new one.
    if let (Some(fresh), Some(old)) = (item.as_value_mut(), table.get(key).and_then(Item::as_value)) {
        *fresh.decor_mut() = old.decor().clone();
    }
    table.insert(key, item);
}

/// A value as an item that stands nowhere yet: what is copied out of another text would keep its place in that.
fn item(value: &Value) -> Item {
    match value.as_array() {
        Some(list) if !list.is_empty() && list.iter().all(Value::is_table) => {
            let mut tables = ArrayOfTables::new();
            for entry in list.iter().filter_map(Value::as_table) {
                let mut table = toml_edit::Table::new();
                entry.iter().for_each(|(key, value)| drop(table.insert(key, item(value))));
                tables.push(table);
            }
            Item::ArrayOfTables(tables)
        }
        _ => Item::Value(plain(value)),
    }
}

fn plain(value: &Value) -> toml_edit::Value {
    match value {
        Value::String(text) => text.as_str().into(),
        Value::Integer(number) => (*number).into(),
        Value::Float(number) => (*number).into(),
        Value::Boolean(truth) => (*truth).into(),
        Value::Datetime(moment) => (*moment).into(),
        Value::Array(list) => toml_edit::Value::Array(list.iter().map(plain).collect()),
        Value::Table(table) => {
            let pairs = table.iter().map(|(key, value)| (key.as_str(), plain(value)));
            toml_edit::Value::InlineTable(pairs.collect())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BASE: &str = "# The sale.\n[[room]]\nid = \"demo\"\npaths = [\"/a\"] # the page\ndrain_per_minute = 600 # as agreed\nburst = 9\n\n\
                        [[room.lane]]\nname = \"general\"\n\n[[room]]\nid = \"other\"\npaths = [\"/b\"]\n";

    fn change(pairs: &[(&str, &str)]) -> String {
        pairs.iter().fold(BASE.to_owned(), |text, (from, to)| {
            assert!(text.contains(from), "{from}");
            text.replacen(from, to, 1)
        })
    }

    fn merged(file: &str, in_force: &str, newest: Newest) -> (Table, Vec<String>) {
        let merged = merge(BASE, file, in_force, newest).unwrap();
        (merged.text.parse().unwrap(), merged.lost)
    }

    #[test]
    fn what_the_file_did_not_change_stays_as_others_set_it() {
        let file = change(&[("burst = 9", "burst = 12 # more"), ("\"/b\"]", "\"/b\", \"/c\"]")]);
        let lane = "name = \"general\"\nweight = 2\n[[room.lane]]\nname = \"member\"";
        let in_force = change(&[
            ("paths = [\"/a\"]", "mode = \"paused\"\npaths = [\"/a\"]"),
            ("600", "300"),
            ("name = \"general\"", lane),
        ]);
        for newest in [Newest::File, Newest::InForce] {
            let Merged { text, lost } = merge(BASE, &file, &in_force, newest).unwrap();
            assert_eq!(lost, [""; 0]);
            assert!(text.starts_with("# The sale.") && text.contains("burst = 12 # more"), "{text}");
            assert!(text.contains("drain_per_minute = 300 # as agreed"), "{text}");
            let read: Table = text.parse().unwrap();
            let [demo, other] = [&read["room"][0], &read["room"][1]];
            assert_eq!(demo["mode"].as_str(), Some("paused"));
            assert_eq!(demo["lane"].as_array().unwrap().len(), 2);
            assert_eq!(demo["lane"][1]["name"].as_str(), Some("member"));
            assert_eq!(other["paths"].as_array().unwrap().len(), 2);
            assert!(other.get("lane").is_none(), "{text}");
        }
    }

    #[test]
    fn where_both_changed_one_key_the_newest_has_it_and_what_was_lost_is_told() {
        let (file, in_force) = (change(&[("600", "300")]), change(&[("600", "900"), ("burst = 9\n", "")]));
        let (read, lost) = merged(&file, &in_force, Newest::File);
        assert_eq!(read["room"][0]["drain_per_minute"].as_integer(), Some(300));
        assert!(read["room"][0].get("burst").is_none());
        assert_eq!(lost, ["demo: drain_per_minute 900, set since, gave way to the file's 300"]);
        let (read, lost) = merged(&file, &in_force, Newest::InForce);
        assert_eq!(read["room"][0]["drain_per_minute"].as_integer(), Some(900));
        assert_eq!(lost, ["demo: the file's drain_per_minute 300 gave way to 900, set after it was written"]);
        // The same change twice is no quarrel, nor is one moment written in two ways.
        assert_eq!(merged(&file, &file, Newest::File).1, [""; 0]);
        let opens = |at: &str| change(&[("burst = 9", &format!("opens_at = {at}"))]);
        let both = merged(&opens("2027-01-01T20:00:00Z"), &opens("\"2027-01-01T20:00:00Z\""), Newest::File);
        assert_eq!(both.1, [""; 0]);
    }

    #[test]
    fn rooms_come_and_go_on_both_sides() {
        let other = "[[room]]\nid = \"other\"\npaths = [\"/b\"]\n";
        let ids = |read: &Table| -> Vec<String> {
            let rooms = read["room"].as_array().unwrap().iter();
            rooms.map(|room| room["id"].as_str().unwrap().to_owned()).collect()
        };
        let new = |id: &str| format!("{BASE}[[room]]\nid = \"{id}\"\npaths = [\"/{id}\"]\n");
        assert_eq!(ids(&merged(&new("x"), &new("y"), Newest::File).0), ["demo", "other", "x", "y"]);
        let without = change(&[(other, "")]);
        assert_eq!(ids(&merged(&without, &new("y"), Newest::InForce).0), ["demo", "y"]);
        assert_eq!(ids(&merged(&new("x"), &without, Newest::File).0), ["demo", "x"]);
        // One side takes a room out that the other changed.
        let changed = change(&[("[\"/b\"]", "[\"/c\"]")]);
        for (file, in_force, newest, stays) in [
            (&without, &changed, Newest::File, false),
            (&without, &changed, Newest::InForce, true),
            (&changed, &without, Newest::File, true),
            (&changed, &without, Newest::InForce, false),
        ] {
            let (read, lost) = merged(file, in_force, newest);
            assert_eq!((ids(&read).len() == 2, lost.len()), (stays, 1), "{newest:?} {lost:?}");
        }
    }

    #[test]
    fn rooms_in_a_row_are_read_too_and_no_secret_is_told() {
        let room = |key: &str, rate: u32| {
            format!(
                "room = [{{ id = \"demo\", paths = [\"/a\"], drain_per_minute = {rate}, bypass = [{{ name = \"p\", headers = {{ X-Key = \"{key}\" }} }}] }}]\n"
            )
        };
        let merged =
            merge(&room("first", 600), &room("second", 600), &room("third", 300), Newest::File).unwrap();
        let read: Table = merged.text.parse().unwrap();
        assert_eq!(read["room"][0]["drain_per_minute"].as_integer(), Some(300));
        assert_eq!(read["room"][0]["bypass"][0]["headers"]["X-Key"].as_str(), Some("second"));
        assert_eq!(merged.lost, ["demo: bypass rules, set since, gave way to the file's rules"]);
        assert_eq!(merge("[[room]", BASE, BASE, Newest::File), None);
        assert!(say_the_same("a = 1 # b", "a=1") && !say_the_same("a = 1", "a = 2"));
    }
}
