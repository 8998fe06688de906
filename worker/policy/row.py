"""A row on its way through a run, what was found of its record, and what the run has just written."""

import math
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import reduce
from typing import Final, NamedTuple

from jobs.apis.api import Api
from jobs.changes.diff import Change, after
from jobs.changes.edits import merged
from jobs.model import Edit, Live, Request, UpdateJob
from worker.policy.lifecycle import State
from worker.policy.verdict import ReadBack, Settle

MAX_READ_AGE_S: Final = 15.0
"""Seconds that what was read of a record may be old when its PATCH leaves; after that it is read again first.

The API has no conditional update: whatever somebody else writes into the same object in between is lost. Reading 25 at
a time at the slowest documented pace (100 updates a minute) takes this long to send.
"""

READ_LAG_S: Final = 5.0
"""Seconds after a write for which a read may show what was there before it."""


class Moment(NamedTuple):
    """A point in time on both clocks: the loop's stands still while the machine sleeps, the wall's may be set."""

    loop: float
    wall: float


NEVER: Final = Moment(0.0, 0.0)


@dataclass(frozen=True, slots=True)
class Found:
    """What was found of some records; every id asked for is in one of `records`, `missing` and `failed`.

    Attributes:
        records: live state by id.
        at: when each of these was asked for.
        missing: ids of records that are proven not to exist.
        failed: ids of which nothing is known, and why.
    """

    records: Mapping[str, Live] = field(default_factory=dict)
    at: Mapping[str, Moment] = field(default_factory=dict)
    missing: frozenset[str] = frozenset()
    failed: Mapping[str, str] = field(default_factory=dict)


@dataclass(slots=True, eq=False)
class InFlightRow:
    """A row on its way: what is sent, and what it has cost so far.

    The first block is known before the sequencer takes the row; the second is the sequencer's to write, the third that
    of the attempts.

    Attributes:
        expected: what was planned for the row, None without a plan.
        doubt: reason code when an earlier attempt may have been applied, else empty.
        may_resend: it may be sent in spite of that.
        has_result: an earlier process settled it, and the user asked for it again.
        stands: an earlier process left it unknown, and so it stays: it only holds back the later rows of its record.
        image: what all attempts of the row so far replace; `imaged` once that is in the journal.
        attempts: PATCHes sent so far, earlier processes included.

        type_name: the type in the request; differs from the job's once that turned out to be abstract.
        abstract: the API may not update this type itself; the first refusals tell.
        refused: the API refused that type for this record.
        change: what is sent.
        live: the record as it was read; None in a blind run.
        read_at: when it was.
        written_at: loop time at which another row of the run wrote the record; a read soon after that may not show it.
        verdict: how the row is settled without being sent, once that is known.
        is_canary: one of the first of its type, which are sent alone.

        failures: of this process, failed for a passing reason. `throttles`: refused for pace. `races`: decided anew.
        was_sent: by this process.
        state: where it stands in the table of `lifecycle`.
    """

    job: UpdateJob
    type_name: str
    expected: tuple[Edit, ...] | None = None
    doubt: str = ""
    may_resend: bool = True
    has_result: bool = False
    stands: bool = False
    image: tuple[Edit, ...] = ()
    imaged: bool = False
    attempts: int = 0

    abstract: bool = False
    refused: bool = False
    change: Change = field(default_factory=Change)
    live: Live | None = None
    read_at: Moment = NEVER
    written_at: float = -math.inf
    verdict: Settle | ReadBack | None = None
    is_canary: bool = False

    failures: int = 0
    throttles: int = 0
    races: int = 0
    was_sent: bool = False
    state: State = State.QUEUED
    _request: Request | None = None

    @property
    def number(self) -> int:
        """The row's number in the input, from 1."""
        return self.job.ref.row

    def take(self, change: Change) -> None:
        """Have `change` sent from now on.

        While an earlier attempt may have been applied, what was there before it is what the row replaces. One that was
        certainly not applied is forgotten.
        """
        if self.doubt and self.image:
            self.image = merged(self.image, change.edits)
            paths = {edit.path for edit in change.edits}
            change = replace(change, edits=tuple(edit for edit in self.image if edit.path in paths))
        else:
            self.image = change.edits
        self.change = change
        self.imaged = False
        self.verdict = None
        self._request = None

    def remember(self, stored: tuple[Edit, ...]) -> None:
        """Take the edits of the change again, with the forms in which the API stores their values."""
        paths = {edit.path for edit in self.change.edits}  # an earlier attempt may have sent more
        self.change = replace(self.change, edits=tuple(edit for edit in stored if edit.path in paths))
        self.image = merged(self.image, stored)

    def route(self, concrete: str) -> None:
        """Have it sent by the record's concrete type from now on."""
        self.type_name, self.abstract = concrete, False
        self._request = None

    def request(self, api: Api) -> Request:
        """Return the update, built on first use (a page built in a row costs half)."""
        if self._request is None:
            self._request = api.resource(self.type_name).update(self.job, self.change, self.live)
        return self._request


@dataclass(slots=True)
class RecentWrites:
    """Changes of the last seconds by record, in the order in which they were applied; memory grows with these alone."""

    _changes: dict[str, deque[Change]] = field(default_factory=dict)
    _order: deque[tuple[float, str]] = field(default_factory=deque)

    def add(self, resource_id: str, change: Change, now: float) -> None:
        """Take note of a change that was applied at `now` (loop time)."""
        self._forget(now)
        self._changes.setdefault(resource_id, deque()).append(change)
        self._order.append((now, resource_id))

    def over(self, resource_id: str, live: Live, now: float) -> Live:
        """Return the record as it is, whether or not the read shows what was written a moment ago."""
        self._forget(now)
        return reduce(after, self._changes.get(resource_id, ()), live)

    def _forget(self, now: float) -> None:
        while self._order and now - self._order[0][0] > READ_LAG_S:
            _, resource_id = self._order.popleft()
            changes = self._changes[resource_id]
            changes.popleft()
            if not changes:
                del self._changes[resource_id]
