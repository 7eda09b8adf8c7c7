"""docs/api.md: every call of both programs, out of the documents (OpenAPI) that they tell of themselves."""
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
        # What only narrows a type that is named has no name.
        named = [part for part in whole if "$ref" in part] or whole
        return " and ".join(name_of(part, document) for part in named)
    if "const" in schema:
        return f"`{json.dumps(schema['const'])}`"
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
        # What any call may be answered stands once.
        if "$ref" not in answer:
            rows.append(row(status, answer, document))
    return out + ["", "| status | | body |", "|---|---|---|", *rows]


def row(status, answer, document):
    content = answer.get("content", {})
    body = " or ".join("a page" if kind == "text/html" else name_of(one.get("schema"), document) for kind, one in content.items())
    return f"| {status} | {flat(answer.get('description'))} | {body} |"


def everywhere(document):
    """What any call may be answered."""
    answers = {}
    for operations in document["paths"].values():
        for operation in operations.values():
            for status, answer in operation.get("responses", {}).items():
                if "$ref" in answer:
                    answers[status] = document["components"]["responses"][answer["$ref"].rsplit("/", 1)[1]]
    if answers:
        yield from ["", "Any call may also be answered:", "", "| status | | body |", "|---|---|---|"]
        yield from (row(status, answer, document) for status, answer in sorted(answers.items()))


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
    out = ["", f"## {title}", "", where, *everywhere(document)]
    for tag in sorted(tags):
        out += ["", f"### {title}: {tag}"]
        for path, method, operation in tags[tag]:
            out += call(path, method, operation, document)
    return [*out, "", f"### {title}: types", *types(document)]


def page(shop, edge, admin):
    token = OPERATOR.rsplit(":", 1)[1]
    documents = []
    for prefix, url, headers in [
        ("fans", f"{edge}/.waiting-room/openapi.json", {}),
        ("shop", f"{shop}/api/openapi.json", {}),
        ("operators", f"{admin}/api/v1/openapi.json", {"Authorization": f"Bearer {token}"}),
    ]:
        status, text = ask(url, headers)
        if status != 200:
            raise SystemExit(f"references: {url} answers {status}")
        documents.append({**json.loads(text), "x-anchor": prefix})
    fans, goods, operators = documents
    out = [
        "# The HTTP APIs: every call", "",
        "Written by `make references`, out of the documents (OpenAPI 3.1) that the programs tell of themselves; the gate fails where it",
        "is not that, and has schemathesis ask every call. Of the edge's calls for fans it also fails where a path, status or code is",
        "answered that is not named here, or named and never answered.",
    ]
    out += section(
        "Fans",
        "`GET /.waiting-room/openapi.json` at the edge. How to use it: [edge.md](edge.md#what-it-serves), and\n"
        "[websocket.md](websocket.md) for what is pushed. " + flat(fans["info"]["description"]),
        fans,
    )
    out += section(
        "The shop", "`GET /api/openapi.json` at the shop, and through the edge. How to use it: [shop.md](shop.md#interface).", goods
    )
    out += section(
        "Operators",
        "`GET /api/v1/openapi.json` on `admin_listen`, with an operator's token (`Authorization: Bearer …`). How to use it:\n"
        "[operating.md](operating.md).",
        operators,
    )
    return "\n".join(out) + "\n"
