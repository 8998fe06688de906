"""A judge that finds nothing proves nothing: it is given each untruth once, and has to see it."""

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from jobs.model import ABSENT
from tests.system.simulation.evidence import Attempt, Evidence, Record, Reports, Told
from tests.system.simulation.facts import Terms, in_time
from tests.system.simulation.judge import Kind, judge
from tests.system.simulation.model import Rules, updated
from tests.system.simulation.network import Flight
from tests.system.simulation.senders import Senders
from tests.system.simulation.sheet import Row, Sheet
from worker.sandbox import Entry

ROW = Row(1, "A", {"reference": "row 1"})
FIRES = replace(ROW, trigger="_capture")
PLAIN = Row(1, "A", trigger="_capture")
OLD = Record(None, {}, frozenset())
NEW = Record("row 1", {}, frozenset())


@dataclass(frozen=True)
class Sent:
    """A PATCH of the row: what the server did, and what the client heard (None: what the server said)."""

    applied: bool = True
    status: int = 200
    fault: str = ""
    heard: int | None = None
    lands_at: float = 0.0


DONE = Sent()
LOST = Sent(fault="reset-before", status=0, applied=False)
LATE = Sent(fault="408-after", status=408, lands_at=4.0)
JOB = Sent(fault="202-job", status=202, lands_at=4.0)
ERRORS = Sent(fault="207-errors", status=207, applied=False)
EMPTY = Sent(fault="204", status=204)
REFUSED = Sent(status=422, applied=False)
PAUSE = Sent(status=420, fault="420-pause", applied=False)
LIMIT = Sent(status=429, fault="429-pause", applied=False)
BUSY = Sent(status=503, fault="503-pause", applied=False)


@dataclass(frozen=True)
class Case:
    """One row, what it is told to be, and what really happened to it."""

    status: str
    reason: str = ""
    sent: Sequence[Sent] = (DONE,)
    row: Row = ROW
    after: Record = NEW
    before: Record = OLD
    terms: Mapping[str, Any] = field(default_factory=dict)
    state: str = "finished"

    @property
    def evidence(self) -> Evidence:
        told = [Told(1, self.row.id, self.status, self.reason, len(self.sent))]
        settled_well = self.status in {"applied", "unchanged", "skipped"}
        exit_status = {"finished": 0 if settled_well else 1, "stopped": 3}[self.state]
        reports = Reports(
            told, told, [] if settled_well else [1], {self.status: 1}, len(self.sent), self.state, exit_status
        )
        return Evidence(
            reports,
            [Attempt(1, n, 1, "") for n, _ in enumerate(self.sent, 1)],
            [self._entry(n, each) for n, each in enumerate(self.sent, 1)],
            [self._flight(n, each) for n, each in enumerate(self.sent, 1)],
            {self.row.id: self.before},
            {self.row.id: self.after},
            (self.state, exit_status),
        )

    @property
    def kinds(self) -> list[Kind]:
        terms = Terms(Sheet("orders", [self.row], 1), 4, 5, **self.terms)
        return [violation.kind for violation in judge(terms, self.evidence)]

    @property
    def _body(self) -> dict[str, Any]:
        attributes = {name: None if value is ABSENT else value for name, value in self.row.sets.items()}
        return {"data": {"id": self.row.id, "type": "orders", "attributes": attributes}}

    def _entry(self, n: int, sent: Sent) -> Entry:
        return Entry(n, 0.0, "PATCH", "", "orders", self.row.id, "", self._body, sent.applied, sent.status, sent.fault,
                     sent.lands_at)  # fmt: skip

    def _flight(self, n: int, sent: Sent) -> Flight:
        heard = sent.status if sent.heard is None else sent.heard
        return Flight(0, f"/api/orders/{self.row.id}", json.dumps(self._body).encode(), 0.0, 2 * n, 2 * n + 1, heard)


QUIET = {"quiet": True, "undisturbed": True}
STALE = {"stale": True, "undisturbed": True}


@pytest.mark.parametrize(
    "case",
    [
        Case("applied"),
        Case("applied", "resent", [LOST, DONE]),
        Case("applied", "read_back", [LATE]),
        Case("applied", "read_back", [JOB]),
        Case("applied", "unverified", [EMPTY]),
        Case("applied", "read_back", terms=STALE),  # a canary that was read too early, and again
        Case("applied", "resent", terms={"stale": True}),  # and the process was killed before it was read again
        Case("applied", "", [PAUSE, DONE]),
        Case("unknown", "timed_out", [LATE]),
        Case("unknown", "reply_mismatch", [ERRORS], after=OLD),
        Case("unknown", "refused", [PAUSE], row=FIRES, after=OLD),
        Case("unknown", "server_error", [BUSY], after=OLD),
        Case("rejected", "validation", [REFUSED], after=OLD),
        Case("rejected", "refused", [PAUSE], row=FIRES, after=OLD),
        Case("failed", "throttled", [LIMIT], after=OLD),
        Case("unchanged", "as_wanted", [], before=NEW),
    ],
)
def test_what_is_true_is_not_complained_of(case: Case) -> None:
    assert case.kinds == []


@pytest.mark.parametrize(
    ("case", "kind"),
    [
        (Case("applied", "", [ERRORS], after=OLD), Kind.APPLIED),
        (Case("applied", "", [LATE]), Kind.APPLIED),  # it was; but nobody had confirmed it
        (Case("applied", "resent"), Kind.UNMARKED),
        (Case("applied", "read_back"), Kind.UNMARKED),
        (Case("applied", "resent", terms=STALE), Kind.UNMARKED),
        (Case("applied", "", [LATE, DONE]), Kind.UNMARKED),
        # not on the server when the program looked, and on it at the end of time
        (Case("failed", "not_applied", [LATE]), Kind.REFUSED),
        (Case("rejected", "validation", [LATE, REFUSED]), Kind.REFUSED),
        (Case("conflict", "precondition_failed", [JOB]), Kind.REFUSED),
        (Case("skipped", "superseded", [LATE]), Kind.REFUSED),
        (Case("unchanged", "as_wanted", [LATE]), Kind.REFUSED),
        (Case("rejected", "not_found", [], after=OLD), Kind.REFUSED),
        (Case("rejected", "refused", [PAUSE], after=OLD), Kind.REFUSED),  # it only asked to wait
        (Case("failed", "not_applied", [REFUSED], after=OLD), Kind.REFUSED),
        # the replies leave no doubt
        (Case("unknown", "timed_out"), Kind.BASELESS),
        (Case("unknown", "not_taken", terms=STALE), Kind.BASELESS),  # whoever looks again sees it
        (Case("unknown", "refused", [PAUSE], after=OLD), Kind.BASELESS),
        (Case("unknown", "refused", [LIMIT], row=FIRES, after=OLD), Kind.BASELESS),
        (Case("applied", "resent", [LATE, DONE], row=FIRES), Kind.TWICE),
        (Case("applied", after=OLD), Kind.STATE),
        (Case("applied", after=replace(NEW, metadata={"a": "gone"}), before=replace(OLD, metadata={"a": "b"})),
         Kind.STATE),
        (Case("failed", "throttled", [LIMIT], after=OLD, terms=QUIET), Kind.NOT_DONE),
        (Case("applied", terms=QUIET, state="stopped"), Kind.NOT_DONE),
        (Case("applied", "resent", [LOST] * 5 + [DONE]), Kind.STUBBORN),
    ],
)  # fmt: skip
def test_what_is_untrue_is_seen(case: Case, kind: Kind) -> None:
    assert kind in case.kinds


def test_attempts_that_end_with_a_pause_are_not_counted() -> None:
    case = Case("applied", "resent", [BUSY] * 6 + [DONE])
    assert case.kinds == [Kind.STUBBORN]
    assert replace(case, terms={"pauses": True}).kinds == []


def test_a_stored_form_is_as_wanted_only_where_the_server_has_such_forms() -> None:
    row = Row(1, "A", {"reference": "row 1", "metadata.a": " A@B.com "})
    case = Case("applied", row=row, after=replace(NEW, metadata={"a": "a@b.com"}))
    assert case.kinds == [Kind.STATE]
    assert replace(case, terms={"rules": Rules(canonical=True)}).kinds == []
    assert updated(OLD, row, Rules(canonical=True)) == case.after
    unsure = replace(case, status="unknown", reason="not_taken", terms={"rules": Rules(canonical=True), "blind": True})
    assert unsure.kinds == []  # a blind run cannot tell a stored form from the old value
    assert replace(unsure, terms={"rules": Rules(canonical=True)}).kinds == [Kind.BASELESS]


def test_a_patch_is_from_the_row_whose_rest_it_sends() -> None:
    first, later = Row(3, "A", {"metadata.by": "row 3", "metadata.a": "a 3"}), Row(5, "A", {"metadata.by": "row 5"})
    both = Row(7, "A", {"reference": "row 7", "metadata.a": " a 7 "})
    senders = Senders(Sheet("orders", [first, later, both], 1))

    def row_of(status: int = 200, **attributes: object) -> int | None:
        return senders.row_of("A", {"data": {"attributes": attributes}}, status)

    assert row_of(metadata={"by": "row 5"}) == 5
    assert row_of(metadata={"by": "row 5", "a": "a 3"}) == 3  # a retry of what was not overtaken
    assert row_of(metadata={"by": "row 5", "a": "a 3"}) == 3  # and once more
    assert row_of(reference="row 7", metadata={"by": "row 5", "a": " a 7 "}) == 7
    assert row_of(metadata={"by": "row 5", "a": " a 7 "}) == 7  # the reference is there; the text is stored otherwise
    assert row_of(metadata={"by": "row 3", "a": " a 7 "}) == 3  # what it keeps of another row is not its own
    assert row_of(reference="row 9") is None


def test_a_refused_patch_leaves_nothing_that_the_next_could_merely_keep() -> None:
    first, clearing = Row(3, "A", {"metadata.by": "row 3", "metadata.n": 3}), Row(5, "A", {"metadata.by": ABSENT})
    refused, taken = (Senders(Sheet("orders", [first, clearing], 1)) for _ in range(2))
    for senders, status in ((refused, 422), (taken, 200)):
        assert senders.row_of("A", {"data": {"attributes": {"metadata": {"by": "row 3", "n": 3}}}}, status) == 3
    rest = {"data": {"attributes": {"metadata": {"n": 3}}}}
    assert refused.row_of("A", rest, 200) == 3  # `by` was overtaken in the meantime
    assert taken.row_of("A", rest, 200) == 5  # `n` is there already, and kept


@pytest.mark.parametrize(
    ("case", "visible"),
    [
        (Case("unknown", "timed_out", [LATE]), 1),
        (Case("unknown", "timed_out", [replace(LATE, lands_at=5.5)]), 0),
        (Case("unknown", "timed_out", [LATE], terms={"reads_lag": 1.5}), 0),
        (Case("unknown", "timed_out", [LATE], terms={"undisturbed": False}), 0),
        (Case("unknown", "timed_out", [LATE], row=PLAIN), 0),  # a trigger alone cannot be seen
        (Case("unknown", "timed_out", [LATE], row=FIRES), 1),
        (Case("unknown", "timed_out", [LATE], row=FIRES, terms={"blind": True}), 0),
        (Case("unknown", "timed_out", [ERRORS]), 0),
    ],
)
def test_doubt_is_counted_where_the_change_became_visible_in_time(case: Case, visible: int) -> None:
    terms = Terms(Sheet("orders", [case.row], 1), 4, 5, **{"undisturbed": True, **case.terms})
    assert +in_time(terms, case.evidence) == +Counter({"visible in time": visible})
    applied = replace(case, status="applied").evidence
    assert in_time(terms, applied)["visible in time, applied"] == visible
