//! What the bodies are: of the types that are sent, where there is one.

use serde_json::{Map, Value, json};
use utoipa::ToSchema;
use utoipa::openapi::{RefOr, Schema};

use crate::waiting::draw::DrawFacts;
use crate::waiting::status::{Facts, Status};

/// All of them, by name. Objects have the fields that are named, and no others.
pub(super) fn all() -> Map<String, Value> {
    let mut found = Vec::new();
    add::<Status>(&mut found);
    add::<Facts>(&mut found);
    add::<DrawFacts>(&mut found);
    let mut all: Map<String, Value> = found
        .into_iter()
        .map(|(name, schema)| (name, serde_json::to_value(schema).unwrap_or_default()))
        .collect();
    // What a status comes with, when there is one to be had.
    let ticket = "The ticket: after joining, and where another takes the place of the one that was shown";
    let token = "The admission token, once the fan is admitted";
    if let Some(properties) = all.get_mut("Status").and_then(properties_of) {
        properties.insert("ticket".to_owned(), text(ticket));
        properties.insert("admission_token".to_owned(), text(token));
    }
    for (name, schema) in by_hand() {
        all.insert(name.to_owned(), schema);
    }
    for schema in all.values_mut().filter_map(Value::as_object_mut) {
        if schema.contains_key("properties") {
            schema.insert("additionalProperties".to_owned(), false.into());
        }
    }
    all
}

fn properties_of(schema: &mut Value) -> Option<&mut Map<String, Value>> {
    schema.get_mut("properties")?.as_object_mut()
}

fn add<T: ToSchema>(found: &mut Vec<(String, RefOr<Schema>)>) {
    found.push((T::name().into_owned(), T::schema()));
    T::schemas(found);
}

fn text(says: &str) -> Value {
    json!({ "type": "string", "description": says })
}

fn number(says: &str) -> Value {
    json!({ "type": "integer", "minimum": 0, "description": says })
}

/// An object that has all of these fields.
fn object(says: &str, properties: &Value) -> Value {
    let names: Vec<_> = properties.as_object().into_iter().flat_map(Map::keys).cloned().collect();
    json!({ "type": "object", "description": says, "required": names, "properties": properties })
}

/// Those that are put together where they are sent.
fn by_hand() -> [(&'static str, Value); 7] {
    let challenge = object(
        "Work that a place takes (docs/edge.md)",
        &json!({
            "challenge": text("What to send back"),
            "algorithm": { "const": "sha-256" },
            "seed": text("What the hashes begin with"),
            "parts": number("How many numbers to find"),
            "zero_bits": number("With how many zeros each hash has to begin"),
            "ready_in_seconds": number("After how long the challenge alone is enough"),
            "expires_in_seconds": number("How long it is good for"),
        }),
    );
    let mut problem = object(
        "Why something was refused (RFC 9457)",
        &json!({
            "type": { "const": "about:blank" },
            "title": text("The status in words"),
            "status": number("The status"),
            "detail": text("What is wrong, and what would be right"),
            "code": text("A name that programs can tell apart"),
        }),
    );
    if let Some(properties) = properties_of(&mut problem) {
        properties.insert("work".to_owned(), json!({ "$ref": "#/components/schemas/Work" }));
    }
    let key = object(
        "A public key (RFC 8037)",
        &json!({
            "kty": { "const": "OKP" },
            "crv": { "const": "Ed25519" },
            "use": { "const": "sig" },
            "alg": { "const": "EdDSA" },
            "kid": text("Its id, as it stands in the head of tokens"),
            "x": text("The key, in base64url"),
        }),
    );
    let keys = json!({ "keys": { "type": "array", "items": { "$ref": "#/components/schemas/Key" } } });
    let code = object(
        "A code to be scanned",
        &json!({ "size": number("Its modules on each side"), "path": text("What is dark, as a path of SVG") }),
    );
    let link = json!({
        "link": text("Where the other device has to go"),
        "minutes": number("How long it is good for"),
        "qr": { "$ref": "#/components/schemas/Qr" },
    });
    [
        ("Problem", problem),
        ("Work", challenge),
        ("Key", key),
        ("KeySet", object("Public keys (RFC 7517)", &keys)),
        ("Qr", code),
        ("MoveLink", object("A link that takes a place to another device", &link)),
        ("Document", json!({ "type": "object", "description": "A document of OpenAPI" })),
    ]
}
