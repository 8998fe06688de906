"""Tokens: asking for one, and what it says about itself."""

import base64
import binascii
import json
import math
import re
from typing import Final
from urllib.parse import urlencode

from jobs.apis.api import Claims, Grant
from jobs.apis.documents import document_of, mapping
from jobs.model import Reply, Request

AUTH_URL: Final = "https://auth.commercelayer.io"
"""Origin of the token endpoint, unless the user names another."""

_TOKEN: Final = re.compile(r"[!-~]+")

_WHOLE: Final = re.compile(r"[0-9]{1,15}")


def token_request(client_id: str, client_secret: str) -> Request:
    """Return the form-encoded client-credentials request (RFC 6749 4.4.2) to the token endpoint."""
    form = {"grant_type": "client_credentials", "client_id": client_id, "client_secret": client_secret}
    return Request("POST", "/oauth/token", urlencode(form).encode())


def read_grant(reply: Reply) -> Grant | None:
    """Read the token endpoint's reply; None unless it hands out a token."""
    document = document_of(reply) if reply.status == 200 else None  # OK is the only usable answer
    token = document.get("access_token") if document else None
    if document is None or not isinstance(token, str) or not _TOKEN.fullmatch(token):
        return None
    life = document.get("expires_in")
    return Grant(token, _number(int(life)) if isinstance(life, str) and _WHOLE.fullmatch(life) else _number(life))


def read_claims(token: str) -> Claims:
    """Read the payload of a JWT without checking its signature: that is the server's business.

    Returns:
        Empty claims for a token that is not a JWT.
    """
    try:
        payload = token.split(".")[1]
        claims = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    except (IndexError, ValueError, binascii.Error, RecursionError):
        return Claims()
    claims = mapping(claims)
    slug = mapping(claims.get("organization")).get("slug")
    kind = mapping(claims.get("application")).get("kind")
    mode = {True: "test", False: "live"}.get(claims["test"], "") if isinstance(claims.get("test"), bool) else ""
    slug = slug if isinstance(slug, str) and slug.replace("-", "").isalnum() and slug.isascii() else ""
    return Claims(
        f"{slug} {kind if isinstance(kind, str) else ''}" if slug else "",
        mode,
        _number(claims.get("exp")),
        f"https://{slug}.commercelayer.io" if slug else "",
    )


def _number(value: object) -> float | None:
    """Return a number as seconds; None for what is none, NaN and infinity among it."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        seconds = float(value)
    except OverflowError:
        return None
    return seconds if math.isfinite(seconds) else None
