"""json-server: records of any shape in a JSON file, ids of any characters, no validation, no versions."""

import json
import time
import urllib.request
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

from tests.system.strangers import cellar, items
from tests.system.strangers.gate import Gate
from tests.system.strangers.items import Habits
from tests.system.strangers.judge import Record
from tests.system.strangers.processes import Street, free_port
from tests.system.strangers.story import Line, Scene, told

ROWS: Final = 150
DESCRIPTION: Final = Path(__file__).with_name("descriptions") / "json_server.toml"
ODD: Final = ("007", "a b/c", "ü-7", "50%", "q?x=1&y", "#1", "a+b", "{id}", "x;y", "2e3")


@dataclass(frozen=True, slots=True)
class Database:
    """The store: the file that the server writes."""

    path: Path
    url: str

    def dump(self, type_name: str) -> dict[str, Record]:
        """Return all records; a file that is just being written is read again."""
        for _ in range(50):
            try:
                found = json.loads(self.path.read_text(encoding="utf-8"))[type_name]
            except ValueError:
                time.sleep(0.02)
            else:
                return {str(each["id"]): _kept(each) for each in found}
        raise RuntimeError(f"{self.path} is never whole")

    def overwrite(self, type_name: str, identity: str, path: tuple[str, ...], value: str) -> None:
        """Update a record like another client; nothing is merged."""
        name, *keys = path
        new: Any = value if not keys else self.dump(type_name)[identity][name] | {keys[0]: value}
        where = f"{self.url}/{type_name}/{quote(identity, safe='')}"
        body, kind = json.dumps({name: new}).encode(), {"Content-Type": "application/json"}
        urllib.request.urlopen(urllib.request.Request(where, body, kind, method="PATCH"), timeout=30).close()


def _kept(record: Record) -> Record:
    return {name: sorted(value) if name == "tags" else value for name, value in record.items() if name != "id"}


def visited(folder: Path) -> list[Line]:
    """Tell the story once."""
    line = Line("json-server, a JSON file")
    program = cellar.node("json-server", cellar.JSON_SERVER) / "node_modules" / ".bin" / "json-server"
    base = folder / "db.json"
    identities = [ODD[place] if place < len(ODD) else place for place in range(ROWS)]
    records = [{"id": identity, **items.stock(place)} for place, identity in enumerate(identities)]
    base.write_text(json.dumps({"posts": records}), encoding="utf-8")
    with Street(folder) as street, Gate(free_port()) as gate:
        where = ("--host", "127.0.0.1", "--port", str(gate.port), "--quiet")
        street.open("json-server", ["node", program, base, *where], gate.port)
        store = Database(base, f"http://127.0.0.1:{gate.port}")
        # The file is written a moment after the reply.
        scene = Scene(folder, gate.url, {}, store, ("--api", str(DESCRIPTION)), settle=0.5)
        habits = Habits(cleared=None, too_long=False)
        told(scene, items.sheet("posts", [str(each) for each in identities], "nobody/7", habits), line)
        line.notes.append(gate.counted())
    return [line]
