"""The life of a row as one table. The diagram in `docs/lifecycle.md` is generated from it; nothing may step outside it.

A request is only ever sent from INTENDED, and INTENDED is only reached once the intent is on disk: that is the whole
of crash safety. What a later process makes of what it finds on disk is `recover`.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final


class State(StrEnum):
    """Where a row stands within one process."""

    __hash__ = str.__hash__  # that of `Enum` is a Python function, and every row is looked up four times

    QUEUED = "queued"
    ADMITTED = "admitted"
    INTENDED = "intended"
    WAITING = "waiting"
    READING = "reading"
    SETTLED = "settled"
    LEFT = "left"


class Event(StrEnum):
    """What happens to a row."""

    __hash__ = str.__hash__

    ADMIT = "admit"
    INTEND = "intend"
    RETRY = "retry"
    REROUTE = "reroute"
    READ_BACK = "read back"
    SETTLE = "settle"
    STOP = "stop"


TRANSITIONS: Final[dict[tuple[State, Event], State]] = {
    (State.QUEUED, Event.ADMIT): State.ADMITTED,  # a slot of the pace is reserved
    (State.QUEUED, Event.SETTLE): State.SETTLED,  # unchanged, or settled by what was read, or read again
    (State.QUEUED, Event.READ_BACK): State.READING,  # an earlier process left a doubt, and no read has settled it yet
    (State.QUEUED, Event.STOP): State.LEFT,
    (State.ADMITTED, Event.INTEND): State.INTENDED,  # the intent is durable; the request may leave
    (State.ADMITTED, Event.STOP): State.LEFT,  # the slot is given back
    (State.INTENDED, Event.SETTLE): State.SETTLED,  # the reply, or the lack of one, is final
    (State.INTENDED, Event.RETRY): State.WAITING,  # backoff, a pause for everybody, or a new token
    (State.INTENDED, Event.REROUTE): State.QUEUED,  # the type is abstract: again by its concrete type
    (State.INTENDED, Event.READ_BACK): State.READING,  # no reply could tell: the record is read
    (State.READING, Event.SETTLE): State.SETTLED,
    (State.READING, Event.STOP): State.LEFT,
    (State.INTENDED, Event.STOP): State.LEFT,  # abandoned in flight: a later process finds the open intent
    (State.WAITING, Event.ADMIT): State.ADMITTED,
    (State.WAITING, Event.SETTLE): State.SETTLED,  # read again after a lost race, or a long wait
    (State.WAITING, Event.READ_BACK): State.READING,
    (State.WAITING, Event.STOP): State.LEFT,
}
"""The only transitions there are."""


def step(state: State, event: Event) -> State:
    """The state after `event`.

    Raises:
        KeyError: the table has no such transition: a bug, never an input.
    """
    return TRANSITIONS[state, event]


class Recovery(StrEnum):
    """What a new process does with a row that an earlier one may have touched."""

    SKIP = "skip"
    SEND = "send"
    RESEND = "resend"
    READ_BACK = "read back"


@dataclass(frozen=True, slots=True)
class Trace:
    """What the journal holds of a row.

    Attributes:
        settled: it has a result.
        redo: the user asked for the row again after that result.
        doubtful: a request may have reached the server after the last result.
    """

    settled: bool = False
    redo: bool = False
    doubtful: bool = False


UNTOUCHED: Final = Trace()
"""That of a row which no earlier process came to."""


def recover(trace: Trace, *, replay_safe: bool) -> Recovery:
    """Decide on a row by what the journal holds: a doubtful row is sent again only if that is safe, else read."""
    if trace.settled and not trace.redo:
        return Recovery.SKIP
    if not trace.doubtful:
        return Recovery.SEND
    return Recovery.RESEND if replay_safe else Recovery.READ_BACK


def mermaid() -> str:
    """The table as a Mermaid state diagram."""
    lines = [f"    {source} --> {target}: {event}" for (source, event), target in TRANSITIONS.items()]
    return "\n".join(["stateDiagram-v2", "    [*] --> queued", *lines, "    settled --> [*]", "    left --> [*]"])
