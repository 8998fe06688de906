"""A row on its way through a run, and the ways in which its attempts end."""

import math
from dataclasses import dataclass, field, replace
from typing import Final, TypeAlias

from jobs.apis.commercelayer import update_request
from jobs.changes.diff import Change
from jobs.changes.edits import merged
from jobs.model import Edit, Live, Outcome, Request, UpdateJob
from worker.clock import Clock, Moment
from worker.policy.lifecycle import State
from worker.policy.verdict import ReadBack, Settle

FRESH: Final = 15.0
"""Seconds that what was read of a record may be old when its PATCH leaves; after that it is read again first.

The API has no conditional update: whatever somebody else writes into the same object in between is lost. Reading 25 at
a time at the slowest documented pace (100 updates a minute) takes this long to send.
"""

LAG: Final = 5.0
"""Seconds after a write for which a read may show what was there before it."""

NEVER: Final = Moment(0.0, 0.0)


@dataclass(slots=True, eq=False)
class Effort:
    """A row on its way: what is sent, and what it has cost so far.

    Attributes:
        type_name: the type in the request; differs from the job's once that turned out to be abstract.
        abstract: the API may not update this type itself; the first refusals tell.
        refused: the API refused that type for this record.
        change: what is sent.
        live: the record as it was read; None in a blind run.
        read_at: when it was.
        image: what all attempts of the row so far replace; `imaged` once that is in the journal.
        written_at: loop time at which another row of the run wrote the record; a read soon after that may not show it.
        expected: what was planned for the row, None without a plan.
        attempts: PATCHes sent so far, earlier processes included.
        failures: of this process, failed for a passing reason. `throttles`: refused for pace. `races`: decided anew.
        doubt: reason code when an earlier attempt may have been applied, else empty.
        may_resend: it may be sent in spite of that.
        verdict: how the row is settled without being sent, once that is known.
        is_canary: one of the first of its type, which are sent alone. `was_sent`: by this process.
    """

    job: UpdateJob
    type_name: str
    abstract: bool = False
    refused: bool = False
    change: Change = field(default_factory=Change)
    live: Live | None = None
    read_at: Moment = NEVER
    written_at: float = -math.inf
    image: tuple[Edit, ...] = ()
    imaged: bool = False
    expected: tuple[Edit, ...] | None = None
    attempts: int = 0
    failures: int = 0
    throttles: int = 0
    races: int = 0
    doubt: str = ""
    may_resend: bool = True
    verdict: Settle | ReadBack | None = None
    is_canary: bool = False
    was_sent: bool = False
    state: State = State.QUEUED
    _request: Request | None = None

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

    def is_stale(self, clock: Clock) -> bool:
        """Whether its record was read, but too long ago to be sent by what it held."""
        return self.live is not None and clock.age(self.read_at) > FRESH

    def request(self) -> Request:
        """The PATCH, made once; for half the price where those of a page are made in turn."""
        if self._request is None:
            self._request = update_request(self.job, self.change, self.type_name)
        return self._request


@dataclass(frozen=True, slots=True)
class Rerouted:
    """The type refused with `status`; the row is queued again until its concrete type is known."""

    status: int


@dataclass(frozen=True, slots=True)
class Judged:
    """The row is to be settled. `outcome` is that of its last attempt, None when that is not what settles it."""

    settle: Settle
    outcome: Outcome | None


@dataclass(frozen=True, slots=True)
class InDoubt:
    """The row may have been applied: its record has to be read. `outcome` as in `Judged`."""

    question: ReadBack
    outcome: Outcome | None


class Left:
    """The run ended before the row was settled; the journal knows how far it came."""


LEFT = Left()
Ending: TypeAlias = Judged | Rerouted | InDoubt | Left
