"""Each bad input is told by its fault: what is wrong, where, and what to do."""

from pathlib import Path

import pytest

from jobs.damage import WARNINGS
from tests.system.e2e.bad_input.cases import CASES, Case
from worker.cli import run


def said(case: Case, folder: Path, capsys: pytest.CaptureFixture[str]) -> tuple[int, str]:
    path = folder / case.name
    path.write_bytes(case.content)
    status = run(["check", str(path), *(["--type", case.type] if case.type else [])])
    shown = capsys.readouterr()
    return status, shown.out + shown.err


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.fault.replace(" ", "-"))
def test_a_bad_input_is_told_by_its_fault(case: Case, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    status, text = said(case, tmp_path, capsys)
    assert case.says in " ".join(text.split())
    assert status == case.status
    assert all(len(line) <= 80 or "rowpatch check" in line for line in text.splitlines())


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.fault.replace(" ", "-"))
def test_a_bad_input_has_one_fault(case: Case, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """So that the message that is shown for it is its own."""
    _, text = said(case, tmp_path, capsys)
    told = [line for line in text.splitlines() if line.startswith(("error:", "warning:", "refused:", "rowpatch:"))]
    assert len(told) == 1 or case.fault in MORE_THAN_ONE, told


MORE_THAN_ONE = {
    "two names misspelt",
    "a typographic quote in an id",  # such an id is unusual, too
}


def test_every_warning_has_a_bad_input() -> None:
    texts = " ".join(case.says for case in CASES)
    assert {code for code in WARNINGS if code not in texts} <= {
        "invisible_character", "spaces_around", "duplicate_id",  # told by what makes them visible
        "changed_by_spreadsheet",  # needs the run that wrote the file
    }  # fmt: skip
