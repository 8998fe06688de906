"""Headers of limits: which are understood, and which only look like one."""

from collections.abc import Callable, Mapping
from typing import Final

from worker.policy.ratelimit import Limits

Reader = Callable[[Mapping[str, str], float], Limits]

_LIKE_LIMITS: Final = ("limit", "quota", "throttl", "backoff", "remaining", "retry-after", "credits", "budget")
_NO_LIMITS: Final = frozenset({"content-security-policy", "strict-transport-security"})


def understood(headers: Mapping[str, str], read: Reader, wall: float) -> tuple[str, ...]:
    """Return the names of the headers that say something to a reader of limits: it reads less without one of them.

    Some say the same (what is left, and what is used): each is looked at without each of the others, too.

    Args:
        headers: names in lower case.
        read: reads limits.
        wall: seconds since the epoch.
    """
    alike = [name for name in headers if looks_like_limit(name)]

    def matters(name: str, other: str) -> bool:
        rest = {each: value for each, value in headers.items() if each != other}
        return read(rest, wall) != read({each: value for each, value in rest.items() if each != name}, wall)

    return tuple(name for name in alike if any(matters(name, other) for other in ("", *alike) if other != name))


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
