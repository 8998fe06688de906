"""Records whose row is gone: listed beside the night, and cleared by a run of their own where the recipe says so.

That run has an input which is made from the memory. Its rows are decided like those of a night, field by field, and are
never among the rows that the night counts.
"""

from collections.abc import Iterable, Iterator, Mapping
from functools import partial
from pathlib import Path
from tempfile import TemporaryFile
from typing import BinaryIO, Final

from jobs.agreement.model import Agreed, Clearing
from jobs.apis.schema import Schema
from jobs.changes.overtaking import touched
from jobs.changes.restoring_cells import Unwritable, cell_of, named
from jobs.formats.quoting import quoted
from jobs.model import ABSENT, JSON, UNREAD, Status, UpdateJob
from jobs.model import Path as Field
from worker.files import source
from worker.files.atomic import replacing
from worker.journal import History
from worker.operations.nights.deciding import Deciding
from worker.operations.runs import Nightly
from worker.policy.nights import Night, decide_night
from worker.reconcile import Memory
from worker.reports.formats import csv_head, csv_text, json_lines
from worker.settings import Settings

LIST: Final = "gone.csv"
"""Name of the file, in the directory of a night, that lists the records whose row is gone."""

_HEADER: Final = ("type", "id", "key", "since")


def write_list(directory: Path, memory: Memory, target: int) -> None:
    """Write down the records that no row names any more, and the night since which that is so.

    Raises:
        OSError: the file cannot be written.
    """
    runs = {night.serial: night.run for night in memory.nights.all()}
    with replacing(directory, (LIST,)) as (file,):
        file.write(csv_head(_HEADER))
        for type_name, record_id, key, since in memory.gone_records(target):
            file.write(csv_text([[quoted(type_name), quoted(record_id), quoted(key), runs.get(since, "")]]))


def directory_of(night: Path) -> Path:
    """Return the directory of the run that clears what is gone since a night: beside that of the night."""
    first = night.with_name(f"{night.name}-gone")
    names = (first, *(first.with_name(f"{first.name}-{number}") for number in range(2, 1000)))
    return next(path for path in names if not path.exists())


def settings_of(settings: Settings, label: str, schema: Schema) -> Settings:
    """Return the settings of that run, by those of the night."""
    how = source.made(label, settings, schema)
    return settings.model_copy(update={"input": how, "target": settings.target.model_copy(update={"type": ""})})


def spooled(deciding: Deciding, records: Iterable[tuple[str, str]], kind: str) -> tuple[BinaryIO, int]:
    """Return the input of that run, a file without a name at its beginning, and the number of its rows."""
    text, rows = TemporaryFile(), 0  # noqa: SIM115  # the caller's to close
    for row in rows_of(deciding, records, kind):
        rows += 1
        text.write(json_lines([row]).encode("utf-8", "surrogatepass"))
    text.seek(0)
    return text, rows


def rows_of(deciding: Deciding, records: Iterable[tuple[str, str]], kind: str) -> Iterator[dict[str, JSON]]:
    """Yield, for each record, the row that clears what the memory holds of it; none where all of that is cleared.

    Args:
        deciding: how the rows of the job are decided.
        records: family and id of each.
        kind: type of the job's rows, empty if each row names its own.
    """
    schema, memory = deciding.terms.schema, deciding.memory
    for family, record_id in records:
        name = kind if kind and schema.family(kind) == family else family
        known = memory.record(deciding.target, family, record_id).agreed
        cells = dict(_cells(name, known, schema))
        if cells:
            yield {**named(name, record_id, schema), **cells}


def to_clear(deciding: Deciding, records: Iterable[tuple[str, str]], kind: str) -> int:
    """Count the records of which something is to be cleared, but for those that were left before.

    All of them count, since whenever their row is gone: the recipe may say so for the first time.
    """
    fresh = (each for each in records if not deciding.memory.is_left(deciding.target, *each))
    return sum(1 for _ in rows_of(deciding, fresh, kind))


def nightly(deciding: Deciding, deadline: float | None) -> Nightly:
    """Return what is special about that run: it clears what is as the memory holds it, and tells of the rest."""

    def clearing(job: UpdateJob) -> Mapping[Field, Clearing]:
        return dict.fromkeys(touched(job, deciding.terms), "gone")

    night = Night(deciding.terms, deciding.rules, deciding.remembered, clearing)
    return Nightly(partial(decide_night, night), deadline)


def ended(history: History) -> tuple[int, bool]:
    """Return how many records were cleared, and whether that went well. A record that is not there has nothing left."""
    cleared, well = 0, True
    for *_, fate in history.settled():
        cleared += fate.status is Status.APPLIED
        well = well and (fate.status in _WELL or fate.reason == "not_found")
    return cleared, well


_WELL: Final = frozenset({Status.APPLIED, Status.UNCHANGED, Status.SKIPPED})


def _cells(type_name: str, known: Mapping[Field, Agreed], schema: Schema) -> Iterator[tuple[str, JSON]]:
    """Yield the cells that clear what is remembered of a record; what no column can clear is left as it is."""
    several: dict[str, list[JSON]] = {}
    for path, agreed in known.items():
        if agreed.doubt is UNREAD and (agreed.sheet is UNREAD or agreed.sheet is None or agreed.sheet is ABSENT):
            continue
        try:
            cell = cell_of(type_name, path, ABSENT if len(path) > 2 or path[0] == "tags" else None, schema)
        except Unwritable:
            continue
        if cell.several:
            several.setdefault(cell.column, []).append(cell.value)
        else:
            yield cell.column, cell.value
    yield from several.items()
