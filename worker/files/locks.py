"""Locks of a night: one for its job, and those of what it changes at its target: one type, or any.

Two jobs that change the same type at the same target could each send a whole object that the other has just changed.
So jobs of one type each share the lock of their target; a job whose rows name their own types holds it alone.
The kernel releases a lock when its process ends, however it ends: no lock is ever stale. The file stays, and what is
in it counts only while somebody holds it.
"""

import fcntl
import hashlib
import json
import os
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from jobs.values import valueclass
from worker.files.run_directory import Busy
from worker.settings import ConfigError

_MOST: Final = 1000
"""Bytes of a lock file that are read."""


@valueclass(frozen=True, slots=True)
class Lock:
    """A lock to be held: its file, and what it protects, in words; `is_shared`: others may share it."""

    path: Path
    what: str
    is_shared: bool = False


def of_job(state: Path, job: str) -> Lock:
    """Return the lock of a job, which lies in the directory of its memory."""
    return Lock(state / "lock", f"the job {job}")


def of_target(home: Path, fingerprint: str, family: str) -> tuple[Lock, ...]:
    """Return the locks of a type at a target, for all jobs of this user.

    Args:
        home: the state directory.
        fingerprint: of the target: API, URL, account and mode.
        family: to which the type of the records belongs; empty where rows name their own types.
    """
    whole = Lock(_file(home, fingerprint), "this target", is_shared=bool(family))
    return (whole, Lock(_file(home, f"{fingerprint}\n{family}"), f"{family} of this target")) if family else (whole,)


def _file(home: Path, text: str) -> Path:
    return home / "locks" / hashlib.sha256(text.encode()).hexdigest()[:32]


@contextmanager
def holding(locks: Iterable[Lock], wall: float) -> Iterator[None]:
    """Hold locks until the block ends.

    Args:
        locks: to hold, all of them or none. They are not waited for, so that their order does not matter.
        wall: the time, in seconds since the epoch, for whoever finds a lock held.

    Raises:
        Busy: another process holds one; the message says which process, and since when. Exit status 75.
        ConfigError: a lock cannot be had here.
    """
    with ExitStack() as stack:
        for lock in locks:
            stack.enter_context(_held(lock, wall))
        yield


@contextmanager
def _held(lock: Lock, wall: float) -> Iterator[None]:
    try:
        lock.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor = os.open(lock.path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise ConfigError(f"Cannot lock {lock.path}: {error.strerror}.") from None
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_NB | (fcntl.LOCK_SH if lock.is_shared else fcntl.LOCK_EX))
            os.ftruncate(descriptor, 0)
            if not lock.is_shared:  # of several holders, none is named
                _sign(descriptor, wall)
        except BlockingIOError:
            raise Busy(f"{_holder(descriptor)} is working on {lock.what}; nothing was sent.") from None
        except OSError as error:
            advice = "If its file system has no locks, keep the state on another one."
            raise ConfigError(f"Cannot lock {lock.path}: {error.strerror}. {advice}") from None
        yield
    finally:
        os.close(descriptor)


def _sign(descriptor: int, wall: float) -> None:
    """Write who holds the lock."""
    said = json.dumps({"pid": os.getpid(), "host": os.uname().nodename, "since": wall})
    os.pwrite(descriptor, said.encode(), 0)


def _holder(descriptor: int) -> str:
    """Say which process holds a lock; not every moment knows."""
    try:
        said = json.loads(os.pread(descriptor, _MOST, 0))
        since = datetime.fromtimestamp(said["since"], UTC)
        host = "" if said["host"] == os.uname().nodename else f" on {said['host']}"
        return f"Process {said['pid']:d}{host} (since {since:%Y-%m-%d %H:%M:%S} UTC)"
    except (OSError, ValueError, KeyError, TypeError, OverflowError):
        return "Another process"
