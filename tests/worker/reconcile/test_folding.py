"""What a memory takes in of a run: once, in any state of the journal, and never older things over newer ones."""

from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobs.agreement.model import Agreed, FieldRules, Sealed, Told
from jobs.model import UNREAD, ApiError, Edit, Status
from jobs.model import Path as Field
from tests.worker.reconcile.kit import (
    DAY,
    NIGHT,
    PLAIN,
    QUICK,
    SHOP,
    TYPE,
    Row,
    applied,
    attribute,
    content,
    folded,
    held,
    in_doubt,
    rejected,
    write,
)
from worker.journal import JournalDamaged
from worker.reconcile import Memory, Named, Night, folding
from worker.reconcile.nights import State
from worker.reconcile.writing import Writing

A = attribute("a")


@pytest.fixture
def memory(tmp_path: Path) -> Iterator[Memory]:
    with closing(Memory.create(tmp_path / "prices.state")) as memory:
        memory.bind([SHOP])
        yield memory


class Job:
    """The nights of a job, one after the other, each with a journal of its own."""

    def __init__(self, memory: Memory, folder: Path) -> None:
        self.memory, self.folder, self.count = memory, folder, 0

    def night(self, *rows: Row, state: State = "accepted", rules: FieldRules = PLAIN, **more: Any) -> Any:
        """Run a night and fold it."""
        at = NIGHT + self.count * DAY
        self.count += 1
        serial = self.memory.nights.begin(Night(f"n{self.count}", at, state=state))
        return folded(self.memory, write(self.folder / f"{self.count}.sqlite3", rows, at), serial, rows, rules, **more)

    def of(self, id_: str = "x", path: Field = A) -> Agreed:
        return self.memory.remembered(TYPE, id_)[path]

    def kinds(self) -> dict[str, tuple[Any, Any, int, int]]:
        return {each.kind: (each.sheet, each.live, each.since, each.nights) for each in self.memory.exceptions()}


@pytest.fixture
def job(memory: Memory, tmp_path: Path) -> Job:
    return Job(memory, tmp_path)


# The lines of the table, through a journal


def test_what_was_sent_and_what_was_as_wanted_is_agreed_on(job: Job) -> None:
    form = (
        applied(id_="y", edits=(Edit(A, "R", "S", "s"),))
        if False
        else replace(applied(id_="y"), edits=(Edit(A, "R", "S", "s"),))
    )
    job.night(applied(id_="w"), Row("x"), form)
    assert [job.of(id_) for id_ in "wxy"] == [Agreed("S", "S"), Agreed("S", "S"), Agreed("S", "s")]
    assert job.kinds() == {"differs": ("S", "s", 1, 1)}


def test_a_row_in_doubt_stays_so_until_it_is_settled(job: Job) -> None:
    job.night(Row("x", (("a", "O"),)), in_doubt(id_="y"), replace(applied("O"), is_open=True))
    assert job.of("y") == Agreed(UNREAD, UNREAD, "S", "R")
    assert job.of("x") == Agreed("O", "O", "S", "O")
    assert [(each.id, each.kind, each.sheet, each.live) for each in job.memory.exceptions()] == [
        ("x", "doubt", "S", "O"),
        ("y", "doubt", "S", "R"),
    ]
    job.night(Row("x"), Row("y"))
    assert job.of("x") == job.of("y") == Agreed("S", "S")
    assert job.kinds() == {}


def test_a_field_that_is_held_back_keeps_its_memory_and_is_counted_night_by_night(job: Job) -> None:
    job.night(Row("x"))
    job.night(held(live="L1"))
    job.night(held(live="L2"))
    job.night(Row("y"))
    job.night(held(live="L2"))
    assert job.of() == Agreed("S", "S")
    assert job.kinds() == {"drifted": ("S", "L2", 2, 0b1101)}
    job.night(held("both_changed", sheet="T"))
    assert job.kinds() == {"both_changed": ("T", "L", 6, 1)}
    job.night(applied("L", "T"))
    assert job.kinds() == {}


def test_a_field_that_is_fought_over_is_known_by_its_nights(job: Job, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(folding, "_FOUGHT", 3)
    fought = replace(applied("theirs"), told=(Told(A, "overwritten", "S", "theirs"),))
    job.night(fought)
    job.night(Row("x"))
    job.night(fought)
    assert job.kinds() == {"overwritten": ("S", "theirs", 1, 0b101)}
    job.night(replace(applied("theirs", "T"), told=(Told(A, "overwritten", "T", "theirs"),)))
    assert job.kinds() == {"overwritten": ("T", "theirs", 4, 1)}  # another value is another fight
    for _ in range(4):
        job.night(Row("x", (("a", "T"),)))
    assert job.kinds() == {}


def test_what_is_undone_stays_so_until_the_sheet_changes(job: Job) -> None:
    job.night(applied("R", "S"))
    job.night(applied("S", "R"), is_undo=True, state="undo")
    assert job.of() == Agreed("S", "R", is_undone=True)
    assert job.kinds() == {"undone": ("S", "R", 2, 1)}
    job.night(held("undone", live="R"))
    assert job.kinds() == {"undone": ("S", "R", 2, 0b11)}
    assert list(job.memory.troubles()) == []
    job.night(applied("R", "T"))
    assert job.of() == Agreed("T", "T")
    assert job.kinds() == {}


def test_a_record_that_was_not_found_keeps_its_memory(job: Job) -> None:
    job.night(Row("x"))
    before = content(job.memory)["records"]
    job.night(replace(rejected(), reason="not_found"))
    assert content(job.memory)["records"] == before


def test_rows_of_one_record_count_in_their_order(job: Job) -> None:
    job.night(applied("R", "1"), applied("1", "2"), applied("q", "3", name="b"))
    assert job.memory.remembered(TYPE, "x") == {A: Agreed("2", "2"), attribute("b"): Agreed("3", "3")}


def test_what_took_effect_of_a_refused_row_is_agreed_on(job: Job) -> None:
    row = Row("x", (("a", "S"), ("b", "T")), edits=(Edit(A, "R", "S"),), partly=(Edit(A, "R", "S"),))
    job.night(replace(row, status=rejected().status, reason="tags_discarded"))
    assert job.of() == Agreed("S", "S")


def test_a_row_that_names_a_reference_teaches_about_the_record_that_it_led_to(job: Job) -> None:
    job.night(replace(Row("x"), reference="R-1"))
    assert job.of() == Agreed("S", "S")
    assert next(job.memory.select("SELECT key FROM record")) == ("R-1",)
    job.night(Row("x"))
    assert next(job.memory.select("SELECT key FROM record")) == ("R-1",)


def test_an_attempt_that_had_no_effect_and_was_not_tried_again_teaches_nothing(job: Job) -> None:
    job.night(replace(applied(), is_refused=True))
    assert content(job.memory)["records"] == []


def test_no_value_of_a_private_field_is_in_the_file(job: Job, memory: Memory) -> None:
    private = FieldRules(sealed=frozenset({A}))
    hidden = replace(applied("secret-R", "secret-S"), told=(Told(A, "overwritten", "secret-S", "secret-R"),))
    job.night(
        hidden, in_doubt("secret-T", "secret-U", "y"), held(live="secret-L", sheet="secret-V", id_="z"), rules=private
    )
    job.night(Row("v", (("password", "secret-pw"),), applied().status, "", (), ("password",)), rules=private)
    assert isinstance(job.of().sheet, Sealed)
    memory.close()
    assert b"secret" not in memory.path.read_bytes()


def test_half_the_rows_may_be_about_fields_that_the_others_leave_alone(job: Job) -> None:
    job.night(Row("x", (("b", 1),)))
    job.night(Row("x", (("a", 2), ("c", None))))
    assert job.memory.remembered(TYPE, "x") == {
        attribute(name): Agreed(value, value) for name, value in [("b", 1), ("a", 2), ("c", None)]
    }


# Rows that fail


def test_a_row_that_fails_is_remembered_until_it_is_well_again(job: Job) -> None:
    job.night(rejected("x"), rejected("y"))
    job.night(rejected("x"))
    (x, y) = job.memory.troubles()
    assert (x.ident, x.first, x.last, x.nights, x.reason) == ("x", 1, 2, 0b11, "validation")
    assert (y.ident, y.first, y.last, y.nights) == ("y", 1, 1, 1)
    job.memory.set_aside([(1, TYPE, "x")], 2)
    job.night(Row("y"), rejected("x"))
    assert job.memory.trouble(1, TYPE, "y") is None
    again = job.memory.trouble(1, TYPE, "x")
    assert again is not None
    assert (again.aside, again.cause, again.nights) == (2, x.cause, 0b111)
    healed = job.night(held(id_="x"))
    assert [each.ident for each in healed.healed] == ["x"]
    assert list(job.memory.troubles()) == []


@pytest.mark.parametrize(
    "other",
    [
        rejected("x", "OTHER"),
        rejected("x", reason="locked"),
        rejected("x", fields=("a",)),
        replace(rejected("x"), status=Status.FAILED),
    ],
)
def test_another_cause_begins_anew(job: Job, other: Row) -> None:
    job.night(rejected("x"))
    job.night(rejected("x"))
    job.memory.set_aside([(1, TYPE, "x")], 2)
    job.night(other)
    (x,) = job.memory.troubles()
    assert (x.first, x.last, x.nights, x.aside, x.reason) == (3, 3, 1, None, other.reason)


@pytest.mark.parametrize(
    "other",
    [
        replace(rejected("x"), status=Status.FAILED, reason="unreachable"),
        replace(rejected("x"), status=Status.FAILED, reason="throttled"),
        replace(rejected("x"), reason="not_authorized"),
        in_doubt(id_="x"),
    ],
)
def test_a_failure_that_is_not_the_rows_own_leaves_what_is_known_of_an_earlier_one(job: Job, other: Row) -> None:
    job.night(rejected("x"))
    before = list(job.memory.troubles())
    job.night(other)
    assert list(job.memory.troubles()) == before
    job.night(rejected("x"))
    (x,) = job.memory.troubles()
    assert (x.first, x.last, x.nights) == (1, 3, 0b101)


def test_a_cause_has_no_order_and_no_empty_codes(job: Job) -> None:
    def failing(*codes: str, fields: tuple[str, ...]) -> Row:
        return replace(rejected("x"), errors=tuple(ApiError(f"request {id(codes)}", code=code) for code in codes),
                       fields=fields)  # fmt: skip

    job.night(failing("B", "A", "", fields=("y", "x")))
    job.night(failing("A", "B", "A", fields=("x", "y")))
    (x,) = job.memory.troubles()
    assert x.nights == 0b11


def test_the_cause_of_a_failure_is_the_same_whatever_the_reply_says_about_the_moment(job: Job) -> None:
    job.night(rejected("x"), rejected("y"))
    x, y = job.memory.troubles()
    assert x.cause == y.cause
    assert x.row != y.row


def test_what_a_failed_row_would_have_replaced_tells_its_record_apart(job: Job) -> None:
    job.night(*(rejected(id_, edits=(Edit(A, before, "S"),)) for id_, before in [("x", 1), ("y", 1), ("z", 2)]))
    x, y, z = (each.live for each in job.memory.troubles())
    assert x == y != z


def test_an_hourly_job_counts_dates(job: Job) -> None:
    job.night(rejected())
    job.count = 0  # on the same date
    serial = job.memory.nights.begin(Night("later", NIGHT + 3600, state="accepted"))
    rows = [rejected()]
    folded(job.memory, write(job.folder / "later.sqlite3", rows, NIGHT + 3600), serial, rows)
    (trouble,) = job.memory.troubles()
    assert (trouble.last, trouble.nights) == (2, 1)


def test_a_row_without_a_key_is_forgotten_once_a_whole_source_is_without_it(job: Job) -> None:
    job.night(Row(is_unsendable=True, reason="id_missing", status=rejected().status))
    assert [each.type for each in job.memory.troubles()] == [""]
    job.night(Row("x"))
    assert len(list(job.memory.troubles())) == 1
    job.night(Row("x"), named=[Named(TYPE, "x")])
    assert list(job.memory.troubles()) == []


# What does not fit together


def test_a_journal_and_an_input_that_do_not_belong_together_are_refused_and_nothing_is_learned(job: Job) -> None:
    rows = [Row("x"), Row("y")]
    path = write(job.folder / "j.sqlite3", rows, NIGHT)
    serial = job.memory.nights.begin(Night("n", NIGHT))
    with pytest.raises(JournalDamaged, match="a row 2 that the input does not have"):
        folded(job.memory, path, serial, rows[:1])
    with pytest.raises(JournalDamaged, match="its row 2 is not the one"):
        folded(job.memory, path, serial, [Row("x"), Row("z")])
    assert content(job.memory)["records"] == []


def test_what_an_older_journal_adds_does_not_make_the_record_older(job: Job) -> None:
    rows = {number: [Row("x", ((name, number),))] for number, name in enumerate("bca", 1)}
    rows[2] = [Row("x", (("a", 2),))]
    for number in (3, 1, 2):
        at = NIGHT + number * DAY
        serial = job.memory.nights.begin(Night(f"n{number}", at))
        folded(job.memory, write(job.folder / f"{number}.sqlite3", rows[number], at), serial, rows[number])
    assert job.memory.remembered(TYPE, "x") == {A: Agreed(3, 3), attribute("b"): Agreed(1, 1)}


def test_a_journal_is_folded_once_unless_it_went_on(job: Job) -> None:
    rows = [Row("x"), Row("y")]
    path = write(job.folder / "j.sqlite3", rows, NIGHT, upto=1)
    serial = job.memory.nights.begin(Night("n", NIGHT))
    assert folded(job.memory, path, serial, rows) is not None
    assert folded(job.memory, path, serial, rows) is None
    write(path, rows, NIGHT + 60)
    assert folded(job.memory, path, serial, rows) is not None
    assert job.of("y") == Agreed("S", "S")


# Histories

VALUE = st.sampled_from(["1", "2", "3", None])
SHEET = st.sampled_from(["1", "2", "3"])


@st.composite
def row(draw: st.DrawFn, id_: str) -> Row:
    """A row of two fields, with some end that a night can give it."""
    names = draw(st.sampled_from([("a",), ("b",), ("a", "b")]))
    asked = tuple((name, draw(SHEET)) for name in names)
    fates = {name: draw(st.sampled_from(["as wanted", "sent", "held"])) for name, _ in asked}
    told = tuple(Told(attribute(n), draw(st.sampled_from(["drifted", "kept", "differs"])), s, draw(VALUE))
                 for n, s in asked if fates[n] == "held")  # fmt: skip
    stored: st.SearchStrategy[Any] = st.sampled_from([UNREAD, "form"])
    edits = tuple(Edit(attribute(n), draw(st.sampled_from(sorted({"1", "2", "3", "0"} - {s}))), s, draw(stored))
                  for n, s in asked if fates[n] == "sent")  # fmt: skip
    if not edits:
        return held(id_=id_) if told and len(names) == 1 else Row(id_, asked, told=told)
    end = draw(st.sampled_from(["applied", "rejected", "unknown", "open"]))
    ends = {"applied": (applied().status, ""), "rejected": (rejected().status, "validation")}
    status, reason = ends.get(end, (in_doubt().status, "timed_out"))
    return Row(id_, asked, status, reason, edits, told=told, is_open=end == "open")


NIGHTS = st.lists(st.tuples(*(row(id_) for id_ in "xyz")), min_size=1, max_size=3)


def memories(folder: str, count: int) -> list[Memory]:
    found = []
    for number in range(count):
        memory = Memory.create(Path(folder) / str(number), b"key")
        memory.bind([SHOP])
        found.append(memory)
    return found


def begin(memory: Memory, number: int) -> int:
    return memory.nights.begin(Night(f"n{number}", NIGHT + number * DAY, state="accepted"))


@given(NIGHTS)
def test_folding_twice_is_folding_once(nights: Sequence[tuple[Row, ...]]) -> None:
    with TemporaryDirectory(dir=QUICK) as folder:
        (memory,) = memories(folder, 1)
        for number, rows in enumerate(nights):
            path = write(Path(folder) / f"{number}.sqlite3", rows, NIGHT + number * DAY)
            serial = begin(memory, number)
            folded(memory, path, serial, rows)
            once = content(memory)
            memory.db.execute("UPDATE night SET folded = NULL")
            assert folded(memory, path, serial, rows) is not None
            assert content(memory) == once
        memory.close()


class Killed(Exception):
    """The process ends here."""


@given(NIGHTS, st.integers(1, 3))
def test_a_folding_that_is_killed_has_done_nothing(nights: Sequence[tuple[Row, ...]], at: int) -> None:
    with TemporaryDirectory(dir=QUICK) as folder, pytest.MonkeyPatch.context() as patch:
        (memory,) = memories(folder, 1)
        original = Writing.write
        left = at

        def dying(*arguments: Any) -> None:
            nonlocal left
            left -= 1
            if not left:
                raise Killed
            original(*arguments)

        for number, rows in enumerate(nights):
            path = write(Path(folder) / f"{number}.sqlite3", rows, NIGHT + number * DAY)
            serial = begin(memory, number)
            before = content(memory)
            left = at
            patch.setattr(Writing, "write", dying)
            try:
                folded(memory, path, serial, rows)
            except Killed:
                assert content(memory) == before
                patch.setattr(Writing, "write", original)
                folded(memory, path, serial, rows)
        memory.close()


@given(NIGHTS, st.integers(0, 3))
def test_a_night_that_was_killed_folded_and_resumed_is_as_one_that_was_not(
    nights: Sequence[tuple[Row, ...]], upto: int
) -> None:
    """The kill leaves open intents, which are told as doubts until the run has gone on."""
    with TemporaryDirectory(dir=QUICK) as folder:
        killed, whole = memories(folder, 2)
        for number, rows in enumerate(nights):
            at, path = NIGHT + number * DAY, Path(folder) / f"{number}.sqlite3"
            serials = [begin(memory, number) for memory in (killed, whole)]
            first = [
                replace(row, is_open=True) if row.edits and place == upto - 1 else row for place, row in enumerate(rows)
            ]
            folded(killed, write(path.with_suffix(".killed"), first, at, upto), serials[0], rows)
            write(path, rows, at)  # what the journal holds once the run has gone on
            folded(killed, path, serials[0], rows)
            folded(whole, path, serials[1], rows)
            assert content(killed)["records"] == content(whole)["records"]
            assert content(killed)["exceptions"] == content(whole)["exceptions"]
        killed.close()
        whole.close()


@given(NIGHTS)
def test_an_older_journal_never_overwrites_what_a_newer_one_says(nights: Sequence[tuple[Row, ...]]) -> None:
    with TemporaryDirectory(dir=QUICK) as folder:
        (memory,) = memories(folder, 1)
        paths = [write(Path(folder) / f"{n}.sqlite3", rows, NIGHT + n * DAY) for n, rows in enumerate(nights)]
        serials = [begin(memory, number) for number in range(len(nights))]
        for number in reversed(range(len(nights))):
            before = {id_: memory.remembered(TYPE, id_) for id_ in "xyz"}
            folded(memory, paths[number], serials[number], nights[number])
            for id_, fields in before.items():
                assert memory.remembered(TYPE, id_).items() >= fields.items()
        memory.close()
