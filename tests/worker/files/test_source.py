"""The input: copied, hashed, unpacked, and read as jobs."""

import gzip
import hashlib
import io
from pathlib import Path

import pytest

from jobs.formats import COMMON_KEYS, InputRefused
from jobs.model import Unsendable, UpdateJob
from jobs.recipe.fields import NOTHING_PRIVATE, Private
from tests.schemas import SCHEMA
from worker.files import source
from worker.settings import ConfigError, Input, Settings, Target

SHEET = "id,reference\nabc,007\n\ndef,1E5\n"


def how(format_name: str = "csv", **more: object) -> Input:
    return Input.model_validate({"source": "x", "format": format_name, **more})


def rows_in(path: Path) -> int:
    """The number of rows of a sheet, all of them read."""
    with source.opened(path) as stream:
        return sum(1 for _ in source.format_of(how()).read(stream, source.options_of(how(), COMMON_KEYS)))


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("a.csv", "csv"),
        ("a.CSV", "csv"),
        ("dir.x/a.tsv.gz", "tsv"),
        ("a.tab", "tsv"),
        ("a.jsonl", "ndjson"),
        ("a.ndjson.gz", "ndjson"),
        ("a.XLSX", "xlsx"),
    ],
)
def test_the_format_is_told_by_the_name(name: str, expected: str) -> None:
    assert source.guess_format(name) == expected


@pytest.mark.parametrize("name", ["-", "a.txt", "a", "a.csv.bz2"])
def test_a_name_that_does_not_tell_needs_the_flag(name: str) -> None:
    with pytest.raises(ConfigError, match="--format"):
        source.guess_format(name)


@pytest.mark.parametrize("compress", [False, True], ids=["plain", "gzip"])
def test_a_spooled_input_is_the_same_bytes_and_reads_the_same(tmp_path: Path, compress: bool) -> None:
    data = gzip.compress(SHEET.encode()) if compress else SHEET.encode()
    spooled = source.spool(io.BytesIO(data), tmp_path, "csv")
    assert spooled.path.read_bytes() == data
    assert spooled.path.name == ("input.csv.gz" if compress else "input.csv")
    assert spooled.sha256 == hashlib.sha256(data).hexdigest() == source.sha256(spooled.path)
    assert source.spooled_in(tmp_path, "csv") == spooled.path
    with source.opened(spooled.path) as stream:
        found = list(source.jobs(stream, how(), "orders", SCHEMA, lambda _: True))
    assert [job.attributes for job in found if isinstance(job, UpdateJob)] == [
        {"reference": "007"},
        {"reference": "1E5"},
    ]
    assert [(job.ref.row, job.ref.line) for job in found] == [(1, 2), (2, 4)]


def test_only_wanted_rows_are_read_and_keep_their_numbers() -> None:
    found = list(source.jobs(io.BytesIO(SHEET.encode()), how(), "orders", SCHEMA, lambda row: row == 2))
    assert [job.ref.row for job in found] == [2]


@pytest.mark.parametrize("cut", [5, 15, 30])
def test_a_gzip_file_that_is_cut_off_is_refused(tmp_path: Path, cut: int) -> None:
    path = tmp_path / "input.csv.gz"
    path.write_bytes(gzip.compress(SHEET.encode() * 50)[:cut])
    with pytest.raises(InputRefused, match="gzip data is damaged or cut off"):
        rows_in(path)


def test_gzip_data_that_grows_without_end_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "input.csv.gz"
    path.write_bytes(gzip.compress(b"id,a\n" + b"1,x\n" * 1_000_000))
    assert rows_in(path) == 1_000_000
    monkeypatch.setattr(source, "HARMLESS", 1 << 20)
    with pytest.raises(InputRefused, match="more than 200 times its size"):
        rows_in(path)


def test_what_the_input_itself_says_becomes_a_setting(tmp_path: Path) -> None:
    path = tmp_path / "input.csv"
    path.write_text("id;reference\nabc;1,5\n")
    assert source.resolve_options(path, how()).delimiter == ";"
    assert source.resolve_options(path, how(delimiter="|")).delimiter == "|"
    assert source.resolve_options(path, how("tsv")).delimiter == ""


@pytest.mark.parametrize("name", ["a.xls", "a.XLSM", "a.xlsb", "a.ods", "a.numbers"])
def test_other_spreadsheets_are_refused_with_what_to_do(name: str) -> None:
    with pytest.raises(ConfigError, match="save it as an Excel workbook"):
        source.guess_format(name)


def test_a_lost_copy_of_the_input_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputRefused, match="lost its copy"):
        source.spooled_in(tmp_path, "csv")


def test_tsv_and_ndjson_are_read_by_their_formats() -> None:
    tsv = io.BytesIO(b"id\treference\nabc\t1,5\n")
    assert [
        job.attributes
        for job in source.jobs(tsv, how("tsv"), "orders", SCHEMA, lambda _: True)
        if isinstance(job, UpdateJob)
    ] == [{"reference": "1,5"}]
    ndjson = io.BytesIO(b'{"id":"abc","reference":"7"}\n{"id":\n')
    good, bad = source.jobs(ndjson, how("ndjson"), "orders", SCHEMA, lambda _: True)
    assert isinstance(good, UpdateJob)
    assert isinstance(bad, Unsendable)
    assert bad.reason == "bad_json"


def test_a_header_that_is_found_further_down_is_not_in_the_outline_of_the_refusal(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("Title\nid,Zq7\nA,x\n")
    with pytest.raises(InputRefused) as refused:
        source.refuse_lines_above(path, how(), COMMON_KEYS)
    assert "Zq7" in str(refused.value)
    said = "this is no header, but line 2 looks like it: say --header-row 2, or delete what stands above it"
    assert refused.value.outline == said


NOTE = ("attributes", "metadata", "note")


def test_the_private_fields_of_rows_are_those_of_their_recipe_or_of_the_run_that_they_were_made_of() -> None:
    view = {"columns": {"id": "ID", "metadata.note": {"column": "NOTE", "private": True}}}
    assert source.private(how(), "orders", SCHEMA) is NOTHING_PRIVATE
    found = source.private(how(view=view), "orders", SCHEMA)
    assert found == Private(frozenset({"NOTE"}), frozenset({NOTE}))
    settings = Settings(target=Target(type="orders"), input=how(view=view))
    made = source.made("undo", settings, SCHEMA)
    assert (made.format, made.view, made.private) == ("ndjson", None, (NOTE,))
    assert source.private(made, "", SCHEMA) == Private(paths=frozenset({NOTE}))
    again = source.made("undo of it", settings.model_copy(update={"input": made}), SCHEMA)
    assert again.private == (NOTE,)
    assert [each.has_private for each in (how(), how(view={}), how(view=view), made)] == [False, False, True, True]


def test_private_fields_need_to_know_their_type() -> None:
    view = {"columns": {"id": "ID", "type": "T", "metadata.note": {"column": "NOTE", "private": True}}}
    with pytest.raises(ConfigError, match="add `type`"):
        source.private(how(view=view), "", SCHEMA)


def test_a_line_that_is_no_object_is_not_shown_where_something_is_private() -> None:
    view = {"columns": {"id": "ID", "metadata.note": {"column": "NOTE", "private": True}}}
    for seen in (how("ndjson", view=view), how("ndjson", view={"columns": {"id": "ID"}})):
        (found,) = source.jobs(io.BytesIO(b'{"NOTE": Zq7}\n'), seen, "orders", SCHEMA, lambda _: True)
        (surveyed,) = source.surveyed(io.BytesIO(b'{"NOTE": Zq7}\n'), seen, "orders", SCHEMA)
        assert isinstance(found, Unsendable)
        assert surveyed.found == found
        assert ("Zq7" in repr(found)) is not seen.has_private
