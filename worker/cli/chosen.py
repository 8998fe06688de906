"""Choose what a command works on: the run given, or else the newest that fits, which is then named; and the API."""

import os
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Final, Literal

from jobs.apis.api import Api
from jobs.apis.description.model import Description
from jobs.apis.description.variables import variables_of
from worker.cli.flags import ApiFlags, Flags
from worker.cli.speech import ask, can_ask, warn
from worker.files.runs import newest, to_undo
from worker.operations import apis
from worker.settings import ConfigError

_WANTED: Final = {
    "resume": (" to be resumed", lambda run: run.is_open),
    "retry": (" to be retried", lambda run: run.needs_retry),
    "verify": (" that wrote anything", lambda run: run.has_written),
    "report": ("", lambda run: run.state not in {"damaged", "working"}),
}


def chosen(command: Literal["resume", "retry", "verify", "report"], given: Path | None) -> Path:
    """Return the run directory that was given, or the newest that fits the command.

    Raises:
        ConfigError: none fits.
    """
    if given is not None:
        return given
    what, fits = _WANTED[command]
    found = newest(what, fits)
    warn(f"The newest run{what}: {found}")
    return found


def chosen_to_undo(given: Path | None, flags: Flags, *, sure: bool) -> Path:
    """Return the run directory that was given, or the newest that can be undone, after asking the user to confirm it.

    Raises:
        ConfigError: no run can be undone, or the user did not confirm.
    """
    if given is not None:
        return given
    found = to_undo()
    if flags.yes or sure:
        warn(f"The newest run that can be undone: {found}")
        return found
    if not can_ask():
        raise ConfigError(f"The newest run that can be undone is {found}: name it, or pass --yes.")
    if ask(f"Undo the newest run, {found}? Type yes to go on:").lower() != "yes":
        raise ConfigError("Not confirmed; nothing was sent.")
    return found


def named_api(flags: ApiFlags) -> str:
    """Return the name or file of the API that the flags or the environment give; empty for the default one."""
    return flags.api or os.environ.get("ROWPATCH_API", "")


def chosen_api(flags: ApiFlags) -> Api:
    """Return the API that the flags or the environment name, with its variables; without a name, the default one.

    A variable is given by `--set NAME=VALUE` or, for want of that, by `ROWPATCH_SET_NAME`; those of other APIs may
    stand in the environment, too.

    Raises:
        ConfigError: there is no such API, its description is refused, or it has no variable that was set.
    """
    found = apis.found(named_api(flags))
    given = _pairs(flags.variables or ())
    if os.environ.get("ROWPATCH_SET"):
        raise ConfigError("ROWPATCH_SET is not read: set ROWPATCH_SET_NAME=VALUE, a variable for each.")
    known = variables_of(found) if isinstance(found, Description) else frozenset[str]()
    told = {name: os.environ.get(_in_environment(name)) for name in known - given.keys()}
    return apis.with_variables(found, {**{name: value for name, value in told.items() if value}, **given})


def _pairs(given: Sequence[str]) -> dict[str, str]:
    pairs: dict[str, str] = {}
    for text in given:
        name, equals, value = text.partition("=")
        if not (name and equals):
            raise ConfigError(f"--set {text}: write NAME=VALUE.")
        if pairs.setdefault(name, value) != value:
            raise ConfigError(f"--set {name}: given twice, with different values.")
    return pairs


def _in_environment(name: str) -> str:
    return f"ROWPATCH_SET_{re.sub(r'[^A-Z0-9]', '_', name.upper())}"
