"""Every exit status of the program, in one table. A journal keeps the one of each process that worked on its run."""

from collections.abc import Iterable
from typing import Final

DONE: Final = 0
"""Every row is done."""

NOT_ALL: Final = 1
"""Some rows are not done, or some records do not hold what they should."""

REFUSED: Final = 2
"""Usage, configuration or input is refused; nothing was sent."""

STOPPED: Final = 3
"""The run stopped and can be resumed, or a command could not finish."""

CHANGES: Final = 10
"""A plan has something to send, and --detailed-exitcode asked for that."""

BUSY: Final = 75
"""Another process holds the run (EX_TEMPFAIL of sysexits.h)."""

HUNG_UP: Final = 129
"""SIGHUP interrupted the run, which can be resumed (128 + number of the signal, as shells do)."""

INTERRUPTED: Final = 130
"""SIGINT, or the cancellation of the caller's task, interrupted the run."""

TERMINATED: Final = 143
"""SIGTERM interrupted the run."""

_BY_BADNESS: Final = (DONE, NOT_ALL, CHANGES, BUSY, REFUSED, STOPPED, HUNG_UP, TERMINATED, INTERRUPTED)


def worst(statuses: Iterable[int]) -> int:
    """Return the worst of some exit statuses, DONE of none."""
    return max(statuses, key=_BY_BADNESS.index, default=DONE)
