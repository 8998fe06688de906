"""What a failure of a described API says is wrong: read where the description says, by its shape where it does not.

The words of a server are made short and harmless here, as everywhere.
"""

import re
from collections.abc import Iterator
from itertools import islice
from typing import Final, TypeAlias

from jobs.apis.description.model import ErrorPlaces
from jobs.apis.documents import parsed_anyway
from jobs.apis.errors import MOST_ERRORS, error_of, read_errors
from jobs.apis.pointers import pointer_to, steps_of, value_at
from jobs.apis.quoting import harmless
from jobs.model import ABSENT, ApiError, Reply

_DEEPEST: Final = 6
"""Levels of a list or an object of errors that are looked through."""

_WAYS: Final = frozenset({"loc", "path"})
"""Members that hold the steps to a field as a list, rather than the names of several fields."""

_PLAIN_ID: Final = re.compile(r"[A-Za-z0-9:._-]{0,200}")
"""Most ids of requests, which need not be made harmless: that costs more than all else that is done with them."""

_Told: TypeAlias = tuple[str, str, str]
"""Message, code and place, as they were written."""


def errors_of(places: ErrorPlaces, reply: Reply) -> tuple[ApiError, ...]:
    """Return the errors of a failure, in order: that of the document, then its items.

    Where the places are not given, or show nothing (a proxy has answered), errors are read by their shape.
    """
    return _kept(_told(places, reply), reply) or read_errors(reply)


def request_id_of(places: ErrorPlaces, reply: Reply) -> str:
    """Return what identifies the request to the vendor's support, empty where the reply does not say it."""
    place = places.request_id or "@X-Request-Id"
    told = _text(_found(place, reply, None if place.startswith("@") else _document(reply)))
    plain = _PLAIN_ID.fullmatch(told) and not any(each in told for each in reply.secrets)
    return told if plain else harmless(told, reply.secrets)


def _kept(told: Iterator[_Told], reply: Reply) -> tuple[ApiError, ...]:
    found = dict.fromkeys(islice(told, MOST_ERRORS))
    return tuple(error_of("", message, code, place, reply=reply) for message, code, place in found)


def _told(places: ErrorPlaces, reply: Reply) -> Iterator[_Told]:
    if not (places.message or places.code or places.items):
        return
    document = _document(reply)
    if not places.items and isinstance(document, list):
        yield from _errors(places, document, "", 0)
        return
    message, code = (_text(_found(pointer, reply, document)) for pointer in (places.message, places.code))
    fields = [""] if places.items else _fields(places.field, _found(places.field, reply, document), "")
    items = list(_items(places, document))
    if (message or code) and not any(message == each for each, _, _ in items):
        yield from ((message, code, field) for field in fields)
    yield from items


def _items(places: ErrorPlaces, document: object) -> Iterator[_Told]:
    for each in places.items:
        yield from islice(_errors(places, value_at(document, steps_of(each)), "", 0), MOST_ERRORS)


def _errors(places: ErrorPlaces, value: object, place: str, depth: int) -> Iterator[_Told]:
    """Yield the errors of a value: a text, an object with a message or a code, a list, or an object by fields."""
    if isinstance(value, str) and value.strip():
        yield value, "", place
    elif isinstance(value, list) and depth < _DEEPEST:
        for each in value[:MOST_ERRORS]:
            yield from _errors(places, each, place, depth + 1)
    elif isinstance(value, dict) and depth < _DEEPEST:
        message, code = (_text(_inner(pointer, value)) for pointer in (places.message, places.code))
        if message or code:
            fields = _fields(places.field, _inner(places.field, value), place)
            yield from ((message, code, field) for field in fields)
            return
        for name, each in islice(value.items(), MOST_ERRORS):
            yield from _errors(places, each, f"{place}.{name}" if place else name, depth + 1)


def _fields(pointer: str, value: object, otherwise: str) -> list[str]:
    """Return the fields that an error is about: one, several, or the one under whose name it stands."""
    if isinstance(value, list) and pointer.rpartition("/")[2] in _WAYS:
        return [pointer_to(value)]
    texts = [each for each in value if isinstance(each, str)] if isinstance(value, list) else [_text(value)]
    return [each for each in texts if each] or [otherwise]


def _found(pointer: str, reply: Reply, document: object) -> object:
    """Return what stands at a pointer into the document, or in a header (`@X`)."""
    return reply.headers.get(pointer[1:].lower(), "") if pointer.startswith("@") else _inner(pointer, document)


def _inner(pointer: str, value: object) -> object:
    return value_at(value, steps_of(pointer)) if pointer.startswith("/") else ABSENT


def _text(value: object) -> str:
    """Return a text, or a number as one; empty for anything else."""
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value) if abs(value) < 10**18 else ""
    return value if isinstance(value, str) and value.strip() else ""


def _document(reply: Reply) -> object:
    return parsed_anyway(reply.body) if reply.complete else None
