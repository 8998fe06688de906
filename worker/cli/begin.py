"""How `apply` and `plan` begin a run: its directory, its copy of the input, its journal."""

import errno
import os
import sys
import time
from contextlib import ExitStack, closing, nullcontext
from pathlib import Path
from typing import Final

from jobs.apis.commercelayer import read_claims
from jobs.formats import InputRefused
from worker.cli.checked import check_first
from worker.cli.flags import Flags, SourceFlags, new_settings
from worker.cli.session import Command, Opened, work
from worker.cli.speech import warn
from worker.files import run_directory, source
from worker.files.run_directory import JOURNAL
from worker.journal import PLAN, History, Journal, JournalError, create
from worker.settings import ConfigError, Secrets, Settings, read_secrets

_FULL: Final = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})


def begin(given: str | None, run_dir: Path | None, command: Command, flags: Flags, reading: SourceFlags) -> int:
    """Begin a run of `given` and work on it; the exit status.

    Raises:
        ConfigError, InputRefused: nothing was sent, and nothing is left behind.
    """
    if given is None:
        raise ConfigError(f"Which sheet? Try: rowpatch {command.name} payments.csv --type stripe_payments")
    name = "-" if given == "/dev/stdin" else given
    if not name.isprintable():
        raise ConfigError("The file's name has characters that cannot be shown: rename it.")
    if name != "-" and str(Path(name).resolve()).encode(errors="replace") != os.fsencode(Path(name).resolve()):
        raise ConfigError("The name of the file's folder is not UTF-8: rename the folder.")
    url = _url(flags, read_secrets(os.environ))
    settings = new_settings(name, reading.format or source.guess_format(name), url, flags, reading)
    return start(run_dir or run_directory.default(name, time.time()), settings, command, flags)


def _url(flags: Flags, secrets: Secrets) -> str:
    if flags.url:
        return flags.url
    url = read_claims(secrets.token.get_secret_value()).url if secrets.token else ""
    if not url:
        raise ConfigError("Where to? Set ROWPATCH_URL or pass --url, like https://yourdomain.commercelayer.io")
    warn(f"The API is {url}: the token names it. To use another, pass --url.")
    return url


def start(directory: Path, settings: Settings, command: Command, flags: Flags) -> int:
    """Make the run directory, check the whole input, make the journal, and work; a refusal leaves nothing behind."""
    if (directory / JOURNAL).exists():
        raise ConfigError(f"{directory} holds {_what_is_there(directory)}")
    new = run_directory.make(directory)
    with ExitStack() as stack:
        stack.enter_context(run_directory.locked(directory))
        if (directory / JOURNAL).exists():  # another process was quicker
            raise run_directory.Busy(f"Another process has just begun a run in {directory}; nothing was sent.")
        run_directory.clear(directory)
        try:
            settings, facts, rows = _take_in(directory, settings)
            create(directory / JOURNAL, facts)
            run_directory.persist(directory)
            journal = Journal(directory / JOURNAL)
            stack.callback(journal.close)
            return work(Opened(directory, journal, settings, rows, settings), command, flags)
        except (ConfigError, InputRefused, JournalError, KeyboardInterrupt) as error:
            if _has_begun(directory):
                raise
            run_directory.remove(directory, itself=new)
            if isinstance(error, JournalError):
                raise ConfigError(f"{error}; nothing was sent.") from None  # there is nothing that could be resumed
            raise


def _what_is_there(directory: Path) -> str:
    """What a directory with a journal is, and what to do about it."""
    with closing(History(directory / JOURNAL)) as history:
        if history.facts.get(PLAN) == "complete":
            return f"a plan already; to do it: rowpatch apply --plan {directory}"
        if {process.command for process in history.processes()} == {"plan"}:
            return "a plan that was not finished; choose another --run-dir."
    return f"a run already; to go on with it: rowpatch resume {directory}"


def _has_begun(directory: Path) -> bool:
    """Whether a process registered itself in the journal: from then on the run is the user's to keep."""
    if not (directory / JOURNAL).exists():
        return False
    with closing(History(directory / JOURNAL)) as history:
        return bool(history.processes())


def _take_in(directory: Path, settings: Settings) -> tuple[Settings, dict[str, str], int]:
    """Copy and check the input; the settings as it shows them, the facts the journal begins with, and the rows."""
    how = settings.input
    if how.source == "-" and sys.stdin is None:
        raise ConfigError("Standard input is closed: there is nothing to read.")
    try:
        with nullcontext(sys.stdin.buffer) if how.source == "-" else Path(how.source).open("rb") as stream:
            spooled = source.spool(stream, directory, how.format)
    except OSError as error:
        what = f"write to {directory}" if error.errno in _FULL else f"read {how.source}"
        raise ConfigError(f"Cannot {what}: {error.strerror}.") from None
    given, how = how, source.resolve_options(spooled.path, how)
    settings = settings.model_copy(update={"input": how})
    rows = check_first(spooled.path, settings, given)
    facts = {
        "source": "-" if how.source == "-" else str(Path(how.source).resolve()),
        "sha256": spooled.sha256,
        "rows": str(rows),
        "settings": settings.recorded(),
    }
    return settings, facts, rows
