"""A plan as the terminal shows it: for somebody who lives in spreadsheets."""

import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from rich import box
from rich.console import Console, Group, RenderableType
from rich.table import Table
from rich.text import Text

from jobs.images import column_of
from jobs.model import Absent, Edit, Status
from jobs.reasons import REASONS
from worker.reports.plan import PlanSummary, kind_of, shown
from worker.reports.printable import printable

_CLEARED: Final = "bold red"
_MOST_COLUMNS: Final = 20


def show_plan(console: Console, summary: PlanSummary, directory: Path, estimate: str) -> None:
    """Print a plan, as wide as the console is.

    Args:
        console: without colour where it is no terminal.
        summary: of the plan.
        directory: of the run, as the user would type it.
        estimate: how long sending would take, in words; may be empty.
    """
    parts = [part for part in _parts(summary, directory, estimate) if part is not None]
    console.print(Group(*parts))


def _parts(summary: PlanSummary, directory: Path, estimate: str) -> Iterator[RenderableType | None]:
    yield Text(_headline(summary))
    if summary.columns:
        yield Text()
        yield _table(summary)
    yield from map(Text, _flips(summary))
    cleared = sum(tally.cleared for tally in summary.columns.values())
    if cleared:
        yield Text(f"{_number(cleared, 'value')} will be CLEARED: what the records hold there now is wiped.", _CLEARED)
    for name, count in summary.unread.items():
        yield Text(printable(f"{name}: sent for {_number(count, 'row')} in any case, since nobody can compare it."))
    if summary.first:
        yield Text()
        yield _first_rows(summary)
        more = summary.to_send - len(summary.first)
        yield Text(f"... and {_number(more, 'more row')}: see plan.csv") if more else None
    yield from _problems(summary)
    yield Text()
    yield from _next(summary, directory, estimate)


def _headline(summary: PlanSummary) -> str:
    counts = summary.counts
    said = [f"{summary.to_send:,} will be updated"]
    said += [f"{counts[Status.UNCHANGED]:,} already are as the sheet wants them"] * bool(counts[Status.UNCHANGED])
    said += [f"{summary.refused:,} cannot be sent"] * bool(summary.refused)
    said += [f"{counts[Status.SKIPPED]:,} skipped"] * bool(counts[Status.SKIPPED])
    return f"{_number(summary.rows, 'row')}: {', '.join(said)}."


def _table(summary: PlanSummary) -> Table:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False, expand=False)
    table.add_column("column", overflow="fold", ratio=None)
    for name in ("new", "changed", "cleared", "share"):
        table.add_column(name, justify="right", no_wrap=True)
    table.add_column("for example", overflow="ellipsis", no_wrap=True, ratio=1)
    for name, tally in list(summary.columns.items())[:_MOST_COLUMNS]:
        before, after = tally.example
        cleared = Text(f"{tally.cleared:,}" if tally.cleared else "", _CLEARED)
        share = f"{tally.total * 100 / summary.rows:.0f}%" if summary.rows else ""
        example = printable(f"{_short(before)} -> {_short(after)}")
        table.add_row(Text(printable(name)), _count(tally.new), _count(tally.changed), cleared, share, Text(example))
    rest = len(summary.columns) - _MOST_COLUMNS
    if rest > 0:
        table.add_row(f"... and {_number(rest, 'more column')}", "", "", "", "", "")
    return table


def _flips(summary: PlanSummary) -> Iterator[str]:
    for name, tally in summary.columns.items():
        for (before, after), count in tally.flips.items():
            yield printable(f"{name}: {before} becomes {after} in {_number(count, 'row')}.")


def _first_rows(summary: PlanSummary) -> Table:
    table = Table.grid(padding=(0, 2))
    table.add_column(no_wrap=True, overflow="ellipsis")
    table.add_column(no_wrap=True, overflow="ellipsis")
    for planned in summary.first:
        table.add_row(Text(printable(f"row {planned.row:,}")), Text(printable(f"{planned.type} {planned.id}"), "bold"))
        for edit in planned.edits:
            table.add_row(Text(), _edit(edit))
        for name in planned.unread:
            table.add_row(Text(), Text(printable(f"{name}  always sent")))
    return table


def _edit(edit: Edit) -> Text:
    name = printable(column_of(edit))
    before, after = printable(shown(edit.before)), printable(shown(edit.after))
    if edit.path[0] == "tags":
        gone = isinstance(edit.after, Absent)
        return Text(f"tags  {'-' if gone else '+'} {printable(edit.path[1])}", _CLEARED if gone else "")
    if kind_of(edit) == "clear":
        word = "removed" if isinstance(edit.after, Absent) else "cleared"
        return Text(f"{name}  {before} -> {word}", _CLEARED)
    return Text(f"{name}  {before} -> {after}")


def _problems(summary: PlanSummary) -> Iterator[Text]:
    if summary.problems:
        yield Text()
    for reason, (count, row, line, message) in summary.problems.items():
        known = REASONS.get(reason)
        yield Text(printable(f"{count:,} x {reason}: {known.meaning if known else ''}"))
        yield Text(printable(f"  e.g. row {row:,}, line {line:,}" + (f": {message}" if message else "")))
        if known and known.action:
            yield Text(printable(f"  -> {known.action}"))


def _next(summary: PlanSummary, directory: Path, estimate: str) -> Iterator[Text]:
    run = printable(str(directory))
    if not summary.to_send:
        yield Text("Nothing to change; nothing was sent.")
        return
    yield Text(f"{_number(summary.to_send, 'update')}{f', {estimate}' if estimate else ''}. Nothing was sent.")
    yield Text(f"Value by value: {run}/plan.csv", overflow="fold")
    yield Text(f"To do exactly this: rowpatch apply --plan {printable(shlex.quote(str(directory)))}", overflow="fold")


def _short(text: str) -> str:
    return text if len(text) <= 40 else text[:39] + "…"  # noqa: PLR2004  # both sides fit a line of 160


def _count(number: int) -> str:
    return f"{number:,}" if number else ""


def _number(count: int, noun: str) -> str:
    return f"{count:,} {noun}{'' if count == 1 else 's'}"
