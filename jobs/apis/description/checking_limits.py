"""Checks of limits and of the headers that tell them."""

from collections.abc import Collection, Iterator, Sequence

from jobs.apis.description.checking_texts import header_name
from jobs.apis.description.model import LimitDescription, LimitHeaders
from jobs.apis.description.rates import rate_of, seconds_of
from jobs.apis.schema import closest
from jobs.toml.problems import Path, Problem


def limits(
    path: Path, found: Sequence[LimitDescription], variables: Collection[str], *, of_api: bool = False
) -> Iterator[Problem]:
    """Check declared limits.

    Args:
        path: of their list.
        found: all of them.
        variables: that a limit may be counted by.
        of_api: they are those of the whole API, not of one type of records.
    """
    words = ("credential", "address", "path", "record") if of_api else ("credential", "path", "record")
    for position, limit in enumerate(found):
        here = (*path, position)
        if bool(limit.rate) == (limit.concurrency is not None):
            yield Problem(here, "a limit has either `rate` or `concurrency`; two limits are two entries")
        if limit.rate:
            try:
                rate_of(limit.rate)
            except ValueError as error:
                yield Problem((*here, "rate"), str(error))
        yield from scope((*here, "per"), limit.per, words, variables)
        yield from _of_all(here, limit, of_api=of_api)


def _of_all(path: Path, limit: LimitDescription, *, of_api: bool) -> Iterator[Problem]:
    """Check what only a rate of the whole API can be."""
    is_plain = of_api and bool(limit.rate) and limit.per in {"credential", "address"}
    if limit.on == "token" and (not is_plain or limit.until_told):
        yield Problem(
            (*path, "on"), "a limit on tokens is a `rate` of the API, per credential or address, without until_told"
        )
    elif limit.until_told and not is_plain:
        yield Problem(
            (*path, "until_told"), "only a `rate` of the API, per credential or address, is assumed for a while"
        )


def scope(path: Path, text: str, words: Sequence[str], variables: Collection[str]) -> Iterator[Problem]:
    """Check what a limit or a pause is for: one of some words, or a variable in braces."""
    choices = [*words, *(f"{{{each}}}" for each in sorted(variables))]
    if text not in choices:
        near = closest(text, choices)
        hint = f"did you mean `{near}`?" if near else f"write one of {', '.join(choices)}"
        yield Problem(path, hint)


def limit_headers(found: Sequence[LimitHeaders]) -> Iterator[Problem]:
    """Check the headers that tell limits."""
    for position, each in enumerate(found):
        path = ("limit_headers", position)
        for key, name in {"limit": each.limit, "remaining": each.remaining, "reset": each.reset}.items():
            if name:
                yield from header_name((*path, key), name)
        if each.window:
            try:
                seconds_of(each.window)
            except ValueError as error:
                yield Problem((*path, "window"), str(error))
        if not each.limit and not each.remaining:
            yield Problem(path, "name the header of `limit` or of `remaining`, or both")
        elif not each.reset and not each.window:
            said = "without `reset` or `window` these headers tell no time, and so no limit"
            yield Problem(path, said, is_warning=True)
