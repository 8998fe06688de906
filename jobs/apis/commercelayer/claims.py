"""What a token of Commerce Layer says of itself: its JWT names the organization, the application and the mode."""

from collections.abc import Callable

from jobs.apis.auth import Claims
from jobs.apis.documents import mapping
from jobs.apis.tokens import payload_of, seconds


def read_claims(token: str, url_of: Callable[[str], str]) -> Claims:
    """Read the payload of a JWT without checking its signature: that is the server's business.

    Args:
        token: as requests carry it.
        url_of: returns the base URL of an organization.

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
        url_of(slug) if slug else "",
    )
