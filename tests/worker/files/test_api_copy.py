"""The run's copy of what describes its API: private, and trusted only as long as it is what the run began with."""

from pathlib import Path
from stat import S_IMODE

import pytest

from worker.files.api_copy import flags_of, keep, kept
from worker.files.run_directory import DESCRIPTION, make
from worker.settings import ConfigError, Target


def test_the_copy_is_private_whatever_the_umask_and_read_back_as_it_was(tmp_path: Path) -> None:
    text = 'name = "größe"\r\n'
    sha256 = keep(tmp_path, text)
    assert S_IMODE((tmp_path / DESCRIPTION).stat().st_mode) == 0o600
    assert kept(tmp_path, sha256) == text


def test_a_copy_never_replaces_another(tmp_path: Path) -> None:
    keep(tmp_path, "a")
    with pytest.raises(FileExistsError):
        keep(tmp_path, "b")


@pytest.mark.parametrize("change", ["gone", "edited", "a folder"])
def test_a_copy_that_is_missing_or_changed_is_refused_in_words(tmp_path: Path, change: str) -> None:
    sha256, path = keep(tmp_path, "a = 1\n"), tmp_path / DESCRIPTION
    if change == "edited":
        path.write_text("a = 2\n")
    else:
        path.unlink()
    if change == "a folder":
        path.mkdir()
    with pytest.raises(ConfigError, match=r"api\.toml.*Nothing was sent\. Put the run's own copy back"):
        kept(tmp_path, sha256)


def test_a_description_alone_is_what_a_refused_apply_leaves_behind(tmp_path: Path) -> None:
    (tmp_path / "lock").touch()
    keep(tmp_path, "")
    assert not make(tmp_path)


def test_another_command_is_told_the_api_by_the_copy(tmp_path: Path) -> None:
    target = Target(api="desk", variables={"team": "a b", "region": "us"})
    variables = ["--set", "region=us", "--set", "team=a b"]
    assert flags_of(tmp_path, Target(url="https://acme.commercelayer.io")) == []
    assert flags_of(tmp_path, target) == ["--api", "desk", *variables]  # one that is code
    keep(tmp_path, "")
    assert flags_of(tmp_path, target) == ["--api", f"{tmp_path}/api.toml", *variables]
