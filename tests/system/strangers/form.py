"""The form of requests by a published document, and the truth of results by what a mock has seen and shown."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from tests.system.strangers import plausible
from tests.system.strangers.documents import Kind
from tests.system.strangers.judge import False_
from tests.system.strangers.mock import Arrival
from tests.system.strangers.plausible import Row
from tests.system.strangers.prism import HELD
from tests.system.strangers.story import Line

Json = Any


@dataclass(slots=True)
class Run:
    """A run of one type of records, with its rows by the path of their records.

    Each resume may send a row again that was in doubt.
    """

    name: str
    kind: Kind
    properties: Mapping[str, plausible.Schema]
    resumes: int = 0
    rows: dict[tuple[str, ...], Row] = field(default_factory=dict)
    results: list[dict[str, str]] = field(default_factory=list)


def missed(runs: Sequence[Run], arrived: Mapping[tuple[str, ...], list[Arrival]]) -> Iterator[False_]:
    """Yield each property that no update held: of it nothing was judged."""
    for kind in {run.kind.name: run.kind for run in runs}.values():
        mine = [run for run in runs if run.kind is kind]
        bodies = [each.body for run in mine for steps in run.rows for each in arrived.get(steps, ()) if each.body]
        held = {name for body in bodies for name in (body.get(kind.place, {}) if kind.place else body)}
        yield from (False_(kind.name, name, "tried", "in no update") for name in mine[0].properties.keys() - held)


def judged(line: Line, run: Run, arrived: Mapping[tuple[str, ...], list[Arrival]], media_types: frozenset[str]) -> None:
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


def _untrue(run: Run, row: Row, said: str, arrived: Sequence[Arrival]) -> Iterator[str]:
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


def _misshapen(run: Run, row: Row, arrived: Sequence[Arrival], media_types: frozenset[str]) -> Iterator[str]:
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
