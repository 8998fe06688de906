"""Rows as a recipe shows them: what each asks for, by the columns of the view, told in the columns of the input.

Both classes take the rows of the input, and stand where `SheetColumns` and `ObjectColumns` would without a recipe.
"""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from jobs.columns import ObjectColumns, Rules, SheetColumns, header_faults
from jobs.columns.misread import Misread
from jobs.columns.problems import RowRefused
from jobs.columns.resolve import known_type
from jobs.columns.sheet import Meaning
from jobs.columns.slots import Draft, Slot
from jobs.damage import Column
from jobs.formats.errors import InputRefused
from jobs.formats.stored import DamagedRow, WorkbookRow
from jobs.model import ObjectRow, RowRef, SheetRow, Unsendable, UpdateJob
from jobs.recipe.model import ViewRecipe
from jobs.recipe.view import FILTERED, ObjectView, SheetView

_NO_REF: Final = RowRef(0, 0, b"")


@dataclass(frozen=True, slots=True)
class _Named:
    """The column of the input by which rows that are no updates are told from those that are."""

    position: int
    by_id: bool
    check: Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Clearing:
    """What a row asks for whose empty cells clear.

    Attributes:
        job: it clears what is `emptied`, too.
        emptied: fields that only an empty cell clears, by paths as in `UpdateJob.columns`. Of them, only what the
            memory of the job holds is to be cleared.
    """

    job: UpdateJob
    emptied: frozenset[tuple[str, ...]]


def view_faults(recipe: ViewRecipe, header: Sequence[str], rules: Rules) -> Iterator[InputRefused]:
    """Yield everything that is wrong with a header, as the recipe shows it, worst first."""
    try:
        view = SheetView(recipe, header, rules.clear_token)
    except InputRefused as error:
        yield error
        return
    for fault in header_faults(view.header, rules):
        own = view.own(Unsendable(_NO_REF, "", column=fault.column)).column
        yield InputRefused(fault.message, column=own if own in header else "")


class ViewedColumns(SheetColumns):
    """The columns of a sheet as a recipe shows them."""

    def __init__(self, recipe: ViewRecipe, header: Sequence[str], rules: Rules) -> None:
        """Understand the header.

        Raises:
            InputRefused: the sheet lacks a column of the recipe, or a column of the view has no meaning.
        """
        self.view = SheetView(recipe, header, rules.clear_token)
        super().__init__(self.view.header, rules)
        position = self.view.sources[super().target]
        named = _Named(max(position, 0), position >= 0 and self._target.by_id, self._target.check)
        self._names = list(header)
        self._torn = Misread(self._names, named)
        self._named = named.position
        self._clearable: dict[str, Mapping[int, tuple[str, ...]]] = {}

    @property
    def target(self) -> int:
        """Position in the sheet of the first column that says which record is meant."""
        return self._named

    def read(self, row: SheetRow) -> UpdateJob | Unsendable:
        """Return what the row asks for, or why it is not sent."""
        found = self._seen(row)
        return found if isinstance(found, Unsendable) else self._told(super().read(found))

    def read_clearing(self, row: SheetRow) -> "Clearing | Unsendable":
        """Return what the row asks for if empty cells clear where the recipe says so; or why it is not sent."""
        found = self._seen(row)
        if isinstance(found, Unsendable):
            return found
        empty = self.view.emptied(found)
        paths = self._clearable_of(self._type_of(found.cells)) if empty else {}
        emptied = [at for at in empty if at in paths]
        read = super().read(self.view.cleared(found, emptied) if emptied else found)
        if isinstance(read, Unsendable):
            return self.view.own(read)
        return Clearing(read, frozenset(paths[at] for at in emptied))

    def faults(self, row: SheetRow) -> list[Unsendable]:
        """Return every reason why a row is not sent, the one of `read` first; none for a row that is sent."""
        found = self._seen(row)
        if isinstance(found, Unsendable):
            return [found]
        return [self.view.own(each) for each in super().faults(found)]

    def records(self, rows: Iterable[Sequence[str]]) -> list[str]:
        """Return, of the plain cells of each row, a text that is equal for two rows of one record."""
        return super().records(self.view.row(SheetRow(_NO_REF, list(cells))).cells for cells in rows)

    def doubtful(self, rows: Sequence[SheetRow]) -> Collection[int]:
        """Return the positions, in order, of the rows that `read` may refuse; it accepts all others."""
        doubtful, tried, seen = set[int](), list[int](), list[SheetRow]()
        for index, row in enumerate(rows):
            found = self._seen(row)
            if isinstance(found, Unsendable):
                doubtful.add(index)
            else:
                tried.append(index)
                seen.append(found)
        return sorted(doubtful.union(tried[index] for index in super().doubtful(seen)))

    def described(self) -> list[Column]:
        """Describe what each of the sheet's columns is for that the recipe takes; a notation is left alone."""
        found = dict[int, Column]()
        for column in super().described():
            source = self.view.sources[column.position]
            if source >= 0:
                role = "other" if column.position in self.view.notated else column.role
                found.setdefault(source, Column(self._names[source], role, source))
        return [found[source] for source in sorted(found)]

    def _seen(self, row: SheetRow) -> SheetRow | Unsendable:
        """Return the row of the view, or why there is none."""
        cells = self.plain(row)
        try:
            self._torn.refuse(cells, row.faults if isinstance(row, WorkbookRow | DamagedRow) else (), row.ref.line)
        except RowRefused as error:
            return error.as_value(row.ref)
        return self.view.row(row) if self.view.takes(row) else Unsendable(row.ref, FILTERED)

    def _compiled(self, type_: str) -> Meaning:
        """Resolve the columns for a type, and call each as the sheet does."""
        meaning = super()._compiled(type_)
        own = self.view.own_names
        labels = {path: own.get(label, label) for path, label in meaning.labels.items()}
        self._of_type[type_] = meaning = meaning._replace(labels=labels)
        return meaning

    def _clearable_of(self, type_: str) -> Mapping[int, tuple[str, ...]]:
        """Return what the columns are about, by position, that records of a type can do without."""
        if type_ not in self._clearable:
            try:
                columns = (self._of_type.get(type_) or self._compiled(type_)).columns
            except RowRefused:
                return {}
            kind = known_type(type_, self._rules.schema)
            self._clearable[type_] = {
                each.position: self._dialect.path_of(self._headings[each.position], kind)
                for each in columns
                if _can_clear(each.slot)
            }
        return self._clearable[type_]

    def _told(self, found: UpdateJob | Unsendable) -> UpdateJob | Unsendable:
        return self.view.own(found) if isinstance(found, Unsendable) else found


class ViewedObjects(ObjectColumns):
    """The objects of an input as a recipe shows them."""

    def __init__(self, recipe: ViewRecipe, rules: Rules) -> None:
        """Check what does not depend on the rows. Raise `InputRefused` as `ObjectColumns` does."""
        super().__init__(rules)
        self.view = ObjectView(recipe)

    def read(self, row: ObjectRow) -> UpdateJob | Unsendable:
        """Return what the row asks for, or why it is not sent."""
        found = self._seen(row)
        read = found if isinstance(found, Unsendable) else super().read(found)
        return self.view.own(read) if isinstance(read, Unsendable) else read

    def faults(self, row: ObjectRow) -> list[Unsendable]:
        """Return every reason why a row is not sent, the one of `read` first; none for a row that is sent."""
        found = self._seen(row)
        if isinstance(found, Unsendable):
            return [found]
        return [self.view.own(each) for each in super().faults(found)]

    def record(self, row: ObjectRow) -> str:
        """Return a text that is equal for two rows of one record; empty for rows that name none."""
        found = self._seen(row)
        return "" if isinstance(found, Unsendable) else super().record(found)

    def _seen(self, row: ObjectRow) -> ObjectRow | Unsendable:
        return self.view.row(row) if self.view.takes(row) else Unsendable(row.ref, FILTERED)


def sheet_columns(header: Sequence[str], rules: Rules, recipe: ViewRecipe | None) -> SheetColumns:
    """Return what the columns of a sheet mean, as a recipe shows them if there is one. Raise `InputRefused`."""
    return SheetColumns(header, rules) if recipe is None else ViewedColumns(recipe, header, rules)


def object_columns(rules: Rules, recipe: ViewRecipe | None) -> ObjectColumns:
    """Return what the objects of an input mean, as a recipe shows them if there is one. Raise `InputRefused`."""
    return ObjectColumns(rules) if recipe is None else ViewedObjects(recipe, rules)


def all_faults(header: Sequence[str], rules: Rules, recipe: ViewRecipe | None) -> Iterator[InputRefused]:
    """Yield everything that is wrong with a header, as a recipe shows it if there is one, worst first."""
    return header_faults(header, rules) if recipe is None else view_faults(recipe, header, rules)


def _can_clear(slot: Slot) -> bool:
    try:
        slot.clear(Draft())
    except RowRefused:
        return False
    return True
