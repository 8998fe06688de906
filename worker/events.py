"""What happens while a run goes on, as values. Whoever wants to know hands an observer to what makes it happen."""

from pathlib import Path
from typing import Protocol, TypeAlias

from jobs.values import valueclass
from worker.policy.pace import Window


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
)
"""All there are."""


class Observer(Protocol):
    """Hears of events, on the event loop of the run: it must neither block nor raise."""

    def __call__(self, event: Event, /) -> None:
        """Take note of an event."""


def ignore(_event: Event, /) -> None:
    """Observe nothing."""
