"""Kinto records: PATCH /v1/buckets/{bucket}/collections/{collection}/records/{id}.

Sources: Kinto/kinto at 8050e50 (July 2026): [patch] docs/api/1.x/_details-patch-object.rst, _status-patch-object.rst;
[times] timestamps.rst; [errors] errors.rst and kinto/core/errors.py; [backoff] backoff.rst; [filter] filtering.rst;
[code] kinto/core/resource/__init__.py and views/errors.py. "Unverified" marks general knowledge.
"""

import copy
import json
import re
from collections.abc import Sequence
from email.utils import formatdate
from typing import Unpack

from tests.system.vendors.base import (
    Call,
    Common,
    Every,
    FakeVendor,
    Json,
    PatchFailed,
    Rate,
    Records,
    Refusal,
    Reply,
    RollingWindow,
    Route,
    basic,
    json_patch,
    merge_patch,
)

USER, PASSWORD = "judge", "madeUpPassword"
AUTHORIZATION = basic(USER, PASSWORD)
ROOT = "/v1/buckets/shop/collections/things/records"
_PLAIN, _MERGE, _OPERATIONS = "application/json", "application/merge-patch+json", "application/json-patch+json"
_SCHEMA: dict[str, type | tuple[type, ...]] = {
    "title": str,
    "price": (int, float),
}  # of the collection; the rest is free


def some(count: int) -> dict[str, dict[str, Json]]:
    """Make records thing-1 to thing-count."""
    return {
        f"thing-{n}": {
            "id": f"thing-{n}",
            "last_modified": 1_760_000_000_000 + n,
            "title": f"Thing {n}",
            "price": n,
            "stock": {"here": n, "there": 0},
        }
        for n in range(1, count + 1)
    }


def _error(status: int, errno: int, error: str, message: str = "", details: Json = None) -> Refusal:
    body: dict[str, Json] = {"code": status, "errno": errno, "error": error}  # [errors]
    body |= {"message": message} if message else {}
    return Refusal(Reply(status, {**body, "details": details} if details else body))


def _invalid(description: str, name: str | None = "data", location: str = "body") -> Refusal:
    # errno 107 "Invalid parameters", the first problem in the message: [errors], [code].
    message = f"{name} in {location}: {description}" if name else f"{location}: {description}"
    details = [{"location": location, "name": name, "description": description}]
    return _error(400, 107, "Invalid parameters", message, details)


class Fake(FakeVendor):
    """One collection of one bucket."""

    def __init__(
        self,
        records: Records | None = None,
        *,
        backoff: int | None = None,
        overloaded_every: int = 0,
        retry_after: int = 30,
        rate: Rate = None,
        **common: Unpack[Common],
    ) -> None:
        """Serve records.

        `backoff` is sent with every good answer; every `overloaded_every`-th request is 503 with `retry_after`. Kinto
        has no limit of its own; `rate` stands for a proxy's, answered with errno 117 (unverified).
        """
        super().__init__(some(5) if records is None else records, **common)
        self._backoff, self._retry_after = backoff, retry_after
        self._overloaded = Every(overloaded_every)
        self._rate = RollingWindow(*rate) if rate else None

    def routes(self) -> list[Route]:
        root = "/v1/buckets/{bucket}/collections/{collection}/records"
        return [
            ("GET", root, self._list),
            ("GET", f"{root}/{{id}}", self._one),
            ("PATCH", f"{root}/{{id}}", self._patch),
            ("PUT", f"{root}/{{id}}", self._put),
        ]

    def no_route(self, call: Call, allowed: Sequence[str]) -> Reply:
        if allowed:
            return _error(405, 115, "Method Not Allowed", "Method not allowed on this endpoint.").reply
        if not call.path.startswith("/v1"):
            return _error(404, 116, "Not Found", "The requested API version is not available on this server.").reply
        return _error(404, 111, "Not Found", "The resource you are looking for could not be found.").reply

    async def gate(self, call: Call) -> None:
        if self._overloaded.due():
            text = "Service temporary unavailable due to overloading or maintenance, please retry later."
            raise _error(503, 201, "Service Unavailable", text)  # [code]
        if self._rate and not self._rate.take(self.now()):
            raise _error(429, 117, "Too Many Requests")
        if call.headers.get("Authorization") != AUTHORIZATION:
            # Missing or wrong: anonymous, so 401 with errno 104: [code].
            raise _error(401, 104, "Unauthorized", "Please authenticate yourself to use this endpoint.")
        if call.args and (call.args["bucket"], call.args["collection"]) != ("shop", "things"):
            raise _error(403, 121, "Forbidden", "This user cannot access this resource.")

    def decorate(self, call: Call, reply: Reply) -> None:
        if reply.status in (429, 503):
            reply.headers["Retry-After"] = str(self._retry_after)  # with errors from 500: [errors]
        if self._backoff is not None and reply.status < 400:
            reply.headers["Backoff"] = str(self._backoff)  # with good answers: [backoff]

    def _key(self, call: Call) -> str:
        key = call.args["id"]
        if not re.fullmatch(r"[a-zA-Z0-9][a-zA-Z0-9_-]*", key):
            raise _invalid("Invalid object id", None, "path")  # [code]
        if key not in self.records:
            raise _error(404, 110, "Not Found", details={"id": key, "resource_name": "record"})  # [code]
        return key

    def _conditions(self, call: Call, record: Json) -> None:
        # If-Match: "timestamp" or *, If-None-Match: *; else 412 with the record as it is: [times], [errors].
        wanted = call.headers.get("If-Match")
        if wanted and wanted != "*":
            if not re.fullmatch(r'"\d+"', wanted):
                raise _invalid("Invalid value for If-Match", "If-Match", "header")
            if int(wanted.strip('"')) != record["last_modified"]:
                raise self._modified(record)
        if call.headers.get("If-None-Match") == "*":
            raise self._modified(record)

    def _modified(self, record: Json) -> Refusal:
        text = "Resource was modified meanwhile"
        refusal = _error(412, 114, "Precondition Failed", text, {"existing": record})
        refusal.reply.headers.update(_times(record))
        return refusal

    async def _one(self, call: Call) -> Reply:
        record = self.shown(self._key(call)) or {}
        if call.headers.get("If-None-Match") == f'"{record["last_modified"]}"':
            return Reply(304, headers=_times(record))
        self._conditions(call, record)
        return Reply(200, _answer(record), _times(record))

    async def _list(self, call: Call) -> Reply:
        # in_id=a,b; _limit with Next-Page: [filter] and pagination.rst. Values are JSON, or text where they are none.
        records = [shown for key in self.records if (shown := self.shown(key))]
        for name, value in call.query.items():
            if name.startswith("in_"):
                wanted = [_guessed(part) for part in value.split(",")]
                records = [record for record in records if record.get(name[3:]) in wanted]
            elif not name.startswith("_"):
                records = [record for record in records if record.get(name) == _guessed(value)]
        records.sort(key=lambda record: record["last_modified"], reverse=True)
        start, limit = int(call.query.get("_token", 0)), int(call.query.get("_limit", len(records) or 1))
        headers = {"ETag": f'"{max((record["last_modified"] for record in records), default=0)}"'}
        headers["Total-Records"] = str(len(records))
        if start + limit < len(records):
            others = "&".join(f"{name}={value}" for name, value in call.query.items() if name != "_token")
            headers["Next-Page"] = f"{self.url}{call.path}?{others}&_token={start + limit}"
        return Reply(200, {"data": records[start : start + limit]}, headers)

    def _body(self, call: Call) -> Json:
        try:
            return call.json()
        except ValueError:
            raise _invalid("Invalid JSON: it cannot be read", None) from None  # words unverified

    async def _patch(self, call: Call) -> Reply:
        key = self._key(call)
        before = self.records[key]
        self._conditions(call, before)
        if call.content_type == _OPERATIONS:
            after = self._operated(before, self._body(call))
        elif call.content_type in (_PLAIN, _MERGE):
            sent = self._data(self._body(call))
            # Plain JSON merges on the first level and keeps null; merge-patch is RFC 7396: [patch].
            after = merge_patch(before, sent) if call.content_type == _MERGE else {**before, **sent}
        else:
            raise self._unsupported()
        return self._kept(call, key, after)

    def _unsupported(self) -> Refusal:
        return _error(415, 107, "Invalid parameters", "Content-Type header should be one of the known ones")

    def _operated(self, before: Json, operations: Json) -> Json:
        document = {"data": before, "permissions": {}}
        try:
            fixed = [_slashed(each) for each in operations] if isinstance(operations, list) else operations
            return json_patch(document, fixed)["data"]
        except (PatchFailed, AttributeError) as problem:
            raise _invalid(f"JSON Patch operation failed: {problem}", None) from None  # [code]

    def _data(self, body: Json) -> dict[str, Json]:
        if not isinstance(body, dict) or not body:
            raise _invalid("Provide at least one of data or permissions")  # [code]
        unknown = sorted(set(body) - {"data", "permissions"})
        if unknown:
            raise _invalid(f"Unrecognized keys in mapping: {unknown}", None)  # other keys are refused: schema.py
        data = body.get("data", {})
        if not isinstance(data, dict):
            raise _invalid(f"{data!r} is not a mapping type")
        return data

    async def _put(self, call: Call) -> Reply:
        key = self._key(call)
        self._conditions(call, self.records[key])
        if call.content_type != _PLAIN:
            raise self._unsupported()
        return self._kept(call, key, {"id": key, **self._data(self._body(call))})

    def _kept(self, call: Call, key: str, after: dict[str, Json]) -> Reply:
        before = self.records[key]
        if after.get("id", key) != key:
            raise _invalid("Object id does not match existing object", "id")  # [code]
        for name, kind in _SCHEMA.items():
            value = after.get(name)
            if name in after and (not isinstance(value, kind) or isinstance(value, bool)):
                # The schema of a collection: docs/api/1.x/collections.rst; the words are jsonschema's (unverified).
                raise _invalid(f"{value!r} is not of the right type", name)
        after = {**after, "id": key, "last_modified": before["last_modified"]}
        changed = [name for name in after if name not in before or after[name] != before[name]]
        if after != before:
            # A new time only where something changed, and never twice the same: [patch], [times].
            latest = max(record["last_modified"] for record in self.records.values())
            after["last_modified"] = max(latest + 1, int(self.now() * 1000))
            changed.append("last_modified")
        self.write(call, key, after)
        if call.headers.get("Response-Behavior", "full").lower() == "light":
            return Reply(
                200, _answer({name: after[name] for name in changed if name != "last_modified"}), _times(after)
            )
        return Reply(200, _answer(after), _times(after))


def _slashed(operation: dict[str, Json]) -> dict[str, Json]:
    """Allow paths without their first slash, as the first example of [patch] has it."""
    fixed = copy.deepcopy(operation)
    for name in ("path", "from"):
        if isinstance(fixed.get(name), str) and not fixed[name].startswith("/"):
            fixed[name] = "/" + fixed[name]
    return fixed


def _guessed(text: str) -> Json:
    try:
        return json.loads(text)
    except ValueError:
        return text


def _answer(record: Json) -> dict[str, Json]:
    return {"data": record, "permissions": {"write": [f"account:{USER}"]}}


def _times(record: Json) -> dict[str, str]:
    moment = record["last_modified"]
    return {"ETag": f'"{moment}"', "Last-Modified": formatdate(moment / 1000, usegmt=True)}
