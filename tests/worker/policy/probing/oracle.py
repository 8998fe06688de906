"""A made-up server with any semantics, in virtual time: it is the judge of what a probe finds."""

import copy
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal
from urllib.parse import parse_qsl

from jobs.apis.described.api import described
from jobs.apis.description.loading import load
from jobs.apis.meanings import Meaning
from jobs.model import MaybeSent, Outcome, Reply, Request
from worker.policy.probing.facts import Fact
from worker.policy.probing.plan import Wanted, planned
from worker.policy.probing.steps import Amend, Answered, Conclude, Propose, Read, Step, Wait, Write
from worker.policy.probing.subject import Subject
from worker.policy.probing.survey import surveyed
from worker.policy.probing.trials import Conversation, conversation

Json = Any
HEADERS = {"content-type": "application/json"}

RECORD: Mapping[str, Json] = {
    "id": "1",
    "title": "old",
    "price": 7,
    "note": "kept",
    "meta": {"a": "1", "b": "2", "deep": {"x": "1", "y": "2"}},
    "updated_at": "t0",
}


@dataclass(frozen=True)
class Semantics:
    """How the server behaves."""

    record: Literal["patch", "put"] = "patch"
    merge: Literal["replace", "shallow", "deep"] = "deep"
    null: Literal["removes", "stores", "refuses", "ignores"] = "removes"
    empty: Literal["stores", "removes", "refuses"] = "stores"
    unknown: Literal["refuse", "drop", "store", "guess"] = "store"
    echo: Literal["whole", "part", "none", "wrapped", "text"] = "whole"
    form: Literal["as sent", "upper", "drop"] = "as sent"
    noop: Literal["ok", "stamps", "error"] = "ok"
    etag: bool = False
    lag: float = 0.0
    wrap: str = ""
    loses: bool = False
    writable: bool = True


@dataclass
class Oracle:
    """One record behind the semantics; `at` is the time, in seconds."""

    semantics: Semantics
    record: dict[str, Json] = field(default_factory=lambda: copy.deepcopy(dict(RECORD)))
    at: float = 100.0
    writes: list[bytes] = field(default_factory=list)
    past: list[tuple[float, dict[str, Json]]] = field(default_factory=list)
    stamps: int = 0

    def answer(self, request: Request) -> Outcome:
        """Answer a request."""
        self.at += 0.01
        return self._read() if request.method == "GET" else self._update(request)

    def _read(self) -> Reply:
        shown = self.record
        for when, before in reversed(self.past):
            if self.at - when < self.semantics.lag:
                shown = before
        return Reply(200, {**HEADERS, **self._tags(shown)}, self._document(shown))

    def _tags(self, record: Mapping[str, Json]) -> dict[str, str]:
        return {"etag": f'"{record["updated_at"]}"'} if self.semantics.etag else {}

    def _document(self, record: Mapping[str, Json]) -> bytes:
        wrap = self.semantics.wrap
        return json.dumps({wrap: record} if wrap else record).encode()

    def _update(self, request: Request) -> Outcome:
        self.writes.append(request.body)
        if not self.semantics.writable:
            return Reply(403, HEADERS, b'{"message": "not yours"}')
        sent = self._sent(request)
        refusal = self._refused(sent)
        if refusal:
            return Reply(422, HEADERS, json.dumps({"errors": [{"field": refusal, "message": "no"}]}).encode())
        before = copy.deepcopy(self.record)
        after = self._merged(before, sent)
        if after == before and self.semantics.noop == "error":
            return Reply(400, HEADERS, b'{"message": "nothing changed"}')
        if after != before or self.semantics.noop == "stamps":
            self.stamps += 1
            after["updated_at"] = f"t{self.stamps}"
        self.past.append((self.at, before))
        self.record = after
        return MaybeSent("reply_lost", "the connection broke") if self.semantics.loses else self._echo(sent)

    def _sent(self, request: Request) -> Json:
        """Return the body as JSON, whatever its form."""
        if request.body[:1] not in b"{[":
            sent: Json = {}
            for name, text in parse_qsl(request.body.decode(), keep_blank_values=True):
                first, *inner = name.replace("]", "").split("[")
                held = sent
                for outer, step in zip([first, *inner], inner, strict=False):
                    held, first = held.setdefault(outer, {}), step
                held[first] = text
            return sent
        document = json.loads(request.body)
        return document if isinstance(document, dict) else json_patch({}, self.record, document)

    def _refused(self, sent: Json) -> str:
        if self.semantics.unknown == "refuse":
            for name in sent:
                if name not in RECORD:
                    return str(name)
        if self.semantics.null == "refuses" and _holds(sent, None):
            return "null"
        return "empty" if self.semantics.empty == "refuses" and _holds(sent, "") else ""

    def _merged(self, before: Json, sent: Json) -> dict[str, Json]:
        if self.semantics.unknown == "guess":
            sent = {name if name in RECORD else name.lower(): value for name, value in sent.items()}
        known = {name: value for name, value in sent.items() if self.semantics.unknown == "store" or name in RECORD}
        base = dict(before) if self.semantics.record == "patch" else {"id": "1", "updated_at": before["updated_at"]}
        depth = {"replace": 0, "shallow": 1, "deep": 9}[self.semantics.merge]
        for name, value in known.items():
            if name not in ("id", "updated_at"):
                self._set(base, name, self._laid(before.get(name), value, depth))
        return base

    def _laid(self, old: Json, new: Json, depth: int) -> Json:
        if not isinstance(new, dict):
            return self._formed(old, new)
        base = dict(old) if depth > 0 and isinstance(old, dict) else {}
        inner = old if isinstance(old, dict) else {}
        for name, value in new.items():
            self._set(base, name, self._laid(inner.get(name), value, depth - 1))
        return base

    def _set(self, base: dict[str, Json], name: str, value: Json) -> None:
        if value is None and self.semantics.null == "removes":
            base.pop(name, None)
        elif value is None and self.semantics.null == "ignores":
            return
        elif value == "" and self.semantics.empty == "removes":
            base.pop(name, None)
        else:
            base[name] = value

    def _formed(self, old: Json, new: Json) -> Json:
        if isinstance(new, str) and new.startswith("made up"):
            return {"as sent": new, "upper": new.upper(), "drop": old}[self.semantics.form]
        return new

    def _echo(self, sent: Json) -> Reply:
        match self.semantics.echo:
            case "none":
                return Reply(204, {})
            case "part":
                return Reply(200, HEADERS, self._document({"id": "1", **{n: self.record.get(n) for n in sent}}))
            case "wrapped":
                return Reply(200, HEADERS, json.dumps({"ok": True, "item": self.record}).encode())
            case "text":
                return Reply(200, {"content-type": "text/plain"}, b"OK")
        return Reply(200, HEADERS, self._document(self.record))


def json_patch(sent: Json, record: Json, operations: Json) -> Json:
    """Return the members that a JSON Patch leaves changed, as whole outermost ones; null for those it removes."""
    after = copy.deepcopy(record)
    for each in operations:
        *way, last = each["path"].split("/")[1:]
        held = after
        for step in way:
            held = held[step]
        if each["op"] == "remove":
            del held[last]
        else:
            held[last] = each["value"]
        top = each["path"].split("/")[1]
        sent[top] = after.get(top)
    return sent


def _holds(value: Json, wanted: Json) -> bool:
    if isinstance(value, dict):
        return any(_holds(each, wanted) for each in value.values())
    return value is wanted if wanted is None else bool(value == wanted)


PLAIN = """
name = "oracle"
settle_s = 1.0
[auth]
type = "none"
[resources.things]
path = "/things/{id}"
"""


def subject_of(text: str = PLAIN, key: str = "1") -> Subject:
    return Subject(described(load(text, "oracle.toml"), {}, "https://api.example"), "things", key)


@dataclass
class Held:
    """What a probe came to."""

    facts: dict[str, Fact]
    conversation: Conversation
    steps: list[Step]
    results: dict[int, str]


def probed(oracle: Oracle, wanted: Wanted, subject: Subject | None = None, *, yes: int = 99, waits: int = 9999) -> Held:
    """Hold a whole conversation; the user agrees so many times."""
    subject = subject or subject_of()
    first = surveyed(subject, _asked(oracle, subject, subject.read()))
    assert first.reading is not None
    rows = planned(first.subject, first.reading, wanted)
    talk = conversation(first.subject, first.reading, wanted, rows, first.facts)
    steps, results = converse(talk, oracle, yes=yes, waits=waits)
    facts = {each.name: each for each in talk.facts}
    assert len(facts) == len(talk.facts)  # none is told twice
    return Held(facts, talk, steps, results)


def converse(
    talk: Conversation, oracle: Oracle, *, yes: int = 99, waits: int = 9999
) -> tuple[list[Step], dict[int, str]]:
    """Answer every step of a conversation by the oracle; the user wants an end after so many waits."""
    run, steps = talk.run(), list[Step]()
    answer: Any = None
    results: dict[int, str] = {}
    while True:
        try:
            step = run.send(answer)
        except StopIteration:
            return steps, results
        steps.append(step)
        answer = None
        match step:
            case Propose():
                answer, yes = yes > 0, yes - 1
            case Read(request) | Write(_, request):
                answer = _asked(oracle, talk.channel.subject, request)
            case Wait(seconds, patient):
                oracle.at += seconds
                waits -= not patient
                answer = waits >= 0 or patient
            case Conclude(row, settle):
                assert row not in results
                results[row] = settle.reason
            case Amend():
                pass


def _asked(oracle: Oracle, subject: Subject, request: Request) -> Answered:
    asked = oracle.at
    outcome = oracle.answer(request)
    meaning = Meaning.UNANSWERED if isinstance(outcome, MaybeSent) else subject.api.meaning(request, outcome)
    return Answered(outcome, meaning, asked, oracle.at)
