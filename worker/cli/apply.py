"""`rowpatch apply`: a new run."""

import errno
import os
import sys
import time
from contextlib import ExitStack, closing, nullcontext
from pathlib import Path
from typing import Annotated, Final

from cyclopts import Parameter

from jobs.commercelayer import read_claims
from worker.cli.flags import RUN, Flags, SourceFlags, new_settings
from worker.settings import ConfigError, Secrets, Settings, read_secrets

_FULL: Final = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})


def apply(
    source: Annotated[
        str | None, Parameter(help="CSV, TSV or NDJSON file, also gzipped; - for standard input.")
    ] = None,
    /,
    *,
    run_dir: Annotated[
        Path | None, Parameter(group=RUN, help="Where the run is kept. Default: runs/NAME-TIME.")
    ] = None,
    plan: Annotated[Path | None, Parameter(group=RUN, help="Execute a saved plan; not built yet.")] = None,
    flags: Flags = Flags(),  # noqa: B008  # frozen
    reading: SourceFlags = SourceFlags(),  # noqa: B008  # frozen
) -> int:
    """Send every row of SOURCE as one PATCH.

    Columns: `id`, `type` (or --type), attributes by name, `metadata.KEY`, members like `options.customer`,
    relationships by name (an id), `tags.add`, `tags.remove`. An empty cell leaves the field alone; <clear> clears it.
    Text stays text, 007 stays 007; the header says otherwise: `metadata.count:int` (int, float, bool, json, str).

    Every flag can be set in the environment too: --expect-mode is ROWPATCH_EXPECT_MODE. Credentials only there:
    ROWPATCH_TOKEN, or ROWPATCH_CLIENT_ID and ROWPATCH_CLIENT_SECRET; with _FILE, the name of a file that holds it.
    """
    from worker.cli.session import guarded  # noqa: PLC0415  # --help must not wait for the HTTP client

    return guarded(lambda: _apply(source, run_dir, plan, flags, reading))


def _apply(given: str | None, run_dir: Path | None, plan: Path | None, flags: Flags, reading: SourceFlags) -> int:
    from worker import run_directory, source  # noqa: PLC0415  # see above

    if plan is not None:
        raise ConfigError("--plan is not built yet.")
    if given is None:
        raise ConfigError("Which sheet? Try: rowpatch apply payments.csv --type stripe_payments")
    if reading.format == "xlsx" or (reading.format is None and given.lower().endswith(".xlsx")):
        raise ConfigError("XLSX is not built yet: save the sheet as CSV (UTF-8).")
    name = "-" if given == "/dev/stdin" else given
    if not name.isprintable():
        raise ConfigError("The file's name has characters that cannot be shown: rename it.")
    url = _url(flags, read_secrets(os.environ))
    settings = new_settings(name, reading.format or source.guess_format(name), url, flags, reading)
    return _start(run_dir or run_directory.default(name, time.time()), settings, flags)


def _url(flags: Flags, secrets: Secrets) -> str:
    url = flags.url or (read_claims(secrets.token.get_secret_value()).url if secrets.token else "")
    if not url:
        raise ConfigError("Where to? Set ROWPATCH_URL or pass --url, like https://yourdomain.commercelayer.io")
    return url


def _start(directory: Path, settings: Settings, flags: Flags) -> int:
    """Make the run directory, check the whole input, make the journal, and work; a refusal leaves nothing behind."""
    from jobs.reading import InputRefused  # noqa: PLC0415  # see above
    from worker import run_directory  # noqa: PLC0415  # see above
    from worker.cli.session import Opened, work  # noqa: PLC0415  # see above
    from worker.journal import Journal, JournalError, create  # noqa: PLC0415  # see above

    if (directory / run_directory.JOURNAL).exists():
        raise ConfigError(f"{directory} holds a run already; to go on with it: rowpatch resume {directory}")
    new = run_directory.make(directory)
    with ExitStack() as stack:
        stack.enter_context(run_directory.locked(directory))
        if (directory / run_directory.JOURNAL).exists():  # another process was quicker
            raise run_directory.Busy(f"Another process has just begun a run in {directory}; nothing was sent.")
        run_directory.clear(directory)
        try:
            facts, rows = _take_in(directory, settings)
            create(directory / run_directory.JOURNAL, facts)
            journal = Journal(directory / run_directory.JOURNAL)
            stack.callback(journal.close)
            return work(Opened(directory, journal, settings, rows), "apply", flags, resumed=False)
        except (ConfigError, InputRefused, JournalError, KeyboardInterrupt) as error:
            if _has_begun(directory):
                raise
            run_directory.remove(directory, itself=new)
            if isinstance(error, JournalError):
                raise ConfigError(f"{error}; nothing was sent.") from None  # there is nothing that could be resumed
            raise


def _has_begun(directory: Path) -> bool:
    """Whether a process registered itself in the journal: from then on the run is the user's to keep."""
    from worker.journal import History  # noqa: PLC0415  # see above
    from worker.run_directory import JOURNAL  # noqa: PLC0415  # see above

    if not (directory / JOURNAL).exists():
        return False
    with closing(History(directory / JOURNAL)) as history:
        return bool(history.processes())


def _take_in(directory: Path, settings: Settings) -> tuple[dict[str, str], int]:
    """Copy and check the input; the facts the journal begins with, and the number of rows."""
    from worker import source  # noqa: PLC0415  # see above

    how = settings.input
    if how.source == "-" and sys.stdin is None:
        raise ConfigError("Standard input is closed: there is nothing to read.")
    try:
        with nullcontext(sys.stdin.buffer) if how.source == "-" else Path(how.source).open("rb") as stream:
            spooled = source.spool(stream, directory, how.format)
    except OSError as error:
        what = f"write to {directory}" if error.errno in _FULL else f"read {how.source}"
        raise ConfigError(f"Cannot {what}: {error.strerror}.") from None
    found = source.scan(spooled.path, how)
    if found.rows == 0:
        raise ConfigError(f"{how.source} has no rows.")
    source.check_columns(found.header, how, settings.target.type)
    facts = {
        "source": "-" if how.source == "-" else str(Path(how.source).resolve()),
        "sha256": spooled.sha256,
        "rows": str(found.rows),
        "settings": settings.recorded(),
    }
    return facts, found.rows
