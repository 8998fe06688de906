"""One JSON array whose elements are the records: read as a stream, however long it is, and on however few lines.

Elements are told apart by brackets and commas outside of strings, and each is then parsed by itself: one that is
broken inside is that row's problem alone. Where brackets or quotes do not balance, where the next element begins would
be a guess: the input is refused.
"""

import re
from collections.abc import Iterator
from typing import Final

from jobs.formats.errors import InputRefused
from jobs.formats.lines import MAX_RECORD, Decoded

_PLAIN: Final = r'[^"\[\]{}%s]*+(?:"[^"\\]*+(?:\\.[^"\\]*+)*+"[^"\[\]{}%s]*+)*+'
_BETWEEN: Final = re.compile((_PLAIN + r"([\[\]{},])") % (",", ","), re.DOTALL)
"""Up to what ends an element, or begins one that has elements itself."""

_WITHIN: Final = re.compile((_PLAIN + r"([\[\]{}])") % ("", ""), re.DOTALL)
"""Up to the next bracket: what stands between is the parser's business."""

_BLANK: Final = re.compile(r"[ \t\r\n]*")


def elements(text: Decoded) -> Iterator[tuple[int, str]]:
    """Yield the elements of an array, each with the line on which it begins; in constant memory.

    Args:
        text: of the input; what precedes the array is white space.

    Raises:
        InputRefused: the array does not end, or something follows it; an element is longer than 16 MiB; bytes that are
            not text.
    """
    buffer = _Buffer(text)
    buffer.skip_blank()
    start = position = buffer.position + 1
    depth, several = 0, False
    while True:
        found = (_WITHIN if depth else _BETWEEN).match(buffer.text, position)
        if not found:
            start, position = 0, max(0, position - buffer.more(start))
            continue
        position, mark = found.end(), found[1]
        if mark in "[{":
            depth += 1
        elif depth and mark != ",":
            depth -= 1
        else:
            element = buffer.taken(start, position - 1)
            if mark == "}":
                raise buffer.refused("a `}` closes what nothing opened")
            if element:
                yield buffer.line, element
            elif mark == "," or several:
                raise buffer.refused("a comma stands here without an element beside it")
            buffer.go_to(position)
            if mark == "]":
                break
            start, several = position, True
    if not buffer.skip_blank():
        raise buffer.refused("something follows the end of the array: one array is a whole input")


class _Buffer:
    """The text in hand.

    Attributes:
        line: 1-based, of `position`: where the last element that was taken began.
    """

    def __init__(self, text: Decoded) -> None:
        self._source = text
        self._pieces = iter(text)
        self.text = ""
        self.position = 0
        self.line = 1

    def taken(self, start: int, end: int) -> str:
        """Return the text of an element, without the white space around it; `line` is where it begins."""
        begin = _BLANK.match(self.text, start, end).end()  # type: ignore[union-attr]  # it always matches
        self.go_to(begin)
        return self.text[begin:end].rstrip(" \t\r\n")

    def go_to(self, position: int) -> None:
        """Move forward, and count the lines on the way."""
        self.line += self.text.count("\n", self.position, position)
        self.position = position

    def skip_blank(self) -> bool:
        """Go on to what is not white space; return whether there is nothing more."""
        self.taken(self.position, len(self.text))
        while self.position == len(self.text) and self._read(1):
            self.taken(0, len(self.text))
        return self.position == len(self.text)

    def more(self, start: int) -> int:
        """Read on, with `start` as the first character that is still needed; return by how much all has moved.

        As much is read as there is already, so that a long element is not looked at over and over again.

        Raises:
            InputRefused: there is nothing more, or the element becomes too long.
        """
        self.taken(start, len(self.text))
        moved = self.position
        if len(self.text) - moved > MAX_RECORD:
            raise self.refused("the element that begins here is longer than 16 MiB: is a bracket or a quote missing?")
        if not self._read(len(self.text) - moved):
            raise self.refused("the array has no end: a bracket or a quote is missing in what begins here")
        return moved

    def refused(self, what: str) -> InputRefused:
        """Return the refusal of the input, with the line."""
        return InputRefused(what, line=self.line)

    def _read(self, wanted: int) -> bool:
        """Drop what stands before the position, and add so many characters; return whether there were any more.

        Raises:
            InputRefused: the bytes that follow are not text.
        """
        pieces = [self.text[self.position :]]
        while wanted >= 0 and (piece := next(self._pieces, "")):
            pieces.append(piece)
            wanted -= len(piece)
        self.text = "".join(pieces)
        self.position = 0
        if self._source.fault and len(pieces) == 1:
            raise self._source.refused(self.line + self.text.count("\n"))
        return len(pieces) > 1
