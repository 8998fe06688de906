"""A row on its way through a run, what was read of its record, and what the run has just written."""

import math
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import reduce
from typing import Final, NamedTuple

from jobs.agreement.model import Told
from jobs.apis.api import Api
from jobs.changes.diff import Change, after
from jobs.changes.edits import merged
from jobs.model import Edit, Live, Request, UpdateJob
from jobs.values import valueclass
from worker.policy.lifecycle import State
from worker.policy.verdict import ReadBack, Settle

MAX_READ_AGE_S: Final = 15.0
"""Seconds of age that a read may have when its PATCH leaves; after that the record is read again first.

The API has no conditional update: a change that another client makes to the same object in between is lost. At the
slowest documented pace (100 updates a minute), this is the time to send a page of 25.
"""

READ_LAG_S: Final = 5.0
"""Seconds after a write in which a read may still show the old values."""


MAX_PREFETCHED_PAGES: Final = 8
"""Maximum number of pages of rows that are read ahead of the senders, however fast those are."""

MAX_PREFETCHED_ROWS: Final = 200
"""The same in rows, for small pages."""


class Moment(NamedTuple):
    """A point in time on both clocks: the loop's stops while the machine sleeps, the wall clock may be set."""

    loop: float
    wall: float


NEVER: Final = Moment(0.0, 0.0)


def room_at(rate: float, page: int) -> int:
    """Return how many rows may be read ahead of the senders without growing stale before they are sent.

    Args:
        rate: rows per second that can be sent, infinity if nothing is known.
        page: rows on a page.
    """
    most = max(MAX_PREFETCHED_PAGES * page, MAX_PREFETCHED_ROWS)
    return most if math.isinf(rate) else min(most, max(page, int(rate * MAX_READ_AGE_S / 2)))


@valueclass(frozen=True, slots=True)
class Found:
    """The result of reading some records; every requested id is in one of `records`, `missing` and `failed`.

    Attributes:
        records: live state by id.
        at: when each of these was requested.
        missing: ids of records that are proven not to exist.
        failed: ids of records that could not be read, and why.
    """

    records: Mapping[str, Live] = field(default_factory=dict)
    at: Mapping[str, Moment] = field(default_factory=dict)
    missing: frozenset[str] = frozenset()
    failed: Mapping[str, str] = field(default_factory=dict)


@dataclass(slots=True, eq=False)
class InFlightRow:
    """A row on its way: what to send, and the attempts so far.

    The first block is known before the sequencer takes the row. The sequencer writes the second block, the attempts
    write the third.

    Attributes:
        expected: edits planned for the row, None without a plan.
        doubt: reason code if an earlier attempt may have been applied, else empty.
        may_resend: it may be sent in spite of that doubt.
        has_result: an earlier process settled it, and the user asked to repeat it.
        stands: an earlier process left it unknown, and it stays so: it only holds back the later rows of its record.
        image: the values that all attempts of the row so far replace; `imaged` once the journal has them.
        attempts: PATCHes sent so far, earlier processes included.
        answered: number of the last of them that the server answered; its idempotency key is not used again.

        type_name: the type in the request; differs from the job's type if that is abstract.
        abstract: the API may refuse to update this type itself; the first refusals show it.
        refused: the API refused that type for this record.
        change: to be sent.
        live: the record as it was read; None in a blind run.
        read_at: when it was read.
        written_at: loop time at which another row of the run wrote the record; a read soon after may not show that.
        verdict: how the row is settled without being sent, once that is known.
        is_canary: one of the first of its type, which are sent alone.
        was_tried: an earlier night has left it in doubt: how it ends says nothing new about its type.
        told: in a night, what its result has to say of single fields: those that are held back, and those that are sent
            over what somebody else had changed.

        failures: in this process, for a temporary reason. `throttles`: refusals for pace. `races`: decided anew.
        was_sent: by this process.
        state: of the row in the table of `lifecycle`.
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
    answered: int = 0

    abstract: bool = False
    refused: bool = False
    change: Change = field(default_factory=Change)
    live: Live | None = None
    read_at: Moment = NEVER
    written_at: float = -math.inf
    verdict: Settle | ReadBack | None = None
    is_canary: bool = False
    was_tried: bool = False
    told: tuple[Told, ...] = ()

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
        """Send `change` from now on.

        If an earlier attempt may have been applied, the row replaces the values from before that attempt. An attempt
        that was certainly not applied is forgotten.
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
        """Replace the edits of the change by `stored`: the same edits with values in the form that the API stores."""
        paths = {edit.path for edit in self.change.edits}  # an earlier attempt may have sent more
        self.change = replace(self.change, edits=tuple(edit for edit in stored if edit.path in paths))
        self.image = merged(self.image, stored)

    def route(self, concrete: str) -> None:
        """Send the row by its record's concrete type from now on."""
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

    _changes: dict[str, deque[tuple[Change, frozenset[str]]]] = field(default_factory=dict)
    _order: deque[tuple[float, str]] = field(default_factory=deque)

    def add(self, resource_id: str, types: frozenset[str], change: Change, now: float) -> None:
        """Take note of a change that was applied at `now` (loop time).

        Args:
            resource_id: of the record.
            types: by which the record may be read: records of other types may have the same id.
            change: that was applied.
            now: loop time.
        """
        self._forget(now)
        self._changes.setdefault(resource_id, deque()).append((change, types))
        self._order.append((now, resource_id))

    def over(self, resource_id: str, live: Live, now: float) -> Live:
        """Return the record as it is, whether or not the read shows what was written a moment ago.

        A read that an update is built on as a whole was not made so soon (`lag_s`): it shows what was written, and what
        others have written since, which must not be lost.
        """
        self._forget(now)
        if live.basis is not None:
            return live
        return reduce(
            after, (change for change, types in self._changes.get(resource_id, ()) if live.type in types), live
        )

    def age(self, resource_id: str, now: float) -> float:
        """Return the seconds since the record was last written, infinity if that is longer ago than a read may lag."""
        self._forget(now)
        written = [at for at, each in self._order if each == resource_id]
        return now - written[-1] if written else math.inf

    def _forget(self, now: float) -> None:
        while self._order and now - self._order[0][0] > READ_LAG_S:
            _, resource_id = self._order.popleft()
            changes = self._changes[resource_id]
            changes.popleft()
            if not changes:
                del self._changes[resource_id]
