"""The variables of a description: which there are, which no sheet can set, and where the API is with their values."""

import re
from collections.abc import Iterable, Iterator, Mapping
from itertools import chain
from typing import Final
from urllib.parse import quote

from jobs.apis.description.model import Description
from jobs.apis.description.types import TYPE

_VARIABLE: Final = re.compile(r"\{([A-Za-z_][A-Za-z0-9_]*)(?::[a-z0-9_:]+)?\}")
_FILLED_BY_REQUESTS: Final = frozenset({"by", "field", "fields", "ids", "value", TYPE})
_WORDS: Final = {"name", "verified", "notes"}
"""Parts of a description that are for people."""


def names_in(text: str) -> tuple[str, ...]:
    """Return the names of the variables in a text, each once: `{owner}/{email:lower}` -> owner, email."""
    return tuple(dict.fromkeys(_VARIABLE.findall(text)))


def variables_of(description: Description) -> frozenset[str]:
    """Return the names of all variables that a user may set; those that a request fills by itself are none.

    The code of Commerce Layer takes the keys of records from columns alone.
    """
    if description.code == "commercelayer":
        return fixed_variables(description) | frozenset(description.variables)
    texts = _texts(description.model_dump(exclude=_WORDS, exclude_unset=True))
    return (
        frozenset(description.variables) | frozenset(chain.from_iterable(map(names_in, texts)))
    ) - _FILLED_BY_REQUESTS


def variables_of_auth(description: Description) -> tuple[str, ...]:
    """Return the variables that asking for a token needs, in the order of the description."""
    return tuple(dict.fromkeys(chain.from_iterable(map(names_in, _texts(description.auth.model_dump())))))


def fixed_variables(description: Description) -> frozenset[str]:
    """Return the variables of `base_url` and `auth`: a cell that set one could change where the credential is sent."""
    return frozenset((*names_in(description.base_url), *variables_of_auth(description), *description.auth.variables))


def constants(description: Description, given: Mapping[str, str]) -> dict[str, str]:
    """Return the values of variables: those given, and the defaults of the description for the others.

    An empty value is none: the variable is not set.
    """
    return {name: value for name, value in {**description.variables, **given}.items() if value}


def missing(names: Iterable[str], values: Mapping[str, str]) -> tuple[str, ...]:
    """Return those of the names that have no value, or an empty one."""
    return tuple(name for name in names if not values.get(name))


def base_url(description: Description, values: Mapping[str, str]) -> str:
    """Return the base URL with its variables filled in, all of which have a value.

    A value that the URL begins with may be a whole address. Any other is encoded, so that it cannot end the host.
    """

    def value(found: re.Match[str]) -> str:
        return quote(values[found[1]], safe=":/" if found.start() == 0 else ":")

    return _VARIABLE.sub(value, description.base_url)


def _texts(part: object) -> Iterator[str]:
    """Yield every text in a part of a description, keys of tables included."""
    match part:
        case str():
            yield part
        case Mapping():
            yield from chain(part, *map(_texts, part.values()))
        case list() | tuple():
            yield from chain.from_iterable(map(_texts, part))
        case _:
            return
