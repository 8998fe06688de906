"""`rowpatch check` as a user runs it, and the same check before `apply` and `plan`."""

import json
import os
import subprocess
import zipfile
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from tests.system.e2e.program import PATIENCE, ROWPATCH, Desk, Ran, Server, sandbox
from worker.sandbox import seeded_id

DAMAGED = "id,reference,metadata.n:int\nZfiCcmIvub,00123,7\nYJNOHFdSXy,00124,seven\nwnrdaHbacF,125,9\n"
CLEAN = "id,reference\nZfiCcmIvub,a\n"


def check(folder: Path, *arguments: str | Path, stdin: str = "") -> Ran:
    """With nothing in the environment but where to find programs: no URL, no credential."""
    done = subprocess.run(
        [ROWPATCH, "check", *arguments],
        input=stdin, capture_output=True, text=True, cwd=folder, timeout=PATIENCE, check=False,
        env={"PATH": os.environ["PATH"], "HOME": str(folder)},
    )  # fmt: skip
    return Ran(done.returncode, done.stdout, done.stderr)


@pytest.mark.parametrize(
    ("text", "flags", "status", "says"),
    [
        (CLEAN, ["--type", "stripe_payments"], 0, "Nothing to complain about."),
        (DAMAGED, ["--type", "stripe_payments"], 2, "line 3, column 3 (C): seven"),
        (DAMAGED.replace("seven", "8"), ["--type", "stripe_payments"], 0, "Every row can be sent."),  # warnings alone
        (CLEAN, [], 2, "pass --type TYPE"),
        (CLEAN.replace("reference", "_refresh").replace(",a", ",true"),
         ["--type", "stripe_payments", "--allow-trigger", "_refresh"], 0, "1 can be sent"),
        (CLEAN.replace(",a", ",none"), ["--type", "stripe_payments", "--clear-token", "none"], 0, "1 can be sent"),
        (CLEAN.replace("reference", "metadata.a"),
         ["--type", "stripe_payments", "--blind"], 2, "needs_metadata_replace"),
        (CLEAN.replace("reference", "metadata.a"),
         ["--type", "stripe_payments", "--blind", "--metadata", "replace"], 0, "1 can be sent"),
    ],
)  # fmt: skip
def test_the_exit_status_says_whether_something_is_refused(
    text: str, flags: list[str], status: int, says: str, tmp_path: Path
) -> None:
    (tmp_path / "sheet.csv").write_text(text)
    done = check(tmp_path, "sheet.csv", *flags)
    assert (done.status, done.err) == (status, "")
    assert says in done.out
    assert [each.name for each in tmp_path.iterdir()] == ["sheet.csv"]  # no run, no copy, nothing beside it


def test_it_is_told_on_eighty_columns_with_the_command_to_type_next(tmp_path: Path) -> None:
    (tmp_path / "my sheet.csv").write_text(DAMAGED)
    done = check(tmp_path, "my sheet.csv", "--type", "stripe_payments")
    assert max(map(len, done.out.splitlines())) <= 80
    assert done.out.splitlines()[-1] == ("Mend the sheet, then: rowpatch check 'my sheet.csv' --type stripe_payments")


def test_the_environment_may_name_the_type(tmp_path: Path) -> None:
    (tmp_path / "sheet.csv").write_text(CLEAN)
    done = subprocess.run(
        [ROWPATCH, "check", "sheet.csv"], capture_output=True, text=True, cwd=tmp_path, check=False,
        env={"PATH": os.environ["PATH"], "HOME": str(tmp_path), "ROWPATCH_TYPE": "stripe_payments"},
    )  # fmt: skip
    assert done.returncode == 0


def test_standard_input_is_read_twice_and_left_nowhere(tmp_path: Path) -> None:
    done = check(tmp_path, "-", "--format", "csv", "--type", "stripe_payments", "--json", stdin=DAMAGED)
    codes = [json.loads(line).get("code") for line in done.out.splitlines()]
    assert (done.status, codes) == (2, ["wrong_type", "leading_zeros_lost", None])
    assert list(tmp_path.iterdir()) == []


def test_as_lines_of_json_every_finding_and_a_summary(tmp_path: Path) -> None:
    (tmp_path / "sheet.csv").write_text("id,reference\n" + "ZfiCcmIvub,NULL\n" * 1200)
    done = check(tmp_path, "sheet.csv", "--type", "stripe_payments", "--json")
    *findings, summary = map(json.loads, done.out.splitlines())
    assert (len(findings), summary["kind"], summary["warnings"], done.status) == (2399, "summary", 2399, 0)


def test_all_lists_every_place_on_a_line(tmp_path: Path) -> None:
    (tmp_path / "sheet.csv").write_text(DAMAGED)
    done = check(tmp_path, "sheet.csv", "--type", "stripe_payments", "--all")
    assert done.out.startswith("line 3, column 3 (C): seven (needs a whole number")
    assert "\nline 4, column 2 (B): 125: warning leading_zeros_lost [reference]\n" in done.out


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ([], "Which sheet? Try: rowpatch check payments.csv --type stripe_payments"),
        (["missing.csv"], "Cannot read missing.csv: No such file or directory."),
        (["sheet.what"], "Cannot tell the format of sheet.what"),
        (["-"], "Standard input has no name to tell its format"),
        (["sheet.csv", "--concurrency", "5"], "--concurrency"),  # it sends nothing
    ],
)
def test_what_cannot_be_checked_is_said(arguments: list[str], says: str, tmp_path: Path) -> None:
    done = check(tmp_path, *arguments)
    assert (done.status, done.out) == (2, "")
    assert says in " ".join(done.err.split())


def test_a_name_or_a_cell_cannot_steer_the_terminal(tmp_path: Path) -> None:
    (tmp_path / "sheet.csv").write_text("id,metadata.\x1b[31m:int\nZfiCcmIvub,\x1b[2J\n")
    done = check(tmp_path, "sheet.csv", "--type", "stripe_payments")
    assert "\x1b" not in done.out
    assert r"\x1b[2J" in done.out


def workbook(path: Path, rows: Sequence[Sequence[str]], styles: str) -> None:
    """The least that is a workbook: one sheet whose cells are given as XML."""
    kinds = "application/vnd.openxmlformats-officedocument.spreadsheetml"
    main = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
    office = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
    package = "http://schemas.openxmlformats.org/package/2006"
    data = "".join(f'<row r="{n}">{"".join(cells)}</row>' for n, cells in enumerate(rows, 1))
    parts = {
        "[Content_Types].xml": f'<Types xmlns="{package}/content-types">'
        f'<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
        f'<Override PartName="/xl/workbook.xml" ContentType="{kinds}.sheet.main+xml"/>'
        f'<Override PartName="/xl/styles.xml" ContentType="{kinds}.styles+xml"/>'
        f'<Override PartName="/xl/worksheets/sheet1.xml" ContentType="{kinds}.worksheet+xml"/></Types>',
        "_rels/.rels": f'<Relationships xmlns="{package}/relationships">'
        f'<Relationship Id="r1" Type="{office}/officeDocument" Target="xl/workbook.xml"/></Relationships>',
        "xl/workbook.xml": f'<workbook xmlns="{main}" xmlns:r="{office}">'
        '<sheets><sheet name="Lots" sheetId="1" r:id="r1"/></sheets></workbook>',
        "xl/_rels/workbook.xml.rels": f'<Relationships xmlns="{package}/relationships">'
        f'<Relationship Id="r1" Type="{office}/worksheet" Target="worksheets/sheet1.xml"/>'
        f'<Relationship Id="r2" Type="{office}/styles" Target="styles.xml"/></Relationships>',
        "xl/styles.xml": f'<styleSheet xmlns="{main}">{styles}</styleSheet>',
        "xl/worksheets/sheet1.xml": f'<worksheet xmlns="{main}"><sheetData>{data}</sheetData></worksheet>',
    }
    with zipfile.ZipFile(path, "w") as file:
        for name, text in parts.items():
            file.writestr(name, text)


def text(value: str) -> str:
    return f'<c t="inlineStr"><is><t>{value}</t></is></c>'


def test_a_workbook_is_told_by_its_cells_and_by_how_it_stored_them(tmp_path: Path) -> None:
    """123 that the spreadsheet shows as 00123, because of its format, and a formula that failed."""
    styles = (
        '<numFmts count="1"><numFmt numFmtId="164" formatCode="00000"/></numFmts>'
        '<cellXfs count="2"><xf numFmtId="0"/><xf numFmtId="164" applyNumberFormat="1"/></cellXfs>'
    )
    rows = [
        [text("id"), text("reference"), text("metadata.note")],
        [text("ZfiCcmIvub"), '<c s="1"><v>123</v></c>', text("ok")],
        [text("YJNOHFdSXy"), text("00124"), '<c t="e"><v>#N/A</v></c>'],
    ]
    workbook(tmp_path / "sheet.xlsx", rows, styles)
    done = check(tmp_path, "sheet.xlsx", "--type", "stripe_payments", "--json")
    *findings, summary = map(json.loads, done.out.splitlines())
    assert [(each["severity"], each["address"], each["value"]) for each in findings] == [
        ("warning", "Lots!B2", "123"), ("error", "Lots!C3", "#N/A"),
    ]  # fmt: skip
    assert findings[0]["code"] == "leading_zeros_lost"
    assert (summary["sendable"], summary["refused"], done.status) == (1, 1, 2)


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with sandbox("--seed", "stripe_payments=10") as running:
        yield running


def desk_with_damage(folder: Path, server: Server) -> Desk:
    desk = Desk(folder, server)
    ids = [seeded_id("stripe_payments", index) for index in range(4)]
    desk.write([*zip(ids[:3], ["00123", "00124", "125"], strict=True), (ids[3], "#N/A")])
    return desk


@pytest.mark.parametrize("command", ["apply", "plan"])
def test_before_a_run_damage_is_named_and_the_cells_are_sent_as_they_stand(
    command: str, tmp_path: Path, server: Server
) -> None:
    desk = desk_with_damage(tmp_path, server)
    done = desk.rowpatch(command, desk.sheet, "--type", "stripe_payments", "--run-dir", desk.run, "--no-progress")
    assert done.status == 0
    assert "1 x leading_zeros_lost [reference]" in done.err
    assert f"rowpatch check {desk.sheet} --type stripe_payments" in done.err
    assert "leading_zeros_lost" not in done.out
    if command == "apply":
        stored = server.attributes()
        assert [stored[seeded_id("stripe_payments", index)]["reference"] for index in range(4)] == [
            "00123", "00124", "125", "#N/A",
        ]  # fmt: skip


def test_the_warning_comes_before_the_question(tmp_path: Path, server: Server) -> None:
    """Without a terminal there is no question, but the refusal in its place comes after it."""
    desk = desk_with_damage(tmp_path, server)
    with sandbox("--seed", "stripe_payments=10", "--mode", "live") as live:
        asked = Desk(tmp_path, live)
        done = asked.rowpatch("apply", desk.sheet, "--type", "stripe_payments", "--run-dir", desk.run)
        assert live.writes() == []
    assert done.status == 2
    assert done.err.index("leading_zeros_lost") < done.err.index("About to send")


def test_an_undo_puts_damage_back_without_a_word(tmp_path: Path, server: Server) -> None:
    """Its values were read from the API: nobody can mend them in a sheet."""
    desk = desk_with_damage(tmp_path, server)
    assert desk.apply().status == 0
    second = Desk(tmp_path, server)
    ids = [seeded_id("stripe_payments", index) for index in range(4)]
    second.write(zip(ids, "abcd", strict=True))
    done = second.rowpatch("apply", second.sheet, "--type", "stripe_payments", "--run-dir", tmp_path / "two")
    assert (done.status, "Look at this" in done.err) == (0, False)
    undone = second.rowpatch("undo", tmp_path / "two", "--run-dir", tmp_path / "undo", "--no-progress")
    assert (undone.status, "Look at this" in undone.err) == (0, False)
    assert server.attributes()[ids[2]]["reference"] == "125"
