//! What may stand in an operator's template: the policy of the pages lets a style or script run by its hash, so each
//! has to be the same on every page; and what it forbids anyway is better said at start than found in a browser.

use std::collections::{BTreeMap, HashSet};

use super::look::hash;

/// The styles and scripts that a policy names.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Hashes {
    pub(super) styles: Vec<String>,
    pub(super) scripts: Vec<String>,
}

/// Something that a browser would refuse.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {problem}")]
pub struct OwnError {
    /// The line, from 1.
    pub line: usize,
    /// What was found and what would be right.
    pub problem: String,
}

/// Checks a template, and takes in the hashes of its own styles and scripts.
pub(super) fn check(template: &str, hashes: &mut Hashes) -> Result<(), OwnError> {
    let error = |at: usize, problem: String| OwnError {
        line: template.get(..at).unwrap_or(template).matches('\n').count() + 1,
        problem,
    };
    let mut at = 0;
    while let Some(open) = template.get(at..).and_then(|rest| rest.find('<')) {
        let open = at + open;
        let Some(length) = template.get(open..).and_then(|rest| rest.find('>')) else { break };
        let tag = template.get(open..open + length).unwrap_or_default();
        at = open + length + 1;
        if let Some(problem) = forbidden(tag) {
            return Err(error(open, problem));
        }
        for (name, list) in [("style", &mut hashes.styles), ("script", &mut hashes.scripts)] {
            let is_element =
                tag.get(1..).and_then(|rest| rest.split(|c: char| c.is_ascii_whitespace()).next());
            if !is_element.is_some_and(|found| found.eq_ignore_ascii_case(name)) {
                continue;
            }
            let close = format!("</{name}>");
            let Some(length) = template.get(at..).and_then(|rest| rest.find(&close)) else {
                return Err(error(open, format!("this <{name}> is not closed by {close}")));
            };
            let inside = template.get(at..at + length).unwrap_or_default();
            if ["{{", "{%", "{#"].iter().any(|begin| inside.contains(begin)) {
                let problem = format!(
                    "something is filled in inside this <{name}>; the page's policy allows only what is the same on \
                     every page: put what changes into an attribute (data-…) and read it from there"
                );
                return Err(error(open, problem));
            }
            // `{{ style }}` and `{{ script }}` stand outside of such elements: they bring their own.
            list.push(hash(inside));
            at += length + close.len();
        }
    }
    Ok(())
}

/// What every template is given.
const EVERYWHERE: [&str; 5] = ["lang", "dir", "t", "style", "script"];

/// Checks that a template names nothing that it is not given; gives the line and what would be right.
pub(super) fn check_names(
    template: &str,
    named: &HashSet<String>,
    given: &[&str],
    texts: &BTreeMap<String, String>,
) -> Result<(), (usize, String)> {
    let mut unknown: Vec<(usize, String)> = named
        .iter()
        .filter_map(|name| {
            let line_of = |needle: &str| {
                let at = template.find(needle).unwrap_or_default();
                template.get(..at).unwrap_or_default().matches('\n').count() + 1
            };
            match name.split_once('.') {
                Some(("t", text)) => (!texts.contains_key(text)).then(|| {
                    (line_of(name), format!("there is no text `{name}`; docs/waiting-page.md lists them"))
                }),
                split => {
                    let base = split.map_or(name.as_str(), |(base, _)| base);
                    let is_known = EVERYWHERE.contains(&base) || given.contains(&base);
                    (!is_known).then(|| {
                        (line_of(base), format!("there is no `{base}`; there are: {}", given.join(", ")))
                    })
                }
            }
        })
        .collect();
    unknown.sort();
    unknown.into_iter().next().map_or(Ok(()), Err)
}

/// Why a tag would not do what it says.
fn forbidden(tag: &str) -> Option<String> {
    let lower = tag.to_ascii_lowercase();
    let attributes = || lower.split(|c: char| c.is_ascii_whitespace()).skip(1);
    if attributes().any(|word| word.starts_with("style=")) {
        return Some(
            "a `style=` attribute is refused by the page's policy; use a class and a <style>".to_owned(),
        );
    }
    let is_handler = |word: &str| {
        word.split_once('=').is_some_and(|(name, _)| {
            name.len() > 2 && name.starts_with("on") && name.bytes().all(|byte| byte.is_ascii_lowercase())
        })
    };
    if attributes().any(is_handler) {
        return Some("an `on…=` attribute is refused by the page's policy; use a <script>".to_owned());
    }
    let loads = |word: &str| {
        let value = word.strip_prefix("src=").or_else(|| word.strip_prefix("srcset="));
        value.is_some_and(|value| !value.trim_start_matches(['"', '\'']).starts_with("data:"))
    };
    if attributes().any(loads) || (lower.starts_with("<link") && lower.contains("stylesheet")) {
        return Some(
            "the page loads nothing from anywhere; write styles and scripts into it, and images as data: or <svg>"
                .to_owned(),
        );
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn checked(template: &str) -> Result<Hashes, OwnError> {
        let mut hashes = Hashes::default();
        check(template, &mut hashes).map(|()| hashes)
    }

    #[test]
    fn own_styles_and_scripts_are_named() {
        let hashes = checked("{{ style }}<style media=\"all\">a{}</style>\n<SCRIPT>1</script>x<p>").unwrap();
        assert_eq!(hashes.styles, [hash("a{}")]);
        assert!(hashes.scripts.is_empty() || hashes.scripts == [hash("1")]);
        assert_eq!(checked("<img src=\"data:image/png;base64,AA\"> a < b").unwrap(), Hashes::default());
    }

    #[test]
    fn what_a_browser_would_refuse_is_refused_with_its_line() {
        for (template, line, problem) in [
            ("\n<style>{{ title }}</style>", 2, "something is filled in"),
            ("<script>", 1, "not closed"),
            ("<p>\n<p class=a style=\"color:red\">", 2, "`style=`"),
            ("<button onclick=\"x()\">", 1, "`on…=`"),
            ("<script src=\"/x.js\"></script>", 1, "loads nothing"),
            ("<img src='https://cdn.example/x.png'>", 1, "loads nothing"),
            ("<link rel=\"stylesheet\" href=\"/x.css\">", 1, "loads nothing"),
        ] {
            let error = checked(template).unwrap_err();
            assert_eq!(error.line, line, "{error}");
            assert!(error.problem.contains(problem), "{error}");
        }
    }
}
