//! Compares answers with the document, and remembers what it saw.

use std::collections::BTreeSet;

use reqwest::header::HeaderMap;
use reqwest::{Client, Method};
use serde_json::Value;

use crate::harness::{Edge, browser};

/// One who knows the document.
pub(super) struct Witness {
    document: Value,
    seen: BTreeSet<String>,
}

/// An answer.
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) headers: HeaderMap,
    pub(super) body: Value,
}

impl Answer {
    /// The code of a problem.
    pub(super) fn code(&self) -> &str {
        self.body["code"].as_str().unwrap_or_default()
    }

    /// A field of the body.
    pub(super) fn text(&self, field: &str) -> String {
        self.body[field].as_str().unwrap_or_else(|| panic!("{field} in {}", self.body)).to_owned()
    }
}

const BELOW: &str = "/.waiting-room";

impl Witness {
    /// Reads the document.
    pub(super) async fn of(edge: &Edge) -> Self {
        let url = edge.url("/.waiting-room/openapi.json");
        let document = browser().get(url).send().await.unwrap().json().await.unwrap();
        Self { document, seen: BTreeSet::new() }
    }

    /// Each `<method> <path below /.waiting-room>`.
    pub(super) fn calls(&self) -> Vec<String> {
        let paths = self.document["paths"].as_object().unwrap().iter();
        let call = |(path, item): (&String, &Value)| {
            let methods = item.as_object().unwrap().keys().cloned().collect::<Vec<_>>();
            let path = path.strip_prefix(BELOW).unwrap().to_owned();
            methods.into_iter().map(move |method| format!("{method} {path}"))
        };
        paths.flat_map(call).collect()
    }

    /// Makes a call at `path`, and judges the answer.
    pub(super) async fn ask(
        &mut self,
        edge: &Edge,
        fan: &Client,
        call: &str,
        path: &str,
        headers: &[(&'static str, &str)],
    ) -> Answer {
        let method = call.split_once(' ').unwrap().0.to_uppercase();
        let method = Method::from_bytes(method.as_bytes()).unwrap();
        let mut request = fan.request(method, edge.url(&format!("{BELOW}{path}")));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        self.judge(call, request).await
    }

    /// Sends a request that makes `call`, and judges the answer.
    pub(super) async fn judge(&mut self, call: &str, request: reqwest::RequestBuilder) -> Answer {
        let answer = request.send().await.unwrap();
        let (status, headers) = (answer.status().as_u16(), answer.headers().clone());
        let named = self.response(call, &status.to_string()).clone();
        assert!(named.is_object(), "{call} answers {status}, which the document does not name");
        for (name, header) in named["headers"].as_object().into_iter().flatten() {
            assert!(header["required"] != true || headers.contains_key(name), "{call} {status}: no {name}");
        }
        // Of a connection that becomes a WebSocket there is no end to be read.
        let text = if status == 101 { String::new() } else { answer.text().await.unwrap() };
        let kind = headers.get("content-type").map(|kind| kind.to_str().unwrap());
        let kind = kind.map(|kind| kind.split(';').next().unwrap_or_default().to_owned());
        let body: Value = serde_json::from_str(&text).unwrap_or_default();
        let what = match kind.as_deref() {
            None => "nothing",
            Some("text/html") => "page",
            Some("application/json") => "json",
            Some("application/problem+json") => body["code"].as_str().unwrap(),
            other => panic!("{call} {status}: {other:?}"),
        };
        match &kind {
            None => assert!(named.get("content").is_none() && text.is_empty(), "{call} {status}: {text}"),
            Some(kind) => {
                let content = &named["content"][kind];
                assert!(content.is_object(), "{call} {status}: {kind} is not in the document");
                let schema = &content["schema"];
                let whole = schema["allOf"].as_array().map_or(schema, |all| &all[0]);
                self.has_the_fields_of(whole, &body, &format!("{call} {status}"));
                if kind == "application/problem+json" {
                    let codes = codes_of(schema);
                    assert!(codes.contains(what), "{call} {status}: {what} is not in the document");
                }
            }
        }
        self.seen.insert(self.entry(call, &status.to_string(), what));
        Answer { status, headers, body }
    }

    /// What the document names, and nobody saw.
    pub(super) fn not_seen(&self) -> BTreeSet<String> {
        let mut named = BTreeSet::new();
        for call in self.calls() {
            let (method, path) = call.split_once(' ').unwrap();
            let responses = &self.document["paths"][format!("{BELOW}{path}")][method]["responses"];
            for status in responses.as_object().unwrap().keys() {
                for what in kinds_of(self.response(&call, status)) {
                    named.insert(self.entry(&call, status, &what));
                }
            }
        }
        named.difference(&self.seen).cloned().collect()
    }

    /// What is said of `status`, whether there or for all calls.
    fn response(&self, call: &str, status: &str) -> &Value {
        let (method, path) = call.split_once(' ').unwrap();
        let response = &self.document["paths"][format!("{BELOW}{path}")][method]["responses"][status];
        self.resolved(response)
    }

    fn resolved<'a>(&'a self, value: &'a Value) -> &'a Value {
        let reference = value["$ref"].as_str();
        reference.map_or(value, |to| self.document.pointer(to.trim_start_matches('#')).unwrap())
    }

    /// What is seen with one call is seen with all, where it is the same for all.
    fn entry(&self, call: &str, status: &str, what: &str) -> String {
        let mut everywhere = self.document["components"]["responses"].as_object().unwrap().values();
        let is_everywhere = match status {
            "308" => true,
            _ => everywhere.any(|response| kinds_of(response).contains(what)),
        };
        if is_everywhere { format!("any {status} {what}") } else { format!("{call} {status} {what}") }
    }

    fn has_the_fields_of(&self, schema: &Value, body: &Value, place: &str) {
        let schema = self.resolved(schema);
        let (Some(properties), Some(fields)) = (schema["properties"].as_object(), body.as_object()) else {
            return;
        };
        for (name, value) in fields {
            let property =
                properties.get(name).unwrap_or_else(|| panic!("{place}: `{name}` is not in the document"));
            self.has_the_fields_of(property, value, place);
        }
        for name in schema["required"].as_array().into_iter().flatten() {
            assert!(fields.contains_key(name.as_str().unwrap()), "{place}: {name} is missing");
        }
    }
}

fn codes_of(schema: &Value) -> BTreeSet<String> {
    let codes = schema["allOf"][1]["properties"]["code"]["enum"].as_array();
    codes.into_iter().flatten().map(|code| code.as_str().unwrap().to_owned()).collect()
}

/// What an answer may be: codes of a problem, a page, JSON, or nothing.
fn kinds_of(response: &Value) -> BTreeSet<String> {
    let Some(content) = response["content"].as_object() else {
        return BTreeSet::from(["nothing".to_owned()]);
    };
    let kinds = content.iter().flat_map(|(kind, content)| match kind.as_str() {
        "application/problem+json" => codes_of(&content["schema"]),
        "text/html" => BTreeSet::from(["page".to_owned()]),
        _ => BTreeSet::from(["json".to_owned()]),
    });
    kinds.collect()
}
