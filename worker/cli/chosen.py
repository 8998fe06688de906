"""Choose the run that a command works on: the one given, or else the newest that fits, which is then named."""

from pathlib import Path
from typing import Final, Literal

from worker.cli.flags import Flags
from worker.cli.speech import ask, can_ask, warn
from worker.files.runs import newest, to_undo
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
