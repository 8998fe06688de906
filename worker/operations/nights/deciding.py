"""How the rows of a night are decided: by the memory, by the rules of the recipe, and by who is set aside."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import date
from functools import partial
from zlib import crc32

from jobs.agreement.learning import NOT_READ
from jobs.agreement.model import Clearing, Drift, FieldRules, Remembered
from jobs.agreement.rows import says_what_was_agreed
from jobs.apis.schema import Schema
from jobs.changes.diff import CannotMerge, Change, CompareRules, difference
from jobs.changes.overtaking import left_of
from jobs.columns import Rules as Reading
from jobs.model import Live, Path, RowRef, Status, Unsendable, UpdateJob
from jobs.reasons import REASONS
from jobs.recipe.fields import field_paths
from jobs.recipe.model import Recipe
from jobs.recipe.terms import Rules
from jobs.values import valueclass
from worker.journal import History
from worker.operations.nights.survey import Survey
from worker.operations.runs import Nightly
from worker.policy.nights import Night, decide_night
from worker.policy.quarantine import Circumstances, Quarantine, is_skipped
from worker.policy.row import InFlightRow
from worker.policy.turns import turns_of
from worker.policy.verdict import ReadBack, Settle
from worker.reconcile import Memory, Trouble
from worker.reconcile.writing import replaced
from worker.settings import ConfigError

_ASIDE = "it failed the same way night after night, and nothing about it has changed"


def field_rules(recipe: Recipe, rules: Rules, reading: Reading, seal: Callable[..., object]) -> FieldRules:
    """Return the rules of a job by the paths of its fields.

    Args:
        recipe: of the job.
        rules: as the recipe says them, by its own names of fields.
        reading: says what the names mean.
        seal: makes digests.

    Raises:
        ConfigError: the type of the records is not known, so that nobody knows what the names mean.
    """
    names = [*rules.drift_of, *rules.private]
    if not names:
        return FieldRules(rules.drift, seal=seal)  # type: ignore[arg-type]  # the memory's
    if not reading.type:
        raise ConfigError("Columns with `drift` or `private` need to know of which type the records are: add `type`.")
    paths = field_paths(recipe.view, reading)
    drift_of: dict[Path, Drift] = {paths[name]: drift for name, drift in rules.drift_of.items() if name in paths}
    sealed = frozenset(paths[name] for name in rules.private if name in paths)
    return FieldRules(rules.drift, drift_of, sealed, seal)  # type: ignore[arg-type]  # the memory's


def nothing_cleared(job: UpdateJob) -> Mapping[Path, Clearing]:
    """Return which fields of a row only the rule for empty cells clears."""
    return dict.fromkeys(job.emptied, "empty") if job.emptied else {}


@valueclass(frozen=True, slots=True)
class Aside:
    """Who is set aside tonight.

    Attributes:
        known: rows in trouble that were set aside, by type and ident.
        recipe: digest of the recipe.
        recipes: digest of the recipe by night. `dates`: of the nights, by serial number.
    """

    known: Mapping[tuple[str, str], Trouble]
    recipe: bytes
    recipes: Mapping[int, bytes]
    dates: Mapping[int, date]
    today: date
    rules: Quarantine

    def skips(self, ident: tuple[str, str], ref: RowRef, live: bytes | None) -> bool:
        """Return whether a row is skipped; `live` is a digest of what it would replace, None if nobody read that."""
        known = self.known.get(ident)
        if known is None:
            return False
        then = Circumstances(known.row, self.recipes.get(known.last, b""), known.live)
        now = Circumstances(ref.digest, self.recipe, live)
        return is_skipped(then, self.dates.get(known.last, date.min), now, self.today, self.rules)

    def needs_read(self, ident: tuple[str, str]) -> bool:
        """Return whether the record of a row has to be read to know whether anything about it has changed."""
        known = self.known.get(ident)
        return known is not None and known.live is not None


@valueclass(frozen=True, slots=True)
class Deciding:
    """How the rows of a night are decided, and shaped on their way in.

    Attributes:
        target: number of the system in the memory.
        reread: nights within which every record is read.
    """

    memory: Memory
    target: int
    terms: CompareRules
    rules: FieldRules
    survey: Survey
    aside: Aside
    reread: int = 1

    def over(self, survey: Survey) -> "Deciding":
        """Return the same for the rows of another source."""
        return replace(self, survey=survey)

    def nightly(self, deadline: float | None, turns: bytes | bytearray = b"") -> Nightly:
        """Return what is special about the run."""
        night = Night(self.terms, self.rules, self.remembered, nothing_cleared)
        return Nightly(partial(self._decide, night), deadline, self.shaped, turns)

    def turns(self, history: History, rows: int) -> bytes | bytearray:
        """Return in which turn each row of a planned night is sent; nothing if no night before it ended early."""
        nights = self.memory.nights.cut()
        if not nights:
            return b""
        pending = (each for each in history.planned() if each.status is Status.PENDING)
        return turns_of(rows, ((each.row, self._dealt(each.type, each.id)) for each in pending), nights)

    def _dealt(self, type_name: str, record_id: str) -> int:
        """Return the serial number of the latest run that read a record, or tried to update it; 0 for none."""
        where = self.target, self._family(type_name), record_id
        trouble = self.memory.trouble(*where)
        return max(self.memory.record(*where).read, trouble.last if trouble is not None else 0)

    def _decide(self, night: Night, row: InFlightRow, live: Live) -> Change | Settle | ReadBack:
        job = row.job
        if job.reference and not row.doubt and (moved := self._moved(job)):
            return moved
        ident = (self._family(job.type), job.id)
        if not row.doubt and self.aside.needs_read(ident):
            try:
                edits = difference(job, live, self.terms).edits
            except CannotMerge:
                edits = ()
            if self.aside.skips(ident, job.ref, replaced(edits)):
                return Settle("quarantined", _ASIDE)
        return decide_night(night, row, live)

    def _moved(self, job: UpdateJob) -> Settle | None:
        """Return how a row ends whose key led to another record when both sides last agreed."""
        known = self.memory.named_by(self.target, self._family(job.type), job.reference)
        if not known or job.id in known:
            return None
        key = self._schema.sought(job.type)
        said = f"{job.reference!r} was {', '.join(sorted(known))} when both sides last agreed, and is {job.id} now"
        return Settle("key_moved", said, (job.columns.get((key,), key),))

    def shaped(self, rows: Iterable[UpdateJob | Unsendable]) -> Iterator[UpdateJob | Unsendable]:
        """Yield the rows, but for what later rows set again, and those that are set aside without a look."""
        folded = self.survey.folded
        for row in rows:
            lost = folded.get(row.ref.row)
            found = left_of(row, lost, self.terms) if lost and isinstance(row, UpdateJob) else row
            if self.reread > 1 and isinstance(found, UpdateJob) and self._needs_no_read(found):
                yield Unsendable(found.ref, NOT_READ)
            else:
                yield self._set_aside(found) if self.aside.known else found

    def _needs_no_read(self, job: UpdateJob) -> bool:
        """Return whether a row says what was agreed on, and its record is not due to be read.

        It is due once in so many days, each on a day of its own; and if the last read is longer ago.
        """
        family = self._family(job.type)
        ids = (job.id,) if job.id else tuple(self.memory.named_by(self.target, family, job.reference))
        if len(ids) != 1:
            return False
        day, known = self.aside.today, self.memory.record(self.target, family, ids[0])
        last = self.aside.dates.get(known.read, date.min)
        if (day - last).days >= self.reread or (crc32(ids[0].encode()) + day.toordinal()) % self.reread == 0:
            return False
        if known.is_exceptional or self.memory.trouble(self.target, family, job.id or job.key) is not None:
            return False
        return says_what_was_agreed(job, known.agreed, self.rules, self.terms)

    def _set_aside(self, row: UpdateJob | Unsendable) -> UpdateJob | Unsendable:
        if isinstance(row, Unsendable):
            if REASONS[row.reason].status is not Status.INVALID:
                return row
            ident = ("", f"row {row.ref.digest.hex()}")
        else:
            ident = (self._family(row.type), row.id or row.key)
            if self.aside.needs_read(ident):
                return row
        return Unsendable(row.ref, "quarantined", _ASIDE) if self.aside.skips(ident, row.ref, None) else row

    def remembered(self, type_name: str, record_id: str) -> Remembered:
        """Return what is remembered of a record."""
        return self.memory.remembered(self._family(type_name), record_id, self.target)

    def _family(self, type_name: str) -> str:
        return self._schema.family(type_name)

    @property
    def _schema(self) -> Schema:
        return self.terms.schema
