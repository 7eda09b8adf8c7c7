//! What is wrong with a configuration: file, line, column, field, what was found, what would be right.

use std::fmt;
use std::ops::Range;
use std::path::{Path, PathBuf};

use serde::de::DeserializeOwned;

use super::explain::{DEPTH, Place, explain, is_depth};
use super::rooms;

/// A configuration that cannot be used. Shown as `file:line:column: field: problem`.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub struct ConfigError {
    /// The file, as it was named; or the flag, the room or the text that came instead of one.
    pub file: PathBuf,
    /// The line, from 1, where one is to blame.
    pub line: Option<usize>,
    /// The column in it, from 1, where one is to blame.
    pub column: Option<usize>,
    /// The field, where one is to blame.
    pub field: Option<String>,
    /// What was found and what would be right.
    pub problem: String,
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.file.display())?;
        if let Some(line) = self.line {
            write!(f, ":{line}")?;
        }
        if let (Some(_), Some(column)) = (self.line, self.column) {
            write!(f, ":{column}")?;
        }
        if let Some(field) = &self.field {
            write!(f, ": `{field}`")?;
        }
        write!(f, ": {}", self.problem)
    }
}

impl ConfigError {
    /// A problem of the file as a whole.
    pub fn whole(file: &Path, problem: impl Into<String>) -> Self {
        Self { file: file.to_owned(), line: None, column: None, field: None, problem: problem.into() }
    }

    /// The same for somebody who has not seen `text`, so that no line of it would tell them anything: which room and which
    /// key of it. `asked` is the room that they wanted to change, for what is wrong with no line.
    #[must_use]
    pub fn by_its_room(self, text: &str, asked: Option<&str>) -> Self {
        let room = self.line.and_then(|line| rooms::id_at(text, line));
        let room = room.or_else(|| asked.map(str::to_owned));
        let file = room.map_or_else(|| "the configuration".to_owned(), |room| format!("room `{room}`"));
        let field = self.field.map(|field| field.strip_prefix("room.").unwrap_or(&field).to_owned());
        Self { file: file.into(), line: None, column: None, field, problem: self.problem }
    }
}

/// The text of one configuration file, to which errors are pinned.
pub(super) struct Source<'a> {
    pub(super) file: &'a Path,
    pub(super) text: &'a str,
}

impl Source<'_> {
    pub(super) fn parse<T: DeserializeOwned>(&self) -> Result<T, ConfigError> {
        self.check_characters()?;
        toml::from_str(self.text).map_err(|error| {
            let Some(span) = error.span() else {
                let said = if is_depth(error.message()) { DEPTH } else { error.message() };
                return ConfigError::whole(self.file, said);
            };
            let place = self.place(&span);
            let outer = |header: &str| known_fields::<T>(header);
            let bare = error.message().starts_with("string values must be quoted");
            let wanted = if bare { wanted::<T>(&place) } else { None };
            let (field, problem) = explain(wanted.as_deref().unwrap_or(error.message()), &place, outer);
            ConfigError {
                file: self.file.to_owned(),
                line: Some(self.line_of(&span)),
                column: Some(self.column_of(&span)),
                field,
                problem,
            }
        })
    }

    /// An error about the value at `span`.
    pub(super) fn error(
        &self,
        span: &Range<usize>,
        field: &str,
        found: impl fmt::Display,
        needed: impl fmt::Display,
    ) -> ConfigError {
        ConfigError {
            file: self.file.to_owned(),
            line: Some(self.line_of(span)),
            column: Some(self.column_of(span)),
            field: Some(field.to_owned()),
            problem: format!("found {found}; {needed}"),
        }
    }

    pub(super) fn line_of(&self, span: &Range<usize>) -> usize {
        let before = self.text.get(..span.start).unwrap_or(self.text);
        before.matches('\n').count() + 1
    }

    pub(super) fn column_of(&self, span: &Range<usize>) -> usize {
        let before = self.text.get(..span.start).unwrap_or(self.text);
        before.chars().rev().take_while(|c| *c != '\n').count() + 1
    }

    /// What stands where `span` begins.
    fn place(&self, span: &Range<usize>) -> Place<'_> {
        let at = self.line_of(span);
        let line = self.text.lines().nth(at.saturating_sub(1)).unwrap_or_default().trim();
        let header = self.text.lines().take(at).map(str::trim).filter(|line| line.starts_with('[')).last();
        let is_header = line.starts_with('[') && header == Some(line);
        let (key, value) = match line.split_once('=') {
            Some((key, value)) if !is_header => (key.trim(), value.trim()),
            _ => ("", ""),
        };
        let is_key = !key.is_empty() && key.len() <= 64 && !key.starts_with('#');
        Place { header, key: is_key.then_some(key), value, is_header }
    }
}

/// The fields that may stand below a header, as the types that are read know them; below none, those of the file.
fn known_fields<T: DeserializeOwned>(header: &str) -> Vec<String> {
    let probe = format!("{header}\nno-such-field = 0\n");
    let Err(error) = toml::from_str::<T>(&probe) else { return Vec::new() };
    let quoted = error.message().split('`').skip(3).step_by(2);
    if error.message().starts_with("unknown field ") {
        quoted.map(str::to_owned).collect()
    } else {
        Vec::new()
    }
}

/// What would be said of a text at a place where something stands that is nothing yet: nothing where a text is right there.
fn wanted<T: DeserializeOwned>(place: &Place<'_>) -> Option<String> {
    let (header, key) = (place.header.unwrap_or_default(), place.key?);
    let outer = header.trim_matches(['[', ']', ' ']).rsplit_once('.').map_or("", |(outer, _)| outer);
    let around = [String::new(), format!("[[{outer}]]\n"), format!("[{outer}]\n")];
    around.into_iter().find_map(|around| {
        let error = toml::from_str::<T>(&format!("{around}{header}\n{key} = \"\"\n")).err()?;
        error
            .message()
            .starts_with("invalid type: string \"\", expected ")
            .then(|| error.message().to_owned())
    })
}
