"""What a simulated run is judged by: what was asked of it, and all that is known of each row. Pure."""

import json
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from tests.system.simulation.evidence import Attempt, Evidence, Told
from tests.system.simulation.model import PLAIN, Rules
from tests.system.simulation.network import Flight
from tests.system.simulation.senders import Senders
from tests.system.simulation.sheet import Row, Sheet
from worker.sandbox import Entry

VISIBLE_WITHIN: Final = 5.0
"""Seconds: of rows whose change can be read that soon, nearly all have to end `applied`."""


@dataclass(frozen=True, slots=True)
class Terms:
    """What was asked of the run.

    Attributes:
        rules: how rows change records.
        locked: ids of records that refused updates for a while.
        quiet: nothing went wrong: no faults, no limit, nobody interfered. `undisturbed`: nobody interfered.
        pauses: the server asks for pauses, which cost a row no attempt.
        blind: nothing was read first. `reads_lag`: seconds by which reads may be behind.
        stale: what is read may be old, because of that or since changes take effect late.
        tokens: tokens that may have been asked for; None when that cannot be told.
    """

    sheet: Sheet
    concurrency: int
    max_attempts: int
    rules: Rules = PLAIN
    locked: frozenset[str] = frozenset()
    quiet: bool = False
    undisturbed: bool = False
    tokens: int | None = None
    pauses: bool = False
    blind: bool = False
    reads_lag: float = 0.0
    stale: bool = False


@dataclass(frozen=True, slots=True)
class Facts:
    """All that is known of one row."""

    row: Row
    told: Told
    entries: Sequence[Entry]
    flights: Sequence[Flight]
    attempts: Sequence[Attempt]
    was_open: bool

    @property
    def name(self) -> str:
        """How violations name the row."""
        return f"row {self.told.row} ({self.told.status} {self.told.reason})"

    @property
    def applied(self) -> list[Entry]:
        """What has taken effect at the end of time."""
        return [entry for entry in self.entries if entry.applied]

    @property
    def is_shaky(self) -> bool:
        """Whether an attempt left that no reply could tell about: the only excuse for doubt."""
        lost = any(not flight.status for flight in self.flights) or self.told.attempts > len(self.flights)
        return self.was_open or lost or any(self._leaves_doubt(entry) for entry in self.entries)

    def _leaves_doubt(self, entry: Entry) -> bool:
        """Return whether its reply could not tell. A pause does tell, unless an action was to be fired."""
        if not entry.fault.endswith("-pause"):
            return bool(entry.fault)
        return entry.status >= 500 or not (self.row.replay_safe or entry.status in {403, 429})


def facts_of(sheet: Sheet, evidence: Evidence) -> Iterator[Facts]:
    """Yield what is known of each row; there must be one result a row."""
    entries, flights, attempts = defaultdict(list), defaultdict(list), defaultdict(list)
    arrived, left = Senders(sheet), Senders(sheet)
    for entry in evidence.patches:
        entries[arrived.row_of(entry.id, entry.body, entry.status)].append(entry)
    for flight in evidence.flights:
        flights[left.row_of(id_of(flight), json.loads(flight.body), flight.status)].append(flight)
    for attempt in evidence.attempts:
        attempts[attempt.row].append(attempt)
    opened = {row for attempts_left in evidence.opened for row, _ in attempts_left}
    for row, told in zip(sheet.rows, evidence.reports.csv, strict=True):
        n = row.number
        yield Facts(row, told, entries[n], flights[n], attempts[n], n in opened)


def id_of(flight: Flight) -> str:
    """The record that a PATCH is about."""
    return flight.target.partition("?")[0].rpartition("/")[2]


def in_time(terms: Terms, evidence: Evidence) -> Counter[str]:
    """Return how many rows became visible soon after their request, and how many of those are `applied`.

    Rows that somebody interfered with are not counted, nor those that no reading shows as they were written.
    """
    if not terms.undisturbed:
        return Counter()
    visible = [
        facts
        for facts in facts_of(terms.sheet, evidence)
        if facts.row.is_marked
        and (facts.row.replay_safe or not terms.blind)
        and terms.rules.keeps(facts.row)
        and facts.told.reason != "tags_discarded"
        and any(entry.lands_at + terms.reads_lag <= entry.at + VISIBLE_WITHIN for entry in facts.applied)
    ]
    applied = sum(facts.told.status == "applied" for facts in visible)
    return Counter({"visible in time": len(visible), "visible in time, applied": applied})
