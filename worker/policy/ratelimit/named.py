"""Readers made from a description: headers that an API tells its limits in, by names and forms of its own."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial

from jobs.apis.header_values import count, date, decimal, sent_at
from jobs.apis.limits import LimitHeader
from worker.policy.ratelimit.limits import Limits, one, together


def read(headers: Mapping[str, str], wall: float, named: Sequence[LimitHeader]) -> Limits:
    """Read the headers that a description names."""
    return together(_read(headers, wall, each, str(place)) for place, each in enumerate(named))


def _read(headers: Mapping[str, str], wall: float, named: LimitHeader, name: str) -> Limits:
    return one(
        f"declared {named.remaining or name}",
        limit=count(headers.get(named.limit)),
        interval=named.window or None,
        remaining=count(headers.get(named.remaining)),
        resets_in=_resets_in(headers, wall, named),
    )


def _resets_in(headers: Mapping[str, str], wall: float, named: LimitHeader) -> float | None:
    """Return the seconds until the reset, None if it is absent or malformed."""
    told = headers.get(named.reset, "")
    if named.reset_format == "iso8601":
        then = date(told)
        return None if then is None else then - sent_at(headers, wall)
    number = decimal(told)
    if number is None:
        return None
    if named.reset_format in ("ms", "epoch_ms"):
        number /= 1000
    return number - sent_at(headers, wall) if named.reset_format in ("epoch", "epoch_ms") else number


def reader(
    named: Sequence[LimitHeader], usual: Callable[[Mapping[str, str], float], Limits]
) -> Callable[[Mapping[str, str], float], Limits]:
    """Return a reader of named headers, and of all others in the usual dialects; the usual one if none are named."""
    if not named:
        return usual
    known = frozenset(header for each in named for header in (each.limit, each.remaining, each.reset) if header)
    return partial(_read_both, named=tuple(named), known=known, usual=usual)


def _read_both(
    headers: Mapping[str, str],
    wall: float,
    *,
    named: tuple[LimitHeader, ...],
    known: frozenset[str],
    usual: Callable[[Mapping[str, str], float], Limits],
) -> Limits:
    """Read named headers as the description says, and hide them from the usual dialects, which may take them amiss."""
    others = usual({name: value for name, value in headers.items() if name not in known}, wall)
    return together((read(headers, wall, named), others)) if known & headers.keys() else others
