"""Every line of the table of evils: the row ends as it says, and the server's truth agrees."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from tests.system.hostile.evils import EVILS, Evil
from tests.system.hostile.judge import judge
from tests.system.hostile.patterns import Allowed, Ending, Mode
from tests.system.hostile.server import Crime, Server
from tests.system.hostile.stage import CASE, SAFE, TRIGGER, Row, key, perform
from tests.system.hostile.truth import Asked
from tests.system.scenarios.harness import Story

Lot = tuple[Mode, bool, Allowed]
"""A situation, whether every PATCH meets the evil, and how its row should end."""

MOST_READ = 8 << 20
"""Bytes: the megabyte that is read of a reply, and what the system buffers on the way."""

BYSTANDER = Ending("applied", "", 1)


def lots(evil: Evil, reading: str) -> Iterator[Lot]:
    """The rows that meet the evil in one way of reading."""
    for mode, line in evil.modes.items():
        if mode.reading == reading:
            yield mode, True, line.always
            yield mode, False, line.once


def acts_of(evil: Evil, reading: str) -> list[list[Lot]]:
    """The runs it takes: one, or one a row where the run ends at the evil."""
    listed = list(lots(evil, reading))
    return [[lot] for lot in listed] if evil.pattern.halts else [listed]


def played(evil: Evil, act: list[Lot], directory: Path, *, blind: bool) -> tuple[list[Row], Server, Story]:
    """A sheet in which each row that meets the evil stands between two that meet none."""
    rows, crimes = [Row(key(0))], dict[str, tuple[Crime, bool]]()
    for number, (mode, always, _) in enumerate(act):
        victim = Row(key(2 * number + 1), SAFE if mode.kind == "safe" else TRIGGER)
        crimes[victim.id] = evil.crime(applies=mode.done), always
        rows += [victim, Row(key(2 * number + 2), victim.kind)]

    def crime(asked: Asked, nth: int) -> Crime | None:
        found, always = crimes.get(asked.id, (None, False))
        return found if asked.method == "PATCH" and (always or nth == 1) else None

    server = Server(crime=crime)
    case = replace(CASE, blind=blind)
    return rows, server, perform(case, rows, server, directory)


def ended(row: int, story: Story, server: Server, resource_id: str) -> Ending:
    """How a row ended; `stopped`, and why, when the run stopped and left it without a result."""
    results = {result.ref.row: result for result in story.results}
    if row in results:
        return Ending(results[row].status, results[row].reason, results[row].attempts)
    return Ending(story.ended.state, story.ended.message.partition(":")[0], len(server.truth.patches(resource_id)))


@pytest.mark.parametrize("reading", ["first", "blind"])
@pytest.mark.parametrize("evil", EVILS, ids=lambda evil: evil.name)
def test_a_row_that_meets_an_evil_ends_as_the_table_says(evil: Evil, reading: str, place: Path) -> None:
    told: list[tuple[Lot, Ending]] = []
    for number, act in enumerate(acts_of(evil, reading)):
        rows, server, story = played(evil, act, place / str(number), blind=reading == "blind")
        endings = [ended(at, story, server, row.id) for at, row in enumerate(rows, 1)]
        told += zip(act, endings[1::2], strict=True)
        # whoever stands beside it is none the worse, and the server saw each attempt that is told and no other
        assert evil.pattern.halts or set(endings[::2]) == {BYSTANDER}
        assert [ending.patches for ending in endings] == [len(server.truth.patches(row.id)) for row in rows]
        assert evil.pattern.halts or judge(rows, story.results, server.truth) == []
        assert server.strangers == 0
        assert server.truth.most_poured < MOST_READ
    assert [(lot, ended) for lot, ended in told if not lot[2].allows(ended)] == []
