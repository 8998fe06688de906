"""HubSpot contacts: PATCH /crm/v3/objects/contacts/{id}, and the same under /crm/objects/2026-03.

Sources: [batch] developers.hubspot.com/docs/api-reference/2026-03/crm/objects/contacts/batch (update, read); [contacts]
.../docs/api/crm/contacts; [usage] .../docs/developer-tooling/platform/usage-guidelines; [errors] .../docs/
api-reference/error-handling; [quoted] error bodies quoted in public repositories' logs and tests. "Unverified" marks
general knowledge.
"""

import json
import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Unpack

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
    RollingWindow,
    Route,
    stamp,
    whole,
)

TOKEN = "pat-eu1-made-up-token-of-the-judge"


@dataclass(frozen=True)
class Property:
    """One property of contacts."""

    kind: str = "string"  # string, number, bool, date, enumeration
    options: tuple[str, ...] = ()
    read_only: bool = False
    unique: bool = False


PROPERTIES = {
    "email": Property(unique=True),
    "firstname": Property(),
    "lastname": Property(),
    "phone": Property(),
    "company": Property(),
    "customer_number": Property(unique=True),
    "score": Property("number"),
    "vip": Property("bool"),
    "birthday": Property("date"),
    "plan": Property("enumeration", ("free", "paid")),
    "hs_object_id": Property("number", read_only=True),
    "createdate": Property("date", read_only=True),
    "lastmodifieddate": Property("date", read_only=True),
}
_ALWAYS = ("hs_object_id", "createdate", "lastmodifieddate")
_DEFAULT = ("email", "firstname", "lastname", *_ALWAYS)  # what a read gives unless told: unverified


def some(count: int) -> dict[str, dict[str, Json]]:
    """Make contacts 501 and so on; every value is text."""
    return {
        str(500 + n): {
            "email": f"person{n}@example.com",
            "firstname": f"First{n}",
            "lastname": f"Last{n}",
            "customer_number": f"C-{n}",
            "plan": "free",
            "hs_object_id": str(500 + n),
            "createdate": "2026-01-01T00:00:00Z",
            "lastmodifieddate": "2026-01-01T00:00:00Z",
        }
        for n in range(1, count + 1)
    }


class Fake(FakeVendor):
    """The part of one HubSpot account that contacts need."""

    def __init__(
        self,
        records: Records | None = None,
        *,
        rolling: Rate = (190, 10.0),
        daily: Rate = (650_000, 86_400.0),
        retry_after: bool = False,
        migrating_for_s: float = 0.0,
        **common: Unpack[Common],
    ) -> None:
        """Serve contacts.

        `retry_after` sends that header with a 429. For `migrating_for_s` from the first request on all is 477.
        """
        super().__init__(some(5) if records is None else records, **common)
        self._rolling = RollingWindow(*rolling) if rolling else None
        self._daily = FixedWindow(*daily) if daily else None
        self._retry_after, self._migrating_for_s = retry_after, migrating_for_s

    def routes(self) -> list[Route]:
        paths: list[Route] = []
        for root in ("/crm/v3/objects/contacts", "/crm/objects/2026-03/contacts"):
            paths += [
                ("POST", f"{root}/batch/read", self._many),
                ("GET", f"{root}/{{id}}", self._one),
                ("PATCH", f"{root}/{{id}}", self._update),
            ]
        return paths

    def is_write(self, call: Call) -> bool:
        return call.method == "PATCH"

    def no_route(self, call: Call, allowed: Sequence[str]) -> Reply:
        return self._error(405 if allowed else 404, "resource not found", "OBJECT_NOT_FOUND").reply

    def _error(self, status: int, message: str, category: str, **more: Json) -> Refusal:
        # Members as in [errors]; every one is to be taken as optional there.
        body = {"status": "error", "message": message, "correlationId": f"judge-{len(self.log):06d}", **more}
        return Refusal(Reply(status, {**body, "category": category}))

    async def gate(self, call: Call) -> None:
        scheme, _, token = call.headers.get("Authorization", "").partition(" ")
        if scheme != "Bearer" or token != TOKEN:
            text = "Authentication credentials not found." if not token else "The access token is expired or invalid."
            raise self._error(401, text, "INVALID_AUTHENTICATION")  # the category: [quoted]
        now = self.now()
        if now < self.log[0].at + self._migrating_for_s:
            # 477 with Retry-After while an account moves: [errors]; the body is unverified.
            refusal = self._error(477, "This account is being migrated.", "MIGRATION_IN_PROGRESS")
            refusal.reply.headers["Retry-After"] = str(whole(self.log[0].at + self._migrating_for_s - now))
            raise refusal
        for window, policy in ((self._daily, "DAILY"), (self._rolling, "TEN_SECONDLY_ROLLING")):
            if window and not window.take(now):
                raise self._slow(policy, window.resets_in(now))

    def _slow(self, policy: str, wait: float) -> Refusal:
        # errorType and policyName: [usage]; that no Retry-After is promised too.
        message = f"You have reached your {policy.lower()} limit."
        refusal = self._error(429, message, "RATE_LIMITS", errorType="RATE_LIMIT", policyName=policy)
        if self._retry_after:
            refusal.reply.headers["Retry-After"] = str(max(1, whole(wait)))
        return refusal

    def decorate(self, call: Call, reply: Reply) -> None:
        reply.headers["X-HubSpot-Correlation-Id"] = f"judge-{call.number:06d}"
        if reply.status == 401:
            return
        now = self.now()
        if self._rolling:
            # Names: [usage].
            reply.headers["X-HubSpot-RateLimit-Max"] = str(self._rolling.limit)
            reply.headers["X-HubSpot-RateLimit-Remaining"] = str(self._rolling.remaining(now))
            reply.headers["X-HubSpot-RateLimit-Interval-Milliseconds"] = str(int(self._rolling.span * 1000))
        if self._daily:
            reply.headers["X-HubSpot-RateLimit-Daily"] = str(self._daily.limit)
            reply.headers["X-HubSpot-RateLimit-Daily-Remaining"] = str(self._daily.remaining(now))

    def _render(self, contact: dict[str, Json], names: Sequence[str]) -> dict[str, Json]:
        wanted = dict.fromkeys((*names, *_ALWAYS))
        # A property without a value is null when asked for; unknown names are left out (both unverified).
        properties = {name: contact.get(name) for name in wanted if name in PROPERTIES}
        dates = {"createdAt": contact["createdate"], "updatedAt": contact["lastmodifieddate"]}
        return {"id": contact["hs_object_id"], "properties": properties, **dates, "archived": False}

    def _by(self, value: str, id_property: str | None) -> str | None:
        """Find the id of a contact by its id or by a unique property."""
        if id_property is None:
            return value if value in self.records else None
        if not PROPERTIES.get(id_property, Property()).unique:
            raise self._error(400, f"{id_property} is not a unique property", "VALIDATION_ERROR")  # text unverified
        wanted = value.strip().lower() if id_property == "email" else value
        return next((key for key, contact in self.records.items() if contact.get(id_property) == wanted), None)

    def _key(self, call: Call) -> str:
        key = self._by(call.args["id"], call.query.get("idProperty"))
        if key is None:
            raise self._error(404, "resource not found", "OBJECT_NOT_FOUND")  # [quoted]
        return key

    async def _one(self, call: Call) -> Reply:
        asked = [name for part in call.query.getall("properties", []) for name in part.split(",") if name]
        return Reply(200, self._render(self.shown(self._key(call)) or {}, asked or _DEFAULT))

    def _body(self, call: Call, member: str, kind: type) -> dict[str, Json]:
        try:
            body = call.json()
        except ValueError:
            raise self._error(400, "Invalid input JSON on line 1, column 1", "VALIDATION_ERROR") from None
        if not isinstance(body, dict) or not isinstance(body.get(member), kind):
            raise self._error(400, f"Invalid input JSON: {member} is missing or wrong", "VALIDATION_ERROR")
        return body

    async def _many(self, call: Call) -> Reply:
        body = self._body(call, "inputs", list)
        ids = [str(each.get("id")) for each in body["inputs"]]
        if len(ids) > 100:
            raise self._error(400, "The maximum number of inputs is 100", "VALIDATION_ERROR")  # text unverified
        asked = body.get("properties") or _DEFAULT
        keys = {value: self._by(value, body.get("idProperty")) for value in ids}
        results = [self._render(self.shown(key) or {}, asked) for key in dict.fromkeys(keys.values()) if key]
        missing = [value for value, key in keys.items() if key is None]
        times = {"startedAt": stamp(self.now()), "completedAt": stamp(self.now())}
        whole_body = {"status": "COMPLETE", "results": results, **times}
        if not missing:
            return Reply(200, whole_body)
        # 207, with the ids that were not found in one error: [batch] and [quoted].
        text = "Could not get some CONTACT objects, they may be deleted or not exist."
        error = {"status": "error", "category": "OBJECT_NOT_FOUND", "message": text, "context": {"ids": missing}}
        return Reply(207, {**whole_body, "numErrors": 1, "errors": [error]})

    async def _update(self, call: Call) -> Reply:
        key = self._key(call)
        sent = self._body(call, "properties", dict)["properties"]
        values = {name: _as_text(value) for name, value in sent.items()}
        problems = [found for name, value in values.items() if (found := _problem(name, value))]
        if problems:
            raise self._invalid(problems)
        after = {**self.records[key], **{name: _normal(name, value) for name, value in values.items() if value}}
        for name in (name for name, value in values.items() if not value):
            after.pop(name, None)  # an empty text clears: [batch]
        self._unique(key, after)
        after["lastmodifieddate"] = stamp(self.now(), "milliseconds")
        self.write(call, key, after)
        return Reply(200, self._render(after, list(values)))

    def _invalid(self, problems: list[dict[str, str]]) -> Refusal:
        # The list stands twice: as JSON inside the message, and as errors with a context: [quoted].
        inside = json.dumps([{"isValid": False, **problem} for problem in problems])
        errors = [
            {"message": each["message"], "code": each["error"], "context": {"propertyName": [each["name"]]}}
            for each in problems
        ]
        return self._error(400, f"Property values were not valid: {inside}", "VALIDATION_ERROR", errors=errors)

    def _unique(self, key: str, after: dict[str, Json]) -> None:
        for name in (name for name, each in PROPERTIES.items() if each.unique and after.get(name)):
            other = self._by(after[name], name)
            if other not in (None, key):
                # Conflict with the id of the other: [quoted].
                raise self._error(409, f"Contact already exists. Existing ID: {other}", "CONFLICT")


def _as_text(value: Json) -> str | None:
    """Turn numbers and truth into text (unverified); None marks what cannot be a value."""
    if isinstance(value, bool):
        return str(value).lower()
    if value is None or isinstance(value, str | int | float):
        return "" if value is None else str(value)
    return None


def _normal(name: str, value: str | None) -> str:
    text = value or ""
    return text.strip().lower() if name == "email" else text  # mails are kept in lower case (unverified)


def _problem(name: str, value: str | None) -> dict[str, str] | None:
    """Tell what is wrong; codes for unknown, read-only and bad options are [quoted], the rest unverified."""
    known = PROPERTIES.get(name)
    if known is None:
        return _told(name, "PROPERTY_DOESNT_EXIST", f'Property "{name}" does not exist')
    if known.read_only:
        return _told(name, "READ_ONLY_VALUE", f'"{name}" is a read only property; its value cannot be set.')
    if value is None:
        return _told(name, "INVALID_STRING", f"{name} must be a text")
    return _misfit(name, known, value) if value else None


def _misfit(name: str, known: Property, value: str) -> dict[str, str] | None:
    if known.kind == "number" and not _is_number(value):
        return _told(name, "INVALID_INTEGER", f"{value} was not a valid number.")
    if known.kind == "bool" and value not in ("true", "false"):
        return _told(name, "INVALID_BOOLEAN", f"{value} was not a valid boolean.")
    if known.kind == "date" and not re.fullmatch(r"\d{4}-\d\d-\d\d|\d{13}", value):
        return _told(name, "INVALID_DATE", f"{value} was not a valid date.")
    if known.kind == "enumeration" and value not in known.options:
        return _told(
            name, "INVALID_OPTION", f"{value} was not one of the allowed options: [{', '.join(known.options)}]"
        )
    if name == "email" and not re.fullmatch(r"\s*[^@\s]+@[^@\s]+\.[^@\s]+\s*", value):
        return _told(name, "INVALID_EMAIL", f"Email address {value} is invalid")
    return None


def _told(name: str, code: str, message: str) -> dict[str, str]:
    return {"message": message, "error": code, "name": name, "localizedErrorMessage": message}


def _is_number(value: str) -> bool:
    try:
        return math.isfinite(float(value))
    except ValueError:
        return False
