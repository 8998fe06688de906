"""What a recipe says fills in what neither flags nor the environment said."""

from pathlib import Path

import pytest

from worker.cli.by_recipe import api_of, filled, read_as
from worker.cli.flags import ApiFlags, Flags, SourceFlags
from worker.operations import recipes

TEXT = """
url = "https://a.example"
type = "prices"
api = "crm"
set = { team = "eu", stage = "one" }
[input]
encoding = "cp1252"
header_row = 3
clear_token = "-"
[guards]
mode = "live"
[run]
rate = "50/10s"
concurrency = 4
stop_after = "5%"
"""


def job(folder: Path, text: str = TEXT) -> recipes.Chosen:
    path = folder / "prices.toml"
    path.write_text(text)
    return recipes.chosen(path)


def test_a_recipe_fills_in_flags(tmp_path: Path) -> None:
    flags, which = filled(job(tmp_path), Flags(), ApiFlags())
    assert flags == Flags(
        url="https://a.example", type="prices", expect_mode="live", clear_token="-", concurrency=4, rate="50/10s",
        stop_after="5%", yes=True,
    )  # fmt: skip
    assert which == ApiFlags("crm", ("team=eu", "stage=one"))
    assert read_as(job(tmp_path), SourceFlags(), "a.csv") == SourceFlags(encoding="cp1252", header_row=3)


def test_flags_go_before_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ROWPATCH_SET_TEAM", "us")
    given = Flags(url="https://b.example", concurrency=1)
    flags, which = filled(job(tmp_path), given, ApiFlags("x", ("stage=two",)))
    assert (flags.url, flags.concurrency, flags.type) == ("https://b.example", 1, "prices")
    assert which == ApiFlags("x", ("stage=two",))
    assert read_as(job(tmp_path), SourceFlags(header_row=1), "a.csv").header_row == 1
    monkeypatch.setenv("ROWPATCH_API", "y")
    assert api_of(job(tmp_path), ApiFlags()).api is None


def test_a_recipe_that_says_nothing_fills_in_nothing(tmp_path: Path) -> None:
    empty = job(tmp_path, '[run]\nstop_after = "off"\n')
    assert filled(empty, Flags(), ApiFlags()) == (Flags(), ApiFlags())
    assert read_as(empty, SourceFlags(), "a.csv") == SourceFlags()


def test_a_results_file_is_read_as_we_write_it(tmp_path: Path) -> None:
    failed = tmp_path / "failed.csv"
    failed.write_text("\ufeff__status,ID\n", encoding="utf-8")
    assert read_as(job(tmp_path), SourceFlags(), str(failed)) == SourceFlags()
