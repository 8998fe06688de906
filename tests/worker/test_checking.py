"""The check as a whole: it agrees with what a run would do, lists what it counts, and forgets what it need not know."""

import csv
import gzip
import json
import tracemalloc
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from jobs.damage import WARNINGS
from jobs.formats import InputRefused
from jobs.model import JSON, RowRef, Status, Unsendable
from jobs.reasons import REASONS
from tests.jobs.formats import workbooks
from tests.schemas import DESK, SCHEMA
from worker.checking import Checked, Group, as_json, check, findings, line_of, summary_as_json, tell, tell_in_short
from worker.checking.duplicates import Duplicates
from worker.checking.findings import INPUT_REFUSED, explained
from worker.events import Advanced, Event
from worker.files import source
from worker.settings import ConfigError, Input

TYPE = "stripe_payments"
IDS = [f"ZfiCcmIvu{letter}" for letter in "abcdefghijklmnopqrstuvwxyz"]


def how(path: Path) -> Input:
    return Input(source=str(path), format=source.guess_format(str(path)))


def checked(path: Path, type_name: str = TYPE) -> Checked:
    return check(path, source.resolve_options(path, how(path)), type_name, SCHEMA)


def listed(path: Path, found: Checked) -> list[tuple[str, str, int]]:
    read = source.resolve_options(path, how(path))
    return [
        (each.group.code, each.group.column, each.spot.ref.row) for each in findings(found, path, read, TYPE, SCHEMA)
    ]


def write(folder: Path, text: str, name: str = "sheet.csv") -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


CELLS = st.sampled_from(
    ["", "1", "seven", "1,5", "true", "WAHR", "#N/A", " x", "MÃ¼", "<clear>", "'", "00123", "12", "NULL", "=A1", "a,b"]
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    rows=st.lists(
        st.tuples(st.sampled_from([*IDS[:5], "", "#c", "a b", "12"]), CELLS, CELLS, CELLS), min_size=1, max_size=30
    )
)
def test_check_and_run_agree_about_every_row_and_the_list_about_the_groups(
    rows: list[tuple[str, ...]], tmp_path: Path
) -> None:
    lines = ['"' + '","'.join(each.replace('"', '""') for each in row) + '"' for row in rows]
    path = write(tmp_path, "\n".join(("id,reference,metadata.n:int,metadata.b:bool", *lines, "")))
    found = checked(path)
    with source.opened(path) as stream:
        run = list(source.jobs(stream, source.resolve_options(path, how(path)), TYPE, SCHEMA, lambda _: True))
    unsendable = [row for row in run if isinstance(row, Unsendable)]
    skipped = Counter(row.reason for row in unsendable if REASONS[row.reason].status is Status.SKIPPED)
    assert (found.rows, found.skipped) == (len(run), skipped)
    assert (found.sendable, found.refused) == (len(run) - len(unsendable), len(unsendable) - skipped.total())
    first = Counter((row.reason, row.column) for row in unsendable if row.reason not in skipped)
    assert all(found.errors[key].count >= count for key, count in first.items())
    counted = {(group.code, group.column): group.count for group in found.groups()}
    assert Counter((code, column) for code, column, _ in listed(path, found)) == counted


def test_no_full_stop_stands_alone_on_a_line() -> None:
    for length in range(1, 240):
        refused = Checked(refusals=[InputRefused(f"did you mean {'x' * length}.")])
        named = Checked(rows=3, sendable=3)
        for text in (tell(refused, "a.csv", "rowpatch check a.csv"), tell(named, "x" * length, "rowpatch check x")):
            assert all(len(line.strip()) != 1 and len(line) <= 80 for line in text.splitlines()), text


NAMES = st.sampled_from(
    ["reference", "metadata.a", "metadata.a.b", "metadata.n:int", "metadata.j:json", "_refresh", "order", "type",
     "options", "options.customer", "attributes.x", "attributes.y:bool", "__status", "__reason", "tags.add", "market",
     "expires_at"]
)  # fmt: skip
ANY = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=12) | CELLS
DEFAULTS = st.sampled_from(["", "stripe_payments", "orders", "coupons"])


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data(), names=st.lists(NAMES, unique=True, max_size=6), default=DEFAULTS)
def test_any_sheet_at_all_is_checked_and_listed_without_an_error(
    data: st.DataObject, names: list[str], default: str, tmp_path: Path
) -> None:
    width = st.integers(len(names), len(names) + 2)
    rows = data.draw(st.lists(width.flatmap(lambda cells: st.lists(ANY, min_size=cells, max_size=cells)), max_size=14))
    path = tmp_path / "sheet.csv"
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([["id", *names], *rows])
    read = Input(source=str(path), format="csv", delimiter=",", allow_triggers=("_refresh",))
    found = check(path, read, default, SCHEMA)
    counted = {(group.code, group.column): group.count for group in found.groups() if group.code != INPUT_REFUSED}
    told = [each for each in findings(found, path, read, default, SCHEMA) if each.group.code != INPUT_REFUSED]
    assert Counter((each.group.code, each.group.column) for each in told) == counted
    assert tell(found, "sheet.csv", "rowpatch check sheet.csv")


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | ANY,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(NAMES | st.sampled_from(["id", "data"]), inner, max_size=4)
    ),
    max_leaves=8,
)
KEYS = NAMES | st.sampled_from(["id", "data", "attributes", "relationships"])


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(lines=st.lists(st.dictionaries(KEYS, VALUES, max_size=6) | VALUES, min_size=1, max_size=12), default=DEFAULTS)
def test_any_objects_at_all_are_checked_and_listed_without_an_error(
    lines: list[JSON], default: str, tmp_path: Path
) -> None:
    lines = [{"id": "a"}, *lines]  # what begins with a list is an array
    path = write(tmp_path, "".join(f"{json.dumps(line)}\n" for line in lines), "sheet.ndjson")
    found = check(path, how(path), default, SCHEMA)
    assert found.rows == len(lines)
    counted = {(group.code, group.column): group.count for group in found.groups()}
    told = findings(found, path, how(path), default, SCHEMA)
    assert Counter((each.group.code, each.group.column) for each in told) == counted


def test_findings_come_in_the_order_of_the_sheet(tmp_path: Path) -> None:
    path = write(
        tmp_path,
        f"id,reference,metadata.n:int,metadata.a \n{IDS[0]}, a,x,\n{IDS[1]},b,1,\n{IDS[0]},NULL,y,\n12,Ã¼,,\n",
    )
    assert listed(path, checked(path)) == [
        ("suspicious_header", "metadata.a ", 0),
        ("wrong_type", "metadata.n:int", 1),
        ("spaces_around", "reference", 1),
        ("wrong_type", "metadata.n:int", 3),
        ("null_word", "reference", 3),
        ("id_unusual", "id", 4),
        ("mojibake", "reference", 4),
    ]


def test_an_id_that_comes_again_is_told_with_the_row_that_has_it(tmp_path: Path) -> None:
    a, b, c = IDS[:3]
    path = write(tmp_path, f"id,reference\n{a},x\n{b},x\n{a},x\n{a},y\n{b},z\n{c},x\n#{a},x\n")
    found = checked(path)
    (group,) = found.warnings
    assert (group.code, group.count, group.evidence) == (
        "duplicate_id", 3, "1 repeat that row word for word, 2 have other cells",
    )  # fmt: skip
    assert [(spot.ref.line, spot.message) for spot in group.spots] == [
        (4, "the same row as line 2"),
        (5, "the id of line 2, and other cells"),
        (6, "the id of line 3, and other cells"),
    ]
    assert [row for code, _, row in listed(path, found) if code == "duplicate_id"] == [3, 4, 5]


def test_a_reference_that_comes_again_is_told_too(tmp_path: Path) -> None:
    path = write(tmp_path, "reference,metadata.a\ninv-1,x\ninv-1,y\n")
    found = checked(path)
    assert [(group.code, group.column, group.count) for group in found.warnings] == [("duplicate_id", "reference", 1)]
    assert listed(path, found) == [("duplicate_id", "reference", 2)]


def test_many_repeated_ids_are_read_in_pages_and_in_order() -> None:
    duplicates = Duplicates()
    refs = [RowRef(row, row + 1, bytes(8)) for row in range(1, 4501)]
    for start in range(0, 4500, 1000):
        batch = refs[start : start + 1000]
        duplicates.add([f"id{ref.row % 1500}" for ref in batch], batch)
    assert [each.ref.row for each in duplicates] == list(range(1501, 4501))
    assert duplicates.counts() == (3000, 3000)
    assert [each.first for each in duplicates.first(2)] == [2, 3]


def test_ids_that_share_a_bit_of_the_filter_are_told_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    for size in ("_ALL", "_LATER"):
        monkeypatch.setattr(f"worker.checking.duplicates.{size}", 8)  # bits: nearly every id is taken for a later one
    duplicates = Duplicates()
    refs = [RowRef(row, row, row.to_bytes(8, "big")) for row in range(1, 201)]
    duplicates.add([f"id{ref.row % 199}" for ref in refs], refs)
    assert [(each.ref, each.first, each.same) for each in duplicates] == [(refs[199], 1, False)]


@pytest.mark.parametrize("asked", [False, True])
def test_no_room_for_ids_is_said(asked: bool) -> None:
    duplicates = Duplicates()
    refs = [RowRef(row, row, b"x" * 8) for row in range(4000)]
    ids = [f"id{row % 2000}" for row in range(4000)]
    if asked:
        duplicates.add(ids, refs)
    duplicates._file.execute(f"PRAGMA max_page_count = {duplicates._file.execute('PRAGMA page_count').fetchone()[0]}")
    with pytest.raises(ConfigError, match=r"Cannot look for ids that occur twice: .*full\. Is there room"):
        duplicates.counts() if asked else duplicates.add(ids, refs)


def test_a_row_that_is_shifted_or_too_short_is_listed(tmp_path: Path) -> None:
    clean = "".join(f"{IDS[row]},inv-{row},{row:03},{row}.5\n" for row in range(20))
    path = write(tmp_path, f"id,reference,metadata.a,metadata.b\n{clean}{IDS[20]},,inv-7,007\n{IDS[21]},x\n")
    found = checked(path)
    assert listed(path, found) == [("shifted_row", "", 21), ("cell_count", "", 22)]
    assert "line 22: 007" in tell(found, "sheet.csv", "rowpatch check sheet.csv")


def test_a_results_file_is_checked_for_what_would_be_sent_again(tmp_path: Path) -> None:
    """Rows that are done are no concern, and the apostrophes that the file has for spreadsheets are taken off."""
    path = write(
        tmp_path,
        "__status,__reason,id,reference\n"
        f"applied,,{IDS[0]},NULL\n"
        f"failed,server_error,{IDS[1]},'=A1\n"
        f"invalid,wrong_type,{IDS[2]},-1\n"
        f"failed,server_error,{IDS[3]},NULL\n"
        f"applied,,{IDS[3]},x\n",
    )
    found = checked(path)
    assert found.skipped == {"already_done": 2, "superseded": 1}
    assert [(group.code, group.spots[0].cell) for group in found.warnings] == [("formula_text", "=A1")]


def test_no_repeated_id_is_none() -> None:
    assert (Duplicates().counts(), list(Duplicates())) == ((0, 0), [])


def test_a_refusal_halfway_keeps_what_was_found_before_it(tmp_path: Path) -> None:
    path = write(tmp_path, f'id,metadata.n:int\n{IDS[0]},x\n{IDS[1]},"1\n')
    found = checked(path)
    assert [(group.code, group.column) for group in found.groups()] == [
        (INPUT_REFUSED, ""), ("wrong_type", "metadata.n:int"),
    ]  # fmt: skip
    assert listed(path, found) == [("wrong_type", "metadata.n:int", 1), (INPUT_REFUSED, "", 0)]
    assert found.exit_status == 2
    assert "refused: line 3: a quoted cell never ends" in tell(found, "sheet.csv", "rowpatch check sheet.csv")


@pytest.mark.parametrize(
    ("line", "found"),
    [
        ('{"id": "ZfiCcmIvua", "reference": "NULL"}', [("null_word", "reference")]),
        ('{"id": "12", "reference": "a"}', [("id_unusual", "id")]),
        ('{"id": "ZfiCcmIvua", "attributes": {"reference": " a"}}', [("spaces_around", "reference")]),
        ('{"id": "ZfiCcmIvua", "reference": "a", "metadata.n:int": "x"}', [("wrong_type", "metadata.n:int")]),
        ('{"id": 1}', [("wrong_type", "id")]),
        ('"ZfiCcmIvua"', [("bad_shape", "")]),
        ('{"id": "ZfiCcmIvua", "reference": "a"}', []),
    ],
)
def test_objects_are_checked_too(line: str, found: list[tuple[str, str]], tmp_path: Path) -> None:
    path = write(tmp_path, line + "\n", "sheet.ndjson")
    result = checked(path)
    assert [(group.code, group.column) for group in result.groups()] == found
    assert [(code, column) for code, column, _ in listed(path, result)] == found


def test_memory_does_not_grow_with_the_rows(tmp_path: Path) -> None:
    def peak(rows: int) -> int:
        text = "".join(f"{IDS[row % 26]}, a{row},NULL,x{row}\n" for row in range(rows))
        path = write(tmp_path, f"id,reference,metadata.a,metadata.n:int\n{text}")
        tracemalloc.start()
        try:
            found = checked(path)
            assert (found.refused, len(list(found.groups()))) == (rows, 3)
            return tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()

    peak(100)  # what is loaded once
    assert peak(15_000) < peak(5_000) * 1.2


def test_one_large_row_does_not_wait_for_others(tmp_path: Path) -> None:
    """A batch ends by its size, too: two thousand rows of 16 MiB would be 32 GiB."""
    cell = "x" * (1 << 20)
    path = write(tmp_path, "id,reference\n" + "".join(f"{id_},{cell}\n" for id_ in IDS))
    tracemalloc.start()
    try:
        assert checked(path).sendable == len(IDS)
        assert tracemalloc.get_traced_memory()[1] < 20 << 20
    finally:
        tracemalloc.stop()


def test_many_empty_cells_do_not_wait_for_others_either(tmp_path: Path) -> None:
    def peak(rows: int) -> int:
        path = write(tmp_path, f"id,{names}\n" + f"ZfiCcmIvub,x{',' * 1999}\n" * rows)
        tracemalloc.start()
        try:
            assert checked(path).sendable == rows
            return tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()

    names = ",".join(f"metadata.k{column}" for column in range(2000))
    assert peak(900) < peak(300) * 1.2


def test_names_of_members_without_end_become_one_group(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("worker.checking.first_pass._MOST_GROUPS", 3)
    lines = "".join(f'{{"id": "{IDS[row]}", "name{row}": 1}}\n' for row in range(9))
    found = checked(write(tmp_path, lines, "sheet.ndjson"))
    assert sorted((group.column, group.count) for group in found.errors.values()) == [
        ("", 6), ("name0", 1), ("name1", 1), ("name2", 1),
    ]  # fmt: skip


def test_every_code_is_explained() -> None:
    for code in (INPUT_REFUSED, *REASONS, *WARNINGS):
        meaning, _ = explained(code)
        assert meaning


def test_what_programs_get_has_these_names(tmp_path: Path) -> None:
    path = write(tmp_path, f"id,metadata.n:int\n{IDS[0]},x\n")
    found = checked(path)
    (finding,) = findings(found, path, source.resolve_options(path, how(path)), TYPE, SCHEMA)
    assert json.loads(json.dumps(as_json(finding, found.sheet))) == {
        "kind": "finding",
        "severity": "error",
        "code": "wrong_type",
        "address": "line 2, column 2 (B)",
        "row": 1,
        "line": 2,
        "column": "metadata.n:int",
        "value": "x",
        "message": "needs a whole number such as 42 or -7, without spaces, `+` or leading zeros",
        "meaning": REASONS["wrong_type"].meaning,
        "action": REASONS["wrong_type"].action,
    }
    assert json.loads(json.dumps(summary_as_json(found))) == {
        "kind": "summary",
        "exit_status": 2,
        "rows": 1,
        "sendable": 0,
        "refused": 1,
        "skipped": {},
        "errors": 1,
        "warnings": 0,
        "groups": [{"severity": "error", "code": "wrong_type", "column": "metadata.n:int", "count": 1, "evidence": ""}],
        "cleared": 0,
    }
    assert line_of(finding, "") == (
        "line 2, column 2 (B): x (needs a whole number such as 42 or -7, without spaces, `+` or leading zeros):"
        " error wrong_type [metadata.n:int]"
    )


def test_a_clean_sheet_has_nothing_to_complain_about(tmp_path: Path) -> None:
    path = write(tmp_path, f"id,reference\n{IDS[0]},a\n#c,\n")
    found = checked(path)
    assert tell(found, "sheet.csv", "rowpatch check sheet.csv") == (
        "sheet.csv: 2 rows: 1 can be sent, 0 cannot, 1 would be skipped (1 comment).\n\nNothing to complain about."
    )
    assert (tell_in_short(found, "rowpatch check sheet.csv"), found.exit_status) == ("", 0)


def test_before_a_run_only_grave_damage_is_said_the_most_frequent_first(tmp_path: Path) -> None:
    cells = ["NULL", "NULL", "#N/A", "Ã¼", "=A1", "1E+10", " x"]
    path = write(tmp_path, "id,reference\n" + "".join(f"{i},{c}\n" for i, c in zip(IDS, cells, strict=False)))
    assert tell_in_short(checked(path), "rowpatch check sheet.csv").splitlines() == [
        "These cells look damaged. Cells are sent as they stand, and never repaired.",
        "  2 x null_word [reference]: A program's word for nothing would be stored as",
        "    text.",
        "    e.g. line 2, column 2 (B): NULL",
        "  1 x scientific_notation [reference]: A long number, or a code like 12E5, is in",
        "    scientific notation; digits may be gone.",
        "    e.g. line 7, column 2 (B): 1E+10",
        "  1 x spreadsheet_error [reference]: A formula failed, and its error would be",
        "    stored as text.",
        "    e.g. line 4, column 2 (B): #N/A",
        "  1 x formula_text [reference]: The cell is a formula as text: the formula would",
        "    be stored, not its value.",
        "    e.g. line 6, column 2 (B): =A1",
        "  and 1 more",
        "The way back, and all places: rowpatch check sheet.csv",
    ]


def test_a_group_says_how_many_places_it_leaves_out(tmp_path: Path) -> None:
    path = write(tmp_path, "id,reference\n" + "".join(f"{id_},NULL\n" for id_ in IDS[:5]))
    text = tell(checked(path), "sheet.csv", "rowpatch check sheet.csv")
    assert "  line 4, column 2 (B): NULL\n  and 2 more\n" in text
    assert "and 2 more" not in tell(checked(path), "sheet.csv", "rowpatch check sheet.csv", listed=True)


def test_a_group_keeps_few_places() -> None:
    assert Group("error", "wrong_type", "a").spots == []


@pytest.mark.parametrize("token", ["#N/A", "NULL", "0", "12,50"])
def test_the_token_that_clears_is_never_warned_about(token: str, tmp_path: Path) -> None:
    cells = [token, "13.50", "14.50", "15.50"] * 6
    rows = "".join(f'{id_},"{cell}"\n' for id_, cell in zip(IDS, cells, strict=False))
    path = write(tmp_path, f"id,metadata.price\n{rows}")
    said = how(path).model_copy(update={"clear_token": token, "delimiter": ","})
    found = check(path, said, TYPE, SCHEMA)
    assert not [*found.groups(), *findings(found, path, said, TYPE, SCHEMA)]
    assert (found.cleared, found.clearing) == (6, 6)


def test_the_token_that_clears_is_not_listed_among_others_of_its_kind(tmp_path: Path) -> None:
    path = write(tmp_path, f"id,reference\n{IDS[0]},NULL\n{IDS[1]},nan\n")
    said = how(path).model_copy(update={"clear_token": "NULL", "delimiter": ","})
    told = [
        (each.group.code, each.spot.ref.row)
        for each in findings(check(path, said, TYPE, SCHEMA), path, said, TYPE, SCHEMA)
    ]
    assert told == [("null_word", 2)]


def test_the_fields_that_are_cleared_are_counted_of_rows_that_can_be_sent(tmp_path: Path) -> None:
    path = write(
        tmp_path,
        f"id,reference,metadata.a,metadata.n:int\n{IDS[0]},<clear>,<clear>,1\n{IDS[1]},<clear>,x,x\n{IDS[2]},r,,2\n",
    )
    found = checked(path)
    assert (found.cleared, found.clearing) == (2, 1)
    assert "2 fields in 1 row will be cleared." in tell(found, "sheet.csv", "rowpatch check sheet.csv")
    assert summary_as_json(found)["cleared"] == 2
    assert tell_in_short(found, "") == ""  # a sheet says so by a word of its own


def test_the_nulls_of_objects_are_counted_and_said_before_a_run(tmp_path: Path) -> None:
    lines = [
        {"id": IDS[0], "reference": None, "metadata.a": None, "metadata.b:json": None, "order": None},
        {"id": IDS[1], "relationships": {"order": {"data": None}}},
        {"id": IDS[2], "reference": "r"},
        {"id": None, "reference": None},
    ]
    path = write(tmp_path, "".join(f"{json.dumps(line)}\n" for line in lines), "sheet.ndjson")
    found = checked(path)
    assert (found.cleared, found.clearing) == (4, 2)
    assert tell_in_short(found, "") == "4 fields in 2 rows will be cleared."


def test_rows_of_one_record_that_differ_are_said_before_a_run_and_mere_copies_are_not(tmp_path: Path) -> None:
    differ = checked(write(tmp_path, f"id,reference\n{IDS[0]},a\n{IDS[0]},b\n"))
    assert "duplicate_id [id]" in tell_in_short(differ, "")
    copies = checked(write(tmp_path, f"id,reference\n{IDS[0]},a\n{IDS[0]},a\n"))
    assert tell_in_short(copies, "") == ""


def test_of_a_misread_row_nothing_else_is_said(tmp_path: Path) -> None:
    path = write(tmp_path, f'id,reference,metadata.a\n{IDS[0]}, "a", "NULL"\n')
    assert listed(path, checked(path)) == [("space_before_quote", "reference", 1)]


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("sheet.csv", f"Export,,\n\nid,reference,metadata.a\n{IDS[0]},x,y\n"),
        ("sheet.csv", f"a;b,c;d\n\nid;reference;metadata.a\n{IDS[0]};x;y\n"),  # no delimiter fits its first line
        ("sheet.tsv", f"# made today\n\nid\treference\tmetadata.a\n{IDS[0]}\tx\ty\n"),
    ],
)
def test_lines_above_the_header_are_refused_with_the_flag_that_leaves_them_out(
    name: str, text: str, tmp_path: Path
) -> None:
    path = write(tmp_path, text, name)
    try:
        (refused,) = checked(path).refusals
    except InputRefused as error:
        refused = error
    assert "line 3 looks like it (id, reference, metadata.a): say --header-row 3" in refused.message
    said = source.resolve_options(path, how(path).model_copy(update={"header_row": 3}))
    found = check(path, said, TYPE, SCHEMA)
    assert (found.rows, found.sendable, found.line, list(found.groups())) == (1, 1, 3, [])


def test_a_wrong_header_row_is_refused_for_what_stands_there(tmp_path: Path) -> None:
    path = write(tmp_path, f"Export\nid,reference\n{IDS[0]},x\n")
    found = check(path, source.resolve_options(path, how(path).model_copy(update={"header_row": 1})), TYPE, SCHEMA)
    assert "stripe_payments have no attribute or relationship `Export`" in found.refusals[0].message


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    rows=st.lists(
        st.tuples(st.sampled_from(["r", "", "#r", " r", "<clear>", "Total"]), st.sampled_from(["1", "2", "..", ""]),
                  CELLS, CELLS, CELLS),
        min_size=1,
        max_size=30,
    )
)  # fmt: skip
def test_check_and_run_agree_about_a_described_api_too(rows: list[tuple[str, ...]], tmp_path: Path) -> None:
    lines = ['"' + '","'.join(each.replace('"', '""') for each in row) + '"' for row in rows]
    path = write(tmp_path, "\n".join(("repo,number,title,size:int,x.y:json", *lines, "")))
    read = source.resolve_options(path, how(path))
    found = check(path, read, "issues", DESK)
    with source.opened(path) as stream:
        run = list(source.jobs(stream, read, "issues", DESK, lambda _: True))
    sendable = [row for row in run if not isinstance(row, Unsendable)]
    assert (found.rows, found.sendable) == (len(run), len(sendable))
    repeated = next((group.count for group in found.warnings if group.code == "duplicate_id"), 0)
    assert repeated == len(sendable) - len({row.id for row in sendable})


def test_a_record_that_comes_again_is_told_by_its_whole_key(tmp_path: Path) -> None:
    path = write(tmp_path, "repo,number,title\nr,1,a\nr,2,a\ns,1,a\nr,1,b\n")
    found = check(path, source.resolve_options(path, how(path)), "issues", DESK)
    (group,) = [each for each in found.warnings if each.code == "duplicate_id"]
    assert (group.count, group.column) == (1, "repo")
    assert [(spot.ref.row, spot.position) for spot in group.spots] == [(4, 0)]


def test_objects_of_a_described_api_are_looked_at_as_they_stand(tmp_path: Path) -> None:
    lines = [
        f'{{"repo":"r","number":{row},"data":{{"id":"x"}},"note":"{cell}"}}' for row, cell in enumerate(("a ", "b"))
    ]
    path = write(tmp_path, "\n".join(lines), "sheet.ndjson")
    found = check(path, how(path), "issues", DESK)
    assert [(group.code, group.column) for group in found.warnings] == [("spaces_around", "note")]


@pytest.mark.parametrize("name", ["sheet.csv", "sheet.csv.gz", "sheet.ndjson", "sheet.xlsx"])
def test_a_check_says_how_far_it_is_by_the_bytes_of_the_file(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    if name.endswith(".xlsx"):
        cells = [f"<row>{workbooks.text('A1', 'id')}{workbooks.text('B1', 'reference')}</row>"]
        cells += [
            f"<row>{workbooks.text(f'A{row}', IDS[0])}{workbooks.text(f'B{row}', 'x')}</row>" for row in range(2, 4002)
        ]
        path.write_bytes(workbooks.zipped(workbooks.parts("".join(cells))).getvalue())
    elif name.endswith(".ndjson"):
        path.write_text("".join(f'{{"id": "{IDS[0]}", "reference": "{row}"}}\n' for row in range(4000)))
    else:
        content = ("id,reference\n" + "".join(f"{IDS[0]},{row * 7919}\n" for row in range(4000))).encode()
        path.write_bytes(gzip.compress(content) if name.endswith(".gz") else content)
    heard: list[Event] = []
    check(path, source.resolve_options(path, how(path)), TYPE, SCHEMA, heard.append)
    told = [event for event in heard if isinstance(event, Advanced)]
    assert [(event.what, event.rows) for event in told] == [("check", rows) for rows in (1024, 2048, 3072, 4000)]
    size = 0 if name.endswith(".xlsx") else path.stat().st_size
    assert {event.of for event in told} == {size}
    assert told[-1].done == size
    assert [event.done for event in told] == sorted(event.done for event in told)
    assert name != "sheet.csv" or told[0].done < size
