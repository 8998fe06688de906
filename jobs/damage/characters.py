"""Characters that are seldom meant: garbled, invisible, typographic, or white space at the edges of a cell."""

import re
from collections.abc import Collection, Iterator, Mapping
from typing import Final, Literal

Mark = Literal["mojibake", "invisible_character", "typographic_character", "spaces_around"]
"""What the characters of a cell tell; also the codes of the warnings."""

_CONTINUATION: Final = "\x80-\xbf€‚ƒ„…†‡ˆ‰Š‹ŒŽ‘’“”•–—˜™š›œžŸ"
"""Bytes 80 to BF as Latin-1 and as cp1252 show them: what follows the first byte of a UTF-8 sequence."""

_MOJIBAKE: Final = re.compile(
    rf"\ufffd|[ÂÃ][{_CONTINUATION}]|â[€‚\x80\x82][{_CONTINUATION}]|ï»¿|ï¿½|ðŸ[{_CONTINUATION}]{{2}}"
    rf"|(?:[ÄÅÎÏÐÑ][{_CONTINUATION}]){{2}}"
    "|[├┬][ÇüéâäàåçêëèïîìÄÅÉæÆôöòûùÿÖÜø£Ø×ƒáíóúñÑªº¿®¬½¼¡«»░▒▓╡╢╖╕╣║╗╝╜╛ÁÂÀ©¢¥₧⌐]|√[©º®§†¶]"
)
"""Letters that UTF-8 became when it was read as Latin-1 or cp1252, at a DOS prompt, or as Mac Roman.

Lead bytes that are common letters themselves (Ä, Ñ) count only twice in a row: `Ä“` ends a German quotation. Frames
(`├─`, `├┤`) are drawn, and roots (`√π`) written.
"""

_CAPITAL_BEFORE_QUOTE: Final = re.compile(r"(?<=[^\W\d_])[ÂÃ]»")
"""`«PALMÃ»`: a word in capitals that ends with the letter, and a closing quote."""

_INVISIBLE: Final = re.compile(r"[\x00-\x08\x0e-\x1f\x7f-\x9f\u00ad\u200b\u2060\ufeff]")
_DIRECTION: Final = re.compile(r"[\u200e\u200f\u202a-\u202e\u2066-\u2069]")
_RIGHT_TO_LEFT: Final = re.compile(r"[\u0590-\u08ff\ufb1d-\ufefc]")
_JOINERS: Final = re.compile(r"[\u200c\u200d]")
_ODD_SPACE: Final = re.compile(r"[\u00a0\u2000-\u200a\u202f\u3000]")
_CODE: Final = re.compile(r"(?=\S*[0-9])[A-Za-z0-9._/-]+")
_BEFORE_A_SIGN: Final = re.compile(
    r"[\x00-\x08\x0e-\x1f\x7f-\xa0\xad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180e\u2000-\u200f\u2028-\u202f"
    r"\u205f-\u206f\u3000\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff9-\ufffb]+[-=+@'0-9]"
)
"""A guard against spreadsheets, in the place of an apostrophe; nothing begins like that by nature."""

_TYPOGRAPHIC: Final = re.compile(r"[‘’‚‛“”„‟′″‐‑‒–—−]")

_ANY: Final = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\xa0\xad\u0100-\U0010ffffÂÃâïðÄÅÎÏÐÑ]")
"""What at least one mark needs, spaces at the edges apart. One set of characters: alternatives would be slow."""

_PLAIN: Final = bytes(code for code in range(256) if not _ANY.match(chr(code)))
"""The Latin-1 characters among the others: to delete them from bytes is ten times as fast as to search text."""

MARKS: Final[Mapping[str, frozenset[Mark]]] = {
    "id": frozenset({"mojibake", "invisible_character", "typographic_character"}),
    "link": frozenset({"mojibake", "invisible_character", "typographic_character"}),
    "text": frozenset({"mojibake", "invisible_character", "spaces_around"}),
    "untyped": frozenset({"mojibake", "invisible_character", "spaces_around"}),
    "date": frozenset({"invisible_character", "spaces_around"}),
    "number": frozenset(),
    "other": frozenset({"mojibake"}),
}
"""Which marks matter in a column of that role; white space in an id refuses the row anyway."""


def marks_in(cells: Collection[str], wanted: frozenset[Mark]) -> Iterator[tuple[Mark, str]]:
    """Yield the wanted marks of each cell; answer at once if no cell has any."""
    if not wanted:
        return
    text = "\n".join(("", *cells, ""))
    strange = not _is_plain(text)
    if not strange and not _has_edges(text, len(cells) + 1):
        return
    for cell in cells:
        if spaced(cell) or (strange and _ANY.search(cell)):
            for mark in wanted:
                if has(mark, cell):
                    yield mark, cell


def _is_plain(text: str) -> bool:
    try:
        return not text.encode("latin-1").translate(None, _PLAIN)
    except UnicodeEncodeError:
        return False


def _has_edges(text: str, ends: int) -> bool:
    """Return whether a cell may have lines, or white space at an edge; `ends` line ends join the cells."""
    return (
        "\n " in text
        or " \n" in text
        or "\r" in text
        or ("\t" in text and ("\n\t" in text or "\t\n" in text))
        or text.count("\n") != ends
    )


def has(mark: Mark, cell: str) -> bool:
    """Return whether the cell has the mark."""
    return _TESTS[mark](cell)


def garbled(cell: str) -> bool:
    """Return whether letters of the cell are UTF-8 that was read as another encoding."""
    return _MOJIBAKE.search(_CAPITAL_BEFORE_QUOTE.sub("", cell)) is not None


def invisible(cell: str) -> bool:
    """Return whether the cell has an invisible character that its script does not need."""
    if _INVISIBLE.search(cell) or _BEFORE_A_SIGN.match(cell):
        return True
    if _DIRECTION.search(cell) and not _RIGHT_TO_LEFT.search(cell):
        return True
    # A joiner belongs into Persian and emoji, a non-breaking space into prose: neither into a code.
    bare, changed = _JOINERS.subn("", cell)
    bare, spaces = _ODD_SPACE.subn("", bare)
    return bool(changed or spaces) and _CODE.fullmatch(bare) is not None


def typographic(cell: str) -> bool:
    """Return whether the cell has a quote or a dash as word processors make them."""
    return _TYPOGRAPHIC.search(cell) is not None


def spaced(cell: str) -> bool:
    """Return whether the cell begins or ends with white space, or is nothing else."""
    return cell != cell.strip()


_TESTS: Final = {
    "mojibake": garbled,
    "invisible_character": invisible,
    "typographic_character": typographic,
    "spaces_around": spaced,
}
