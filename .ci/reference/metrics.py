"""docs/metrics.md: every metric, as a running edge and a running shop tell of them."""
import re

from live import ask
from programs import ROOT

WHOSE = [("stanchion_", "The edge"), ("shop_", "The shop"), ("process_", "Each process, edge or shop")]


def told(page):
    """`{name: (kind, labels, help)}` of a page of metrics."""
    found, last = {}, None
    for line in page.splitlines():
        if line.startswith("# HELP "):
            _, _, name, said = line.split(" ", 3)
            found[name] = ["", set(), said]
        elif line.startswith("# TYPE "):
            _, _, last, kind = line.split(" ", 3)
            found.setdefault(last, ["", set(), ""])[0] = kind
        elif last and (labels := re.match(r"^[a-z_:]+\{(.*)\} ", line)):
            found[last][1] |= set(re.findall(r'([a-z_]+)="', labels.group(1))) - {"le"}
    return found


def promises():
    """Which promises the table in docs/telemetry.md says a metric tells of."""
    tells = {}
    for line in (ROOT / "docs/telemetry.md").read_text(encoding="utf-8").splitlines():
        if row := re.match(r"^\| (P\d+) ", line):
            names = re.findall(r"\b(?:stanchion|shop)_[a-z_]+", line)
            if '`promise="' in line:
                names.append("stanchion_promise_violations_total")
            for name in dict.fromkeys(names):
                tells.setdefault(name, []).append(row.group(1))
    return tells


def alerts():
    """Which rules ask for a metric."""
    asks = {}
    rules = (ROOT / "config/alerts/stanchion.yml").read_text(encoding="utf-8").split("- alert: ")[1:]
    for rule in rules:
        name = rule.split("\n", 1)[0].strip()
        asked = rule.split("\n", 1)[1].split("annotations:", 1)[0]
        for metric in set(re.findall(r"\b(?:stanchion|shop|process)_[a-z_]+", asked)):
            asks.setdefault(re.sub(r"_(?:bucket|sum|count)$", "", metric), []).append(name)
    return asks


def registered():
    """Every name that the code has."""
    names = set()
    for folder in ("proxy/src/admin/metrics", "origin-app/src/telemetry/metrics"):
        for file in (ROOT / folder).rglob("*.rs"):
            names |= set(re.findall(r'"((?:stanchion|shop)_[a-z_]+)"', file.read_text(encoding="utf-8")))
    return names


def page(shop, edge, admin):
    # What is only told once it was used.
    browser = {"Accept": "text/html", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document"}
    for path in ("/", "/events/demo", "/fair/x"):
        ask(edge + path, browser)
    found = told(ask(f"{admin}/metrics")[1]) | told(ask(f"{shop}/metrics")[1])
    untold = registered() - set(found)
    if untold:
        raise SystemExit(
            f"references: neither edge nor shop, as they were built, tells of {', '.join(sorted(untold))}: `make references` builds them "
            "anew; what is told only after something happened, .ci/reference/metrics.py has to bring about"
        )
    tells, asks = promises(), alerts()
    unknown = [name for name in [*tells, *asks] if name not in found]
    if unknown:
        raise SystemExit(f"references: there are no metrics {', '.join(sorted(set(unknown)))}")
    out = [
        "# Metrics: every one", "",
        "Written by `make references`, out of what a running edge and a running shop tell; the gate fails where it is not that.",
        "What the promises are, how they are watched, and how to scrape: [telemetry.md](telemetry.md). What to do when an alert",
        "fires: [runbooks/](runbooks/README.md).", "",
        "What begins with *The line* is told by every proxy alike, for all read the same line: take `max by (room)`. All else is of one",
        "process, and may be summed.",
    ]
    for prefix, whose in WHOSE:
        out += ["", f"## {whose}", "", "| metric | kind | labels | | tells of | alerts |", "|---|---|---|---|---|---|"]
        for name in sorted(name for name in found if name.startswith(prefix)):
            kind, labels, said = found[name]
            said = said.rstrip(".").replace("|", "\\|")
            rules = ", ".join(f"`{rule}`" for rule in asks.get(name, []))
            out.append(f"| `{name}` | {kind} | {', '.join(sorted(labels))} | {said} | {', '.join(tells.get(name, []))} | {rules} |")
    return "\n".join(out) + "\n"
