"""The journal on its own: what is durable when, what a later process reads, and what is refused."""

import json
import random
import sqlite3
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, closing, suppress
from dataclasses import replace
from pathlib import Path
from stat import S_IMODE

import anyio
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from jobs.agreement.model import Told
from jobs.model import ABSENT, UNREAD, ApiError, Edit, RowRef, RowResult, Status
from worker.journal import (
    SAFE,
    History,
    Image,
    Journal,
    JournalDamaged,
    JournalError,
    OpenAttempt,
    Runner,
    WriterThread,
    create,
    inline,
)
from worker.journal.reader import _OVERTAKEN
from worker.journal.schema import seal_of
from worker.journal.writer import HEARTBEAT_S, SHAPES
from worker.policy.lifecycle import RowHistory

FACTS = {"sha256": "ab", "rows": "9"}
NOW = 1_800_000_000.0


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "journal.sqlite3"
    create(path, FACTS)
    return path


@pytest.fixture
def journal(path: Path) -> Iterator[Journal]:
    with closing(Journal(path)) as journal:
        journal.begin("apply", NOW)
        yield journal


@asynccontextmanager
async def committing(journal: Journal, run: Runner = inline) -> AsyncIterator[None]:
    """A committer at work; everything queued is durable when the block ends."""
    async with anyio.create_task_group() as group:
        group.start_soon(journal.commit_forever, run, lambda: NOW)
        try:
            yield
        finally:
            journal.stop_committing()


class Counting:
    """Commits inline, and knows how often."""

    def __init__(self) -> None:
        self.commits = 0

    async def __call__(self, commit: Callable[[], None]) -> None:
        self.commits += 1
        commit()


class FullAfter:
    """Commits inline so often; then the disk is full."""

    def __init__(self, commits: int) -> None:
        self.left = commits

    async def __call__(self, commit: Callable[[], None]) -> None:
        if not self.left:
            raise JournalError("cannot write: disk full")
        self.left -= 1
        commit()


def result(row: int, status: Status = Status.APPLIED, attempts: int = 1, reason: str = "") -> RowResult:
    return RowResult(RowRef(row, 0, b"%08d" % row), status, reason, attempts=attempts, at=NOW)


def on_disk(path: Path, query: str) -> list[tuple[object, ...]]:
    """What another connection sees: committed, whatever this process still holds."""
    with closing(sqlite3.connect(path)) as db:
        return db.execute(query).fetchall()


# What is noticed after a journal was closed


def test_any_flipped_bit_of_a_closed_journal_is_noticed(path: Path) -> None:
    Journal(path).close()
    content, dice = path.read_bytes(), random.Random(1)
    for _ in range(50):
        place = dice.randrange(len(content))
        path.write_bytes(content[:place] + bytes([content[place] ^ 1 << dice.randrange(8)]) + content[place + 1 :])
        with pytest.raises(JournalDamaged, match=r"journal\.sqlite3 cannot be used"):
            History(path)
    path.write_bytes(content)
    History(path).close()


@pytest.mark.parametrize("seal", [None, b"", b"half a", b"\xff" * 64])
def test_a_journal_without_a_whole_seal_is_read_as_it_is(path: Path, seal: bytes | None) -> None:
    Journal(path).close()
    file = path.with_name(".journal.sqlite3.sha256")
    file.unlink() if seal is None else file.write_bytes(seal)
    with closing(sqlite3.connect(path)) as db, db:
        db.execute("UPDATE fact SET value = '8' WHERE name = 'rows'")
    with closing(History(path)) as history:
        assert history.facts["rows"] == "8"


def test_a_journal_that_is_being_written_has_no_seal_that_could_outlive_a_kill(path: Path) -> None:
    Journal(path).close()
    with closing(Journal(path)):
        assert path.with_name(".journal.sqlite3.sha256").read_bytes() == b""


# How the file comes into being


def test_a_new_journal_appears_by_rename_over_whatever_a_killed_process_left(tmp_path: Path) -> None:
    draft = tmp_path / "journal.sqlite3.new"
    draft.write_text("half a journal")
    (tmp_path / "journal.sqlite3.new-journal").write_text("and its rollback")
    create(tmp_path / "journal.sqlite3", FACTS)
    assert [path.name for path in tmp_path.iterdir()] == ["journal.sqlite3"]


def test_a_journal_that_cannot_be_written_does_not_appear(tmp_path: Path) -> None:
    with pytest.raises(JournalError, match="cannot write"):
        create(tmp_path / "nowhere" / "journal.sqlite3", FACTS)


def test_facts_are_read_back_and_changed(path: Path, journal: Journal) -> None:
    assert journal.facts == {"schema": "6", **FACTS}
    journal.set_fact("rows", "10")
    with closing(History(path)) as history:
        assert history.facts["rows"] == journal.facts["rows"] == "10"


def test_sqlite_makes_its_own_files_no_more_readable_than_the_journal(path: Path) -> None:
    path.chmod(0o600)
    with closing(Journal(path)) as journal:
        journal.begin("apply", NOW)
        assert {S_IMODE(each.stat().st_mode) for each in path.parent.glob("*-wal")} == {0o600}


def test_every_commit_survives_power_loss_and_not_only_a_crash(journal: Journal) -> None:
    assert journal._db.execute("PRAGMA synchronous").fetchone() == (2,)  # FULL: the log is fsynced at every commit
    assert journal._db.execute("PRAGMA journal_mode").fetchone() == ("wal",)


# What is refused


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "not a rowpatch journal"),  # an empty file is an empty database
        (b"id,reference\n" * 99, "not a database"),
        (None, "is not a run directory"),
    ],
)
def test_a_file_that_is_no_journal_is_refused(tmp_path: Path, content: bytes | None, said: str) -> None:
    path = tmp_path / "journal.sqlite3"
    if content is not None:
        path.write_bytes(content)
    for open_ in (Journal, History):
        with pytest.raises(JournalDamaged, match=said):
            open_(path)


def test_the_database_of_another_program_is_refused_and_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "journal.sqlite3"
    with closing(sqlite3.connect(path)) as db:
        db.execute("CREATE TABLE fact (name, value)")
    before = path.read_bytes()
    with pytest.raises(JournalDamaged, match="not a rowpatch journal"):
        Journal(path)
    assert path.read_bytes() == before


def test_a_journal_of_another_version_is_refused(path: Path) -> None:
    with closing(sqlite3.connect(path)) as db, db:
        db.execute("UPDATE fact SET value = '7' WHERE name = 'schema'")
    with pytest.raises(JournalDamaged, match="another version of rowpatch, schema 7"):
        Journal(path)


def test_a_journal_of_the_version_before_is_read_and_becomes_one_of_this_version_once_it_is_written(path: Path) -> None:
    with closing(sqlite3.connect(path)) as db, db:
        db.execute("UPDATE fact SET value = '5' WHERE name = 'schema'")
    with closing(History(path)) as history:
        assert history.facts["schema"] == "5"
    Journal(path).close()
    with closing(History(path)) as history:
        assert history.facts["schema"] == "6"  # what is written from now on is no longer refused by chance alone


def test_a_journal_that_speaks_of_rows_the_input_does_not_have_is_refused(journal: Journal) -> None:
    async def fill() -> None:
        async with committing(journal):
            journal.settle(result(8))

    anyio.run(fill)
    with pytest.raises(JournalDamaged, match="row 8 that the input does not have"):
        journal.histories(7)
    assert journal.histories(8).of(8) == RowHistory(settled=True)


async def fill_some(journal: Journal) -> None:
    """Enough rows for several pages, of all kinds."""
    async with committing(journal):
        for row in range(1, 200):
            await journal.intend(row, 1, NOW)
            if row % 3:
                error = ApiError("title", "detail", "CODE", "/data/attributes/reference", "reference")
                journal.settle(RowResult(RowRef(row, 0, b"12345678"), Status.REJECTED, "validation", errors=(error,)))


@given(seed=st.integers(0, 2**32), cut=st.booleans())
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_damaged_file_is_refused_as_such_or_reads_without_a_surprise(tmp_path: Path, seed: int, cut: bool) -> None:
    good = tmp_path / "good.sqlite3"
    if not good.exists():
        create(good, FACTS)
        with closing(Journal(good)) as journal:
            journal.begin("apply", NOW)
            anyio.run(fill_some, journal)
    bad = tmp_path / "bad.sqlite3"
    bad.write_bytes(damaged(good.read_bytes(), random.Random(seed), cut=cut))
    for open_ in (Journal, History):
        read_all(open_, bad)


def damaged(content: bytes, dice: random.Random, *, cut: bool) -> bytes:
    place = dice.randrange(len(content))
    if cut:
        return content[:place]
    length = dice.choice([1, 8, 100, 5000])
    return (content[:place] + dice.randbytes(length) + content[place + length :])[: len(content)]


def read_all(open_: Callable[[Path], History], path: Path) -> None:
    """Read all there is; JournalDamaged is an answer, anything else is not."""
    with suppress(JournalDamaged), closing(open_(path)) as journal:
        list(journal.results())
        list(journal.doubts())
        journal.processes()
        journal.counts()
        journal.histories(199)


# Writing


async def test_an_intent_is_on_disk_when_intend_returns(path: Path, journal: Journal) -> None:
    async with committing(journal, WriterThread()):
        await journal.intend(3, 1, NOW)
        assert on_disk(path, "SELECT row, n, process, at, outcome FROM attempt") == [(3, 1, 1, NOW, None)]


async def test_all_who_wait_share_one_transaction(path: Path, journal: Journal) -> None:
    counting = Counting()
    async with committing(journal, counting), anyio.create_task_group() as group:
        for row in range(1, 65):
            group.start_soon(journal.intend, row, 1, NOW)
    assert on_disk(path, "SELECT count(*) FROM attempt") == [(64,)]
    assert counting.commits == 1


async def test_a_result_is_durable_before_its_workers_next_intent_is(path: Path, journal: Journal) -> None:
    """So that a crash never leaves more open intents than there are workers."""
    async with committing(journal):
        for row in range(1, 10):
            await journal.intend(row, 1, NOW)
            assert on_disk(path, "SELECT count(*) FROM result") == [(row - 1,)]
            journal.settle(result(row))


async def test_results_are_shown_once_they_are_durable_and_not_before(path: Path, journal: Journal) -> None:
    shown: list[tuple[int, object]] = []

    def on_durable(results: list[RowResult]) -> None:
        shown.extend((each.ref.row, on_disk(path, "SELECT count(*) FROM result")[0][0]) for each in results)

    journal.follow(durable=on_durable)
    async with committing(journal):
        journal.settle(result(1))
        journal.settle(result(2))
        assert (shown, journal.backlog) == ([], 2)
        await journal.flush()
        assert (shown, journal.backlog) == ([(1, 2), (2, 2)], 0)


async def test_what_is_queued_at_the_end_is_still_written(path: Path, journal: Journal) -> None:
    async with committing(journal):
        journal.learn("route.transactions", "concrete")
        journal.settle(result(1))
    assert on_disk(path, "SELECT value FROM fact WHERE name = 'route.transactions'") == [("concrete",)]
    assert on_disk(path, "SELECT row FROM result") == [(1,)]


async def test_counters_are_written_with_every_commit(journal: Journal) -> None:
    async with committing(journal):
        journal.counters.gets, journal.counters.tokens, journal.counters.refused = 3, 2, 1
        await journal.intend(1, 1, NOW)
    process = journal.processes()[0]
    assert (process.gets, process.tokens, process.refused, process.last_at) == (3, 2, 1, NOW)


async def test_a_process_that_has_nothing_new_to_say_gives_a_sign_of_life_now_and_then(journal: Journal) -> None:
    now, seen = NOW, []
    async with anyio.create_task_group() as group:
        group.start_soon(journal.commit_forever, inline, lambda: now)
        for row, late in enumerate(
            (0.0, HEARTBEAT_S / 2, HEARTBEAT_S, -99.0), 1
        ):  # the last: a clock that was set back
            now = NOW + late
            await journal.intend(row, 1, now)
            seen.append(journal.processes()[0].last_at - NOW)
        journal.stop_committing()
    assert seen == [0.0, 0.0, HEARTBEAT_S, -99.0]
    journal.end("finished", 0, "", NOW + 1)
    assert journal.processes()[0].last_at == NOW + 1


async def test_a_commit_that_fails_reaches_everybody_who_waits_and_nothing_is_written_after_it(
    path: Path, journal: Journal
) -> None:
    failed: list[int] = []
    shown: list[RowResult] = []
    journal.follow(durable=shown.extend)

    async def intend(row: int) -> None:
        with pytest.raises(JournalError, match="disk full"):
            await journal.intend(row, 1, NOW)
        failed.append(row)

    disk = FullAfter(1)
    async with committing(journal, disk):
        await journal.intend(1, 1, NOW)
        async with anyio.create_task_group() as group:
            for row in range(2, 20):
                group.start_soon(intend, row)
        disk.left = 99  # there is room again, but what was promised in between is lost: the run must end
        journal.settle(result(1))
        await intend(20)
        with pytest.raises(JournalError, match="disk full"):
            await journal.flush()
    assert sorted(failed) == list(range(2, 21))
    assert on_disk(path, "SELECT row FROM attempt") == [(1,)]
    assert on_disk(path, "SELECT row FROM result") == []
    assert shown == []


async def test_a_commit_is_all_or_nothing(path: Path, journal: Journal) -> None:
    async with committing(journal):
        await journal.intend(1, 1, NOW)
        journal.settle(result(2))
        with pytest.raises(JournalError):
            await journal.intend(1, 1, NOW)  # the same attempt twice would be a bug
    assert on_disk(path, "SELECT row FROM result") == []


async def test_a_second_connection_reads_what_is_durable_without_another_look_for_damage(
    path: Path, journal: Journal, monkeypatch: pytest.MonkeyPatch
) -> None:
    looked: list[Path] = []
    monkeypatch.setattr("worker.journal.schema._look_for_damage", lambda _, path: looked.append(path))
    async with committing(journal):
        with closing(journal.reader()) as reader:
            await journal.intend(1, 1, NOW)
            assert reader.attempts() == 1
    assert looked == []
    History(path).close()
    assert looked == [path]


def test_the_end_of_a_process_is_told_and_a_killed_one_has_none(path: Path, journal: Journal) -> None:
    journal.end("stopped", 3, "parked", NOW + 5)
    with closing(Journal(path)) as second:
        second.begin("resume", NOW + 60)
    with closing(History(path)) as history:
        ended, killed = history.processes()
    assert (ended.command, ended.state, ended.exit_status, ended.message) == ("apply", "stopped", 3, "parked")
    assert (ended.started_at, ended.last_at) == (NOW, NOW + 5)
    assert (killed.n, killed.command, killed.state, killed.exit_status) == (2, "resume", "running", None)


# Reading back


async def test_a_result_is_read_back_as_it_was_written(journal: Journal) -> None:
    errors = (ApiError("t", "d", "c", "/p", "f"), ApiError(detail='"quoted"; \N{PILE OF POO}'))
    whole = RowResult(
        RowRef(2, 0, bytes(8)), Status.REJECTED, "validation", "said so", ("a", "b.c"), 422, 3, "req", NOW, errors
    )
    async with committing(journal):
        journal.settle(whole)
        journal.settle(result(1))
    assert list(journal.results()) == [result(1), whole]
    assert journal.counts() == {Status.APPLIED: 1, Status.REJECTED: 1}


async def test_results_that_say_the_same_share_what_they_say(journal: Journal) -> None:
    async with committing(journal):
        for row in (1, 2):
            journal.settle(result(row))
        journal.settle(result(3, Status.FAILED))
    (_, _, _, _, first), (_, _, _, _, second), (_, _, _, _, third) = journal.settled()
    assert first is second
    assert (first.status, third.status) == (Status.APPLIED, Status.FAILED)


def tagged(row: int, tag: str) -> Image:
    edits = Edit(("attributes", "reference"), UNREAD, f"r{row}"), Edit(("tags", tag), ABSENT, True)
    return Image(row, "orders", f"id{row}", edits, ("_archive",))


async def test_rows_that_change_alike_share_the_shape_of_their_images(path: Path, journal: Journal) -> None:
    images = [tagged(1, "vip"), tagged(2, "vip"), tagged(3, "old")]
    async with committing(journal):
        for image in images:
            await journal.intend(image.row, 1, NOW, image)
            journal.settle(result(image.row))
        assert on_disk(path, "SELECT row, shape, content FROM image") == [
            (1, 1, '["r1",true]'), (2, 1, '["r2",true]'), (3, 2, '["r3",true]')
        ]  # fmt: skip
    assert list(journal.written()) == [(image, False) for image in images]
    with closing(Journal(path)) as second:  # a later process knows no shapes, and confuses none
        async with committing(second):
            await second.intend(4, 1, NOW, tagged(4, "new"))
            second.settle(result(4))
        assert list(second.written()) == [(image, False) for image in (*images, tagged(4, "new"))]


async def test_the_form_that_the_api_stores_is_kept_beside_what_was_sent(journal: Journal) -> None:
    sent, other = (Edit(("attributes", "reference"), "a", text) for text in (" b ", " c "))
    stored = replace(sent, stored="b")
    async with committing(journal):
        for row, edit in ((1, sent), (2, other)):
            await journal.intend(row, 1, NOW, Image(row, "orders", f"id{row}", (edit,)))
        journal.keep_stored(1, (stored,))
        journal.settle(result(1, Status.UNKNOWN, reason="interrupted"))
        journal.settle(result(2))
    assert [image.edits for image, _ in journal.written()] == [(stored,), (other,)]
    journal.begin("retry", NOW, redo=[1])
    assert journal.histories(2).images[1].edits == (stored,)


async def test_a_form_that_comes_to_be_known_leaves_what_has_landed_alone(journal: Journal) -> None:
    edit = Edit(("attributes", "reference"), "a", " b ")
    async with committing(journal):
        await journal.intend(1, 1, NOW, Image(1, "orders", "id1", (edit,)))
        journal.record_partial(1, (edit,))
        journal.settle(result(1, Status.REJECTED))
        await journal.flush()
        await journal.intend(1, 2, NOW, Image(1, "orders", "id1", (edit,)))
        journal.keep_stored(1, (replace(edit, stored="b"),))
        journal.settle(result(1, attempts=2))
    assert [image.edits[0].stored for image, _ in journal.written()] == [UNREAD, "b"]


async def test_what_later_rows_changed_of_a_record_is_found_without_looking_through_all(
    path: Path, journal: Journal
) -> None:
    def image(row: int, key: str, name: str, unread: tuple[str, ...] = ()) -> Image:
        return Image(row, "orders", key, (Edit(("attributes", name), "1", "2"),), unread)

    rows = [(image(1, "x", "a"), Status.APPLIED), (image(2, "y", "b"), Status.APPLIED)]
    rows += [(image(3, "x", "c", ("password",)), Status.UNKNOWN), (image(4, "x", "d"), Status.REJECTED)]
    async with committing(journal):
        for each, status in rows:
            await journal.intend(each.row, 1, NOW, each)
            journal.settle(result(each.row, status))
    with closing(journal.reader()) as reader:
        assert reader.was_overtaken(0, "x") == {("attributes", name) for name in ("a", "c", "password")}
        assert reader.was_overtaken(1, "x") == {("attributes", "c"), ("attributes", "password")}
        assert reader.was_overtaken(2, "y") == frozenset()
        plan = [row[3] for row in reader._db.execute(f"EXPLAIN QUERY PLAN {_OVERTAKEN}", ("x", 0))]
        assert not [step for step in plan if step.startswith("SCAN")]
        with pytest.raises(sqlite3.OperationalError):
            reader._db.execute("DELETE FROM image")  # it still writes nothing


async def test_a_row_in_conflict_of_which_a_part_was_applied_is_among_what_the_run_wrote(journal: Journal) -> None:
    image = Image(2, "orders", "x", (Edit(("attributes", "a"), "1", "2"),))
    async with committing(journal):
        await journal.intend(2, 1, NOW, image)
        journal.record_partial(2, image.edits)
        journal.settle(result(2, Status.CONFLICT, reason="both_changed"))
    assert list(journal.written()) == [(image, False)]
    assert not journal.histories(2).reasons  # nothing about it is in doubt
    with closing(journal.reader()) as reader:
        assert reader.was_overtaken(1, "x") == {("attributes", "a")}


async def test_a_journal_remembers_so_many_shapes_where_each_row_has_its_own(path: Path, journal: Journal) -> None:
    images = [tagged(row, f"t{row}") for row in range(1, 2 * SHAPES)]
    async with committing(journal), anyio.create_task_group() as group:
        for image in images:
            group.start_soon(journal.intend, image.row, 1, NOW, image)
            journal.settle(result(image.row))
    assert len(journal._shapes) <= SHAPES
    assert {image.row: image for image, _ in journal.written()} == {image.row: image for image in images}


async def test_only_the_journal_of_a_night_tells_of_fields_and_the_last_word_on_a_row_counts(journal: Journal) -> None:
    told = (Told(("attributes", "a"), "drifted", "S", ABSENT), Told(("attributes", "b"), "kept", None, UNREAD))
    assert list(journal.held()) == []
    async with committing(journal):
        journal.hold(2, told[:1])
        journal.hold(1, told)
        await journal.flush()
        journal.hold(2, ())
    assert list(journal.held()) == [(1, told), (2, ())]


async def test_what_is_told_of_a_row_is_durable_no_later_than_its_intent(path: Path, journal: Journal) -> None:
    async with committing(journal):
        journal.hold(1, (Told(("attributes", "a"), "drifted", "S", "L"),))
        await journal.intend(1, 1, NOW)
        assert on_disk(path, "SELECT row FROM held") == [(1,)]


async def test_images_and_aims_are_read_back_in_the_order_of_the_rows(journal: Journal) -> None:
    images = [Image(row, "t", "x", (Edit(("attributes", "a"), 1, 2),)) for row in (1, 2)]
    async with committing(journal):
        for image in reversed(images):
            journal.aim(image.row, f"id{image.row}")
            await journal.intend(image.row, 1, NOW, image)
        journal.record_partial(1, images[0].edits)
    assert list(journal.images()) == [(images[0], True), (images[1], False)]
    assert list(journal.aims()) == [(1, "id1"), (2, "id2")]


def test_a_journal_that_is_closed_in_order_has_a_seal_that_changes_with_it(path: Path) -> None:
    assert seal_of(path) == b""
    Journal(path).close()
    first = seal_of(path)
    assert len(first) == 32
    with closing(Journal(path)) as journal:
        assert seal_of(path) == b""
        journal.begin("apply", NOW)
    assert len(seal_of(path)) == 32
    assert seal_of(path) != first
    path.with_name(".journal.sqlite3.sha256").write_text("no seal")
    assert seal_of(path) == b""


async def test_an_image_without_its_shape_is_damage_and_not_left_out(path: Path, journal: Journal) -> None:
    async with committing(journal):
        await journal.intend(1, 1, NOW, tagged(1, "vip"))
        journal.settle(result(1))
    with closing(sqlite3.connect(path)) as db, db:
        db.execute("DELETE FROM shape")
    with pytest.raises(JournalDamaged, match="it holds what no journal does"):
        list(journal.written())


async def test_an_attempt_is_in_doubt_until_it_is_known_to_be_safe_or_its_row_has_a_result(journal: Journal) -> None:
    async with committing(journal):
        for row in range(1, 7):
            await journal.intend(row, 1, NOW)
        journal.note(1, 1, SAFE)  # certainly changed nothing
        journal.settle(result(2))  # a reply was recorded
        journal.note(4, 1, "reply_lost")  # row 3: open
        await journal.intend(4, 2, NOW + 1)
        journal.note(5, 1, "timed_out")
        await journal.intend(5, 2, NOW + 2)
        journal.note(5, 2, SAFE)  # the earlier doubt stays
        journal.settle(result(6, Status.FAILED))
        await journal.intend(6, 2, NOW + 3)  # younger than its result: a retry was killed
    assert list(journal.doubts()) == [
        OpenAttempt(3, 1, "interrupted", NOW),
        OpenAttempt(4, 2, "interrupted", NOW + 1),
        OpenAttempt(5, 2, "timed_out", NOW),  # its later attempt was one all the same
        OpenAttempt(6, 2, "interrupted", NOW + 3),
    ]
    assert journal.attempts() == 9


async def test_an_intent_that_is_withdrawn_was_no_attempt(journal: Journal) -> None:
    async with committing(journal):
        await journal.intend(3, 1, NOW)
        await journal.intend(4, 1, NOW)
        journal.withdraw(3, 1)
    assert journal.attempts() == 1
    assert [doubt.row for doubt in journal.doubts()] == [4]
    assert journal.histories(9).earlier == {4: 1}


async def test_traces_tell_the_next_process_what_to_do_with_every_row(journal: Journal) -> None:
    async with committing(journal):
        for row in range(1, 6):
            await journal.intend(row, 1, NOW)
        journal.settle(result(1))
        journal.settle(result(2, Status.UNKNOWN, reason="reply_lost"))
        journal.settle(result(3, Status.REJECTED))
        journal.note(4, 1, SAFE)
        journal.settle(result(6, Status.PENDING, attempts=0, reason="after_unknown"))
    journal.begin("retry", NOW, [2, 3])
    histories = journal.histories(7)
    assert [histories.of(row) for row in range(1, 8)] == [
        RowHistory(settled=True),
        RowHistory(settled=True, redo=True, doubtful=True),  # unknown: the doubt outlives its being run again
        RowHistory(settled=True, redo=True),
        RowHistory(),  # sent, and safe to send again
        RowHistory(doubtful=True),
        RowHistory(settled=True, redo=True),  # held back by an earlier row: it runs again by itself
        RowHistory(),  # never reached
    ]
    assert [row for row in range(1, 8) if histories.matters(row)] == [2, 3, 4, 5, 6, 7]
    assert histories.reasons == {2: "reply_lost", 5: "interrupted"}
    assert histories.earlier == {2: 1, 3: 1, 4: 1, 5: 1}
    assert histories.answered == {}


async def test_what_a_server_has_answered_of_a_row_in_doubt_is_known(journal: Journal) -> None:
    async with committing(journal):
        for attempt in (1, 2, 3):
            await journal.intend(1, attempt, NOW)
        journal.note(1, 1, SAFE)
        journal.note(1, 2, "server_error")
        journal.note(1, 3, "reply_lost")
        await journal.intend(2, 1, NOW)
        journal.note(2, 1, SAFE)
    assert journal.histories(2).answered == {1: 2}


async def test_an_unknown_row_that_is_not_run_again_holds_back_later_rows(journal: Journal) -> None:
    async with committing(journal):
        journal.settle(result(2, Status.UNKNOWN, reason="reply_lost"))
    histories = journal.histories(3)
    assert [row for row in range(1, 4) if histories.unknown(row)] == [2]
    assert histories.matters(2)


async def test_a_row_that_was_run_again_is_settled_again(journal: Journal) -> None:
    async with committing(journal):
        journal.settle(result(1, Status.FAILED))
    journal.begin("retry", NOW, [1])
    with closing(Journal(journal.path)) as second:
        second.begin("retry", NOW)
        async with committing(second):
            await second.intend(1, 2, NOW)
            second.settle(result(1, attempts=2))
        assert second.histories(1).of(1) == RowHistory(settled=True)
        assert list(second.results()) == [result(1, attempts=2)]


async def test_the_windows_of_the_server_are_restored_from_what_was_answered_since(journal: Journal) -> None:
    async with committing(journal):
        await journal.intend(1, 1, NOW - 900)  # before the horizon
        await journal.intend(2, 1, NOW - 30)
        journal.settle(RowResult(RowRef(2, 0, b""), Status.APPLIED, at=NOW - 29))  # remembered already
        await journal.intend(3, 1, NOW - 12)
        journal.settle(RowResult(RowRef(3, 0, b""), Status.APPLIED, at=NOW - 8))
        await journal.intend(4, 1, NOW - 5)  # never answered: it may have been answered just now
    assert sorted(journal.answered_since(NOW - 10, NOW - 600, NOW)) == [NOW - 8, NOW]


def test_the_journal_holds_plain_json_that_other_programs_can_read(path: Path, journal: Journal) -> None:
    async def fill() -> None:
        async with committing(journal):
            journal.settle(RowResult(RowRef(1, 0, b""), Status.REJECTED, errors=(ApiError(title="t"),)))

    anyio.run(fill)
    ((errors,),) = on_disk(path, "SELECT errors FROM result")
    assert json.loads(str(errors))[0]["title"] == "t"
