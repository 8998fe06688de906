"""GitHub issues: PATCH /repos/{owner}/{repo}/issues/{number}.

Sources: [limits] github/docs content/rest/using-the-rest-api/rate-limits-for-the-rest-api.md; [trouble] same folder,
troubleshooting-the-rest-api.md; [practice] docs.github.com/rest/guides/best-practices-for-using-the-rest-api;
[issues] docs.github.com/rest/issues/issues#update-an-issue. "Unverified" marks general knowledge.
"""

import asyncio
from collections.abc import Sequence
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
    Route,
    stamp,
    whole,
)

TOKEN = "ghp_madeUpTokenOfTheJudge"
OWNER, REPO = "acme", "shop"
USERS = ("alice", "bob", "carol")
DOCS = "https://docs.github.com/rest/issues/issues#update-an-issue"
VERSIONS = ("2022-11-28", "2026-03-10")  # the second: unverified

_TEXT, _LIST = (str, type(None)), (list,)
# [issues]; `type` and the deprecated `assignee` too. Whatever else is sent is ignored (unverified).
_TYPES: dict[str, tuple[type, ...]] = {
    "title": (str, int, type(None)),
    "body": _TEXT,
    "state": (str,),
    "state_reason": _TEXT,
    "milestone": (str, int, type(None)),
    "labels": _LIST,
    "assignees": _LIST,
    "assignee": _TEXT,
    "type": _TEXT,
}
_NAMES = {str: "a string", int: "a number", list: "an array", type(None): "null"}
_REASONS = ("completed", "not_planned", "duplicate", "reopened", None)


def some(count: int) -> dict[str, dict[str, Json]]:
    """Make issues 1 to count of acme/shop."""
    return {
        f"{OWNER}/{REPO}/{n}": {
            "number": n,
            "title": f"Issue {n}",
            "body": f"Text of {n}",
            "state": "open",
            "state_reason": None,
            "labels": ["bug"],
            "assignees": [],
            "milestone": None,
            "type": None,
            "created_at": "2026-01-01T00:00:00Z",
            "updated_at": "2026-01-01T00:00:00Z",
        }
        for n in range(1, count + 1)
    }


def _error(status: int, message: str, errors: Json = None, **headers: str) -> Refusal:
    body = {"message": message, "documentation_url": DOCS, "status": str(status)}
    return Refusal(Reply(status, {**body, "errors": errors} if errors else body, headers))


def _invalid(field: str, value: Json, code: str = "invalid") -> Refusal:
    # 422 "Validation Failed" with a code in each error: [trouble].
    return _error(422, "Validation Failed", [{"value": value, "resource": "Issue", "field": field, "code": code}])


class Fake(FakeVendor):
    """The part of api.github.com that issues need."""

    def __init__(
        self,
        records: Records | None = None,
        *,
        push: bool = True,
        primary: Rate = (5000, 3600.0),
        points: Rate = (900, 60.0),
        concurrent: int = 100,
        secondary_wait: int | None = None,
        refuse_with: int = 403,
        milestones: Sequence[int] = (1, 2),
        takes_s: float = 0.0,
        **common: Unpack[Common],
    ) -> None:
        """Serve issues.

        Without `push` labels, assignees and milestone are dropped silently. `secondary_wait` is the Retry-After of the
        secondary limit; None leaves it out. `takes_s` is how long a request stays in flight.
        """
        super().__init__(some(5) if records is None else records, **common)
        self.push, self.milestones = push, tuple(milestones)
        self._primary = FixedWindow(*primary) if primary else None
        self._points = FixedWindow(*points) if points else None
        self._concurrent, self._takes_s, self._in_flight = concurrent, takes_s, 0
        self._secondary_wait, self._refuse_with = secondary_wait, refuse_with

    def routes(self) -> list[Route]:
        return [
            ("GET", "/repos/{owner}/{repo}/issues", self._list),
            ("GET", "/repos/{owner}/{repo}/issues/{number}", self._one),
            ("PATCH", "/repos/{owner}/{repo}/issues/{number}", self._update),
            ("GET", "/rate_limit", self._rate),
        ]

    def no_route(self, call: Call, allowed: Sequence[str]) -> Reply:
        return _error(404, "Not Found").reply

    async def gate(self, call: Call) -> None:
        # No User-Agent: refused [trouble]; the text is unverified.
        if not call.headers.get("User-Agent"):
            raise Refusal(Reply(403, "Request forbidden by administrative rules.", content_type="text/html"))
        version = call.headers.get("X-GitHub-Api-Version")
        if version and version not in VERSIONS:
            # 400 for a version that does not exist: [trouble]; the shape is unverified.
            raise _error(400, f"Version {version} is not a supported version.")
        self._authenticate(call)
        self._limit(call)

    def _authenticate(self, call: Call) -> None:
        # Bearer or token: docs.github.com/rest/authentication; the two messages are unverified.
        scheme, _, token = call.headers.get("Authorization", "").partition(" ")
        if not token:
            raise _error(401, "Requires authentication")
        if scheme.lower() not in ("bearer", "token") or token != TOKEN:
            raise _error(401, "Bad credentials")

    def _limit(self, call: Call) -> None:
        now = self.now()
        if call.path != "/rate_limit" and self._primary and not self._primary.take(now):
            # 403 or 429 with x-ratelimit-remaining 0, and nothing else to go by: [limits].
            raise _error(self._refuse_with, "API rate limit exceeded for user ID 1.")
        # A write costs 5 points, a read 1, 900 a minute; 100 at once: [limits], its text on secondary limits.
        cost = 1 if call.method == "GET" else 5
        if self._in_flight >= self._concurrent or (self._points and not self._points.take(now, cost)):
            wait = {} if self._secondary_wait is None else {"Retry-After": str(self._secondary_wait)}
            raise _error(self._refuse_with, "You have exceeded a secondary rate limit. Please wait.", **wait)

    def decorate(self, call: Call, reply: Reply) -> None:
        reply.headers["X-GitHub-Request-Id"] = f"JUDGE:{call.number:06d}"
        if self._primary and reply.status != 401:
            now = self.now()
            # The reset is in UTC epoch seconds: [limits].
            left = self._primary.remaining(now)
            reply.headers.update(
                {
                    "X-RateLimit-Limit": str(self._primary.limit),
                    "X-RateLimit-Remaining": str(left),
                    "X-RateLimit-Used": str(self._primary.limit - left),
                    "X-RateLimit-Reset": str(whole(now + self._primary.resets_in(now))),
                    "X-RateLimit-Resource": "core",
                }
            )

    def _render(self, key: str, issue: dict[str, Json]) -> dict[str, Json]:
        repo = key.rpartition("/")[0]
        number = issue["number"]
        shown = dict(issue)
        shown["id"] = 10_000 + number
        shown["node_id"] = f"I_{number}"
        shown["url"] = f"{self.url}/repos/{repo}/issues/{number}"
        shown["html_url"] = f"https://github.com/{repo}/issues/{number}"
        # Labels come as objects although they are sent as names: [issues].
        shown["labels"] = [{"id": 1, "name": name, "color": "ededed", "default": False} for name in issue["labels"]]
        shown["assignees"] = [{"login": login, "type": "User"} for login in issue["assignees"]]
        shown["assignee"] = shown["assignees"][0] if shown["assignees"] else None
        shown["milestone"] = {"number": issue["milestone"]} if issue["milestone"] else None
        shown["user"] = {"login": "alice", "type": "User"}
        return shown

    def _key(self, call: Call) -> str:
        # Names of owners and repositories do not mind case (unverified).
        key = f"{call.args['owner']}/{call.args['repo']}/{call.args['number']}".lower()
        if key not in self.records:
            # The same 404 where a private repository is hidden: [trouble].
            raise _error(404, "Not Found")
        return key

    async def _rate(self, call: Call) -> Reply:
        return Reply(200, {"resources": {}, "rate": {}})

    async def _one(self, call: Call) -> Reply:
        key = self._key(call)
        return Reply(200, self._render(key, self.shown(key) or {}))

    async def _list(self, call: Call) -> Reply:
        # 30 a page, at most 100, open ones only unless told otherwise: [issues].
        size = min(int(call.query.get("per_page", "30")), 100)
        page = int(call.query.get("page", "1"))
        state = call.query.get("state", "open")
        prefix = f"{call.args['owner']}/{call.args['repo']}/".lower()
        found = [(key, self.shown(key) or {}) for key in self.records if key.startswith(prefix)]
        wanted = [(key, issue) for key, issue in found if state in ("all", issue["state"])]
        wanted.sort(key=lambda pair: pair[1]["number"], reverse=True)
        chosen = wanted[(page - 1) * size : page * size]
        more = f'<{self.url}{call.path}?page={page + 1}&per_page={size}&state={state}>; rel="next"'
        headers = {"Link": more} if len(wanted) > page * size else {}
        return Reply(200, [self._render(key, issue) for key, issue in chosen], headers)

    async def _update(self, call: Call) -> Reply:
        self._in_flight += 1
        try:
            await asyncio.sleep(self._takes_s)
            return self._apply(call)
        finally:
            self._in_flight -= 1

    def _apply(self, call: Call) -> Reply:
        key = self._key(call)
        if "If-Match" in call.headers or "If-Unmodified-Since" in call.headers:
            # No conditions on unsafe methods: [practice]; the answer is quoted in public repositories that tried it.
            text = "Conditional request headers are not allowed in unsafe requests unless supported by the endpoint"
            raise _error(400, "Bad Request", [text])
        changes = self._checked(self._body(call))
        after = {**self.records[key], **changes}
        if after["state"] == self.records[key]["state"]:
            # A reason without a change of state is ignored: [issues].
            after["state_reason"] = self.records[key]["state_reason"]
        if after != self.records[key]:
            after["updated_at"] = stamp(self.now())
        self.write(call, key, after)
        return Reply(200, self._render(key, after))

    def _body(self, call: Call) -> dict[str, Json]:
        try:
            body = call.json()
        except ValueError:
            raise _error(400, "Problems parsing JSON") from None  # [trouble]
        if not isinstance(body, dict):
            raise _error(400, "Body should be a JSON object")  # [trouble]
        return body

    def _checked(self, body: dict[str, Json]) -> dict[str, Json]:
        changes = {}
        for name, value in body.items():
            if name not in _TYPES:
                continue
            self._typed(name, value)
            changes[name] = value
        self._meant(changes)
        return self._permitted(self._plain(changes))

    def _typed(self, name: str, value: Json) -> None:
        allowed = _TYPES[name]
        if not isinstance(value, allowed) or isinstance(value, bool):
            # 422 "Invalid request" for a wrong type: [trouble]; the sentence after it is unverified.
            wanted = " or ".join(_NAMES[each] for each in allowed)
            raise _error(422, f"Invalid request.\n\nFor 'properties/{name}', {value!r} is not {wanted}.")

    def _meant(self, changes: dict[str, Json]) -> None:
        if "title" in changes and not changes["title"]:
            raise _invalid("title", changes["title"], "missing_field")
        if changes.get("state", "open") not in ("open", "closed"):
            raise _invalid("state", changes["state"])
        if changes.get("state_reason") not in _REASONS:
            raise _invalid("state_reason", changes["state_reason"])
        if changes.get("milestone") is not None and int(changes["milestone"]) not in self.milestones:
            raise _invalid("milestone", changes["milestone"])
        for login in [*changes.get("assignees", []), *filter(None, [changes.get("assignee")])]:
            if self.push and login not in USERS:
                raise _invalid("assignees", login)

    def _plain(self, changes: dict[str, Json]) -> dict[str, Json]:
        plain = dict(changes)
        if "labels" in plain:
            # Names or objects with a name; the list replaces the whole set: [issues].
            names = [each["name"] if isinstance(each, dict) else str(each) for each in plain["labels"]]
            plain["labels"] = list(dict.fromkeys(names))
        if "assignee" in plain:
            one = plain.pop("assignee")
            plain.setdefault("assignees", [one] if one else [])
        if plain.get("milestone") is not None:
            plain["milestone"] = int(plain["milestone"])
        if "state" in plain:
            # What it is without a reason is unverified.
            plain.setdefault("state_reason", "completed" if plain["state"] == "closed" else "reopened")
        return plain

    def _permitted(self, changes: dict[str, Json]) -> dict[str, Json]:
        # Without push access these are dropped silently, and the answer is 200: [issues].
        dropped = () if self.push else ("labels", "assignees", "milestone", "type")
        return {name: value for name, value in changes.items() if name not in dropped}
