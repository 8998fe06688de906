"""What is remembered of a server's limits between runs."""

import json
from pathlib import Path

import pytest

from worker.clock import Clock
from worker.pace_memory import PaceMemory, Remembered, restore
from worker.policy.pace import Pace, Window

WINDOWS = (Window(100, 60.0), Window(25, 10.0))


def clock(now: float, wall: float) -> Clock:
    return Clock(now=lambda: now, wall=lambda: wall)


def used(count: int, at: float) -> Pace:
    pace = Pace(max_in_flight=1000)
    pace.learn(WINDOWS)
    for _ in range(count):
        assert pace.reserve(at) == 0.0
        pace.answered(at)
    return pace


def test_the_next_run_knows_the_limit_and_what_was_just_used_of_it(tmp_path: Path) -> None:
    memory = PaceMemory(tmp_path, "https://a.example", "PATCH")
    memory.save(used(25, at=500.0), clock(500.0, 10_000.0))

    next_clock = clock(7.0, 10_001.0)
    pace = Pace(max_in_flight=16)
    restore(pace, memory.load(), (), next_clock)
    assert pace.learned == WINDOWS
    assert pace.reserve(7.0) == pytest.approx(9.0, abs=0.01)


def test_requests_in_flight_count_as_answered_when_saved(tmp_path: Path) -> None:
    memory = PaceMemory(tmp_path, "https://a.example", "PATCH")
    pace = Pace(max_in_flight=16)
    pace.learn(WINDOWS)
    pace.reserve(500.0)
    memory.save(pace, clock(500.0, 10_000.0))
    assert memory.load().stamps == (10_000.0,)


def test_what_no_window_covers_is_forgotten(tmp_path: Path) -> None:
    memory = PaceMemory(tmp_path, "https://a.example", "PATCH")
    memory.save(used(3, at=500.0), clock(600.0, 10_000.0))
    assert memory.load() == Remembered(WINDOWS, (), 10_000.0)


def test_origins_and_methods_are_remembered_apart(tmp_path: Path) -> None:
    PaceMemory(tmp_path, "https://a.example", "PATCH").save(used(1, 0.0), clock(0.0, 1.0))
    assert PaceMemory(tmp_path, "https://a.example", "GET").load() == Remembered()
    assert PaceMemory(tmp_path, "https://b.example", "PATCH").load() == Remembered()


@pytest.mark.parametrize(
    "content",
    [
        "",  # an empty file
        "{",  # half a file
        "[]",
        '{"learned": [[0, 60]], "stamps": [], "saved_at": 1}',  # a limit that lets nothing through
        '{"learned": [[100, -1]], "stamps": [], "saved_at": 1}',
        '{"learned": "x", "stamps": [], "saved_at": 1}',
        '{"learned": [], "stamps": ["x"], "saved_at": 1}',
        '{"learned": []}',
    ],
)
def test_a_file_that_cannot_be_understood_is_as_none(tmp_path: Path, content: str) -> None:
    memory = PaceMemory(tmp_path, "https://a.example", "PATCH")
    memory.save(used(1, 0.0), clock(0.0, 1.0))
    (path,) = (tmp_path / "pace").iterdir()
    path.write_text(content)
    assert memory.load() == Remembered()


def test_a_stamp_from_the_future_counts_as_now() -> None:
    pace = Pace(ceiling=[Window(1, 60.0)], max_in_flight=16)
    restore(pace, Remembered((), (99_999.0,), 1.0), (), clock(7.0, 10_000.0))
    assert pace.reserve(7.0) == pytest.approx(60.0, abs=0.01)


def test_responses_that_only_the_journal_knows_count_too() -> None:
    pace = Pace(ceiling=[Window(2, 60.0)], max_in_flight=16)
    restore(pace, Remembered((), (9_990.0,), 9_990.0), (9_995.0,), clock(7.0, 10_000.0))
    assert pace.reserve(7.0) == pytest.approx(50.0, abs=0.01)


def test_what_a_killed_process_left_open_counts_until_it_would_have_been_given_up_on() -> None:
    pace = Pace(ceiling=[Window(2, 60.0)], max_in_flight=16)
    restore(pace, Remembered((), (9_990.0,), 9_990.0), (10_030.0,), clock(7.0, 10_000.0))
    assert list(pace.stamps) == [-3.0, 37.0]


def test_a_state_directory_that_cannot_be_written_costs_nothing_but_the_memory(tmp_path: Path) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("")
    PaceMemory(blocked, "https://a.example", "PATCH").save(used(1, 0.0), clock(0.0, 1.0))
    assert blocked.read_text() == ""


def test_nothing_secret_is_remembered(tmp_path: Path) -> None:
    PaceMemory(tmp_path, "https://a.example", "PATCH").save(used(1, 0.0), clock(0.0, 1.0))
    (path,) = (tmp_path / "pace").iterdir()
    assert set(json.loads(path.read_text())) == {"origin", "method", "learned", "stamps", "saved_at"}
