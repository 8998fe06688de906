# ruff: noqa: INP001  # a script beside its sheets, not part of a package
"""Make the sheets of this example; the committed ones are exactly what this writes.

The ids are those of the records that `rowpatch sandbox` begins with, so that the sheets fit it as they are.
"""

import csv
import io
import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, Final

from worker.sandbox import seeded_id

ROWS: Final = 1000
"""Rows of either sheet, and records of either type that the sandbox begins with."""

HERE: Final = Path(__file__).parent

_NOTES: Final = (
    "Müller & Söhne, Köln",
    'ring twice, ask for "Zoë"',
    "",
    "c/o Ångström, 2nd floor; no lift",
    "  two spaces before and after  ",
    "1E5",
    "first line\nsecond line",
    "C:\\orders\\new",
)
"""Notes as people type them: commas, quotes, umlauts, and text that a spreadsheet would take for something else."""

_CHANNELS: Final = ("web", "app", "store")


def payments() -> str:
    """Make `payments.csv`: one stripe payment a row, tagged for accounting."""
    header = ["id", "reference", "metadata.batch", "metadata.cost_centre", "metadata.note", "metadata.reviewed:bool"]
    return _csv(header, (_payment(index) for index in range(ROWS)))


def transactions() -> str:
    """Make `transactions.ndjson`: one transaction a line, with the metadata as an object."""
    return "".join(json.dumps(_transaction(index), ensure_ascii=False) + "\n" for index in range(ROWS))


def mistakes() -> str:
    """Make `mistakes.csv`: one good row, and one for each common mistake."""
    good, other, last = (seeded_id("stripe_payments", index) for index in range(3))
    rows = [
        [good, "inv-2026-0001", "7"],
        ["NoSuchIdAB", "inv-2026-0002", "7"],
        [other, "inv-2026-0003", "seven"],
        ["", "inv-2026-0004", "7"],
        ["# a comment: this row is left out", "", ""],
        [last, "", ""],
    ]
    return _csv(["id", "reference", "metadata.boxes:int"], rows)


def sheets() -> dict[str, str]:
    """Return the content of every sheet by file name."""
    return {"payments.csv": payments(), "transactions.ndjson": transactions(), "mistakes.csv": mistakes()}


def _payment(index: int) -> list[str]:
    return [
        seeded_id("stripe_payments", index),
        f"inv-2026-{index + 1:04}",
        f"2026-Q{index % 4 + 1}",
        f"{index % 20:03}",
        _NOTES[index % len(_NOTES)],
        "true" if index % 3 else "false",
    ]


def _transaction(index: int) -> dict[str, Any]:
    return {
        "id": seeded_id("transactions", index),
        "type": "transactions",
        "reference": f"txn-2026-{index + 1:04}",
        "metadata": {
            "channel": _CHANNELS[index % len(_CHANNELS)],
            "ledger": f"{index % 50:04}",
            "fee_cents": 29 + index % 7,
            "note": _NOTES[index % len(_NOTES)],
        },
    }


def _csv(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    buffer = io.StringIO(newline="")
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow(header)
    writer.writerows(rows)
    return buffer.getvalue()


if __name__ == "__main__":
    for name, text in sheets().items():
        (HERE / name).write_text(text, encoding="utf-8", newline="")
