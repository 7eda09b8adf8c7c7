#!/usr/bin/env python3
"""Does the work that an edge asks for before it gives a place (docs/edge.md, "Work before a ticket").

    curl -s -X POST https://tickets.example/.waiting-room/demo/ticket | python3 docs/solve_work.py

prints the value for the header WR-Work of the next try. It reads the answer with status 428; Python's own library is
all it needs.
"""

import hashlib
import json
import sys


def solve(work):
    """The header's value for the `work` of the answer."""
    numbers = []
    for part in range(work["parts"]):
        number = 0
        while True:
            text = f"{work['seed']}.{part}.{number}"
            digest = hashlib.sha256(text.encode()).digest()
            if int.from_bytes(digest, "big") >> (256 - work["zero_bits"]) == 0:
                break
            number += 1
        numbers.append(str(number))
    return f"{work['challenge']}:{','.join(numbers)}"


if __name__ == "__main__":
    print(solve(json.load(sys.stdin)["work"]))
