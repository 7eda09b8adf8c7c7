"""Whether a command of the AWS CLI is one, without asking AWS: its service, its operation, its options, and what `--query` asks
for, by the descriptions of the services that AWS publishes (botocore, which comes with what checks terraform/).

    python3 .ci/reference/aws.py ecs list-tasks --cluster stanchion      says what is wrong with it, and fails
"""
import re
import shlex
import sys
from functools import lru_cache
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
# What the CLI has of its own, and with what options.
OWN = {
    ("ecr", "get-login-password"): (),
    ("logs", "tail"): ("--since", "--follow", "--filter-pattern"),
    ("s3", "rb"): ("--force",),
}
# At any command; and at those that answer page by page.
ANYWHERE = ("--region", "--profile", "--output", "--query", "--no-cli-pager", "--max-items", "--page-size", "--no-paginate")
# The CLI's names where they are not the service's.
NAMES = {"s3api": "s3"}


@lru_cache(maxsize=None)
def library():
    """botocore, and its questions' language."""
    sys.path += [str(place) for place in (ROOT / "target/tools/infra/lib").glob("python3*/site-packages")]
    try:
        import botocore
        import botocore.session
        import jmespath
    except ImportError:
        raise SystemExit("commands: botocore is missing; run .ci/tools infra") from None
    return botocore, botocore.session.get_session(), jmespath


def sample(shape, above=()):
    """An answer of this shape, with one of everything."""
    if shape is None or shape.name in above:
        return {}
    above = (*above, shape.name)
    if shape.type_name == "structure":
        return {name: sample(member, above) for name, member in shape.members.items()}
    if shape.type_name == "list":
        return [sample(shape.member, above)]
    if shape.type_name == "map":
        return {"key": sample(shape.value, above)}
    return {"boolean": True, "integer": 1, "long": 1, "double": 1.0, "float": 1.0}.get(shape.type_name, "x")


def asks_for_nothing(answer):
    return answer is None or isinstance(answer, list) and any(map(asks_for_nothing, answer))


def operation_of(service, name):
    """What an operation is called at the service, or what a waiter asks; nothing where there is none."""
    botocore, session, _ = library()
    model = session.get_service_model(NAMES.get(service, service))
    if name == "wait":
        waiters = session.get_waiter_model(NAMES.get(service, service))
        return {botocore.xform_name(waiter, "-"): model.operation_model(waiters.get_waiter(waiter).operation) for waiter in waiters.waiter_names}
    return {botocore.xform_name(operation, "-"): model.operation_model(operation) for operation in model.operation_names}


def look(words, is_whole=True):
    """What is wrong with the words behind `aws`. Who only mentions a command does not name all that it needs."""
    botocore, session, jmespath = library()
    if len(words) < 2:
        return ["aws needs a service and an operation"]
    service, name, rest = words[0], words[1], words[2:]
    flags = [word.split("=")[0] for word in rest if re.match(r"^--[a-z]", word)]
    if (service, name) in OWN:
        known = OWN[(service, name)]
        return [f"aws {service} {name} has no option {flag}" for flag in flags if flag not in (*known, *ANYWHERE)]
    if NAMES.get(service, service) not in session.get_available_services() or service == "s3":
        return [f"aws has no service {service}, or not the operation {name}"]
    called = name
    if name == "wait":
        called, rest = rest[0], rest[1:]
    operation = operation_of(service, name).get(called)
    if operation is None:
        return [f"aws {service} has no operation {called}"]
    shape = operation.input_shape
    members = {"--" + botocore.xform_name(member, "-"): member for member in (shape.members if shape else {})}
    switches = {f"--no-{flag[2:]}" for flag, member in members.items() if shape.members[member].type_name == "boolean"}
    wrong = [f"aws {service} {called} has no option {flag}" for flag in flags if flag not in {*members, *switches, *ANYWHERE}]
    if is_whole:
        required = set(shape.required_members if shape else [])
        wrong += [f"aws {service} {called} needs {flag}" for flag, member in members.items() if member in required and flag not in flags]
    if "--query" in rest:
        asked = rest[rest.index("--query") + 1]
        # A filter is by values, and of those there are none here.
        plain = re.sub(r"\[\?[^\]]*\]", "[]", asked)
        try:
            if asks_for_nothing(jmespath.search(plain, sample(operation.output_shape))):
                wrong.append(f"aws {service} {called} does not answer {asked}")
        except jmespath.exceptions.JMESPathError as error:
            wrong.append(f"--query {asked}: {str(error).splitlines()[0]}")
    return wrong


def within(text):
    """The words behind each `aws` in a text of shell."""
    for begin in re.finditer(r"(?:^|[\s(;|&])aws (?=[a-z0-9-]+ )", text.replace("\\\n", "  ")):
        lexer = shlex.shlex(text.replace("\\\n", "  ")[begin.end() :].split("\n")[0], posix=True, punctuation_chars="();<>|&")
        lexer.whitespace_split, lexer.commenters = True, ""
        words = []
        try:
            for word in lexer:
                if re.fullmatch(r"[();<>|&]+", word) or word.startswith("#"):
                    break
                words.append(word)
        except ValueError:
            pass
        # `2>` is a redirection's.
        yield words[:-1] if words and words[-1] == "2" else words


if __name__ == "__main__":
    found = look(sys.argv[1:])
    for one in found:
        print(one, file=sys.stderr)
    sys.exit(1 if found else 0)
