"""Run directories: begin a new one, or open one there is. A handle means that this process holds the run.

All of it blocks: call it outside of an event loop, where Ctrl-C ends it at once, or in a worker thread.
"""

import errno
import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager, nullcontext
from pathlib import Path
from typing import BinaryIO, Final

from jobs.apis.api import Api
from jobs.apis.schema import Schema
from jobs.columns import keys_of
from jobs.formats import InputRefused
from jobs.values import valueclass
from worker.events import Observer, ignore
from worker.files import night_facts, refeed, run_directory, source
from worker.files.run_directory import JOURNAL
from worker.journal import PLAN, History, Journal, JournalDamaged, JournalError, create
from worker.operations import apis, recipes
from worker.operations.check import check_first
from worker.operations.recipes import Chosen
from worker.settings import ConfigError, Settings

Adjust = Callable[[Settings], Settings]
"""Change the settings that a run was made with, as flags do."""

_FULL: Final = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})


@valueclass(frozen=True, slots=True)
class RunHandle:
    """A run directory that this process holds.

    Attributes:
        rows: data rows of the input.
        recorded: the settings that the run was made with, before they were adjusted.
        api: that the run is for.
        lost: values that an undo cannot restore.
    """

    directory: Path
    journal: Journal
    settings: Settings
    rows: int
    recorded: Settings
    api: Api
    lost: int = 0


def unchanged(settings: Settings) -> Settings:
    """Return the settings as they are."""
    return settings


def refuse_name(name: str) -> None:
    """Refuse the name of an input that could not be shown, or recorded.

    Raises:
        ConfigError: saying what to rename.
    """
    if not name.isprintable():
        raise ConfigError("The file's name has characters that cannot be shown: rename it.")
    if name != "-" and str(Path(name).resolve()).encode(errors="replace") != os.fsencode(Path(name).resolve()):
        raise ConfigError("The name of the file's folder is not UTF-8: rename the folder.")


@contextmanager
def begun(
    directory: Path,
    settings: Settings,
    warn: Callable[[str], None],
    stream: BinaryIO | None = None,
    api: Api | None = None,
    recipe: Chosen | None = None,
    observer: Observer = ignore,
) -> Iterator[RunHandle]:
    """Make a run directory, copy and check the whole input, make the journal; hold the run until the block ends.

    A run in which no process registers itself leaves nothing behind.

    Args:
        directory: of the run; it may exist if it is empty.
        settings: of the run.
        warn: takes each warning about the input as it is found.
        stream: bytes of the input; None to read the file that the settings name.
        api: that the run is for; None for the one that the settings name.
        recipe: that the settings follow, to be kept with the run.
        observer: hears how far the check is.

    Raises:
        ConfigError, InputRefused: the run cannot begin; nothing was sent.
        Busy: another process holds the directory.
    """
    if (directory / JOURNAL).exists():
        raise ConfigError(f"{directory} holds {_what_is_there(directory)}")
    settings, api = apis.settled(settings, api)
    settings = _sighted(settings, api, warn)
    with new_directory(directory) as open_journal:
        journal: Journal | None = None
        try:
            described = _keep(directory, api, recipe)
            settings, facts, rows = _take_in(directory, settings, api.schema, warn, stream, observer)
            create(directory / JOURNAL, {**facts, **described})
            run_directory.persist(directory)
            journal = open_journal()
            yield RunHandle(directory, journal, settings, rows, settings, api)
        except JournalError as error:
            if journal is not None and journal.is_registered:
                raise
            raise ConfigError(f"{error}; nothing was sent.") from None  # there is nothing that could be resumed


def _sighted(settings: Settings, api: Api, warn: Callable[[str], None]) -> Settings:
    """Return the settings with what a type of records cannot do without, or have.

    Raises:
        ConfigError: records of that type cannot be updated without reading them first, and are to be.
    """
    kind, how = settings.target.type, settings.input
    if api.schema.resource_type(kind) is None:
        return settings
    resource = api.resource(kind)
    if how.blind and not resource.can_be_blind:
        raise ConfigError(
            f"{kind} have to be read first: an update holds all of what was read, or names its version."
            " Leave out --blind."
        )
    if how.blind or resource.can_be_read:
        return settings
    warn(f"{kind} cannot be read: every row is sent, even if it changes nothing, and nothing can be merged or undone.")
    return settings.model_copy(update={"input": how.model_copy(update={"blind": True})})


@contextmanager
def new_directory(directory: Path) -> Iterator[Callable[[], Journal]]:
    """Make and lock a run directory; yield what opens its journal once that is there.

    The directory is taken away again unless a process registered itself in the journal: then it is the user's to keep.

    Raises:
        ConfigError: it cannot be made, or is in use for something else.
        Busy: another process holds it.
    """
    new = run_directory.make(directory)
    with run_directory.locked(directory), ExitStack() as stack:
        if (directory / JOURNAL).exists():  # another process was quicker
            raise run_directory.Busy(f"Another process has just begun a run in {directory}; nothing was sent.")
        run_directory.clear(directory)
        opened: list[Journal] = []

        def open_journal() -> Journal:
            opened.append(stack.enter_context(closing(Journal(directory / JOURNAL))))
            return opened[-1]

        try:
            yield open_journal
        finally:
            if not any(journal.is_registered for journal in opened):
                run_directory.remove(directory, itself=new)


def _what_is_there(directory: Path) -> str:
    """Say what a directory with a journal is, and what to do about it."""
    with closing(History(directory / JOURNAL)) as history:
        if history.facts.get(PLAN) == "complete":
            return f"a plan already; to do it: rowpatch apply --plan {directory}"
        if {process.command for process in history.processes()} == {"plan"}:
            return "a plan that was not finished; choose another --run-dir."
    return f"a run already; to go on with it: rowpatch resume {directory}"


def _keep(directory: Path, api: Api, recipe: Chosen | None) -> dict[str, str]:
    """Keep copies of what describes the API, and of the recipe; return the facts about them."""
    try:
        return {**apis.keep(directory, api), **(recipes.keep(directory, recipe) if recipe else {})}
    except OSError as error:
        raise ConfigError(f"Cannot write to {directory}: {error.strerror}.") from None


def _take_in(
    directory: Path,
    settings: Settings,
    schema: Schema,
    warn: Callable[[str], None],
    stream: BinaryIO | None,
    observer: Observer,
) -> tuple[Settings, dict[str, str], int]:
    """Copy and check the input.

    Returns:
        The settings as the input shows them, the facts the journal begins with, and the number of rows.
    """
    how = settings.input
    if how.source == "-" and stream is None:
        raise ConfigError("Standard input is closed: there is nothing to read.")
    try:
        with Path(how.source).open("rb") if stream is None else nullcontext(stream) as content:
            spooled = source.spool(content, directory, how.format)
    except OSError as error:
        what = f"write to {directory}" if error.errno in _FULL else f"read {how.source}"
        raise ConfigError(f"Cannot {what}: {error.strerror}.") from None
    given, how = how, source.resolve_options(spooled.path, how, keys_of(settings.target.type, schema))
    settings = settings.model_copy(update={"input": how})
    rows = check_first(spooled.path, settings, given, schema, warn, observer)
    facts = {
        "source": "-" if how.source == "-" else str(Path(how.source).resolve()),
        "sha256": spooled.sha256,
        "rows": str(rows),
        "settings": settings.recorded(),
    }
    return settings, facts, rows


@contextmanager
def opened(directory: Path, adjust: Adjust = unchanged, api: Api | None = None) -> Iterator[RunHandle]:
    """Lock and open an existing run until the block ends.

    Args:
        directory: of the run.
        adjust: changes the settings that it was made with.
        api: that the run is for; None for the one that its directory names.

    Raises:
        ConfigError: it is no run directory, `adjust` refuses, or what describes its API is gone or changed.
        Busy: another process holds it.
        JournalDamaged: its journal cannot be used.
        InputRefused: its copy of the input is gone or changed.
    """
    path = run_directory.journal_in(directory)
    with run_directory.locked(directory), closing(Journal(path)) as journal:
        recorded, rows = stored_settings(journal)
        settings = adjust(recorded)
        api = apis.of_run(directory, journal.facts, settings.target, api)
        copy = source.spooled_in(directory, settings.input.format)
        if source.sha256(copy) != journal.facts["sha256"]:
            raise InputRefused(f"{copy} is not what the run began with; its results could no longer be matched.")
        how, type_name, schema = settings.input, settings.target.type, api.schema
        source.check_columns(source.header(copy, how, keys_of(type_name, schema)), how, type_name, schema)
        yield RunHandle(directory, journal, settings, rows, recorded, api)


@contextmanager
def opened_plan(
    directory: Path, adjust: Adjust = unchanged, api: Api | None = None, *, nightly: bool = False
) -> Iterator[RunHandle]:
    """Open a run directory that holds a finished plan which nobody began, in order to do what it says.

    Args:
        directory: of the plan.
        adjust: changes the settings that it was made with, but not what rows mean.
        api: that the run is for; None for the one that its directory names.
        nightly: by the job whose night it is, if it is one.

    Raises:
        ConfigError: it holds none, or `adjust` changes what rows mean. Also what `opened` raises.
    """
    with opened(directory, adjust, api) as handle:
        if not nightly:
            refuse_night(handle)
        state = handle.journal.facts.get(PLAN)
        if state == "kept":
            raise ConfigError(f"The plan was begun already; to go on with it: rowpatch resume {directory}")
        if state != "complete":
            raise ConfigError(f"{directory} holds no finished plan. Make one: rowpatch plan SHEET")
        if handle.settings.meaning != handle.recorded.meaning:
            raise ConfigError("With --plan, flags that change what rows mean are refused: plan again with them.")
        yield handle


@contextmanager
def opened_to_resume(
    directory: Path,
    adjust: Adjust = unchanged,
    api: Api | None = None,
    *,
    from_copy: bool = False,
    nightly: bool = False,
) -> Iterator[RunHandle]:
    """Open a run in order to go on with it.

    Args:
        directory: of the run.
        adjust: changes the settings that it was made with.
        api: that the run is for; None for the one that its directory names.
        from_copy: go on with the run's copy of the sheet although the sheet has changed.
        nightly: by the job whose night it is, if it is one; that knows its sheet.

    Raises:
        ConfigError: it is a plan. Also what `opened` raises.
        InputRefused: the sheet is no longer the one the run began with.
    """
    with opened(directory, adjust, api) as handle:
        if not nightly:
            refuse_night(handle)
        refuse_plan(handle)
        if not (from_copy or nightly):
            refuse_changed(handle)
        yield handle


def stored_settings(history: History) -> tuple[Settings, int]:
    """Return the settings that a run was last worked on with, and the number of rows of its input.

    Raises:
        JournalDamaged: the journal does not say so.
    """
    try:
        _, _, settings, rows = (history.facts[name] for name in ("source", "sha256", "settings", "rows"))
        return Settings.model_validate_json(settings), int(rows)
    except (KeyError, ValueError):  # a failed validation is a ValueError, and echoes what it found
        raise JournalDamaged(f"{history.path} does not say what the run was made with; nothing was sent.") from None


def refuse_night(handle: RunHandle) -> None:
    """Refuse to go on with a night of a job by another command: only the job knows what was last agreed on.

    Raises:
        ConfigError: saying what to do instead.
    """
    facts = handle.journal.facts
    command = night_facts.command_of_job(facts)
    if night_facts.DRY_RUN in facts:
        raise ConfigError(f"{handle.directory} was a dry run, which is never sent. To do a night of the job: {command}")
    if command:
        raise ConfigError(
            f"{handle.directory} is a night of a job, which goes on with it, and tries again what failed: {command}"
        )


def going_on(handle: RunHandle) -> str:
    """Return the command that goes on with a run, or with the job whose night it is."""
    return night_facts.command_of_job(handle.journal.facts) or f"rowpatch resume {handle.directory}"


def refuse_plan(handle: RunHandle) -> None:
    """Refuse to go on with a run that was only planned, or is a probe.

    Raises:
        ConfigError: saying what to do instead.
    """
    directory, journal = handle.directory, handle.journal
    commands = {process.command for process in journal.processes()}
    if commands == {"probe"}:
        raise ConfigError(f"{directory} is a probe. To put back what is not yet: rowpatch undo {directory}")
    if journal.facts.get(PLAN) == "complete":
        raise ConfigError(f"{directory} is a plan: nothing was sent yet. To do it: rowpatch apply --plan {directory}")
    if commands == {"plan"}:
        raise ConfigError(f"{directory} is a plan that was not finished: nothing was sent. Plan again.")
    planned, wanted = handle.recorded.input.limit, handle.settings.input.limit
    beyond = planned is not None and planned < handle.rows and (wanted is None or wanted > planned)
    if beyond and journal.is_bound_to(planned):
        raise ConfigError(
            f"{directory} does what its plan says, and that is about the first {planned:,} rows."
            f" To go on, plan again: rowpatch plan {journal.facts['source']}"
        )


def refuse_changed(handle: RunHandle) -> None:
    """Refuse to go on when the sheet is no longer the one the run began with; a sheet that is gone does not matter.

    Raises:
        InputRefused: saying what changed.
    """
    path = Path(handle.journal.facts["source"])
    if not path.is_file() or source.sha256(path) == handle.journal.facts["sha256"]:
        return
    how, keys = handle.settings.input, keys_of(handle.settings.target.type, handle.api.schema)
    try:
        change = refeed.what_changed(source.spooled_in(handle.directory, how.format), path, how, keys)
    except InputRefused as error:
        change = f"it can no longer be read: {error}"
    raise InputRefused(
        f"{path} has changed since the run began: {change}.\n"
        f"To finish the run with the sheet as it was: rowpatch resume {handle.directory} --from-copy\n"
        f"To apply the new sheet, start a new run: rowpatch apply {path}"
    )
