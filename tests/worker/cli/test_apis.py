"""`rowpatch apis`: listed, shown, checked; whatever is printed can be used as it is."""

from pathlib import Path

import pytest

from jobs.apis import catalogue
from jobs.apis.description.loading import load
from worker.cli import run

TEXT = 'name = "x"\nbase_url = "https://example.com"\n[resources.t]\npath = "/t/{id}"\n'


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    path = Path("my.toml")
    path.write_text(TEXT, encoding="utf-8")
    return path


def test_the_list_has_a_line_for_each_api(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "240")
    assert run(["apis"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].split() == ["NAME", "RESOURCES", "VERIFIED", "WHAT", "IT", "IS"]
    assert [line.split()[0] for line in lines[1:]] == [
        "commercelayer",
        *(name for name in catalogue.names() if name != "commercelayer"),
    ]
    assert [line.split()[0] for line in lines if "and 111 more" in line] == ["commercelayer"]


@pytest.mark.parametrize("which", ["rest", "my.toml"])
def test_what_is_shown_can_be_loaded(which: str, file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["apis", "show", which]) == 0
    shown = capsys.readouterr().out
    assert load(shown, "shown") == (catalogue.description("rest") if which == "rest" else load(TEXT, "x"))


def test_the_source_is_shown_as_it_is_written(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["apis", "show", "rest", "--source"]) == 0
    assert capsys.readouterr().out == catalogue.source("rest")


def test_an_api_that_there_is_not_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["apis", "show", "reest"]) == 2
    assert "did you mean rest?" in capsys.readouterr().err


def test_a_good_file_is_summed_up(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["apis", "check", "my.toml"]) == 0
    assert capsys.readouterr().out.splitlines()[:2] == ["x, verified: nothing yet", "  address   https://example.com"]


def test_a_warning_stands_above_the_summary(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file.write_text(f"variables = {{ a = '' }}\n{TEXT}", encoding="utf-8")
    assert run(["apis", "check", "my.toml"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "my.toml:1: variables.a: warning: no text of this description has `{a}`"
    assert lines[1:3] == ["", "x, verified: nothing yet"]


def test_a_bad_file_is_refused_with_every_problem_at_its_line(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file.write_text(f"{TEXT}x = 1\nheaders = {{ Host = '', Authorization = 'Bearer hunter2' }}\n", encoding="utf-8")
    assert run(["apis", "check", "my.toml"]) == 2
    out = capsys.readouterr().out
    assert out.startswith("my.toml:5: resources.t.x: there is no such key")
    file.write_text(f"{TEXT}headers = {{ Host = '', Authorization = 'Bearer hunter2' }}\n", encoding="utf-8")
    assert run(["apis", "check", "my.toml"]) == 2
    out = capsys.readouterr().out
    assert [line.split(": ")[:2] for line in out.splitlines()] == [
        ["my.toml:5", "resources.t.headers.Host"],
        ["my.toml:5", "resources.t.headers.Authorization"],
    ]
    assert "hunter2" not in out


def test_a_file_that_cannot_be_read_is_refused(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["apis", "check", "nowhere.toml"]) == 2
    assert "Cannot read nowhere.toml" in capsys.readouterr().err


def test_a_command_that_there_is_not_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["apis", "shwo"]) == 2
