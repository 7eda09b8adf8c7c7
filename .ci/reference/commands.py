"""Commands of the docs: which are run, running them, and looking at those that are not."""
import re
import shlex
import subprocess
from functools import lru_cache

import aws
from programs import ROOT, built, environment, help_of

OURS = ("proxy", "origin-app", "loadtest")
# Not run: what the gate does anyway or takes minutes (make, cargo), what needs what is not here (docker, an account at AWS,
# a machine to install on), what would do harm. What is asked of AWS is held against the descriptions of its services.
NOT_RUN = ("make", "cargo", "docker", "aws", "sudo", "systemctl", "kill", "redis-cli", "git", ".ci/", "terraform/")
# These run for minutes; the tests do the same in small.
LONG = ("loadtest check", "loadtest demo", "loadtest bench", "loadtest store-away", "loadtest run", "origin-app dead-letters", "origin-app outbox")
# How long all commands of a document may take, and how long what stays in the foreground has to stay there.
PATIENCE, STAYS = 60, 2
MARK = "\x01"


def words_of(command):
    """The words of the first command in it that has a name, without variables set for it and without the place of ours."""
    try:
        words = shlex.split(command.split("\n")[0].rstrip("\\"), comments=True)
    except ValueError:
        words = command.split()
    while words and (re.match(r"^[A-Z_]+=", words[0]) or words[0] in ("(", "exec")):
        words = words[1:]
    if words:
        words[0] = re.sub(r"^(?:\./)?target/(?:release|debug)/", "", words[0])
    return words


def is_one(text):
    """Whether what stands within a sentence is a command that can be looked at."""
    words = words_of(text)
    if not words or "…" in text or "<" in text:
        return False
    if words[0] == "aws":
        return len(words) > 2
    is_ours = words[0] in OURS and len(words) > 1 and re.match(r"^(?:--[a-z]|[a-z-]+$)", words[1])
    return is_ours or words[0] in ("make", "cargo") and len(words) > 1 or words[0].startswith((".ci/", "terraform/d"))


def is_only_looked_at(command):
    words = words_of(command)
    anywhere = re.findall(r"(?:^|\$\(|[|;&(]\s*)(\.?[a-z][a-z./-]*)", command, re.M)
    # What installs changes the machine.
    if re.search(r"(?<![\w.])/(?:etc|usr)/", command):
        return True
    is_long = " ".join(words[:2]) in LONG or words[:1] == ["loadtest"] and words[1:2] == []
    return is_long or any(word.startswith(NOT_RUN) for word in [*words[:1], *anywhere] if word not in OURS)


@lru_cache(maxsize=None)
def targets():
    return set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.M))


@lru_cache(maxsize=None)
def knows(program, commands):
    """What `--help` of a command says; nothing where there is no such command."""
    try:
        return help_of(program, *commands)
    except SystemExit:
        return None


def look_at_ours(program, words):
    commands = []
    for word in words:
        said = knows(program, tuple(commands)) or ""
        listed = re.search(r"^Commands:\n((?:  .*\n?)+)", said, re.M)
        names = re.findall(r"^  ([a-z-]+)\b", listed.group(1), re.M) if listed else []
        if word in names:
            commands.append(word)
        elif names and not commands and re.fullmatch(r"[a-z][a-z-]*", word) and not re.search(r"^Arguments:", said, re.M):
            return [f"{program} has no command {word}"] if words.index(word) == 0 else []
        elif names and commands and re.fullmatch(r"[a-z][a-z-]*", word):
            return [f"{' '.join([program, *commands])} has no command {word}"]
        else:
            break
    whole = (knows(program, tuple(commands)) or "") + (knows(program, ()) or "")
    flags = [word.split("=")[0] for word in words if re.match(r"^--[a-z]", word)]
    return [f"{' '.join([program, *commands])} has no flag {flag}" for flag in flags if not re.search(rf"{flag}\b", whole)]


def look_at_cargo(words):
    ours = words[words.index("--") + 1 :] if "--" in words else []
    own = words[: words.index("--")] if "--" in words else words
    crates = [own[at + 1] for at, word in enumerate(own[:-1]) if word in ("-p", "--package")]
    wrong = [f"there is no crate {crate}" for crate in crates if not (ROOT / crate / "Cargo.toml").exists()]
    if wrong:
        return wrong
    for at, word in enumerate(own[:-1]):
        if word == "--test" and crates and not any((ROOT / crates[0] / "tests" / name).exists() for name in (own[at + 1], f"{own[at + 1]}.rs")):
            wrong.append(f"{crates[0]} has no test {own[at + 1]}")
    if own[:1] == ["run"] and crates and ours:
        wrong += look_at_ours(crates[0], ours)
    if own[:1] in (["test"], ["nextest"]) and crates:
        # Words that are no flag and no flag's value say which tests.
        chosen = [word for at, word in enumerate(own) if at > 0 and word != "run" and not word.startswith("-") and not own[at - 1].startswith("-")]
        chosen += [word for word in ours[:1] if not word.startswith("-")]
        wrong += [f"no test of {crates[0]} has {word} in its name" for word in chosen if not is_in_a_test(crates[0], word)]
    return wrong


@lru_cache(maxsize=None)
def is_in_a_test(crate, word):
    """Whether functions, modules or files of a crate are called so."""
    for part in filter(None, word.split("::")):
        # Some come out of a macro, as a name or with a number behind it.
        named = re.compile(rf"\b(?:fn|mod)\s+\w*{re.escape(part)}|^\s*{re.escape(part)}\b", re.M)
        files = [*(ROOT / crate / "src").rglob("*.rs"), *(ROOT / crate / "tests").rglob("*.rs")]
        if not any(part in file.stem or part in file.parent.name or named.search(file.read_text(encoding="utf-8")) for file in files):
            return False
    return True


def look(command, is_whole=True):
    """What is wrong with a command that is not run. Who only mentions one does not name all that it needs."""
    wrong = [one for words in aws.within(command) for one in aws.look(words, is_whole)]
    for line in re.split(r"\n(?!\s)", command.replace("\\\n", " ")):
        words = words_of(line)
        words = words[: next((at for at, word in enumerate(words) if word in ("|", "&&", ";", "&", ">", "<")), len(words))]
        if not words:
            continue
        program, rest = words[0], words[1:]
        if program == "make":
            wrong += [f"there is no target {word}" for word in rest if re.fullmatch(r"[a-z]+", word) and word not in targets()]
        elif program == "cargo":
            wrong += look_at_cargo(rest)
        elif program in OURS:
            wrong += look_at_ours(program, rest)
        elif program.startswith((".ci/", "terraform/")):
            wrong += [] if (ROOT / program).exists() else [f"there is no file {program}"]
        # Files of the repository that something is done with.
        for word in rest:
            if re.match(r"^(?:config|docs|terraform|\.ci|proxy|origin-app|loadtest)/[A-Za-z0-9_./*-]+$", word) and not list(ROOT.glob(word)):
                wrong.append(f"there is no file {word}")
    return wrong


def stays(command):
    """Whether a command runs until somebody ends it."""
    words = words_of(command)
    ends = re.compile(r"^(?:--print-config|--check|--explain|--help|--version)|^(?:keys|preview|invite|bypass|void|ticket|accounts|seed)$")
    return words[:1] in (["proxy"], ["origin-app"]) and not any(ends.match(word) for word in words[1:]) and "\n" not in command


def run(todo, folder, variables, stand_ins, prelude=""):
    """What is wrong with commands that are run in one shell in `folder`: `(line, what)`. Of `stand_ins`, `(text, instead)`,
    each is put in wherever its text stands; a list instead is used up one by one."""
    script = [
        "set -o pipefail",
        'PATH="' + str(folder / "bin") + ':$PATH"',
        # A refusal is a failure; what is asked for is not printed.
        'curl() { command curl --fail-with-body --silent --show-error --max-time 20 "$@"; }',
        prelude,
    ]
    for at, (_, command) in enumerate(todo):
        for text, instead in stand_ins:
            while text in command:
                command = command.replace(text, instead.pop(0) if isinstance(instead, list) else instead, 1 if isinstance(instead, list) else -1)
        if stays(command):
            command = f"timeout {STAYS} {command}; [ $? = 124 ]"
        script.append(f"{command}\nprintf '\\n{MARK}{at} %s{MARK}\\n' $?")
    try:
        done = subprocess.run(
            ["bash", "-c", "exec 2>&1\n" + "\n".join(script)],
            cwd=folder, env=environment() | variables, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=PATIENCE,
        )
        said = done.stdout
    except subprocess.TimeoutExpired as late:
        said = (late.stdout or b"").decode()
    outputs = {}
    before = 0
    for mark in re.finditer(rf"\n{MARK}(\d+) (\d+){MARK}\n", said):
        outputs[int(mark.group(1))] = (int(mark.group(2)), said[before : mark.start()])
        before = mark.end()
    wrong = []
    for at, (line, command) in enumerate(todo):
        status, output = outputs.get(at, (None, said[before:]))
        if status is None:
            wrong.append((line, f"{command.strip()}: did not end: {output.strip()[-600:]}"))
            break
        if status != 0:
            wrong.append((line, f"{command.strip()}: ended with {status}: {output.strip()[-600:]}"))
    return wrong


def place_programs(folder):
    """Puts our programs, and what stands at the root of the repository, where a reader has them."""
    (folder / "bin").mkdir()
    for program in OURS:
        (folder / "bin" / program).symlink_to(built(program))
    for kind in ("release", "debug"):
        (folder / "target" / kind).mkdir(parents=True)
        for program in OURS:
            (folder / "target" / kind / program).symlink_to(built(program))
    for entry in ROOT.iterdir():
        if entry.name not in ("target", "bin", ".env", ".git"):
            (folder / entry.name).symlink_to(entry)
