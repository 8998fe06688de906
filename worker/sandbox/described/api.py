"""A described API, without a socket: it does what its description says that the real one does."""

import json
from collections.abc import Mapping
from copy import deepcopy
from dataclasses import dataclass, replace
from email.utils import formatdate
from math import ceil
from random import Random
from typing import Any

from jobs.apis.description.model import Description
from worker.sandbox.api import Answer, Call
from worker.sandbox.described import bodies, versions
from worker.sandbox.described.access import Access
from worker.sandbox.described.failures import Refusal, refused
from worker.sandbox.described.filling import Found, joined
from worker.sandbox.described.limits import Limits, Spending
from worker.sandbox.described.pointers import MISSING, drop, look, steps_of, steps_to, store
from worker.sandbox.described.records import Kind, Record, Records, as_text, key_of
from worker.sandbox.described.routes import Asked, Routes
from worker.sandbox.described.seeding import seed
from worker.sandbox.described.updates import Updated, masked, patched_record, updated
from worker.sandbox.faults import Luck
from worker.sandbox.jsonapi import JSON, Reply, json_reply
from worker.sandbox.ledger import Entry, Ledger, digest
from worker.sandbox.limits import Limiter
from worker.sandbox.settings import SandboxSettings


@dataclass(frozen=True, slots=True)
class _First:
    """The first update with an idempotency key, and what it was answered."""

    method: str
    target: str
    body: bytes
    reply: Reply


class DescribedApi:
    """Answers requests from its records, and keeps the ledger.

    Args:
        api: that is played.
        settings: how to behave; `limit` replaces the limits that the description declares.
        values: of variables, by name.
        origin: of the sandbox.
        offset: seconds since 1970 minus loop time.
        share: what part of the declared limits is enforced, None for nothing.

    Raises:
        SeedError: the seed cannot be used.
    """

    def __init__(
        self,
        api: Description,
        settings: SandboxSettings,
        values: Mapping[str, str],
        origin: str,
        offset: float,
        share: float | None = 1.0,
    ) -> None:
        self.api = api
        self.records = Records(api)
        self.ledger = Ledger()
        self.access = Access(api.auth, settings, values, origin, offset)
        self.luck = Luck(settings.random_seed, settings.faults, settings.latency)
        self._values = values
        self._offset = offset
        self._routes = Routes(self.records, api, values)
        declared = api if settings.limit is None else api.model_copy(update={"limits": (), "resources": {}})
        self._limits = Limits(declared, share, offset)
        self._limiter = Limiter(settings.limit) if settings.limit else None
        self._first: dict[str, _First] = {}
        self._traces = Random(f"traces:{settings.random_seed}")
        epoch = 0.0 if settings.epoch is None else settings.epoch
        seed(self.records, settings.seed, values, epoch)

    def answer(self, call: Call) -> tuple[Answer, Entry]:
        """Answer one request. The entry is in the ledger already."""
        trace = f"{self._traces.getrandbits(64):016x}"
        path = call.target.partition("?")[0]
        if self.access.token_path and path == self.access.token_path and call.method == "POST":
            asked, answer, body = Asked(), Answer(self.access.grant(call.headers, call.body, call.now)), None
            is_applied = False
        else:
            asked = self._routes.asked(call.method, call.target, call.headers, call.body)
            answer, is_applied = self._asked(call, asked, trace)
            body = _shown(call, asked)
        stamps = {"X-Request-Id": trace, "Date": formatdate(call.now + self._offset, usegmt=True)}
        answer = replace(answer, reply=answer.reply.with_headers(stamps))
        entry = Entry(
            n=self.ledger.next_number,
            at=call.now,
            method=call.method,
            path=call.target,
            type=asked.kind.name if asked.kind else "",
            id=self._key(asked),
            body_sha256=digest(call.body),
            body=body,
            applied=is_applied,
            status=answer.reply.status,
            fault=str(answer.fault or ""),
            lands_at=call.now if is_applied else 0.0,
        )
        self.ledger.append(entry)
        return answer, entry

    def documents(self, type_name: str | None) -> list[JSON]:
        """Return the records of a type, or of all, as `/_sandbox/resources` shows them."""
        kinds = [kind for name, kind in self.records.kinds.items() if type_name in {None, name}]
        own = {kind.address: kind for kind in reversed(kinds)}
        return [record.shown(kind) for kind in own.values() for record in self.records.of(kind)]

    # ---- in the order in which servers look

    def _asked(self, call: Call, asked: Asked, trace: str) -> tuple[Answer, bool]:
        """Check authorisation and quota, draw a fault, and do what was asked for. Tell whether a record was written."""
        kind = asked.kind
        resource = kind.resource if kind else None
        if not self.access.accepts(call.headers, call.now):
            refusal = Refusal("token_expired", "The credential is missing, wrong or over.")
            return Answer(refused(refusal, self.api, resource, trace)), False
        spending = self._spending(asked)
        if wait := self._wait(call, spending):
            headers = {"Retry-After": str(ceil(wait)), **self._rate_headers(call, spending)}
            refusal = Refusal("slow_down", "Too many requests.", headers=headers)
            return Answer(refused(refusal, self.api, resource, trace)), False
        fault = self.luck.fault("GET" if asked.reads else call.method)
        reply, is_applied = Reply(0), False
        if not (fault and fault.before):
            try:
                reply, is_applied = self._carried_out(call, asked)
            except Refusal as refusal:
                reply = refused(refusal, self.api, resource, trace)
        if fault and fault.status:
            reply = self.luck.error(fault.status)
        elif fault and fault.resets:
            reply = Reply(0)
        return Answer(reply.with_headers(self._rate_headers(call, spending)), fault), is_applied

    def _carried_out(self, call: Call, asked: Asked) -> tuple[Reply, bool]:
        if asked.refusal:
            raise asked.refusal
        kind = asked.kind
        if kind is None:
            raise Refusal("no_such_path", "There is nothing at this address.")
        if asked.does == "update":
            return self._once(call, asked, kind)
        if asked.does == "read":
            record = self._existing(kind, asked.found)
            shown = self._shown(record, kind, asked.found.get("fields"))
            return _reply(shown, kind).with_headers(versions.headers(record, kind)), False
        return _reply(self._page(kind, asked), kind), False

    def _page(self, kind: Kind, asked: Asked) -> Any:
        """Return the document with the records that were asked for; those that are missing are left out."""
        found, resource = asked.found, kind.resource
        records = self.records.within(kind, found)
        fields = None
        if asked.does == "find" and resource.find:
            by = found.get("by", resource.find.by)[0]
            if by not in resource.find.by:
                raise Refusal("bad_request", f"Nobody can look for {by}.")
            place = kind.fields.shown_at(steps_of(by))
            records = [each for each in records if as_text(_or_none(look(each.document, place))) == found["value"][0]]
            at = resource.find.records
        else:
            by_key = {key_of(each, kind): each for each in records}
            ids = dict.fromkeys(found.get("ids", ()))
            if resource.read_many and len(ids) > resource.read_many.max_ids:
                raise Refusal("bad_request", f"At most {resource.read_many.max_ids} records at once.")
            records = [by_key[each] for each in ids if each in by_key]
            fields = found.get("fields")
            at = resource.read_many.records if resource.read_many else ""
        place = steps_to(resource.record)
        listed = [look(self._shown(each, kind, fields), place) for each in records]
        if not at:
            return listed
        document: dict[str, Any] = {}
        store(document, steps_to(at), listed)
        return document

    def _once(self, call: Call, asked: Asked, kind: Kind) -> tuple[Reply, bool]:
        """Carry an update out, unless one with its idempotency key was: then that reply is given again."""
        name = self.api.idempotency_key
        key = call.headers.get(name, "") if name else ""
        first = self._first.get(key) if key else None
        if first is not None:
            if (first.method, first.target, first.body) != (call.method, call.target, call.body):
                raise Refusal("bad_request", f"{name} was used for another request.")
            return first.reply.with_headers({"Idempotent-Replayed": "true"}), False
        reply = self._update(call, asked, kind)
        if key:
            self._first[key] = _First(call.method, call.target, call.body, reply)
        return reply, True

    def _update(self, call: Call, asked: Asked, kind: Kind) -> Reply:
        update = kind.resource.update
        document = bodies.parsed(call.body, update)
        if update.format == "json_patch":
            record = self._existing(kind, asked.found)
            versions.check(record, kind, call.headers, asked.query, {})
            return self._written(record, kind, patched_record(record.document, document, kind.fields), call.now)
        body = bodies.taken_apart(document, kind.fields)
        found = joined((asked.found, {name: each for name, each in body.found.items() if name != bodies.ID}))
        if found is None:
            raise Refusal("bad_request", "The address and the body are about different records.")
        record = self._existing(kind, found)
        if body.found.get(bodies.ID, [key_of(record, kind)]) != [key_of(record, kind)]:
            raise Refusal("bad_request", "The id in the body is that of another record.", status=409)
        versions.check(record, kind, call.headers, asked.query, body.conditions)
        sent = body.sent
        if update.mask:
            sent = masked(sent, asked.query[update.mask].split(","))
        return self._written(record, kind, updated(record.document, sent, kind.fields, kind.key), call.now)

    def _written(self, record: Record, kind: Kind, changed: Updated, now: float) -> Reply:
        """Let an update take effect, and show the record as the reply to it does."""
        record.document = changed.document
        record.version += 1
        record.hidden |= changed.hidden
        for name in changed.fired:
            record.fired[name] = record.fired.get(name, 0) + 1
        versions.stamp(record, kind, self.records, now + self._offset)
        shown = self._shown(record, kind, None)
        echo = kind.resource.update.echo
        if echo is not None and echo != kind.resource.record:
            inner = look(shown, steps_to(kind.resource.record))
            shown = inner
            if echo:
                shown = {}
                store(shown, steps_to(echo), inner)
        return _reply(shown, kind).with_headers(versions.headers(record, kind))

    # ---- parts

    def _existing(self, kind: Kind, found: Found) -> Record:
        record = self.records.at(kind, found)
        if record is None:
            raise Refusal("not_found", "There is no such record.")
        return record

    def _shown(self, record: Record, kind: Kind, names: list[str] | None) -> dict[str, Any]:
        """Return a record as a read shows it: only the fields asked for, if any are; nothing empty, if it is so."""
        document, place = deepcopy(record.document), kind.fields.values
        for name, value in list(look(document, place).items()):
            where = (*place, name)
            asked_for = names is None or name in names or where == kind.key[: len(where)]
            is_left_out = kind.resource.omits_empty and where != kind.key and _is_empty(value)
            if not asked_for or is_left_out:
                drop(document, where)
        return document

    def _key(self, asked: Asked) -> str:
        """Return the key of the record that a request is about, as the ledger shows it."""
        if asked.kind is None:
            return ""
        record = self.records.at(asked.kind, asked.found)
        return key_of(record, asked.kind) if record else ""

    def _spending(self, asked: Asked) -> Spending:
        values = {**self._values, **{name: each[0] for name, each in asked.found.items() if each}}
        kind = asked.kind
        key = " ".join(values.get(name, "") for name in kind.variables) if kind and asked.does != "read_many" else ""
        return Spending(kind.name if kind else "", asked.reads, key, values)

    def _wait(self, call: Call, spending: Spending) -> float:
        """Count a request. Return the seconds to wait if it is too much, else 0."""
        if self._limiter:
            return 0.0 if self._limiter.counter(_class(spending), cacheable=False).admit(call.now) else 1.0
        return self._limits.admit(spending, call.now)

    def _rate_headers(self, call: Call, spending: Spending) -> dict[str, str]:
        if self._limiter:
            return self._limiter.counter(_class(spending), cacheable=False).headers(call.now)
        return self._limits.headers(spending, call.now)


def _class(spending: Spending) -> str:
    return "GET" if spending.reads else "PATCH"


def _reply(document: Any, kind: Kind) -> Reply:
    is_json_api = kind.resource.update.format == "json_api"
    return json_reply(200, document, "application/vnd.api+json" if is_json_api else "application/json")


def _or_none(value: Any) -> Any:
    return None if value is MISSING else value


def _is_empty(value: Any) -> bool:
    return not value  # false, 0, "", [], {} and null


def _shown(call: Call, asked: Asked) -> Any:
    """Return the body as the ledger shows it; None for one that cannot be read."""
    if not call.body or asked.kind is None:
        return None
    if asked.does != "update":
        return json.loads(call.body) if asked.refusal is None else None
    try:
        return bodies.parsed(call.body, asked.kind.resource.update)
    except Refusal:
        return None
