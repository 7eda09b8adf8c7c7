//! Turns what a parser says of a configuration into what a person can act on; pure.

/// What stands where something is wrong.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Place<'a> {
    /// The header above it, such as `[[room]]`.
    pub(super) header: Option<&'a str>,
    /// The key on the line.
    pub(super) key: Option<&'a str>,
    /// What stands behind it.
    pub(super) value: &'a str,
    /// Whether the line is the header itself.
    pub(super) is_header: bool,
}

/// Keys of which the value, or a part of it, is a secret, so that it is not shown.
const SECRETS: [&str; 6] = ["header", "url", "secret", "token", "password", "key"];
/// Ends of the names of keys that are times.
const TIMES: [&str; 12] = [
    "session",
    "session_max",
    "_window",
    "_timeout",
    "_grace",
    "_wait",
    "tick",
    "heartbeat",
    "idle",
    "_every",
    "_for",
    "_after",
];
/// What is needed of a number that fits nowhere.
const DIGITS: &str = "a number of at most 18 digits is needed";
/// What is needed of lists and tables in each other.
pub(super) const DEPTH: &str =
    "lists or tables stand in each other without end; no field has more than a list of tables in it";
/// Longest value that is shown, in characters.
const SHOWN_MAX: usize = 60;

impl Place<'_> {
    /// The names of the tables that the header opens, with a dot behind each.
    fn prefix(&self) -> String {
        let names = self.header.map(|header| header.trim_matches(['[', ']', ' ']));
        names.map_or_else(String::new, |names| format!("{names}."))
    }

    /// The field with the tables that it stands in.
    fn field(&self) -> Option<String> {
        match self.key {
            Some(key) => Some(format!("{}{key}", self.prefix())),
            None => Some(self.prefix().trim_end_matches('.').to_owned()).filter(|field| !field.is_empty()),
        }
    }

    fn is_secret(&self) -> bool {
        let field = self.field().unwrap_or_default();
        SECRETS.iter().any(|secret| field.contains(secret))
    }

    /// What stands there, if it may be shown.
    fn found(&self) -> String {
        if self.value.is_empty() || self.is_secret() {
            return "something else".to_owned();
        }
        match self.value.char_indices().nth(SHOWN_MAX) {
            Some((end, _)) => format!("{}…", self.value.get(..end).unwrap_or_default()),
            None => self.value.to_owned(),
        }
    }
}

/// The field and the problem. `known` tells which fields may stand below a header.
pub(super) fn explain(
    message: &str,
    place: &Place<'_>,
    known: impl Fn(&str) -> Vec<String>,
) -> (Option<String>, String) {
    if let Some(rest) = message.strip_prefix("unknown field ") {
        let mut quoted = rest.split('`').skip(1).step_by(2);
        let whole = quoted.next().unwrap_or_default();
        let unknown = whole
            .char_indices()
            .nth(SHOWN_MAX)
            .map_or(whole, |(end, _)| whole.get(..end).unwrap_or_default());
        let fields: Vec<&str> = quoted.collect();
        let elsewhere = misplaced(unknown, place, &known);
        let problem = elsewhere.or_else(|| further_in(unknown, place, &fields, &known)).unwrap_or_else(
            || match nearest(unknown, &fields) {
                Some(near) => format!("there is no such field; did you mean `{near}`?"),
                None => format!("there is no such field; there are: {}", fields.join(", ")),
            },
        );
        // An unknown table is named by its own header, where that is of it and not of one around it.
        let own = place.prefix();
        let own = own.trim_end_matches('.');
        let field = match (place.is_header, own.rsplit('.').next() == Some(unknown)) {
            (true, true) => own.to_owned(),
            (true, false) => unknown.to_owned(),
            (false, _) => format!("{}{unknown}", place.prefix()),
        };
        return (Some(field), problem);
    }
    if let Some(name) = message.strip_prefix("missing field ") {
        let field = format!("{}{}", place.prefix(), name.trim_matches('`'));
        return (Some(field), "the field is missing; it has no default".to_owned());
    }
    if let Some(rest) = message.strip_prefix("invalid type: ")
        && let Some((found, expected)) = rest.rsplit_once(", expected ")
    {
        return (place.field(), of_a_wrong_kind(found, expected, place, &known));
    }
    let said = message.trim().replace('\n', " ");
    let key = place.key.unwrap_or("key");
    let problem = match said.split(',').next().unwrap_or_default() {
        "string values must be quoted" => {
            let example = if place.is_secret() { "…" } else { place.value };
            format!("found {}; a text has to stand in quotes: {key} = \"{example}\"", place.found())
        }
        "invalid basic string" | "invalid literal string" => {
            format!("found {}; the quote at the end of the text is missing", place.found())
        }
        "unclosed array" => "the list does not end; a closing bracket `]` is needed".to_owned(),
        "integer number overflowed" => format!("found {}; {DIGITS}", place.found()),
        deep if is_depth(deep) => DEPTH.to_owned(),
        "duplicate key" => "the key stands there for the second time; each is needed once".to_owned(),
        _ => said,
    };
    (place.field(), problem)
}

/// What to say of a field that is known further out than where it stands: whatever follows a header belongs to it.
fn misplaced(unknown: &str, place: &Place<'_>, known: &impl Fn(&str) -> Vec<String>) -> Option<String> {
    let header = place.header.filter(|_| !place.is_header)?;
    let names = header.trim_matches(['[', ']', ' ']);
    let outer = match names.rsplit_once('.') {
        Some((outer, _)) => [format!("[[{outer}]]"), format!("[{outer}]")].to_vec(),
        None => vec![String::new()],
    };
    let outer = outer.into_iter().find(|outer| known(outer).iter().any(|field| field == unknown))?;
    let whose = if outer.is_empty() { "the file itself".to_owned() } else { format!("its {outer}") };
    Some(format!(
        "there is no such field in {header}; it is one of {whose}, and whatever stands below {header} belongs to that: move \
         the line above {header}"
    ))
}

/// What to say of a field that is known further in than where it stands, in a table of its own.
fn further_in(
    unknown: &str,
    place: &Place<'_>,
    fields: &[&str],
    known: &impl Fn(&str) -> Vec<String>,
) -> Option<String> {
    let written = place.header.map(|header| header.trim_matches(['[', ']', ' ']));
    // A header stands in the table around it.
    let names = match written {
        Some(written) if place.is_header => written.rsplit_once('.').map(|(outer, _)| outer),
        written => written,
    };
    let around = match (place.header, names) {
        (Some(header), Some(_)) if !place.is_header => vec![header.to_owned()],
        (_, Some(names)) => vec![format!("[[{names}]]"), format!("[{names}]")],
        (_, None) => vec![String::new()],
    };
    let inner = fields.iter().flat_map(|field| {
        let path = names.map_or_else(|| (*field).to_owned(), |names| format!("{names}.{field}"));
        [format!("[[{path}]]"), format!("[{path}]")]
    });
    let has_it = |inner: &String| {
        let heads = around.iter().map(|around| format!("{around}\n{inner}"));
        heads.flat_map(|heads| known(&heads)).any(|field| field == unknown)
    };
    let inner = inner.into_iter().find(has_it)?;
    if place.is_header {
        let path = inner.trim_matches(['[', ']']);
        let header = place.header?.replace(written?, &format!("{path}.{unknown}"));
        return Some(format!("there is no such table here; did you mean {header}?"));
    }
    Some(format!("there is no such field here; it is one of {inner}: move it below a line {inner}"))
}

/// What to say of a value that is, say, a number where a text is needed.
fn of_a_wrong_kind(
    found: &str,
    expected: &str,
    place: &Place<'_>,
    known: &impl Fn(&str) -> Vec<String>,
) -> String {
    let key = place.key.unwrap_or_default();
    let value = place.found();
    // A single table where there may be several: `[room]` for `[[room]]`.
    if let Some(header) = place.header.filter(|_| place.is_header && found == "map") {
        let names = header.trim_matches(['[', ']', ' ']);
        return format!(
            "found [{names}]; there may be several, so each begins with [[{names}]], in two pairs of brackets"
        );
    }
    let is_time = TIMES.iter().any(|end| key.ends_with(end));
    let needed = match expected {
        "a string" if is_time => {
            let digits: String = value.chars().take_while(char::is_ascii_digit).collect();
            let number = if digits.is_empty() { "10".to_owned() } else { digits };
            format!(
                "a time in quotes and with its unit is needed, such as \"{number}s\", \"{number}m\" or \"{number}h\""
            )
        }
        "a string" => "a text in quotes is needed, such as \"text\"".to_owned(),
        "a boolean" => "true or false is needed, without quotes".to_owned(),
        "a sequence" if is_table(key, place, known) => {
            format!(
                "each is a table of its own: a line [[{}{key}]], and what it has below it",
                place.prefix()
            )
        }
        "a sequence" if value.starts_with('"') => {
            format!("a list in brackets is needed, such as {key} = [{value}]")
        }
        "a sequence" => format!("a list in brackets is needed, such as {key} = [\"…\"]"),
        "a map" => "a table is needed".to_owned(),
        number if number.starts_with(['i', 'u']) && number.len() <= 4 && is_whole(place.value) => {
            DIGITS.to_owned()
        }
        number if number.starts_with(['i', 'u']) && number.len() <= 4 => {
            "a whole number is needed, without a point and without quotes, such as 60".to_owned()
        }
        other if other.starts_with("struct ") => "a table is needed".to_owned(),
        other => format!("{other} is needed"),
    };
    format!("found {value}; {needed}")
}

/// Whether a parser says that it would have to go too deep.
pub(super) fn is_depth(said: &str) -> bool {
    said.contains("recursion limit") || said.contains("cannot recurse")
}

/// Whether a field is a list of tables.
fn is_table(key: &str, place: &Place<'_>, known: &impl Fn(&str) -> Vec<String>) -> bool {
    let header = place.header.unwrap_or_default();
    !known(&format!("{header}\n[[{}{key}]]", place.prefix())).is_empty()
}

/// Whether a value is a whole number, however long.
fn is_whole(value: &str) -> bool {
    let digits = value.trim_start_matches(['+', '-']);
    !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit() || byte == b'_')
}

fn nearest<'a>(word: &str, known: &[&'a str]) -> Option<&'a str> {
    let (distance, best) = known.iter().map(|other| (distance(word, other), *other)).min()?;
    (distance <= word.len().div_ceil(3)).then_some(best)
}

/// Levenshtein distance.
fn distance(a: &str, b: &str) -> usize {
    let mut row: Vec<usize> = (0..=b.chars().count()).collect();
    for (i, x) in a.chars().enumerate() {
        let mut diagonal = i;
        let mut left = i + 1;
        for (cell, y) in row.iter_mut().skip(1).zip(b.chars()) {
            let above = *cell;
            let here = (diagonal + usize::from(x != y)).min(above + 1).min(left + 1);
            diagonal = above;
            left = here;
            *cell = here;
        }
        if let Some(first) = row.first_mut() {
            *first = i + 1;
        }
    }
    row.last().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distances() {
        for (a, b, expected) in [("", "", 0), ("a", "", 1), ("lisen", "listen", 1), ("abc", "cab", 2)] {
            assert_eq!(distance(a, b), expected, "{a} {b}");
        }
    }

    #[test]
    fn an_unknown_field_gets_a_suggestion() {
        let nowhere = Place::default();
        let none = |_: &str| Vec::new();
        let (field, problem) =
            explain("unknown field `lisen`, expected one of `listen`, `store`", &nowhere, none);
        assert_eq!(field.as_deref(), Some("lisen"));
        assert!(problem.contains("`listen`"), "{problem}");
        let (_, problem) = explain("unknown field `zzz`, expected one of `listen`, `store`", &nowhere, none);
        assert!(problem.contains("listen, store"), "{problem}");
        let below = Place { header: Some("[store]"), key: Some("listen"), ..nowhere };
        let known = |header: &str| if header.is_empty() { vec!["listen".to_owned()] } else { Vec::new() };
        let (field, problem) = explain("unknown field `listen`, expected `kind`", &below, known);
        assert_eq!(field.as_deref(), Some("store.listen"));
        assert!(problem.contains("one of the file itself") && problem.contains("above [store]"), "{problem}");
    }

    #[test]
    fn what_may_be_secret_is_not_shown() {
        for key in ["url", "secret", "headers", "X-Key"] {
            let place = Place {
                header: Some("[room.bypass.headers]"),
                key: Some(key),
                value: "hunter2",
                ..Place::default()
            };
            let messages = [
                "invalid type: integer `1`, expected a string",
                "string values must be quoted, expected literal string",
                "invalid basic string, expected `\"`",
            ];
            for message in messages {
                let (_, problem) = explain(message, &place, |_| Vec::new());
                assert!(!problem.contains("hunter2"), "{problem}");
            }
        }
    }
}
