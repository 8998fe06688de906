"""The end of a run in words: what happened, why, where it lies, and what to type next."""

import textwrap
from collections.abc import Iterator
from itertools import chain
from pathlib import Path
from typing import Final

from jobs.printable import printable
from jobs.reasons import REASONS
from jobs.texts import counted
from worker.reports.steps import next_steps
from worker.reports.summary import Group, Summary

LINE_WIDTH: Final = 80
"""Columns of the terminal that the text fits into; only commands and paths may be longer."""

SHOWN_GROUPS: Final = 3
"""Causes that are told in full."""

_INDENT: Final = "\n         "


def render_summary(summary: Summary, directory: Path) -> str:
    """Render the summary for people: plain text without control characters, about 30 lines at most.

    Args:
        summary: of the run.
        directory: of the run, as the user would type it.
    """
    known = chain(((each, 1) for each in reroutes(summary)), ((each, 3) for each in remarks(summary)))
    said = chain.from_iterable(_wrapped(each, lines=most) for each, most in known)
    parts = (_counts(summary), _digest(summary), said, _where(summary, directory))
    return "\n\n".join("\n".join(lines) for part in parts if (lines := list(part)))


def _counts(summary: Summary) -> Iterator[str]:
    named = ", ".join(f"{count:,} {status}" for status, count in summary.counts.items() if count)
    yield from _wrapped(f"{_rows(summary.rows)}: {named or 'nothing to do'}.")
    if summary.state != "finished":
        said = f": {summary.message}" if summary.message not in {"", summary.state} else "."
        yield from _wrapped(f"The run was {summary.state}{said}")
    elif summary.message:
        yield from _wrapped(summary.message)


def _digest(summary: Summary) -> Iterator[str]:
    groups = [group for group in summary.groups if group.reason != "not_reached"]
    if not groups:
        return
    total = sum(group.count for group in groups)
    yield f"{counted(total, 'failure')} = {counted(len(groups), 'cause')}"
    advised: set[str] = set()
    for group in groups[:SHOWN_GROUPS]:
        yield from _cause(group)
        action = REASONS[group.reason].action if group.reason in REASONS else ""
        if action and action not in advised:
            advised.add(action)
            yield from _wrapped(action, "    -> ", "       ")
    if rest := groups[SHOWN_GROUPS:]:
        rows = _rows(sum(group.count for group in rest))
        yield f"  and {counted(len(rest), 'more cause')} for {rows}: see {summary.failed_name}"


def _cause(group: Group) -> Iterator[str]:
    known = REASONS.get(group.reason)
    about = f" [{'; '.join(group.fields)}]" if group.fields else ""
    meaning = known.meaning if known else ""
    yield from _wrapped(f"{group.count:,} x {group.reason}{about}: {meaning}", "  ", "    ")
    said = group.message if group.message != meaning else ""
    yield from _wrapped(f"e.g. row {group.row:,}, {group.place}" + (f": {said}" if said else ""), "    ", "      ", 2)


def reroutes(summary: Summary) -> Iterator[str]:
    """Yield how many rows were sent by another type than their own, by what was said about them."""
    return (f"{_rows(count)} {said}" for said, count in summary.rerouted.items())


def remarks(summary: Summary) -> Iterator[str]:
    """Yield, in sentences of any length, what is worth knowing of rows that need nobody."""
    if summary.damaged:
        where = counted(summary.damaged, "record")
        yield f"Values are gone from {where}: undo the run, then correct the description."
    if summary.unread:
        names = ", ".join(f"{name} ({_rows(count)})" for name, count in summary.unread.items())
        yield f"Sent without comparison, since the API does not show it: {names}."
    if summary.resent:
        yield f"{_rows(summary.resent)} sent again after an attempt without a trustworthy reply."


def _where(summary: Summary, directory: Path) -> Iterator[str]:
    shown = printable(str(directory))
    yield f"Results: {shown}/results.csv"
    if summary.groups:
        yield f"Failed:  {shown}/{summary.failed_name}"
    label = "Next:   "
    for step in next_steps(summary, directory):
        before = step.before.replace("\n", _INDENT)
        yield f"{label} {before}{_INDENT if before else ''}{step.command}"
        label = "    or: "


def _rows(count: int) -> str:
    return counted(count, "row")


def _wrapped(text: str, first: str = "", following: str = "  ", lines: int = 3) -> list[str]:
    return textwrap.wrap(
        printable(text), LINE_WIDTH, initial_indent=first, subsequent_indent=following,
        max_lines=lines, placeholder=" …", break_on_hyphens=False,
    )  # fmt: skip
