"""Content codings of replies: what a body is once they are undone. Bounded, whatever a few bytes may grow to."""

import zlib
from typing import Final

BODY_LIMIT: Final = 1 << 20
"""Bytes read of a reply, compressed or not; what is longer is cut off and marked incomplete."""

_NO_CODINGS: Final = frozenset({"", "identity", "none", "utf-8", "utf8", "binary"})
"""Content codings that do nothing, and names that servers take for such."""

_GZIP: Final = b"\x1f\x8b"
_MOST_MEMBERS: Final = 64
"""Members of a gzip file that are read: each costs a copy of the rest."""


def decoded(body: bytes, encoding: str) -> tuple[bytes, bool]:
    """The body without its content codings, and whether it is whole; bounded, whatever a few bytes may grow to.

    Some servers and proxies name a coding that is none, or gzip for JSON that is not: such a body stays as it is.
    """
    for coding in reversed([each.strip().lower() for each in encoding.split(",")]):
        if coding in _NO_CODINGS:
            continue
        if coding not in {"gzip", "x-gzip", "deflate"}:
            return b"", False
        try:
            body, whole = _inflated(body, 15) if coding == "deflate" else _unzipped(body)
        except zlib.error:
            return b"", False
        if not whole:
            return body, False
    return body, True


def _unzipped(body: bytes) -> tuple[bytes, bool]:
    """Gzip, which may have several members (RFC 1952, 2.2)."""
    whole, members = b"", 0
    while body[:2] == _GZIP and members < _MOST_MEMBERS and len(whole) < BODY_LIMIT:
        decoder = zlib.decompressobj(wbits=31)
        whole += decoder.decompress(body, BODY_LIMIT - len(whole))
        if not decoder.eof:
            return whole, False
        body, members = decoder.unused_data, members + 1
    if not members and body[:1] not in {b"{", b"["}:
        raise zlib.error("neither gzip nor JSON")
    return (whole, body[:2] != _GZIP) if members else (body, True)


def _inflated(body: bytes, wbits: int) -> tuple[bytes, bool]:
    """Deflate, with the frame that it should have (RFC 9110, 8.4.1.2) or without."""
    decoder = zlib.decompressobj(wbits=wbits)
    try:
        return decoder.decompress(body, BODY_LIMIT), decoder.eof
    except zlib.error:
        if wbits < 0:
            raise
        return _inflated(body, -15)
