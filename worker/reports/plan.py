"""A plan as files and as numbers: what would change, value by value."""

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Final

from jobs.images import column_of
from jobs.model import JSON, Absent, Edit, RowRef, Status, Unread
from jobs.quoting import quoted
from jobs.reasons import REASONS
from worker.journal import History, Planned
from worker.journal.file import JournalDamaged
from worker.reports.files import replacing
from worker.reports.formats import csv_head, csv_text, json_lines
from worker.reports.merge import Record
from worker.reports.writing import records_of
from worker.settings import Settings

HEADER: Final = ("row", "line", "type", "id", "column", "before", "after", "note")

MAX_COLUMNS: Final = 200
"""Columns that are told apart; the others are counted together."""

SHOWN_ROWS: Final = 10
"""Rows that are kept for showing in full."""

_OTHERS: Final = "(other columns)"
_CHUNK: Final = 500


@dataclass(slots=True)
class ColumnTally:
    """What happens to one column. `example` is the first change, as (before, after)."""

    new: int = 0
    changed: int = 0
    cleared: int = 0
    flips: Counter[tuple[str, str]] = field(default_factory=Counter)
    example: tuple[str, str] = ("", "")

    @property
    def total(self) -> int:
        """Values of the column that would be sent."""
        return self.new + self.changed + self.cleared


@dataclass(slots=True)
class PlanSummary:
    """A plan in numbers; its size does not grow with the number of rows.

    Attributes:
        rows: of the input. `counts`: rows by status; `pending` ones would be sent.
        columns: by name, as a sheet has it.
        unread: rows that send a name nobody can compare, by name.
        problems: rows that cannot be sent, by reason; with the first row, its line and message.
        first: the first rows that would be sent.
    """

    rows: int = 0
    counts: Counter[Status] = field(default_factory=Counter)
    columns: dict[str, ColumnTally] = field(default_factory=dict)
    unread: Counter[str] = field(default_factory=Counter)
    problems: dict[str, tuple[int, int, int, str]] = field(default_factory=dict)
    first: list[Planned] = field(default_factory=list)

    @property
    def to_send(self) -> int:
        """Rows that would be sent."""
        return self.counts[Status.PENDING]

    @property
    def refused(self) -> int:
        """Rows that cannot be sent as they are."""
        return sum(self.counts[status] for status in (Status.INVALID, Status.REJECTED, Status.FAILED))

    def add(self, ref: RowRef, planned: Planned) -> None:
        """Count one row."""
        self.rows += 1
        self.counts[planned.status] += 1
        if planned.status is Status.PENDING:
            self._change(planned)
        elif planned.status in {Status.INVALID, Status.REJECTED, Status.FAILED}:
            count, *first = self.problems.get(planned.reason, (0, ref.row, ref.line, planned.message))
            self.problems[planned.reason] = (count + 1, *first)  # type: ignore[assignment]  # the same four

    def _change(self, planned: Planned) -> None:
        if len(self.first) < SHOWN_ROWS:
            self.first.append(planned)
        self.unread.update(planned.unread)
        for edit in planned.edits:
            name = column_of(edit)
            if name not in self.columns and len(self.columns) >= MAX_COLUMNS:
                name = _OTHERS
            tally = self.columns.setdefault(name, ColumnTally())
            note = kind_of(edit)
            tally.new += note == "new"
            tally.cleared += note == "clear"
            tally.changed += note not in {"new", "clear"}
            if note == "type changes":
                tally.flips[type_name(edit.before), type_name(edit.after)] += 1
            tally.example = tally.example if any(tally.example) else (shown(edit.before), shown(edit.after))


def write_plan(directory: Path, history: History, settings: Settings, rows: int) -> PlanSummary:
    """Make `plan.csv` (a line a value that changes) and `plan.ndjson` (a line a row); memory does not grow with them.

    Raises:
        JournalDamaged: journal and input do not belong together.
        InputRefused: the copy of the input is gone or cannot be read any more.
        OSError: a file cannot be written.
    """
    summary = PlanSummary()
    with records_of(directory, settings) as records, replacing(directory, ("plan.csv", "plan.ndjson")) as files:
        table, lines = files
        table.write(csv_head(HEADER))
        pairs = _paired(records, history.planned())
        while chunk := list(islice(pairs, _CHUNK)):
            table.write(csv_text([cells for ref, planned in chunk for cells in _cells(ref, planned)]))
            lines.write(json_lines(_line(ref, planned) for ref, planned in chunk))
            for ref, planned in chunk:
                summary.add(ref, planned)
    if summary.rows != rows:
        raise JournalDamaged(f"the copy of the input has {summary.rows} rows; the journal was made for {rows}.")
    return summary


def kind_of(edit: Edit) -> str:
    """What an edit does, in a word or two."""
    if isinstance(edit.after, Absent) or edit.after is None or edit.after == []:
        return "clear"
    if isinstance(edit.before, Absent | Unread) or edit.before is None:
        return "new"
    return "change" if type_name(edit.before) == type_name(edit.after) else "type changes"


def type_name(value: JSON | Absent | Unread) -> str:
    """The JSON type of a value, in words."""
    if isinstance(value, bool):
        return "true/false"
    if isinstance(value, str):
        return "text"
    if isinstance(value, int | float):
        return "number"
    if isinstance(value, Mapping):
        return "object"
    return "list" if isinstance(value, list | tuple) else "nothing"


def shown(value: JSON | Absent | Unread) -> str:
    """A value for people: text in quotes, so that 7 and "7" can be told apart."""
    if isinstance(value, Absent | Unread) or value is None:
        return "(none)"
    return json.dumps(value, ensure_ascii=False)


def _paired(records: Iterable[Record], plan: Iterable[Planned]) -> Iterator[tuple[RowRef, Planned]]:
    """Every row of the input with what is planned for it; rows that nobody planned lie beyond `--limit`."""
    waiting = iter(plan)
    planned = next(waiting, None)
    for record in records:
        ref = record.ref
        if planned is not None and planned.row == ref.row:
            yield ref, planned
            planned = next(waiting, None)
        else:
            yield ref, Planned(ref.row, "", "", Status.SKIPPED, "beyond_limit")
    if planned is not None:
        raise JournalDamaged(f"the journal has a row {planned.row} that the copy of the input does not have.")


def _cells(ref: RowRef, planned: Planned) -> Iterator[list[str]]:
    start = [str(ref.row), str(ref.line), quoted(planned.type), quoted(planned.id)]
    if planned.status is not Status.PENDING:
        if planned.status not in {Status.UNCHANGED, Status.SKIPPED}:
            yield [*start, quoted(";".join(planned.fields)), "", "", quoted(f"{planned.reason}: {_said(planned)}")]
        return
    for edit in planned.edits:
        yield [*start, quoted(column_of(edit)), quoted(_cell(edit.before)), quoted(_cell(edit.after)), kind_of(edit)]
    for name in planned.unread:
        yield [*start, quoted(name), "", "", "always sent"]


def _said(planned: Planned) -> str:
    known = REASONS.get(planned.reason)
    return planned.message or (known.meaning if known else "")


def _cell(value: JSON | Absent | Unread) -> str:
    if isinstance(value, Absent | Unread) or value is None:
        return ""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _line(ref: RowRef, planned: Planned) -> dict[str, object]:
    action = {Status.PENDING: "update", Status.UNCHANGED: "unchanged"}.get(planned.status, "none")
    return {
        "row": ref.row,
        "line": ref.line,
        "type": planned.type,
        "id": planned.id,
        "action": action,
        "reason": planned.reason,
        "message": "" if action == "update" else _said(planned),
        "edits": [_edit(edit) for edit in planned.edits],
        "always_sent": planned.unread,
    }


def _edit(edit: Edit) -> dict[str, object]:
    values = {"before": edit.before, "after": edit.after}
    exact = {name: value for name, value in values.items() if not isinstance(value, Absent | Unread)}
    return {"path": edit.path, "column": column_of(edit), **exact}
