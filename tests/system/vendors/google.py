"""A Google-style resource: PATCH /v1/publishers/{publisher}/books/{book}?updateMask=a,b.

Sources, in aip-dev/google.aip.dev at 126bed4: [134] aip/general/0134.md (update), [154] 0154.md (etags), [161] 0161.md
(field masks), [193] 0193.md (errors); [231] google.aip.dev/231 (batch get); [tickets] developers.google.com,
partners.tickets.patch: without a mask the whole record is replaced; [seen] messages quoted in public repositories.
"Unverified" marks general knowledge.
"""

import copy
import hashlib
import json
import re
from collections.abc import Sequence
from typing import Literal, Unpack

from tests.system.vendors.base import (
    Call,
    Common,
    FakeVendor,
    FixedWindow,
    Json,
    Rate,
    Records,
    Refusal,
    Reply,
    Route,
    stamp,
)

TOKEN = "ya29.madeUpTokenOfTheJudge"
PARENT = "publishers/acme"
DOMAIN = "library.googleapis.com"
_FIELDS: dict[str, str] = {
    "title": "string",
    "rating": "int32",
    "pages": "int64",
    "inPrint": "bool",
    "tags": "strings",
    "author": "author",
    "labels": "map",
}
_AUTHOR = ("givenName", "familyName")
_OUTPUT_ONLY = ("createTime", "updateTime")
_STATUSES = {400: "INVALID_ARGUMENT", 401: "UNAUTHENTICATED", 403: "PERMISSION_DENIED", 404: "NOT_FOUND"}
_STATUSES |= {409: "ABORTED", 429: "RESOURCE_EXHAUSTED"}
_EMPTY = ("", 0, False, None)


def book_name(n: int) -> str:
    """Write the name of the n-th book."""
    return f"{PARENT}/books/{n}"


def some(count: int) -> dict[str, dict[str, Json]]:
    """Make books, by name; int64 is text in JSON."""
    return {
        book_name(n): {
            "title": f"Book {n}",
            "rating": n,
            "pages": "100",
            "inPrint": True,
            "tags": ["old"],
            "author": {"givenName": "Eva", "familyName": f"Writer {n}"},
            "labels": {"shelf": "a"},
            "createTime": "2026-01-01T00:00:00Z",
            "updateTime": "2026-01-01T00:00:00Z",
        }
        for n in range(1, count + 1)
    }


def _error(status: int, message: str, details: Sequence[Json] = (), **headers: str) -> Refusal:
    # code is the HTTP status, status the name of the canonical code: [193].
    body: dict[str, Json] = {"code": status, "message": message, "status": _STATUSES[status]}
    return Refusal(Reply(status, {"error": {**body, "details": list(details)} if details else body}, headers))


def _info(reason: str, **metadata: str) -> dict[str, Json]:
    return {
        "@type": "type.googleapis.com/google.rpc.ErrorInfo",
        "reason": reason,
        "domain": DOMAIN,
        "metadata": metadata,
    }


def _bad(field: str, message: str) -> Refusal:
    violation = {"field": field, "description": message}
    detail = {"@type": "type.googleapis.com/google.rpc.BadRequest", "fieldViolations": [violation]}
    return _error(400, message, [detail])


class Fake(FakeVendor):
    """A library."""

    def __init__(
        self,
        records: Records | None = None,
        *,
        no_mask: Literal["replace", "populated"] = "replace",
        quota: Rate = None,
        **common: Unpack[Common],
    ) -> None:
        """Serve books.

        `no_mask` is what an update without a mask does: replace all [tickets], or change what the body has [134].
        """
        super().__init__(some(5) if records is None else records, **common)
        self._no_mask = no_mask
        self._quota = FixedWindow(*quota) if quota else None

    def routes(self) -> list[Route]:
        return [
            ("GET", "/v1/publishers/{publisher}/books:batchGet", self._many),
            ("GET", "/v1/publishers/{publisher}/books/{book}", self._one),
            ("PATCH", "/v1/publishers/{publisher}/books/{book}", self._update),
        ]

    def no_route(self, call: Call, allowed: Sequence[str]) -> Reply:
        return Reply(
            404, "<html><title>Error 404 (Not Found)!!1</title></html>", content_type="text/html"
        )  # unverified

    async def gate(self, call: Call) -> None:
        if call.headers.get("Authorization") != f"Bearer {TOKEN}":
            # WWW-Authenticate and the reason are unverified.
            info = _info("ACCESS_TOKEN_TYPE_UNSUPPORTED")
            raise _error(401, "Request had invalid authentication credentials.", [info])
        if self._quota and not self._quota.take(self.now()):
            # 429 RESOURCE_EXHAUSTED: google.rpc.Code; no Retry-After is promised (unverified).
            info = _info("RATE_LIMIT_EXCEEDED", quota_limit="WritesPerMinutePerUser")
            raise _error(429, "Quota exceeded for quota metric 'Requests'.", [info])
        if call.args and call.args["publisher"] not in ("acme", "-"):
            # Before looking whether it exists: [193].
            raise _error(403, "The caller does not have permission")

    def _render(self, name: str, book: dict[str, Json]) -> dict[str, Json]:
        # What is empty is left out, as proto3 JSON does (protobuf.dev/programming-guides/json).
        shown = {field: value for field, value in book.items() if value not in _EMPTY and value not in ([], {})}
        return {"name": name, **shown, "etag": _etag(book)}

    def _name(self, call: Call) -> str:
        name = f"publishers/{call.args['publisher']}/books/{call.args['book']}"
        if name not in self.records:
            raise _error(404, f"Book '{name}' not found")  # [134]
        return name

    async def _one(self, call: Call) -> Reply:
        name = self._name(call)
        return Reply(200, self._render(name, self.shown(name) or {}))

    async def _many(self, call: Call) -> Reply:
        names = call.query.getall("names", [])
        if not 1 <= len(names) <= 100:
            raise _bad("names", "names must be 1 to 100")  # how many is each service's matter: [231]
        missing = next((name for name in names if name not in self.records), None)
        if missing:
            raise _error(404, f"Book '{missing}' not found")  # all or nothing: [231]
        return Reply(200, {"books": [self._render(name, self.shown(name) or {}) for name in names]})

    async def _update(self, call: Call) -> Reply:
        name = self._name(call)
        sent = self._body(call)
        before = self.records[name]
        if sent.get("name", name) != name:
            raise _bad("name", "The name does not match the URL")
        if sent.get("etag") not in (None, "", _etag(before)):
            raise _error(409, "The etag does not match the current one")  # ABORTED: [134], [154]
        body = {field: value for field, value in sent.items() if field in _FIELDS}
        after = self._masked(before, body, self._mask(call, body))
        after["updateTime"] = stamp(self.now(), "milliseconds")
        self.write(call, name, after)
        return Reply(200, self._render(name, after))  # the whole resource: [134]

    def _body(self, call: Call) -> dict[str, Json]:
        try:
            sent = call.json() if call.body else {}
        except ValueError:
            raise _error(400, "Invalid JSON payload received. Unexpected token.") from None
        if not isinstance(sent, dict):
            raise _error(400, "Invalid JSON payload received.")
        for field, value in sent.items():
            if field not in (*_FIELDS, *_OUTPUT_ONLY, "name", "etag"):
                raise _bad("", f'Invalid JSON payload received. Unknown name "{field}": Cannot find field.')  # [seen]
            if field in _FIELDS:
                _check(field, value)
        # int64 may be sent as a number, and is text in every answer: protobuf.dev/programming-guides/json.
        texts = {
            field: str(value) for field, value in sent.items() if _FIELDS.get(field) == "int64" and value is not None
        }
        return {**sent, **texts}

    def _mask(self, call: Call, body: dict[str, Json]) -> list[str]:
        text = call.query.get("updateMask") or call.query.get("update_mask") or ""
        if not text and self._no_mask == "populated":
            # All fields that have a value: [134].
            return [field for field, value in body.items() if value not in _EMPTY and value not in ([], {})]
        if text in ("", "*"):
            return list(_FIELDS)  # "*" is full replacement: [134]
        return [self._known(part.strip()) for part in text.split(",") if part.strip()]

    def _known(self, path: str) -> str:
        # Field masks in JSON are in camelCase; snake_case is taken too (unverified).
        camel = re.sub(r"_([a-z])", lambda match: match[1].upper(), path)
        field, _, inner = camel.partition(".")
        good = field in _OUTPUT_ONLY or (field in _FIELDS and (not inner or field in ("labels", "author")))
        if not good or (field == "author" and inner and inner not in _AUTHOR):
            raise _bad("update_mask", f"Invalid field mask path: {path}")  # a path that cannot exist: [161]
        return f"{field}.{path.partition('.')[2]}" if field == "labels" and inner else camel

    def _masked(self, before: dict[str, Json], body: dict[str, Json], mask: Sequence[str]) -> dict[str, Json]:
        """Set what the mask names: cleared where the body lacks it, ignored where it is output only [161]."""
        after = copy.deepcopy(before)
        for path in mask:
            field, _, inner = path.partition(".")
            if field in _OUTPUT_ONLY:
                continue
            if not inner:
                after[field] = copy.deepcopy(body.get(field))
            else:
                value = (body.get(field) or {}).get(inner)
                after[field] = {**(after.get(field) or {}), inner: value}
                if value is None:
                    del after[field][inner]
        return after


def _etag(book: dict[str, Json]) -> str:
    return hashlib.sha256(json.dumps(book, sort_keys=True).encode()).hexdigest()[:12]


def _check(field: str, value: Json) -> None:
    """Refuse a value of another type; the words are those of Google's JSON parser [seen]."""
    kind = _FIELDS[field]
    good = (
        value is None
        or {
            "string": isinstance(value, str),
            "int32": isinstance(value, int) and not isinstance(value, bool),
            "int64": not isinstance(value, bool) and bool(re.fullmatch(r"-?\d+", str(value))),
            "bool": isinstance(value, bool),
            "strings": isinstance(value, list) and all(isinstance(each, str) for each in value),
            "author": isinstance(value, dict) and set(value) <= set(_AUTHOR),
            "map": isinstance(value, dict) and all(isinstance(each, str) for each in value.values()),
        }[kind]
    )
    if not good:
        raise _bad(field, f"Invalid value at '{field}' (TYPE_{kind.upper()}), {json.dumps(value)}")
