"""Texts as a workbook stores them: escapes, and the table of strings that cells share."""

import re
from array import array
from collections.abc import Callable, Generator
from sys import getsizeof
from typing import BinaryIO, Final

from jobs.formats.errors import InputRefused
from jobs.formats.xlsx.markup import CHUNK, MAX_DEPTH, bare_name, steps
from jobs.formats.xlsx.package import DAMAGED, Package

MAX_TEXT: Final = 16 << 20
"""Characters of one text, as of a record of any other format; a cell of Excel holds 32,767."""

MAX_STRINGS: Final = 1 << 24
"""Most shared strings: each costs 8 bytes of memory, even where its text lies on disk."""

IN_MEMORY: Final = 64 << 20
"""Bytes of shared strings that are kept in memory; those that come later lie on disk."""

_ESCAPE: Final = re.compile(r"_x(D[89AB][0-9A-F]{2})__x(D[C-F][0-9A-F]{2})_|_x([0-9A-F]{4})_", re.IGNORECASE)
"""ECMA-376 part 1, 22.9.2.19 (ST_Xstring): what XML cannot hold, as a UTF-16 unit, or as two that make a character."""


def unescaped(text: str) -> str:
    r"""Decode `a_x000D_b` to `a\rb`, `_x005F_x000D_` to `_x000D_`; half a character, or a NUL, stays as written."""
    return _ESCAPE.sub(_character, text) if "_x" in text else text


def _character(found: re.Match[str]) -> str:
    high, low, single = found.groups()
    if single:
        unit = int(single, 16)
        return found[0] if unit == 0 or 0xD800 <= unit < 0xE000 else chr(unit)  # the surrogates of UTF-16
    return bytes.fromhex(high + low).decode("utf-16-be")


class SharedStrings:
    """The table of shared strings, read no further than it is asked for.

    Strings stand in it in the order in which cells first use them, more or less: to read on as they are needed means
    that a header costs a header. The first 64 MiB stay in memory, those that follow go to a file.
    """

    def __init__(self, package: Package, name: str, scratch: Callable[[], BinaryIO]) -> None:
        """See `__getitem__`; nothing is read yet.

        Args:
            package: the workbook.
            name: of its table; empty if it has none.
            scratch: makes an empty file to write to and to read back.
        """
        self._first: list[str] = []
        self._size = 0
        self._spill = _Spill(scratch)
        self._more = self._reading(package, name)

    def close(self) -> None:
        """Let go of the files."""
        self._more.close()
        self._spill.close()

    def __getitem__(self, index: int) -> str:
        """Return one string.

        Raises:
            IndexError: there is none of that number.
            InputRefused: the table breaks the rules of its format, or there is no room for it.
        """
        first = self._first
        if 0 <= index < len(first):
            return first[index]
        while index >= len(first) + len(self._spill):
            if next(self._more, self) is self:
                raise IndexError
        return first[index] if 0 <= index < len(first) else self._spill[index - len(first)]

    def _reading(self, package: Package, name: str) -> Generator[None]:
        if not name:
            return
        with package.part(name) as part:
            table = _Table(self._add)
            for _ in steps(part, table.start, table.end, table.pieces.append):
                table.bound()
                yield

    def _add(self, text: str) -> None:
        if self._size < IN_MEMORY:
            self._size += getsizeof(text)
            self._first.append(text)
        elif len(self._spill) + len(self._first) < MAX_STRINGS:
            self._spill.append(text)
        else:
            raise InputRefused(f"the workbook has more than {MAX_STRINGS:,} different texts: save the sheet as CSV.")


class _Table:
    """What the markup of a table of strings says, piece by piece; phonetic guides are no part of a text."""

    def __init__(self, add: Callable[[str], None]) -> None:
        self.pieces: list[str] = []
        self._add = add
        self._runs: list[str] = []
        self._size = 0
        self._open: list[str] = []

    def start(self, name: str, _: dict[str, str]) -> None:
        self._open.append(bare_name(name))
        if len(self._open) > MAX_DEPTH:
            raise InputRefused(f"{DAMAGED}: its texts are nested more than {MAX_DEPTH} deep.")
        self.pieces.clear()

    def end(self, _: str) -> None:
        name = self._open.pop()
        if name == "t" and "rPh" not in self._open:
            self._runs.append("".join(self.pieces))
        elif name == "si" and len(self._open) == 1:
            self._add(unescaped("".join(self._runs)))
            self._runs.clear()
            self._size = 0

    def bound(self) -> None:
        """Keep no text that is none of a cell's, and refuse one that never ends."""
        if not self._open or self._open[-1] != "t":
            self.pieces.clear()
        self._size += CHUNK if self._runs or self.pieces else 0
        if self._size > MAX_TEXT:
            raise InputRefused("the workbook has a text of more than 16 MiB; a cell holds 32,767 characters.")


class _Spill:
    """Texts on disk, by number."""

    def __init__(self, scratch: Callable[[], BinaryIO]) -> None:
        self._scratch = scratch
        self._file: BinaryIO | None = None
        self._ends = array("Q", [0])

    def __len__(self) -> int:
        return len(self._ends) - 1

    def append(self, text: str) -> None:
        data = text.encode()
        try:
            if self._file is None:
                self._file = self._scratch()
            self._file.seek(self._ends[-1])
            self._file.write(data)
        except OSError as error:
            raise InputRefused(f"there is no room on disk for the workbook's texts ({error.strerror}).") from None
        self._ends.append(self._ends[-1] + len(data))

    def __getitem__(self, index: int) -> str:
        if self._file is None or index < 0:
            raise IndexError
        self._file.seek(self._ends[index])
        return self._file.read(self._ends[index + 1] - self._ends[index]).decode()

    def close(self) -> None:
        if self._file is not None:
            self._file.close()
