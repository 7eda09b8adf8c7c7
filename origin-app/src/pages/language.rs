//! Choosing the language of the pages.

use axum::http::header::SET_COOKIE;
use axum::response::Response;

use super::see_other;
use crate::http::{Fields, Problem, Reader, back_to};
use crate::language::Language;

/// `POST /language`: keeps the choice and leads back to where it was made.
pub(super) async fn choose(reader: Reader, fields: Fields) -> Result<Response, Problem> {
    let wanted = fields.all("language").next().and_then(Language::parse);
    let language = wanted.ok_or_else(|| Problem::invalid("`language`: `en` or `ko` is needed"))?;
    let mut response = see_other(back_to(fields.all("back").next().unwrap_or_default()))?;
    response.headers_mut().append(SET_COOKIE, reader.keep(language));
    Ok(response)
}
