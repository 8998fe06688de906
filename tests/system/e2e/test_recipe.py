"""A recipe, by the program itself: drafted, checked, planned, applied; its run keeps to it."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.system.e2e.program import Desk, Server, ended, sandbox

EXPORT = """\
Artikel;Stand 31.01.2026
ID;PREIS;AB;AKTIV;ST
ZfiCcmIvub;1.234,50;31.01.2026;Ja;A
YJNOHFdSXy;12,5;01.02.2026;Nein;A
wnrdaHbacF;12.50;;;A
bjzvwhOffp;1;;;C
"""

RECIPE = """\
source = "exports/ART_*.csv"
type = "stripe_payments"
[input]
encoding = "cp1252"
delimiter = ";"
header_row = 2
[columns]
id = "ID"
"metadata.price:int" = { column = "PREIS", decimal = ",", times = 100 }
"metadata.from" = { column = "AB", date = "%d.%m.%Y" }
"metadata.on:bool" = { column = "AKTIV", map = { Ja = true, Nein = false } }
[constants]
"metadata.source" = "erp"
[filter]
ST = ["A"]
[credentials]
token_file = "token"
"""


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    with sandbox("--limit", "none") as server:
        yield at(tmp_path, server)


def at(folder: Path, server: Server) -> Desk:
    (folder / "exports").mkdir()
    (folder / "exports" / "ART_1.csv").write_text(EXPORT)
    (folder / "prices.toml").write_text(f'url = "{server.url}"\n{RECIPE}')
    (folder / "token").write_text(server.token)
    return Desk(folder, server)


def test_a_recipe_says_which_sheet_and_what_its_columns_mean(desk: Desk) -> None:
    recipe = desk.folder / "prices.toml"
    checked = desk.rowpatch("check", "--recipe", recipe)
    assert checked.status == 2
    assert "wrong_notation [PREIS]" in checked.out
    assert "line 5, column 2 (B): 12.50" in checked.out
    ran = desk.rowpatch("apply", "--recipe", recipe, "--run-dir", desk.run, "--no-progress")
    assert ran.status == 1
    assert [(row["__status"], row["__reason"], row["__field"], row["PREIS"]) for row in desk.results()] == [
        ("applied", "", "", "1.234,50"),
        ("applied", "", "", "12,5"),
        ("invalid", "wrong_notation", "PREIS", "12.50"),
        ("skipped", "filtered", "", "1"),
    ]
    metadata = desk.server.attributes()["ZfiCcmIvub"]["metadata"]
    assert {name: metadata[name] for name in ("price", "from", "on", "source")} == {
        "price": 123450, "from": "2026-01-31", "on": True, "source": "erp",
    }  # fmt: skip


def test_a_failed_file_is_mended_and_comes_back_through_the_recipe(desk: Desk) -> None:
    recipe = desk.folder / "prices.toml"
    assert desk.rowpatch("apply", "--recipe", recipe, "--run-dir", desk.run, "--no-progress").status == 1
    failed = desk.run / "failed.csv"
    failed.write_text(failed.read_text(encoding="utf-8").replace("12.50", '"12,50"'), encoding="utf-8")
    ran = desk.rowpatch("apply", failed, "--recipe", recipe, "--run-dir", desk.folder / "mended", "--no-progress")
    assert (ran.status, ran.out.splitlines()[0]) == (0, "1 row: 1 applied.")
    assert desk.server.attributes()["wnrdaHbacF"]["metadata"]["price"] == 1250


def test_a_run_keeps_to_its_recipe(desk: Desk) -> None:
    recipe = desk.folder / "prices.toml"
    planned = desk.rowpatch("plan", "--recipe", recipe, "--limit", "1", "--run-dir", desk.run, "--no-progress")
    assert (planned.status, "-> 123450" in planned.out) == (0, True)
    recipe.write_text("")
    without = {"ROWPATCH_TOKEN": ""}
    assert ended(desk.start("apply", "--plan", desk.run, "--no-progress", also=without)).status == 0
    assert desk.server.attributes()["ZfiCcmIvub"]["metadata"]["price"] == 123450
    assert ended(desk.start("verify", desk.run, also=without)).status == 0
    undone = desk.folder / "undone"
    assert ended(desk.start("undo", desk.run, "--run-dir", undone, "--yes", "--no-progress", also=without)).status == 0
    assert "price" not in desk.server.attributes()["ZfiCcmIvub"]["metadata"]
    (desk.run / "recipe.toml").unlink()
    assert "Put the run's own copy back" in desk.rowpatch("retry", desk.run).err


def test_a_column_that_the_sheet_lost_refuses_it(desk: Desk) -> None:
    export = desk.folder / "exports" / "ART_1.csv"
    export.write_text(EXPORT.replace("PREIS", "PREIS_EUR"))
    ran = desk.rowpatch("apply", "--recipe", desk.folder / "prices.toml", "--run-dir", desk.run)
    assert ran.status == 2
    assert "no column `PREIS`" in ran.err
    assert "did you mean `PREIS_EUR`" in ran.err
    assert not desk.run.exists()


def test_a_recipe_is_drafted_from_an_export(desk: Desk) -> None:
    export, made = desk.folder / "exports" / "ART_1.csv", desk.folder / "drafted.toml"
    export.write_bytes(EXPORT.replace("Artikel", "Ärtikel").replace("12.50", "12,50").encode("cp1252"))
    assert desk.rowpatch("init", export, "--type", "stripe_payments", "--output", made).status == 0
    text = made.read_text()
    assert 'source = "exports/ART_1.csv"' in text
    assert '[input]\nencoding = "cp1252"\ndelimiter = ";"\nheader_row = 2\n' in text
    assert "# PREIS: numbers with a decimal comma, like 1.234,50 (4 of 4 cells)" in text
    assert 'id = "ID"' in text
    assert desk.rowpatch("init", export, "--output", made).status == 2
    assert "encoding" in desk.rowpatch("init", export).out


def test_objects_are_drafted_too_and_what_cannot_be_read_is_told(desk: Desk) -> None:
    objects = desk.folder / "a.ndjson"
    objects.write_text('{"id": "x", "AB": "31.01.2026"}\n{"AB": "01.02.2026", "n": 1}\n')
    drafted = desk.rowpatch("init", objects)
    assert (drafted.status, '# FIELD = { column = "AB", date = "%d.%m.%Y" }' in drafted.out) == (0, True)
    assert desk.rowpatch("init", desk.folder / "none.csv").status == 2
    (desk.folder / "empty.csv").write_text("")
    assert desk.rowpatch("init", desk.folder / "empty.csv").status == 2
