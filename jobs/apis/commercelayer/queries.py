"""Query parameters that a description cannot list: sparse fieldsets of several types, and what is included."""

from collections.abc import Iterable, Iterator
from urllib.parse import quote

from jobs.apis.schema import ResourceType
from jobs.model import Fields


def fieldsets(type_name: str, kind: ResourceType | None, fields: Fields, *, sparse: bool) -> Iterator[str]:
    """Yield the fieldsets of a read, then what it includes: the links of relationships come by `include`.

    Args:
        type_name: of the records; may be abstract.
        kind: what the schema knows of it.
        fields: what is wanted of each record.
        sparse: name its fields; False asks for all of them, where the API refuses one that it never shows.
    """
    names = {*fields.attributes, *fields.relationships}
    names |= {"tags"} if fields.tags else set()
    names |= {"type"} if kind and kind.abstract_over else set()
    if sparse:
        yield f"fields[{type_name}]={','.join(map(quoted, sorted(names or {'id'})))}"
    for target in sorted(_targets(kind, fields.relationships) - {type_name, "tags" if fields.tags else ""}):
        yield f"fields[{target}]=id"
    if fields.tags:
        yield "fields[tags]=name"
    included = sorted(fields.relationships | ({"tags"} if fields.tags else set()))
    if included:
        yield f"include={','.join(map(quoted, included))}"


def quoted(text: str) -> str:
    """Encode a text so that it stays within its segment, its parameter, or its place in a list."""
    return text if text.isalnum() and text.isascii() else quote(text, safe="")


def _targets(kind: ResourceType | None, relationships: Iterable[str]) -> set[str]:
    """Return the types that the relationships may point to; of their records only the id is wanted."""
    known = kind.relationships if kind else {}
    return {target for name in relationships if name in known for target in known[name].types}
