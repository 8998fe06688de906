"""Judges a story about a described API from outside: reports against sheet, the server's history and the wire. Pure.

What a request did is taken from the server's history; whose request it was, from the intent that was on disk when it
left. The judge knows nothing of how bodies are built or replies are read.
"""

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final

from jobs.model import SETTLED_WELL
from tests.system.simulation.described.run import Evidence, key_of
from tests.system.simulation.described.scenario import Scenario
from tests.system.simulation.described.server import Entry, Landing, scopes
from tests.system.simulation.described.sheet import Key, Path, Row, Want, leaves, named_by, satisfied, value_at
from tests.system.simulation.described.world import Limit
from tests.system.simulation.evidence import Told
from tests.system.simulation.network import Flight
from tests.system.simulation.scenario import ENDINGS


class Kind(StrEnum):
    """Promises that can be broken."""

    RESULTS = "not exactly one result a row"
    APPLIED = "false applied"
    UNCHANGED = "false unchanged"
    REFUSED = "false refusal"
    CONFLICT = "conflict without a cause"
    BASELESS = "unknown without a cause"
    MALFORMED = "a request that the server cannot take"
    STRAY = "a change that nobody asked for"
    WRONG = "another value than was asked for"
    LOST = "somebody else's write lost"
    UNCONDITIONAL = "an update that does not say its version"
    TWICE = "action fired twice"
    STATE = "wrong on the server"
    TOGETHER = "too many in flight"
    FAST = "faster than declared"
    KEYS = "one idempotency key for two requests"
    COUNTS = "figures do not agree"
    AGAIN = "a second run sends what is there"
    UNDONE = "not restored"
    NOT_DONE = "not done without a cause"


@dataclass(frozen=True, slots=True)
class Violation:
    """One broken promise."""

    kind: Kind
    detail: str


GAP: Final = 15.0
"""Seconds that may pass between reading a record and writing it."""

_COUNTED: Final = {"update": "update", "read": "read", "find": "read"}
"""What limits count, by kind of request."""


@dataclass(slots=True)
class Facts:
    """All that is known of one row."""

    row: Row
    told: Told
    flights: list[Flight] = field(default_factory=list)
    entries: list[Entry] = field(default_factory=list)
    landings: list[Landing] = field(default_factory=list)
    attempts: int = 0
    was_open: bool = False

    @property
    def name(self) -> str:
        """How violations name the row."""
        return f"row {self.told.row} ({self.told.status} {self.told.reason})"

    @property
    def changes(self) -> list[Landing]:
        """What it changed."""
        return [each for each in self.landings if each.before != each.after]

    @property
    def is_shaky(self) -> bool:
        """Whether an attempt left that no reply could tell about."""
        lost = any(not flight.status for flight in self.flights) or self.attempts > len(self.flights)
        doubtful = any(
            entry.fault not in {"", "limit", "throttle", "busy"} or entry.status == 0 for entry in self.entries
        )
        return self.was_open or lost or doubtful


def judge(plan: Scenario, evidence: Evidence) -> list[Violation]:
    """Return every promise that the story broke."""
    told = evidence.reports.csv
    if [each.row for each in told] != [row.number for row in plan.sheet.rows]:
        return [Violation(Kind.RESULTS, f"results.csv has the rows {[each.row for each in told]}")]
    found = facts_of(plan, evidence)
    court = _Court(plan, evidence, found)
    return [
        *court.reports(),
        *(violation for facts in found for violation in court.row(facts)),
        *court.effects(),
        *court.state(),
        *court.wire(),
        *court.pace(),
        *court.again(),
        *court.undone(),
    ]


def facts_of(plan: Scenario, evidence: Evidence) -> list[Facts]:
    """Return what is known of each row."""
    found = [Facts(row, told) for row, told in zip(plan.sheet.rows, evidence.reports.csv, strict=True)]
    for flight, sender in zip(evidence.flights, evidence.senders, strict=False):
        if sender is not None:
            found[sender[0] - 1].flights.append(flight)
    for entry in evidence.ledger[: evidence.entries]:
        if row := _sender(entry, evidence):
            found[row - 1].entries.append(entry)
    for landing in evidence.landings:
        if row := _sender_of(landing, evidence):
            found[row - 1].landings.append(landing)
    for attempt in evidence.attempts:
        found[attempt.row - 1].attempts += 1
    for row, _ in (each for left in evidence.opened for each in left):
        found[row - 1].was_open = True
    return found


def _sender_of(landing: Landing, evidence: Evidence) -> int | None:
    """Return the row that a change is from; None for others, and for what was done once the run was over."""
    if not 0 < landing.entry <= evidence.entries:
        return None
    return _sender(evidence.ledger[landing.entry - 1], evidence)


def _sender(entry: Entry, evidence: Evidence) -> int | None:
    if entry.flight is None or entry.flight >= len(evidence.senders):
        return None
    sender = evidence.senders[entry.flight]
    return None if sender is None else sender[0]


@dataclass(slots=True)
class _Court:
    plan: Scenario
    evidence: Evidence
    found: Sequence[Facts]

    def was(self, key: Key, want: Want) -> bool:
        """Return whether a record was ever as a row wants it."""
        return any(satisfied(self.plan.world, state.values, want) for _, state in self.evidence.past[key])

    # reports

    def reports(self) -> Iterator[Violation]:
        reports = self.evidence.reports
        if reports.csv != reports.ndjson:
            yield Violation(Kind.RESULTS, "results.ndjson tells another story than results.csv")
        statuses = {told.row: told.status for told in reports.csv}
        if reports.counts != dict(Counter(statuses.values())):
            yield Violation(Kind.COUNTS, f"summary.json counts {reports.counts}")
        bad = [row for row, status in statuses.items() if status not in SETTLED_WELL]
        if list(reports.failed) != bad:
            yield Violation(Kind.COUNTS, f"failed.* has the rows {reports.failed}, and not {bad}")
        state, status = self.evidence.ended
        expected = {"finished": {1 if bad else 0}, "stopped": {3}, "interrupted": {130, 143}}[state]
        if status not in expected or (reports.state, reports.exit_status) != self.evidence.ended:
            yield Violation(Kind.COUNTS, f"ended as {state} with {status}; summary.json says {reports.exit_status}")
        if reports.patches != len(self.evidence.attempts):
            yield Violation(Kind.COUNTS, f"{reports.patches} updates are told, {len(self.evidence.attempts)} known")
        if self.plan.is_quiet and state != "finished":
            yield Violation(Kind.NOT_DONE, f"it ended as {state}, and nothing went wrong")

    # rows

    def row(self, facts: Facts) -> Iterator[Violation]:
        told, row, name = facts.told, facts.row, facts.name
        match told.status:
            case "applied":
                yield from self._applied(facts)
            case "unchanged":
                yield from self._unchanged(facts)
            case "unknown":
                yield from self._unknown(facts)
            case "pending":
                if told.reason == "not_reached" and self.evidence.ended[0] == "finished":
                    yield Violation(Kind.NOT_DONE, f"{name}: the run has finished")
            case _:
                yield from self._refused(facts)
        if row.ends and (told.status not in {row.ends, "pending"} or facts.flights):
            yield Violation(Kind.REFUSED, f"{name}: it cannot be sent, and ends as {row.ends}")
        fired = sum(landing.fired for landing in facts.landings)
        if fired > 1 + self.evidence.consents.get(told.row, 0):
            yield Violation(Kind.TWICE, f"{name}: fired {fired} times")
        if self.plan.is_quiet and self.evidence.ended[0] == "finished" and not self._is_done(facts):
            yield Violation(Kind.NOT_DONE, name)
        if not len(facts.entries) <= len(facts.flights) <= facts.attempts:
            detail = f"{facts.attempts} attempts known, {len(facts.flights)} left, {len(facts.entries)} arrived"
            yield Violation(Kind.COUNTS, f"{name}: {detail}")

    def _is_done(self, facts: Facts) -> bool:
        row, told = facts.row, facts.told
        can = row.exists and not (row.ends or row.refused or row.ghost) and row.key not in self.plan.locked
        behind = any(
            other.row.ghost and other.row.key == row.key and other.row.number < row.number for other in self.found
        )
        untold = not self.plan.world.readable and any(map(self._is_tidied, row.wants))  # that may be the old value
        return not can or behind or told.status in SETTLED_WELL or (untold and told.reason == "not_taken")

    def _is_tidied(self, want: Want) -> bool:
        """Return whether the server stores a text in another form than the row has it."""
        return self.plan.world.canonical and isinstance(want.value, str) and want.value != want.value.strip()

    def _applied(self, facts: Facts) -> Iterator[Violation]:
        row, name, world = facts.row, facts.name, self.plan.world
        if not row.exists:
            yield Violation(Kind.APPLIED, f"{name}: there is no such record")
            return
        if not facts.landings:
            sent = facts.is_shaky
            there = all(self.was(row.key, want) for want in row.wants)
            if not (facts.told.reason == "read_back" and sent and there):
                yield Violation(Kind.APPLIED, f"{name}: the server never applied it")
        if row.ghost and (world.readable or facts.told.reason != "unverified"):
            yield Violation(Kind.APPLIED, f"{name}: the server dropped a part of it")
        for want in row.wants:
            if want.shown and not (self.was(row.key, want) or self._is_overtaken(facts, want)):
                yield Violation(Kind.APPLIED, f"{name}: {want.path} was never so")
            taken = any(want.path[0] in landing.named for landing in facts.landings)
            inferred = facts.told.reason == "read_back" and self.plan.races and any(each.shown for each in row.wants)
            if not (want.shown or taken or inferred):  # somebody else may have set what shows it
                yield Violation(Kind.APPLIED, f"{name}: {want.path} was never taken")
        if not facts.told.reason and len(facts.landings) > 1 and not facts.was_open:
            firsts = facts.landings[:-1]
            if any(landing.before != landing.after for landing in firsts) and not self.evidence.consents:
                yield Violation(Kind.APPLIED, f"{name}: it landed {len(facts.landings)} times, and does not say so")

    def _is_overtaken(self, facts: Facts, want: Want) -> bool:
        """Return whether a retry left out what a later row of the record had set."""
        if not any(line.endswith(": retry") for line in self.evidence.story):
            return False
        later = [
            each.row for each in self.found if each.row.key == facts.row.key and each.row.number > facts.row.number
        ]
        return any(_touches(want, each) for row in later for each in row.wants)

    def _unchanged(self, facts: Facts) -> Iterator[Violation]:
        row, name = facts.row, facts.name
        if not row.exists or row.ghost or any(not want.shown for want in row.wants):
            yield Violation(Kind.UNCHANGED, f"{name}: nobody can tell")
            return
        for want in row.wants:
            if not self.was(row.key, want):
                yield Violation(Kind.UNCHANGED, f"{name}: {want.path} was never so")
        if facts.changes and not facts.is_shaky:
            yield Violation(Kind.UNCHANGED, f"{name}: it was sent, and changed something")

    def _unknown(self, facts: Facts) -> Iterator[Violation]:
        row, world = facts.row, self.plan.world
        excused = (
            facts.is_shaky
            or row.ghost
            or self.plan.races
            or (world.reads_lag > world.settle_s)
            or (world.canonical and any(want.path[0] in {"title", "note"} for want in row.wants))
            or (world.faults.reads and world.echo != "whole")
            or any(act.deed in {"server errors", "outage", "token revoked"} for act in self.plan.acts)
        )
        if not excused:
            yield Violation(Kind.BASELESS, f"{facts.name}: every attempt was answered")

    def _refused(self, facts: Facts) -> Iterator[Violation]:
        row, told, name = facts.row, facts.told, facts.name
        if facts.changes and not self.evidence.consents.get(told.row):
            yield Violation(Kind.REFUSED, f"{name}: the server applied it")
        if told.status == "conflict" and not self.plan.races and told.reason != "overtaken":
            yield Violation(Kind.CONFLICT, f"{name}: nobody else writes")
        if told.reason in {"not_found", "reference_not_found"} and row.exists:
            yield Violation(Kind.REFUSED, f"{name}: the record exists")
        elif told.status == "rejected" and row.exists and not (row.refused or row.ghost or self._is_locked(facts)):
            yield Violation(Kind.REFUSED, f"{name}: nothing is wrong with it")
        if told.status == "invalid" and row.ends != "invalid":
            yield Violation(Kind.REFUSED, f"{name}: nothing is wrong with it")
        if told.status == "skipped" and row.ends != "skipped" and told.reason != "superseded":
            yield Violation(Kind.REFUSED, f"{name}: there is something to do")

    def _is_locked(self, facts: Facts) -> bool:
        return facts.told.reason == "locked" and facts.row.key in self.plan.locked

    # effects

    def effects(self) -> Iterator[Violation]:
        """Yield what requests did that no row asked for."""
        for facts in self.found:
            for landing in facts.landings:
                yield from self._effect(facts, landing)
        known = {id(landing) for facts in self.found for landing in facts.landings}
        for landing in self.evidence.landings:
            if 0 < landing.entry <= self.evidence.entries and id(landing) not in known:
                yield Violation(Kind.STRAY, f"request {landing.entry} changed {landing.key}, and is from no row")

    def _effect(self, facts: Facts, landing: Landing) -> Iterator[Violation]:
        world, row = self.plan.world, facts.row
        entry = self.evidence.ledger[landing.entry - 1]
        if landing.key != row.key:
            yield Violation(Kind.STRAY, f"{facts.name}: changed {landing.key}")
            return
        if landing.fired and not row.fires:
            yield Violation(Kind.STRAY, f"{facts.name}: fired an action")
        if world.versions and world.readable and entry.builds_on is None:
            yield Violation(Kind.UNCONDITIONAL, f"{facts.name}: request {entry.n}")
        before, after = leaves(landing.before, world), leaves(landing.after, world)
        for path in dict.fromkeys((*before, *after)):
            if path[0] == "ping" or before.get(path) == after.get(path):
                continue
            wants = [want for want in row.wants if _covers(want, path)]
            if not wants:
                yield from self._stray(facts, landing, path, after.get(path))
            elif not all(satisfied(world, landing.after, want) for want in wants):
                yield Violation(Kind.WRONG, f"{facts.name}: {path} is {after.get(path)!r}")

    def _stray(self, facts: Facts, landing: Landing, path: Path, value: Any) -> Iterator[Violation]:
        """A member that the row does not name: only without versions, and in the gap between reading and writing."""
        world, key = self.plan.world, landing.key
        since = landing.at - GAP - world.reads_lag - world.late - 5
        history = self.evidence.past[key]
        recent = [state for at, state in history if at >= since]
        older = [state for at, state in history if at < since][-1:]
        was = any(leaves(state.values, world).get(path) == value for state in (*older, *recent))
        others = [each for each in self.evidence.landings if each.key == key and not each.entry and each.at >= since]
        theirs = any(leaves(e.before, world).get(path) != leaves(e.after, world).get(path) for e in others)
        if theirs and was and not world.versions:
            return
        kind = Kind.LOST if theirs else Kind.STRAY
        yield Violation(kind, f"{facts.name}: {path} of {key} became {value!r} at {landing.at:.3f}")

    # what is left

    def state(self) -> Iterator[Violation]:
        """Each record is as its rows left it, where nobody else writes and nothing lands late."""
        if self.plan.races or self.plan.world.late:
            return
        rows = defaultdict(list)
        for facts in self.found:
            rows[facts.row.key].append(facts)
        for key, listed in rows.items():
            if key not in self.evidence.after:
                continue
            later: list[Want] = []
            for facts in reversed(listed):
                if facts.told.status in {"applied", "unchanged"}:
                    for want in facts.row.wants:
                        open_ = not any(_touches(want, each) for each in later)
                        if want.shown and open_ and not satisfied(self.plan.world, self.evidence.after[key], want):
                            held = value_at(self.evidence.after[key], want.path)
                            yield Violation(Kind.STATE, f"{facts.name}: {want.path} of {key} is {held!r}")
                later += facts.row.wants

    # the wire

    def wire(self) -> Iterator[Violation]:
        plan, evidence, world = self.plan, self.evidence, self.plan.world
        flights = list(zip(evidence.flights, evidence.senders, strict=False))
        for flight, sender in flights:
            if sender is None:
                yield Violation(Kind.STRAY, f"an update of {flight.target} left without an intent")
        under_way: list[Flight] = []
        for flight in evidence.flights:
            under_way = [each for each in under_way if each.ended is None or each.ended > flight.began]
            if any(key_of(world, each.target) == key_of(world, flight.target) for each in under_way):
                yield Violation(Kind.TOGETHER, f"two updates of {flight.target} at {flight.at:.3f}")
            under_way.append(flight)
            if sum(each.client == flight.client for each in under_way) > plan.case.pacing.concurrency:
                yield Violation(Kind.TOGETHER, f"too many updates at {flight.at:.3f}")
        for entry in evidence.ledger:
            if entry.fault == "key reused" and not self._keeps_its_key(entry):
                yield Violation(Kind.KEYS, f"request {entry.n}")
            if self._is_malformed(entry):
                yield Violation(Kind.MALFORMED, f"request {entry.n}: {entry.method} {entry.target} got {entry.status}")

    def _keeps_its_key(self, entry: Entry) -> bool:
        """Return whether an update is the repetition, by consent, of an action that may have fired.

        Its key is never renewed, so that it cannot fire twice; the record may have changed since, and so the request.
        """
        row = _sender(entry, self.evidence)
        return bool(row and self.found[row - 1].row.fires and self.evidence.consents.get(row))

    def _is_malformed(self, entry: Entry) -> bool:
        world = self.plan.world
        if entry.status in {415, 428} or (entry.status == 404 and not entry.kind):
            return True
        if entry.status == 400 and entry.fault != "key reused":
            return world.conflict != 400 or entry.kind != "update"
        told = any(row.key == key and (row.refused or row.ghost) for row in self.plan.sheet.rows for key in entry.keys)
        if world.format == "json_patch" and not told:  # what has been removed cannot be removed again
            told = any(other.fault for other in self.evidence.ledger[: entry.n - 1] if other.keys == entry.keys)
        return entry.status == 422 and not told

    # pace

    def pace(self) -> Iterator[Violation]:
        for limit in self.plan.world.limits:
            for scope, times in self._arrivals(limit).items():
                late = zip(times, times[limit.requests :], strict=False)
                if soon := [(first, last) for first, last in late if last - first < limit.seconds - 1e-6]:
                    (first, last), many = soon[0], limit.requests + 1
                    detail = f"{many} of {limit.on} in {last - first:.3f} s by {limit.per} {scope[0]} at {last:.3f}"
                    yield Violation(Kind.FAST, detail)
        most = self.plan.world.concurrency
        counted = [entry for entry in self.evidence.ledger if entry.kind in _COUNTED]
        for entry in counted if most else ():
            beside = [each for each in counted if each.process == entry.process and each.is_under_way(entry.at)]
            if len(beside) > (most or 0):
                yield Violation(Kind.TOGETHER, f"{len(beside)} requests at {entry.at:.3f}")
                return

    def _arrivals(self, limit: Limit) -> Mapping[tuple[str, int], list[float]]:
        """Return when requests arrived that a limit counts together."""
        # what a killed process had read, and windows of records and variables, the next process does not know
        lasting = limit.per in {"credential", "path"} and not any(act.deed in ENDINGS for act in self.plan.acts)
        times = defaultdict[tuple[str, int], list[float]](list)
        for entry in self.evidence.ledger:
            if _COUNTED.get(entry.kind) in ({"read", "update"} if limit.on == "all" else {limit.on}):
                for scope in scopes(self.plan.world, limit, entry):
                    times[scope, 0 if lasting else entry.process].append(entry.at)
        return times

    # afterwards

    def _is_settled(self, key: Key) -> bool:
        """Return whether a second run has nothing to do for a record."""
        world, after = self.plan.world, self.evidence.after
        if key not in after or not world.readable:
            return world.readable
        rows = [facts.row for facts in self.found if facts.row.key == key and not facts.row.ends]
        return not any(
            row.ghost or row.refused or any(not want.shown or not self._holds(key, want) for want in row.wants)
            for row in rows
        )

    def _holds(self, key: Key, want: Want) -> bool:
        """Return whether a record holds the very value that a row wants, and no stored form of it."""
        world, values = self.plan.world, self.evidence.after[key]
        return satisfied(world, values, want) and not self._is_tidied(want)

    def again(self) -> Iterator[Violation]:
        """A second run sends nothing for a record that is as all its rows want it."""
        evidence = self.evidence
        if evidence.told_again is None:
            return
        for entry in evidence.ledger[evidence.entries : evidence.entries_again]:
            if entry.kind == "update" and self._is_settled(entry.keys[0]):
                yield Violation(Kind.AGAIN, f"{entry.target} is sent once more")
        for told, facts in zip(evidence.told_again, self.found, strict=True):
            row = facts.row
            if row.exists and not row.ends and self._is_settled(row.key) and told.status != "unchanged":
                yield Violation(Kind.AGAIN, f"row {row.number} is {told.status} {told.reason} in a second run")

    def undone(self) -> Iterator[Violation]:
        """An undo restores what the run changed, where nobody has changed it since."""
        evidence, world = self.evidence, self.plan.world
        if evidence.undone is None or self.plan.races or world.late:
            return
        for key, before in self.plan.sheet.records.items():
            facts = [each for each in self.found if each.row.key == key]
            if any(each.told.status in {"unknown", "failed", "pending"} or each.row.ghost for each in facts):
                continue
            second = range(evidence.entries + 1, evidence.entries_again + 1)
            if any(
                each.key == key and each.entry in second and each.before != each.after for each in evidence.landings
            ):
                continue  # rows that contradict each other were sent once more
            old, new = leaves(before, world), leaves(evidence.undone[key], world)
            for path in dict.fromkeys((*old, *new)):
                # an element that is cleared goes with all that it holds, and an undo knows its value alone
                lost = path[0] == "props" and path[-1] != "value"
                if path[0] not in {"pin", "ping"} and not lost and old.get(path) != new.get(path):
                    detail = f"{path} of {key} is {new.get(path)!r}, and was {old.get(path)!r}"
                    yield Violation(Kind.UNDONE, detail)


def _covers(want: Want, path: Path) -> bool:
    """Return whether a row names a value."""
    if want.how == "holds":
        return any(_starts(path, each) for each in named_by(want))
    if want.value is None and want.path[0] == "props":
        return _starts(path, want.path[:2])  # the element may go as a whole
    return _starts(path, want.path)


def _starts(one: Path, other: Path) -> bool:
    shorter, longer = sorted((one, other), key=len)
    return longer[: len(shorter)] == shorter


def _touches(one: Want, other: Want) -> bool:
    return _starts(one.path, other.path)


__all__ = ["Facts", "Kind", "Violation", "facts_of", "judge"]
