"""GitHub's and Okta's own published documents, mocked by Prism: whatever the program sends must be allowed by them.

The mock answers with the vendor's examples, whatever it was sent: most updates do not show, and end in doubt. Judged
are the form of each request, and that no result contradicts what the mock has seen and shown.
"""

import csv
import json
import re
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

from tests.system.strangers import cellar, mock, plausible
from tests.system.strangers.desk import Desk
from tests.system.strangers.judge import False_
from tests.system.strangers.mock import Arrival
from tests.system.strangers.plausible import Row
from tests.system.strangers.prism import HELD
from tests.system.strangers.processes import Street
from tests.system.strangers.story import Line

DESCRIBED: Final = Path("jobs/apis/descriptions").resolve()
OURS: Final = Path(__file__).with_name("descriptions")
PACED: Final = re.compile(r"^ *\{ rate = .*\n", re.MULTILINE)
UNHURRIED: Final = "settle_s = 0.0\n"
"""Rates and lags are those of the vendor's servers: with an update a second this would take an hour."""

SETTINGS: Final = ("--canary", "0", "--concurrency", "1", "--rate", "none", "--no-progress", "--yes")
STOPPED: Final = "The run was stopped: not_taken"
RESUMES: Final = 8
"""Resumes of a run that stops because the mock shows nothing of 20 updates in a row."""

WRONG: Final = [[7]]
"""A value that no property of these documents takes."""

Json = Any


@dataclass(frozen=True, slots=True)
class Kind:
    """One type of records.

    Attributes:
        name: in the description.
        operation: path and method in the document.
        key: the columns that name a record, from the name of the run and the place of the row; all differ.
        constant: what --set says of the key.
        place: member of a body and of a record that holds the fields; empty: the whole.
        sets: of fields with single elements, those that the example shows.
        shown: by field, how to take its value from a record; one that is not listed stands under its name.
        unseen: fields that no record shows.
        is_whole: an update sends all fields.
    """

    name: str
    operation: tuple[str, str]
    key: Callable[[str, int], dict[str, str]]
    place: str = ""
    sets: Mapping[str, list[str]] = field(default_factory=dict)
    shown: Mapping[str, Callable[[Json], Json]] = field(default_factory=dict)
    unseen: frozenset[str] = frozenset()
    is_whole: bool = False

    def steps(self, key: Mapping[str, str]) -> tuple[str, ...]:
        """Return the segments of a record's path."""
        values = iter(key.values())
        return tuple(next(values) if each.startswith("{") else each for each in self.operation[0].split("/")[1:])

    def shows(self, record: Json, name: str) -> Json:
        """Return what a record shows of a field."""
        record = record.get(self.place, {}) if self.place else record
        return self.shown.get(name, lambda found: found.get(name))(record)


@dataclass(frozen=True, slots=True)
class Vendor:
    """A vendor with a published document.

    Attributes:
        package: name and version on npm.
        file: of the document in the package.
        media_type: that clients are told to ask for.
        credential: name and value of the variable that holds it.
        authorization: the header that is made of it.
    """

    name: str
    package: str
    file: str
    description: Path
    kinds: tuple[Kind, ...]
    credential: tuple[str, str]
    authorization: str
    media_type: str = mock.JSON

    @property
    def environment(self) -> dict[str, str]:
        """The environment of the program."""
        return dict([self.credential])

    def document(self) -> dict[str, Any]:
        """Return the document as it was published."""
        place = cellar.node(self.name, (self.package,)) / "node_modules" / self.package.rpartition("@")[0]
        found: dict[str, Any] = json.loads((place / self.file).read_text(encoding="utf-8"))
        return found


def _inner(outer: str, name: str) -> Callable[[Json], Json]:
    return lambda record: (record.get(outer) or {}).get(name)


def _each(outer: str, name: str) -> Callable[[Json], Json]:
    return lambda record: [each[name] for each in record.get(outer, ())]


def _repository(run: str, place: int) -> dict[str, str]:
    names = ("shop-{}", ".github{}", "a.b_c-{}", "Zürich {}", "a/b{}", "100%{}?x=1#y")
    return {"owner": run, "repo": names[place % len(names)].format(place), "number": "1347"}


GITHUB: Final = Vendor(
    "github",
    "@octokit/openapi@23.0.2",
    "generated/api.github.com.json",
    DESCRIBED / "github.toml",
    (
        Kind(
            "issues",
            ("/repos/{owner}/{repo}/issues/{issue_number}", "patch"),
            _repository,
            sets={"labels": ["bug"], "assignees": ["octocat"]},
            shown={
                "labels": _each("labels", "name"),
                "assignees": _each("assignees", "login"),
                "assignee": _inner("assignee", "login"),
                "milestone": _inner("milestone", "number"),
                "type": _inner("type", "name"),
            },
            unseen=frozenset({"duplicate_issue_id", "issue_field_values"}),
        ),
        Kind(
            "pulls",
            ("/repos/{owner}/{repo}/pulls/{pull_number}", "patch"),
            _repository,
            shown={"base": _inner("base", "ref")},
        ),
    ),
    ("ROWPATCH_TOKEN", "made-up"),
    "Bearer made-up",
    "application/vnd.github+json",
)


def _login(run: str, place: int) -> dict[str, str]:
    return {"user": f"{run}+{place}@example.com"}


OKTA: Final = Vendor(
    "okta",
    "@okta/openapi@2.15.0",
    "dist/spec.json",
    OURS / "okta.toml",
    (
        Kind(
            "users",
            ("/api/v1/users/{userId}", "post"),
            _login,
            place="profile",
        ),
        Kind(
            "whole_users",
            ("/api/v1/users/{userId}", "put"),
            _login,
            place="profile",
            is_whole=True,
        ),
    ),
    ("ROWPATCH_API_KEY", "made-up"),
    "SSWS made-up",
)


def visited(folder: Path) -> list[Line]:
    """Send every property that two vendors publish, alone and together, as JSON and as CSV, with and without reads."""
    with ThreadPoolExecutor() as pool:  # most of the time is spent on waiting for values to show after all
        return list(pool.map(partial(_visited, folder), (GITHUB, OKTA)))


@dataclass(frozen=True, slots=True)
class _Scene:
    """Where the runs of a vendor are made."""

    folder: Path
    url: str
    vendor: Vendor
    line: Line


@dataclass(slots=True)
class _Run:
    """A run of one type of records, with its rows by the path of their records.

    Each resume may send a row again that was in doubt.
    """

    name: str
    kind: Kind
    properties: Mapping[str, plausible.Schema]
    resumes: int = 0
    rows: dict[tuple[str, ...], Row] = field(default_factory=dict)
    results: list[dict[str, str]] = field(default_factory=list)


def _visited(parent: Path, vendor: Vendor) -> Line:
    folder = parent / vendor.name
    folder.mkdir()
    began = time.monotonic()
    document = vendor.document()
    line = Line(f"Prism, mock of {vendor.package}")
    properties = {kind.name: _properties(document, kind) for kind in vendor.kinds}
    media_types = {kind.name: _media_types(document, kind) for kind in vendor.kinds}
    with Street(folder) as street:
        log, port = mock.opened(street, mock.prepared(document, vendor.media_type))
        scene = _Scene(folder, f"http://127.0.0.1:{port}", vendor, line)
        controls = sum(_controlled(scene, kind, properties[kind.name]) for kind in vendor.kinds)
        runs = [run for kind in vendor.kinds for run in _runs(scene, kind, properties[kind.name])]
    arrived = mock.arrivals(log.read_text(encoding="utf-8"))[controls:]
    by_path: dict[tuple[str, ...], list[Arrival]] = {}
    for each in arrived:
        by_path.setdefault(each.steps, []).append(each)
    line.false += _missed(runs, by_path)
    for run in runs:
        _judged(line, run, {steps: by_path.pop(steps, []) for steps in run.rows}, media_types[run.kind.name])
    line.false += [False_("request", "/".join(steps), those[0].method, "of no row") for steps, those in by_path.items()]
    methods = Counter(each.method for each in arrived)
    told = ", ".join(f"{count} {method}" for method, count in sorted(methods.items()))
    refused = sum(bool(each.refused) for each in arrived)
    line.notes.insert(0, f"{len(list(mock.operations(document)))} operations in the document")
    line.notes.insert(1, f"{len(arrived)} requests ({told}): {refused} refused for their form")
    line.notes.insert(2, f"{controls} wrong values, one for each property, for the mock to refuse")
    line.seconds = time.monotonic() - began
    return line


def _runs(scene: _Scene, kind: Kind, properties: Mapping[str, plausible.Schema]) -> Iterator[_Run]:
    """Make all runs of a type of records: unhurried ones, and at last one by the description as it is."""
    description = scene.folder / scene.vendor.description.name
    description.write_text(UNHURRIED + PACED.sub("", scene.vendor.description.read_text("utf-8")), encoding="utf-8")
    unhurried = ("--api", str(description))
    rows = plausible.rows(properties, kind.sets)
    whole = [row for row in rows if row.cells.keys() <= properties.keys()]
    parts = [row for row in rows if row not in whole]
    alone = _applied(scene, _Run(f"{kind.name}-json", kind, properties), whole, unhurried)
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
            yield _applied(scene, _Run(f"{kind.name}-{name}", kind, properties), some, (*unhurried, *blind))
    if scene.vendor.description.parent == DESCRIBED:
        run = _Run(f"{kind.name}-json-named", kind, properties)
        yield _applied(scene, run, [*whole[:3], *together], ("--api", scene.vendor.name))


def _not_taken(run: _Run) -> set[tuple[str, str]]:
    """Return the columns and values, as JSON, of rows that are invalid though the schema knows them."""
    rows = zip(run.rows.values(), run.results, strict=True)
    invalid = [row for row, result in rows if result["__status"] == "invalid"]
    return {(name, json.dumps(value)) for row in invalid for name, value in row.cells.items()}


def _applied(scene: _Scene, run: _Run, rows: Sequence[Row], flags: Sequence[str]) -> _Run:
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


def _missed(runs: Sequence[_Run], arrived: Mapping[tuple[str, ...], list[Arrival]]) -> Iterator[False_]:
    """Yield each property that no update held: of it nothing was judged."""
    for kind in {run.kind.name: run.kind for run in runs}.values():
        mine = [run for run in runs if run.kind is kind]
        bodies = [each.body for run in mine for steps in run.rows for each in arrived.get(steps, ()) if each.body]
        held = {name for body in bodies for name in (body.get(kind.place, {}) if kind.place else body)}
        yield from (False_(kind.name, name, "tried", "in no update") for name in mine[0].properties.keys() - held)


def _judged(
    line: Line, run: _Run, arrived: Mapping[tuple[str, ...], list[Arrival]], media_types: frozenset[str]
) -> None:
    """Compare each request with the document, and each result with what arrived about its record."""
    if len(run.results) != len(run.rows):
        line.false.append(False_(run.name, "results.csv", f"{len(run.results)} rows", f"not {len(run.rows)}"))
    for those in arrived.values():
        for each in those:
            sent = f"{each.method} {json.dumps(each.body)[:120]}"
            line.false += [False_(run.name, sent, "sent", why) for why in each.refused]
    for (steps, row), result in zip(run.rows.items(), run.results, strict=False):
        updates = [each for each in arrived[steps] if each.method != "GET"]
        place = f"row {result['__row']} {json.dumps(row.cells, ensure_ascii=False)[:90]}"
        said = f"{result['__status']}/{result['__reason']}"
        line.false += [False_(run.name, place, said, why) for why in _untrue(run, row, said, arrived[steps])]
        if updates:
            found = _misshapen(run, row, arrived[steps], media_types)
            line.false += [False_(run.name, place, "sent", why) for why in found]
        if result["__status"] != "applied":
            line.refusals[said] += 1
        if not updates and result["__status"] == "invalid" and row.body and run.name == f"{run.kind.name}-json":
            line.notes.append(f"published, but not taken from a sheet: {place[:110]}: {result['__message'][:70]}")


def _untrue(run: _Run, row: Row, said: str, arrived: Sequence[Arrival]) -> Iterator[str]:
    """Yield what contradicts the status and the reason of a row."""
    updates = [each for each in arrived if each.method != "GET"]
    held = "never sent" if not updates else "refused" if updates[-1].refused else "taken"
    status = said.partition("/")[0]
    if held not in {**HELD, "unchanged": {"never sent"}}[status]:
        yield held
    if len(updates) > 1 + run.resumes:
        yield f"sent {len(updates)} times"
    shown = [_is_shown(run.kind, row.body or row.cells, each.reply) for each in arrived if not each.refused]
    if said in {"applied/", "unchanged/as_wanted"} and not (shown and shown[-1]):
        yield "the record does not show it"
    if status == "unknown" and shown and all(shown):
        yield "the record shows it"


def _is_shown(kind: Kind, body: Mapping[str, Json], record: Json) -> bool:
    return all(name in kind.unseen or _same(kind.shows(record, name), value) for name, value in body.items())


def _misshapen(run: _Run, row: Row, arrived: Sequence[Arrival], media_types: frozenset[str]) -> Iterator[str]:
    """Yield what is wrong with the last update, beyond what the mock refuses: published schemas let much pass."""
    kind, update = run.kind, next(each for each in reversed(arrived) if each.method != "GET")
    if update.method.lower() != kind.operation[1]:
        yield update.method
    if update.headers.get("content-type", "").partition(";")[0] not in media_types:
        yield f"content type {update.headers.get('content-type')}"
    body = update.body.get(kind.place) if kind.place else update.body
    yield from (f"a member that is not published: {name}" for name in plausible.foreign(body, run.properties))
    if row.body is None:
        return
    read = arrived[0].reply if arrived[0].method == "GET" else None
    is_csv = "csv" in run.name
    wanted = {name: value for name, value in row.body.items() if not is_csv or value != ""}
    if read is not None and kind.is_whole:
        wanted = {name: kind.shows(read, name) for name in run.properties} | wanted
    elif read is not None:
        wanted = {name: value for name, value in wanted.items() if not _is_shown(kind, {name: value}, read)}
        wanted |= {name: value for name, value in row.body.items() if name in kind.unseen}
    texts = {name: text for name, text in row.in_csv.items() if name in wanted}
    if not _same(body, wanted) and not (is_csv and _same(body, wanted | texts)):
        yield f"{json.dumps(body, ensure_ascii=False)[:120]}"


def _same(one: Json, other: Json) -> bool:
    """Tell whether two values are one, whatever the order of elements and names."""
    return _sorted(one) == _sorted(other)


def _sorted(value: Json) -> str:
    if isinstance(value, list):
        return json.dumps(sorted(map(_sorted, value)))
    if isinstance(value, dict):
        return json.dumps({name: _sorted(each) for name, each in sorted(value.items())})
    return json.dumps(value)


def _properties(document: Mapping[str, Any], kind: Kind) -> dict[str, plausible.Schema]:
    """Return the properties that an update may hold, without references, as they were published."""
    path, method = kind.operation
    operation = document["paths"][path][method]
    if "requestBody" in operation:
        schema = operation["requestBody"]["content"][mock.JSON]["schema"]
    else:  # Swagger 2.0
        schema = next(each["schema"] for each in operation["parameters"] if each["in"] == "body")
    schema = _resolved(document, schema)
    if kind.place:
        schema = _resolved(document, schema["properties"][kind.place])
    found: dict[str, plausible.Schema] = json.loads(json.dumps(schema["properties"]))
    return found


def _media_types(document: Mapping[str, Any], kind: Kind) -> frozenset[str]:
    path, method = kind.operation
    operation = document["paths"][path][method]
    return frozenset(operation.get("requestBody", {}).get("content", operation.get("consumes", ())))


def _resolved(document: Mapping[str, Any], schema: Mapping[str, Any]) -> Mapping[str, Any]:
    while "$ref" in schema:
        found: Any = document
        for step in schema["$ref"].removeprefix("#/").split("/"):
            found = found[step]
        schema = found
    return schema
