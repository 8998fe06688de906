"""Does the server still hold what a run wrote? Every record is read again; nothing is sent but reads."""

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import groupby, islice
from random import Random

import anyio

from jobs.change import value_at
from jobs.commercelayer import PAGE_SIZE
from jobs.images import column_of, is_at
from jobs.model import ABSENT, JSON, Absent, Edit, Fields, Live, Unread
from jobs.restoring import Trail, Written, needed, trails
from worker.connection import READ_CONCURRENCY, Way, connected
from worker.journal import History


@dataclass(frozen=True, slots=True)
class Kept:
    """One record that a run wrote, and what became of its values in the course of the run."""

    row: int
    type: str
    id: str
    trails: tuple[Trail, ...]

    @property
    def fields(self) -> Fields:
        """What has to be read of it."""
        return needed(trail.path for trail in self.trails)


@dataclass(frozen=True, slots=True)
class Finding:
    """One value that is not what the run wrote; `why` is `differs`, `gone` or `not readable`."""

    record: Kept
    why: str
    column: str = ""
    written: JSON | Absent = ""
    live: JSON | Absent = ""


@dataclass(slots=True)
class Verified:
    """Records by what was found of them: `holds`, `differs`, `gone`, `not readable`."""

    counts: Counter[str] = field(default_factory=Counter)


def written_records(history: History) -> Iterator[Kept]:
    """The records that a run wrote, one at a time in memory."""
    for (type_name, resource_id), group in groupby(history.written(), key=lambda entry: (entry[0].type, entry[0].id)):
        rows = [Written(image.row, image.edits, image.unread, not uncertain) for image, uncertain in group]
        if found := tuple(trails(rows)):
            yield Kept(rows[-1].row, type_name, resource_id, found)


def sampled(records: Iterator[Kept], size: int, dice: Random) -> list[Kept]:
    """A random sample of that size, in one pass (reservoir sampling)."""
    sample = list(islice(records, size))
    for seen, record in enumerate(records, size + 1):
        if (place := dice.randrange(seen)) < size:
            sample[place] = record
    return sorted(sample, key=lambda record: (record.type, record.id))


async def verify(way: Way, records: Iterator[Kept], report: Callable[[Finding], None]) -> Verified:
    """Read the records again, a few pages at a time, and report what is not as it was written."""
    verified = Verified()
    async with connected(way) as connection:
        pages = _pages(records)
        lookup = connection.lookup

        async def read() -> None:
            while not way.stop.reason and (page := next(pages, None)) is not None:
                fields = page[0].fields
                for record in page[1:]:
                    fields = fields | record.fields
                found = await lookup.live(page[0].type, [record.id for record in page], fields)
                if way.stop.reason:
                    return
                for record in page:
                    _judge(record, found.records.get(record.id), record.id in found.failed, verified, report)

        async with anyio.create_task_group() as group:
            for _ in range(READ_CONCURRENCY):
                group.start_soon(read)
        connection.remember()
    return verified


def _judge(
    record: Kept, live: Live | None, failed: bool, verified: Verified, report: Callable[[Finding], None]
) -> None:
    if live is None:
        why = "not readable" if failed else "gone"
        report(Finding(record, why))
    else:
        findings = list(_differences(record, live))
        why = "differs" if findings else "holds"
        for finding in findings:
            report(finding)
    verified.counts[why] += 1


def _differences(record: Kept, live: Live) -> Iterator[Finding]:
    for trail in record.trails:
        try:
            value = value_at(live, trail.path)
        except KeyError:
            continue  # the API does not show it
        held = [each for each in trail.held if not isinstance(each, Unread)]
        if held and not any(is_at(value, each, trail.before) for each in held):
            column = column_of(Edit(trail.path, ABSENT, ABSENT))
            yield Finding(record, "differs", column, held[-1], value)


def _pages(records: Iterator[Kept]) -> Iterator[list[Kept]]:
    for _, alike in groupby(records, key=lambda record: record.type):
        while page := list(islice(alike, PAGE_SIZE)):
            yield page
