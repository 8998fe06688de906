"""A workbook from the first look to the undo, with the program itself and a sandbox."""

import csv
import subprocess
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
import xlsxwriter

from tests.system.e2e.program import PATIENCE, ROWPATCH, Desk, Server, sandbox
from worker.sandbox import seeded_id

HEADER = ("id", "reference", "metadata.day", "metadata.count:int")
IDS = [seeded_id("stripe_payments", row) for row in range(6)]


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with sandbox("--seed", "stripe_payments=100", "--limit", "none") as server:
        yield server


@pytest.fixture
def desk(tmp_path: Path, server: Server) -> Desk:
    return Desk(tmp_path, server)


def write(path: Path, mark: str, *, error: bool = False, sheets: int = 1) -> None:
    """A workbook of six rows, each with a text, a date and a number; the fourth one with an error if need be."""
    with xlsxwriter.Workbook(path) as book:
        day = book.add_format({"num_format": "yyyy-mm-dd"})
        for number in range(sheets):
            sheet = book.add_worksheet(f"My sheet {number + 1}")
            sheet.write_row(0, 0, HEADER)
            for row, key in enumerate(IDS):
                sheet.write_string(row + 2, 0, key)  # the second row is blank
                sheet.write_string(row + 2, 1, f"00{mark} {row}")
                sheet.write_datetime(row + 2, 2, datetime(2024, 1, 31, tzinfo=UTC).replace(tzinfo=None), day)
                sheet.write_number(row + 2, 3, row)
            if error:
                sheet.write_formula(5, 3, "=NA()", None, "#N/A")


def arguments(desk: Desk, *flags: str, sheet: str = "sheet.xlsx") -> list[str | Path]:
    common = ("--type", "stripe_payments", "--run-dir", desk.run, "--rate", "none", "--no-progress")
    return [desk.folder / sheet, *common, *flags]


def test_a_workbook_is_applied_resumed_refused_when_changed_and_undone(desk: Desk) -> None:
    before = desk.server.attributes()
    write(desk.folder / "sheet.xlsx", "a")
    assert desk.rowpatch("apply", *arguments(desk, "--limit", "3")).status == 0
    write(desk.folder / "sheet.xlsx", "b")
    changed = desk.resume("--limit", "6")
    assert changed.status == 2
    assert "row 1 is not what it was" in changed.err
    assert desk.resume("--limit", "6", "--from-copy").status == 0
    assert desk.statuses() == ["applied"] * 6
    rows = desk.results()
    assert [row["reference"] for row in rows] == [f"00a {row}" for row in range(6)]
    assert [row["__line"] for row in rows] == [str(row + 3) for row in range(6)]
    now = desk.server.attributes()
    assert [now[key]["reference"] for key in IDS] == [f"00a {row}" for row in range(6)]
    assert [now[key]["metadata"]["day"] for key in IDS] == ["2024-01-31"] * 6
    assert [now[key]["metadata"]["count"] for key in IDS] == list(range(6))
    assert desk.rowpatch("verify", desk.run).status == 0
    assert desk.rowpatch("report", desk.run).status == 0
    assert desk.rowpatch("undo", desk.run, "--run-dir", desk.folder / "undo", "--no-progress").status == 0
    after = desk.server.attributes()
    assert [after[key]["reference"] for key in IDS] == [before[key]["reference"] for key in IDS]


def test_a_cell_with_an_error_is_never_sent_not_even_from_results_that_are_fed_back(desk: Desk) -> None:
    write(desk.folder / "sheet.xlsx", "c", error=True)
    assert desk.rowpatch("plan", *arguments(desk)).status == 1
    ran = desk.rowpatch("apply", "--plan", desk.run, "--no-progress")
    assert ran.status == 1
    row = desk.results()[3]
    assert (row["__status"], row["__field"]) == ("invalid", "metadata.count:int")
    assert "'My sheet 1'!D6" in row["__message"]
    assert desk.rowpatch("retry", desk.run, "--no-progress").status in {0, 1}
    again = desk.rowpatch(
        "apply", desk.run / "failed.csv", *arguments(desk)[1:3], "--run-dir", "again", "--no-progress"
    )
    assert again.status == 1
    with (desk.folder / "again" / "results.csv").open(encoding="utf-8-sig", newline="") as file:
        (left,) = csv.DictReader(file)
    assert (left["__status"], left["__reason"]) == ("invalid", row["__reason"])
    assert desk.server.attributes()[IDS[3]]["reference"] != "00c 3"


def test_of_several_sheets_one_is_named_and_the_workbook_may_come_through_a_pipe(desk: Desk) -> None:
    path = desk.folder / "sheet.xlsx"
    write(path, "d", sheets=2)
    refused = desk.rowpatch("apply", *arguments(desk))
    assert refused.status == 2
    assert "--sheet 'My sheet 1', --sheet 'My sheet 2'" in refused.err
    assert not desk.run.exists()
    command = [ROWPATCH, "apply", "-", *arguments(desk, "--format", "xlsx", "--sheet", "My sheet 2")[1:]]
    ran = subprocess.run(
        command,
        input=path.read_bytes(),
        capture_output=True,
        check=False,
        cwd=desk.folder,
        env=desk.environment,
        timeout=PATIENCE,
    )
    assert ran.returncode == 0, ran.stderr
    assert desk.statuses() == ["applied"] * 6


@pytest.mark.parametrize(
    ("name", "data", "flags", "says"),
    [
        ("a.xls", b"", (), ".xls is not read"),
        ("a.xlsm", b"", (), ".xlsm is not read"),
        ("a.xlsx", b"id,reference\n", (), "no XLSX workbook, whatever its name says"),
        ("a.csv", b"PK\x03\x04", (), "--format xlsx"),
        ("a.csv", b"id,reference\n", ("--sheet", "x"), "--sheet does not apply to csv"),
        ("a.csv", b"id,reference\n", ("--visible-only",), "--visible-only does not apply to csv"),
        ("a.xlsx", b"", ("--delimiter", ";"), "--delimiter does not apply to xlsx"),
    ],
)
def test_what_is_no_workbook_or_no_flag_of_one_is_refused(
    name: str, data: bytes, flags: tuple[str, ...], says: str, desk: Desk
) -> None:
    (desk.folder / name).write_bytes(data)
    ran = desk.rowpatch("apply", *arguments(desk, *flags, sheet=name))
    assert (ran.status, ran.out) == (2, "")
    assert says in ran.err
    assert not desk.run.exists()


def test_a_sheet_of_semicolons_is_read_by_its_header_and_resumes_so(desk: Desk) -> None:
    sheet = desk.folder / "sheet.csv"
    sheet.write_text("sep=;\nid;reference\n" + "".join(f"{key};1,5 {row}\n" for row, key in enumerate(IDS)))
    assert desk.apply("--limit", "3").status == 0
    assert desk.resume("--limit", "6").status == 0
    assert [row["reference"] for row in desk.results()] == [f"1,5 {row}" for row in range(6)]


def test_hidden_rows_are_said_before_sending_and_left_out_on_request(desk: Desk) -> None:
    with xlsxwriter.Workbook(desk.folder / "sheet.xlsx") as book:
        sheet = book.add_worksheet("S")
        sheet.write_row(0, 0, HEADER[:2])
        for row, key in enumerate(IDS):
            sheet.write_row(row + 1, 0, [key, f"h {row}"])
        sheet.autofilter(0, 0, len(IDS), 1)
        sheet.filter_column(1, 'x == "h 1"')
        for row in (1, 3, 4, 5, 6):
            sheet.set_row(row, options={"hidden": True})
    planned = desk.rowpatch("plan", *arguments(desk)[:3], "--run-dir", "plan", "--no-progress")
    assert "5 of 6 rows are hidden; they are sent too" in planned.err
    assert "rowpatch check" in planned.err
    checked = desk.rowpatch("check", desk.folder / "sheet.xlsx", "--type", "stripe_payments", "--visible-only")
    assert "1 can be sent, 0 cannot, 5 would be skipped (5 hidden)" in " ".join(checked.out.split())
    ran = desk.rowpatch("apply", *arguments(desk, "--visible-only"))
    assert (ran.status, "are hidden" in ran.err) == (0, False)
    rows = desk.results()
    assert [(row["__status"], row["__reason"]) for row in rows if row["reference"] == "h 1"] == [("applied", "")]
    assert [(row["__status"], row["__reason"]) for row in rows if row["reference"] != "h 1"] == [
        ("skipped", "hidden")
    ] * 5
    assert desk.rowpatch("resume", desk.run, "--no-progress").status == 0
    assert desk.server.attributes()[IDS[0]]["reference"] != "h 0"
