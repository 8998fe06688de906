"""Rows as a recipe shows them: what each asks for, by the columns of the view, told in the columns of the input.

Both classes take the rows of the input, and stand where `SheetColumns` and `ObjectColumns` would without a recipe.
"""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from typing import Final, TypeAlias

from jobs.columns import ObjectColumns, Rules, SheetColumns, header_faults
from jobs.columns.misread import Misread
from jobs.columns.problems import RowRefused
from jobs.columns.resolve import known_type
from jobs.columns.sheet import Meaning
from jobs.columns.slots import Draft, Slot
from jobs.columns.targets import Named
from jobs.damage import Column
from jobs.formats.errors import InputRefused
from jobs.formats.stored import DamagedRow, WorkbookRow
from jobs.model import ObjectRow, RowRef, SheetRow, Unsendable, UpdateJob
from jobs.recipe.view import FILTERED, ObjectView, SheetView
from jobs.recipe.view_model import ViewRecipe
from jobs.values import valueclass

_NO_REF: Final = RowRef(0, 0, b"")


@valueclass(frozen=True, slots=True)
class _Named:
    """The column of the input by which rows that are no updates are told from those that are."""

    position: int
    by_id: bool
    check: Callable[[str], None]


@valueclass(frozen=True, slots=True)
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
        outline = "" if recipe.columns else "a column of the sheet has no meaning, or two have the same"
        yield InputRefused(fault.message, column=own if own in header else "", outline=outline)


class _Renamed(SheetColumns):
    """The columns of a view, each called as the sheet calls it in what rows ask for."""

    def __init__(self, header: Sequence[str], rules: Rules, own: Mapping[str, str]) -> None:
        super().__init__(header, rules)
        self._own = own
        self._clearable: dict[str, Mapping[int, tuple[str, ...]]] = {}

    @property
    def first(self) -> Named:
        """The first column that says which record is meant."""
        return self._target

    def clearable(self, cells: Sequence[str]) -> Mapping[int, tuple[str, ...]]:
        """Return what columns are about, by position, that a record like that of a row can do without."""
        type_ = self._type_of(cells)
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

    def about(self, type_name: str) -> Mapping[str, tuple[str, ...]]:
        """Return what each column sets for a type of records, by its name."""
        kind = known_type(type_name, self._rules.schema)
        fields = [each for each in self._headings if each.form not in {"id", "target", "reserved", "type"}]
        return {each.label: self._dialect.path_of(each, kind) for each in fields}

    def _compiled(self, type_: str) -> Meaning:
        meaning = super()._compiled(type_)
        labels = {path: self._own.get(label, label) for path, label in meaning.labels.items()}
        self._of_type[type_] = meaning = meaning._replace(labels=labels)
        return meaning


class ViewedColumns:
    """The columns of a sheet as a recipe shows them. It takes rows of the sheet, as `SheetColumns` does."""

    def __init__(self, recipe: ViewRecipe, header: Sequence[str], rules: Rules) -> None:
        """Understand the header.

        Raises:
            InputRefused: the sheet lacks a column of the recipe, or a column of the view has no meaning.
        """
        self.view = SheetView(recipe, header, rules.clear_token)
        self._columns = _Renamed(self.view.header, rules, self.view.own_names)
        first, at = self._columns.first, self.view.sources[self._columns.target]
        named = _Named(max(at, 0), at >= 0 and first.by_id, first.check)
        self._names = list(header)
        self._misread = Misread(self._names, named)
        self._at = named.position

    @property
    def target(self) -> int:
        """Position in the sheet of the first column that says which record is meant."""
        return self._at

    def read(self, row: SheetRow) -> UpdateJob | Unsendable:
        """Return what the row asks for, or why it is not sent."""
        seen = self._seen(row)
        found = seen if isinstance(seen, Unsendable) else self._columns.read(seen)
        return self.view.own(found) if isinstance(found, Unsendable) else found

    def read_clearing(self, row: SheetRow) -> Clearing | Unsendable:
        """Return what the row asks for if empty cells clear where the recipe says so; or why it is not sent."""
        seen = self._seen(row)
        if isinstance(seen, Unsendable):
            return seen
        empty = self.view.emptied(seen)
        paths = self._columns.clearable(seen.cells) if empty else {}
        emptied = [at for at in empty if at in paths]
        found = self._columns.read(self.view.cleared(seen, emptied) if emptied else seen)
        if isinstance(found, Unsendable):
            return self.view.own(found)
        return Clearing(found, frozenset(paths[at] for at in emptied))

    def named(self, row: SheetRow) -> tuple[str, str, str] | None:
        """Return type, key and reference of the record of a row, also of one that the filter leaves out.

        None for a row that may be about any record: its key cannot be read, or it has not as many cells as the header.
        """
        seen = self.view.row(row)
        whole = len(row.cells) == len(self._names)
        return self._columns.named(self._columns.plain(seen)) if whole else None

    def about(self, type_name: str) -> Mapping[str, tuple[str, ...]]:
        """Return what each column of the view sets for a type of records, by its name; paths as in `UpdateJob`."""
        return self._columns.about(type_name)

    def filled(self, row: SheetRow) -> list[str]:
        """Return the names, in the view, of the columns in which a row has a cell that is not empty."""
        cells = row.cells
        return [
            name
            for name, at in zip(self.view.header, self.view.sources, strict=True)
            if 0 <= at < len(cells) and cells[at]
        ]

    def plain(self, row: SheetRow) -> list[str]:
        """Return the cells as the user meant them, without the apostrophes that a results file puts before some."""
        return self._columns.plain(row)

    def faults(self, row: SheetRow) -> list[Unsendable]:
        """Return every reason why a row is not sent, the one of `read` first; none for a row that is sent."""
        seen = self._seen(row)
        return [seen] if isinstance(seen, Unsendable) else list(map(self.view.own, self._columns.faults(seen)))

    def records(self, rows: Iterable[Sequence[str]]) -> list[str]:
        """Return, of the plain cells of each row, a text that is equal for two rows of one record."""
        return self._columns.records(self.view.row(SheetRow(_NO_REF, list(cells))).cells for cells in rows)

    def doubtful(self, rows: Sequence[SheetRow]) -> Collection[int]:
        """Return the positions, in order, of the rows that `read` may refuse; it accepts all others."""
        seen = [self._seen(row) for row in rows]
        at = [index for index, each in enumerate(seen) if not isinstance(each, Unsendable)]
        doubtful = self._columns.doubtful([each for each in seen if not isinstance(each, Unsendable)])
        return sorted({*range(len(rows))}.difference(at).union(at[index] for index in doubtful))

    def described(self) -> list[Column]:
        """Describe what each of the sheet's columns is for that the recipe takes; a notation is left alone."""
        found = dict[int, Column]()
        for column in self._columns.described():
            source = self.view.sources[column.position]
            if source >= 0:
                role = "other" if column.position in self.view.notated else column.role
                found.setdefault(source, Column(self._names[source], role, source))
        return [found[source] for source in sorted(found)]

    def _seen(self, row: SheetRow) -> SheetRow | Unsendable:
        """Return the row of the view, or why there is none."""
        faults = row.faults if isinstance(row, WorkbookRow | DamagedRow) else ()
        try:
            self._misread.refuse(self.plain(row), faults, row.ref.line)
        except RowRefused as error:
            return error.as_value(row.ref)
        return self.view.row(row) if self.view.takes(row) else Unsendable(row.ref, FILTERED)


class _RenamedObjects(ObjectColumns):
    """Objects of a view, whose members are called as the input calls them in what rows ask for."""

    def __init__(self, rules: Rules, own: Mapping[str, str]) -> None:
        super().__init__(rules)
        self._own = own

    def _labels_of(self, type_: str, names: tuple[str, ...]) -> dict[tuple[str, ...], str]:
        labels = super()._labels_of(type_, names)
        return {path: self._own.get(label, label) for path, label in labels.items()}


class ViewedObjects:
    """The objects of an input as a recipe shows them. It takes objects of the input, as `ObjectColumns` does."""

    def __init__(self, recipe: ViewRecipe, rules: Rules) -> None:
        """Check what does not depend on the rows. Raise `InputRefused` as `ObjectColumns` does."""
        self.view = ObjectView(recipe)
        self._columns = _RenamedObjects(rules, self.view.own_names)

    def read(self, row: ObjectRow) -> UpdateJob | Unsendable:
        """Return what the row asks for, or why it is not sent."""
        seen = self._seen(row)
        found = seen if isinstance(seen, Unsendable) else self._columns.read(seen)
        return self.view.own(found) if isinstance(found, Unsendable) else found

    def faults(self, row: ObjectRow) -> list[Unsendable]:
        """Return every reason why a row is not sent, the one of `read` first; none for a row that is sent."""
        seen = self._seen(row)
        return [seen] if isinstance(seen, Unsendable) else list(map(self.view.own, self._columns.faults(seen)))

    def named(self, row: ObjectRow) -> tuple[str, str, str] | None:
        """Return type, key and reference of the record of an object, also of one that the filter leaves out.

        None for one that cannot be read: it may be about any record.
        """
        seen = self.view.row(row)
        found = seen if isinstance(seen, Unsendable) else self._columns.read(seen)
        return (found.type, found.id, found.reference) if isinstance(found, UpdateJob) else None

    def filled(self, row: ObjectRow) -> list[str]:
        """Return the names of the members that hold something."""
        return [name for name, value in row.members.items() if value not in (None, "")]

    def texts(self, row: ObjectRow) -> dict[str, str]:
        """Return the members that are text, by name."""
        return self._columns.texts(row)

    def record(self, row: ObjectRow) -> str:
        """Return a text that is equal for two rows of one record; empty for rows that name none."""
        seen = self._seen(row)
        return "" if isinstance(seen, Unsendable) else self._columns.record(seen)

    def _seen(self, row: ObjectRow) -> ObjectRow | Unsendable:
        return self.view.row(row) if self.view.takes(row) else Unsendable(row.ref, FILTERED)


Sheets: TypeAlias = SheetColumns | ViewedColumns
"""What takes the rows of a sheet."""

Objects: TypeAlias = ObjectColumns | ViewedObjects
"""What takes the objects of an input."""


def sheet_columns(header: Sequence[str], rules: Rules, recipe: ViewRecipe | None) -> Sheets:
    """Return what the columns of a sheet mean, as a recipe shows them if there is one. Raise `InputRefused`."""
    return SheetColumns(header, rules) if recipe is None else ViewedColumns(recipe, header, rules)


def object_columns(rules: Rules, recipe: ViewRecipe | None) -> Objects:
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
