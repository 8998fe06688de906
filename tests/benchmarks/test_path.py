"""The counter behind `make hunt NAME=path`, on toys."""

import asyncio
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from benchmarks.path import Call, Function, Trace, Tracer, room

SOURCES = {
    "toy/one.py": """
import asyncio
from contextlib import ExitStack

def through_a_library(call):
    with ExitStack() as stack:
        stack.callback(call)

def own_loop(coroutine_function):
    asyncio.run(coroutine_function())

def twice(call):
    call()
    call()

def comprehend(call):
    return [call() for _ in range(3)], (lambda: call())(), list(map(lambda _: call(), range(2)))

async def wait_for(coroutine_function):
    await coroutine_function()

def consume(generator_function):
    return list(generator_function())

class Thing:
    @property
    def size(self):
        return 1
""",
    "toy/two.py": """
import asyncio

def leaf():
    pass

async def resumed_three_times():
    for _ in range(3):
        await asyncio.sleep(0)
    leaf()

def three():
    yield 1
    yield 2
    yield 3
    leaf()

def given_away():
    return lambda *_: leaf()

def scheduling(loop, call):
    loop.call_soon(call)

async def beside():
    await asyncio.gather(resumed_three_times(), resumed_three_times())
""",
    "toy/sandbox/server.py": """
def handle(call):
    call()
""",
}

Toy = dict[str, Any]
Counted = Callable[[Callable[[], object]], dict[tuple[str, str, str], int]]


@pytest.fixture
def toy(tmp_path: Path) -> Toy:
    """Return everything that the toys define."""
    names: Toy = {}
    for file, text in SOURCES.items():
        exec(compile(text, str(tmp_path / file), "exec"), names)
    return names


@pytest.fixture
def counted(tmp_path: Path) -> Counted:
    """Return the calls that something leads to: from which file, into which file, of which function."""

    def count(something: Callable[[], object]) -> dict[tuple[str, str, str], int]:
        tracer = Tracer(tmp_path, ("toy",), ("toy/sandbox",))
        with tracer.tracing():
            something()
        return {(call.caller, *call.function): times for call, times in tracer.calls.items()}

    return count


def test_every_call_of_a_function_counts_by_its_caller(toy: Toy, counted: Counted) -> None:
    assert counted(lambda: toy["twice"](toy["leaf"])) == {
        ("", "toy/one.py", "twice"): 1,
        ("toy/one.py", "toy/two.py", "leaf"): 2,
    }


def test_functions_that_two_files_have_alike_are_two(tmp_path: Path, counted: Counted) -> None:
    alike: list[Toy] = [{}, {}]
    for names, file in zip(alike, ("toy/one.py", "toy/two.py"), strict=True):
        exec(compile("def leaf(): pass", str(tmp_path / file), "exec"), names)
    assert counted(lambda: [names["leaf"]() for names in alike]) == {
        ("", "toy/one.py", "leaf"): 1,
        ("", "toy/two.py", "leaf"): 1,
    }


def test_a_property_is_a_function_by_its_qualified_name(toy: Toy, counted: Counted) -> None:
    assert counted(lambda: toy["Thing"]().size) == {("", "toy/one.py", "Thing.size"): 1}


def test_a_coroutine_resumed_three_times_counts_once(toy: Toy, counted: Counted) -> None:
    assert counted(lambda: asyncio.run(toy["wait_for"](toy["resumed_three_times"]))) == {
        ("", "toy/one.py", "wait_for"): 1,
        ("toy/one.py", "toy/two.py", "resumed_three_times"): 1,
        ("toy/two.py", "toy/two.py", "leaf"): 1,
    }


def test_a_coroutine_that_a_task_runs_has_no_caller(toy: Toy, counted: Counted) -> None:
    assert counted(lambda: asyncio.run(toy["beside"]())) == {
        ("", "toy/two.py", "beside"): 1,
        ("", "toy/two.py", "resumed_three_times"): 2,
        ("toy/two.py", "toy/two.py", "leaf"): 2,
    }


def test_a_generator_resumed_three_times_counts_once(toy: Toy, counted: Counted) -> None:
    assert counted(lambda: toy["consume"](toy["three"])) == {
        ("", "toy/one.py", "consume"): 1,
        ("toy/one.py", "toy/two.py", "three"): 1,
        ("toy/two.py", "toy/two.py", "leaf"): 1,
    }


def test_comprehensions_and_lambdas_belong_to_the_function_around_them(toy: Toy, counted: Counted) -> None:
    assert counted(lambda: toy["comprehend"](toy["leaf"])) == {
        ("", "toy/one.py", "comprehend"): 1,
        ("toy/one.py", "toy/two.py", "leaf"): 6,
    }


def test_a_lambda_that_another_file_enters_is_a_call_of_the_function_around_it(toy: Toy, counted: Counted) -> None:
    given = toy["given_away"]()
    assert counted(lambda: toy["twice"](given)) == {
        ("", "toy/one.py", "twice"): 1,
        ("toy/one.py", "toy/two.py", "given_away"): 2,
        ("toy/two.py", "toy/two.py", "leaf"): 2,
    }


def test_libraries_between_two_files_are_skipped(toy: Toy, counted: Counted) -> None:
    assert counted(lambda: toy["through_a_library"](toy["leaf"])) == {
        ("", "toy/one.py", "through_a_library"): 1,
        ("toy/one.py", "toy/two.py", "leaf"): 1,
    }


def test_who_runs_the_event_loop_does_not_call_what_it_calls(toy: Toy, counted: Counted) -> None:
    async def main() -> None:
        toy["scheduling"](asyncio.get_running_loop(), toy["leaf"])
        await asyncio.sleep(0)

    assert counted(lambda: toy["own_loop"](main)) == {
        ("", "toy/one.py", "own_loop"): 1,
        ("", "toy/two.py", "scheduling"): 1,
        ("", "toy/two.py", "leaf"): 1,
    }


def test_an_excluded_folder_does_not_count_nor_does_anything_it_calls(toy: Toy, counted: Counted) -> None:
    assert counted(lambda: toy["handle"](lambda: toy["twice"](toy["leaf"]))) == {}


def test_the_profile_function_of_others_is_put_back(tmp_path: Path) -> None:
    before = sys.getprofile()
    with Tracer(tmp_path, ("toy",)).tracing():
        pass
    assert sys.getprofile() is before


@pytest.mark.parametrize(
    ("file", "expected"),
    [
        ("worker/gate.py", "worker/gate.py"),
        ("worker/policy/pace.py", "worker/policy"),
        ("worker/policy/ratelimit/ietf.py", "worker/policy"),
    ],
)
def test_a_room_is_a_folder_or_a_flat_module(file: str, expected: str) -> None:
    assert room(file) == expected


def test_figures_are_sums_of_what_grows() -> None:
    def call(caller: str, file: str, name: str) -> Call:
        return Call(caller, Function(file, name))

    trace = Trace(
        {
            call("", "worker/pool.py", "work"): 1.0,
            call("worker/pool.py", "worker/pool.py", "next"): 1.0,
            call("worker/pool.py", "worker/intake.py", "release"): 2.0,
            call("worker/pool.py", "worker/policy/pace.py", "held"): 0.3,
            call("worker/intake.py", "worker/policy/pace.py", "held"): 0.3,
            call("worker/intake.py", "worker/pages.py", "read"): 0.04,
        },
        ("worker/pool.py", "worker/in*.py"),
    )
    assert trace.files == ["worker/pool.py", "worker/intake.py", "worker/policy/pace.py"]
    assert trace.rooms == ["worker/pool.py", "worker/intake.py", "worker/policy"]
    assert sum(trace.changes.values()) == pytest.approx(2.64)
    assert trace.round_the_middle == {call("worker/pool.py", "worker/intake.py", "release"): 2.0}
