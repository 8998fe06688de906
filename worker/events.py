"""What happens while a run goes on, as values. Whoever wants to know hands an observer to what makes it happen."""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final, Protocol, TypeAlias, TypeVar

from jobs.values import valueclass
from worker.policy.pace import Window

T = TypeVar("T")


@valueclass(frozen=True, slots=True)
class Working:
    """A process begins to work on a run; `rows` are those of the whole input."""

    run: Path
    rows: int


@valueclass(frozen=True, slots=True)
class Draining:
    """The run was interrupted: nothing new is sent, and what is in flight is waited for."""


@valueclass(frozen=True, slots=True)
class SlowedDown:
    """A reply asked everybody to wait before the next request of this method; `pause_s` are seconds."""

    method: str
    status: int
    pause_s: float


@valueclass(frozen=True, slots=True)
class LimitLearned:
    """A reply told of limits that were not known before."""

    method: str
    windows: tuple[Window, ...]


@valueclass(frozen=True, slots=True)
class LimitInferred:
    """What is refused shows limits that no reply tells; these are all that are known of them."""

    method: str
    windows: tuple[Window, ...]


@valueclass(frozen=True, slots=True)
class CircuitOpened:
    """So many requests failed in a row that only probes go out."""

    method: str
    failures: int
    why: str


@valueclass(frozen=True, slots=True)
class CircuitClosed:
    """A probe was answered: requests go out again."""

    method: str


@valueclass(frozen=True, slots=True)
class NoAnswer:
    """The first request to a server was not answered."""

    method: str
    why: str


@valueclass(frozen=True, slots=True)
class RetryBudgetExhausted:
    """So large a share of the requests are repetitions that the server counts as down."""

    method: str


@valueclass(frozen=True, slots=True)
class TokenNotRenewed:
    """A token could not be renewed early; it is used on while it is good."""

    method: str
    why: str


@valueclass(frozen=True, slots=True)
class NoticeSent:
    """Somebody was notified of how a night ended; `way` names the command, or the place of a webhook's address."""

    way: str
    occasions: tuple[str, ...]


@valueclass(frozen=True, slots=True)
class NoticeFailed:
    """Somebody could not be notified, which changes nothing else."""

    way: str
    occasions: tuple[str, ...]
    why: str


@valueclass(frozen=True, slots=True)
class Advanced:
    """Something that takes a while has got so far.

    Attributes:
        what: one of `PHASES`.
        rows: done so far; records where records are read again, or are to be restored.
        done, of: the part of the whole, in rows, or in bytes where nobody has counted the rows; `of` is 0 where nobody
            knows the whole either.
    """

    what: str
    rows: int
    done: int
    of: int


PHASES: Final = ("check", "verify", "undo", "plan", "reports")
"""To check a sheet, to read records again, to prepare an undo, to write down what it is to do, to write reports."""

_BETWEEN: Final = 500
"""Rows between two events of `advancing`."""


Event: TypeAlias = (
    Working
    | Draining
    | SlowedDown
    | LimitLearned
    | LimitInferred
    | CircuitOpened
    | CircuitClosed
    | NoAnswer
    | RetryBudgetExhausted
    | TokenNotRenewed
    | NoticeSent
    | NoticeFailed
    | Advanced
)
"""All there are."""


class Observer(Protocol):
    """Hears of events, on the event loop of the run: it must neither block nor raise."""

    def __call__(self, event: Event, /) -> None:
        """Take note of an event."""


def advancing(rows: Iterable[T], observer: "Observer", what: str, of: int) -> Iterator[T]:
    """Yield rows, and report how many there were so far, of how many."""
    done = 0
    for done, row in enumerate(rows, 1):
        yield row
        if done % _BETWEEN == 0:
            observer(Advanced(what, done, done, of))
    observer(Advanced(what, done, done, of))


def ignore(_event: Event, /) -> None:
    """Observe nothing."""
