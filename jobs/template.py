"""An empty sheet for one resource type: its columns, and what goes into each.

Triggers are left out: they have side effects, and rows may only fire those that the user allows by name.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from jobs.apis.schema import Attribute, Kind, Relationship, ResourceType, Schema
from jobs.formats.errors import InputRefused

CLEAR: Final = "<clear>"
"""What empties a field, unless the user chooses another text."""

_FIRST: Final = ("reference", "reference_origin")

_SAYS: Final[dict[Kind, str]] = {
    "string": "text",
    "datetime": "date and time, like 2026-01-31T09:00:00Z",
    "integer": "whole number, like 42",
    "float": "number, like 12.5",
    "boolean": "true or false",
    "object": 'JSON object, like {"key": "value"}; a single key has a column of its own: %s.KEY',
    "array": 'JSON array, like ["red", "blue"]',
}


@dataclass(frozen=True, slots=True)
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


@dataclass(frozen=True, slots=True)
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
    triggers = tuple(name for name in kind.attributes if name.startswith("_") and "_tags" not in name)
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


def _attribute(name: str, attribute: Attribute) -> TemplateColumn:
    choices = ("true", "false") if attribute.kind == "boolean" else attribute.enum
    says = f"one of {', '.join(choices)}" if attribute.enum else _SAYS[attribute.kind].replace("%s", name)
    return TemplateColumn(name, says, choices, attribute.kind in {"integer", "float"})


def _link(relationship: Relationship) -> str:
    types = relationship.types
    one = f"id of one of the {types[0]}" if len(types) == 1 else f"TYPE/ID with a TYPE out of {', '.join(types)}"
    return f"{one}; several with commas between them, which replace all there are" if relationship.many else one
