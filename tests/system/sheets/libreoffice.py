"""Files that a real LibreOffice has opened and saved: `python -m tests.system.sheets.libreoffice` (needs `soffice`).

Each check yields what is wrong, in words; `main` runs all of them, and exits with 1 if there is anything.
"""

import csv
import json
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from io import StringIO
from pathlib import Path
from typing import Final

from jobs.columns import RESERVED
from jobs.damage.turned import turned
from jobs.formats.quoting import quoted
from tests.schemas import SCHEMA
from worker.checking import Checked, check
from worker.files import source
from worker.journal import create
from worker.reports.formats import csv_head, csv_line
from worker.settings import Input, Settings, Target

TYPE: Final = "stripe_payments"
IDS: Final = [f"ZfiCcmIvu{letter}" for letter in "abcdefgh"]
PATIENCE: Final = 180
"""Seconds for one conversion; the first makes a profile."""

SEPARATORS: Final = {"comma": "44", "semicolon": "59", "both": "44/59", "tab": "9", "all": "9/44/59"}
"""What can be ticked when a CSV is opened, as the filter's first option has it."""

CELLS: Final = [
    'x;=HYPERLINK("http://example.com")', "a\n=1+1", "a\t=1+1", 'x;"=1+1"', "a,b;c", "=1+1", "'=1+1", "+49", "-5",
    "@x", "7;-1", "plain", 'say "hi"; =2', "\t=1+1", "'007",
]  # fmt: skip
CODES: Final = [
    "007", "12345678901234567890", "1E5", "3/4", "1/2", "0.10", "true", "94001118992231974284", "00123", "A-17",
]  # fmt: skip


class Office:
    """LibreOffice without a window, with a profile of its own."""

    def __init__(self, folder: Path) -> None:
        """`folder`: of the profile, and of what is made."""
        self._folder = folder
        self._made = 0

    def convert(self, path: Path, to: str, how: str = "", separators: str = "") -> Path:
        """Return the file that LibreOffice saves after it has opened `path`.

        Args:
            path: of a CSV or a workbook.
            to: ending of the new file.
            how: filter and its options, after the ending.
            separators: of a CSV that is opened, as the filter has them.
        """
        self._made += 1
        folder = self._folder / f"made{self._made}"
        command = [
            "soffice", f"-env:UserInstallation={(self._folder / 'profile').as_uri()}", "--headless",
            *([f"--infilter=CSV:{separators},34,76"] if separators else []),
            "--convert-to", f"{to}{':' + how if how else ''}", "--outdir", str(folder), str(path),
        ]  # fmt: skip
        subprocess.run(command, check=True, capture_output=True, timeout=PATIENCE)
        return folder / f"{path.stem}.{to}"

    def saved(self, path: Path, separators: str = "44", to: str = "44") -> Path:
        """Return a CSV as it is opened and saved with these separators."""
        return self.convert(path, "csv", f"Text - txt - csv (StarCalc):{to},34,76", separators)


def no_formula(office: Office, folder: Path) -> Iterator[str]:
    """A results file is opened with each separator: no cell is a formula, and with commas it reads back."""
    path = folder / "results.csv"
    rows = [[*(["failed"] + [""] * (len(RESERVED) - 1)), key, quoted(cell)] for key, cell in _pairs(CELLS)]
    path.write_text(csv_head([*RESERVED, "id", "metadata.a"]) + "".join(map(csv_line, rows)), encoding="utf-8")
    for name, separators in SEPARATORS.items():
        formulas = _formulas(office.convert(path, "fods", separators=separators))
        yield from (f"opened with {name}: {formula} is a formula" for formula in formulas)
    for name in ("comma", "both", "all"):
        read = _rows(office.saved(path, SEPARATORS[name]), ",")[1:]
        yield from (
            f"opened with {name}: {row[-1]!r} was {cells[-1]!r}"
            for row, cells in zip(read, rows, strict=True)
            if len(row) != len(cells) or (row[-1] != cells[-1] and not cells[-1].startswith("'\t"))
        )


def failed_file_comes_back(office: Office, folder: Path) -> Iterator[str]:
    """A failed file is saved in its place: whatever LibreOffice has changed is told, with what it was."""
    run = folder / "run"
    run.mkdir()
    pairs = _pairs(CODES)
    _write(run / "input.csv", ["id", "metadata.code"], pairs)
    settings = Settings(target=Target(url="http://127.0.0.1:1", type=TYPE), input=_how(run / "input.csv", "csv"))
    facts = {"source": "-", "sha256": "", "rows": str(len(pairs)), "settings": settings.recorded()}
    create(run / "journal.sqlite3", facts)
    head = ["__status", "__row", "id", "metadata.code"]
    _write(folder / "failed.csv", head, [("failed", str(row), *pair) for row, pair in enumerate(pairs, 1)])
    for to, delimiter in (("44", ","), ("59", ";")):
        shutil.copy(office.saved(folder / "failed.csv", to=to), run / "failed.csv")
        back = [row[-1] for row in _rows(run / "failed.csv", delimiter)[1:]]
        changed = {new: old for old, new in zip(CODES, back, strict=True) if old != new}
        if not changed:
            yield "LibreOffice changed nothing: this check shows nothing"
        yield from (f"{old} became {new}, which nobody says" for new, old in changed.items() if not turned(old, new))
        count = _count(_checked(run / "failed.csv", "csv"), "changed_by_spreadsheet")
        if count != len(changed):
            yield f"saved with `{delimiter}`, {len(changed)} cells were changed, and {count} are told"


def workbook_by_libreoffice(office: Office, folder: Path) -> Iterator[str]:
    """A workbook with codes as numbers, hidden rows and merged cells, as LibreOffice writes it, is told as it is."""
    path = folder / "sheet.fods"
    path.write_text(_FLAT, encoding="utf-8")
    book = office.convert(path, "xlsx")
    found = _checked(book, "xlsx")
    expected = {"hidden_row": 2, "hidden_column": 1, "merged_cells": 2, "leading_zeros_lost": 1, "digits_lost": 1}
    for code, count in expected.items():
        if _count(found, code) != count:
            yield f"{code}: {_count(found, code)} instead of {count}"
    how = _how(book, "xlsx").model_copy(update={"visible_only": True})
    if (skipped := check(book, how, TYPE, SCHEMA).skipped["hidden"]) != 2:  # as in the file
        yield f"--visible-only skips {skipped} rows instead of 2"


_CELL: Final = '<table:table-cell office:value-type="string"><text:p>{}</text:p></table:table-cell>'
_NUMBER: Final = '<table:table-cell{} office:value-type="float" office:value="{}"/>'
_UNDER: Final = "<table:covered-table-cell/>"


def _flat_row(cells: str, more: str = "") -> str:
    return f"<table:table-row{more}>{cells}</table:table-row>"


_FILTERED: Final = ' table:visibility="filter"'
_MERGED: Final = _CELL.replace("<table:table-cell", '<table:table-cell table:number-rows-spanned="3"')
_FLAT: Final = (
    '<?xml version="1.0" encoding="UTF-8"?>\n'
    '<office:document xmlns:office="urn:oasis:names:tc:opendocument:xmlns:office:1.0"'
    ' xmlns:table="urn:oasis:names:tc:opendocument:xmlns:table:1.0"'
    ' xmlns:text="urn:oasis:names:tc:opendocument:xmlns:text:1.0"'
    ' xmlns:style="urn:oasis:names:tc:opendocument:xmlns:style:1.0"'
    ' xmlns:number="urn:oasis:names:tc:opendocument:xmlns:datastyle:1.0" office:version="1.3"'
    ' office:mimetype="application/vnd.oasis.opendocument.spreadsheet"><office:automatic-styles>'
    '<number:number-style style:name="N1"><number:number number:decimal-places="0" number:min-integer-digits="3"/>'
    '</number:number-style><style:style style:name="c1" style:family="table-cell" style:data-style-name="N1"/>'
    '</office:automatic-styles><office:body><office:spreadsheet><table:table table:name="S">'
    '<table:table-column table:number-columns-repeated="3"/><table:table-column table:visibility="collapse"/>'
    + _flat_row("".join(map(_CELL.format, ("id", "metadata.code", "metadata.batch", "metadata.hidden"))))
    + _flat_row(
        _CELL.format(IDS[0]) + _NUMBER.format(' table:style-name="c1"', "7") + _MERGED.format("B1") + _CELL.format("h")
    )
    + _flat_row(_CELL.format(IDS[1]) + _NUMBER.format("", "9.4001118992231E+21") + _UNDER)
    + _flat_row(_CELL.format(IDS[2]) + _CELL.format("A-1") + _UNDER, _FILTERED)
    + _flat_row(_CELL.format(IDS[3]) + _CELL.format("A-2") + _CELL.format("B2"), _FILTERED)
    + "</table:table></office:spreadsheet></office:body></office:document>"
)

CHECKS: Final[tuple[Callable[[Office, Path], Iterator[str]], ...]] = (
    no_formula,
    failed_file_comes_back,
    workbook_by_libreoffice,
)


def faults() -> Iterator[str]:
    """Run every check with one LibreOffice, and return what is wrong."""
    with tempfile.TemporaryDirectory() as folder:
        office = Office(Path(folder))
        for each in CHECKS:
            place = Path(folder) / each.__name__
            place.mkdir()
            yield from (f"{each.__name__}: {fault}" for fault in each(office, place))


def main() -> int:
    """Print one line of JSON for the checks; 1 when something is wrong, 2 where there is no LibreOffice."""
    if shutil.which("soffice") is None:
        sys.stderr.write("There is no soffice: install LibreOffice Calc.\n")
        return 2
    found = list(faults())
    sys.stdout.write(json.dumps({"checks": len(CHECKS), "faults": found}, ensure_ascii=False, indent=1) + "\n")
    return 1 if found else 0


def _pairs(cells: list[str]) -> list[tuple[str, str]]:
    return [(IDS[index % len(IDS)], cell) for index, cell in enumerate(cells)]


def _write(path: Path, head: list[str], rows: Sequence[tuple[str, ...]]) -> None:
    path.write_text(csv_head(head) + "".join(map(csv_line, rows)), encoding="utf-8")


def _rows(path: Path, delimiter: str) -> list[list[str]]:
    text = path.read_text(encoding="utf-8-sig")
    return list(csv.reader(StringIO(text, newline=""), delimiter=delimiter))


def _formulas(path: Path) -> list[str]:
    """Return the formulas of a flat OpenDocument sheet."""
    parts = path.read_text(encoding="utf-8").split('table:formula="')[1:]
    return [part.partition('"')[0] for part in parts]


def _how(path: Path, format_name: str) -> Input:
    given = Input.model_validate({"source": str(path), "format": format_name})
    return source.resolve_options(path, given)


def _checked(path: Path, format_name: str) -> Checked:
    return check(path, _how(path, format_name), TYPE, SCHEMA)


def _count(found: Checked, code: str) -> int:
    return sum(group.count for group in found.warnings if group.code == code)


if __name__ == "__main__":
    sys.exit(main())
