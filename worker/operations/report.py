"""The reports of a run made again, and how long a plan will take."""

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import closing
from functools import partial
from pathlib import Path

from jobs.apis.api import Api
from jobs.apis.limits import DeclaredLimits, Place
from jobs.values import valueclass
from worker import reports
from worker.events import Observer, ignore
from worker.files import run_directory
from worker.journal import PLAN, History
from worker.lane.connect import ALL, READS, UPDATES
from worker.operations import apis
from worker.operations.opening import stored_settings
from worker.pacing.quota_file import PaceMemory
from worker.policy.pace import Window, as_windows, in_force, least_time
from worker.reports import Summary
from worker.reports.plan import PlanSummary, write_plan
from worker.settings import Settings, origin_of_url


class NoReports(Exception):
    """The reports cannot be written. The text says why, and what is safe."""


@valueclass(frozen=True, slots=True)
class Reported:
    """What the reports of a run say: `summary` of a run, `plan` of a plan that nobody has begun."""

    directory: Path
    settings: Settings
    api: Api
    summary: Summary | None = None
    plan: PlanSummary | None = None


@valueclass(frozen=True, slots=True)
class Estimate:
    """How long the updates of a plan take at least.

    Attributes:
        is_guessed: no limit of updates is known, so that of reads stands for it.
        reads: requests that read the records before, if that is one by one; 0 where it is in pages.
    """

    seconds: float
    is_guessed: bool
    reads: int = 0


def rewrite(directory: Path, api: Api | None = None, observer: Observer = ignore) -> Reported:
    """Make the reports of a run, or of a plan, again from its journal; `observer` hears how far they are.

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
                plan = write_plan(directory, history, settings, api.schema, rows, observer)
                return Reported(directory, settings, api, plan=plan)
            summary = reports.write(directory, history, settings, api.schema, rows, observer)
            return Reported(directory, settings, api, summary)
    except OSError as error:
        if is_plan:
            raise NoReports(f"cannot write the plan: {error}. Nothing was sent.") from None
        raise NoReports(f"no reports: {error}. The results are safe in the journal.") from None


def estimate(plan: PlanSummary, settings: Settings, api: Api, whose: str, state_directory: Path) -> Estimate | None:
    """Return how long the updates of a plan take, with the reads before them, by what is known of the limits.

    Limits about single records, or values of a variable, are left out: the time may be longer.

    Args:
        plan: in numbers.
        settings: of the run.
        api: that it would update.
        whose: quota the credential spends, see `quota_of`.
        state_directory: where learned limits are remembered.

    Returns:
        The estimate; None if nothing is known.
    """
    limits, blind = api.limits, settings.input.blind
    pages = {name: 0 if blind else math.ceil(rows / api.resource(name).page) for name, rows in plan.types.items()}
    reads = sum(pages.values())
    known = partial(_known, settings, api, whose, state_directory)
    if limits.together:
        loads, is_guessed = [(plan.to_send + reads, known(ALL))], False
    else:
        of_updates, of_reads = known(UPDATES), known(READS)
        is_guessed = not of_updates and settings.pacing.discover
        loads = [(plan.to_send, of_reads if is_guessed else of_updates), (reads, of_reads)]
    if settings.pacing.discover:
        loads += _at_gates(limits, plan.types, pages)
    headroom = settings.pacing.headroom
    times = [least_time(count, [window.less(headroom) for window in windows]) for count, windows in loads if windows]
    return Estimate(max(times), is_guessed, reads if api.page == 1 else 0) if times else None


def _known(settings: Settings, api: Api, whose: str, state_directory: Path, name: str) -> Sequence[Window]:
    """Return the windows of a quota, the user's among them; none if nothing is known of the server's."""
    pacing, origin = settings.pacing, origin_of_url(settings.target.url)
    ceiling = () if name == READS else pacing.ceiling
    if not pacing.discover:
        return ceiling
    limits = PaceMemory(state_directory, origin, whose, name).limits()
    declared = as_windows((api.limits.reads if name == READS else api.limits.updates).rates)
    remembered = (*in_force(limits.told, declared), *limits.inferred)
    return (*ceiling, *(remembered or as_windows(api.windows(origin, reads=name == READS))))


def _at_gates(
    limits: DeclaredLimits, rows: Mapping[str, int], pages: Mapping[str, int]
) -> list[tuple[int, Sequence[Window]]]:
    """Return the requests at each gate whose values do not depend on the record, and its windows."""
    counts: Counter[Place] = Counter()
    for requests, are_reads in ((rows, False), (pages, True)):
        for name, count in requests.items():
            counts.update(dict.fromkeys(limits.places(name, "", {}, reads=are_reads), count))
    return [(count, as_windows(limits.gates[gate].rates)) for (gate, _), count in counts.items()]
