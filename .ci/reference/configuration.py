"""docs/configuration.md: every key of the three files, out of the programs and of the files that ship.

What there is, of which type and within which bounds, is what a program says when it is given something else: it is asked
with a key that it cannot know, and with values that no key takes. Defaults are what `--print-config` tells. What a key
means, and why its default is what it is, are the comments in config/.
"""
import re
import subprocess
import tempfile
import tomllib
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from programs import ROOT, built, environment

UNKNOWN = "no-such-key"
HEADER = re.compile(r"^(#\s*)?\[+([a-z0-9_.]+)\]+\s*(?:#\s*(.*))?$")
KEY = re.compile(r"^(#\s*)?([a-z0-9_]+)\s*=\s*(\S.*)$")
VARIABLE = re.compile(r"^#\s+((?:STANCHION|OTEL)_[A-Z_]+)\s{2,}(.*)$")
# What has to stand beside a key before anything is said of that key itself.
BESIDE = {
    "edge": {
        "": {},
        "listen": {"address": '"127.0.0.1:8080"'},
        "listen.certificates": {"certificate": '"c.pem"', "key": '"k.pem"'},
        "store": {"kind": '"memory"'},
        "upstream": {"address": '"127.0.0.1:9090"'},
        "upstream.health": {"path": '"/healthz"'},
    },
    "rooms": {
        "room": {"id": '"demo"', "paths": '["/buy"]'},
        "room.lane": {"name": '"general"'},
        "room.bypass": {"name": '"staff"'},
    },
    "shop": {},
}
# The same for single keys that need another.
WITH = {
    "store.url": {"kind": '"redis"'},
    "room.drain_min": {"drain_max": "1200"},
    "room.drain_max": {"drain_min": "60"},
    "cdn.address_header": {"trusted_proxies": '["10.0.0.0/8"]'},
    "cdn.secret_file": {"secret_header": '"X-Edge-Secret"'},
}
A_TIME = "a time such as"
SEVERAL = {"listen", "listen.certificates", "room", "room.lane", "room.bypass"}
# What is tried on a key of each kind, so that it is told what would be right.
WRONG = {
    "a text": ['"\\u0001"', '"?"', '""'],
    "a whole number": ["-1", "999999999999999"],
    "a number": ["-1"],
    "a time": ['"99999999h"', '"0ms"'],
    "a list": ['["?"]', '["\\u0001"]', "[]"],
}
KINDS = {
    "a string": "a text", "i64": "a whole number", "f64": "a number", "a boolean": "`true` or `false`", "a sequence": "a list",
    "a text in quotes": "a text", "a whole number": "a whole number", "a time in quotes": "a time", "a list": "a list",
    "a number": "a number", "path string": "the path of a file", "true or false": "`true` or `false`",
}


class File:
    """One of the three: how its program is asked, and what it answered."""

    def __init__(self, name, folder):
        self.name, self.folder = name, folder
        self.text = (ROOT / "config" / f"{name}.toml").read_text(encoding="utf-8")

    def say(self, text, *flags):
        """What the program has to say about this text in this file."""
        with tempfile.TemporaryDirectory(dir=self.folder) as place:
            place = Path(place)
            edge = "" if self.name == "edge" else '[upstream]\naddress = "127.0.0.1:9090"\n'
            (place / "edge.toml").write_text(edge)
            (place / "rooms.toml").write_text('[[room]]\nid = "demo"\npaths = ["/buy"]\n')
            (place / f"{self.name}.toml").write_text(text)
            if self.name == "shop":
                command = [built("origin-app"), "--config", "shop.toml"]
            else:
                command = [built("proxy"), "--config", "edge.toml", "--rooms", "rooms.toml"]
            said = subprocess.run(
                [*command, *flags], cwd=place, env=environment(), capture_output=True, text=True, timeout=60
            )
        return said.stdout if said.returncode == 0 else said.stderr

    def with_key(self, table, line, without=()):
        """A file that is right but for `line`, in `table`."""
        beside = BESIDE[self.name]
        needs = {key: value for key, value in beside.get(table, {}).items() if key not in without}
        parts, above = [], table.split(".")[:-1]
        if self.name == "edge" and table != "upstream" and not table.startswith("upstream."):
            parts.append('[upstream]\naddress = "127.0.0.1:9090"\n')
        for count in range(1, len(above) + 1):
            outer = ".".join(above[:count])
            parts.append(self.head(outer) + "".join(f"{key} = {value}\n" for key, value in beside.get(outer, {}).items()))
        inner = "".join(f"{key} = {value}\n" for key, value in needs.items()) + line + "\n"
        return inner + "".join(parts) if table == "" else "".join(parts) + self.head(table) + inner

    @staticmethod
    def head(table):
        return f"[[{table}]]\n" if table in SEVERAL else f"[{table}]\n"

    def known(self, table):
        """The keys that may stand in a table."""
        said = self.say(self.with_key(table, f"{UNKNOWN} = 0"), "--check")
        listed = re.search(r"(?:there are: |expected one of |expected )(.*)", said)
        if not listed:
            raise SystemExit(f"references: {self.name}.toml does not say which keys [{table}] has: {said}")
        return re.findall(r"[a-z0-9_]+", listed.group(1).replace("` or `", "`, `"))

    def needed(self, table, key):
        """What a key takes, in the words with which anything else is refused."""
        kind = self.refusal(table, key, "{}") or "a table"
        kind = next((KINDS[known] for known in KINDS if kind.startswith(known)), kind)
        tries = list(WRONG.get(kind, []))
        while tries:
            told = self.refusal(table, key, tries.pop(0))
            if told and told.startswith(A_TIME) and kind != "a time":
                kind, tries = "a time", list(WRONG["a time"])
                continue
            if told and not re.search(r"in quotes|without a point|in brackets|^[a-z ]*(?:string|i64|f64)$", told):
                # The bounds alone are said by the shop.
                return f"{kind} from {told}" if re.fullmatch(r"-?[0-9.]+ to [0-9.]+", told) else told
        return kind

    def refusal(self, table, key, wrong):
        """What would be right instead of a value, if that is wrong."""
        beside = WITH.get(f"{table}.{key}", {})
        lines = "".join(f"{other} = {value}\n" for other, value in beside.items()) + f"{key} = {wrong}"
        said = self.say(self.with_key(table, lines, without=(key, *beside)), "--check")
        name = re.escape(f"{table}.{key}".lstrip("."))
        if "did not match any variant" in said:
            return "a text or a list of texts"
        told = (
            re.search(r"invalid type: .*?, expected (.*)", said)
            or re.search(rf"`(?:{name}|{key})`: found .*?; (.*)", said)
            or re.search(rf"{name}: (?:`[^`]*` is wrong; )?(.*)", said)
        )
        return told and polished(told.group(1))

    def is_needed(self, table, key):
        """Whether nothing works without it."""
        said = self.say(self.with_key(table, "", without=(key,)), "--check")
        return "is missing" in said and f"{key}`" in said

    def defaults(self):
        """What is in force where nothing is said."""
        nothing = {"edge": '[upstream]\naddress = "127.0.0.1:9090"\n', "rooms": '[[room]]\nid = "demo"\npaths = ["/buy"]\n', "shop": ""}
        flag = "--print-config" if self.name == "shop" else f"--print-config={self.name}"
        told = self.say(nothing[self.name], flag, *([] if self.name == "shop" else ["--files-only"]))
        flat = {}

        def flatten(table, prefix):
            for key, value in table.items():
                if isinstance(value, dict):
                    flatten(value, f"{prefix}{key}.")
                else:
                    flat[prefix + key] = value

        plain = "\n".join(line for line in told.splitlines() if not line.startswith("#"))
        table = tomllib.loads(plain)
        flatten(table["room"][0] if self.name == "rooms" else table, "room." if self.name == "rooms" else "")
        for line in told.splitlines():
            if follows := re.match(r"^#   ([a-z0-9_.]+) = (.*)$", line):
                prefix = "room." if self.name == "rooms" else ""
                flat.setdefault(prefix + follows.group(1), tomllib.loads(f"x = {follows.group(2)}")["x"])
        return flat


def polished(needed):
    """What would be right, without what makes it the end of a sentence about what is wrong."""
    needed = re.sub(r",? (?:is|are) (?:needed|right)\b", "", needed).strip()
    needed = re.sub(r"^`[^`]*` is not [^:]*: |^the form is |^this is no URL[^;]*; ", "", needed)
    neither = re.match(r"^the database is neither (.*) nor (.*)$", needed)
    return f"{neither.group(1)} or {neither.group(2)}" if neither else needed.rstrip(",")


def words(lines):
    """Comment lines as Markdown: paragraphs run on, what is set in under them becomes a list."""
    out = []
    for line in lines:
        line = re.sub(r"\s*(--[a-z-]+), (STANCHION_[A-Z_]+)\s*$", r" (`\1`, `\2`)", line)
        item = re.match(r'^\s*("[a-z0-9-]+"):?\s+(.*)$', line) or re.match(r"^(\S+)\s{3,}(\S.*)$", line)
        if item:
            out.append(f"\n  - `{item.group(1)}`: {item.group(2)}")
        elif out:
            out.append(" " + line.strip())
        else:
            out.append(line.strip())
    text = "".join(out)
    # Angle brackets are HTML to Markdown, and stars may be emphasis.
    parts = re.split(r"(`[^`]*`)", text)
    quote = lambda part: part.replace("<", "&lt;").replace("*", "\\*").replace("_", "\\_").replace("[[", "\\[\\[")
    return "".join(part if part.startswith("`") else quote(part) for part in parts)


def read(file):
    """The tables with their keys: `{table: {key: (comment lines, value, is it set)}}`, the words at their heads, the variables."""
    known = {}

    def keys_of(table):
        if table not in known:
            known[table] = file.known(table)
        return known[table]

    table = ""
    tables, heads, variables = {"": {}} if file.name != "rooms" else {}, {}, {}
    comment, last = [], []

    def close():
        nonlocal comment
        if comment and table is not None:
            heads.setdefault(table, []).append(comment)
        comment = []

    for line in file.text.splitlines():
        bare = re.sub(r"^#\s?", "", line)
        header, key = HEADER.match(line), KEY.match(line)
        if variable := VARIABLE.match(line):
            variables[variable.group(1)] = variable.group(2)
        if not line.strip():
            close()
            last = []
        elif header and (header.group(2) in BESIDE[file.name] or header.group(2).split(".")[0] in keys_of("") if file.name != "rooms" else header):
            above, comment = comment, []
            table = header.group(2)
            tables.setdefault(table, {})
            if above:
                heads.setdefault(table, []).append(above)
            last = []
        elif key and key.group(2) in keys_of(table):
            value, _, aside = re.match(r'^((?:"(?:[^"\\]|\\.)*"|\[.*\]|\{.*\}|[^\s#]+))(\s+#?\s*(.*))?$', key.group(3)).groups()
            if not comment:
                comment = last
            said = comment + ([aside] if aside else [])
            tables[table].setdefault(key.group(2), (said, value, not key.group(1)))
            last, comment = comment, []
        elif line.startswith("#"):
            if re.match(r"^#\s{8,}#?\s*\S", line) and not comment and tables.get(table):
                # The rest of what stands beside the key above.
                name, (said, value, is_set) = list(tables[table].items())[-1]
                tables[table][name] = (said + [re.sub(r"^#\s*#?\s*", "", line)], value, is_set)
            else:
                comment.append(bare)
    close()
    return tables, heads, variables, known


def plain(value):
    """The same for the same time, however it is written."""
    units = {"ms": 1, "s": 1000, "m": 60_000, "h": 3_600_000, "d": 86_400_000}
    time = isinstance(value, str) and re.fullmatch(r"(\d+)(ms|s|m|h|d)", value)
    return int(time.group(1)) * units[time.group(2)] if time else value


def show(value):
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return f'"{value}"'
    return str(value).replace("'", '"')


def section(file):
    tables, heads, variables, known = read(file)
    defaults = file.defaults()
    asked = [(table, key) for table, keys in tables.items() for key in keys]
    with ThreadPoolExecutor(4) as pool:
        right = dict(zip(asked, pool.map(lambda one: file.needed(*one), asked)))
        must = dict(zip(asked, pool.map(lambda one: one[1] in BESIDE[file.name].get(one[0], {}) and file.is_needed(*one), asked)))
    lines, missing = [], []
    for table, keys in tables.items():
        for key in known.get(table) or file.known(table):
            inner = f"{table}.{key}".lstrip(".")
            if key not in keys and inner not in tables and not (file.name == "rooms" and table == ""):
                missing.append(inner)
        name = table or "at the top"
        title = f"`{File.head(table).strip()}`" if table else "At the top"
        lines += ["", f"### {file.name}.toml: {title if table else name}", ""]
        for key, (comment, value, is_set) in keys.items():
            inner = f"{table}.{key}".lstrip(".")
            facts = [right[table, key].rstrip(".")]
            if must[table, key]:
                facts.append("**needed**")
            elif inner in defaults and is_set:
                is_same = plain(tomllib.loads(f"x = {value}")["x"]) == plain(defaults[inner])
                if file.name != "rooms" and not is_same:
                    raise SystemExit(f"references: config/{file.name}.toml shows {key} = {value}, but {defaults[inner]!r} is the default")
                facts.append(f"default `{value if is_same else show(defaults[inner])}`")
            else:
                facts.append("not set")
                facts.append(f"such as `{value}`")
            if "ead again" in " ".join(comment):
                facts.append("read again while it runs")
            if not "".join(comment).strip():
                raise SystemExit(f"references: config/{file.name}.toml does not say what {inner} is")
            facts = "; ".join(facts)
            lines.append(f"- **`{key}`** ({facts}).\n  {words(comment)}".rstrip())
    if missing:
        raise SystemExit(f"references: config/{file.name}.toml does not have {', '.join(missing)}")
    return lines, variables, {inner: comment for table, keys in tables.items() for inner, (comment, *_) in keys.items()}


def sources_name():
    """Every variable that the code of the programs reads."""
    named = set()
    for folder in ("proxy/src", "origin-app/src", "admission/src"):
        for file in (ROOT / folder).rglob("*.rs"):
            named |= set(re.findall(r"\b(?:STANCHION|OTEL)_[A-Z_]*[A-Z]\b", file.read_text(encoding="utf-8")))
    return named


def page(flags):
    """The whole page. `flags` are variables that stand for a flag, with that flag."""
    out = [
        "# Configuration: every key", "",
        "Written by `make references`, out of the programs and of the files in [config/](../config); the gate fails where it is",
        "not what they say. How the programs are started is in [commands.md](commands.md). A time is a text such as `\"250ms\"`,",
        "`\"30s\"`, `\"10m\"`, `\"2h\"` or `\"1d\"`. *Not set* is what holds where nothing is said; then there is an example.", "",
        "| file | of | a change is in force |", "|---|---|---|",
        "| [edge.toml](../config/edge.toml) | the edge | at the next start, or `proxy --upgrade`; but for what is *read again while it runs*: when it changes, and on SIGHUP |",
        "| [rooms.toml](../config/rooms.toml) | the edge | within a second, at every proxy of the same store, without a restart |",
        "| [shop.toml](../config/shop.toml) | the shop | at the next start; but for what is *read again while it runs* |", "",
    ]
    bodies, meanings, keys = [], {}, {}
    with tempfile.TemporaryDirectory() as folder:
        for name in ("edge", "rooms", "shop"):
            lines, variables, comments = section(File(name, folder))
            bodies += lines
            meanings |= variables
            for key, comment in comments.items():
                for variable in re.findall(r"\b(?:STANCHION|OTEL)_[A-Z_]*[A-Z]\b", " ".join(comment)):
                    keys.setdefault(variable, f"`{key}` of {name}.toml")
    out += ["## Variables of the environment", "", "They come before what a file says, and a flag before them.", "", "| variable | |", "|---|---|"]
    missing = sources_name() - set(meanings) - set(flags) - set(keys) - {"OTEL_SERVICE_NAME"}
    if missing:
        raise SystemExit(f"references: no file in config/ says what these variables are: {', '.join(sorted(missing))}")
    for name in sorted(set(meanings) | set(flags) | set(keys)):
        said = f"the same as {flags[name]}" if name in flags else meanings.get(name) or f"see {keys[name]}"
        out.append(f"| `{name}` | {said} |")
    out.append("| `OTEL_SERVICE_NAME` | by which name traces call the program; its own where nothing is said |")
    out.append("| `RUST_LOG` | what is logged: `error`, `warn`, `info` (the default), `debug`, or by module, such as `info,proxy=debug` |")
    return "\n".join(out + bodies) + "\n"
