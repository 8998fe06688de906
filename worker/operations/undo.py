"""An undo begins its run with what the journal of another holds, and leaves no trace if it is refused."""

import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from jobs.apis.api import Api
from worker.engine import undo
from worker.engine.undo import CANNOT
from worker.events import Observer, ignore
from worker.files import run_directory
from worker.files.run_directory import JOURNAL
from worker.files.runs import label_of_undo
from worker.journal import History, Journal, JournalDamaged, JournalError
from worker.operations import apis, recipes
from worker.operations.opening import Adjust, RunHandle, new_directory, stored_settings, unchanged
from worker.settings import ConfigError, Settings


class NothingToUndo(Exception):
    """The run changed nothing."""


@contextmanager
def begun(
    run: Path,
    directory: Path | None = None,
    adjust: Adjust = unchanged,
    api: Api | None = None,
    observer: Observer = ignore,
) -> Iterator[RunHandle]:
    """Hold a run, and begin the run that undoes it, until the block ends.

    An undo in which no process registers itself leaves nothing behind.

    Args:
        run: directory of the run to be undone.
        directory: of the undo; None for one beside other runs.
        adjust: changes the settings that the run was made with, which have no limit here. The limit that it sets is the
            number of records to be restored for now.
        api: that the run is for; None for the one that its directory names. The undo gets a copy of its own of what
            describes it.
        observer: hears how far the preparation is.

    Raises:
        NothingToUndo: the run changed nothing.
        ConfigError: the undo cannot begin; nothing was sent.
        Busy: another process holds one of the directories.
        JournalDamaged: the run's journal cannot be used.
    """
    path = run_directory.journal_in(run)
    directory = directory or run_directory.default(f"undo-{run.resolve().name}", time.time())
    if (directory / JOURNAL).exists():
        raise ConfigError(f"{directory} holds a run already: choose another --run-dir.")
    with run_directory.locked(run), closing(History(path)) as history:
        settings = adjust(_without_limit(stored_settings(history)[0]))
        api = apis.of_run(run, history.facts, settings.target, api)
        with new_directory(directory) as open_journal:
            journal: Journal | None = None
            try:
                described = {**apis.keep(directory, api), **recipes.keep_again(directory, run, history.facts)}
                label = label_of_undo(run)
                prepared = undo.prepare(history, settings, api.schema, directory, label, described, observer)
                if not prepared.rows and prepared.lost:
                    raise ConfigError(f"Nothing of {run} can be undone: it was blind, or fired triggers only.")
                if not prepared.rows:
                    raise NothingToUndo(f"{run} changed nothing: there is nothing to undo.")
                run_directory.persist(directory)
                journal = open_journal()
                made, rows = prepared.settings, prepared.rows
                yield RunHandle(directory, journal, made, rows, made, api, prepared.lost)
            except (JournalError, OSError) as error:
                if isinstance(error, JournalDamaged) or (journal is not None and journal.is_registered):
                    raise
                raise ConfigError(f"Cannot write to {directory}: {error}; nothing was sent.") from None


def warnings(handle: RunHandle) -> tuple[str, ...]:
    """Return what to say before an undo: whether values cannot be restored."""
    if not handle.lost:
        return ()
    values = "1 value" if handle.lost == 1 else f"{handle.lost:,} values"
    return (f"{values} cannot be restored: see {handle.directory / CANNOT}",)


def _without_limit(settings: Settings) -> Settings:
    return settings.model_copy(update={"input": settings.input.model_copy(update={"limit": None})})
