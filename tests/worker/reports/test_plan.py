"""What a plan shows and writes, made from planned rows, and from a real journal beside a real input."""

import asyncio
import csv
import io
import json
import tracemalloc
from collections.abc import Iterable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len
from rich.console import Console

from jobs.apis.described.schema import schema_of
from jobs.model import ABSENT, UNREAD, Edit, RowRef, Status
from tests.commerce_layer import COMMERCE_LAYER
from tests.jobs.apis.described.kit import description
from worker.journal import History, Journal, Planned, create, inline
from worker.journal.schema import JournalDamaged
from worker.reports.plan import MAX_COLUMNS, OTHERS, PlanSummary, _write, write_plan
from worker.reports.plan_files import HEADER, fitted, members, note_of, sides, table_lines
from worker.reports.plan_text import SHOWN_COLUMNS, show_plan
from worker.settings import Input, Settings, Target

RUN = Path("runs/sheet-1")
SCHEMA = COMMERCE_LAYER.schema
RED = "\x1b[1;31m"
ONE, OTHER = {"type": "orders", "id": "a"}, {"type": "orders", "id": "b"}


def attribute(before: Any, after: Any, *path: str) -> Edit:
    return Edit(("attributes", *(path or ("reference",))), before, after)


def link(before: Any, after: Any) -> Edit:
    return Edit(("relationships", "order"), before, after)


def tag(name: str, *, add: bool) -> Edit:
    return Edit(("tags", name), ABSENT if add else True, True if add else ABSENT)


CHANGE = attribute("inv-1", "inv-2")
CLEAR = attribute("x", None, "origin")
WIPE = attribute(7, ABSENT, "metadata", "legacy")


def sent(row: int, *edits: Edit, unread: tuple[str, ...] = ()) -> Planned:
    return Planned(row, "orders", f"id{row}", Status.PENDING, edits=edits, unread=unread)


def settled(row: int, status: Status, reason: str, message: str = "", fields: tuple[str, ...] = ()) -> Planned:
    return Planned(row, "orders", f"id{row}", status, reason, message, fields)


def ref(row: int) -> RowRef:
    return RowRef(row, row + 1, b"")


def summary_of(plan: Iterable[Planned], *, replace: bool = False, reads: int = 0) -> PlanSummary:
    summary = PlanSummary(replace, reads, is_action=SCHEMA.is_trigger)
    for planned in plan:
        summary.add(ref(planned.row), planned)
    return summary


def text(summary: PlanSummary, width: int = 80, *, terminal: bool = False, estimate: str = "", run: Path = RUN) -> str:
    file = io.StringIO()
    console = Console(
        file=file, width=width, force_terminal=terminal, color_system="standard" if terminal else None, _environ={}
    )
    show_plan(console, summary, run, estimate)
    return file.getvalue()


@pytest.mark.parametrize(
    ("edit", "note", "shown"),
    [
        (attribute("a", "b"), "change", ('"a"', '"b"')),
        (attribute("", "b"), "change", ('""', '"b"')),  # the empty text is a value
        (attribute(None, "b"), "new", ("(none)", '"b"')),
        (attribute(ABSENT, 7, "metadata", "k"), "new", ("(none)", "7")),
        (attribute(ABSENT, None, "metadata", "k"), "new", ("(none)", "null")),  # nothing is lost
        (attribute(None, {}), "new", ("(none)", "{}")),
        (attribute("a", None), "clear", ('"a"', "cleared")),
        (attribute("a", ABSENT, "metadata", "k"), "clear", ('"a"', "removed")),
        (attribute(None, ABSENT, "metadata", "k"), "clear", ("(none)", "removed")),
        (attribute({"a": 1}, {}), "clear", ('{"a": 1}', "cleared")),
        (attribute(7, "7"), "type changes", ("7", '"7"')),
        (attribute("7", 7), "type changes", ('"7"', "7")),
        (attribute(True, 1), "type changes", ("true", "1")),  # Python thinks they are equal
        (attribute(1, 1.5), "change", ("1", "1.5")),
        (attribute({"a": 1}, [1]), "type changes", ('{"a": 1}', "[1]")),
        (attribute("é\n\x1b", "b"), "change", ('"é\\n\\u001b"', '"b"')),
        (attribute(UNREAD, "b"), "change", ("(not read)", '"b"')),
        (attribute(UNREAD, None), "clear", ("(not read)", "cleared")),  # something may have stood there
        (link(ONE, OTHER), "change", ("orders/a", "orders/b")),
        (link(None, ONE), "new", ("(none)", "orders/a")),
        (link(ONE, None), "clear", ("orders/a", "cleared")),
        (link([], [ONE, OTHER]), "new", ("(none)", "orders/a,orders/b")),
        (link([ONE], []), "clear", ("orders/a", "cleared")),
        (tag("vip", add=True), "new", ("", 'adds "vip"')),
        (tag("old", add=False), "clear", ("", 'removes "old"')),
    ],
)
def test_an_edit_has_a_note_and_two_sides(edit: Edit, note: str, shown: tuple[str, str]) -> None:
    assert note_of(edit) == note
    assert sides(edit) == shown


@pytest.mark.parametrize(
    ("before", "after", "room", "shown"),
    [
        ("ab", "cd", 4, ("ab", "cd")),
        # the short side leaves its room to the other
        ("abcdefgh", "x", 6, ("abcd…", "x")),
        ("x", "abcdefgh", 6, ("x", "abcd…")),
        ("abcdefgh", "ijklmnop", 8, ("abc…", "ijk…")),
        # two long values that differ at their end must not look alike
        ("a" * 50 + "1", "a" * 50 + "2", 12, ("…aaaa1", "…aaaa2")),
        ("漢字漢字漢字", "x", 6, ("漢字…", "x")),  # a glyph of two cells
    ],
)
def test_values_are_shortened_so_that_the_difference_shows(
    before: str, after: str, room: int, shown: tuple[str, str]
) -> None:
    assert fitted(before, after, room) == shown


@given(st.text(max_size=60), st.text(max_size=60), st.integers(2, 80))
def test_shortened_values_fit_the_room(before: str, after: str, room: int) -> None:
    assert sum(map(cell_len, fitted(before, after, room))) <= room


def test_every_row_is_counted_once_and_every_value_under_its_column() -> None:
    summary = summary_of(
        [
            sent(1, CHANGE, attribute(ABSENT, "x", "metadata", "batch"), tag("a", add=True), tag("b", add=True)),
            sent(2, attribute(None, "x"), CLEAR, WIPE, tag("a", add=False), tag("c", add=True)),
            sent(3, attribute(7, "7", "metadata", "batch"), attribute(9, "9", "metadata", "count")),
            sent(4, unread=("_refresh", "password")),
            settled(5, Status.UNCHANGED, "as_wanted"),
            settled(6, Status.INVALID, "wrong_type", "no number", ("amount",)),
            settled(7, Status.REJECTED, "not_found"),
            settled(8, Status.FAILED, "lookup_failed"),
            settled(9, Status.UNKNOWN, "resend_refused"),  # fed back from a results file
            settled(10, Status.SKIPPED, "comment"),
            settled(11, Status.PENDING, "not_reached"),
        ]
    )
    assert summary.rows == 11
    assert (summary.to_send, summary.unseen, summary.unchanged, summary.refused) == (4, 1, 1, 4)
    assert (summary.skipped, summary.not_reached) == ({"comment": 1}, 1)
    columns = {name: (tally.rows, dict(tally.notes), dict(tally.gone)) for name, tally in summary.columns.items()}
    assert columns == {
        "reference": (2, {"change": 1, "new": 1}, {}),
        "metadata.batch": (2, {"new": 1, "type changes": 1}, {}),
        "tags": (2, {"new": 3, "clear": 1}, {"tag": 1}),
        "origin": (1, {"clear": 1}, {"value": 1}),
        "metadata.legacy": (1, {"clear": 1}, {"key": 1}),
        "metadata.count": (1, {"type changes": 1}, {}),
    }
    assert summary.unread == {"_refresh": 1, "password": 1}
    causes = [(group.reason, group.fields, group.count, group.row, group.place) for group in summary.problems]
    assert causes == [
        ("wrong_type", ("amount",), 1, 6, "line 7"),
        ("not_found", (), 1, 7, "line 8"),
        ("lookup_failed", (), 1, 8, "line 9"),
        ("resend_refused", (), 1, 9, "line 10"),
    ]


def test_columns_and_names_beyond_the_cap_are_counted_together() -> None:
    plan = (sent(row, attribute("a", "b", "metadata", f"k{row}"), unread=(f"n{row}",)) for row in range(1, 501))
    summary = summary_of(plan)
    assert len(summary.columns) == len(summary.unread) == MAX_COLUMNS + 1
    assert summary.columns[OTHERS].rows == summary.unread[OTHERS] == 500 - MAX_COLUMNS


class _Nowhere(io.StringIO):
    def write(self, text: str) -> int:
        return len(text)


def test_a_plan_is_written_and_counted_in_constant_memory() -> None:
    def plan(rows: int) -> Iterator[tuple[RowRef, Planned]]:
        for row in range(1, rows + 1):
            failing = settled(row, Status.INVALID, "wrong_type", f"message {row}", (f"f{row}",))
            yield ref(row), failing if row % 2 else sent(row, attribute(f"{row}", "x" * 200, "metadata", f"{row}"))

    def peak(rows: int) -> int:
        tracemalloc.start()
        _write(plan(rows), _Nowhere(), _Nowhere(), PlanSummary(), SCHEMA, None)
        used = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return used

    peak(500)  # what is made at first use is no part of it
    assert peak(16_000) < peak(4_000) * 1.2


def test_a_plan_in_words() -> None:
    plan = [
        sent(1, CHANGE),
        sent(2, attribute(None, "inv-9"), attribute(7, "8", "metadata", "count"), CLEAR, unread=("_refresh",)),
        *(settled(row, Status.UNCHANGED, "as_wanted") for row in range(3, 981)),
        settled(981, Status.REJECTED, "not_found", "", ("id",)),
        settled(982, Status.SKIPPED, "beyond_limit"),
    ]
    assert text(summary_of(plan, reads=40), estimate="about 30 s") == (
        "982 rows: 2 will change, 978 already are as you want them, 1 cannot be sent, 1\n"
        "  skipped (1 beyond limit).\n"
        "\n"
        "COLUMN          SHARE  NEW  CHANGED  CLEARED  FOR EXAMPLE\n"
        'reference        100%    1        1           "inv-1" -> "inv-2"\n'
        'metadata.count    50%             1           7 -> "8"\n'
        'origin            50%                      1  "x" -> cleared\n'
        "\n"
        "1 value will be CLEARED: origin (1).\n"
        'metadata.count: 7 (number) becomes "8" (text) in 1 row.\n'
        "Always sent, since it triggers something: _refresh (1 row).\n"
        "\n"
        "row 1  orders id1\n"
        '  reference       "inv-1" -> "inv-2"\n'
        "row 2  orders id2\n"
        '  reference       (none) -> "inv-9"\n'
        '  metadata.count  7 -> "8"\n'
        '  origin          "x" -> cleared\n'
        "  _refresh        always sent\n"
        "\n"
        "1 row cannot be sent:\n"
        "  1 x not_found [id]: No such record: it is missing, or outside what the\n"
        "    credential may see.\n"
        "    e.g. row 981, line 982\n"
        "    -> Check the id (upper and lower case matter), the type and the account.\n"
        "\n"
        "2 updates, about 30 s. Making this plan took 40 reads.\n"
        "Nothing was sent. To do exactly this: rowpatch apply --plan runs/sheet-1\n"
    )


@pytest.mark.parametrize(
    ("plan", "line"),
    [
        # nothing to do, however many rows
        ([settled(1, Status.UNCHANGED, "as_wanted")], "Nothing to change."),
        ([settled(1, Status.REJECTED, "not_found")], "Nothing to change."),
        ([sent(1, CHANGE)], "Nothing was sent. To do exactly this: rowpatch apply --plan runs/sheet-1"),
        ([sent(1, unread=("_refresh",))], "Nothing was sent. To do exactly this: rowpatch apply --plan runs/sheet-1"),
        # `apply --plan` would refuse it
        (
            [sent(1, CHANGE), settled(2, Status.PENDING, "not_reached")],
            "Nothing was sent. The plan is not complete: plan again.",
        ),
    ],
)
def test_it_ends_with_what_to_do_next(plan: list[Planned], line: str) -> None:
    assert text(summary_of(plan)).splitlines()[-1] == line


@pytest.mark.parametrize(
    ("plan", "replace", "line"),
    [
        ([sent(1, CLEAR), sent(2, CLEAR)], False, "2 values will be CLEARED: origin (2)."),
        ([sent(1, WIPE)], False, "1 key will be REMOVED: metadata.legacy (1)."),
        (
            [sent(1, WIPE)],
            True,
            "1 key will be WIPED (--metadata replace keeps only the keys in the sheet): metadata.legacy (1).",
        ),
        ([sent(1, tag("a", add=False), tag("b", add=False))], False, "2 tags will be REMOVED."),
    ],
)
def test_what_is_lost_is_said_in_words_and_in_red(plan: list[Planned], replace: bool, line: str) -> None:
    summary = summary_of(plan, replace=replace)
    assert line in text(summary, 160).splitlines()
    assert f"{RED}{line}" in text(summary, 160, terminal=True)


@pytest.mark.parametrize(
    ("plan", "end"),
    [
        ([], "90 records to be cleared. Nothing was sent."),
        ([sent(1, CHANGE)], "1 update, and 90 records to be cleared. Nothing was sent."),
    ],
)
def test_records_whose_rows_are_gone_are_part_of_the_plan_that_clears_them(plan: list[Planned], end: str) -> None:
    summary = summary_of(plan)
    summary.gone = (90, 540)
    line = "540 fields of 90 records whose rows are gone will be CLEARED: they are in gone.csv."
    assert f"{RED}{line}" in text(summary, 160, terminal=True)
    shown = " ".join(text(summary, 160).splitlines())
    assert f"{end} To do exactly this: rowpatch apply --plan" in shown


def test_a_dry_run_names_the_command_that_does_a_night_and_never_itself() -> None:
    summary = summary_of([sent(1, CHANGE)])
    summary.job = "rowpatch reconcile prices.toml"
    last = text(summary).splitlines()[-1]
    assert last == "Nothing was sent. To do a night of this job: rowpatch reconcile prices.toml"


def test_red_is_only_what_is_cleared() -> None:
    kept = [sent(1, CHANGE, attribute(7, "7", "metadata", "k"), tag("a", add=True), unread=("_refresh", "password"))]
    problem = settled(2, Status.REJECTED, "not_found")
    assert RED not in text(summary_of([*kept, problem], replace=True), terminal=True)
    both = text(summary_of([*kept, sent(3, CLEAR)]), terminal=True)
    assert all("origin" in line or "CLEARED" in line for line in both.splitlines() if RED in line)
    assert both.count(RED) == 4  # count and example of the table, the sentence, the row's value


def test_without_a_terminal_there_is_no_colour() -> None:
    plan = [sent(1, CHANGE, CLEAR, WIPE), settled(2, Status.REJECTED, "not_found")]
    assert "\x1b" in text(summary_of(plan), terminal=True)
    assert "\x1b" not in text(summary_of(plan))


LONG = "漢字 and quite a lot of words that go on " * 20


@pytest.mark.parametrize("width", [40, 60, 80, 100, 160])
def test_no_line_is_longer_than_the_terminal(width: int) -> None:
    long = [attribute(LONG + "1", LONG + "2", "metadata", LONG[:90]), attribute(LONG, ABSENT, "metadata", LONG)]
    plan = [
        *(Planned(row, LONG, LONG, Status.PENDING, edits=(CHANGE, *long, WIPE), unread=("_x", LONG)) for row in (1, 2)),
        *(sent(row, attribute(1, "1", "metadata", f"k{row}")) for row in range(3, 60)),
        *(settled(row, Status.INVALID, f"reason{row}", LONG, (LONG,)) for row in range(60, 66)),
        settled(66, Status.SKIPPED, "empty_row"),
    ]
    lines = text(summary_of(plan, replace=True), width, estimate="about 3 minutes at the known limits").splitlines()
    assert max(map(cell_len, lines)) <= width
    assert all(line == line.rstrip() for line in lines)


def test_sentences_shorten_names_and_name_only_a_few() -> None:
    columns = [attribute("x", None, f"{number}{LONG}") for number in range(5)]
    lines = text(summary_of([sent(1, *columns)]), 1000).splitlines()
    (said,) = [line for line in lines if "CLEARED: " in line]
    assert said.startswith("5 values will be CLEARED: 0漢字 and quite")
    assert said.endswith("… (1), and 2 more columns.")
    assert len(said) < 200


def test_paths_and_commands_are_never_broken() -> None:
    run = Path("runs/" + "a long name " * 10)
    lines = text(summary_of([sent(row, CHANGE) for row in range(1, 21)]), 40, run=run).splitlines()
    assert f"  rowpatch apply --plan '{run}'" in lines
    assert f"  {run}/plan.csv" in lines


def test_rows_columns_and_values_beyond_the_first_are_counted() -> None:
    many = [attribute(1, 2, "metadata", f"k{number}") for number in range(40)]
    shown = text(summary_of([sent(1, *many, CLEAR), *(sent(row, CHANGE) for row in range(2, 1002))]))
    assert f"... and {42 - SHOWN_COLUMNS} more columns\n" in shown
    assert "... and 33 more values\n" in shown
    assert "... and 991 more rows: runs/sheet-1/plan.csv\n" in shown
    assert shown.count('"x" -> cleared') == 2  # what is cleared is never among what is left out


@given(st.text(), st.text(), st.text())
def test_nothing_of_the_data_reaches_the_terminal_raw(name: str, value: str, message: str) -> None:
    plan = [
        Planned(1, value, name, Status.PENDING, edits=(attribute(value, name, "metadata", name),), unread=(name,)),
        sent(2, attribute(value, ABSENT, "metadata", name), tag(name, add=True), attribute(7, value, "a", name)),
        settled(3, Status.REJECTED, "not_found", message, (name,)),
    ]
    shown = text(summary_of(plan), run=Path("runs/" + name.replace("/", "").replace("\0", "")))
    assert all(each == "\n" or each.isprintable() or each in "\u200c\u200d" for each in shown)


@pytest.mark.parametrize(
    ("planned", "lines"),
    [
        (sent(1, CHANGE), [["reference", "inv-1", "inv-2", "change"]]),
        (sent(1, attribute(ABSENT, "=1+1", "metadata", "@k")), [["metadata.@k", "", "'=1+1", "new"]]),  # no formula
        (sent(1, attribute(-7, "-7")), [["reference", "'-7", "'-7", "type changes"]]),
        (sent(1, attribute("a\0b", None)), [["reference", "a�b", "", "clear"]]),
        (sent(1, attribute({"a": 1}, {"a": 2.5})), [["reference", '{"a": 1}', '{"a": 2.5}', "change"]]),
        (sent(1, link(ONE, OTHER)), [["order", "orders/a", "orders/b", "change"]]),
        (
            sent(1, tag("vip", add=True), tag("old", add=False)),
            [["tags", "", "vip", "new"], ["tags", "old", "", "clear"]],
        ),
        (sent(1, unread=("_refresh",)), [["_refresh", "", "", "always sent"]]),
        (settled(1, Status.UNCHANGED, "as_wanted"), []),
        (settled(1, Status.SKIPPED, "comment"), []),
        (
            settled(1, Status.INVALID, "wrong_type", "no number", ("a", "b")),
            [["a;b", "", "", "wrong_type: no number"]],
        ),
        # without a message, what the reason means
        (
            settled(1, Status.REJECTED, "not_found"),
            [["", "", "", "not_found: No such record: it is missing, or outside what the credential may see."]],
        ),
    ],
)
def test_the_table_has_a_line_for_every_value_and_every_problem(planned: Planned, lines: list[list[str]]) -> None:
    assert list(table_lines(ref(1), planned)) == [["1", "2", "orders", "id1", *line] for line in lines]


@pytest.mark.parametrize(
    ("before", "after", "exact"),
    [
        ("a", "b", {"before": "a", "after": "b"}),
        (7, "7", {"before": 7, "after": "7"}),
        (10**30, 1.5, {"before": 10**30, "after": 1.5}),
        # null is a value, absent is not
        (None, "b", {"before": None, "after": "b"}),
        ("a", None, {"before": "a", "after": None}),
        (ABSENT, "b", {"after": "b"}),
        ("a", ABSENT, {"before": "a"}),
        (UNREAD, "b", {"after": "b", "before_not_read": True}),
    ],
)
def test_the_objects_hold_exact_values(before: Any, after: Any, exact: dict[str, object]) -> None:
    planned = sent(1, attribute(before, after, "metadata", "k"), unread=("_refresh",))
    assert json.loads(json.dumps(members(ref(1), planned, SCHEMA))) == {
        "row": 1,
        "line": 2,
        "type": "orders",
        "id": "id1",
        "action": "update",
        "reason": "",
        "message": "",
        "edits": [{"path": ["attributes", "metadata", "k"], "column": "metadata.k", **exact}],
        "always_sent": ["_refresh"],
    }


@pytest.mark.parametrize(
    ("planned", "action"),
    [
        (sent(1, CHANGE), "update"),
        (settled(1, Status.UNCHANGED, "as_wanted"), "unchanged"),
        (settled(1, Status.INVALID, "wrong_type"), "none"),
        (settled(1, Status.SKIPPED, "comment"), "none"),
        (settled(1, Status.PENDING, "not_reached"), "none"),
    ],
)
def test_the_objects_say_what_is_to_be_done(planned: Planned, action: str) -> None:
    assert members(ref(1), planned, SCHEMA)["action"] == action


def settings(limit: int | None = None) -> Settings:
    how = Input(source="s", format="csv", metadata="replace", limit=limit)
    return Settings(target=Target(url="http://localhost", type="orders"), input=how)


def drafts(directory: Path) -> list[Path]:
    return list(directory.glob(".*.new"))


async def store(directory: Path, *plan: Planned) -> None:
    """A sheet of four rows, the second of two lines, and what one process planned for some of them."""
    (directory / "input.csv").write_bytes(b'id,reference\r\nA,x\r\nB,"two\nlines"\r\nC,y\r\nD,z\r\n')
    create(directory / "journal.sqlite3", {"sha256": "ab" * 32})
    with closing(Journal(directory / "journal.sqlite3")) as journal:
        journal.begin("plan", 1_700_000_000.0)
        journal.counters.gets = 3
        committing = asyncio.create_task(journal.commit_forever(inline, lambda: 1_700_000_009.0))
        for planned in plan:
            journal.plan(planned)
        journal.stop_committing()
        await committing
        journal.end("planned", 0, "", 1_700_000_009.5)


def write(directory: Path, rows: int = 4, limit: int | None = None) -> PlanSummary:
    with closing(History(directory / "journal.sqlite3")) as history:
        return write_plan(directory, history, settings(limit), SCHEMA, rows)


async def test_the_files_of_a_plan_can_be_read_again(tmp_path: Path) -> None:
    await store(
        tmp_path,
        sent(1, CHANGE, attribute("a,b", 'say "x"\nagain', "metadata", "k")),
        settled(2, Status.REJECTED, "not_found", "gone"),
        sent(3, attribute(ABSENT, "=1+1")),
    )
    summary = write(tmp_path, limit=3)
    assert (summary.replace, summary.reads, summary.rows, summary.skipped) == (True, 3, 4, {"beyond_limit": 1})
    data = (tmp_path / "plan.csv").read_bytes()
    assert data.startswith(b"\xef\xbb\xbf" + ",".join(HEADER).encode() + b"\r\n")
    with (tmp_path / "plan.csv").open(encoding="utf-8-sig", newline="") as file:
        assert list(csv.reader(file, strict=True))[1:] == [
            ["1", "2", "orders", "id1", "reference", "inv-1", "inv-2", "change"],
            ["1", "2", "orders", "id1", "metadata.k", "a,b", 'say "x"\nagain', "change"],
            ["2", "3", "orders", "id2", "", "", "", "not_found: gone"],
            ["3", "5", "orders", "id3", "reference", "", "'=1+1", "new"],
        ]
    lines = [json.loads(line) for line in (tmp_path / "plan.ndjson").read_text(encoding="utf-8").splitlines()]
    assert [(line["row"], line["line"], line["action"], line["reason"]) for line in lines] == [
        (1, 2, "update", ""),
        (2, 3, "none", "not_found"),
        (3, 5, "update", ""),
        (4, 6, "none", "beyond_limit"),
    ]


async def test_a_row_that_nobody_planned_was_not_reached(tmp_path: Path) -> None:
    await store(tmp_path, sent(1, CHANGE))
    summary = write(tmp_path, limit=3)
    assert (summary.to_send, summary.not_reached, summary.skipped) == (1, 2, {"beyond_limit": 1})


@pytest.mark.parametrize(("row", "rows"), [(5, 4), (1, 5)])  # a row too many in the plan; a row too few in the copy
async def test_a_plan_of_another_input_is_damage_and_leaves_the_old_files(tmp_path: Path, row: int, rows: int) -> None:
    await store(tmp_path, sent(row, CHANGE))
    (tmp_path / "plan.csv").write_text("old")
    with pytest.raises(JournalDamaged):
        write(tmp_path, rows)
    assert (tmp_path / "plan.csv").read_text() == "old"
    assert drafts(tmp_path) == []


ISSUES = description(
    path="/{owner}/{number}",
    fields={"labels": {"type": "set"}, "meta.tags": {"type": "set"}, "close": {"type": "bool", "action": True}},
)
DESK = schema_of(ISSUES, {})


def issue(row: int, *edits: Edit, unread: tuple[str, ...] = ()) -> Planned:
    return Planned(row, "things", f"acme/{row}", Status.PENDING, edits=edits, unread=unread)


def element(name: str, *, add: bool, field: str = "labels") -> Edit:
    return attribute(ABSENT if add else True, True if add else ABSENT, field, name)


def of_desk(tmp_path: Path, *plan: Planned) -> tuple[str, list[list[str]], list[dict[str, Any]]]:
    """The plan on the terminal, and in both files."""
    asyncio.run(store(tmp_path, *plan))
    how = Input(source="s", format="csv")
    target = Target(url="http://localhost", type="things", api="x")
    with closing(History(tmp_path / "journal.sqlite3")) as history:
        summary = write_plan(tmp_path, history, Settings(target=target, input=how), DESK, 4)
    table = list(csv.reader(io.StringIO((tmp_path / "plan.csv").read_text(encoding="utf-8-sig"), newline="")))
    objects = (tmp_path / "plan.ndjson").read_text(encoding="utf-8").splitlines()
    return text(summary, run=tmp_path), table, list(map(json.loads, objects))


def test_elements_of_sets_are_told_as_the_sheet_says_them(tmp_path: Path) -> None:
    told, table, objects = of_desk(
        tmp_path,
        issue(1, element("ui", add=True), element("api", add=True), element("bug", add=False), attribute("a", "b")),
        issue(2, element("ui", add=True)),
    )
    assert [line.split() for line in told.splitlines()[2:6]] == [
        ["COLUMN", "SHARE", "NEW", "CHANGED", "CLEARED", "FOR", "EXAMPLE"],
        ["labels.add", "100%", "3", "ui"],
        ["labels.remove", "50%", "1", "bug"],
        ["reference", "50%", "1", '"a"', "->", '"b"'],
    ]
    assert "\n1 element will be REMOVED: labels (1).\n" in told
    assert "\n  labels.add     ui, api\n  labels.remove  bug\n" in told
    assert [line[4:] for line in table[1:4]] == [
        ["labels.add", "", "ui", "new", "acme", "1"],
        ["labels.add", "", "api", "new", "acme", "1"],
        ["labels.remove", "bug", "", "clear", "acme", "1"],
    ]
    assert objects[0]["edits"][0] == {"path": ["attributes", "labels", "ui"], "column": "labels.add", "after": True}


def test_whole_sets_are_lists_wherever_they_stand(tmp_path: Path) -> None:
    nested = attribute({"x": True}, {}, "meta", "tags")
    told, table, _ = of_desk(tmp_path, issue(1, attribute(None, {"a": True, "b": True}, "labels"), nested))
    assert '  labels     (none) -> ["a", "b"]\n' in told
    assert '  meta.tags  ["x"] -> cleared\n' in told
    assert [line[4:8] for line in table[1:3]] == [
        ["labels", "", '["a", "b"]', "new"],
        ["meta.tags", '["x"]', "[]", "clear"],
    ]


def test_the_files_of_a_plan_tell_the_parts_of_keys(tmp_path: Path) -> None:
    _, table, objects = of_desk(
        tmp_path, issue(1, attribute("a", "b")), Planned(2, "", "", Status.INVALID, "id_missing", "no number")
    )
    assert table[0] == [*HEADER, "owner", "number"]
    assert [line[-2:] for line in table[1:]] == [["acme", "1"], ["", ""], ["", ""], ["", ""]]
    assert [line["key"] for line in objects[:2]] == [{"owner": "acme", "number": "1"}, {}]


def test_what_an_api_calls_an_action_triggers_something(tmp_path: Path) -> None:
    told, _, _ = of_desk(tmp_path, issue(1, unread=("close", "password")))
    assert "Always sent, since it triggers something: close (1 row).\n" in told
    assert "it is overwritten unseen: password (1 row)." in " ".join(told.split())


def test_what_is_said_of_a_row_stands_below_its_values() -> None:
    summary = PlanSummary()
    said = 'tags is one text: "a" becomes "a;b"'
    summary.add(RowRef(1, 2, b""), Planned(1, "orders", "id1", Status.PENDING, message=said, edits=(CHANGE,)))
    assert f'"inv-1" -> "inv-2"\n  {said}\n' in text(summary)
