"""Whoever looks for the tests of a module finds them at its own path."""

from pathlib import Path
from typing import Final

from tests.docs.documents import ROOT

OF_SEVERAL: Final = frozenset(
    {
        "jobs/test_linear_cost.py",  # of whatever reads a sheet
        "jobs/test_made_up_schema.py",  # from cells to what is the same
        "jobs/apis/commercelayer/test_seed_pages.py",  # what the vendor's own pages show
        "jobs/changes/test_canonical_forms.py",  # reply, verify, undo and a second look
        "jobs/changes/test_difference.py",  # there and back
        "jobs/columns/test_doubtful_rows.py",  # rows that are judged together
        "jobs/columns/test_faults.py",  # every fault of a header, a row and an object
        "jobs/columns/test_unreadable_cells.py",  # cells of a workbook that have no text
        "jobs/damage/test_clean_sheets.py",  # where no detector may find anything
        "worker/files/test_spool.py",  # the copy of an input
        "worker/lane/test_request_target.py",  # paths as they leave
        "worker/sandbox/test_time.py",  # what takes its time there
    }
)
"""Tests of more than one module, and of a part of one; each in the room of what it is about."""


def paths() -> list[Path]:
    found = (path for room in ("jobs", "worker") for path in (ROOT / "tests" / room).rglob("test_*.py"))
    return [path.relative_to(ROOT / "tests") for path in found]


def subject(path: Path) -> Path:
    """The module, or the package, that a test is named after."""
    return ROOT / path.with_name(path.name.removeprefix("test_"))


def test_a_test_lies_at_the_path_of_what_it_tests() -> None:
    strays = [
        path.as_posix() for path in paths() if not (subject(path).is_file() or subject(path).with_suffix("").is_dir())
    ]
    assert sorted(strays) == sorted(OF_SEVERAL)
