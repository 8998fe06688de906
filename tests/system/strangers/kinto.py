"""Kinto with its store in memory: merge patches, JSON Patch, versions, a schema, and `Backoff`."""

import base64
import json
import urllib.request
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

from tests.system.strangers import cellar, items, race
from tests.system.strangers.gate import Gate
from tests.system.strangers.items import Habits
from tests.system.strangers.judge import GONE, False_, Record
from tests.system.strangers.processes import Street, free_port
from tests.system.strangers.story import Line, Scene, told

ROWS: Final = 150
USER: Final = "eve:made-up"
CREDENTIALS: Final = {"ROWPATCH_USERNAME": "eve", "ROWPATCH_PASSWORD": "made-up"}
VOLATILE: Final = frozenset({"id", "last_modified", "schema"})
DESCRIPTION: Final = Path(__file__).with_name("descriptions") / "kinto.toml"
SCHEMA: Final = {"type": "object", "properties": {"code": {"type": "string", "maxLength": 20}}}
TYPES: Final = {"records": GONE, "by_json_patch": GONE, "plain": None}
"""By resource of the description: what a cleared member becomes."""


@dataclass(frozen=True, slots=True)
class Bucket:
    """The store, as a plain client sees it; every type has a collection of its own."""

    url: str

    def dump(self, type_name: str) -> dict[str, Record]:
        """Return all records of a collection."""
        found = self.send("GET", f"/buckets/erp/collections/{type_name}/records")["data"]
        return {
            each["id"]: {
                name: sorted(value) if name == "tags" else value for name, value in each.items() if name not in VOLATILE
            }
            for each in found
        }

    def overwrite(self, type_name: str, identity: str, path: tuple[str, ...], value: str) -> None:
        """Write like another client, without a precondition."""
        new: Any = value
        for name in reversed(path):
            new = {name: new}
        where = f"/buckets/erp/collections/{type_name}/records/{identity}"
        self.send("PATCH", where, {"data": new}, "application/merge-patch+json")

    def send(self, method: str, path: str, body: Record | None = None, kind: str = "application/json") -> Any:
        """Send one request, and return the JSON of its reply."""
        headers = {"Content-Type": kind, "Authorization": f"Basic {base64.b64encode(USER.encode()).decode()}"}
        request = urllib.request.Request(
            f"{self.url}/v1{path}", json.dumps(body or {}).encode() if method != "GET" else None, headers, method=method
        )
        with urllib.request.urlopen(request, timeout=30) as reply:
            return json.load(reply)


def _habits(type_name: str) -> Habits:
    """Return how Kinto stores a sheet; nothing is refused where it would merge objects.

    Its store in memory merges a patch into the stored object before it validates the result: a 400 of a merge patch
    has changed members of members all the same.
    """
    return Habits(TYPES.get(type_name, GONE), too_long=type_name in {"by_json_patch", "plain"})


def visited(folder: Path) -> list[Line]:
    """Tell a story for every form of an update, a race for each, and one with `Backoff` in some replies."""
    lines = []
    for type_name in TYPES:
        line = Line(f"Kinto, {type_name}")
        with Street(_inner(folder, type_name)) as street, Gate(free_port()) as gate:
            scene = _opened(street, gate, type_name)
            told(scene, items.sheet(type_name, _ids(ROWS), "nObOdY", _habits(type_name)), line)
            line.notes.append(gate.counted())
        lines.append(line)
        line = Line(f"Kinto, {type_name}, lost races")
        with Street(_inner(folder, f"{type_name}-races")) as street, Gate(free_port()) as gate:
            scene = _opened(street, gate, type_name)
            race.told(scene, gate, items.sheet(type_name, _ids(40), "nObOdY", _habits(type_name)), line)
        lines.append(line)
    for type_name in ("records", "records_json_patch"):
        line = Line(f"Kinto, the description that comes along, {type_name}")
        with Street(_inner(folder, f"own-{type_name}")) as street, Gate(free_port()) as gate:
            scene = _opened(street, gate, type_name)
            where = ("--set", "bucket=erp", "--set", f"collection={type_name}", "--set", f"server={gate.url}")
            habits = Habits(GONE, too_long=False, is_typed=False)
            own = replace(scene, flags=("--api", "kinto", *where))
            told(own, items.sheet(type_name, _ids(ROWS), "nObOdY", habits), line)
            line.notes.append(gate.counted())
        lines.append(line)
    line = Line("Kinto, records, every seventh update without an answer")
    with Street(_inner(folder, "lost")) as street, Gate(free_port(), loses=7) as gate:
        told(_opened(street, gate, "records"), items.sheet("records", _ids(ROWS), "nObOdY", _habits("records")), line)
        line.notes.append(gate.counted())
    lines.append(line)
    line = Line("Kinto, every tenth reply with Backoff: 2")
    with Street(_inner(folder, "backoff")) as street, Gate(free_port()) as gate:
        settings = ("kinto.backoff = 2", "kinto.backoff_percentage = 10")
        scene = _opened(street, gate, "records", settings, frozenset({"verify", "again", "undo"}))
        told(scene, items.sheet("records", _ids(60), "nObOdY", _habits("records")), line)
        line.notes += [gate.counted(), f"{gate.hasty()} requests began before a Backoff had ended"]
        if gate.hasty():
            line.false.append(False_("pace", "the gate", "Backoff is kept", line.notes[-1]))
    return [*lines, line]


def _opened(
    street: Street,
    gate: Gate,
    type_name: str,
    settings: Sequence[str] = (),
    steps: frozenset[str] | None = None,
) -> Scene:
    program = cellar.python("kinto", cellar.KINTO).with_name("kinto")
    config = street.folder / "kinto.ini"
    text = (cellar.SERVERS / "kinto.ini").read_text(encoding="utf-8")
    config.write_text(text.replace("# more", "\n".join(settings)), encoding="utf-8")
    street.open("kinto", [program, "start", "--ini", config, "--port", str(gate.port)], gate.port)
    bucket = Bucket(f"http://127.0.0.1:{gate.port}")
    bucket.send("PUT", "/accounts/eve", {"data": {"password": USER.partition(":")[2]}})
    bucket.send("PUT", "/buckets/erp")
    schema = {"schema": SCHEMA} if _habits(type_name).too_long else {}
    bucket.send("PUT", f"/buckets/erp/collections/{type_name}", {"data": schema})
    for place, identity in enumerate(_ids(ROWS)):
        bucket.send("PUT", f"/buckets/erp/collections/{type_name}/records/{identity}", {"data": items.stock(place)})
    flags = ("--api", str(DESCRIPTION), "--set", "bucket=erp", "--set", f"collection={type_name}")
    scene = Scene(street.folder, f"{gate.url}/v1", CREDENTIALS, bucket, flags)
    return scene if steps is None else Scene(street.folder, scene.url, CREDENTIALS, bucket, flags, steps=steps)


def _ids(rows: int) -> list[str]:
    """Return ids, among which are numbers with and without zeros, and words of JSON."""
    odd = ("007", "12", "true", "null", "1e5", "a_b-c", "Infinity")
    return [odd[place] if place < len(odd) else f"rec{place:04}" for place in range(rows)]


def _inner(folder: Path, name: str) -> Path:
    inner = folder / name
    inner.mkdir()
    return inner
