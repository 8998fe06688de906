"""Two input formats that nobody needs, each as it would lie in `jobs/formats/`: one of sheets, one of objects."""

from collections.abc import Iterator, Sequence
from hashlib import blake2b
from typing import BinaryIO, Final

from jobs.formats.errors import InputRefused
from jobs.formats.format import ObjectFormat, Options, SheetFormat
from jobs.model import ObjectRow, RowRef, SheetRow, Unsendable


class _Columns:
    """Text in columns of twelve characters."""

    def __init__(self, stream: BinaryIO, options: Options) -> None:
        self.line = options.header_row or 1
        self._lines = enumerate(stream, 1)
        above = next((cells for line, cells in _cells(self._lines) if line == self.line), [])
        if not (header := [name for name in above if name]):
            raise InputRefused("there is no header")
        self.header: list[str] = header

    def __iter__(self) -> Iterator[SheetRow]:
        for row, (line, cells) in enumerate(_cells(self._lines), 1):
            digest = blake2b("\0".join(cells).encode(), digest_size=8).digest()
            yield SheetRow(RowRef(row, line, digest), cells)


def _cells(lines: Iterator[tuple[int, bytes]]) -> Iterator[tuple[int, list[str]]]:
    for line, data in lines:
        text = data.decode().rstrip("\n")
        yield line, [text[at : at + 12].strip() for at in range(0, len(text), 12)]


def _first_rows(stream: BinaryIO, _options: Options) -> Iterator[tuple[int, Sequence[str]]]:
    return _cells(enumerate(stream, 1))


COLUMNS: Final = SheetFormat(
    name="columns",
    suffixes=(".columns",),
    takes=frozenset({"header_row"}),
    read=_Columns,
    first_rows=_first_rows,
)


def _pairs(stream: BinaryIO, options: Options) -> Iterator[ObjectRow | Unsendable]:
    """Yield an object a line: `id=abc;reference=7`."""
    for row, data in enumerate(stream, 1):
        ref = RowRef(row, row, blake2b(data, digest_size=8).digest())
        pairs = [pair.partition("=") for pair in data.decode(options.encoding or "utf-8").rstrip("\n").split(";")]
        if all(equals for _, equals, _ in pairs):
            yield ObjectRow(ref, {name: value for name, _, value in pairs})
        else:
            yield Unsendable(ref, "bad_shape", f"line {row}, a pair has no `=`")


PAIRS: Final = ObjectFormat(name="pairs", suffixes=(".pairs",), takes=frozenset({"encoding"}), read=_pairs)
