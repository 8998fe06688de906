"""Keys that stand where they do not belong: mistyped, or swallowed by the table whose header stands above them."""

from collections.abc import Iterator, Mapping
from typing import Any

from jobs.apis.schema import closest
from jobs.toml.form import Form
from jobs.toml.lines import Layout
from jobs.toml.problems import Path, Problem, dotted, value_at
from jobs.toml.shape import members


def unknown(path: Path, layout: Layout, form: Form[Any]) -> str:
    """Return what to do about a key that its table does not have."""
    if said := form.stranger(path):
        return said
    table, key = path[:-1], str(path[-1])
    keys_at = form.shape.keys_at
    keys = keys_at(table) or {}
    if home := belongs(path, layout, form):
        return home
    if inside := [name for name in keys if key in (keys_at((*table, name)) or {})]:
        return f"it is a key of `{inside[0]}`"
    if near := closest(key, keys):
        return f"there is no such key; did you mean `{near}`?"
    return f"there is no such key; here are: {', '.join(keys)}"


def belongs(path: Path, layout: Layout, form: Form[Any]) -> str:
    """Return where to move a key that a table further out has; empty for one that none has."""
    key = path[-1]
    if isinstance(key, int):
        return ""
    for length in range(len(path) - 2, -1, -1):
        if key in (form.shape.keys_at(path[:length]) or {}):
            return _move(path, path[:length], layout, form)
    return ""


def swallowed(data: Mapping[str, Any], layout: Layout, form: Form[Any]) -> Iterator[Problem]:
    """Yield keys that a table with free keys took, though they are missing further out.

    `base_url` below `[variables]` of a description is a variable to TOML.
    """
    for header in layout.headers:
        table = value_at(data, header)
        if form.shape.keys_at(header) is not None or header[0] in form.free:
            continue
        for key, value in table.items():
            path = (*header, key)
            if isinstance(value, str) and any(_misses(data, path[:length], key, form) for length in range(len(header))):
                yield Problem(path, belongs(path, layout, form))


def _misses(data: Mapping[str, Any], table: Path, key: str, form: Form[Any]) -> bool:
    """Return whether a table lacks a text of that name which it needs, or which only it has."""
    declared = (form.shape.keys_at(table) or {}).get(key)
    if declared is None or str not in members(declared.annotation):
        return False
    return (declared.is_required() or not table) and key not in value_at(data, table)


def _move(path: Path, table: Path, layout: Layout, form: Form[Any]) -> str:
    section = layout.sections.get(path, ())
    where = f"of {form.whole}" if not table else f"of `{dotted(table)}`"
    if section[: len(table)] != table or len(section) <= len(table):  # in braces
        return f"it is a key {where}: move it out of `{dotted(path[:-1])}`"
    first = layout.headers[0] if not table else section
    which = "the first table, " if not table else ""
    return f"it is a key {where}: move it above {which}`[{dotted(first)}]`"
