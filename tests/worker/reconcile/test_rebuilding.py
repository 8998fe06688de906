"""A memory that is lost can be made again: the kept runs say everything that it said."""

from collections.abc import Sequence
from contextlib import ExitStack, closing
from dataclasses import replace
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobs.agreement.model import FieldRules
from tests.schemas import TERMS
from tests.worker.reconcile.kit import DAY, NIGHT, QUICK, SHOP, TYPE, Row, applied, attribute, content, folded, write
from tests.worker.reconcile.test_folding import NIGHTS
from worker.journal import History, JournalDamaged
from worker.reconcile import KeptRun, Memory, Named, Night, Run, rebuild

KEY = b"the job's own"
RULES = FieldRules(sealed=frozenset({attribute("b")}))


def kept_run(
    stack: ExitStack, path: Path, night: Night, rows: Sequence[Row], named: list[Named | None] | None
) -> KeptRun:
    def run(serial: int) -> Run:
        jobs = (row.job(number) for number, row in enumerate(rows, 1))
        return Run(serial, jobs, TERMS, RULES, 1, night.state == "undo", named)

    return KeptRun(night, (SHOP,), stack.enter_context(closing(History(path))), run)


@given(NIGHTS, st.lists(st.sampled_from(["x", "y", None]), max_size=3), st.booleans())
def test_a_memory_is_the_same_when_it_is_made_again(
    nights: Sequence[tuple[Row, ...]], named: list[str | None], is_undone: bool
) -> None:
    runs = [tuple(rows) for rows in nights] + ([(applied("S", "R"),)] if is_undone else [])
    source = [None if each is None else Named(TYPE, each) for each in named]
    with TemporaryDirectory(dir=QUICK) as name, ExitStack() as stack:
        folder, kept = Path(name), []
        memory = Memory.create(folder / "first.state", KEY)
        memory.bind([SHOP])
        for number, rows in enumerate(runs):
            state = "undo" if number == len(nights) else "accepted"
            night = Night(f"n{number}", NIGHT + number * DAY, state=state)  # type: ignore[arg-type]  # one of the states
            path = write(folder / f"{number}.sqlite3", rows, night.started)
            keys = source if state == "accepted" else None
            folded(memory, path, memory.nights.begin(night), rows, RULES, keys, is_undo=state == "undo")
            kept.append(kept_run(stack, path, night, rows, keys))
        again = rebuild(folder / "again.state", kept, KEY)
        assert content(again) == content(memory)
        again.close()
        memory.close()


def test_a_memory_that_is_there_is_not_made_again(tmp_path: Path) -> None:
    Memory.create(tmp_path / "s").close()
    with pytest.raises(FileExistsError, match="move"):
        rebuild(tmp_path / "s", [])


def test_a_memory_that_cannot_be_made_again_whole_does_not_appear(tmp_path: Path) -> None:
    rows = (Row("x"),)
    with ExitStack() as stack:
        path = write(tmp_path / "1.sqlite3", rows, NIGHT)
        kept = kept_run(stack, path, Night("n1", NIGHT), (replace(rows[0], id="y"),), None)
        make = partial(rebuild, tmp_path / "prices.state")
        with pytest.raises(JournalDamaged):
            make([kept])
        assert not (tmp_path / "prices.state").exists()
        make([kept_run(stack, path, Night("n1", NIGHT), rows, None)]).close()
    assert [each.name for each in tmp_path.glob("*.state*")] == ["prices.state"]
