"""The sheet of a night is the newest one, and never yesterday's."""

import os
from pathlib import Path

import pytest

from worker.files.newest import newest
from worker.settings import ConfigError


def written(folder: Path, name: str, at: float) -> Path:
    path = folder / name
    path.parent.mkdir(exist_ok=True)
    path.write_text("id\n")
    os.utime(path, (at, at))
    return path


def test_the_newest_match_counts_whatever_its_name(tmp_path: Path) -> None:
    written(tmp_path, "exports/ART_2.csv", 100)
    found = written(tmp_path, "exports/ART_1.csv", 200)
    written(tmp_path, "exports/OTHER.csv", 300)
    (tmp_path / "exports/ART_3.csv").mkdir()
    assert newest("exports/ART_*.csv", tmp_path, 1000) == found
    assert newest(str(tmp_path / "exports" / "ART_*.csv"), Path("/"), 1000) == found


def test_a_name_with_brackets_may_be_a_file(tmp_path: Path) -> None:
    found = written(tmp_path, "a[1].csv", 100)
    assert newest("a[1].csv", tmp_path, 1000) == found


def test_a_sheet_that_is_too_old_is_refused_with_its_age(tmp_path: Path) -> None:
    found = written(tmp_path, "a.csv", 0)
    assert newest("a.csv", tmp_path, 3600, 3600) == found
    with pytest.raises(ConfigError, match=r"written 27\.0 hours ago, and the recipe takes none older than 26\.0 hours"):
        newest("a.csv", tmp_path, 27 * 3600, 26 * 3600)
    with pytest.raises(ConfigError, match=r"3 days ago.* 30 minutes"):
        newest("a.csv", tmp_path, 72 * 3600, 1800)


@pytest.mark.parametrize("pattern", ["a*.csv", "none/a.csv", "**b.csv"])
def test_no_sheet_is_told(tmp_path: Path, pattern: str) -> None:
    with pytest.raises(ConfigError, match=r"the export did not run|Cannot look for"):
        newest(pattern, tmp_path, 0)
