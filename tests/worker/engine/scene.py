"""What tests of the engine share: rows of orders, a journal that notes down, and records that change in time."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from jobs.apis.api import Api
from jobs.changes.diff import Change, difference
from jobs.model import JSON, Fields, Live, RowRef, RowResult, UpdateJob
from tests.commerce_layer import COMMERCE_LAYER
from tests.schemas import TERMS
from worker.clock import Clock, Moment
from worker.journal import Planned
from worker.policy.row import Found, InFlightRow
from worker.policy.verdict import Settle

WALL = 1_800_000_000.0
"""Seconds since the epoch at which virtual time begins."""

Shown = Live | str | None
"""What a read shows of a record: its state, why it failed, or None where the record is proven to be missing."""


def now() -> float:
    return asyncio.get_running_loop().time()


def clock() -> Clock:
    return Clock(wall=lambda: WALL + now(), sample=lambda: 0.5)


def row(number: int, key: str = "", kind: str = "orders", **known: Any) -> InFlightRow:
    """A row that sets the name of a record of its own, unless a `key` says of which."""
    attributes: dict[str, JSON] = known.pop("attributes", {"name": "new"})
    triggers: dict[str, JSON] = known.pop("triggers", {})
    reference: str = known.pop("reference", "")
    key = "" if reference else key or f"k{number}"
    job = UpdateJob(RowRef(number, number, b""), kind, key, attributes, triggers=triggers, reference=reference)
    return InFlightRow(job, kind, **known)


def decide(each: InFlightRow, live: Live) -> Change | Settle:
    change = difference(each.job, live, TERMS)
    return Settle("as_wanted") if change.is_empty else change


def live(name: str = "old", kind: str = "orders") -> Live:
    return Live(kind, {"name": name}, fields=Fields(frozenset({"name"})))


def found(*rows: InFlightRow, name: str = "old", kind: str = "") -> Found:
    """What is read of the rows' records, just now."""
    records = {each.job.id: live(name, kind or each.job.type) for each in rows}
    return Found(records, dict.fromkeys(records, Moment(now(), WALL + now())))


@dataclass
class Notes:
    """The journal, as lines in the order in which they were written."""

    lines: list[str] = field(default_factory=list)
    results: dict[int, RowResult] = field(default_factory=dict)
    planned: list[Planned] = field(default_factory=list)

    async def intend(self, row: int, attempt: int, wall: float, image: Any) -> None:
        self.lines.append(f"intend {row}")

    def withdraw(self, row: int, attempt: int) -> None:
        self.lines.append(f"withdraw {row}")

    def note(self, row: int, attempt: int, outcome: str) -> None:
        self.lines.append(f"note {row} {outcome}")

    def settle(self, result: RowResult) -> None:
        assert result.ref.row not in self.results
        self.results[result.ref.row] = result
        self.lines.append(f"settle {result.ref.row} {result.status} {result.reason}".strip())

    def plan(self, planned: Planned) -> None:
        self.planned.append(planned)
        self.lines.append(f"plan {planned.row} {planned.status} {planned.reason}".strip())

    def aim(self, row: int, key: str) -> None:
        self.lines.append(f"aim {row} {key}")

    def learn(self, name: str, value: str) -> None:
        self.lines.append(f"learn {name} {value}")

    def hold(self, row: int, told: Any) -> None:
        self.lines.append(f"hold {row} {' '.join(each.kind for each in told)}")

    def keep_stored(self, row: int, image: Any) -> None:
        self.lines.append(f"stored {row}")

    def ends(self) -> dict[int, str]:
        """How the rows ended, by number."""
        return {number: f"{each.status} {each.reason}".strip() for number, each in self.results.items()}


@dataclass
class Records:
    """A lookup.

    Attributes:
        shows: what is shown of a record at a time.
        in_full: all attributes of single records, in turn, the last one for ever; None: they cannot be read.
        takes: seconds of a read.
        asked: time, type and ids of every page; `wanted`: what of its records; `patience`: how patiently.
        reads: time and id of each single record.
    """

    shows: Callable[[str, float], Shown] = lambda _key, _time: live()
    in_full: Sequence[Mapping[str, JSON] | None] = (None,)
    takes: float = 0.0
    asked: list[tuple[float, str, tuple[str, ...]]] = field(default_factory=list)
    wanted: list[Fields] = field(default_factory=list)
    patience: set[bool] = field(default_factory=set)
    reads: list[tuple[float, str]] = field(default_factory=list)
    api: Api = COMMERCE_LAYER

    async def live(self, kind: str, ids: Sequence[str], fields: Fields, *, patient: bool = True) -> Found:
        asked_at = now()
        self.asked.append((asked_at, kind, tuple(ids)))
        self.wanted.append(fields)
        self.patience.add(patient)
        shown = {each: self.shows(each, asked_at) for each in ids}
        if self.takes:
            await asyncio.sleep(self.takes)
        records = {key: each for key, each in shown.items() if isinstance(each, Live)}
        failed = {key: each for key, each in shown.items() if isinstance(each, str)}
        missing = frozenset(key for key, each in shown.items() if each is None)
        return Found(records, dict.fromkeys(records, Moment(asked_at, WALL + asked_at)), missing, failed)

    async def record(self, _kind: str, key: str) -> Mapping[str, JSON] | None:
        self.reads.append((now(), key))
        return self.in_full[min(len(self.reads), len(self.in_full)) - 1]

    @property
    def times(self) -> list[float]:
        """When pages were asked for."""
        return [each for each, _, _ in self.asked]
