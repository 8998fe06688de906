"""What a plan says once it is finished, and the exit status it ends with."""

import os
from pathlib import Path
from typing import Final

from worker.cli.speech import complain, show
from worker.engine.progress import duration
from worker.engine.run import Ended
from worker.journal import History
from worker.lane.credentials import quota_of
from worker.pacing.quota_file import PaceMemory
from worker.policy.pace import Window, least_time
from worker.reports.plan import PlanSummary, write_plan
from worker.reports.plan_text import show_plan
from worker.settings import ConfigError, Settings, prior, read_secrets, state_directory

CHANGES: Final = 10
"""Exit status of a plan that has something to send, with --detailed-exitcode."""


def finish_plan(
    directory: Path, history: History, settings: Settings, rows: int, ended: Ended, *, detailed: bool
) -> int:
    """Write and show a plan; the exit status."""
    if ended.state != "planned":
        return complain(
            f"{ended.message}\nThe plan is not complete, and nothing was sent: plan again.", ended.exit_status
        )
    try:
        summary = write_plan(directory, history, settings, rows)
    except OSError as error:
        return complain(f"cannot write the plan: {error}. Nothing was sent.", 3)
    show(lambda console: show_plan(console, summary, directory, _estimate(summary, settings)))
    if summary.refused:
        return 1
    return CHANGES if detailed and summary.to_send else 0


def _estimate(summary: PlanSummary, settings: Settings) -> str:
    """How long the updates will take by what is known of the limits, in words."""
    writes, reads = (_remembered(settings.target.url, method) for method in ("PATCH", "GET"))
    pacing = settings.pacing
    known = (*pacing.ceiling, *(writes or prior(settings.target.url) if pacing.discover else ()))
    guessed = not known and pacing.discover
    windows = [window.less(pacing.headroom) for window in known or (reads if guessed else ())]
    if not windows:
        return ""
    seconds = least_time(summary.to_send, windows)
    said = f"about {duration(seconds)}" if seconds >= 1 else "at once"
    return f"{said} at the limit of reads" if guessed else f"{said} at the known limits"


def _remembered(origin: str, method: str) -> tuple[Window, ...]:
    """The limits of the credential at hand; a plan can be shown again without any."""
    try:
        whose = quota_of(read_secrets(os.environ), origin)
    except ConfigError:
        whose = ""
    limits = PaceMemory(state_directory(), origin, whose, method).limits()
    return (*limits.told, *limits.inferred)
