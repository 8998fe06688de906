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

    FOREIGN = "foreign"
    """Not the API's answer: a read whose success is no document (a portal, a page of an edge), or a 1xx."""

    REDIRECTED = "redirected"
    """3xx: final, since redirects are never followed."""

    REFUSED = "refused"
    """4xx: final for this request."""

    TOKEN_REFUSED = "token refused"  # noqa: S105  # no password
    """The token itself is refused: nothing was done, and another one may do."""

    THROTTLED = "throttled"
    """Refused before any work, since a limit on the rate was reached."""

    HELD = "held"
    """Refused with a pause (4xx with `Retry-After`: 409 and 423 of locks, 420 and 430 of shops): probably for pace."""

    TOO_EARLY = "too early"
    """425 (RFC 8470): refused before any work; only an action does not rely on that."""

    TIMED_OUT = "timed out"
    """408: the server gave the request up, perhaps after the work was done; everybody waits."""

    UNAVAILABLE = "unavailable"
    """5xx with a pause: the work may have been done; everybody waits."""

    UNWELL = "unwell"
    """500, 502, 503, 504: the work may have been done; enough of these in a row and the server counts as down."""

    FAILED = "failed"
    """Any other 5xx: the work may have been done, by a server that is up."""

    UNSENT = "unsent"
    """The request never left."""

    UNANSWERED = "unanswered"
    """The request left, and no usable reply came: the work may have been done."""


SLOWS_DOWN: Final = frozenset(
    {Meaning.THROTTLED, Meaning.HELD, Meaning.TOO_EARLY, Meaning.TIMED_OUT, Meaning.UNAVAILABLE}
)
"""The server wants everybody to wait before the next request, whatever became of this one."""

ABOUT_PACE: Final = frozenset({Meaning.THROTTLED, Meaning.HELD})
"""Those of `SLOWS_DOWN` that are probably due to how many requests came, so that they tell of a limit."""

SERVER_ERRORS: Final = frozenset({Meaning.UNAVAILABLE, Meaning.UNWELL, Meaning.FAILED})
"""5xx: the server said that it failed."""

ANSWERS: Final = frozenset({Meaning.SERVED, Meaning.REDIRECTED, Meaning.REFUSED})
"""Asking again, now or later, would bring the same."""
