//! What somebody looks for in the list of events.

use admission::clock::Timestamp;

use crate::ids::EventId;

/// Most words that a search looks for; further ones change nothing.
const WORDS_MAX: usize = 8;

/// Which events, and which page of them. The order is that of their start.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct EventQuery {
    /// Words that all stand somewhere in name, venue, city or description, in small letters.
    pub words: Vec<String>,
    /// The venue's name, in whole.
    pub venue: Option<String>,
    /// Starting at this moment or later.
    pub from: Option<Timestamp>,
    /// Starting before this moment.
    pub until: Option<Timestamp>,
    /// Whether drafts are among them.
    pub with_drafts: bool,
    /// The last event of the page before.
    pub after: Option<EventId>,
    /// How many.
    pub limit: u32,
}

impl EventQuery {
    /// The words of `text` as a search looks for them.
    pub fn words_of(text: &str) -> Vec<String> {
        let mut words: Vec<String> = Vec::new();
        // No name has control characters, and PostgreSQL takes no text with a zero byte.
        let split = text.split(|letter: char| letter.is_whitespace() || letter.is_control());
        for word in split.filter(|word| !word.is_empty()).map(str::to_lowercase) {
            if words.len() < WORDS_MAX && !words.contains(&word) {
                words.push(word);
            }
        }
        words
    }

    /// The venue that `text` names, if it names any.
    pub fn venue_of(text: &str) -> Option<String> {
        let name: String = text.chars().filter(|letter| !letter.is_control()).collect();
        (!name.is_empty()).then_some(name)
    }

    /// The words as patterns of `LIKE`, in which a backslash takes the meaning of what follows it.
    pub fn patterns(&self) -> Vec<String> {
        let pattern = |word: &String| {
            let mut pattern = String::with_capacity(word.len() + 2);
            pattern.push('%');
            for letter in word.chars() {
                if matches!(letter, '%' | '_' | '\\') {
                    pattern.push('\\');
                }
                pattern.push(letter);
            }
            pattern.push('%');
            pattern
        };
        self.words.iter().map(pattern).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_looked_for_as_they_are_written() {
        let words = EventQuery::words_of("  Käse 100%_\\ KÄSE 서울 ");
        assert_eq!(words, ["käse", "100%_\\", "서울"]);
        let query = EventQuery { words, ..EventQuery::default() };
        assert_eq!(query.patterns(), ["%käse%", "%100\\%\\_\\\\%", "%서울%"]);
        assert_eq!(EventQuery::words_of("a\0b\u{b}\0"), ["a", "b"]);
        assert_eq!(EventQuery::venue_of("Ha\0ll"), Some("Hall".to_owned()));
        assert_eq!((EventQuery::venue_of(""), EventQuery::venue_of("\0")), (None, None));
        assert_eq!(EventQuery::words_of(&"a b c d e f g h i j".repeat(3)).len(), WORDS_MAX);
    }
}
