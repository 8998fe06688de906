"""The directory of a run: private to its owner, and worked on by one process at a time."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from itertools import chain, count
from pathlib import Path
from typing import Final

from worker.settings import ConfigError

JOURNAL: Final = "journal.sqlite3"
"""Name of the journal inside it."""

DESCRIPTION: Final = "api.toml"
"""Name of the copy of the description of its API, where data describe it."""

RECIPE: Final = "recipe.toml"
"""Name of the copy of the recipe that it follows, where there is one."""

_LOCK: Final = "lock"
_OURS: Final = (_LOCK, "input.", DESCRIPTION, RECIPE, JOURNAL)


class Busy(Exception):
    """Another process holds the run. Exit status `BUSY`."""


def journal_in(directory: Path) -> Path:
    """Return the path of a run's journal.

    Raises:
        ConfigError: the directory has none.
    """
    path = directory / JOURNAL
    if not path.is_file():
        raise ConfigError(f"{directory} is not a run directory: it has no {JOURNAL}.")
    return path


def default(source: str, wall: float) -> Path:
    """Return a free path `runs/NAME-UTC TIME`, numbered if that one is taken; NAME is the input's stem."""
    name = "stdin" if source == "-" else Path(source).name.split(".")[0] or "input"
    base = f"{name}-{datetime.fromtimestamp(wall, UTC):%Y%m%dT%H%M%SZ}"
    names = chain([base], (f"{base}-{n}" for n in count(2)))
    return next(path for name in names if not (path := Path("runs") / name).exists())


def make(directory: Path) -> bool:
    """Make the directory, readable by its owner only; True when it was not there before.

    Raises:
        ConfigError: it cannot be made, or is in use for something else.
    """
    try:
        new = not directory.exists()
        if directory.is_dir() and not _is_leftover(directory):
            what = "a run needs a directory of its own"
            raise ConfigError(f"{directory} is not empty: {what}. Choose another --run-dir.")
        directory.parent.mkdir(parents=True, exist_ok=True)
        directory.mkdir(mode=0o700, exist_ok=True)
        directory.chmod(0o700)  # whatever the umask, or who made it
    except OSError as error:
        raise ConfigError(f"Cannot make the run directory {directory}: {error.strerror}.") from None
    return new


def _is_leftover(directory: Path) -> bool:
    """Return whether a directory holds only what an `apply` that never began leaves behind."""
    names = {path.name for path in directory.iterdir()}
    return not names or (_LOCK in names and all(name.startswith(_OURS) for name in names))


@contextmanager
def locked(directory: Path) -> Iterator[None]:
    """Hold the run until the block ends; a kill releases it too.

    Raises:
        Busy: another process holds it.
        ConfigError: the user may not write there.
    """
    try:
        descriptor = os.open(directory / _LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise ConfigError(f"Cannot work in {directory}: {error.strerror}.") from None
    try:
        if not (_locks(descriptor, directory) and _is_still_there(descriptor, directory)):
            raise Busy(f"Another process is working on {directory}; nothing was sent.")
        yield
    finally:
        os.close(descriptor)


def is_held(directory: Path) -> bool:
    """Return whether a process is working on the run."""
    try:
        with locked(directory):
            return False
    except Busy:
        return True
    except ConfigError:
        return False


def _locks(descriptor: int, directory: Path) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError as error:
        raise ConfigError(
            f"Cannot lock {directory}: {error.strerror}. Its file system has no locks: choose a --run-dir elsewhere."
        ) from None
    return True


def _is_still_there(descriptor: int, directory: Path) -> bool:
    """Return whether the lock is the directory's own: its last holder may have taken it away with the directory."""
    try:
        return os.path.samestat(os.fstat(descriptor), (directory / _LOCK).stat())
    except FileNotFoundError:
        return False


def persist(directory: Path) -> None:
    """Have the names in the directory, and its own name in the directories above, survive a power cut.

    A run that has sent must not vanish as a whole.
    """
    for path in (directory.resolve(), *directory.resolve().parents):
        sync(path)


def sync(directory: Path) -> None:
    """Have the names in the directory survive a power cut: syncing a file makes its bytes durable, not its name."""
    with suppress(OSError):  # not ours to read, or a file system that cannot: SQLite goes on as well
        descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def clear(directory: Path) -> None:
    """Take away what an `apply` that never began left in a directory that is locked."""
    for path in directory.iterdir():
        if path.name != _LOCK:
            path.unlink()


def remove(directory: Path, *, itself: bool) -> None:
    """Take everything away that a refused `apply` left; the directory too if `itself`."""
    clear(directory)
    if itself:
        with suppress(OSError):  # somebody has begun to use it meanwhile
            (directory / _LOCK).unlink()
            directory.rmdir()
