"""GitHub's and Okta's own published documents, mocked by Prism: whatever the program sends must be allowed by them.

The mock answers with the vendor's examples, whatever it was sent: most updates do not show, and end in doubt. Judged
are the form of each request, and that no result contradicts what the mock has seen and shown.
"""

import csv
import json
import re
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Final
from urllib.parse import quote

from tests.system.strangers import documents, form, mock, plausible
from tests.system.strangers.desk import Desk
from tests.system.strangers.documents import Kind, Vendor
from tests.system.strangers.form import Run
from tests.system.strangers.judge import False_
from tests.system.strangers.mock import Arrival
from tests.system.strangers.plausible import Row
from tests.system.strangers.processes import Street
from tests.system.strangers.story import Line

PACED: Final = re.compile(r"^ *\{ rate = .*\n", re.MULTILINE)
UNHURRIED: Final = "settle_s = 0.0\n"
"""Rates and lags are those of the vendor's servers: with an update a second this would take an hour."""

SETTINGS: Final = ("--canary", "0", "--concurrency", "1", "--rate", "none", "--no-progress", "--yes")
STOPPED: Final = "The run was stopped: not_taken"
RESUMES: Final = 8
"""Resumes of a run that stops because the mock shows nothing of 20 updates in a row."""

WRONG: Final = [[7]]
"""A value that no property of these documents takes."""


def visited(folder: Path) -> list[Line]:
    """Send every property that two vendors publish, alone and together, as JSON and as CSV, with and without reads."""
    with ThreadPoolExecutor() as pool:  # most of the time is spent on waiting for values to show after all
        return list(pool.map(partial(_visited, folder), (documents.GITHUB, documents.OKTA)))


@dataclass(frozen=True, slots=True)
class _Scene:
    """Where the runs of a vendor are made."""

    folder: Path
    url: str
    vendor: Vendor
    line: Line


def _visited(parent: Path, vendor: Vendor) -> Line:
    folder = parent / vendor.name
    folder.mkdir()
    began = time.monotonic()
    document = vendor.document()
    line = Line(f"Prism, mock of {vendor.package}")
    properties = {kind.name: documents.properties(document, kind) for kind in vendor.kinds}
    media_types = {kind.name: documents.media_types(document, kind) for kind in vendor.kinds}
    with Street(folder) as street:
        log, port = mock.opened(street, mock.prepared(document, vendor.media_type))
        scene = _Scene(folder, f"http://127.0.0.1:{port}", vendor, line)
        controls = sum(_controlled(scene, kind, properties[kind.name]) for kind in vendor.kinds)
        runs = [run for kind in vendor.kinds for run in _runs(scene, kind, properties[kind.name])]
    arrived = mock.arrivals(log.read_text(encoding="utf-8"))[controls:]
    by_path: dict[tuple[str, ...], list[Arrival]] = {}
    for each in arrived:
        by_path.setdefault(each.steps, []).append(each)
    overlapped = [each for each in arrived if each.reply is None and not each.refused]
    line.false += [False_("log", "/".join(each.steps), each.method, "no answer before the next") for each in overlapped]
    line.false += form.missed(runs, by_path)
    for run in runs:
        form.judged(line, run, {steps: by_path.pop(steps, []) for steps in run.rows}, media_types[run.kind.name])
    line.false += [False_("request", "/".join(steps), those[0].method, "of no row") for steps, those in by_path.items()]
    methods = Counter(each.method for each in arrived)
    told = ", ".join(f"{count} {method}" for method, count in sorted(methods.items()))
    refused = sum(bool(each.refused) for each in arrived)
    line.notes.insert(0, f"{len(list(mock.operations(document)))} operations in the document")
    line.notes.insert(1, f"{len(arrived)} requests ({told}): {refused} refused for their form")
    line.notes.insert(2, f"{controls} wrong values, one for each property, for the mock to refuse")
    line.seconds = time.monotonic() - began
    return line


def _runs(scene: _Scene, kind: Kind, properties: Mapping[str, plausible.Schema]) -> Iterator[Run]:
    """Make all runs of a type of records: unhurried ones, and at last one by the description as it is."""
    description = scene.folder / scene.vendor.description.name
    description.write_text(UNHURRIED + PACED.sub("", scene.vendor.description.read_text("utf-8")), encoding="utf-8")
    unhurried = ("--api", str(description))
    rows = plausible.rows(properties, kind.sets)
    whole = [row for row in rows if row.cells.keys() <= properties.keys()]
    parts = [row for row in rows if row not in whole]
    alone = _applied(scene, Run(f"{kind.name}-json", kind, properties), whole, unhurried)
    yield alone
    # One value that the description does not take would keep a row with all of them back.
    together = plausible.together(properties, _not_taken(alone))
    sheets = {
        "json-together": [*parts, *together],
        "json-blind": [*whole, *parts, *together],
        "csv": [*whole, *together],
        "csv-parts": parts,  # the header of a sheet does not name a field as a whole and in parts
        "csv-blind": [*whole, *together],
    }
    for name, some in sheets.items():
        blind = ("--blind",) if "blind" in name else ()
        if some and not (blind and kind.is_whole):
            yield _applied(scene, Run(f"{kind.name}-{name}", kind, properties), some, (*unhurried, *blind))
    if scene.vendor.description.parent == documents.DESCRIBED:
        run = Run(f"{kind.name}-json-named", kind, properties)
        yield _applied(scene, run, [*whole[:3], *together], ("--api", scene.vendor.name))


def _not_taken(run: Run) -> set[tuple[str, str]]:
    """Return the columns and values, as JSON, of rows that are invalid though the schema knows them."""
    rows = zip(run.rows.values(), run.results, strict=True)
    invalid = [row for row, result in rows if result["__status"] == "invalid"]
    return {(name, json.dumps(value)) for row in invalid for name, value in row.cells.items()}


def _applied(scene: _Scene, run: Run, rows: Sequence[Row], flags: Sequence[str]) -> Run:
    """Apply rows as a user would; each is about a record of its own."""
    is_csv = "csv" in run.name
    keyed = [
        (run.kind.key(run.name, place), row) for place, row in enumerate(rows) if not is_csv or any(row.in_csv.values())
    ]
    desk = Desk(scene.folder / run.name, scene.url, scene.vendor.environment, run.kind.name, patience=300.0)
    desk.folder.mkdir()
    sheet = desk.folder / ("sheet.csv" if is_csv else "sheet.ndjson")
    common: dict[str, str] = {}
    if "named" in run.name:  # what all keys have in common is said once
        first = keyed[0][0]
        common = {name: value for name, value in first.items() if all(key[name] == value for key, _ in keyed)}
    _write(sheet, [({column: key[column] for column in key if column not in common}, row) for key, row in keyed])
    said = [part for column, value in common.items() for part in ("--set", f"{column}={value}")]
    where = ("--type", run.kind.name, "--url", scene.url, "--run-dir", str(desk.path("run")))
    ran = desk.do(["apply", str(sheet), *where, *SETTINGS, *said, *flags])
    while ran.status == 3 and STOPPED in ran.out + ran.err and run.resumes < RESUMES:
        ran = desk.do([*desk.old("resume", "run"), "--no-progress"])
        run.resumes += 1
    if ran.status not in {0, 1}:
        scene.line.false.append(False_(run.name, f"exit status {ran.status}", ran.last[:160], "it was to end"))
    scene.line.rows += len(keyed)
    scene.line.steps.append(run.name)
    run.rows = {run.kind.steps(key): row for key, row in keyed}
    run.results = desk.results("run")
    return run


def _write(sheet: Path, rows: Sequence[tuple[Mapping[str, str], Row]]) -> None:
    with sheet.open("w", encoding="utf-8", newline="") as file:
        if sheet.suffix == ".ndjson":
            file.writelines(json.dumps({**key, **row.cells}) + "\n" for key, row in rows)
            return
        columns = dict.fromkeys(name for key, row in rows for name in (*key, *row.cells))
        writer = csv.DictWriter(file, list(columns), restval="")
        writer.writeheader()
        writer.writerows({**key, **row.in_csv} for key, row in rows)


def _controlled(scene: _Scene, kind: Kind, properties: Mapping[str, plausible.Schema]) -> int:
    """Send a wrong value of each property; the mock has to refuse it, or else it checks nothing. Return how many."""
    path = "/".join(quote(each, safe="") for each in kind.steps(kind.key("control", 0)))
    headers = {"Content-Type": mock.JSON, "Authorization": scene.vendor.authorization}
    url, method = f"{scene.url}/{path}", kind.operation[1].upper()
    for name in properties:
        body = {name: WRONG}
        if mock.takes(url, method, {kind.place: body} if kind.place else body, headers):
            scene.line.false.append(False_("control", f"{kind.name}.{name}", "taken", "it was to be refused"))
    return len(properties)
