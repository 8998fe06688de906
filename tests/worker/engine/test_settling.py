"""Rows in doubt: when their records are read, what settles them, and what they hold up meanwhile."""

from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any, Final

import anyio
import pytest

from jobs.changes.diff import Change
from jobs.model import ABSENT, UNREAD, Edit, Fields, Live, MaybeSent, Outcome, Reply
from tests.commerce_layer import COMMERCE_LAYER
from tests.virtual_time import run
from tests.worker.engine.scene import Notes, Records, Shown, clock, decide, found, live, now, row
from tests.worker.policy.sizes import Sizes
from worker.engine import settling as module
from worker.engine.bells import Bell, Bells
from worker.engine.outcomes import Outcomes
from worker.engine.settling import MAX_DELAY_S, MAX_OUTAGE_S, READ_AT_S, Settling
from worker.policy.guards import Guards
from worker.policy.lifecycle import State
from worker.policy.row import READ_LAG_S, InFlightRow, RecentWrites
from worker.policy.sequencer import ReadPage, Sequencer
from worker.policy.verdict import ReadBack, Settle
from worker.stop import Stop

LOST: Final = MaybeSent("reply_lost", "the connection broke")
QUESTION: Final = ReadBack("reply_lost", "the connection broke")
EARLIER: Final = ReadBack("interrupted", "an earlier process left it")
SENT: Final = (Edit(("attributes", "name"), "old", "new"),)
ALL: Final = list(READ_AT_S)
OLD: Final = "unknown reply_lost"
APPLIED: Final = "applied read_back"


def by_question(each: InFlightRow, shown: Live) -> Change | Settle | ReadBack:
    return EARLIER if each.doubt else decide(each, shown)


@dataclass
class Scene:
    """Rows that were sent and are in doubt, or that an earlier process left so."""

    records: Records = field(default_factory=Records)
    is_down: Callable[[float], bool] = lambda _: False
    settlers: int = 1
    notes: Notes = field(default_factory=Notes)
    bells: Bells = field(default_factory=Bells)
    stop: Stop = field(default_factory=Stop)

    def __post_init__(self) -> None:
        this: Any = self.notes
        lookup: Any = self.records
        self.sequencer = Sequencer(by_question, Sizes(1, 1), lambda _: (), facts={})
        self.outcomes = Outcomes(
            COMMERCE_LAYER, self.sequencer, this, Guards(), RecentWrites(), self.bells, clock(), self.stop
        )
        down = lambda: self.is_down(now())  # noqa: E731  # one line
        self.settling = Settling(lookup, self.outcomes, self.bells, clock(), self.stop, down)
        self.stop.on_request(self.bells.ring)

    def read(self, each: InFlightRow) -> InFlightRow:
        self.sequencer.feed(each)
        page = self.sequencer.next_page(1000)
        assert isinstance(page, ReadPage)
        self.sequencer.read(page, found(each))
        self.outcomes.drain()
        return each

    def doubt(self, each: InFlightRow, question: ReadBack = QUESTION, outcome: Outcome = LOST) -> InFlightRow:
        """Have a row sent, and in doubt."""
        image = each.image
        self.read(each)
        assert self.sequencer.next_row() is each
        each.image = image or each.image
        each.state, each.attempts = State.INTENDED, 1
        self.outcomes.doubt(each, question, outcome)
        self.settling.add(each, question, outcome)
        return each

    async def settle(self, *then: tuple[float, Callable[[], object]], until: float = 200.0) -> float:
        """Settle what is in doubt, and do things at their times; return when all readers had ended."""
        with anyio.fail_after(10_000):  # who waits for ever is told so, in virtual time
            async with anyio.create_task_group() as group:
                for _ in range(self.settlers):
                    group.start_soon(self.settling.run)
                async with anyio.create_task_group() as others:
                    for at, what in then:
                        others.start_soon(self._later, at, what)
                if not self.stop.reason:
                    await anyio.sleep(until - now())
                    self.settling.end()
        return now()

    @staticmethod
    async def _later(at: float, what: Callable[[], object]) -> None:
        await anyio.sleep(at)
        what()


async def heard(bell: Bell, times: list[float]) -> None:
    while True:
        await bell.wait()
        times.append(now())


def changes(at: float, before: Shown, after: Shown) -> Callable[[str, float], Shown]:
    return lambda _key, time: after if time >= at else before


# ---- when a record is read, and what settles its row


@pytest.mark.parametrize(
    ("shows", "times", "end", "message"),
    [
        (changes(0, None, live("new")), [0.0], APPLIED, "the record shows that it was applied"),
        (changes(3, live(), live("new")), ALL[:4], APPLIED, "the record shows that it was applied"),
        (changes(10, live(), live("new")), ALL, APPLIED, "the record shows that it was applied"),
        (changes(10.1, live(), live("new")), ALL, OLD, "the record keeps the old value"),
        (changes(0, None, live("other")), ALL, OLD, "the connection broke"),
        (changes(0, live(), None), [0.0], OLD, "the connection broke"),
        (changes(1, live(), None), ALL[:3], OLD, "the record keeps the old value"),
        (changes(0, None, "it answered 500"), ALL, OLD, "the connection broke"),
        (changes(1, "it answered 500", live("new")), ALL[:3], APPLIED, "the record shows that it was applied"),
        (changes(1, live(), "it answered 500"), ALL, OLD, "the record keeps the old value"),
    ],
    ids=[
        "new at once", "new after 3 s", "new after 10 s", "new too late", "something else", "missing", "gone",
        "never read", "read late", "read at first",
    ],
)  # fmt: skip
def test_a_record_is_read_until_it_proves_something_or_ten_seconds_are_over(
    shows: Callable[[str, float], Shown], times: list[float], end: str, message: str
) -> None:
    async def story() -> Scene:
        scene = Scene(Records(shows))
        scene.doubt(row(1))
        await scene.settle()
        return scene

    scene = run(story())
    assert (scene.records.times, scene.notes.ends()) == (times, {1: end})
    assert message in scene.notes.results[1].message
    assert (scene.settling._open, scene.sequencer.is_done) == (0, False)


@pytest.mark.parametrize(
    ("question", "shown", "times", "end"),
    [
        (ReadBack("unverified", "204", stale="not_taken"), live(), ALL, "unknown not_taken"),
        (ReadBack("unverified", "204", stale="not_taken"), live("NEW"), [0.0], "applied unverified"),
        (ReadBack("unverified", "204", stale="not_taken"), live("new"), [0.0], APPLIED),
    ],
)
def test_after_a_success_another_value_is_a_form_of_the_apis_own_and_the_old_one_is_not_taken(
    question: ReadBack, shown: Live, times: list[float], end: str
) -> None:
    async def story() -> Scene:
        scene = Scene(Records(lambda _key, _time: shown))
        scene.doubt(row(1), question, Reply(204, {}))
        await scene.settle()
        return scene

    scene = run(story())
    assert (scene.records.times, scene.notes.ends()) == (times, {1: end})
    assert scene.notes.results[1].http == 204


@pytest.mark.parametrize(("fires", "end"), [(False, APPLIED), (True, OLD)])
def test_a_new_value_that_nobody_compared_with_the_old_proves_no_action(fires: bool, end: str) -> None:
    async def story() -> Scene:
        scene = Scene(Records(lambda _key, _time: live("new")))
        triggers = {"_capture": True} if fires else {}
        scene.doubt(row(1, triggers=triggers, image=(Edit(("attributes", "name"), UNREAD, "new"),)))
        await scene.settle()
        return scene

    scene = run(story())
    assert (scene.records.times, scene.notes.ends()) == ([0.0], {1: end})


@pytest.mark.parametrize(
    ("fires", "message"), [(False, "it broke; the record keeps the old value"), (True, "it broke")]
)
def test_a_tag_that_is_not_there_says_nothing_about_an_action(fires: bool, message: str) -> None:
    """The API discards tags that it does not know, and applies the rest."""
    image = (Edit(("attributes", "name"), "old", "new"), Edit(("tags", "vip"), ABSENT, True))
    shown = Live("orders", {"name": "other"}, tags=frozenset())

    async def story() -> Scene:
        scene = Scene(Records(lambda _key, _time: shown))
        triggers = {"_capture": True} if fires else {}
        scene.doubt(row(1, triggers=triggers, image=image), ReadBack("reply_lost", "it broke"))
        await scene.settle()
        return scene

    scene = run(story())
    assert scene.notes.results[1].message == message


def test_the_form_in_which_the_api_stores_a_value_is_kept_once_the_record_shows_it() -> None:
    async def story() -> Scene:
        scene = Scene(Records(lambda _key, _time: live("new line\n")))
        scene.doubt(row(1, attributes={"name": "new line\r\n"}))
        await scene.settle()
        return scene

    assert run(story()).notes.lines[-2:] == ["stored 1", "settle 1 applied read_back"]


def test_the_row_behind_is_decided_by_what_the_last_read_showed() -> None:
    async def story() -> tuple[Scene, InFlightRow]:
        scene = Scene(Records(changes(1, live(), live("new"))))
        scene.doubt(row(1, "a"))
        behind = row(2, "a")
        scene.sequencer.feed(behind)
        await scene.settle()
        return scene, behind

    scene, behind = run(story())
    assert scene.notes.ends() == {1: APPLIED, 2: "unchanged as_wanted"}
    assert (behind.live, behind.read_at.loop) == (live("new"), 1.5)


@pytest.mark.parametrize(
    ("outcome", "begins"),
    [
        (Reply(202, {"retry-after": "7"}), 7.0),
        (Reply(202, {"retry-after": "Fri, 15 Jan 2027 08:00:05 GMT"}), 5.0),
        (Reply(202, {"retry-after": "4000"}), MAX_DELAY_S),
        (Reply(202, {"retry-after": "soon"}), 0.0),
        (Reply(202, {}), 0.0),
        (Reply(503, {"retry-after": "7"}), 0.0),
        (LOST, 0.0),
    ],
)
def test_only_a_202_says_when_it_is_worth_reading(outcome: Outcome, begins: float) -> None:
    async def story() -> Scene:
        scene = Scene()
        scene.doubt(row(1), ReadBack("accepted", "202"), outcome)
        await scene.settle()
        return scene

    assert run(story()).records.times == [begins + each for each in READ_AT_S]


def test_a_record_that_the_run_wrote_a_moment_ago_is_read_once_reads_show_that() -> None:
    async def story() -> Scene:
        scene = Scene()
        scene.doubt(row(1, written_at=-1.0))
        scene.doubt(row(2, written_at=-READ_LAG_S))
        await scene.settle(until=5.0)
        return scene

    asked = run(story()).records.asked
    assert [at for at, _, ids in asked if "k1" in ids] == [4.0, 4.5]
    assert [at for at, _, ids in asked if "k2" in ids] == ALL[:4]


# ---- a server that is down, and reads that fail


def test_while_nobody_gets_an_answer_a_failed_read_says_nothing_about_the_row() -> None:
    async def story() -> Scene:
        scene = Scene(Records(changes(20, "unreachable", live("new"))), is_down=lambda time: time < 20)
        scene.doubt(row(1))
        await scene.settle()
        return scene

    scene = run(story())
    assert scene.records.times == [each / 2 for each in range(41)]
    assert scene.notes.ends() == {1: APPLIED}


@pytest.mark.parametrize("back", [10.0, 20.0])
def test_an_old_value_after_an_outage_is_late_enough_to_give_up_at_once(back: float) -> None:
    async def story() -> Scene:
        scene = Scene(Records(changes(back, "unreachable", live())), is_down=lambda time: time < back)
        scene.doubt(row(1))
        await scene.settle()
        return scene

    scene = run(story())
    assert (scene.records.times[-2:], scene.notes.ends()) == ([back - 0.5, back], {1: OLD})


def test_a_record_that_is_read_while_updates_get_no_answer_is_read_as_ever() -> None:
    async def story() -> Scene:
        scene = Scene(is_down=lambda _: True)
        scene.doubt(row(1))
        await scene.settle()
        return scene

    assert run(story()).records.times == ALL


def test_an_outage_is_waited_for_so_long_and_three_reads_are_tried_after_that() -> None:
    async def story() -> Scene:
        scene = Scene(Records(lambda _key, _time: "unreachable"), is_down=lambda _: True)
        scene.doubt(row(1))
        await scene.settle()
        return scene

    scene = run(story())
    assert scene.records.times[-4:] == [MAX_OUTAGE_S - 0.5] + [MAX_OUTAGE_S] * 3
    assert scene.notes.ends() == {1: OLD}


def test_reads_that_fail_again_after_an_outage_are_three_in_all_whenever_they_failed() -> None:
    async def story() -> Scene:
        down = lambda time: 1 < time < 20  # noqa: E731  # one line
        scene = Scene(Records(lambda _key, _time: "it answered 500"), is_down=down)
        scene.doubt(row(1))  # two reads fail before the outage
        await scene.settle()
        return scene

    scene = run(story())
    assert scene.records.times[:2] == [0.0, 0.5]
    assert scene.records.times[-2:] == [19.5, 20.0]
    assert scene.notes.ends() == {1: OLD}


# ---- pages


def test_pages_are_of_one_type_and_no_longer_than_a_page() -> None:
    async def story() -> Records:
        scene = Scene(Records(lambda key, _time: live("new", "skus" if key in {"k2", "k4"} else "orders")))
        for number in range(1, COMMERCE_LAYER.page + 8):
            scene.doubt(row(number, kind="skus" if number in {2, 4} else "orders"))
        await scene.settle()
        return scene.records

    asked = run(story()).asked
    assert [(kind, len(ids)) for _, kind, ids in asked] == [("orders", COMMERCE_LAYER.page), ("skus", 2), ("orders", 5)]
    assert asked[0][2][:3] == ("k1", "k3", "k5")
    assert [at for at, _, _ in asked] == [0.0] * 3


def test_rows_that_come_to_be_in_doubt_within_a_beat_are_read_together() -> None:
    async def story() -> Records:
        scene = Scene(Records(lambda _key, _time: live("new")))
        await scene.settle(
            (0.05, lambda: scene.doubt(row(1))), (0.2, lambda: scene.doubt(row(2))), (0.3, lambda: scene.doubt(row(3)))
        )
        return scene.records

    assert [(at, ids) for at, _, ids in run(story()).asked] == [(0.25, ("k1", "k2")), (0.5, ("k3",))]


def test_what_is_read_is_what_the_rows_of_the_page_set() -> None:
    async def story() -> Records:
        scene = Scene(Records(lambda _key, _time: None))
        scene.doubt(row(1))
        scene.doubt(row(2, attributes={"code": "c"}))
        await scene.settle()
        return scene.records

    records = run(story())
    assert records.wanted == [Fields(frozenset({"name", "code"}))]
    assert records.patience == {False}  # a doubt that lasts is no reason to wait for a server, or to end the run


@pytest.mark.parametrize(("settlers", "times"), [(1, [0.0, 1.0]), (2, [0.0, 0.0])])
def test_two_pages_are_read_at_once_by_two(settlers: int, times: list[float]) -> None:
    async def story() -> Records:
        scene = Scene(Records(lambda _key, _time: None, takes=1.0), settlers=settlers)
        scene.doubt(row(1))
        scene.doubt(row(2, kind="skus"))
        await scene.settle()
        return scene.records

    assert run(story()).times == times


# ---- what rows in doubt hold up


def test_so_many_rows_in_doubt_that_no_further_ones_are_read_until_one_is_settled(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module, "MAX_IN_DOUBT_ROWS", 3)

    async def story() -> tuple[list[float], list[bool], Scene]:
        scene = Scene(Records(lambda key, time: live("new") if key == "k2" and time >= 3 else live()))
        rung, full = list[float](), list[bool]()
        for number in (1, 2):
            scene.doubt(row(number))
        full.append(scene.settling.is_full)
        scene.read(row(3, doubt="interrupted", image=SENT))
        full.append(scene.settling.is_full)  # those that wait to be taken count too
        async with anyio.create_task_group() as group:
            group.start_soon(heard, scene.bells.room, rung)
            await scene.settle((2.0, lambda: full.append(scene.settling.is_full)), until=5.0)
            full.append(scene.settling.is_full)
            group.cancel_scope.cancel()
        return rung, full, scene

    rung, full, scene = run(story())
    assert (rung, full) == ([3.5], [False, True, True, False])
    assert scene.notes.ends() == {2: APPLIED}


def test_too_many_doubts_without_a_success_hold_what_is_sent_until_one_is_settled(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module, "HOLD_AFTER_ROWS", 2)

    async def story() -> tuple[list[float], list[bool]]:
        scene = Scene(Records(lambda key, time: None if key == "k2" and time >= 3 else live()))
        rung, holds = list[float](), [scene.settling.holds]
        for number in (1, 2):
            scene.doubt(row(number))
            holds.append(scene.settling.holds)
        async with anyio.create_task_group() as group:
            group.start_soon(heard, scene.bells.rows, rung)
            await scene.settle((3.4, lambda: holds.append(scene.settling.holds)), until=5.0)
            holds.append(scene.settling.holds)
            group.cancel_scope.cancel()
        return rung, holds

    assert run(story()) == ([3.5], [False, False, True, True, False])


def test_a_success_and_a_doubt_that_turns_out_well_let_all_go_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "HOLD_AFTER_ROWS", 2)

    async def story() -> list[bool]:
        scene = Scene(Records(lambda key, _time: live("new") if key == "k3" else live()))
        holds = list[bool]()

        def note() -> None:
            holds.append(scene.settling.holds)

        for number in (1, 2):
            scene.doubt(row(number))
        note()
        scene.settling.succeeded()
        note()  # nothing is unproven any more
        scene.doubt(row(3))
        note()
        scene.doubt(row(4))
        note()
        await scene.settle(until=0.1)  # the third was applied
        note()
        for number in (5, 6, 7):
            scene.doubt(row(number))
        note()  # rows with that reason hold nobody up any more
        for number in (8, 9):
            scene.doubt(row(number), ReadBack("accepted", "202"))
            note()  # others do, and the fourth is forgotten
        return holds

    assert run(story()) == [True, False, False, True, False, False, False, True]


@pytest.mark.parametrize(("shown", "holds"), [(live("NEW"), False), (None, True)])
def test_a_doubt_that_ends_in_no_success_proves_nothing_for_others(
    shown: Shown, holds: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "HOLD_AFTER_ROWS", 2)
    question = ReadBack("unverified", "204", stale="not_taken") if shown else QUESTION

    async def story() -> bool:
        scene = Scene(Records(lambda key, _time: shown if key == "k1" else live()))
        scene.doubt(row(1), question)
        await scene.settle(until=0.1)
        for number in (2, 3):
            scene.doubt(row(number), question)
        return scene.settling.holds

    assert run(story()) is holds


# ---- doubts of an earlier process, and the end


def test_doubts_of_an_earlier_process_are_taken_and_read_as_those_of_this_one() -> None:
    async def story() -> Scene:
        scene = Scene(Records(changes(4, live(), live("new"))))
        await scene.settle((3.0, lambda: scene.read(row(1, doubt="interrupted", image=SENT))))
        return scene

    scene = run(story())
    assert scene.records.times == [3.0, 3.5, 4.5]
    assert scene.notes.lines == ["settle 1 applied read_back"]  # the doubt itself was in the journal already
    assert not scene.outcomes.doubtful


def test_rows_in_doubt_at_the_end_of_the_run_are_left_to_a_later_process() -> None:
    async def story() -> tuple[Scene, list[InFlightRow], float]:
        scene = Scene(settlers=2)
        rows = [scene.doubt(row(number)) for number in (1, 2)]

        def stop() -> None:
            rows.append(scene.read(row(3, doubt="interrupted", image=SENT)))  # not taken yet
            scene.stop.request("interrupted")

        ended = await scene.settle((2.0, stop))
        return scene, rows, ended

    scene, rows, ended = run(story())
    assert (ended, scene.notes.ends()) == (2.0, {})
    assert [each.state for each in rows] == [State.LEFT] * 3
    assert (scene.settling._open, len(scene.outcomes.doubtful)) == (0, 0)
    assert scene.notes.lines == ["note 1 reply_lost", "note 2 reply_lost"]


def test_a_read_that_the_end_of_the_run_overtakes_counts_if_it_proves_something() -> None:
    shown: dict[str, Shown] = {"k1": live("new"), "k2": live(), "k3": "the run ends", "k4": None}

    async def story() -> tuple[Scene, list[InFlightRow]]:
        scene = Scene(Records(lambda key, _time: shown[key], takes=1.0))
        rows = [scene.doubt(row(number)) for number in (1, 2, 3, 4)]
        await scene.settle((0.5, lambda: scene.stop.request("interrupted")))
        return scene, rows

    scene, rows = run(story())
    assert scene.notes.ends() == {1: APPLIED, 4: OLD}
    assert [each.state for each in rows] == [State.SETTLED, State.LEFT, State.LEFT, State.SETTLED]
    assert scene.settling._open == 0


def test_readers_wait_without_a_doubt_and_end_when_no_more_are_to_come() -> None:
    async def story() -> tuple[float, Scene]:
        scene = Scene(settlers=2)
        return await scene.settle(until=7.0), scene

    ended, scene = run(story())
    assert (ended, scene.records.asked) == (7.0, [])


def test_the_gaps_between_two_reads_only_grow() -> None:
    gaps = [later - earlier for earlier, later in pairwise(READ_AT_S)]
    assert gaps == sorted(gaps)
