"""The API itself, without a socket: a request and the time go in, an answer comes out and the ledger knows."""

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from email.utils import formatdate
from functools import partial
from random import Random
from typing import Final
from urllib.parse import unquote

from jobs.apis.schema import ResourceType
from worker.sandbox.documents import Renderer
from worker.sandbox.faults import Fault, Luck
from worker.sandbox.jsonapi import JSON, Problem, Refusal, Reply, json_reply, record_not_found
from worker.sandbox.landing import Landings, Pending, tidied
from worker.sandbox.ledger import Entry, Ledger, digest
from worker.sandbox.limits import Counter, Limiter, throttled
from worker.sandbox.oddities import Oddities, odd_reply
from worker.sandbox.query import Query, next_page, parse_query
from worker.sandbox.resources import Resource, Store, timestamp
from worker.sandbox.schema import SCHEMA, is_cacheable
from worker.sandbox.settings import SandboxSettings
from worker.sandbox.tokens import INVALID_TOKEN, TokenIssuer
from worker.sandbox.updates import clash, is_locked, updated
from worker.sandbox.validation import Update, addressed, check_media_types, parse_body, validated

TOKEN_PATH: Final = "/oauth/token"  # noqa: S105  # a path, not a token


@dataclass(frozen=True, slots=True)
class Call:
    """A request that has been read.

    Attributes:
        target: the raw request target, query included.
        headers: case-insensitive.
        now: loop time in seconds when it had been read.
    """

    method: str
    target: str
    headers: Mapping[str, str]
    body: bytes
    now: float


@dataclass(frozen=True, slots=True)
class Answer:
    """What is to be sent: a reply, unless the fault keeps it.

    Attributes:
        changed: the record as the request leaves it, None when nothing was applied.
        lands_at: loop time at which that takes effect.
        oddity: what is odd about the reply, by name.
    """

    reply: Reply
    fault: Fault | None = None
    changed: Resource | None = None
    lands_at: float = 0.0
    oddity: str = ""


@dataclass(frozen=True, slots=True)
class Target:
    """What a request is about: the parts of its target. `id` is empty for a collection."""

    path: str
    query: str
    type: str = ""
    id: str = ""


class Api:
    """Answers requests from the store, and keeps the ledger.

    Args:
        settings: how to behave.
        url: origin that links begin with.
        offset: seconds since 1970 minus loop time.
    """

    def __init__(self, settings: SandboxSettings, url: str, offset: float) -> None:
        self.settings = settings
        self.store = Store()
        self.ledger = Ledger()
        self.tokens = TokenIssuer(settings, offset)
        self.luck = Luck(settings.random_seed, settings.faults, settings.latency)
        self.landings = Landings(self.store, settings.strange, settings.random_seed)
        self._oddities = Oddities(settings.strange, settings.random_seed, offset)
        self._limiter = _limiter(settings)
        self._renderer = Renderer(url, settings.mode, self.store)
        self._trace_dice = Random(f"traces:{settings.random_seed}")
        self._offset = offset

    def answer(self, call: Call) -> tuple[Answer, Entry]:
        """Answer one request. The entry is in the ledger already."""
        self.landings.land(call.now)
        target = _target(call.target)
        trace_id = f"{self._trace_dice.getrandbits(128):032x}"
        answer = self._token(call) if target.path == TOKEN_PATH else self._resource(call, target, trace_id)
        stamps = {"X-Request-Id": trace_id, "Date": formatdate(call.now + self._offset, usegmt=True)}
        answer = replace(answer, reply=answer.reply.with_headers(stamps))
        entry = _entry(self.ledger.next_number, call, target, answer)
        self.ledger.append(entry)
        return answer, entry

    def _token(self, call: Call) -> Answer:
        if call.method != "POST":
            return Answer(_method_not_allowed(call.method).reply(""))
        if self._limiter and not self._limiter.token.admit(call.now, self._limiter.penalty):
            return Answer(throttled({}))
        return Answer(self.tokens.grant(call.headers.get("Content-Type", ""), call.body, call.now))

    def _resource(self, call: Call, target: Target, trace_id: str) -> Answer:
        """Check authorization and quota, draw a fault, and then do what was asked for."""
        limiter = self._limiter
        counter = limiter.counter(call.method, is_cacheable(target.type)) if limiter else None
        if not self.tokens.accepts(call.headers.get("Authorization", ""), call.now):
            return self._limited(Answer(self._token_refused(trace_id)), counter, call.now)
        if limiter and counter and not counter.admit(call.now, limiter.penalty):
            return Answer(self._throttled(self._rate_headers(counter, call.now)))
        if pause := self._oddities.pause(call.now):
            return self._limited(Answer(pause, oddity=f"{pause.status}-pause"), counter, call.now)
        fault = self.luck.fault(call.method)
        answer = Answer(Reply(0)) if fault and fault.before else self._carried_out(call, target, trace_id)
        if fault:
            answer = replace(answer, fault=fault, reply=self._spoiled(answer.reply, fault))
        return self._limited(answer, counter, call.now)

    def _token_refused(self, trace_id: str) -> Reply:
        if self.settings.strange.bearer_errors:
            return self._oddities.token_refused()
        return Refusal([INVALID_TOKEN]).reply(trace_id)

    def _throttled(self, headers: Mapping[str, str]) -> Reply:
        return self._oddities.limit_told() if self.settings.strange.limits_in_body else throttled(headers)

    def _spoiled(self, reply: Reply, fault: Fault) -> Reply:
        """Return the reply that a fault makes of the honest one; a reset has none."""
        if fault is Fault.LOST_AFTER:
            return reply
        return self.luck.error(fault.status) if fault.status else Reply(0)

    def _carried_out(self, call: Call, target: Target, trace_id: str) -> Answer:
        try:
            check_media_types(call.method, call.headers)
            kind = _known_type(target)
            if call.method == "PATCH" and target.id:
                return self._patch(call, target, kind)
            if call.method != "GET":
                raise _method_not_allowed(call.method)
            return Answer(json_reply(200, self._read(target, call.now)))
        except Refusal as refusal:
            return Answer(refusal.reply(trace_id))

    def _read(self, target: Target, now: float) -> JSON:
        query, strange = parse_query(target.query, target.type), self.settings.strange
        if target.id:
            return self._renderer.single(self.landings.shown(self._existing(target), now), target.type, query)
        if strange.page_cap:
            query = replace(query, size=min(query.size, strange.page_cap))
        found = self.store.of_type(target.type) if strange.ignores_filters else self._matching(target.type, query, now)
        following = f"{target.path}?{next_page(target.query, query)}"
        return self._renderer.page(found, target.type, query, following)

    def _matching(self, type_name: str, query: Query, now: float) -> list[Resource]:
        """Return the records that pass every filter, in the order of the store, as the index knows them."""
        wanted = [query.filters["id_in"].split(",")] if "id_in" in query.filters else []
        wanted += [[query.filters["id_eq"]]] if "id_eq" in query.filters else []
        if wanted:
            keys = [key for key in dict.fromkeys(wanted[0]) if all(key in others for others in wanted)]
            found = [record for key in keys if (record := self.store.get(type_name, key))]
        else:
            found = self.store.of_type(type_name)
        found = [self.landings.shown(record, now) for record in found if self.landings.is_listed(record, now)]
        for references in _references(query):
            found = [record for record in found if record.attributes.get("reference") in references]
        return found

    def _patch(self, call: Call, target: Target, kind: ResourceType) -> Answer:
        """Apply an update, or refuse it: abstract type, document, address, record, lock, values, uniqueness."""
        if kind.abstract_over and self.settings.abstract_transactions:
            raise self._abstract(target)
        query = parse_query(target.query, target.type)
        data = addressed(parse_body(call.body), target.type, target.id)
        resource = self._existing(target)
        if is_locked(resource):
            raise Refusal([Problem(423, "LOCKED", "Locked resource", f"The record {target.id} is locked.")])
        update = validated(data, kind, self.store)
        taken = clash(resource, update, self.store)
        if taken:
            raise Refusal([taken])
        return self._accepted(call.now, resource, update, partial(self._renderer.single, view=target.type, query=query))

    def _accepted(self, now: float, resource: Resource, update: Update, document: "Document") -> Answer:
        """Let a sound update take effect, and answer it, oddly perhaps."""
        oddity = self._oddities.oddity()
        update = tidied(update) if self.settings.strange.canonical else update
        lands_at = self.landings.moment(resource, now)
        stamp = timestamp(lands_at + self._offset)
        if oddity and not oddity.applies:
            preview = updated(resource, update, stamp, self.store)
            return Answer(odd_reply(oddity, document(preview), document(resource)), oddity=oddity)
        changed = self.landings.accept(Pending(lands_at, (resource.type, resource.id), update, stamp), now)
        honest = document(changed)
        reply = odd_reply(oddity, honest, document(resource)) if oddity else json_reply(200, honest)
        return Answer(reply, changed=changed, lands_at=lands_at, oddity=oddity or "")

    def _abstract(self, target: Target) -> Refusal:
        if self.settings.abstract_status == record_not_found(target.id).status:
            return Refusal([record_not_found(target.id)])
        return _method_not_allowed("PATCH")

    def _existing(self, target: Target) -> Resource:
        resource = self.store.get(target.type, target.id)
        if resource is None:
            raise Refusal([record_not_found(target.id)])
        return resource

    def _limited(self, answer: Answer, counter: Counter | None, now: float) -> Answer:
        return replace(answer, reply=answer.reply.with_headers(self._rate_headers(counter, now)))

    def _rate_headers(self, counter: Counter | None, now: float) -> dict[str, str]:
        return counter.headers(now) if counter and self.settings.headers else {}


Document = Callable[[Resource], dict[str, JSON]]
"""Shows a record."""


def _limiter(settings: SandboxSettings) -> Limiter | None:
    untold = settings.strange.untold_limit
    return Limiter(settings.limit, untold, penalty=settings.penalty) if settings.limit or untold else None


def _references(query: Query) -> Iterator[frozenset[str]]:
    """Yield the references that each filter lets pass; `_in` splits at every comma."""
    if "reference_eq" in query.filters:
        yield frozenset({query.filters["reference_eq"]})
    if "reference_in" in query.filters:
        yield frozenset(query.filters["reference_in"].split(","))


def _target(raw: str) -> Target:
    path, _, query = raw.partition("?")
    parts = path.split("/")
    if parts[:2] != ["", "api"] or not 3 <= len(parts) <= 4:  # /api/TYPE and /api/TYPE/ID
        return Target(path, query)
    type_name = unquote(parts[2])
    return Target(path, query, type_name, unquote(parts[3]) if parts[3:] else "")


def _known_type(target: Target) -> ResourceType:
    kind = SCHEMA.resource_type(target.type)
    if kind is None:
        detail = f"There is nothing at {target.path}."
        raise Refusal([Problem(404, "NOT_FOUND", "Not found", detail)])
    return kind


def _method_not_allowed(method: str) -> Refusal:
    return Refusal([Problem(405, "METHOD_NOT_ALLOWED", "Method not allowed", f"{method} is not allowed here.")])


def _entry(number: int, call: Call, target: Target, answer: Answer) -> Entry:
    return Entry(
        n=number,
        at=call.now,
        method=call.method,
        path=call.target,
        type=target.type,
        id=target.id,
        body_sha256=digest(call.body),
        body=_json_or_none(call.body) if target.path != TOKEN_PATH else None,
        applied=answer.changed is not None,
        status=answer.reply.status,
        fault=str(answer.fault or answer.oddity),
        lands_at=answer.lands_at,
    )


def _json_or_none(body: bytes) -> JSON:
    try:
        document: JSON = json.loads(body, parse_constant=str) if body else None
    except (ValueError, RecursionError):
        return None
    return document
