"""A description as TOML that shows every default. Loaded again, it is the same description."""

from collections.abc import Iterator, Mapping
from typing import Final

from pydantic import BaseModel

from jobs.apis.described.description import Description, FieldDescription
from jobs.apis.described.problems import Path
from jobs.printable import printable

_BARE: Final = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-")
_ESCAPES: Final = {"\b": "\\b", "\t": "\\t", "\n": "\\n", "\f": "\\f", "\r": "\\r", '"': '\\"', "\\": "\\\\"}


def shown(description: Description) -> str:
    """Return a description as TOML: its notes first, as comments; then every key, set or not."""
    notes = [f"# {printable(note)}" for note in description.notes]
    return "\n".join([*notes, *([""] if notes else []), *_table((), description)]) + "\n"


def toml(value: object) -> str:
    """Return a value as TOML on one line."""
    match value:
        case bool():
            return str(value).lower()
        case str():
            return _text(value)
        case Mapping():
            pairs = ", ".join(f"{_key(key)} = {toml(each)}" for key, each in value.items())
            return f"{{ {pairs} }}" if pairs else "{}"
        case tuple() | list():
            return f"[{', '.join(map(toml, value))}]"
        case _:
            return repr(value)


def _table(path: Path, table: BaseModel) -> Iterator[str]:
    """Yield the lines of a table: first the keys that are no tables, since TOML gives a key to the header above it."""
    below: list[tuple[Path, BaseModel | Mapping[str, BaseModel]]] = []
    for name, declared in type(table).model_fields.items():
        value = getattr(table, name)
        if _has_header(value):
            below.append(((*path, name), value))
        elif value is None:
            yield f"# {name} is not set: {declared.description}"
        else:
            yield from _pair(name, value)
    for inner, value in below:
        yield from _below(inner, value)


def _has_header(value: object) -> bool:
    return isinstance(value, BaseModel) or (
        isinstance(value, Mapping) and any(isinstance(each, BaseModel) for each in value.values())
    )


def _below(path: Path, value: BaseModel | Mapping[str, BaseModel]) -> Iterator[str]:
    """Yield the lines of a table with its header; of several tables, each; of fields, one line each."""
    if isinstance(value, BaseModel):
        yield from ("", _header(path), *_table(path, value))
    elif path[-1] == "fields":
        yield from ("", _header(path), *_fields(value))
    else:
        for key, each in value.items():
            yield from _below((*path, key), each)


def _fields(fields: Mapping[str, BaseModel]) -> Iterator[str]:
    """Yield a line for each field with what is said of it, below one comment with the defaults of all."""
    defaults = {key: value for key, value in FieldDescription().model_dump().items() if value is not None}
    yield f"# Unless a field says otherwise: {', '.join(f'{key} = {toml(value)}' for key, value in defaults.items())}"
    for name, field in fields.items():
        yield f"{_key(name)} = {toml(field.model_dump(exclude_defaults=True))}"


def _pair(name: str, value: object) -> Iterator[str]:
    """Yield `key = value`; a list of texts or tables with a line for each."""
    if isinstance(value, tuple) and value:
        rows = (each.model_dump(exclude_none=True) if isinstance(each, BaseModel) else each for each in value)
        yield from (f"{name} = [", *(f"  {toml(row)}," for row in rows), "]")
    else:
        yield f"{name} = {toml(value)}"


def _header(path: Path) -> str:
    return f"[{'.'.join(_key(str(each)) for each in path)}]"


def _key(name: str) -> str:
    return name if name and _BARE.issuperset(name) else _text(name)


def _text(text: str) -> str:
    return f'"{"".join(map(_character, text))}"'


def _character(character: str) -> str:
    if character in _ESCAPES:
        return _ESCAPES[character]
    if character.isprintable():
        return character
    return f"\\U{ord(character):08x}" if ord(character) > 0xFFFF else f"\\u{ord(character):04x}"
