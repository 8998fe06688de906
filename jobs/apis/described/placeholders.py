"""What stands in braces in a text: `{id}`, `{email:lower:md5}`, `{@ETag}`, `{/updated_at}`.

A brace that means itself is written twice: `{{`, `}}`.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from hashlib import md5, sha256
from typing import Final, TypeAlias

TRANSFORMS: Final[Mapping[str, Callable[[str], str]]] = {
    "lower": str.lower,
    "upper": str.upper,
    "md5": lambda text: md5(text.encode(), usedforsecurity=False).hexdigest(),
    "sha256": lambda text: sha256(text.encode()).hexdigest(),
}
"""What may be done to a variable's value before it is filled in, by name."""

_PART: Final = re.compile(r"(?P<text>(?:[^{}]|\{\{|\}\})+)|\{(?P<inside>[^{}]*)\}|(?P<stray>[{}])")
_VARIABLE: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*", re.ASCII)


@dataclass(frozen=True, slots=True)
class Placeholder:
    """One of them.

    Attributes:
        name: of a variable; `@ETag` for a header; `/updated_at` for a pointer.
        transforms: names of what is done to the value, in this order.
    """

    name: str
    transforms: tuple[str, ...] = ()

    @property
    def is_variable(self) -> bool:
        """Whether it is a variable, and nothing of a record that was read."""
        return not self.name.startswith(("@", "/"))


Part: TypeAlias = str | Placeholder


def parts(text: str) -> tuple[Part, ...]:
    """Return the pieces of a text: what stands there as it is, and what is to be filled in.

    Raises:
        ValueError: it is not well formed; the text says what to write.
    """
    return tuple(_parts(text))


def found_in(value: object) -> Iterator[Placeholder]:
    """Yield the placeholders of every text in a value of JSON; none of a text that is malformed."""
    if isinstance(value, Mapping):
        value = tuple(value.values())
    if isinstance(value, tuple | list):
        for each in value:
            yield from found_in(each)
    elif isinstance(value, str):
        with suppress(ValueError):
            yield from (each for each in parts(value) if isinstance(each, Placeholder))


def variables(value: object) -> tuple[str, ...]:
    """Return the names of the variables in every text of a value, each once, in their order."""
    return tuple(dict.fromkeys(each.name for each in found_in(value) if each.is_variable))


def is_variable(name: str) -> bool:
    """Return whether a variable may have this name."""
    return _VARIABLE.fullmatch(name) is not None


def _parts(text: str) -> Iterator[Part]:
    # `{{{by}}}` is a brace, a placeholder and a brace: pairs are taken from the left, so look for them first.
    for found in _PART.finditer(text):
        if found["stray"]:
            raise ValueError("a brace has no partner; a brace that means itself is written twice: {{ or }}")
        if found["text"]:
            yield found["text"].replace("{{", "{").replace("}}", "}")
        else:
            yield _placeholder(found["inside"])


def _placeholder(inside: str) -> Placeholder:
    if inside.startswith(("@", "/")):
        return Placeholder(inside)
    name, *transforms = inside.split(":")
    if not is_variable(name):
        raise ValueError("braces hold the name of a variable (letters, digits, _), a @Header or a /pointer")
    if unknown := [each for each in transforms if each not in TRANSFORMS]:
        raise ValueError(f"there is no transform `{unknown[0]}`; there are {', '.join(TRANSFORMS)}")
    return Placeholder(name, tuple(transforms))
