"""What to type next: the commands that take a run further."""

import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from jobs.model import Status
from jobs.printable import printable
from jobs.values import valueclass
from worker.files.run_directory import DESCRIPTION
from worker.reports.summary import Summary

_DESCRIPTIONS: Final = frozenset({"not_as_described", "no_version"})
"""Reasons that only another description can help against."""

_TO_RETRY: Final = frozenset({Status.FAILED, Status.REJECTED, Status.UNKNOWN})
_TO_MEND: Final = frozenset({Status.INVALID, Status.REJECTED})
_TO_LOOK_AT: Final = frozenset({Status.UNKNOWN})


@valueclass(frozen=True, slots=True)
class Step:
    """One command that takes a run further.

    Attributes:
        command: to type, without control characters.
        before: what to do first, in words that a command follows; may have line breaks.
        helps: statuses of the rows that it is for; empty if it is for the run as a whole.
    """

    command: str
    before: str = ""
    helps: frozenset[Status] = frozenset()


def next_steps(summary: Summary, directory: Path) -> Iterator[Step]:
    """Yield the commands that take the run further, the one to begin with first.

    Args:
        summary: of the run.
        directory: of the run, as the user would type it.
    """
    run = printable(shlex.quote(str(directory)))
    if summary.damaged:  # to go on would take more
        yield Step(f"rowpatch undo {run}")
        return
    if summary.state in {"interrupted", "killed"} or any(group.reason == "not_reached" for group in summary.groups):
        if not any(group.reason in _DESCRIPTIONS for group in summary.groups):
            yield Step(printable(summary.job) or f"rowpatch resume {run}")
        yield from _described_anew(summary, directory)
        return  # what fails then is told then
    if summary.beyond_limit and not summary.planned:
        yield Step(f"rowpatch resume {run} --limit {summary.rows}")
    failed = printable(shlex.quote(str(directory / summary.failed_name)))
    again = f"rowpatch apply {failed} {printable(shlex.join(summary.refeed))}".rstrip()
    if any(summary.counts[status] for status in _TO_MEND):
        yield Step(again, f"mend {failed}, then", _TO_MEND)
    if sum(summary.counts[status] for status in _TO_RETRY) > summary.unrepeatable:
        yield Step(printable(summary.job) or f"rowpatch retry {run}", helps=_TO_RETRY)
    if summary.unrepeatable:
        rows = "the unknown row" if summary.unrepeatable == 1 else f"the {summary.unrepeatable:,} unknown rows"
        look = (
            f"look at the records of {rows} in {failed}: a second\nsending could have its effect twice."
            " Keep the rows that were not applied, then"
        )
        yield Step(f"{again} --resend-unknown", look, _TO_LOOK_AT)


def _described_anew(summary: Summary, directory: Path) -> Iterator[Step]:
    """Yield how to go on by another description, where one of the user's may have been wrong: a run keeps its own."""
    api = summary.refeed[summary.refeed.index("--api") + 1] if "--api" in summary.refeed else ""
    if summary.state != "stopped" or not api.endswith(DESCRIPTION):
        return
    results = printable(shlex.quote(str(directory / "results.csv")))
    flags = shlex.join("API.toml" if each == api else each for each in summary.refeed)
    command = f"rowpatch apply {results} {printable(flags)}"
    yield Step(command, "if the description was wrong: correct it, then")
