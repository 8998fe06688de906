"""Judges results by the server's truth at the end of time, when everything has taken effect that ever will. Pure.

Not seen applied is not the same as not applied: a row is `failed` or `rejected` only if nothing that it sent is ever
carried out, however late.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from jobs.model import RowResult, Status
from tests.system.hostile import patterns as P  # noqa: N812
from tests.system.hostile.evils import EVILS
from tests.system.hostile.stage import Row
from tests.system.hostile.temper import VISIBLE_WITHIN, Temper
from tests.system.hostile.truth import Record, Seen, Truth

OPENLY_REFUSED: Final = {evil.name for evil in EVILS if evil.pattern in {P.THROTTLED, P.CONFLICTING}}
"""Evils after which even a trigger may be sent again: the server said that it did nothing."""

ASKED_TO_WAIT: Final = {evil.name for evil in EVILS if evil.pattern is P.ASKED_TO_WAIT}
"""Evils after which a row may be sent again that fires nothing."""

SAID_MISSING: Final = {"404", "410"}
"""Evils that claim that a record does not exist."""

ENOUGH: Final = 0.99
"""Of the rows that become visible in time, the share that has to end `applied`."""

KINDS: Final = (
    "false applied", "false rejected", "false failed", "false conflict", "false unchanged", "false not_found",
    "unknown without a reason", "no result", "not worked on", "trigger fired twice", "trigger sent again",
    "hidden send", "out of order", "wrong at the end", "as a whole",
)  # fmt: skip
"""What can be wrong."""


@dataclass(frozen=True, slots=True)
class Violation:
    """One untruth, or one request too many. `kind` is a line of the hunt's table."""

    kind: str
    row: int
    detail: str


def judge(
    rows: Sequence[Row],
    told: Iterable[RowResult],
    truth: Truth,
    refused: Mapping[str, int] | None = None,
    *,
    blind: bool = False,
) -> list[Violation]:
    """Return everything that is wrong.

    Args:
        rows: numbered from 1; no two of them ask for the same value of one record.
        told: their results.
        truth: of the server, at the end of time.
        refused: the status with which the server refused to update a record, by id.
        blind: nothing was read first, so that a stored form cannot be told from the old value.
    """
    results = {result.ref.row: result for result in told}
    by_id: dict[str, list[int]] = {}
    for number, row in enumerate(rows, 1):
        by_id.setdefault(row.id, []).append(number)
    seen = _seen(truth)
    found = []
    for number, row in enumerate(rows, 1):
        if number not in results:
            found.append(Violation("no result", number, row.id))
        else:
            case = _Case(number, row, results[number], truth, seen.get(row.id, ()), (refused or {}).get(row.id))
            unsure = blind and case.result.status is Status.UNKNOWN and truth.stored(row.wanted) != row.wanted
            found += [each for each in case.violations() if not (unsure and each.kind == "unknown without a reason")]
    for resource_id, numbers in by_id.items():
        own = [(number, rows[number - 1], results[number]) for number in numbers if number in results]
        found += _record(resource_id, own, truth, seen.get(resource_id, ()))
    return found


def by_weight(violations: Iterable[Violation]) -> list[Violation]:
    """Return the violations, the telling ones first: a run that stopped has hundreds of rows without a result."""
    return sorted(violations, key=lambda each: (each.kind == "no result", each.kind != "as a whole"))


def examples(violations: Iterable[Violation], most: int = 10) -> Iterator[str]:
    """Yield a line each for the first violations of every kind."""
    told: Counter[str] = Counter()
    for each in by_weight(violations):
        told[each.kind] += 1
        if told[each.kind] <= most:
            yield f"{each.kind}: row {each.row}: {each.detail}"


def _seen(truth: Truth) -> dict[str, list[Seen]]:
    """Return what is in the ledger, by record."""
    seen: dict[str, list[Seen]] = {}
    for each in truth.ledger:
        seen.setdefault(each.id, []).append(each)
    return seen


@dataclass(frozen=True, slots=True)
class _Case:
    """One row before the judge. `seen` are the requests about its record, `refused` says how the server refuses it."""

    number: int
    row: Row
    result: RowResult
    truth: Truth
    seen: Sequence[Seen]
    refused: int | None

    @property
    def record(self) -> Record:
        return self.truth.records[self.row.id]

    @property
    def sent(self) -> list[Seen]:
        """PATCHes of this row; one whose body was not read may be of any row of its record."""
        return [each for each in self.seen if each.method == "PATCH" and each.wanted in {"", self.row.wanted}]

    def violations(self) -> Iterator[Violation]:
        """Yield what is untrue of the row."""
        said = f"{self.row.id}: {self.result.status} {self.result.reason}"
        said += f"; {[(each.evil, each.applied) for each in self.sent]}"
        for kind in (*self._untrue(), *self._repeated()):
            yield Violation(kind, self.number, said)

    def _untrue(self) -> Iterator[str]:
        applied, row = self.row.wanted in self.record.written, self.row
        match self.result.status:
            case Status.APPLIED if not applied and row.was != row.wanted:  # which nobody could tell from applied
                yield "false applied"
            case Status.REJECTED | Status.FAILED | Status.CONFLICT if applied:
                yield f"false {self.result.status}"
            case Status.UNCHANGED if applied or not self._held_it():
                yield "false unchanged"
            case Status.UNKNOWN if not self._is_doubtful():
                yield "unknown without a reason"
            case Status.INVALID | Status.SKIPPED:
                yield "not worked on"
            case Status.PENDING if self.result.reason != "after_unknown":
                yield "not worked on"
        if self.result.reason == "not_found" and not self._was_said_to_be_missing():
            yield "false not_found"

    def _held_it(self) -> bool:
        """Return whether the record has ever been as the row wants it."""
        held = {self.record.reference, *(reference for _, reference, _ in self.record.past)}
        return self.truth.stored(self.row.wanted) in held

    def _is_doubtful(self) -> bool:
        """Return whether the replies leave a doubt: an honest success as the last of them leaves none."""
        sent = self.sent
        if sent and sent[-1].applied and not sent[-1].evil:
            return False
        return self.result.attempts > len(sent) or any(each.evil for each in sent)  # or it was lost on its way

    def _was_said_to_be_missing(self) -> bool:
        return self.refused == 404 or any(each.evil in SAID_MISSING for each in self.seen)

    def _repeated(self) -> Iterator[str]:
        """Yield what is wrong with actions that were sent more than once."""
        if self.record.fired > 1:
            yield "trigger fired twice"
        harmless = OPENLY_REFUSED | ASKED_TO_WAIT if self.row.tag else OPENLY_REFUSED
        if not self.row.replay_safe and any(each.evil not in harmless for each in self.sent[:-1]):
            yield "trigger sent again"


def _record(
    resource_id: str, own: Sequence[tuple[int, Row, RowResult]], truth: Truth, seen: Sequence[Seen]
) -> Iterator[Violation]:
    """What is wrong with the rows of one record together: hidden requests, their order, and what comes out of them."""
    record, arrived = truth.records[resource_id], sum(each.method == "PATCH" for each in seen)
    told = sum(result.attempts for _, _, result in own)
    if own and arrived > told:
        yield Violation("hidden send", own[0][0], f"{resource_id}: {arrived} arrived, {told} are told")
    place = {row.wanted: number for number, row, _ in own}
    order = [place[value] for value in record.written if value in place]
    if order != sorted(order):
        yield Violation("out of order", own[0][0], f"{resource_id}: rows {order} were carried out in this order")
    unknown = [number for number, _, result in own if result.status is Status.UNKNOWN]
    for number, _, result in own:
        if result.status is Status.PENDING and not any(earlier < number for earlier in unknown):
            yield Violation("not worked on", number, f"{resource_id}: held back, and no earlier row is unknown")
    done = [(number, row) for number, row, result in own if result.status in {Status.APPLIED, Status.UNCHANGED}]
    if done and not unknown and record.reference != truth.stored(done[-1][1].wanted):
        yield Violation("wrong at the end", done[-1][0], f"{resource_id} holds {record.reference!r}")


@dataclass(frozen=True, slots=True)
class Share:
    """Rows whose change could be read as it was written soon after its request, and how many of them are `applied`."""

    visible: int
    applied: int

    @property
    def is_enough(self) -> bool:
        """Return whether doubt was no excuse."""
        return self.applied >= ENOUGH * self.visible


def in_time(
    rows: Sequence[Row], told: Iterable[RowResult], truth: Truth, temper: Temper, *, blind: bool = False
) -> Share:
    """Return the share of the rows that became visible in time. What a blind run fired, no reading shows."""
    results = {result.ref.row: result.status for result in told}
    landed = {
        (each.id, each.wanted): each.lands + temper.lag - each.at
        for each in reversed(truth.ledger)  # the first that was carried out counts
        if each.applied
    }
    visible = [
        results.get(number)
        for number, row in enumerate(rows, 1)
        if landed.get((row.id, row.wanted), VISIBLE_WITHIN + 1) <= VISIBLE_WITHIN
        and truth.stored(row.wanted) == row.wanted
        and (row.replay_safe or not blind)
    ]
    return Share(len(visible), visible.count(Status.APPLIED))
