"""docs/api.md: every call of both programs, out of the documents (OpenAPI) that they make of themselves."""
import json

from live import OPERATOR, ask

METHODS = ("get", "put", "post", "patch", "delete", "head")


def name_of(schema, document):
    """A type, in a word or two."""
    if not schema:
        return "anything"
    if reference := schema.get("$ref"):
        name = reference.rsplit("/", 1)[1]
        return f"[`{name}`](#{anchor(document, name)})"
    if one := schema.get("oneOf") or schema.get("anyOf"):
        return " or ".join(dict.fromkeys(name_of(part, document) for part in one))
    if whole := schema.get("allOf"):
        return " and ".join(name_of(part, document) for part in whole)
    if values := schema.get("enum"):
        return ", ".join(f"`{json.dumps(value)}`" for value in values)
    kind = schema.get("type", "anything")
    if isinstance(kind, list):
        return " or ".join(name_of({**schema, "type": part}, document) for part in kind)
    if kind == "array":
        return f"list of {name_of(schema.get('items'), document)}"
    if kind == "object" and "additionalProperties" in schema:
        return "table"
    if kind == "null":
        return "nothing"
    return schema.get("format", kind) if kind in ("string", "integer") and schema.get("format") else kind


def anchor(document, name):
    return f"{document['x-anchor']}-{name.lower()}"


def flat(text):
    return " ".join((text or "").split()).replace("|", "\\|").replace("<", "&lt;")


def bounds(schema):
    """What a value may be, beside its type."""
    words = {"minimum": "at least", "maximum": "at most", "minLength": "at least", "maxLength": "at most", "maxItems": "at most", "pattern": "as"}
    found = [f"{word} {'`' + schema[key] + '`' if key == 'pattern' else schema[key]}" for key, word in words.items() if key in schema]
    return f" ({', '.join(found)})" if found else ""


def call(path, method, operation, document):
    summary = flat(operation.get("summary") or operation.get("description") or "")
    more = flat(operation.get("description")) if operation.get("summary") else ""
    out = ["", f"#### `{method.upper()} {path}`", "", summary or operation.get("operationId", "").replace("_", " ").capitalize() + "."]
    if more and more != summary:
        out += ["", more]
    asked = []
    for parameter in operation.get("parameters", []):
        if parameter.get("in") in ("path", "query", "header"):
            schema = parameter.get("schema", {})
            needed = ", needed" if parameter.get("required") else ""
            said = flat(parameter.get("description"))
            asked.append(f"- `{parameter['name']}` ({parameter['in']}{needed}): {name_of(schema, document)}{bounds(schema)}{'; ' + said if said else ''}")
    for kind, content in operation.get("requestBody", {}).get("content", {}).items():
        asked.append(f"- body, `{kind}`: {name_of(content.get('schema'), document)}")
    if asked:
        out += ["", *asked]
    rows = []
    for status, answer in sorted(operation.get("responses", {}).items()):
        body = ", ".join(name_of(content.get("schema"), document) for content in answer.get("content", {}).values())
        rows.append(f"| {status} | {flat(answer.get('description'))} | {body} |")
    return out + ["", "| status | | body |", "|---|---|---|", *rows]


def types(document):
    for name, schema in sorted(document.get("components", {}).get("schemas", {}).items()):
        yield from ["", f"<a id=\"{anchor(document, name)}\"></a>", "", f"#### {name}", ""]
        if said := flat(schema.get("description")):
            yield from [said, ""]
        if properties := schema.get("properties"):
            needed = schema.get("required", [])
            yield from ["| field | type | |", "|---|---|---|"]
            for field, inner in properties.items():
                optional = "" if field in needed else "; may be missing"
                yield f"| `{field}` | {name_of(inner, document)}{bounds(inner)}{optional} | {flat(inner.get('description'))} |"
        else:
            yield name_of(schema, document)


def section(title, where, document):
    tags = {}
    for path, operations in document["paths"].items():
        for method in METHODS:
            if method in operations:
                tags.setdefault((operations[method].get("tags") or ["others"])[0], []).append((path, method, operations[method]))
    out = ["", f"## {title}", "", where]
    for tag in sorted(tags):
        out += ["", f"### {title}: {tag}"]
        for path, method, operation in tags[tag]:
            out += call(path, method, operation, document)
    return [*out, "", f"### {title}: types", *types(document)]


def page(shop, _edge, admin):
    token = OPERATOR.rsplit(":", 1)[1]
    documents = []
    for url, headers in [(f"{shop}/api/openapi.json", {}), (f"{admin}/api/v1/openapi.json", {"Authorization": f"Bearer {token}"})]:
        status, text = ask(url, headers)
        if status != 200:
            raise SystemExit(f"references: {url} answers {status}")
        documents.append(json.loads(text))
    documents[0]["x-anchor"], documents[1]["x-anchor"] = "shop", "operators"
    out = [
        "# The HTTP APIs: every call", "",
        "Written by `make references`, out of the documents (OpenAPI 3.1) that the programs make of the code that answers; the",
        "gate fails where it is not that, and has schemathesis ask every call. What the edge says to fans is in",
        "[edge.md](edge.md#what-it-serves) and [websocket.md](websocket.md).",
    ]
    out += section(
        "The shop", "`GET /api/openapi.json` at the shop, and through the edge. How to use it: [shop.md](shop.md#interface).", documents[0]
    )
    out += section(
        "Operators",
        "`GET /api/v1/openapi.json` on `admin_listen`, with an operator's token (`Authorization: Bearer …`). How to use it:\n"
        "[operating.md](operating.md).",
        documents[1],
    )
    return "\n".join(out) + "\n"
