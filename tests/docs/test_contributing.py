"""What CONTRIBUTING.md says of how to add something is done to a copy of the program, to the letter, and works."""

import re
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import pytest

from tests.docs.documents import ROOT, read

COMMAND: Final = '''
"""`rowpatch greet`: say hello to a file."""

from typing import Annotated

from cyclopts import Parameter


def greet(
    source: Annotated[str, Parameter(help="Whom to greet.")],
    /,
    *,
    loud: Annotated[bool, Parameter(negative=(), help="In capitals.")] = False,
    word: Annotated[str, Parameter(help="What to say.")] = "hello",
) -> int:
    """Greet SOURCE."""
    from worker.operations.greet import greeting

    print(greeting(source, word, loud=loud))
    return 1
'''

OPERATION: Final = '''
"""How somebody is greeted."""


def greeting(whom: str, word: str, *, loud: bool) -> str:
    """Return what to say."""
    said = f"{word} {whom}"
    return said.upper() if loud else said
'''

FORMAT_LINES: Final = {
    "from jobs.formats.csv": "from jobs.formats.columns import COLUMNS",
    '    "csv": CSV,': '    "columns": COLUMNS,',
}
API_LINES: Final = {
    "from jobs.apis.described.api": "from jobs.apis.harbour import Harbour",
    '    "commercelayer": CommerceLayer': '    "harbour": Harbour,',
}
API: Final = '''
"""A harbour, whose updates are signed."""

from dataclasses import replace

from jobs.apis.described.api import DescribedApi
from jobs.apis.described.resource import DescribedResource
from jobs.changes.diff import Change
from jobs.model import Live, Request, UpdateJob


class Signed(DescribedResource):
    """A type of records."""

    def update(self, job: UpdateJob, change: Change, live: Live | None) -> Request:
        """Return the request that makes the change, with its signature."""
        request = super().update(job, change, live)
        return replace(request, headers={**request.headers, "Signature": str(sum(request.body))})


class Harbour(DescribedApi):
    """The API."""

    def resource(self, type_name: str) -> DescribedResource:
        """Return a type of records."""
        made = super().resource(type_name)
        return Signed(made.name, made.api, made.described, made.constants, made.base, made.schema)
'''
DESCRIPTION: Final = """\
# A harbour.
name = "harbour"
code = "harbour"
base_url = "https://harbour.example"
[resources.boats]
path = "/boats/{id}"
fields = { name = { type = "text" }, berth = { type = "int" } }
"""
COMMAND_LINES: Final = {'    "check":': '    "greet": "Say hello.",'}


def section(title: str) -> str:
    found = re.search(rf"^## {title}\n(.*?)(?=^## |\Z)", read("CONTRIBUTING.md"), re.MULTILINE | re.DOTALL)
    assert found, title
    return found[1]


def named(title: str, name: str) -> set[str]:
    """The files of the program that a section tells to write or to change."""
    return {path.replace("NAME", name) for path in re.findall(r"`((?:jobs|worker)/[\w/]+\.py)`", section(title))}


def program_with(folder: Path, modules: Mapping[str, str], registry: str, lines: Mapping[str, str]) -> Path:
    """A copy of the program with new modules, and with new lines in another, each before the one it is given for."""
    for package in ("jobs", "worker", "rowpatch"):
        shutil.copytree(ROOT / package, folder / package, ignore=shutil.ignore_patterns("__pycache__"))
    for module, text in modules.items():
        assert not (folder / module).exists()
        (folder / module).write_text(text)
    changed = (folder / registry).read_text()
    for before, line in lines.items():
        assert changed.count(f"\n{before}") == 1, before
        changed = changed.replace(f"\n{before}", f"\n{line}\n{before}")
    (folder / registry).write_text(changed)
    return folder


def run(folder: Path, *arguments: str, text: str = "") -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", "from worker.cli import main; main()", *arguments]
    return subprocess.run(command, input=text, capture_output=True, text=True, cwd=folder, check=False)


def test_an_input_format_is_added_in_the_files_that_the_guide_names(tmp_path: Path) -> None:
    module, registry = "jobs/formats/columns.py", "jobs/formats/__init__.py"
    assert named("How to add an input format", "columns") == {module, registry}
    text = (ROOT / "tests/system/e2e/toy_formats.py").read_text(encoding="utf-8")
    folder = program_with(tmp_path, {module: text}, registry, FORMAT_LINES)
    sheet = f"{'id':12}reference\n{'ZfiCcmIvua':12}a\n"
    found = run(folder, "check", "--type", "stripe_payments", "--format", "columns", "-", text=sheet)
    assert (found.returncode, found.stderr) == (0, "")
    assert "1 row: 1 can be sent" in found.stdout


def test_an_api_is_added_in_the_files_that_the_guide_names(tmp_path: Path) -> None:
    module, registry, model = "jobs/apis/harbour.py", "jobs/apis/registry.py", "jobs/apis/description/model.py"
    used = {"jobs/apis/api.py", "jobs/apis/described/api.py", "jobs/apis/described/resource.py"}
    assert named("How to add an API", "harbour") == {module, registry, model, *used}
    folder = program_with(tmp_path, {module: API}, registry, API_LINES)
    described = (folder / model).read_text()
    assert described.count('Literal["", "commercelayer"]') == 1
    (folder / model).write_text(
        described.replace('Literal["", "commercelayer"]', 'Literal["", "commercelayer", "harbour"]')
    )
    (folder / "jobs/apis/descriptions/harbour.toml").write_text(DESCRIPTION)
    (folder / "boats.csv").write_text("id,name,berth\na,Anna,7\nb,Ben,8\n")
    found = run(folder, "check", "boats.csv", "--api", "harbour", "--type", "boats")
    assert (found.returncode, found.stderr) == (0, "")
    assert "2 can be sent" in found.stdout
    program = (
        "from jobs.apis.registry import api_named\nfrom jobs.changes.diff import as_written\n"
        "from jobs.model import RowRef, UpdateJob\njob = UpdateJob(RowRef(1, 1, b''), 'boats', 'a', {'berth': 7})\n"
        "print(api_named('harbour').resource('boats').update(job, as_written(job), None).headers)"
    )
    made = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, cwd=folder, check=False)
    assert (made.stdout, made.stderr) == ("{'Signature': '962'}\n", "")


def test_a_command_is_added_in_the_files_that_the_guide_names(tmp_path: Path) -> None:
    modules = {"worker/cli/greet.py": COMMAND, "worker/operations/greet.py": OPERATION}
    registry = "worker/cli/__init__.py"
    assert named("How to add a command", "greet") == {*modules, registry}
    folder = program_with(tmp_path, modules, registry, COMMAND_LINES)
    assert "Say hello." in run(folder, "--help").stdout
    assert "--loud" in run(folder, "greet", "--help").stdout
    greeted = run(folder, "greet", "--loud", "-")  # a flag without a value that nothing but its signature knows
    assert (greeted.returncode, greeted.stdout, greeted.stderr) == (1, "HELLO /DEV/STDIN\n", "")
    assert run(folder, "greet", "--word", "-", "you").stdout == "- you\n"


@pytest.mark.parametrize("title", ["How to add an API", "How to add an input format", "How to add a command"])
def test_a_guide_is_short(title: str) -> None:
    assert len(section(title).strip().splitlines()) <= 14
