"""Checks of what replies mean: the places of errors, and the ordered rules."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Final

from jobs.apis.description.checking_limits import scope
from jobs.apis.description.checking_texts import header_name, pointer, same_names
from jobs.apis.description.model import ErrorPlaces, ErrorRule, Scalar
from jobs.toml.problems import Path, Problem

_FAILURES: Final = frozenset(range(400, 600))
_SUCCESSES: Final = frozenset(range(200, 300))


def error_places(path: Path, places: ErrorPlaces) -> Iterator[Problem]:
    """Check where failures say what is wrong."""
    for position, each in enumerate(places.items):
        yield from pointer((*path, "items", position), each)
    for key in ("message", "code", "field", "request_id"):
        yield from pointer((*path, key), getattr(places, key), or_header=True)


def error_rules(path: Path, rules: Sequence[ErrorRule], variables: Collection[str]) -> Iterator[Problem]:
    """Check rules of which the first match counts; `variables` are those that a pause may be for."""
    for position, rule in enumerate(rules):
        here = (*path, position)
        yield from _rule(here, rule)
        yield from scope((*here, "scope"), rule.scope, ("credential", "record"), variables)
        earlier = next((first for first in range(position) if _covers(rules[first], rule)), None)
        if earlier is not None:
            said = f"it never counts: rule {earlier + 1} takes whatever it takes; move it up, or remove it"
            yield Problem(here, said, is_warning=True)


def _rule(path: Path, rule: ErrorRule) -> Iterator[Problem]:
    for position, status in enumerate(rule.status):
        if not 100 <= status <= 599:
            yield Problem((*path, "status", position), "a status of HTTP is between 100 and 599")
    yield from same_names((*path, "header"), rule.header)
    for name in rule.header:
        yield from header_name((*path, "header", name), name)
    for each in rule.body:
        yield from pointer((*path, "body", each), each)


def _covers(first: ErrorRule, second: ErrorRule) -> bool:
    """Return whether the first rule matches whenever the second does."""
    return (
        _statuses(second) <= _statuses(first)
        and first.code in {"", second.code}
        and first.text.casefold() in second.text.casefold()
        and _values(first.body) <= _values(second.body)
        and _covers_headers(first, second)
    )


def _statuses(rule: ErrorRule) -> frozenset[int]:
    """Return the statuses that a rule is about: without any, those of failures, and 2xx if it looks into the body."""
    if rule.status:
        return frozenset(rule.status)
    return _FAILURES | _SUCCESSES if rule.body else _FAILURES


def _covers_headers(first: ErrorRule, second: ErrorRule) -> bool:
    there = {name.lower(): value.casefold() for name, value in second.header.items()}
    asked = {name.lower(): value.casefold() for name, value in first.header.items()}
    return all(name in there and value in {"*", there[name]} for name, value in asked.items())


def _values(body: Mapping[str, Scalar]) -> set[tuple[str, type, Scalar]]:
    return {(pointer, type(value), value) for pointer, value in body.items()}
