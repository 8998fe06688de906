"""The patterns of the table of evils: in which ways a row can end, and how often it was sent.

A pattern says, for a row that is safe to repeat (`safe`) and for one with a trigger that is not (`trigger`), for a run
that reads first and a blind one, and for a server that had carried the update out or not (`done`, `not`), how the row
ends and how many PATCHes left: when *every* PATCH of the row meets the evil (two attempts are allowed), and when only
the first does (`=`: the same). A `*` stands for the evil's own reason code, a `?` for any. `applied/unknown` allows
both, `1-2` one or two PATCHes: the design leaves open which.

Old values in a record never prove that an update was not applied: it may take effect later.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Final, NamedTuple

_ENDING: Final = re.compile(r"(?P<statuses>[a-z/]+) (?P<reason>\S+) (?P<least>\d)(-(?P<most>\d))?")


class Ending(NamedTuple):
    """How a row ended, and how many PATCHes left for it."""

    status: str
    reason: str
    patches: int


@dataclass(frozen=True, slots=True)
class Allowed:
    """How a row may end. `reason` is `?` for any; `least` and `most` PATCHes leave for it."""

    statuses: frozenset[str]
    reason: str
    least: int
    most: int

    def allows(self, ended: Ending) -> bool:
        """Return whether the row ended in this way."""
        fits = ended.status in self.statuses and self.least <= ended.patches <= self.most
        return fits and self.reason in {"?", ended.reason}

    def of(self, reason: str) -> "Allowed":
        """Return the ending with the evil's own reason code in the place of a `*`."""
        return replace(self, reason=reason) if self.reason == "*" else self


class Mode(NamedTuple):
    """In which situation a row meets an evil."""

    kind: str
    reading: str
    done: bool


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a pattern."""

    always: Allowed
    once: Allowed


@dataclass(frozen=True, eq=False)
class Pattern:
    """Ways in which a row can end; `halts` says that the run ends with it."""

    text: str
    halts: bool = False

    @cached_property
    def lines(self) -> Mapping[Mode, Line]:
        """The pattern, read."""
        return dict(_line(text) for text in self.text.strip().splitlines())


def _line(text: str) -> tuple[Mode, Line]:
    situation, endings = text.split(":")
    kind, reading, done = situation.split()
    always, once = (each.strip() for each in endings.split("|"))
    return Mode(kind, reading, done == "done"), Line(_ending(always), _ending(always if once == "=" else once))


def _ending(text: str) -> Allowed:
    read = _ENDING.fullmatch(text)
    if read is None:
        raise ValueError(f"{text!r} is no ending")
    reason, least = read["reason"], int(read["least"])
    statuses = frozenset(read["statuses"].split("/"))
    return Allowed(statuses, "" if reason == "-" else reason, least, int(read["most"] or least))


# The request left, and nothing trustworthy came back. Only a record that was read before proves that a trigger ran, and
# none that it did not: told as not applied, it would be fired again.
LOST: Final = Pattern("""
    safe    first done : applied read_back 2   | applied resent 2
    safe    first not  : unknown * 2           | applied resent 2
    safe    blind done : applied read_back 2   | applied resent 2
    safe    blind not  : unknown * 2           | applied resent 2
    trigger first done : applied read_back 1   | =
    trigger first not  : unknown * 1           | =
    trigger blind done : unknown * 1           | =
    trigger blind not  : unknown * 1           | =
""")
# The same, and the server is still at it: it carries the update out after the client has given up and looked once.
LATE: Final = Pattern("""
    safe    first done : applied read_back 2   | applied resent 2
    safe    blind done : applied read_back 2   | applied resent 2
    trigger first done : applied read_back 1   | =
    trigger blind done : unknown * 1           | =
""")
# The server asks for a pause, and may have carried the update out before it thought of that.
BUSY: Final = Pattern("""
    safe    first done : applied read_back 1-5 | applied ? 1-2
    safe    first not  : unknown ? 2-5         | applied resent 2
    safe    blind done : applied read_back 1-5 | applied ? 1-2
    safe    blind not  : unknown ? 2-5         | applied resent 2
    trigger first done : applied read_back 1   | =
    trigger first not  : unknown ? 1           | =
    trigger blind done : unknown ? 1           | =
    trigger blind not  : unknown ? 1           | =
""")
# A 2xx that does not confirm the values: something else may answer, or the work is not finished, or failed in part.
# A trigger that a blind run fired is beyond reading.
UNCONFIRMED: Final = Pattern("""
    safe    first done : applied ? 1-2         | =
    safe    first not  : unknown ? 1-2         | applied/unknown ? 1-2
    safe    blind done : applied ? 1-2         | =
    safe    blind not  : unknown ? 1-2         | applied/unknown ? 1-2
    trigger first done : applied read_back 1   | =
    trigger first not  : unknown ? 1           | =
    trigger blind done : unknown ? 1           | =
    trigger blind not  : unknown ? 1           | =
""")
# A 2xx about this record that shows nothing of it. A blind run may believe it.
BARE: Final = Pattern("""
    safe    first done : applied ? 1-2         | =
    safe    first not  : unknown ? 1-2         | applied/unknown ? 1-2
    safe    blind done : applied ? 1-2         | =
    trigger first done : applied read_back 1   | =
    trigger first not  : unknown ? 1           | =
    trigger blind done : applied/unknown ? 1   | =
""")
# A 2xx about this record with the values that it held before. A blind run does not know those.
NOT_TAKEN: Final = Pattern("""
    safe    first not  : unknown not_taken 1-2 | applied/unknown ? 1-2
    trigger first not  : unknown not_taken 1   | =
""")
# 204: a success without content. A blind run believes it, one that reads looks.
EMPTY: Final = Pattern("""
    safe    first done : applied read_back 1   | =
    safe    first not  : unknown ? 1-2         | applied/unknown ? 1-2
    safe    blind done : applied unverified 1  | =
    trigger first done : applied read_back 1   | =
    trigger first not  : unknown ? 1           | =
    trigger blind done : applied unverified 1  | =
""")
# Odd, and a confirmation all the same.
CONFIRMED: Final = Pattern("""
    safe    first done : applied - 1           | =
    safe    blind done : applied - 1           | =
    trigger first done : applied - 1           | =
    trigger blind done : applied - 1           | =
""")
# Applied, and the reply shows other values than were sent. A blind run cannot tell them from the old ones: it may read.
DIFFERS: Final = Pattern("""
    safe    first done : applied echo_differs 1 | =
    safe    blind done : applied ? 1            | =
    trigger first done : applied echo_differs 1 | =
    trigger blind done : applied/unknown ? 1    | =
""")
# Refused, finally. The server did nothing.
REFUSED: Final = Pattern("""
    safe    first not  : rejected * 1          | =
    safe    blind not  : rejected * 1          | =
    trigger first not  : rejected * 1          | =
    trigger blind not  : rejected * 1          | =
""")
# The record is not as the update expects it: it is read and decided anew, three times at most.
CONFLICTING: Final = Pattern("""
    safe    first not  : conflict/rejected * 1-4 | applied/conflict ? 1-4
    safe    blind not  : conflict/rejected * 1-4 | applied/conflict ? 1-4
    trigger first not  : conflict/rejected * 1-4 | applied/conflict ? 1-4
    trigger blind not  : conflict/rejected * 1-4 | applied/conflict ? 1-4
""")
# Refused for pace, certainly before any work: sent again whatever the row is, once everybody has waited; three times at
# most in these runs.
THROTTLED: Final = Pattern("""
    safe    first not  : failed throttled 3    | applied - 2
    safe    blind not  : failed throttled 3    | applied - 2
    trigger first not  : failed throttled 3    | applied - 2
    trigger blind not  : failed throttled 3    | applied - 2
""")
# Another refusal with a pause. Who knows what an action did: it is not sent again.
ASKED_TO_WAIT: Final = Pattern("""
    safe    first not  : failed/rejected ? 3   | applied - 2
    safe    blind not  : failed/rejected ? 3   | applied - 2
    trigger first not  : unknown/rejected ? 1  | =
    trigger blind not  : unknown/rejected ? 1  | =
""")
# Refused for pace, with a Retry-After that is not worth waiting for.
PARKED: Final = Pattern(
    """
    safe    first not  : stopped parked 1      | =
    safe    blind not  : stopped parked 1      | =
    trigger first not  : stopped parked 1      | =
    trigger blind not  : stopped parked 1      | =
""",
    halts=True,
)
# The same, and the update may have been carried out.
PARKED_IN_DOUBT: Final = Pattern(
    """
    safe    first not  : stopped/unknown ? 1   | =
    safe    blind not  : stopped/unknown ? 1   | =
    trigger first not  : stopped/unknown ? 1   | =
    trigger blind not  : stopped/unknown ? 1   | =
""",
    halts=True,
)
# A refusal that every row would meet: the row is rejected, and the run stops.
HALTED: Final = Pattern(
    """
    safe    first not  : rejected * 1          | =
    safe    blind not  : rejected * 1          | =
    trigger first not  : rejected * 1          | =
    trigger blind not  : rejected * 1          | =
""",
    halts=True,
)
# The token is refused, and there is no other: the row was not carried out, and stays pending.
LOCKED_OUT: Final = Pattern(
    """
    safe    first not  : stopped authorisation_lost 1 | =
    safe    blind not  : stopped authorisation_lost 1 | =
    trigger first not  : stopped authorisation_lost 1 | =
    trigger blind not  : stopped authorisation_lost 1 | =
""",
    halts=True,
)
