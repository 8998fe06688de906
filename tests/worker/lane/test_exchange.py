"""One exchange: in which order it admits, authorises, sends and accounts, and that no slot is ever lost."""

import asyncio
from dataclasses import dataclass, field, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobs.apis.auth import Permit
from jobs.apis.limits import RECORD, DeclaredLimit
from jobs.apis.meanings import Meaning
from jobs.model import MaybeSent, NotSent, Outcome, Reply, Request
from tests.commerce_layer import meaning_of
from tests.virtual_time import run
from worker.clock import Clock
from worker.lane.authority import Authority, CredentialLost, Headers, Nobody
from worker.lane.exchange import Exchange, Exchanged
from worker.pacing.gates import Gates, Rules
from worker.pacing.limiter import Limiter
from worker.policy.pace import Pace, Window
from worker.policy.patience import Patience
from worker.policy.scopes import ScopedWindows
from worker.stop import Stop

READ = Request("GET", "/api/skus/x")
FOUND = Reply(200, {"content-type": "application/json"}, b"{}")
LONG = 0.3
"""Seconds that everything takes which takes long: whoever gives up does so before."""


def named(value: str) -> Permit:
    return Permit("Authorization", value)


@dataclass
class Told:
    """What is said of a world: how its transport and its credential behave, in turn."""

    outcomes: list[Outcome | type[BaseException] | None] = field(default_factory=lambda: [FOUND])
    bearers: list[str | type[BaseException] | None] = field(default_factory=lambda: ["Bearer x"])
    lines: list[str] = field(default_factory=list)

    async def permit(self) -> Permit:
        said = self.bearers.pop(0) if self.bearers else "Bearer x"
        self.lines.append("authorise")
        await asyncio.sleep(LONG if said is None else 0.01)
        if isinstance(said, type):
            raise said("no token")
        return named(said or "Bearer late")

    async def renew(self, used: Permit) -> None:
        self.lines.append(f"renew {used.value}")
        await self.permit()

    async def send(self, _request: Request, headers: Headers, within: float | None) -> Outcome:
        self.lines.append(f"send {dict(headers.fields).get('Authorization', 'nothing')} {within}")
        said = self.outcomes.pop(0) if self.outcomes else FOUND
        await asyncio.sleep(LONG if said is None else 0.02)
        if isinstance(said, type):
            raise said("x")
        return said or FOUND


def exchange(told: Told, stop: Stop | None = None, authority: Authority | None = None, most: int = 4) -> Exchange:
    stop, clock = stop or Stop(), Clock(sample=lambda: 0.5)
    limiter = Limiter(Pace(max_in_flight=most, discover=False), clock, stop)
    return Exchange(
        told,  # type: ignore[arg-type]  # all that is used of it
        limiter,
        authority or told,
        meaning_of,
        Patience(throttles=2, pause=900.0),
        clock,
        stop,
        {"Accept": "x"},
        lambda: told.lines.append("count"),
    )


def test_a_request_is_counted_when_it_leaves_with_a_slot_and_a_credential() -> None:
    told = Told()
    x = exchange(told)
    asked = run(x.ask(READ))
    assert asked is not None
    assert told.lines == ["authorise", "count", "send Bearer x None"]
    assert (asked.outcome, asked.meaning, asked.pause) == (FOUND, Meaning.SERVED, 0.0)
    assert asked.headers == Headers((("Accept", "x"), ("Authorization", "Bearer x")), named("Bearer x"))
    assert asked.sent_at.loop == pytest.approx(0.01)
    assert x.limiter.pace.in_flight == 0


def test_in_nobodys_name_no_credential_is_sent_and_none_replaced() -> None:
    told, stop = Told(), Stop()
    x = exchange(told, stop, Nobody())
    asked = run(x.ask(READ))
    assert asked is not None
    assert asked.headers == Headers((("Accept", "x"),))
    assert told.lines == ["count", "send nothing None"]
    with pytest.raises(CredentialLost):
        run(Nobody().renew(Permit()))


async def headers_of(x: Exchange) -> list[Headers | None]:
    found = []
    for _ in range(3):
        assert await x.limiter.admit()
        found.append(await x.authorise())
        x.limiter.release()
    return found


def test_the_headers_are_made_anew_only_for_another_credential() -> None:
    """A session of the transport is known by its headers."""
    first, second, third = run(headers_of(exchange(Told(bearers=["Bearer a", "Bearer a", "Bearer b"]))))
    assert first is second
    assert third == Headers((("Accept", "x"), ("Authorization", "Bearer b")), named("Bearer b"))


def test_no_other_header_stands_beside_the_credential_under_its_name() -> None:
    x = exchange(Told(bearers=["Bearer a"]))
    x.headers = {"authorization": "Bearer of-somebody", "Accept": "x"}
    headers = run(headers_of(x))[0]
    assert headers is not None
    assert headers.fields == (("Accept", "x"), ("Authorization", "Bearer a"))


def test_without_a_credential_nothing_is_sent_the_slot_is_free_and_the_run_stops() -> None:
    told, stop = Told(bearers=[CredentialLost]), Stop()
    x = exchange(told, stop)
    assert run(x.ask(READ)) is None
    assert told.lines == ["authorise"]
    assert (stop.reason, stop.message) == ("authorisation_lost", "no token")
    assert x.limiter.pace.in_flight == 0


def test_what_a_stop_or_a_taken_slot_keeps_from_being_sent_costs_nothing() -> None:
    async def story() -> None:
        told, stop = Told(), Stop()
        x = exchange(told, stop, most=1)
        assert x.limiter.admit_at_once()
        assert await x.ask(READ, at_once=True) is None
        x.limiter.release()
        assert await x.ask(READ, at_once=True) is not None
        stop.request("interrupted")
        assert await x.ask(READ) is None
        assert told.lines.count("count") == 1

    run(story())


@pytest.mark.parametrize(
    ("bearers", "renewed", "reason"),
    [(["Bearer b"], True, ""), ([CredentialLost], False, "authorisation_lost")],
)
def test_a_refused_credential_is_replaced_or_ends_the_run(
    bearers: list[str | type[BaseException] | None], renewed: bool, reason: str
) -> None:
    told, stop = Told(bearers=bearers), Stop()
    assert run(exchange(told, stop).renew(Headers((), named("Bearer a")))) is renewed
    assert told.lines[0] == "renew Bearer a"
    assert stop.reason == reason


@pytest.mark.parametrize(
    ("pause", "refusals", "says"), [(900.0, 1, ""), (901.0, 0, "a pause of 901 s"), (1.0, 2, "2 times in a row")]
)
def test_a_run_is_parked_when_waiting_makes_no_sense(pause: float, refusals: int, says: str) -> None:
    async def story() -> None:
        stop = Stop()
        x = exchange(Told(), stop)
        for _ in range(refusals):
            await asyncio.sleep(60)
            x.limiter.pace.in_flight += 1
            x.limiter.account(Reply(429, {}), Meaning.THROTTLED, asyncio.get_running_loop().time())
        assert x.park(pause) is bool(says)
        assert stop.reason == ("parked" if says else "")
        assert says in stop.message

    run(story())


def test_a_probe_of_a_server_that_is_down_is_given_up_on_sooner_unless_it_is_to_be_sent_in_full() -> None:
    async def story() -> None:
        told = Told(outcomes=[FOUND, *[Reply(500, {})] * 11])
        x = exchange(told)
        for _ in range(11):
            await x.ask(READ)
        assert x.limiter.is_down
        await x.ask(READ)
        await x.ask(READ, in_full=True)
        assert told.lines[-4] == "send Bearer x 2.0"
        assert told.lines[-1] == "send Bearer x None"

    run(story())


OUTCOMES = st.sampled_from(
    [
        FOUND,
        Reply(429, {}),
        Reply(429, {"x-ratelimit-limit": "9", "x-ratelimit-interval": "60", "x-ratelimit-remaining": "5"}),
        Reply(401, {"www-authenticate": "Bearer", "retry-after": "1"}),
        Reply(503, {"retry-after": "1"}),
        Reply(500, {}),
        MaybeSent("reply_lost", "x"),
        NotSent("x"),
        RuntimeError,
        None,  # takes too long for who gives up
    ]
)
BEARERS = st.sampled_from(["Bearer a", "Bearer b", CredentialLost, OSError, None])


@given(
    st.lists(OUTCOMES, max_size=12),
    st.lists(BEARERS, max_size=12),
    st.lists(st.tuples(st.floats(0, 5), st.floats(0.001, LONG), st.booleans()), min_size=1, max_size=12),
)
def test_every_slot_is_spent_or_released_whatever_happens(
    outcomes: list[Outcome | type[BaseException] | None],
    bearers: list[str | type[BaseException] | None],
    askers: list[tuple[float, float, bool]],
) -> None:
    """Askers come and are cancelled at any time, while the credential and the transport do what they like."""

    async def story() -> None:
        x = exchange(Told(outcomes, bearers))

        async def ask(comes: float, *, at_once: bool) -> Exchanged | None:
            await asyncio.sleep(comes)
            return await x.ask(READ, at_once=at_once)

        async def ask_and_give_up(comes: float, patience: float, *, at_once: bool) -> None:
            task = asyncio.create_task(ask(comes, at_once=at_once))
            await asyncio.wait([task], timeout=comes + patience)
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

        await asyncio.gather(*(ask_and_give_up(comes, gone, at_once=now) for comes, gone, now in askers))
        assert x.limiter.pace.in_flight == 0
        assert x.limiter._waiting == 0

    run(story())


def gated(x: Exchange, window: Window) -> tuple[Exchange, ScopedWindows]:
    """The same exchange behind a gate that counts by record."""
    rules = Rules((DeclaredLimit(RECORD),), lambda _type, key, *, reads: ((0, key),), lambda _request, _reply: RECORD)
    windows = ScopedWindows([window])
    gates = Gates(rules, [windows], x.clock, x.stop)
    return replace(x, gates=gates, least_wait=lambda _request, _reply: 9.0), windows


def test_a_request_waits_at_its_gate_before_it_takes_a_slot() -> None:
    async def story() -> None:
        x, _ = gated(exchange(Told(), most=1), Window(1, 10.0))
        assert await x.ask(READ, ((0, "a"),)) is not None
        waiting = asyncio.create_task(x.ask(READ, ((0, "a"),)))
        await asyncio.sleep(1)
        assert x.limiter.pace.in_flight == 0
        assert await x.ask(READ, ((0, "b"),)) is not None
        asked = await waiting
        assert asked is not None
        assert asked.sent_at.loop >= 10.0

    run(story())


def test_a_pause_that_is_about_one_record_lets_the_others_go_on() -> None:
    async def story() -> None:
        x, _ = gated(exchange(Told([Reply(429, {}), FOUND, FOUND])), Window(9, 1.0))
        asked = await x.ask(READ, ((0, "a"),))
        assert asked is not None
        assert asked.pause == 9.0
        others, same = await x.ask(READ, ((0, "b"),)), await x.ask(READ, ((0, "a"),))
        assert others is not None
        assert same is not None
        assert others.sent_at.loop < 1.0
        assert same.sent_at.loop >= 9.0

    run(story())


@given(
    st.lists(OUTCOMES, max_size=8),
    st.lists(BEARERS, max_size=8),
    st.lists(st.tuples(st.floats(0, 5), st.floats(0.001, 3 * LONG), st.sampled_from("ab")), min_size=1, max_size=8),
    st.floats(0, 9),
)
def test_every_place_at_a_gate_is_spent_or_given_back_whatever_happens(
    outcomes: list[Outcome | type[BaseException] | None],
    bearers: list[str | type[BaseException] | None],
    askers: list[tuple[float, float, str]],
    ends: float,
) -> None:
    async def story() -> None:
        stop = Stop()
        x, windows = gated(exchange(Told(outcomes, bearers), stop, most=1), Window(1, 0.5))

        async def give_up(comes: float, patience: float, key: str) -> None:
            await asyncio.sleep(comes)
            task = asyncio.create_task(x.ask(READ, ((0, key),)))
            await asyncio.wait([task], timeout=patience)
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

        asyncio.get_running_loop().call_later(ends, stop.request, "interrupted")
        await asyncio.gather(*(give_up(*each) for each in askers))
        assert x.limiter.pace.in_flight == 0
        assert [log.in_flight for log in windows._logs.values()] == [0] * len(windows)

    run(story())
