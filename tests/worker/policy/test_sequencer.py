"""The order of rows: each comes out once, in file order by record, and nothing is ever stuck."""

import math
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobs.changes.diff import Change
from jobs.model import Fields, Live, RowRef, Status, Unsendable, UpdateJob
from tests.worker.policy.reference_order import Order
from tests.worker.policy.sizes import Sizes
from worker.policy import sequencer as module
from worker.policy.guards import Halt
from worker.policy.lifecycle import State
from worker.policy.row import NEVER, Found, InFlightRow, Moment
from worker.policy.sequencer import (
    MAX_HELD_ROWS,
    Aimed,
    Done,
    Doubted,
    KeyPage,
    Learned,
    LinedUp,
    Queued,
    ReadPage,
    Refused,
    Sequencer,
    Settled,
    refusal,
)
from worker.policy.verdict import ReadBack, Settle

UNCHANGED = Settle("as_wanted")
PASSED = Learned("canary.orders", "passed", goes_on=True)
NAME = Fields(frozenset({"name"}))


def job(number: int, key: str = "a", kind: str = "orders", reference: str = "") -> UpdateJob:
    return UpdateJob(RowRef(number, number, b""), kind, key, {"name": "new"}, reference=reference)


def row(number: int, key: str = "a", kind: str = "orders", reference: str = "", **known: object) -> InFlightRow:
    return InFlightRow(job(number, key, kind, reference), kind, **known)  # type: ignore[arg-type]  # by name


def variants(kind: str) -> tuple[str, ...]:
    return ("cards", "wires") if kind == "transactions" else ()


def differs(each: InFlightRow, live: Live) -> Change | Settle | ReadBack:
    return Change({"name": "new"}) if live.attributes.get("name") != "new" else UNCHANGED


def sequencer(*rows: InFlightRow | Refused, ended: bool = True, page: int = 3, **how: object) -> Sequencer:
    facts = how.pop("facts", {})
    paging = how.pop("paging", Sizes(page, 2))
    made = Sequencer(differs, paging, variants, facts=facts, **how)  # type: ignore[arg-type]  # by name
    for each in rows:
        made.feed(each)
    if ended:
        made.end()
    return made


def found(*keys: str, kind: str = "orders", name: str = "old", at: float = 1.0, basis: object = None) -> Found:
    live = {key: Live(kind, {"name": name}, fields=NAME, basis=basis) for key in keys}
    return Found(live, dict.fromkeys(keys, Moment(at, at)))


def said(of: Sequencer) -> list[object]:
    """What it has said but for the end, of which `is_done` tells."""
    out, of.out = of.out, []
    return [effect for effect in out if effect != Done()]


def next_read(of: Sequencer, room: int = 100) -> ReadPage:
    page = of.next_page(room)
    assert isinstance(page, ReadPage)
    return page


def numbers(rows: Iterable[InFlightRow]) -> list[int]:
    return [each.number for each in rows]


# ---- rows of one record


def test_rows_of_one_record_go_one_at_a_time_in_file_order() -> None:
    first, second, other = row(1), row(2), row(3, "b")
    of = sequencer(first, second, other)
    page = next_read(of)
    assert numbers(page.rows) == [1, 3]
    of.read(page, found("a", "b"))
    assert said(of) == [Queued(first), Queued(other)]
    assert (of.next_row(), of.next_row(), of.next_row()) == (first, other, None)
    of.settled(first, Status.APPLIED, "", Moment(2.0, 2.0))
    assert said(of) == [Settled(second, UNCHANGED)]  # decided by what the first one left
    assert second.read_at == Moment(2.0, 2.0)
    of.settled(other, Status.APPLIED, "", NEVER)
    assert of.is_done


def test_a_row_that_is_built_on_more_than_its_fields_is_read_anew_after_the_row_before_it() -> None:
    first, second = row(1), row(2)
    of = sequencer(first, second)
    of.read(next_read(of), found("a", basis="version 1"))
    assert said(of) == [Queued(first)]
    assert of.next_row() is first
    of.settled(first, Status.APPLIED, "", Moment(2.0, 2.0))
    assert said(of) == [LinedUp(second)]
    assert numbers(next_read(of).rows) == [2]


class Halves(Sizes):
    """Records are read together whose keys begin alike; boats ten at a time."""

    def size(self, type_name: str) -> int:
        return 10 if type_name == "boats" else self.page

    def group(self, _type: str, key: str) -> str:
        return key[0]


def test_only_records_of_one_group_are_read_together_and_full_pages_first() -> None:
    of = Sequencer(differs, Halves(2, 2), variants, facts={})
    for number, (key, kind) in enumerate(
        [("a1", "orders"), ("b1", "boats"), ("b2", "boats"), ("b3", "boats"), ("a2", "orders")], 1
    ):
        of.feed(row(number, key, kind))
    page = next_read(of)
    assert (page.type, page.ids) == ("orders", ["a1", "a2"])  # full, though more boats wait
    of.feed(row(6, "a3", "orders"))
    of.end()
    assert next_read(of).ids == ["b1", "b2", "b3"]
    assert next_read(of).ids == ["a3"]
    assert ("orders", "a") not in of._unread


def test_records_of_two_types_with_one_id_are_not_compared_with_each_other() -> None:
    first, second = row(1, "a", "orders"), row(2, "a", "skus")
    of = sequencer(first, second)
    of.read(next_read(of), found("a", kind="orders"))
    assert of.next_row() is first
    said(of)
    of.settled(first, Status.APPLIED, "", NEVER)
    assert said(of) == [LinedUp(second)]


@pytest.mark.parametrize("reason", ["tags_discarded", "unverified"])
def test_a_row_that_was_applied_in_part_leaves_a_record_that_has_to_be_read(reason: str) -> None:
    first, second = row(1), row(2)
    of = sequencer(first, second)
    of.read(next_read(of), found("a"))
    assert of.next_row() is first
    said(of)
    of.settled(first, Status.APPLIED, reason, NEVER)
    assert said(of) == [LinedUp(second)]
    assert numbers(next_read(of).rows) == [2]


def test_a_row_that_asks_for_more_than_was_read_is_read_itself() -> None:
    first, second = row(1), row(2)
    of = sequencer(first, second)
    page = next_read(of)
    of.read(page, Found({"a": Live("orders", {"name": "old"})}, {"a": NEVER}))
    assert of.next_row() is first
    said(of)
    of.settled(first, Status.FAILED, "unreachable", NEVER)
    assert said(of) == [LinedUp(second)]


def test_a_row_in_doubt_holds_back_those_behind_it_for_good_but_for_results_that_stand() -> None:
    first, second, third, fourth = row(1), row(2), row(3, has_result=True), row(4, doubt="reply_lost", attempts=2)
    of = sequencer(first, second, third, fourth, ended=False)
    of.end()
    of.read(next_read(of), found("a"))
    assert of.next_row() is first
    said(of)
    of.settled(first, Status.UNKNOWN, "reply_lost", NEVER)
    assert said(of) == [
        Refused(second.job, Settle("after_unknown")),
        Refused(fourth.job, Settle("reply_lost"), 2),
    ]
    assert of.is_done


def test_a_row_that_an_earlier_process_left_unknown_holds_back_the_later_ones() -> None:
    stands, later = row(1, stands=True), row(2)
    of = sequencer(stands, later)
    assert said(of) == [Refused(later.job, Settle("after_unknown"))]
    assert of.is_done


def test_a_thousand_rows_of_one_record_do_not_nest() -> None:
    of = sequencer(*(row(number) for number in range(1, 1501)))
    of.read(next_read(of), found("a", name="new"))
    assert [effect.row.number for effect in said(of) if isinstance(effect, Settled)] == list(range(1, 1501))
    assert of.is_done


def test_a_write_of_the_run_is_remembered_by_the_rows_that_follow() -> None:
    first, second = row(1), row(2)
    of = sequencer(first, second)
    of.read(next_read(of), found("a"))
    of.next_row()
    first.written_at = 7.0
    of.settled(first, Status.APPLIED, "tags_discarded", NEVER)
    assert second.written_at == 7.0


def test_a_row_whose_record_was_read_back_leaves_it_as_it_was_read() -> None:
    first, second = row(1), row(2)
    of = sequencer(first, second)
    of.read(next_read(of), found("a"))
    assert of.next_row() is first
    first.live, first.read_at = found("a", name="new, as the API writes it").records["a"], Moment(5.0, 5.0)
    said(of)
    of.settled(first, Status.APPLIED, "read_back", Moment(9.0, 9.0))
    assert said(of) == [Queued(second)]  # the record does not hold just what was sent
    assert second.read_at == Moment(5.0, 5.0)


def test_rows_wait_behind_rows_only_so_far() -> None:
    of = sequencer(*(row(number) for number in range(1, MAX_HELD_ROWS + 2)), ended=False)
    assert not of.wants(100)
    assert of.reads_on(100)  # what is there is read although a page may still fill
    assert numbers(next_read(of).rows) == [1]


@pytest.mark.parametrize("last", ["row", "reference", "nothing"])
def test_the_end_is_told_once(last: str) -> None:
    of = sequencer(*{"row": [row(1)], "reference": [row(1, "", reference="r")], "nothing": []}[last])
    if last == "row":
        assert Done() not in of.out
        of.read(next_read(of), found("a", name="new"))
    elif last == "reference":
        of.next_page(100)
        of.found({}, {})
    assert of.out.count(Done()) == 1


# ---- pages


def test_a_page_is_of_one_type_and_full_unless_nothing_can_fill_it() -> None:
    of = sequencer(row(1), row(2, "b", "skus"), row(3, "c"), ended=False)
    assert of.wants(100)
    assert of.next_page(100) is None
    of.feed(row(4, "d"))
    assert not of.wants(100)
    assert numbers(next_read(of).rows) == [1, 3, 4]
    assert of.next_page(100) is None
    of.end()
    assert numbers(next_read(of).rows) == [2]


def test_pages_of_many_types_are_read_before_they_are_full_once_many_rows_wait() -> None:
    of = sequencer(*(row(number, f"k{number}", f"t{number}") for number in range(1, 25)), ended=False)
    assert not of.wants(100)
    assert numbers(next_read(of).rows) == [1]


def test_of_pages_that_nothing_can_fill_the_longest_is_read_first() -> None:
    of = sequencer(row(1, "a", "skus"), row(2, "b"), row(3, "c"))
    assert numbers(next_read(of).rows) == [2, 3]
    assert numbers(next_read(of).rows) == [1]


def test_a_last_page_waits_for_rows_whose_references_are_looked_up() -> None:
    of = sequencer(row(1), row(2, "", reference="r1"))
    assert isinstance(of.next_page(100), KeyPage)
    assert of.next_page(100) is None
    of.found({("orders", "r1"): ("b",)}, {})
    assert numbers(next_read(of).rows) == [1, 2]


def test_what_is_read_is_what_the_rows_set_and_nothing_of_rows_that_go_blind() -> None:
    of = sequencer(row(1))
    page = next_read(of)
    assert (page.type, page.ids, page.fields) == ("orders", ["a"], NAME)
    blind = sequencer(row(1, kind="transactions"), blind=True, facts={"route.transactions": "concrete"})
    assert next_read(blind).fields == Fields()


def test_rows_that_are_ahead_of_the_senders_leave_no_room() -> None:
    of = sequencer(*(row(number, f"k{number}") for number in range(1, 7)), ended=False)
    page = next_read(of)
    assert of.ahead == 3
    assert of.next_page(3) is None
    assert not of.wants(3)
    of.read(page, found("k1", "k2", "k3", name="new"))
    assert of.ahead == 0
    next_read(of)
    assert of.ahead == pytest.approx(2.1)  # of the page before, none was sent


@pytest.mark.parametrize(
    ("looked", "doubt", "reason", "message"),
    [
        (Found(missing=frozenset({"a"})), "", "not_found", "no orders with this id"),
        (Found(failed={"a": "it answered 500"}), "", "lookup_failed", "it answered 500"),
        (Found(missing=frozenset({"a"})), "server_error", "server_error", "no orders with this id"),
        (Found(failed={"a": "it answered 500"}), "server_error", "server_error", "it answered 500"),
    ],
)
def test_a_record_that_was_not_read_settles_its_row(looked: Found, doubt: str, reason: str, message: str) -> None:
    of = sequencer(row(1, doubt=doubt))
    page = next_read(of)
    of.read(page, looked)
    assert said(of) == [Settled(page.rows[0], Settle(reason, message))]
    assert of.is_done


def test_a_doubt_that_no_reading_settles_keeps_the_row_until_it_is_settled() -> None:
    question = ReadBack("reply_lost", "?")
    of = Sequencer(lambda _row, _live: question, Sizes(3, 2), variants, facts={})
    first, second = row(1, may_resend=False), row(2)
    for each in (first, second):
        of.feed(each)
    of.end()
    of.read(next_read(of), found("a"))
    assert said(of) == [Doubted(first, question)]
    assert (of.next_row(), of.is_done) == (None, False)
    of.settled(first, Status.APPLIED, "read_back", NEVER)
    assert said(of) == [Doubted(second, question)]


def test_rows_that_need_no_reading_are_sent_as_they_are_unless_they_may_have_been_applied() -> None:
    first, doubtful = row(1), row(2, "b", may_resend=False)
    of = sequencer(first, doubtful, blind=True)
    assert said(of) == [Queued(first)]
    assert of.next_row() is first
    assert first.change.attributes == {"name": "new"}
    assert numbers(next_read(of).rows) == [2]


def test_in_a_blind_run_the_next_of_a_record_is_sent_as_it_is_too() -> None:
    first, second = row(1), row(2)
    of = sequencer(first, second, blind=True)
    of.next_row()
    said(of)
    of.settled(first, Status.APPLIED, "", NEVER)
    assert said(of) == [Queued(second), LinedUp(second)]


def test_in_a_blind_run_a_row_that_may_have_been_applied_is_read_itself_behind_one_that_was_read() -> None:
    first, second = row(1, may_resend=False), row(2, may_resend=False)
    of = sequencer(first, second, blind=True)
    of.read(next_read(of), found("a"))
    assert of.next_row() is first
    said(of)
    of.settled(first, Status.APPLIED, "", NEVER)
    assert said(of) == [LinedUp(second)]


# ---- read again


def test_rows_that_age_are_read_again_with_the_one_in_hand_and_may_turn_out_not_to_be_sent() -> None:
    rows = [row(number, f"k{number}") for number in range(1, 4)] + [row(4, "s", "skus")]
    of = sequencer(*rows)
    of.read(next_read(of), found("k1", "k2", "k3"))
    of.read(next_read(of), found("s", kind="skus"))
    hand = of.next_row()
    assert hand is rows[0]
    page = of.reread(hand, lambda each: each.number != 3)
    assert numbers(page.rows) == [1, 2]
    said(of)
    of.fresh(page, Found({**found("k1").records, **found("k2", name="new").records}, found("k1", "k2", at=9.0).at))
    assert (hand.verdict, hand.read_at.loop) == (None, 9.0)
    assert rows[1].verdict == UNCHANGED
    assert (of.next_row(), said(of)) == (rows[2], [Settled(rows[1], UNCHANGED)])
    assert numbers(of.reread(hand).rows) == [1]


def test_a_row_that_has_left_meanwhile_keeps_what_is_in_its_intent() -> None:
    first, left = row(1), row(2, "b")
    of = sequencer(first, left)
    of.read(next_read(of), found("a", "b"))
    assert of.next_row() is first
    page = of.reread(first, lambda _: True)
    assert of.next_row() is left
    left.state = State.INTENDED
    of.fresh(page, found("a", "b", name="new"))
    assert (first.verdict, left.verdict) == (UNCHANGED, None)


def test_a_verdict_of_an_earlier_reading_does_not_outlive_a_later_one() -> None:
    first = row(1)
    of = sequencer(first)
    of.read(next_read(of), found("a"))
    first.verdict = UNCHANGED
    of.fresh(of.reread(first), found("a"))
    assert first.verdict is None


def test_rows_that_were_not_read_are_no_company_for_one_that_is_read_again() -> None:
    blind, doubtful = [row(1, "a"), row(2, "b")], [row(number, f"k{number}", may_resend=False) for number in (3, 4, 5)]
    of = sequencer(*blind, *doubtful, blind=True)
    of.read(next_read(of), found("k3", "k4", "k5"))
    assert of.next_row() is blind[0]
    assert numbers(of.ready) == [2, 3, 4, 5]
    assert numbers(of.reread(blind[0], lambda _: True).rows) == [1, 3, 4]


# ---- references


def test_nothing_is_fed_behind_references_that_are_being_looked_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """Those that are fed meanwhile would be taken for such as were looked up in vain."""
    monkeypatch.setattr(module, "MAX_HELD_ROWS", 1)
    first, second, aimed = row(1), row(2), row(3, "", reference="r1")
    of = sequencer(first, ended=False)
    of.feed(second)
    of.feed(aimed)  # read already when the second one came to be held
    assert not of.wants(100)
    of.read(next_read(of), found("a"))
    assert isinstance(of.next_page(100), KeyPage)
    assert of.next_row() is first
    of.settled(first, Status.FAILED, "unreachable", NEVER)
    assert of.next_row() is second  # none is held any more
    assert not of.wants(100)
    of.found({("orders", "r1"): ("x",)}, {})
    assert of.wants(100)


@pytest.mark.parametrize(
    ("case", "room", "reads_on"),
    [
        ("nothing was fed", 1, True),
        ("nothing was fed", 0, False),
        ("the input ended", 1, False),
        ("a row waits", 1, True),
        ("a row is being read", 2, True),  # and another one may be fed
        ("the last row is being read", 2, False),
        ("a reference waits", 1, True),
        ("the last reference waits", 1, True),
        ("references are looked up", 1, False),
        ("too many rows are held", 1, False),
        ("a type was refused", 0, True),
    ],
)
def test_readers_have_something_to_do_where_something_may_be_read_looked_up_or_fed(
    case: str, room: int, reads_on: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    by_reference = row(1, "", reference="r1"), row(2, "", reference="r2")
    match case:
        case "nothing was fed":
            of = sequencer(ended=False)
        case "the input ended":
            of = sequencer()
        case "a row waits":
            of = sequencer(row(1))
        case "a row is being read" | "the last row is being read":
            of = sequencer(row(1), page=1, ended=case.startswith("the last"))
            next_read(of)
        case "a reference waits" | "the last reference waits":
            of = sequencer(by_reference[0], ended=case.startswith("the last"))
        case "references are looked up":
            of = sequencer(*by_reference, ended=False)
            assert isinstance(of.next_page(1), KeyPage)
        case "too many rows are held":
            monkeypatch.setattr(module, "MAX_HELD_ROWS", 1)
            of = sequencer(row(1), row(2), ended=False)
            of.read(next_read(of), found("a"))
            of.next_row()
        case _:
            of = sequencer(row(1, kind="transactions"), blind=True)
            refused = of.next_row()
            assert refused is not None
            of.refused(refused)
    assert of.reads_on(room) is reads_on


def test_a_row_by_reference_waits_with_those_behind_it_until_its_record_is_known() -> None:
    aimed, behind, refused = (
        row(1, "", reference="r1"),
        row(2, "x"),
        Refused(Unsendable(RowRef(3, 3, b""), "empty"), UNCHANGED),
    )
    of = sequencer(aimed, behind, refused, ended=False)
    assert of.wants(100)
    assert of.next_page(100) is None
    of.end()
    page = of.next_page(100)
    assert page == KeyPage((aimed,), (1, 2, 3))
    assert of.next_page(100) is None  # one at a time
    assert not of.wants(100)
    assert not of.reads_on(100)
    of.found({("orders", "r1"): ("x",)}, {})
    assert said(of) == [Aimed(aimed), refused]
    assert aimed.job.id == "x"
    assert numbers(next_read(of).rows) == [1]  # and the second one is of the same record


def test_a_look_up_that_failed_says_why() -> None:
    of = sequencer(row(1, "", reference="r1"))
    of.next_page(100)
    of.found({}, {}, {("orders", "r1"): "it answered 403: not yours"})
    (refused,) = said(of)
    assert isinstance(refused, Refused)
    assert refused.settle.message == "the reference 'r1' could not be looked up: it answered 403: not yours"


def test_a_page_of_references_is_looked_up_once_it_is_full() -> None:
    of = sequencer(row(1, "", reference="r1"), ended=False)
    assert of.wants(100)
    of.feed(row(2, "", reference="r2"))
    assert not of.wants(100)
    assert isinstance(of.next_page(100), KeyPage)


@pytest.mark.parametrize(
    ("ids", "reason", "message"),
    [
        (None, "lookup_failed", "the reference 'r1' could not be looked up"),
        ((), "reference_not_found", "no orders has the reference 'r1'"),
        (("x", "y"), "reference_ambiguous", "several orders have the reference 'r1': x, y"),
        (tuple("uvwxyz"), "reference_ambiguous", "several orders have the reference 'r1': u, v, w, x, y, …"),
    ],
)
def test_a_reference_that_leads_to_no_single_record_is_refused(
    ids: tuple[str, ...] | None, reason: str, message: str
) -> None:
    of = sequencer(row(1, "", reference="r1", attempts=1))
    of.next_page(100)
    of.found({} if ids is None else {("orders", "r1"): ids}, {})
    (refused,) = said(of)
    assert isinstance(refused, Refused)
    assert (refused.settle, refused.attempts, refused.sought) == (Settle(reason, message, ("reference",)), 1, True)
    assert isinstance(refused.job, Unsendable)
    assert refused.job.column == "reference"


class Customers(Sizes):
    """Records that are known by their email, or by their number."""

    def sought(self, _type: str, reference: str) -> tuple[str, str]:
        return "email", reference.removeprefix("email=")

    def key(self, _type: str) -> str:
        return "number"


def test_a_record_that_is_not_found_is_named_as_the_columns_name_it() -> None:
    customers = row(1, "", "customers", "email=x@y.example"), row(2, "7", "customers")
    of = sequencer(*customers, paging=Customers(3, 2))
    of.next_page(100)
    of.found({("customers", "email=x@y.example"): ()}, {})
    (refused,) = said(of)
    assert isinstance(refused, Refused)
    assert refused.settle == Settle("reference_not_found", "no customers has the email 'x@y.example'", ("email",))
    of.read(next_read(of), Found(missing=frozenset({"7"})))
    assert said(of)[0] == Settled(customers[1], Settle("not_found", "no customers with this number"))


def test_a_row_that_later_rows_of_its_record_have_overtaken_is_refused() -> None:
    late = Unsendable(RowRef(1, 1, b""), "superseded")
    of = sequencer(row(1, "", reference="r1"), row(2, "", reference="r2", doubt="reply_lost"))
    of.next_page(100)
    of.found({("orders", "r1"): ("x",), ("orders", "r2"): ("y",)}, {1: late, 2: late})
    assert said(of) == [Refused(late, Settle("superseded")), Refused(late, Settle("reply_lost"))]


def test_a_row_left_unknown_is_not_settled_again_where_its_record_is_gone() -> None:
    of = sequencer(row(1, "", reference="r1", stands=True))
    of.next_page(100)
    of.found({("orders", "r1"): ()}, {})
    assert said(of) == []
    assert of.is_done


def test_a_problem_names_the_column_that_it_is_about() -> None:
    assert refusal(Unsendable(RowRef(1, 1, b""), "bad_value", "why", "name"), "", 0).settle.fields == ("name",)


# ---- the first of a type


def test_the_first_rows_of_a_type_go_alone_and_those_behind_them_wait() -> None:
    rows = [row(number, f"k{number}") for number in range(1, 4)]
    of = sequencer(*rows, canaries=1)
    of.read(next_read(of), found("k1", "k2", "k3"))
    assert (len(of.ready), of.queued) == (1, 3)
    first = of.next_row()
    assert (first, of.next_row()) == (rows[0], None)
    assert first is not None
    assert first.is_canary
    first.was_sent = True
    said(of)
    of.settled(first, Status.APPLIED, "", NEVER)
    assert said(of) == [PASSED, Queued(rows[1]), Queued(rows[2])]
    assert (len(of.ready), of.queued) == (2, 2)


def test_a_first_row_that_is_not_sent_proves_nothing() -> None:
    rows = [row(1), row(2, "b")]
    of = sequencer(*rows, canaries=1)
    of.read(next_read(of), found("a", "b"))
    first = of.next_row()
    assert first is rows[0]
    said(of)
    of.settled(first, Status.UNCHANGED, "as_wanted", NEVER)
    assert said(of) == [Queued(rows[1])]
    assert rows[1].is_canary


def test_a_row_that_an_earlier_night_has_tried_is_no_first_row() -> None:
    rows = [row(1, was_tried=True), row(2, "b")]
    of = sequencer(*rows, canaries=1)
    of.read(next_read(of), found("a", "b"))
    assert [each.is_canary for each in of.ready] == [False, True]
    rows[0].was_sent = True
    said(of)
    of.settled(rows[0], Status.UNKNOWN, "not_taken", NEVER)
    assert said(of) == []


def test_first_rows_that_are_all_refused_alike_stop_the_run() -> None:
    first = row(1)
    of = sequencer(first, canaries=1)
    of.read(next_read(of), found("a"))
    of.next_row()
    first.was_sent = True
    said(of)
    of.settled(first, Status.REJECTED, "not_updatable", NEVER)
    halt, passed = said(of)
    assert isinstance(halt, Halt)
    assert (halt.reason, passed) == ("canary", PASSED)


def test_a_type_whose_first_rows_went_well_in_an_earlier_process_does_not_wait_again() -> None:
    of = sequencer(row(1), row(2, "b"), canaries=3, facts={"canary.orders": "passed"})
    of.read(next_read(of), found("a", "b"))
    assert len(of.ready) == 2


def test_a_first_row_whose_type_is_refused_is_read_at_once_though_its_cage_is_full_and_there_is_no_room() -> None:
    rows = [row(number, f"k{number}", "transactions") for number in range(1, 5)]
    of = sequencer(*rows, canaries=1, blind=True)
    first = of.next_row()
    assert first is rows[0]
    assert (of.next_row(), of.queued, of.next_page(3)) == (None, 3, None)
    first.was_sent = True
    said(of)
    of.refused(first)
    assert said(of) == [LinedUp(first)]
    page = next_read(of, room=0)
    assert numbers(page.rows) == [1]
    assert of.next_page(3) is None  # of the others, nothing is urgent
    of.read(page, found("k1", kind="cards"))
    assert said(of) == [Learned("route.transactions", "concrete"), Queued(first)]
    assert (of.next_row(), of.next_row()) == (first, None)
    of.settled(first, Status.APPLIED, "", NEVER)
    assert said(of)[0] == Learned("canary.transactions", "passed", goes_on=True)
    assert of.next_row() is None
    assert said(of) == [LinedUp(each) for each in rows[1:]]  # they are read for their concrete type
    assert numbers(next_read(of).rows) == [2, 3, 4]


def test_a_first_row_whose_type_is_known_to_be_refused_is_read_at_once_too() -> None:
    rows = [row(number, f"k{number}", "transactions") for number in range(1, 5)]
    of = sequencer(*rows, canaries=2, blind=True)
    first = of.next_row()
    assert first is rows[0]
    first.was_sent = True
    of.refused(first)
    of.read(next_read(of, room=0), found("k1", kind="cards"))
    assert of.next_row() is first
    of.settled(first, Status.APPLIED, "", NEVER)
    said(of)
    assert (of.next_row(), said(of), of.queued) == (None, [LinedUp(rows[1])], 2)
    assert numbers(next_read(of, room=0).rows) == [2]


def test_a_first_row_in_doubt_keeps_those_behind_it_waiting_until_it_is_settled() -> None:
    rows = [row(number, f"k{number}") for number in range(1, 3)]
    of = sequencer(*rows, canaries=1)
    of.read(next_read(of), found("k1", "k2"))
    first = of.next_row()
    assert first is rows[0]
    first.was_sent = True
    said(of)
    assert (of.next_row(), of.queued, of.is_done) == (None, 1, False)
    of.settled(first, Status.UNKNOWN, "reply_lost", NEVER)  # that its record does not show it proves nothing
    assert said(of) == [PASSED, Queued(rows[1])]


# ---- abstract types


def test_a_row_whose_type_is_refused_goes_by_the_concrete_one_that_was_read() -> None:
    first, second = row(1, kind="transactions"), row(2, "b", "transactions")
    of = sequencer(first, second)
    of.read(next_read(of), found("a", "b", kind="cards"))
    assert of.next_row() is first
    said(of)
    of.refused(first)
    assert said(of) == [Learned("route.transactions", "concrete"), Queued(first)]
    assert (first.type_name, second.type_name) == ("cards", "transactions")
    assert of.next_row() is second or second.type_name == "cards"
    assert {of.next_row(), of.next_row()} <= {first, second, None}
    assert second.type_name == "cards"


def test_in_a_blind_run_a_refused_type_is_read_at_once_and_those_behind_it_once_more_is_known() -> None:
    rows = [row(number, f"k{number}", "transactions") for number in range(1, 5)]
    of = sequencer(*rows, blind=True)
    first, second, third = (of.next_row() for _ in range(3))
    assert (first, second, third) == tuple(rows[:3])
    assert first is not None
    assert second is not None
    assert third is not None
    said(of)
    of.refused(first)
    assert (said(of), bool(of._urgent)) == ([LinedUp(first)], True)
    page = next_read(of, room=0)  # however little room there is
    assert numbers(page.rows) == [1]
    of.refused(second)  # while that is being looked into, it waits as the others do
    assert not bool(of._urgent)
    of.read(page, found("k1", kind="wires"))
    assert said(of) == [LinedUp(second), Learned("route.transactions", "concrete"), Queued(first)]
    assert first.type_name == "wires"
    assert of.next_row() is first  # and the fourth is read first
    assert said(of) == [LinedUp(rows[3])]
    assert numbers(next_read(of).rows) == [2, 4]


def test_two_rows_that_are_refused_before_either_is_read_go_on_one_page() -> None:
    rows = [row(number, f"k{number}", "transactions") for number in range(1, 3)]
    of = sequencer(*rows, blind=True)
    for each in (of.next_row(), of.next_row()):
        assert each is not None
        of.refused(each)
    assert numbers(next_read(of, room=0).rows) == [2, 1]
    assert not bool(of._urgent)


def test_an_urgent_row_that_went_with_a_page_of_others_is_not_read_twice() -> None:
    rows = [row(1, "a", "transactions"), row(2, "b", "transactions", may_resend=False)]
    of = sequencer(*rows, blind=True, ended=False)
    first = of.next_row()
    assert first is rows[0]
    of.refused(first)
    of._urgent.append(("orders", ""))  # nothing of it waits
    of._unread["orders", ""] = type(of._unread["transactions", ""])()
    assert numbers(next_read(of).rows) == [1, 2]
    assert of.next_page(100) is None


def test_a_record_whose_concrete_type_is_not_shown_cannot_be_updated() -> None:
    only = row(1, kind="transactions")
    of = sequencer(only, facts={"route.transactions": "concrete"})
    of.read(next_read(of), found("a", kind="transactions"))
    assert said(of) == [Settled(only, Settle("lookup_failed", "the API does not say the record's concrete type"))]


def test_a_type_that_turned_out_to_be_updatable_is_remembered() -> None:
    first, second = row(1, kind="transactions"), row(2, "b", "transactions")
    of = sequencer(first, ended=False)
    of.feed(second)
    of.end()
    of.read(next_read(of), found("a", "b", kind="cards"))
    of.next_row()
    first.was_sent = True
    said(of)
    of.settled(first, Status.APPLIED, "", NEVER)
    assert said(of) == [Learned("route.transactions", "direct")]
    later = row(3, kind="transactions")
    sequencer(later, facts={"route.transactions": "direct"})
    assert not later.abstract  # a refusal is about its record


def test_a_refused_type_of_which_nothing_was_learned_is_read_at_once_again() -> None:
    rows = [row(number, f"k{number}", "transactions") for number in range(1, 4)]
    of = sequencer(*rows, blind=True)
    for each in rows[:2]:
        assert of.next_row() is each
        of.refused(each)
        page = next_read(of, room=0)
        assert page.rows == (each,)
        of.read(page, Found(missing=frozenset(page.ids)))


def test_a_row_that_an_earlier_process_sent_teaches_nothing_about_its_type() -> None:
    question = ReadBack("reply_lost", "?")
    of = Sequencer(lambda _row, _live: question, Sizes(3, 2), variants, facts={})
    only = row(1, kind="transactions", may_resend=False)
    of.feed(only)
    of.end()
    of.read(next_read(of), found("a", kind="cards"))
    assert said(of) == [Doubted(only, question)]
    of.settled(only, Status.APPLIED, "read_back", NEVER)
    assert said(of) == []


# ---- worlds: whatever order things happen in


@dataclass
class World:
    """Drives a sequencer as a run would, but in any order that is possible; seeded."""

    dice: Random
    of: Sequencer = field(init=False)
    rows: list[InFlightRow] = field(default_factory=list)
    fed: int = 0
    pages: list[ReadPage | KeyPage] = field(default_factory=list)
    sending: list[InFlightRow] = field(default_factory=list)
    doubted: list[InFlightRow] = field(default_factory=list)
    out: dict[int, list[str]] = field(default_factory=lambda: defaultdict(list))
    order: dict[str, list[int]] = field(default_factory=lambda: defaultdict(list))
    unknown: dict[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        dice = self.dice
        self.unknowns, self.same, self.refs = (
            dice.choice([0, 0.05, 0.3]),
            dice.choice([0, 0.3, 0.9]),
            dice.random() < 0.4,
        )
        self.refuses, self.blind = dice.random() < 0.7, dice.random() < 0.4
        self.page = dice.choice([1, 2, 5, 25])
        self.of = Sequencer(
            self.decide, Sizes(self.page, max(1, self.page - 1)), variants, facts={},
            blind=self.blind, canaries=dice.choice([0, 1, 3]),
        )  # fmt: skip
        kinds = dice.sample(["orders", "skus", "transactions"], dice.randint(1, 3))
        keys = dice.choice([1, 3, 10, 200])
        for number in range(1, dice.choice([1, 2, 5, 30, 120]) + 1):
            kind = dice.choice(kinds)
            key = f"{kind}{dice.randrange(keys)}"
            by = self.refs and dice.random() < 0.5
            known = {"may_resend": dice.random() < 0.9, "stands": dice.random() < self.unknowns / 9}
            self.rows.append(row(number, "" if by else key, kind, key if by else "", **known))

    def decide(self, each: InFlightRow, _live: Live) -> Change | Settle | ReadBack:
        if not each.may_resend and self.dice.random() < 0.5:
            return ReadBack("reply_lost", "?")
        return UNCHANGED if self.dice.random() < self.same else Change({"name": "new"})

    def drain(self) -> None:
        for effect in said(self.of):
            if isinstance(effect, Settled):
                self.end(effect.row, effect.settle.reason)
            elif isinstance(effect, Refused):
                self.out[effect.job.ref.row].append(effect.settle.reason)
            elif isinstance(effect, Doubted):
                self.doubted.append(effect.row)

    def end(self, each: InFlightRow, reason: str) -> None:
        self.out[each.number].append(reason)
        self.order[each.job.id].append(each.number)

    def settle(self, each: InFlightRow) -> None:
        chance = self.dice.random()
        status = Status.APPLIED if chance > 0.1 + self.unknowns else Status.REJECTED
        status = Status.UNKNOWN if chance < self.unknowns else status
        self.end(each, status)
        if status is Status.UNKNOWN:
            self.unknown[each.job.id] = each.number
        self.of.settled(each, status, self.dice.choice(["", "tags_discarded"]), NEVER)

    def answer(self, page: ReadPage | KeyPage) -> None:
        if isinstance(page, KeyPage):
            ids = {(each.job.type, each.job.reference): self.looked_up(each) for each in page.rows}
            self.of.found({key: found for key, found in ids.items() if found is not None}, {})
            return
        self.of.read(page, self.seen(page))

    def looked_up(self, each: InFlightRow) -> tuple[str, ...] | None:
        chance = self.dice.random()
        return None if chance < 0.03 else () if chance < 0.06 else (each.job.reference,)

    def seen(self, page: ReadPage) -> Found:
        records, missing = {}, set()
        for each in page.rows:
            if self.dice.random() < 0.03:
                missing.add(each.job.id)
            else:
                concrete = each.job.type != "transactions" or self.dice.random() < 0.03
                records[each.job.id] = Live(each.job.type if concrete else "cards", {"name": "x"}, fields=page.fields)
        return Found(records, dict.fromkeys(records, NEVER), frozenset(missing))

    def feed(self, room: int) -> bool:
        before = self.fed
        for _ in range(500):
            if not self.of.wants(room):
                return self.fed > before
            if self.fed == len(self.rows):
                self.of.end()
                return True
            self.of.feed(self.rows[self.fed])
            self.fed += 1
        return True

    def take(self) -> bool:
        taken = self.of.next_row()
        if taken is None:
            return False
        in_hand = {each.job.id for each in (*self.sending, *self.doubted)}
        assert taken.job.id not in in_hand, "two rows of one record in flight"
        assert taken.number < self.unknown.get(taken.job.id, math.inf), "a row behind an unknown one"
        self.sending.append(taken)
        return True

    def send(self) -> None:
        each = self.sending.pop(self.dice.randrange(len(self.sending)))
        if each.live is not None and self.dice.random() < 0.2:
            page = self.of.reread(each, lambda _: True)
            self.of.fresh(page, self.seen(page))
            if each.verdict is not None:
                self.doubted.append(each)
                return
        each.was_sent = True
        if each.abstract and self.refuses:
            self.of.refused(each)
        else:
            self.settle(each)

    def step(self) -> bool:
        """Do something at random; whether anything came of it."""
        room = max(self.page, self.dice.choice([1, 2, 25, 200]))
        chance = self.dice.random()
        if chance < 0.5:
            moved = self.feed(room)
            page = self.of.next_page(room) if len(self.pages) < 4 else None
            self.pages += [page] if page is not None else []
            return moved or page is not None
        if chance < 0.7 and self.pages:
            self.answer(self.pages.pop(self.dice.randrange(len(self.pages))))
            return True
        if chance < 0.8 and self.doubted:
            self.settle(self.doubted.pop(self.dice.randrange(len(self.doubted))))
            return True
        if self.sending and (chance < 0.9 or len(self.sending) == 5):
            self.send()
            return True
        return len(self.sending) < 5 and self.take()

    def is_stuck(self) -> bool:
        """Whether nothing is outstanding, nothing can be done, and yet it is not over; changes what it looks at."""
        room = 200
        outstanding = self.pages or self.sending or self.doubted or self.of.is_done
        return not (outstanding or self.of.wants(room) or self.of.next_page(room) or self.of.next_row())


@given(seed=st.integers(0, 2**32))
def test_whatever_order_things_happen_in_each_row_comes_out_once_and_nothing_is_stuck(seed: int) -> None:
    world, idle, steps = World(Random(seed)), 0, 0
    while not world.of.is_done:
        idle = 0 if world.step() else idle + 1
        world.drain()
        steps += 1
        assert steps < 100_000, "endless"
        assert world.of._held <= MAX_HELD_ROWS
        assert world.of.queued >= 0
        assert idle < 200 or not world.is_stuck(), "stuck"
    world.drain()
    assert world.fed == len(world.rows)
    for each in world.rows:
        assert len(world.out[each.number]) == (0 if each.stands else 1), each.number
    for taken in world.order.values():
        assert taken == sorted(taken), "not in file order"
    assert world.of.queued == world.of._held == world.of._waiting == world.of._reading == 0


@given(seed=st.integers(0, 2**32))
def test_a_second_judge_finds_every_row_in_its_place_at_every_step(seed: int) -> None:
    Order(Random(seed)).play(rows=24, steps=150)


# ---- rows that would wait for a limit of their own


@pytest.mark.parametrize(
    ("open_ones", "order"),
    [
        ({1, 2, 3}, [1, 2, 3]),
        ({3}, [3, 1, 2]),
        ({2, 3}, [2, 3, 1]),
        (set[int](), [1, 2, 3]),  # the first one waits
    ],
)
def test_a_row_that_would_have_to_wait_lets_those_go_first_that_need_not(open_ones: set[int], order: list[int]) -> None:
    of = sequencer(row(1, "a"), row(2, "b"), row(3, "c"))
    of.read(next_read(of), found("a", "b", "c"))
    taken = [of.next_row(lambda each: each.number in open_ones) for _ in range(4)]
    assert [each.number if each else None for each in taken] == [*order, None]


def test_no_more_rows_are_passed_over_than_can_be_looked_at() -> None:
    count = module.MAX_PASSED_OVER + 5
    of = sequencer(*(row(number, f"k{number}") for number in range(1, count + 1)), page=count)
    of.read(next_read(of), found(*(f"k{number}" for number in range(1, count + 1))))
    looked: list[int] = []

    def is_open(each: InFlightRow) -> bool:
        looked.append(each.number)
        return False

    first = of.next_row(is_open)
    assert first is not None
    assert (first.number, looked) == (1, list(range(1, module.MAX_PASSED_OVER + 2)))
