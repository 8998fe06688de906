"""How long updates took, from a sample of the rows."""

import math
from bisect import bisect_right
from collections.abc import Iterable
from typing import Final

from jobs.values import valueclass

SAMPLE: Final = 5_000
"""Rows that are looked at; of more, every n-th."""

EDGES: Final = (0.0, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0, math.inf)
"""Seconds between the classes of the distribution."""


@valueclass(frozen=True, slots=True)
class Delays:
    """How long updates took, in seconds, from the intent on disk to the result.

    Attributes:
        rows: that were looked at. `is_sample`: there were more.
        classes: rows of each class between two `EDGES`.
        median, most_s: of 100 rows, 50 or 95 were no slower. `longest`: the slowest one.
    """

    rows: int
    is_sample: bool
    classes: tuple[int, ...]
    median: float
    most_s: float
    longest: float


def sampled(rows: int) -> range:
    """Return the numbers of the rows to look at."""
    return range(1, rows + 1, max(1, math.ceil(rows / SAMPLE)))


def delays_of(seconds: Iterable[float], rows: int) -> Delays | None:
    """Return the distribution of delays; None without any. A clock that was set back makes none."""
    ordered = sorted(each for each in seconds if each >= 0)
    if not ordered:
        return None
    classes = [0] * (len(EDGES) - 1)
    for each in ordered:
        classes[bisect_right(EDGES, each) - 1] += 1
    return Delays(
        len(ordered), rows > SAMPLE, tuple(classes), _quantile(ordered, 0.5), _quantile(ordered, 0.95), ordered[-1]
    )


def _quantile(ordered: list[float], part: float) -> float:
    return ordered[math.ceil(part * len(ordered)) - 1]
