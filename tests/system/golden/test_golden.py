"""Run directories of the version that made them: this one goes on with them to the same bytes.

How to remake them, and when one may: CONTRIBUTING.md.
"""

from pathlib import Path

import pytest

from tests.system.golden.replay import EXPECTED, FIXTURES, Files, replayed
from tests.system.golden.stories import STORIES

EVERY = [(name, command) for name, story in STORIES.items() for command in story.commands]


def expected(name: str, command: str) -> Files:
    folder = EXPECTED / name / command
    return {
        path.relative_to(folder).as_posix(): path.read_bytes().decode() for path in folder.rglob("*") if path.is_file()
    }


@pytest.mark.parametrize(("name", "command"), EVERY, ids=[f"{name}-{command}" for name, command in EVERY])
def test_a_command_does_the_same_with_an_old_run_directory(name: str, command: str, tmp_path: Path) -> None:
    found, wanted = replayed(FIXTURES / name, STORIES[name], command, tmp_path), expected(name, command)
    for file, text in wanted.items():
        assert found.get(file) == text, f"{name}, {command}: {file} is not what it was"
    assert found.keys() == wanted.keys()


def test_every_golden_file_belongs_to_a_story() -> None:
    assert {path.name for path in FIXTURES.iterdir()} == set(STORIES)
    assert {(path.parent.name, path.name) for path in EXPECTED.glob("*/*")} == set(EVERY)


def test_no_golden_file_names_a_place_of_the_machine_that_made_it() -> None:
    for path in (path for root in (FIXTURES, EXPECTED) for path in root.rglob("*") if path.is_file()):
        assert not any(place in path.read_bytes() for place in (b"/tmp/", b"/home/", b"/work/", b"/root/")), path


def test_no_fixture_has_an_open_log_of_sqlite() -> None:
    assert list(FIXTURES.rglob("*-wal")) == list(FIXTURES.rglob("*-shm")) == []
