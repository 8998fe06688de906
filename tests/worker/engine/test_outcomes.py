"""What becomes of rows: in the journal, for the guards, and for the rows behind them."""

from dataclasses import dataclass, field
from typing import Any

import anyio
import pytest

from jobs.agreement.model import Kind, Told
from jobs.changes.diff import Change
from jobs.model import ApiError, Edit, Live, Reply, RowRef, RowResult, Status, Unsendable, UpdateJob
from jobs.reasons import REASONS
from jobs.recipe.fields import Private
from tests.commerce_layer import COMMERCE_LAYER
from tests.worker.policy.sizes import Sizes
from worker.clock import Clock
from worker.engine.bells import Bell, Bells
from worker.engine.outcomes import Outcomes
from worker.policy.guards import IDENTICAL_ROWS, Guards, Halt
from worker.policy.lifecycle import State
from worker.policy.row import InFlightRow, Moment, RecentWrites
from worker.policy.sequencer import Aimed, Done, Doubted, Learned, Queued, Refused, Sequencer, Settled
from worker.policy.verdict import ReadBack, Settle
from worker.stop import Stop

NAME = ("attributes", "name")


@dataclass
class Notes:
    """The journal as far as outcomes write in it."""

    lines: list[str] = field(default_factory=list)
    results: list[RowResult] = field(default_factory=list)

    def hold(self, row: int, told: Any) -> None:
        self.lines.append(f"hold {row} {' '.join(each.kind for each in told)}")

    def settle(self, result: RowResult) -> None:
        self.results.append(result)
        self.lines.append(f"settle {result.ref.row} {result.status}")

    def note(self, row: int, attempt: int, outcome: str) -> None:
        self.lines.append(f"note {row} {attempt} {outcome}")

    def keep_stored(self, row: int, _image: Any) -> None:
        self.lines.append(f"stored {row}")

    def record_partial(self, row: int, image: Any) -> None:
        self.lines.append(f"land {row} {len(image)}")

    def aim(self, row: int, key: str) -> None:
        self.lines.append(f"aim {row} {key}")

    def learn(self, name: str, value: str) -> None:
        self.lines.append(f"learn {name} {value}")


def outcomes(notes: Notes, expect_mode: str = "") -> Outcomes:
    sequencer = Sequencer(lambda _row, _live: Change({"name": "new"}), Sizes(25, 24), lambda _: (), facts={})
    clock = Clock(now=lambda: 7.0, wall=lambda: 1000.0)
    return Outcomes(COMMERCE_LAYER, sequencer, notes, Guards(), RecentWrites(), Bells(), clock, Stop(), expect_mode)  # type: ignore[arg-type]


def row(number: int = 1) -> InFlightRow:
    made = InFlightRow(UpdateJob(RowRef(number, number, b""), "orders", "a", {"name": "new"}), "orders", attempts=2)
    made.take(Change({"name": "new"}, edits=(Edit(NAME, "old", "new"),)))
    made.live = Live("orders", {"name": "old"})
    return made


def in_hand(of: Outcomes) -> InFlightRow:
    """A row that was taken to be sent, and left."""
    made = row()
    of.sequencer._busy["a"] = None
    made.state = State.INTENDED
    return made


def test_a_row_is_written_down_with_what_its_last_attempt_was_answered() -> None:
    notes = Notes()
    of = outcomes(notes)
    errors = (ApiError("it is odd"),)
    of.settle(in_hand(of), Settle("", mode="test", errors=errors), Reply(200, {"x-request-id": "abc"}, b"{}"))
    (result,) = notes.results
    assert result.errors == errors
    assert (result.status, result.http, result.attempts, result.request_id, result.at) == (
        Status.APPLIED, 200, 2, "abc", 1000.0,
    )  # fmt: skip
    assert not of.stop.reason


@pytest.mark.parametrize(("identifier", "kept"), [("x" * 300, "x" * 200), ("a\tb", ""), ("é", "")])
def test_only_printable_ascii_is_a_request_id(identifier: str, kept: str) -> None:
    notes = Notes()
    of = outcomes(notes)
    of.settle(in_hand(of), Settle("not_found"), Reply(404, {"x-request-id": identifier}, b""))
    assert notes.results[0].request_id == kept


def test_what_was_applied_counts_over_reads_for_a_while_and_for_the_row_behind() -> None:
    of = outcomes(Notes())
    applied = in_hand(of)
    of.settle(applied, Settle(""), None)
    assert of.recent.over("a", Live("orders", {"name": "old"}), 8.0).attributes == {"name": "new"}
    assert applied.written_at == 7.0
    refused = in_hand(of)
    of.settle(refused, Settle("not_found"), None)
    assert refused.written_at < 0


def test_a_refused_attempt_is_safe_to_repeat_although_its_record_is_read() -> None:
    notes = Notes()
    of = outcomes(notes)
    of.doubt(in_hand(of), ReadBack("bad_request", "400: nothing to change", proven="no_op"), Reply(400, {}))
    assert notes.lines == ["note 1 2 safe"]


def test_no_message_about_a_private_field_is_written_down() -> None:
    notes = Notes()
    of = outcomes(notes)
    of.private = Private(paths=frozenset({NAME}))
    conflict = Settle("changed_since_plan", 'name was "old"', ("name",))
    of.settle(in_hand(of), conflict, None)
    of._carry_out(Settled(row(2), conflict))
    of._carry_out(Refused(row(3).job, conflict, 0))
    assert [each.message for each in notes.results] == [REASONS["changed_since_plan"].meaning] * 3
    assert [each.fields for each in notes.results] == [("name",)] * 3


def test_the_wrong_mode_stops_the_run_but_the_row_is_told() -> None:
    notes = Notes()
    of = outcomes(notes, "test")
    of.settle(in_hand(of), Settle("", mode="live"), None)
    assert (of.stop.reason, notes.lines) == ("wrong_mode", ["settle 1 applied"])


def test_forms_of_its_own_in_which_the_api_stores_values_are_kept_before_the_result() -> None:
    notes = Notes()
    of = outcomes(notes)
    of.settle(in_hand(of), Settle("echo_differs", stored=(Edit(NAME, "old", "new", "NEW"),)), None)
    assert notes.lines == ["stored 1", "settle 1 applied"]


def test_a_row_that_was_applied_but_for_a_conflict_is_one_and_has_landed_all_the_same() -> None:
    notes = Notes()
    of = outcomes(notes)
    made = in_hand(of)
    made.told = (Told(("attributes", "code"), "both_changed", "new", "theirs", "old"),)
    of.settle(made, Settle(""), Reply(200, {}))
    assert notes.lines == ["hold 1 both_changed", "land 1 1", "settle 1 conflict"]
    assert (notes.results[0].reason, notes.results[0].fields) == ("both_changed", ("code",))
    assert of.recent.over("a", Live("orders", {"name": "old"}), 8.0).attributes == {"name": "new"}
    assert of.guards._sends.succeeded


@pytest.mark.parametrize(
    ("settle", "kind", "lines"),
    [
        (Settle(""), "drifted", ["settle 1 applied"]),
        (Settle("validation"), "both_changed", ["settle 1 rejected"]),
        (Settle("timed_out"), "both_changed", ["settle 1 unknown"]),
        (Settle("no_op"), "both_changed", ["settle 1 conflict"]),
    ],
)
def test_a_row_of_which_nothing_is_known_to_be_applied_has_not_landed(
    settle: Settle, kind: Kind, lines: list[str]
) -> None:
    notes = Notes()
    of = outcomes(notes)
    made = in_hand(of)
    made.told = (Told(("attributes", "code"), kind, "new", "theirs", "old"),)
    of.settle(made, settle, None)
    assert notes.lines == [f"hold 1 {kind}", *lines]


def test_tags_that_were_discarded_are_taken_out_of_what_the_row_wrote() -> None:
    notes = Notes()
    of = outcomes(notes)
    made = in_hand(of)
    made.image = (Edit(NAME, "old", "new"), Edit(("tags", "vip"), False, True))
    of.settle(made, Settle("tags_discarded", discarded=("vip",)), None)
    assert notes.lines[0] == "land 1 1"


@pytest.mark.parametrize(
    ("question", "outcome", "lines"),
    [
        (ReadBack("reply_lost", "?"), Reply(200, {}, b""), ["note 1 2 reply_lost"]),
        (ReadBack("not_taken", "?"), Reply(200, {}, b""), ["note 1 2 not_taken"]),
        (ReadBack("unverified", "?"), Reply(200, {}, b""), ["note 1 2 unverified"]),
        (ReadBack("reply_lost", "?"), None, []),  # an earlier process wrote it down
        (ReadBack("reply_lost", "?", stored=(Edit(NAME, "old", "new", "NEW"),)), None, ["stored 1"]),
    ],
)
def test_a_doubt_is_in_the_journal_while_it_lasts(question: ReadBack, outcome: Reply | None, lines: list[str]) -> None:
    notes = Notes()
    of = outcomes(notes)
    made = in_hand(of) if outcome else row()
    of.doubt(made, question, outcome)
    assert (notes.lines, made.state) == (lines, State.READING)


def test_what_the_sequencer_says_is_carried_out_in_order() -> None:
    notes = Notes()
    of = outcomes(notes)
    aimed, doubtful = row(2), row(3)
    of.sequencer.out = [
        Aimed(aimed),
        Settled(row(1), Settle("as_wanted")),
        Doubted(doubtful, ReadBack("reply_lost", "?")),
        Learned("route.orders", "direct"),
        Learned("canary.orders", "passed", goes_on=True),
        Halt("canary", "it strayed"),
        Learned("canary.skus", "passed", goes_on=True),
        Learned("route.skus", "direct"),
    ]
    of.drain()
    assert notes.lines == [
        "aim 2 a", "settle 1 unchanged", "learn route.orders direct", "learn canary.orders passed",
        "learn route.skus direct",
    ]  # fmt: skip
    assert list(of.doubtful) == [(doubtful, ReadBack("reply_lost", "?"))]
    assert (of.stop.reason, of.stop.message, of.sequencer.out) == ("canary", "it strayed", [])


@pytest.mark.parametrize(
    ("sought", "reason"),
    [(True, "lookup_failed"), (False, "reference_malformed")],  # the latter is about the cell alone
)
def test_only_rows_whose_record_was_looked_for_in_vain_may_end_the_run(sought: bool, reason: str) -> None:
    notes = Notes()
    of = outcomes(notes)
    for number in range(1, IDENTICAL_ROWS + 1):
        problem = Unsendable(RowRef(number, number, b""), reason, "why", "email")
        of.sequencer.out.append(Refused(problem, Settle(reason, "why", ("email",)), 3, sought))
    of.drain()
    assert bool(of.stop.reason) is sought
    assert {result.attempts for result in notes.results} == {3}


@pytest.mark.parametrize("sends", [False, True])
def test_a_row_that_is_to_be_sent_is_a_success_of_reading_and_its_request_is_built_at_once(sends: bool) -> None:
    of, first = outcomes(Notes()), row()
    missing = [Settled(row(number), Settle("not_found")) for number in range(2, IDENTICAL_ROWS + 2)]
    of.sequencer.out = [*([Queued(first)] if sends else []), *missing]
    of.drain()
    assert (of.stop.reason, first._request is not None) == ("" if sends else "not_found", sends)


def test_a_row_that_cannot_be_sent_excuses_none_of_those_that_were_read_behind_it() -> None:
    of = outcomes(Notes())
    numbers = range(2, IDENTICAL_ROWS + 2)
    of.guards.reading([1, *numbers])
    problem = Unsendable(RowRef(1, 1, b""), "type_unknown")
    of.sequencer.out = [
        Refused(problem, Settle("type_unknown")), *(Settled(row(number), Settle("not_found")) for number in numbers)
    ]  # fmt: skip
    of.drain()
    assert of.stop.reason == "not_found"


async def test_everybody_is_woken_once_every_row_is_settled() -> None:
    of, woken = outcomes(Notes()), list[Bell]()

    async def wait(bell: Bell) -> None:
        await bell.wait()
        woken.append(bell)

    async with anyio.create_task_group() as group:
        bells = (of.bells.rows, of.bells.room, of.bells.doubts)
        for bell in bells:
            group.start_soon(wait, bell)
        await anyio.wait_all_tasks_blocked()
        of.sequencer.out = [Done()]
        of.drain()
        await anyio.wait_all_tasks_blocked()
        group.cancel_scope.cancel()
    assert woken == list(bells)


def test_a_row_that_follows_is_decided_by_what_was_left() -> None:
    notes = Notes()
    of = outcomes(notes)
    first = in_hand(of)
    second = row(2)
    of.sequencer.feed(second)
    of.settle(first, Settle("not_found"), None)
    assert second.read_at != Moment(7.0, 1000.0)
    assert of.sequencer.next_page(0) is None
