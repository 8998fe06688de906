"""The zip file that a workbook is: its parts by name, none of which can grow beyond bounds.

Nothing is unpacked to disk, so the paths of parts are nothing but names.
"""

import struct
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO, BinaryIO, Final

from jobs.formats.errors import InputRefused

MAX_PARTS: Final = 10_000
"""Most members of the zip file; a workbook has tens, one with thousands of pictures has thousands."""

_LONGEST_READ: Final = 4 << 20
"""Bytes that are read at once at most. The list of all members is read at once, however long it claims to be."""

MAX_PART: Final = 8 << 30
"""Bytes of one part, unpacked: far more than the largest sheet has."""

HARMLESS: Final = 1 << 30
"""Bytes of one part, unpacked, up to which nobody minds how well it was compressed: it is read as a stream."""

RATIO: Final = 200
"""Times its size to which a larger part may unpack; real sheets reach 10 to 50."""

_ZIP: Final = b"PK\x03\x04"
_OLE: Final = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_GZIP: Final = b"\x1f\x8b"
_ENCRYPTED: Final = 0x1

_SAVE: Final = "Open it in a spreadsheet program and save it as an Excel workbook (.xlsx)"
DAMAGED: Final = f"the workbook is damaged. {_SAVE} again"
"""What is said of a workbook that breaks the rules of its own format."""

_FAULTS: Final = (
    zipfile.BadZipFile, zlib.error, struct.error,
    EOFError, NotImplementedError, RuntimeError, ValueError, OverflowError,
)  # fmt: skip
"""What `zipfile` raises of bytes that are none, or none that it reads."""


class Package:
    """The parts of a workbook's zip file. Names are compared without regard to case, as the format's rules say."""

    def __init__(self, stream: BinaryIO) -> None:
        """Read the list of parts.

        Args:
            stream: seekable; read from its start, and not closed.

        Raises:
            InputRefused: the stream is no zip file, or one that claims too much.
        """
        stream.seek(0)
        _refuse_foreign(stream)
        with _understood():
            self._zip = zipfile.ZipFile(_Bounded(stream))
        self._members = _by_name(self._zip.infolist())
        _refuse_other_documents(self._members)

    @contextmanager
    def part(self, name: str, limit: int = MAX_PART) -> Iterator["Part"]:
        """Open one part, unpacked as it is read.

        Args:
            name: of the part, without a leading slash.
            limit: bytes, unpacked, that it may have.

        Raises:
            InputRefused: there is no such part, or it is too large.
        """
        member = self._members.get(name.lower())
        if member is None:
            raise InputRefused(f"{DAMAGED}: it has no part `{name[:100]}`.")
        _refuse_bomb(member, limit)
        with _understood():
            stream = self._zip.open(member)
        with stream:
            yield Part(name, stream)


class Part:
    """The bytes of one part, unpacked as they are read.

    Attributes:
        name: as the workbook calls it.
    """

    def __init__(self, name: str, stream: IO[bytes]) -> None:
        self.name = name
        self._stream = stream

    def read(self, size: int) -> bytes:
        """Return the next bytes, none at the end.

        Raises:
            InputRefused: they are damaged, or more or less than the workbook says.
        """
        with _understood():
            return self._stream.read(size)


class _Bounded:
    """A stream that refuses to read much at once."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self.tell = stream.tell
        self.seekable = stream.seekable

    def seek(self, offset: int, whence: int = 0) -> int:
        if whence == 0 and offset < 0:  # a file calls this an error of the system
            raise zipfile.BadZipFile("a part begins before the file")
        return self._stream.seek(offset, whence)

    def read(self, size: int = -1) -> bytes:
        data = self._stream.read(min(size, _LONGEST_READ + 1) if size >= 0 else _LONGEST_READ + 1)
        if len(data) > _LONGEST_READ:
            raise InputRefused("the workbook's list of parts is longer than 4 MiB: no workbook has that many.")
        return data


@contextmanager
def _understood() -> Iterator[None]:
    try:
        yield
    except _FAULTS as error:
        raise InputRefused(f"{DAMAGED}: its zip data cannot be read ({error}).") from None


def _refuse_foreign(stream: BinaryIO) -> None:
    start = stream.read(len(_OLE))
    if start.startswith(_ZIP):
        return
    if start == _OLE:
        raise InputRefused(_what_ole_is(stream))
    if start.startswith(_GZIP):
        raise InputRefused("the workbook is compressed once more, with gzip: an .xlsx is small already. Unpack it.")
    if not start:
        raise InputRefused("the input is empty: this is no XLSX workbook.")
    raise InputRefused(
        "this is no XLSX workbook, whatever its name says: it does not begin as one. If it is text, say --format csv."
    )


def _what_ole_is(stream: BinaryIO) -> str:
    """Tell an encrypted workbook from an old one, which begins alike, by the directory of the container."""
    stream.seek(0)
    head = stream.read(512)
    if len(head) == 512:  # its length, by MS-CFB 2.2
        shift, first = struct.unpack_from("<H", head, 30)[0], struct.unpack_from("<I", head, 48)[0]
        stream.seek((first + 1) << min(shift, 12))
        if "EncryptedPackage".encode("utf-16-le") in stream.read(1 << 16):
            return f"the workbook has a password. {_SAVE} without one."
    return f"this is an old workbook (.xls). {_SAVE}."


def _by_name(members: list[zipfile.ZipInfo]) -> dict[str, zipfile.ZipInfo]:
    if len(members) > MAX_PARTS:
        raise InputRefused(f"the workbook has {len(members):,} parts; {MAX_PARTS:,} are taken at most.")
    found: dict[str, zipfile.ZipInfo] = {}
    for member in members:
        name = member.filename.replace("\\", "/").lower().lstrip("/")
        if name in found:
            raise InputRefused(f"{DAMAGED}: two parts are called `{member.filename[:100]}`.")
        found[name] = member
    return found


def _refuse_other_documents(members: dict[str, zipfile.ZipInfo]) -> None:
    if "content.xml" in members and "mimetype" in members:
        raise InputRefused(f"this is an OpenDocument spreadsheet (.ods). {_SAVE}.")
    if "xl/workbook.bin" in members:
        raise InputRefused(f"this is a binary workbook (.xlsb). {_SAVE}.")
    if "_rels/.rels" not in members:
        raise InputRefused("this is a zip file, but no workbook. If a sheet is in it, unpack it and apply that.")


def _refuse_bomb(member: zipfile.ZipInfo, limit: int) -> None:
    what = f"part `{member.filename[:100]}` of the workbook"
    if member.flag_bits & _ENCRYPTED:
        raise InputRefused(f"the workbook has a password. {_SAVE} without one.")
    if member.compress_type not in {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED}:
        raise InputRefused(f"{what} is compressed in a way that no spreadsheet program uses. {_SAVE} again.")
    if member.file_size > limit:
        raise InputRefused(f"{what} unpacks to {member.file_size:,} bytes; {limit:,} are taken at most.")
    if member.file_size > max(HARMLESS, RATIO * member.compress_size):
        raise InputRefused(
            f"{what} unpacks to {member.file_size:,} bytes, more than {RATIO} times its size: no sheet is like that."
        )
