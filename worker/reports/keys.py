"""Which record a row is about, part by part: the keys of a described API may have several, by names of its own."""

from collections.abc import Callable

from jobs.apis.description.keys import key_of, values_of
from jobs.apis.schema import Schema
from jobs.columns import in_case
from jobs.values import valueclass


@valueclass(frozen=True, slots=True)
class Key:
    """The key of a row's record.

    Attributes:
        text: of the whole key; empty if a part of it is not known.
        parts: by name, in the order of the path; those that are not known are empty.
    """

    text: str
    parts: dict[str, str]


@valueclass(frozen=True, slots=True)
class KeyNames:
    """The names of the parts of keys.

    Attributes:
        schema: of the API.
        type: resource type of rows that do not name one.
    """

    schema: Schema
    type: str

    @property
    def columns(self) -> tuple[str, ...]:
        """Names of all parts, each once, but for `id`, which reports have anyway."""
        named = (variable.name for kind in self.schema.kinds for variable in kind.variables)
        parts = self.schema.keys(self.type) if self.type else named
        return tuple(dict.fromkeys(part for part in parts if part != "id"))

    def in_key(self, type_name: str, text: str) -> Key:
        """Return the key whose text is known; an empty text has no parts."""
        return Key(text, values_of(text, self.schema.keys(type_name)) if text else {})

    def cells(self, type_name: str, text: str) -> list[str]:
        """Return the parts of a key as cells of the columns."""
        parts = self.in_key(type_name, text).parts
        return [parts.get(name, "") for name in self.columns]

    def in_row(self, type_name: str, said: Callable[[str], str]) -> Key:
        """Return the key that a row names; `said` returns what it says under a name."""
        constants, kind = self.schema.constants, self.schema.resource_type(type_name)
        found = {each.name: in_case(each, said(each.name)) for each in kind.variables} if kind else {}
        parts = {name: value or constants.get(name, "") for name, value in found.items()}
        return Key(key_of(tuple(parts.values())) if parts and all(parts.values()) else "", parts)


def names_of(schema: Schema, type_name: str) -> KeyNames | None:
    """Return the names of the parts of keys; None for an API all of whose records have an `id` alone."""
    return None if schema.grammar == "attributes" else KeyNames(schema, type_name)
