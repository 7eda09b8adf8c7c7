//! The document (OpenAPI 3.1) of what the edge answers below `/.waiting-room/`. Types are those that are sent; calls and
//! answers stand in a table, for they are no handlers of a framework that could tell of itself. What holds the table to the edge
//! is a test: it asks a running one for every call, status and code, and takes no other (`proxy/tests/it/documented/`).

mod calls;
mod schemas;
mod table;

use std::sync::LazyLock;

use http::StatusCode;
use serde_json::{Map, Value, json};

use calls::CALLS;
use table::{Answer, Body, Code, Operation};

/// Answers that any call may get.
const EVERYWHERE: &[Answer] = &[
    Answer::empty(308, "Asked without TLS where the edge has it: the same at `Location`"),
    Answer::problem(
        400,
        &[Body::Problem(&[
            ("bad_request", "the request can be read in two ways, or in none"),
            ("client_address", "a proxy that is trusted named no address of the client"),
        ])],
    ),
    Answer::problem(403, &[Body::Problem(&[("around_the_cdn", "the request did not come through the CDN")])]),
    Answer::problem(413, &[Body::Problem(&[("body_too_large", "the body is larger than the edge takes")])]),
    Answer::problem(431, &[Body::Problem(&[("head_too_large", "the head is larger than the edge takes")])]),
];

/// What any call that names a room may get as well.
const NO_ROOM: Code = ("no_room", "there is no such room");

const INTRODUCTION: &str = "What the edge answers itself, for fans' pages, apps and caches. Every `GET` but the WebSocket is answered to \
    `HEAD` too. A path that is none is answered 404 `not_found`, another method 405 `method` with `Allow`. On a protected path a call \
    without an admission token gets 429 `waiting_room` in the same form of problem, with `Retry-After`, `Waiting-Room` and a `Link` to \
    join (docs/edge.md).";

/// The document, as it is told.
pub(crate) fn document() -> &'static str {
    static DOCUMENT: LazyLock<String> = LazyLock::new(|| made().to_string());
    &DOCUMENT
}

fn made() -> Value {
    let mut paths = Map::new();
    for operation in CALLS {
        let path = format!("/.waiting-room{}", operation.path);
        if let Some(item) = paths.entry(path).or_insert_with(|| json!({})).as_object_mut() {
            item.insert(operation.method.to_owned(), told(operation));
        }
    }
    let everywhere: Map<String, Value> =
        EVERYWHERE.iter().map(|answer| (name_of(answer.status), response(answer, answer.codes()))).collect();
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Stanchion: the edge",
            "version": env!("CARGO_PKG_VERSION"),
            "description": INTRODUCTION,
            "license": { "name": "Apache-2.0", "identifier": "Apache-2.0" },
        },
        "servers": [{ "url": "/" }],
        "paths": paths,
        "components": { "schemas": schemas::all(), "responses": everywhere },
    })
}

fn told(operation: &Operation) -> Value {
    let is_in_a_room = operation.path.contains("{room}");
    let mut parameters = Vec::new();
    if is_in_a_room {
        parameters.push(json!({
            "name": "room", "in": "path", "required": true, "description": "The room",
            "schema": { "type": "string", "pattern": "^[a-z0-9-]{1,32}$" },
        }));
    }
    parameters.extend(operation.takes.iter().map(|taken| {
        let schema = json!({ "type": "string" });
        json!({ "name": taken.name, "in": taken.place, "description": taken.says, "schema": schema })
    }));
    let mut responses = Map::new();
    for answer in operation.answers {
        let also = EVERYWHERE.iter().find(|other| other.status == answer.status);
        let mut codes = answer.codes().to_vec();
        codes.extend(also.iter().flat_map(|other| other.codes()));
        if is_in_a_room && answer.status == StatusCode::NOT_FOUND {
            codes.push(NO_ROOM);
        }
        responses.insert(answer.status.to_string(), response(answer, &codes));
    }
    if is_in_a_room && !responses.contains_key("404") {
        let none = Answer::problem(404, &[Body::Problem(&[NO_ROOM])]);
        responses.insert("404".to_owned(), response(&none, none.codes()));
    }
    for answer in EVERYWHERE {
        let reference = json!({ "$ref": format!("#/components/responses/{}", name_of(answer.status)) });
        responses.entry(answer.status.to_string()).or_insert(reference);
    }
    json!({
        "operationId": operation.id,
        "tags": [operation.tag],
        "summary": operation.says,
        "parameters": parameters,
        "responses": responses,
    })
}

fn name_of(status: u16) -> String {
    let reason = StatusCode::from_u16(status).ok().and_then(|status| status.canonical_reason());
    reason.unwrap_or("Other").replace(' ', "")
}

/// An answer whose problem has one of `codes`.
fn response(answer: &Answer, codes: &[Code]) -> Value {
    let meanings: Vec<String> = codes.iter().map(|(code, says)| format!("`{code}`: {says}")).collect();
    let meanings = meanings.join("; ");
    let said = [answer.says, &meanings].into_iter().filter(|said| !said.is_empty());
    let mut content = Map::new();
    for body in answer.bodies {
        let (kind, schema) = match body {
            Body::Json(name) => ("application/json", reference(name)),
            Body::Page => ("text/html", json!({ "type": "string" })),
            Body::Problem(_) => continue,
        };
        content.insert(kind.to_owned(), json!({ "schema": schema }));
    }
    if !codes.is_empty() {
        let names: Vec<_> = codes.iter().map(|(code, _)| code).collect();
        let one_of_these = json!({ "type": "object", "properties": { "code": { "enum": names } } });
        let schema = json!({ "allOf": [reference("Problem"), one_of_these] });
        content.insert("application/problem+json".to_owned(), json!({ "schema": schema }));
    }
    let mut response = Map::new();
    response.insert("description".to_owned(), said.collect::<Vec<_>>().join(". ").into());
    if !content.is_empty() {
        response.insert("content".to_owned(), content.into());
    }
    if let Some((name, says)) = header_of(answer.status) {
        let header = json!({ "description": says, "required": true, "schema": { "type": "string" } });
        response.insert("headers".to_owned(), json!({ name: header }));
    }
    response.into()
}

/// A header that every answer of this status has.
const fn header_of(status: u16) -> Option<(&'static str, &'static str)> {
    match status {
        303 | 308 => Some(("Location", "Where it is")),
        426 => Some(("Upgrade", "`websocket`")),
        428 | 429 => Some(("Retry-After", "After how many seconds to ask again")),
        _ => None,
    }
}

fn reference(name: &str) -> Value {
    json!({ "$ref": format!("#/components/schemas/{name}") })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use http::Method;

    use super::*;
    use crate::gate::calls::Call;

    /// The name that a call has in the document. Without `_`, so that a new call does not compile until it is there.
    const fn name(call: &Call) -> Option<&'static str> {
        Some(match call {
            Call::Facts(_) => "facts",
            Call::Join(_) => "join",
            Call::Status(_) => "status",
            Call::Leave(_) => "leave",
            Call::Live(_) => "live",
            Call::Draw(_) => "draw",
            Call::Invitation(_) => "invitation",
            Call::Bypass(_) => "bypass",
            Call::Language(_) => "language",
            Call::LeaveForm(_) => "leave_by_form",
            Call::Move(_) => "move",
            Call::AskToTake(_) => "ask_to_take",
            Call::Take(_) => "take",
            Call::Keys => "keys",
            Call::Document => "document",
            Call::WrongMethod { .. } | Call::Unknown => return None,
        })
    }

    #[test]
    fn each_call_is_read_as_the_one_that_it_is() {
        for operation in CALLS {
            let method = Method::from_bytes(operation.method.to_uppercase().as_bytes()).unwrap();
            let call = Call::parse(&method, &operation.path.replace("{room}", "demo"));
            assert_eq!(name(&call), Some(operation.id), "{} {}", operation.method, operation.path);
        }
        let names: BTreeSet<_> = CALLS.iter().map(|operation| operation.id).collect();
        assert_eq!(names.len(), CALLS.len());
    }
}
