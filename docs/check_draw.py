#!/usr/bin/env python3
"""Checks a draw, with nothing but Python's standard library: docs/fairness.md explains what it shows.

    curl -s https://SITE/.waiting-room/ROOM/draw | python3 check_draw.py [TICKET ...]
    python3 check_draw.py --seed HEX [--commitment HEX] [--prequeue-at TIME] [TICKET ...] </dev/null

TICKET is a ticket's id (16 characters) or a whole ticket (`v1.…`, the value of the cookie). TIME is in
milliseconds since 1970, or like 2026-11-21T20:00:00Z. What is said here goes before what is read.

Prints a line for each ticket, in the order of the draw: its place among those given, its id, its draw number
and, where the time is known, its rank, with tabs between them.

Exit code: 0 the seed fits the commitment; 1 it does not; 2 something that was given makes no sense; 3 the seed
is not published yet.
"""

import argparse
import base64
import datetime
import hashlib
import hmac
import json
import re
import sys

DRAW_BITS = 25
RANKS_PER_MILLISECOND = 1024
EXIT_MISMATCH, EXIT_USAGE, EXIT_NOT_REVEALED = 1, 2, 3
ID = re.compile(r"[A-Za-z0-9_-]{16}")


class Nonsense(Exception):
    """Something that was given makes no sense."""


def draw_number(seed, ticket_id):
    """The first 25 bits of the HMAC of the id, as text, under the seed."""
    mac = hmac.new(seed, ticket_id.encode("ascii"), hashlib.sha256).digest()
    return int.from_bytes(mac, "big") >> (8 * len(mac) - DRAW_BITS)


def rank(prequeue_at, number):
    """The rank that the edge gives to a draw number."""
    return prequeue_at * RANKS_PER_MILLISECOND + number


def hex_bytes(name, text):
    """32 bytes from 64 hexadecimal digits."""
    if not isinstance(text, str) or not re.fullmatch(r"[0-9a-fA-F]{64}", text):
        raise Nonsense(f"{name} is not 64 hexadecimal digits")
    return bytes.fromhex(text)


def milliseconds(moment):
    """Milliseconds since 1970, from a number or a text."""
    if isinstance(moment, int) or re.fullmatch(r"[0-9]+", moment):
        return int(moment)
    try:
        parsed = datetime.datetime.fromisoformat(moment.replace("Z", "+00:00"))
        since = parsed - datetime.datetime.fromtimestamp(0, datetime.timezone.utc)
    except (TypeError, ValueError):
        raise Nonsense(f"`{moment}` is no time; 2026-11-21T20:00:00Z would be one") from None
    return since // datetime.timedelta(milliseconds=1)


def ticket_id(text, prequeue_at):
    """The id of a ticket, given the id itself or the whole ticket."""
    if ID.fullmatch(text):
        return text
    try:
        version, payload, _tag = text.split(".")
        rest = base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4))
        fields = []
        while rest:
            fields.append(rest[1 : 1 + rest[0]])
            rest = rest[1 + rest[0] :]
        _key, _room, _lane, identity, order, moment, *more = fields
        # A place that moved to another device keeps the number of the ticket that was drawn.
        if order == b"m":
            _draw_key, identity, *_ = more
            order = b"d"
    except ValueError:
        raise Nonsense(f"`{text}` is no ticket and no ticket id") from None
    if version != "v1" or len(identity) != 12:
        raise Nonsense(f"`{text}` is no ticket and no ticket id")
    found = base64.urlsafe_b64encode(identity).decode("ascii")
    if order != b"d":
        raise Nonsense(f"the ticket {found} was not drawn: it came before or after the pre-queue")
    if prequeue_at is not None and int.from_bytes(moment, "big") != prequeue_at:
        raise Nonsense(f"the ticket {found} is of another draw")
    return found


def arguments(argv):
    """The command line. A ticket id may begin with a dash, so ids are taken out before options are read."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seed")
    parser.add_argument("--commitment")
    parser.add_argument("--prequeue-at")
    parser.add_argument("tickets", nargs="*", metavar="TICKET")
    ids = [text for text in argv if ID.fullmatch(text)]
    given = parser.parse_args([text for text in argv if not ID.fullmatch(text)])
    given.tickets += ids
    return given


def published(text):
    """What the edge publishes of a draw, as it was read; nothing if nothing was."""
    if not text.strip():
        return {}
    try:
        facts = json.loads(text)
    except ValueError:
        facts = None
    if not isinstance(facts, dict) or "commitment" not in facts:
        raise Nonsense(f"what was read is not what the edge publishes of a draw: {text.strip()[:200]}")
    return facts


def main(argv):
    """Checks, prints, and gives the exit code."""
    given = arguments(argv)
    facts = {} if sys.stdin is None or sys.stdin.isatty() else published(sys.stdin.read())
    commitment = given.commitment or facts.get("commitment")
    prequeue_at = given.prequeue_at if given.prequeue_at is not None else facts.get("prequeue_at")
    prequeue_at = None if prequeue_at is None else milliseconds(prequeue_at)
    seed = given.seed or facts.get("seed")
    ids = [ticket_id(text, prequeue_at) for text in given.tickets]
    if seed is None:
        if commitment is None:
            raise Nonsense("there is neither a seed nor a commitment; --help says how this is used")
        hex_bytes("the commitment", commitment)
        print(f"The seed is not published yet. Keep its commitment: {commitment}", file=sys.stderr)
        return EXIT_NOT_REVEALED
    seed = hex_bytes("the seed", seed)
    if commitment is None:
        print("There is no commitment to compare the seed with.", file=sys.stderr)
    elif hashlib.sha256(seed).digest() != hex_bytes("the commitment", commitment):
        print("THE SEED DOES NOT FIT THE COMMITMENT: this is not the draw that was announced.", file=sys.stderr)
        return EXIT_MISMATCH
    else:
        print("The seed fits the commitment.", file=sys.stderr)
    drawn = sorted((draw_number(seed, identity), identity) for identity in ids)
    for place, (number, identity) in enumerate(drawn, 1):
        known_rank = [] if prequeue_at is None else [rank(prequeue_at, number)]
        print(place, identity, number, *known_rank, sep="\t")
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except Nonsense as nonsense:
        print(f"check_draw: {nonsense}", file=sys.stderr)
        sys.exit(EXIT_USAGE)
