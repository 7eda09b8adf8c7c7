//! The words of the pages, one file for each language, below `assets/texts`.

use std::collections::{BTreeMap, HashMap};
use std::ops::Range;

use foldhash::fast::FixedState;
use serde::Deserialize;
use toml::Spanned;

/// The languages that ship. The first one is for whoever asks for none of them.
const SHIPPED: [(&str, &str); 7] = [
    ("en", include_str!("../../assets/texts/en.toml")),
    ("ko", include_str!("../../assets/texts/ko.toml")),
    ("ja", include_str!("../../assets/texts/ja.toml")),
    ("zh", include_str!("../../assets/texts/zh.toml")),
    ("es", include_str!("../../assets/texts/es.toml")),
    ("de", include_str!("../../assets/texts/de.toml")),
    ("fr", include_str!("../../assets/texts/fr.toml")),
];

/// The words of one language.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Texts {
    /// The language, as in `lang` attributes.
    pub tag: String,
    /// What it calls itself.
    pub name: String,
    /// `ltr` or `rtl`.
    pub dir: String,
    group: String,
    group_from: usize,
    /// What the waiting page and its script say.
    pub page: BTreeMap<String, String>,
    notices: BTreeMap<String, String>,
    /// Both once more, to be found at once: a page takes some ten of them, for each fan.
    found: [Found; 2],
}

/// Words by their keys, all of which are ours.
type Found = HashMap<String, String, FixedState>;

/// What is wrong with a file of words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TextsError {
    /// Where, in bytes of the file; nothing where something is missing.
    pub span: Option<Range<usize>>,
    /// The key, where one is to blame.
    pub field: Option<String>,
    /// What was found and what would be right.
    pub problem: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Wire {
    language: Option<WireLanguage>,
    #[serde(default)]
    page: BTreeMap<Spanned<String>, Spanned<String>>,
    #[serde(default)]
    notices: BTreeMap<Spanned<String>, Spanned<String>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WireLanguage {
    name: Spanned<String>,
    dir: Spanned<String>,
    group: Spanned<String>,
    group_from: Spanned<usize>,
}

impl Texts {
    /// What the waiting page says under `key`; nothing is ever missing, for all languages have all keys.
    pub fn page(&self, key: &str) -> &str {
        let [page, _] = &self.found;
        page.get(key).map_or("", String::as_str)
    }

    /// What a notice says under `key`.
    pub fn notice(&self, key: &str) -> &str {
        let [_, notices] = &self.found;
        notices.get(key).map_or("", String::as_str)
    }

    /// `1234567` as the language writes it.
    pub fn number(&self, number: u64) -> String {
        let digits = number.to_string();
        if digits.len() < self.group_from {
            return digits;
        }
        let mut text = String::with_capacity(digits.len() * 2);
        for (index, digit) in digits.chars().enumerate() {
            if index > 0 && (digits.len() - index).is_multiple_of(3) {
                text.push_str(&self.group);
            }
            text.push(digit);
        }
        text
    }

    /// What the page's script needs, as JSON that no element can be closed in.
    pub fn script_json(&self) -> String {
        let mut json = serde_json::to_value(&self.page).unwrap_or_default();
        if let Some(object) = json.as_object_mut() {
            object.insert("group".to_owned(), self.group.clone().into());
            object.insert("group_from".to_owned(), self.group_from.into());
        }
        json.to_string().replace('<', "\\u003c")
    }

    /// Reads a file of words over `base`: what it does not say stays as it is.
    fn over(base: &Self, tag: &str, text: &str, must_be_whole: bool) -> Result<Self, TextsError> {
        let wire: Wire = toml::from_str(text).map_err(|error| TextsError {
            span: error.span(),
            field: None,
            problem: error.message().trim().replace('\n', " "),
        })?;
        let mut texts = Self { tag: tag.to_owned(), ..base.clone() };
        if let Some(language) = wire.language {
            let WireLanguage { name, dir, group, group_from } = language;
            if !["ltr", "rtl"].contains(&dir.get_ref().as_str()) {
                let problem = format!("found \"{}\"; \"ltr\" or \"rtl\" is needed", dir.get_ref());
                return Err(TextsError { span: Some(dir.span()), field: Some("dir".to_owned()), problem });
            }
            (texts.name, texts.dir) = (name.into_inner(), dir.into_inner());
            (texts.group, texts.group_from) = (group.into_inner(), group_from.into_inner());
        } else if must_be_whole {
            return Err(missing("[language]", "name, dir, group and group_from are needed"));
        }
        for (table, given, words) in
            [("page", wire.page, &mut texts.page), ("notices", wire.notices, &mut texts.notices)]
        {
            if must_be_whole && let Some(key) = words.keys().find(|key| !given.contains_key(key.as_str())) {
                return Err(missing(key, &format!("[{table}] needs it, as in English")));
            }
            for (key, said) in given {
                let Some(word) = words.get_mut(key.get_ref()) else {
                    let problem = format!("there is no such text in [{table}]");
                    return Err(TextsError {
                        span: Some(key.span()),
                        field: Some(key.into_inner()),
                        problem,
                    });
                };
                if let Some(problem) = placeholder_problem(word, said.get_ref()) {
                    return Err(TextsError {
                        span: Some(said.span()),
                        field: Some(key.into_inner()),
                        problem,
                    });
                }
                *word = said.into_inner();
            }
        }
        Ok(texts.ready())
    }

    /// With words that are found.
    fn ready(mut self) -> Self {
        let found = |words: &BTreeMap<String, String>| {
            words.iter().map(|(key, word)| (key.clone(), word.clone())).collect::<Found>()
        };
        self.found = [found(&self.page), found(&self.notices)];
        self
    }
}

fn missing(field: &str, problem: &str) -> TextsError {
    TextsError { span: None, field: Some(field.to_owned()), problem: format!("is missing; {problem}") }
}

/// The names between braces.
fn placeholders(text: &str) -> Vec<&str> {
    let mut names: Vec<&str> =
        text.split('{').skip(1).filter_map(|rest| rest.split_once('}')).map(|(name, _)| name).collect();
    names.sort_unstable();
    names.dedup();
    names
}

fn placeholder_problem(wanted: &str, said: &str) -> Option<String> {
    let (wanted, said) = (placeholders(wanted), placeholders(said));
    (wanted != said).then(|| match wanted.as_slice() {
        [] => format!("found {{{}}}; nothing is filled in here", said.join("}, {")),
        wanted => format!("{{{}}} is needed in it, and nothing else in braces", wanted.join("} and {")),
    })
}

/// `text` with `{name}` filled in.
pub fn fill<'a>(text: &'a str, values: &[(&str, &str)]) -> String {
    let mut rest = text;
    let mut filled = String::with_capacity(text.len() + 16);
    let cut = |text: &'a str, at: u8| {
        let (before, after) = text.split_at_checked(memchr::memchr(at, text.as_bytes())?)?;
        Some((before, after.get(1..)?))
    };
    while let Some((before, after)) = cut(rest, b'{') {
        filled.push_str(before);
        let Some((name, after)) = cut(after, b'}') else {
            rest = after;
            break;
        };
        if let Some((_, value)) = values.iter().find(|(known, _)| *known == name) {
            filled.push_str(value);
        }
        rest = after;
    }
    filled.push_str(rest);
    filled
}

/// The languages of a page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Languages {
    first: Texts,
    others: Vec<Texts>,
}

impl Languages {
    /// The languages that ship.
    ///
    /// # Errors
    /// Never as built: a file that does not hold what the English one holds fails the tests.
    pub fn shipped() -> Result<Self, TextsError> {
        let (tag, text) = SHIPPED[0];
        let english = english(tag, text)?;
        let others = SHIPPED.into_iter().skip(1).map(|(tag, text)| Texts::over(&english, tag, text, true));
        Ok(Self { others: others.collect::<Result<_, _>>()?, first: english })
    }

    /// With an operator's words for the language `tag`, which may be a new one: over what there is of it, or over
    /// English.
    ///
    /// # Errors
    /// What is wrong with the file.
    pub fn with(&self, tag: &str, text: &str) -> Result<Self, TextsError> {
        let mut all = self.clone();
        let known = std::iter::once(&mut all.first).chain(&mut all.others).find(|texts| texts.tag == tag);
        match known {
            Some(texts) => *texts = Texts::over(texts, tag, text, false)?,
            None => all.others.push(Texts::over(self.first(), tag, text, true)?),
        }
        Ok(all)
    }

    /// The language for whoever asks for none of them.
    pub fn first(&self) -> &Texts {
        &self.first
    }

    /// All of them.
    pub fn iter(&self) -> impl Iterator<Item = &Texts> {
        std::iter::once(&self.first).chain(&self.others)
    }

    /// Which one is called `tag`.
    pub fn index_of(&self, tag: &str) -> Option<usize> {
        self.iter().position(|texts| texts.tag.eq_ignore_ascii_case(tag))
    }

    /// The `index`th one.
    pub fn get(&self, index: usize) -> &Texts {
        self.iter().nth(index).unwrap_or(&self.first)
    }
}

/// English names the keys that every language has.
fn english(tag: &str, text: &str) -> Result<Texts, TextsError> {
    let wire: Wire = toml::from_str(text).map_err(|error| TextsError {
        span: error.span(),
        field: None,
        problem: error.message().to_owned(),
    })?;
    let keys = |table: BTreeMap<Spanned<String>, Spanned<String>>| {
        table.into_iter().map(|(key, said)| (key.into_inner(), said.into_inner())).collect()
    };
    let Some(WireLanguage { name, dir, group, group_from }) = wire.language else {
        return Err(missing("[language]", "name, dir, group and group_from are needed"));
    };
    let texts = Texts {
        tag: tag.to_owned(),
        name: name.into_inner(),
        dir: dir.into_inner(),
        group: group.into_inner(),
        group_from: group_from.into_inner(),
        page: keys(wire.page),
        notices: keys(wire.notices),
        found: <[Found; 2]>::default(),
    };
    Ok(texts.ready())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_language_says_everything() {
        let languages = Languages::shipped().unwrap();
        assert_eq!(languages.iter().count(), SHIPPED.len());
        for texts in languages.iter() {
            for (key, said) in texts.page.iter().chain(&texts.notices) {
                assert!(!said.trim().is_empty(), "{}: {key}", texts.tag);
            }
            assert!(
                texts.tag == "en" || texts.page("waiting_lead") != languages.first().page("waiting_lead")
            );
        }
    }

    #[test]
    fn a_language_that_lacks_a_text_is_refused() {
        let languages = Languages::shipped().unwrap();
        let (_, german) = SHIPPED[5];
        let without = german.replace("leave_sure", "# leave_sure");
        let error = Texts::over(languages.first(), "xx", &without, true).unwrap_err();
        assert_eq!(error.field.as_deref(), Some("leave_sure"), "{error:?}");
    }

    #[test]
    fn operators_replace_single_texts_and_add_languages() {
        let languages = Languages::shipped().unwrap();
        let mine = languages.with("ko", "[page]\nwaiting_heading = \"기다려 주세요\"").unwrap();
        let korean = mine.get(mine.index_of("KO").unwrap());
        assert_eq!(korean.page("waiting_heading"), "기다려 주세요");
        assert_eq!(korean.page("leave"), languages.get(1).page("leave"));
        for (text, field, problem) in [
            ("[page]\nwaiting_head = \"x\"", "waiting_head", "no such text"),
            ("[page]\nmove_text = \"x\"", "move_text", "{minutes} is needed"),
            ("[page]\nleave = \"{x}\"", "leave", "nothing is filled in"),
            ("[language]\nname=\"x\"\ndir=\"up\"\ngroup=\",\"\ngroup_from=4", "dir", "\"rtl\" is needed"),
        ] {
            let error = languages.with("ko", text).unwrap_err();
            assert_eq!(error.field.as_deref(), Some(field), "{error:?}");
            assert!(error.problem.contains(problem), "{error:?}");
        }
        assert!(languages.with("ar", "[page]\nleave = \"x\"").is_err(), "a new language has to be whole");
    }

    #[test]
    fn numbers_are_written_as_the_language_has_it() {
        let languages = Languages::shipped().unwrap();
        let number = |tag: &str, number| languages.get(languages.index_of(tag).unwrap()).number(number);
        for (tag, small, large) in [
            ("en", "1,234", "1,234,567"),
            ("de", "1.234", "1.234.567"),
            ("es", "1234", "1.234.567"),
            ("fr", "1\u{202f}234", "1\u{202f}234\u{202f}567"),
            ("ko", "1,234", "1,234,567"),
        ] {
            assert_eq!((number(tag, 1234), number(tag, 1_234_567)), (small.into(), large.into()), "{tag}");
            assert_eq!(number(tag, 999), "999");
        }
    }

    #[test]
    fn texts_are_filled_in() {
        assert_eq!(fill("{low} to {high}.", &[("high", "2"), ("low", "{high}")]), "{high} to 2.");
        assert_eq!(fill("a {unknown} b {open", &[]), "a  b open");
    }
}
