"""A plan: every row is decided and written down, in an order that a reader can follow, and nothing is sent."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final

import pytest

from jobs.apis.described.schema import schema_of
from jobs.changes.diff import Change
from jobs.model import ABSENT, Edit, Fields, Live, RowRef, Status, Unsendable
from jobs.reasons import REASONS
from jobs.recipe.fields import Private
from tests.jobs.apis.described.kit import SCHEMA, description
from tests.worker.engine.scene import Notes, decide, live, row
from tests.worker.policy.sizes import Sizes
from worker.clock import Clock, Moment
from worker.engine.bells import Bells
from worker.engine.planner import Planner
from worker.journal import Planned
from worker.policy.guards import IDENTICAL_ROWS, Guards
from worker.policy.lifecycle import State
from worker.policy.row import Found, InFlightRow
from worker.policy.sequencer import Decide, KeyPage, ReadPage, Refused, Sequencer
from worker.policy.verdict import ReadBack, Settle
from worker.stop import Stop

QUESTION: Final = ReadBack("reply_lost", "an earlier attempt left without a trustworthy reply")


def by_doubt(each: InFlightRow, shown: Live) -> Change | Settle | ReadBack:
    return QUESTION if each.doubt else decide(each, shown)


def refused(number: int, reason: str, *, sought: bool = False) -> Refused:
    problem = Unsendable(RowRef(number, number, b""), reason, "why", "email")
    return Refused(problem, Settle(reason, "why", ("email",)), sought=sought)


@dataclass
class Desk:
    """A planner over rows that are fed as a run feeds them.

    Attributes:
        records: what is shown of records; those that are not in here are missing.
        ids: what references lead to.
    """

    records: Mapping[str, Live] = field(default_factory=dict)
    ids: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    decide: Decide = by_doubt
    facts: Mapping[str, str] = field(default_factory=dict)
    guards: Guards = field(default_factory=Guards)
    notes: Notes = field(default_factory=Notes)
    bells: Bells = field(default_factory=Bells)
    stop: Stop = field(default_factory=Stop)

    def __post_init__(self) -> None:
        variants: Callable[[str], tuple[str, ...]] = lambda kind: ("cards",) if kind == "transactions" else ()  # noqa: E731
        self.sequencer = Sequencer(self.decide, Sizes(25, 24), variants, facts=self.facts)
        journal: Any = self.notes
        clock = Clock(now=lambda: 7.0, wall=lambda: 1000.0)
        self.planner = Planner(self.sequencer, journal, self.guards, self.bells, clock, self.stop, SCHEMA)

    def plan(self, *rows: InFlightRow | Refused, end: bool = True) -> list[str]:
        """Feed rows, read what is to be read, and return what was written down."""
        for each in rows:
            self.sequencer.feed(each)
        if end:
            self.sequencer.end()
        self.drain()
        while (page := self.sequencer.next_page(100)) is not None:
            self.answer(page)
            self.drain()
        return self.notes.lines

    def answer(self, page: ReadPage | KeyPage) -> None:
        if isinstance(page, KeyPage):
            numbers = page.numbers
            self.guards.reading(numbers)
            found = {("orders", each.job.reference): self.ids[each.job.reference] for each in page.rows}
            self.sequencer.found(found, {})
            return
        self.guards.reading(each.number for each in page.rows)
        shown = {each: self.records[each] for each in page.ids if each in self.records}
        missing = frozenset(page.ids) - shown.keys()
        self.sequencer.read(page, Found(shown, dict.fromkeys(shown, Moment(1.0, 1.0)), missing))

    def drain(self) -> None:
        self.planner.drain()
        assert not self.sequencer.out
        assert self.sequencer.queued == 0  # nothing is ever ahead of the senders
        assert not any(line.startswith(("intend", "note", "settle")) for line in self.notes.lines)


def test_what_would_be_sent_is_written_down_with_what_it_replaces_and_is_not_sent() -> None:
    desk, only = Desk({"k1": live()}), row(1, triggers={"_capture": True})
    assert desk.plan(only) == ["plan 1 pending"]
    edits = (Edit(("attributes", "name"), "old", "new"),)
    assert desk.notes.planned == [
        Planned(1, "orders", "k1", Status.PENDING, edits=edits, unread=("_capture",)),
    ]
    assert (only.state, only.attempts, only.was_sent) == (State.QUEUED, 0, False)
    assert desk.sequencer.is_done


def test_what_follows_from_a_row_is_written_down_before_the_next_one() -> None:
    desk = Desk({"a": live(), "b": live(), "c": live("new")})
    rows = [row(number, key) for number, key in enumerate("abacba", 1)]
    assert desk.plan(*rows) == [
        "plan 1 pending", "plan 3 unchanged as_wanted", "plan 6 unchanged as_wanted",
        "plan 2 pending", "plan 5 unchanged as_wanted",
        "plan 4 unchanged as_wanted",
    ]  # fmt: skip


def test_the_next_row_of_a_record_is_compared_with_what_the_one_before_would_leave() -> None:
    desk, later = Desk({"a": live()}), row(2, "a", attributes={"name": "newer"})
    desk.plan(row(1, "a"), later)
    assert desk.notes.planned[1].edits == (Edit(("attributes", "name"), "new", "newer"),)
    assert later.read_at == Moment(7.0, 1000.0)  # when the one before would have been sent


def test_references_are_written_down_before_what_becomes_of_their_rows() -> None:
    desk = Desk({"a": live()}, {"r1": ("a",), "r2": (), "r3": ("a", "b")})
    rows = [row(number, reference=f"r{number}") for number in (1, 2, 3)]
    assert desk.plan(*rows) == [
        "aim 1 a", "plan 2 rejected reference_not_found", "plan 3 rejected reference_ambiguous", "plan 1 pending",
    ]  # fmt: skip
    assert [(each.row, each.type, each.id) for each in desk.notes.planned] == [
        (2, "", ""),
        (3, "", ""),
        (1, "orders", "a"),
    ]
    assert desk.notes.planned[0].message == "no orders has the reference 'r2'"
    assert desk.notes.planned[0].fields == ("reference",)


def test_a_record_that_is_missing_and_a_row_behind_an_unknown_one_are_written_down() -> None:
    desk = Desk()
    rows = [row(1), row(2, "b", stands=True), row(3, "b")]
    assert desk.plan(*rows) == ["plan 3 pending after_unknown", "plan 1 rejected not_found"]


def test_a_doubt_is_written_down_as_it_stands_and_the_next_row_is_compared_with_what_is_there() -> None:
    desk = Desk({"a": live()})
    assert desk.plan(row(1, "a", doubt="reply_lost"), row(2, "a")) == ["plan 1 unknown reply_lost", "plan 2 pending"]
    assert desk.notes.planned[0].message == QUESTION.message
    assert desk.notes.planned[1].edits[0].before == "old"


def test_a_row_that_asks_for_more_than_was_read_is_read_itself_and_readers_are_woken() -> None:
    desk = Desk({"a": live()})

    class Rung(Bells):
        count = 0

        def ring(self) -> None:
            Rung.count += 1

    desk.planner = Planner(
        desk.sequencer, desk.planner.journal, desk.guards, Rung(), desk.planner.clock, desk.stop, SCHEMA
    )  # fmt: skip
    rows = [row(1, "a"), row(2, "a", attributes={"code": "c"})]
    desk.plan(*rows, end=False)
    assert Rung.count == 0
    desk.sequencer.end()
    desk.answer(page := desk.sequencer.next_page(100))  # type: ignore[arg-type]  # there is one
    assert isinstance(page, ReadPage)
    desk.drain()
    assert (desk.notes.lines, Rung.count) == (["plan 1 pending"], 1)
    desk.records = {"a": Live("orders", {"code": "c"}, fields=Fields(frozenset({"code"})))}
    desk.plan(end=False)
    assert (desk.notes.lines[1:], Rung.count) == (["plan 2 unchanged as_wanted"], 2)  # and at the end


def test_what_is_learned_of_types_is_written_down() -> None:
    desk = Desk({"k1": live(kind="cards")}, facts={"route.transactions": "concrete"})
    assert desk.plan(row(1, kind="transactions")) == ["plan 1 pending"]  # known already
    again = Desk({"k1": live(kind="cards"), "k2": live(kind="cards")})
    refused_before = row(1, kind="transactions", refused=True)
    assert again.plan(refused_before) == ["learn route.transactions concrete", "plan 1 pending"]


def records(number: int) -> InFlightRow:
    return row(number)


def references(number: int) -> InFlightRow:
    return row(number, reference=f"r{number}")


@pytest.mark.parametrize(
    ("made", "stops"),
    [
        (records, "not_found"),
        (references, "reference_not_found"),
        (lambda number: row(number, doubt="reply_lost"), "reply_lost"),
        (lambda number: refused(number, "lookup_failed", sought=True), "lookup_failed"),
        (lambda number: refused(number, "reference_malformed"), ""),  # nobody looked: about the cell alone
    ],
    ids=["missing records", "missing references", "doubts", "looked for in vain", "invalid"],
)
def test_a_plan_stops_where_a_run_would_stop_for_what_it_reads(
    made: Callable[[int], InFlightRow | Refused], stops: str
) -> None:
    for count, reason in ((IDENTICAL_ROWS - 1, ""), (IDENTICAL_ROWS, stops)):
        desk = Desk({f"k{number}": live() for number in range(50)} if stops == "reply_lost" else {})
        desk.ids = {f"r{number}": () for number in range(50)}
        desk.plan(*(made(number) for number in range(1, count + 1)))
        assert desk.stop.reason == reason
        assert len(desk.notes.planned) == count


def test_rows_that_would_be_sent_are_a_success_of_reading() -> None:
    rows = [row(number) for number in range(1, IDENTICAL_ROWS + 2)]
    desk = Desk({"k1": live()})
    desk.plan(*rows)
    assert (desk.stop.reason, len(desk.notes.planned)) == ("", len(rows))


def test_a_row_that_would_be_sent_is_a_success_for_pages_that_are_read_later_though_asked_for_before() -> None:
    desk = Desk({"k50": live()})
    for number in range(1, 51):
        desk.sequencer.feed(row(number))
    pages = [desk.sequencer.next_page(100), desk.sequencer.next_page(100)]
    for page in pages:
        assert isinstance(page, ReadPage)
        desk.guards.reading(each.number for each in page.rows)
    desk.records = {f"k{number}": live() for number in range(26, 51)}
    for page in reversed(pages):
        assert page is not None
        desk.answer(page)
        desk.drain()
    assert (desk.stop.reason, len(desk.notes.planned)) == ("", 50)


def test_a_row_that_cannot_be_sent_excuses_none_of_those_behind_it() -> None:
    desk = Desk(ids={f"r{number}": () for number in range(50)})
    behind = (references(number) for number in range(3, IDENTICAL_ROWS + 3))
    desk.plan(references(1), refused(2, "type_unknown"), *behind)
    assert desk.stop.reason == "reference_not_found"


def test_a_plan_holds_what_becomes_of_a_text_that_is_a_list() -> None:
    wanted = Change({"tags": {"b": True}}, edits=(Edit(("attributes", "tags", "b"), ABSENT, True),))
    desk = Desk(records={"a": live("a")}, decide=lambda each, shown: wanted)
    said = {"tags": {"type": "set", "sep": ";"}}
    schema = schema_of(description(fields=said), {})
    desk.planner = replace(desk.planner, schema=schema)
    desk.plan(row(1, "a", kind="things"))
    assert desk.notes.planned[0].message == 'tags is one text: "" becomes "b"'


def test_no_private_value_is_in_the_words_of_a_plan() -> None:
    name: tuple[str, ...] = ("attributes", "name")
    wanted = Change({"tags": {"b": True}}, edits=(Edit(("attributes", "tags", "b"), ABSENT, True),))
    desk = Desk(records={"a": live("a")}, decide=lambda each, shown: wanted)
    schema = schema_of(description(fields={"tags": {"type": "set", "sep": ";"}}), {})
    private = Private(paths=frozenset({("attributes", "tags"), name}))
    desk.planner = replace(desk.planner, schema=schema, private=private)
    desk.plan(row(1, "a", kind="things"))
    assert desk.notes.planned[0].message == ""
    conflict = Settle("changed_since_plan", 'name was "old"', ("name",))
    desk = Desk(records={"k1": live()}, decide=lambda each, shown: conflict)
    desk.planner = replace(desk.planner, private=private)
    desk.plan(row(1))
    assert desk.notes.planned[0].message == REASONS["changed_since_plan"].meaning
