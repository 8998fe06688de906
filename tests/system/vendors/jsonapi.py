"""A generic JSON:API 1.1 server: articles, with an author and tags.

Source: [spec] json-api/json-api _format/1.1/index.md (jsonapi.org/format/1.1): content negotiation, fetching, updating
resources, errors. What the specification leaves open is a parameter. Bearer tokens, limits, pages and filter[id] are no
part of it: they are customs (unverified as such).
"""

import copy
import re
from collections.abc import Sequence
from typing import Literal, Unpack

from tests.system.vendors.base import (
    Call,
    Common,
    FakeVendor,
    Json,
    Rate,
    Records,
    Refusal,
    Reply,
    RollingWindow,
    Route,
    stamp,
    whole,
)

TOKEN = "madeUpJsonApiToken"
MEDIA = "application/vnd.api+json"
TYPE = "articles"
_ATTRIBUTES: dict[str, type] = {"title": str, "body": str, "price": int, "options": dict, "updated-at": str}
_READ_ONLY = ("updated-at",)
_PEOPLE = ("1", "2")
_TAGS = ("red", "green", "blue")


def some(count: int) -> dict[str, dict[str, Json]]:
    """Make articles 1 to count."""
    return {
        str(n): {
            "attributes": {"title": f"Article {n}", "body": None, "price": n, "options": {"a": 1}},
            "author": "1",
            "tags": ["red"],
        }
        for n in range(1, count + 1)
    }


def _error(
    status: int, title: str, source: dict[str, str] | None = None, headers: dict[str, str] | None = None
) -> Refusal:
    # An array of error objects; the status is text: [spec] on errors.
    error: dict[str, Json] = {"status": str(status), "title": title}
    return Refusal(Reply(status, {"errors": [{**error, "source": source} if source else error]}, headers or {}, MEDIA))


def _at(status: int, title: str, *place: str) -> Refusal:
    return _error(status, title, {"pointer": "/" + "/".join(("data", *place))})


class Fake(FakeVendor):
    """A server that keeps to the letter."""

    def __init__(
        self,
        records: Records | None = None,
        *,
        reply: Literal["document", "no_content", "meta"] = "document",
        unknown: Literal["refuse", "drop"] = "refuse",
        replace_tags: bool = True,
        page_size: int = 20,
        rate: Rate = None,
        **common: Unpack[Common],
    ) -> None:
        """Serve articles.

        `reply` is what an update is answered with; only with a document the server sets updated-at, as the
        specification wants. `unknown` attributes are refused, or dropped with a good answer. Without `replace_tags`
        a to-many relationship may not be replaced.
        """
        super().__init__(some(5) if records is None else records, **common)
        self._reply, self._unknown, self._replace_tags = reply, unknown, replace_tags
        self._page_size = page_size
        self._rate = RollingWindow(*rate) if rate else None

    def routes(self) -> list[Route]:
        return [
            ("GET", f"/{TYPE}", self._list),
            ("GET", f"/{TYPE}/{{id}}", self._one),
            ("PATCH", f"/{TYPE}/{{id}}", self._update),
        ]

    def no_route(self, call: Call, allowed: Sequence[str]) -> Reply:
        return _error(405 if allowed else 404, "Not allowed" if allowed else "Not found").reply

    async def gate(self, call: Call) -> None:
        if call.headers.get("Authorization") != f"Bearer {TOKEN}":
            raise _error(401, "Not authenticated", headers={"WWW-Authenticate": "Bearer"})
        self._negotiated(call)
        if self._rate and not self._rate.take(self.now()):
            wait = str(max(1, whole(self._rate.resets_in(self.now()))))
            raise _error(429, "Too many requests", headers={"Retry-After": wait})

    def _negotiated(self, call: Call) -> None:
        # 415 for the media type with a parameter other than ext and profile, or for an ext that is not known; 406 where
        # each instance in Accept is so modified: [spec] on content negotiation.
        sent = call.headers.get("Content-Type", "")
        if call.method == "PATCH" and (call.content_type != MEDIA or _spoiled(sent)):
            raise _error(415, "Unsupported media type")
        accepted = [part.strip() for part in call.headers.get("Accept", "").split(",")]
        ours = [part for part in accepted if part.partition(";")[0].strip() == MEDIA]
        if ours and all(_spoiled(part) for part in ours):
            raise _error(406, "Not acceptable")

    def decorate(self, call: Call, reply: Reply) -> None:
        reply.headers["Vary"] = "Accept"
        if self._rate and reply.status != 401:
            now = self.now()
            # The structured fields of the IETF draft httpapi-ratelimit-headers: a custom, not [spec].
            reply.headers["RateLimit-Policy"] = f'"default";q={self._rate.limit};w={whole(self._rate.span)}'
            left, reset = self._rate.remaining(now), whole(self._rate.resets_in(now))
            reply.headers["RateLimit"] = f'"default";r={left};t={reset}'

    def _queried(self, call: Call) -> None:
        # `include` is not supported, so 400; so is an unknown parameter of only small letters: [spec].
        for name in call.query:
            family = name.partition("[")[0]
            known = ("filter", "page", "fields") if call.method == "GET" else ("fields",)
            if family not in known and re.fullmatch(r"[a-z]+", family):
                raise _error(400, f"The parameter {name} is not supported", {"parameter": name})

    def _render(self, key: str, record: dict[str, Json], fields: str | None) -> dict[str, Json]:
        relationships = {
            "author": {"data": {"type": "people", "id": record["author"]} if record["author"] else None},
            "tags": {"data": [{"type": "tags", "id": tag} for tag in record["tags"]]},
        }
        attributes = dict(record["attributes"])
        if fields is not None:  # only what was asked for: [spec] on sparse fieldsets
            wanted = fields.split(",")
            attributes = {name: value for name, value in attributes.items() if name in wanted}
            relationships = {name: value for name, value in relationships.items() if name in wanted}
        resource: dict[str, Json] = {"type": TYPE, "id": key, "attributes": attributes, "relationships": relationships}
        return {**resource, "links": {"self": f"{self.url}/{TYPE}/{key}"}}

    def _told(self, body: Json) -> Reply:
        return Reply(200, {"jsonapi": {"version": "1.1"}, **body}, content_type=MEDIA)

    def _key(self, call: Call) -> str:
        if call.args["id"] not in self.records:
            raise _error(404, "Not found")
        return call.args["id"]

    async def _one(self, call: Call) -> Reply:
        self._queried(call)
        key = self._key(call)
        return self._told({"data": self._render(key, self.shown(key) or {}, call.query.get(f"fields[{TYPE}]"))})

    async def _list(self, call: Call) -> Reply:
        self._queried(call)
        keys = list(self.records)
        if "filter[id]" in call.query:
            wanted = call.query["filter[id]"].split(",")
            keys = [key for key in keys if key in wanted]
        size = min(int(call.query.get("page[size]", self._page_size)), self._page_size)
        number = int(call.query.get("page[number]", "1"))
        page = keys[(number - 1) * size : number * size]
        fields = call.query.get(f"fields[{TYPE}]")
        data = [self._render(key, shown, fields) for key in page if (shown := self.shown(key)) is not None]
        others = "".join(f"&{name}={value}" for name, value in call.query.items() if name != "page[number]")
        following = f"{self.url}/{TYPE}?page[number]={number + 1}{others}" if len(keys) > number * size else None
        return self._told({"data": data, "links": {"next": following}, "meta": {"total": len(keys)}})

    async def _update(self, call: Call) -> Reply:
        self._queried(call)
        key = self._key(call)
        data = self._resource(call, key)
        after = copy.deepcopy(self.records[key])
        # What is missing keeps its value: [spec] on updating attributes. A value that is an object is replaced whole.
        after["attributes"].update(self._attributes(data.get("attributes", {})))
        self._related(after, data.get("relationships", {}))
        if self._reply == "document":
            after["attributes"]["updated-at"] = stamp(self.now(), "milliseconds")
        self.write(call, key, after)
        if self._reply == "no_content":
            return Reply(204)
        if self._reply == "meta":
            return self._told({"meta": {"changed": True}})  # 200 without data is allowed: [spec]
        return self._told({"data": self._render(key, after, call.query.get(f"fields[{TYPE}]"))})

    def _resource(self, call: Call, key: str) -> dict[str, Json]:
        try:
            body = call.json()
        except ValueError:
            raise _error(400, "The body is no JSON", {"pointer": ""}) from None
        data = body.get("data") if isinstance(body, dict) else None
        if not isinstance(data, dict):
            raise _error(400, "There is no resource object", {"pointer": "/data"})
        for member in ("type", "id"):
            if not isinstance(data.get(member), str):
                raise _at(400, f"{member} must be there, as text", member)
        # 409 where type and id do not match the endpoint: [spec], updating, 409.
        if (data["type"], data["id"]) != (TYPE, key):
            raise _at(409, "type and id do not match the endpoint", "type" if data["type"] != TYPE else "id")
        return data

    def _attributes(self, sent: Json) -> dict[str, Json]:
        if not isinstance(sent, dict):
            raise _at(400, "attributes must be an object", "attributes")
        good = {}
        for name, value in sent.items():
            if name in _READ_ONLY:
                raise _at(403, f"{name} cannot be changed", "attributes", name)  # 403 is allowed: [spec]
            if name not in _ATTRIBUTES:
                if self._unknown == "refuse":
                    raise _at(422, f"{name} is not known", "attributes", name)
                continue
            wrong = value is not None and (not isinstance(value, _ATTRIBUTES[name]) or isinstance(value, bool))
            if wrong or (name == "title" and not value):
                raise _at(422, f"{name} is invalid", "attributes", name)
            good[name] = value
        return good

    def _related(self, after: dict[str, Json], sent: Json) -> None:
        if not isinstance(sent, dict):
            raise _at(400, "relationships must be an object", "relationships")
        for name, relationship in sent.items():
            if name not in ("author", "tags"):
                raise _at(422, f"{name} is not known", "relationships", name)
            if not isinstance(relationship, dict) or "data" not in relationship:
                # A relationship object needs data: [spec] on updating relationships.
                raise _at(400, "a relationship needs data", "relationships", name)
            data = relationship["data"]
            after[name] = self._author(data) if name == "author" else self._tagged(data)

    def _author(self, data: Json) -> str | None:
        if data is None:
            return None
        return _linked(data, "people", _PEOPLE, "author")

    def _tagged(self, data: Json) -> list[str]:
        if not self._replace_tags:
            raise _at(403, "tags cannot be replaced", "relationships", "tags")  # must be 403: [spec]
        if not isinstance(data, list):
            raise _at(400, "tags is a to-many relationship", "relationships", "tags")
        return [_linked(each, "tags", _TAGS, "tags") for each in data]


def _linked(data: Json, kind: str, known: Sequence[str], name: str) -> str:
    if not isinstance(data, dict) or data.get("type") != kind:
        raise _at(409, f"{name} must be of type {kind}", "relationships", name)
    if data.get("id") not in known:
        # 404 for a related resource that does not exist: [spec], updating, 404.
        raise _at(404, f"there is no such {kind}", "relationships", name)
    return str(data["id"])


def _spoiled(media: str) -> bool:
    """Tell whether an instance of the media type has a parameter that is not allowed, or an unknown extension."""
    names = [part.partition("=")[0].strip() for part in media.split(";")[1:]]
    return any(name not in ("profile", "q") for name in names)
