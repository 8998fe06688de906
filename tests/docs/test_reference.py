"""The documents say what the program says: tables, diagram, flags, modules, links."""

import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

from jobs.model import Status
from jobs.reasons import REASONS
from tests.docs.documents import DOCUMENTS, ROOT, anchors, links, read
from tests.docs.generated import PARTS, argument, cases, renewed
from worker.cli import app

COMMANDS: Final = tuple(name for name in app if not name.startswith("-"))
_TABLE_ROW: Final = re.compile(r"^\| `(?P<name>[a-z]+)` \|", re.MULTILINE)
_NEITHER: Final = frozenset({"--help", "--version"})


def flags_of(command: str, capsys: pytest.CaptureFixture[str]) -> set[str]:
    for below in ("", *app[command]):
        if not below.startswith("-"):  # a command, or one of its own commands
            app.help_print([command, below] if below else [command])
    return set(re.findall(r"--[a-z][a-z-]+", capsys.readouterr().out)) - _NEITHER


def rooms() -> Iterator[str]:
    """Rooms that the map must name: `jobs/columns/` for a package, `worker/clock.py` for a module."""
    for path in (*ROOT.glob("jobs/*"), *ROOT.glob("jobs/apis/*/"), *ROOT.glob("worker/*")):
        if (path / "__init__.py").is_file():
            yield f"{path.relative_to(ROOT).as_posix()}/"
        elif path.suffix == ".py" and path.stem != "__init__":
            yield path.relative_to(ROOT).as_posix()


@pytest.mark.parametrize(("document", "name"), PARTS)
def test_a_generated_part_is_what_the_program_says(document: str, name: str) -> None:
    text = read(document)
    assert renewed(text, name, PARTS[document, name]()) == text, "run: make fmt"


def test_a_document_without_the_marks_is_noticed() -> None:
    with pytest.raises(ValueError, match="0 parts are named x"):
        renewed("text", "x", "part")


def test_every_reason_code_is_documented_once() -> None:
    assert [code for code in REASONS if read("docs/outcomes.md").count(f"| `{code}` |") != 1] == []


@pytest.mark.parametrize("document", ["README.md", "docs/outcomes.md"])
def test_the_statuses_are_the_nine_in_their_order(document: str) -> None:
    named = dict.fromkeys(name for name in _TABLE_ROW.findall(read(document)) if name in set(Status))
    assert list(named) == list(Status)


@pytest.mark.parametrize("command", COMMANDS)
def test_every_flag_of_a_command_is_documented(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    documented = set(re.findall(r"--[a-z][a-z-]+", read("docs/commands.md")))
    assert flags_of(command, capsys) - documented == set()


def test_no_flag_is_documented_that_no_command_has(capsys: pytest.CaptureFixture[str]) -> None:
    known = set().union(*(flags_of(command, capsys) for command in COMMANDS)) | _NEITHER
    assert set(re.findall(r"--[a-z][a-z-]+", read("docs/commands.md"))) - known == set()


def test_the_documented_commands_are_those_of_the_program() -> None:
    assert set(re.findall(r"^\| `rowpatch ([a-z]+)", read("docs/commands.md"), re.MULTILINE)) == set(COMMANDS)


@pytest.mark.parametrize(
    ("type_name", "arguments"),
    [
        ("stripe_payments", {"options", "_refresh", "reference", "reference_origin", "metadata", "order"}),
        ("transactions", {"reference", "reference_origin", "metadata"}),
    ],
)
def test_the_wire_table_shows_each_argument_of_its_page(type_name: str, arguments: set[str]) -> None:
    assert arguments <= {argument(column) for cells in cases(type_name) for column in cells}


def test_the_map_names_every_room_and_no_other() -> None:
    named = re.findall(r"^\| `((?:jobs|worker)/[a-z_/]+(?:\.py)?)` \|", read("ARCHITECTURE.md"), re.MULTILINE)
    assert sorted(named) == sorted(rooms())


def test_the_list_of_a_room_names_every_module_and_no_other() -> None:
    lists = re.findall(r"^`((?:jobs|worker)/[a-z/]+/)`\n\n((?:[- ].*\n)+)", read("ARCHITECTURE.md"), re.MULTILINE)
    assert {room for room, _ in lists} >= {"jobs/changes/", "worker/engine/", "worker/lane/", "worker/policy/"}
    for room, listed in lists:
        paths = (ROOT / room).iterdir()
        modules = {path.stem for path in paths if path.suffix == ".py" or (path / "__init__.py").is_file()}
        named = re.findall(r"^- `([a-z_]+)`: ", listed, re.MULTILINE)
        assert sorted(named) == sorted(modules - {"__init__"}), room


def test_the_arrows_are_those_that_are_checked() -> None:
    contracts = tomllib.loads(read("pyproject.toml"))["tool"]["importlinter"]["contracts"]
    drawn = re.findall(r"```text\n(cli\n.*?)```", read("ARCHITECTURE.md"), re.DOTALL)
    assert drawn == ["".join(f"{layer}\n" for layer in [*contracts[0]["layers"], "jobs"])]


@pytest.mark.parametrize("document", DOCUMENTS)
def test_links_lead_somewhere(document: str) -> None:
    for link in links(read(document)):
        if link.startswith("https://"):
            continue
        path, _, anchor = link.partition("#")
        target = (ROOT / document).parent / path if path else ROOT / document
        assert target.exists(), f"{document}: {link}"
        assert not anchor or anchor in anchors(target.read_text(encoding="utf-8")), f"{document}: {link}"


@pytest.mark.parametrize("document", DOCUMENTS)
def test_no_document_tells_to_run_the_packages_by_their_generic_names(document: str) -> None:
    assert "python -m worker" not in read(document)


def test_every_page_is_reachable_from_the_readme() -> None:
    seen: set[Path] = set()
    waiting = [ROOT / "README.md"]
    while waiting:
        page = waiting.pop()
        if page.is_dir():
            waiting.extend(page.glob("*.md"))
        elif page.suffix == ".md" and page not in seen:
            seen.add(page)
            text = page.read_text(encoding="utf-8")
            waiting.extend((page.parent / link.partition("#")[0]).resolve() for link in links(text) if ":" not in link)
    assert {path.relative_to(ROOT).as_posix() for path in seen} == set(DOCUMENTS)
