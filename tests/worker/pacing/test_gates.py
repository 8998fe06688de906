"""Gates: who passes, in which order, and who is kept back by whom."""

import asyncio
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jobs.apis.limits import CREDENTIAL, RECORD, DeclaredLimit, Places
from jobs.model import MaybeSent, NotSent, Reply, Request
from tests.virtual_time import run
from worker.clock import Clock
from worker.pacing.gates import Gates, RememberedWindows, Rules, Windows
from worker.pacing.quota_file import PaceMemory
from worker.pacing.shared import SharedPace
from worker.policy.pace import GUARD, Pace, Window
from worker.policy.scopes import ScopedWindows
from worker.stop import Stop

PATH_GATE, RECORD_GATE = 0, 1
SLOW = Reply(429, {})
ASKS = Reply(429, {"retry-after": "5"})
UPDATE = Request("PATCH", "/t/a")


def now() -> float:
    return asyncio.get_running_loop().time()


def rules(scope: str = RECORD) -> Rules:
    def places(type_name: str, key: str, *, reads: bool) -> Places:
        return ((PATH_GATE, type_name),) if reads else ((PATH_GATE, type_name), (RECORD_GATE, key))

    gates = (DeclaredLimit("path"), DeclaredLimit(RECORD))
    return Rules(gates, places, lambda _request, _reply: scope)


def gates(*windows: Windows, said: Rules | None = None, stop: Stop | None = None) -> Gates:
    both = windows or (ScopedWindows([Window(3, 10.0)]), ScopedWindows([Window(1, 10.0)]))
    return Gates(said or rules(), both, Clock(wall=lambda: 0.0), stop or Stop())


def place(record: str) -> Places:
    return (PATH_GATE, "t"), (RECORD_GATE, record)


async def passing(guarded: Gates, order: list[tuple[float, str]], record: str) -> bool:
    passed = await guarded.admit(place(record))
    if passed:
        order.append((round(now(), 2), record))
        guarded.abandon(place(record))
    return passed


def test_all_gates_are_passed_together_or_none() -> None:
    async def story() -> None:
        guarded = gates()
        assert guarded.admit_at_once(place("a"))
        assert not guarded.admit_at_once(place("a"))
        assert guarded.admit_at_once(place("b"))
        assert guarded.admit_at_once(place("c"))  # the refused one has left its slot of the path
        assert not guarded.admit_at_once(place("d"))

    run(story())


def test_who_waits_for_a_record_keeps_no_other_record_back() -> None:
    async def story() -> list[tuple[float, str]]:
        guarded, order = gates(), list[tuple[float, str]]()
        async with asyncio.TaskGroup() as group:
            for record in ("a", "a", "b"):
                group.create_task(passing(guarded, order, record))
        return order

    assert run(story()) == [(0.0, "a"), (0.0, "b"), (10.0, "a")]


def test_at_one_gate_requests_pass_in_the_order_in_which_they_came() -> None:
    async def story() -> list[str]:
        guarded, order = gates(ScopedWindows([Window(1, 1.0)]), ScopedWindows([])), list[tuple[float, str]]()
        async with asyncio.TaskGroup() as group:
            for record in "abcde":
                group.create_task(passing(guarded, order, record))
                await asyncio.sleep(0.3)
            assert not guarded.is_open(place("f"))
            assert not guarded.admit_at_once(place("f"))  # nobody overtakes
        return [record for _, record in order]

    assert run(story()) == list("abcde")


def test_a_stop_sends_everybody_away_at_once() -> None:
    async def story() -> tuple[list[bool], float]:
        stop = Stop()
        guarded, order = gates(stop=stop), list[tuple[float, str]]()
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(passing(guarded, order, "a")) for _ in range(3)]
            await asyncio.sleep(1)
            stop.request("interrupted")
        assert not guarded.admit_at_once(place("b"))
        return [task.result() for task in tasks], now()

    assert run(story()) == ([True, False, False], 1.0)


def test_a_cancelled_wait_gives_its_turn_to_the_next() -> None:
    async def story() -> list[tuple[float, str]]:
        guarded, order = gates(), list[tuple[float, str]]()
        assert guarded.admit_at_once(place("a"))
        first = asyncio.create_task(passing(guarded, order, "a"))
        second = asyncio.create_task(passing(guarded, order, "a"))
        await asyncio.sleep(1)
        first.cancel()
        guarded.release(place("a"))
        await second
        return order

    assert run(story()) == [(1.0, "a")]


def test_an_unused_slot_is_free_at_once_and_a_spent_one_after_its_window() -> None:
    async def story() -> None:
        guarded = gates()
        for outcome, waits in ((NotSent("x"), False), (MaybeSent("reply_lost", "x"), True)):
            assert guarded.admit_at_once(place("a"))
            guarded.account(place("a"), outcome)
            assert guarded.is_open(place("a")) is not waits

    run(story())


@pytest.mark.parametrize(
    ("reply", "scope", "least", "pause"),
    [
        (ASKS, RECORD, 30.0, 5.0),
        (SLOW, RECORD, 30.0, 30.0),
        (Reply(429, {"retry-after": "0"}), RECORD, 30.0, 30.0),
        (SLOW, RECORD, 0.0, 1.0),
        (SLOW, CREDENTIAL, 30.0, None),
        (SLOW, "{base}", 30.0, None),  # nothing of the request is counted by it
    ],
)
def test_a_refusal_pauses_those_that_it_is_about_and_no_others(
    reply: Reply, scope: str, least: float, pause: float | None
) -> None:
    async def story() -> None:
        guarded = gates(ScopedWindows([]), ScopedWindows([]), said=rules(scope))
        assert guarded.refused(place("a"), UPDATE, reply, now(), least) == pause
        assert guarded.is_open(place("a")) is (pause is None)
        assert guarded.is_open(place("b"))
        order = list[tuple[float, str]]()
        await passing(guarded, order, "a")
        assert order == [(pause or 0.0, "a")]

    run(story())


def test_pauses_that_nobody_asked_for_double_until_something_gets_through() -> None:
    async def story() -> list[float | None]:
        guarded, pauses = gates(ScopedWindows([]), ScopedWindows([])), list[float | None]()
        for gets_through in (False, True, False):
            pauses.append(guarded.refused(place("a"), UPDATE, SLOW, now(), 0.0))
            await asyncio.sleep(10)
            if gets_through:
                guarded.accepted(place("a"), now())
        return pauses

    assert run(story()) == [1.0, 2.0, 1.0]


def test_a_page_is_counted_once_at_each_place() -> None:
    async def story() -> None:
        guarded = gates()
        assert guarded.places("t", ["a", "b"], reads=True) == ((PATH_GATE, "t"),)
        assert guarded.places("t", ["a", "b", "a"], reads=False) == (*place("a"), (RECORD_GATE, "b"))

    run(story())


def remembered(directory: Path, wall: float) -> RememberedWindows:
    """Windows of 2 in 60 s, by a process that begins at a time of its own."""

    def begin(value: str) -> SharedPace:
        pace = Pace(ceiling=[Window(2, 60.0)], max_in_flight=9, discover=False)
        shared = SharedPace(pace, PaceMemory(directory, "https://api.example", "", value), clock)
        shared.begin()
        return shared

    clock = Clock(now=lambda: 5.0, wall=lambda: wall)
    return RememberedWindows(begin)


def test_what_is_remembered_holds_for_the_next_process(tmp_path: Path) -> None:
    async def story() -> None:
        first = remembered(tmp_path, 1000.0)
        guarded = gates(first, ScopedWindows([]))
        for record in "ab":
            assert guarded.admit_at_once(place(record))
            guarded.abandon(place(record))
        guarded.heartbeat()
        guarded.end()
        second = remembered(tmp_path, 1030.0)
        assert second.reserve("t", 5.0) == pytest.approx(30.0 + GUARD)
        assert second.reserve("other", 5.0) == 0.0
        assert second.wait("other", 5.0) == 0.0
        second.cancelled("other")
        assert sum(shared.pace.in_flight for shared in second.paces) == 0

    run(story())


def trips(dice: Random, records: Sequence[str]) -> Iterator[tuple[str, float]]:
    while True:
        yield dice.choice(records), dice.uniform(0.0, 3.0)


@settings(deadline=None, max_examples=30)
@given(st.integers(1, 4), st.integers(1, 3), st.integers(1, 12), st.integers(0, 10**6))
def test_no_window_is_ever_broken_and_nobody_waits_for_ever(path: int, record: int, workers: int, seed: int) -> None:
    async def story() -> None:
        dice, flying = Random(seed), Counter[str]()
        guarded = gates(ScopedWindows([Window(path, 5.0)]), ScopedWindows([Window(record, 8.0)], 1))
        arrivals = list[tuple[float, str]]()
        work = trips(dice, "abc")

        async def worker() -> None:
            for _ in range(4):
                key, takes = next(work)
                assert await guarded.admit(place(key))
                flying[key] += 1
                assert flying[key] == 1
                await asyncio.sleep(takes)
                arrivals.append((now(), key))
                await asyncio.sleep(takes)
                flying[key] -= 1
                guarded.abandon(place(key))

        async with asyncio.TaskGroup() as group:
            for _ in range(workers):
                group.create_task(worker())
        assert len(arrivals) == 4 * workers
        for limit, interval, times in (
            (path, 5.0, [at for at, _ in arrivals]),
            *((record, 8.0, [at for at, key in arrivals if key == each]) for each in "abc"),
        ):
            assert all(late >= early + interval - 1e-9 for early, late in zip(times, times[limit:], strict=False))

    run(story())


class Hasty:
    """Windows that are open from the second second on, but tell who asks before to come back in five."""

    def wait(self, _value: str, at: float) -> float:
        return 0.0 if at >= 2.0 else 5.0

    def reserve(self, value: str, at: float) -> float:
        return self.wait(value, at)

    def answered(self, value: str, at: float) -> None: ...

    def cancelled(self, value: str) -> None: ...


def test_who_comes_later_does_not_pass_before_one_who_was_told_to_wait_longer_than_needed() -> None:
    async def story() -> list[tuple[float, str]]:
        guarded, order = gates(Hasty(), ScopedWindows([])), list[tuple[float, str]]()
        async with asyncio.TaskGroup() as group:
            group.create_task(passing(guarded, order, "a"))
            await asyncio.sleep(3)
            group.create_task(passing(guarded, order, "b"))
        return order

    assert run(story()) == [(5.0, "a"), (5.0, "b")]
