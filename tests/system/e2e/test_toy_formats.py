"""A new input format is one module and one line of `FORMATS`: two toys go through every command that reads an input.

The module stands for one in `jobs/formats/`, and the fixture for the line: see CONTRIBUTING.md.
"""

import json
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Final, NamedTuple

import pytest

from jobs.formats import FORMATS, Format
from tests.docs.documents import ROOT
from tests.system.e2e.program import Desk
from tests.system.e2e.sandbox_thread import sandbox_in_thread, server_of
from tests.system.e2e.toy_formats import COLUMNS, PAIRS
from worker.sandbox import SandboxSettings, seeded_id

IDS: Final = [seeded_id("stripe_payments", row) for row in range(4)]
ROWS: Final = [(IDS[0], "r0"), (IDS[1], "r1"), ("absent", "r2"), (IDS[3], "r3")]

Text = Callable[[Sequence[tuple[str, str]]], str]


class Toy(NamedTuple):
    """One of the formats, how a file of it is written, and what its failed rows are written to."""

    form: Format
    text: Text
    first_line: int
    failed: str


def in_columns(rows: Sequence[tuple[str, str]]) -> str:
    return "".join(f"{id_:12}{reference}\n" for id_, reference in [("id", "reference"), *rows])


def in_pairs(rows: Sequence[tuple[str, str]]) -> str:
    return "".join(f"id={id_};reference={reference}\n" for id_, reference in rows)


TOYS: Final = [Toy(COLUMNS, in_columns, 2, "failed.csv"), Toy(PAIRS, in_pairs, 1, "failed.ndjson")]


@pytest.fixture(params=TOYS, ids=[toy.form.name for toy in TOYS])
def toy(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Toy:
    toy: Toy = request.param
    monkeypatch.setitem(FORMATS, toy.form.name, toy.form)
    return toy


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    with sandbox_in_thread(SandboxSettings(seed=("stripe_payments=4",))) as served:
        yield Desk(tmp_path, server_of(served))


def references(desk: Desk) -> list[object]:
    now = desk.server.attributes()
    return [now[id_]["reference"] for id_ in IDS]


def fresh(desk: Desk, name: str) -> list[str | Path]:
    return ["--type", "stripe_payments", "--rate", "none", "--no-progress", "--run-dir", desk.folder / name]


def test_every_command_takes_a_format_that_was_only_registered(toy: Toy, desk: Desk) -> None:
    sheet = desk.folder / f"sheet.{toy.form.name}"
    sheet.write_text(toy.text(ROWS))
    before = references(desk)

    checked = desk.rowpatch("check", sheet.name, "--type", "stripe_payments")
    assert (checked.status, checked.err) == (0, "")
    assert "4 rows: 4 can be sent" in checked.out

    planned = desk.rowpatch("plan", sheet, *fresh(desk, "plan"))
    assert planned.status == 1, planned.err  # one record is not there
    assert references(desk) == before

    assert desk.rowpatch("apply", sheet, *fresh(desk, "run"), "--limit", "2").status == 0
    assert references(desk) == ["r0", "r1", *before[2:]]
    assert desk.resume("--limit", "4").status == 1
    assert references(desk) == ["r0", "r1", before[2], "r3"]
    assert desk.statuses() == ["applied", "applied", "rejected", "applied"]
    assert [row["__line"] for row in desk.results()] == [str(toy.first_line + row) for row in range(4)]
    assert [row["id"] for row in desk.results()] == [id_ for id_, _ in ROWS]
    assert (desk.run / f"input.{toy.form.name}").read_text() == sheet.read_text()

    told = (desk.run / "results.csv").read_bytes()
    assert desk.rowpatch("report", desk.run).status == 0
    assert (desk.run / "results.csv").read_bytes() == told
    assert desk.rowpatch("retry", desk.run, "--no-progress").status == 1

    (failed,) = desk.run.glob("failed.*")
    assert failed.name == toy.failed
    failed.write_text(failed.read_text(encoding="utf-8-sig").replace("absent", IDS[2]))
    assert desk.rowpatch("apply", failed, *fresh(desk, "mended")).status == 0
    assert references(desk) == ["r0", "r1", "r2", "r3"]

    assert desk.rowpatch("verify", desk.run).status == 0
    assert desk.rowpatch("undo", desk.run, "--run-dir", desk.folder / "undo", "--no-progress").status == 0
    assert references(desk) == [*before[:2], "r2", before[3]]


def test_a_file_that_changed_is_noticed_in_any_format(toy: Toy, desk: Desk) -> None:
    sheet = desk.folder / f"sheet.{toy.form.name}"
    sheet.write_text(toy.text(ROWS))
    assert desk.rowpatch("apply", sheet, *fresh(desk, "run"), "--limit", "1").status == 0
    sheet.write_text(toy.text([ROWS[0], (IDS[1], "other"), *ROWS[2:]]))
    refused = desk.resume("--limit", "4")
    assert refused.status == 2
    assert "row 2 is not what it was" in refused.err


def test_a_broken_row_is_told_by_its_place(toy: Toy, desk: Desk) -> None:
    sheet = desk.folder / f"sheet.{toy.form.name}"
    sheet.write_text(toy.text([*ROWS, (IDS[2], "<clear>"), ("", "r5")]))
    found = desk.rowpatch("check", sheet, "--type", "stripe_payments", "--json")
    assert found.status == 2
    places = [json.loads(line)["address"] for line in found.out.splitlines()[:-1]]
    assert places[-1].startswith(f"line {toy.first_line + 5}")


def test_a_flag_that_a_format_does_not_take_is_refused(toy: Toy, desk: Desk) -> None:
    sheet = desk.folder / f"sheet.{toy.form.name}"
    refused = desk.rowpatch("check", sheet, "--type", "stripe_payments", "--delimiter", ";")
    assert refused.status == 2
    assert refused.err.endswith(f"--delimiter does not apply to {toy.form.name}: leave it out.\n")


def test_a_message_lists_the_formats_there_are(toy: Toy, desk: Desk) -> None:
    refused = desk.rowpatch("check", desk.folder / "sheet.txt")
    assert f"pass --format csv, tsv, ndjson, xlsx or {toy.form.name}." in refused.err


def test_a_header_that_is_not_on_top_is_found_in_any_sheet(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(FORMATS, "columns", COLUMNS)
    sheet = desk.folder / "sheet.columns"
    sheet.write_text("May\n" + in_columns(ROWS))
    refused = desk.rowpatch("apply", sheet, *fresh(desk, "run"))
    assert refused.status == 2
    assert "line 2 looks like it (id, reference): say --header-row 2" in refused.err
    assert desk.rowpatch("apply", sheet, *fresh(desk, "run"), "--header-row", "2", "--limit", "1").status == 0


REGISTERED: Final = """
import sys
from jobs.formats import FORMATS
from tests.system.e2e.toy_formats import COLUMNS
FORMATS["columns"] = COLUMNS
from worker.cli import main
main()
"""


def registered(*arguments: str, text: str = "") -> subprocess.CompletedProcess[str]:
    """The program as it starts when the line stands in `FORMATS`."""
    command = [sys.executable, "-c", REGISTERED, *arguments]
    return subprocess.run(command, input=text, capture_output=True, text=True, cwd=ROOT, check=False)


def test_the_flag_and_its_help_know_every_registered_format() -> None:
    helped = registered("check", "--help")
    assert "CSV, TSV, NDJSON, XLSX or COLUMNS file" in " ".join(helped.stdout.replace("│", "").split())
    checked = registered("check", "-", "--format", "columns", "--type", "stripe_payments", text=in_columns(ROWS))
    assert (checked.returncode, checked.stderr) == (0, "")
    refused = registered("check", "-", "--format", "rows")
    assert refused.returncode == 2
    assert "columns" in refused.stderr
