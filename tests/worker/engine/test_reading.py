"""What is read of records, and when it is told."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest

from jobs.apis.api import Api
from jobs.changes.diff import Change
from jobs.model import Fields, Live, Path, RowRef, UpdateJob
from tests.commerce_layer import COMMERCE_LAYER
from tests.worker.policy.sizes import Sizes
from worker.clock import Clock, Moment
from worker.engine.reading import Reading
from worker.lane.reference_pages import Referenced
from worker.policy.guards import Guards
from worker.policy.row import MAX_READ_AGE_S, Found, InFlightRow, RecentWrites
from worker.policy.sequencer import KeyPage, ReadPage, Refused, Sequencer
from worker.policy.verdict import Settle
from worker.stop import Stop

NAME = Fields(frozenset({"name"}))
WALL = 1_800_000_000.0


@dataclass
class Records:
    """A lookup that finds what the test says, and stops the run if it is told to."""

    records: Mapping[str, Live] = field(default_factory=dict)
    ids: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    stop: Stop | None = None
    asked: list[Any] = field(default_factory=list)
    api: Api = COMMERCE_LAYER

    async def live(self, kind: str, ids: Sequence[str], fields: Fields) -> Found:
        self.asked.append((kind, tuple(ids), fields))
        self._stop()
        found = {each: self.records[each] for each in ids if each in self.records}
        return Found(found, dict.fromkeys(found, Moment(5.0, 5.0)), frozenset(set(ids) - found.keys()))

    async def referenced(self, kind: str, references: Sequence[str]) -> Referenced:
        self.asked.append((kind, tuple(references)))
        self._stop()
        return Referenced({each: self.ids[each] for each in references if each in self.ids})

    async def record(self, _kind: str, key: str) -> Live | None:
        return self.records.get(key)

    def _stop(self) -> None:
        if self.stop is not None:
            self.stop.request("interrupted")


def row(number: int, key: str = "a", reference: str = "") -> InFlightRow:
    job = UpdateJob(RowRef(number, number, b""), "orders", key, {"name": "new"}, reference=reference)
    return InFlightRow(job, "orders")


def decided(each: InFlightRow, live: Live) -> Change | Settle:
    return Settle("as_wanted") if live.attributes["name"] == "new" else Change({"name": "new"})


def reading(lookup: Records, *rows: InFlightRow, **how: Any) -> Reading:
    sequencer = Sequencer(decided, Sizes(25, 24), lambda _: (), facts={})
    for each in rows:
        sequencer.feed(each)
    sequencer.end()
    clock = Clock(now=lambda: 10.0, wall=lambda: WALL)
    return Reading(sequencer, lookup, Guards(), RecentWrites(), clock, lookup.stop or Stop(), **how)  # type: ignore[arg-type]


def old(name: str = "old") -> Live:
    return Live("orders", {"name": name}, fields=NAME)


def page(of: Reading) -> Any:
    return of.sequencer.next_page(100)


async def test_a_page_is_read_with_what_its_rows_set_and_its_rows_are_decided() -> None:
    lookup = Records({"a": old(), "b": old("new")})
    of = reading(lookup, row(1), row(2, "b"))
    await of.read(page(of))
    assert lookup.asked == [("orders", ("a", "b"), NAME)]
    assert (len(of.sequencer.ready), of.sequencer.is_done) == (1, False)


async def test_what_the_run_wrote_a_moment_ago_counts_over_what_a_read_shows() -> None:
    of = reading(Records({"a": old()}), row(1))
    of.recent.add("a", frozenset({"orders"}), Change({"name": "new"}), 9.0)
    await of.read(page(of))
    assert of.sequencer.is_done  # the record is as wanted


async def test_what_was_found_once_the_run_ends_is_not_told() -> None:
    lookup = Records({"a": old("new")}, {"r": ("a",)}, Stop())
    of = reading(lookup, row(1))
    wanted = page(of)
    assert isinstance(wanted, ReadPage)
    await of.read(wanted)
    await of.again(wanted.rows[0])
    assert (wanted.rows[0].live, of.sequencer.out) == (None, [])
    aimed = reading(Records({}, {"r": ("a",)}, Stop()), row(1, "", "r"))
    await aimed.look_up(page(aimed))
    assert aimed.sequencer.out == []


async def test_a_row_in_hand_is_read_again_and_decided_anew() -> None:
    lookup = Records({"a": old()})
    of = reading(lookup, row(1))
    await of.read(page(of))
    hand = of.sequencer.next_row()
    assert hand is not None
    lookup.records = {"a": old("new")}
    await of.again(hand)
    assert hand.verdict == Settle("as_wanted")


@pytest.mark.parametrize(("key", "answers"), [("a", True), ("b", False)])
async def test_a_server_that_was_down_answers_where_the_record_can_be_read(key: str, answers: bool) -> None:
    assert await reading(Records({"a": old()})).answers(row(1, key)) is answers


@pytest.mark.parametrize(
    ("now", "wall", "stale"),
    [
        (MAX_READ_AGE_S, MAX_READ_AGE_S, False),
        (MAX_READ_AGE_S + 1, 0.0, True),
        (1.0, MAX_READ_AGE_S + 1, True),  # the machine slept: one of the clocks stood still
    ],
)
def test_a_record_is_stale_by_whichever_clock_counts_more(now: float, wall: float, stale: bool) -> None:
    of, each = reading(Records()), row(1)
    of.clock = Clock(now=lambda: 100.0 + now, wall=lambda: WALL + wall)
    each.read_at = Moment(100.0, WALL)
    assert not of.is_stale(each)  # it was not read at all
    each.live = old()
    assert of.is_stale(each) is stale


async def test_references_are_looked_up_by_type_and_rows_overtaken_meanwhile_are_not_sent() -> None:
    lookup = Records({}, {"r1": ("a",), "r2": ("b",)})

    def overtaken(number: int, key: str) -> Collection[Path]:
        return [("attributes", "name")] if (number, key) == (2, "b") else []

    of = reading(lookup, row(1, "", "r1"), row(2, "", "r2"), row(3, "c"), overtaken=overtaken)
    wanted = page(of)
    assert isinstance(wanted, KeyPage)
    await of.look_up(wanted)
    assert lookup.asked == [("orders", ("r1", "r2"))]
    reasons = [effect.settle.reason for effect in of.sequencer.out if isinstance(effect, Refused)]
    assert reasons == ["superseded"]
    assert page(of).ids == ["a", "c"]


@pytest.mark.parametrize(("written", "waited"), [({}, []), ({"a": WALL - 2.0}, [3.0]), ({"b": WALL}, [])])
async def test_reads_wait_until_they_show_what_an_earlier_process_has_just_written(
    written: Mapping[str, float], waited: list[float], monkeypatch: pytest.MonkeyPatch
) -> None:
    of, slept = reading(Records({"a": old()}), row(1), written=written), list[float]()

    async def sleep(seconds: float) -> bool:
        slept.append(seconds)
        return True

    monkeypatch.setattr(of.stop, "sleep", sleep)
    await of.read(page(of))
    assert slept == waited
