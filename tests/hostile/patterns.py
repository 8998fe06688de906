"""The patterns of the table of evils: in which ways a row can end, and how often it was sent.

A pattern says, for a row that is safe to repeat (`safe`) and for one with a trigger that is not (`trigger`), for a run
that reads first and a blind one, and for a server that had carried the update out or not (`done`, `not`), how the row
ends and how many PATCHes left: when *every* PATCH of the row meets the evil (two attempts are allowed), and when only
the first does (`=`: the same). A `*` stands for the evil's own reason code.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Final, NamedTuple


class Ending(NamedTuple):
    """How a row ends, and how many PATCHes left for it."""

    status: str
    reason: str
    patches: int


class Mode(NamedTuple):
    """In which situation a row meets an evil."""

    kind: str
    reading: str
    done: bool


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a pattern."""

    always: Ending
    once: Ending


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
    always, once = (_ending(each) for each in endings.split("|"))
    return Mode(kind, reading, done == "done"), Line(always or _never(), once or always or _never())


def _ending(text: str) -> Ending | None:
    if text.strip() == "=":
        return None
    status, reason, patches = text.split()
    return Ending(status, "" if reason == "-" else reason, int(patches))


def _never() -> Ending:
    raise ValueError("a pattern begins with an ending")


# The request left, and nothing trustworthy came back. Only a record that was read before proves that a trigger ran, and
# none that it did not: told as not applied, it would be fired again.
LOST: Final = Pattern("""
    safe    first done : applied read_back 2   | applied resent 2
    safe    first not  : failed not_applied 2  | applied resent 2
    safe    blind done : applied read_back 2   | applied resent 2
    safe    blind not  : failed not_applied 2  | applied resent 2
    trigger first done : applied read_back 1   | =
    trigger first not  : unknown * 1           | =
    trigger blind done : unknown * 1           | =
    trigger blind not  : unknown * 1           | =
""")
# The same, and the server may still be at it: the old value in the record proves nothing.
LINGERING: Final = Pattern("""
    safe    first done : applied read_back 2   | applied resent 2
    safe    first not  : unknown * 2           | applied resent 2
    safe    blind done : applied read_back 2   | applied resent 2
    safe    blind not  : unknown * 2           | applied resent 2
    trigger first done : applied read_back 1   | =
    trigger first not  : unknown * 1           | =
    trigger blind done : unknown * 1           | =
    trigger blind not  : unknown * 1           | =
""")
# The same, and the server is still at it: it carries the update out after the client has given up and looked.
LATE: Final = Pattern("""
    safe    first done : applied read_back 2   | applied resent 2
    safe    blind done : applied read_back 2   | applied resent 2
    trigger first done : unknown * 1           | =
    trigger blind done : unknown * 1           | =
""")
# A 2xx that does not confirm this record: something else may be answering, so that nothing is sent again.
UNCONFIRMED: Final = Pattern("""
    safe    first done : applied read_back 1   | =
    safe    first not  : failed not_applied 1  | =
    safe    blind done : applied read_back 1   | =
    safe    blind not  : failed not_applied 1  | =
    trigger first done : applied read_back 1   | =
    trigger first not  : failed not_applied 1  | =
    trigger blind done : unknown * 1           | =
    trigger blind not  : failed not_applied 1  | =
""")
# 204: a confirmation without content. A blind run believes it, one that reads looks.
EMPTY: Final = Pattern("""
    safe    first done : applied read_back 1   | =
    safe    first not  : failed not_applied 1  | =
    safe    blind done : applied unverified 1  | =
    trigger first done : applied read_back 1   | =
    trigger first not  : failed not_applied 1  | =
    trigger blind done : applied unverified 1  | =
""")
# Odd, and a confirmation all the same.
CONFIRMED: Final = Pattern("""
    safe    first done : applied - 1           | =
    safe    blind done : applied - 1           | =
    trigger first done : applied - 1           | =
    trigger blind done : applied - 1           | =
""")
# Applied, and the reply shows other values than were sent.
DIFFERS: Final = Pattern("""
    safe    first done : applied echo_differs 1 | =
    safe    blind done : applied echo_differs 1 | =
    trigger first done : applied echo_differs 1 | =
    trigger blind done : applied echo_differs 1 | =
""")
# Refused, finally. The server did nothing.
REFUSED: Final = Pattern("""
    safe    first not  : rejected * 1          | =
    safe    blind not  : rejected * 1          | =
    trigger first not  : rejected * 1          | =
    trigger blind not  : rejected * 1          | =
""")
# The record is not as the update expects it. The server did nothing.
CONFLICTING: Final = Pattern("""
    safe    first not  : conflict * 1          | =
    safe    blind not  : conflict * 1          | =
    trigger first not  : conflict * 1          | =
    trigger blind not  : conflict * 1          | =
""")
# Refused for pace: sent again whatever the row is, once everybody has waited; three times at most in these runs.
THROTTLED: Final = Pattern("""
    safe    first not  : failed throttled 3    | applied - 2
    safe    blind not  : failed throttled 3    | applied - 2
    trigger first not  : failed throttled 3    | applied - 2
    trigger blind not  : failed throttled 3    | applied - 2
""")
# The same with a Retry-After that is not worth waiting for.
PARKED: Final = Pattern(
    """
    safe    first not  : stopped parked 1      | =
    safe    blind not  : stopped parked 1      | =
    trigger first not  : stopped parked 1      | =
    trigger blind not  : stopped parked 1      | =
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
