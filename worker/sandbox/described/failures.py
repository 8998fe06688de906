"""What goes wrong with a request, and how a described API says so.

An error rule of the description that is about the same failure gives its status, code, words, headers and body: so the
sandbox speaks as the description says that the API speaks.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Literal

from jobs.apis.description.model import Description, ErrorPlaces, ErrorRule, ResourceDescription
from worker.sandbox.described.pointers import steps_to, store
from worker.sandbox.jsonapi import Reply, json_reply

Kind = Literal[
    "bad_request", "token_expired", "no_such_path", "not_found", "bad_method", "conflict", "bad_media", "validation",
    "slow_down",
]  # fmt: skip
"""What is wrong, by the names of error rules where they have one."""

_CODES: Final[Mapping[str, str]] = {
    "bad_request": "bad_request",
    "token_expired": "unauthorized",
    "no_such_path": "not_found",
    "not_found": "record_not_found",
    "bad_method": "method_not_allowed",
    "conflict": "version_conflict",
    "bad_media": "unsupported_media_type",
    "validation": "validation_failed",
    "slow_down": "rate_limited",
}
_STATUSES: Final[Mapping[str, int]] = {
    "bad_request": 400,
    "token_expired": 401,
    "no_such_path": 404,
    "not_found": 404,
    "bad_method": 405,
    "conflict": 409,
    "bad_media": 415,
    "validation": 422,
    "slow_down": 429,
}
_ANY_STATUS: Final = {"slow_down", "conflict", "validation"}
"""Failures for which a rule may bring another status than the usual one. A missing record stays a 404."""


@dataclass(frozen=True, slots=True)
class Wrong:
    """One thing that is wrong: the field, empty if it is about the whole, and why."""

    field: str
    why: str


class Refusal(Exception):
    """A request is refused.

    Attributes:
        kind: what is wrong.
        message: in a sentence.
        wrong: field by field.
        status: where it is not the usual one.
        headers: of the reply.
    """

    def __init__(
        self,
        kind: Kind,
        message: str,
        wrong: Iterable[Wrong] = (),
        status: int = 0,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(message)
        self.kind, self.message, self.status = kind, message, status or _STATUSES[kind]
        self.wrong = tuple(wrong)
        self.headers = headers or {}


@dataclass(frozen=True, slots=True)
class _Said:
    """A failure in words: what a rule of the description adds to it."""

    status: int
    code: str
    message: str
    headers: Mapping[str, str] = field(default_factory=dict)
    body: Mapping[str, Any] = field(default_factory=dict)


def refused(refusal: Refusal, api: Description, resource: ResourceDescription | None, request_id: str) -> Reply:
    """Return the reply that refuses a request, in the form that the description says."""
    places = (resource.errors if resource else None) or api.errors
    said = _in_words(refusal, api, resource)
    is_json_api = resource is not None and resource.update.format == "json_api"
    if is_json_api and places == ErrorPlaces():
        body = _json_api(refusal, said)
    else:
        body = _document(refusal.wrong, said, places)
    headers = {**refusal.headers, **said.headers}
    for pointer, value in said.body.items():
        store(body, steps_to(pointer), value)
    if places.request_id.startswith("@"):
        headers[places.request_id[1:]] = request_id
    elif places.request_id:
        store(body, steps_to(places.request_id), request_id)
    media = "application/vnd.api+json" if is_json_api else "application/json"
    return json_reply(said.status, body, media).with_headers(headers)


def _in_words(refusal: Refusal, api: Description, resource: ResourceDescription | None) -> _Said:
    rules = (*(resource.error_rules if resource else ()), *api.error_rules)
    rule = next((each for each in rules if _fits(each, refusal)), None)
    if rule is None:
        return _Said(refusal.status, _CODES[refusal.kind], refusal.message)
    status = refusal.status if refusal.status in rule.status or not rule.status else rule.status[0]
    message = refusal.message if rule.text.lower() in refusal.message.lower() else f"{rule.text}: {refusal.message}"
    headers = {name: "yes" if value == "*" else value for name, value in rule.header.items()}
    return _Said(status, rule.code or _CODES[refusal.kind], message, headers, rule.body)


def _fits(rule: ErrorRule, refusal: Refusal) -> bool:
    """Return whether a rule is about this failure, and gives it a status that it may have."""
    if rule.means != refusal.kind:
        return False
    usual = not rule.status or refusal.status in rule.status
    return usual or (refusal.kind in _ANY_STATUS and rule.status[0] >= 400)


def _document(wrong: tuple[Wrong, ...], said: _Said, places: ErrorPlaces) -> dict[str, Any]:
    document: dict[str, Any] = {}
    message, code = places.message or ("" if places.items else "/message"), places.code
    _put(document, message, said.message)
    _put(document, code, said.code)
    if not places.items:
        if wrong:
            store(document, steps_to(message), f"{said.message} {_sentence(wrong)}")
            _put(document, places.field, wrong[0].field)
        return document
    store(document, steps_to(places.items[-1]), _items(wrong, said, places))
    return document


def _items(wrong: tuple[Wrong, ...], said: _Said, places: ErrorPlaces) -> Any:
    """Return the errors one by one: a list of objects that name their field, or else an object by field."""
    if not places.message and not places.code:
        return {each.field or "base": each.why for each in wrong} or {"base": said.message}
    if not places.field:
        return {each.field or "base": [_item(each, said, places)] for each in wrong}
    return [_item(each, said, places) for each in wrong]


def _item(wrong: Wrong, said: _Said, places: ErrorPlaces) -> dict[str, Any]:
    item: dict[str, Any] = {}
    _put(item, places.message, f"{wrong.field} {wrong.why}".strip())
    _put(item, places.code, said.code)
    _put(item, places.field, wrong.field)
    return item


def _json_api(refusal: Refusal, said: _Said) -> dict[str, Any]:
    error = {"status": str(said.status), "code": said.code, "title": said.message}
    if not refusal.wrong:
        return {"errors": [error]}
    return {
        "errors": [
            {**error, "detail": f"{each.field} {each.why}", "source": {"pointer": f"/data/attributes/{each.field}"}}
            for each in refusal.wrong
        ]
    }


def _sentence(wrong: tuple[Wrong, ...]) -> str:
    return "; ".join(f"{each.field} {each.why}".strip() for each in wrong)


def _put(document: dict[str, Any], pointer: str, value: str) -> None:
    if pointer.startswith("/"):
        store(document, steps_to(pointer), value)
