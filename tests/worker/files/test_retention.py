"""Which runs of a job may go, how the next one is called, and how one is deleted."""

from datetime import date
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from worker.files.retention import KeptRun, directory_of_night, is_of_job, removable, remove
from worker.files.run_directory import JOURNAL, Busy, locked
from worker.settings import ConfigError

DAY = date(2026, 12, 1)


def run(serial: int, **facts: bool) -> KeptRun:
    return KeptRun(Path(f"runs/prices-{serial}"), serial, **{"is_accepted": True, **facts})


BESIDE = run(2, is_night=False, is_accepted=False)


@pytest.mark.parametrize(
    ("runs", "keep", "gone"),
    [
        ([], 3, []),
        ([run(1), run(2)], 2, []),
        ([run(1), run(2), run(3)], 2, [1]),
        ([run(3), run(1), run(2)], 1, [1, 2]),  # in any order
        ([run(1), run(2)], 0, [1]),  # the newest accepted one stays whatever is asked for
        ([run(1), run(2, is_accepted=False), run(3, is_accepted=False)], 1, [2]),  # the base of the guards
        ([run(1, is_finished=False), run(2), run(3)], 1, [2]),
        ([run(1, is_folded=False), run(2), run(3)], 1, [2]),
        ([run(1, is_in_doubt=True), run(2), run(3)], 1, [2]),
        ([run(1), BESIDE, run(3), run(4), run(5)], 3, [1, 2]),  # nights are counted
        ([run(1), BESIDE, run(3), run(4)], 3, []),
        ([run(0, is_night=False, is_accepted=False), run(1), run(2)], 2, [0]),
        ([run(0, is_night=False, is_accepted=False), run(1), run(2)], 3, []),
    ],
)
def test_old_runs_go_but_for_those_that_are_needed(runs: list[KeptRun], keep: int, gone: list[int]) -> None:
    assert [each.serial for each in removable(runs, keep)] == gone


FACTS = st.builds(run, st.just(0), **{f"is_{name}": st.booleans() for name in ("accepted", "finished", "folded")})


@given(st.lists(FACTS), st.integers(0, 5))
def test_nothing_that_is_needed_goes_and_nothing_else_stays(facts: list[KeptRun], keep: int) -> None:
    runs = [
        KeptRun(each.directory, n, each.is_accepted, each.is_finished, each.is_folded) for n, each in enumerate(facts)
    ]
    gone = removable(runs, keep)
    left = [each for each in runs if each not in gone]
    newest = max((each.serial for each in runs if each.is_accepted), default=None)
    assert all(each.is_finished and each.is_folded for each in gone)
    assert newest is None or newest in {each.serial for each in left}
    old = left[: max(0, len(left) - keep)]
    assert all(not each.is_finished or not each.is_folded or each.serial == newest for each in old)
    assert len(left) >= min(keep, len(runs))


@pytest.mark.parametrize(
    ("there", "name"),
    [
        ([], "prices-2026-12-01"),
        (["prices-2026-11-30", "prices-de-2026-12-01"], "prices-2026-12-01"),
        (["prices-2026-12-01"], "prices-2026-12-01-2"),
        (["prices-2026-12-01-2"], "prices-2026-12-01-3"),  # the first one is gone: its name does not come back
        (["prices-2026-12-01", "prices-2026-12-01-9", "prices-2026-12-01-10"], "prices-2026-12-01-11"),
        (["prices-2026-12-01-old", "prices-2026-12-01-0"], "prices-2026-12-01"),  # not a night's name
    ],
)
def test_a_night_is_named_after_its_job_and_its_date(tmp_path: Path, there: list[str], name: str) -> None:
    for each in there:
        (tmp_path / each).mkdir()
    assert directory_of_night(tmp_path, "prices", DAY) == tmp_path / name


def test_where_no_runs_lie_yet_the_first_has_the_plain_name(tmp_path: Path) -> None:
    home = tmp_path / "runs"
    assert directory_of_night(home, "a.b", DAY) == home / "a.b-2026-12-01"
    assert not is_of_job(home / "axb-2026-12-01", "a.b")
    assert is_of_job(home / "a.b-2026-12-01-2", "a.b")


def made(directory: Path) -> Path:
    directory.mkdir()
    for name in (JOURNAL, "input.csv", "results.csv"):
        (directory / name).touch()
    return directory


def test_a_run_is_deleted_with_all_its_files(tmp_path: Path) -> None:
    remove(made(tmp_path / "a"))
    assert list(tmp_path.iterdir()) == []


def test_a_deletion_that_was_killed_leaves_a_run_that_is_still_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    directory = made(tmp_path / "a")
    unlink, done = Path.unlink, list[str]()

    def dying(path: Path) -> None:
        if len(done) == 2:
            raise KeyboardInterrupt
        done.append(path.name)
        unlink(path)

    with monkeypatch.context() as patched:
        patched.setattr(Path, "unlink", dying)
        with pytest.raises(KeyboardInterrupt):
            remove(directory)
    assert {path.name for path in directory.iterdir()} == {JOURNAL, "lock"}
    remove(directory)
    assert not directory.exists()


def test_a_run_at_work_is_not_deleted(tmp_path: Path) -> None:
    directory = made(tmp_path / "a")
    with locked(directory), pytest.raises(Busy):
        remove(directory)
    assert (directory / JOURNAL).exists()


@pytest.mark.parametrize("kind", ["folder", "link"])
def test_what_is_more_than_a_run_is_kept_whole(tmp_path: Path, kind: str) -> None:
    directory = made(tmp_path / "a")
    if kind == "folder":
        (directory / "notes").mkdir()
    else:
        directory.rename(tmp_path / "b")
        directory.symlink_to("b")
    with pytest.raises(ConfigError, match="holds more than a run"):
        remove(directory)
    assert (directory / "input.csv").exists()
