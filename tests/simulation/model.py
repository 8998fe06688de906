"""What a row does to a record: the judge's own idea of it, as short as can be."""

from collections.abc import Iterable

from jobs.model import ABSENT
from tests.simulation.evidence import Record
from tests.simulation.sheet import REFERENCE, Row
from worker.sandbox import TAG_NAMES


def outcomes(record: Record, rows: Iterable[tuple[Row, bool]], *, replaces: bool) -> list[Record]:
    """All that a record may be after rows that were applied (True) or may have been (False), in this order."""
    possible = [record]
    for row, certain in rows:
        changed = [updated(each, row, replaces=replaces) for each in possible]
        possible = changed if certain else [*possible, *(each for each in changed if each not in possible)]
    return possible


def updated(record: Record, row: Row, *, replaces: bool) -> Record:
    """The record after the row."""
    reference = row.sets.get(REFERENCE, record.reference)
    metadata = record.metadata
    if row.members:
        whole = {**({} if replaces else record.metadata), **row.members}
        metadata = {key: value for key, value in whole.items() if value is not ABSENT}
    tags = (record.tags | (set(row.add) & set(TAG_NAMES))) - set(row.remove)
    return Record(None if reference is ABSENT else reference, metadata, tags)
