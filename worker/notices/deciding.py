"""Which notices are due after a night, and what they say. Pure."""

from typing import Final, Literal, TypeAlias

from jobs.printable import printable
from jobs.values import valueclass
from worker.notices.command import Command
from worker.notices.report import SHOWN_CAUSES, NightReport, Outcome
from worker.notices.webhook import Webhook

Occasion = Literal["failed", "partial", "guard", "drift", "recovered"]
"""What somebody may want to be notified of."""

OCCASIONS: Final[dict[Occasion, str]] = {
    "failed": "the night did not finish: it was stopped, interrupted, refused, or the job was still busy",
    "partial": "the night finished, but some rows need action: exit status 1",
    "guard": "a guard kept the night from sending",
    "drift": "somebody else changed fields that the job owns",
    "recovered": "the night went well after one that did not",
}
"""When each is due."""

_BAD: Final[dict[Outcome, Occasion]] = {
    "partial": "partial", "guard": "guard", "stopped": "failed", "interrupted": "failed", "refused": "failed",
    "busy": "failed",
}  # fmt: skip

Way: TypeAlias = Command | Webhook
"""How a notice gets to somebody."""


@valueclass(frozen=True, slots=True)
class Notice:
    """One `[[notify]]` of a recipe.

    Attributes:
        way: command or webhook.
        on: occasions to notify of.
        threshold: per cent of the rows from which on `partial` and `drift` are due; 0: from one row on.
    """

    way: Way
    on: frozenset[Occasion] = frozenset(OCCASIONS)
    threshold: float = 0.0


def due(notice: Notice, night: NightReport, before: NightReport | None) -> tuple[Occasion, ...]:
    """Return the occasions on which a notice is due after a night, in the order of `OCCASIONS`; none for a dry run.

    A night that was bad, but below the notice's threshold, does not make the next one a recovery: nobody was told.

    Args:
        notice: with its occasions and its threshold.
        night: that ended.
        before: the night before it that was no dry run; None if there was none.
    """
    if night.state == "planned":
        return ()
    found = {_trouble(notice, night)}
    if _reaches(notice, night.drifted + night.overwritten + night.conflicts, night):
        found.add("drift")
    if night.outcome == "ok" and before is not None and _trouble(notice, before):
        found.add("recovered")
    return tuple(each for each in OCCASIONS if each in found & notice.on)


def _trouble(notice: Notice, night: NightReport) -> Occasion | None:
    """Return why a night was bad by the notice's threshold; None if it was not."""
    occasion = _BAD.get(night.outcome)
    if occasion == "partial" and night.troubled and not _reaches(notice, night.troubled, night):
        return None
    return occasion


def _reaches(notice: Notice, rows: int, night: NightReport) -> bool:
    return rows > 0 and rows * 100 >= notice.threshold * night.rows


def digest(night: NightReport, occasions: tuple[Occasion, ...]) -> dict[str, object]:
    """Return what a notice says as a JSON object: the report and its occasions."""
    return {**night.document(), "occasions": list(occasions)}


def text(night: NightReport, occasions: tuple[Occasion, ...]) -> str:
    """Return what a notice says as printable lines: the outcome, the numbers, the causes, the next command."""
    lines = [f"{night.job}: {', '.join(occasions)} (exit status {night.exit_status})", *night.numbers()]
    if night.cause:
        lines.append(night.cause)
    lines += [each.words() for each in night.causes[:SHOWN_CAUSES]]
    if rest := night.causes[SHOWN_CAUSES:]:
        lines.append(f"and {len(rest):,} more causes for {sum(each.count for each in rest):,} rows")
    if night.run is not None:
        lines.append(f"Run: {night.run}")
    if night.next:
        lines.append(f"Next: {night.next}")
    return "\n".join(map(printable, lines))
