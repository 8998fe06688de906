"""What the commands that send have in common: checks before, the run itself, reports and words after."""

import gc
import os
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

import anyio
import structlog
from pydantic import SecretStr

from jobs.apis.commercelayer import read_claims
from jobs.formats import InputRefused
from worker import reports
from worker.cli.flags import Flags, overridden
from worker.cli.planned import finish_plan
from worker.cli.screen import configure_log, watcher
from worker.cli.signals import end_orderly, heeding_signals, status_of
from worker.cli.speech import ask, can_ask, complain, say
from worker.clock import Clock
from worker.engine.run import Ended, Run
from worker.files import refeed, source
from worker.files.run_directory import JOURNAL, Busy, locked
from worker.journal import PLAN, Counters, History, Journal, JournalDamaged, JournalError
from worker.lane.authority import CredentialLost
from worker.lane.connect import Way, token_endpoint
from worker.lane.network import Route, route_of
from worker.settings import ConfigError, Secrets, Settings, is_loopback, read_secrets, state_directory
from worker.stop import Stop

log: structlog.stdlib.BoundLogger = structlog.get_logger("rowpatch")

BUSY: Final = 75
"""Exit status when another process holds the run (EX_TEMPFAIL of sysexits.h)."""

STOPPED: Final = 3
"""Exit status of a run that stopped and can be resumed."""


def guarded(command: Callable[[], int]) -> int:
    """Call `command`, and turn what it refuses into a message and an exit status."""
    collect_seldom()
    end_orderly()
    try:
        return command()
    except Busy as error:
        return complain(str(error), BUSY)
    except (ConfigError, InputRefused, JournalDamaged) as error:
        return complain(str(error), 2)
    except JournalError as error:
        return complain(str(error), STOPPED)


@dataclass(frozen=True, slots=True)
class Opened:
    """A run directory that this process holds. `recorded` are the settings it was made with, before any flag."""

    directory: Path
    journal: Journal
    settings: Settings
    rows: int
    recorded: Settings


@dataclass(frozen=True, slots=True)
class Command:
    """What a process is to do.

    Attributes:
        name: what to call it in the journal.
        resumed: an earlier process has been at it.
        redo: rows with a result that are to be run again.
        plan: `make` one and send nothing, or `keep` to the one there is.
        last: number of the last row to be looked at; None for all.
        detailed: exit 10 when the plan has something to send.
    """

    name: str
    resumed: bool = False
    redo: tuple[int, ...] = ()
    plan: Literal["", "make", "keep"] = ""
    last: int | None = None
    detailed: bool = False


def open_run(stack: ExitStack, directory: Path, flags: Flags) -> Opened:
    """Lock and open an existing run, with the settings it was made with, overridden by the flags given.

    Raises:
        ConfigError: it is no run directory, or a flag is wrong.
        Busy: another process holds it.
        JournalDamaged: its journal cannot be used.
        InputRefused: its copy of the input is gone or changed.
    """
    if not (directory / JOURNAL).is_file():
        raise ConfigError(f"{directory} is not a run directory: it has no {JOURNAL}.")
    stack.enter_context(locked(directory))
    journal = Journal(directory / JOURNAL)
    stack.callback(journal.close)
    recorded, rows = made_with(journal)
    settings = overridden(recorded, flags)
    copy = source.spooled_in(directory, settings.input.format)
    if source.sha256(copy) != journal.facts["sha256"]:
        raise InputRefused(f"{copy} is not what the run began with; its results could no longer be matched.")
    source.check_columns(source.header(copy, settings.input), settings.input, settings.target.type)
    return Opened(directory, journal, settings, rows, recorded)


def made_with(history: History) -> tuple[Settings, int]:
    """The settings that a run was last worked on with, and the rows of its input.

    Raises:
        JournalDamaged: the journal does not say so.
    """
    try:
        _, _, settings, rows = (history.facts[name] for name in ("source", "sha256", "settings", "rows"))
        return Settings.model_validate_json(settings), int(rows)
    except (KeyError, ValueError):  # a failed validation is a ValueError, and echoes what it found
        raise JournalDamaged(f"{history.path} does not say what the run was made with; nothing was sent.") from None


def refuse_plan(opened: Opened) -> None:
    """Refuse to go on with a run that was only planned.

    Raises:
        ConfigError: saying how to begin it.
    """
    commands = {process.command for process in opened.journal.processes()}
    if opened.journal.facts.get(PLAN) == "complete":
        raise ConfigError(
            f"{opened.directory} is a plan: nothing was sent yet. To do it: rowpatch apply --plan {opened.directory}"
        )
    if commands == {"plan"}:
        raise ConfigError(f"{opened.directory} is a plan that was not finished: nothing was sent. Plan again.")
    planned, wanted = opened.recorded.input.limit, opened.settings.input.limit
    beyond = planned is not None and planned < opened.rows and (wanted is None or wanted > planned)
    if beyond and opened.journal.is_bound_to(planned):
        raise ConfigError(
            f"{opened.directory} does what its plan says, and that is about the first {planned:,} rows."
            f" To go on, plan again: rowpatch plan {opened.journal.facts['source']}"
        )


def refuse_changed(opened: Opened) -> None:
    """Refuse to go on when the sheet is no longer the one the run began with; a sheet that is gone does not matter.

    Raises:
        InputRefused: saying what changed.
    """
    path = Path(opened.journal.facts["source"])
    if not path.is_file() or source.sha256(path) == opened.journal.facts["sha256"]:
        return
    how = opened.settings.input
    try:
        change = refeed.what_changed(source.spooled_in(opened.directory, how.format), path, how)
    except InputRefused as error:
        change = f"it can no longer be read: {error}"
    raise InputRefused(
        f"{path} has changed since the run began: {change}.\n"
        f"To finish the run with the sheet as it was: rowpatch resume {opened.directory} --from-copy\n"
        f"To apply the new sheet, start a new run: rowpatch apply {path}"
    )


def work(opened: Opened, command: Command, flags: Flags) -> int:
    """Send (or plan) what is to be sent, write the reports, say what happened; the exit status."""
    clock = Clock()
    journal, settings = opened.journal, opened.settings
    secrets, memory = read_secrets(os.environ), state_directory()
    route = route_of(settings, secrets)
    configure_log(flags.log_format)
    secrets, tokens, lost = _first_token(secrets, settings, route, clock)
    if not lost:
        _confirm(secrets, opened, flags, command)
    journal.set_fact("settings", settings.recorded())
    if command.plan == "keep":
        journal.set_fact(PLAN, "kept")
    journal.begin(command.name, clock.wall(), command.redo)
    journal.counters.tokens = tokens
    if lost:
        ended = Ended("stopped", STOPPED, f"authorisation_lost: {lost}")
    else:
        run = Run(
            opened.directory, journal, settings, secrets, opened.rows, command.resumed, memory, clock,
            watch=None if flags.no_progress else watcher(clock), planning=command.plan == "make", last=command.last,
        )  # fmt: skip
        log.info("working", run=str(opened.directory), rows=opened.rows)
        ended = anyio.run(heeding_signals, run)
        end_orderly()
    return _finish(opened, ended, clock, command)


def collect_seldom() -> None:
    """Have the cycle collector look less often, and never again at what is there by now: a tenth of a row's CPU.

    A row makes hundreds of objects and hardly a cycle: they go when nobody refers to them any more.
    """
    gc.freeze()
    gc.set_threshold(20_000, 50, 100)


def _finish(opened: Opened, ended: Ended, clock: Clock, command: Command) -> int:
    try:
        opened.journal.end(ended.state, ended.exit_status, ended.message, clock.wall())
    except JournalError as error:
        return complain(
            f"{ended.message or error}\n{_unrecorded(opened.journal.unrecorded)}"
            f"Resume the run once there is room: rowpatch resume {opened.directory}",
            STOPPED,
        )
    if command.plan == "make":
        return finish_plan(
            opened.directory, opened.journal, opened.settings, opened.rows, ended, detailed=command.detailed
        )
    if ended.abandoned:
        return complain(f"abandoned; see rowpatch resume {opened.directory}", ended.exit_status)
    try:
        summary = reports.write(opened.directory, opened.journal, opened.settings, opened.rows)
    except OSError as error:
        return complain(
            f"cannot write the reports: {error}. The results are safe: rowpatch report {opened.directory}", 3
        )
    except KeyboardInterrupt as error:
        return complain(
            f"interrupted, without reports. The results are safe: rowpatch report {opened.directory}", status_of(error)
        )
    say(reports.tell(summary, opened.directory))
    return ended.exit_status


def _unrecorded(outcomes: int) -> str:
    if not outcomes:
        return ""
    what = "1 outcome" if outcomes == 1 else f"{outcomes:,} outcomes"
    return f"{what} could not be recorded: these rows are in doubt until the run is resumed.\n"


def _first_token(secrets: Secrets, settings: Settings, route: Route, clock: Clock) -> tuple[Secrets, int, str]:
    """Have a token before anything is asked or sent; also the requests it cost, and why there is none."""
    if secrets.token is not None:
        return secrets, 0, ""
    counters = Counters()

    async def issue() -> Secrets:
        way = Way(settings, secrets, state_directory(), counters, clock, Stop())
        async with token_endpoint(way, route) as endpoint:
            grant = await endpoint.issue()
            return secrets.model_copy(update={"token": SecretStr(grant.access_token)})

    try:
        return anyio.run(issue), counters.tokens, ""
    except CredentialLost as error:
        return secrets, counters.tokens, str(error)


def _confirm(secrets: Secrets, opened: Opened, flags: Flags, command: Command) -> None:
    """Refuse the wrong mode; ask before touching live data.

    Raises:
        ConfigError: the mode is not the expected one, or nobody said yes.
    """
    target = opened.settings.target
    mode = read_claims(secrets.token.get_secret_value()).mode if secrets.token else ""
    if target.expect_mode and mode and mode != target.expect_mode:
        raise ConfigError(f"The credential is for {mode} mode; --expect-mode {target.expect_mode} was asked for.")
    harmless = command.plan == "make" or mode == "test" or (not mode and is_loopback(target.url))
    if flags.yes or harmless:
        return
    limit = opened.settings.input.limit
    rows = opened.rows if limit is None else min(limit, opened.rows)
    shown = mode.upper() or "mode unknown, taken as LIVE"
    what = f"up to {rows:,} row{'' if rows == 1 else 's'} to {target.url} ({shown})"
    if not can_ask():
        raise ConfigError(f"About to send {what}. Without a terminal, live mode needs --yes.")
    if ask(f"About to send {what}. Type yes to go on:").lower() != "yes":
        raise ConfigError("Not confirmed; nothing was sent.")
