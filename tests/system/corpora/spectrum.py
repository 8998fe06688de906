"""csv-spectrum: CSV files beside the records that they hold, through the reader that `apply` uses."""

import json
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path

from jobs.formats import InputRefused, read_sheet
from tests.system.corpora.finding import Finding

CORPUS = "csv-spectrum"


def findings(folder: Path) -> Iterator[Finding]:
    """One for each file."""
    for sheet in sorted((folder / "csvs").glob("*.csv")):
        expected = (folder / "json" / f"{sheet.stem}.json").read_bytes()
        try:
            yield Finding(CORPUS, sheet.stem, _compared(sheet.read_bytes(), expected))
        except Exception as error:  # noqa: BLE001  # whatever comes out is what we look for
            yield Finding(CORPUS, sheet.stem, repr(error), crashed=True)


def _compared(text: bytes, expected: bytes) -> str:
    try:
        sheet = read_sheet(BytesIO(text))
        found = [dict(zip(sheet.header, row.cells, strict=True)) for row in sheet]
    except InputRefused as error:
        return f"refused: {error}"
    wanted = json.loads(expected)
    return "" if found == (wanted if isinstance(wanted, list) else [wanted]) else f"read as {found}"
