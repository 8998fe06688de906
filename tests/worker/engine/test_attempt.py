"""The attempt loop over scripted outcomes: what is sent when, what the journal is told, and how the row ends."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jobs.apis.api import Resource
from jobs.apis.auth import Permit
from jobs.apis.described.meaning import compiled
from jobs.apis.described.meaning import meaning_of as meaning_by_rules
from jobs.apis.description.model import ErrorPlaces, ErrorRule
from jobs.apis.documents import MEDIA_TYPE
from jobs.apis.limits import RECORD, DeclaredLimit
from jobs.apis.meanings import Meaning
from jobs.apis.schema import Schema
from jobs.changes.diff import Change, as_written
from jobs.model import Live, MaybeSent, NotSent, Outcome, Reply, Request, RowRef, Status, UpdateJob
from tests.commerce_layer import COMMERCE_LAYER, meaning_of, update_request
from tests.virtual_time import run
from tests.worker.lane.scripted import Server, Token
from worker.clock import Clock, Moment
from worker.engine.attempt import (
    INTERRUPTED,
    MAX_REREADS,
    AttemptLoop,
    Ending,
    IdempotencyKeys,
    Judged,
    NeedsReadBack,
    Rerouted,
)
from worker.journal import JournalError
from worker.lane.authority import Headers
from worker.lane.exchange import Exchange
from worker.pacing.gates import Gates, Rules
from worker.pacing.limiter import Limiter
from worker.policy.lifecycle import State
from worker.policy.pace import Pace, Window
from worker.policy.row import MAX_READ_AGE_S, InFlightRow
from worker.policy.scopes import ScopedWindows
from worker.policy.verdict import ReadBack, Settle
from worker.settings import Attempts
from worker.stop import Stop

JSON = {"content-type": "application/json"}
REF = RowRef(1, 2, b"")
SAFE = UpdateJob(REF, "skus", "AAA", {"reference": "r"})
ACTION = UpdateJob(REF, "orders", "AAA", {"reference": "r"}, triggers={"_capture": True})
DONE = Reply(200, JSON, b'{"data": {"type": "skus", "id": "AAA", "attributes": {"reference": "r"}}}')
STALE_TOKEN = Reply(401, JSON, b'{"errors": [{"code": "INVALID_TOKEN"}]}')
LIMIT = Reply(403, JSON, b'{"error": {"code": "rateLimitExceeded"}}')
LOST = MaybeSent("reply_lost", "the connection broke")
NOWHERE = NotSent("cannot connect")
AFTER_3 = {"retry-after": "3"}
FEW = Attempts(max_attempts=3, throttles=3, base=1.0, cap=4.0)


class Updates(Server):
    """Takes nothing but updates."""

    async def send(self, request: Request, headers: Headers, within: float | None = None) -> Outcome:
        assert request.method == "PATCH"
        fields = dict(headers.fields)
        assert fields["Content-Type"] == fields["Accept"] == "application/vnd.api+json"
        return await super().send(request, headers, within)


@dataclass
class Notes:
    """The journal as far as the loop writes in it."""

    fails: bool = False
    on_intent: Callable[[], None] = lambda: None
    lines: list[str] = field(default_factory=list)

    async def intend(self, row: int, attempt: int, wall: float, image: Any) -> None:
        if self.fails:
            raise JournalError("the disk is full")
        self.lines.append(f"intend {attempt}" + (" imaged" if image else ""))
        self.on_intent()

    def withdraw(self, row: int, attempt: int) -> None:
        self.lines.append(f"withdraw {attempt}")

    def note(self, row: int, attempt: int, outcome: str) -> None:
        self.lines.append(f"{outcome} {attempt}")


@dataclass
class Records:
    """What the loop asks about a record, and the answers; `meanwhile` is called with each reading."""

    found: Settle | ReadBack | None = None
    awake: Sequence[bool] = (True,)
    meanwhile: Callable[[InFlightRow], None] = lambda _: None
    rechecks: int = 0
    probes: int = 0

    def is_stale(self, row: InFlightRow) -> bool:
        return row.live is not None and asyncio.get_running_loop().time() - row.read_at.loop > MAX_READ_AGE_S

    async def freshen(self, row: InFlightRow) -> None:
        await self.again(row)

    async def again(self, row: InFlightRow) -> None:
        self.rechecks += 1
        row.verdict = self.found
        self.meanwhile(row)

    async def answers(self, row: InFlightRow) -> bool:
        self.probes += 1
        self.meanwhile(row)
        return self.awake[min(self.probes, len(self.awake)) - 1]


@dataclass
class Scene:
    """One row, and all that is looked at afterwards."""

    server: Updates
    job: UpdateJob = SAFE
    token: Token = field(default_factory=Token)
    notes: Notes = field(default_factory=Notes)
    records: Records = field(default_factory=Records)
    stop: Stop = field(default_factory=Stop)
    limits: Attempts = FEW
    gives_way: bool = False
    gates: Gates | None = None
    keys: IdempotencyKeys | None = None
    meaning: Callable[[Request, Outcome], Meaning] = meaning_of
    api: Any = COMMERCE_LAYER

    def __post_init__(self) -> None:
        self.clock = Clock(sample=lambda: 0.5, wall=lambda: 0.0)
        self.limiter = Limiter(Pace(max_in_flight=4, discover=False), self.clock, self.stop)
        self.row = InFlightRow(self.job, self.job.type)
        change = as_written(self.job)
        self.row.take(replace(change, edits=tuple(replace(edit, before="old") for edit in change.edits)))

    async def send(self, *, admitted: bool = False) -> Ending:
        exchange = Exchange(
            self.server,  # type: ignore[arg-type]  # all that is used of it
            self.limiter,
            self.token,
            self.meaning,
            self.limits.retrying,
            self.clock,
            self.stop,
            {"Accept": MEDIA_TYPE, "Content-Type": MEDIA_TYPE},
            gates=self.gates,
            gives_way=self.gives_way,
        )
        loop = AttemptLoop(self.api, exchange, self.notes, self.records, self.keys)  # type: ignore[arg-type]  # all that is used of it
        ending = await loop.run(self.row, admitted=admitted)
        assert self.limiter.pace.in_flight == 0
        assert loop.retries == max(0, self.row.attempts - 1)
        return ending


def told(ending: Ending) -> str:
    match ending:
        case Judged(settle):
            return f"{settle.status} {settle.reason}".strip()
        case NeedsReadBack(question):
            return f"read back: {question.reason}"
        case Rerouted(status):
            return f"reroute {status}"
    assert ending is INTERRUPTED
    return "left"


@pytest.mark.parametrize(
    ("outcomes", "ends", "asked", "lines"),
    [
        ([DONE], "applied", [0], ["intend 1 imaged"]),
        ([NOWHERE, DONE], "applied", [0, 0.5], ["intend 1 imaged", "safe 1", "intend 2"]),
        ([NOWHERE], "failed unreachable", [0, 0.5, 1.5], None),
        (
            [LOST, DONE],
            "applied resent",
            [0, 0.5],
            ["intend 1 imaged", "reply_lost 1", "intend 2"],
        ),
        (
            [LOST, NOWHERE],
            "read back: reply_lost",
            [0, 0.5, 1.5],
            ["intend 1 imaged", "reply_lost 1", "intend 2", "safe 2", "intend 3"],
        ),
        ([LOST], "read back: reply_lost", [0, 0.5, 1.5], None),
        ([Reply(500, {})], "read back: server_error", [0, 0.5, 1.5], None),
        ([Reply(520, {}), DONE], "applied resent", [0, 0.5], None),
        ([Reply(101, {}), DONE], "applied resent", [0, 0.5], None),
        ([Reply(429, AFTER_3), DONE], "applied", [0, 3], ["intend 1 imaged", "safe 1", "intend 2"]),
        ([Reply(429, AFTER_3)], "failed throttled", [0, 3, 6], None),
        ([LIMIT, DONE], "applied", [0, 1], None),
        ([Reply(425, {}), DONE], "applied", [0, 1], None),
        ([Reply(408, {}), DONE], "applied resent", [0, 1], ["intend 1 imaged", "timed_out 1", "intend 2"]),
        ([Reply(423, AFTER_3), DONE], "applied", [0, 3], ["intend 1 imaged", "safe 1", "intend 2"]),
        ([Reply(423, AFTER_3)], "rejected locked", [0, 3, 6], None),
        ([Reply(503, AFTER_3), DONE], "applied resent", [0, 3], ["intend 1 imaged", "server_error 1", "intend 2"]),
        ([Reply(503, AFTER_3)], "read back: server_error", [0, 3, 6, 10, 18], None),  # as failures, in the end
        ([Reply(429, AFTER_3), LOST, Reply(429, AFTER_3), LOST, DONE], "applied resent", [0, 3, 3.5, 6.5, 7.5], None),
        ([STALE_TOKEN, DONE], "applied", [0, 0], ["intend 1 imaged", "safe 1", "intend 2"]),
        (
            [replace(STALE_TOKEN, headers={**JSON, **AFTER_3}), DONE],
            "applied",
            [0, 3],
            ["intend 1 imaged", "safe 1", "intend 2"],
        ),
        ([Reply(302, {})], "rejected redirected", [0], ["intend 1 imaged"]),
        ([Reply(404, {})], "rejected not_found", [0], None),
        ([Reply(401, {})], "rejected not_authorized", [0], None),
        ([Reply(202, {})], "read back: accepted", [0], ["intend 1 imaged"]),
        ([Reply(204, {})], "read back: unverified", [0], ["intend 1 imaged"]),
    ],
)
def test_what_is_sent_when_and_what_the_journal_knows(
    outcomes: list[Outcome], ends: str, asked: list[float], lines: list[str] | None
) -> None:
    scene = Scene(Updates(outcomes))
    assert told(run(scene.send())) == ends
    assert scene.server.asked == asked
    assert scene.row.attempts == len(asked)
    assert lines is None or scene.notes.lines == lines
    assert not scene.stop.reason


@pytest.mark.parametrize(
    ("outcome", "ends"),
    [
        (Reply(429, AFTER_3), "failed throttled"),  # certainly nothing was done: sent again
        (NOWHERE, "failed unreachable"),
        (Reply(423, AFTER_3), "rejected locked"),
        (Reply(408, {}), "read back: timed_out"),
        (Reply(425, {}), "read back: server_error"),
        (Reply(503, AFTER_3), "read back: server_error"),
        (LOST, "read back: reply_lost"),
    ],
)
def test_an_action_is_sent_again_only_after_what_had_no_effect(outcome: Outcome, ends: str) -> None:
    scene = Scene(Updates([outcome]), ACTION)
    assert told(run(scene.send())) == ends
    assert scene.row.attempts == (3 if ends.startswith("failed") else 1)


@pytest.mark.parametrize(
    ("scene", "ends", "sent", "reason", "message", "lines"),
    [
        (
            Scene(Updates([Reply(429, {"retry-after": "901"})])),
            "left", 1, "parked", "a pause of 901 s", ["intend 1 imaged", "safe 1"],
        ),
        (
            Scene(Updates([Reply(503, {"retry-after": "901"})])),
            "left", 1, "parked", "a pause of 901 s", ["intend 1 imaged", "server_error 1"],
        ),
        (Scene(Updates([Reply(503, {"retry-after": "901"})]), ACTION), "read back: server_error", 1, "", "", None),
        (Scene(Updates([Reply(405, {})])), "rejected not_updatable", 1, "not_updatable", "405 to every skus", None),
        (Scene(Updates([STALE_TOKEN]), token=Token(0)), "left", 1, "authorisation_lost", "no token", None),
        (Scene(Updates([DONE]), token=Token(-1)), "left", 0, "authorisation_lost", "no token", []),
        (Scene(Updates([DONE]), notes=Notes(fails=True)), "left", 0, "journal_failed", "the disk is full", []),
    ],
)  # fmt: skip
def test_what_ends_the_run(
    scene: Scene, ends: str, sent: int, reason: str, message: str, lines: list[str] | None
) -> None:
    assert told(run(scene.send())) == ends
    assert len(scene.server.asked) == scene.row.attempts == sent
    assert scene.stop.reason == reason
    assert message in scene.stop.message
    assert lines is None or scene.notes.lines == lines


def test_nothing_leaves_once_the_run_ends_while_the_intent_is_written() -> None:
    scene = Scene(Updates([DONE]))
    scene.notes.on_intent = lambda: scene.stop.request("interrupted")
    assert told(run(scene.send())) == "left"
    assert scene.notes.lines == ["intend 1 imaged", "withdraw 1"]
    assert (scene.server.asked, scene.row.attempts, scene.row.was_sent) == ([], 0, False)


@pytest.mark.parametrize(("outcome", "lines"), [(NOWHERE, "safe 1"), (LOST, "reply_lost 1")])
def test_a_run_that_ends_is_not_waited_for(outcome: Outcome, lines: str) -> None:
    scene = Scene(Updates([outcome]))

    async def story() -> Ending:
        asyncio.get_running_loop().call_later(0.2, scene.stop.request, "interrupted")
        return await scene.send()

    assert told(run(story())) == "left"
    assert scene.notes.lines[1:] == [lines]
    assert scene.row.state is State.LEFT


def test_a_server_that_never_answers_ends_the_run() -> None:
    scene = Scene(Updates([NOWHERE]), limits=Attempts(max_attempts=30, base=1.0, cap=4.0))
    assert told(run(scene.send())) == "left"
    assert scene.stop.reason == "outage"
    assert scene.stop.message.startswith("nothing was ever answered (cannot connect)")


CONFLICT = Settle("changed_since_plan", "somebody else wrote it")


@pytest.mark.parametrize(
    ("found", "ends", "sent", "rechecks"),
    [
        (None, "conflict precondition_failed", 4, 3),
        (Settle("as_wanted"), "unchanged as_wanted", 1, 1),
        (CONFLICT, "conflict changed_since_plan", 1, 1),
        (ReadBack("reply_lost", "x"), "read back: reply_lost", 1, 1),
    ],
)
def test_a_lost_race_is_decided_anew(found: Settle | ReadBack | None, ends: str, sent: int, rechecks: int) -> None:
    scene = Scene(Updates([Reply(412, {})]), records=Records(found))
    ending = run(scene.send())
    assert told(ending) == ends
    assert (scene.row.attempts, scene.records.rechecks) == (sent, rechecks)
    if found is CONFLICT:
        assert isinstance(ending, Judged)
        assert ending.settle.message == "the API answered 412; somebody else wrote it"


def described(*rules: ErrorRule) -> Callable[[Request, Outcome], Meaning]:
    return partial(meaning_by_rules, compiled(rules, (), ErrorPlaces()))


BUSY = Reply(409, JSON, b'{"message": "being saved"}')


@pytest.mark.parametrize(
    ("outcomes", "wait", "ends", "asked"),
    [
        ([BUSY, DONE], 0.0, "applied", [0, 0.5]),
        ([BUSY, DONE], 9.0, "applied", [0, 9]),
        ([replace(BUSY, headers=AFTER_3), DONE], 9.0, "applied", [0, 3]),
        ([replace(BUSY, headers={"retry-after": "0"}), DONE], 9.0, "applied", [0, 0.5]),
        ([BUSY], 0.0, "failed busy", [0, 0.5, 1.5]),
        ([LOST, BUSY, DONE], 0.0, "applied resent", [0, 0.5, 1.5]),
        ([LOST, BUSY], 0.0, "read back: reply_lost", [0, 0.5, 1.5]),
    ],
)
def test_a_busy_record_is_sent_again_by_itself(
    outcomes: list[Outcome], wait: float, ends: str, asked: list[float]
) -> None:
    scene = Scene(Updates(outcomes), meaning=described(ErrorRule(status=(409,), means="retry")), api=Waits(wait))
    assert told(run(scene.send())) == ends
    assert scene.server.asked == asked
    assert scene.limiter.refusals_in_a_row == 0  # nobody else waits


def test_a_record_that_is_busy_for_too_long_parks_the_run() -> None:
    scene = Scene(Updates([BUSY]), meaning=described(ErrorRule(status=(409,), means="retry")), api=Waits(901.0))
    assert told(run(scene.send())) == "left"
    assert scene.stop.reason == "parked"


@pytest.mark.parametrize(("status", "noted"), [(402, "safe 1"), (500, "server_error 1")])
def test_an_api_that_lets_nothing_more_through_ends_the_run_and_the_row_is_left(status: int, noted: str) -> None:
    reply = Reply(status, JSON, b'{"message": "the trial is over"}')
    scene = Scene(Updates([reply]), meaning=described(ErrorRule(text="trial", means="stop")))
    assert told(run(scene.send())) == "left"
    assert scene.stop.reason == "stopped_by_api"
    assert scene.stop.message.endswith(f"{status}: the trial is over")
    assert scene.notes.lines == ["intend 1 imaged", noted]
    assert scene.row.state is State.LEFT


@dataclass(frozen=True)
class Waits:
    """The API, but that its refusals want to be waited for."""

    seconds: float
    schema: Schema = COMMERCE_LAYER.schema

    def resource(self, name: str) -> Any:
        return PatientResource(COMMERCE_LAYER.resource(name), self.seconds)


class PatientResource:
    def __init__(self, resource: Resource, seconds: float) -> None:
        self._resource = resource
        self._seconds = seconds

    def __getattr__(self, name: str) -> Any:
        return getattr(self._resource, name)

    def least_wait(self, reply: Reply) -> float:
        return self._seconds


class Conditional(PatientResource):
    """A resource whose updates have a header with a value of the record."""

    def update(self, job: UpdateJob, change: Change, live: Live | None) -> Request:
        return replace(self._resource.update(job, change, live), headers={"If-Match": '"Łódź"'})


@dataclass(frozen=True)
class InHeaders(Waits):
    def resource(self, name: str) -> Any:
        return Conditional(COMMERCE_LAYER.resource(name), self.seconds)


@pytest.mark.parametrize(("doubt", "ends"), [("", "invalid header_impossible"), ("reply_lost", "unknown reply_lost")])
def test_a_request_that_no_header_can_hold_is_not_tried(doubt: str, ends: str) -> None:
    scene = Scene(Updates([DONE]), api=InHeaders(0.0))
    scene.row.doubt = doubt
    ending = run(scene.send())
    assert told(ending) == ends
    assert isinstance(ending, Judged)
    assert ending.settle.message.startswith("the header If-Match cannot hold its value")
    assert (scene.server.asked, scene.notes.lines) == ([], [])


def test_a_type_that_is_abstract_sends_the_row_round() -> None:
    scene = Scene(Updates([Reply(404, {})]))
    scene.row.abstract = True
    assert told(run(scene.send())) == "reroute 404"
    assert scene.notes.lines == ["intend 1 imaged", "safe 1"]


@pytest.mark.parametrize(
    ("found", "ends", "sent"), [(None, "applied", 1), (Settle("as_wanted"), "unchanged as_wanted", 0)]
)
def test_what_was_read_too_long_ago_is_read_again_with_the_slot_in_hand(
    found: Settle | None, ends: str, sent: int
) -> None:
    scene = Scene(Updates([DONE]), records=Records(found))
    scene.row.live = Live("skus", {"reference": "old"})

    async def story() -> Ending:
        await asyncio.sleep(16)
        return await scene.send()

    assert told(run(story())) == ends
    assert (len(scene.server.asked), scene.records.rechecks) == (sent, 1)


@pytest.mark.parametrize("admitted", [True, False])
def test_an_action_is_no_probe_of_a_server_that_is_down(*, admitted: bool) -> None:
    scene = Scene(Updates([DONE]), ACTION, records=Records(awake=[False, False, True]))

    async def story() -> None:
        for _ in range(10):
            await scene.limiter.admit()
            scene.limiter.account(LOST, Meaning.UNANSWERED, asyncio.get_running_loop().time())
        assert scene.limiter.is_down
        if admitted:
            assert await scene.limiter.admit()
        await scene.send(admitted=admitted)

    run(story())
    assert (scene.records.probes, len(scene.server.asked)) == (3, 1)
    assert scene.server.asked[0] > 1  # each probe in vain is a failure that is waited for


def test_a_probe_is_given_up_on_sooner_but_for_an_action() -> None:
    async def story(job: UpdateJob) -> list[float | None]:
        scene = Scene(Updates([DONE, *[Reply(500, {})] * 11, DONE]), job, limits=Attempts(max_attempts=30))
        scene.limiter._slowest = 1.0
        for _ in range(10):
            await scene.limiter.admit()
            scene.limiter.account(LOST, Meaning.UNANSWERED, asyncio.get_running_loop().time())
        await scene.send()
        return scene.server.within

    assert run(story(SAFE)) == [4.0]
    assert run(story(ACTION)) == [None]


@given(
    st.lists(st.sampled_from([DONE, NOWHERE, LOST, Reply(429, {}), Reply(412, {}), Reply(503, AFTER_3), STALE_TOKEN])),
    st.booleans(),
    st.booleans(),
)
@settings(max_examples=15)
def test_a_row_that_is_cancelled_anywhere_leaves_no_slot_behind(
    outcomes: list[Outcome], is_stale: bool, is_down: bool
) -> None:
    """Everything takes its time here: the token, the journal, the record, the server."""

    async def story(gone: float) -> None:
        job = ACTION if is_down else SAFE
        scene = Scene(Slow([*outcomes, DONE]), job, SlowToken(), SlowNotes(), SlowRecords())
        if is_stale:
            scene.row.live = Live("skus", {"reference": "old"})
            await asyncio.sleep(16)
        for _ in range(10 if is_down else 0):
            await scene.limiter.admit()
            scene.limiter.account(LOST, Meaning.UNANSWERED, asyncio.get_running_loop().time())
        task = asyncio.create_task(scene.send())
        await asyncio.wait([task], timeout=gone)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        assert scene.limiter.pace.in_flight == 0

    for tenths in range(40):
        run(story(tenths / 10 + 0.05))


class Slow(Updates):
    async def send(self, request: Request, headers: Headers, within: float | None = None) -> Outcome:
        await asyncio.sleep(0.5)
        return await super().send(request, headers, within)


class SlowToken(Token):
    async def permit(self) -> Permit:
        await asyncio.sleep(0.3)
        return await super().permit()


class SlowNotes(Notes):
    async def intend(self, row: int, attempt: int, wall: float, image: Any) -> None:
        await asyncio.sleep(0.4)
        await super().intend(row, attempt, wall, image)


class SlowRecords(Records):
    async def again(self, row: InFlightRow) -> None:
        await asyncio.sleep(0.6)
        await super().again(row)

    async def answers(self, row: InFlightRow) -> bool:
        await asyncio.sleep(0.6)
        return await super().answers(row)


def test_the_request_is_that_of_the_row() -> None:
    scene = Scene(Updates([DONE]))
    assert replace(scene.row.request(COMMERCE_LAYER), about="") == update_request(SAFE, scene.row.change, "skus")
    assert told(run(scene.send())) == Status.APPLIED


@pytest.mark.parametrize(
    ("job", "outcomes", "keys"),
    [
        (SAFE, [LOST, DONE], ["r-1-0", "r-1-0"]),
        (SAFE, [LOST, Reply(500, {}), DONE], ["r-1-0", "r-1-0", "r-1-2"]),
        (SAFE, [Reply(429, AFTER_3), LOST, DONE], ["r-1-0", "r-1-1", "r-1-1"]),
        (ACTION, [Reply(429, AFTER_3), DONE], ["r-1-0", "r-1-0"]),
    ],
)
def test_a_repetition_has_the_same_key_until_the_server_has_answered(
    job: UpdateJob, outcomes: list[Outcome], keys: list[str]
) -> None:
    scene = Scene(Updates(outcomes), job, keys=IdempotencyKeys("Idempotency-Key", "r"))
    run(scene.send())
    sent = [own["Idempotency-Key"] for own in scene.server.own]
    assert ["-".join(key.split("-")[:3]) for key in sent] == keys


@pytest.mark.parametrize(("job", "same"), [(SAFE, False), (ACTION, True)])
def test_a_repetition_that_says_something_else_is_another_request_unless_it_fires_an_action(
    job: UpdateJob, *, same: bool
) -> None:
    keys, row = IdempotencyKeys("Key", "r"), InFlightRow(job, job.type)
    requests = [Request("PATCH", *parts) for parts in (("/a", b"1"), ("/a", b"1"), ("/a", b"2"), ("/a?v=2", b"1"))]
    first, again, *others = [keys.on(request, row).headers["Key"] for request in requests]
    assert first == again
    assert [each == first for each in others] == [same, same]


# ---- where reads and updates spend one quota, and at gates


def stale(found: Settle | None = None, **how: Any) -> Scene:
    """A row whose record was read too long ago, and stays so."""
    scene = Scene(Updates([DONE]), records=Records(found), gives_way=True, **how)
    scene.row.live = Live("skus", {"reference": "old"})
    scene.row.read_at = Moment(-1000.0, 0.0)
    return scene


def test_a_slot_that_a_read_may_need_is_given_back_before_it() -> None:
    scene = stale()
    slots: list[int] = []

    def meanwhile(row: InFlightRow) -> None:
        slots.append(scene.limiter.pace.in_flight)
        row.read_at = Moment(asyncio.get_running_loop().time(), 0.0)

    scene.records.meanwhile = meanwhile
    assert told(run(scene.send())) == "applied"
    assert slots == [0]


def test_a_record_that_is_never_fresh_is_not_read_for_ever() -> None:
    scene = stale()
    assert told(run(scene.send())) == "applied"
    assert scene.records.rechecks == MAX_REREADS


def test_what_a_read_settles_is_not_sent_and_holds_no_slot() -> None:
    scene = stale(Settle("as_wanted"))
    assert told(run(scene.send())) == "unchanged as_wanted"
    assert scene.server.asked == []


def test_a_run_that_ends_while_a_slot_is_given_back_leaves_the_row() -> None:
    scene = stale()
    scene.records.meanwhile = lambda _: scene.stop.request("interrupted")
    assert told(run(scene.send())) == "left"


def test_an_action_gives_its_slot_to_the_read_that_probes_a_server_that_is_down() -> None:
    scene = Scene(Updates([DONE]), ACTION, gives_way=True)
    slots: list[int] = []

    def meanwhile(_row: InFlightRow) -> None:
        slots.append(scene.limiter.pace.in_flight)
        if len(slots) == 3:  # an answer, as the limiter of both hears it
            assert scene.limiter.admit_at_once()
            scene.limiter.account(DONE, Meaning.SERVED, asyncio.get_running_loop().time())

    scene.records.meanwhile = meanwhile

    async def story() -> Ending:
        for _ in range(10):
            await scene.limiter.admit()
            scene.limiter.account(NOWHERE, Meaning.UNSENT, 0.0)
        assert scene.limiter.is_down
        await asyncio.sleep(60)
        return await scene.send()

    run(story())
    assert slots == [0, 0, 0]


def test_a_row_waits_at_its_gate_without_a_slot() -> None:
    async def story() -> None:
        scene = Scene(Updates([DONE]))
        windows = ScopedWindows([Window(1, 10.0)])
        rules = Rules(
            (DeclaredLimit(RECORD),), lambda _type, key, *, reads: ((0, key),), lambda _request, _reply: RECORD
        )
        scene.gates = Gates(rules, [windows], scene.clock, scene.stop)
        assert scene.gates.admit_at_once(((0, "AAA"),))
        scene.gates.abandon(((0, "AAA"),))
        sent = asyncio.create_task(scene.send())
        await asyncio.sleep(5)
        assert scene.limiter.pace.in_flight == 0
        assert told(await sent) == "applied"
        assert scene.server.asked == [pytest.approx(10.0, abs=0.01)]
        waits = asyncio.create_task(Scene.send(scene))
        await asyncio.sleep(1)
        scene.stop.request("interrupted")
        assert told(await waits) == "left"

    run(story())
