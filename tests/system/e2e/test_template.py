"""`rowpatch template`: what it writes is a sheet, and stays one after a spreadsheet program has filled it in."""

import csv
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from openpyxl import load_workbook
from openpyxl.utils import get_column_letter

from tests.system.e2e.program import Desk, Server, sandbox
from worker.sandbox import seeded_id

SKU = seeded_id("skus", 0)


@pytest.fixture
def server() -> Iterator[Server]:
    with sandbox("--seed", "skus=5", "--limit", "none") as server:
        yield server


@pytest.fixture
def desk(tmp_path: Path, server: Server) -> Desk:
    return Desk(tmp_path, server)


@pytest.fixture
def offline(tmp_path: Path) -> Desk:
    return Desk(tmp_path, Server("http://127.0.0.1:1", "", "", ""))


ROW = {"id": SKU, "reference": "00123", "unit_of_weight": "oz", "pieces_per_pack": "12", "weight": "0.5",
       "do_not_ship": "true", "metadata.example": "1E10", "tags.add": ""}  # fmt: skip


def apply(desk: Desk, sheet: Path) -> None:
    ran = desk.rowpatch("apply", sheet, "--type", "skus", "--run-dir", desk.run, "--rate", "none", "--no-progress")
    assert ran.status == 0, ran.err
    assert desk.statuses() == ["skipped", "applied"]
    found = desk.server.attributes("skus")[SKU]
    assert {name: found[name] for name in list(ROW)[1:6]} == {
        "reference": "00123",
        "unit_of_weight": "oz",
        "pieces_per_pack": 12,
        "weight": 0.5,
        "do_not_ship": True,
    }
    assert found["metadata"]["example"] == "1E10"


def test_a_template_that_is_filled_in_is_applied(desk: Desk) -> None:
    sheet = desk.folder / "skus.csv"
    assert desk.rowpatch("template", "skus", "--output", sheet).status == 0
    with sheet.open(encoding="utf-8-sig", newline="") as file:
        header, comment = csv.reader(file)
    assert comment[0].startswith("#")
    with sheet.open("a", encoding="utf-8", newline="") as file:
        csv.writer(file).writerow([ROW.get(name, "") for name in header])
    apply(desk, sheet)


def test_a_workbook_that_is_filled_in_is_applied(desk: Desk) -> None:
    sheet = desk.folder / "skus.xlsx"
    assert desk.rowpatch("template", "skus", "--output", sheet).status == 0
    book = load_workbook(sheet)
    page = book["skus"]
    header = [str(cell.value) for cell in page[1]]
    for index, name in enumerate(header, start=1):
        if ROW.get(name):
            number = name in {"pieces_per_pack", "weight"}
            page.cell(3, index, float(ROW[name]) if number else ROW[name])
    book.save(sheet)
    apply(desk, sheet)


def test_a_workbook_keeps_codes_as_text_and_offers_what_can_be_chosen(offline: Desk) -> None:
    sheet = offline.folder / "skus.xlsx"
    offline.rowpatch("template", "skus", "--output", sheet)
    page = load_workbook(sheet)["skus"]
    columns = {str(cell.value): get_column_letter(index) for index, cell in enumerate(page[1], start=1)}
    assert page.freeze_panes == "B2"
    rules = {str(rule.sqref): rule.formula1 for rule in page.data_validations.dataValidation}
    letter = columns["unit_of_weight"]
    assert rules[f"{letter}3:{letter}1048576"] == '"gr,oz,lb,<clear>"'
    assert f"{columns['do_not_ship']}3:{columns['do_not_ship']}1048576" in rules
    styles = {name: page.column_dimensions[columns[name]].number_format for name in ("reference", "code")}
    assert styles == {"reference": "@", "code": "@"}


def test_without_a_file_the_sheet_goes_to_standard_output(offline: Desk) -> None:
    ran = offline.rowpatch("template", "stripe_payments")
    header = next(csv.reader(ran.out.splitlines()))
    assert header == ["id", "reference", "reference_origin", "options", "return_url", "order", "metadata.example"]
    (offline.folder / "piped.csv").write_text(ran.out)
    assert offline.rowpatch("check", "piped.csv", "--type", "stripe_payments").status == 0


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("order",), "did you mean `orders`?"),
        (("skus", "--format", "xlsx"), "--output skus.xlsx"),
        (("skus", "--output", "there.csv"), "there.csv exists already"),
        (("skus", "--output", "no/such/folder.csv"), "Cannot write no/such/folder.csv"),
        (("skus", "--output", "no/such/folder.xlsx"), "Cannot write no/such/folder.xlsx"),
    ],
)
def test_what_cannot_be_made_is_refused_and_nothing_is_written(
    offline: Desk, arguments: tuple[str, ...], says: str
) -> None:
    (offline.folder / "there.csv").write_text("mine")
    ran = offline.rowpatch("template", *arguments)
    assert (ran.status, says in ran.err) == (2, True), ran.err
    assert (offline.folder / "there.csv").read_text() == "mine"


def test_triggers_are_left_out_and_named(offline: Desk) -> None:
    ran = offline.rowpatch("template", "stripe_payments", "--output", "payments.csv")
    assert "_refresh" in ran.err
    assert "_refresh" not in (offline.folder / "payments.csv").read_text()


def test_without_the_extra_the_message_says_what_to_install(tmp_path: Path) -> None:
    code = (
        "import sys; sys.modules['xlsxwriter'] = None\n"
        "from worker.cli import run; sys.exit(run(['template', 'skus', '--output', 'x.xlsx']))"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=tmp_path, check=False)
    assert (ran.returncode, "pipx inject rowpatch xlsxwriter" in ran.stderr) == (2, True)
    assert not (tmp_path / "x.xlsx").exists()
