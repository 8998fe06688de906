"""The pool: a slot before each row, the first of a type alone, and an end that all workers see."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import anyio
import pytest

from jobs.apis.auth import Permit
from jobs.apis.limits import CREDENTIAL, DeclaredLimit
from jobs.model import JSON, Live, Outcome, Reply, Request
from tests.commerce_layer import COMMERCE_LAYER
from tests.virtual_time import run
from tests.worker.engine.scene import Notes, Records, clock, decide, found, live, now, row
from tests.worker.policy.sizes import Sizes
from worker.clock import Clock
from worker.engine import settling as settling_module
from worker.engine.attempt import AttemptLoop
from worker.engine.bells import Bells
from worker.engine.outcomes import Outcomes
from worker.engine.reading import Reading
from worker.engine.senders import Senders
from worker.engine.settling import Settling
from worker.lane.authority import Headers
from worker.lane.exchange import Exchange
from worker.pacing.gates import Gates, Rules
from worker.pacing.limiter import Limiter
from worker.policy.guards import IDENTICAL_ROWS, Guards
from worker.policy.lifecycle import State
from worker.policy.pace import Pace, Window
from worker.policy.row import MAX_READ_AGE_S, InFlightRow, RecentWrites
from worker.policy.scopes import ScopedWindows
from worker.policy.sequencer import ReadPage, Sequencer
from worker.policy.verdict import Settle
from worker.settings import Attempts
from worker.stop import Stop

TYPED: Final = {"content-type": "application/json"}
ACCEPTED: Final = Reply(202, {})
GONE: Final = Reply(404, {})


def done(request: Request, **stored: JSON) -> Reply:
    """The reply to an update that was made; `stored` are attributes with a form of the API's own."""
    data = json.loads(request.body)["data"]
    data["attributes"].update(stored)
    return Reply(200, TYPED, json.dumps({"data": data}).encode())


def variants(kind: str) -> tuple[str, ...]:
    return ("captures", "refunds") if kind == "transactions" else ()


@dataclass
class Server:
    """Answers by record after some seconds, with success unless it is told otherwise; notes what it was sent when."""

    answers: Mapping[str, Outcome] = field(default_factory=dict)
    takes: Callable[[str], float] = lambda _key: 0.0
    sent: list[tuple[float, str]] = field(default_factory=list)

    async def send(self, request: Request, headers: Headers, within: float | None = None) -> Outcome:
        target = request.target.removeprefix("/api/")
        key = target.partition("/")[2]
        self.sent.append((now(), target))
        if takes := self.takes(key):
            await anyio.sleep(takes)
        return self.answers.get(target) or self.answers.get(key) or done(request)

    @property
    def times(self) -> list[float]:
        return [at for at, _ in self.sent]

    @property
    def keys(self) -> list[str]:
        return [target.partition("/")[2] for _, target in self.sent]


class Open:
    """A credential that nobody asks for."""

    async def permit(self) -> Permit:
        return Permit()


@dataclass
class Scene:
    """Workers over a sequencer whose rows were read, and all that is looked at afterwards."""

    server: Server = field(default_factory=Server)
    records: Records = field(default_factory=Records)
    windows: Sequence[Window] = ()
    workers: int = 4
    canaries: int = 0
    notes: Notes = field(default_factory=Notes)
    bells: Bells = field(default_factory=Bells)
    stop: Stop = field(default_factory=Stop)
    page: int = 25
    together: bool = False
    reads_per_row: float = 0.0
    limits: Sequence[Window] = ()

    def __post_init__(self) -> None:
        journal: Any = self.notes
        server: Any = self.server
        authority: Any = Open()
        lookup: Any = self.records
        ticks, guards, recent = clock(), Guards(), RecentWrites()
        self.sequencer = Sequencer(decide, Sizes(self.page, 2), variants, facts={}, canaries=self.canaries)
        self.limiter = Limiter(Pace(ceiling=self.windows, max_in_flight=self.workers, discover=False), ticks, self.stop)
        self.outcomes = Outcomes(COMMERCE_LAYER, self.sequencer, journal, guards, recent, self.bells, ticks, self.stop)
        reading = Reading(self.sequencer, lookup, guards, recent, ticks, self.stop)
        exchange = Exchange(
            server, self.limiter, authority, COMMERCE_LAYER.meaning, Attempts().retrying, ticks, self.stop,
            COMMERCE_LAYER.headers, gates=self._gates(ticks), gives_way=self.together,
        )  # fmt: skip
        attempts = AttemptLoop(COMMERCE_LAYER, exchange, journal, reading)
        self.settling = Settling(lookup, self.outcomes, self.bells, ticks, self.stop, lambda: False)
        self.senders = Senders(
            self.sequencer, attempts, reading, self.outcomes, self.settling, self.bells, self.stop, self.reads_per_row
        )
        self.stop.on_request(self.bells.ring)

    def _gates(self, ticks: Clock) -> Gates | None:
        """Gates that count by the first letter of a key."""
        if not self.limits:
            return None
        rules = Rules(
            (DeclaredLimit("{letter}"),),
            lambda _type, key, *, reads: ((0, key[0]),),
            lambda _request, _reply: CREDENTIAL,
        )
        return Gates(rules, [ScopedWindows(self.limits)], ticks, self.stop)

    def feed(self, *rows: InFlightRow, end: bool = True) -> None:
        for each in rows:
            self.sequencer.feed(each)
        if end:
            self.sequencer.end()
        self.outcomes.drain()

    def read(self, *rows: InFlightRow, kind: str = "", end: bool = True) -> None:
        """Feed rows, and read what is to be read."""
        self.feed(*rows, end=end)
        while isinstance(page := self.sequencer.next_page(1000), ReadPage):
            self.sequencer.read(page, found(*page.rows, kind=kind))
        self.outcomes.drain()

    async def send(self, *then: tuple[float, Callable[[], object]]) -> float:
        """Send until all workers have ended, and do things at their times; return when that was."""
        with anyio.fail_after(10_000):  # who waits for ever is told so, in virtual time
            async with anyio.create_task_group() as group:
                for at, what in then:
                    group.start_soon(later, at, what)
                await self.senders.run(self.workers)
                ended = now()
                group.cancel_scope.cancel()
        assert self.limiter.pace.in_flight == 0
        return ended


async def later(at: float, what: Callable[[], object]) -> None:
    await anyio.sleep(at - now())
    what()


# ---- a slot, then a row


def test_every_row_is_sent_and_all_workers_end_with_the_input() -> None:
    async def story() -> tuple[Scene, float]:
        scene = Scene(Server(takes=lambda _: 1.0), workers=3)
        scene.read(*(row(number) for number in range(1, 8)))
        return scene, await scene.send()

    scene, ended = run(story())
    assert scene.server.times == [0.0, 0.0, 0.0, 1.0, 1.0, 1.0, 2.0]
    assert (ended, scene.notes.ends()) == (3.0, dict.fromkeys(range(1, 8), "applied"))
    assert {each.http for each in scene.notes.results.values()} == {200}
    assert not scene.stop.reason


def test_a_row_stays_with_the_others_until_there_is_a_slot_for_it() -> None:
    async def story() -> tuple[Scene, list[int]]:
        scene = Scene(windows=[Window(1, 10)])
        scene.read(row(1), row(2))
        seen = list[int]()
        await scene.send((5.0, lambda: seen.extend(each.number for each in scene.sequencer.ready)))
        return scene, seen

    scene, seen = run(story())
    assert seen == [2]
    assert scene.server.times == pytest.approx([0.0, 10.0], abs=0.01)


def test_no_more_workers_wait_for_a_slot_than_there_are_rows() -> None:
    async def story() -> tuple[list[int], float, Scene]:
        scene = Scene(workers=4)
        scene.read(row(1), row(2), row(3, "k1"))
        scene.limiter.pace.close(10.0)
        waiting = list[int]()
        ended = await scene.send((5.0, lambda: waiting.extend((scene.senders._admitting, scene.limiter._waiting))))
        return waiting, ended, scene

    waiting, ended, scene = run(story())
    assert (waiting, ended) == ([2, 2], 10.0)  # the third row is behind the first
    assert scene.senders._admitting == 0


def test_workers_that_found_no_row_take_those_that_come_later() -> None:
    async def story() -> Scene:
        scene = Scene(Server(takes=lambda _: 1.0), workers=2, page=1)
        scene.read(row(1), end=False)
        await scene.send((3.0, lambda: scene.read(row(2), row(3), row(4))))
        return scene

    assert run(story()).server.times == [0.0, 3.0, 3.0, 4.0]


def test_a_row_that_turns_out_not_to_be_sent_gives_its_slot_back() -> None:
    async def story() -> tuple[Scene, float]:
        scene = Scene(windows=[Window(1, 10)], workers=1)
        rows = [row(1), row(2)]
        scene.read(*rows)
        rows[0].verdict = Settle("as_wanted")  # read again beside another row
        return scene, await scene.send()

    scene, ended = run(story())
    assert (scene.server.sent, ended) == ([(0.0, "orders/k2")], 0.0)
    assert scene.notes.ends() == {1: "unchanged as_wanted", 2: "applied"}


def test_a_slot_that_no_row_is_left_for_is_given_back() -> None:
    async def story() -> tuple[Scene, float]:
        scene = Scene(windows=[Window(1, 10)], workers=1)
        only = row(1)
        scene.read(only)
        only.verdict = Settle("as_wanted")
        return scene, await scene.send()

    scene, ended = run(story())
    assert (scene.server.sent, ended, len(scene.limiter.pace.stamps)) == ([], 0.0, 0)
    assert scene.notes.lines == ["settle 1 unchanged as_wanted"]


def test_a_row_that_grew_stale_while_it_waited_is_read_again_with_its_slot_in_hand() -> None:
    async def story() -> tuple[Scene, float]:
        scene = Scene(records=Records(lambda key, _: live("new" if key == "k1" else "old")), windows=[Window(1, 10)])
        scene.read(row(1), row(2))
        scene.limiter.pace.close(MAX_READ_AGE_S + 1)
        return scene, await scene.send()

    scene, ended = run(story())
    assert scene.records.asked == [(MAX_READ_AGE_S + 1, "orders", ("k1", "k2"))]
    assert (scene.server.sent, ended) == ([(MAX_READ_AGE_S + 1, "orders/k2")], MAX_READ_AGE_S + 1)
    assert scene.notes.ends() == {1: "unchanged as_wanted", 2: "applied"}


def test_rows_are_begun_in_the_order_in_which_they_are_sent() -> None:
    """Refusals are quicker than successes: none of them stops the run while an earlier row may still succeed."""

    async def story() -> Scene:
        refusals = {f"k{number}": Reply(422, TYPED, b'{"errors":[]}') for number in range(2, 42)}
        scene = Scene(Server(refusals, lambda key: 5.0 if key == "k1" else 0.0), workers=2)
        scene.read(*(row(number) for number in range(1, 42)))
        await scene.send()
        return scene

    scene = run(story())
    assert (len(scene.server.sent), scene.stop.reason) == (41, "")


def test_rows_that_are_all_refused_alike_stop_the_run() -> None:
    """That their records could be read is no success of sending."""

    async def story() -> Scene:
        rows = [row(number) for number in range(1, 2 * IDENTICAL_ROWS)]
        scene = Scene(Server({each.job.id: GONE for each in rows}), workers=2, page=50)
        scene.read(*rows)
        await scene.send()
        return scene

    scene = run(story())
    assert (scene.stop.reason, len(scene.notes.results)) == ("not_found", IDENTICAL_ROWS)


# ---- readers


@pytest.mark.parametrize(("room", "waiting", "woken"), [(1, True, True), (0, True, False), (1, False, False)])
def test_readers_are_woken_by_a_row_that_makes_room_for_another_page(
    room: int, waiting: bool, woken: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Senders, "room", lambda _: room)

    async def story() -> bool:
        scene = Scene(page=1)
        scene.read(row(1), end=False)
        if waiting:
            scene.feed(row(2))
        else:
            scene.sequencer.end()
        scene.outcomes.drain()
        heard = list[float]()

        async def reader() -> None:
            await scene.bells.room.wait()
            heard.append(len(scene.server.sent))

        async with anyio.create_task_group() as group:
            group.start_soon(reader)
            await anyio.wait_all_tasks_blocked()
            scene.sequencer.out.clear()
            assert scene.senders._taken() is not None
            await anyio.wait_all_tasks_blocked()
            group.cancel_scope.cancel()
        return bool(heard)

    assert run(story()) is woken


def test_what_follows_from_taking_a_row_is_carried_out_before_the_next_wait() -> None:
    async def story() -> Scene:
        scene = Scene()
        rows = [row(1), row(2)]
        scene.read(*rows)
        rows[0].verdict = Settle("as_wanted")
        assert scene.senders._taken() is rows[1]
        return scene

    assert run(story()).notes.lines == ["settle 1 unchanged as_wanted"]


# ---- the first of a type

BEFORE: Final[Mapping[str, JSON]] = {"name": "old", "number": 7}
AFTER: Final[Mapping[str, JSON]] = {"name": "new", "number": 7}


def test_the_first_rows_of_a_type_go_alone_and_are_read_in_full_before_and_after() -> None:
    async def story() -> Scene:
        records = Records(in_full=[BEFORE, AFTER])
        scene = Scene(Server(takes=lambda _: 1.0), records, canaries=2)
        scene.read(*(row(number) for number in range(1, 5)))
        await scene.send()
        return scene

    scene = run(story())
    assert scene.server.sent == [(0.0, "orders/k1"), (1.0, "orders/k2"), (2.0, "orders/k3"), (2.0, "orders/k4")]
    assert scene.records.reads == [(0.0, "k1"), (1.0, "k1"), (1.0, "k2"), (2.0, "k2")]
    assert scene.notes.ends() == dict.fromkeys(range(1, 5), "applied")
    assert "learn canary.orders passed" in scene.notes.lines


@pytest.mark.parametrize(
    ("in_full", "answer", "reads", "end"),
    [
        ([None], None, 1, "applied"),  # nothing to compare with
        ([BEFORE, None], None, 2, "applied"),  # and nothing to be seen afterwards
        ([BEFORE, BEFORE], GONE, 1, "rejected not_found"),  # nothing was changed
    ],
)
def test_a_first_row_is_judged_by_its_reply_where_its_record_tells_nothing(
    in_full: Sequence[Mapping[str, JSON] | None], answer: Outcome | None, reads: int, end: str
) -> None:
    async def story() -> Scene:
        scene = Scene(Server({"k1": answer} if answer else {}), Records(in_full=in_full), canaries=2)
        scene.read(row(1))
        await scene.send()
        return scene

    scene = run(story())
    assert (len(scene.records.reads), scene.notes.ends(), scene.stop.reason) == (reads, {1: end}, "")


@pytest.mark.parametrize(
    ("sticks_after", "end", "sent", "stopped", "ended"),
    [(3.0, "applied read_back", 2, "", 3.5), (60.0, "unknown not_taken", 1, "canary", 10.0)],
)
def test_a_value_that_does_not_stick_puts_a_first_row_in_doubt(
    sticks_after: float, end: str, sent: int, stopped: str, ended: float
) -> None:
    async def story() -> tuple[Scene, float]:
        shows = lambda _key, time: live("new" if time >= sticks_after else "old")  # noqa: E731  # one line
        scene = Scene(records=Records(shows, [BEFORE, BEFORE]), canaries=1)
        scene.read(row(1), row(2))
        return scene, await scene.send()

    scene, at = run(story())
    assert scene.notes.lines[:2] == ["intend 1", "note 1 not_taken"]
    assert scene.notes.ends()[1] == end
    assert "sent, and not on the record right after: name" in scene.notes.results[1].message
    assert (len(scene.server.sent), scene.stop.reason, at) == (sent, stopped, ended)


def test_a_form_that_the_reply_shows_as_stored_is_no_value_that_does_not_stick() -> None:
    async def story() -> Scene:
        only, server = row(1), Server()
        scene = Scene(server, Records(in_full=[BEFORE, {"name": "NEW", "number": 7}]), canaries=1)
        scene.read(only)
        server.answers = {"k1": done(only.request(COMMERCE_LAYER), name="NEW")}
        await scene.send()
        return scene

    assert run(story()).notes.ends() == {1: "applied echo_differs"}


def test_the_form_of_a_value_that_sticks_later_is_kept_while_the_row_is_in_doubt() -> None:
    async def story() -> Scene:
        only, server = row(1), Server()
        shows = lambda _key, time: live("NEW" if time >= 3 else "old")  # noqa: E731  # one line
        scene = Scene(server, Records(shows, [BEFORE, BEFORE]), canaries=1)
        scene.read(only)
        server.answers = {"k1": done(only.request(COMMERCE_LAYER), name="NEW")}
        await scene.send()
        return scene

    lines = run(story()).notes.lines
    assert lines[1:4] == ["stored 1", "note 1 not_taken", "settle 1 applied read_back"]


def test_what_a_first_row_may_not_change_is_what_can_be_written_of_its_concrete_type() -> None:
    async def story() -> Scene:
        full: list[Mapping[str, JSON]] = [{"name": "old", "succeeded": True}, {"name": "new", "succeeded": False}]
        scene = Scene(Server({"transactions/k1": GONE}), Records(in_full=[None, *full]), canaries=1)
        scene.read(row(1, kind="transactions"), kind="captures")
        await scene.send()
        return scene

    scene = run(story())
    assert (scene.stop.reason, scene.server.keys) == ("canary", ["k1", "k1"])
    assert "`succeeded`" in scene.stop.message


def test_an_update_that_changed_something_else_stops_the_run_and_is_told() -> None:
    async def story() -> Scene:
        records = Records(in_full=[{"name": "old", "guest": True}, {"name": "new", "guest": False}])
        scene = Scene(records=records, canaries=1)
        scene.read(row(1), row(2))
        await scene.send()
        return scene

    scene = run(story())
    assert (scene.stop.reason, len(scene.server.sent)) == ("canary", 1)
    assert scene.stop.message.startswith("row 1 (orders/k1): `guest` was not sent and has changed")
    assert scene.notes.ends() == {1: "applied"}
    assert "learn canary.orders passed" not in scene.notes.lines


# ---- types that are abstract


def test_a_row_whose_type_is_refused_is_sent_by_its_concrete_one_and_so_are_those_behind_it() -> None:
    async def story() -> tuple[Scene, list[InFlightRow]]:
        scene = Scene(Server({"transactions/k1": GONE}), workers=1)
        rows = [row(number, kind="transactions") for number in (1, 2)]
        scene.read(*rows, kind="captures")
        await scene.send()
        return scene, rows

    scene, rows = run(story())
    assert [target for _, target in scene.server.sent] == ["transactions/k1", "captures/k2", "captures/k1"]
    assert scene.notes.ends() == {1: "applied concrete_type", 2: "applied concrete_type"}
    assert scene.notes.lines[:4] == ["intend 1", "note 1 safe", "learn route.transactions concrete", "intend 2"]
    assert [each.state for each in rows] == [State.SETTLED] * 2


def test_a_refused_row_without_a_record_that_was_read_waits_for_those_who_read() -> None:
    async def story() -> Scene:
        scene = Scene(Server({"transactions/k1": GONE}), workers=2)
        only = row(1, kind="transactions")
        scene.read(only)
        only.live = None

        def read() -> None:
            page = scene.sequencer.next_page(0)
            assert isinstance(page, ReadPage)
            scene.sequencer.read(page, found(only, kind="captures"))
            scene.outcomes.drain()

        async def reader() -> None:
            await scene.bells.room.wait()
            read()

        async with anyio.create_task_group() as group:
            group.start_soon(reader)
            await anyio.wait_all_tasks_blocked()
            await scene.send()
        return scene

    scene = run(story())
    assert [target for _, target in scene.server.sent] == ["transactions/k1", "captures/k1"]


# ---- the end


def test_the_end_of_the_run_sends_all_workers_home_whatever_they_wait_for() -> None:
    """One is sending, two wait for a slot, and one for a row."""

    async def story() -> tuple[Scene, float]:
        scene = Scene(Server(takes=lambda _: 4.0), windows=[Window(1, 100)], page=1)
        for number in (1, 2, 3):
            scene.read(row(number), end=False)
        return scene, await scene.send((2.0, lambda: scene.stop.request("interrupted")))

    scene, ended = run(story())
    assert (scene.server.keys, ended) == (["k1"], 4.0)  # what is in flight is waited for
    assert scene.notes.ends() == {1: "applied"}
    assert [each.number for each in scene.sequencer.ready] == [2, 3]


def test_a_row_that_comes_to_be_in_doubt_when_the_run_has_ended_is_in_the_journal() -> None:
    async def story() -> tuple[Scene, float]:
        scene = Scene(Server({"k1": ACCEPTED}, lambda _: 4.0))
        scene.read(row(1))
        return scene, await scene.send((2.0, lambda: scene.stop.request("interrupted")))

    scene, ended = run(story())
    assert (ended, scene.notes.lines) == (4.0, ["intend 1", "note 1 accepted"])


def test_a_run_without_rows_ends_at_once() -> None:
    async def story() -> float:
        scene = Scene()
        scene.feed()
        return await scene.send()

    assert run(story()) == 0.0


def test_the_last_row_in_doubt_is_waited_for_and_the_one_behind_it_is_sent() -> None:
    async def story() -> tuple[Scene, float]:
        shows: Callable[[str, float], Live] = lambda _key, time: live("new" if time >= 6 else "old")  # noqa: E731
        scene = Scene(Server({"k1": ACCEPTED}), Records(shows))
        scene.read(row(1), row(2, "k1", attributes={"name": "newer"}))
        return scene, await scene.send((5.9, lambda: setattr(scene.server, "answers", {})))

    scene, ended = run(story())
    assert (scene.server.times, ended) == ([0.0, 6.0], 6.0)
    assert scene.notes.ends() == {1: "applied read_back", 2: "applied"}


# ---- rows in doubt hold up what is sent


def test_nothing_more_is_sent_while_nothing_proves_that_rows_arrive_and_a_proof_lets_all_go_on(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(settling_module, "HOLD_AFTER_ROWS", 3)

    async def story() -> Scene:
        shows: Callable[[str, float], Live] = lambda _key, time: live("new" if time >= 3 else "old")  # noqa: E731
        scene = Scene(Server({f"k{number}": ACCEPTED for number in range(1, 9)}), Records(shows), workers=3)
        scene.read(*(row(number) for number in range(1, 9)))
        await scene.send()
        return scene

    scene = run(story())
    assert scene.server.times == [0.0] * 3 + [3.5] * 5
    assert scene.notes.ends() == dict.fromkeys(range(1, 9), "applied read_back")


def test_a_success_among_rows_in_doubt_lets_sending_go_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(settling_module, "HOLD_AFTER_ROWS", 1)

    async def story() -> Scene:
        server = Server({"k1": ACCEPTED}, lambda key: {"k1": 0.5, "k2": 1.0}.get(key, 0.0))
        scene = Scene(server, workers=2)
        scene.read(*(row(number) for number in range(1, 5)))
        await scene.send()
        return scene

    assert run(story()).server.times == [0.0, 0.0, 1.0, 1.0]


def test_a_refusal_among_rows_in_doubt_proves_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(settling_module, "HOLD_AFTER_ROWS", 1)

    async def story() -> Scene:
        server = Server({"k1": ACCEPTED, "k2": GONE}, lambda key: {"k1": 0.5, "k2": 1.0}.get(key, 0.0))
        scene = Scene(server, workers=2)
        scene.read(*(row(number) for number in range(1, 5)))
        await scene.send()
        return scene

    assert run(story()).server.times == [0.0, 0.0, 10.5, 10.5]


def test_rows_in_doubt_are_read_as_late_as_their_reply_asks_and_two_pages_at_once() -> None:
    async def story() -> Records:
        accepted = Reply(202, {"retry-after": "7"})
        scene = Scene(Server({"k1": accepted, "k2": accepted}), Records(lambda _key, _time: live("new"), takes=1.0))
        scene.read(row(1), row(2, kind="skus"))
        await scene.send()
        return scene.records

    assert run(story()).asked == [(7.0, "orders", ("k1",)), (7.0, "skus", ("k2",))]


def test_a_success_lets_all_workers_go_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(settling_module, "HOLD_AFTER_ROWS", 1)

    async def story() -> Scene:
        server = Server({"k1": ACCEPTED, "k2": ACCEPTED}, lambda key: 0.5 if key in {"k1", "k2"} else 1.0)
        scene = Scene(server, workers=3)
        scene.read(*(row(number) for number in range(1, 10)))
        await scene.send()
        return scene

    assert run(story()).server.times == [0.0] * 3 + [1.0] * 3 + [2.0] * 3


def test_a_first_row_that_is_cancelled_while_its_record_is_read_leaves_no_slot_behind() -> None:
    class Slow(Records):
        async def record(self, kind: str, key: str) -> Mapping[str, JSON] | None:
            await anyio.sleep(1)
            return await super().record(kind, key)

    async def story() -> int:
        scene = Scene(records=Slow(in_full=[BEFORE]), canaries=1)
        scene.read(row(1))
        with anyio.move_on_after(0.5):
            await scene.senders.run(2)
        return scene.limiter.pace.in_flight

    assert run(story()) == 0


@pytest.mark.parametrize("given_up", [False, True])
def test_a_first_row_holds_no_slot_while_its_record_is_read_if_reads_need_the_same(*, given_up: bool) -> None:
    held: list[int] = []

    class Watched(Records):
        async def record(self, kind: str, key: str) -> Mapping[str, JSON] | None:
            held.append(scene.limiter.pace.in_flight)
            await anyio.sleep(1)
            return await super().record(kind, key)

    scene: Scene

    async def story() -> None:
        nonlocal scene
        scene = Scene(records=Watched(in_full=[BEFORE, AFTER]), canaries=1, together=True)
        scene.read(row(1))
        if given_up:
            with anyio.move_on_after(0.5):
                await scene.senders.run(2)
        else:
            await scene.send()
        assert scene.limiter.pace.in_flight == 0

    run(story())
    assert held == [0] * (1 if given_up else 2)


def test_rows_whose_own_limit_has_room_go_before_those_that_would_wait() -> None:
    async def story() -> list[tuple[float, str]]:
        scene = Scene(limits=[Window(1, 10.0)], workers=1)
        scene.read(row(1, "a1"), row(2, "a2"), row(3, "b1"), row(4, "b2"), row(5, "c1"))
        await scene.send()
        return [(round(at), target.partition("/")[2]) for at, target in scene.server.sent]

    assert run(story()) == [(0, "a1"), (0, "b1"), (0, "c1"), (10, "a2"), (10, "b2")]


@pytest.mark.parametrize(("reads_per_row", "room"), [(0.0, 30), (0.2, 25)])
def test_no_more_is_read_ahead_than_one_quota_for_both_lets_through(reads_per_row: float, room: int) -> None:
    async def story() -> int:
        return Scene(windows=[Window(40, 10.0)], reads_per_row=reads_per_row).senders.room()

    assert run(story()) == room
