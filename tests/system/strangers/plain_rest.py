"""Django REST framework as it comes: a token, text that is trimmed, decimals, a time zone, throttles."""

import json
import sqlite3
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

from tests.system.strangers import cellar, items
from tests.system.strangers.gate import Gate
from tests.system.strangers.items import Habits
from tests.system.strangers.judge import Aim, False_, Record
from tests.system.strangers.processes import Street, free_port
from tests.system.strangers.story import Line, Scene, Sheet, told

ROWS: Final = 150
TOKEN: Final = "made-up-token"
CREDENTIALS: Final = {"ROWPATCH_TOKEN": TOKEN}
DESCRIPTION: Final = Path(__file__).with_name("descriptions") / "plain_rest.toml"
VOLATILE: Final = frozenset({"id", "updated_at"})
JSON_COLUMNS: Final = frozenset({"tags", "metadata"})
REFUSED: Final = 0.10
"""Share of all requests that a throttle which nobody tells may refuse."""


@dataclass(frozen=True, slots=True)
class Table:
    """The store: the SQLite file of the project."""

    path: Path

    def dump(self, _: str) -> dict[str, Record]:
        """Return the rows of the table, with its JSON parsed and its sets in order."""
        with closing(sqlite3.connect(f"file:{self.path}?mode=ro", uri=True, timeout=20)) as base:
            base.row_factory = sqlite3.Row
            return {str(row["id"]): _record(dict(row)) for row in base.execute("SELECT * FROM plain_item")}

    def overwrite(self, _: str, identity: str, path: tuple[str, ...], value: str) -> None:
        """Write one field, or one key of an object, behind Django's back."""
        column, *keys = path
        new = "?" if not keys else f"json_set({column}, '$.{keys[0]}', ?)"
        with closing(sqlite3.connect(self.path, timeout=20)) as base, base:
            base.execute(f"UPDATE plain_item SET {column} = {new} WHERE id = ?", (value, identity))


def _record(row: dict[str, Any]) -> Record:
    row = {name: value for name, value in row.items() if name not in VOLATILE}
    row |= {name: json.loads(row[name]) for name in JSON_COLUMNS}
    return row | {"tags": sorted(row["tags"]), "active": bool(row["active"])}


def visited(folder: Path) -> list[Line]:
    """Tell one story by id, one by code, and two behind the framework's own throttle."""
    lines = []
    for name, sheet in (("by id", _sheet(ROWS)), ("by code", _by_code(60))):
        line = Line(f"Django REST framework, plain, {name}")
        with Street(_inner(folder, name.replace(" ", "-"))) as street, Gate(free_port()) as gate:
            told(_opened(street, gate), sheet, line)
            line.notes.append(gate.counted())
        lines.append(line)
    for rate, rows in (("20/sec", 100), ("150/min", 60)):
        line = Line(f"Django REST framework, plain, throttle of {rate}")
        with Street(_inner(folder, rate.replace("/", "-"))) as street, Gate(free_port()) as gate:
            scene = _opened(street, gate, {"PLAIN_THROTTLE": rate})
            told(replace(scene, steps=frozenset({"kill", "verify", "undo"}), patience=200), _sheet(rows), line)
            line.notes.append(gate.counted())
            refused = sum(each.status == 429 for each in gate.passed)
            if refused > REFUSED * len(gate.passed):
                line.false.append(False_("pace", "the gate", "not faster than allowed", f"{refused} refused"))
        lines.append(line)
    return lines


def _opened(street: Street, gate: Gate, env: Mapping[str, str] | None = None) -> Scene:
    program = cellar.python("django", cellar.DJANGO)
    database = street.folder / "plain.sqlite3"
    world = {"PLAIN_DATABASE": str(database), "PYTHONPATH": str(cellar.SERVERS), "PYTHONDONTWRITEBYTECODE": "1"}
    records = json.dumps([items.stock(place) for place in range(ROWS)]).encode()
    command: list[str | Path] = [program, "-m", "plain.serve", str(gate.port), TOKEN]
    street.open("plain", command, gate.port, env={**world, **(env or {})}, stdin=records)
    return Scene(street.folder, f"{gate.url}/api", CREDENTIALS, Table(database), ("--api", str(DESCRIPTION)))


def _sheet(rows: int) -> Sheet:
    extra = {
        "price": lambda place: (f"{place}.5", float(f"{place}.5")) if place % 2 else ("<clear>", None),
        "due": lambda place: ("2026-03-04T05:06:07Z", "2026-03-04 05:06:07"),
    }
    habits = Habits(cleared=None, stored=str.strip, extra=extra)
    return items.sheet("items", [str(place + 1) for place in range(rows)], "999999", habits)


def _by_code(rows: int) -> Sheet:
    """Records by code, of which some are nobody's."""
    header = ("code", "title", "metadata.batch")
    cells, aims = [], []
    for place in range(rows):
        code = f"c-{place:04}" if place % 9 else f"none-{place}"
        cells.append([code, f"by code {place}", "found"])
        identity = str(place + 1) if place % 9 else code
        aims.append(Aim(identity, {("title",): f"by code {place}", ("metadata", "batch"): "found"}))
    return Sheet("items", header, cells, aims, ("title",))


def _inner(folder: Path, name: str) -> Path:
    inner = folder / name
    inner.mkdir()
    return inner
