"""The commands as a library, for programs that have an event loop of their own: `import rowpatch`.

What sends gives a prepared run, which is held until its `async with` block ends. Nothing is sent before it is executed;
a new run that is not executed leaves nothing behind. What only reads is a plain function.
"""

import time
from collections.abc import Mapping
from contextlib import AbstractAsyncContextManager, ExitStack
from functools import partial
from pathlib import Path
from typing import BinaryIO

from jobs.apis.api import Api
from jobs.apis.registry import DEFAULT, api_named
from worker.checking import Checked
from worker.engine.verifier import Verified
from worker.events import Observer, ignore
from worker.files import run_directory
from worker.notices.report import NightReport
from worker.operations import check as checks
from worker.operations import opening, runs
from worker.operations import reconcile as nightly
from worker.operations import report as reporting
from worker.operations import retry as retrying
from worker.operations import undo as undoing
from worker.operations import verify as verifying
from worker.operations.opening import Adjust, unchanged
from worker.operations.prepared import Held, PreparedRun, in_thread, prepared
from worker.operations.report import Reported
from worker.operations.runs import Host, RunMode
from worker.settings import Environment, Input, Secrets, Settings

PreparedRuns = AbstractAsyncContextManager[PreparedRun]
"""What `async with` takes: it gives the prepared run."""


def plan(
    settings: Settings,
    secrets: Secrets,
    *,
    state_directory: Path,
    directory: Path | None = None,
    stream: BinaryIO | None = None,
    observer: Observer = ignore,
    api: Api | None = None,
) -> PreparedRuns:
    """Prepare a plan: what an apply would change, value by value. Nothing but reads is sent.

    Args, Raises: those of `apply`.
    """
    hold = partial(_new, settings, RunMode("plan", plan="make"), directory, stream, api)
    return prepared(hold, secrets, Host(state_directory, observer=observer))


def apply(
    settings: Settings,
    secrets: Secrets,
    *,
    state_directory: Path,
    directory: Path | None = None,
    stream: BinaryIO | None = None,
    observer: Observer = ignore,
    api: Api | None = None,
) -> PreparedRuns:
    """Prepare a new run: copy and check the input, get a token.

    Args:
        settings: of the run.
        secrets: the credential.
        state_directory: where learned limits are remembered, and shared with other processes; see `state_directory`.
        directory: of the run, new or empty; None for one under `runs`.
        stream: bytes of the input; None to read the file that the settings name.
        observer: hears what happens meanwhile.
        api: that the run updates; None for the one that the settings name.

    Raises:
        ConfigError, InputRefused: the run cannot begin; nothing was sent, and nothing is left behind.
        Busy: another process holds the directory.
    """
    hold = partial(_new, settings, RunMode("apply"), directory, stream, api)
    return prepared(hold, secrets, Host(state_directory, observer=observer))


def apply_plan(
    directory: Path,
    secrets: Secrets,
    *,
    state_directory: Path,
    adjust: Adjust = unchanged,
    observer: Observer = ignore,
    api: Api | None = None,
) -> PreparedRuns:
    """Prepare to do exactly what the plan in a run directory says.

    Args:
        directory: of the plan.
        secrets: the credential.
        state_directory: see `apply`.
        adjust: changes the settings that the plan was made with, but not what rows mean.
        observer: hears what happens meanwhile.
        api: that the run updates; None for the one that its directory names.

    Raises:
        ConfigError: it holds no finished plan, or one that was begun.
        InputRefused: its copy of the input is gone or changed.
        Busy: another process holds it.
        JournalDamaged: its journal cannot be used.
    """

    def hold(stack: ExitStack) -> Held:
        handle, mode = stack.enter_context(opening.opened_plan(directory, adjust, api)), RunMode("apply", plan="keep")
        return Held(handle, mode, runs.notes(handle, mode))

    return prepared(hold, secrets, Host(state_directory, observer=observer))


def resume(
    directory: Path,
    secrets: Secrets,
    *,
    state_directory: Path,
    adjust: Adjust = unchanged,
    from_copy: bool = False,
    observer: Observer = ignore,
    api: Api | None = None,
) -> PreparedRuns:
    """Prepare to go on with a run that stopped, was interrupted or killed: rows that are settled are not sent again.

    Args:
        directory: of the run.
        secrets: the credential.
        state_directory: see `apply`.
        adjust: changes the settings that the run was made with.
        from_copy: go on with the run's copy of the sheet although the sheet has changed.
        observer: hears what happens meanwhile.
        api: that the run updates; None for the one that its directory names.

    Raises:
        ConfigError: it is no run that can be resumed.
        InputRefused: the sheet, or the run's copy of it, has changed.
        Busy: another process holds it.
        JournalDamaged: its journal cannot be used.
    """

    def hold(stack: ExitStack) -> Held:
        handle = stack.enter_context(opening.opened_to_resume(directory, adjust, api, from_copy=from_copy))
        return Held(handle, RunMode("resume", resumed=True))

    return prepared(hold, secrets, Host(state_directory, observer=observer))


def retry(
    directory: Path,
    secrets: Secrets,
    *,
    state_directory: Path,
    adjust: Adjust = unchanged,
    limit: int | None = None,
    observer: Observer = ignore,
    api: Api | None = None,
) -> PreparedRuns:
    """Prepare to run the failed and rejected rows of a run again, and those that it did not reach.

    Args:
        directory: of the run.
        secrets: the credential.
        state_directory: see `apply`.
        adjust: changes the settings that the run was made with.
        limit: run only the next so many rows; None for all.
        observer: hears what happens meanwhile.
        api: that the run updates; None for the one that its directory names.

    Raises:
        ConfigError: it is no run that can be retried.
        InputRefused: the run's copy of the input is gone or changed.
        Busy: another process holds it.
        JournalDamaged: its journal cannot be used.
    """

    def hold(stack: ExitStack) -> Held:
        handle = stack.enter_context(opening.opened(directory, adjust, api))
        again = retrying.prepare(handle, limit)
        return Held(handle, again.mode, again.warnings)

    return prepared(hold, secrets, Host(state_directory, observer=observer))


def undo(
    run: Path,
    secrets: Secrets,
    *,
    state_directory: Path,
    directory: Path | None = None,
    adjust: Adjust = unchanged,
    plan_only: bool = False,
    observer: Observer = ignore,
    api: Api | None = None,
) -> PreparedRuns:
    """Prepare to restore, key by key, what a run replaced. The undo is a run of its own.

    Args:
        run: directory of the run to be undone.
        secrets: the credential.
        state_directory: see `apply`.
        directory: of the undo, new or empty; None for one under `runs`.
        adjust: changes the settings that the run was made with; the limit that it sets is the number of records.
        plan_only: plan the undo, and send nothing.
        observer: hears what happens meanwhile.
        api: that the run updates; None for the one that its directory names.

    Raises:
        NothingToUndo: the run changed nothing.
        ConfigError: it cannot be undone; nothing is left behind.
        Busy: another process holds one of the directories.
        JournalDamaged: the run's journal cannot be used.
    """
    mode = RunMode("plan", plan="make") if plan_only else RunMode("undo", plan="keep")

    def hold(stack: ExitStack) -> Held:
        handle = stack.enter_context(undoing.begun(run, directory, adjust, api))
        return Held(handle, mode, undoing.warnings(handle))

    return prepared(hold, secrets, Host(state_directory, observer=observer))


async def verify(
    directory: Path,
    secrets: Secrets,
    *,
    state_directory: Path,
    sample: int | None = None,
    adjust: Adjust = unchanged,
    observer: Observer = ignore,
    api: Api | None = None,
) -> Verified:
    """Read again what a run wrote, write `verify.csv`, and return what was found. Nothing but reads is sent.

    Args:
        directory: of the run.
        secrets: the credential.
        state_directory: see `apply`.
        sample: number of records to be chosen at random; None for all.
        adjust: changes the settings that the run was made with.
        observer: hears what happens meanwhile.
        api: that the run updates; None for the one that its directory names.

    Raises:
        ConfigError: it is no run directory, or the servers cannot be reached in the way the settings say.
        Unfinished: the API does not let us read on.
        Busy: another process holds the run.
        JournalDamaged: its journal cannot be used.
        OSError: the file cannot be written.
    """
    host = Host(state_directory, observer=observer)
    stack = ExitStack()
    try:
        run = await in_thread(lambda: stack.enter_context(verifying.opened(directory, adjust, api)))
        records, count = await in_thread(partial(verifying.choose, run, host, sample))
        return await verifying.read_again(run, secrets, host, records, count)
    finally:
        await in_thread(stack.close)


async def check(how: Input, type_name: str = "", *, stream: BinaryIO | None = None, api: Api | None = None) -> Checked:
    """Check all of an input: what cannot be sent, and what looks damaged. Needs no network.

    Args:
        how: the input is read.
        type_name: resource type of rows that do not name one.
        stream: bytes of the input; None to read the file that `how` names.
        api: that the rows are for; None for the default one.

    Raises:
        ConfigError: it cannot be read.
    """

    def examine() -> Checked:
        with checks.readable(how, stream) as path:
            return checks.examine(path, how, type_name, (api or api_named(DEFAULT)).schema)[1]

    return await in_thread(examine)


async def reconcile(
    recipe: Path,
    *,
    environment: Mapping[str, str],
    state_directory: Path,
    source: Path | None = None,
    first: bool = False,
    dry_run: bool = False,
    observer: Observer = ignore,
) -> NightReport:
    """Do a night of a job. It blocks the event loop while it reads and writes files.

    Args:
        recipe: file of the job's recipe.
        environment: with the credential, unless the recipe says where it is.
        state_directory: see `apply`.
        source: the sheet; None for the newest that the recipe names.
        first: there is no memory yet, or it is lost.
        dry_run: plan, and change nothing.
        observer: hears what happens meanwhile.

    Returns:
        How it ended, whatever that is.
    """
    asked = nightly.Asked(source, first, dry_run)
    return await nightly.reconcile(recipe, asked, Environment(environment), Host(state_directory, observer=observer))


async def report(directory: Path, *, api: Api | None = None) -> Reported:
    """Make the reports of a run, or of a plan, again from its journal.

    Raises:
        ConfigError: it is no run directory.
        Busy: another process holds it.
        NoReports: they cannot be written.
        JournalDamaged, InputRefused: the run directory does not hold what it should.
    """
    return await in_thread(partial(reporting.rewrite, directory, api))


def _new(
    settings: Settings,
    mode: RunMode,
    directory: Path | None,
    stream: BinaryIO | None,
    api: Api | None,
    stack: ExitStack,
) -> Held:
    name = settings.input.source
    opening.refuse_name(name)
    place = directory or run_directory.default(name, time.time())
    warnings: list[str] = []
    handle = stack.enter_context(opening.begun(place, settings, warnings.append, stream, api))
    return Held(handle, mode, (*warnings, *runs.notes(handle, mode)))
