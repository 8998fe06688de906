"""What an input format is: a value that says how bytes become records, and which options mean something to it.

To add one, write a module in this folder and a line in `FORMATS` (`jobs/formats/__init__.py`). Nothing else knows a
format by its name.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from io import BytesIO
from typing import BinaryIO, Protocol, TypeAlias

from jobs.formats.headings import COMMON_KEYS, Keys
from jobs.model import ObjectRow, SheetRow, Unsendable
from jobs.values import valueclass

Opened: TypeAlias = Callable[[], AbstractContextManager[BinaryIO]]
"""Opens the input anew, from its beginning, each time."""


@valueclass(frozen=True, slots=True)
class Options:
    """How the user wants an input to be read. Empty and 0 leave it to the input.

    Attributes:
        encoding: name of a codec.
        delimiter: the one character between cells.
        sheet: name of a sheet in a workbook.
        header_row: 1-based line, or row of a workbook, that names the columns.
        visible_only: leave out what a workbook hides.
        keys: columns that say what a row is about.
        scratch: makes an empty file for what does not fit into memory.
    """

    encoding: str = ""
    delimiter: str = ""
    sheet: str = ""
    header_row: int = 0
    visible_only: bool = False
    keys: Keys = COMMON_KEYS
    scratch: Callable[[], BinaryIO] = BytesIO


class Table(Protocol):
    """A sheet whose header has been read and whose rows have not. Iterate it once.

    Attributes:
        header: names of the columns as written, all of them different, none empty.
        line: on which the header begins.
    """

    header: list[str]
    line: int

    def __iter__(self) -> Iterator[SheetRow]:
        """Read on, in constant memory. Raise `InputRefused` where the input breaks."""


def nothing_said(_opened: Opened, _options: Options) -> Mapping[str, str]:
    """Return no option: most inputs say nothing of how they are to be read."""
    return {}


@dataclass(frozen=True, slots=True, kw_only=True)
class SheetFormat:
    """A format whose rows are cells under a header. All its functions raise `InputRefused`, and close no stream.

    Attributes:
        name: as `--format` has it, and what a run's copy of the input ends with.
        suffixes: ends of file names, in lower case, each with its dot.
        takes: names of the `Options` that mean something to it; a flag for another one is refused.
        read: reads the header, and gets ready to iterate the rows.
        first_rows: yields the first rows with their lines, to find out where the header is if it is not on top.
        resolve: returns the options that the user left open and the input decides, by their names. The journal keeps
            them.
        seeks: whether `resolve` reads back and forth; it gets the file as it is then, never one that is unpacked.
        in_workbook: whether a spreadsheet numbers the rows and letters the columns: a place is `Sheet1!C118` then, and
            `line 118, column 3` otherwise.
    """

    name: str
    suffixes: tuple[str, ...]
    takes: frozenset[str]
    read: Callable[[BinaryIO, Options], Table]
    first_rows: Callable[[BinaryIO, Options], Iterator[tuple[int, Sequence[str]]]]
    resolve: Callable[[Opened, Options], Mapping[str, str]] = nothing_said
    seeks: bool = False
    in_workbook: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ObjectFormat:
    """A format whose rows are objects, each with its own names. Places in it are lines.

    Attributes:
        name: as `--format` has it, and what a run's copy of the input ends with.
        suffixes: ends of file names, in lower case, each with its dot.
        takes: names of the `Options` that mean something to it; a flag for another one is refused.
        read: yields the records, in constant memory. Raises `InputRefused`, and does not close the stream.
    """

    name: str
    suffixes: tuple[str, ...]
    takes: frozenset[str]
    read: Callable[[BinaryIO, Options], Iterator[ObjectRow | Unsendable]]


Format: TypeAlias = SheetFormat | ObjectFormat
