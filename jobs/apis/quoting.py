"""The server's words as values of ours: on one line, short, harmless to print and to store, and without secrets.

This is the one place where they become that. Secrets are hidden in what the words *mean*, after every parser: a server
that repeats a token may spell it with escapes of JSON, of a URL or of HTML.
"""

import re
from functools import lru_cache
from typing import Final

TEXT_LIMIT: Final = 300
"""Characters kept of anything that a server wrote."""

HIDDEN: Final = "<secret>"

_READ: Final = 4 * TEXT_LIMIT
"""Characters looked at, and as many again as secrets may take up at the end of that."""

_LONGEST_SPELLING: Final = 8
"""Characters that one of a secret may be spelled with."""

_ESCAPING: Final = ("\\", "%", "&")
"""What escapes begin with. Without one, a secret is only looked for as it is: to compile all spellings takes 0.3 s."""

_JOINERS: Final = frozenset("\u200c\u200d")
"""Zero width (non-)joiner: Persian, Indic scripts and emoji need them, and they can neither move nor hide text."""


def harmless(text: str, secrets: tuple[str, ...] = (), limit: int = TEXT_LIMIT) -> str:
    """Return `text` on one line of at most `limit` characters, without control characters and without `secrets`.

    White space of every kind becomes one space; what has no glyph of its own is dropped, bidirectional controls
    included; half a surrogate pair becomes a question mark.
    """
    at_most = _LONGEST_SPELLING * max(map(len, secrets), default=0)
    line = _without(_on_one_line(text[: _READ + at_most]), tuple(map(_on_one_line, secrets)))
    if len(text) > _READ + at_most:
        line = line[: max(0, len(line) - at_most)]  # the part of a secret that the cut may have left
    return line[:limit].rstrip()


def shortened(text: str, limit: int = TEXT_LIMIT) -> str:
    """Return `text`, cut visibly where it is longer than `limit` characters."""
    return text if len(text) <= limit else text[: limit - 1].rstrip() + "…"


def _harmless(character: str) -> str:
    if character.isprintable() or character in _JOINERS:
        return character
    return " " if character.isspace() else ""


def _on_one_line(text: str) -> str:
    return " ".join("".join(map(_harmless, text.encode("utf-8", "replace").decode())).split())


def _without(text: str, secrets: tuple[str, ...]) -> str:
    if not any(secrets):
        return text
    return _finder(secrets, spelled=any(each in text for each in _ESCAPING)).sub(HIDDEN, text)


@lru_cache(maxsize=16)  # a run has a few of them at a time
def _finder(secrets: tuple[str, ...], *, spelled: bool) -> re.Pattern[str]:
    """Return what finds secrets, the longest first; if `spelled`, also with escapes of JSON, of a URL or of HTML."""
    longest_first = sorted(filter(None, secrets), key=len, reverse=True)
    return re.compile(
        "|".join("".join(map(_spellings, each)) if spelled else re.escape(each) for each in longest_first)
    )


def _spellings(character: str) -> str:
    code = ord(character)
    percent = "".join(f"%{byte:02x}" for byte in character.encode("utf-8", "replace"))
    escapes = f"\\\\{{1,3}}u{code:04x}|{percent}|&#0{{0,3}}{code};|&#x0{{0,3}}{code:x};"
    return rf"(?:\\{{0,3}}{re.escape(character)}|(?i:{escapes}))"
