"""The imaginary API itself: a request and the time go in, an answer comes out, and the ledger knows what took effect.

What a record holds is kept in one plain form, whatever its form on the wire: labels are a list of texts, `props` an
object by key, `due` a text of ISO 8601. The judge reads that form; `wire` turns it into what requests and replies hold.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass, field
from random import Random
from typing import Any, Final
from urllib.parse import parse_qsl, unquote, urlsplit

from tests.system.simulation.described import wire
from tests.system.simulation.described.world import FIELDS, Limit, World
from tests.system.vendors.base import PatchFailed, json_patch

Key = tuple[str, ...]
Values = dict[str, Any]

HIDDEN: Final = ("pin", "ping")
"""Fields that no read shows."""


@dataclass(frozen=True, slots=True)
class State:
    """What a record holds."""

    values: Values
    version: int
    locked: bool = False


@dataclass(frozen=True, slots=True)
class Landing:
    """A change that took effect.

    Attributes:
        entry: number of the request, 0 for what somebody else did.
        fired: it set off the action.
        named: fields that the request named.
    """

    at: float
    key: Key
    entry: int
    before: Values
    after: Values
    fired: bool = False
    named: tuple[str, ...] = ()


@dataclass(slots=True)
class Entry:
    """One request, and what became of it.

    Attributes:
        process: number of the program's process that sent it. `flight`: position among the updates on the wire.
        kind: `read`, `update`, `find`, `token` or empty.
        place: its path with the names of variables.
        builds_on: version that an update says it builds on.
        done: when it was answered.
    """

    n: int
    at: float
    method: str
    target: str
    process: int
    kind: str = ""
    place: str = ""
    keys: tuple[Key, ...] = ()
    status: int = 0
    fault: str = ""
    flight: int | None = None
    builds_on: str | None = None
    once: str = ""
    done: float | None = None

    def is_under_way(self, at: float) -> bool:
        """Return whether it has arrived and is not answered yet."""
        return self.at <= at < (self.at if self.done is None else self.done)


@dataclass(frozen=True, slots=True)
class Answer:
    """What the server says; `cut`: only a part of it. `reset`: nothing at all."""

    status: int
    body: Any = None
    headers: Mapping[str, str] = field(default_factory=dict)
    text: str | None = None
    cut: bool = False
    reset: bool = False

    def content(self) -> bytes:
        """Return the bytes of the body."""
        if self.text is not None:
            return self.text.encode()
        return b"" if self.body is None else json.dumps(self.body).encode()


class Refused(Exception):
    """A request that is not carried out; carries the answer."""

    def __init__(self, answer: Answer) -> None:
        super().__init__(answer.status)
        self.answer = answer


def error(status: int, code: str, message: str, where: str = "", **headers: str) -> Answer:
    """Return a failure in the form that the description tells of."""
    item = {"code": code, "message": message, **({"field": where} if where else {})}
    return Answer(status, {"ok": False, "code": code, "message": message, "errors": [item]}, headers)


_PAGE: Final = Answer(200, text="<html>Welcome</html>")

_UNTOUCHED: Final[Mapping[str, Answer]] = {
    "reset-before": Answer(0, reset=True),
    "500-before": error(500, "broken", "something went wrong"),
    "busy": error(503, "busy", "come again"),
    "throttle": Answer(429),
}
"""Answers to updates that are not carried out; how the server asks to slow down is a matter of the world."""

_LATE: Final[Mapping[str, Answer]] = {
    "504-late": error(504, "slow", "no answer in time"),
    "late": Answer(0, reset=True),
}
"""Answers to updates that are carried out later."""


@dataclass(slots=True)
class Credentials:
    """What the server takes as authorisation."""

    world: World
    number: int = 1
    ends: float | None = None
    issued: int = 0

    def expected(self) -> dict[str, str]:
        """Return the header that a request must have."""
        match self.world.auth:
            case "basic":
                return {"Authorization": wire.basic("user", f"password-{self.number}")}
            case "api_key":
                return {"X-Key": f"Key secret-{self.number}"}
            case "none":
                return {}
            case _:
                return {"Authorization": f"Bearer secret-{self.number}"}

    def issue(self, body: bytes, now: float) -> Answer:
        """Answer a request for a token."""
        try:
            asked = json.loads(body)
        except ValueError:
            asked = {}
        if asked.get("client_id") != "client" or asked.get("client_secret") != "hush":
            return error(401, "invalid_client", "who is that?")
        self.issued += 1
        if self.ends is not None and now >= self.ends - 1:
            self.number, self.ends = self.number + 1, None
        life = self.world.token_life
        if life is not None and self.ends is None:
            self.ends = now + life
        granted: dict[str, Any] = {"access_token": f"secret-{self.number}", "token_type": "bearer"}
        if self.ends is not None:
            granted["expires_in"] = int(self.ends - now)
        return Answer(200, granted)

    def check(self, headers: Mapping[str, str], now: float) -> None:
        """Refuse a request without a valid credential."""
        old = self.ends is not None and now >= self.ends
        for name, value in self.expected().items():
            if headers.get(name) != value or old:
                challenge = {"WWW-Authenticate": 'Bearer error="invalid_token"'}
                answer = error(401, "invalid_token", "the credential is not valid")
                raise Refused(Answer(401, answer.body, challenge if self.world.auth in {"bearer", "oauth2"} else {}))


class Api:
    """The server without a socket.

    Args:
        world: how it behaves.
        records: what it holds at first.
        dice: decide which requests something befalls.
    """

    def __init__(self, world: World, records: Mapping[Key, Values], dice: Random) -> None:
        self.world = world
        self.records = {key: State(deepcopy(values), 1) for key, values in records.items()}
        self.past: dict[Key, list[tuple[float, State]]] = {key: [(-1e9, state)] for key, state in self.records.items()}
        self.ledger: list[Entry] = []
        self.landings: list[Landing] = []
        self.credentials = Credentials(world)
        self.failing_until = -1.0
        self.is_calm = False
        self._dice = dice
        self._pending: list[tuple[float, int, Callable[[float], object]]] = []
        self._arrivals: dict[tuple[int, str], list[float]] = {}
        self._once: dict[str, tuple[tuple[str, str, bytes], Answer]] = {}

    def answer(self, entry: Entry, headers: Mapping[str, str], body: bytes, now: float) -> Answer:
        """Carry out a request, as far as its fate lets it."""
        self.land(now)
        self.ledger.append(entry)
        entry.n = len(self.ledger)
        try:
            answer = self._answered(entry, headers, body, now)
        except Refused as refused:
            answer = refused.answer
        entry.status = 0 if answer.reset else answer.status
        return self._with_limits(answer, now)

    def land(self, now: float) -> None:
        """Let everything take effect that was accepted for a moment that has come."""
        while self._pending and self._pending[0][0] <= now:
            at, _, work = self._pending.pop(0)
            work(at)

    def write(
        self, key: Key, values: Values, at: float, entry: int = 0, *, fired: bool = False, named: Sequence[str] = ()
    ) -> None:
        """Change a record, and remember it."""
        before = self.records[key]
        if values != before.values:
            self.records[key] = State(deepcopy(values), before.version + 1, before.locked)
            self.past[key].append((at, self.records[key]))
        self.landings.append(Landing(at, key, entry, deepcopy(before.values), deepcopy(values), fired, tuple(named)))

    def lock(self, keys: Sequence[Key], *, locked: bool) -> None:
        """Lock records, or unlock them."""
        for key in keys:
            state = self.records[key]
            self.records[key] = State(state.values, state.version, locked)

    def shown(self, key: Key, now: float) -> State | None:
        """Return a record as a read shows it: late, where reads lag."""
        if key not in self.records:
            return None
        return next(state for at, state in reversed(self.past[key]) if at <= now - self.world.reads_lag)

    # requests

    def _answered(self, entry: Entry, headers: Mapping[str, str], body: bytes, now: float) -> Answer:
        parts = urlsplit(entry.target)
        query = dict(parse_qsl(parts.query, keep_blank_values=True))
        self._route(entry, parts.path)
        if entry.kind == "token":
            return self.credentials.issue(body, now)
        if entry.kind == "read" and entry.place == self.world.list_path:
            entry.keys = self._asked(entry, parts.path, parts.query, body)
        entry.once = headers.get("X-Once", "")
        if now < self.failing_until:
            entry.fault = "failing"
            return error(500, "broken", "something went wrong")
        self.credentials.check(headers, now)
        self._check_limits(entry, now)
        if entry.kind == "update":
            return self._updated(entry, headers, query, body, now)
        if not self.is_calm and self._dice.random() < self.world.faults.reads:
            entry.fault = self._dice.choice(("reset", "500", "throttle"))
            if entry.fault == "reset":
                return Answer(0, reset=True)
            return self._throttled() if entry.fault == "throttle" else error(500, "broken", "something went wrong")
        return self._read(entry, query, body, now)

    def _route(self, entry: Entry, path: str) -> None:
        """Say what a request is about."""
        if path == "/token":
            entry.kind = "token"
            return
        world, edits = self.world, path.startswith("/edit/")
        steps = [unquote(step) for step in path.removeprefix("/edit").split("/")[1:]]
        scoped = "space" in world.key
        head = 3 if scoped else 1
        shape = "/edit" if edits else ""
        if entry.method == world.method and edits == world.own_path and len(steps) == head + 1 and steps[-1] != "batch":
            entry.kind, entry.place = "update", world.update_path
            entry.keys = ((steps[1], steps[3]) if scoped else (steps[1],),)
        elif entry.method == "GET" and not shape and len(steps) == head + 1:
            entry.kind, entry.place = "read", world.path
            entry.keys = ((steps[1], steps[3]) if scoped else (steps[1],),)
        elif not shape and len(steps) == head and entry.method == "GET":
            finds = world.finds and "code=" in entry.target
            entry.kind, entry.place = ("find" if finds else "read"), world.list_path
        elif not shape and steps[-1] == "batch" and entry.method == "POST":
            entry.kind, entry.place = "read", world.list_path
        else:
            raise Refused(error(404, "no_route", f"there is nothing at {path}"))

    def _asked(self, entry: Entry, path: str, query: str, body: bytes) -> tuple[Key, ...]:
        """Return the records that a page is asked for."""
        world, given = self.world, parse_qsl(query, keep_blank_values=True)
        if world.many == "post":
            ids = [str(each["id"]) for each in json.loads(body)["inputs"]]
        elif world.many == "list":
            ids = [value for name, value in given if name == "ids[]"]
        else:
            texts = next((value for name, value in given if name == "ids"), "").split(",")
            if not all(each.startswith("=") for each in texts):
                raise Refused(error(400, "bad_filter", "each id begins with ="))
            ids = [each.removeprefix("=") for each in texts]
        if len(ids) > world.max_ids:
            raise Refused(error(400, "too_many", "too many ids"))
        space = (unquote(path.split("/")[2]),) if "space" in world.key else ()
        return tuple((*space, each) for each in ids)

    def _read(self, entry: Entry, query: Mapping[str, str], body: bytes, now: float) -> Answer:
        world = self.world
        if entry.kind == "find":
            return Answer(200, {"found": self._found(query["code"], now)})
        if entry.place == world.list_path:
            cap = world.page_cap or len(entry.keys)
            only = self._only(query.get("only") if world.many != "post" else json.loads(body).get("only"))
            states = [(key, self.shown(key, now)) for key in entry.keys]
            there = [wire.record(world, key, state, only) for key, state in states if state is not None]
            return Answer(200, {"page": {"all": there[:cap]}})
        (key,) = entry.keys
        state = self.shown(key, now)
        if state is None:
            return error(404, "missing", "there is no such thing")
        shown = wire.record(world, key, state, self._only(query.get("only")))
        headers = {"ETag": f'"v{state.version}"'} if world.versions == "etag" else {}
        return Answer(200, wire.placed(world.record, shown), headers)

    def _only(self, asked: object) -> frozenset[str] | None:
        """Return the fields that a read is to show; None for all."""
        if not self.world.sparse:
            return None
        names = asked if isinstance(asked, list) else str(asked or "").split(",")
        listed = {str(name).removeprefix("/") for name in names}
        return frozenset(
            name
            for name in (*FIELDS, "code")
            if name in listed or any(each.replace(".", "/").split("/")[0] == name for each in listed)
        )

    def _found(self, code: str, now: float) -> list[Any]:
        """Return what a search shows: whatever looks alike in any case."""
        states = [(key, self.shown(key, now)) for key in self.records]
        return [
            wire.record(self.world, key, state, None)
            for key, state in states
            if state is not None and str(state.values.get("code", "")).lower() == code.lower()
        ]

    def _check_limits(self, entry: Entry, now: float) -> None:
        """Refuse what comes too fast."""
        for number, limit in enumerate(self.world.limits):
            if limit.on not in {"all", "update" if entry.kind == "update" else "read"}:
                continue
            for scope in scopes(self.world, limit, entry):
                times = self._arrivals.setdefault((number, scope), [])
                times[:] = [at for at in times if at > now - limit.seconds]
                if len(times) >= limit.requests:
                    entry.fault = "limit"
                    raise Refused(self._throttled(limit.seconds))
                times.append(now)

    def _throttled(self, seconds: float = 1.0) -> Answer:
        match self.world.throttle:
            case "429":
                return error(429, "too_fast", "slow down", **{"Retry-After": f"{max(1, round(seconds))}"})
            case "429-bare":
                return error(429, "too_fast", "slow down")
            case "403-code":
                return error(403, "too_fast", "slow down")
            case _:
                return error(200, "too_fast", "slow down")

    def _with_limits(self, answer: Answer, now: float) -> Answer:
        world = self.world
        if not (world.tells_limits and world.limits):
            return answer
        limit = world.limits[0]
        times = [at for at in self._arrivals.get((0, ""), []) if at > now - limit.seconds]
        again = (times[0] + limit.seconds - now) * 1000 if times else 0.0
        told = {"X-Most": f"{limit.requests}", "X-Left": f"{limit.requests - len(times)}", "X-Again": f"{again:.0f}"}
        return Answer(answer.status, answer.body, {**answer.headers, **told}, answer.text, answer.cut, answer.reset)

    # updates

    def _updated(
        self, entry: Entry, headers: Mapping[str, str], query: Mapping[str, str], body: bytes, now: float
    ) -> Answer:
        seen = self._once.get(entry.once) if entry.once and self.world.idempotency else None
        fingerprint = entry.method, entry.target, body
        if seen is not None:
            if seen[0] != fingerprint:
                entry.fault = "key reused"
                return error(400, "key_reused", "another request had this key")
            entry.fault = "replayed" if seen[1].status < 300 else "replayed failure"
            return seen[1]
        answer = self._fated(entry, headers, query, body, now)
        stored = answer.status < 300 or (answer.status >= 500 and self.world.stores_failures)
        if entry.once and stored and answer.status != 503 and not answer.text:
            self._once[entry.once] = fingerprint, Answer(answer.status, answer.body, answer.headers)
        return answer

    def _fated(
        self, entry: Entry, headers: Mapping[str, str], query: Mapping[str, str], body: bytes, now: float
    ) -> Answer:
        """Carry out an update as its fate wants it."""

        def carried_out(at: float = now) -> Answer:
            try:
                return self._carried_out(entry, headers, query, body, at)
            except Refused as refused:
                return refused.answer
            except wire.Wrong as wrong:
                return error(wrong.status, wrong.code, str(wrong), wrong.where)

        entry.fault = fault = self._fault()
        if fault in _UNTOUCHED:
            return self._throttled() if fault == "throttle" else _UNTOUCHED[fault]
        if fault in _LATE:
            self._later(now + self.world.late * (0.2 + 0.8 * self._dice.random()), carried_out)
            return _LATE[fault]
        if fault == "page" and self._dice.random() < 0.5:
            return _PAGE
        answer = carried_out()
        return _PAGE if fault == "page" else _disguised(fault, answer, entry) if fault else answer

    def _fault(self) -> str:
        faults = self.world.faults
        if self.is_calm or not faults.kinds or self._dice.random() >= faults.updates:
            return ""
        return self._dice.choice(faults.kinds)

    def _later(self, at: float, work: Callable[[float], object]) -> None:
        self._pending.append((at, len(self.ledger), work))
        self._pending.sort(key=lambda each: each[:2])

    def _carried_out(
        self, entry: Entry, headers: Mapping[str, str], query: Mapping[str, str], body: bytes, now: float
    ) -> Answer:
        (key,) = entry.keys
        if key not in self.records:
            raise Refused(error(404, "missing", "there is no such thing"))
        state = self.records[key]
        if state.locked:
            raise Refused(error(423, "locked", "the thing is locked"))
        given = self._understood(key, state, headers, body)
        version = self._version_named(headers, query, given)
        entry.builds_on = version
        self._check_version(version, state)
        masked = self._masked(query, given.fields)
        after, fired = wire.merged(self.world, state.values, masked)
        self.write(key, after, now, entry.n, fired=fired, named=tuple(masked))
        return self._echo(key, tuple(masked))

    def _understood(self, key: Key, state: State, headers: Mapping[str, str], body: bytes) -> wire.Given:
        """Return what a body asks for."""
        expected = wire.CONTENT_TYPES[self.world.format]
        if headers.get("Content-Type", "").partition(";")[0].strip() != expected:
            raise Refused(error(415, "content_type", f"it takes {expected}"))
        if self.world.format == "json_patch":
            return self._patched(key, state, json.loads(body))
        return wire.given(self.world, key, body)

    def _patched(self, key: Key, state: State, operations: Any) -> wire.Given:
        """Return what a JSON Patch of the record asks for."""
        document = wire.record(self.world, key, state, None)
        try:
            patched = json_patch(document, operations)
        except PatchFailed as failed:
            raise wire.Wrong(f"{failed}", status=409 if "test" in str(failed) else 422) from None
        return wire.difference(self.world, document, patched)

    def _version_named(self, headers: Mapping[str, str], query: Mapping[str, str], given: wire.Given) -> str | None:
        match self.world.versions:
            case "etag":
                text = headers.get("If-Match")
                return None if text is None else text.removeprefix('"v').removesuffix('"')
            case "member":
                text = headers.get("If-Match")
                return None if text is None else text.strip('"')
            case "body":
                return None if given.version is None else str(given.version)
            case "query":
                return query.get("version")
            case _:
                return None

    def _check_version(self, version: str | None, state: State) -> None:
        world = self.world
        if version is None and world.versions and world.needs_version:
            raise Refused(error(428, "no_version", "say which version it builds on"))
        if version is not None and version != str(state.version):
            raise Refused(error(world.conflict, "old_version", "the thing has changed"))

    def _masked(self, query: Mapping[str, str], fields: Mapping[str, Any]) -> Mapping[str, Any]:
        """Return what counts of a body: what the mask names; what it names and the body does not hold is cleared."""
        if not self.world.mask:
            return fields
        named = [each for each in query.get("fields", "").split(",") if each]
        tops = {name for name in (*fields, *FIELDS) for each in named if each.removeprefix("/").split("/")[0] == name
                or each.removeprefix("/").split(".")[0] == name}  # fmt: skip
        return {name: fields.get(name) for name in tops if name in fields or name in FIELDS}

    def _echo(self, key: Key, named: tuple[str, ...]) -> Answer:
        world, state = self.world, self.records[key]
        headers = {"ETag": f'"v{state.version}"'} if world.versions == "etag" else {}
        place = world.record if world.echo_at is None else world.echo_at
        match world.echo:
            case "204":
                return Answer(204, None, headers)
            case "none":
                return Answer(200, {"ok": True}, headers)
            case "partial":
                only = frozenset("owner" if name == "owner_name" else name for name in named)
                return Answer(200, wire.placed(place, wire.record(world, key, state, only)), headers)
            case _:
                return Answer(200, wire.placed(place, wire.record(world, key, state, None)), headers)


def _disguised(fault: str, answer: Answer, entry: Entry) -> Answer:
    """Return how a fault hides what has been carried out, or refused."""
    if answer.status >= 400 and fault != "reset-after":
        entry.fault = ""
        return answer
    match fault:
        case "reset-after":
            return Answer(answer.status, answer.body, answer.headers, reset=True)
        case "500-after":
            return error(500, "broken", "something went wrong")
        case "408-after":
            return error(408, "slow", "that took long")
        case "202":
            return Answer(202, {"accepted": True})
        case _:  # cut
            return Answer(answer.status, answer.body, answer.headers, cut=True)


def scopes(world: World, limit: Limit, entry: Entry) -> tuple[str, ...]:
    """Return whose limit a request counts for; empty for nobody's."""
    match limit.per:
        case "credential":
            return ("",)
        case "path":
            return ("update" if entry.kind == "update" else "read",)  # there is one type of records
        case "record":
            return tuple("/".join(key) for key in entry.keys) if entry.place != world.list_path else ()
        case _:
            return tuple({key[0] for key in entry.keys})
