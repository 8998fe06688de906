"""Does the server still hold what a run wrote? Every record is read again; nothing is sent but reads."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from functools import partial, reduce
from itertools import groupby, islice
from operator import or_
from random import Random
from typing import Final

import anyio

from jobs.apis.api import Api
from jobs.apis.schema import Schema
from jobs.changes.diff import value_at
from jobs.changes.edits import column_of
from jobs.changes.equality import same_at, tidied
from jobs.changes.inverse import ValueHistory, Written, needed, trails
from jobs.changes.restoring_cells import Value
from jobs.model import ABSENT, JSON, Absent, Edit, Fields, Live, Path, Status, Unread
from jobs.values import valueclass
from worker.events import Advanced
from worker.journal import History
from worker.lane.connect import LaneSettings, connected, reads_at_once
from worker.lane.reads import Lookup
from worker.policy.guards import Guards
from worker.policy.row import READ_LAG_S, Found

_PAUSE: Final = 1.0
"""Seconds until what differs within that time is read again."""


@valueclass(frozen=True, slots=True)
class WrittenRecord:
    """One record that a run wrote, and what became of its values in the course of the run.

    Attributes:
        row: the last that wrote it.
        unread: names that were sent although nobody can read them.
    """

    row: int
    type: str
    id: str
    trails: tuple[ValueHistory, ...]
    unread: tuple[str, ...] = ()

    @property
    def fields(self) -> Fields:
        """What has to be read of it."""
        return needed(trail.path for trail in self.trails)


@valueclass(frozen=True, slots=True)
class Finding:
    """One value that is not what the run wrote; `why` is `differs`, `not taken`, `gone` or `not readable`."""

    record: WrittenRecord
    why: str
    column: str = ""
    written: JSON | Absent = ""
    live: JSON | Absent = ""


@dataclass(slots=True)
class Verified:
    """What was found.

    Attributes:
        counts: records by what was found of them: `holds`, `differs`, `not taken` (it is without an update that was in
            doubt), `gone`, `not readable`.
        hidden: records of which something cannot be verified, by its name.
    """

    counts: Counter[str] = field(default_factory=Counter)
    hidden: Counter[str] = field(default_factory=Counter)

    @property
    def is_different(self) -> bool:
        """Whether a record does not hold what the run wrote, or nobody can tell."""
        return bool(self.counts.keys() - {"holds"})


class Unfinished(Exception):
    """The records could not all be read. The text says why."""


def written_records(history: History) -> Iterator[WrittenRecord]:
    """Yield the records that a run wrote, one at a time in memory."""
    for (type_name, resource_id), group in groupby(history.written(), key=lambda entry: (entry[0].type, entry[0].id)):
        rows = [Written(image.row, image.edits, image.unread, not uncertain) for image, uncertain in group]
        unread = dict.fromkeys(name for row in rows for name in row.unread)
        yield WrittenRecord(rows[-1].row, type_name, resource_id, tuple(trails(rows)), tuple(unread))


def sampled(records: Iterator[WrittenRecord], size: int, dice: Random) -> list[WrittenRecord]:
    """Draw a random sample of that size in one pass (reservoir sampling)."""
    sample = list(islice(records, size))
    for seen, record in enumerate(records, size + 1):
        if (place := dice.randrange(seen)) < size:
            sample[place] = record
    return sorted(sample, key=lambda record: (record.type, record.id))


async def verify(
    way: LaneSettings,
    records: Iterator[WrittenRecord],
    report: Callable[[Finding], None],
    last: float = 0.0,
    of: int = 0,
) -> Verified:
    """Read the records again, a few pages at a time, and report what is not as it was written, in their order.

    Args:
        way: to the API.
        records: what the run wrote.
        report: takes what is not as it was written.
        last: seconds since the epoch at which the run settled its last row; what differs is read again for some seconds
            after that, since reads lag behind writes.
        of: records there are; 0 if nobody has counted them.

    Raises:
        Unfinished: the API does not let us read on.
        JournalDamaged: the journal that the records come from cannot be used.
    """
    verified, guards, schema, rows = Verified(), Guards(), way.api.schema, 0
    async with connected(way) as connection:
        pages = _pages(_visible(records, verified), way.api)
        until = way.clock.now() + min(READ_LAG_S, last + READ_LAG_S - way.clock.wall())
        while batch := list(islice(pages, reads_at_once(way.api, way.settings))):
            found = await _read(connection.lookup, batch)
            while way.clock.now() < until and _differ(batch, found, schema) and await way.stop.sleep(_PAUSE):
                found = await _read(connection.lookup, batch)
            if way.stop.reason:
                raise Unfinished(f"{way.stop.reason}: {way.stop.message}")
            for page, each in zip(batch, found, strict=True):
                for record in page:
                    _judge(record, each, schema, verified, report)
                    _watch(record, each, guards)
            rows += sum(map(len, batch))
            way.observer(Advanced("verify", rows, rows, of))
    return verified


def _differ(batch: list[list[WrittenRecord]], found: list[Found], schema: Schema) -> bool:
    """Whether a value is not as it was written."""
    findings: list[Finding] = []
    for page, each in zip(batch, found, strict=True):
        for record in page:
            _judge(record, each, schema, Verified(), findings.append)
    return any(finding.column for finding in findings)


def _watch(record: WrittenRecord, found: Found, guards: Guards) -> None:
    """See whether reads are refused one after another.

    Raises:
        Unfinished: they are: that says nothing about the records.
    """
    guards.reading([record.row])
    if record.id not in found.failed:
        guards.found(record.row)
    elif halt := guards.settled(record.row, Status.FAILED, "lookup_failed", found.failed[record.id]):
        raise Unfinished(f"{halt.reason}: {halt.message}")


def _visible(records: Iterator[WrittenRecord], verified: Verified) -> Iterator[WrittenRecord]:
    """Yield the records of which something can be read."""
    for record in records:
        verified.hidden.update(record.unread)
        if record.trails:
            yield record


def _pages(records: Iterator[WrittenRecord], api: Api) -> Iterator[list[WrittenRecord]]:
    """Yield records that can be read together."""
    for (type_name, _), alike in groupby(records, lambda each: (each.type, api.resource(each.type).group(each.id))):
        while page := list(islice(alike, api.resource(type_name).page)):
            yield page


async def _read(lookup: Lookup, pages: list[list[WrittenRecord]]) -> list[Found]:
    """Read the live state of the pages' records, all pages at once."""
    found: dict[int, Found] = {}

    async def read(place: int, page: list[WrittenRecord]) -> None:
        fields = reduce(or_, (record.fields for record in page))
        found[place] = await lookup.live(page[0].type, [record.id for record in page], fields)

    async with anyio.create_task_group() as group:
        for place, page in enumerate(pages):
            group.start_soon(read, place, page)
    return [found[place] for place in range(len(pages))]


def _judge(
    record: WrittenRecord, found: Found, schema: Schema, verified: Verified, report: Callable[[Finding], None]
) -> None:
    live = found.records.get(record.id)
    if live is None:
        why = "gone" if record.id in found.missing else "not readable"
        report(Finding(record, why))
        verified.counts[why] += 1
        return
    seen, findings = 0, []
    for trail in record.trails:
        element = _element(record.type, trail.path, schema)
        column = trail.path[1] if element and trail.path[0] != "tags" else column_of(Edit(trail.path, ABSENT, ABSENT))
        try:
            finding = _difference(record, trail, column, element, live, schema)
        except KeyError:
            verified.hidden[column] += 1
            continue
        seen += 1
        findings += [finding] if finding else []
    for finding in findings:
        report(finding)
    if seen:
        whys = {finding.why for finding in findings}
        verified.counts["differs" if "differs" in whys else "not taken" if whys else "holds"] += 1


def _element(type_name: str, path: Path, schema: Schema) -> str:
    """Return the tag, or the element of a set, that a path is about; empty for any other value."""
    of_set = path[0] == "attributes" and len(path) > 2 and schema.is_set(type_name, path[1])
    return path[-1] if of_set or path[0] == "tags" else ""


def _difference(
    record: WrittenRecord, trail: ValueHistory, column: str, element: str, live: Live, schema: Schema
) -> Finding | None:
    """How the live value differs from all that the run may have left.

    Raises:
        KeyError: the API does not show it, or nobody knows what the run left.
    """
    value = value_at(live, trail.path)
    held = [each for each in trail.held if not isinstance(each, Unread)]
    if not held:
        raise KeyError(trail.path)
    is_one_of = partial(_is_one_of, trail.path, value, schema, in_doubt=bool(trail.wanted))
    if is_one_of(trail.wanted or held):
        return None
    is_in_doubt = trail.wanted and (is_one_of(held) or len(held) < len(trail.held))
    why = "not taken" if is_in_doubt else "differs"
    if element:  # it is there or not; its name says more than true
        written, value = (element if each is True else ABSENT for each in (held[-1], value))
        return Finding(record, why, column, written, value)
    return Finding(record, why, column, held[-1], value)


def _is_one_of(path: Path, value: JSON | Absent, schema: Schema, known: Iterable[Value], *, in_doubt: bool) -> bool:
    """Whether the value is a known one; `in_doubt`: or one that the API may have tidied, which no reply showed."""
    values = [each for each in known if not isinstance(each, Unread)]
    return any(same_at(path, each, value, schema) or (in_doubt and tidied(each, value)) for each in values)
