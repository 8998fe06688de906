"""Which request is which: by method, path, parameters and fixed headers, all as the description says them."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Literal
from urllib.parse import parse_qsl

from jobs.apis.description.model import Description
from jobs.apis.description.templates import template
from worker.sandbox.described import bodies
from worker.sandbox.described.failures import Refusal
from worker.sandbox.described.filling import PLAIN, Found, Ids, Pattern, joined, read_json
from worker.sandbox.described.places import base_path
from worker.sandbox.described.records import Kind, Records

Does = Literal["", "read", "read_many", "find", "update"]

_REPEATS: Final = "{fields}"


@dataclass(frozen=True, slots=True)
class Asked:
    """What a request asks for.

    Attributes:
        does: what it does; empty for one that is about nothing here.
        kind: type of the records that it is about.
        found: values of variables that it holds.
        query: its parameters.
        refusal: why it is refused whatever the records are.
    """

    does: Does = ""
    kind: Kind | None = None
    found: Found = field(default_factory=dict)
    query: Mapping[str, str] = field(default_factory=dict)
    refusal: Refusal | None = None

    @property
    def reads(self) -> bool:
        """Whether it changes nothing."""
        return self.does != "update"


@dataclass(frozen=True)
class _Route:
    """One kind of request of one type of records."""

    does: Does
    kind: Kind
    method: str
    path: Pattern
    query: tuple[tuple[str, Any], ...]
    headers: Mapping[str, str]
    ids: Ids = PLAIN
    body: Any = None
    optional: frozenset[str] = frozenset()


class Routes:
    """All requests that an API takes."""

    def __init__(self, records: Records, api: Description, values: Mapping[str, str]) -> None:
        self._values = values
        self._routes = [
            route for kind in records.kinds.values() for route in _routes(kind, api, base_path(api, values))
        ]

    def asked(self, method: str, target: str, headers: Mapping[str, str], body: bytes) -> Asked:
        """Return what a request asks for: of those that fit, the first that nothing is wrong with."""
        path, _, text = target.partition("?")
        query = parse_qsl(text, keep_blank_values=True)
        there = [(route, found) for route in self._routes if (found := route.path.read(path)) is not None]
        able = [(route, found) for route, found in there if route.method == method]
        if not able:
            refusal = Refusal("bad_method", f"{method} is not taken here.") if there else None
            return Asked(kind=there[0][0].kind if there else None, refusal=refusal)
        tried = [self._tried(route, found, query, headers, body) for route, found in able]
        return next((each for each in tried if each.refusal is None), tried[0])

    def _tried(
        self, route: _Route, found: Found, query: list[tuple[str, str]], headers: Mapping[str, str], body: bytes
    ) -> Asked:
        wanted = {name: template(text).fill({**self._values, **_single(found)}) for name, text in route.headers.items()}
        in_query = _in_query(route, query)
        whole = joined((found, in_query, _in_body(route, body)))
        refusal = _wrong_headers(headers, wanted) or _wrong_media(route, headers, wanted)
        if in_query is None:
            names = ", ".join(name for name, _ in route.query) or "none"
            refusal = Refusal("bad_request", f"The parameters are not those of this request: {names}.")
        elif whole is None:
            refusal = Refusal("bad_request", "The body is not that of this request.")
        return Asked(route.does, route.kind, whole or found, dict(query), refusal)


def _routes(kind: Kind, api: Description, base: str) -> Iterator[_Route]:
    resource = kind.resource
    update, read, many, find = resource.update, resource.read, resource.read_many, resource.find
    shared = {**api.headers, **resource.headers}
    conditions = resource.precondition.query if resource.precondition else {}
    mask = ((update.mask, "{mask}"),) if update.mask else ()
    path, query = _split(base, update.path or resource.path)
    yield _Route(
        "update", kind, update.method, path, (*query, *update.query.items(), *conditions.items(), *mask),
        {**shared, **update.headers}, optional=frozenset(conditions),
    )  # fmt: skip
    if read:
        path, query = _split(base, read.path or resource.path)
        yield _Route("read", kind, "GET", path, (*query, *read.query.items()), {**shared, **read.headers})
    if many:
        ids = Ids(many.each, many.join)
        path, query = _split(base, many.path, ids)
        yield _Route(
            "read_many", kind, many.method, path, (*query, *many.query.items()), {**shared, **many.headers},
            ids, many.body if many.method == "POST" else None,
        )  # fmt: skip
    if find:
        path, query = _split(base, find.path)
        yield _Route("find", kind, "GET", path, (*query, *find.query.items()), {**shared, **find.headers})


def _split(base: str, text: str, ids: Ids = PLAIN) -> tuple[Pattern, tuple[tuple[str, Any], ...]]:
    """Return the path of a request, and the parameters that stand behind it."""
    path, _, query = text.partition("?")
    pairs = tuple(parse_qsl(query, keep_blank_values=True))
    return Pattern(base.replace("{", "").replace("}", "") + path, ids, in_path=True), pairs


def _in_query(route: _Route, query: list[tuple[str, str]]) -> Found | None:
    """Return the values in the parameters of a request; None if it lacks one, or has others."""
    rest, parts = list(query), list[Found | None]()
    for name, wanted in route.query:
        named = Pattern(name)
        given = [pair for pair in rest if named.read(pair[0]) is not None]
        if not given:
            if name not in route.optional and _REPEATS not in str(wanted):
                return None
            continue
        parts += [named.read(key) for key, _ in given[:1]]
        values = [value for _, value in given]
        if isinstance(wanted, str):
            parts += [Pattern(wanted, route.ids).read(value) for value in values[:1]]
            given = given[:1]
        else:
            parts.append(read_json(list(wanted), values, route.ids))
        rest = [pair for pair in rest if pair not in given]
    return None if rest else joined(parts)


def _in_body(route: _Route, body: bytes) -> Found | None:
    if route.body is None:
        return {} if route.does == "update" or not body else None
    try:
        return read_json(route.body, json.loads(body), route.ids)
    except (ValueError, RecursionError):
        return None


def _wrong_headers(headers: Mapping[str, str], wanted: Mapping[str, str]) -> Refusal | None:
    """Return why a request is refused that lacks a header which every request has."""
    wrong = next((name for name, value in wanted.items() if headers.get(name) != value), None)
    return Refusal("bad_request", f"The header {wrong} is missing, or is not {wanted[wrong]}.") if wrong else None


def _wrong_media(route: _Route, headers: Mapping[str, str], wanted: Mapping[str, str]) -> Refusal | None:
    """Return why the content type of an update is refused: by it types are told apart that share an address."""
    if route.does != "update" or any(name.lower() == "content-type" for name in wanted):
        return None
    media, usual = headers.get("Content-Type", "").partition(";")[0].strip().lower(), route.kind.resource.update.format
    if media == bodies.MEDIA[usual]:
        return None
    return Refusal("bad_media", f"Updates are {bodies.MEDIA[usual]}, not {media or 'nothing'}.")


def _single(found: Found) -> dict[str, str]:
    return {name: values[0] for name, values in found.items() if len(values) == 1}
