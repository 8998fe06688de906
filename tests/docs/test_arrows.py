"""Arrows that hold for every module there is, so that none to come is forgotten; the layers are import-linter's."""

import re
from functools import cache
from itertools import chain

import grimp

from tests.docs.documents import ROOT

SANDBOX = "worker.sandbox"


@cache
def graph() -> grimp.ImportGraph:
    return grimp.build_graph("jobs", "worker", "rowpatch", include_external_packages=True)


def inside(module: str, room: str) -> bool:
    return module == room or module.startswith(f"{room}.")


def importers(room: str) -> set[str]:
    """Modules outside a room that import something in it."""
    modules = [each for each in graph().modules if inside(each, room)]
    found = chain.from_iterable(map(graph().find_modules_that_directly_import, modules))
    return {each for each in found if not inside(each, room)}


def imported(room: str) -> set[str]:
    """Our own modules outside a room that something in it imports."""
    modules = [each for each in graph().modules if inside(each, room)]
    found = chain.from_iterable(map(graph().find_modules_directly_imported_by, modules))
    return {each for each in found if each.startswith(("jobs", "worker")) and not inside(each, room)}


def test_only_the_transport_and_the_sandbox_know_the_http_client() -> None:
    assert {each for each in importers("aiohttp") if not inside(each, SANDBOX)} == {"worker.lane.transport"}


def test_the_sandbox_knows_only_the_schema_of_the_api_and_the_rules_of_text() -> None:
    assert imported(SANDBOX) <= {"jobs.apis.schema", "jobs.strict_json"}


def test_only_the_command_line_starts_the_sandbox() -> None:
    assert {each for each in importers(SANDBOX) if not inside(each, "worker.cli")} == set()


def test_only_the_command_line_logs() -> None:
    assert {each for each in importers("structlog") if not inside(each, "worker.cli")} == set()


def test_nothing_imports_the_command_line_but_the_program_itself() -> None:
    assert importers("worker.cli") == {"rowpatch.__main__"}


def test_nothing_imports_the_library_from_inside() -> None:
    assert importers("rowpatch") == set()


def test_the_journal_is_the_only_one_with_sqlite_but_for_the_check_and_the_sandbox() -> None:
    rooms = {each.rpartition(".")[0] for each in importers("sqlite3")}
    assert {each for each in rooms if not inside(each, SANDBOX)} <= {"worker.journal", "worker.checking"}


def test_nothing_asks_an_input_for_the_name_of_its_format() -> None:
    by_name = re.compile(r"""\.format\b\]? (?:==|!=|in|not in) |\["format"\] (?:==|!=)""")
    askers = [path for path in ROOT.glob("worker/**/*.py") if by_name.search(path.read_text(encoding="utf-8"))]
    assert askers == []
