"""Texts with places to fill in: `/tickets/{id}`, `{email:lower:md5}`, `{@ETag}`, `{/updated_at}`.

A filled value can never leave its place: whoever fills a URL encodes each value into its segment.
"""

import hashlib
import re
from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import lru_cache
from typing import Final
from urllib.parse import quote

from jobs.values import valueclass

TRANSFORMS: Final[Mapping[str, Callable[[str], str]]] = {
    "lower": str.lower,
    "upper": str.upper,
    "md5": lambda text: hashlib.md5(text.encode(), usedforsecurity=False).hexdigest(),
    "sha256": lambda text: hashlib.sha256(text.encode()).hexdigest(),
}
"""What may be done to a value before it is filled in, by name."""

_PLACE: Final = re.compile(r"\{([^{}]*)\}")


class Unfilled(Exception):
    """A value is missing. The text names it."""


@valueclass(frozen=True, slots=True)
class Hole:
    """A place to fill: the name of a value, and what is done to it, in order."""

    name: str
    transforms: tuple[str, ...] = ()


@valueclass(frozen=True, slots=True)
class Template:
    """A text with holes; `parts` alternate: text, hole, text, ..., text."""

    parts: tuple[str | Hole, ...]

    @property
    def holes(self) -> tuple[Hole, ...]:
        """The holes, from left to right."""
        return tuple(part for part in self.parts if isinstance(part, Hole))

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the values that are needed, each once."""
        return tuple(dict.fromkeys(hole.name for hole in self.holes))

    def fill(self, values: Mapping[str, str], encode: Callable[[str], str] = str) -> str:
        """Return the text with each value in its place, encoded.

        Raises:
            Unfilled: a value is missing.
        """
        return "".join(part if isinstance(part, str) else encode(_filling(part, values)) for part in self.parts)


@lru_cache(maxsize=1024)  # the texts of a description
def template(text: str) -> Template:
    """Take a text with holes apart."""
    texts = _PLACE.split(text)
    return Template(tuple(part if index % 2 == 0 else _hole(part) for index, part in enumerate(texts)))


def filled(texts: Mapping[str, str], values: Mapping[str, str]) -> dict[str, str]:
    """Return texts by name with their values in place; a text of which a value is missing is left out."""
    found = {}
    for name, text in texts.items():
        with suppress(Unfilled):
            found[name] = template(text).fill(values)
    return found


def into_url(value: str) -> str:
    """Encode a value so that it stays within its segment or parameter."""
    return value if value.isalnum() and value.isascii() else quote(value, safe="")


def _hole(text: str) -> Hole:
    if text[:1] in {"/", "@"}:
        return Hole(text)  # a pointer may hold colons
    name, *transforms = text.split(":")
    return Hole(name, tuple(transforms))


def _filling(hole: Hole, values: Mapping[str, str]) -> str:
    value = values.get(hole.name)
    if value is None:
        raise Unfilled(hole.name)
    for name in hole.transforms:
        value = TRANSFORMS[name](value)
    return value
