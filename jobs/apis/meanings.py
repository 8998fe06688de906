"""What the outcome of a request can mean: a closed list. An API's own `meaning_of` decides it, once for every outcome.

The limiter, the verdict on a row, reads and tokens go by the meaning, and never ask the reply again.
"""

from enum import StrEnum
from typing import Final


class Meaning(StrEnum):
    """What an outcome says about its request, the token and the server."""

    __hash__ = str.__hash__  # that of `Enum` is a Python function, and every row is looked up

    SERVED = "served"
    """A success (2xx); of a read, one that shows a document or broke off."""

    CREATED = "created"
    """201: the update created something, although nothing is ever created on purpose."""

    ACCEPTED = "accepted"
    """202: the update is not done yet."""

    NO_CONTENT = "no content"
    """The update is done, and the reply shows nothing of it: 204."""

    FOREIGN = "foreign"
    """Not the API's answer: a read whose success is no document (a portal, a page of an edge), or a 1xx."""

    REDIRECTED = "redirected"
    """3xx: final, since redirects are never followed."""

    BAD_REQUEST = "bad request"
    """The API could not make sense of the request."""

    NOT_AUTHORIZED = "not authorized"
    """The credential is good, and may not do this."""

    NOT_FOUND = "not found"
    """There is no such record, as far as the credential may see; of a read for one record, this proves it."""

    NOT_UPDATABLE = "not updatable"
    """The API does not update records of this type."""

    NOT_UNIQUE = "not unique"
    """Another record has a value that must be unique."""

    CONFLICT = "conflict"
    """The record is no longer as the update expects it: somebody was faster."""

    VALIDATION = "validation"
    """The API refuses the values."""

    LOCKED = "locked"
    """The record is locked."""

    MISCONFIGURED = "misconfigured"
    """The API refuses the form of every request of this kind: its headers, not its content."""

    UNCONDITIONAL = "unconditional"
    """The API wants every update to name a precondition."""

    NO_OP = "no-op"
    """The API refuses the update since it would change nothing."""

    REFUSED = "refused"
    """Any other refusal that is final for this request."""

    TOKEN_REFUSED = "token refused"  # noqa: S105  # no password
    """The token itself is refused: nothing was done, and another one may do."""

    STOP = "stop"
    """The API's description says that no request of this run can succeed from now on."""

    BUSY = "busy"
    """Refused before any work, for a passing reason of this record: another attempt may do, and nobody else waits."""

    THROTTLED = "throttled"
    """Refused before any work, since a limit on the rate was reached."""

    HELD = "held"
    """Refused with a pause (4xx with `Retry-After`: 409 and 423 of locks, 420 and 430 of shops): probably for pace."""

    TOO_EARLY = "too early"
    """425 (RFC 8470): refused before any work; only an action does not rely on that."""

    TIMED_OUT = "timed out"
    """408: the server gave the request up, perhaps after the work was done; everybody waits."""

    UNAVAILABLE = "unavailable"
    """5xx with a pause, or of a server that has too much to do: the work may have been done; everybody waits."""

    UNWELL = "unwell"
    """500, 502, 503, 504: the work may have been done; enough of these in a row and the server counts as down."""

    FAILED = "failed"
    """Any other failure after which the work may have been done, by a server that is up."""

    UNSENT = "unsent"
    """The request never left."""

    UNANSWERED = "unanswered"
    """The request left, and no usable reply came: the work may have been done."""


REFUSALS: Final = frozenset(
    {
        Meaning.BAD_REQUEST, Meaning.NOT_AUTHORIZED, Meaning.NOT_FOUND, Meaning.NOT_UPDATABLE, Meaning.NOT_UNIQUE,
        Meaning.CONFLICT, Meaning.VALIDATION, Meaning.LOCKED, Meaning.MISCONFIGURED, Meaning.UNCONDITIONAL,
        Meaning.NO_OP, Meaning.REFUSED,
    }
)  # fmt: skip
"""Final for this request, which had no effect."""

SLOWS_DOWN: Final = frozenset(
    {Meaning.THROTTLED, Meaning.HELD, Meaning.TOO_EARLY, Meaning.TIMED_OUT, Meaning.UNAVAILABLE}
)
"""The server wants everybody to wait before the next request, whatever became of this one."""

ABOUT_PACE: Final = frozenset({Meaning.THROTTLED, Meaning.HELD})
"""Those of `SLOWS_DOWN` that are probably due to how many requests came, so that they tell of a limit."""

SERVER_ERRORS: Final = frozenset({Meaning.UNAVAILABLE, Meaning.UNWELL, Meaning.FAILED})
"""The server said that it failed."""

ANSWERS: Final = frozenset({Meaning.SERVED, Meaning.REDIRECTED}) | REFUSALS
"""Asking again, now or later, would bring the same."""
