"""Types of records that a description does not list: those of the seed, each described by `"*"`."""

import json
import re
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

from jobs.apis.description.model import Description, ResourceDescription
from jobs.apis.description.templates import TRANSFORMS

_OTHERS: Final = "*"
_TYPE: Final = re.compile(r"\{type((?::\w+)*)\}")
_NAME: Final = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]*")

FOR_EXAMPLE: Final = "records"
"""The type that there is if the seed names none."""


def with_types(api: Description, seed: tuple[str, ...]) -> Description:
    """Return a description that lists every type there is, with its name in all texts."""
    others = api.resources.get(_OTHERS)
    listed = {name: each for name, each in api.resources.items() if name != _OTHERS}
    if others is not None:
        names = tuple(name for name in _named(seed) if _NAME.fullmatch(name)) or (FOR_EXAMPLE,)
        listed |= {name: others for name in names if name not in listed}
    resources = {name: _filled(each, name) for name, each in listed.items()}
    return api.model_copy(update={"resources": resources})


def _named(seed: tuple[str, ...]) -> Iterator[str]:
    """Yield the types that a seed names; what is wrong with it is told when the records are made."""
    for item in seed:
        name, separator, _ = item.partition("=")
        if separator:
            yield name
            continue
        with suppress(OSError, ValueError):
            found: Any = json.loads(Path(item).read_text(encoding="utf-8"))
            yield from found if isinstance(found, dict) else ()


def _filled(resource: ResourceDescription, name: str) -> ResourceDescription:
    return ResourceDescription.model_validate(_with(resource.model_dump(exclude_unset=True), name))


def _with(value: Any, name: str) -> Any:
    """Return a value with the name of the type in every text."""
    if isinstance(value, str):
        return _TYPE.sub(lambda found: _transformed(name, found[1].split(":")[1:]), value)
    if isinstance(value, Mapping):
        return {_with(key, name): _with(each, name) for key, each in value.items()}
    return tuple(_with(each, name) for each in value) if isinstance(value, list | tuple) else value


def _transformed(text: str, transforms: list[str]) -> str:
    for each in transforms:
        text = TRANSFORMS[each](text)
    return text
