"""From the text of a file to a description that can be used, or to all that is wrong with it.

In this order: TOML (`syntax`), the keys and types of `description` (here), and what the values say (`checking`).
"""

import json
import math
import tomllib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, time
from itertools import chain
from typing import Any, Final, Literal, get_args, get_origin

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from jobs.apis.description import checking
from jobs.apis.description.lines import Layout, layout_of
from jobs.apis.description.model import Description
from jobs.apis.description.problems import Path, Problem, value_at
from jobs.apis.description.shape import element_of, expected, is_list, is_table, keys_at, members, reached, words
from jobs.apis.description.strays import belongs, swallowed, unknown
from jobs.apis.description.syntax import explained
from jobs.apis.schema import closest
from jobs.texts import either

_ALIASES: Final[Mapping[str, tuple[str, ...]]] = {
    "number": ("int", "float"),
    "integer": ("int",),
    "decimal": ("float",),
    "double": ("float",),
    "boolean": ("bool",),
    "string": ("text",),
    "str": ("text",),
    "array": ("list", "set"),
    "dict": ("object", "map"),
    "timestamp": ("datetime",),
}
"""What types are called elsewhere."""

_BOUNDS: Final[Mapping[str, str]] = {
    "greater_than_equal": "must be {ge:g} or more",
    "less_than_equal": "must be {le:g} or less",
    "too_short": "must have at least one entry",
    "string_pattern_mismatch": "write small letters, digits, _ and -, with a letter or digit first",
}
"""What to say of a value that has the right type and does not fit; in braces, pydantic's own figures."""


class DescriptionRefused(Exception):
    """A description that cannot be used; `problems` holds everything that is wrong with it, warnings left out."""

    def __init__(self, origin: str, problems: Iterable[Problem]) -> None:
        self.origin = origin
        self.problems = tuple(problems)
        super().__init__("\n".join(each.said(origin) for each in self.problems))


@dataclass(frozen=True, slots=True)
class Examined:
    """What was found in a text.

    Attributes:
        description: None where its keys or types are wrong.
        problems: in the order of the lines, warnings included.
    """

    description: Description | None
    problems: tuple[Problem, ...]

    @property
    def errors(self) -> tuple[Problem, ...]:
        """Return the problems that make the description unusable."""
        return tuple(each for each in self.problems if not each.is_warning)


def load(text: str, origin: str) -> Description:
    """Return the description that a text in TOML holds.

    Args:
        text: of the file.
        origin: the name of the file, for messages.

    Raises:
        DescriptionRefused: with everything that is wrong with it.
    """
    found = examine(text)
    if found.description is None or found.errors:
        raise DescriptionRefused(origin, found.errors)
    return found.description


def examine(text: str) -> Examined:
    """Return what a text in TOML holds, with every problem and its line."""
    text = text.removeprefix("\ufeff").replace("\r\n", "\n") + "\n"
    try:
        data = tomllib.loads(text)
        layout = layout_of(text)
    except RecursionError:
        return Examined(None, (Problem((), "the lists or tables are nested too deeply", line=1),))
    except ValueError as error:  # a TOMLDecodeError is one, and so is a number with thousands of digits
        return Examined(None, (explained(text, str(error)),))
    try:
        description = Description.model_validate_json(json.dumps(data, default=str))  # in which lists are tuples
    except ValidationError as error:
        details = error.errors(include_url=False, include_input=False)
        return Examined(None, _located(_misshapen(data, layout, details), layout))
    problems = [*_no_json(data), *swallowed(data, layout), *checking.problems(description)]
    return Examined(description, _located(problems, layout))


def _located(problems: Iterable[Problem], layout: Layout) -> tuple[Problem, ...]:
    placed = (replace(each, line=layout.line(each.path)) for each in dict.fromkeys(problems))
    return tuple(sorted(placed, key=lambda each: each.line))


def _misshapen(data: Mapping[str, Any], layout: Layout, details: Iterable[ErrorDetails]) -> Iterator[Problem]:
    """Yield what is wrong with keys and types, once for each value."""
    unfit = list(_no_json(data))
    yield from unfit
    yield from swallowed(data, layout)
    by_path = {reached(each["loc"]): each for each in details}
    told = {each.path for each in unfit}
    for path, error in by_path.items():
        of_another_kind = any(other[: len(path)] == path for other in by_path if len(other) > len(path))
        if path not in told and not of_another_kind:  # of a union, what came nearest is what was meant
            yield Problem(path, _said(path, error, data, layout))


def _said(path: Path, error: ErrorDetails, data: Mapping[str, Any], layout: Layout) -> str:
    kind = error["type"]
    if kind == "missing":
        return _missing(path)
    if kind == "extra_forbidden":
        return unknown(path, layout)
    if kind in _BOUNDS:
        return _BOUNDS[kind].format(**error.get("ctx", {}))
    return _mistyped(path, value_at(data, path), layout)


def _missing(path: Path) -> str:
    keys = keys_at(path[:-1]) or {}
    meaning = keys[str(path[-1])].description or ""
    return f"it is missing; it takes {words(expected(path))}. {meaning}"


def _mistyped(path: Path, value: object, layout: Layout) -> str:
    wanted = expected(path)
    said = f"it takes {words(wanted)}"
    if keys_at(path[:-1]) is None and (home := belongs(path, layout)):
        return f"{said}; {home}"
    has_header = path in layout.headers or (*path, 0) in layout.headers
    return f"{said}{_remedy(wanted, value, has_header=has_header)}"


def _remedy(wanted: Any, value: object, *, has_header: bool) -> str:
    """Return what to write instead, as far as it can be told."""
    literals = (get_args(each) for each in members(wanted) if get_origin(each) is Literal)
    choices = [each for each in chain.from_iterable(literals) if isinstance(each, str)]
    if isinstance(value, str) and (near := _meant(value, choices)):
        return f"; did you mean {near}?"
    if is_list(wanted):
        of_tables = is_table(element_of(wanted))
        if of_tables and has_header:
            return ": write its header in two pairs of brackets, [[…]]"
        return ": put it into brackets, [{ … }]" if of_tables else ": put it into brackets, […], even if it is one"
    if is_table(wanted):
        return ": write its header in one pair of brackets, […]" if has_header else ", like { key = … }"
    if isinstance(value, str):
        return " without quotes"
    is_text = str in members(wanted) or bool(choices)
    return ": put it into quotes" if is_text and not isinstance(value, list | dict) else ""


def _meant(value: str, choices: Sequence[str]) -> str | None:
    """Return the word that is meant: what the same thing is called elsewhere, or the nearest."""
    others = [each for each in _ALIASES.get(value.lower(), ()) if each in choices]
    return either(others) if others else closest(value, choices)


def _no_json(value: object, path: Path = ()) -> Iterator[Problem]:
    """Yield what TOML can say and JSON cannot."""
    if isinstance(value, date | time):
        yield Problem(path, "put dates and times into quotes")
    elif isinstance(value, float) and not math.isfinite(value):
        yield Problem(path, "a number must be finite")
    elif isinstance(value, dict | list):
        for key, each in value.items() if isinstance(value, dict) else enumerate(value):
            yield from _no_json(each, (*path, key))
