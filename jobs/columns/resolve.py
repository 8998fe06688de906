"""What a column name means for one resource type, looked up in the schema."""

import re
from collections.abc import Sequence
from functools import cache, lru_cache
from typing import Final

from jobs.apis.schema import Attribute, Kind, ResourceType, Schema, closest
from jobs.columns.cells import Wanted
from jobs.columns.grammar import Heading, Suffix
from jobs.columns.problems import NotAColumn
from jobs.columns.rules import Rules
from jobs.columns.slots import AttributeSlot, LinkSlot, MemberSlot, Slot, TagSlot, TriggerSlot

OF_SUFFIX: Final[dict[Suffix, Wanted]] = {
    "": "any",
    "int": "integer",
    "float": "float",
    "bool": "boolean",
    "json": "json",
    "str": "string",
}
_OF_KIND: Final[dict[Kind, Wanted]] = {
    "string": "string",
    "datetime": "string",
    "integer": "integer",
    "float": "float",
    "boolean": "boolean",
    "object": "object",
    "array": "array",
}
_LONGEST: Final = 200
"""Characters of a wrong name that are looked at."""
_LIKE_THE_APIS: Final = re.compile(r"[a-z_][a-z0-9_]*")
"""Names that an attribute may have: one with capitals would be refused by the API."""

_NOT_OF_KEYS: Final = re.compile(r"[^\w-]+")

_ALWAYS: Final = ("id", "type", "metadata", "tags.add", "tags.remove")


def known_type(name: str, schema: Schema) -> ResourceType:
    """Look up the resource type of that name.

    Raises:
        NotAColumn: there is none.
    """
    found = schema.resource_type(name)
    if found is None:
        raise NotAColumn(f"there is no resource type `{name[:40]}`{schema.hint_at_types(name)}", "type_unknown")
    return found


def resolve(heading: Heading, kind: ResourceType, rules: Rules) -> Slot:
    """Find where the values of a column go in an update of a resource of type `kind`.

    Raises:
        NotAColumn: the type has no such attribute or relationship, or not with that suffix.
    """
    if heading.form == "tags":
        return _tags(heading, kind)
    if heading.form == "attribute":
        return _attribute(heading.name, Attribute("string"), OF_SUFFIX[heading.suffix], rules)
    if heading.form == "member":
        return _member(heading, kind)
    if heading.name in kind.relationships:
        return link_slot(heading, kind)
    return attribute_slot(heading, kind, rules)


def attribute_slot(heading: Heading, kind: ResourceType, rules: Rules) -> Slot:
    """Find where the values of an attribute go that the schema must know.

    Raises:
        NotAColumn: it does not, or not with that suffix.
    """
    attribute = kind.attributes.get(heading.name)
    if attribute is None:
        raise _unknown(heading.name, (kind,))
    if not heading.suffix:
        return _attribute(heading.name, attribute, _OF_KIND[attribute.kind], rules)
    if attribute.kind in {"object", "array"} and heading.suffix != "json":
        raise NotAColumn(
            f"`{heading.label}`: `{heading.name}` is an {attribute.kind}, so `:{heading.suffix}` does not fit"
        )
    return _attribute(heading.name, attribute, OF_SUFFIX[heading.suffix], rules)


def link_slot(heading: Heading, kind: ResourceType) -> LinkSlot:
    """Find where the values of a relationship go.

    Raises:
        NotAColumn: the type has no such relationship, or there is a suffix.
    """
    relationship = kind.relationships.get(heading.name)
    if relationship is None:
        raise _unknown(heading.name, (kind,))
    if heading.suffix:
        raise NotAColumn(f"`{heading.label}`: `{heading.name}` is a relationship and takes no `:{heading.suffix}`")
    return LinkSlot(heading.name, relationship)


def refuse_unless_of_some_type(heading: Heading, rules: Rules) -> None:
    """Check a column of a sheet whose rows name their types: at least one type must have it.

    Raises:
        NotAColumn: none has.
    """
    if heading.form in {"attribute", "tags"}:
        return
    refused = None
    for kind in types_that_know(heading.name, rules.schema):
        try:
            resolve(heading, kind, rules)
        except NotAColumn as error:
            refused = error
        else:
            return
    raise refused or _unknown(heading.name, _all_types(rules.schema))


@cache
def types_that_know(name: str, schema: Schema) -> tuple[ResourceType, ...]:
    """Return every resource type that has an attribute or a relationship of that name."""
    return tuple(kind for kind in _all_types(schema) if name in kind.attributes or name in kind.relationships)


def _all_types(schema: Schema) -> tuple[ResourceType, ...]:
    return tuple(known_type(name, schema) for name in schema.names)


def _tags(heading: Heading, kind: ResourceType) -> Slot:
    if not kind.taggable:
        raise NotAColumn(f"`{heading.label}`: {kind.name} have no tags")
    return TagSlot("add_tags" if heading.key == "add" else "remove_tags")


def _attribute(name: str, attribute: Attribute, wanted: Wanted, rules: Rules) -> Slot:
    if name.startswith("_"):
        return TriggerSlot(name, wanted, name in rules.allow_triggers)
    return AttributeSlot(name, wanted, attribute.enum)


def _member(heading: Heading, kind: ResourceType) -> Slot:
    attribute = kind.attributes.get(heading.name)
    if attribute is None:
        raise _unknown(heading.name, (kind,))
    if attribute.kind != "object":
        raise NotAColumn(f"`{heading.label}`: `{heading.name}` is no object, so it has no members")
    return MemberSlot(heading.name, heading.key, OF_SUFFIX[heading.suffix])


def _unknown(name: str, kinds: Sequence[ResourceType]) -> NotAColumn:
    names = (*_ALWAYS, *(name for kind in kinds for name in (*kind.attributes, *kind.relationships)))
    who = f"{kinds[0].name} have" if len(kinds) == 1 else "no resource type has"
    what = "no attribute or relationship" if len(kinds) == 1 else "an attribute or relationship"
    meant = _meant(name[:_LONGEST], names)
    return NotAColumn(f"{who} {what} `{name[:80]}`{meant or '.'}{_way_out(name, kinds, guessed=bool(meant))}")


def _way_out(name: str, kinds: Sequence[ResourceType], *, guessed: bool) -> str:
    """Return where values may go that no attribute takes: into the metadata, or to an API that knows more."""
    ways = []
    key = _NOT_OF_KEYS.sub("_", name.strip().lower()).strip("_")[:80]
    if not guessed and key and all("metadata" in kind.attributes for kind in kinds):
        ways.append(f" For a key of the metadata, write `metadata.{key}`.")
    if _LIKE_THE_APIS.fullmatch(name):
        ways.append(f" To send it all the same, write `attributes.{name}`")
    return "".join(ways).rstrip(".")


@lru_cache(maxsize=256)  # every row can have the same wrong name
def _meant(name: str, candidates: tuple[str, ...]) -> str:
    likely = closest(name, candidates) or closest(name.strip().lower(), candidates)
    return f"; did you mean `{likely}`?" if likely else ""
