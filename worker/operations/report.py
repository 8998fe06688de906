"""The reports of a run made again, and how long a plan will take."""

from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from jobs.apis.api import Api
from worker import reports
from worker.files import run_directory
from worker.journal import PLAN, History
from worker.operations import apis
from worker.operations.opening import stored_settings
from worker.pacing.quota_file import PaceMemory
from worker.policy.pace import Window, as_windows, least_time
from worker.reports import Summary
from worker.reports.plan import PlanSummary, write_plan
from worker.settings import Settings


class NoReports(Exception):
    """The reports cannot be written. The text says why, and what is safe."""


@dataclass(frozen=True, slots=True)
class Reported:
    """What the reports of a run say: `summary` of a run, `plan` of a plan that nobody has begun."""

    directory: Path
    settings: Settings
    api: Api
    summary: Summary | None = None
    plan: PlanSummary | None = None


@dataclass(frozen=True, slots=True)
class Estimate:
    """How long the updates of a plan take at least.

    Attributes:
        is_guessed: no limit of updates is known, so that of reads stands for it.
    """

    seconds: float
    is_guessed: bool


def rewrite(directory: Path, api: Api | None = None) -> Reported:
    """Make the reports of a run, or of a plan, again from its journal.

    Raises:
        ConfigError: it is no run directory, or what describes its API is gone or changed.
        Busy: another process holds it.
        NoReports: they cannot be written.
        JournalDamaged, InputRefused: the run directory does not hold what it should.
    """
    path = run_directory.journal_in(directory)
    is_plan = False
    try:
        with run_directory.locked(directory), closing(History(path)) as history:
            settings, rows = stored_settings(history)
            api = apis.of_run(directory, history.facts, settings.target, api)
            is_plan = history.facts.get(PLAN) == "complete"
            if is_plan:
                return Reported(directory, settings, api, plan=write_plan(directory, history, settings, rows))
            return Reported(directory, settings, api, reports.write(directory, history, settings, api.schema, rows))
    except OSError as error:
        if is_plan:
            raise NoReports(f"cannot write the plan: {error}. Nothing was sent.") from None
        raise NoReports(f"no reports: {error}. The results are safe in the journal.") from None


def estimate(plan: PlanSummary, settings: Settings, api: Api, whose: str, state_directory: Path) -> Estimate | None:
    """Return how long the updates of a plan take by what is known of the limits; None where nothing is.

    Args:
        plan: in numbers.
        settings: of the run.
        api: that it would update.
        whose: quota the credential spends, see `quota_of`.
        state_directory: where learned limits are remembered.
    """
    origin, pacing = settings.target.url, settings.pacing
    writes, reads = (_remembered(state_directory, origin, whose, method) for method in ("PATCH", "GET"))
    known = (*pacing.ceiling, *(writes or as_windows(api.windows(origin)) if pacing.discover else ()))
    is_guessed = not known and pacing.discover
    windows = [window.less(pacing.headroom) for window in known or (reads if is_guessed else ())]
    return Estimate(least_time(plan.to_send, windows), is_guessed) if windows else None


def _remembered(state_directory: Path, origin: str, whose: str, method: str) -> tuple[Window, ...]:
    limits = PaceMemory(state_directory, origin, whose, method).limits()
    return (*limits.told, *limits.inferred)
