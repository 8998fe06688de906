"""Jira Cloud issues: PUT /rest/api/3/issue/{issueIdOrKey}.

Sources: [limits] developer.atlassian.com/cloud/jira/platform/rate-limiting; [respect] .../platform/
build-an-app-that-respects-rate-limits; [api] .../platform/rest/v3/api-group-issues (edit issue, bulk fetch), its models
as generated in docs.rs/jira_v3_openapi and jira.js. "Unverified" marks general knowledge.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Unpack

from tests.system.vendors.base import (
    Call,
    Common,
    FakeVendor,
    FixedWindow,
    Json,
    PerKey,
    Rate,
    Records,
    Refusal,
    Reply,
    Route,
    TokenBucket,
    Window,
    basic,
    stamp,
    whole,
)

EMAIL, API_TOKEN = "admin@example.com", "madeUpAtlassianToken"
AUTHORIZATION = basic(EMAIL, API_TOKEN)


@dataclass(frozen=True)
class Field:
    """A field on the edit screen: what it holds, and what it can be."""

    kind: str  # text, document, labels, components, priority, user, date, number, option
    options: tuple[str, ...] = ()
    required: bool = False


FIELDS = {
    "summary": Field("text", required=True),
    "description": Field("document"),
    "labels": Field("labels"),
    "components": Field("components", ("web", "shop", "billing")),
    "priority": Field("priority", ("Highest", "High", "Medium", "Low")),
    "assignee": Field("user", ("acc-1", "acc-2")),
    "duedate": Field("date"),
    "customfield_10010": Field("number"),
    "customfield_10011": Field("text"),
    "customfield_10012": Field("option", ("red", "green")),
}
_BURSTS = {"GET": 100, "POST": 100, "PUT": 50, "DELETE": 50}  # a second: [limits]


def document(text: str) -> dict[str, Json]:
    """Write a text as an Atlassian document."""
    paragraph = {"type": "paragraph", "content": [{"type": "text", "text": text}]}
    return {"type": "doc", "version": 1, "content": [paragraph]}


def some(count: int) -> dict[str, dict[str, Json]]:
    """Make issues SHOP-1 to SHOP-count; the ids are 10001 and so on."""
    return {
        f"SHOP-{n}": {
            "id": str(10_000 + n),
            "key": f"SHOP-{n}",
            "fields": {
                "summary": f"Issue {n}",
                "description": document("old"),
                "labels": ["old"],
                "components": [],
                "priority": {"name": "Medium"},
                "assignee": None,
                "duedate": None,
                "customfield_10010": None,
                "customfield_10011": None,
                "customfield_10012": None,
                "status": {"name": "To Do"},
                "created": "2026-01-01T00:00:00.000+0000",
                "updated": "2026-01-01T00:00:00.000+0000",
            },
        }
        for n in range(1, count + 1)
    }


def _error(status: int, messages: Sequence[str] = (), fields: dict[str, str] | None = None) -> Refusal:
    # The two members of ErrorCollection: [api].
    return Refusal(Reply(status, {"errorMessages": list(messages), "errors": fields or {}}))


class Fake(FakeVendor):
    """The part of one Jira site that issues need."""

    def __init__(
        self,
        records: Records | None = None,
        *,
        bursts: dict[str, int] | None = None,
        buffer: int = 1,
        short: Rate = (20, 2.0),
        long: Rate = (100, 30.0),
        near: bool = True,
        **common: Unpack[Common],
    ) -> None:
        """Serve issues.

        `bursts` is the steady rate per second by method, for each endpoint; the bucket holds `buffer` times as much.
        `short` and `long` are the windows of writes to one issue.
        """
        super().__init__(some(5) if records is None else records, **common)
        self.mails: list[str] = []  # the issues whose watchers were told
        self._rates = _BURSTS if bursts is None else bursts
        self._buffer, self._near = buffer, near
        self._buckets: dict[str, TokenBucket] = {}
        self._windows = [PerKey(partial(FixedWindow, *rate)) for rate in (short, long) if rate]

    def routes(self) -> list[Route]:
        return [
            ("POST", "/rest/api/3/issue/bulkfetch", self._many),
            ("GET", "/rest/api/3/issue/{key}", self._one),
            ("PUT", "/rest/api/3/issue/{key}", self._edit),
        ]

    def is_write(self, call: Call) -> bool:
        return call.method == "PUT"

    def no_route(self, call: Call, allowed: Sequence[str]) -> Reply:
        return Reply(405 if allowed else 404, _error(404, ["No such endpoint"]).reply.body)  # unverified

    async def gate(self, call: Call) -> None:
        # Basic with mail and API token: developer.atlassian.com/cloud/jira/platform/basic-auth-for-rest-apis. The
        # text is quoted in public repositories, as plain text and inside errorMessages.
        if call.headers.get("Authorization") != AUTHORIZATION:
            text = "Client must be authenticated to access this resource."
            raise Refusal(Reply(401, {"errorMessages": [text], "errors": {}}))
        bucket = self._bucket(call)
        if bucket and not bucket.take(self.now()):
            raise self._slow("jira-burst-based", bucket)

    def _bucket(self, call: Call) -> TokenBucket | None:
        # One bucket per endpoint and method: [limits].
        rate = self._rates.get(call.method, 0)
        if not rate:
            return None
        name = f"{call.method} {call.route}"
        return self._buckets.setdefault(name, TokenBucket(rate * self._buffer, rate))

    def _slow(self, reason: str, window: Window) -> Refusal:
        # Status and headers as in the example of [limits]; the reset is ISO 8601. The body is unverified.
        wait = max(1, whole(window.resets_in(self.now())))
        headers = {"Retry-After": str(wait), "RateLimit-Reason": reason}
        headers["X-RateLimit-Reset"] = stamp(whole(self.now() + wait))
        headers |= {"X-RateLimit-Limit": str(window.limit), "X-RateLimit-Remaining": "0"}
        return Refusal(Reply(429, {"errorMessages": ["Rate limit exceeded."], "errors": {}}, headers))

    def decorate(self, call: Call, reply: Reply) -> None:
        bucket = self._bucket(call) if call.route else None
        if bucket and reply.status not in (401, 429):
            left = bucket.remaining(self.now())
            reply.headers |= {"X-RateLimit-Limit": str(bucket.limit), "X-RateLimit-Remaining": str(left)}
            if self._near and left < bucket.limit / 5:
                reply.headers["X-RateLimit-NearLimit"] = "true"  # under 20 %: [limits]

    def _key(self, name: str) -> str:
        # By key or by id: [api]. The sentence is that of public clients' tests.
        for key, issue in self.records.items():
            if name.upper() == key or name == issue["id"]:
                return key
        raise _error(404, ["Issue does not exist or you do not have permission to see it."])

    def _render(self, issue: dict[str, Json], wanted: Sequence[str] = ("*all",)) -> dict[str, Json]:
        fields = issue["fields"]
        if not {"*all", "*navigable"} & set(wanted):
            fields = {name: value for name, value in fields.items() if name in wanted}
        url = f"{self.url}/rest/api/3/issue/{issue['id']}"
        return {"id": issue["id"], "key": issue["key"], "self": url, "expand": "", "fields": fields}

    async def _one(self, call: Call) -> Reply:
        wanted = call.query.get("fields", "*all").split(",")
        return Reply(200, self._render(self.shown(self._key(call.args["key"])) or {}, wanted))

    async def _many(self, call: Call) -> Reply:
        body = self._body(call)
        names = body.get("issueIdsOrKeys")
        if not isinstance(names, list) or not 1 <= len(names) <= 100:
            # At most 100: [api]; the text is unverified.
            raise _error(400, ["The number of issue ids or keys must be 1 to 100."])
        keys = []
        for name in names:
            try:
                keys.append(self._key(str(name)))
            except Refusal:
                continue  # not found, or not to be seen: neither in issues nor in issueErrors: [api]
        found = [self.shown(key) or {} for key in dict.fromkeys(keys)]
        found.sort(key=lambda issue: int(issue["id"]))  # by id, not as asked (unverified)
        wanted = body.get("fields") or ["*all"]
        return Reply(200, {"issues": [self._render(issue, wanted) for issue in found], "issueErrors": []})

    def _body(self, call: Call) -> dict[str, Json]:
        if call.content_type != "application/json":
            raise Refusal(Reply(415))  # unverified
        try:
            body = call.json()
        except ValueError:
            raise _error(400, ["There was an error parsing JSON. Check that your request body is valid."]) from None
        if not isinstance(body, dict):
            raise _error(400, ["INVALID_INPUT"])
        return body

    async def _edit(self, call: Call) -> Reply:
        key = self._key(call.args["key"])
        for windows in self._windows:
            window = windows.of(key)
            if not window.take(self.now()):
                raise self._slow("jira-per-issue-on-write", window)
        body = self._body(call)
        issue = self.records[key]
        fields = {**issue["fields"], **self._set(body), **self._operated(issue["fields"], body)}
        fields["updated"] = stamp(self.now(), "milliseconds").replace("Z", "+0000")
        after = {**issue, "fields": fields}
        self.write(call, key, after)
        if call.query.get("notifyUsers", "true") != "false":
            self.mails.append(key)  # watchers get mail unless told otherwise: [api]
        if call.query.get("returnIssue") == "true":
            return Reply(200, self._render(after))  # [api]
        return Reply(204)

    def _set(self, body: dict[str, Json]) -> dict[str, Json]:
        problems, good = {}, {}
        for name, value in (body.get("fields") or {}).items():
            problem = _problem(name, value)
            if problem:
                problems[name] = problem
            else:
                good[name] = _kept(name, value)
        if problems:
            raise _error(400, fields=problems)
        return good

    def _operated(self, fields: dict[str, Json], body: dict[str, Json]) -> dict[str, Json]:
        changed: dict[str, Json] = {}
        for name, operations in (body.get("update") or {}).items():
            if name in (body.get("fields") or {}):
                # Not both in one request: [api]; the text is unverified.
                raise _error(400, fields={name: f"Field '{name}' cannot be in both 'fields' and 'update'."})
            for operation in operations:
                [(verb, value)] = operation.items()
                before = changed.get(name, fields.get(name))
                changed[name] = _operate(name, before, verb, value)
        return changed


def _operate(name: str, before: Json, verb: str, value: Json) -> Json:
    if verb == "set":
        after = value
    elif verb in ("add", "remove") and name in FIELDS and FIELDS[name].kind in ("labels", "components"):
        others = [each for each in before if each != value]
        after = [*others, value] if verb == "add" else others
    else:
        raise _error(400, fields={name: f"Field '{name}' does not support operation '{verb}'"})  # unverified
    if problem := _problem(name, after):
        raise _error(400, fields={name: problem})
    return _kept(name, after)


def _kept(name: str, value: Json) -> Json:
    if FIELDS[name].kind == "labels":
        return sorted(set(value or []))  # a set, shown in order (unverified)
    return [] if FIELDS[name].kind == "components" and value is None else value


def _problem(name: str, value: Json) -> str:
    """Tell what is wrong with a value; the sentence on screens is well attested, the others are unverified."""
    field = FIELDS.get(name)
    if field is None:
        return f"Field '{name}' cannot be set. It is not on the appropriate screen, or unknown."
    if value is None:
        return f"You must specify a {name} of the issue." if field.required else ""
    return _KINDS[field.kind](field, value)


def _text(field: Field, value: Json) -> str:
    if not isinstance(value, str):
        return "Operation value must be a string"
    if field.required and not value.strip():
        return "You must specify a summary of the issue."
    if "\n" in value and field.required:
        return "The summary is invalid because it contains newline characters."
    return "The entered text is too long. It exceeds the allowed limit of 255 characters." if len(value) > 255 else ""


def _document(field: Field, value: Json) -> str:
    good = isinstance(value, dict) and value.get("type") == "doc" and value.get("version") == 1
    return "" if good else "Operation value must be an Atlassian Document (see the Atlassian Document Format)"


def _labels(field: Field, value: Json) -> str:
    if not isinstance(value, list) or not all(isinstance(each, str) for each in value):
        return "data was not an array"
    wrong = next((each for each in value if re.search(r"\s", each)), None)
    return "" if wrong is None else f"The label '{wrong}' contains spaces which is invalid."


def _components(field: Field, value: Json) -> str:
    if not isinstance(value, list):
        return "data was not an array"
    wrong = next((each for each in value if each.get("name") not in field.options), None)
    return "" if wrong is None else f"Component name '{wrong.get('name')}' is not valid"


def _named(field: Field, value: Json) -> str:
    good = isinstance(value, dict) and value.get("name") in field.options
    return "" if good else "The priority selected is invalid."


def _user(field: Field, value: Json) -> str:
    good = isinstance(value, dict) and value.get("accountId") in (*field.options, None)
    return "" if good else "Specify a valid value for assignee"


def _date(field: Field, value: Json) -> str:
    good = isinstance(value, str) and re.fullmatch(r"\d{4}-\d\d-\d\d", value)
    return "" if good else 'Operation value must be a string of the format "yyyy-MM-dd"'


def _number(field: Field, value: Json) -> str:
    good = isinstance(value, int | float) and not isinstance(value, bool)
    return "" if good else "Operation value must be a number"


def _option(field: Field, value: Json) -> str:
    good = isinstance(value, dict) and value.get("value") in field.options
    return "" if good else "Specify a valid 'id' or 'name' for the option"


_KINDS = {
    "text": _text,
    "document": _document,
    "labels": _labels,
    "components": _components,
    "priority": _named,
    "user": _user,
    "date": _date,
    "number": _number,
    "option": _option,
}
