//! What the pages of a room look like: templates, style, script, words; and the policy that lets nothing else run.

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::header::{self, HeaderName, HeaderValue};
use minijinja::{AutoEscape, Environment, UndefinedBehavior, Value};
use serde::Serialize;
use sha2::{Digest, Sha256};

use super::mould::{Moulds, Shared};
use super::notice::Puzzle;
use super::own::{self, OwnError};
use super::page;
use super::parcel::{self, Fixed, Part};
use super::reader::Reader;
use super::reply::{Common, Reply};
use super::texts::{Languages, Texts};

const WAITING: &str = include_str!("../../assets/waiting.html");
const NOTICE: &str = include_str!("../../assets/notice.html");
const STYLE: &str = include_str!("../../assets/waiting.css");
/// One function, so that nothing of it can be reached from outside.
const SCRIPT: [&str; 7] = [
    "\"use strict\";(() => {\n",
    include_str!("../../assets/script/words.js"),
    include_str!("../../assets/script/show.js"),
    include_str!("../../assets/script/turn.js"),
    include_str!("../../assets/script/live.js"),
    include_str!("../../assets/script/actions.js"),
    "})();",
];

/// The script of plain pages.
const NOTICE_SCRIPT: [&str; 3] =
    ["\"use strict\";(() => {\n", include_str!("../../assets/script/notice.js"), "})();"];

/// That of a page that works before there is a place.
const WORK_SCRIPT: [&str; 3] =
    ["\"use strict\";(() => {\n", include_str!("../../assets/script/work.js"), "})();"];

/// Stands in a rendered page before the letter of a part that is the same for everyone. No text is written with it.
pub(super) const MARK: char = '\u{e000}';

/// A template that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum LookError {
    /// It does not parse, or cannot be rendered.
    #[error("the template `{name}`: {error}")]
    Template {
        /// `waiting` or `notice`.
        name: &'static str,
        /// What is wrong.
        error: minijinja::Error,
    },
    /// It names something that it is not given.
    #[error("the template `{name}`, line {line}: {problem}")]
    Unknown {
        /// `waiting` or `notice`.
        name: &'static str,
        /// The line, from 1.
        line: usize,
        /// What was found and what would be right.
        problem: String,
    },
    /// It holds what a browser would refuse.
    #[error("the template `{name}`: {error}")]
    Own {
        /// `waiting` or `notice`.
        name: &'static str,
        /// What is wrong.
        error: OwnError,
    },
    /// The words that ship are not whole.
    #[error("a text is wrong: {0:?}")]
    Texts(super::texts::TextsError),
}

/// What an operator replaces; nothing stands for what ships.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Replaced {
    /// The template of the waiting page.
    pub template: Option<String>,
    /// The template of notices.
    pub notice: Option<String>,
    /// The words.
    pub languages: Option<Languages>,
}

/// What the pages of a room look like.
pub struct Look {
    templates: Environment<'static>,
    languages: Languages,
    /// What there is to choose from.
    pub(super) tongues: Vec<page::Tongue>,
    /// For each language, what templates read as `t`.
    words: Vec<Value>,
    style: Fixed,
    /// For each language.
    scripts: Vec<Fixed>,
    notice_script: Fixed,
    work_script: Fixed,
    /// Whether the template of the waiting page is the one that ships.
    pub(super) is_shipped: bool,
    /// Of that one.
    pub(super) moulds: Moulds,
    /// The `Content-Security-Policy`.
    pub policy: HeaderValue,
    /// The same, and a worker that the script of the page makes.
    pub policy_with_worker: HeaderValue,
    /// The headers of its pages, for each language, as [`nth_head`] counts.
    heads: Vec<[Arc<Common>; 4]>,
}

/// Which head is that of a page: with a worker or without, compressed or not.
const fn nth_head(has_worker: bool, is_packed: bool) -> usize {
    has_worker as usize * 2 + is_packed as usize
}

/// The headers of a page in the language `tag`.
fn head(tag: &str, policy: &HeaderValue, is_packed: bool) -> Arc<Common> {
    let always = |(name, value)| (name, HeaderValue::from_static(value));
    let tag = HeaderValue::from_str(tag).ok().map(|tag| (header::CONTENT_LANGUAGE, tag));
    let standing = [
        (header::VARY, "Accept-Encoding, Accept-Language, Cookie"),
        (header::REFERRER_POLICY, "same-origin"),
        (header::X_FRAME_OPTIONS, "DENY"),
        (HeaderName::from_static("x-robots-tag"), "noindex"),
    ];
    let packed = is_packed.then(|| always((header::CONTENT_ENCODING, "gzip")));
    let policy = (header::CONTENT_SECURITY_POLICY, policy.clone());
    Reply::common_of_pages([policy].into_iter().chain(tag).chain(standing.map(always)).chain(packed))
}

/// What is rendered.
#[derive(Clone, Copy, Debug)]
pub(super) enum Template<'a> {
    /// The waiting page.
    Waiting,
    /// A plain page, perhaps with something for its script to find.
    Notice(Option<&'a Puzzle<'a>>),
}

impl Look {
    /// What ships, with what an operator replaces.
    ///
    /// # Errors
    /// When a template does not parse, or holds what the policy forbids.
    pub fn new(replaced: Replaced) -> Result<Self, LookError> {
        let Replaced { template, notice, languages } = replaced;
        let languages = match languages {
            Some(languages) => languages,
            None => Languages::shipped().map_err(LookError::Texts)?,
        };
        let (style, script) = (squeeze(STYLE, ""), squeeze(&SCRIPT.concat(), "//"));
        let notice_script = squeeze(&NOTICE_SCRIPT.concat(), "//");
        let work_script = squeeze(&WORK_SCRIPT.concat(), "//");
        let scripts = vec![hash(&script), hash(&notice_script)];
        let mut hashes = own::Hashes { styles: vec![hash(&style)], scripts };
        for (name, own) in [("waiting", &template), ("notice", &notice)] {
            if let Some(own) = own {
                own::check(own, &mut hashes).map_err(|error| LookError::Own { name, error })?;
            }
        }
        let mut templates = Environment::new();
        templates.set_auto_escape_callback(|_| AutoEscape::Html);
        templates.set_undefined_behavior(UndefinedBehavior::Strict);
        // What there is nothing of is written as nothing.
        templates.set_formatter(|out, state, value| match value.is_none() {
            true => Ok(()),
            false => minijinja::escape_formatter(out, state, value),
        });
        let sources = [("waiting", &template, WAITING), ("notice", &notice, NOTICE)];
        for (name, own, shipped) in sources {
            let source = own.as_deref().unwrap_or(shipped).to_owned();
            templates
                .add_template_owned(name, source)
                .map_err(|error| LookError::Template { name, error })?;
        }
        for (name, own) in [("waiting", &template), ("notice", &notice)] {
            if let Some(own) = own {
                let template =
                    templates.get_template(name).map_err(|error| LookError::Template { name, error })?;
                let words = languages.first();
                own::check_names(own, &template.undeclared_variables(true), given(name), &words.page)
                    .map_err(|(line, problem)| LookError::Unknown { name, line, problem })?;
            }
        }
        let scripts = languages.iter().map(|texts| {
            let json = texts.script_json();
            Fixed::new(format!(
                "<script type=\"application/json\" id=\"texts\">{json}</script>\n<script>{script}</script>"
            ))
        });
        let policy = |more: &str, worker: &str| {
            // Of hashes and words of ours: it can always be sent. Without one nothing would run that should not either.
            let nothing = HeaderValue::from_static("default-src 'none'");
            HeaderValue::try_from(format!(
                "default-src 'none'; style-src {}; script-src {}{more}; connect-src 'self'; img-src data:; \
                 base-uri 'none'; form-action 'self'; frame-ancestors 'none'{worker}",
                hashes.styles.join(" "),
                hashes.scripts.join(" "),
            ))
            .unwrap_or(nothing)
        };
        let plain = policy("", "");
        // The worker's script is made by the page's, which the policy names, out of itself.
        let with_worker = policy(&format!(" {}", hash(&work_script)), "; worker-src blob:");
        let heads = languages.iter().map(|texts| {
            let head = |policy, is_packed| head(&texts.tag, policy, is_packed);
            [head(&plain, false), head(&plain, true), head(&with_worker, false), head(&with_worker, true)]
        });
        Ok(Self {
            heads: heads.collect(),
            is_shipped: template.is_none(),
            moulds: Moulds::default(),
            tongues: languages.iter().map(page::Tongue::of).collect(),
            words: languages.iter().map(|texts| Value::from_serialize(&texts.page)).collect(),
            scripts: scripts.collect(),
            notice_script: Fixed::new(format!("<script>{notice_script}</script>")),
            style: Fixed::new(format!("<style>{style}</style>")),
            policy: plain,
            policy_with_worker: with_worker,
            work_script: Fixed::new(format!("<script>{work_script}</script>")),
            templates,
            languages,
        })
    }

    /// The languages that it speaks.
    pub fn languages(&self) -> &Languages {
        &self.languages
    }

    /// Which language this reader gets.
    pub fn texts(&self, reader: &Reader) -> &Texts {
        self.languages.get(reader.choose(&self.languages))
    }

    /// Renders `template`, and packs it as the reader takes it.
    ///
    /// # Errors
    /// When the template cannot be rendered.
    pub(super) fn render(
        &self,
        template: Template<'_>,
        language: usize,
        reader: &Reader,
        context: impl Serialize,
    ) -> Result<Bytes, minijinja::Error> {
        let (name, puzzle) = match template {
            Template::Waiting => ("waiting", None),
            Template::Notice(puzzle) => ("notice", puzzle),
        };
        let puzzle = puzzle.map(|puzzle| {
            let json = serde_json::to_string(puzzle).unwrap_or_default().replace('<', "\\u003c");
            format!("<script type=\"application/json\" id=\"work\">{json}</script>")
        });
        let page = self.text_of(name, language, context)?;
        let mut pieces = page.split(MARK);
        let mut parts = vec![Part::Text(pieces.next().unwrap_or_default())];
        for piece in pieces {
            let mut rest = piece.chars();
            let part = match (rest.next(), template, &puzzle) {
                (Some('s'), ..) => Some(&self.style),
                (Some('j'), Template::Waiting, _) => self.scripts.get(language),
                (Some('j'), Template::Notice(_), None) => Some(&self.notice_script),
                (Some('j'), Template::Notice(_), Some(puzzle)) => {
                    parts.push(Part::Text(puzzle));
                    Some(&self.work_script)
                }
                _ => None,
            };
            parts.extend(part.map(Part::Fixed));
            parts.push(Part::Text(rest.as_str()));
        }
        Ok(if reader.takes_gzip { parcel::gzip(&parts) } else { parcel::plain(&parts) })
    }
}

impl Look {
    /// What `template` renders, with marks in place of style and script.
    pub(super) fn text_of(
        &self,
        template: &str,
        language: usize,
        context: impl Serialize,
    ) -> Result<String, minijinja::Error> {
        let texts = self.languages.get(language);
        let shell = minijinja::context! {
            lang => texts.tag, dir => texts.dir, t => self.words.get(language),
            style => Value::from_safe_string(format!("{MARK}s")),
            script => Value::from_safe_string(format!("{MARK}j")),
            ..Value::from_serialize(context)
        };
        self.templates.get_template(template)?.render(shell)
    }

    /// The headers of a page in this language.
    pub(super) fn head(&self, language: usize, has_worker: bool, is_packed: bool) -> Arc<Common> {
        let heads = self.heads.get(language).or(self.heads.first());
        heads.and_then(|heads| heads.get(nth_head(has_worker, is_packed))).cloned().unwrap_or_default()
    }

    /// A part of the waiting page that is the same for everyone.
    pub(super) fn shared(&self, shared: Shared, language: usize) -> &Fixed {
        match shared {
            Shared::Style => &self.style,
            Shared::Script => self.scripts.get(language).unwrap_or(&self.notice_script),
        }
    }
}

/// The names that a template is given, besides those of every page.
const fn given(template: &str) -> &'static [&'static str] {
    match template.as_bytes() {
        b"notice" => &page::GIVEN_TO_NOTICES,
        _ => &page::GIVEN,
    }
}

/// How a policy names exactly this text.
pub(super) fn hash(text: &str) -> String {
    format!("'sha256-{}'", STANDARD.encode(Sha256::digest(text)))
}

/// Without indentation, empty lines and lines of comment.
fn squeeze(text: &str, comment: &str) -> String {
    let lines = text.lines().map(str::trim);
    let kept = lines.filter(|line| !line.is_empty() && (comment.is_empty() || !line.starts_with(comment)));
    kept.collect::<Vec<_>>().join("\n")
}
