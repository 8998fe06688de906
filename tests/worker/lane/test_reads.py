"""Reads: which outcome is an answer, which is asked about again and when, and what ends the run."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import partial

import pytest

from jobs.apis.described.meaning import MEANINGS, compiled
from jobs.apis.described.meaning import meaning_of as meaning_by_rules
from jobs.apis.description.model import ErrorPlaces, ErrorRule, Meant
from jobs.apis.meanings import Meaning
from jobs.model import MaybeSent, NotSent, Outcome, Reply, Request
from tests.commerce_layer import COMMERCE_LAYER, meaning_of
from tests.virtual_time import run
from tests.worker.lane.scripted import Server, Token
from worker.clock import Clock
from worker.journal import Counters
from worker.lane.exchange import Exchange
from worker.lane.pages import About, Answer, NoAnswer
from worker.lane.reads import Lookup
from worker.pacing.limiter import Limiter
from worker.policy.pace import Pace
from worker.settings import Attempts
from worker.stop import Stop

JSON = {"content-type": "application/json"}
GET = Request("GET", "/api/skus/x")
FEW = Attempts(max_attempts=3, throttles=3, base=1.0, cap=4.0)
HALF = 0.5
"""What the dice show: a backoff is half its bound."""

FOUND = Reply(200, JSON, b'{"data": {}}')
PORTAL = Reply(200, {"content-type": "text/html"}, b"<html>")
CUT = Reply(200, JSON, b'{"data"', complete=False)
THROTTLED = Reply(429, {"retry-after": "2"})
STALE_TOKEN = Reply(401, JSON, b'{"errors": [{"code": "INVALID_TOKEN"}]}')
FORBIDDEN = Reply(403, {}, b"no")
LIMIT = Reply(403, JSON, b'{"error": {"code": "rateLimitExceeded"}}')
LOST = MaybeSent("reply_lost", "the connection broke")
NOWHERE = NotSent("cannot connect")


@dataclass
class Scene:
    """One read, and all that is looked at afterwards."""

    server: Server
    token: Token = field(default_factory=Token)
    stop: Stop = field(default_factory=Stop)
    counters: Counters = field(default_factory=Counters)
    limits: Attempts = FEW
    meaning: Callable[[Request, Outcome], Meaning] = meaning_of

    def __post_init__(self) -> None:
        self.clock = Clock(sample=lambda: HALF)
        self.limiter = Limiter(Pace(max_in_flight=4, discover=False), self.clock, self.stop)

    def lookup(self) -> Lookup:
        exchange = Exchange(
            self.server,  # type: ignore[arg-type]  # all that is used of it
            self.limiter,
            self.token,
            self.meaning,
            self.limits.retrying,
            self.clock,
            self.stop,
            {"Accept": "application/json"},
            self.count,
        )
        return Lookup(COMMERCE_LAYER, exchange)

    def count(self) -> None:
        self.counters.gets += 1

    async def ask(self, *, patient: bool) -> Answer | NoAnswer:
        said = await self.lookup()._insist(GET, About("skus", ()), patient=patient)
        assert self.limiter.pace.in_flight == 0
        return said


@pytest.mark.parametrize(
    ("outcomes", "status", "asked", "bearers"),
    [
        ([FOUND], 200, [0], "0"),
        ([CUT], 200, [0], "0"),  # a page that broke off is read in halves
        ([Reply(302, {})], 302, [0], "0"),
        ([Reply(404, {})], 404, [0], "0"),
        ([Reply(401, {})], 401, [0], "0"),  # no permission, which no other token changes
        ([FORBIDDEN], 403, [0], "0"),
        ([Reply(423, {})], 423, [0], "0"),
        ([PORTAL, FOUND], 200, [0, 0.5], "00"),
        ([Reply(101, {}), FOUND], 200, [0, 0.5], "00"),
        ([Reply(500, {}), Reply(502, {}), FOUND], 200, [0, 0.5, 1.5], "000"),
        ([Reply(520, {}), FOUND], 200, [0, 0.5], "00"),
        ([LOST, NOWHERE, FOUND], 200, [0, 0.5, 1.5], "000"),
        ([THROTTLED, FOUND], 200, [0, 2], "00"),
        ([LIMIT, FOUND], 200, [0, 1], "00"),
        ([Reply(408, {}), FOUND], 200, [0, 1], "00"),
        ([Reply(425, {}), FOUND], 200, [0, 1], "00"),
        ([Reply(423, {"retry-after": "3"}), FOUND], 200, [0, 3], "00"),
        ([Reply(503, {"retry-after": "3"}), FOUND], 200, [0, 3], "00"),
        ([STALE_TOKEN, FOUND], 200, [0, 0], "01"),
        (
            [replace(STALE_TOKEN, headers={**JSON, "retry-after": "3"}), FOUND],
            200,
            [0, 3],
            "01",
        ),  # renewed, and waited for
        ([STALE_TOKEN] * 5 + [FOUND], 200, [0] * 6, "012345"),  # the credential knows when to give up
        ([THROTTLED, LOST, THROTTLED, LOST, FOUND], 200, [0, 2, 2.5, 4.5, 5.5], "00000"),  # counted apart
    ],
)
@pytest.mark.parametrize("patient", [True, False])
def test_what_is_an_answer_and_what_is_asked_again(
    outcomes: list[Outcome], status: int, asked: list[float], bearers: str, *, patient: bool
) -> None:
    scene = Scene(Server(outcomes))
    said = run(scene.ask(patient=patient))
    assert isinstance(said, Answer)
    assert said.reply.status == status
    assert round(said.at.loop, 2) == asked[-1]
    assert scene.server.asked == asked
    assert scene.server.bearers == bearers
    assert scene.counters.gets == len(asked)
    assert not scene.stop.reason


@pytest.mark.parametrize(
    ("outcome", "why", "spoken", "asked", "stopped"),
    [
        (Reply(500, {}), "it answered 500", True, [0, 0.5, 1.5], ""),
        (Reply(520, {}), "it answered 520", True, [0, 0.5, 1.5], ""),
        (PORTAL, "it answered 200: an HTML page", False, [0, 0.5, 1.5], ""),
        (NOWHERE, "cannot connect", False, [0, 0.5, 1.5], ""),
        (LOST, "the connection broke", False, [0, 0.5, 1.5], ""),
        (THROTTLED, "it answered 429", False, [0, 2, 4], "parked"),
        (Reply(503, {"retry-after": "2"}), "it answered 503", True, [0, 2, 4], "parked"),
        (Reply(429, {"retry-after": "901"}), "it answered 429", False, [0], "parked"),
    ],
)
@pytest.mark.parametrize("patient", [True, False])
def test_when_a_read_is_given_up(
    outcome: Outcome, why: str, spoken: bool, asked: list[float], stopped: str, *, patient: bool
) -> None:
    scene = Scene(Server([outcome]))
    assert run(scene.ask(patient=patient)) == NoAnswer(why, spoken)
    assert scene.server.asked == asked
    assert scene.counters.gets == len(asked)
    assert scene.stop.reason == stopped


@pytest.mark.parametrize(
    ("token", "outcomes", "asked", "message"),
    [(Token(left=-1), [FOUND], 0, "no token"), (Token(left=0), [STALE_TOKEN], 1, "no token")],
)
def test_without_a_credential_the_run_stops_and_nobody_asks(
    token: Token, outcomes: list[Outcome], asked: int, message: str
) -> None:
    scene = Scene(Server(outcomes), token)
    assert isinstance(run(scene.ask(patient=True)), NoAnswer)
    assert len(scene.server.asked) == scene.counters.gets == asked
    assert (scene.stop.reason, scene.stop.message) == ("authorisation_lost", message)


def test_a_run_that_ends_is_not_waited_for() -> None:
    scene = Scene(Server([Reply(500, {})]))

    async def story() -> Answer | NoAnswer:
        asyncio.get_running_loop().call_later(0.2, scene.stop.request, "interrupted")
        return await scene.ask(patient=True)

    assert run(story()) == NoAnswer("it answered 500")
    assert scene.server.asked == [0]
    assert run(scene.ask(patient=True)) == NoAnswer("")
    assert scene.counters.gets == 1


@pytest.mark.parametrize("outcome", [Reply(500, {}), LOST])
def test_a_server_that_is_down_costs_a_patient_page_no_attempts_and_an_impatient_one_all(outcome: Outcome) -> None:
    scene = Scene(Server([FOUND, *[outcome] * 20, FOUND]))

    async def story() -> list[Answer | NoAnswer]:
        first = await scene.ask(patient=True)
        impatient = [await scene.ask(patient=False) for _ in range(4)]
        return [first, *impatient, await scene.ask(patient=True)]

    first, *impatient, last = run(story())
    assert isinstance(first, Answer)
    assert all(isinstance(each, NoAnswer) for each in impatient)
    assert isinstance(last, Answer)
    assert len(scene.server.asked) == 22
    assert scene.server.within[0] is None  # a probe is given up on soon, once the server is known to be quick
    assert not scene.stop.reason


def test_a_patient_page_goes_on_while_nobody_gets_an_answer_if_reads_have_worked() -> None:
    scene = Scene(Server([FOUND, *[LOST] * 20, FOUND]))

    async def story() -> list[Answer | NoAnswer]:
        return [await scene.ask(patient=True) for _ in range(2)]

    assert [isinstance(each, Answer) for each in run(story())] == [True, True]
    assert len(scene.server.asked) == 22


def test_a_server_that_has_failed_from_the_start_is_waited_for_until_that_is_hopeless() -> None:
    scene = Scene(Server([Reply(500, {})]), limits=Attempts(max_attempts=12, base=1.0, cap=4.0))
    assert isinstance(run(scene.ask(patient=True)), NoAnswer)
    assert len(scene.server.asked) == 30
    assert scene.stop.reason == "outage"


@pytest.mark.parametrize(
    ("outcome", "patient", "says"),
    [
        (NOWHERE, True, "nothing was ever answered (cannot connect)"),
        (NOWHERE, False, ""),  # somebody else may still have an answer
    ],
)
def test_a_patient_read_ends_the_run_when_the_outage_is_hopeless(outcome: Outcome, says: str, *, patient: bool) -> None:
    scene = Scene(Server([outcome]), limits=Attempts(max_attempts=30, base=1.0, cap=4.0))
    assert isinstance(run(scene.ask(patient=patient)), NoAnswer)
    assert scene.stop.reason == ("outage" if says else "")
    assert scene.stop.message.startswith(says)


def described(means: Meant) -> Callable[[Request, Outcome], Meaning]:
    return partial(meaning_by_rules, compiled([ErrorRule(text="no", means=means)], [], ErrorPlaces()))


@pytest.mark.parametrize("means", ["not_found", "conflict", "not_unique", "validation", "locked", "not_authorized"])
def test_a_refusal_by_a_rule_is_an_answer_with_its_meaning(means: Meant) -> None:
    scene = Scene(Server([Reply(500, {}, b"no")]), meaning=described(means))
    answer = run(scene.ask(patient=True))
    assert isinstance(answer, Answer)
    assert answer.meaning is MEANINGS[means]


@pytest.mark.parametrize(("means", "asked"), [("retry", [0, 0.5]), ("maybe_applied", [0, 0.5]), ("slow_down", [0, 1])])
def test_what_may_do_later_is_asked_again(means: Meant, asked: list[float]) -> None:
    scene = Scene(Server([Reply(400, {}, b"no"), FOUND]), meaning=described(means))
    assert isinstance(run(scene.ask(patient=True)), Answer)
    assert scene.server.asked == asked


def test_an_api_that_lets_nothing_more_through_ends_the_run_in_its_own_words() -> None:
    scene = Scene(Server([Reply(402, JSON, b'{"message": "no trial"}')]), meaning=described("stop"))
    answer = run(scene.ask(patient=True))
    assert isinstance(answer, NoAnswer)
    assert answer.why == "it answered 402: no trial"
    assert (scene.server.asked, scene.stop.reason) == ([0], "stopped_by_api")
    assert scene.stop.message.endswith("it answered 402: no trial")


def test_a_read_that_no_header_can_hold_is_not_tried() -> None:
    scene = Scene(Server([FOUND]))
    request = Request("GET", "/x", headers={"Owner": "Łódź"})
    answer = run(scene.lookup().answer(request, "skus", "a"))
    assert scene.server.asked == []
    assert isinstance(answer, NoAnswer)
    assert answer.why.startswith("the header Owner cannot hold its value")
