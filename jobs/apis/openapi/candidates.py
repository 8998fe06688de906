"""What an OpenAPI document says can be updated: one candidate for each path with a key and a way to write to it."""

import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from typing import Any, Final

from jobs.apis.documents import mapping
from jobs.apis.openapi.document import Document, elsewhere, word
from jobs.apis.openapi.messages import Body, body_of, success_of
from jobs.apis.openapi.schemas import Shapes

_HOLE: Final = re.compile(r"\{([^{}]*)\}")
_PATH: Final = re.compile(r"/[!-~]*")
_UNFIT: Final = re.compile(r"[^A-Za-z0-9_.-]+")
_CREATING: Final = re.compile(r"create|add|new|insert", re.IGNORECASE)
_ENDING: Final = re.compile(r"\.(?:json|xml)$", re.IGNORECASE)


@dataclass(frozen=True)
class Candidate:
    """A type of records that can be updated.

    Attributes:
        name: of the resource, made of its path.
        path: as the document has it.
        method: PATCH, PUT or POST.
        item: everything about the path.
        body: of the update.
        others: further methods of the path that could update.
    """

    name: str
    path: str
    method: str
    item: Mapping[str, Any]
    body: Body
    others: tuple[str, ...]

    @property
    def operation(self) -> Mapping[str, Any]:
        """The operation that updates."""
        return mapping(self.item.get(self.method.lower()))

    @property
    def reading(self) -> Mapping[str, Any]:
        """The operation that reads; empty where there is none."""
        return mapping(self.item.get("get"))

    @property
    def summary(self) -> str:
        """What the vendor calls the update."""
        return word(self.operation.get("summary")) or word(self.operation.get("operationId"))


def candidates(shapes: Shapes, methods: Collection[str] = ()) -> tuple[Candidate, ...]:
    """Return what can be updated, in the order of the document.

    Args:
        shapes: of the document.
        methods: that may be taken; by default PATCH, else PUT, else a POST that only changes parts of what a GET shows.
    """
    found = [each for path, item in _items(shapes.document) if (each := _candidate(shapes, path, item, methods))]
    return tuple(_named(found))


def chosen(found: Sequence[Candidate], names: Collection[str], patterns: Collection[str]) -> tuple[Candidate, ...]:
    """Return those that a name or a pattern of paths chooses; all of them where nothing is given.

    A pattern is a path as the document has it, or one with `*` for anything.
    """
    if not names and not patterns:
        return tuple(found)
    wanted = {each.lower() for each in names}
    return tuple(
        each
        for each in found
        if each.name.lower() in wanted or any(each.path == one or fnmatchcase(each.path, one) for one in patterns)
    )


def bodiless(shapes: Shapes, found: Collection[Candidate]) -> tuple[str, ...]:
    """Return the PATCH and PUT of single records that are no candidates: the document says no body that they take."""
    known = {each.path for each in found}
    return tuple(
        f"{method} {path}"
        for path, item in _items(shapes.document)
        for method in ("PATCH", "PUT")
        if path not in known and isinstance(item.get(method.lower()), dict)
    )


def in_other_files(document: Document) -> str:
    """Return a reference to another file that stands where a path or a method should; empty if none does."""
    items = mapping(document.data.get("paths")).values()
    inside = (each for item in items for each in (item, *mapping(item).values()))
    return next(filter(None, map(elsewhere, inside)), "")


def holes(path: str) -> tuple[str, ...]:
    """Return the names in the braces of a path."""
    return tuple(_HOLE.findall(path))


def _items(document: Document) -> Iterator[tuple[str, Mapping[str, Any]]]:
    for path, item in mapping(document.data.get("paths")).items():
        plain = _HOLE.sub("", path)
        if _PATH.fullmatch(path) and not set(plain) & set("{}#\\") and holes(path):
            yield path, document.resolved(item)


def _candidate(shapes: Shapes, path: str, item: Mapping[str, Any], methods: Collection[str]) -> Candidate | None:
    bodies = {each: _usable(shapes, item, each) for each in ("PATCH", "PUT", "POST")}
    wanted = [each.upper() for each in methods] or ["PATCH", "PUT"]
    fitting = [each for each in ("PATCH", "PUT", "POST") if bodies[each] is not None]
    taken = next((each for each in fitting if each in wanted), None)
    if taken is None and not methods and fitting == ["POST"] and _is_partial(shapes, path, item, bodies["POST"]):
        taken = "POST"
    body = bodies.get(taken or "")
    if taken is None or body is None:
        return None
    return Candidate("", path, taken, item, body, tuple(each for each in fitting if each != taken))


def _usable(shapes: Shapes, item: Mapping[str, Any], method: str) -> Body | None:
    """Return the body of a method, None where it has none or takes no object."""
    operation = item.get(method.lower())
    body = body_of(shapes.document, item, operation) if isinstance(operation, dict) else None
    if body is None or body.format == "json_patch":
        return body
    return body if shapes.of(body.schema).kind in {"object", "map", "json"} else None


def _is_partial(shapes: Shapes, path: str, item: Mapping[str, Any], body: Body | None) -> bool:
    """Return whether a POST clearly changes parts of one record: one that a GET shows, and no member is required."""
    shown = shapes.of(success_of(shapes.document, mapping(item.get("get")))[1])
    whole = body is not None and not shapes.of(body.schema).required
    names = (word(mapping(item.get("post")).get(each)) for each in ("summary", "operationId"))
    creates = any(map(_CREATING.match, names))
    return whole and not creates and shown.kind == "object" and bool(shown.members) and _ends_in_key(path)


def _ends_in_key(path: str) -> bool:
    return _ENDING.sub("", path.rstrip("/")).endswith("}")


def _named(found: Sequence[Candidate]) -> Iterator[Candidate]:
    """Yield the candidates with names: the last fixed parts of their paths, as many as it takes to tell them apart."""
    words = [_words(each.path) for each in found]
    names = [""] * len(found)
    open_ones = list(range(len(found)))
    for count in range(1, max(map(len, words), default=0) + 1):
        shorter = {position: "_".join(words[position][-count:]) for position in open_ones}
        times = _times(shorter.values())
        for position in open_ones:
            names[position] = shorter[position]
        open_ones = [position for position in open_ones if times[shorter[position]] > 1]
    taken: set[str] = set()
    for each, name in zip(found, names, strict=True):
        yield replace(each, name=free_name(name, taken))


def _words(path: str) -> list[str]:
    """Return the fixed parts of a path as words for names; `records` for one that has none."""
    parts = (_UNFIT.sub("_", _ENDING.sub("", _HOLE.sub("", each))).strip("_.-") for each in path.split("/"))
    return [each for each in parts if each] or ["records"]


def _times(names: Iterable[str]) -> dict[str, int]:
    found: dict[str, int] = {}
    for each in names:
        found[each] = found.get(each, 0) + 1
    return found


def free_name(name: str, taken: set[str]) -> str:
    """Return a name that nobody has, and take it."""
    number, free = 1, name
    while free in taken:
        number += 1
        free = f"{name}_{number}"
    taken.add(free)
    return free
