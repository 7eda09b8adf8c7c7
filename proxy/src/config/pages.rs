//! `[pages]`: what an operator puts in the place of the pages that ship. For the edge, and for each room.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use toml::{Spanned, Table};

use super::error::{ConfigError, Source};
use super::values::Maybe;
use super::{EdgeConfig, RoomConfig, read};
use crate::waiting::look::{Look, LookError, Replaced};
use crate::waiting::page::Pages;
use crate::waiting::texts::Languages;

/// Longest file of a template or of words, in bytes.
const FILE_MAX: usize = 1 << 20;

/// What an operator puts in the place of the pages that ship.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PagesConfig {
    /// The template of the waiting page.
    pub template: Option<PathBuf>,
    /// The template of the plain pages.
    pub notice: Option<PathBuf>,
    /// The folder of words: `<language>.toml` for each.
    pub texts: Option<PathBuf>,
}

/// As it is written.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct WirePages {
    template: Maybe<String>,
    notice: Maybe<String>,
    texts: Maybe<String>,
}

/// Checks that there is what is named. Relative paths start at the folder of `source`.
///
/// # Errors
/// The first thing that is wrong, with its line.
pub(super) fn check(source: &Source<'_>, pages: Option<WirePages>) -> Result<PagesConfig, ConfigError> {
    let WirePages { template, notice, texts } = pages.unwrap_or_default();
    let folder = source.file.parent().unwrap_or(Path::new(""));
    let path = |field, value: Option<Spanned<String>>, is_right: fn(&Path) -> bool, needed| {
        let Some(value) = value else { return Ok(None) };
        let path = folder.join(value.get_ref());
        if is_right(&path) {
            return Ok(Some(path));
        }
        let found = format!("\"{}\", which is not there", path.display());
        Err(source.error(&value.span(), field, found, needed))
    };
    Ok(PagesConfig {
        template: path("pages.template", template, Path::is_file, "the file of a template is needed")?,
        notice: path("pages.notice", notice, Path::is_file, "the file of a template is needed")?,
        texts: path("pages.texts", texts, Path::is_dir, "a folder with files such as ko.toml is needed")?,
    })
}

/// Writes it so that it is read back; nothing where there is nothing.
pub(super) fn show(pages: &PagesConfig) -> Option<Table> {
    let PagesConfig { template, notice, texts } = pages;
    let mut table = Table::new();
    for (key, path) in [("template", template), ("notice", notice), ("texts", texts)] {
        if let Some(path) = path {
            table.insert(key.to_owned(), path.display().to_string().into());
        }
    }
    (!table.is_empty()).then_some(table)
}

/// Reads the pages of the edge and of its rooms, and tries them.
///
/// # Errors
/// What is wrong with a template or with a file of words, with its line.
pub fn load(edge: &EdgeConfig, rooms: &[RoomConfig]) -> Result<Pages, ConfigError> {
    let nothing = PagesConfig::default();
    let mut own = HashMap::new();
    for room in rooms {
        if room.pages != nothing {
            own.insert(room.id.to_string(), look(&[&edge.pages, &room.pages])?);
        }
    }
    Ok(Pages::new(look(&[&edge.pages])?, own))
}

/// The files and folders that [`load`] reads.
pub fn files(edge: &EdgeConfig, rooms: &[RoomConfig]) -> Vec<PathBuf> {
    let layers = std::iter::once(&edge.pages).chain(rooms.iter().map(|room| &room.pages));
    let named = layers.flat_map(|PagesConfig { template, notice, texts }| [template, notice, texts]);
    named.flatten().cloned().collect()
}

/// What these come to, the later ones over the earlier ones.
fn look(layers: &[&PagesConfig]) -> Result<Look, ConfigError> {
    let shipped = || {
        Languages::shipped()
            .map_err(|error| ConfigError::whole(Path::new("the texts that ship"), error.problem))
    };
    let mut replaced = Replaced::default();
    let (mut template, mut notice) = (None, None);
    for layer in layers {
        template = layer.template.as_deref().or(template);
        notice = layer.notice.as_deref().or(notice);
        if let Some(folder) = &layer.texts {
            let languages = match replaced.languages.take() {
                Some(languages) => languages,
                None => shipped()?,
            };
            replaced.languages = Some(with_texts(languages, folder)?);
        }
    }
    replaced.template = template.map(bounded).transpose()?;
    replaced.notice = notice.map(bounded).transpose()?;
    let is_own = replaced.template.is_some() || replaced.notice.is_some();
    // What ships is tried by the tests.
    let look = Look::new(replaced).and_then(|look| if is_own { look.tried() } else { Ok(look) });
    look.map_err(|error| {
        let (name, line, problem) = match error {
            LookError::Template { name, error } => {
                let problem = error.detail().map_or_else(|| error.kind().to_string(), ToOwned::to_owned);
                (name, error.line(), problem)
            }
            LookError::Unknown { name, line, problem } => (name, Some(line), problem),
            LookError::Own { name, error } => (name, Some(error.line), error.problem),
            LookError::Texts(error) => ("waiting", None, error.problem),
        };
        let file = if name == "notice" { notice } else { template };
        let file = file.unwrap_or(Path::new("the template that ships")).to_owned();
        ConfigError { file, line, column: None, field: None, problem }
    })
}

fn bounded(file: &Path) -> Result<String, ConfigError> {
    let length = std::fs::metadata(file).map_or(0, |data| data.len());
    if length > FILE_MAX as u64 {
        let problem = format!("found {length} bytes; at most {FILE_MAX} are needed");
        return Err(ConfigError::whole(file, problem));
    }
    let text = read(file)?;
    if text.len() > FILE_MAX {
        let problem = format!("found {} bytes; at most {FILE_MAX} are needed", text.len());
        return Err(ConfigError::whole(file, problem));
    }
    Ok(text)
}

/// The languages, with the words of the files in `folder`.
fn with_texts(mut languages: Languages, folder: &Path) -> Result<Languages, ConfigError> {
    let unreadable = |error: std::io::Error| ConfigError::whole(folder, format!("cannot be read: {error}"));
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(unreadable)? {
        let path = entry.map_err(unreadable)?.path();
        if path.extension().is_some_and(|extension| extension == "toml") {
            files.push(path);
        }
    }
    // The order of a folder is anyone's guess, and the order of the switch is not.
    files.sort();
    for file in files {
        let tag = file.file_stem().and_then(|stem| stem.to_str()).unwrap_or_default().to_owned();
        let is_tag = (2..=35).contains(&tag.len())
            && tag.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
        if !is_tag {
            let problem = "the name of the file has to be a language, such as ko.toml or pt-BR.toml";
            return Err(ConfigError::whole(&file, problem));
        }
        let text = bounded(&file)?;
        languages = languages.with(&tag, &text).map_err(|error| {
            let source = Source { file: &file, text: &text };
            let line = error.span.as_ref().map(|span| source.line_of(span));
            let column = error.span.as_ref().map(|span| source.column_of(span));
            ConfigError { file: file.clone(), line, column, field: error.field, problem: error.problem }
        })?;
    }
    Ok(languages)
}
