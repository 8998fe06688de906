"""Descriptions that are wrong about what their server does with a write: what is lost is put back, or named."""

import copy
import csv
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

import pytest

from tests.system.e2e.plain_api import PlainApi, Record, answer
from tests.system.e2e.program import Desk, Server
from tests.system.e2e.scripted_server import Answer, Asked, Script, scripted_server

TEXT = """
name = "plain"
settle_s = 0.1
[auth]
type = "none"
[resources.things]
path = "/things/{id}"
"""

MERGED = TEXT + 'fields.options = { type = "object", merge = "deep" }\n'


@contextmanager
def at_desk(api: Script, text: str, sheet: str, folder: Path) -> Iterator[Desk]:
    """Serve an API, with its description and a sheet in a folder."""
    with scripted_server(api) as server:
        (folder / "api.toml").write_text(text, encoding="utf-8")
        (folder / "sheet.csv").write_text(sheet, encoding="utf-8")
        yield Desk(folder, Server(server.url, "", "", ""))


def applied(desk: Desk, *more: str) -> str:
    """Apply the sheet; what the program said."""
    flags = ("--api", "api.toml", "--type", "things", "--run-dir", "run", "--no-progress", "--yes", *more)
    ran = desk.rowpatch("apply", "sheet.csv", *flags)
    return ran.out + ran.err


def results(folder: Path) -> list[dict[str, str]]:
    return table(folder / "run" / "results.csv")


def table(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file))


def undone(desk: Desk) -> tuple[int, str]:
    ran = desk.rowpatch("undo", "run", "--run-dir", "undo", "--no-progress", "--yes")
    return ran.status, ran.out + ran.err


OPTIONS = {"colour": "blue", "size": "L", "note": "", "dims": {"w": 1, "h": [2, 3]}}
THING: Record = {"id": "1", "title": "t", "count": 5, "tags": ["a"], "options": OPTIONS}


@pytest.mark.parametrize(
    ("text", "api", "sheet", "flags"),
    [
        pytest.param(MERGED, PlainApi({}), "id,options.colour\n1,red\n", (), id="an object, found by a canary"),
        pytest.param(
            MERGED, PlainApi({}), "id,options.colour\n1,red\n", ("--canary", "0"), id="an object, found by the reply"
        ),
        pytest.param(
            MERGED,
            PlainApi({}),
            "id,options.dims.w:int\n1,9\n",
            (),
            id="an object in an object, found by a canary",
        ),
        pytest.param(
            MERGED, PlainApi({}, echoes=False), "id,options.colour\n1,red\n", (), id="an object, without an echo"
        ),
        pytest.param(
            MERGED,
            PlainApi({}, echoes=False),
            "id,options.colour\n1,red\n",
            ("--canary", "0"),
            id="an object, found by the read that settles the row",
        ),
        pytest.param(
            MERGED, PlainApi({}, keeps="nothing"), "id,options.colour\n1,red\n", (), id="an object, and the record"
        ),
        pytest.param(TEXT, PlainApi({}, keeps="nothing"), "id,title\n1,new\n", (), id="the record"),
        pytest.param(
            TEXT, PlainApi({}, keeps="nothing", echoes=False), "id,title\n1,new\n", (), id="the record, without an echo"
        ),
    ],
)
def test_an_undo_puts_back_what_a_wrong_description_lost(
    text: str, api: PlainApi, sheet: str, flags: tuple[str, ...], tmp_path: Path
) -> None:
    api.records = {"1": copy.deepcopy(THING)}
    with at_desk(api, text, sheet, tmp_path) as desk:
        said = applied(desk, *flags)
        assert api.records["1"] != THING
        assert [row["__reason"] for row in results(tmp_path)] == ["values_lost"]
        assert "rowpatch undo run" in said
        assert undone(desk)[0] == 0
        assert api.records["1"] == THING
        with (tmp_path / "undo" / "cannot_undo.csv").open(encoding="utf-8-sig") as file:
            assert list(csv.DictReader(file)) == []


# ---- looked up by another key

FOUND = TEXT + 'find = { by = ["sku"], path = "/find", query = { sku = "{value}" }, records = "RECORDS" }\n'
SKUS: dict[str, Record] = {"1": {"id": "1", "sku": "a", "title": "t"}}


@pytest.mark.parametrize(("finds", "records"), [("list", ""), ("record", ""), ("wrapped", "/thing")])
def test_a_record_is_found_in_a_list_or_by_itself(
    finds: Literal["list", "record", "wrapped"], records: str, tmp_path: Path
) -> None:
    api = PlainApi(copy.deepcopy(SKUS), finds=finds)
    with at_desk(api, FOUND.replace("RECORDS", records), "sku,title\na,new\nb,new\n", tmp_path) as desk:
        applied(desk)
        assert api.records["1"]["title"] == "new"
        one, other = results(tmp_path)
        assert (one["__status"], other["__reason"]) == ("applied", "reference_not_found")


def test_a_look_up_that_fails_says_what_the_server_said(tmp_path: Path) -> None:
    def refuse(asked: Asked) -> Answer:
        return answer({"message": "sku is not indexed"}, 400)

    with at_desk(refuse, FOUND.replace("RECORDS", ""), "sku,title\na,new\n", tmp_path) as desk:
        applied(desk)
        (only,) = results(tmp_path)
        assert only["__reason"] == "lookup_failed"
        assert only["__message"] == "the sku 'a' could not be looked up: it answered 400: sku is not indexed"


def test_no_update_goes_out_without_the_guard_that_its_description_promises(tmp_path: Path) -> None:
    guarded = TEXT + 'precondition = { body = { "/rev" = "{/revision}" } }\n'
    api = PlainApi({"1": {"id": "1", "title": "t", "rev": 5}})
    with at_desk(api, guarded, "id,title\n1,new\n", tmp_path) as desk:
        said = applied(desk)
        assert (api.records["1"]["title"], results(tmp_path)[0]["__reason"]) == ("t", "no_version")
        assert "does not show a value at /revision" in said
        shutil.rmtree(tmp_path / "run")
        assert "Leave out --blind" in applied(desk, "--blind")


# ---- many at once


def test_ids_are_joined_by_what_the_api_parts_them_by(tmp_path: Path) -> None:
    api = PlainApi({str(number): {"id": str(number), "title": "t"} for number in range(1, 6)})
    many = """read_many = { path = "/many", query = { keys = "{ids}" }, join = "|", records = "/items" }\n"""
    sheet = "id,title\n" + "".join(f"{key},new\n" for key in api.records)
    with scripted_server(api) as server:
        (tmp_path / "api.toml").write_text(TEXT + many, encoding="utf-8")
        (tmp_path / "sheet.csv").write_text(sheet, encoding="utf-8")
        applied(Desk(tmp_path, Server(server.url, "", "", "")), "--canary", "0")
        reads = [asked.path for asked in server.asked if asked.method == "GET"]
    assert reads[-1] == "/many?keys=2%7C3%7C4%7C5" or reads == ["/many?keys=1%7C2%7C3%7C4%7C5"]
    assert {record["title"] for record in api.records.values()} == {"new"}


# ---- sets

LABELS = TEXT + 'fields.labels = { type = "set" }\n'


def test_a_blind_run_does_not_wipe_the_elements_that_it_cannot_know(tmp_path: Path) -> None:
    api = PlainApi({"1": {"id": "1", "labels": ["a", "b"]}})
    with at_desk(api, LABELS, "id,labels.add\n1,c\n", tmp_path) as desk:
        said = applied(desk, "--blind", "--metadata", "replace")
    assert api.records["1"]["labels"] == ["a", "b"]
    assert "set_not_read" in said


@pytest.mark.parametrize(
    ("column", "sheet", "left"),
    [
        ("labels", "c,e", ["d", "b", "a", "c"]),
        ("labels.add", "e", ["d", "b", "a", "c"]),
        ("labels.remove", "b,d", ["a", "c", "b", "d"]),  # the image of one element does not show where it stood
    ],
)
def test_an_undo_restores_the_order_of_a_set_that_was_written_as_a_whole(
    column: str, sheet: str, left: list[str], tmp_path: Path
) -> None:
    api = PlainApi({"1": {"id": "1", "labels": ["d", "b", "a", "c"]}})
    with at_desk(api, LABELS, f'id,{column}\n1,"{sheet}"\n', tmp_path) as desk:
        applied(desk)
        assert set(api.records["1"]["labels"]) != {"a", "b", "c", "d"}
        assert undone(desk)[0] == 0
    assert api.records["1"]["labels"] == left


# ---- keys of several parts

KEYED = TEXT.replace("/things/{id}", "/{owner}/things/{number}") + "fields.secret = { write_only = true }\n"


def test_reports_show_each_part_of_a_key(tmp_path: Path) -> None:
    api = PlainApi({"7": {"number": 7, "title": "t"}})
    with at_desk(api, KEYED, "owner,number,title,secret\nme,7,new,x\n", tmp_path) as desk:
        applied(desk)
        api.records["7"]["title"] = "theirs"
        assert desk.rowpatch("verify", "run", "--no-progress").status == 1
        undone(desk)
    found = [table(tmp_path / each) for each in ("run/verify.csv", "undo/cannot_undo.csv")]
    assert [[(row["id"], row["owner"], row["number"], row["column"]) for row in rows] for rows in found] == [
        [("me/7", "me", "7", "title")],
        [("me/7", "me", "7", "secret")],
    ]
