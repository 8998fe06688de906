"""The flags of `rowpatch runs`."""

from pathlib import Path

import pytest

from worker.cli import run


@pytest.mark.parametrize(
    ("recipe", "job"), [("type = 'prices'", "nightly"), ("name = 'prices'", "prices"), ("[run]\nkeep = 3", "nightly")]
)
def test_the_job_is_what_its_recipe_says(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], recipe: str, job: str
) -> None:
    path = tmp_path / "nightly.toml"
    path.write_text(recipe)
    assert run(["runs", str(path), "--in", "none"]) == 0
    assert capsys.readouterr().out == f"There are no runs of {job} in none.\n"


@pytest.mark.parametrize(
    ("recipe", "said"),
    [
        ("name = 3", "nightly.toml:1: name: it takes a text: put it into quotes"),
        ("name = ", "nightly.toml:1: column 8: a value is missing after `=`"),
        (None, "Cannot read"),
    ],
)
def test_a_recipe_that_cannot_be_read_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], recipe: str | None, said: str
) -> None:
    path = tmp_path / "nightly.toml"
    if recipe is not None:
        path.write_text(recipe)
    assert run(["runs", str(path)]) == 2
    assert said in capsys.readouterr().err
