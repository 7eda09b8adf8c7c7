"""The schema of the Terraform provider for AWS, rebuilt from its generated bindings (PyPI `cdktn-provider-aws`).

    schema.py <folder `lib` of the bindings> <file to write>

Where no provider registry answers, this is how it is known which arguments, blocks and types a resource has. The bindings
are JavaScript that a generator wrote from the real schema, so their form is regular: for each attribute a comment says
whether it is computed, optional or required, and a function says its type and whether it is a block. Which values an
enumeration has is not in them.
"""

import json
import os
import re
import sys

CLASS = re.compile(r"^class (\w+) extends cdktn\.(\w+) \{", re.M)
MEMBER = re.compile(
    r"    // (\w+) - computed: (true|false), optional: (true|false), required: (true|false)\n"
    r"(.*?)(?=\n    // \w+ - computed|\n    // ={5,}|\n\}|\Z)",
    re.S,
)
NESTED = re.compile(r'= new (\w+)\(this, "(\w+)"(?:, (true|false))?\)')
HINT = re.compile(r'\n\s+"?(\w+)"?: \{\n\s+value: (.*?),\n\s+isBlock: (true|false),\n\s+type: "(\w+)",\n\s+storageClassType: "(\w+)",', re.S)
TO_HCL = re.compile(r"^function (\w+)ToHclTerraform\(struct\) \{(.*?)^\}", re.M | re.S)

GETTERS = {
    "getStringAttribute": "string",
    "getNumberAttribute": "number",
    "getBooleanAttribute": "bool",
    "getStringMapAttribute": ["map", "string"],
    "getNumberMapAttribute": ["map", "number"],
    "getBooleanMapAttribute": ["map", "bool"],
    "getAnyMapAttribute": ["map", "dynamic"],
}
ELEMENTS = {"String": "string", "Number": "number", "Boolean": "bool", "Any": "dynamic"}
TOP = {"TerraformResource", "TerraformDataSource", "TerraformProvider"}
REFERENCE = "OutputReference"


class Hint:
    """What the function that writes HCL says of an attribute."""

    def __init__(self, name, value, is_block, collection, storage):
        self.name, self.value, self.collection, self.storage = name, value, collection, storage
        self.is_block = is_block == "true"

    @staticmethod
    def all_in(text):
        return {match.group(1): Hint(*match.groups()) for match in HINT.finditer(text)}

    def simple_type(self):
        match = re.match(r"(string|number|boolean|any)(Map)?(List)?$", self.storage)
        if not match:
            return None
        found = ELEMENTS[match.group(1).capitalize()]
        if match.group(2):
            found = ["map", found]
        if match.group(3):
            found = ["set" if self.collection == "set" else "list", found]
        return found


def simple_type(text, hint):
    """The type of an attribute that is no block, from how it is read and written. None where nothing says so."""
    for getter, found in GETTERS.items():
        if f"this.{getter}(" in text:
            return found
    match = re.search(r'new cdktn\.(String|Number|Boolean|Any)Map(List)?\(this, "\w+"(?:, (true|false))?', text)
    if match:
        found = ["map", ELEMENTS[match.group(1)]]
        return ["set" if match.group(3) == "true" else "list", found] if match.group(2) else found
    match = re.search(r"new cdktn\.(String|Number|Boolean)List\(", text)
    if match:
        return ["list", ELEMENTS[match.group(1)]]
    if "getListAttribute(" in text or "getNumberListAttribute(" in text:
        is_set = "tolist(" in text or (hint is not None and hint.collection == "set")
        return ["set" if is_set else "list", "number" if "getNumberListAttribute(" in text else "string"]
    if hint and hint.simple_type():
        return hint.simple_type()
    return "dynamic" if "interpolationForAttribute" in text else None


def attribute(found, computed, optional, required, hint):
    flags = {"required": required, "optional": optional, "computed": computed}
    if hint and "markWriteOnlyAttribute" in hint.value:
        flags["write_only"] = True
    return {"type": found or "dynamic", **{flag: True for flag, is_set in flags.items() if is_set}}


def as_type(block):
    """A block's content as the type of an attribute."""
    fields = {name: found["type"] for name, found in block["attributes"].items()}
    for name, nested in block["block_types"].items():
        found = ["object", as_type(nested["block"])]
        fields[name] = found if nested["nesting_mode"] == "single" else [nested["nesting_mode"], found]
    return fields


class Bindings:
    """One file of the bindings: one resource, data source or the provider itself."""

    def __init__(self, text):
        self.hints = {match.group(1): Hint.all_in(match.group(2)) for match in TO_HCL.finditer(text)}
        found = list(CLASS.finditer(text))
        ends = [match.start() for match in found[1:]] + [len(text)]
        self.classes = {match.group(1): (match.group(2), text[match.start() : end]) for match, end in zip(found, ends)}

    def top(self):
        """Kind, name in Terraform and schema; None where the file has none of these."""
        for name, (base, body) in self.classes.items():
            if base in TOP:
                kind = re.search(r'tfResourceType = "(\w+)"', body).group(1)
                hints = Hint.all_in(body)
                block = self.provider(body, hints) if base == "TerraformProvider" else self.block(name, hints, {name})
                return base, kind, block
        return None

    def hints_of(self, struct):
        return self.hints.get(struct[0].lower() + struct[1:], {})

    @staticmethod
    def members(body):
        for name, computed, optional, required, text in (match.groups() for match in MEMBER.finditer(body)):
            yield name, (computed == "true", optional == "true", required == "true"), text

    def block(self, name, hints, seen):
        block = {"attributes": {}, "block_types": {}}
        for member, flags, text in self.members(self.classes[name][1]):
            hint = hints.get(member)
            match = NESTED.search(text)
            if match and match.group(1) in self.classes and match.group(2) == member:
                self.nested(block, member, flags, hint, match, seen)
            else:
                block["attributes"][member] = attribute(simple_type(text, hint), *flags, hint)
        return block

    def nested(self, block, member, flags, hint, match, seen):
        inner, is_set = match.group(1), match.group(3) == "true"
        if inner.endswith(REFERENCE):
            reference, mode = inner, "single"
        elif inner.endswith("List"):
            reference, mode = inner[: -len("List")] + REFERENCE, "set" if is_set else "list"
        elif inner.endswith("Map"):
            reference, mode = inner[: -len("Map")] + REFERENCE, "map"
        else:
            return
        if reference in seen:  # a block in itself, such as a statement of WAF in a statement
            return
        content = self.block(reference, self.hints_of(reference[: -len(REFERENCE)]), seen | {reference})
        required = flags[2]
        if hint and hint.is_block and not re.search(r"MapperHcl\(\w+, false\)", hint.value):
            is_one = mode == "single"
            if is_one:
                mode = {"list": "list", "set": "set", "struct": "single"}.get(hint.collection, "list")
            nested = {"nesting_mode": mode, "block": content}
            if is_one and mode != "single":
                nested["max_items"] = 1
            if required and mode not in ("single", "map"):
                nested["min_items"] = 1
            block["block_types"][member] = nested
        else:
            found = ["object", as_type(content)]
            block["attributes"][member] = attribute([mode, found] if mode in ("list", "set", "map") else found, *flags, hint)

    def provider(self, body, hints):
        block = {"attributes": {}, "block_types": {}}
        for member, flags, _ in self.members(body):
            hint = hints.get(member)
            found = hint.simple_type() if hint else None
            if hint and not found:
                struct = self.hints_of(hint.storage.removesuffix("List"))
                fields = {name: {"type": simple_type("", field) or "dynamic", "optional": True} for name, field in struct.items() if not field.is_block}
                mode = "set" if hint.collection == "set" else "list"
                block["block_types"][member] = {"nesting_mode": mode, "block": {"attributes": fields, "block_types": {}}}
            else:
                block["attributes"][member] = attribute(found, *flags, hint)
        return block


def has_dynamic(found):
    if isinstance(found, list):
        return any(map(has_dynamic, found))
    return any(map(has_dynamic, found.values())) if isinstance(found, dict) else found == "dynamic"


def is_dynamic(block):
    return any(has_dynamic(found["type"]) for found in block["attributes"].values()) or any(
        is_dynamic(nested["block"]) for nested in block["block_types"].values()
    )


def without_dynamic_sets(block):
    """Terraform takes no values of any type in sets of blocks. Those of WAF's rules go: they are written as `rule_json`."""
    for name, nested in list(block["block_types"].items()):
        if nested["nesting_mode"] == "set" and is_dynamic(nested["block"]):
            del block["block_types"][name]
        else:
            without_dynamic_sets(nested["block"])


def main(folder, target):
    schema = {"provider": None, "resource_schemas": {}, "data_source_schemas": {}}
    tables = {"TerraformResource": schema["resource_schemas"], "TerraformDataSource": schema["data_source_schemas"]}
    for name in sorted(os.listdir(folder)):
        path = os.path.join(folder, name, "index.js")
        if name == "lib" or not os.path.exists(path):
            continue
        with open(path, encoding="utf-8") as file:
            top = Bindings(file.read()).top()
        if top is None:
            continue
        base, kind, block = top
        if base == "TerraformProvider":
            schema["provider"] = block
        else:
            tables[base][kind] = block
    for table in tables.values():
        for block in table.values():
            without_dynamic_sets(block)
    if len(schema["resource_schemas"]) < 1000 or schema["provider"] is None:
        sys.exit(f"{folder}: these are not the bindings that were expected")
    with open(target, "w", encoding="utf-8") as file:
        json.dump(schema, file)


if __name__ == "__main__":
    main(*sys.argv[1:])
