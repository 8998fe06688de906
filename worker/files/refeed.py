"""An input that comes back: its file may have changed since its run began, or it is what an earlier run reported."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from functools import partial
from itertools import zip_longest
from pathlib import Path
from typing import BinaryIO, Final, TypeAlias

from jobs.apis.schema import Schema
from jobs.changes.overtaking import WHOLE, Overtaking, touched
from jobs.columns import keys_of
from jobs.formats import Keys, ObjectFormat
from jobs.model import ObjectRow, SheetRow, Status, Unsendable, UpdateJob
from jobs.model import Path as Field
from jobs.recipe.columns import Sheets, all_faults, object_columns, sheet_columns
from jobs.values import valueclass
from worker.files.source import format_of, jobs, opened, options_of, rules, terms
from worker.journal import Journal
from worker.settings import Input, Settings

Taken: TypeAlias = Mapping[int, frozenset[Field]]
"""What later rows of its record have set of a row that is not done, by its number."""

Meant: TypeAlias = Callable[[], UpdateJob | Unsendable]

_AGAIN: Final = frozenset({Status.FAILED, Status.REJECTED, Status.UNKNOWN, Status.CONFLICT})
_CANDIDATE: Final = 1
_UNSURE: Final = 2
_APPLIED: Final = 3
_PARTLY: Final = 4

_DONE: Final = frozenset({"applied", "unchanged"})
_BEGINS: Final = "\ufeff__status,".encode()
_STATUS: Final = frozenset({"__status", "__reason"})


def what_changed(copy: Path, current: Path, how: Input, keys: Keys) -> str:
    """Describe the first difference between the run's copy of the input and the file it was made from.

    Raises:
        InputRefused: the file can no longer be read at all.
    """
    row = 0
    with opened(copy) as old, opened(current) as new:
        pairs = zip_longest(_identities(old, how, keys), _identities(new, how, keys))
        for row, (then, now) in enumerate(pairs):  # noqa: B007  # row is the answer
            if then != now:
                break
        else:
            return "only its bytes differ (line ends, quoting or compression), not its rows"
    has_header = not isinstance(format_of(how), ObjectFormat)
    if row == 0 and has_header:
        return "its header is another one"
    place = f"row {row if has_header else row + 1}"
    if then is None:
        return f"rows were added: {place} is new"
    if now is None:
        return f"rows were removed: {place} is gone"
    return f"{place} is not what it was (edited, inserted, removed or moved)"


def is_ours(name: str) -> bool:
    """Return whether a file begins as the results files do that reports write; no other is read. Blocks."""
    try:
        with Path(name).open("rb") as file:
            return file.read(len(_BEGINS)) == _BEGINS
    except OSError:
        return False


def overtaken(path: Path, how: Input, type_name: str, schema: Schema) -> Taken:
    """Find what later rows, done by an earlier run, take from the rows of a results file that is fed back.

    Sending it now would put the older values over the newer ones. Memory grows only with the rows that are not done.
    """
    found, compared = Overtaking(), terms(how, schema)
    with opened(path) as stream:
        for row, record, status, meant in _told(stream, how, type_name, schema):
            if status not in _DONE:
                found.wait(record, row)
            elif found.knows(record):
                job = meant()
                found.take(record, touched(job, compared) if isinstance(job, UpdateJob) else {WHOLE})
    return found.taken()


@valueclass(frozen=True, slots=True)
class Outrun:
    """Rows of a run that may be run again, and what later rows of their records leave of them.

    Attributes:
        rows: those that may be.
        taken: what was taken from them.
        fired: rows left alone because their trigger was fired; only some of their tags were not taken.
    """

    rows: list[int]
    taken: Taken
    fired: int = 0


def outrun(copy: Path, settings: Settings, journal: Journal, rows: int, schema: Schema) -> Outrun:
    """Find them among the rows that have a result; memory grows with the rows that are not done only.

    Args:
        copy: of the input.
        settings: of the run.
        journal: of the run.
        rows: of the input.
        schema: of the API that the rows are for.
    """
    marks, how = _marks(journal, rows), settings.input
    compared = terms(how, schema)
    found, again, fired = Overtaking(), list[int](), 0
    with opened(copy) as stream:
        for job in jobs(stream, how, settings.target.type, schema, lambda row: bool(marks[row])):
            if not isinstance(job, UpdateJob):
                continue
            row, mark = job.ref.row, marks[job.ref.row]
            record = f"{schema.family(job.type)} {job.id or journal.target(row) or job.key}"
            if how.limit is not None and row > how.limit and mark != _APPLIED:
                continue
            spent = mark == _PARTLY and job.fires and not how.resend_unknown
            unsure = mark == _UNSURE and not (job.replay_safe or how.resend_unknown)
            fired += spent
            if mark == _APPLIED or spent or unsure:  # or perhaps: an earlier row must not overwrite it
                found.take(record, {WHOLE} if unsure and job.fires else touched(job, compared))
            if mark != _APPLIED and not spent:
                found.wait(record, row)
                again.append(row)
    return Outrun(again, found.taken(), fired)


def _marks(journal: Journal, rows: int) -> bytearray:
    marks = bytearray(rows + 1)
    for result in journal.results():
        if result.status in {Status.APPLIED, Status.UNCHANGED}:
            marks[result.ref.row] = _APPLIED
        elif result.reason == "tags_discarded":
            marks[result.ref.row] = _PARTLY
        elif result.status in _AGAIN:
            marks[result.ref.row] = _UNSURE if result.status is Status.UNKNOWN else _CANDIDATE
    return marks


def _told(stream: BinaryIO, how: Input, type_name: str, schema: Schema) -> Iterator[tuple[int, str, str, Meant]]:
    """Yield row, record, `__status` and request of every row of a results file; nothing for any other input."""
    form, options = format_of(how), options_of(how, keys_of(type_name, schema))
    if isinstance(form, ObjectFormat):
        objects = object_columns(rules(how, type_name, schema), how.view)
        for record in form.read(stream, options):
            if isinstance(record, ObjectRow):
                if record.ref.row == 1 and "__status" not in record.members:
                    return
                untold = {name: value for name, value in record.members.items() if name not in _STATUS}
                meant = partial(objects.read, replace(record, members=untold))
                named = objects.record(record) or f"row {record.ref.row}"
                yield record.ref.row, named, str(record.members.get("__status")), meant
        return
    sheet = form.read(stream, options)
    meaning = rules(how, type_name, schema)
    if "__status" not in sheet.header or next(all_faults(sheet.header, meaning, how.view), None):
        return
    columns = sheet_columns(sheet.header, meaning, how.view)
    status, width = sheet.header.index("__status"), len(sheet.header)
    for row in sheet:
        if len(row.cells) > max(status, columns.target):
            (named,) = columns.records([row.cells + [""] * (width - len(row.cells))])
            yield row.ref.row, named, row.cells[status], partial(_untold, columns, sheet.header, row)


def _untold(columns: Sheets, header: list[str], row: SheetRow) -> UpdateJob | Unsendable:
    """Return what a row asked for when it was first read, regardless of what became of it."""
    cells = ["" if name in _STATUS else cell for name, cell in zip(header, row.cells, strict=False)]
    return columns.read(replace(row, cells=cells))


def _identities(stream: BinaryIO, how: Input, keys: Keys) -> Iterator[object]:
    """Yield what tells rows apart, the header of a sheet first."""
    form, options = format_of(how), options_of(how, keys)
    if isinstance(form, ObjectFormat):
        for record in form.read(stream, options):
            yield record.ref.digest
        return
    sheet = form.read(stream, options)
    yield sheet.header
    for row in sheet:
        yield row.ref.digest
