"""PocketBase: fields that convert in silence, empty text for null, a user's token, rate limits without a word."""

import json
import sqlite3
import subprocess
import urllib.request
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

from tests.system.strangers import cellar, items
from tests.system.strangers.gate import Gate
from tests.system.strangers.items import Habits
from tests.system.strangers.judge import ONCE, Aim, False_, Record
from tests.system.strangers.processes import Street, free_port
from tests.system.strangers.story import Line, Scene, Sheet, told

ROWS: Final = 150
DESCRIPTION: Final = Path(__file__).with_name("descriptions") / "pocketbase.toml"
VOLATILE: Final = frozenset({"id", "created", "updated"})
JSON_COLUMNS: Final = frozenset({"tags", "metadata"})
SIGNED_IN: Final = '@request.auth.id != ""'
FIELDS: Final[Sequence[Mapping[str, Any]]] = (
    {"name": "title", "type": "text"},
    {"name": "code", "type": "text", "max": 20},
    {"name": "count", "type": "number"},
    {"name": "active", "type": "bool"},
    {"name": "note", "type": "text"},
    {"name": "kept", "type": "text"},
    {"name": "due", "type": "date"},
    {"name": "tags", "type": "select", "values": ["a", "b", "c", "d", "keep"], "maxSelect": 5},
    {"name": "metadata", "type": "json"},
    {"name": "created", "type": "autodate", "onCreate": True},
    {"name": "updated", "type": "autodate", "onCreate": True, "onUpdate": True},
)
REFUSED: Final = 0.10
"""Share of all requests that a limit which nobody tells may refuse."""


@dataclass(frozen=True, slots=True)
class Base:
    """The store: PocketBase's SQLite file to read, its API with a superuser's token to write."""

    path: Path
    url: str
    token: str

    def dump(self, _: str) -> dict[str, Record]:
        """Return the rows of the table, with its JSON parsed and its sets in order."""
        with closing(sqlite3.connect(f"file:{self.path}?mode=ro", uri=True, timeout=20)) as base:
            base.row_factory = sqlite3.Row
            return {row["id"]: _record(dict(row)) for row in base.execute("SELECT * FROM items")}

    def overwrite(self, type_name: str, identity: str, path: tuple[str, ...], value: str) -> None:
        """Update a record like another client; nothing is merged."""
        name, *keys = path
        new: Any = value if not keys else self.dump(type_name)[identity][name] | {keys[0]: value}
        send(self.url, "PATCH", f"/api/collections/items/records/{identity}", {name: new}, self.token)


def _record(row: dict[str, Any]) -> Record:
    row = {name: value for name, value in row.items() if name not in VOLATILE}
    row |= {name: json.loads(row[name]) for name in JSON_COLUMNS}
    return row | {"tags": sorted(row["tags"]), "active": bool(row["active"])}


def send(url: str, method: str, path: str, body: Mapping[str, Any], token: str = "") -> Any:
    """Send one request, and return the JSON of its reply."""
    headers = {"Content-Type": "application/json", "Authorization": token}
    request = urllib.request.Request(f"{url}{path}", json.dumps(body).encode(), headers, method=method)
    with urllib.request.urlopen(request, timeout=30) as reply:
        return json.load(reply)


def visited(folder: Path) -> list[Line]:
    """Tell one story without a limit, and two with limits of a short and a long window."""
    line = Line("PocketBase")
    with Street(_inner(folder, "plain")) as street, Gate(free_port()) as gate:
        told(_opened(street, gate), _sheet(ROWS), line)
        line.notes.append(gate.counted())
    raised = Line("PocketBase, a counter, every seventh update without an answer")
    with Street(_inner(folder, "counter")) as street, Gate(free_port(), loses=7) as gate:
        scene = _opened(street, gate)
        flags = (*scene.flags, "--allow-trigger", "count+")
        told(replace(scene, flags=flags, steps=scene.steps - {"again"}), _counters(ROWS), raised)
        raised.notes.append(gate.counted())
    return [line, raised, *(_limited(folder, *each) for each in ((60, 3, 100), (100, 10, 100)))]


def _limited(folder: Path, requests: int, seconds: int, rows: int) -> Line:
    line = Line(f"PocketBase, {requests} requests in {seconds} s, untold")
    with Street(_inner(folder, f"limit-{requests}-{seconds}")) as street, Gate(free_port()) as gate:
        rule = {"label": "/api/", "maxRequests": requests, "duration": seconds, "audience": ""}
        scene = _opened(street, gate, {"rateLimits": {"enabled": True, "rules": [rule]}})
        told(replace(scene, steps=frozenset({"kill", "verify", "undo"}), patience=120), _sheet(rows), line)
        line.notes.append(gate.counted())
        refused = sum(each.status == 429 for each in gate.passed)
        if refused > REFUSED * len(gate.passed):
            line.false.append(False_("pace", "the gate", "not faster than allowed", f"{refused} refused"))
    return line


def _opened(street: Street, gate: Gate, settings: Mapping[str, Any] | None = None) -> Scene:
    program = cellar.python("pocketbase", cellar.POCKETBASE).with_name("pocketbase")
    data = street.folder / "data"
    root = {"identity": "root@example.com", "password": "made-up-password"}
    own = ("--dir", data, "--automigrate=false")
    subprocess.run([program, "superuser", "upsert", *root.values(), *own], check=True, capture_output=True, timeout=60)
    street.open("pocketbase", [program, "serve", "--http", f"127.0.0.1:{gate.port}", *own], gate.port)
    url = f"http://127.0.0.1:{gate.port}"
    token = send(url, "POST", "/api/collections/_superusers/auth-with-password", root)["token"]
    rules = dict.fromkeys(("listRule", "viewRule", "updateRule"), SIGNED_IN)
    send(url, "POST", "/api/collections", {"name": "items", "type": "base", "fields": FIELDS, **rules}, token)
    for place, identity in enumerate(_ids(ROWS)):
        send(url, "POST", "/api/collections/items/records", {"id": identity, **items.stock(place)}, token)
    eve = {"email": "eve@example.com", "password": "made-up-password", "passwordConfirm": "made-up-password"}
    send(url, "POST", "/api/collections/users/records", {**eve, "verified": True}, token)
    mine = {"identity": eve["email"], "password": eve["password"]}
    hers = send(url, "POST", "/api/collections/users/auth-with-password", mine)["token"]
    if settings:
        send(url, "PATCH", "/api/settings", settings, token)
    store = Base(data / "data.db", url, token)
    flags = ("--api", str(DESCRIPTION), "--set", "collection=items")
    return Scene(street.folder, gate.url, {"ROWPATCH_TOKEN": hers}, store, flags)


def _sheet(rows: int) -> Sheet:
    due = lambda place: ("2026-03-04T05:06:07Z", "2026-03-04 05:06:07.000Z") if place % 2 else ("", None)  # noqa: E731
    return items.sheet("records", _ids(rows), "nobodynobody000", Habits(cleared="", extra={"due": due}))


def _counters(rows: int) -> Sheet:
    """Counters that every update raises by one, a third of them with nothing beside that a reading could show."""
    cells = [[identity, f"counted {place}" if place % 3 else "", "1"] for place, identity in enumerate(_ids(rows))]
    aims = [Aim(identity, {("count",): ONCE} | ({("title",): text} if text else {})) for identity, text, _ in cells]
    return Sheet("records", ("id", "title", "count+"), cells, aims)


def _ids(rows: int) -> list[str]:
    return [f"rec{place:012}" for place in range(rows)]


def _inner(folder: Path, name: str) -> Path:
    inner = folder / name
    inner.mkdir()
    return inner
