"""The life of a row as one table. The diagram in `docs/lifecycle.md` is generated from it; no other step exists.

A request is only sent from INTENDED, and INTENDED is only reached once the intent is on disk: that is all there is to
crash safety. `recover` decides what a later process does with the rows it finds on disk.
"""

from enum import StrEnum
from typing import Final

from jobs.values import valueclass


class State(StrEnum):
    """Where a row stands within one process."""

    __hash__ = str.__hash__  # the hash of `Enum` is a Python function, and every row is looked up four times

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
    (State.QUEUED, Event.SETTLE): State.SETTLED,  # unchanged, or settled by a read
    (State.QUEUED, Event.READ_BACK): State.READING,  # an earlier process left it in doubt, and no read has settled that
    (State.QUEUED, Event.STOP): State.LEFT,
    (State.ADMITTED, Event.INTEND): State.INTENDED,  # the intent is durable; the request may leave
    (State.ADMITTED, Event.STOP): State.LEFT,  # the slot is given back
    (State.INTENDED, Event.SETTLE): State.SETTLED,  # the reply, or its absence, is final
    (State.INTENDED, Event.RETRY): State.WAITING,  # backoff, a pause of all senders, or a new token
    (State.INTENDED, Event.REROUTE): State.QUEUED,  # the type is abstract: send it again by its concrete type
    (State.INTENDED, Event.READ_BACK): State.READING,  # the reply proves nothing: read the record
    (State.READING, Event.SETTLE): State.SETTLED,
    (State.READING, Event.STOP): State.LEFT,
    (State.INTENDED, Event.STOP): State.LEFT,  # abandoned in flight: a later process finds the open intent
    (State.WAITING, Event.ADMIT): State.ADMITTED,
    (State.WAITING, Event.SETTLE): State.SETTLED,  # read again after a lost race, or a long wait
    (State.WAITING, Event.READ_BACK): State.READING,
    (State.WAITING, Event.STOP): State.LEFT,
}
"""All transitions."""


def step(state: State, event: Event) -> State:
    """Return the state after `event`.

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


@valueclass(frozen=True, slots=True)
class RowHistory:
    """What the journal holds about a row.

    Attributes:
        settled: it has a result.
        redo: the user asked to repeat the row after that result.
        doubtful: a request may have reached the server after the last result.
        confirmed: a success answered that request, and no read has shown the update.
    """

    settled: bool = False
    redo: bool = False
    doubtful: bool = False
    confirmed: bool = False


UNTOUCHED: Final = RowHistory()
"""History of an untouched row."""


def recover(history: RowHistory, *, replay_safe: bool, resend_unknown: bool = False) -> Recovery:
    """Decide about a row by its history: a doubtful row is sent again only if that is safe, and read otherwise.

    A success that the record does not show is no reason to send the row again, in this process as in the one before: it
    stays unknown if no read shows the update. `resend_unknown` is the user's consent to send every doubtful row again.
    """
    if history.settled and not history.redo:
        return Recovery.SKIP
    if not history.doubtful:
        return Recovery.SEND
    may_resend = resend_unknown or (replay_safe and not history.confirmed)
    return Recovery.RESEND if may_resend else Recovery.READ_BACK


def mermaid() -> str:
    """Render the table as a Mermaid state diagram."""
    lines = [f"    {source} --> {target}: {event}" for (source, event), target in TRANSITIONS.items()]
    return "\n".join(["stateDiagram-v2", "    [*] --> queued", *lines, "    settled --> [*]", "    left --> [*]"])
