"""Decode the content codings of replies. Decoded bodies are bounded, so that a few bytes cannot fill the memory."""

import zlib
from typing import Final

BODY_LIMIT: Final = 1 << 20
"""Bytes read of a reply, compressed or not; a longer body is cut off and marked incomplete."""

_NO_CODINGS: Final = frozenset({"", "identity", "none", "utf-8", "utf8", "binary"})
"""Content codings that do nothing, and names that servers mistake for codings."""

_GZIP: Final = b"\x1f\x8b"
_MOST_MEMBERS: Final = 64
"""Members of a gzip body that are read at most: each costs a copy of the rest."""


def decoded(body: bytes, encoding: str) -> tuple[bytes, bool]:
    """Undo the content codings of a body; expand it to at most `BODY_LIMIT` bytes; return also whether it is whole.

    Some servers and proxies name a coding that does not exist, or gzip for plain JSON: such a body stays as it is.
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
    """Decompress gzip, which may have several members (RFC 1952, 2.2)."""
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
    """Decompress deflate, with or without the zlib frame that it should have (RFC 9110, 8.4.1.2)."""
    decoder = zlib.decompressobj(wbits=wbits)
    try:
        return decoder.decompress(body, BODY_LIMIT), decoder.eof
    except zlib.error:
        if wbits < 0:
            raise
        return _inflated(body, -15)
