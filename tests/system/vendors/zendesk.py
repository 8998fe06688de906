"""Zendesk tickets: PUT /api/v2/tickets/{id}, wrapped in "ticket".

Sources: [limits] developer.zendesk.com/api-reference/introduction/rate-limits; under developer.zendesk.com/
documentation/ticketing: [avoid] using-the-zendesk-api/best-practices-for-avoiding-rate-limiting, [update]
managing-tickets/creating-and-updating-tickets; [tickets] developer.zendesk.com/api-reference/ticketing/tickets/tickets;
[314] issue 314 of zendesk/zendesk_api_client_php; [wiki] errors in logs and tests of public clients.
"Unverified" marks general knowledge.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Unpack

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
    Route,
    Window,
    basic,
    stamp,
    whole,
)

EMAIL, API_TOKEN = "agent@example.com", "madeUpZendeskToken"
AUTHORIZATION = basic(f"{EMAIL}/token", API_TOKEN)


@dataclass(frozen=True)
class Field:
    """A custom field of tickets."""

    kind: str  # text, integer, checkbox, date, tagger
    options: tuple[str, ...] = ()


FIELDS = {
    101: Field("text"),
    102: Field("integer"),
    103: Field("checkbox"),
    104: Field("tagger", ("plan_free", "plan_paid")),
    105: Field("date"),
}
_CHOICES = {  # [tickets]
    "status": ("new", "open", "pending", "hold", "solved", "closed"),
    "priority": ("urgent", "high", "normal", "low", None),
    "type": ("problem", "incident", "question", "task", None),
}
_PLAIN = ("subject", "external_id", "due_at")
_NUMBERS = ("assignee_id", "group_id", "requester_id", "organization_id", "problem_id")


def some(count: int) -> dict[str, dict[str, Json]]:
    """Make tickets 1 to count; `custom` is by id of field, as text."""
    return {
        str(n): {
            "id": n,
            "subject": f"Ticket {n}",
            "description": f"Text of {n}",
            "external_id": None,
            "type": "question",
            "priority": "normal",
            "status": "open",
            "tags": ["old"],
            "assignee_id": 7,
            "group_id": 3,
            "requester_id": 8,
            "organization_id": None,
            "problem_id": None,
            "due_at": None,
            "custom": {"101": "text", "102": None, "103": False, "104": None, "105": None},
            "created_at": "2026-01-01T00:00:00Z",
            "updated_at": "2026-01-01T00:00:00Z",
        }
        for n in range(1, count + 1)
    }


def _invalid(field: str, message: str, code: str = "InvalidValue") -> Refusal:
    # The shape of details is [wiki]; which codes there are is unverified.
    details = {field: [{"description": message, "error": code}]}
    return Refusal(
        Reply(422, {"error": "RecordInvalid", "description": "Record validation errors", "details": details})
    )


def _window(rate: Rate) -> FixedWindow | None:
    return FixedWindow(*rate) if rate else None


class Fake(FakeVendor):
    """The part of one Zendesk account that tickets need."""

    def __init__(
        self,
        records: Records | None = None,
        *,
        account: Rate = (700, 60.0),
        updates: Rate = (100, 60.0),
        per_ticket: Rate = (30, 600.0),
        collide_every: int = 0,
        **common: Unpack[Common],
    ) -> None:
        """Serve tickets; every `collide_every`-th update ends with 409 DatabaseConflict, nothing done [314]."""
        super().__init__(some(5) if records is None else records, **common)
        self._account, self._updates = _window(account), _window(updates)
        self._per_ticket = PerKey(lambda: FixedWindow(*per_ticket)) if per_ticket else None
        self._collides = Every(collide_every)

    def routes(self) -> list[Route]:
        # With and without .json: [limits] has the one, [tickets] the other.
        paths: list[Route] = []
        for end in ("", ".json"):
            paths += [
                ("GET", f"/api/v2/tickets/show_many{end}", self._many),
                ("GET", f"/api/v2/tickets/{{id}}{end}", self._one),
                ("PUT", f"/api/v2/tickets/{{id}}{end}", self._update),
            ]
        return sorted(paths, key=lambda route: not route[1].endswith(".json"))

    def no_route(self, call: Call, allowed: Sequence[str]) -> Reply:
        return Reply(404, {"error": "InvalidEndpoint", "description": "Not found"})  # unverified

    async def gate(self, call: Call) -> None:
        # Basic with mail/token: developer.zendesk.com/api-reference/introduction/security-and-auth; the text is [wiki].
        if call.headers.get("Authorization") != AUTHORIZATION:
            raise Refusal(Reply(401, {"error": "Couldn't authenticate you"}))
        if self._account and not self._account.take(self.now()):
            # The sentence is that of an older page, as text: unverified today.
            raise self._slow("Number of allowed API requests per minute exceeded", self._account)

    def _slow(self, text: str, window: Window) -> Refusal:
        # 429 with Retry-After in seconds: [limits]; text/html in the example of [avoid].
        wait = str(max(1, whole(window.resets_in(self.now()))))
        return Refusal(Reply(429, text, {"Retry-After": wait}, "text/html; charset=utf-8"))

    def decorate(self, call: Call, reply: Reply) -> None:
        reply.headers["X-Zendesk-Request-Id"] = f"judge-{call.number}"
        if self._account and reply.status != 401:
            now = self.now()
            left = str(self._account.remaining(now))
            # Two families of names, and a reset in seconds to go: [limits]. None tells of the limit on updates.
            reply.headers.update({"X-Rate-Limit": str(self._account.limit), "X-Rate-Limit-Remaining": left})
            reply.headers.update({"ratelimit-limit": str(self._account.limit), "ratelimit-remaining": left})
            reply.headers["ratelimit-reset"] = str(whole(self._account.resets_in(now)))

    def _render(self, ticket: dict[str, Json]) -> dict[str, Json]:
        shown = {name: value for name, value in ticket.items() if name != "custom"}
        fields = [{"id": int(number), "value": value} for number, value in ticket["custom"].items()]
        shown["raw_subject"] = ticket["subject"]
        shown["url"] = f"{self.url}/api/v2/tickets/{ticket['id']}.json"
        return {**shown, "custom_fields": fields, "fields": fields}  # both: [tickets]

    def _key(self, call: Call) -> str:
        key = call.args["id"]
        if key not in self.records:
            raise Refusal(Reply(404, {"error": "RecordNotFound", "description": "Not found"}))  # unverified
        return key

    async def _one(self, call: Call) -> Reply:
        return Reply(200, {"ticket": self._render(self.shown(self._key(call)) or {})})

    async def _many(self, call: Call) -> Reply:
        ids = [part.strip() for part in call.query.get("ids", "").split(",") if part.strip()]
        if not ids or len(ids) > 100:
            # Up to 100: [tickets]. What is answered beyond them is unverified.
            raise Refusal(Reply(400, {"error": "InvalidValue", "description": "ids must be 1 to 100"}))
        found = [shown for key in dict.fromkeys(ids) if (shown := self.shown(key))]
        tickets = [self._render(ticket) for ticket in found]  # the missing are absent: [tickets]
        return Reply(200, {"tickets": tickets, "next_page": None, "previous_page": None, "count": len(tickets)})

    async def _update(self, call: Call) -> Reply:
        key = self._key(call)
        self._limited(key)
        if self._collides.due():
            raise Refusal(Reply(409, {"error": "DatabaseConflict", "description": "Database collision"}))
        sent = self._body(call)
        self._safe(key, sent)
        if self.records[key]["status"] == "closed":
            raise _invalid("status", "Status: closed prevents ticket update", "ClosedTicket")  # [wiki]
        after = self._changed(self.records[key], sent)
        if after != self.records[key]:
            after["updated_at"] = stamp(self.now())
        self.write(call, key, after)
        audit = {"id": call.number, "ticket_id": after["id"], "events": []}
        return Reply(200, {"ticket": self._render(after), "audit": audit})  # the audit: [tickets]

    def _limited(self, key: str) -> None:
        # 30 in ten minutes per ticket and agent, 100 a minute per account: [limits]; the sentence: [avoid].
        text = "Rate limit for ticket updates exceeded, please wait before updating this ticket again"
        for window in (self._per_ticket.of(key) if self._per_ticket else None, self._updates):
            if window and not window.take(self.now()):
                raise self._slow(text, window)

    def _body(self, call: Call) -> dict[str, Json]:
        try:
            body = call.json()
        except ValueError:
            raise Refusal(Reply(400, {"error": "Unprocessable", "message": "Invalid JSON"})) from None  # unverified
        ticket = body.get("ticket") if isinstance(body, dict) else None
        if not isinstance(ticket, dict):
            # Without the wrapper: 400; this text is unverified.
            error = {"title": "Invalid attribute", "message": "You passed an invalid value for the ticket attribute."}
            raise Refusal(Reply(400, {"error": error}))
        return ticket

    def _safe(self, key: str, sent: dict[str, Json]) -> None:
        # safe_update with updated_stamp; 409 where the ticket was updated after that moment: [update]. Stamps are in
        # whole seconds, so a change within the same second goes unseen.
        if str(sent.get("safe_update")).lower() != "true":
            return
        if not sent.get("updated_stamp"):
            raise _invalid("base", "updated_stamp is needed for a safe update")  # unverified
        if _moment(sent["updated_stamp"]) < _moment(self.records[key]["updated_at"]):
            text = "Safe Update prevented the update due to outdated ticket data."
            raise Refusal(Reply(409, {"error": "UpdateConflict", "description": text}))

    def _changed(self, ticket: dict[str, Json], sent: dict[str, Json]) -> dict[str, Json]:
        # What is not known, or cannot be set (description, created_at), is ignored with a 200 (unverified).
        after = {**ticket, "custom": dict(ticket["custom"])}
        for name, value in sent.items():
            if name in _CHOICES and value not in _CHOICES[name]:
                raise _invalid(name, f"{name.capitalize()}: {value} is not allowed")
            if name in _NUMBERS and not isinstance(value, int | None):
                raise _invalid(name, f"{name}: is invalid")
            if name in (*_CHOICES, *_PLAIN, *_NUMBERS):
                after[name] = value
        if "subject" in sent and not sent["subject"]:
            raise _invalid("subject", "Subject: cannot be blank", "BlankValue")
        if "tags" in sent:
            # Replaces the whole set: [update]. additional_tags are for update_many only: [tickets].
            after["tags"] = _tags(sent["tags"])
        self._custom(after, sent.get("custom_fields"))
        return after

    def _custom(self, after: dict[str, Json], sent: Json) -> None:
        # A list of {id, value}, or a mapping (the log quoted in [314]); the fields not named stay.
        pairs = list(sent.items()) if isinstance(sent, dict) else [(each["id"], each["value"]) for each in sent or []]
        for number, value in pairs:
            field = FIELDS.get(int(number))
            if field:  # others are ignored (unverified)
                before = after["custom"].get(str(number))
                after["custom"][str(number)] = _fitting(int(number), field, value)
                if field.kind == "tagger":
                    # Its value is a tag of the ticket as well (unverified).
                    others = [tag for tag in after["tags"] if tag != before]
                    after["tags"] = _tags([*others, *([value] if value else [])])


def _moment(text: Json) -> datetime:
    try:
        return datetime.fromisoformat(str(text))
    except ValueError:
        raise _invalid("updated_stamp", f"{text} is no date") from None


def _tags(sent: Json) -> list[str]:
    # Lower case, no blanks, no doubles, sorted (unverified).
    words = re.split(r"[\s,]+", sent) if isinstance(sent, str) else [str(tag) for tag in sent or []]
    return sorted({re.sub(r"\s+", "_", word.strip().lower()) for word in words if word.strip()})


def _fitting(number: int, field: Field, value: Json) -> Json:
    wrong = _invalid("base", f"Field {number}: {value!r} is invalid")  # the place of the error is unverified
    if value in (None, ""):
        return False if field.kind == "checkbox" else None
    if field.kind == "integer" and not re.fullmatch(r"-?\d+", str(value)):
        raise wrong
    if field.kind == "date" and not re.fullmatch(r"\d{4}-\d\d-\d\d", str(value)):
        raise wrong
    if field.kind == "tagger" and value not in field.options:
        raise wrong
    if field.kind == "checkbox":
        return str(value).lower() in ("true", "1")
    return int(value) if field.kind == "integer" else value
