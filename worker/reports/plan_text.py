"""A plan as the terminal shows it: for somebody who lives in spreadsheets."""

import shlex
from collections.abc import Iterable, Iterator
from itertools import groupby
from pathlib import Path
from typing import Final

from rich.cells import cell_len
from rich.console import Console
from rich.text import Text

from jobs.changes.edits import column_of
from jobs.model import Edit
from jobs.printable import printable
from jobs.reasons import REASONS
from jobs.texts import counted
from worker.journal import Planned
from worker.reports.plan import ColumnTally, PlanSummary
from worker.reports.plan_files import cut, fitted, note_of, sides
from worker.reports.summary import Group

SHOWN_COLUMNS: Final = 20
"""Columns that have a line in the table; those that are cleared come first when there are more."""

SHOWN_VALUES: Final = 8
"""Values of a row that are shown; those that are cleared come first when there are more."""

SHOWN_CAUSES: Final = 3
"""Causes, and names in a sentence, that are told in full."""

_RED: Final = "bold red"
_EXAMPLE: Final = "FOR EXAMPLE"
_ARROW: Final = " -> "
_GAP: Final = "  "


def show_plan(console: Console, summary: PlanSummary, directory: Path, estimate: str) -> None:
    """Print a plan, as wide as the console is; only paths and commands may be longer.

    Args:
        console: without colour where it is no terminal.
        summary: of the plan.
        directory: of the run, as the user would type it.
        estimate: how long sending would take, in words; may be empty.
    """
    width = console.width
    table = printable(str(directory / "plan.csv"))
    parts = (
        _wrapped(_headline(summary), width),
        _columns(summary, width),
        _remarks(summary, width),
        _rows(summary, width, table),
        _problems(summary, width, table),
        _end(summary, width, directory, estimate),
    )
    shown = [lines for part in parts if (lines := list(part))]
    for number, lines in enumerate(shown):
        if number:
            console.print()
        for line in lines:
            console.print(line, soft_wrap=True)  # it has its width already, but for paths, which are never broken


def _headline(summary: PlanSummary) -> str:
    changing, unchanged = summary.to_send - summary.unseen, summary.unchanged
    parts = [f"{changing:,} will change"] if changing or not summary.unseen else []
    if summary.unseen:
        parts.append(f"{summary.unseen:,} will be sent in any case")
    if unchanged:
        parts.append(f"{unchanged:,} already {'is as you want it' if unchanged == 1 else 'are as you want them'}")
    if summary.refused:
        parts.append(f"{summary.refused:,} cannot be sent")
    if summary.skipped:
        why = ", ".join(f"{count:,} {reason.replace('_', ' ')}" for reason, count in summary.skipped.items())
        parts.append(f"{summary.skipped.total():,} skipped ({why})")
    if summary.not_reached:
        parts.append(f"{summary.not_reached:,} not reached")
    return f"{counted(summary.rows, 'row')}: {', '.join(parts)}."


def _columns(summary: PlanSummary, width: int) -> Iterator[Text]:
    """Yield the table by column, without the columns of figures that would be empty."""
    if not summary.columns:
        return
    tallies = _most_telling(summary.columns)
    share = ("SHARE", [_share(tally.rows, summary.to_send) for _, tally in tallies], "")
    new = ("NEW", [_count(tally.notes["new"]) for _, tally in tallies], "")
    changed = ("CHANGED", [_count(tally.changed) for _, tally in tallies], "")
    cleared = ("CLEARED", [_count(tally.cleared) for _, tally in tallies], _RED)
    names = [printable(name) for name, _ in tallies]
    numbers = [each for each in (share, new, changed, cleared) if any(each[1])]
    widths = [max(map(cell_len, (head, *cells))) for head, cells, _ in numbers]
    first = _room(["COLUMN", *names], width * 3 // 10)
    heads = [f"{head:>{wide}}" for (head, _, _), wide in zip(numbers, widths, strict=True)]
    left = width - first - sum(wide + len(_GAP) for wide in widths) - len(_GAP)
    examples = left >= len(_EXAMPLE)
    yield Text(_GAP.join([_padded("COLUMN", first), *heads, *[_EXAMPLE] * examples]), "bold")
    for index, (name, (_, tally)) in enumerate(zip(names, tallies, strict=True)):
        line = Text(_padded(name, first))
        for (_, cells, style), wide in zip(numbers, widths, strict=True):
            line.append(_GAP + f"{cells[index]:>{wide}}", style if cells[index] else "")
        if examples:
            line.append(_GAP).append(*_example(tally, left))
        line.rstrip()
        yield line
    if hidden := len(summary.columns) - len(tallies):
        yield Text(f"... and {counted(hidden, 'more column')}")


def _most_telling(columns: dict[str, ColumnTally]) -> list[tuple[str, ColumnTally]]:
    """Choose the columns to show: in the order of the plan, or, of too many, those that clear values."""
    if len(columns) <= SHOWN_COLUMNS:
        return list(columns.items())
    return sorted(columns.items(), key=lambda item: not item[1].cleared)[:SHOWN_COLUMNS]


def _example(tally: ColumnTally, room: int) -> tuple[str, str]:
    """Return an example and its style: a cleared value if there is one, else the first."""
    if "clear" in tally.examples:
        return _change(tally.examples["clear"], room), _RED
    return _change(next(iter(tally.examples.values())), room), ""


def _remarks(summary: PlanSummary, width: int) -> Iterator[Text]:
    for line in _gone(summary):
        yield from _wrapped(line, width, style=_RED)
    for line in (*_flips(summary), *_always(summary), *_repeated(summary)):
        yield from _wrapped(line, width)


def _gone(summary: PlanSummary) -> Iterator[str]:
    """Yield sentences about what is lost."""
    wiped = "WIPED (--metadata replace keeps only the keys in the sheet)" if summary.replace else "REMOVED"
    for kind, fate in (("value", "CLEARED"), ("key", wiped), ("tag", "REMOVED"), ("element", "REMOVED")):
        counts = {name: tally.gone[kind] for name, tally in summary.columns.items() if tally.gone[kind]}
        if counts:
            what = {name.removesuffix(".remove") if kind == "element" else name: each for name, each in counts.items()}
            names = _some((f"{_named(name)} ({count:,})" for name, count in what.items()), "column")
            where = "" if kind == "tag" else f": {names}"
            yield f"{counted(sum(counts.values()), kind)} will be {fate}{where}."
    if summary.gone[0]:
        records, fields = summary.gone
        whose = counted(records, "record")
        yield f"{counted(fields, 'field')} of {whose} whose rows are gone will be CLEARED: they are in gone.csv."
    if summary.overwritten:
        yield (
            f"In {counted(summary.overwritten, 'row')} an object is replaced as a whole, unread (--blind): keys that"
            " are not in the sheet will be WIPED, and can neither be listed here nor be restored."
        )


def _flips(summary: PlanSummary) -> Iterator[str]:
    flips = [(name, types, flip) for name, tally in summary.columns.items() for types, flip in tally.flips.items()]
    for name, (old, new), flip in flips[:SHOWN_CAUSES]:
        before, after = fitted(printable(flip.before), printable(flip.after), 40)
        yield f"{_named(name)}: {before} ({old}) becomes {after} ({new}) in {counted(flip.rows, 'row')}."
    if rest := flips[SHOWN_CAUSES:]:
        yield f"... and {counted(sum(flip.rows for *_, flip in rest), 'more value')} that become another type."


def _always(summary: PlanSummary) -> Iterator[str]:
    """Yield sentences about what is sent without comparison."""
    triggers = [(name, rows) for name, rows in summary.unread.items() if name in summary.actions]
    others = [(name, rows) for name, rows in summary.unread.items() if name not in summary.actions]
    if triggers:
        names = _some((f"{_named(name)} ({counted(rows, 'row')})" for name, rows in triggers), "name")
        yield f"Always sent, since it triggers something: {names}."
    if others:
        names = _some((f"{_named(name)} ({counted(rows, 'row')})" for name, rows in others), "name")
        yield f"Always sent, since the API does not show what is there now; it is overwritten unseen: {names}."


def _repeated(summary: PlanSummary) -> Iterator[str]:
    records, rows = summary.repeated
    if records:
        stand = "stands" if records == 1 else "stand"
        yield (
            f"{counted(records, 'record')} {stand} in {counted(rows, 'row')}: they are sent in the order of the sheet,"
            " the last one wins, and every further apply sends them again."
        )


def _rows(summary: PlanSummary, width: int, table: str) -> Iterator[Text]:
    """Yield the first rows, value by value."""
    names = [name for planned in summary.first for name in (*map(column_of, planned.edits), *planned.unread)]
    first = _room(map(printable, names), width * 4 // 10)
    for planned in summary.first:
        head, record = f"row {planned.row:,}", printable(f"{planned.type} {planned.id}")
        yield Text(head, "bold").append(_GAP + cut(record, width - len(head) - len(_GAP)), "not bold")
        yield from _values(planned, first, width - first - 2 * len(_GAP))
        if planned.message:
            yield from _wrapped(planned.message, width, _GAP)
    if summary.first and (more := summary.to_send - len(summary.first)):
        yield _with_path(f"... and {counted(more, 'more row')}:", table, width)


def _values(planned: Planned, first: int, room: int) -> Iterator[Text]:
    edits = list(planned.edits)
    if len(edits) > SHOWN_VALUES:
        edits.sort(key=lambda edit: note_of(edit) != "clear")
    for name, values, is_clear in _values_of(edits[:SHOWN_VALUES]):
        line = Text(_GAP + _padded(printable(name), first) + _GAP)
        yield line.append(_change(values, room), _RED if is_clear else "")
    for name in planned.unread[:SHOWN_VALUES]:
        yield Text(_GAP + _padded(printable(name), first) + _GAP + cut("always sent", room))
    if more := sum(len(values[SHOWN_VALUES:]) for values in (edits, planned.unread)):
        yield Text(f"{_GAP}... and {counted(more, 'more value')}")


def _values_of(edits: Iterable[Edit]) -> Iterator[tuple[str, tuple[str, str], bool]]:
    """Yield column, both sides, and whether it clears; elements of a set that one cell names are told together."""
    for name, same in groupby(edits, column_of):
        if (first := next(same)).path[0] == "elements":
            elements = [sides(each)[1] for each in (first, *same)]
            yield name, ("", ", ".join(elements)), note_of(first) == "clear"
        else:
            yield from ((name, sides(each), note_of(each) == "clear") for each in (first, *same))


def _problems(summary: PlanSummary, width: int, table: str) -> Iterator[Text]:
    groups = summary.problems
    if not groups:
        return
    yield Text(f"{counted(summary.refused, 'row')} cannot be sent:")
    for group in groups[:SHOWN_CAUSES]:
        yield from _cause(group, width)
    if rest := groups[SHOWN_CAUSES:]:
        rows = counted(sum(group.count for group in rest), "row")
        yield _with_path(f"  and {counted(len(rest), 'more cause')} for {rows}:", table, width)


def _cause(group: Group, width: int) -> Iterator[Text]:
    known = REASONS.get(group.reason)
    about = f" [{'; '.join(map(_named, group.fields[:SHOWN_CAUSES]))}]" if group.fields else ""
    meaning = known.meaning if known else ""
    yield from _wrapped(f"{group.count:,} x {group.reason}{about}: {meaning}", width, "  ")
    message = "" if group.message == meaning else f": {group.message}"
    yield Text(cut(printable(f"    e.g. row {group.row:,}, {group.place}{message}"), width))
    if known and known.action:
        yield from _wrapped(f"-> {known.action}", width, "    ")


def _end(summary: PlanSummary, width: int, directory: Path, estimate: str) -> Iterator[Text]:
    if summary.not_reached:
        yield from _wrapped("Nothing was sent. The plan is not complete: plan again.", width)
    elif not summary.to_send and not summary.gone[0]:
        yield Text("Nothing to change.")
    else:
        reads = f" Making this plan took {counted(summary.reads, 'read')}." if summary.reads else ""
        updates = f"{counted(summary.to_send, 'update')}{estimate and f', {estimate}'}" if summary.to_send else ""
        clears = f"{counted(summary.gone[0], 'record')} to be cleared" if summary.gone[0] else ""
        yield from _wrapped(f"{', and '.join(filter(None, (updates, clears)))}.{reads}", width)
        command = printable(summary.job or f"rowpatch apply --plan {shlex.quote(str(directory))}")
        what = "a night of this job" if summary.job else "exactly this"
        yield _with_path(f"Nothing was sent. To do {what}:", command, width)


def _wrapped(text: str, width: int, indent: str = "", *, style: str = "") -> Iterator[Text]:
    """Yield lines of at most `width` cells, indented further from the second on."""
    lines = Text(printable(text)).wrap(Console(width=width), max(1, width - len(indent) - len(_GAP)))
    for number, line in enumerate(lines):
        yield Text(indent + _GAP * (number > 0) + line.plain.rstrip(), style)


def _with_path(text: str, path: str, width: int) -> Text:
    """Append a path or command, which is never broken, on a line of its own if both do not fit on one."""
    return Text(f"{text}{' ' if cell_len(text) + 1 + cell_len(path) <= width else chr(10) + _GAP}{path}")


def _change(values: tuple[str, str], room: int) -> str:
    """Format `before -> after`; of a tag, what becomes of it."""
    before, after = map(printable, values)
    if not before:
        return cut(after, room)
    return cut(_ARROW.join(fitted(before, after, max(2, room - len(_ARROW)))), room)


def _room(names: Iterable[str], most: int) -> int:
    """Return the terminal cells that the longest name takes, within bounds."""
    return min(max(map(cell_len, names), default=0), max(8, most))


def _padded(name: str, width: int) -> str:
    short = cut(name, width)
    return short + " " * (width - cell_len(short))


def _named(name: str) -> str:
    """Make a name fit into a sentence."""
    return cut(printable(name), 40)


def _some(names: Iterable[str], noun: str) -> str:
    first, rest = (listed := list(names))[:SHOWN_CAUSES], len(listed) - SHOWN_CAUSES
    return ", ".join([*first, f"and {counted(rest, f'more {noun}')}"] if rest > 0 else first)


def _share(rows: int, of: int) -> str:
    return f"{rows * 100 // of}%" if rows * 100 >= of else "<1%"


def _count(number: int) -> str:
    return f"{number:,}" if number else ""
