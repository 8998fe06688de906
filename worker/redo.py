"""Which rows a `retry` runs again, so that the last row of every id still wins."""

from dataclasses import dataclass
from pathlib import Path
from typing import Final

from jobs.model import Status, UpdateJob
from worker import source
from worker.journal import Journal
from worker.settings import Settings

_AGAIN: Final = frozenset({Status.FAILED, Status.REJECTED, Status.UNKNOWN, Status.CONFLICT})
_CANDIDATE: Final = 1
_UNSURE: Final = 2
_APPLIED: Final = 3
_PARTLY: Final = 4


@dataclass(frozen=True, slots=True)
class Redo:
    """The rows to run again, and how many are left alone.

    Attributes:
        superseded: because a later row of their id was, or may be, applied.
        fired: because their trigger was fired; only some of their tags were not taken.
    """

    rows: list[int]
    superseded: int
    fired: int


def rows_to_redo(directory: Path, journal: Journal, settings: Settings, rows: int) -> Redo:
    """Choose among the rows that have a result; memory grows with the rows that need to be run again only."""
    marks = _marks(journal, rows)
    chosen: dict[str, list[int]] = {}
    superseded = fired = 0
    how = settings.input
    with source.opened(source.spooled_in(directory, how.format)) as stream:
        for job in source.jobs(stream, how, settings.target.type, lambda row: bool(marks[row])):
            if not isinstance(job, UpdateJob):
                continue
            mark, record = marks[job.ref.row], job.id or journal.target(job.ref.row) or job.key
            if how.limit is not None and job.ref.row > how.limit and mark != _APPLIED:
                continue
            if mark == _PARTLY and job.fires and not how.resend_unknown:
                fired += 1
                mark = _APPLIED
            if mark == _APPLIED or not (mark in {_CANDIDATE, _PARTLY} or job.replay_safe or how.resend_unknown):
                superseded += len(chosen.pop(record, ()))  # applied, or perhaps: an earlier row must not overwrite it
            if mark != _APPLIED:
                chosen.setdefault(record, []).append(job.ref.row)
    return Redo(sorted(row for found in chosen.values() for row in found), superseded, fired)


def _marks(journal: Journal, rows: int) -> bytearray:
    marks = bytearray(rows + 1)
    for result in journal.results():
        if result.status in {Status.APPLIED, Status.UNCHANGED}:
            marks[result.ref.row] = _APPLIED
        elif result.reason == "tags_discarded":
            marks[result.ref.row] = _PARTLY
        elif result.status in _AGAIN:
            marks[result.ref.row] = _UNSURE if result.status is Status.UNKNOWN else _CANDIDATE
    return marks
