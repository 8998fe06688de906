"""The key of a record as one text, whatever its path asks for; and the text that names a record by another field.

A path with one variable has its value as key, as it is. With several, each value is percent-encoded, so that the
slashes between them are the only ones.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import quote, unquote


@dataclass(frozen=True, slots=True)
class Reference:
    """A record that is named by another field.

    Attributes:
        by: name of the field. `value`: what it holds.
        others: values of the key's other variables, in the order of the path.
    """

    by: str
    value: str
    others: tuple[str, ...] = ()


def key_of(values: Sequence[str]) -> str:
    """Return the key of a record from the values of its path's variables, in the order of the path."""
    return values[0] if len(values) == 1 else "/".join(map(_encoded, values))


def values_of(key: str, names: Sequence[str]) -> Mapping[str, str]:
    """Return the values of a key by the names of its variables, in the order of the path.

    Raises:
        ValueError: the key has another number of values.
    """
    values = [key] if len(names) == 1 else map(unquote, key.split("/"))
    return dict(zip(names, values, strict=True))


def reference_of(by: str, value: str, others: Sequence[str] = ()) -> str:
    """Return the text that names a record by the field `by`: `sku=A-1`, or `acme/shop/sku=A-1` with other variables."""
    return "/".join((*map(_encoded, others), f"{_encoded(by)}={value}"))


def parse_reference(reference: str, others: int = 0) -> Reference:
    """Take such a text apart; `others` is the number of the key's other variables.

    Raises:
        ValueError: it has fewer.
    """
    *known, last = reference.split("/", others)
    by, equals, value = last.partition("=")
    if len(known) != others or not equals:
        raise ValueError("not a reference")
    return Reference(unquote(by), value, tuple(map(unquote, known)))


def _encoded(value: str) -> str:
    return quote(value, safe="")
