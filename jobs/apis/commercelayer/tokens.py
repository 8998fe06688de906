"""Tokens: asking for one, and what it says about itself."""

from typing import Final
from urllib.parse import urlencode

from jobs.apis.auth import Claims, Grant
from jobs.apis.documents import document_of, mapping
from jobs.apis.tokens import granted, payload_of, seconds
from jobs.model import Reply, Request

AUTH_URL: Final = "https://auth.commercelayer.io"
"""Origin of the token endpoint, unless the user names another."""


def token_request(client_id: str, client_secret: str) -> Request:
    """Return the form-encoded client-credentials request (RFC 6749 4.4.2) to the token endpoint."""
    form = {"grant_type": "client_credentials", "client_id": client_id, "client_secret": client_secret}
    return Request("POST", "/oauth/token", urlencode(form).encode())


def read_grant(reply: Reply) -> Grant | None:
    """Read the token endpoint's reply; None unless it hands out a token."""
    document = document_of(reply) if reply.status == 200 else None  # OK is the only usable answer
    return granted(document) if document else None


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
