"""Tokens: asking for one, and what it says about itself."""

import re
from typing import Final
from urllib.parse import urlencode

from jobs.apis.auth import Claims, Grant
from jobs.apis.documents import document_of, mapping
from jobs.apis.errors import read_errors
from jobs.apis.tokens import granted, payload_of, seconds
from jobs.model import Reply, Request

AUTH_URL: Final = "https://auth.commercelayer.io"
"""Origin of the token endpoint, unless the user names another."""

_REFUSES_TOKEN: Final = frozenset({"invalidtoken", "expiredtoken", "tokenexpired", "tokeninvalid"})
"""Codes of errors, without case, `_` and `-`."""

_BEARER: Final = re.compile(r"(?:^|[\s,])bearer(?=$|[\s,]).*", re.IGNORECASE | re.DOTALL)
_CHALLENGE_ERROR: Final = re.compile(r"""(?:^|[\s,])error\s*=\s*["']?([^"',\s]*)""", re.IGNORECASE)


def token_request(client_id: str, client_secret: str) -> Request:
    """Return the form-encoded client-credentials request (RFC 6749 4.4.2) to the token endpoint."""
    form = {"grant_type": "client_credentials", "client_id": client_id, "client_secret": client_secret}
    return Request("POST", "/oauth/token", urlencode(form).encode())


def read_grant(reply: Reply) -> Grant | None:
    """Read the token endpoint's reply; None unless it hands out a token."""
    document = document_of(reply) if reply.status == 200 else None  # OK is the only usable answer
    return granted(document) if document else None


def token_refused(reply: Reply) -> bool:
    """Say whether a reply refuses the token itself, so that another one may do.

    Either an error code says so, or a challenge to send a token (RFC 6750, 3): one that names `invalid_token`, or
    names no error at all although a token was sent. `insufficient_scope` is no such refusal.
    """
    if reply.status != 401:  # Unauthorized
        return False
    challenge = _BEARER.search(reply.headers.get("www-authenticate", ""))
    named = _CHALLENGE_ERROR.search(challenge[0]) if challenge else None
    if challenge and (named is None or named[1].lower() == "invalid_token"):
        return True
    return any(re.sub("[-_]", "", error.code).lower() in _REFUSES_TOKEN for error in read_errors(reply))


def read_claims(token: str) -> Claims:
    """Read the payload of a JWT without checking its signature: that is the server's business.

    Returns:
        Empty claims for a token that is not a JWT.
    """
    claims = payload_of(token)
    slug = mapping(claims.get("organization")).get("slug")
    kind = mapping(claims.get("application")).get("kind")
    mode = {True: "test", False: "live"}.get(claims["test"], "") if isinstance(claims.get("test"), bool) else ""
    slug = slug if isinstance(slug, str) and slug.replace("-", "").isalnum() and slug.isascii() else ""
    return Claims(
        f"{slug} {kind if isinstance(kind, str) else ''}" if slug else "",
        mode,
        seconds(claims.get("exp")),
        f"https://{slug}.commercelayer.io" if slug else "",
    )
