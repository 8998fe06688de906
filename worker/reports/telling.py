"""The end of a run in words: what happened, why, where it lies, and what to type next."""

import shlex
import textwrap
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from jobs.model import Status
from jobs.printable import printable
from jobs.reasons import REASONS
from worker.files.run_directory import DESCRIPTION
from worker.reports.summary import Group, Summary

LINE_WIDTH: Final = 80
"""Columns of the terminal that the text fits into; only commands and paths may be longer."""

SHOWN_GROUPS: Final = 3
"""Causes that are told in full."""

_DESCRIPTIONS: Final = frozenset({"not_as_described", "no_version"})
"""Reasons that only another description can help against."""

_TO_RETRY: Final = (Status.FAILED, Status.REJECTED, Status.UNKNOWN)
_TO_MEND: Final = (Status.INVALID, Status.REJECTED)


def render_summary(summary: Summary, directory: Path) -> str:
    """Render the summary for people: plain text without control characters, about 30 lines at most.

    Args:
        summary: of the run.
        directory: of the run, as the user would type it.
    """
    parts = (_counts(summary), _digest(summary), _remarks(summary), _where(summary, directory))
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
    yield f"{_number(total, 'failure')} = {_number(len(groups), 'cause')}"
    advised: set[str] = set()
    for group in groups[:SHOWN_GROUPS]:
        yield from _cause(group)
        action = REASONS[group.reason].action if group.reason in REASONS else ""
        if action and action not in advised:
            advised.add(action)
            yield from _wrapped(action, "    -> ", "       ")
    if rest := groups[SHOWN_GROUPS:]:
        rows = _rows(sum(group.count for group in rest))
        yield f"  and {_number(len(rest), 'more cause')} for {rows}: see {summary.failed_name}"


def _cause(group: Group) -> Iterator[str]:
    known = REASONS.get(group.reason)
    about = f" [{'; '.join(group.fields)}]" if group.fields else ""
    meaning = known.meaning if known else ""
    yield from _wrapped(f"{group.count:,} x {group.reason}{about}: {meaning}", "  ", "    ")
    said = group.message if group.message != meaning else ""
    yield from _wrapped(f"e.g. row {group.row:,}, {group.place}" + (f": {said}" if said else ""), "    ", "      ", 2)


def _remarks(summary: Summary) -> Iterator[str]:
    if summary.damaged:
        where = _number(summary.damaged, "record")
        yield f"Values are gone from {where}: undo the run, then correct the description."
    for said, count in summary.rerouted.items():
        yield _shortened(f"{_rows(count)} {said}")
    if summary.unread:
        names = ", ".join(f"{name} ({_rows(count)})" for name, count in summary.unread.items())
        yield from _wrapped(f"Sent without comparison, since the API does not show it: {names}.")
    if summary.resent:
        yield from _wrapped(f"{_rows(summary.resent)} sent again after an attempt without a trustworthy reply.")


def _where(summary: Summary, directory: Path) -> Iterator[str]:
    shown = printable(str(directory))
    yield f"Results: {shown}/results.csv"
    if summary.groups:
        yield f"Failed:  {shown}/{summary.failed_name}"
    label = "Next:   "
    for command in _next(summary, directory):
        yield f"{label} {command}"
        label = "    or: "


def _next(summary: Summary, directory: Path) -> Iterator[str]:
    """Yield the commands that take the run further, the one to begin with first."""
    run = printable(shlex.quote(str(directory)))
    if summary.damaged:  # to go on would take more
        yield f"rowpatch undo {run}"
        return
    if summary.state in {"interrupted", "killed"} or any(group.reason == "not_reached" for group in summary.groups):
        if not any(group.reason in _DESCRIPTIONS for group in summary.groups):
            yield printable(summary.job) or f"rowpatch resume {run}"
        yield from _described_anew(summary, directory)
        return  # what fails then is told then
    if summary.beyond_limit and not summary.planned:
        yield f"rowpatch resume {run} --limit {summary.rows}"
    if any(summary.counts[status] for status in _TO_MEND):
        failed = printable(shlex.quote(str(directory / summary.failed_name)))
        flags = printable(shlex.join(summary.refeed))
        yield f"mend {failed}, then\n         rowpatch apply {failed} {flags}".rstrip()
    if sum(summary.counts[status] for status in _TO_RETRY) > summary.unrepeatable:
        yield printable(summary.job) or f"rowpatch retry {run}"
    if summary.unrepeatable:
        failed = printable(shlex.quote(str(directory / summary.failed_name)))
        flags = printable(shlex.join(summary.refeed))
        rows = "the unknown row" if summary.unrepeatable == 1 else f"the {summary.unrepeatable:,} unknown rows"
        yield (
            f"look at the records of {rows} in {failed}: a second\n         sending could have its effect twice."
            " Keep the rows that were not applied, then\n"
            f"         rowpatch apply {failed} {flags} --resend-unknown"
        )


def _described_anew(summary: Summary, directory: Path) -> Iterator[str]:
    """Yield how to go on by another description, where one of the user's may have been wrong: a run keeps its own."""
    api = summary.refeed[summary.refeed.index("--api") + 1] if "--api" in summary.refeed else ""
    if summary.state != "stopped" or not api.endswith(DESCRIPTION):
        return
    results = printable(shlex.quote(str(directory / "results.csv")))
    flags = shlex.join("API.toml" if each == api else each for each in summary.refeed)
    yield f"if the description was wrong: correct it, then\n         rowpatch apply {results} {printable(flags)}"


def _rows(count: int) -> str:
    return _number(count, "row")


def _number(count: int, noun: str) -> str:
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


def _wrapped(text: str, first: str = "", following: str = "  ", lines: int = 3) -> list[str]:
    return textwrap.wrap(
        printable(text), LINE_WIDTH, initial_indent=first, subsequent_indent=following,
        max_lines=lines, placeholder=" …", break_on_hyphens=False,
    )  # fmt: skip


def _shortened(text: str) -> str:
    line = printable(text)
    return line if len(line) <= LINE_WIDTH else line[: LINE_WIDTH - 1] + "…"
