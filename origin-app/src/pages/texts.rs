//! The words of the pages, one file a language, in the binary.

use minijinja::Value;
use toml::Table;

use crate::http::Problem;
use crate::language::Language;

const FILES: [(Language, &str); 2] = [
    (Language::En, include_str!("../../assets/texts/en.toml")),
    (Language::Ko, include_str!("../../assets/texts/ko.toml")),
];

/// All words, in each language.
pub(crate) struct Texts(Vec<(Language, Words)>);

struct Words {
    table: Table,
    /// The same as templates see it, made once.
    value: Value,
}

impl Texts {
    pub(super) fn new() -> Result<Self, toml::de::Error> {
        let texts = FILES.map(|(language, text)| {
            let table: Table = text.parse()?;
            Ok((language, Words { value: Value::from_serialize(&table), table }))
        });
        Ok(Self(texts.into_iter().collect::<Result<_, toml::de::Error>>()?))
    }

    /// The words of `language`, as a template sees them.
    pub(super) fn of(&self, language: Language) -> Value {
        self.words(language).map(|words| words.value.clone()).unwrap_or_default()
    }

    /// The word `key` of `group`, with what belongs in its gaps.
    pub(super) fn word(&self, language: Language, group: &str, key: &str, gaps: &[(&str, &str)]) -> String {
        fill(self.find(language, group, key).unwrap_or(key), gaps.iter().copied())
    }

    /// The word `key` of `group`, if there is one.
    pub(super) fn find(&self, language: Language, group: &str, key: &str) -> Option<&str> {
        self.table(language)?.get(group)?.get(key)?.as_str()
    }

    /// What happened and what to do, in `language` if it has words for that, or as the shop itself says it.
    pub(super) fn problem(&self, language: Language, problem: &Problem) -> (String, String) {
        let own = || (problem.title.to_owned(), problem.detail.clone());
        let Some(words) = self.table(language).and_then(|table| table.get("problems")?.get(problem.code))
        else {
            return own();
        };
        let word = |key| words.get(key).and_then(toml::Value::as_str);
        let Some((title, detail)) = word("title").zip(word("detail")) else {
            return own();
        };
        let seats: Vec<_> = problem.seats().iter().map(crate::ids::SeatId::as_str).collect();
        (title.to_owned(), fill(detail, [("seats", seats.join(", ").as_str())]))
    }

    fn table(&self, language: Language) -> Option<&Table> {
        self.words(language).map(|words| &words.table)
    }

    fn words(&self, language: Language) -> Option<&Words> {
        self.0.iter().find(|(known, _)| *known == language).map(|(_, words)| words)
    }
}

/// `text` with `{name}` replaced by what belongs there.
pub(super) fn fill<'a>(text: &str, gaps: impl IntoIterator<Item = (&'a str, &'a str)>) -> String {
    // One pass: what was filled in is not read again.
    let gaps: Vec<_> = gaps.into_iter().collect();
    let mut filled = String::with_capacity(text.len() + 16);
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('{') {
        filled.push_str(before);
        let found = after.split_once('}').and_then(|(name, after)| {
            let (_, value) = gaps.iter().find(|(gap, _)| *gap == name)?;
            Some((*value, after))
        });
        match found {
            Some((value, after)) => {
                filled.push_str(value);
                rest = after;
            }
            None => {
                filled.push('{');
                rest = after;
            }
        }
    }
    filled.push_str(rest);
    filled
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;

    use axum::http::StatusCode;

    use crate::http::CODES;

    /// Each word by its place, with the gaps that it has.
    fn words(table: &Table) -> BTreeMap<String, Vec<String>> {
        let mut words = BTreeMap::new();
        for (group, entries) in table.iter().filter(|(group, _)| *group != "problems") {
            for (key, word) in entries.as_table().unwrap() {
                let mut gaps: Vec<_> = word.as_str().unwrap().split('{').skip(1).collect();
                gaps.sort_unstable();
                let gaps = gaps.iter().map(|gap| gap.split('}').next().unwrap().to_owned()).collect();
                words.insert(format!("{group}.{key}"), gaps);
            }
        }
        words
    }

    #[test]
    fn every_language_has_the_same_words_with_the_same_gaps() {
        let texts = Texts::new().unwrap();
        assert_eq!(texts.0.len(), Language::ALL.len());
        let english = words(texts.table(Language::En).unwrap());
        for language in Language::ALL {
            assert_eq!(words(texts.table(language).unwrap()), english, "{language}");
        }
    }

    /// What only programs are told, in English.
    const OF_PROGRAMS: [&str; 8] = [
        "edge_signature",
        "event_exists",
        "idempotency_key_in_use",
        "idempotency_key_malformed",
        "idempotency_key_reused",
        "not_published",
        "version_needed",
        "webhook_signature",
    ];

    #[test]
    fn every_problem_that_a_page_may_tell_is_told_in_every_language() {
        let texts = Texts::new().unwrap();
        // English is what the shop itself says.
        for language in Language::ALL.into_iter().filter(|language| *language != Language::En) {
            let problems = texts.table(language).unwrap()["problems"].as_table().unwrap();
            for code in CODES.iter().filter(|code| !OF_PROGRAMS.contains(code)) {
                let has = |key| problems.get(*code).is_some_and(|words| words.get(key).is_some());
                assert!(has("title") && has("detail"), "{language}: {code}");
            }
        }
    }

    #[test]
    fn gaps_are_filled_once() {
        assert_eq!(fill("{a} of {b}{", [("a", "{b}"), ("b", "2")]), "{b} of 2{");
        assert_eq!(fill("{c}", [("a", "1")]), "{c}");
    }

    #[test]
    fn problems_are_told_in_the_readers_language_where_it_has_words() {
        let texts = Texts::new().unwrap();
        let problem = Problem::event_not_found();
        assert_eq!(texts.problem(Language::En, &problem).0, problem.title);
        assert!(texts.problem(Language::Ko, &problem).0.contains("공연"));
        let other = Problem::new(StatusCode::CONFLICT, "not_published", "Unheard of", "Nobody knows.");
        let own = ("Unheard of".to_owned(), "Nobody knows.".to_owned());
        assert_eq!(texts.problem(Language::Ko, &other), own);
    }
}
