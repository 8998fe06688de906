"""`make` has few targets; the hunts are listed, can be started, and are named rightly wherever they are named."""

import re
import subprocess
import sys
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from string import Template

import pytest

from tests.docs.documents import DOCUMENTS, ROOT, read
from tests.hunt import HUNTS, listed, main, words

_CALL = r"(?:[a-z][a-z-]*|[A-Z]+=[^\s`]+)"
_MENTION = re.compile(rf"(?:`|^\$ |^)make ({_CALL}(?: {_CALL})*)", re.MULTILINE)


def targets() -> set[str]:
    return set(re.findall(r"^([a-z-]+):", read("Makefile"), re.MULTILINE))


def variables() -> set[str]:
    return set(re.findall(r"^([A-Z]+) +\?=", read("Makefile"), re.MULTILINE))


def untrue(text: str) -> Iterator[str]:
    """What a text says of `make` that is not so."""
    for call in _MENTION.findall(text):
        given = dict(word.partition("=")[::2] for word in call.split() if "=" in word)
        hunt = HUNTS.get(given.get("NAME", ""))
        known = variables() | set(hunt.variables if hunt else ())
        unknown = [word for word in call.split() if "=" not in word and word not in targets()]
        if unknown or not set(given) <= known or ("NAME" in given and hunt is None):
            yield f"make {call}"


def test_a_newcomer_sees_few_targets() -> None:
    shown = subprocess.run(
        ["make", "--no-print-directory", "help"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    names = [line.split()[0] for line in shown.stdout.splitlines()]
    assert set(names) == targets()
    assert len(set(names) - {"help", "hunt"}) == 8


@pytest.mark.parametrize("name", HUNTS)
def test_a_hunt_starts_what_is_there(name: str) -> None:
    hunt = HUNTS[name]
    for command in hunt.commands:
        assert set(Template(command).get_identifiers()) <= set(hunt.variables)
        program, *rest = words(command, hunt.variables)[2 if command.startswith("env ") else 0 :]
        assert (program, rest[0]) == (sys.executable, "-m")
        assert find_spec(rest[1]) is not None
        assert all((ROOT / word).exists() for word in rest if word.startswith("tests/"))


def test_every_variable_of_a_hunt_is_used_by_it() -> None:
    for name, hunt in HUNTS.items():
        used = {each for command in hunt.commands for each in Template(command).get_identifiers()}
        assert used == set(hunt.variables), name


def test_the_list_says_what_each_costs_and_needs() -> None:
    for name, hunt in HUNTS.items():
        assert re.search(rf"^{name} ", listed(), re.MULTILINE)
        assert hunt.takes in listed()
        assert hunt.needs in listed()


def test_a_variable_reaches_the_command(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setitem(HUNTS, "toy", type(HUNTS["crash"])("", "", ["python -c 'print($KILLS)'"], {"KILLS": "50"}))
    monkeypatch.setenv("KILLS", "7")
    assert main(["toy"]) == 0
    assert capfd.readouterr().out == "7\n"


def test_a_hunt_ends_with_the_status_of_the_command_that_failed(monkeypatch: pytest.MonkeyPatch) -> None:
    failing = ["python -c 'raise SystemExit(3)'", "python -c 'raise SystemExit(4)'"]
    monkeypatch.setitem(HUNTS, "toy", type(HUNTS["crash"])("", "", failing))
    assert main(["toy"]) == 3


def test_a_hunt_that_there_is_not_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["no-hunt"]) == 2
    assert "make hunt" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("`make check test`", []),
        ("`make hunt NAME=crash KILLS=9`", []),
        ("`make crash`", ["make crash"]),
        ("`make hunt NAME=cash`", ["make hunt NAME=cash"]),
        ("`make hunt NAME=crash TIMES=9`", ["make hunt NAME=crash TIMES=9"]),
        ("```sh\n$ make tset\n```", ["make tset"]),
        ("things that make sense", []),
    ],
)
def test_an_untrue_mention_is_noticed(text: str, found: list[str]) -> None:
    assert list(untrue(text)) == found


@pytest.mark.parametrize("name", [*DOCUMENTS, "Makefile", ".ci/run"])
def test_what_a_document_says_of_make_is_true(name: str) -> None:
    assert list(untrue(read(name))) == []


@pytest.mark.parametrize("folder", ["jobs", "worker", "tests", "benchmarks", "examples"])
def test_what_the_code_says_of_make_is_true(folder: str) -> None:
    paths = [path for path in (ROOT / folder).rglob("*.py") if path != Path(__file__)]
    wrong = {path.name: found for path in paths if (found := list(untrue(path.read_text(encoding="utf-8"))))}
    assert wrong == {}
