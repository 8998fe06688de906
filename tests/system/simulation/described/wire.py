"""What a record looks like on the wire, and what an update asks for: both ways, by the world's forms."""

import base64
import json
from collections.abc import Callable, Mapping
from copy import deepcopy
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import parse_qsl

from tests.system.simulation.described.world import FIELDS, World

if TYPE_CHECKING:
    from tests.system.simulation.described.server import State

CONTENT_TYPES: Final[Mapping[str, str]] = {
    "json": "application/json",
    "merge_patch": "application/merge-patch+json",
    "json_patch": "application/json-patch+json",
    "json_api": "application/vnd.api+json",
    "form": "application/x-www-form-urlencoded",
}

OWN: Final = ("id", "version", "created")
"""What the server sets by itself."""


class Wrong(Exception):
    """A body that cannot be taken."""

    def __init__(self, message: str, where: str = "", *, status: int = 422, code: str = "wrong") -> None:
        super().__init__(message)
        self.where, self.status, self.code = where, status, code


@dataclass(frozen=True, slots=True)
class Given:
    """What an update asks for: values on the wire by field, and the version in its body."""

    fields: Mapping[str, Any] = field(default_factory=dict)
    version: object = None


def basic(user: str, password: str) -> str:
    """Return the header of Basic authorisation."""
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()


def steps(pointer: str) -> list[str]:
    """Return the steps of a JSON Pointer."""
    return [step.replace("~1", "/").replace("~0", "~") for step in pointer.split("/")[1:]]


def placed(pointer: str, value: Any) -> Any:
    """Return a document that holds a value at a pointer."""
    for step in reversed(steps(pointer)):
        value = {step: value}
    return value


# replies


def record(world: World, key: tuple[str, ...], state: "State", only: frozenset[str] | None) -> dict[str, Any]:
    """Return a record as replies hold it."""
    values = {
        name: shown(world, name, value)
        for name, value in state.values.items()
        if name not in {"pin", "ping"} and (only is None or name in only)
    }
    if world.omits_empty:
        values = {name: value for name, value in values.items() if not _is_empty(value)}
    own = {"id": key[-1], "version": state.version, "created": "2020-01-01T00:00:00Z"}
    if world.format == "json_api":
        own["type"] = "things"
    if not world.values:
        return {**own, **values}
    return {**own, **placed(world.values, values)}


def _is_empty(value: Any) -> bool:
    return value is None or value is False or value in (0, "") or value in ([], {}) or value == {"name": None}


def shown(world: World, name: str, value: Any) -> Any:
    """Return a value as replies show it."""
    if value is None:
        return None
    show = _SHOWS.get(name)
    return deepcopy(value) if show is None else show(world.variants.get(name, ""), value)


def _shown_labels(variant: str, value: list[str]) -> Any:
    if variant == "sep":
        return ";".join(value)
    return list(value) if variant == "plain" else [{"name": each} for each in value]


def _shown_moment(variant: str, value: str) -> Any:
    if variant == "text":
        return value
    seconds = int(datetime.fromisoformat(value).timestamp())
    return seconds if variant == "epoch" else seconds * 1000


def _shown_props(variant: str, value: dict[str, Any]) -> Any:
    if variant == "id:int":
        return [{"id": int(key), **deepcopy(element)} for key, element in value.items()]
    return [{"key": key, **deepcopy(element)} for key, element in value.items()]


_SHOWS: Final[Mapping[str, Callable[[str, Any], Any]]] = {
    "owner": lambda _, value: {"name": value, "url": f"/people/{value}"},
    "labels": _shown_labels,
    "due": _shown_moment,
    "count": lambda variant, value: str(value) if variant == "text" else value,
    "props": _shown_props,
}
"""How replies show fields that are kept in another form."""


# requests


def given(world: World, key: tuple[str, ...], body: bytes) -> Given:
    """Return what a body asks for that is no JSON Patch."""
    document = _form(body) if world.format == "form" else _json(body)
    if world.format == "json_api":
        return Given(_known(world, _resource_object(document, key)))
    for place, value in world.constants.items():
        _take_constant(document, place, value)
    inside = document
    for step in steps(world.wrap):
        if not isinstance(inside, dict) or set(inside) != {step}:
            raise Wrong(f"there should be nothing but {step}", status=400)
        inside = inside[step]
    if not isinstance(inside, dict):
        raise Wrong("no object", status=400)
    version = inside.pop("version", None) if world.versions == "body" else None
    return Given(_known(world, _typed(inside) if world.format == "form" else inside), version)


def _resource_object(document: Any, key: tuple[str, ...]) -> dict[str, Any]:
    """Return the attributes of a JSON:API document."""
    data = document.get("data") if isinstance(document, dict) else None
    if not isinstance(data, dict) or set(data) - {"type", "id", "attributes"}:
        raise Wrong("no resource object", status=400)
    if data.get("type") != "things" or data.get("id") != key[-1]:
        raise Wrong("it is about another thing", status=409)
    return dict(data.get("attributes") or {})


def _take_constant(document: Any, place: str, value: object) -> None:
    *parents, last = steps(place)
    for step in parents:
        document = document[step]
    if not isinstance(document, dict) or document.pop(last, None) != value:
        raise Wrong(f"{place} is missing", status=400)


def _json(body: bytes) -> Any:
    try:
        return json.loads(body)
    except ValueError:
        raise Wrong("no JSON", status=400) from None


def _known(world: World, fields: Mapping[str, Any]) -> dict[str, Any]:
    """Return what the server knows; the rest is dropped, or refused."""
    found: dict[str, Any] = {}
    for name, value in fields.items():
        if name in OWN:
            raise Wrong(f"{name} cannot be set", name, code="read_only")
        takes = {*FIELDS, "code"} if world.variants["owner"] == "same" else {*FIELDS, "code", "owner_name"} - {"owner"}
        if name in takes:
            found[name] = value
        elif not world.drops_unknown:
            raise Wrong(f"there is no {name}", name, code="unknown_field")
    return found


def difference(world: World, before: Mapping[str, Any], after: Mapping[str, Any]) -> Given:
    """Return what a JSON Patch changed."""
    old, new = dict(before), dict(after)
    held: Any = old
    found: Any = new
    for step in steps(world.values):
        held, found = held.get(step), found.get(step)
        if not isinstance(found, dict) or not isinstance(held, dict):
            raise Wrong("the fields are gone", status=422)
    if world.values:
        top = steps(world.values)[0]
        if {k: v for k, v in old.items() if k != top} != {k: v for k, v in new.items() if k != top}:
            raise Wrong("what the server sets cannot be changed", code="read_only")
    elif any(old.get(name) != new.get(name) for name in OWN):
        raise Wrong("what the server sets cannot be changed", code="read_only")
    names = [name for name in (*held, *found) if held.get(name) != found.get(name) and name not in OWN]
    return Given(_known(world, {name: found.get(name) for name in names}))


def _form(body: bytes) -> Any:
    """Return the object that a form writes with brackets."""
    top: dict[str, Any] = {}
    for name, value in parse_qsl(body.decode(), keep_blank_values=True):
        first, *rest = name.replace("]", "").split("[")
        holder, path = top, [first, *rest]
        for step in path[:-1]:
            holder = holder.setdefault(step, {})
            if not isinstance(holder, dict):
                raise Wrong(f"{name} is a value and an object", status=400)
        last = path[-1] or str(len(holder))
        holder[last] = value
    return top


_LISTS: Final = {"labels", "steps", "props"}


def _typed(fields: Mapping[str, Any]) -> dict[str, Any]:
    """Return the values of a form with their types; an empty text is null."""
    try:
        return {name: None if value == "" else _of_type(name, value) for name, value in fields.items()}
    except (ValueError, KeyError, AttributeError, TypeError):
        raise Wrong("a value is not of its type") from None


def _of_type(name: str, value: Any) -> Any:
    if name in _FORM_TYPES:
        return _FORM_TYPES[name](value)
    return [_nulls(each) for each in value.values()] if name in _LISTS and isinstance(value, dict) else _nulls(value)


def _form_address(value: Any) -> Any:
    if not value.get("geo"):
        return _nulls(value)
    return {**_nulls(value), "geo": {name: float(text) if text else None for name, text in value["geo"].items()}}


def _form_props(value: Any) -> Any:
    elements = [_nulls(each) for each in value.values()]
    return [{**each, **({"id": int(each["id"])} if "id" in each else {})} for each in elements]


_FORM_TYPES: Final[Mapping[str, Callable[[Any], Any]]] = {
    "count": int,
    "price": float,
    "done": {"true": True, "false": False}.__getitem__,
    "due": lambda text: int(text) if text.isdigit() else text,
    "address": _form_address,
    "props": _form_props,
}


def _nulls(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _nulls(each) for name, each in value.items()}
    return None if value == "" else value


# what becomes of a record


def merged(world: World, before: Mapping[str, Any], fields: Mapping[str, Any]) -> tuple[dict[str, Any], bool]:
    """Return a record's values after an update, and whether it set off the action.

    Raises:
        Wrong: it cannot be taken.
    """
    after = dict(deepcopy(before))
    if world.send == "record":
        after = {name: before.get(name) if name in {"pin", "ping", "code"} else None for name in before}
    for name, value in fields.items():
        if name == "code" and value != before.get("code"):
            raise Wrong("code cannot be changed", "code")
        own = "owner" if name == "owner_name" else name
        try:
            taken = (before.get("ping") or 0) + 1 if name == "ping" else _taken(world, name, before.get(own), value)
        except (AttributeError, KeyError, TypeError, ValueError):
            raise Wrong(f"{name} is not of its type", name) from None
        after[own] = _stored(world, own, taken)
    if str(after.get("title")).startswith("refuse"):
        raise Wrong("that title is not taken", "title")
    return after, "ping" in fields


def _stored(world: World, name: str, value: Any) -> Any:
    return value.strip() if world.canonical and name in {"title", "note"} and isinstance(value, str) else value


def _taken(world: World, name: str, old: Any, value: Any) -> Any:
    """Return the plain form of a value on the wire, merged with what was there."""
    if value is None:
        return None
    take = _TAKES.get(name)
    return _text(value) if take is None else take(world, name, old, value)


def _count(world: World, value: Any) -> int:
    is_text = world.variants["count"] == "text"
    if isinstance(value, bool) or (isinstance(value, str) != is_text and world.format != "form"):
        raise TypeError
    return int(value)


def _fail() -> Any:
    raise TypeError


def _text(value: Any) -> str | None:
    return value if value is None or isinstance(value, str) else _fail()


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else _fail()


def _labels(variant: str, value: Any) -> list[str]:
    if variant == "sep":
        return [each for each in value.split(";") if each]
    if variant == "objects":
        return [each["name"] for each in _list(value)]
    return [_text(each) or "" for each in _list(value)]


def _moment(variant: str, value: Any) -> str:
    if variant == "text":
        return value if isinstance(value, str) else str(_fail())
    if isinstance(value, bool) or not isinstance(value, int):
        _fail()
    seconds = value if variant == "epoch" else value / 1000
    return datetime.fromtimestamp(seconds, UTC).isoformat().replace("+00:00", "Z")


def _props(world: World, old: Any, value: Any) -> dict[str, Any]:
    keyed = "id" if world.variants["props"] == "id:int" else "key"
    elements: dict[str, Any] = {}
    for each in _list(value):
        if isinstance(each[keyed], int) != (keyed == "id"):
            raise TypeError(keyed)
        elements[str(each[keyed])] = {name: item for name, item in each.items() if name != keyed}
    if world.merge_of("props") != "shallow":
        return elements
    kept = dict(deepcopy(old or {}))
    for key, element in elements.items():
        kept[key] = {**kept.get(key, {}), **element}
    return kept


def _members(world: World, merge: str, old: Any, value: dict[str, Any]) -> dict[str, Any]:
    if world.format == "merge_patch":
        return dict(_patch(old, value))
    if merge == "replace":
        return deepcopy(value)
    kept = dict(deepcopy(old or {}))
    for name, each in value.items():
        if each is None and world.null_removes:
            kept.pop(name, None)
        elif merge == "deep" and isinstance(each, dict) and isinstance(kept.get(name), dict):
            kept[name] = _members(world, merge, kept[name], each)
        else:
            kept[name] = each
    return kept


def _patch(old: Any, value: Any) -> Any:
    """Return what RFC 7396 makes of it."""
    if not isinstance(value, dict):
        return value
    kept = dict(deepcopy(old)) if isinstance(old, dict) else {}
    for name, each in value.items():
        if each is None:
            kept.pop(name, None)
        else:
            kept[name] = _patch(kept.get(name), each)
    return kept


_TAKES: Final[Mapping[str, Callable[[World, str, Any, Any], Any]]] = {
    "owner": lambda _world, _name, _old, value: _text(value.get("name")),
    "labels": lambda world, _name, _old, value: _labels(world.variants["labels"], value),
    "steps": lambda _world, _name, _old, value: [_text(each) for each in _list(value)],
    "due": lambda world, _name, _old, value: _moment(world.variants["due"], value),
    "count": lambda world, _name, _old, value: _count(world, value),
    "price": lambda _world, _name, _old, value: value if type(value) in {int, float} else _fail(),
    "done": lambda _world, _name, _old, value: value if isinstance(value, bool) else _fail(),
    "props": lambda world, _name, old, value: _props(world, old, value),
    "extra": lambda world, _name, old, value: _patch(old, value) if world.format == "merge_patch" else value,
    **dict.fromkeys(
        ("address", "meta"),
        lambda world, name, old, value: _members(
            world, world.merge_of(name), old, value if isinstance(value, dict) else _fail()
        ),
    ),
}
"""How the server takes fields that are no text."""
