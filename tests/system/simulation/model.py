"""What a row does to a record: the judge's own idea of it, as short as can be."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from jobs.model import ABSENT
from tests.system.simulation.evidence import Record
from tests.system.simulation.sheet import REFERENCE, Row
from worker.sandbox import TAG_NAMES, canonical_text


@dataclass(frozen=True, slots=True)
class Rules:
    """What decides how a row changes a record.

    Attributes:
        replaces: `--metadata replace`.
        canonical: the server stores texts in a form of its own.
    """

    replaces: bool = False
    canonical: bool = False

    def stored(self, value: object) -> object:
        """Return the form in which a value is kept."""
        return canonical_text(value) if self.canonical and isinstance(value, str) else value

    def keeps(self, row: Row) -> bool:
        """Return whether all that the row sets can be read as it was written."""
        return all(self.stored(value) == value for value in row.sets.values())


PLAIN: Final = Rules()
"""Metadata is merged, and texts are kept as they are."""


def outcomes(record: Record, rows: Iterable[tuple[Row, bool]], rules: Rules) -> list[Record]:
    """All that a record may be after rows that were applied (True) or may have been (False), in this order."""
    possible = [record]
    for row, certain in rows:
        changed = [updated(each, row, rules) for each in possible]
        possible = changed if certain else [*possible, *(each for each in changed if each not in possible)]
    return possible


def updated(record: Record, row: Row, rules: Rules) -> Record:
    """The record after the row."""
    reference = rules.stored(row.sets[REFERENCE]) if REFERENCE in row.sets else record.reference
    metadata = record.metadata
    if row.members:
        whole = {**({} if rules.replaces else record.metadata), **row.members}
        metadata = {key: rules.stored(value) for key, value in whole.items() if value is not ABSENT}
    tags = (record.tags | (set(row.add) & set(TAG_NAMES))) - set(row.remove)
    return Record(None if reference is ABSENT else reference, metadata, tags)
