"""Arrows that hold for every module there is, so that none to come is forgotten; the layers are import-linter's."""

import ast
import re
from collections.abc import Iterator
from functools import cache
from itertools import chain
from pathlib import Path

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
    described = {"jobs.apis.description.model", "jobs.apis.description.templates"}
    assert imported(SANDBOX) <= {"jobs.apis.schema", "jobs.strict_json", *described}


def test_the_sandbox_of_a_described_api_shares_nothing_with_the_program_but_the_description() -> None:
    """What reads and writes for the program would make the same mistakes there."""
    described = {"jobs.apis.description.model", "jobs.apis.description.templates"}
    assert {each for each in imported(f"{SANDBOX}.described") if not inside(each, SANDBOX)} == described


def test_only_the_command_line_starts_the_sandbox() -> None:
    assert {each for each in importers(SANDBOX) if not inside(each, "worker.cli")} == set()


def test_only_the_command_line_logs() -> None:
    assert {each for each in importers("structlog") if not inside(each, "worker.cli")} == set()


def test_nothing_imports_the_command_line_but_the_program_itself() -> None:
    assert importers("worker.cli") == {"rowpatch.__main__"}


def test_nothing_imports_the_library_from_inside() -> None:
    assert importers("rowpatch") == set()


def test_only_the_journal_and_the_memory_have_sqlite_but_for_the_check_and_the_sandbox() -> None:
    rooms = {each.rpartition(".")[0] for each in importers("sqlite3")}
    ours = {"worker.journal", "worker.reconcile", "worker.checking"}
    assert {each for each in rooms if not inside(each, SANDBOX)} <= ours


def test_nothing_asks_an_input_for_the_name_of_its_format() -> None:
    by_name = re.compile(r"""\.format\b\]? (?:==|!=|in|not in) |\["format"\] (?:==|!=)""")
    paths = [path for path in ROOT.glob("worker/**/*.py") if "sandbox" not in path.parts]  # which reads no input
    askers = [path for path in paths if by_name.search(path.read_text(encoding="utf-8"))]
    assert askers == []


def users_of_the_loader() -> set[str]:
    """Modules that name `load` of the schema, or import its module so that they could."""
    found = set()
    for path in chain.from_iterable(ROOT.glob(f"{room}/**/*.py") for room in ("jobs", "worker", "rowpatch")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            names = {each.name for each in node.names} if isinstance(node, ast.Import | ast.ImportFrom) else set()
            taken = isinstance(node, ast.ImportFrom) and node.module == "jobs.apis.schema" and names & {"load", "*"}
            whole = isinstance(node, ast.ImportFrom) and node.module == "jobs.apis" and "schema" in names
            if taken or whole or (isinstance(node, ast.Import) and "jobs.apis.schema" in names):
                found.add(".".join(path.relative_to(ROOT).with_suffix("").parts))
    return found


def calls_on_import(path: Path) -> Iterator[str]:
    """Names of the functions that a module calls when it is imported."""
    waiting: list[ast.AST] = [ast.parse(path.read_text(encoding="utf-8"))]
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.Call):
            yield ast.unparse(node.func)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            waiting += [*node.decorator_list, node.args]  # with its defaults
        elif not isinstance(node, ast.Lambda):
            waiting += ast.iter_child_nodes(node)


def test_the_schema_is_loaded_by_the_vendor_alone_and_handed_down() -> None:
    outermost = {each for each in users_of_the_loader() if not inside(each, SANDBOX)}
    assert {each.rpartition(".")[0] for each in outermost} == {"jobs.apis.commercelayer"}


def test_only_operations_choose_the_api() -> None:
    rooms = {each.rpartition(".")[0] for each in importers("jobs.apis.registry")}
    assert rooms == {"worker.operations"}


def test_nobody_but_the_registry_and_the_vendor_knows_the_vendor() -> None:
    """What an API is called, or how it speaks, is its own business: the rest is handed an `Api`."""
    strangers = {each for each in importers("jobs.apis.commercelayer") if not inside(each, "jobs.apis.commercelayer")}
    assert strangers == {"jobs.apis.registry"}


def test_nobody_but_the_sandbox_loads_the_schema_when_it_is_imported() -> None:
    modules = chain(ROOT.glob("jobs/**/*.py"), ROOT.glob("worker/**/*.py"), ROOT.glob("rowpatch/**/*.py"))
    outside = [each for each in modules if "sandbox" not in each.relative_to(ROOT).parts]
    assert [each for each in outside if {"load", "api.schema"} & set(calls_on_import(each))] == []


DATA = {
    "row", "following", "doubt", "doubt.row", "canary",  # rows on their way
    "header", "deadline", "counters", "journal.counters",  # numbers and times
    "bar", "checked", "group", "summary", "tally", "view",  # what a check, a plan or a report gathers
    "self.flips[types]",
    "pace", "self.pace", "self.heard", "_console",  # parts of the one who writes
}  # fmt: skip
"""What others write: values that are passed along. What works is handed all it needs when it is made."""


def written_to() -> Iterator[tuple[str, str]]:
    """Yield module and object of every attribute that something other than the object itself sets."""
    for path in ROOT.glob("worker/**/*.py"):
        if "sandbox" in path.relative_to(ROOT).parts:
            continue
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            targets = node.targets if isinstance(node, ast.Assign) else []
            targets += [node.target] if isinstance(node, ast.AugAssign | ast.AnnAssign) else []
            for target in chain.from_iterable(each.elts if isinstance(each, ast.Tuple) else [each] for each in targets):
                written = ast.unparse(target.value) if isinstance(target, ast.Attribute) else "self"
                if written != "self" and not written.startswith("self._"):  # a part of its own is nobody else's
                    yield path.relative_to(ROOT).as_posix(), written


def test_nothing_that_works_is_set_from_outside_after_it_was_made() -> None:
    assert {(module, written) for module, written in written_to() if written not in DATA} == set()
