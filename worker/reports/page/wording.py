"""What the page calls things: for somebody who is no programmer."""

from typing import Final

from jobs.model import SETTLED_WELL, Status
from jobs.texts import counted
from worker.reports.page.words import share
from worker.reports.summary import Summary

NAMES: Final[dict[Status, tuple[str, str]]] = {
    Status.APPLIED: ("updated", "Sent, and the API confirmed it."),
    Status.UNCHANGED: ("already right", "The record was as the row wants it; nothing was sent."),
    Status.SKIPPED: ("left out", "On purpose, or because there was nothing to do."),
    Status.INVALID: ("wrong in the sheet", "The row cannot be sent as it is; nothing was sent."),
    Status.REJECTED: ("refused by the API", "Sent or looked up, and the API said no."),
    Status.FAILED: ("did not get through", "Not applied, for a reason that may pass."),
    Status.CONFLICT: ("changed meanwhile", "Somebody else has changed the record; it was left alone."),
    Status.UNKNOWN: ("in doubt", "It may have been applied: look before you send it again."),
    Status.PENDING: ("not reached", "The run ended before its turn."),
}
"""Each status in plain words, and what it means."""

_ENDED: Final = {
    "stopped": "The run stopped early",
    "interrupted": "The run was interrupted",
    "killed": "The run was cut off",
}


def tone(summary: Summary) -> str:
    """Return how the page looks: `good`, `attention` when rows need somebody, `bad` when the run itself does."""
    if summary.damaged or summary.state != "finished":
        return "bad"
    return "attention" if open_rows(summary) else "good"


def open_rows(summary: Summary) -> int:
    """Return the number of rows that need somebody."""
    return sum(count for status, count in summary.counts.items() if status not in SETTLED_WELL)


def outcome(summary: Summary) -> str:
    """Return the outcome of a run in one sentence."""
    rows, left = summary.rows, open_rows(summary)
    if not rows:
        return "The sheet has no rows."
    done = _listed(summary)
    if summary.state != "finished":
        ended = _ENDED.get(summary.state, "The run has not ended")
        return f"{ended}: {left:,} of {counted(rows, 'row')} {_are(left)} not done{_and(done)}."
    if not left:
        subject = "The one row is" if rows == 1 else f"All {rows:,} rows are"
        return f"{subject} done: {done}."
    need = "needs" if left == 1 else "need"
    return f"{left:,} of {counted(rows, 'row')} {need} attention{_and(done)}."


def figures(summary: Summary) -> list[tuple[Status, int, str]]:
    """Return every status that rows have, with their number and their share in words."""
    return [(status, count, share(count, summary.rows)) for status, count in summary.counts.items() if count]


def _listed(summary: Summary) -> str:
    settled = (Status.APPLIED, Status.UNCHANGED, Status.SKIPPED)
    parts = [f"{summary.counts[status]:,} {NAMES[status][0]}" for status in settled if summary.counts[status]]
    return " and ".join(filter(None, [", ".join(parts[:-1]), *parts[-1:]]))


def _and(done: str) -> str:
    return f"; {done}" if done else ""


def _are(count: int) -> str:
    return "is" if count == 1 else "are"
