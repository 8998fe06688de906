"""What a status means by the rules of HTTP, where nothing else in the reply says more."""

from collections.abc import Mapping
from typing import Final

from jobs.apis.meanings import Meaning

_SUCCESSES: Final[Mapping[int, Meaning]] = {
    201: Meaning.CREATED,
    202: Meaning.ACCEPTED,
    204: Meaning.NO_CONTENT,
}  # RFC 9110, 15.3

_REFUSALS: Final[Mapping[int, Meaning]] = {
    400: Meaning.BAD_REQUEST,
    401: Meaning.NOT_AUTHORIZED,
    403: Meaning.NOT_AUTHORIZED,
    404: Meaning.NOT_FOUND,
    405: Meaning.NOT_UPDATABLE,
    406: Meaning.MISCONFIGURED,  # our `Accept`
    409: Meaning.NOT_UNIQUE,  # or a conflict of versions; most APIs mean a value that another record has
    410: Meaning.NOT_FOUND,  # it was there once
    412: Meaning.CONFLICT,
    415: Meaning.MISCONFIGURED,  # our `Content-Type`
    422: Meaning.VALIDATION,
    423: Meaning.LOCKED,  # RFC 4918
    428: Meaning.UNCONDITIONAL,  # RFC 6585
}  # RFC 9110, 15.5


def success(status: int) -> Meaning:
    """Return what a 2xx says of an update."""
    return _SUCCESSES.get(status, Meaning.SERVED)


def refusal(status: int) -> Meaning:
    """Return what a refusal with this status means, once it is known to be one."""
    return _REFUSALS.get(status, Meaning.REFUSED)


def is_refusal(status: int) -> bool:
    """Return True for a 4xx: the server says that the request had no effect."""
    return 400 <= status < 500
