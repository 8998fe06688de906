"""Make the memory again from the runs that are kept: their journals, and the copies of their inputs."""

import shutil
from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path
from typing import Final

from jobs.values import valueclass
from worker.journal import History
from worker.reconcile.folding import Run, fold
from worker.reconcile.nights import Night
from worker.reconcile.store import Memory, Target
from worker.reconcile.tables import FILE

_DRAFT: Final = ".new"


@valueclass(frozen=True, slots=True)
class KeptRun:
    """A run that is kept.

    Attributes:
        night: what is known of it. `targets`: the systems that the job updated.
        history: its journal, open. `run`: makes what else its folding needs, given its serial number.
    """

    night: Night
    targets: tuple[Target, ...]
    history: History
    run: Callable[[int], Run]


def rebuild(folder: Path, runs: Iterable[KeptRun], key: bytes = b"") -> Memory:
    """Make a memory of runs and open it; it appears complete or not at all, where there is none.

    Args:
        folder: of the job's state.
        runs: oldest first.
        key: by which values were sealed, empty for a new one.

    Raises:
        FileExistsError: there is a memory.
        JournalDamaged: a run cannot be used.
        JournalError: the memory cannot be written.
    """
    if (folder / FILE).exists():
        raise FileExistsError(f"{folder / FILE} is there: move {folder} away first.")
    draft = folder.with_name(folder.name + _DRAFT)
    shutil.rmtree(draft, ignore_errors=True)
    memory = Memory.create(draft, key)
    try:
        for kept in runs:
            memory.bind(kept.targets)
            serial = memory.nights.begin(replace(kept.night, folded=b""))
            fold(memory, kept.history, kept.run(serial))
    finally:
        memory.close()
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    (draft / FILE).rename(folder / FILE)
    shutil.rmtree(draft, ignore_errors=True)
    return Memory(folder)
