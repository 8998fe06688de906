"""A run that is open: the credential, what would be sent, the work itself, its end and its reports.

What blocks is apart from what awaits: `first_token` and `Run.execute` belong into an event loop, all else outside of
one, where Ctrl-C ends it at once, or into a worker thread.
"""

from collections.abc import Awaitable, Callable
from dataclasses import field, replace
from pathlib import Path
from typing import Literal

from jobs.apis.api import Api
from jobs.values import valueclass
from worker import reports
from worker.clock import Clock
from worker.engine.progress import Watch
from worker.engine.run import Decide, Run, RunEnd, Shape
from worker.events import Observer, ignore
from worker.exit_statuses import DONE, NOT_ALL, STOPPED
from worker.journal import PLAN, VERSION, WHO, Counters, JournalError, Runner
from worker.lane.authority import CredentialLost
from worker.lane.connect import LaneSettings, token_endpoint
from worker.lane.network import route_of
from worker.operations import apis
from worker.operations.opening import RunHandle, going_on
from worker.operations.provenance import version_of_program, who
from worker.reports.plan import write_plan
from worker.settings import ConfigError, Secrets, Settings, is_live
from worker.stop import Stop


@valueclass(frozen=True, slots=True)
class Nightly:
    """What is special about a run of a job.

    Attributes:
        decide: says what is done about a row that was read.
        deadline: seconds since the epoch at which nothing more is sent; None for no end.
        shape: changes what rows ask for, on their way in.
        turns: the turn in which each row is sent; empty for one turn.
    """

    decide: Decide
    deadline: float | None = None
    shape: Shape | None = None
    turns: bytes | bytearray = b""


@valueclass(frozen=True, slots=True)
class RunMode:
    """What a process is to do.

    Attributes:
        name: what to call it in the journal.
        resumed: an earlier process has been at it.
        redo: rows with a result that are to be run again.
        plan: `make` one and send nothing, or `keep` to the one there is.
        last: number of the last row to be looked at; None for all.
        night: what is special about a run of a job.
    """

    name: str
    resumed: bool = False
    redo: tuple[int, ...] = ()
    plan: Literal["", "make", "keep"] = ""
    last: int | None = None
    night: Nightly | None = None


@valueclass(frozen=True, slots=True)
class Host:
    """What a process brings along for its run.

    Attributes:
        state_directory: where learned limits are remembered, and shared with other processes.
        observer: hears what happens meanwhile.
        watch: shows the progress until it is cancelled.
        commit: how the journal commits; None for a writer thread of its own.
        execute: executes a run; a command line heeds signals meanwhile.
    """

    state_directory: Path
    clock: Clock = field(default_factory=Clock)
    observer: Observer = ignore
    watch: Watch | None = None
    commit: Runner | None = None
    execute: Callable[[Run], Awaitable[RunEnd]] = Run.execute


@valueclass(frozen=True, slots=True)
class Access:
    """The credential that a run begins with.

    Attributes:
        secrets: with a token, unless it is lost.
        tokens: requests that the token cost.
        lost: why there is no token; empty when there is one.
    """

    secrets: Secrets
    tokens: int = 0
    lost: str = ""


@valueclass(frozen=True, slots=True)
class ToSend:
    """What a run would send.

    Attributes:
        rows: at most. `url`: origin of the API.
        mode: of the credential, `test` or `live`; empty where it does not say.
        is_harmless: nothing is sent, or no live data is at stake: nobody needs to be asked.
        has_modes: a credential for the API may say which mode it is for.
    """

    rows: int
    url: str
    mode: str
    is_harmless: bool
    has_modes: bool = True


def token_at_hand(api: Api, settings: Settings, secrets: Secrets) -> Access | None:
    """Return the credential that the user gave, None where a first token has to be asked for.

    Raises:
        ConfigError: the servers cannot be reached in the way the settings say.
    """
    if api.auth.tokens is not None and secrets.token is None:
        return None
    if not settings.target.url:  # it comes with a token, and only with one that is asked for
        if secrets.renewable:
            return None
        raise ConfigError("Where to? ROWPATCH_TOKEN does not say where the API is: pass --url.")
    route_of(settings, secrets)  # refused here rather than half-way
    return Access(secrets)


async def first_token(api: Api, settings: Settings, secrets: Secrets, host: Host) -> Access:
    """Ask for a token, before anything is asked of the caller or sent.

    Raises:
        ConfigError: the servers cannot be reached in the way the settings say, or the API issues no tokens.
    """
    tokens = api.auth.tokens
    if tokens is None:
        raise ConfigError("This API issues no tokens.")
    route, counters = route_of(settings, secrets), Counters()
    try:
        lane = LaneSettings(api, settings, secrets, host.state_directory, counters, host.clock, Stop())
        async with token_endpoint(lane, tokens, route) as endpoint:
            grant = await endpoint.issue()
    except CredentialLost as error:
        return Access(secrets, counters.tokens, str(error))
    return Access(secrets.with_token(grant, host.clock.wall()), counters.tokens)


def located(handle: RunHandle, access: Access) -> RunHandle:
    """Return the run with the address that came with its token, where nothing else says where the API is."""
    settings, api = apis.located(handle.settings, handle.api, access.secrets.url)
    return handle if settings is handle.settings else replace(handle, settings=settings, api=api)


def to_send(handle: RunHandle, mode: RunMode, access: Access) -> ToSend:
    """Return what the run would send, for whoever decides whether it may.

    Raises:
        ConfigError: the credential is not for the mode that the settings expect, or could not be.
    """
    has_modes = handle.api.auth.tells_mode
    target, token = handle.settings.target, access.secrets.token
    credential = handle.api.auth.claims(token.get_secret_value()).mode if token and not access.lost else ""
    if target.expect_mode and not has_modes:
        raise ConfigError(f"{handle.api.name} does not tell test from live data: leave out --expect-mode.")
    if target.expect_mode and credential and credential != target.expect_mode:
        raise ConfigError(f"The credential is for {credential} mode; --expect-mode {target.expect_mode} was asked for.")
    is_harmless = mode.plan == "make" or not is_live(credential, target.url)
    limit = handle.settings.input.limit
    rows = handle.rows if limit is None else min(limit, handle.rows)
    return ToSend(rows, target.url, credential, is_harmless, has_modes)


def notes(handle: RunHandle, mode: RunMode) -> tuple[str, ...]:
    """Return what to say before the first update of a run: the traps that the description of its API tells of."""
    return apis.notes(handle.api) if mode.name == "apply" else ()


def register(handle: RunHandle, mode: RunMode, access: Access, clock: Clock) -> None:
    """Register this process in the journal: from now on the run is the user's to keep.

    Raises:
        JournalError: it cannot be written.
        ConfigError: a name among the settings cannot be recorded.
    """
    journal = handle.journal
    journal.set_fact("settings", handle.settings.recorded())
    if mode.plan == "keep":
        journal.set_fact(PLAN, "kept")
    journal.begin(mode.name, clock.wall(), mode.redo, {WHO: who(), VERSION: version_of_program()})
    journal.counters.tokens = access.tokens


def run_of(handle: RunHandle, mode: RunMode, access: Access, host: Host) -> Run:
    """Return the run, ready to be executed by a registered process."""
    night = mode.night
    return Run(
        handle.directory, handle.journal, handle.settings, access.secrets, handle.rows, mode.resumed,
        host.state_directory, host.clock, host.commit, host.watch, planning=mode.plan == "make", last=mode.last,
        deadline=night.deadline if night else None, decide=night.decide if night else None,
        shape=night.shape if night else None, turns=night.turns if night else b"",
        observer=host.observer, command=mode.name, api=handle.api,
    )  # fmt: skip


def without_token(access: Access) -> RunEnd:
    """Return how a process ends that has no token to work with."""
    return RunEnd("stopped", STOPPED, f"authorisation_lost: {access.lost}")


def finish(handle: RunHandle, mode: RunMode, end: RunEnd, clock: Clock, observer: Observer = ignore) -> RunEnd:
    """Record how the process ended, and write the reports; `observer` hears how far they are.

    Returns:
        The end with a summary, or with a message that says why there is none.

    Raises:
        JournalError: the end cannot be recorded.
        JournalDamaged, InputRefused: the run directory does not hold what it should.
    """
    record_end(handle, end, clock)
    return write_reports(handle, mode, end, observer)


def record_end(handle: RunHandle, end: RunEnd, clock: Clock) -> None:
    """Record how the process ended.

    Raises:
        JournalError: saying what could not be recorded, and what to do.
    """
    journal = handle.journal
    try:
        journal.end(end.state, end.exit_status, end.message, clock.wall())
    except JournalError as error:
        raise JournalError(
            f"{end.message or error}\n{_unrecorded(journal.unrecorded)}Go on once there is room: {going_on(handle)}"
        ) from None


def write_reports(handle: RunHandle, mode: RunMode, end: RunEnd, observer: Observer = ignore) -> RunEnd:
    """Write what there is to report, for a process whose end is recorded; `observer` hears how far it is.

    Returns:
        The end with a summary, or with a message that says why there is none.

    Raises:
        JournalDamaged, InputRefused: the run directory does not hold what it should.
    """
    if mode.plan == "make":
        end = _with_plan(handle, end, observer)
    elif end.abandoned:
        end = replace(end, message=f"abandoned; see {going_on(handle)}")
    else:
        end = _with_summary(handle, end, observer)
    return replace(end, exit_status=end.exit_status or (NOT_ALL if handle.lost else DONE))


def _with_plan(handle: RunHandle, end: RunEnd, observer: Observer) -> RunEnd:
    if end.state != "planned":
        return replace(end, message=f"{end.message}\nThe plan is not complete, and nothing was sent: plan again.")
    try:
        plan = write_plan(handle.directory, handle.journal, handle.settings, handle.api.schema, handle.rows, observer)
    except OSError as error:
        return replace(end, exit_status=STOPPED, message=f"cannot write the plan: {error}. Nothing was sent.")
    return replace(end, exit_status=NOT_ALL if plan.refused else DONE, plan=plan)


def _with_summary(handle: RunHandle, end: RunEnd, observer: Observer) -> RunEnd:
    try:
        schema, rows = handle.api.schema, handle.rows
        summary = reports.write(handle.directory, handle.journal, handle.settings, schema, rows, observer)
    except OSError as error:
        message = f"cannot write the reports: {error}. The results are safe: rowpatch report {handle.directory}"
        return replace(end, exit_status=STOPPED, message=message)
    return replace(end, summary=summary)


def _unrecorded(outcomes: int) -> str:
    if not outcomes:
        return ""
    what = "1 outcome" if outcomes == 1 else f"{outcomes:,} outcomes"
    return f"{what} could not be recorded: these rows are in doubt until the run is resumed.\n"
