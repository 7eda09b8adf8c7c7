//! What the links that an operator mints have in common: a code, and where they lead.

use http::{HeaderName, StatusCode};

use crate::gate::fields::Fields;
use crate::gate::query::{local_path, parameter};
use crate::room::Room;
use crate::waiting::reply::Reply;

/// The code of a link: from its address, or from a header where a program asks. Empty where there is none.
pub(super) fn code_of(query: Option<&str>, headers: &Fields<'_>, header: &HeaderName) -> String {
    let by_header = || headers.get(header).and_then(|value| value.to_str().ok()).map(str::to_owned);
    parameter(query, "code").or_else(by_header).unwrap_or_default()
}

/// Where a link leads: to `to`, which has to be a path of this site, or to the room's first page.
///
/// # Errors
/// The refusal, as `problem`.
pub(super) fn destination(room: &Room, query: Option<&str>, problem: &str) -> Result<String, Reply> {
    let Some(to) = parameter(query, "to") else { return Ok(room.config().first_page()) };
    local_path(&to).ok_or_else(|| {
        let detail = "`to` has to be a path of this site, such as /events/demo";
        Reply::problem(StatusCode::BAD_REQUEST, problem, detail)
    })
}
