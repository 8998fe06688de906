"""An empty sheet for one resource type: its columns, and what goes into each.

Of a described API they are the fields that the description declares; others may be added by hand. Triggers are left
out: they have side effects, and rows may only fire those that the user allows by name.
"""

import json
from collections.abc import Iterator
from typing import Final

from jobs.apis.schema import Attribute, Kind, Relationship, ResourceType, Schema
from jobs.formats.errors import InputRefused
from jobs.names import name_of, pointer_to, steps_of
from jobs.values import valueclass

CLEAR: Final = "<clear>"
"""What empties a field, unless the user chooses another text."""

_FIRST: Final = ("reference", "reference_origin")

_SAYS: Final[dict[Kind, str]] = {
    "any": "text",
    "string": "text",
    "date": "date, like 2026-01-31",
    "datetime": "date and time, like 2026-01-31T09:00:00Z",
    "integer": "whole number, like 42",
    "float": "number, like 12.5",
    "boolean": "true or false",
    "object": 'JSON object, like {"key": "value"}; a single key has a column of its own: %s.KEY',
    "array": 'JSON array, like ["red", "blue"]',
    "json": "JSON",
    "list": 'several with commas between them, or a JSON array, like ["red", "blue"]; they replace all there are',
}


@valueclass(frozen=True, slots=True)
class TemplateColumn:
    """One column.

    Attributes:
        says: what goes into its cells, for the comment row.
        choices: the only values there are, empty when any is allowed.
        numeric: a spreadsheet may take its cells for numbers.
    """

    name: str
    says: str
    choices: tuple[str, ...] = ()
    numeric: bool = False


@valueclass(frozen=True, slots=True)
class Template:
    """The columns of one type, and the triggers that were left out."""

    columns: tuple[TemplateColumn, ...]
    triggers: tuple[str, ...]

    @property
    def header(self) -> list[str]:
        """The first row."""
        return [column.name for column in self.columns]

    @property
    def comment(self) -> list[str]:
        """The second row: its id begins with `#`, so it is never sent."""
        return [column.says for column in self.columns]


def template(type_name: str, schema: Schema) -> Template:
    """Make the empty sheet of a type.

    Raises:
        InputRefused: there is no such type.
    """
    kind = schema.resource_type(type_name)
    if kind is None:
        raise InputRefused(f"there is no resource type `{type_name[:40]}`{schema.hint_at_types(type_name)}")
    triggers = tuple(name for name in kind.attributes if schema.is_trigger(name) and "_tags" not in name)
    if schema.grammar == "members":
        return Template((*_keys(kind, schema), *_fields(kind, schema)), triggers)
    return Template(tuple(_columns(kind, schema.merged)), triggers)


def _columns(kind: ResourceType, merged: str) -> Iterator[TemplateColumn]:
    own = {merged, "tags"}
    yield TemplateColumn(
        "id", f"# a comment: its id begins with #. An empty cell leaves its field alone; {CLEAR} empties it"
    )
    names = [name for name in kind.attributes if not name.startswith("_") and name not in own]
    for name in sorted(names, key=lambda name: (name not in _FIRST, names.index(name))):
        yield _attribute(name, kind.attributes[name])
    for name, relationship in kind.relationships.items():
        if name not in own:
            yield TemplateColumn(name, _link(relationship))
    if merged in kind.attributes:
        says = f"text: put your key in place of `example`, one column a key; {merged}.KEY:int, :float, :bool, :json too"
        yield TemplateColumn(f"{merged}.example", says)
    if kind.taggable:
        for action in ("add", "remove"):
            yield TemplateColumn(f"tags.{action}", f"names of tags to {action}, with commas between them")


def _keys(kind: ResourceType, schema: Schema) -> Iterator[TemplateColumn]:
    """Yield the columns that say which record is meant; the cell of the first in the comment row begins with `#`."""
    keys = schema.keys(kind.name)
    names = [name for name in keys if name not in schema.constants and name not in schema.fixed] or keys[-1:]
    for name in names[:1]:
        said = f"# a comment: its {name} begins with #. An empty cell leaves its field alone; {CLEAR} empties it"
        yield TemplateColumn(name, said)
    for name in names[1:]:
        yield TemplateColumn(name, "which record is meant; each row must say it")


def _fields(kind: ResourceType, schema: Schema) -> Iterator[TemplateColumn]:
    """Yield the declared fields that a sheet can set, but for objects whose members are declared."""
    declared = {steps_of(name): attribute for name, attribute in kind.attributes.items() if not attribute.action}
    holders = {steps[:length] for steps in declared for length in range(1, len(steps))}
    for steps, attribute in declared.items():
        name = name_of(steps)
        label = pointer_to(steps) if name in schema.taken or name.startswith("__") else name
        if attribute.kind in {"map", "keyed"} and steps not in holders:
            example = "example" if attribute.kind == "map" or attribute.key == "string" else "1"
            says = f"put your key in place of `{example}`, one column a key. {_choices_or(attribute, attribute.of)}"
            yield TemplateColumn(f"{label}.{example}", says)
        elif attribute.kind == "set":
            for action in ("add", "remove"):
                yield TemplateColumn(f"{label}.{action}", f"elements to {action}, with commas between them")
        elif steps not in holders:
            numeric = attribute.kind in {"integer", "float"}
            yield TemplateColumn(label, _choices_or(attribute, attribute.kind, label), _choices(attribute), numeric)


def _choices(attribute: Attribute) -> tuple[str, ...]:
    if attribute.kind == "boolean":
        return "true", "false"
    return tuple(each if isinstance(each, str) else json.dumps(each) for each in attribute.choices)


def _choices_or(attribute: Attribute, kind: Kind, label: str = "") -> str:
    return f"one of {', '.join(_choices(attribute))}" if attribute.choices else _SAYS[kind].replace("%s", label)


def _attribute(name: str, attribute: Attribute) -> TemplateColumn:
    choices = ("true", "false") if attribute.kind == "boolean" else attribute.enum
    says = f"one of {', '.join(choices)}" if attribute.enum else _SAYS[attribute.kind].replace("%s", name)
    return TemplateColumn(name, says, choices, attribute.kind in {"integer", "float"})


def _link(relationship: Relationship) -> str:
    types = relationship.types
    one = f"id of one of the {types[0]}" if len(types) == 1 else f"TYPE/ID with a TYPE out of {', '.join(types)}"
    return f"{one}; several with commas between them, which replace all there are" if relationship.many else one
