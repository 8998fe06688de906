"""Headers of limits: which are understood, and which only look like one."""

from collections.abc import Callable, Mapping
from typing import Final

from worker.policy.ratelimit import SILENT, Limits

Reader = Callable[[Mapping[str, str], float], Limits]

_LIKE_LIMITS: Final = ("limit", "quota", "throttl", "backoff", "remaining", "retry-after", "credits", "budget")
_NO_LIMITS: Final = frozenset({"content-security-policy", "strict-transport-security"})


def understood(headers: Mapping[str, str], read: Reader, wall: float) -> tuple[str, ...]:
    """Return the names of the headers that say something to a reader of limits: it reads less without one of them.

    Args:
        headers: names in lower case.
        read: reads limits.
        wall: seconds since the epoch.
    """
    whole = read(headers, wall)
    if whole == SILENT:
        return ()
    others = {name: {other: value for other, value in headers.items() if other != name} for name in headers}
    return tuple(name for name, rest in others.items() if looks_like_limit(name) and read(rest, wall) != whole)


def looks_like_limit(name: str) -> bool:
    """Return whether a header's name looks like one of a limit."""
    return name not in _NO_LIMITS and any(word in name for word in _LIKE_LIMITS)


def in_words(limits: Limits) -> str:
    """Return limits in words: `100 in 60 s, 25 in 10 s; 4,999 left of 5,000 for 3600 s`."""
    windows = [f"{window.limit:,} in {window.interval:g} s" for window in limits.windows]
    left = [
        f"{each.remaining:,} left{f' of {each.limit:,}' if each.limit else ''} for {each.resets_in:g} s"
        for each in limits.allowances
    ]
    pause = [f"a pause of {limits.pause:g} s"] if limits.pause else []
    return "; ".join(part for part in (", ".join(windows), ", ".join(left), *pause) if part)
