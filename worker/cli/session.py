"""A session of a command that sends: ask before, handle signals during, report the result after."""

import os
from collections.abc import Mapping

import anyio

from jobs.texts import counted
from worker import reports
from worker.cli.executing import execute_with_signals
from worker.cli.flags import Flags
from worker.cli.phases import Phases
from worker.cli.planned import show_planned
from worker.cli.screen import Board, configure_log
from worker.cli.signals import end_orderly, status_of
from worker.cli.speech import ask, can_ask, complain, say, warn
from worker.clock import Clock
from worker.engine.run import RunEnd
from worker.exit_statuses import CHANGES, DONE
from worker.operations import apis, recipes, runs
from worker.operations.opening import RunHandle
from worker.operations.runs import Host, RunMode, ToSend
from worker.settings import ConfigError, read_secrets, state_directory


def work(handle: RunHandle, mode: RunMode, flags: Flags, *, detailed: bool = False) -> int:
    """Execute a run (or make its plan), write the reports, print the result; return the exit status.

    Args:
        handle: of the run.
        mode: what to do.
        flags: of the command.
        detailed: exit with CHANGES if a plan has something to send.
    """
    clock = Clock()
    secrets, memory = read_secrets(environment_of(handle), handle.api.auth), state_directory()
    board = Board(clock)
    observer = Phases(board.observe, shown=not flags.no_progress)
    host = Host(memory, clock, observer, None if flags.no_progress else board.watch)
    at_hand = runs.token_at_hand(handle.api, handle.settings, secrets)
    configure_log(flags.log_format)
    _introduce(handle, mode)
    access = at_hand or anyio.run(runs.first_token, handle.api, handle.settings, secrets, host)
    handle = runs.located(handle, access)
    if not access.lost:
        _confirm(runs.to_send(handle, mode, access), flags)
    runs.register(handle, mode, access, clock)
    if access.lost:
        end = runs.without_token(access)
    else:
        run = runs.run_of(handle, mode, access, host)
        end = anyio.run(execute_with_signals, run)
        end_orderly()
    return _finish(handle, mode, end, host, detailed=detailed)


def environment_of(handle: RunHandle) -> Mapping[str, str]:
    """Return the environment with the credentials that the recipe of a run names."""
    return recipes.environment_of_run(handle.directory, handle.journal.facts, os.environ)


def _finish(handle: RunHandle, mode: RunMode, end: RunEnd, host: Host, *, detailed: bool) -> int:
    runs.record_end(handle, end, host.clock)
    try:
        end = runs.write_reports(handle, mode, end, host.observer)
    except KeyboardInterrupt as error:
        if mode.plan == "make":
            raise
        return complain(
            f"interrupted, without reports. The results are safe: rowpatch report {handle.directory}", status_of(error)
        )
    if end.plan is not None:
        show_planned(handle.directory, end.plan, handle.settings, handle.api, environment_of(handle))
        return CHANGES if detailed and end.plan.to_send and end.exit_status == DONE else end.exit_status
    if end.summary is None:
        return complain(end.message, end.exit_status)
    say(reports.render_summary(end.summary, handle.directory))
    return end.exit_status


def _introduce(handle: RunHandle, mode: RunMode) -> None:
    """Say where a run of a described API goes, and what its description warns of."""
    if said := apis.introduction(handle.api, handle.settings):
        warn(said)
    for note in runs.notes(handle, mode):
        warn(note)


def _confirm(planned: ToSend, flags: Flags) -> None:
    """Ask the user to confirm before live data is changed; not where a credential never says which data are live.

    Raises:
        ConfigError: the user did not confirm.
    """
    if flags.yes or planned.is_harmless or not planned.has_modes:
        return
    rows, shown = planned.rows, planned.mode.upper() or "mode unknown, taken as LIVE"
    what = f"up to {counted(rows, 'row')} to {planned.url} ({shown})"
    if not can_ask():
        raise ConfigError(f"About to send {what}. Without a terminal, live mode needs --yes.")
    if ask(f"About to send {what}. Type yes to go on:").lower() != "yes":
        raise ConfigError("Not confirmed; nothing was sent.")
