"""Values of header fields. Whatever is malformed in a reply is None: its headers are advice, not input."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Final

_INTEGER: Final = re.compile(r"[ \t]*([0-9]{1,15})[ \t]*")  # RFC 9110 5.6.3: blanks around a value are these
_ISO: Final = re.compile(r"\s*[0-9]{4}-[0-9]{2}-[0-9]{2}T")
_DECIMAL: Final = re.compile(r"[ \t]*([+-]?[0-9]{1,15}(?:\.[0-9]{1,15})?)[ \t]*")

_NAME: Final = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")  # RFC 9110, 5.6.2
_VALUE: Final = re.compile(r"[\t -~\xa0-\xff]*")  # RFC 9110, 5.5
_CONNECTION: Final = frozenset(
    {"connection", "content-length", "expect", "host", "keep-alive", "proxy-authorization", "te", "trailer",
     "transfer-encoding", "upgrade"}
)  # fmt: skip
"""Headers that are the connection's own: they say where a request goes, and where it ends."""

_LONGEST_ID: Final = 200


def unsendable(headers: Mapping[str, str]) -> str:
    """Return why a request cannot have these headers, in words that do not quote a value; empty if it can.

    A line end in a value would end the header, and let the rest of the value pass for headers or for another request.
    """
    for name, value in headers.items():
        if not _NAME.fullmatch(name):
            return f"{name!a} is no name of a header"
        if name.lower() in _CONNECTION:
            return f"the header {name} cannot be set: it belongs to the connection"
        if not _VALUE.fullmatch(value):
            return f"the header {name} cannot hold its value: no header holds line ends or characters beyond Latin-1"
    return ""


def identifier(value: str) -> str:
    """Return what identifies a request to support, at most 200 characters; empty unless it is printable ASCII."""
    text = value[:_LONGEST_ID]
    return text if text.isascii() and text.isprintable() else ""


def integer(value: str | None) -> int | None:
    """Read a whole number, 0 or more."""
    found = _INTEGER.fullmatch(value or "")
    return int(found[1]) if found else None


def decimal(value: str | None) -> float | None:
    """Read a number with an optional fraction and sign."""
    found = _DECIMAL.fullmatch(value or "")
    return float(found[1]) if found else None


def count(value: str | None) -> int | None:
    """Read whole requests: some servers send their bucket's level with a fraction, of which nobody can send a part."""
    number = decimal(value)
    return int(number) if number is not None and number >= 0 else None


def date(value: str) -> float | None:
    """Return the seconds since the epoch of an HTTP date (RFC 9110 5.6.7: three forms), or one of ISO 8601 (Jira)."""
    try:
        found = datetime.fromisoformat(value.strip()) if _ISO.match(value) else parsedate_to_datetime(value)
        return _seconds(found)
    except (ValueError, TypeError, OverflowError, IndexError):
        return None


def _seconds(found: datetime) -> float:
    return found.replace(tzinfo=found.tzinfo or UTC).timestamp()  # the asctime form names no zone: it is UTC, not local


def sent_at(headers: Mapping[str, str], wall: float) -> float:
    """Return when a reply was sent by the server's clock, so that a skewed one does no harm; without `Date`, `wall`."""
    sent = date(headers.get("date", ""))
    return wall if sent is None else sent
