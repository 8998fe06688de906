"""Which encoding an input has: what its first bytes say for certain, and, where it is refused, what is likely.

Nothing is ever read by a likelihood. It only goes into a message, with the word that it would make of the bytes, so
that a person can see whether it is right.
"""

import codecs
import re
from typing import Final

_MARKS: Final = (
    (codecs.BOM_UTF32_LE, "utf-32"),  # before UTF-16, whose mark is a prefix of this one
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)

_NULS: Final[dict[tuple[bool, ...], str]] = {
    (False, True, False, True): "utf-16-le",
    (True, False, True, False): "utf-16-be",
    (False, True, True, True): "utf-32-le",
    (True, True, True, False): "utf-32-be",
}
"""Where the first four bytes are 0 when the input begins with ASCII characters (RFC 4627, section 3). No sheet in UTF-8
has a 0 at all, so that taking it for an encoding takes nothing for what it is not."""

_HIGH: Final = re.compile(rb"[\x80-\xff]")
_WORDS: Final = re.compile(rb"[^\s,;|\"]+")
_BREAK: Final = re.compile(r"[\s,;|\"]+")
_DENSE: Final = 0.4
"""Share of bytes beyond ASCII in the words that have any, from which on their script is not the Latin one."""

_MOSTLY: Final = 0.9
_SHOWN: Final = 40
_CONTEXT: Final = 200
"""Bytes before and after the one in question in which its word is looked for."""

_EAST_ASIAN: Final = {
    "cp932": (re.compile(r"[\u3040-\u30ff]"), 1 / 4),
    "euc_jp": (re.compile(r"[\u3040-\u30ff]"), 1 / 4),
    "euc_kr": (re.compile(r"[\uac00-\ud7a3]"), 9 / 10),
    "gb18030": (re.compile(r"[\u4e00-\u9fff]"), 1 / 2),
    "big5": (re.compile(r"[\u4e00-\u9fff]"), 1 / 2),
}
"""Encodings of two bytes a character, each with what a text in it has much of, and what share that is at least."""

_FOREIGN: Final = re.compile(r"[^\x00-\x7f\u2000-\u206f\u3000-\u30ff\u4e00-\u9fff\uac00-\ud7a3\uff00-\uff5f]")
"""What no text in one of them has."""

_CYRILLIC: Final = re.compile(r"[\u0400-\u045f]")
_SINGLE_BYTE: Final = ("cp1252", "mac_roman", "latin-1")


def certain(start: bytes) -> str:
    """Return the encoding that a byte order mark, or the first four bytes, leave no doubt about; else UTF-8."""
    for mark, name in _MARKS:
        if start.startswith(mark):
            return name
    return _NULS.get(tuple(byte == 0 for byte in start[:4]), "utf-8")


def advice(data: bytes, at: int, refused: str) -> str:
    """Suggest the encodings that bytes are likely in, with what each makes of them.

    Args:
        data: bytes around the one that is wrong, from where a character begins.
        at: position of that one.
        refused: the encoding that they are not in.
    """
    likely = [name for name in _likely(data) if name != refused]
    said = [f"--encoding {name} (it reads `{_word(data, at, name)}` there)" for name in likely[:2]]
    return f"Say which encoding the file has, likely {' or '.join(said)}"


def _likely(data: bytes) -> list[str]:
    if data.count(0) * 8 > len(data):
        little = data[1::2].count(0) > data[::2].count(0)
        return ["utf-16-le", "utf-16-be"] if little else ["utf-16-be", "utf-16-le"]
    whole = data[: data.rfind(b"\n") + 1] or data
    single = [name for name in _SINGLE_BYTE if _decoded(whole, name) is not None]
    high = len(_HIGH.findall(whole))
    words = (word for word in _WORDS.findall(whole) if not word.isascii())
    if high < _DENSE * sum(map(len, words)):  # here and there one among ASCII letters: accents
        return single
    cyrillic = _decoded(whole, "cp1251")
    if cyrillic is not None and len(_CYRILLIC.findall(cyrillic)) > _MOSTLY * high:
        return ["cp1251", *single]
    found = [name for name, much in _EAST_ASIAN.items() if _is_full_of(_decoded(whole, name), *much)]
    return found + single


def _is_full_of(text: str | None, much: re.Pattern[str], share: float) -> bool:
    """Return whether a text consists of what its encoding is made for."""
    if text is None or _FOREIGN.search(text):
        return False
    return len(much.findall(text)) > share * sum(character > "\x7f" for character in text)


def _decoded(data: bytes, name: str) -> str | None:
    try:
        return data.decode(name)
    except UnicodeDecodeError:
        return None


def _word(data: bytes, at: int, name: str) -> str:
    """Return the word that a byte is in, as an encoding reads it."""
    begin = max(data.rfind(b"\n", 0, at) + 1, at - _CONTEXT)
    if name.startswith("utf-16"):
        begin, at = begin & ~1, at & ~1
    before = data[begin:at].decode(name, "replace")
    after = data[at : at + _CONTEXT].decode(name, "replace")
    return (_BREAK.split(before)[-1][-_SHOWN // 2 :] + (_BREAK.split(after)[0] or after[:1]))[:_SHOWN]
