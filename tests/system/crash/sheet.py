"""The sheet of a crash run: every row sets a value of its own, so that the server's ledger tells rows apart."""

import csv
import io
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from random import Random
from typing import Any, Final

from worker.sandbox import seeded_id

TYPE: Final = "stripe_payments"

REPEATED: Final = 0.15
"""Share of rows whose id an earlier row has already."""

BROKEN: Final = 0.02
"""Share of rows that cannot be sent."""

FAULTS: Final = "0.03"
"""Share of requests that meet a fault, where the server is a bad one."""

LATE: Final = 0.4
"""Seconds until a strange server has let every change take effect."""

STRANGE: Final = (
    "--lands-late", f"{LATE}s", "--reads-lag", "0.3s", "--index-lag", "0.5s", "--page-cap", "10",
    "--odd-replies", "0.05",
)  # fmt: skip
"""What a strange server is like."""

_BROKEN_IDS: Final = ("", "two ids", "a,b", "..")

_KEYS: Final = 3
"""Metadata keys that the rows of a merging sheet share between them."""


class Style(StrEnum):
    """What kind of run it is."""

    PLAIN = "read first"
    BLIND = "blind"
    NDJSON = "NDJSON"
    MERGE = "metadata merged"
    ABSTRACT = "abstract type"


@dataclass(frozen=True, slots=True)
class Variant:
    """A kind of run, against a good server, a `faulty` or a `strange` one."""

    style: Style = Style.PLAIN
    faulty: bool = False
    strange: bool = False

    @property
    def type(self) -> str:
        """The resource type that the rows name."""
        return "transactions" if self.style is Style.ABSTRACT else TYPE

    @property
    def server_flags(self) -> list[str]:
        """What the sandbox is to be like."""
        abstract = ["--abstract-transactions"] if self.style is Style.ABSTRACT else []
        return [*abstract, *(["--faults", FAULTS] if self.faulty else []), *(STRANGE if self.strange else ())]

    @property
    def flags(self) -> list[str]:
        """What `apply` is told besides."""
        blind = ["--blind"] if self.style is Style.BLIND else []
        return [*blind, *(["--canary", "0"] if self.strange else [])]  # one that is read too early has no open intent

    def __str__(self) -> str:
        return f"{self.style}{', faulty server' if self.faulty else ''}{', strange server' if self.strange else ''}"


@dataclass(frozen=True, slots=True)
class Sheet:
    """Rows by their number, which begins with 1.

    Attributes:
        ids: the cell under `id`; that of a broken row is no id.
        records: how many records the server needs.
    """

    ids: Mapping[int, str]
    records: int
    variant: Variant = field(default_factory=Variant)

    @property
    def rows(self) -> list[tuple[str, str]]:
        """The cells of every row, in order."""
        return [(key, value_of(row)) for row, key in self.ids.items()]

    @property
    def name(self) -> str:
        """Name of the file."""
        return "sheet.ndjson" if self.variant.style is Style.NDJSON else "sheet.csv"

    def text(self) -> str:
        """Content of the file."""
        if self.variant.style is Style.NDJSON:
            return "".join(f"{json.dumps({'id': key, 'reference': value})}\n" for key, value in self.rows)
        if self.variant.style is not Style.MERGE:
            return as_csv([("id", "reference"), *self.rows])
        header = ["id", "reference", *(f"metadata.key{number}" for number in range(_KEYS))]
        cells = ([key, value_of(row), *_spread(row)] for row, key in self.ids.items())
        return as_csv([header, *cells])

    def sendable(self, row: int) -> bool:
        """Whether the row is to be sent."""
        return self.ids[row] not in _BROKEN_IDS

    @property
    def final(self) -> dict[str, str]:
        """What the server must hold at the end, by id: the last row of an id wins."""
        return {key: value_of(row) for row, key in self.ids.items() if self.sendable(row)}

    @property
    def final_metadata(self) -> dict[str, dict[str, str]]:
        """The metadata keys that the server must hold at the end, by id; none unless they are merged."""
        found: dict[str, dict[str, str]] = {}
        for row, key in self.ids.items():
            if self.variant.style is Style.MERGE and self.sendable(row):
                found.setdefault(key, {})[f"key{row % _KEYS}"] = value_of(row)
        return found


def value_of(row: int) -> str:
    """The value that only this row sets."""
    return f"row {row}"


def row_of(value: str) -> int:
    """The row that sets `value`."""
    return int(value.removeprefix("row "))


def make(rows: int, dice: Random, variant: Variant | None = None) -> Sheet:
    """A sheet with fresh ids, ids of earlier rows (right before and far back), and broken rows."""
    kind = variant or Variant()
    ids: dict[int, str] = {}
    used: list[str] = []
    for row in range(1, rows + 1):
        if dice.random() < BROKEN:
            ids[row] = dice.choice(_BROKEN_IDS)
        elif used and dice.random() < REPEATED:
            ids[row] = used[-1] if dice.random() < 0.5 else dice.choice(used)
        else:
            used.append(seeded_id(kind.type, len(used)))
            ids[row] = used[-1]
    return Sheet(ids, len(used), kind)


def _spread(row: int) -> list[str]:
    """The row's value under the one key that it sets; the others are left alone."""
    return [value_of(row) if number == row % _KEYS else "" for number in range(_KEYS)]


def as_csv(rows: Iterable[Sequence[Any]]) -> str:
    """Rows as a CSV file, the header among them."""
    text = io.StringIO(newline="")
    csv.writer(text).writerows(rows)
    return text.getvalue()
