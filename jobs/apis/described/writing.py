"""A description as TOML: what was said of the API, table by table, without the defaults."""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from jobs.apis.described.description import Description

_BARE: Final = re.compile(r"[A-Za-z0-9_-]+")


def as_toml(description: Description) -> str:
    """Return the text of a file that says the same; comments and the order of lines are not those of the original."""
    return "".join(f"{line}\n" for line in _table((), description.model_dump(exclude_unset=True)))


def _table(path: tuple[str, ...], table: Mapping[str, object]) -> Iterator[str]:
    """Yield the lines of a table: its own values first, since those behind the next header would belong to that."""
    if path:
        yield f"\n[{'.'.join(map(_key, path))}]"
    for name, value in table.items():
        if not isinstance(value, Mapping) and value is not None:
            yield f"{_key(name)} = {_value(value)}"
    for name, value in table.items():
        if isinstance(value, Mapping):
            yield from _table((*path, name), value)


def _value(value: object) -> str:
    match value:
        case str():
            return _text(value)
        case bool():
            return "true" if value else "false"
        case int() | float():
            return repr(value)
        case Mapping():
            members = (f"{_key(name)} = {_value(each)}" for name, each in value.items() if each is not None)
            return f"{{ {', '.join(members)} }}"
        case Sequence():
            return f"[{', '.join(map(_value, value))}]"
        case _:
            raise TypeError(f"TOML has no {type(value).__name__}")


def _key(name: str) -> str:
    return name if _BARE.fullmatch(name) else _text(name)


def _text(text: str) -> str:
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")  # JSON's escapes are TOML's, but for one
