//! What is wrong with a configuration: file, line, field, what was found, what would be right.

use std::fmt;
use std::ops::Range;
use std::path::{Path, PathBuf};

use serde::de::DeserializeOwned;

/// A configuration that cannot be used. Shown as `file:line: field: problem`.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub struct ConfigError {
    /// The file, as it was named.
    pub file: PathBuf,
    /// The line, from 1, where one is to blame.
    pub line: Option<usize>,
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
        if let Some(field) = &self.field {
            write!(f, ": `{field}`")?;
        }
        write!(f, ": {}", self.problem)
    }
}

impl ConfigError {
    /// A problem of the file as a whole.
    pub fn whole(file: &Path, problem: impl Into<String>) -> Self {
        Self { file: file.to_owned(), line: None, field: None, problem: problem.into() }
    }
}

/// The text of one configuration file, to which errors are pinned.
pub(super) struct Source<'a> {
    pub(super) file: &'a Path,
    pub(super) text: &'a str,
}

impl Source<'_> {
    pub(super) fn parse<T: DeserializeOwned>(&self) -> Result<T, ConfigError> {
        toml::from_str(self.text).map_err(|error| {
            let message = error.message().to_owned();
            let line = error.span().map(|span| self.line_of(&span));
            let field = error.span().and_then(|span| self.key_at(&span));
            let (field, problem) = explain(&message, field);
            ConfigError { file: self.file.to_owned(), line, field, problem }
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
            field: Some(field.to_owned()),
            problem: format!("found {found}; {needed}"),
        }
    }

    pub(super) fn line_of(&self, span: &Range<usize>) -> usize {
        let before = self.text.get(..span.start).unwrap_or(self.text);
        before.matches('\n').count() + 1
    }

    /// The key on the line where `span` begins: `key = …` or `[table]`.
    fn key_at(&self, span: &Range<usize>) -> Option<String> {
        let line = self.text.lines().nth(self.line_of(span).checked_sub(1)?)?.trim();
        let key = match line.strip_prefix('[') {
            Some(table) => table.trim_start_matches('[').split(']').next()?,
            None => line.split('=').next()?,
        };
        let key = key.trim();
        (!key.is_empty() && key.len() <= 64 && !key.starts_with('#')).then(|| key.to_owned())
    }
}

/// Turns the parser's message into one for people, with the nearest known field for an unknown one.
fn explain(message: &str, field: Option<String>) -> (Option<String>, String) {
    if let Some(rest) = message.strip_prefix("unknown field ") {
        let mut quoted = rest.split('`').skip(1).step_by(2);
        let unknown = quoted.next().unwrap_or_default().to_owned();
        let known: Vec<&str> = quoted.collect();
        let problem = match nearest(&unknown, &known) {
            Some(near) => format!("there is no such field; did you mean `{near}`?"),
            None => format!("there is no such field; there are: {}", known.join(", ")),
        };
        return (Some(unknown), problem);
    }
    if let Some(name) = message.strip_prefix("missing field ") {
        let name = name.trim_matches('`').to_owned();
        return (Some(name), "the field is missing; it has no default".to_owned());
    }
    (field, message.trim().replace('\n', " "))
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
        let (field, problem) = explain("unknown field `lisen`, expected one of `listen`, `store`", None);
        assert_eq!(field.as_deref(), Some("lisen"));
        assert!(problem.contains("`listen`"), "{problem}");
        let (_, problem) = explain("unknown field `zzz`, expected one of `listen`, `store`", None);
        assert!(problem.contains("listen, store"), "{problem}");
    }
}
