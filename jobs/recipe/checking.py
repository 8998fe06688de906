"""What the values of a recipe say, as far as it can be known without the API and the sheet: errors, and warnings.

`model` has checked keys and types before.
"""

import codecs
import ipaddress
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from itertools import chain
from typing import Any, Final

from jobs.apis.description.rates import seconds_of
from jobs.apis.description.secrecy import is_secret
from jobs.columns.grammar import base_of
from jobs.formats import FORMATS
from jobs.recipe.model import CredentialsRecipe, GuardsRecipe, InputRecipe, LaneRecipe, NotifyRecipe, Recipe
from jobs.recipe.notation import date_fault, factor_of
from jobs.recipe.terms import threshold_of, time_of, windows_of
from jobs.recipe.view_model import ColumnRecipe
from jobs.texts import either
from jobs.toml.problems import Path, Problem

_SHARES: Final = ("rows_shrink", "changed", "changed_rows", "overwritten", "emptied", "gone", "invalid")
_FREE: Final = ("columns", "constants", "filter")
_WHOLE: Final = frozenset({"metadata", "attributes.metadata"})
"""Columns that replace a whole object of Commerce Layer."""


def traps(data: Mapping[str, Any]) -> Iterator[Problem]:
    """Yield names with dots that were not put into quotes: TOML takes them for tables."""
    for table in _FREE:
        entries = data.get(table)
        for name, value in entries.items() if isinstance(entries, dict) else ():
            if isinstance(value, dict) and (table != "columns" or "column" not in value):
                yield _unquoted((table, name), value)
    guards = data.get("guards")
    moved = guards.get("moved") if isinstance(guards, dict) else None
    for name, value in moved.items() if isinstance(moved, dict) else ():
        if isinstance(value, dict):
            yield _unquoted(("guards", "moved", name), value)


def _unquoted(path: Path, table: Mapping[str, Any]) -> Problem:
    """Return what to write instead of a table that stands where a name was meant."""
    names, inner = [str(path[-1])], dict[str, Any](table)
    while len(inner) == 1 and "column" not in inner:
        ((name, value),) = inner.items()
        names.append(name)
        inner = value if isinstance(value, dict) else {}
    quoted = f'quote it: "{".".join(names)}" = …'
    if path[0] != "columns" or "column" in inner:
        return Problem(path, f"{quoted}; without quotes TOML makes tables of the dots")
    missing = 'it does not say its `column`: { column = "NAME" }'
    return Problem(path, f"{missing}. If a name with dots is meant, {quoted}" if len(names) > 1 else missing)


def problems(recipe: Recipe) -> list[Problem]:
    """Return what is wrong with a recipe, and what may be; none has a line."""
    found = chain(
        _secrets((), recipe.model_dump()),
        _names(recipe),
        _keys(recipe),
        *(_column(("columns", name), each) for name, each in recipe.columns.items() if isinstance(each, ColumnRecipe)),
        *(_values(("filter", name), each) for name, each in recipe.filter.items()),
        _input(recipe.input),
        _guards(("guards",), recipe.guards, recipe),
        _said(("quarantine", "max"), threshold_of, recipe.quarantine.max),
        _run(recipe),
        _notify(recipe.notify),
        _credentials(("credentials",), recipe.credentials),
        _lanes(recipe),
    )
    return list(dict.fromkeys(found))


def _secrets(path: Path, value: object) -> Iterator[Problem]:
    if isinstance(value, str) and is_secret(value):
        yield Problem(path, "this looks like a secret; none stands in a recipe: name its file or variable instead")
    entries = value.items() if isinstance(value, Mapping) else enumerate(value) if isinstance(value, tuple) else ()
    for key, each in entries:
        yield from _secrets((*path, key), each)


def _names(recipe: Recipe) -> Iterator[Problem]:
    """Yield names of columns that a recipe cannot have."""
    if recipe.columns and recipe.ignore:
        yield Problem(("ignore",), "with `[columns]` only those are taken: remove it")
    for table in ("columns", "constants"):
        for name in getattr(recipe, table):
            yield from _field((table, name), name, recipe)
    for name, each in recipe.columns.items():
        source = each if isinstance(each, str) else each.column
        if source.startswith("__"):
            yield Problem(("columns", name), f"`{source}` is a column of a results file, not of an export")
        if not source:
            yield Problem(("columns", name), "must not be empty")
        if name in recipe.constants:
            yield Problem(("constants", name), "it comes from a column, too: keep one of them")


def _field(path: Path, name: str, recipe: Recipe) -> Iterator[Problem]:
    base = base_of(name)
    if not base:
        yield Problem(path, "the name of a field must not be empty")
    elif base.startswith("__"):
        yield Problem(path, "names that begin with `__` are those of results files")
    elif base.startswith("_") and recipe.api in {"", "commercelayer"}:
        yield Problem(path, "it is a trigger, and would fire again every time: fire it with `apply` and a sheet")
    elif base in _WHOLE and recipe.api in {"", "commercelayer"}:
        yield Problem(path, f'it would replace all of `metadata`: name its members, "{base}.NAME" = …')


def _keys(recipe: Recipe) -> Iterator[Problem]:
    if not recipe.keys or "" in recipe.keys:
        yield Problem(("key",), "it names no field")
    elif twice := [name for name, count in Counter(recipe.keys).items() if count > 1]:
        yield Problem(("key",), f"`{twice[0]}` is there twice")
    given = {base_of(name) for name in (*recipe.columns, *recipe.constants)} | set(recipe.set)
    for name in recipe.keys if recipe.columns else ():
        if name and name not in given:
            said = f"`{name}` says which record is meant, and no column gives it: add it to `[columns]`"
            yield Problem(("key",), f"{said}, or set `key` to what does")
    for name, each in recipe.columns.items():
        if base_of(name) in recipe.keys and isinstance(each, ColumnRecipe):
            for rule in ("drift", "empty"):
                if getattr(each, rule):
                    yield Problem(("columns", name, rule), "it says which record is meant, and is never set: remove it")
            if each.private:
                yield Problem(
                    ("columns", name, "private"), "it says which record is meant, and every report shows that"
                )


def _column(path: Path, column: ColumnRecipe) -> Iterator[Problem]:
    numbers = [key for key in ("decimal", "thousands", "times") if getattr(column, key) is not None]
    kinds = [*numbers[:1], *(key for key in ("date", "map") if getattr(column, key))]
    if len(kinds) > 1:
        yield Problem((*path, kinds[1]), f"a cell has one notation: keep this or `{kinds[0]}`")
    if column.decimal is not None and column.decimal == column.thousands:
        yield Problem((*path, "thousands"), "it is the decimal mark, too")
    if column.times is not None and factor_of(column.times) is None:
        yield Problem((*path, "times"), 'write a number: 100, or with a fraction in quotes, "0.1"')
    if column.date and (fault := date_fault(column.date)):
        yield Problem((*path, "date"), fault)
    if "" in column.map:
        yield Problem((*path, "map"), "an empty cell stands for no value: `empty` says what it does")


def _values(path: Path, values: tuple[str, ...]) -> Iterator[Problem]:
    if not values:
        yield Problem(path, "it takes no row at all: list what its cells may say")


def _input(reading: InputRecipe) -> Iterator[Problem]:
    if reading.format and reading.format not in FORMATS:
        yield Problem(("input", "format"), f"it takes {either(FORMATS)}")
    if reading.encoding and not _is_encoding(reading.encoding):
        yield Problem(("input", "encoding"), "there is no such encoding; usual ones are utf-8, cp1252 and utf-16")
    if len(reading.delimiter) > 1:
        yield Problem(("input", "delimiter"), 'it takes one character; a tab is "\\t"')
    if reading.max_age:
        yield from _said(("input", "max_age"), seconds_of, reading.max_age)


def _is_encoding(name: str) -> bool:
    try:
        codecs.lookup(name)
    except (LookupError, ValueError):
        return False
    return True


def _guards(path: Path, guards: GuardsRecipe, recipe: Recipe) -> Iterator[Problem]:
    for key in _SHARES:
        yield from _said((*path, key), threshold_of, getattr(guards, key))
    for name, limit in guards.moved.items():
        yield from _said((*path, "moved", name), threshold_of, limit)
        if isinstance(limit, int):
            yield Problem((*path, "moved", name), 'write a share like "50%", or "off"')
        if recipe.columns and name not in recipe.columns:
            yield Problem((*path, "moved", name), "no column of the recipe sets it")


def _run(recipe: Recipe) -> Iterator[Problem]:
    run = recipe.run
    if run.deadline:
        yield from _said(("run", "deadline"), time_of, run.deadline)
    if run.stop_after is not None:
        yield from _said(("run", "stop_after"), threshold_of, run.stop_after)
    yield from _said(("run", "rate"), windows_of, run.rate)


def _notify(notify: tuple[NotifyRecipe, ...]) -> Iterator[Problem]:
    for position, each in enumerate(notify):
        path = ("notify", position)
        ways = [key for key in ("command", "url_file", "url_env") if getattr(each, key)]
        if len(ways) != 1:
            yield Problem(path, "it takes one of `command`, `url_file` and `url_env`")
        if each.command and each.style == "text":
            yield Problem((*path, "style"), "a command gets JSON: remove it")
        if each.threshold is not None:
            yield from _said((*path, "threshold"), threshold_of, each.threshold)
        if not each.on:
            yield Problem((*path, "on"), "nothing is told then: list outcomes, or remove the table")


def _credentials(path: Path, said: CredentialsRecipe) -> Iterator[Problem]:
    for name in CredentialsRecipe.model_fields:
        if name.endswith("_env") and getattr(said, name) and getattr(said, file := f"{name[:-4]}_file"):
            yield Problem((*path, name), f"`{file}` is given, too: keep one of them")


def _lanes(recipe: Recipe) -> Iterator[Problem]:
    if recipe.lanes and recipe.lanes_file:
        yield Problem(("lanes_file",), "the lanes stand in the recipe, too: keep one of them")
    names = Counter(each.name for each in recipe.lanes)
    for position, each in enumerate(recipe.lanes):
        path = ("lanes", position)
        if names[each.name] > 1:
            yield Problem((*path, "name"), f"{names[each.name]} lanes have this name")
        yield from _lane(path, each, recipe)


def _lane(path: Path, lane: LaneRecipe, recipe: Recipe) -> Iterator[Problem]:
    yield from _credentials(path, lane)
    yield from _said((*path, "rate"), windows_of, lane.rate)
    for name, values in lane.where.items():
        yield from _values((*path, "where", name), values)
    if lane.source_address and not _is_address(lane.source_address):
        yield Problem((*path, "source_address"), "write an address of this machine, like 10.0.0.5")
    if lane.guards is not None:
        yield from _guards((*path, "guards"), lane.guards, recipe)


def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True


def _said(path: Path, meaning: Callable[[Any], object], value: object) -> Iterator[Problem]:
    """Yield what is wrong with a value by what it would mean."""
    try:
        meaning(value)
    except ValueError as error:
        yield Problem(path, str(error))
