"""Checks of a description that the code of Commerce Layer completes: what that says itself, and what it needs."""

from collections.abc import Iterable, Iterator
from typing import Final

from pydantic import BaseModel

from jobs.apis.description.model import Description
from jobs.apis.description.scopes import key_variables
from jobs.apis.limits import OTHERS
from jobs.toml.problems import Problem

_OF_RESOURCE: Final[tuple[str, ...]] = ("fields", "precondition", "omits_empty")
_OF_UPDATE: Final[tuple[str, ...]] = ("query", "send", "wrap", "constants", "mask", "echo")
"""Keys that would not count."""

_NEEDED: Final[tuple[str, ...]] = ("read_many", "find")


def completed(api: Description) -> Iterator[Problem]:
    """Check that every key counts, and that nothing is missing: the code knows the types and their fields."""
    for name, each in api.resources.items():
        path = ("resources", name)
        if name != OTHERS:
            yield Problem(path, f'its code knows the types of {api.code}: describe all of them by [resources."*"]')
            continue
        if key_variables(api, each) != ("id",):
            yield Problem(
                (*path, "path"), f"the code of {api.code} knows records by {{id}}: write one like /{{type}}/{{id}}"
            )
        for key in _said(each, _OF_RESOURCE):
            yield Problem((*path, key), f"the code of {api.code} says this itself: remove it")
        for key in _said(each.update, _OF_UPDATE):
            yield Problem((*path, "update", key), f"the code of {api.code} says this itself: remove it")
        if each.update.format != "json_api":
            yield Problem((*path, "update", "format"), f'the code of {api.code} writes JSON:API: write "json_api"')
        for key in (key for key in _NEEDED if getattr(each, key) is None):
            yield Problem(path, f"the code of {api.code} needs `{key}`: say how it is done")


def _said(part: BaseModel, keys: Iterable[str]) -> Iterator[str]:
    """Yield the keys that have another value than by default: `apis show` prints the defaults, too."""
    return (key for key in keys if getattr(part, key) != type(part).model_fields[key].default)
