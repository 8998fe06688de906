"""The big list of naughty strings: each as a value of metadata, by way of three formats, to a server and back."""

import csv
import json
import os
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Final

from xlsxwriter import Workbook

from jobs.model import JSON
from tests.system.corpora.finding import Finding
from tests.system.e2e.sandbox_thread import sandbox_in_thread
from worker.cli import run
from worker.sandbox import SandboxSettings, seeded_id

TYPE: Final = "stripe_payments"
HEADER: Final = ("id", "metadata.note")


def strings(*lists: Path) -> list[str]:
    """The strings of all lists, each once."""
    return list(dict.fromkeys(text for each in lists for text in json.loads(each.read_text(encoding="utf-8"))))


def findings(texts: list[str], folder: Path) -> Iterator[Finding]:
    """One for each string and format."""
    for form in ("csv", "tsv", "ndjson", "xlsx"):
        try:
            yield from _by_way_of(form, texts, folder / form)
        except Exception as error:  # noqa: BLE001  # whatever comes out is what we look for
            yield Finding(f"naughty strings, {form}", "all", repr(error), crashed=True)


def _by_way_of(form: str, texts: list[str], folder: Path) -> Iterator[Finding]:
    folder.mkdir(parents=True)
    sheet = folder / f"sheet.{form}"
    rows = [(seeded_id(TYPE, index), text) for index, text in enumerate(texts)]
    _WRITERS[form](sheet, rows)
    with sandbox_in_thread(SandboxSettings(seed=(f"{TYPE}={len(rows)}",))) as sandbox:
        os.environ["ROWPATCH_TOKEN"] = sandbox.token
        status = run(
            ["apply", str(sheet), "--type", TYPE, "--url", sandbox.url, "--run-dir", str(folder / "run"),
             "--rate", "none", "--no-progress", "--yes"]
        )  # fmt: skip
        stored = {key: each.attributes["metadata"] for key, each in sandbox.resources[TYPE].items()}
    told = _results(folder / "run", form)
    for index, (key, text) in enumerate(rows):
        name = f"#{index} {text[:30]!a}"
        deviation = _deviation(text, stored[key], told.get(key), status)
        yield Finding(f"naughty strings, {form}", name, deviation)


def _deviation(text: str, metadata: JSON, told: tuple[str, str | None] | None, status: int) -> str:
    note = metadata.get("note") if isinstance(metadata, Mapping) else None
    if told is None:
        return f"no result; exit status {status}"
    if note != text:
        return f"stored as {note!a}; {told[0]}"
    return "" if told[1] in {text, None} else f"told as {told[1]!a}"


def _results(run_directory: Path, form: str) -> dict[str, tuple[str, str | None]]:
    """Status and cell by id: as a spreadsheet shows them, without the apostrophe that guards."""
    found: dict[str, tuple[str, str | None]] = {}
    with (run_directory / "results.csv").open(encoding="utf-8-sig", newline="") as file:
        for row in csv.DictReader(file):
            cell = row.get("metadata.note")
            plain = cell[1:] if cell and cell[0] == "'" else cell
            found[row["id"]] = (f"{row['__status']} {row['__reason']}", None if form == "ndjson" else plain)
    return found


def _write_csv(sheet: Path, rows: list[tuple[str, str]]) -> None:
    with sheet.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([HEADER, *rows])


def _write_tsv(sheet: Path, rows: list[tuple[str, str]]) -> None:
    with sheet.open("w", encoding="utf-16", newline="") as file:
        csv.writer(file, delimiter="\t").writerows([HEADER, *rows])


def _write_ndjson(sheet: Path, rows: list[tuple[str, str]]) -> None:
    lines = (json.dumps(dict(zip(HEADER, row, strict=True)), ensure_ascii=False) for row in rows)
    sheet.write_text("\n".join(lines), encoding="utf-8", newline="")


def _write_xlsx(sheet: Path, rows: list[tuple[str, str]]) -> None:
    book = Workbook(sheet)
    page = book.add_worksheet("Sheet1")
    for line, row in enumerate([HEADER, *rows]):
        for column, text in enumerate(row):
            page.write_string(line, column, text)
    book.close()


_WRITERS: Final[Mapping[str, Callable[[Path, list[tuple[str, str]]], None]]] = {
    "csv": _write_csv,
    "tsv": _write_tsv,
    "ndjson": _write_ndjson,
    "xlsx": _write_xlsx,
}
