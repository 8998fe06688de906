"""The end of a night as one value: one line for people, one JSON object for programs.

A report leaves the machine. It holds counts, reason codes and names of columns, and no values of cells: neither a
row's message nor a reply's body goes into it.
"""

import shlex
from collections.abc import Iterator, Mapping
from dataclasses import field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final, Literal

from jobs.model import SETTLED_WELL, Status
from jobs.printable import printable
from jobs.reasons import REASONS
from jobs.texts import counted
from jobs.values import valueclass
from worker.exit_statuses import BUSY, DONE, NOT_ALL, REFUSED, STOPPED

SCHEMA: Final = 1
"""Version of the JSON object."""

SHOWN_CAUSES: Final = 3
"""Causes that the line for people names."""

NightState = Literal["finished", "planned", "tripped", "stopped", "interrupted", "refused", "busy"]
"""How far a night came: `planned` is a dry run, `tripped` a night that a guard kept from sending."""

Outcome = Literal["ok", "partial", "guard", "stopped", "interrupted", "refused", "busy"]
"""How a night ended, in one word."""


@valueclass(frozen=True, slots=True)
class Cause:
    """Rows that need action for the same reason, about the same columns.

    Attributes:
        reason: code of `jobs.reasons`.
        fields: names of the columns.
        count: rows.
    """

    status: Status
    reason: str
    fields: tuple[str, ...] = ()
    count: int = 1

    def document(self) -> dict[str, object]:
        """Return the cause as a JSON object."""
        return {"status": self.status.value, "reason": self.reason, "fields": list(self.fields), "rows": self.count}

    def words(self) -> str:
        """Say the cause in words of our own: a message of the API may quote a cell."""
        about = f" [{'; '.join(self.fields)}]" if self.fields else ""
        known = REASONS.get(self.reason)
        return f"{self.count:,} x {self.reason}{about}" + (f": {known.meaning}" if known else "")


@valueclass(frozen=True, slots=True)
class NightReport:
    """How one night of one job ended.

    Attributes:
        job: name of the recipe.
        run: directory of the run; None for a night that did not get one.
        counts: rows of the input by status. The numbers below count rows again, from another side.
        changed: rows that were sent, or would be, because a value differs.
        drifted: rows with a field that somebody else changed, left alone. `kept`: the same under the rule `keep`.
        overwritten: rows with such a field that was sent over.
        fought: records of which a field was overwritten in 3 of 7 nights: somebody sets it back every time.
        conflicts: rows with a field that both sides changed.
        quarantined: rows that were set aside. `recovered`: rows that failed before and now went well.
        gone: records whose row is gone. `to_clear`: those of them of which a night that has sent nothing would clear
            something; `fields_to_clear`: values of those. `cleared`: those of which this night cleared something.
        stored_otherwise: rows that the API stores in a form of its own.
        refused: replies that asked to slow down (429).
        longest_gap: most seconds between reading a record and an update of it: what somebody changed in that time may
            be lost. None if nothing was sent, or all updates were conditional.
        cause: why the night as a whole ended, for example a guard's sentence; without values of cells.
        causes: why rows need action, the largest first.
        started: seconds since the epoch. `seconds`: how long it took.
        quota_share: part of the busiest window that the updates of the night used, from 0 to 1; None if not known.
        next: command to go on with; empty if there is nothing to do.
    """

    job: str
    state: NightState
    exit_status: int
    run: Path | None = None
    counts: Mapping[Status, int] = field(default_factory=dict)
    changed: int = 0
    drifted: int = 0
    kept: int = 0
    overwritten: int = 0
    fought: int = 0
    conflicts: int = 0
    quarantined: int = 0
    recovered: int = 0
    gone: int = 0
    to_clear: int = 0
    fields_to_clear: int = 0
    cleared: int = 0
    stored_otherwise: int = 0
    refused: int = 0
    longest_gap: float | None = None
    cause: str = ""
    causes: tuple[Cause, ...] = ()
    started: float = 0.0
    seconds: float = 0.0
    quota_share: float | None = None
    next: str = ""

    @property
    def rows(self) -> int:
        """Rows of the input."""
        return sum(self.counts.values())

    @property
    def troubled(self) -> int:
        """Rows that need somebody: those with no good status, and those set aside."""
        return self.quarantined + sum(count for status, count in self.counts.items() if status not in SETTLED_WELL)

    @property
    def outcome(self) -> Outcome:
        """How the night ended, in one word."""
        match self.state:
            case "planned" if self.exit_status == STOPPED:
                return "guard"
            case "finished" | "planned":
                return _OF_STATUS.get(self.exit_status, "stopped")
            case "tripped":
                return "guard"
            case _:
                return self.state

    def document(self) -> dict[str, object]:
        """Return the JSON object: the keys that `summary.json` has too mean the same here."""
        return {
            "schema": SCHEMA,
            "job": self.job,
            "outcome": self.outcome,
            "state": self.state,
            "exit_status": self.exit_status,
            "run": None if self.run is None else str(self.run),
            "rows": self.rows,
            "counts": {status.value: self.counts.get(status, 0) for status in Status},
            "changed": self.changed,
            **{name: getattr(self, name) for name in SEEN},
            "refused_429": self.refused,
            "longest_gap_s": self.longest_gap,
            "quota_share": None if self.quota_share is None else round(self.quota_share, 4),
            "started_at": timestamp(self.started),
            "elapsed_s": round(self.seconds, 3),
            "cause": self.cause,
            "causes": [each.document() for each in self.causes],
            "next": self.next,
        }

    def line(self) -> str:
        """Return one printable line: job, outcome, counts, cause, where to look, and the next command."""
        return printable(" ".join([f"{self.job}: {self.outcome}:", *self._parts()]))

    def _parts(self) -> Iterator[str]:
        if self.rows or self.state == "finished":
            yield f"{', '.join(self.numbers())}."
        if said := self.cause or "; ".join(f"{each.count:,} x {each.reason}" for each in self.causes[:SHOWN_CAUSES]):
            yield said if said.endswith((".", "!", "?")) else f"{said}."
        if self.run is not None:
            yield f"See {shlex.quote(str(self.run))}"
        if self.next:
            yield f"Next: {self.next}"

    def numbers(self) -> Iterator[str]:
        """Yield what the night counted, in words: the rows by status, then what else is not zero."""
        told = ", ".join(f"{self.counts[status]:,} {status}" for status in Status if self.counts.get(status))
        yield f"{counted(self.rows, 'row')}: {told or 'nothing to do'}"
        for name, words in SEEN.items():
            if count := getattr(self, name):
                yield f"{count:,} {words}"


def from_document(document: Mapping[str, Any]) -> NightReport:
    """Return the report that a document tells of, as far as later nights look at it.

    Raises:
        KeyError, ValueError: it is no such document.
    """
    counts = {Status(name): int(count) for name, count in document["counts"].items()}
    started = document["started_at"]
    began = datetime.fromisoformat(started).timestamp() if started else 0.0
    numbers = {name: int(document.get(name, 0)) for name in SEEN}
    report = NightReport(
        str(document["job"]), document["state"], int(document["exit_status"]), counts=counts, started=began
    )
    return replace(report, **numbers)  # type: ignore[arg-type]  # the names of numbers


SEEN: Final[Mapping[str, str]] = {
    "drifted": "drifted",
    "kept": "kept",
    "overwritten": "overwritten",
    "fought": "fought over",
    "conflicts": "in conflict",
    "quarantined": "in quarantine",
    "recovered": "recovered",
    "gone": "gone",
    "to_clear": "of those to be cleared",
    "fields_to_clear": "fields to be cleared",
    "cleared": "of those cleared",
    "stored_otherwise": "stored otherwise",
}
"""What a night counts besides statuses: the attribute of the report, and how it is called in a sentence."""

_OF_STATUS: Final[Mapping[int, Outcome]] = {DONE: "ok", NOT_ALL: "partial", REFUSED: "refused", BUSY: "busy"}


def timestamp(at: float) -> str | None:
    """Format seconds since the epoch as RFC 3339 in UTC, to the second; None for 0, which means never."""
    return f"{datetime.fromtimestamp(at, UTC):%Y-%m-%dT%H:%M:%SZ}" if at else None
