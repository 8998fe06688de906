"""A crowd of rows for the hunt, and the dice that choose what befalls their requests. Both repeat with their seed."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from random import Random
from typing import Final

from tests.system.hostile import patterns as P  # noqa: N812
from tests.system.hostile.evils import EVILS, Evil
from tests.system.hostile.server import Crime, Server
from tests.system.hostile.stage import TRIGGER, Row, key
from tests.system.hostile.temper import CALM, Temper
from tests.system.hostile.truth import Asked

WARM_UP: Final = 100
"""Requests that are answered honestly at first: a run that never saw a success stops early, and rightly so."""

REFUSALS: Final = (400, 404, 409, 422, 423)
"""What rows that the server honestly refuses are answered."""

LIES: Final = frozenset({P.CONFIRMED, P.DIFFERS, P.EMPTY, P.BARE, P.LATE})
"""Patterns that would claim, of a refused row, that it was carried out."""

DOUBTS: Final = frozenset({P.LOST, P.BUSY, P.UNCONFIRMED, P.BARE, P.EMPTY})
"""Patterns after which the server may take its time."""

LATEST: Final = 4.0
"""Seconds that it takes then at most."""


ODD_TEXTS: Final = (" blank {} ", "cafe\u0301 {}", "Zoe.{}@Example.COM")
"""Texts that a server may trim, compose, or write in lower case."""


@dataclass(frozen=True, slots=True)
class Crowd:
    """Rows of all kinds, those of one record in a row's distance of fifty at most.

    Attributes:
        refused: status by id, of the records that the server refuses to update.
        repeated: ids of several rows.
    """

    rows: Sequence[Row]
    refused: dict[str, int]
    repeated: frozenset[str]


def gather(count: int, dice: Random) -> Crowd:
    """Return so many rows: mostly safe ones.

    The others have triggers or tags, are refused, change nothing, are about the record of an earlier row, or ask for a
    text that many servers store in another form.
    """
    rows: list[Row] = []
    refused: dict[str, int] = {}
    repeated: set[str] = set()
    for number in range(count):
        chance, own = dice.random(), key(number)
        if chance < 0.08:
            rows.append(Row(own, TRIGGER))
        elif chance < 0.12:
            rows.append(Row(own, TRIGGER, tag="vip"))
        elif chance < 0.16:
            refused[own] = dice.choice(REFUSALS)
            rows.append(Row(own))
        elif chance < 0.20:
            rows.append(Row(own, was=f"new-{own}"))
        elif chance < 0.25 and (earlier := _earlier(rows, refused, dice)):
            repeated.add(earlier)
            rows.append(Row(earlier, value=f"again-{number}"))
        elif chance < 0.30:
            rows.append(Row(own, value=dice.choice(ODD_TEXTS).format(own)))
        else:
            rows.append(Row(own))
    return Crowd(rows, refused, frozenset(repeated))


def _earlier(rows: Sequence[Row], refused: dict[str, int], dice: Random) -> str:
    """The id of one of the last fifty rows, if that is a plain one."""
    row = dice.choice(rows[-50:]) if rows else Row("", TRIGGER)
    return row.id if row.replay_safe and row.was is None and row.id not in refused else ""


@dataclass(slots=True)
class Fate:
    """Chooses the evils of a hunt.

    Attributes:
        share: of the requests that meet one. `temper`: the server's standing habits.
        committed: how many there were, by name; the connections that were killed at accept are not among them.
    """

    crowd: Crowd
    share: float
    blind: bool
    dice: Random
    temper: Temper = CALM
    asked: int = 0
    committed: dict[str, int] = field(default_factory=dict)
    _choices: dict[tuple[bool, bool], list[tuple[Evil, list[bool]]]] = field(default_factory=dict)

    def server(self) -> Server:
        """A server that commits them."""
        return Server(
            crime=self.crime,
            at_accept=self.at_accept,
            refusals=self.crowd.refused,
            latency=self.latency,
            temper=self.temper,
            dice=self.dice,
        )

    def latency(self) -> float:
        """Seconds, as long-tailed as a real server's."""
        return 0.002 + 0.01 * self.dice.random() ** 4

    def at_accept(self, nth: int) -> str:
        """Whether a connection is killed before anything is read."""
        if self.asked <= WARM_UP or self.dice.random() >= 4 * self.share:  # few connections are opened
            return ""
        return self.dice.choice(("reset", "close"))

    def crime(self, asked: Asked, nth: int) -> Crime | None:
        """What befalls a request, None for nothing."""
        self.asked += 1
        if self.asked <= WARM_UP or self.dice.random() >= self.share:
            return None
        situation = (asked.method != "PATCH", asked.id in self.crowd.refused)
        if situation not in self._choices:
            self._choices[situation] = list(self._possible(*situation))
        evil, done = self.dice.choice(self._choices[situation])
        self.committed[evil.name] = self.committed.get(evil.name, 0) + 1
        crime = evil.crime(applies=self.dice.choice(done))
        slow = evil.pattern in DOUBTS and self.dice.random() < 0.5
        return replace(crime, late=self.dice.uniform(0, LATEST)) if slow else crime

    def _possible(self, read: bool, refused: bool) -> Sequence[tuple[Evil, list[bool]]]:
        """Return evils that leave the server truthful, and whether it may have carried the request out.

        A server that confirms what it refuses would lie; so would one that confirms without content what it did not do
        to a run that cannot read. A refusal may well follow upon an attempt that was carried out: rules depend on
        the state of a record.
        """
        reading = "blind" if self.blind else "first"
        found = []
        for evil in EVILS:
            done = sorted({mode.done for mode in evil.modes if mode.reading == reading and mode.kind == "trigger"})
            if evil.hunted and done and (evil.reads or not read) and not (refused and evil.pattern in LIES):
                found.append((evil, done))
        return found
