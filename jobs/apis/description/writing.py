"""A description as TOML: what was said of the API, table by table, without the defaults."""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from jobs.apis.description.model import Description

_BARE: Final = re.compile(r"[A-Za-z0-9_-]+")
_ESCAPES: Final = {"\b": "\\b", "\t": "\\t", "\n": "\\n", "\f": "\\f", "\r": "\\r", '"': '\\"', "\\": "\\\\"}


def as_toml(description: Description) -> str:
    """Return the text of a file that says the same; comments and the order of lines are not those of the original."""
    return "".join(f"{line}\n" for line in _table((), description.model_dump(exclude_unset=True)))


def unknowns(text: str) -> tuple[str, ...]:
    """Return what the comments of a description say is unknown, each with its table and what stands before it."""
    found, table = [], ""
    for line in text.splitlines():
        before, mark, remark = line.partition("# unknown: ")
        if mark:
            place = " ".join(filter(None, (table, before.strip())))
            found.append(f"unknown: {place and f'{place}: '}{remark}")
        elif line.startswith("["):
            table = line.strip()
    return tuple(found)


def _table(path: tuple[str, ...], table: Mapping[str, object]) -> Iterator[str]:
    """Yield the lines of a table: its own values first, since those behind the next header would belong to that."""
    if path:
        yield f"\n[{'.'.join(map(key_of, path))}]"
    for name, value in table.items():
        if not isinstance(value, Mapping) and value is not None:
            yield f"{key_of(name)} = {inline(value)}"
    for name, value in table.items():
        if isinstance(value, Mapping):
            yield from _table((*path, name), value)


def inline(value: object) -> str:
    """Return a value as TOML on one line; members without a value are left out."""
    match value:
        case str():
            return _text(value)
        case bool():
            return "true" if value else "false"
        case int() | float():
            return repr(value)
        case Mapping():
            members = [f"{key_of(name)} = {inline(each)}" for name, each in value.items() if each is not None]
            return f"{{ {', '.join(members)} }}" if members else "{}"
        case Sequence():
            return f"[{', '.join(map(inline, value))}]"
        case _:
            raise TypeError(f"TOML has no {type(value).__name__}")


def key_of(name: str) -> str:
    """Return a key as TOML."""
    return name if _BARE.fullmatch(name) else _text(name)


def _text(text: str) -> str:
    """Return a text in quotes; whatever cannot be seen is escaped, so that it can be printed and copied."""
    return f'"{"".join(map(_character, text))}"'


def _character(character: str) -> str:
    if character.isprintable():
        return _ESCAPES.get(character, character)
    return _ESCAPES.get(character) or (
        f"\\u{ord(character):04x}" if character <= "\uffff" else f"\\U{ord(character):08x}"
    )
