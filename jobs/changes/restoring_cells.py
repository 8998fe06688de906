"""By which column of an NDJSON row an old value is put back."""

from collections.abc import Mapping
from typing import Final, NamedTuple, TypeAlias

from jobs.apis.description.keys import values_of
from jobs.apis.schema import ResourceType, Schema
from jobs.model import JSON, Absent, Path, Unread
from jobs.names import Steps, name_of, pointer_to, steps_of

_ANY_KEY: Final = "metadata"
"""The object of which a column can name every key (`jobs.columns.grammar`), whatever the API merges into."""

Value: TypeAlias = JSON | Absent | Unread
"""What a path may hold; UNREAD is what nobody knows."""

_DOTTED: Final = "no column can name a member whose name is empty or has a dot"
_FOREIGN: Final = "its old link leads to a type that rowpatch does not know to fit"
_REPLACED: Final = "another value took the place of an object, and no column puts an object in the place of a value"
_LASTING: Final = "it had no value, and cannot be cleared"


class Unwritable(Exception):
    """No column can say it. The text says why."""


class Cell(NamedTuple):
    """What a column says; `several`: as one of a list, which may get more."""

    column: str
    value: JSON
    several: bool = False


def named(type_name: str, resource_id: str, schema: Schema) -> dict[str, JSON]:
    """Return the members of a row that say which record is meant."""
    values = values_of(resource_id, schema.keys(type_name))
    return {"type": type_name, **{name: value for name, value in values.items() if name not in schema.fixed}}


def cell_of(type_name: str, path: Path, old: Value, schema: Schema) -> Cell:
    """Return the cell that puts a value back.

    Raises:
        Unwritable: there is none.
    """
    kind, name, *key = path
    if kind == "tags":
        return Cell("tags.remove" if isinstance(old, Absent) else "tags.add", name, several=True)
    if kind == "relationships":
        return Cell(name, _links(schema.resource_type(type_name), name, old))
    if schema.grammar == "members":
        return _field(type_name, (*steps_of(name), *key), old, schema)
    if key:
        return _member(name, key[0], old)
    return Cell(f"attributes.{name}:json", known(old))


def known(value: Value) -> JSON:
    """Return a value that is known to be one."""
    assert not isinstance(value, Absent | Unread)  # noqa: S101  # the caller has seen to it
    return value


def _member(name: str, key: str, value: Value) -> Cell:
    if name != _ANY_KEY and (not key or "." in key):
        raise Unwritable(_DOTTED)
    if not isinstance(value, Absent):
        return Cell(f"{name}.{key}:json", known(value))
    plain = key and ":" not in key  # else a part of the key could pass for a suffix
    return Cell(f"{name}.{key}" if plain else f"{name}.{key}:str", None)


def _field(type_name: str, steps: Steps, value: Value, schema: Schema) -> Cell:
    if schema.is_set(type_name, name_of(steps[:-1])):
        change = "remove" if isinstance(value, Absent) else "add"
        return Cell(_label(type_name, (*steps[:-1], change), schema), steps[-1], several=True)
    label, name = _label(type_name, steps, schema), name_of(steps)
    if isinstance(value, Absent | None) and not schema.is_clearable(type_name, name):
        raise Unwritable(_LASTING)
    if isinstance(value, Absent):
        return Cell(label if ":" not in label else f"{label}:str", None)
    if isinstance(value, Mapping):
        if schema.is_merged(type_name, name):
            raise Unwritable(_REPLACED)
        if schema.is_set(type_name, name):
            return Cell(f"{label}:json", list(value))
    return Cell(f"{label}:json", known(value))


def _label(type_name: str, steps: Steps, schema: Schema) -> str:
    """Return the name of a field's column: a pointer unless the field is declared, and called like nothing else."""
    name, kind = name_of(steps), schema.resource_type(type_name)
    plain = kind is not None and kind.members.rule(steps) is not None
    return name if plain and name not in schema.taken and not name.startswith("__") else pointer_to(steps)


def _links(known_type: ResourceType | None, name: str, value: Value) -> JSON:
    """Return links as a cell takes them: `TYPE/ID`, a list of them, or null."""
    fitting = known_type.relationships[name].types if known_type and name in known_type.relationships else ()
    many = isinstance(value, list | tuple)
    texts: list[JSON] = []
    for link in value if many else [] if value is None else [value]:  # type: ignore[union-attr]  # a sequence
        if not isinstance(link, Mapping) or link["type"] not in fitting:
            raise Unwritable(_FOREIGN)
        texts.append(f"{link['type']}/{link['id']}")
    return texts if many else texts[0] if texts else None
