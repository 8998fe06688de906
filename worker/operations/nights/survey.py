"""What the source of a night says before anything is read: its rows, who is named, what later rows set again."""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import field
from pathlib import Path
from typing import Final

from jobs.apis.schema import Schema
from jobs.changes.overtaking import Overtaking, touched
from jobs.columns import is_results_file
from jobs.columns.members.keys import record_of
from jobs.model import Path as Field
from jobs.model import RowRef, Status, UpdateJob
from jobs.reasons import REASONS
from jobs.values import valueclass
from worker.checking.duplicates import Duplicates
from worker.files import source
from worker.reconcile import Named
from worker.settings import Settings

_BATCH: Final = 1000
"""Rows that are noted at a time."""

_FIRES: Final = (
    "`{}` fires an action, and would fire it again whenever the memory is lost: take the column out of the recipe, and"
    " apply it by hand"
)


@valueclass(frozen=True, slots=True)
class Survey:
    """The source of a night.

    Attributes:
        rows: that are rows at all, those that the filter leaves out included. `invalid`: those that cannot be sent.
        filled: by column, how many cells say something; 0 for a column that is there.
        is_whole: the key of every row could be read, so that it is known who is gone.
        folded: what rows set that later ones of their records set again, by row.
        unfit: why it is no source of a night; empty if it is one.
    """

    rows: int = 0
    invalid: int = 0
    filled: Counter[str] = field(default_factory=Counter)
    is_whole: bool = True
    folded: Mapping[int, frozenset[Field]] = field(default_factory=dict)
    unfit: str = ""


def survey(copy: Path, settings: Settings, schema: Schema) -> Survey:
    """Look at all rows of a source once, and twice at those whose records are named again. Memory is flat.

    Raises:
        ConfigError: there is no room on the disk for what is noted meanwhile.
    """
    repeated, texts, refs = Duplicates(), list[str](), list[RowRef]()
    names = source.view_names(copy, settings.input, settings.target.type, schema)
    filled, rows, invalid, is_whole, unfit = Counter(dict.fromkeys(names, 0)), 0, 0, True, ""
    for seen in _rows(copy, settings, schema):
        rows += 1
        filled.update(seen.filled)
        unfit = unfit or _unfit(seen, schema)
        invalid += not isinstance(seen.found, UpdateJob) and REASONS[seen.found.reason].status is Status.INVALID
        if seen.record is None:
            is_whole = False
            continue
        texts.append(record_of(*seen.record))
        refs.append(seen.found.ref)
        if len(texts) == _BATCH:
            repeated.add(texts, refs)
            texts, refs = [], []
    repeated.add(texts, refs)
    later = {each.ref.row for each in repeated} if any(True for _ in repeated.first(1)) else set[int]()
    folded = _folded(copy, settings, schema, later) if later else {}
    return Survey(rows, invalid, filled, is_whole, folded, unfit)


def _unfit(seen: source.Surveyed, schema: Schema) -> str:
    """Return why a row has no place in the source of a night; empty if it has one."""
    if is_results_file(seen.filled):
        return (
            "this is a results file: all rows that it does not have would count as gone. Apply it with"
            " rowpatch apply --recipe"
        )
    job = seen.found
    if not isinstance(job, UpdateJob):  # without a flag that allows it, no action is sent
        fires = job.reason == "trigger_not_allowed"
        return _FIRES.format(job.column) if fires else ""
    for name, value in job.attributes.items():
        if isinstance(value, dict) and schema.is_merged(job.type, name):
            return (
                f"`{job.columns.get((name,), name)}` is a whole object, and who owns which of its keys cannot be"
                f" told: use a column for each key, like {name}.KEY"
            )
    return ""


def named(copy: Path, settings: Settings, schema: Schema) -> Iterator[Named | None]:
    """Yield how each row of a source names its record; None for one whose key cannot be read."""
    for seen in _rows(copy, settings, schema):
        if seen.record is None:
            yield None
        else:
            kind, key, reference = seen.record
            yield Named(kind, key or reference, by_key=not key)


def _rows(copy: Path, settings: Settings, schema: Schema) -> Iterator[source.Surveyed]:
    with source.opened(copy) as stream:
        for seen in source.surveyed(stream, settings.input, settings.target.type, schema):
            if seen.is_row:
                yield seen


def _folded(copy: Path, settings: Settings, schema: Schema, later: set[int]) -> Mapping[int, frozenset[Field]]:
    """Return what the earlier rows of each record lose to later ones: the last of each field wins.

    `later` has the numbers of the rows whose record an earlier row names.
    """
    terms, how, kind = source.terms(settings.input, schema), settings.input, settings.target.type
    with source.opened(copy) as stream:
        jobs = source.jobs(stream, how, kind, schema, later.__contains__, clearing=True)
        records = {record_of(job.type, job.id, job.reference) for job in jobs if isinstance(job, UpdateJob)}
    overtaking = Overtaking()
    with source.opened(copy) as stream:
        for job in source.jobs(stream, how, kind, schema, lambda _: True, clearing=True):
            if not isinstance(job, UpdateJob):
                continue
            record = record_of(job.type, job.id, job.reference)
            if record in records:
                overtaking.take(record, touched(job, terms))
                overtaking.wait(record, job.ref.row)
    return overtaking.taken()
