"""The programs, as the tests have built them, and what `--help` says of them."""
import base64
import os
import re
import secrets
import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
KEYS = {name: "a:" + base64.b64encode(secrets.token_bytes(32)).decode() for name in ("STANCHION_KEYS", "STANCHION_EDGE_KEYS")}


def built(program):
    """Where the program is."""
    path = Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target")).resolve() / "debug" / program
    if not path.exists():
        raise SystemExit(f"references: {program} is not built; run cargo build")
    return str(path)


def environment():
    """Nothing of what is set around here, but keys."""
    return {"PATH": os.environ["PATH"], "HOME": "/nonexistent", **KEYS}


def help_of(program, *command):
    said = subprocess.run([built(program), *command, "--help"], env=environment(), capture_output=True, text=True, timeout=60)
    if said.returncode != 0:
        raise SystemExit(f"references: {program} {' '.join(command)} --help failed: {said.stderr}")
    return "\n".join(line.rstrip() for line in said.stdout.rstrip().splitlines())


def commands_of(program, *command):
    """Each command with what `--help` says of it, from the program itself on."""
    said = help_of(program, *command)
    yield (program, *command), said
    listed = re.search(r"^Commands:\n((?:  .*\n?)+)", said, re.M)
    for line in listed.group(1).splitlines() if listed else []:
        name = re.match(r"^  ([a-z-]+)\b", line)
        if name and name.group(1) != "help":
            yield from commands_of(program, *command, name.group(1))


def flags_of(program):
    """Variables of the environment that stand for a flag, with that flag."""
    said = help_of(program)
    found = re.findall(r"^ +(?:-\w, )?(--[a-z-]+)[^\n]*\n(?:(?! +-)[^\n]*\n)*? +\[env: ([A-Z_]+)\b", said, re.M)
    return {variable: f"`{program} {flag}`" for flag, variable in found}


def page(programs):
    out = [
        "# Commands: every flag", "",
        "Written by `make references`, out of `--help`; the gate fails where it is not what the programs say.",
    ]
    for program in programs:
        for command, said in commands_of(program):
            out += ["", f"{'##' if len(command) == 1 else '###'} {' '.join(command)}", "", "```text", said, "```"]
    return "\n".join(out) + "\n"
