"""Records whose row is gone: listed beside the night, and cleared by a run of their own where the recipe says so.

That run has an input which is made from the memory. Its rows are decided like those of a night, field by field, and are
never among the rows that the night counts.
"""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from functools import partial
from pathlib import Path
from tempfile import TemporaryFile
from typing import BinaryIO, Final

from jobs.agreement.model import Clearing
from jobs.apis.schema import Schema
from jobs.changes.edits import column_of, in_columns
from jobs.changes.overtaking import touched
from jobs.changes.restoring_cells import Cell, Unwritable, cell_of, named
from jobs.formats.quoting import quoted
from jobs.model import ABSENT, JSON, UNREAD, Edit, Status, UpdateJob
from jobs.model import Path as Field
from jobs.values import valueclass
from worker.files import source
from worker.files.atomic import replacing
from worker.journal import History
from worker.operations.nights.deciding import Deciding
from worker.operations.runs import Nightly
from worker.policy.nights import Night, decide_night
from worker.reconcile.gone import GoneRecord
from worker.reports.formats import csv_head, csv_text, json_lines
from worker.settings import Settings

LIST: Final = "gone.csv"
"""Name of the file, in the directory of a night, that lists the records whose row is gone."""

_HEADER: Final = ("type", "id", "key", "since", "to_clear")


@valueclass(frozen=True, slots=True)
class Gone:
    """Records whose row is gone.

    Attributes:
        records: that no row names any more.
        to_clear: those of them of which the night clears something, where nobody has changed it since.
        fields: values that it clears of those.
    """

    records: int = 0
    to_clear: int = 0
    fields: int = 0

    @property
    def words(self) -> str:
        """Say what is cleared; empty if nothing is."""
        return f"clear {self.fields:,} fields of {self.to_clear:,} records whose rows are gone" if self.fields else ""


def write_list(
    directory: Path, deciding: Deciding, records: Iterable[GoneRecord], kind: str, *, is_clearing: bool
) -> Gone:
    """Write down the records that no row names any more, since which night, and what the night clears of them; count.

    Args:
        directory: of the night.
        deciding: how the rows of the job are decided.
        records: to be listed; without a night: since this one.
        kind: type of the job's rows, empty if each row names its own.
        is_clearing: the recipe says that what the job had set is cleared.

    Raises:
        OSError: the file cannot be written.
    """
    runs = {night.serial: night.run for night in deciding.memory.nights.all()}
    count = to_clear = fields = 0
    with replacing(directory, (LIST,)) as (file,):
        file.write(csv_head(_HEADER))
        for family, record_id, key, since in records:
            columns = _to_clear(deciding, family, record_id, kind) if is_clearing else []
            night = directory.name if since is None else runs.get(since, "")
            listed = quoted("; ".join(dict.fromkeys(columns)))
            file.write(csv_text([[*map(quoted, (family, record_id, key)), night, listed]]))
            count, to_clear, fields = count + 1, to_clear + bool(columns), fields + len(columns)
    return Gone(count, to_clear, fields)


def _to_clear(deciding: Deciding, family: str, record_id: str, kind: str) -> list[str]:
    """Return the columns of the values that are to be cleared of a record.

    None of one that was left before, since somebody had changed it: it would stop every night.
    """
    if deciding.memory.is_left(deciding.target, family, record_id):
        return []
    schema = deciding.terms.schema
    name = _type_of(family, kind, schema)
    paths = (path for path, _ in _cells(deciding, name, family, record_id))
    return [column_of(in_columns(Edit(path, UNREAD, ABSENT), name, schema)) for path in paths]


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
    schema = deciding.terms.schema
    for family, record_id in records:
        name = _type_of(family, kind, schema)
        cells: dict[str, JSON] = {}
        several: dict[str, list[JSON]] = {}
        for _, cell in _cells(deciding, name, family, record_id):
            if cell.several:
                several.setdefault(cell.column, []).append(cell.value)
            else:
                cells[cell.column] = cell.value
        if cells or several:
            yield {**named(name, record_id, schema), **cells, **several}


def _type_of(family: str, kind: str, schema: Schema) -> str:
    return kind if kind and schema.family(kind) == family else family


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


def _cells(deciding: Deciding, type_name: str, family: str, record_id: str) -> Iterator[tuple[Field, Cell]]:
    """Yield the cells that clear what is remembered of a record; what no column can clear is left as it is."""
    for path, agreed in deciding.memory.record(deciding.target, family, record_id).agreed.items():
        if agreed.doubt is UNREAD and (agreed.sheet is UNREAD or agreed.sheet is None or agreed.sheet is ABSENT):
            continue
        with suppress(Unwritable):
            old = ABSENT if len(path) > 2 or path[0] == "tags" else None
            yield path, cell_of(type_name, path, old, deciding.terms.schema)
