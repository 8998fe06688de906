"""Prism from the vendor's own types: as a mock that takes every update of all types, and as a guard before the shop."""

import json
import re
import time
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Final

from tests.system.strangers import cellar, mock, shop, vendor
from tests.system.strangers.desk import Desk
from tests.system.strangers.judge import False_
from tests.system.strangers.processes import Street, free_port
from tests.system.strangers.story import Line, Scene, told
from tests.system.strangers.vendor import Field

CAME: Final = re.compile(r"patch /api/\w+/(\w+) .*Request received")
REFUSED: Final = re.compile(r"patch /api/\w+/(\w+) .*Request terminated")
VIOLATION: Final = re.compile(r"(?:VALIDATOR\].*error  +|Violation: )([Rr]equest.*)")

HELD: Final = {
    "applied": {"taken"},
    "rejected": {"refused"},
    "invalid": {"never sent"},
    "pending": {"never sent"},
    "unknown": {"taken", "refused"},
    "failed": {"never sent", "refused"},
}
"""By status, what Prism's log may say of the row."""

TAGS: Final = frozenset({"_add_tags", "_remove_tags"})
"""Sent by columns of their own, and only believed with a reply that shows them, which a mock has not."""


def visited(folder: Path) -> list[Line]:
    """Send every attribute and every relationship of every type once, and tell a story through the guard."""
    package = cellar.node("vendor", cellar.VENDOR) / "node_modules" / "@commercelayer" / "sdk"
    known = vendor.types(package)
    folder.mkdir(exist_ok=True)
    return [_mock(folder, _schema(folder, known, "204"), known), _guard(folder, _schema(folder, known, "default"))]


def _schema(folder: Path, known: dict[str, list[Field]], reply: str) -> Path:
    path = folder / f"openapi-{reply}.json"
    path.write_text(json.dumps(vendor.openapi(known, reply)), encoding="utf-8")
    return path


def _mock(folder: Path, schema: Path, known: dict[str, list[Field]]) -> Line:
    line = Line(f"Prism, mock of the vendor's {len(known)} types")
    began = time.monotonic()
    with Street(folder) as street:
        log, port = _prism(street, "mock", schema)
        rows = list(_rows(known))
        triggers = {field.name for fields in known.values() for field in fields if field.name.startswith("_")} - TAGS
        allowed = [part for name in sorted(triggers) for part in ("--allow-trigger", name)]
        desk = Desk(folder / "mock", f"http://127.0.0.1:{port}", {"ROWPATCH_TOKEN": "made-up"}, "orders")
        desk.folder.mkdir()
        sheet = desk.folder / "sheet.ndjson"
        sheet.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
        where = ("--url", desk.url, "--run-dir", str(desk.path("run")), "--no-progress")
        how = ("--blind", "--metadata", "replace", "--canary", "0", *allowed)
        ran = desk.do(["apply", str(sheet), *where, *how])
        line.rows, line.steps = len(rows), ["apply --blind"]
        if ran.status not in {0, 1}:
            line.false.append(False_("apply", f"exit status {ran.status}", ran.last[:160], "it was to come to its end"))
        _judged(line, desk.results("run"), rows, log.read_text(encoding="utf-8"))
        _controlled(line, desk.url, known)
    line.seconds = time.monotonic() - began
    return line


def _guard(folder: Path, schema: Path) -> Line:
    line = Line("Prism as a guard before Django")
    place_folder = folder / "guard"
    place_folder.mkdir()
    with Street(place_folder) as street:
        place = shop.opened(street, 150)
        log, port = _prism(street, "proxy", schema, place.url)
        world = {**shop.CREDENTIALS, "ROWPATCH_AUTH_URL": place.url}
        told(Scene(place_folder, f"http://127.0.0.1:{port}", world, place), shop.payments(150), line)
        _violations(line, log.read_text(encoding="utf-8"))
    return line


def _prism(street: Street, mode: str, schema: Path, *origin: str) -> tuple[Path, int]:
    program = cellar.node("prism", cellar.PRISM) / "node_modules" / ".bin" / "prism"
    port = free_port()
    where = ("--errors", "--host", "127.0.0.1", "--port", str(port))
    command: list[str | Path] = [program, mode, schema, *origin, *where]
    return street.open("prism", command, port), port


def _rows(known: dict[str, list[Field]]) -> list[dict[str, Any]]:
    """Return, for each type: each attribute and relationship alone, all attributes together, all of them null."""
    rows = []
    for name, fields in known.items():
        whole: dict[str, Any] = {}
        for field in fields:
            if field.name in TAGS:
                continue
            if field.links:
                links = [{"type": each, "id": "lInKeDxYzA"} for each in field.links]
                data: list[dict[str, Any]] = [{"data": [each] if field.many else each} for each in links]
                rows += [{"type": name, "relationships": {field.name: each}} for each in data]
            else:
                whole[field.name] = field.value()
                rows.append({"type": name, "attributes": {field.name: field.value()}})
        null = {each: None for each in whole if not each.startswith("_")}
        rows += [{"type": name, "attributes": whole}, {"type": name, "attributes": null}]
    identities = shop.identities(len(rows), "prism")
    return [{"id": identity, **row} for identity, row in zip(identities, rows, strict=True)]


def _judged(line: Line, results: list[dict[str, str]], rows: list[dict[str, Any]], log: str) -> None:
    """Compare each result with what Prism's log says of its id: whether the body came, and whether it was refused."""
    if len(results) != len(rows):
        line.false.append(False_("apply", "results.csv", f"{len(results)} rows", f"the sheet has {len(rows)}"))
    came, refused = set(CAME.findall(log)), set(REFUSED.findall(log))
    for row, result in zip(rows, results, strict=False):
        status, identity = result["__status"], row["id"]
        held = "refused" if identity in refused else "taken" if identity in came else "never sent"
        if held not in HELD[status]:
            place = f"row {result['__row']} {json.dumps(row)[:90]}"
            line.false.append(False_("apply", place, f"{status}/{result['__reason']}", held))
        if status != "applied":
            line.refusals[f"{status}/{result['__reason']}"] += 1
        if status == "invalid":
            line.notes.append(f"{json.dumps(row)[:120]}: {result['__message'][:120]}")
    _violations(line, log)


def _controlled(line: Line, url: str, known: Iterable[str]) -> None:
    """Send an attribute that no type has to each type; where Prism takes it, it has checked no body of that type."""
    headers = {"Content-Type": vendor.KIND, "Authorization": "Bearer made-up"}
    for name in known:
        body = {"data": {"type": name, "id": "control", "attributes": {"nonsense": 1}}}
        if mock.takes(f"{url}/api/{name}/control", "PATCH", body, headers):
            line.false.append(False_("control", name, "taken", "it was to be refused"))


def _violations(line: Line, log: str) -> None:
    """Count a body that the vendor's own types do not allow as an untrue result, each kind once."""
    for what, count in Counter(VIOLATION.findall(log)).most_common():
        line.false.append(False_("body", f"{count} x", "sent", what))
