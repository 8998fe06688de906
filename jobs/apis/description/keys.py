"""Keys of records: one text, whatever they consist of. The journal and the sequencer see no more."""

from collections.abc import Sequence
from typing import Final
from urllib.parse import quote, unquote

from jobs.apis.description.model import ResourceDescription
from jobs.apis.description.templates import template
from jobs.apis.description.types import TYPE

_NO_KEYS: Final = frozenset({"ids", "fields", "by", "value", TYPE})


def variables_of(described: ResourceDescription) -> tuple[str, ...]:
    """Return the variables of a resource's path, in their order: together they are the key of a record."""
    return tuple(name for name in template(described.path).names if name not in _NO_KEYS)


def key_of(values: Sequence[str]) -> str:
    """Return the key that values make, in the order of the path: a single one as it is, several encoded."""
    return values[0] if len(values) == 1 else "/".join(quote(each, safe="") for each in values)


def values_of(key: str, names: Sequence[str]) -> dict[str, str]:
    """Return the values of a key by name."""
    parts = [key] if len(names) == 1 else [unquote(each) for each in key.split("/")]
    return dict(zip(names, parts, strict=True))


def reference_of(others: Sequence[str], by: str, value: str) -> str:
    """Return the text for a record that is known by another field; `others` are the values of its key but the last."""
    return f"{'/'.join(quote(each, safe='') for each in (*others, by))}={value}"


def parse_reference(reference: str) -> tuple[tuple[str, ...], str, str]:
    """Return the other values of the key, the field, and its value."""
    start, _, value = reference.partition("=")
    *others, by = map(unquote, start.split("/"))
    return tuple(others), by, value
