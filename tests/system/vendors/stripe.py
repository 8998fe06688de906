"""Stripe customers and payment intents: POST /v1/customers/{id}, /v1/payment_intents/{id}, form-encoded.

Sources, under docs.stripe.com: [idem] api/idempotent_requests; [limits] rate-limits; [meta] metadata and api/metadata;
[errors] api/errors and error-codes; [update] api/customers/update and api/payment_intents/update; and [probed]: replies
quoted in public repositories. "Unverified" marks general knowledge.
"""

import re
from collections.abc import Sequence
from functools import partial
from typing import Unpack
from urllib.parse import parse_qsl

from tests.system.vendors.base import (
    Call,
    Common,
    Every,
    FakeVendor,
    FixedWindow,
    Json,
    PerKey,
    Rate,
    Records,
    Refusal,
    Reply,
    RollingWindow,
    Route,
    basic,
)

KEY = "sk_test_madeUpKeyOfTheJudge"
VERSION = "2026-09-30.judge"

_ADDRESS = ("city", "country", "line1", "line2", "postal_code", "state")
# Which parameters there are, by [update]; kinds: text, mail, number, address.
_CUSTOMER = {"name": "text", "email": "mail", "phone": "text", "description": "text", "balance": "number"}
_CUSTOMER |= {"address": "address", "invoice_prefix": "text"}
_INTENT = {"description": "text", "receipt_email": "mail", "amount": "number", "statement_descriptor": "text"}
_INTENT |= {"currency": "text"}


def some(count: int) -> dict[str, dict[str, Json]]:
    """Make customers cus_1.. and payment intents pi_1..; the even intents have succeeded."""
    records: dict[str, dict[str, Json]] = {}
    for n in range(1, count + 1):
        plain = {"created": 1_767_225_600, "livemode": False, "description": None, "metadata": {"old": "kept"}}
        person = {"name": f"Name {n}", "email": f"c{n}@example.com", "phone": None, "balance": 0, "address": None}
        records[f"cus_{n}"] = {"id": f"cus_{n}", "object": "customer", **plain, **person, "invoice_prefix": f"ABC{n}"}
        money = {"amount": 1000 * n, "currency": "eur", "receipt_email": None, "statement_descriptor": None}
        state = {"status": "requires_payment_method" if n % 2 else "succeeded"}
        records[f"pi_{n}"] = {"id": f"pi_{n}", "object": "payment_intent", **plain, **money, **state}
    return records


def _error(status: int, message: str, kind: str = "invalid_request_error", **more: Json) -> Refusal:
    # type, code, param, message: [errors].
    return Refusal(Reply(status, {"error": {**more, "message": message, "type": kind}}))


def _wrong(param: str, message: str, code: str | None = None) -> Refusal:
    return _error(400, message, param=param, **({"code": code} if code else {}))


class Fake(FakeVendor):
    """The part of api.stripe.com that customers and payment intents need."""

    def __init__(
        self,
        records: Records | None = None,
        *,
        everything: Rate = (100, 1.0),
        endpoint: Rate = (25, 1.0),
        intent: Rate = (1000, 3600.0),
        keep_keys_s: float = 86_400.0,
        fail_every: int = 0,
        fail_applies: bool = True,
        lock_every: int = 0,
        **common: Unpack[Common],
    ) -> None:
        """Serve both.

        Every `fail_every`-th write ends with a 500, which is kept for its idempotency key; `fail_applies` tells whether
        the change was made. Every `lock_every`-th is 429 lock_timeout, nothing done and nothing kept.
        """
        super().__init__(some(5) if records is None else records, **common)
        self._all = RollingWindow(*everything) if everything else None
        self._endpoints = PerKey(partial(RollingWindow, *endpoint)) if endpoint else None
        self._intents = PerKey(partial(FixedWindow, *intent)) if intent else None
        self._keep_keys_s, self._fail_applies = keep_keys_s, fail_applies
        self._fails, self._locks = Every(fail_every), Every(lock_every)
        self._kept: dict[str, tuple[float, str, bytes, Reply]] = {}

    def routes(self) -> list[Route]:
        return [
            ("GET", "/v1/customers/{customer}", self._one),
            ("POST", "/v1/customers/{customer}", self._update),
            ("GET", "/v1/payment_intents/{intent}", self._one),
            ("POST", "/v1/payment_intents/{intent}", self._update),
        ]

    def no_route(self, call: Call, allowed: Sequence[str]) -> Reply:
        return _error(404, f"Unrecognized request URL ({call.method}: {call.path}).").reply  # unverified

    async def gate(self, call: Call) -> None:
        self._authenticate(call)
        now = self.now()
        # Each operation is an endpoint, whatever the id; the header tells which limit it was: [limits].
        if self._endpoints and not self._endpoints.of(f"{call.method} {call.route}").take(now):
            raise self._slow("endpoint-rate")
        if self._all and not self._all.take(now):
            raise self._slow("global-rate")

    def _authenticate(self, call: Call) -> None:
        # Bearer, or Basic with the key as user: docs.stripe.com/api/authentication. The texts are unverified.
        sent = call.headers.get("Authorization", "")
        if not sent:
            raise _error(401, "You did not provide an API key.")
        if sent not in (f"Bearer {KEY}", basic(KEY, "")):
            raise _error(401, "Invalid API Key provided: sk_test_****")

    def _slow(self, reason: str) -> Refusal:
        # No Retry-After is documented: [limits]. The code is [errors].
        refusal = _error(429, "Request rate limit exceeded.", code="rate_limit")
        refusal.reply.headers["Stripe-Rate-Limited-Reason"] = reason
        return refusal

    def decorate(self, call: Call, reply: Reply) -> None:
        reply.headers.setdefault("Request-Id", f"req_{call.number}")
        reply.headers["Stripe-Version"] = call.headers.get("Stripe-Version", VERSION)
        if call.headers.get("Idempotency-Key"):
            reply.headers["Idempotency-Key"] = call.headers["Idempotency-Key"]
        if reply.status == 401:
            reply.headers["WWW-Authenticate"] = 'Bearer realm="Stripe"'

    def _key(self, call: Call) -> str:
        [(variable, key)] = call.args.items()
        kind = "customer" if variable == "customer" else "payment_intent"
        if self.records.get(key, {}).get("object") != kind:
            param = "id" if variable == "customer" else "intent"
            raise _error(404, f"No such {kind}: '{key}'", code="resource_missing", param=param)
        return key

    async def _one(self, call: Call) -> Reply:
        return Reply(200, self.shown(self._key(call)))

    async def _update(self, call: Call) -> Reply:
        key = call.headers.get("Idempotency-Key")
        if key is None:
            return self._worked(call)
        if not 1 <= len(key) <= 255:
            raise _error(400, "Idempotency keys are up to 255 characters long.", "idempotency_error")  # [idem]
        return self._replayed(call, key) or self._worked(call, key)

    def _replayed(self, call: Call, key: str) -> Reply | None:
        at, path, body, reply = self._kept.get(key, (float("-inf"), "", b"", Reply(0)))
        if self.now() - at >= self._keep_keys_s:  # removed after 24 hours: [idem]
            return None
        if (path, body) != (call.path, call.body):
            # The same key with other parameters: an error: [idem]; type and status: [probed].
            text = "Keys for idempotent requests can only be used with the same parameters they were first used with."
            raise _error(400, text, "idempotency_error")
        headers = {"Idempotent-Replayed": "true", "Original-Request": reply.headers["Request-Id"]}  # [probed]
        return Reply(reply.status, reply.body, {**reply.headers, **headers})

    def _worked(self, call: Call, key: str | None = None) -> Reply:
        change = self._parsed(call)  # what fails here, or is limited, is not kept: [idem]
        reply = self._executed(call, change)
        if key is not None:
            reply.headers["Request-Id"] = f"req_{call.number}"
            self._kept[key] = (self.now(), call.path, call.body, reply)
        return reply

    def _executed(self, call: Call, change: dict[str, Json]) -> Reply:
        try:
            key = self._key(call)
        except Refusal as refusal:
            return refusal.reply  # kept as well: the endpoint had begun (unverified for a 404)
        after = _changed(self.records[key], change)
        failing = self._fails.due()
        if not failing or self._fail_applies:
            self.write(call, key, after)
        if failing:
            return _error(500, "An unknown error occurred.", "api_error").reply
        return Reply(200, after)

    def _parsed(self, call: Call) -> dict[str, Json]:
        intent = call.args.get("intent")
        if intent and self._intents and not self._intents.of(intent).take(self.now()):
            raise self._slow("resource-specific")  # 1,000 updates an hour of one intent: [limits]
        if self._locks.due():
            # Also 429, but about an object, and without the header: [limits].
            raise _error(429, "This object cannot be accessed right now.", code="lock_timeout")
        if call.body and call.content_type != "application/x-www-form-urlencoded":
            text = "Invalid request (check that your POST content type is application/x-www-form-urlencoded)."
            raise _error(400, text)  # unverified
        change = _nested(call.body.decode())
        self._checked(change, self.records.get(call.args.get("customer") or intent or "", {}))
        return change

    def _checked(self, change: dict[str, Json], record: dict[str, Json]) -> None:
        known = _CUSTOMER if record.get("object", "customer") == "customer" else _INTENT
        for name, value in change.items():
            if name == "metadata":
                _check_metadata(value, record.get("metadata", {}))
            elif name not in known:
                raise _wrong(name, f"Received unknown parameter: {name}", "parameter_unknown")  # [errors]
            else:
                _check(known[name], name, value)
        if "amount" in change and record.get("status") == "succeeded":
            text = "This PaymentIntent's amount could not be updated because it has a status of succeeded."
            raise _error(400, text, code="payment_intent_unexpected_state")  # code: [errors]


def _nested(text: str) -> dict[str, Json]:
    """Read a form with names like a[b]."""
    found: dict[str, Json] = {}
    for name, value in parse_qsl(text, keep_blank_values=True):
        match = re.fullmatch(r"([^\[\]]+)(?:\[([^\[\]]*)\])?", name)
        if not match:
            raise _wrong(name, f"Invalid parameter name: {name}")  # unverified
        outer, inner = match.groups()
        if inner is None:
            found[outer] = value
        elif isinstance(found.setdefault(outer, {}), dict):
            found[outer][inner] = value
    return found


def _check(kind: str, name: str, value: Json) -> None:
    if kind == "address":
        inside = value if isinstance(value, dict) else {}
        unknown = next((part for part in inside if part not in _ADDRESS), None)
        if unknown or not (isinstance(value, dict) or value == ""):
            raise _wrong(f"{name}[{unknown}]", f"Received unknown parameter: {name}[{unknown}]", "parameter_unknown")
    elif not isinstance(value, str):
        raise _wrong(name, "Invalid string")  # unverified
    elif kind == "number" and not re.fullmatch(r"-?\d+", value):
        raise _wrong(name, f"Invalid integer: {value}", "parameter_invalid_integer")
    elif kind == "mail" and value and not re.fullmatch(r"[^@\s]+@[^@\s]+\.[^@\s]+", value):
        raise _wrong(name, f"Invalid email address: {value}", "email_invalid")


def _check_metadata(sent: Json, before: dict[str, str]) -> None:
    # 50 keys, 40 characters a key, 500 a value: [meta]. The text for values is [probed], the others are unverified.
    if sent == "":
        return
    if not isinstance(sent, dict):
        raise _wrong("metadata", "Invalid object")
    for name, value in sent.items():
        if len(name) > 40:
            raise _wrong(f"metadata[{name}]", "Metadata keys can have up to 40 characters.")
        if len(value) > 500:
            text = f"Metadata values can have up to 500 characters, but you passed in a value that is {len(value)}."
            raise _wrong(f"metadata[{name}]", text)
    if len(_merged(before, sent)) > 50:
        raise _wrong("metadata", "Metadata can have up to 50 keys.")


def _merged(before: dict[str, str], sent: Json) -> dict[str, str]:
    if sent == "":
        return {}  # an empty text for all of it removes all: [meta]
    return {name: value for name, value in {**before, **sent}.items() if value != ""}  # an empty one removes its key


def _changed(record: dict[str, Json], change: dict[str, Json]) -> dict[str, Json]:
    after = dict(record)
    for name, value in change.items():
        if name == "metadata":
            after[name] = _merged(record["metadata"], value)
        elif name == "address":
            after[name] = {part: value.get(part) for part in _ADDRESS} if value else None  # whole (unverified)
        elif name in ("amount", "balance"):
            after[name] = int(value)
        else:
            after[name] = value or None  # an empty text unsets: [errors] on parameter_invalid_empty says some may not
    return after
