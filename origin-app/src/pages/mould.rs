//! Markup of which only a little varies: made once, with gaps, and filled for everybody who asks.
//!
//! A template is rendered with a [`gap`] wherever something varies, and what comes of it is cut there. No name that somebody
//! gave has control characters, so nothing else looks like a gap.

const OPEN: char = '\u{1}';
const CLOSE: char = '\u{2}';

/// What a template is given in place of what varies: `asked` of the thing `id`.
pub(super) fn gap(asked: char, id: &str) -> String {
    format!("{OPEN}{asked}{id}{CLOSE}")
}

/// There is a gap of which nobody knows what belongs in it.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("a gap in the markup means nothing")]
pub(super) struct NoMeaning;

/// Markup with gaps, each of which has a meaning.
#[derive(Debug)]
pub(super) struct Mould<G> {
    /// What is the same for all.
    text: String,
    /// Where in it the gaps are, in order.
    gaps: Vec<(usize, G)>,
}

impl<G: Copy> Mould<G> {
    /// Cuts `rendered` at its gaps; `meaning` says what belongs in one.
    ///
    /// # Errors
    /// When it does not know.
    pub(super) fn cut(rendered: &str, meaning: impl Fn(char, &str) -> Option<G>) -> Result<Self, NoMeaning> {
        let mut pieces = rendered.split(OPEN);
        let mut text = pieces.next().unwrap_or_default().to_owned();
        let mut gaps = Vec::new();
        for piece in pieces {
            let (name, after) = piece.split_once(CLOSE).ok_or(NoMeaning)?;
            let mut letters = name.chars();
            let asked = letters.next().ok_or(NoMeaning)?;
            gaps.push((text.len(), meaning(asked, letters.as_str()).ok_or(NoMeaning)?));
            text.push_str(after);
        }
        text.shrink_to_fit();
        gaps.shrink_to_fit();
        Ok(Self { text, gaps })
    }

    /// The markup with what `what` says in its gaps. That is markup itself: see [`escaped`].
    pub(super) fn fill<'a>(&self, what: impl Fn(G) -> &'a str) -> String {
        // A gap takes a word or nothing.
        let mut filled = String::with_capacity(self.text.len() + 10 * self.gaps.len());
        let mut from = 0;
        for (until, gap) in &self.gaps {
            filled.push_str(self.text.get(from..*until).unwrap_or_default());
            filled.push_str(what(*gap));
            from = *until;
        }
        filled.push_str(self.text.get(from..).unwrap_or_default());
        filled
    }

    /// How much memory it takes, in bytes.
    pub(super) const fn size(&self) -> usize {
        self.text.len() + self.gaps.len() * size_of::<(usize, G)>()
    }
}

/// `text` as the templates would have it in markup.
pub(super) fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#x27;"),
            '/' => escaped.push_str("&#x2f;"),
            letter => escaped.push(letter),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    fn number(asked: char, id: &str) -> Option<u32> {
        (asked == 'n').then(|| id.parse().ok())?
    }

    #[test]
    fn what_varies_is_filled_into_what_does_not() {
        let rendered = format!("<a>{}</a>{}{}", gap('n', "1"), gap('n', "22"), gap('n', "1"));
        let mould = Mould::cut(&rendered, number).unwrap();
        assert_eq!(mould.fill(|gap| if gap == 1 { "one" } else { "좌석" }), "<a>one</a>좌석one");
        assert_eq!(mould.fill(|_| ""), "<a></a>");
        assert_eq!(Mould::cut("plain", number).unwrap().fill(|_| "never"), "plain");
    }

    #[test]
    fn a_gap_that_means_nothing_is_not_filled_with_anything() {
        for rendered in [gap('x', "1"), gap('n', "one"), "\u{1}".to_owned(), "\u{1}\u{2}".to_owned()] {
            assert_eq!(Mould::cut(&rendered, number).unwrap_err(), NoMeaning, "{rendered:?}");
        }
    }

    #[test]
    fn it_is_escaped_as_the_templates_do_it() {
        let text = r#"1/2 <b> & "c" 'd' 좌석"#;
        let mut environment = minijinja::Environment::new();
        environment.add_template("it.html", "{{ text }}").unwrap();
        let rendered = environment.get_template("it.html").unwrap();
        assert_eq!(escaped(text), rendered.render(minijinja::context! { text }).unwrap());
    }
}
