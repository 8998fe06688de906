"""The file of a memory: private, whole or not there, looked at before it is trusted; and whose system it is about."""

import random
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from stat import S_IMODE
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobs.agreement.model import Agreed
from jobs.changes.exact import number
from jobs.model import ABSENT
from tests.worker.reconcile.kit import NIGHT, SHOP, TYPE, applied, attribute, folded, write
from worker.journal import JournalDamaged, JournalError
from worker.reconcile import Memory, MemoryDamaged, MemoryMissing, Night
from worker.reconcile.store import SHAPES
from worker.settings import ConfigError


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "prices.state"


@pytest.fixture
def memory(folder: Path) -> Iterator[Memory]:
    with closing(Memory.create(folder)) as memory:
        memory.bind([SHOP])
        yield memory


def fill(memory: Memory, tmp_path: Path) -> None:
    serial = memory.nights.begin(Night("n1", NIGHT))
    rows = [applied("R", {"s": 1.5, "t": number("0.10000000000000000000001")})]
    folded(memory, write(tmp_path / "journal.sqlite3", rows, NIGHT), serial, rows)


def test_a_memory_is_private(memory: Memory, folder: Path) -> None:
    memory.nights.begin(Night("n1", NIGHT))  # so that there is a log beside it
    assert {S_IMODE(path.stat().st_mode) for path in folder.iterdir() if path.suffix != ".sha256"} == {0o600}
    assert S_IMODE(folder.stat().st_mode) == 0o700
    assert next(memory.select("PRAGMA journal_mode")) == ("wal",)
    assert next(memory.select("PRAGMA synchronous")) == (2,)


def test_what_is_remembered_survives_a_new_process(memory: Memory, folder: Path, tmp_path: Path) -> None:
    fill(memory, tmp_path)
    value: Any = {"s": 1.5, "t": number("0.10000000000000000000001")}
    memory.close()
    with closing(Memory(folder)) as again:
        assert again.remembered(TYPE, "x") == {attribute("a"): Agreed(value, value)}
        assert again.remembered(TYPE, "y") == {}
        assert again.remembered(TYPE, "x", 2) == {}
        assert again.facts["lineage"] == memory.facts["lineage"]


def test_a_memory_that_is_not_there_is_no_first_night(folder: Path) -> None:
    with pytest.raises(MemoryMissing, match="--first"):
        Memory(folder)


def test_a_new_memory_appears_over_whatever_a_killed_process_left(folder: Path) -> None:
    folder.mkdir()
    (folder / "state.sqlite3.new").write_text("half a memory")
    (folder / "state.sqlite3.new-journal").write_text("and its rollback")
    Memory.create(folder).close()
    assert {path.name for path in folder.iterdir()} == {"state.sqlite3", ".state.sqlite3.sha256"}


def test_a_memory_that_cannot_be_written_says_so(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(JournalError, match="cannot write"):
        Memory.create(tmp_path / "file" / "prices.state")


def test_any_flipped_bit_of_a_closed_memory_is_noticed(memory: Memory, folder: Path, tmp_path: Path) -> None:
    fill(memory, tmp_path)
    memory.close()
    path = folder / "state.sqlite3"
    whole, dice = path.read_bytes(), random.Random(1)
    for _ in range(20):
        place = dice.randrange(len(whole))
        path.write_bytes(whole[:place] + bytes([whole[place] ^ 1 << dice.randrange(8)]) + whole[place + 1 :])
        with pytest.raises(MemoryDamaged, match=r"Put back a copy of .*, or move it away and begin with --first"):
            Memory(folder)
    path.write_bytes(whole)
    Memory(folder).close()


@pytest.mark.parametrize(
    ("statement", "why"),
    [
        ("PRAGMA application_id = 0x726F7770", "not a rowpatch memory"),
        ("UPDATE fact SET value = '2' WHERE name = 'schema'", "another version"),
        ("DELETE FROM fact WHERE name = 'hash_key'", "no memory does"),
        ("UPDATE fact SET value = 'x' WHERE name = 'hash_key'", "no memory does"),
    ],
)
def test_a_file_that_is_no_memory_of_this_version_is_refused(
    memory: Memory, folder: Path, statement: str, why: str
) -> None:
    memory.close()
    (folder / ".state.sqlite3.sha256").unlink()
    with closing(sqlite3.connect(folder / "state.sqlite3")) as db, db:
        db.execute(statement)
    with pytest.raises(JournalDamaged, match=why):
        Memory(folder)


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE record SET agreed = '7'",
        "UPDATE record SET agreed = '[]'",
        "UPDATE record SET agreed = '[{\"=\": 1}]'",
        "UPDATE record SET stored = '{\"7\": 1}'",
        "UPDATE record SET stored = '{\"x\": 1}'",
        "UPDATE record SET shape = 77",
        "UPDATE shape SET fields = '7'",
    ],
)
def test_a_record_that_holds_what_no_memory_does_is_damage(memory: Memory, tmp_path: Path, statement: str) -> None:
    fill(memory, tmp_path)
    memory.db.execute(statement)
    with pytest.raises(JournalDamaged, match="no memory does"):
        memory.remembered(TYPE, "x")


# Digests


PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers(-3, 3) | st.sampled_from([1.0, 1.5, "", "1", "absent"]),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from("ab"), inner, max_size=2),
)
VALUES = PLAIN | st.just(ABSENT)


def strict(value: Any) -> Any:
    """What tells values apart: true is not 1, 1.0 is."""
    if isinstance(value, dict):
        return ("object", frozenset((name, strict(each)) for name, each in value.items()))
    if isinstance(value, list):
        return ("list", tuple(map(strict, value)))
    return (isinstance(value, bool), value)


@pytest.fixture(scope="module")
def sealing(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Memory]:
    with closing(Memory.create(tmp_path_factory.mktemp("sealing"))) as memory:
        yield memory


@given(VALUES, VALUES)
def test_one_digest_stands_for_equal_values_and_for_no_others(sealing: Memory, one: Any, other: Any) -> None:
    assert (sealing.seal(one) == sealing.seal(other)) == (strict(one) == strict(other))


def test_another_memory_has_other_digests(memory: Memory, tmp_path: Path) -> None:
    with closing(Memory.create(tmp_path / "other")) as other, closing(Memory.create(tmp_path / "same", b"key")) as same:
        assert other.seal("x") != memory.seal("x")
        with closing(Memory.create(tmp_path / "again", b"key")) as again:
            exact: Any = number("1.00000000000000000001")
            assert again.seal(exact) == same.seal(exact)


# Whose system


def test_the_system_that_a_job_updates_stays_the_same(memory: Memory) -> None:
    assert memory.bind([SHOP]) == memory.bind([SHOP]) == [1]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"url": "https://other.example.com"}, "url https://acme.example.com; now it is url https://other.example.com"),
        ({"account": "o2"}, "account o1; now it is account o2"),
        ({"mode": ""}, "mode live; now it is mode .none."),
        ({"api": "crm", "mode": "test"}, "api commercelayer, mode live; now it is api crm, mode test"),
    ],
)
def test_another_system_is_refused(memory: Memory, change: dict[str, str], said: str) -> None:
    with pytest.raises(ConfigError, match=f"always updated {said}"):
        memory.bind([replace(SHOP, **change)])
    assert memory.bind([SHOP]) == [1]


def test_a_shop_more_or_less_is_no_other_system(memory: Memory) -> None:
    more = replace(SHOP, url="https://more.example.com")
    assert memory.bind([more, SHOP]) == [2, 1]
    assert memory.bind([SHOP]) == [1]
    assert memory.bind([more]) == [2]
    with pytest.raises(ConfigError):
        memory.bind([more, replace(SHOP, url="https://third.example.com")])


def test_shapes_beyond_those_that_are_cached_are_read_again(memory: Memory, tmp_path: Path) -> None:
    fill(memory, tmp_path)
    memory._shapes.update(dict.fromkeys(range(-SHAPES, 0), ()))
    assert memory.remembered(TYPE, "x")
    assert len(memory._shapes) == 1
