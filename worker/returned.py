"""An input that comes back: its file may have changed since its run began, or it is what an earlier run reported."""

from collections.abc import Iterator
from itertools import zip_longest
from pathlib import Path
from typing import BinaryIO, Final

from jobs.model import ObjectRow, Unsendable, UpdateJob
from jobs.reading import read_objects
from worker.settings import Input
from worker.source import opened, sheet_of

_DONE: Final = frozenset({"applied", "unchanged"})


def what_changed(copy: Path, current: Path, how: Input) -> str:
    """The first difference between the run's copy of the input and the file it was made from, in words.

    Raises:
        InputRefused: the file can no longer be read at all.
    """
    row = 0
    with opened(copy) as old, opened(current) as new:
        pairs = zip_longest(_identities(old, how), _identities(new, how))
        for row, (then, now) in enumerate(pairs):  # noqa: B007  # row is the answer
            if then != now:
                break
        else:
            return "only its bytes differ (line ends, quoting or compression), not its rows"
    if row == 0 and how.format != "ndjson":
        return "its header is another one"
    place = f"row {row if how.format != 'ndjson' else row + 1}"
    if then is None:
        return f"rows were added: {place} is new"
    if now is None:
        return f"rows were removed: {place} is gone"
    return f"{place} is not what it was (edited, inserted, removed or moved)"


def overtaken(path: Path, how: Input) -> frozenset[int]:
    """Rows of a results file that is fed back whose id has a later row that an earlier run has done.

    They are not done themselves; sending them now would put the older values over the newer ones. Memory grows only
    with the rows that are not done.
    """
    waiting: dict[str, list[int]] = {}
    found: set[int] = set()
    with opened(path) as stream:
        for row, resource_id, status in _told(stream, how):
            if status in _DONE:
                found.update(waiting.pop(resource_id, ()))
            else:
                waiting.setdefault(resource_id, []).append(row)
    return frozenset(found)


def without(rows: Iterator[UpdateJob | Unsendable], overtaken_rows: frozenset[int]) -> Iterator[UpdateJob | Unsendable]:
    """The rows, those that were overtaken marked as such."""
    for row in rows:
        late = row.ref.row in overtaken_rows and isinstance(row, UpdateJob)
        yield Unsendable(row.ref, "superseded") if late else row


def _told(stream: BinaryIO, how: Input) -> Iterator[tuple[int, str, str]]:
    """Row, id and `__status` of every row of a results file; nothing for any other input."""
    if how.format == "ndjson":
        for record in read_objects(stream, encoding=how.encoding):
            if isinstance(record, ObjectRow):
                if record.ref.row == 1 and "__status" not in record.members:
                    return
                yield record.ref.row, _id_of(record), str(record.members.get("__status"))
        return
    sheet = sheet_of(stream, how)
    named = next((name for name in ("id", "reference", "reference:str") if name in sheet.header), "")
    if "__status" not in sheet.header or not named:
        return
    status, resource_id = sheet.header.index("__status"), sheet.header.index(named)
    for row in sheet:
        if len(row.cells) > max(status, resource_id):
            yield row.ref.row, row.cells[resource_id], row.cells[status]


def _id_of(record: ObjectRow) -> str:
    """The id in whichever shape the object has; one of its own for an object without any."""
    data = record.members.get("data")
    inner = data.get("id") if isinstance(data, dict) else None
    reference = record.members.get("reference") if "id" not in record.members else None
    named = f"reference {reference}" if isinstance(reference, str) else f"row {record.ref.row}"
    return str(record.members.get("id") or inner or named)


def _identities(stream: BinaryIO, how: Input) -> Iterator[object]:
    """What tells rows apart, the header of a sheet first."""
    if how.format == "ndjson":
        for record in read_objects(stream, encoding=how.encoding):
            yield record.ref.digest
        return
    sheet = sheet_of(stream, how)
    yield sheet.header
    for row in sheet:
        yield row.ref.digest
