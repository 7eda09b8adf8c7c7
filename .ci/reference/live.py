"""A shop and an edge before it, which run for as long as they are asked what they are like."""
import json
import socket
import subprocess
import tempfile
import time
import urllib.error
import urllib.request
from contextlib import contextmanager
from pathlib import Path

import commands
from programs import KEYS, built, environment

# So long may they take to be there.
PATIENCE = 60
OPERATOR = "references:admin:" + "0123456789abcdef" * 3
ROOMS = """[[room]]
id = "demo"
paths = ["/events/demo"]
[[room]]
id = "fair"
paths = ["/fair/*"]
mode = "shadow"
"""


def free_port():
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


def ask(url, headers=None):
    """What an address answers."""
    request = urllib.request.Request(url, headers=headers or {})
    try:
        with urllib.request.urlopen(request, timeout=20) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()


def until_well(name, process, url):
    until = time.monotonic() + PATIENCE
    while time.monotonic() < until and process.poll() is None:
        try:
            if ask(url)[0] == 200:
                return
        except OSError:
            time.sleep(0.05)
    raise SystemExit(f"references: {name} does not start")


@contextmanager
def both(rooms=ROOMS, more=None):
    """The addresses of the shop, of the edge and of the edge's listener for operators. `more` is what else their environment
    has."""
    shop, edge, admin = (free_port() for _ in range(3))
    with tempfile.TemporaryDirectory() as folder:
        folder = Path(folder)
        (folder / "rooms.toml").write_text(rooms)
        # As operators have them, so that they can be changed while it runs.
        for name, text in (("keys", KEYS["STANCHION_KEYS"]), ("edge-keys", KEYS["STANCHION_EDGE_KEYS"]), ("tokens", OPERATOR)):
            (folder / name).write_text(text)
        (folder / "edge.toml").write_text(
            'keys_file = "keys"\nedge_keys_file = "edge-keys"\nadmin_tokens_file = "tokens"\n'
            f'listen = "127.0.0.1:{edge}"\nadmin_listen = "127.0.0.1:{admin}"\n[upstream]\naddress = "127.0.0.1:{shop}"\n'
        )
        # Its document is for who comes through the edge.
        (folder / "shop.toml").write_text(f'listen = "127.0.0.1:{shop}"\ndatabase = "sqlite::memory:"\nrequire_edge = false\n')
        programs = [
            ["origin-app", "--config", "shop.toml"],
            ["proxy", "--config", "edge.toml", "--rooms", "rooms.toml"],
        ]
        wells = [f"http://127.0.0.1:{shop}/readyz", f"http://127.0.0.1:{admin}/healthz"]
        variables = {name: value for name, value in environment().items() if name not in KEYS}
        variables |= {"RUST_LOG": "error"} | (more or {})
        running = []
        try:
            for (program, *flags), well in zip(programs, wells):
                running.append(subprocess.Popen([built(program), *flags], cwd=folder, env=variables, stdout=subprocess.DEVNULL))
                until_well(program, running[-1], well)
            yield f"http://127.0.0.1:{shop}", f"http://127.0.0.1:{edge}", f"http://127.0.0.1:{admin}"
        finally:
            for process in running:
                process.kill()
                process.wait()


# What the documents' sites look like: a room that is on, one that is tried, one whose order was drawn.
SITE = """[[room]]
id = "demo"
paths = ["/events/demo", "/events/demo/*"]
mode = "always"
drain_per_minute = 0
[[room.lane]]
name = "general"
[[room.lane]]
name = "member"
[[room.lane]]
name = "access"
[[room]]
id = "on-sale"
paths = ["/events/on-sale"]
[[room]]
id = "main"
paths = ["/shop/*"]
mode = "shadow"
[[room]]
id = "drawn"
paths = ["/drawn/*"]
prequeue_at = 2026-01-01T10:00:00Z
opens_at = 2026-01-01T11:00:00Z
"""
ORGANISER = "0123456789abcdef" * 3


def tickets(edge, count):
    """Fans who wait."""
    for _ in range(count):
        asked = urllib.request.Request(f"{edge}/.waiting-room/demo/ticket", data=b"", method="POST")
        with urllib.request.urlopen(asked, timeout=20) as answer:
            yield json.load(answer)["ticket"]


def run_beside(file, todo):
    """Runs the commands of a document beside a shop and an edge of its own."""
    token = OPERATOR.rsplit(":", 1)[1]
    with both(SITE, {"STANCHION_ORGANISER_TOKEN": ORGANISER}) as (shop, edge, admin), tempfile.TemporaryDirectory() as folder:
        folder = Path(folder)
        commands.place_programs(folder)
        variables = {
            "STANCHION_ORGANISER_TOKEN": ORGANISER,
            "TOKEN": token,
            # What is started by the documents itself takes any free port.
            "STANCHION_LISTEN": "127.0.0.1:0",
            "STANCHION_ADMIN_LISTEN": "127.0.0.1:0",
            "STANCHION_SHOP_LISTEN": "127.0.0.1:0",
        }
        first, *others = tickets(edge, 5)
        (folder / "site.toml").write_text(SITE)
        minted = subprocess.run(
            [built("proxy"), "--rooms", "site.toml", "invite", "--room", "demo", "--lane", "member", "--expires-in", "1h"],
            cwd=folder, env=environment(), capture_output=True, text=True,
        ).stdout.split()
        host = lambda url: url.split("//")[1]
        stand_ins = [
            ("127.0.0.1:8080", host(edge)), ("127.0.0.1:8081", host(admin)), ("127.0.0.1:9090", host(shop)),
            *((f"http://10.0.0.1{nth}:9090", shop) for nth in range(1, 4)),
            ("http://address-of-the-edge:8080", edge), ("https://tickets.example/", edge + "/"), ("https://SITE/", edge + "/"),
            ("https://staging.tickets.example.com", edge), ("/ROOM/", "/drawn/"),
            ("$(openssl rand -hex 24)", ORGANISER), ("/tmp/", "./"), ("--fans 100000", "--fans 300"), ("--fans 50000", "--fans 300"),
            ("config/compose/secrets > .env", "config/compose/secrets > made.env"),
            # Nobody's turn comes meanwhile.
            ('{"drain_per_minute": 300}', '{"drain_per_minute": 0}'),
            ("v1.…", [first, first, *others, *minted[:1]]),
        ]
        # What a reader has from before.
        (folder / "scanned.txt").write_text("")
        (folder / ".env").write_text(f"STANCHION_ORGANISER_TOKEN={ORGANISER}\n")
        (folder / "stanchion-…").mkdir()
        (folder / "stanchion-…/operator.env").write_text(f"api={admin}/api/v1\n")
        room = "drawn" if "draw" in file else "demo"
        prelude = f"api={admin}/api/v1; auth='Authorization: Bearer {token}'; token={ORGANISER}\n"
        if "runbooks" in file:
            event = {
                "id": "demo", "name": "Demo", "venue": "Hall", "starts_at": "2030-06-01T19:30:00Z", "currency": "EUR", "waiting_room": "demo",
                "rows": [{"name": "A", "seats": 20, "price_cents": 4500}],
            }
            headers = {"Authorization": f"Bearer {ORGANISER}", "Content-Type": "application/json"}
            urllib.request.urlopen(urllib.request.Request(f"{shop}/api/events", json.dumps(event).encode(), headers), timeout=20).close()
        prelude += f"edge={edge}; admin={admin}; shop={shop}; room={room}; id=Zm9ydHktdHdv7g-_"
        return commands.run(todo, folder, variables, stand_ins, prelude)
