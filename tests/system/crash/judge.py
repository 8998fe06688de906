"""Judges a crash run from outside: what the user reads and what the server saw, against the sheet. Pure."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final

from tests.system.crash.sheet import Sheet, row_of, value_of

SEEDED: Final[Mapping[str, str]] = {"origin": "seed"}
"""The metadata of every record before a run."""

_MARKS: Final = frozenset({"resent", "read_back"})
"""Reasons of rows that are applied, and had an attempt before that nobody heard of."""


class Kind(StrEnum):
    """What a crash must never do."""

    LOST = "lost"
    DOUBLED = "doubled"
    UNMARKED = "re-sent without a mark"
    UNTRUE = "untrue"
    REFUSED = "told as not applied, and on the server"
    WIPED = "a key that no row names was touched"
    WRONG_STATE = "wrong on the server"
    OPEN = "too many open intents"


@dataclass(frozen=True, slots=True)
class Violation:
    """One broken promise."""

    kind: Kind
    detail: str


@dataclass(frozen=True, slots=True)
class Evidence:
    """What a run that was killed and resumed until it finished has left.

    Attributes:
        exit_status: of the process that finished it.
        results: rows of `results.csv`.
        summary: `summary.json`.
        sent: value of every PATCH that reached the server and was applied, or will be, in order.
        refused: PATCHes that reached the server and were not applied, faults and refused abstract types apart.
        stored: the value that the server holds at the end, by id.
        opened: for every kill, the rows whose request may have left without a recorded result because of it.
        spoiled: value of every PATCH that met a fault, applied or not; `unheard`: of those that were applied.
        others: PATCHes that reached the server and are neither in `sent` nor in `refused`.
        metadata: keys and values that the server holds at the end, by id. `wiped`: PATCHes that dropped a seeded key.
    """

    exit_status: int
    results: Sequence[Mapping[str, str]]
    summary: Mapping[str, Any]
    sent: Sequence[str]
    refused: int
    stored: Mapping[str, str]
    opened: Sequence[frozenset[int]] = field(default_factory=list)
    spoiled: Sequence[str] = ()
    unheard: Sequence[str] = ()
    others: int = 0
    metadata: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    wiped: int = 0


def judge(sheet: Sheet, evidence: Evidence, concurrency: int) -> list[Violation]:
    """Every promise that the run broke."""
    return [
        *_one_result_a_row(sheet, evidence),
        *_results_are_true(sheet, evidence),
        *_sent_once_but_for_kills(sheet, evidence),
        *_marked(evidence),
        *_open_intents(evidence, concurrency),
        *_state(sheet, evidence),
        *_summary(sheet, evidence),
    ]


def resent(evidence: Evidence) -> int:
    """PATCHes beyond one a row."""
    return len(evidence.sent) - len(set(evidence.sent))


def _one_result_a_row(sheet: Sheet, evidence: Evidence) -> Iterator[Violation]:
    numbers = [int(result["__row"]) for result in evidence.results]
    times = Counter(numbers)
    for row in sheet.ids:
        if times[row] != 1:
            kind = Kind.DOUBLED if times[row] else Kind.LOST
            yield Violation(kind, f"row {row} has {times[row]} results")
    if numbers != sorted(numbers) or not times.keys() <= sheet.ids.keys():
        yield Violation(Kind.UNTRUE, "the results are not the rows of the sheet in its order")


def _results_are_true(sheet: Sheet, evidence: Evidence) -> Iterator[Violation]:
    """Not seen applied is not the same as not applied: what is on the server in the end was not refused."""
    sent, doubtful, held = set(map(row_of, evidence.sent)), _doubtful(sheet, evidence), _held(sheet, evidence)
    for result in evidence.results:
        row = int(result["__row"])
        told = (result["__status"], result["id"], result["reference"])
        expected = "applied" if sheet.sendable(row) else "invalid"
        if row in doubtful and told[0] == "unknown":
            expected = "unknown"
        if row in held and row not in sent:
            expected = "pending"
        if told != (expected, sheet.ids[row], value_of(row)):
            refused = told[0] not in {"applied", "unknown", "pending"} and row in sent
            yield Violation(Kind.REFUSED if refused else Kind.UNTRUE, f"row {row} is told as {told}")


def _doubtful(sheet: Sheet, evidence: Evidence) -> set[int]:
    """Return the rows that may be unknown: a strange server answered them, and no reply of its confirmed them."""
    return set(map(row_of, evidence.spoiled)) if sheet.variant.strange else set()


def _sent_once_but_for_kills(sheet: Sheet, evidence: Evidence) -> Iterator[Violation]:
    times = Counter(map(row_of, evidence.sent))
    opened = Counter(row for kill in evidence.opened for row in kill)
    unheard = Counter(map(row_of, evidence.unheard))
    excused = _unknown(evidence) | _held(sheet, evidence)
    for row in sheet.ids:
        if not sheet.sendable(row):
            if times[row]:
                yield Violation(Kind.UNTRUE, f"row {row} cannot be sent, and was")
        elif not times[row] and row not in excused:
            yield Violation(Kind.LOST, f"row {row} never reached the server")
        elif times[row] > 1 + opened[row] + unheard[row]:
            why = f"with {opened[row]} kills in between and {unheard[row]} replies lost"
            yield Violation(Kind.DOUBLED, f"row {row} was sent {times[row]} times, {why}")
    if evidence.refused:
        yield Violation(Kind.UNTRUE, f"the server refused {evidence.refused} requests of a sheet without mistakes")


def _unknown(evidence: Evidence) -> set[int]:
    return {int(result["__row"]) for result in evidence.results if result["__status"] == "unknown"}


def _held(sheet: Sheet, evidence: Evidence) -> set[int]:
    """Return the rows that are told as held back behind an unknown one, and have such a one of their record."""
    unknown: dict[str, int] = {}
    for row in sorted(_unknown(evidence), reverse=True):
        unknown[sheet.ids[row]] = row
    told = {int(result["__row"]) for result in evidence.results if result["__reason"] == "after_unknown"}
    return {row for row in told if unknown.get(sheet.ids[row], row) < row}


def _marked(evidence: Evidence) -> Iterator[Violation]:
    reasons = {int(result["__row"]): result["__reason"] for result in evidence.results}
    marked = {row for row, reason in reasons.items() if reason in _MARKS}
    spoiled = set(map(row_of, evidence.spoiled))
    times = Counter(map(row_of, evidence.sent))
    unmarked = {row for row, count in times.items() if count > 1 and reasons.get(row) not in _MARKS}
    for row in sorted(unmarked - _unknown(evidence)):
        yield Violation(Kind.UNMARKED, f"row {row} was sent {times[row]} times and is not marked")
    for row in sorted(marked.difference(spoiled, *evidence.opened)):
        yield Violation(Kind.UNTRUE, f"row {row} is marked as {reasons[row]}, and no kill left it open")


def _open_intents(evidence: Evidence, concurrency: int) -> Iterator[Violation]:
    for number, rows in enumerate(evidence.opened, start=1):
        if len(rows) > concurrency:
            yield Violation(Kind.OPEN, f"kill {number} left {len(rows)} open intents; {concurrency} is the most")


def _state(sheet: Sheet, evidence: Evidence) -> Iterator[Violation]:
    unknown = {sheet.ids[row] for row in _unknown(evidence)}
    if evidence.wiped:
        yield Violation(Kind.WIPED, f"{evidence.wiped} PATCHes dropped a key that was there before the run")
    for key, wanted in sheet.final_metadata.items():
        if key not in unknown and evidence.metadata.get(key) != {**SEEDED, **wanted}:
            yield Violation(Kind.WRONG_STATE, f"{key} holds {evidence.metadata.get(key)}, not {wanted}")
    for key, value in sheet.final.items():
        if key not in unknown and evidence.stored.get(key) != value:
            yield Violation(Kind.WRONG_STATE, f"{key} holds {evidence.stored.get(key)!r}, not {value!r}")


def _summary(sheet: Sheet, evidence: Evidence) -> Iterator[Violation]:
    summary = evidence.summary
    counts = Counter(result["__status"] for result in evidence.results)
    sendable = sum(map(sheet.sendable, sheet.ids))
    if {status: count for status, count in summary["counts"].items() if count} != dict(counts):
        yield Violation(Kind.UNTRUE, "the counts of summary.json are not those of results.csv")
    expected = 0 if sendable == len(sheet.ids) and not _unknown(evidence) else 1
    if (summary["state"], summary["exit_status"], evidence.exit_status) != ("finished", expected, expected):
        yield Violation(Kind.UNTRUE, f"ended as {summary['state']}, {evidence.exit_status}; expected {expected}")
    patches, opened = summary["requests"]["patch"], sum(map(len, evidence.opened))
    arrived = len(evidence.sent) + evidence.refused + evidence.others
    if not 0 <= patches - arrived <= opened:
        yield Violation(Kind.UNTRUE, f"{patches} PATCHes are told, {arrived} arrived, {opened} were open")
    if patches != sum(int(result["__attempts"]) for result in evidence.results):
        yield Violation(Kind.UNTRUE, "the PATCHes of summary.json are not the attempts of results.csv")
