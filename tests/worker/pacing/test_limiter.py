"""The limiter: who may pass, in which order, and what closes it for everybody."""

from collections.abc import Callable

import anyio
import pytest

from jobs.apis.meanings import Meaning
from jobs.model import MaybeSent, NotSent, Outcome, Reply, Request
from tests.commerce_layer import meaning_of
from worker.clock import Clock
from worker.events import CircuitClosed, CircuitOpened, Event, LimitLearned, NoAnswer, SlowedDown
from worker.pacing.limiter import UNHEARD, Host, Limiter, News
from worker.policy.pace import Pace, Window
from worker.policy.patience import PATIENT, Patience
from worker.policy.ratelimit import Limits
from worker.stop import Stop

LIMITED = {"x-ratelimit-limit": "100", "x-ratelimit-interval": "60"}


UPDATE = Request("PATCH", "/api/skus/x", b"{}")


def limiter(pace: Pace | None = None, *, patience: Patience = PATIENT, news: News = UNHEARD) -> tuple[Limiter, Stop]:
    stop, pace = Stop(), pace or Pace(max_in_flight=16)
    return Limiter(pace, Clock(sample=lambda: 0.5), stop, patience=patience, news=news), stop


def limiter_at(now: Callable[[], float], heard: list[Event]) -> Limiter:
    """A limiter whose clock stands where the test says."""
    pace, clock = Pace(max_in_flight=64, discover=False), Clock(now=now, sample=lambda: 0.5)
    return Limiter(pace, clock, Stop(), news=News("PATCH", heard.append))


def account(guarded: Limiter, outcome: Outcome, sent_at: float) -> float:
    return guarded.account(outcome, meaning_of(UPDATE, outcome), sent_at)


async def test_a_free_slot_is_taken_at_once_and_stops_being_free() -> None:
    guarded, _ = limiter(Pace(max_in_flight=1, discover=False))
    assert await guarded.admit()
    with anyio.move_on_after(0.05) as waited:
        await guarded.admit()
    assert waited.cancelled_caught


async def test_an_answer_lets_the_next_one_through() -> None:
    guarded, _ = limiter(Pace(max_in_flight=1, discover=False))
    assert await guarded.admit()
    passed = anyio.Event()

    async def second() -> None:
        await guarded.admit()
        passed.set()

    async with anyio.create_task_group() as group:
        group.start_soon(second)
        await anyio.sleep(0.01)
        assert not passed.is_set()
        account(guarded, Reply(200, {}), 0.0)
        with anyio.fail_after(1):
            await passed.wait()


async def test_who_waits_passes_in_the_order_of_coming() -> None:
    guarded, _ = limiter(Pace(ceiling=[Window(1, 0.02)], max_in_flight=16))
    order: list[int] = []

    async def row(number: int) -> None:
        await guarded.admit()
        order.append(number)
        account(guarded, Reply(200, {}), 0.0)

    async with anyio.create_task_group() as group:
        for number in range(6):
            group.start_soon(row, number)
            await anyio.lowlevel.checkpoint()
    assert order == list(range(6))


async def test_a_stop_sends_everybody_away_who_waits_at_once() -> None:
    guarded, stop = limiter(Pace(ceiling=[Window(1, 60)], max_in_flight=16))
    assert await guarded.admit()
    answers: list[bool] = []

    async def row() -> None:
        answers.append(await guarded.admit())

    with anyio.fail_after(1):
        async with anyio.create_task_group() as group:
            for _ in range(5):
                group.start_soon(row)
            await anyio.sleep(0.01)
            stop.request("interrupted")
    assert answers == [False] * 5
    assert not await guarded.admit()


async def test_a_cancelled_wait_gives_its_turn_back() -> None:
    guarded, _ = limiter(Pace(max_in_flight=1, discover=False))
    assert await guarded.admit()
    with anyio.move_on_after(0.01):
        await guarded.admit()
    account(guarded, Reply(200, {}), 0.0)
    with anyio.fail_after(1):
        assert await guarded.admit()


async def test_a_refusal_with_nothing_left_closes_the_limiter_for_a_whole_window_whatever_retry_after_says() -> None:
    guarded, _ = limiter()
    now = anyio.current_time()
    await guarded.admit()
    await guarded.admit()
    account(guarded, Reply(200, LIMITED), now)
    pause = account(guarded, Reply(429, {**LIMITED, "x-ratelimit-remaining": "0", "retry-after": "0"}), now)
    assert pause == pytest.approx(60)
    assert guarded.pace.closed_until == pytest.approx(now + 60, abs=0.5)
    assert guarded._inference.is_idle


@pytest.mark.parametrize("left", [{}, {"x-ratelimit-remaining": "99"}])
async def test_a_refusal_that_the_told_limit_does_not_explain_is_asked_about_soon(left: dict[str, str]) -> None:
    guarded, _ = limiter()
    now = anyio.current_time()
    await guarded.admit()
    await guarded.admit()
    account(guarded, Reply(200, {**LIMITED, **left}), now)
    assert account(guarded, Reply(429, {**LIMITED, **left}), now) == pytest.approx(0.5, abs=0.02)
    assert len(guarded.pace.stamps) == (1 if left else 2)  # by the server's own count the refused one did not count


@pytest.mark.parametrize(("status", "counted"), [(429, 1), (423, 2), (503, 2), (408, 2)])
async def test_only_what_was_certainly_refused_before_any_work_may_not_have_counted(status: int, counted: int) -> None:
    guarded, _ = limiter()
    now = anyio.current_time()
    told = {**LIMITED, "x-ratelimit-remaining": "99"}
    for each in (Reply(200, told), Reply(status, {**told, "retry-after": "1"})):
        await guarded.admit()
        account(guarded, each, now)
    assert len(guarded.pace.stamps) == counted


async def test_a_pause_that_comes_with_a_refused_token_holds_everybody_and_is_no_refusal_for_pace() -> None:
    guarded, _ = limiter()
    now = anyio.current_time()
    await guarded.admit()
    assert account(guarded, Reply(401, {"www-authenticate": "Bearer", "retry-after": "8"}), now) == 0.0
    assert guarded.pace.closed_until == pytest.approx(now + 8, abs=0.5)
    assert guarded.refusals_in_a_row == 0
    assert guarded._inference.is_idle


async def test_a_request_that_nobody_waits_for_any_more_counts_and_frees_its_slot() -> None:
    guarded, _ = limiter(Pace(ceiling=[Window(2, 60)], max_in_flight=16))
    for _ in range(2):
        assert guarded.admit_at_once()
        guarded.abandon()
    assert guarded.pace.in_flight == 0
    assert not guarded.admit_at_once()


async def test_a_limit_is_inferred_beside_those_that_are_told() -> None:
    guarded, _ = limiter()
    now = anyio.current_time()
    for _ in range(3):
        await guarded.admit()
        account(guarded, Reply(200, LIMITED), now)
    await guarded.admit()
    account(guarded, Reply(429, {**LIMITED, "retry-after": "0.3"}), now)
    assert await guarded.admit()
    account(guarded, Reply(200, LIMITED), anyio.current_time())
    assert guarded.pace.learned == (Window(100, 60.0), Window(25, 10.0))
    assert len(guarded.pace.windows) == 3
    assert guarded.pace.rate() == pytest.approx(min(25 / 10, 3 / guarded._inference.windows[0].interval, 100 / 60))


@pytest.mark.parametrize("status", [409, 420, 423, 430, 500, 502, 503, 504, 529])
async def test_retry_after_closes_the_limiter_on_any_status_for_just_as_long_as_it_says(status: int) -> None:
    guarded, _ = limiter()
    now = anyio.current_time()
    for _ in range(2):
        await guarded.admit()
    account(guarded, Reply(200, LIMITED), now)
    assert account(guarded, Reply(status, {"retry-after": "8"}), now) == 8.0
    assert guarded.pace.closed_until == pytest.approx(now + 8, abs=0.5)
    assert guarded._inference.is_idle == (status >= 500)  # an outage is no limit


async def test_a_limit_told_in_a_body_is_a_refusal_for_pace_like_any_other() -> None:
    guarded, _ = limiter()
    now = anyio.current_time()
    await guarded.admit()
    told = b'[{"errorCode": "REQUEST_LIMIT_EXCEEDED", "message": "x"}]'
    assert account(guarded, Reply(403, {}, told), now) == 0.5
    assert not guarded._inference.is_idle


async def test_without_discovery_a_refusal_costs_a_whole_window_of_the_users() -> None:
    guarded, _ = limiter(Pace(ceiling=[Window(5, 7.0)], max_in_flight=4, discover=False))
    await guarded.admit()
    assert account(guarded, Reply(429, {}), anyio.current_time()) == 7.0


async def test_refusals_that_were_in_flight_together_count_once() -> None:
    guarded, _ = limiter()
    sent_at = anyio.current_time()
    for _ in range(4):
        await guarded.admit()
    pauses = [account(guarded, Reply(429, {}), sent_at) for _ in range(4)]
    assert pauses == pytest.approx([0.5] * 4, abs=0.1)
    later = guarded.pace.closed_until
    guarded.pace.in_flight = 1
    assert account(guarded, Reply(429, {}), later) == pytest.approx(2.0, abs=0.1)


async def test_limits_are_learned_from_any_reply_and_told_once() -> None:
    heard: list[Event] = []
    guarded, _ = limiter(news=News("GET", heard.append))
    for _ in range(2):
        await guarded.admit()
        account(guarded, Reply(404, LIMITED), 0.0)
    assert guarded.pace.learned == (Window(100, 60.0), Window(25, 10.0))
    assert heard == [LimitLearned("GET", (Window(100, 60.0), Window(25, 10.0)))]


async def test_many_failures_in_a_row_open_the_circuit_and_a_success_closes_it() -> None:
    heard: list[Event] = []
    guarded, _ = limiter(Pace(max_in_flight=64, discover=False), news=News("PATCH", heard.append))
    for _ in range(10):
        await guarded.admit()
        account(guarded, Reply(500, {}), anyio.current_time())
    assert heard == [CircuitOpened("PATCH", 10, "it answered 500")]
    with anyio.move_on_after(0.05) as waited:
        await guarded.admit()
    assert waited.cancelled_caught
    with anyio.fail_after(2):
        assert await guarded.admit()
    account(guarded, Reply(200, {}), anyio.current_time())
    assert heard == [CircuitOpened("PATCH", 10, "it answered 500"), CircuitClosed("PATCH")]
    for _ in range(20):
        assert await guarded.admit()


async def test_the_cause_is_told_at_the_first_failure_and_a_host_that_never_answers_is_given_up() -> None:
    now = 1000.0
    heard: list[Event] = []
    guarded = limiter_at(lambda: now, heard)
    for _ in range(11):
        assert guarded.outage("refused") == ""
        account(guarded, NotSent("refused"), now)
        now += 0.5
    assert heard == [NoAnswer("PATCH", "refused"), CircuitOpened("PATCH", 10, "refused")]
    assert guarded.outage("refused") == "nothing was ever answered (refused); check the URL and the network, then go on"


@pytest.mark.parametrize("reply", [Reply(500, {}), Reply(429, {}), Reply(200, {})])
async def test_a_host_that_has_answered_is_waited_for(reply: Reply) -> None:
    now = 1000.0
    heard: list[Event] = []
    guarded = limiter_at(lambda: now, heard)
    account(guarded, reply, now)
    for _ in range(28):
        now += 10
        account(guarded, MaybeSent("timed_out", "no reply in time"), now)
        assert guarded.outage("no reply in time") == ""
    assert NoAnswer not in map(type, heard)
    for _ in range(100):
        account(guarded, MaybeSent("timed_out", "no reply in time"), now)
    assert guarded.outage("no reply").startswith("the server has been down for too long (no reply)")


@pytest.mark.parametrize(
    ("outcome", "limit"),
    [
        (Reply(200, {}), 8),  # served, with as many in flight as are allowed: room for more
        (Reply(404, {}), 4),  # refused for its content: no news
        (Reply(500, {}), 4),
        (Reply(503, {}), 2),  # full
        (Reply(504, {}), 2),
        (Reply(429, {}), 2),  # nothing is known about the rate: fewer is all that can be tried
        (Reply(429, {**LIMITED, "x-ratelimit-remaining": "0"}), 4),  # the window is used up
        (Reply(503, {"retry-after": "1"}), 2),
        (MaybeSent("timed_out", ""), 2),
        (NotSent("refused"), 4),  # nobody got through: the circuit's business
    ],
)
async def test_what_comes_of_requests_decides_how_many_may_be_in_flight(outcome: Outcome, limit: int) -> None:
    guarded, _ = limiter()
    sent_at = anyio.current_time()
    for _ in range(4):
        assert await guarded.admit()
    for _ in range(4):
        account(guarded, outcome, sent_at)
    assert guarded.pace.most_in_flight == limit
    assert guarded.pace.in_flight == 0


async def test_a_slot_that_is_given_back_leaves_no_trace() -> None:
    guarded, _ = limiter(Pace(ceiling=[Window(1, 60)], max_in_flight=16))
    for _ in range(3):
        assert await guarded.admit()
        guarded.release()


async def test_a_pause_that_is_asked_for_after_a_success_holds_everybody() -> None:
    heard: list[Event] = []
    guarded, _ = limiter(news=News("PATCH", heard.append))
    now = anyio.current_time()
    await guarded.admit()
    account(guarded, Reply(200, {"backoff": "30"}), now)
    assert guarded.pace.closed_until == pytest.approx(now + 30, abs=0.5)
    assert heard == [SlowedDown("PATCH", 200, 30.0)]
    assert guarded.refusals_in_a_row == 0


async def test_a_refusal_closes_the_limiter_until_the_reset_of_the_quota_that_it_tells() -> None:
    guarded, _ = limiter()
    now = anyio.current_time()
    await guarded.admit()
    pause = account(guarded, Reply(429, {"ratelimit": '"a";r=0;t=40'}), now)
    assert pause == pytest.approx(41, abs=0.5)
    assert guarded.refusals_in_a_row == 1


@pytest.mark.parametrize(
    ("told", "says"),
    [
        ({"ratelimit": '"a";r=0;t=1800'}, "a pause of 1801 s"),  # a quota that is used up for long
        ({"backoff": "3600"}, "a pause of 3600 s"),
    ],
)
async def test_who_would_have_to_wait_too_long_parks_the_run(told: dict[str, str], says: str) -> None:
    guarded, stop = limiter(patience=Patience(pause=900.0))
    await guarded.admit()
    account(guarded, Reply(200, told), anyio.current_time())
    before = stop.reason  # nobody waits: the run may be done
    with anyio.fail_after(1):
        assert not await guarded.admit()
    assert (before, stop.reason) == ("", "parked")
    assert says in stop.message


async def test_a_quota_that_is_used_up_for_a_while_is_waited_for() -> None:
    guarded, stop = limiter(patience=Patience(pause=900.0))
    await guarded.admit()
    account(guarded, Reply(200, {"ratelimit": '"a";r=0;t=600'}), anyio.current_time())
    with anyio.move_on_after(0.05) as waited:
        await guarded.admit()
    assert waited.cancelled_caught
    assert not stop.reason


async def test_only_what_says_too_many_requests_counts_as_a_refusal() -> None:
    refusals: list[None] = []
    guarded, _ = limiter(news=News(count_refusal=lambda: refusals.append(None)))
    now = anyio.current_time()
    for _ in range(4):
        await guarded.admit()
    account(guarded, Reply(200, {"backoff": "1"}), now)
    account(guarded, Reply(503, {"retry-after": "1"}), now)
    assert len(refusals) == 0
    account(guarded, Reply(429, {}), now)
    assert len(refusals) == 1
    account(guarded, MaybeSent("timed_out", "no reply in time"), now)
    assert len(refusals) == 1


async def test_a_refusal_that_is_about_some_requests_alone_closes_nothing_and_infers_nothing() -> None:
    heard: list[Event] = []
    guarded, _ = limiter(news=News("PATCH", heard.append))
    now = anyio.current_time()
    await guarded.admit()
    await guarded.admit()
    assert guarded.account(Reply(429, LIMITED), Meaning.THROTTLED, now, 5.0, 30.0) == 30.0
    assert guarded.pace.closed_until < now
    assert guarded._inference.is_idle
    assert guarded.refusals_in_a_row == 0
    assert guarded.pace.in_flight == 1
    assert [type(event) for event in heard] == [LimitLearned, SlowedDown]
    assert guarded.admit_at_once()


@pytest.mark.parametrize(
    ("headers", "pause"), [({}, 30.0), ({"retry-after": "0"}, 30.0), ({"retry-after": "45"}, 45.0)]
)
async def test_what_the_api_is_known_to_ask_for_counts_where_the_reply_does_not_say(
    headers: dict[str, str], pause: float
) -> None:
    guarded, _ = limiter()
    await guarded.admit()
    paused = guarded.account(Reply(429, headers), Meaning.THROTTLED, anyio.current_time(), 30.0)
    assert paused == pytest.approx(pause)


async def test_the_limits_are_read_as_the_api_tells_them() -> None:
    told = Limits((Window(7, 5.0),))
    guarded = Limiter(Pace(max_in_flight=4), Clock(), Stop(), host=Host(limits=lambda _headers, _wall: told))
    await guarded.admit()
    account(guarded, Reply(200, {}), anyio.current_time())
    assert guarded.pace.learned == told.windows


async def test_a_window_that_leaves_nothing_for_long_parks_the_run() -> None:
    pace = Pace(declared=[Window(1, 86_400.0)], max_in_flight=4)
    guarded, stop = limiter(pace, patience=Patience(pause=900.0))
    await guarded.admit()
    account(guarded, Reply(200, {}), anyio.current_time())
    with anyio.fail_after(1):
        assert not await guarded.admit()
    assert stop.reason == "parked"
    assert "leave nothing for 86400 s" in stop.message
