"""Files that appear complete or not at all, and that nobody else can read unless they are meant to."""

import os
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from itertools import chain, count
from pathlib import Path
from typing import Final, TextIO

from worker.files.run_directory import sync

_PRIVATE: Final = 0o600
_BUFFER: Final = 1 << 18


@contextmanager
def replacing(directory: Path, names: Sequence[str], mode: int = _PRIVATE) -> Iterator[list[TextIO]]:
    """Write files beside the old ones, which they replace together when the block ends well.

    The files are UTF-8, lines end as written, and the mode is `mode` whatever the umask. When the block raises, the old
    files stand and the drafts are gone. All get the same time stamp: an old file whose stamp is not that of the last
    name has been edited since, and is set aside. One process at a time: the caller holds the run's lock.

    Raises:
        OSError: a file cannot be written.
    """
    drafts = {directory / f".{name}.new": directory / name for name in names}
    try:
        with ExitStack() as stack:
            files = [stack.enter_context(_draft(draft, mode)) for draft in drafts]
            yield files
            for file in files:
                file.flush()
                os.fsync(file.fileno())  # or a power cut could leave a new name on an empty file
        stamp = time.time_ns()
        written = _stamp(directory / names[-1])
        for draft, path in drafts.items():
            os.utime(draft, ns=(stamp, stamp))
            if written != _stamp(path) is not None:
                path.rename(_aside(path))
            draft.rename(path)
        sync(directory)
    finally:
        for draft in drafts:
            draft.unlink(missing_ok=True)


def _stamp(path: Path) -> int | None:
    return path.stat().st_mtime_ns if path.exists() else None


def _aside(path: Path) -> Path:
    """Return a free name like `failed.edited.csv` for `failed.csv`, numbered if that one is taken."""
    names = chain(["edited"], (f"edited{n}" for n in count(2)))
    return next(new for name in names if not (new := path.with_suffix(f".{name}{path.suffix}")).exists())


def _draft(path: Path, mode: int) -> TextIO:
    path.unlink(missing_ok=True)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, _PRIVATE)
    os.fchmod(descriptor, mode)
    # Half a surrogate pair in a server's message has no UTF-8; its escape is what JSON writes for it anyway.
    return open(descriptor, "w", encoding="utf-8", errors="backslashreplace", newline="", buffering=_BUFFER)  # noqa: PTH123  # a descriptor; the caller closes it
