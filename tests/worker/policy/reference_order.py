"""A second judge of the sequencer, written from what its docstrings promise: who may be where, and what may follow.

It keeps a line for each record, and asks of everything that the sequencer says or hands out whether the row was at the
head of its line. The bounds of the queues are small here, so that a few dozen rows reach all of them.
"""

import math
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from itertools import count
from random import Random
from typing import Final
from unittest.mock import patch

from jobs.changes.diff import Change
from jobs.model import Fields, Live, RowRef, Status, Unsendable, UpdateJob
from tests.worker.policy.sizes import Sizes
from worker.policy import sequencer as module
from worker.policy.guards import Halt
from worker.policy.lifecycle import State
from worker.policy.row import NEVER, Found, InFlightRow
from worker.policy.sequencer import (
    Aimed,
    Done,
    Doubted,
    Effect,
    KeyPage,
    Learned,
    LinedUp,
    Queued,
    ReadPage,
    Refused,
    Sequencer,
    Settled,
)
from worker.policy.verdict import ReadBack, Settle

HELD: Final = 4
"""Rows behind others of their record, here."""

UNREAD_PAGES: Final = 2
"""Pages of rows that wait to be read, here."""

UNAIMED: Final = 5
"""Rows that wait for a page of references, here."""

VARIANTS: Final = {"transactions": ("cards", "wires"), "entries": ("notes",)}
KINDS: Final = ("orders", *VARIANTS)
OUTCOMES: Final = (
    (Status.APPLIED, ""),
    (Status.APPLIED, "tags_discarded"),
    (Status.APPLIED, "read_back"),
    (Status.REJECTED, "not_updatable"),
    (Status.FAILED, "unreachable"),
    (Status.UNKNOWN, "reply_lost"),
)
SEEN: Final = ("old", "new", "unclear", "abstract", "missing", "failed")
"""What a read may find: something else than is wanted, that, a doubt that stays, no concrete type, or nothing."""

HOW: Final = (
    *("",) * 4, "reference", "doubtful", "doubtful reference", "stands", "stands reference", "has_result", "unsendable",
)  # fmt: skip
"""What is known of a row beforehand."""


def variants(kind: str) -> tuple[str, ...]:
    return VARIANTS.get(kind, ())


def decide(each: InFlightRow, live: Live) -> Change | Settle | ReadBack:
    name = live.attributes["name"]
    if name == "unclear" and not each.may_resend:
        return ReadBack("reply_lost", "?")
    return Settle("as_wanted") if name == "new" else Change({"name": "new"})


@dataclass(eq=False)
class Fed:
    """A row that was fed.

    Attributes:
        place: `unaimed`, `line` (inside, with a record), `page`, `hand` (taken), `sent`, `doubt` or `out`.
        told: how often it came out.
        rereading: its record is being read again.
    """

    number: int
    kind: str
    record: str
    row: InFlightRow | None
    place: str = "line"
    told: int = 0
    rereading: bool = False

    @property
    def it(self) -> InFlightRow:
        """The row itself, where there is one."""
        assert self.row is not None
        return self.row

    @property
    def is_silent(self) -> bool:
        """Whether it may come out without a word: an earlier process has told what became of it."""
        return self.row is not None and (self.row.stands or self.row.has_result)


@dataclass
class Model:
    """What is known of the rows from outside.

    Attributes:
        open: those that are not out, in file order.
        lines: rows of each record that have not ended, in file order.
        unknown: the row of a record, by number, that may have been applied: those behind it are held back.
        firsts: rows of each type that were sent and have ended.
    """

    rows: dict[int, Fed] = field(default_factory=dict)
    open: list[Fed] = field(default_factory=list)
    lines: dict[str, list[Fed]] = field(default_factory=dict)
    unknown: dict[str, int] = field(default_factory=dict)
    firsts: Counter[str] = field(default_factory=Counter)
    facts: dict[str, str] = field(default_factory=dict)
    passed: list[str] = field(default_factory=list)
    ended: bool = False
    done: int = 0

    def at(self, *places: str) -> list[Fed]:
        """Return the rows in these places, in file order."""
        return [each for each in self.open if each.place in places]

    def add(self, fed: Fed) -> None:
        self.rows[fed.number] = fed
        self.open.append(fed)

    def forget(self) -> None:
        """Look no more at rows that are out."""
        self.open = [each for each in self.open if each.place != "out"]
        self.lines = {record: line for record, line in self.lines.items() if line}

    def enter(self, fed: Fed) -> None:
        """Let a row whose record is known stand in its line."""
        assert fed.row is not None
        fed.place = "line"
        if fed.row.stands:
            fed.place = "out"
            self.unknown.setdefault(fed.record, fed.number)
        elif fed.record in self.unknown:
            fed.place = "out" if fed.row.has_result else "refused"
        else:
            self.lines.setdefault(fed.record, []).append(fed)

    def end(self, fed: Fed, status: Status) -> None:
        """End the first of a line, and for an unknown one those behind it."""
        line = self.lines[fed.record]
        assert line[0] is fed, "not the first of its record"
        line.pop(0)
        fed.place, fed.told = "out", fed.told + 1
        assert fed.row is not None
        self.firsts[fed.kind] += fed.row.was_sent
        if status is Status.UNKNOWN:
            self.unknown.setdefault(fed.record, fed.number)
            for each in line:
                assert each.row is not None
                each.place = "out" if each.row.has_result else "refused"
            line.clear()


class Order:
    """Everything that may happen, in any order; the steps are what a run does, the judge is `Model`."""

    def __init__(self, dice: Random) -> None:
        self.dice, self.model = dice, Model()
        self.page, self.key_page, self.canaries = dice.choice([1, 2, 3, 25]), dice.randint(1, 3), dice.choice([0, 1, 3])
        self.known = dice.choice(["", *KINDS])
        self.kinds, self.keys = dice.choices(KINDS, k=dice.randint(1, 3)), dice.choice([1, 3, 20])
        self.how = dice.choices(HOW, k=dice.randint(1, 6))
        self.seen = ["old", *dice.choices(SEEN, k=dice.randint(1, 4))]
        self.outcomes = dice.choices(OUTCOMES, k=dice.randint(1, 4))
        self.refuses = dice.choice([0, 0.5, 1])
        self.fidgets = dice.choice([0, 0.01, 0.2])
        self.of = Sequencer(
            decide, Sizes(self.page, self.key_page), variants, blind=dice.random() < 0.4, canaries=self.canaries,
            facts={f"canary.{self.known}": "passed"} if self.known else {},
        )  # fmt: skip
        self.pages: list[ReadPage | KeyPage] = []
        self.rereads: list[tuple[Fed, ReadPage]] = []
        self.room = 100
        some, idle = self.model.at, self.idle
        self.steps: dict[Callable[[], None], Callable[[], object]] = {
            self.feed: lambda: self.of.wants(self.room),
            self.ask: lambda: len(self.pages) < 4 and self.of.reads_on(self.room),
            self.take: lambda: self.of.ready and len(some("hand", "sent")) < 5,
            self.answer: lambda: self.pages,
            self.send: lambda: idle("hand"),
            self.read_again: lambda: idle("hand", "sent"),
            self.have_read_again: lambda: self.rereads,
            self.reply: lambda: idle("sent"),
            self.doubt: lambda: idle("sent"),
            self.settle_doubt: lambda: idle("doubt"),
        }
        self.likes = {step: dice.choice([0.2, 1, 3]) for step in self.steps}

    def play(self, rows: int, steps: int) -> None:
        """Do so many things at random, and then what is left to be done, with as little room as a run ever has."""
        with patch.multiple(module, MAX_HELD_ROWS=HELD, MAX_UNREAD_PAGES=UNREAD_PAGES, MAX_UNAIMED_ROWS=UNAIMED):
            for _ in range(steps):
                if len(self.model.rows) >= rows:
                    break
                self.step()
                self.check()
            self.finish()

    def step(self) -> None:
        able = self.able()
        if not able or self.dice.random() < self.fidgets:
            self.room = self.dice.choice([0, 0, 1, self.page, 100])
        else:
            self.dice.choices(able, [self.likes[step] for step in able])[0]()

    def able(self, *but: Callable[[], None]) -> list[Callable[[], None]]:
        """Return the steps for which there is something to do them with."""
        return [step for step, things in self.steps.items() if step not in but and things()]

    # ---- what a run does

    def feed(self) -> None:
        """Feed some rows, as long as they are wanted."""
        for _ in range(self.dice.randint(1, 6)):
            if not self.of.wants(self.room):
                break
            self.feed_one(len(self.model.rows) + 1, self.dice.choice(self.kinds), self.dice.choice(self.how))
            self.check()

    def feed_one(self, number: int, kind: str, how: str) -> None:
        ref, record = RowRef(number, number, b""), f"{kind}{self.dice.randrange(self.keys)}"
        waits = bool(self.model.at("unaimed"))
        if how == "unsendable":
            self.model.add(Fed(number, kind, "", None, "unaimed" if waits else "refused"))
            more = self.of.feed(Refused(Unsendable(ref, "type_unknown"), Settle("type_unknown")), self.room)
        else:
            by, doubtful = how.endswith("reference"), how.startswith("doubtful")
            job = UpdateJob(ref, kind, "" if by else record, {"name": "new"}, reference=record if by else "")
            made = InFlightRow(
                job, kind, doubt="reply_lost" if doubtful else "", may_resend=not doubtful,
                stands=how.startswith("stands"), has_result=how == "has_result",
            )  # fmt: skip
            fed = Fed(number, kind, record, made)
            self.model.add(fed)
            if waits or by:
                fed.place = "unaimed"
            else:
                self.model.enter(fed)
            more = self.of.feed(made, self.room)
        assert more is self.of.wants(self.room)
        self.hear()

    def end(self) -> None:
        self.model.ended = True
        self.of.end()
        self.hear()

    def ask(self) -> None:
        self.next_page(self.room)

    def answer(self) -> None:
        page = self.pages.pop(self.dice.randrange(len(self.pages)))
        if isinstance(page, KeyPage):
            self.aim(page)
            return
        for each in page.rows:
            self.model.rows[each.number].place = "line"
        self.of.read(page, self.found(page))
        self.hear()

    def take(self) -> None:
        self.next_row()

    def send(self) -> None:
        fed = self.pick("hand")
        if fed.it.verdict is None:
            fed.place, fed.it.was_sent, fed.it.state = "sent", True, State.INTENDED
        else:
            self.conclude(fed)

    def read_again(self) -> None:
        """Ask for a row in hand again: because it is stale, or after a lost race."""
        fed = self.pick("hand", "sent")
        aging: Callable[[InFlightRow], bool] | None = (lambda _: True) if self.dice.random() < 0.7 else None
        page = self.of.reread(fed.it, aging)
        assert page.rows[0] is fed.it
        assert len(page.rows) <= (self.page if aging else 1)
        for company in page.rows[1:]:
            assert company in self.of.ready
            assert company.job.type == fed.kind
        fed.rereading = True
        self.rereads.append((fed, page))

    def have_read_again(self) -> None:
        fed, page = self.rereads.pop(self.dice.randrange(len(self.rereads)))
        fed.rereading = False
        self.of.fresh(page, self.found(page))
        self.hear()
        if fed.it.verdict is not None:
            self.conclude(fed)

    def reply(self) -> None:
        fed = self.pick("sent")
        if fed.it.abstract and self.dice.random() < self.refuses:
            fed.place, fed.it.state = "line", State.QUEUED
            self.of.refused(fed.it)
            self.hear()
        else:
            self.settle(fed, *self.dice.choice(self.outcomes))

    def doubt(self) -> None:
        self.pick("sent").place = "doubt"

    def settle_doubt(self) -> None:
        self.settle(self.pick("doubt"), *self.dice.choice(self.outcomes))

    # ---- how it is done

    def idle(self, *places: str) -> list[Fed]:
        return [each for each in self.model.at(*places) if not each.rereading]

    def pick(self, *places: str) -> Fed:
        return self.dice.choice(self.idle(*places))

    def conclude(self, fed: Fed) -> None:
        """End a row in hand, or have it doubted, by what was read again."""
        verdict = fed.it.verdict
        if isinstance(verdict, Settle):
            self.settle(fed, verdict.status, verdict.reason)
        else:
            fed.place = "doubt"

    def settle(self, fed: Fed, status: Status, reason: str) -> None:
        fed.it.state = State.SETTLED
        self.model.end(fed, status)
        self.of.settled(fed.it, status, reason, NEVER)
        self.hear()

    def found(self, page: ReadPage) -> Found:
        records, missing, failed = {}, set(), {}
        for each in page.rows:
            what = self.dice.choice(self.seen)
            key, kind = each.job.id, each.job.type
            if what == "missing":
                missing.add(key)
            elif what == "failed":
                failed[key] = "it answered 500"
            else:
                concrete = kind if what == "abstract" else variants(kind)[0] if variants(kind) else kind
                records[key] = Live(concrete, {"name": what}, fields=Fields(frozenset({"name"})))
        return Found(records, dict.fromkeys(records, NEVER), frozenset(missing), failed)

    def aim(self, page: KeyPage) -> None:
        ids: dict[tuple[str, str], tuple[str, ...]] = {}
        late: dict[int, Unsendable] = {}
        for each in page.rows:
            what = self.dice.choice(self.seen)
            key = each.job.reference
            if what != "failed":
                ids[each.job.type, key] = {"missing": (), "abstract": (key, "other")}.get(what, (key,))
            if what == "unclear":
                late[each.number] = Unsendable(each.job.ref, "superseded")
        for number in page.numbers:
            fed = self.model.rows[number]
            assert fed.place == "unaimed"
            each_row = fed.row
            named = each_row is not None and not each_row.job.id
            lost = named and (len(ids.get((fed.kind, fed.record), ())) != 1 or number in late)
            if each_row is None or (lost and not each_row.stands):
                fed.place = "refused"
            elif lost:
                fed.place = "out"
            else:
                self.model.enter(fed)
        self.of.found(ids, late)
        self.hear()

    def next_page(self, room: int) -> bool:
        before, hungry = self.of.ahead, self.of.wants(10**9)
        page = self.of.next_page(room)
        assert not self.of.out
        if page is None:
            return False
        self.pages.append(page)
        if isinstance(page, KeyPage):
            waiting = self.model.at("unaimed")
            assert page.numbers == tuple(each.number for each in waiting)
            assert page.rows == tuple(each.row for each in waiting if each.row is not None and not each.row.job.id)
            assert sum(isinstance(each, KeyPage) for each in self.pages) == 1, "references are looked up in turn"
            assert len(page.rows) <= self.key_page
            return True
        urgent = any(each.refused or each.is_canary for each in page.rows)
        assert urgent or before < room, "read without room"
        assert urgent or len(page.rows) == self.page or not hungry, "read although the page may still fill"
        assert len(page.rows) <= self.page
        assert {each.job.type for each in page.rows} == {page.type}
        for each in page.rows:
            fed = self.head(each)
            assert fed.place == "line"
            fed.place = "page"
        return True

    def next_row(self) -> bool:
        taken = self.of.next_row()
        self.hear()
        if taken is None:
            assert not self.of.ready
            return False
        fed = self.head(taken)
        assert fed.place == "line"
        assert taken.verdict is None
        assert not (taken.abstract and (taken.refused or self.model.facts.get(f"route.{fed.kind}") == "concrete"))
        if fed.kind != self.known and self.model.firsts[fed.kind] < self.canaries:
            beside = [each for each in self.model.at("hand", "sent") if each.kind == fed.kind and each is not fed]
            beside += [each for each in self.under_way(fed.kind) if each is not fed]
            assert not beside, "not alone"
        fed.place = "hand"
        return True

    def under_way(self, kind: str) -> Iterable[Fed]:
        """Rows that were sent, and are in doubt or read again."""
        places = self.model.at("line", "page", "doubt")
        return [each for each in places if each.kind == kind and each.row is not None and each.row.was_sent]

    def head(self, each: InFlightRow) -> Fed:
        """The row, which has to be the first of its record."""
        fed = self.model.rows[each.number]
        assert fed.row is each
        assert self.model.lines[fed.record][0] is fed, "not the first of its record"
        assert fed.number < self.model.unknown.get(fed.record, math.inf), "behind an unknown one"
        return fed

    def hear(self) -> None:
        """Judge what was said."""
        effects, self.of.out = self.of.out, []
        for effect in effects:
            self.judge(effect)
        assert not self.model.at("refused"), "not told"
        self.model.forget()

    def judge(self, effect: Effect) -> None:
        match effect:
            case Queued(each) | LinedUp(each):
                assert self.head(each).place == "line"
            case Settled(each, settle):
                fed = self.head(each)
                assert fed.place == "line"
                each.state = State.SETTLED
                self.model.end(fed, settle.status)
            case Doubted(each, _):
                fed = self.head(each)
                assert fed.place == "line"
                assert not each.may_resend
                fed.place = "doubt"
            case Refused(job, _, _):
                fed = self.model.rows[job.ref.row]
                assert fed.place == "refused"
                fed.place, fed.told = "out", fed.told + 1
            case Aimed(each):
                assert each.job.id == self.model.rows[each.number].record
            case Learned(name, value):
                assert self.model.facts.get(name) != value
                self.model.facts[name] = value
                kind = name.partition(".")[2]
                assert not name.startswith("canary.") or self.model.firsts[kind] == self.canaries
            case Done():
                self.model.done += 1
            case Halt(reason, _):
                assert reason == "canary"

    # ---- what holds at any time

    def every_row_is_in_one_place(self) -> None:
        of, model = self.of, self.model
        held = [each for queue in of._busy.values() for each in queue or ()]
        unread = [each for queue in of._unread.values() for each in queue]
        caged = [each for queue in of._caged.values() for each in queue]
        inside = [
            each.number for each in (*of._unaimed, *unread, *of.ready, *caged, *held) if isinstance(each, InFlightRow)
        ]
        assert sorted(inside) == [each.number for each in model.at("line", "unaimed") if each.row is not None]
        for record, line in model.lines.items():
            assert [each.row for each in line[1:]] == list(of._busy.get(record) or ())
        assert (of._held, of._waiting, of.queued) == (len(held), len(unread), len(of.ready) + len(caged))

    def what_is_ahead_is_what_is_queued_and_a_share_of_what_is_read(self) -> None:
        reading = sum(len(page.rows) for page in self.pages if isinstance(page, ReadPage))
        assert self.of.queued <= self.of.ahead <= self.of.queued + reading + 1e-9
        assert 0 <= self.of._share <= 1

    def rows_are_only_wanted_within_the_bounds(self) -> None:
        of = self.of
        if of.wants(self.room):
            unaimed = self.model.at("unaimed")
            named = [each for each in unaimed if each.row is not None and not each.row.job.id]
            assert of._held < HELD
            assert len(unaimed) < UNAIMED
            assert len(named) < self.key_page or not named
            assert unaimed or (of.ahead < self.room and of._waiting < UNREAD_PAGES * self.page)
            assert of.reads_on(self.room) or of.ahead >= self.room

    def the_end_is_told_once_and_when_it_is_true(self) -> None:
        is_done = self.model.ended and not self.model.open
        assert self.of.is_done is is_done
        assert self.model.done == is_done

    def check(self) -> None:
        self.every_row_is_in_one_place()
        self.what_is_ahead_is_what_is_queued_and_a_share_of_what_is_read()
        self.rows_are_only_wanted_within_the_bounds()
        self.the_end_is_told_once_and_when_it_is_true()

    def finish(self) -> None:
        for steps in count():
            if self.of.is_done:
                break
            assert steps < 10_000, "endless"
            assert self.move(), "stuck"
            self.check()
        assert self.of.queued == self.of.ahead == 0
        for fed in self.model.rows.values():
            assert fed.told == 1 or (fed.told == 0 and fed.is_silent), fed.number

    def move(self) -> bool:
        """Do what can be done; return whether there was something. What is outstanding is done first."""
        if outstanding := self.able(self.feed, self.ask, self.take):
            self.dice.choice(outstanding)()
            return True
        if self.of.wants(1):
            self.end()
            return True
        queued = self.of.queued
        return self.next_page(1) or self.next_row() or self.of.queued != queued
