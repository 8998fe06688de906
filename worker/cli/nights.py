"""Do the nights of jobs and say how they ended."""

import json
import os
from collections.abc import Sequence
from contextlib import closing
from dataclasses import replace
from functools import partial
from pathlib import Path

import anyio

from worker.cli.executing import execute_with_signals
from worker.cli.flags import Flags, overridden
from worker.cli.phases import Phases
from worker.cli.screen import Board, configure_log
from worker.cli.speech import ask, can_ask, say, warn
from worker.clock import Clock
from worker.exit_statuses import worst
from worker.files import api_copy, night_facts
from worker.files.run_directory import journal_in
from worker.files.runs import HOME
from worker.journal import History
from worker.notices.report import NightReport
from worker.operations.recipes import in_order
from worker.operations.reconcile import Asked, reconcile
from worker.operations.runs import Host
from worker.settings import ConfigError, Environment, state_directory


def night_of_each(
    recipes: Sequence[Path],
    flags: Flags,
    *,
    source: Path | None = None,
    first: bool = False,
    dry_run: bool = False,
    as_json: bool = False,
) -> int:
    """Do a night of each job; return the worst exit status.

    Raises:
        ConfigError: no recipe is named, one source for several, or jobs that wait for each other.
    """
    if not recipes:
        raise ConfigError("Which job? Try: rowpatch reconcile jobs/prices.toml")
    if source is not None and len(recipes) > 1:
        raise ConfigError("--source is the sheet of one job: name one recipe.")
    asked = Asked(source, first, dry_run, confirm=_confirmed if can_ask() else None)
    statuses = []
    for recipe in in_order(recipes):
        report = _night(recipe, asked, flags)
        say(json.dumps(report.document()) if as_json else report.line())
        statuses.append(report.exit_status)
        if report.state == "interrupted":
            break
    return worst(statuses)


def recipe_of_night(directory: Path) -> Path | None:
    """Return the recipe of the job whose night a run directory is; None for any other run.

    Raises:
        ConfigError: it is no run directory.
        JournalDamaged: its journal cannot be used.
    """
    with closing(History(journal_in(directory))) as history:
        facts = history.facts
    return Path(facts[api_copy.RECIPE_PATH]) if night_facts.NIGHT in facts else None


def approved(recipe: Path, directory: Path, flags: Flags) -> int:
    """Do a night that a guard stopped all the same; return its exit status."""
    confirm = None if flags.yes or not can_ask() else _confirmed
    report = _night(recipe, Asked(approved=directory, confirm=confirm), flags)
    say(report.line())
    return report.exit_status


def _night(recipe: Path, asked: Asked, flags: Flags) -> NightReport:
    configure_log(flags.log_format)
    clock = Clock()
    board = Board(clock)
    observer = Phases(board.observe, shown=not flags.no_progress)
    watch = None if flags.no_progress else board.watch
    asked = replace(asked, warn=warn, adjust=partial(overridden, flags=flags))
    host = Host(state_directory(), clock, observer, watch, execute=execute_with_signals)
    return anyio.run(partial(reconcile, recipe, asked, Environment(os.environ), host, HOME))


def _confirmed(question: str) -> bool:
    return ask(question).lower() == "yes"
