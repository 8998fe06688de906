"""A workbook: which sheets it has, which one is meant, and what all of them go by."""

import posixpath
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from typing import BinaryIO, Final, Self

from jobs.formats.errors import InputRefused
from jobs.formats.xlsx.formats import read_formats
from jobs.formats.xlsx.grid import Grid, Line
from jobs.formats.xlsx.markup import Attributes, elements, flag
from jobs.formats.xlsx.package import DAMAGED, MAX_PARTS, Package
from jobs.formats.xlsx.texts import SharedStrings
from jobs.formats.xlsx.values import Values
from jobs.values import valueclass

_SMALL: Final = 16 << 20
"""Bytes of the parts that only list others."""

_NAMED: Final = 20
"""Sheets that a message lists."""


@valueclass(frozen=True, slots=True)
class SheetEntry:
    """One sheet of cells, as the workbook lists it."""

    name: str
    part: str
    visible: bool


@dataclass(slots=True)
class _Found:
    """What the parts that describe a workbook say."""

    sheets: list[SheetEntry] = field(default_factory=list)
    strings: str = ""
    styles: str = ""
    since_1904: bool = False
    stale: bool = False


class Workbook:
    """A workbook that is open for reading; its sheets can be read one at a time.

    Attributes:
        sheets: those of cells, in the order of their tabs; charts and macros are none.
    """

    def __init__(self, stream: BinaryIO, scratch: Callable[[], BinaryIO]) -> None:
        """Read what describes the workbook, but no sheet.

        Args:
            stream: seekable; neither closed nor left where it was.
            scratch: makes an empty file for texts that do not fit into memory.

        Raises:
            InputRefused: it is no workbook, or one that breaks the rules of its format.
        """
        self._package = Package(stream)
        self._scratch = scratch
        self._found = _described(self._package)
        self._formats = read_formats(self._package, self._found.styles)
        self.sheets = self._found.sheets

    @contextmanager
    def lines(self, entry: SheetEntry) -> Iterator[tuple[Grid, Iterator[Line]]]:
        """Open one sheet: return its rows, and the grid that reads them.

        Raises:
            InputRefused: see `Grid.lines`.
        """
        found = self._found
        with (
            closing(SharedStrings(self._package, found.strings, self._scratch)) as strings,
            self._package.part(entry.part) as part,
        ):
            values = Values(strings, self._formats, since_1904=found.since_1904, stale=found.stale)
            grid = Grid(entry.name, values)
            yield grid, grid.lines(part)

    def chosen(self, name: str) -> SheetEntry:
        """Find the sheet that is meant.

        Args:
            name: as the user said it; empty for the only visible sheet that is not empty.

        Raises:
            InputRefused: there is no such sheet, or more than one that could be meant; it lists them.
        """
        if name:
            return self._named(name)
        visible = [entry for entry in self.sheets if entry.visible]
        filled = [entry for entry in visible if self._is_filled(entry)] if len(visible) > 1 else visible
        if len(filled) == 1:
            return filled[0]
        if len(filled) > 1:
            raise InputRefused(f"the workbook has {len(filled)} sheets with cells: say which one, {_flags(filled)}")
        hidden = [entry for entry in self.sheets if not entry.visible]
        if visible or not hidden:
            raise InputRefused("the workbook is empty: no sheet that can be seen has cells.")
        raise InputRefused(f"all sheets of the workbook are hidden: if one of them is meant, say {_flags(hidden)}")

    def _named(self, name: str) -> SheetEntry:
        for same in (str, str.casefold):  # case does not matter to spreadsheets, but the very name comes first
            for entry in self.sheets:
                if same(entry.name) == same(name):
                    return entry
        raise InputRefused(f"the workbook has no sheet `{name}`; it has {_flags(self.sheets)}")

    def _is_filled(self, entry: SheetEntry) -> bool:
        with self.lines(entry) as (_, lines):
            return next(lines, None) is not None


def _flags(entries: Iterable[SheetEntry]) -> str:
    names = [entry.name for entry in entries]
    listed = ", ".join(f"--sheet '{name}'" for name in names[:_NAMED])
    return f"{listed} and {len(names) - _NAMED} more" if len(names) > _NAMED else listed


@valueclass(frozen=True, slots=True)
class _Relationship:
    """What one part says of another. `kind` is the last part of its type's name."""

    kind: str
    target: str

    @classmethod
    def of(cls, attributes: Attributes, base: str) -> Self:
        target = attributes.get("Target", "").replace("\\", "/")
        path = posixpath.normpath(posixpath.join("/", base, target)).lstrip("/")
        return cls(attributes.get("Type", "").rpartition("/")[2], path)


def _described(package: Package) -> _Found:
    main = [each.target for each in _relationships(package, "").values() if each.kind == "officeDocument"]
    if len(main) != 1:
        raise InputRefused("this is a zip file, but no workbook. If a sheet is in it, unpack it and apply that.")
    related = _relationships(package, main[0])
    found = _Found()
    for each in related.values():
        if each.kind == "sharedStrings":
            found.strings = each.target
        elif each.kind == "styles":
            found.styles = each.target
    _read_workbook(package, main[0], related, found)
    return found


def _read_workbook(package: Package, name: str, related: dict[str, _Relationship], found: _Found) -> None:
    with package.part(name, _SMALL) as part:
        for element in elements(part):
            attributes = element.attributes
            if not element.parent and element.name != "workbook":
                raise InputRefused("this is an office document, but no workbook: save the sheet as .xlsx or CSV.")
            if element.name == "workbookPr":
                found.since_1904 = flag(attributes, "date1904")
            elif element.name == "calcPr":
                found.stale = flag(attributes, "fullCalcOnLoad")
            elif element.name == "sheet" and element.parent == "sheets":
                _list_sheet(attributes, related, found)


def _list_sheet(attributes: Attributes, related: dict[str, _Relationship], found: _Found) -> None:
    number = next((value for key, value in attributes.items() if key.endswith(" id")), "")
    target = related.get(number)
    if target is None or "name" not in attributes:
        raise InputRefused(f"{DAMAGED}: it lists a sheet that it does not have.")
    if target.kind == "worksheet":
        visible = attributes.get("state", "visible") == "visible"
        found.sheets.append(SheetEntry(attributes["name"], target.target, visible))
    if len(found.sheets) > MAX_PARTS:
        raise InputRefused(f"the workbook lists more than {MAX_PARTS:,} sheets.")


def _relationships(package: Package, name: str) -> dict[str, _Relationship]:
    """Return what the part of that name refers to, by id; the package itself has an empty name."""
    folder, file = posixpath.split(name)
    found: dict[str, _Relationship] = {}
    with package.part(posixpath.join(folder, "_rels", f"{file}.rels"), _SMALL) as part:
        for element in elements(part):
            attributes = element.attributes
            if element.name == "Relationship" and attributes.get("TargetMode") != "External":
                found[attributes.get("Id", "")] = _Relationship.of(attributes, folder)
            if len(found) > MAX_PARTS:
                raise InputRefused(f"the workbook's parts refer to more than {MAX_PARTS:,} others.")
    return found
