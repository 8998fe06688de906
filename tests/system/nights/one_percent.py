"""Two nights of a job with many records under live limits, in virtual time, beside what simpler ways would spend.

By the second night, one row in a hundred has changed in the sheet. By day, people have edited records by hand: some
whose rows have not changed (drift), and some in the very field that the sheet has changed, too (conflicts).
"""

import tempfile
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from jobs.model import Status
from tests.system.nights.clockwork import LONGEST, Machine, loop, nights_loop
from tests.system.nights.job import Job, Line, Night, next_day
from tests.system.nights.worlds import Layer, layer
from tests.system.simulation.run import SHELF
from worker.notices.report import NightReport
from worker.sandbox import Entry, seeded_id

LIVE: Final = (200, 60.0)
"""Requests and seconds of live mode's average window: of updates, and of reads of types that are not cacheable."""

BURST: Final = (50, 10.0)
"""The same of its burst window, a quarter per sixth of the other."""

TYPE: Final = "stripe_payments"
"""Not cacheable: cacheable types may be read five times as often."""

PAGE: Final = 25
"""Records that a read shows."""

CANARIES: Final = 3
"""Updates that are sent alone, each between two reads of its whole record."""

CHANGED_EVERY: Final = 100
DRIFTED: Final = 50
CONTESTED: Final = 5
BY_HAND: Final = "by hand"

Sheet = Sequence[Line]

Hands = Mapping[str, str]
"""By the id of a record, the field of it that somebody has edited."""


def sheets(records: int) -> tuple[Sheet, Sheet]:
    """Return the sheets of both nights."""
    keys = [seeded_id(TYPE, number) for number in range(records)]
    first = [(key, {"reference": f"R-{number:06}", "metadata.batch": "2026-11"}) for number, key in enumerate(keys)]
    second = list(first)
    for place in range(CHANGED_EVERY // 2, records, CHANGED_EVERY):
        key, cells = first[place]
        second[place] = key, {**cells, "metadata.batch": "2026-12"}
    return first, second


def differing(first: Sheet, second: Sheet) -> dict[str, Collection[str]]:
    """Return the fields that differ between two sheets of the same rows, by the id of the record."""
    rows = zip(first, second, strict=True)
    return {key: [name for name in new if new[name] != old[name]] for (key, old), (_, new) in rows if new != old}


def edits(first: Sheet, second: Sheet) -> Hands:
    """Return what people edit by day, spread over all records."""
    changed = differing(first, second)
    calm, busy = [key for key, _ in second if key not in changed], list(changed)
    drifted, contested = _spread(calm, DRIFTED), _spread(busy, CONTESTED)
    return {**dict.fromkeys(drifted, "reference"), **dict.fromkeys(contested, "metadata.batch")}


def _spread(keys: Sequence[str], count: int) -> Sequence[str]:
    return keys[:: max(1, len(keys) // count)][:count]


# ---- what simpler ways would spend: computed


def least_seconds(requests: int) -> float:
    """Return the seconds that requests of one method take under live limits if nothing is ever wasted.

    Whole average windows first; in the last, a burst window for each burst but the one that ends it.
    """
    windows, left = divmod(max(0, requests - 1), LIVE[0])
    return windows * LIVE[1] + left // BURST[0] * BURST[1]


@dataclass(frozen=True, slots=True)
class Unread:
    """A way that reads nothing: it sends what it takes for a change.

    Attributes:
        writes: updates.
        overwritten: fields edited by hand that it sends over, and does not know it.
        unknown: fields edited by hand that it leaves, and does not know it.
    """

    writes: int
    overwritten: int
    unknown: int

    @property
    def seconds(self) -> float:
        """The least that it takes."""
        return least_seconds(self.writes)

    @classmethod
    def sending(cls, sent: Mapping[str, Collection[str]], hands: Hands) -> "Unread":
        """Return what comes of sending these fields of these records."""
        overwritten = sum(name in sent.get(key, ()) for key, name in hands.items())
        return cls(len(sent), overwritten, len(hands) - overwritten)


# ---- what the program spends: run


@dataclass(frozen=True, slots=True)
class Spent:
    """What a night has spent, by the server's ledger and by the clock on the wall.

    Attributes:
        refused: requests that were too fast for a limit.
    """

    reads: int
    writes: int
    refused: int
    seconds: float

    @classmethod
    def of(cls, entries: Sequence[Entry], report: NightReport) -> "Spent":
        """Count the entries of a night."""
        methods = [entry.method for entry in entries]
        refused = sum(entry.status == 429 for entry in entries)
        return cls(methods.count("GET"), methods.count("PATCH"), refused, report.seconds)


@dataclass(frozen=True, slots=True)
class Story:
    """What came of both nights.

    Attributes:
        changed: fields that differ between the sheets, by record.
        everything: what it takes to send every row. `last_run`: what differs from yesterday's sheet.
        first, second: what each night has spent.
        report: of the second night.
        told: fields that its results name as left alone, by record: in drift or in conflict.
        overwritten: fields edited by hand that it has changed.
        wrong: records that are not as they should be on the last morning.
        state_bytes: size of the memory. `run_bytes`: size of the second night's run.
    """

    records: int
    hands: Hands
    changed: Mapping[str, Collection[str]]
    everything: Unread
    last_run: Unread
    first: Spent
    second: Spent
    report: NightReport
    told: Hands
    overwritten: int
    wrong: Sequence[str]
    state_bytes: int
    run_bytes: int

    @property
    def to_send(self) -> int:
        """Rows whose change nobody contests."""
        return len(self.changed.keys() - self.hands.keys())

    @property
    def expected_reads(self) -> int:
        """Reads of the second night: all records by the page, again those to be sent, and the canaries' records."""
        return -(-self.records // PAGE) + -(-self.to_send // PAGE) + 2 * min(CANARIES, self.to_send)

    def faults(self) -> Iterator[str]:
        """Yield what a night did that it must not do."""
        if self.first.refused or self.second.refused:
            yield f"{self.first.refused} and {self.second.refused} requests were refused"
        if self.first.writes != self.records or self.second.writes != self.to_send:
            yield f"{self.first.writes} and {self.second.writes} updates, not {self.records} and {self.to_send}"
        if self.told != self.hands:
            yield f"edits by hand are told of {len(self.told)} records, not of the {len(self.hands)} that have some"
        if self.overwritten:
            yield f"{self.overwritten} edits by hand are overwritten"
        yield from self.wrong


def happen(records: int) -> Story:
    """Let both nights happen."""
    with tempfile.TemporaryDirectory(dir=SHELF) as folder, nights_loop() as runner:
        return runner.run(_happen(records, Path(folder)))


async def _happen(records: int, folder: Path) -> Story:
    home = folder / "home"
    home.mkdir()
    first, second = sheets(records)
    hands = edits(first, second)
    async with layer(records, LIVE) as there:
        longest = LONGEST + 2 * least_seconds(records)
        job = Job(there, Machine(home, longest=longest), "one per cent", more='[guards]\nchanged_rows = "off"\n')
        job.write_recipe()
        before = {key: there.record(key) for key in there.ids}
        begun, _ = await _night(job, there, first, first=True)
        await next_day()
        for key, name in hands.items():
            there.edit(key, name, BY_HAND)
        spent, night = await _night(job, there, second)
        found = {key: there.record(key) for key in before}
        wanted = {key: {**before[key], **cells} for key, cells in second}
        for key, name in hands.items():
            wanted[key][name] = BY_HAND
        loop().set_exception_handler(lambda *_: None)  # what the server's tasks say of its end is not the program's
    assert night.report is not None
    assert night.report.run is not None
    changed = differing(first, second)
    return Story(
        records, hands, changed, Unread.sending(dict(second), hands), Unread.sending(changed, hands),
        begun, spent, night.report, dict(_told(job, night)),
        overwritten=sum(found[key].get(name) != BY_HAND for key, name in hands.items()),
        wrong=[f"{key} is {found[key]}, not {wanted[key]}" for key in before if found[key] != wanted[key]],
        state_bytes=size(home / "items.state"), run_bytes=size(night.report.run),
    )  # fmt: skip


async def _night(job: Job, there: Layer, sheet: Sheet, *, first: bool = False) -> tuple[Spent, Night]:
    job.export(sheet)
    ledger = there.sandbox.ledger
    mark = len(ledger)
    night = await job.night(first=first)
    assert night.report is not None, night.told()
    assert night.is_finished, night.told()
    return Spent.of(ledger[mark:], night.report), night


def _told(job: Job, night: Night) -> Iterator[tuple[str, str]]:
    """Yield the fields that the results name as left alone."""
    for row in job.results(night):
        if (row["__status"], row["__reason"]) in {(Status.SKIPPED, "drifted"), (Status.CONFLICT, "both_changed")}:
            yield row["Key"], row["__field"]


def size(folder: Path) -> int:
    """Return the bytes of all files in a folder."""
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
