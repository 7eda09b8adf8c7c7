//! The templates, in the binary. What goes into them is escaped by default.

use axum::http::StatusCode;
use axum::response::{Html, IntoResponse, Response};
use minijinja::value::Kwargs;
use minijinja::{Environment, Value, context};

use super::texts::{Texts, fill};
use crate::http::{Assets, Problem, Reader, private};
use crate::language::Language;

macro_rules! templates {
    ($($name:literal),+ $(,)?) => {
        [$(($name, include_str!(concat!("../../templates/", $name)))),+]
    };
}

const TEMPLATES: [(&str, &str); 20] = templates![
    "base.html",
    "account.html",
    "account_done.html",
    "account_form.html",
    "events.html",
    "event.html",
    "seatmap.html",
    "seat_list.html",
    "checkout.html",
    "pay_mail.html",
    "pay_stripe.html",
    "organiser.html",
    "organiser_event.html",
    "organiser_call_off.html",
    "organiser_new.html",
    "organiser_refund.html",
    "ticket.html",
    "tickets.html",
    "waitlist.html",
    "problem.html",
];

/// All templates, parsed, and the words that stand in them.
pub(crate) struct Templates {
    environment: Environment<'static>,
    texts: Texts,
}

impl Templates {
    /// Parses the templates; the pages refer to `assets`, and say at their foot what the word `money` stands for.
    pub(crate) fn new(assets: &Assets, money: &'static str) -> anyhow::Result<Self> {
        let mut environment = Environment::new();
        // A name that is misspelt is an error, not a gap on the page.
        environment.set_undefined_behavior(minijinja::UndefinedBehavior::Strict);
        environment.add_filter("fill", filled);
        for (name, file) in
            [("css", "shop.css"), ("icon", "shop.svg"), ("js", "shop.js"), ("pay_js", "pay.js")]
        {
            environment.add_global(name, Value::from_safe_string(assets.address(file)));
        }
        environment.add_global("money", money);
        let languages: Vec<_> = Language::ALL
            .iter()
            .map(|language| context! { tag => language.tag(), name => own_name(*language) })
            .collect();
        environment.add_global("languages", Value::from(languages));
        for (name, source) in TEMPLATES {
            environment.add_template(name, source)?;
        }
        Ok(Self { environment, texts: Texts::new()? })
    }

    /// The words of the pages.
    pub(super) const fn texts(&self) -> &Texts {
        &self.texts
    }

    /// The page `name` in the reader's language, for this visitor only.
    pub(crate) fn page(
        &self,
        reader: &Reader,
        status: StatusCode,
        name: &str,
        context: Value,
    ) -> Result<Response, Problem> {
        let around = context! {
            t => self.texts.of(reader.language),
            lang => reader.language.tag(),
            page => reader.page,
            ..context
        };
        let html = self
            .environment
            .get_template(name)
            .and_then(|template| template.render(around))
            .map_err(|error| Problem::internal(&error))?;
        let mut response = (status, Html(html)).into_response();
        private(response.headers_mut());
        Ok(response)
    }

    /// The piece of a page `name` in `language`, as it is for everybody.
    ///
    /// # Errors
    /// When the template is wrong.
    pub(super) fn fragment(&self, language: Language, name: &str, context: Value) -> Result<String, Problem> {
        let around = context! { t => self.texts.of(language), ..context };
        let rendered = self.environment.get_template(name).and_then(|template| template.render(around));
        rendered.map_err(|error| Problem::internal(&error))
    }
}

/// `{{ t.group.word | fill(name=value) }}`
#[expect(clippy::needless_pass_by_value, reason = "a filter is given its arguments")]
fn filled(text: &str, gaps: Kwargs) -> Result<String, minijinja::Error> {
    let mut values = Vec::new();
    for name in gaps.args() {
        values.push((name, gaps.get::<Value>(name)?.to_string()));
    }
    gaps.assert_all_used()?;
    Ok(fill(text, values.iter().map(|(name, value)| (*name, value.as_str()))))
}

/// What a language calls itself.
const fn own_name(language: Language) -> &'static str {
    match language {
        Language::En => "English",
        Language::Ko => "한국어",
    }
}
