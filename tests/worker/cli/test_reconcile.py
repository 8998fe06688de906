"""The flags of `rowpatch reconcile`, and what nights take from the environment."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from worker.cli import nights, run
from worker.notices.report import NightReport
from worker.operations.reconcile import Asked
from worker.settings import Input, Settings, Target

PLAIN = Settings(
    target=Target(api="", url="https://acme.example.com/api", type="skus"), input=Input(source="a.csv", format="csv")
)


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[Asked]:
    """What the operation is asked for; it ends at once."""
    found: list[Asked] = []

    async def reconcile(_recipe: Path, what: Asked, *_: Any) -> NightReport:
        found.append(what)
        return NightReport("prices", "finished", 0)

    monkeypatch.setattr(nights, "reconcile", reconcile)
    return found


def test_flags_go_before_the_environment_and_that_before_the_recipe(
    asked: list[Asked], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in {"PROXY": "http://proxy.example:3128", "RATE": "9/1s", "CONCURRENCY": "7"}.items():
        monkeypatch.setenv(f"ROWPATCH_{name}", value)
    assert run(["reconcile", "prices.toml", "--rate", "5/1s", "--ca-file", "ca.pem", "--stop-after", "5%"]) == 0
    found = asked[0].adjust(PLAIN)
    assert found.pacing.rate == ((5, 1.0),)
    assert found.pacing.concurrency == 7
    assert found.connecting.proxy == "http://proxy.example:3128"
    assert found.connecting.ca_file == str(Path("ca.pem").absolute())
    assert found.stopping.share == 5
    assert found.meaning == PLAIN.meaning


def test_jobs_are_done_in_the_order_of_their_recipes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    async def reconcile(recipe: Path, *_: Any) -> NightReport:
        return NightReport(recipe.stem, "finished", 0)

    monkeypatch.setattr(nights, "reconcile", reconcile)
    (tmp_path / "a.toml").write_text('after = ["b"]')
    (tmp_path / "b.toml").write_text("")
    assert run(["reconcile", str(tmp_path / "a.toml"), str(tmp_path / "b.toml")]) == 0
    assert [line.partition(":")[0] for line in capsys.readouterr().out.splitlines()] == ["b", "a"]
    (tmp_path / "b.toml").write_text('after = ["a"]')
    assert run(["reconcile", str(tmp_path / "a.toml"), str(tmp_path / "b.toml")]) == 2
    assert "waits for" in capsys.readouterr().err


def test_without_any_the_recipe_stands(asked: list[Asked]) -> None:
    assert run(["reconcile", "prices.toml"]) == 0
    assert asked[0].adjust(PLAIN) == PLAIN


def test_what_is_asked_of_one_night_does_not_hold_for_all(
    asked: list[Asked], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("FIRST", "DRY_RUN", "JSON", "YES", "BLIND", "RESEND_UNKNOWN"):
        monkeypatch.setenv(f"ROWPATCH_{name}", "1")
    for name, value in {"SOURCE": "b.csv", "LIMIT": "3", "TYPE": "orders", "METADATA": "replace"}.items():
        monkeypatch.setenv(f"ROWPATCH_{name}", value)
    assert run(["reconcile", "prices.toml"]) == 0
    (what,) = asked
    assert (what.first, what.dry_run, what.source) == (False, False, None)
    assert what.adjust(PLAIN) == PLAIN
    assert capsys.readouterr().out.startswith("prices: ok")


@pytest.mark.parametrize(
    "flag",
    [
        ("--url", "https://other.example.com"), ("--type", "orders"), ("--clear-token", "x"), ("--limit", "3"),
        ("--metadata", "replace"), ("--allow-trigger", "_capture"), ("--resend-unknown",), ("--blind",), ("--yes",),
    ],
)  # fmt: skip
def test_what_rows_mean_is_for_the_recipe_to_say(
    asked: list[Asked], flag: Sequence[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["reconcile", "prices.toml", *flag]) == 2
    assert f"Unknown option: {flag[0]}" in capsys.readouterr().err.replace('"', "")
    assert asked == []


@pytest.mark.parametrize(("flag", "said"), [(("--rate", "fast"), "rate"), (("--proxy", "x"), "proxy")])
def test_a_flag_that_cannot_be_understood_is_refused(
    tmp_path: Path, flag: Sequence[str], said: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ROWPATCH_TOKEN", "t0ken-of-a-test")
    recipe = tmp_path / "prices.toml"
    recipe.write_text('source = "a.csv"\ntype = "skus"\nurl = "https://acme.example.com/api"\n')
    (tmp_path / "a.csv").write_text("id,name\nx,y\n")
    assert run(["reconcile", str(recipe), *flag]) == 2
    assert said in capsys.readouterr().out
