"""The body of an update, taken apart: what stands where the fields go, what is fixed, and what makes it conditional."""

import json
import re
from collections.abc import Iterator, Mapping
from copy import deepcopy
from dataclasses import dataclass
from typing import Any, Final, NoReturn
from urllib.parse import parse_qsl

from jobs.apis.description.model import ResourceDescription, UpdateDescription
from worker.sandbox.described.failures import Refusal
from worker.sandbox.described.fields import Fields
from worker.sandbox.described.filling import Found, joined, read_json
from worker.sandbox.described.pointers import MISSING, Steps, drop, leaves, look, steps_of, steps_to, store

MEDIA: Final[Mapping[str, str]] = {
    "json": "application/json",
    "merge_patch": "application/merge-patch+json",
    "json_patch": "application/json-patch+json",
    "json_api": "application/vnd.api+json",
    "form": "application/x-www-form-urlencoded",
}
"""Content types by format."""

ID: Final = "id of the document"
"""Name of what a JSON:API document says as its id."""

_BRACKETS: Final = re.compile(r"\[([^\[\]]*)\]")


@dataclass(frozen=True, slots=True)
class Body:
    """What an update says.

    Attributes:
        sent: places among the fields, with their values.
        found: values of variables that its fixed members hold.
        conditions: members that make it conditional, by pointer.
    """

    sent: Mapping[Steps, Any]
    found: Found
    conditions: Mapping[str, Any]


def parsed(body: bytes, update: UpdateDescription) -> Any:
    """Return the document that a body holds.

    Raises:
        Refusal: it is none of its format.
    """
    try:
        text = body.decode("utf-8")
        if update.format == "form":
            return _form(text)
        return json.loads(text, parse_constant=_no_constant, object_pairs_hook=_once)
    except (ValueError, RecursionError):
        raise Refusal("bad_request", f"The body is no {MEDIA[update.format]}.") from None


def taken_apart(document: Any, fields: Fields) -> Body:
    """Return what an update says that is one document.

    Raises:
        Refusal: it lacks what every update has, or has members that no update has.
    """
    if not isinstance(document, dict):
        raise Refusal("bad_request", "The body is no object.")
    resource, rest = fields.resource, deepcopy(document)
    conditions = _conditions(rest, resource)
    found = _fixed(rest, resource)
    elsewhere = dict(_elsewhere(rest, fields))
    wrap = steps_to(_wrap(resource.update))
    inside = look(rest, wrap)
    if not isinstance(inside, dict):
        if inside is not MISSING or not elsewhere:
            raise Refusal("bad_request", f"There is no object at {_wrap(resource.update)}.")
        inside = {}
    if wrap:
        drop(rest, wrap)
        if strays := [steps for steps in leaves(rest) if look(rest, steps) != {}]:
            raise Refusal("bad_request", f"No update has {', '.join(map('/'.join, strays))}.")
    sent = {steps: each for name, value in inside.items() for steps, each in _parted((name,), value, fields)}
    return Body({**sent, **elsewhere}, found, conditions)


def _wrap(update: UpdateDescription) -> str:
    return update.wrap or ("/data/attributes" if update.format == "json_api" else "")


def _conditions(document: dict[str, Any], resource: ResourceDescription) -> dict[str, Any]:
    """Take the members out that make the update conditional."""
    conditions = {}
    for pointer in resource.precondition.body if resource.precondition else ():
        steps = steps_to(pointer)
        if (value := look(document, steps)) is not MISSING:
            conditions[pointer] = value
            drop(document, steps)
            _tidy(document, steps)
    return conditions


def _fixed(document: dict[str, Any], resource: ResourceDescription) -> Found:
    """Take the members out that every update has, and return what variables they hold."""
    fixed = dict(resource.update.constants)
    if resource.update.format == "json_api":
        fixed = {"/data/type": "{type}", "/data/id": f"{{{ID}}}", **fixed}
    parts = []
    for pointer, wanted in fixed.items():
        steps = steps_to(pointer)
        value = look(document, steps)
        part = read_json(wanted, value)
        if part is None:
            raise Refusal("bad_request", f"Every update has {pointer}, like {json.dumps(wanted)}.")
        drop(document, steps)
        _tidy(document, steps)
        parts.append(part)
    return joined(parts) or {}


def _tidy(document: dict[str, Any], steps: Steps) -> None:
    """Remove the objects on the way to a place that are empty now."""
    for depth in range(len(steps) - 1, 0, -1):
        if look(document, steps[:depth]) == {}:
            drop(document, steps[:depth])


def _elsewhere(document: dict[str, Any], fields: Fields) -> Iterator[tuple[Steps, Any]]:
    """Take the fields out that an update has at places of their own."""
    for steps, each in fields.listed.items():
        if each.write_to:
            name = "/".join(steps) if len(steps) == 1 else ".".join(steps)
            place = steps_to(each.write_to.replace("{field}", name))
            if (value := look(document, place)) is not MISSING:
                drop(document, place)
                _tidy(document, place)
                yield steps, value
    for each in fields.templates.values():
        before, star, behind = each.write_to.partition("{field}")
        names = look(document, steps_to(before.rstrip("/"))) if star else MISSING
        for name in list(names) if isinstance(names, dict) else ():
            place = (*steps_to(before.rstrip("/")), name, *steps_to(behind))
            if (value := look(document, place)) is not MISSING:
                drop(document, place)
                _tidy(document, place)
                yield steps_of(name), value


def _parted(steps: Steps, value: Any, fields: Fields) -> Iterator[tuple[Steps, Any]]:
    """Yield a value and, apart from it, its members that stand elsewhere or are never shown."""
    apart = [name for name in value if fields.lives_apart((*steps, name))] if isinstance(value, dict) else []
    for name in apart:
        yield from _parted((*steps, name), value[name], fields)
    rest = {name: each for name, each in value.items() if name not in apart} if apart else value
    if rest or not apart:
        yield steps, rest


def _form(text: str) -> dict[str, Any]:
    """Return what a form says: `a[b]=7` is a member `b` of `a`."""
    document: dict[str, Any] = {}
    for name, value in parse_qsl(text, keep_blank_values=True, strict_parsing=bool(text)):
        first, bracket, _ = name.partition("[")
        steps = (first, *_BRACKETS.findall(name[len(first) :]))
        if bracket and "".join(f"[{each}]" for each in steps[1:]) != name[len(first) :]:
            raise ValueError(name)
        inside = look(document, steps[:-1])
        if look(document, steps) is not MISSING or not isinstance(inside, dict | type(MISSING)):
            raise ValueError(name)
        if not isinstance(inside, dict):
            _objects(document, steps[:-1])
        store(document, steps, value)
    return document


def _objects(document: dict[str, Any], steps: Steps) -> None:
    for depth in range(1, len(steps) + 1):
        if look(document, steps[:depth]) is MISSING:
            store(document, steps[:depth], {})


def _no_constant(name: str) -> NoReturn:
    raise ValueError(name)


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    document = dict(pairs)
    if len(document) != len(pairs):
        raise ValueError("a name stands there twice")
    return document
