"""The directory of a run: nobody else's, locked by one process, never taken from one who has begun to use it."""

import errno
import fcntl
from pathlib import Path
from stat import S_IMODE

import pytest

from worker.files.run_directory import Busy, is_held, locked, make, remove
from worker.settings import ConfigError


@pytest.mark.parametrize("code", [errno.ENOLCK, errno.EOPNOTSUPP, errno.EIO])
def test_a_file_system_without_locks_is_refused_in_words(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: int
) -> None:
    def flock(_descriptor: int, _how: int) -> None:
        raise OSError(code, "no locks here")

    monkeypatch.setattr(fcntl, "flock", flock)
    with pytest.raises(ConfigError, match=r"no locks here.*choose a --run-dir elsewhere"), locked(tmp_path):
        pass
    assert not is_held(tmp_path)


def test_a_run_is_held_by_one_at_a_time(tmp_path: Path) -> None:
    assert not is_held(tmp_path)
    with locked(tmp_path):
        assert is_held(tmp_path)
        with pytest.raises(Busy), locked(tmp_path):
            pass
    assert not is_held(tmp_path)


@pytest.mark.parametrize("replaced", [False, True])
def test_a_lock_that_its_last_holder_took_away_with_the_directory_holds_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, replaced: bool
) -> None:
    flock = fcntl.flock

    def just_then(descriptor: int, how: int) -> None:
        (tmp_path / "lock").unlink()
        if replaced:
            (tmp_path / "lock").touch()
        flock(descriptor, how)

    monkeypatch.setattr(fcntl, "flock", just_then)
    with pytest.raises(Busy), locked(tmp_path):
        pass


def test_an_empty_directory_becomes_its_owners_alone(tmp_path: Path) -> None:
    directory = tmp_path / "run"
    assert make(directory)
    directory.chmod(0o777)
    assert not make(directory)
    assert S_IMODE(directory.stat().st_mode) == 0o700


def test_a_directory_that_was_there_stays_with_its_lock_when_a_run_is_refused(tmp_path: Path) -> None:
    with locked(tmp_path):
        (tmp_path / "input.csv").touch()
        remove(tmp_path, itself=False)
        assert [path.name for path in tmp_path.iterdir()] == ["lock"]
        assert is_held(tmp_path)


def test_what_somebody_puts_into_a_directory_meanwhile_is_left_to_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    directory = tmp_path / "run"
    make(directory)
    rmdir = Path.rmdir

    def too_late(path: Path) -> None:
        (path / "notes.txt").touch()
        rmdir(path)

    monkeypatch.setattr(Path, "rmdir", too_late)
    with locked(directory):
        remove(directory, itself=True)
    assert [path.name for path in directory.iterdir()] == ["notes.txt"]
