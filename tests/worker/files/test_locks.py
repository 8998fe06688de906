"""Locks of a night: all or none, released by a kill, and the one who holds them is named."""

import errno
import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from worker.files.locks import Lock, holding, of_job, of_target
from worker.files.run_directory import Busy
from worker.settings import ConfigError

SINCE = 1_764_556_204.0  # 2025-12-01 02:30:04 UTC


def holder(lock: Lock) -> subprocess.Popen[str]:
    """Another process that holds the lock until it is killed."""
    script = (
        "import sys, time; from pathlib import Path; from worker.files.locks import Lock, holding\n"
        f"with holding([Lock(Path(sys.argv[1]), 'x')], {SINCE}):\n    print('held', flush=True); time.sleep(600)"
    )
    process = subprocess.Popen([sys.executable, "-c", script, str(lock.path)], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "held\n"
    return process


def test_who_finds_a_lock_held_learns_by_which_process_and_since_when(tmp_path: Path) -> None:
    lock = of_job(tmp_path / "prices.state", "prices")
    with holder(lock) as process:
        try:
            with pytest.raises(Busy) as caught, holding([lock], 0.0):
                pass
        finally:
            process.kill()
    said = f"Process {process.pid} (since 2025-12-01 02:30:04 UTC) is working on the job prices; nothing was sent."
    assert str(caught.value) == said


def test_a_killed_process_leaves_no_lock_behind(tmp_path: Path) -> None:
    lock = of_job(tmp_path, "prices")
    with holder(lock) as process:
        process.send_signal(signal.SIGKILL)
    with holding([lock], 0.0):
        assert json.loads(lock.path.read_text())["pid"] == os.getpid()


def test_locks_are_held_together_or_not_at_all(tmp_path: Path) -> None:
    job, target = of_job(tmp_path / "a.state", "a"), of_target(tmp_path, "acme", "prices")
    with holding(target, SINCE), pytest.raises(Busy, match="prices of this target"), holding([job, *target], SINCE):
        pass
    with holding([job, *target], SINCE):
        pass


def test_jobs_and_types_have_locks_of_their_own(tmp_path: Path) -> None:
    locks = [
        of_job(tmp_path / "a.state", "a"), of_job(tmp_path / "b.state", "b"), *of_target(tmp_path, "acme", "prices"),
        *of_target(tmp_path, "acme", "skus"), *of_target(tmp_path, "other", ""),
    ]  # fmt: skip
    with holding(locks, SINCE):
        assert len({lock.path for lock in locks}) == len(locks) - 1  # jobs of one type each share that of their target
    assert of_target(tmp_path, "acme", "prices") == of_target(tmp_path, "acme", "prices")


@pytest.mark.parametrize(("held", "asked"), [("", "prices"), ("prices", ""), ("", "")])
def test_a_job_whose_rows_name_their_own_types_holds_its_target_alone(tmp_path: Path, held: str, asked: str) -> None:
    said = r"^(Another process|Process \d+ .*) is working on this target; nothing was sent\.$"
    with holding(of_target(tmp_path, "acme", held), SINCE):
        with pytest.raises(Busy, match=said), holding(of_target(tmp_path, "acme", asked), SINCE):
            pass
        with holding(of_target(tmp_path, "other", asked), SINCE):
            pass


def test_who_shares_a_lock_is_not_named_nor_who_held_it_before(tmp_path: Path) -> None:
    with holding(of_target(tmp_path, "acme", ""), SINCE):
        pass
    busy = pytest.raises(Busy, match=r"^Another process")
    with holding(of_target(tmp_path, "acme", "prices"), SINCE), busy, holding(of_target(tmp_path, "acme", ""), SINCE):
        pass


@pytest.mark.parametrize("content", ["", "{", "[]", '{"pid": "x", "host": "h", "since": 0}', '{"pid":1}', "\0" * 2000])
def test_a_holder_that_has_not_signed_yet_is_another_process(tmp_path: Path, content: str) -> None:
    lock = of_job(tmp_path, "prices")
    with holding([lock], SINCE):
        lock.path.write_text(content)
        with pytest.raises(Busy, match=r"^Another process is working on the job prices"), holding([lock], 0.0):
            pass


def test_a_holder_on_another_host_is_named_with_it(tmp_path: Path) -> None:
    lock = of_job(tmp_path, "prices")
    with holding([lock], SINCE):
        lock.path.write_text(json.dumps({"pid": 7, "host": "pod-1", "since": SINCE}))
        with pytest.raises(Busy, match="Process 7 on pod-1"), holding([lock], 0.0):
            pass


def test_a_shorter_signature_leaves_nothing_of_a_longer_one(tmp_path: Path) -> None:
    lock = of_job(tmp_path, "prices")
    lock.path.write_text("x" * 500)
    with holding([lock], SINCE):
        assert json.loads(lock.path.read_text())["since"] == SINCE


def test_a_lock_is_private_and_no_child_inherits_it(tmp_path: Path) -> None:
    lock = of_job(tmp_path / "a.state", "a")
    with holding([lock], SINCE):
        waiting = [sys.executable, "-c", "import sys; print('begun', flush=True); sys.stdin.read()"]
        child = subprocess.Popen(waiting, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, close_fds=False)
        assert child.stdout is not None
        assert child.stdout.readline() == "begun\n"  # the kernel closes files a moment after it lets the parent go on
    try:
        with holding([lock], SINCE):
            assert (lock.path.stat().st_mode & 0o777, lock.path.parent.stat().st_mode & 0o777) == (0o600, 0o700)
    finally:
        child.communicate()


def test_a_place_without_locks_is_a_clear_error(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(ConfigError, match="Cannot lock"), holding([of_job(tmp_path / "file", "a")], 0.0):
        pass


def test_a_file_system_without_locks_is_said_with_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def unsupported(*_: object) -> None:
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr("fcntl.flock", unsupported)
    said = "No locks available. If its file system has no locks, keep the state on another one."
    with pytest.raises(ConfigError, match=said), holding([of_job(tmp_path, "a")], 0.0):
        pass
