"""Bytes to physical lines: strict decoding, exact line ends, bounded memory.

Own code instead of `io.TextIOWrapper` because that one closes the stream it was lent, cannot say at which byte of the
input decoding failed, and cannot skip the rest of an endless line.
"""

import codecs
from collections.abc import Iterator
from io import IncrementalNewlineDecoder, StringIO
from itertools import islice
from typing import BinaryIO, Final, Literal

from jobs.formats.encodings import advice, certain
from jobs.formats.errors import InputRefused

MAX_RECORD: Final = 16 * 1024 * 1024
"""Longest record that is taken, in characters of the decoded text (16 MiB of ASCII)."""

Newlines = Literal["", "\n"]
"""What ends a line, as in `io.StringIO`: LF, CR or CRLF when empty, else LF alone."""

_CHUNK: Final = 64 * 1024

_BLANK_PIECES: Final = 64
"""Pieces of nothing but white space that are looked through for the beginning of a text."""

_END_OF_FILE: Final = "\x1a"
"""Ctrl-Z, which old programs put behind the last line: no part of it."""

_FOREIGN: Final = {
    b"PK\x03\x04": "a workbook (.xlsx) or another zip file; if it is a workbook, say --format xlsx",
    b"\xd0\xcf\x11\xe0": "an old workbook (.xls); save it as CSV or as an Excel workbook (.xlsx)",
    b"\x1f\x8b": "compressed with gzip twice; unpack it once",
    b"%PDF": "a PDF; export the table in it as CSV",
}
"""What no text begins with."""

_NOT_OF_FILES: Final = frozenset({"utf-7", "unicode-escape", "raw-unicode-escape", "punycode", "idna", "undefined"})
"""Python codecs that can make half characters of text, or are made for something other than files."""


def physical_lines(stream: BinaryIO, encoding: str, newlines: Newlines) -> Iterator[str]:
    r"""Yield the lines of `stream` with their line ends, exactly as they are in the input.

    A line longer than `MAX_RECORD` is cut somewhere beyond that length: the caller sees the length and decides.
    Nothing in memory grows with the input. A byte order mark at the start is not part of the first line, nor is a
    Ctrl-Z at the end of the last one.

    Args:
        stream: read from where it stands; neither closed nor sought.
        encoding: name of a codec; empty for the one that the first bytes leave no doubt about (a byte order mark, or
            UTF-16 without one), else strict UTF-8. Never guessed.
        newlines: what ends a line.

    Raises:
        InputRefused: unknown encoding, or bytes that are not text in it.
    """
    return lines_of(Decoded(stream, encoding), newlines)


def lines_of(decoded: "Decoded", newlines: Newlines) -> Iterator[str]:
    """Yield the lines of a text: see `physical_lines`."""
    begun: list[str] = []
    room = MAX_RECORD
    whole = 0
    for text in decoded:
        lines = StringIO(text, newline=newlines).readlines()
        unfinished = "" if lines[-1].endswith(("\n", "\r") if newlines == "" else "\n") else lines.pop()
        if lines and begun:
            lines[0] = "".join(begun) + lines[0]
            begun.clear()
            room = MAX_RECORD
        yield from lines
        whole += len(lines)
        if unfinished and room >= 0:
            begun.append(unfinished)
            room -= len(unfinished)
    if decoded.fault:
        raise decoded.refused(whole + 1)
    if rest := "".join(begun).rstrip(_END_OF_FILE):
        yield rest


class Decoded:
    """The text of a stream in non-empty pieces, which never end between CR and LF.

    Attributes:
        fault: after the last piece: why the bytes that follow it are not text, or empty. `advised`: what to do then.
    """

    def __init__(self, stream: BinaryIO, encoding: str) -> None:
        """Read the first bytes; see `physical_lines`."""
        self.fault = self.advised = ""
        self._back: list[str] = []
        self._rest = self._whole()
        self._stream = stream
        self._read = 0
        self._first = _start(stream)
        for magic, what in _FOREIGN.items():
            if self._first.startswith(magic):
                raise InputRefused(f"this is no text, but {what}.")
        self._encoding = _codec(encoding) if encoding else certain(self._first)
        if self._encoding in {"utf-16", "utf-32"} and certain(self._first) != self._encoding:
            raise InputRefused(
                f"--encoding {encoding}: no byte order mark says which half comes first; "
                f"say {self._encoding}-le (Windows) or {self._encoding}-be"
            )
        self._decoder = codecs.getincrementaldecoder(self._encoding)("strict")

    def __iter__(self) -> Iterator[str]:
        while self._back:
            yield self._back.pop(0)
        yield from self._rest

    def start(self) -> str:
        """Return the first pieces, up to one that is not blank; they are still to come."""
        for piece in islice(self._rest, _BLANK_PIECES):
            self._back.append(piece)
            if not piece.isspace():
                break
        return "".join(self._back)

    def _whole(self) -> Iterator[str]:
        whole_ends = IncrementalNewlineDecoder(None, translate=False)
        start = True
        for piece in self._pieces():
            text = whole_ends.decode(piece.removeprefix("\ufeff") if start else piece)
            start = start and not piece
            if text:
                yield text
        if rest := whole_ends.decode("", final=True):
            yield rest

    def _pieces(self) -> Iterator[str]:
        data = self._first
        while not self.fault:
            self._read += len(data)
            try:
                yield self._decoder.decode(data, final=not data)
            except UnicodeDecodeError as error:
                unread = len(error.object) - error.start
                self.fault = f"the byte at offset {self._read - unread} (counted from 0) is not {self._encoding} text."
                self.advised = advice(error.object, error.start, self._encoding)
                # What stands before the bad byte is good: the rows in it are read, and the line number is right.
                yield self._decoder.decode(data[: max(0, len(data) - unread)])
            if not data:
                return
            data = self._stream.read(_CHUNK)

    def refused(self, line: int) -> InputRefused:
        """Return the refusal of a text with a fault on that line; the advice shows what stands there."""
        outline = f"{self.fault} Say which encoding the file has"
        return InputRefused(f"{self.fault} {self.advised}", line=line, outline=outline)


def _start(stream: BinaryIO) -> bytes:
    """Read the first bytes, enough to hold a mark, however few at a time the stream gives."""
    start = b""
    while len(start) < len(codecs.BOM_UTF32_LE) and (data := stream.read(_CHUNK)):
        start += data
    return start


def _codec(name: str) -> str:
    try:
        found = codecs.lookup(name).name
        b" ".decode(name, "ignore")  # a LookupError for codecs that do not make text, such as `hex`
    except (LookupError, ValueError):
        found = ""
    if not found or found in _NOT_OF_FILES:
        raise InputRefused(f"--encoding {name}: no such text encoding; try utf-8, cp1252, latin-1 or utf-16")
    return found
