"""Two paces on one file: what the one takes, the other does not."""

import fcntl
import math
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from worker.clock import Clock
from worker.pacing.peers import HEARTBEAT_S, SILENCE_S
from worker.pacing.quota_file import LEAST_CAPACITY, MOST_PROCESSES, Entry, Header, PaceMemory, Stamp
from worker.pacing.shared import LOCK_RETRY_S, MAX_LEASE_SLOTS, POLL_S, STUCK_LOCK_S, SharedPace
from worker.policy.concurrency import START, Concurrency
from worker.policy.pace import Pace, Window

SLOW = (Window(100, 60.0), Window(25, 10.0))
FAST = (Window(1000, 60.0),)


@dataclass
class Hands:
    """A monotonic clock and a wall clock that are set by hand."""

    now: float = 500.0
    wall: float = 10_000.0

    def clock(self) -> Clock:
        return Clock(now=lambda: self.now, wall=lambda: self.wall)

    def pass_by(self, seconds: float) -> None:
        self.now += seconds
        self.wall += seconds


@dataclass
class Bench:
    """A state directory, and the processes that use it."""

    directory: Path
    hands: Hands

    def memory(self, method: str = "PATCH") -> PaceMemory:
        return PaceMemory(self.directory, "https://a.example", "", method)

    def process(
        self, windows: tuple[Window, ...] = SLOW, *, method: str = "PATCH", clock: Clock | None = None
    ) -> SharedPace:
        pace = Pace(max_in_flight=LEAST_CAPACITY)
        pace._concurrency = Concurrency(LEAST_CAPACITY, fixed=True)  # how many the server bears is another matter
        shared = SharedPace(pace, self.memory(method), clock or self.hands.clock())
        pace.learn(windows)
        shared.begin()
        return shared

    def use(self, shared: SharedPace, count: int, *, answer: bool = True) -> None:
        for _ in range(count):
            assert shared.reserve(self.hands.now) == 0.0
        for _ in range(count if answer else 0):
            shared.answered(self.hands.now)


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path, Hands())


def taken(bench: Bench, shared: SharedPace) -> int:
    """How many slots are free at once for that process; they are taken by it."""
    count = 0
    while shared.reserve(bench.hands.now) == 0.0:
        count += 1
    return count


def test_slots_in_flight_in_one_process_are_not_free_in_another(bench: Bench) -> None:
    first, second = bench.process(), bench.process()
    bench.use(first, 10, answer=False)
    assert taken(bench, second) == 15
    assert first.reserve(bench.hands.now) > 0.0


def test_responses_of_one_process_count_in_another_from_when_they_came(bench: Bench) -> None:
    first, second = bench.process(), bench.process()
    bench.use(first, 25)
    bench.hands.pass_by(3.0)
    assert second.reserve(bench.hands.now) == pytest.approx(7.0, abs=0.01)


def test_who_waits_for_what_another_holds_looks_again_soon(bench: Bench) -> None:
    first, second = bench.process(), bench.process()
    bench.use(first, 25, answer=False)
    assert second.reserve(bench.hands.now) == POLL_S
    first.cancelled()
    assert second.reserve(bench.hands.now) == 0.0


def test_the_next_run_knows_the_limit_and_what_was_just_used_of_it(bench: Bench) -> None:
    first = bench.process()
    bench.use(first, 25)
    first.end()
    bench.hands.pass_by(1.0)
    later = Hands(now=7.0, wall=bench.hands.wall)
    second = bench.process((), clock=later.clock())
    assert second.pace.learned == SLOW
    assert second.reserve(7.0) == pytest.approx(9.0, abs=0.01)


def test_requests_in_flight_count_as_answered_when_a_process_leaves(bench: Bench) -> None:
    first = bench.process()
    bench.use(first, 25, answer=False)
    bench.hands.pass_by(4.0)
    first.end()
    second = bench.process()
    assert second.pace.elsewhere == 0
    assert second.reserve(bench.hands.now) == pytest.approx(10.0, abs=0.01)


def test_what_a_silent_process_held_counts_as_used_from_then_and_no_longer_than_a_window(bench: Bench) -> None:
    first, second = bench.process(), bench.process()
    bench.use(first, 20, answer=False)
    bench.hands.pass_by(SILENCE_S + 1.0)
    second.heartbeat()
    assert second.abandoned == 20
    assert taken(bench, second) == 5
    bench.hands.pass_by(10.1)
    assert taken(bench, second) == 20


def test_a_killed_process_is_missed_at_once(bench: Bench) -> None:
    first, second = bench.process(), bench.process()
    bench.use(first, 20, answer=False)
    child = subprocess.run([sys.executable, "-c", "import os; print(os.getpid())"], capture_output=True, check=True)
    first._others.pid = int(child.stdout)
    first._beat_at = -math.inf
    first.heartbeat()
    bench.hands.pass_by(0.5)
    second.heartbeat()
    assert (second.abandoned, second.pace.elsewhere) == (20, 0)


def test_a_process_that_was_silent_and_is_not_gone_takes_part_again(bench: Bench) -> None:
    first, second = bench.process(), bench.process()
    bench.use(first, 10, answer=False)
    bench.hands.pass_by(SILENCE_S + 1.0)
    second.heartbeat()
    first.heartbeat()
    second.heartbeat()
    assert second.pace.elsewhere == 10
    bench.hands.pass_by(60.1)
    bench.use(first, 5, answer=False)
    assert taken(bench, second) == 10


def test_before_a_window_is_known_a_request_costs_no_look_at_the_file(bench: Bench) -> None:
    first = bench.process(())
    before = bench.memory().path.read_bytes()
    bench.use(first, START)
    assert bench.memory().path.read_bytes() == before
    assert bench.process().pace.elsewhere == START


def test_what_was_sent_before_a_window_was_known_is_told_with_it(bench: Bench) -> None:
    first, second = bench.process(()), bench.process()
    for _ in range(5):
        bench.use(first, 4)
    first.pace.learn(SLOW)
    bench.use(first, 1, answer=False)
    assert taken(bench, second) == 4


def test_without_windows_for_good_there_is_no_file(bench: Bench) -> None:
    shared = SharedPace(Pace(max_in_flight=4, discover=False), bench.memory(), bench.hands.clock())
    assert shared.begin() == 0.0
    bench.use(shared, 4)
    shared.heartbeat()
    shared.end()
    assert not bench.memory().path.exists()


def test_large_limits_are_leased_several_slots_at_once_and_the_sum_still_holds(bench: Bench) -> None:
    first = bench.process(FAST)
    bench.use(first, 1, answer=False)
    second = bench.process(FAST)
    assert second.pace.elsewhere == MAX_LEASE_SLOTS
    free = taken(bench, second)
    assert free == 1000 - MAX_LEASE_SLOTS
    assert taken(bench, first) == MAX_LEASE_SLOTS - 1


def test_a_lease_that_is_not_used_is_given_back_with_the_next_beat(bench: Bench) -> None:
    first, second = bench.process(FAST), bench.process(FAST)
    bench.use(first, 1)
    bench.hands.pass_by(HEARTBEAT_S)
    first.heartbeat()
    second.heartbeat()
    assert second.pace.elsewhere == 0


def test_requests_of_another_process_are_not_taken_for_those_of_a_stranger(bench: Bench) -> None:
    first, second = bench.process(FAST), bench.process(FAST)
    bench.use(first, 200, answer=False)
    bench.use(second, 1)
    second.look(bench.hands.now)
    assert second.pace.shared([(FAST[0], 1000 - 201)], bench.hands.now, bench.hands.now) == 0


def test_a_refusal_closes_the_gate_in_every_process_and_in_the_next(bench: Bench) -> None:
    first, second = bench.process(), bench.process()
    first.close(60.0)
    second.heartbeat()
    third = bench.process()
    for each in (second, third):
        assert each.reserve(bench.hands.now) == pytest.approx(60.0, abs=0.01) or each.pace.elsewhere
        assert each.pace.closed_until == pytest.approx(bench.hands.now + 60.0)
    second.pace.open(bench.hands.now + 60.0)
    second.heartbeat()
    assert second.pace.closed_until == pytest.approx(bench.hands.now + 60.0)


@pytest.mark.parametrize("windows", [SLOW, ()])
def test_a_pause_that_parks_a_run_holds_the_next_one_too(bench: Bench, windows: tuple[Window, ...]) -> None:
    first, second = bench.process(windows), bench.process(windows)
    first.close(1000.0)
    first.end()
    second.heartbeat()
    for each in (second, bench.process(windows), bench.process(())):
        assert each.pace.closed_until == pytest.approx(bench.hands.now + 1000.0)
        assert each.reserve(bench.hands.now) > 0.0


def test_a_shorter_pause_does_not_end_a_longer_one_and_none_is_longer_than_a_day(bench: Bench) -> None:
    first = bench.process(())
    first.close(1000.0)
    first.close(1.0)
    assert bench.process(()).pace.closed_until == pytest.approx(bench.hands.now + 1000.0)
    first.close(1e9)
    assert bench.process(()).pace.closed_until == pytest.approx(bench.hands.now + 86_400.0)


def test_methods_do_not_disturb_each_other(bench: Bench) -> None:
    first, second = bench.process(), bench.process(method="GET")
    bench.use(first, 25)
    assert taken(bench, second) == 25


def test_readers_to_whom_the_server_states_different_limits_do_not_disturb_each_other(bench: Bench) -> None:
    skus, payments = bench.process((Window(500, 60.0),)), bench.process((Window(100, 60.0),))
    bench.use(skus, 300)
    bench.use(skus, 10, answer=False)
    assert taken(bench, payments) == 100


@pytest.mark.parametrize(
    ("jump", "wait"),
    [
        (-3600.0, 10.0),  # set back: what seems to come from the future counts as now
        (3600.0, 0.0),  # set forward: what is read then looks old
    ],
)
def test_a_clock_that_was_set_costs_a_window_at_most(bench: Bench, jump: float, wait: float) -> None:
    first = bench.process()
    bench.use(first, 25)
    first.end()
    bench.hands.wall += jump
    second = bench.process()
    assert second.reserve(bench.hands.now) == pytest.approx(wait, abs=0.01)


def test_a_clock_that_is_set_while_processes_run_changes_nothing_of_what_they_know(bench: Bench) -> None:
    first, second = bench.process(), bench.process()
    bench.use(first, 25)
    second.heartbeat()
    bench.hands.wall += 3600.0
    second.heartbeat()
    assert second.reserve(bench.hands.now) == pytest.approx(10.0, abs=0.01)


def test_a_clock_that_was_set_back_does_not_keep_a_dead_process_alive(bench: Bench) -> None:
    first, second = bench.process(), bench.process()
    bench.use(first, 10, answer=False)
    bench.hands.wall -= 3600.0
    second.heartbeat()
    bench.hands.pass_by(SILENCE_S + 1.0)
    second.heartbeat()
    assert second.abandoned == 10


def test_responses_that_only_the_journal_knows_count_and_are_told_to_the_others(bench: Bench) -> None:
    first, second = bench.process(), bench.process()
    first.recall([bench.hands.wall - 2.0] * 25)
    for each in (first, second):
        assert each.reserve(bench.hands.now) == pytest.approx(8.0, abs=0.01)


def test_open_intents_of_a_killed_process_do_not_count_twice(bench: Bench) -> None:
    first = bench.process()
    bench.use(first, 10, answer=False)
    bench.hands.pass_by(SILENCE_S + 1.0)
    second = bench.process()
    second.recall([bench.hands.wall] * 10)
    assert taken(bench, second) == 15


def test_a_held_file_is_tried_again_soon_and_after_a_while_done_without(bench: Bench) -> None:
    shared = bench.process()
    with bench.memory().path.open("rb") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        assert shared.reserve(bench.hands.now) == LOCK_RETRY_S
        bench.hands.pass_by(STUCK_LOCK_S + 0.1)
        assert shared.reserve(bench.hands.now) == 0.0
        shared.answered(bench.hands.now)
    assert shared.reserve(bench.hands.now) == 0.0
    assert bench.process().pace.elsewhere == 1


@pytest.mark.parametrize(
    "spoil",
    [
        lambda path: path.write_bytes(b""),
        lambda path: path.write_bytes(b"\xff" * 9000),
        lambda path: path.write_bytes(path.read_bytes()[:300]),
        lambda path: path.write_bytes(path.read_bytes()[:256] + b"\xff" * 9000),
        lambda path: path.unlink(),
    ],
    ids=["emptied", "nonsense", "cut short", "nonsense in the table", "removed"],
)
def test_a_file_that_is_spoilt_under_way_costs_a_window_and_no_request(bench: Bench, spoil) -> None:  # type: ignore[no-untyped-def]  # a table of lambdas
    first, second = bench.process(), bench.process()
    bench.use(first, 5)
    bench.use(second, 5)
    spoil(bench.memory().path)
    for shared in (first, second):
        shared.heartbeat()
        bench.hands.pass_by(SILENCE_S + 1.0)
        shared.heartbeat()
    bench.hands.pass_by(61.0)
    bench.use(first, 5)
    bench.use(second, 5)


def test_a_state_directory_that_cannot_be_written_costs_the_sharing_alone(bench: Bench) -> None:
    blocked = bench.directory / "file"
    blocked.write_text("")
    bench.directory = blocked
    shared = bench.process()
    assert taken(bench, shared) == 25
    shared.answered(bench.hands.now)
    shared.heartbeat()
    shared.end()
    assert blocked.read_text() == ""


def test_a_file_that_may_only_be_read_costs_the_sharing_alone(bench: Bench) -> None:
    bench.memory().open()
    child = """
import os, sys
from pathlib import Path
from worker.clock import Clock
from worker.pacing.quota_file import PaceMemory
from worker.policy.pace import Pace, Window
from worker.pacing.shared import SharedPace
if os.getuid() == 0:
    os.setuid(65534)
pace = Pace(ceiling=[Window(25, 10.0)], max_in_flight=100, discover=False)
shared = SharedPace(pace, PaceMemory(Path(sys.argv[1]), "https://a.example", "", "PATCH"), Clock(now=lambda: 1.0))
shared.begin()
print(sum(shared.reserve(1.0) == 0.0 for _ in range(30)))
"""
    bench.memory().path.chmod(0o400)
    bench.directory.chmod(0o500)
    try:
        ran = subprocess.run(
            [sys.executable, "-c", child, bench.directory],
            capture_output=True,
            check=False,
            text=True,
            cwd=Path(__file__).parents[3],
        )
    finally:
        bench.directory.chmod(0o700)
    assert (ran.stdout.strip(), ran.stderr) == ("25", "")


def test_a_full_disk_costs_the_sharing_alone(bench: Bench) -> None:
    first = bench.process()
    os.close(first._memory._file)
    first._memory._file = os.open("/dev/full", os.O_RDWR)
    bench.use(first, 25)
    assert first.reserve(bench.hands.now) == pytest.approx(10.0, abs=0.01)
    first.end()


def test_more_processes_than_the_table_holds_go_on_alone(bench: Bench) -> None:
    memory = bench.memory()
    memory.open()
    header = Header(used=MOST_PROCESSES, version=1, saved_at=bench.hands.wall)
    for place in range(MOST_PROCESSES):
        memory.write_entry(place, Entry(place + 1, 100, bench.hands.wall, 1, os.getpid(), 0))
    memory.write_header(header)
    memory.close()
    shared = bench.process()
    assert taken(bench, shared) == 25


def test_nothing_secret_is_remembered_and_stamps_are_bounded(bench: Bench) -> None:
    shared = bench.process((Window(LEAST_CAPACITY, 10.0),))
    for _ in range(5):
        bench.use(shared, LEAST_CAPACITY)
        bench.hands.pass_by(11.0)
    shared.end()
    assert bench.memory().path.stat().st_size <= 4096 + 2 * LEAST_CAPACITY * 16
    assert b"example" not in bench.memory().path.read_bytes()


def test_a_stamp_of_a_process_that_left_counts(bench: Bench) -> None:
    memory = bench.memory()
    memory.open()
    header = Header(version=1, saved_at=bench.hands.wall)
    memory.append(header, [Stamp(bench.hands.wall, 0, 0)] * 25)
    memory.write_header(header)
    assert bench.process().reserve(bench.hands.now) == pytest.approx(10.0, abs=0.01)
