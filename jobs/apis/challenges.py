"""Whether a reply refuses the token itself, so that another one may do."""

import re
from typing import Final

from jobs.apis.errors import read_errors
from jobs.model import Reply

_UNAUTHORIZED: Final = 401

_REFUSES_TOKEN: Final = frozenset({"invalidtoken", "expiredtoken", "tokenexpired", "tokeninvalid"})
"""Codes of errors, without case, `_` and `-`."""

_BEARER: Final = re.compile(r"(?:^|[\s,])bearer(?=$|[\s,]).*", re.IGNORECASE | re.DOTALL)
_CHALLENGE_ERROR: Final = re.compile(r"""(?:^|[\s,])error\s*=\s*["']?([^"',\s]*)""", re.IGNORECASE)


def token_refused(reply: Reply) -> bool:
    """Say whether a reply refuses the token itself, so that another one may do.

    Either an error code says so, or a challenge to send a token (RFC 6750, 3): one that names `invalid_token`, or
    names no error at all although a token was sent. `insufficient_scope` is no such refusal.
    """
    if reply.status != _UNAUTHORIZED:
        return False
    challenge = _BEARER.search(reply.headers.get("www-authenticate", ""))
    named = _CHALLENGE_ERROR.search(challenge[0]) if challenge else None
    if challenge and (named is None or named[1].lower() == "invalid_token"):
        return True
    return any(re.sub("[-_]", "", error.code).lower() in _REFUSES_TOKEN for error in read_errors(reply))
