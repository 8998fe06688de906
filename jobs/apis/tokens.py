"""Tokens by the rules of OAuth 2.0 and of JWT: what an endpoint hands out, and what a token says of itself."""

import base64
import binascii
import json
import math
import re
from collections.abc import Mapping
from typing import Any, Final

from jobs.apis.auth import Grant
from jobs.apis.backpressure import failure
from jobs.apis.documents import mapping
from jobs.apis.meanings import Meaning
from jobs.model import NotSent, Outcome, Reply, Request

_TOKEN: Final = re.compile(r"[!-~]+")
_WHOLE: Final = re.compile(r"[0-9]{1,15}")


def granted(document: Mapping[str, Any]) -> Grant | None:
    """Read the document of a token endpoint (RFC 6749, 5.1); None unless it hands out a token that a header can hold.

    Some endpoints write the life of the token as text.
    """
    token, life = document.get("access_token"), document.get("expires_in")
    if not isinstance(token, str) or not _TOKEN.fullmatch(token):
        return None
    return Grant(token, seconds(int(life) if isinstance(life, str) and _WHOLE.fullmatch(life) else life))


def token_meaning(_: Request, outcome: Outcome) -> Meaning:
    """Return what the outcome of a request for a token means: it carries no token that could be refused."""
    if not isinstance(outcome, Reply):
        return Meaning.UNSENT if isinstance(outcome, NotSent) else Meaning.UNANSWERED
    if outcome.status >= 400:
        return failure(outcome)
    if outcome.status >= 300:
        return Meaning.REDIRECTED
    return Meaning.SERVED if outcome.status >= 200 else Meaning.FOREIGN


def payload_of(token: str) -> Mapping[str, Any]:
    """Return the payload of a JWT (RFC 7519) without a check of its signature; empty for a token that is no JWT."""
    try:
        payload = token.split(".")[1]
        claims = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    except (IndexError, ValueError, binascii.Error, RecursionError):
        return {}
    return mapping(claims)


def seconds(value: object) -> float | None:
    """Return a number as seconds; None for anything else, including NaN and infinity."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        found = float(value)
    except OverflowError:
        return None
    return found if math.isfinite(found) else None
