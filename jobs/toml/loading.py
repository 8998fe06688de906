"""From the text of a file to its model, or to all that is wrong with it.

In this order: TOML (`syntax`), keys and types (here), and what the values say (`Form.check`).
"""

import json
import math
import tomllib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import date, time
from itertools import chain
from typing import Any, Final, Generic, Literal, TypeVar, get_args, get_origin

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from jobs.apis.schema import closest
from jobs.texts import either
from jobs.toml.form import Form
from jobs.toml.lines import Layout, layout_of
from jobs.toml.problems import Path, Problem, value_at
from jobs.toml.shape import element_of, is_list, is_table, members, words
from jobs.toml.strays import belongs, swallowed, unknown
from jobs.toml.syntax import explained
from jobs.values import valueclass

T = TypeVar("T", bound=BaseModel)

_BOUNDS: Final[Mapping[str, str]] = {
    "greater_than_equal": "must be {ge:g} or more",
    "less_than_equal": "must be {le:g} or less",
    "too_short": "must have at least one entry",
    "string_too_short": "must not be empty",
}
"""What to say of a value that has the right type and does not fit; in braces, pydantic's own figures."""


class Refused(Exception):
    """A file that cannot be used; `problems` holds everything that is wrong with it, warnings left out."""

    def __init__(self, origin: str, problems: Iterable[Problem]) -> None:
        self.origin = origin
        self.problems = tuple(problems)
        super().__init__("\n".join(each.said(origin) for each in self.problems))


@valueclass(frozen=True, slots=True)
class Examined(Generic[T]):
    """What was found in a text.

    Attributes:
        value: None where its keys or types are wrong.
        problems: in the order of the lines, warnings included.
    """

    value: T | None
    problems: tuple[Problem, ...]

    @property
    def errors(self) -> tuple[Problem, ...]:
        """Return the problems that make the file unusable."""
        return tuple(each for each in self.problems if not each.is_warning)


def load(text: str, origin: str, form: Form[T]) -> T:
    """Return what a text in TOML holds.

    Args:
        text: of the file.
        origin: the name of the file, for messages.
        form: of its kind.

    Raises:
        Refused: with everything that is wrong with it.
    """
    found = examine(text, form)
    if found.value is None or found.errors:
        raise Refused(origin, found.errors)
    return found.value


def examine(text: str, form: Form[T]) -> Examined[T]:
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
        value = form.model.model_validate_json(json.dumps(data, default=str))  # in which lists are tuples
    except ValidationError as error:
        details = error.errors(include_url=False, include_input=False)
        return Examined(None, _located(_misshapen(data, layout, details, form), layout))
    problems = [*_no_json(data), *swallowed(data, layout, form), *form.check(value)]
    return Examined(value, _located(problems, layout))


def _located(problems: Iterable[Problem], layout: Layout) -> tuple[Problem, ...]:
    placed = (replace(each, line=layout.line(each.path)) for each in dict.fromkeys(problems))
    return tuple(sorted(placed, key=lambda each: each.line))


def _misshapen(
    data: Mapping[str, Any], layout: Layout, details: Iterable[ErrorDetails], form: Form[Any]
) -> Iterator[Problem]:
    """Yield what is wrong with keys and types, once for each value."""
    unfit = [*_no_json(data), *form.traps(data)]
    yield from unfit
    yield from swallowed(data, layout, form)
    by_path = {form.shape.reached(each["loc"]): each for each in details}
    told = {each.path for each in unfit}
    for path, error in by_path.items():
        of_another_kind = any(other[: len(path)] == path for other in by_path if len(other) > len(path))
        is_told = any(path[:length] in told for length in range(len(path) + 1))
        if not (is_told or of_another_kind):  # of a union, what came nearest is what was meant
            yield Problem(path, _said(path, error, data, layout, form))


def _said(path: Path, error: ErrorDetails, data: Mapping[str, Any], layout: Layout, form: Form[Any]) -> str:
    kind = error["type"]
    if kind == "missing":
        return _missing(path, form)
    if kind == "extra_forbidden":
        return unknown(path, layout, form)
    if said := form.bounds.get(kind) or _BOUNDS.get(kind):
        return said.format(**error.get("ctx", {}))
    return _mistyped(path, value_at(data, path), layout, form)


def _missing(path: Path, form: Form[Any]) -> str:
    keys = form.shape.keys_at(path[:-1]) or {}
    meaning = keys[str(path[-1])].description or ""
    return f"it is missing; it takes {words(form.shape.expected(path))}. {meaning}"


def _mistyped(path: Path, value: object, layout: Layout, form: Form[Any]) -> str:
    wanted = form.shape.expected(path)
    said = f"it takes {words(wanted)}"
    if form.shape.keys_at(path[:-1]) is None and (home := belongs(path, layout, form)):
        return f"{said}; {home}"
    has_header = path in layout.headers or (*path, 0) in layout.headers
    return f"{said}{_remedy(wanted, value, form.aliases, has_header=has_header)}"


def _remedy(wanted: Any, value: object, aliases: Mapping[str, Sequence[str]], *, has_header: bool) -> str:
    """Return what to write instead, as far as it can be told."""
    literals = (get_args(each) for each in members(wanted) if get_origin(each) is Literal)
    choices = [each for each in chain.from_iterable(literals) if isinstance(each, str)]
    if isinstance(value, str) and (near := _meant(value, choices, aliases)):
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


def _meant(value: str, choices: Sequence[str], aliases: Mapping[str, Sequence[str]]) -> str | None:
    """Return the word that is meant: what the same thing is called elsewhere, or the nearest."""
    others = [each for each in aliases.get(value.lower(), ()) if each in choices]
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
