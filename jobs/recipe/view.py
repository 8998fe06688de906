"""A recipe as a view over an input: its rows in the columns of the API. The rows themselves stay what they are.

`SheetView` and `ObjectView` change cells and names, never a row's identity. What a cell in the wrong notation means is
a fault of that cell; a row that the filter leaves out is no row of the view.
"""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from functools import lru_cache
from typing import Final, NamedTuple

from jobs.apis.schema import closest
from jobs.columns.cells import as_shown
from jobs.columns.grammar import RESERVED, is_results_file
from jobs.formats.errors import InputRefused
from jobs.formats.headings import Keys
from jobs.formats.quoting import quoted, unquoted
from jobs.formats.stored import DamagedRow, Fault, Kind, WorkbookRow
from jobs.model import JSON, ObjectRow, SheetRow, Unsendable
from jobs.reasons import REASONS
from jobs.recipe.notation import Notation, Unfit, notation_of, text_of
from jobs.recipe.view_model import ColumnRecipe, Empty, ViewRecipe
from jobs.texts import listed
from jobs.values import valueclass

FILTERED: Final = "filtered"
"""Reason of a row that the recipe leaves out."""

_WRONG: Final = "wrong_notation"
_REMEMBERED: Final = 4096
"""Texts of a column whose meaning is remembered at a time."""

_RESERVED: Final = frozenset(RESERVED)


@valueclass(frozen=True, slots=True)
class Taken:
    """One column that the view takes.

    Attributes:
        target: its name for the API. `source`: its name in the input.
        notation: of its cells; None for those that are taken as they are.
        empty: what an empty cell says.
    """

    target: str
    source: str
    notation: Notation | None = None
    empty: Empty = "keep"


class _Notated(NamedTuple):
    """A column in a notation: its position in the view, and what makes plain text of a cell.

    Attributes:
        written: takes a text. `stored`: takes what a workbook holds as a cell of the kind `native`.
    """

    position: int
    written: Callable[[str], str]
    stored: Callable[[str], str]
    native: frozenset[Kind]


def taken_by(recipe: ViewRecipe) -> list[Taken]:
    """Return the columns that a recipe names, in its order; none if it takes them as they come."""
    return [_taken(target, column, _empty(target, recipe)) for target, column in recipe.columns.items()]


def own_keys(recipe: ViewRecipe, keys: Keys) -> Keys:
    """Return what the input calls the columns that say what a row is about."""
    if not recipe.columns:
        return keys
    sources = {each.target: each.source for each in taken_by(recipe)}
    parts, finders = (tuple(sources[name] for name in names if name in sources) for names in (keys.parts, keys.finders))
    return Keys(parts, finders, sources.get(keys.type, ""))


class SheetView:
    """A recipe over the rows of a sheet.

    Attributes:
        header: names of the columns for the API.
        sources: position in the sheet of each of them; -1 for a constant.
        own_names: names in the sheet, by names in the view; none of constants.
    """

    def __init__(self, recipe: ViewRecipe, header: Sequence[str], clear_token: str = "") -> None:
        """Find the recipe's columns in a header.

        Args:
            recipe: the view.
            header: names of the sheet's columns.
            clear_token: text of a cell that clears; it stands in every notation.

        Raises:
            InputRefused: the sheet lacks a column, or the recipe sets one in two ways.
        """
        self._refed = is_results_file(header)
        names = list(map(unquoted, header)) if self._refed else list(header)
        positions = {name: index for index, name in enumerate(names)}
        _refuse_missing(recipe, names)
        reports = [Taken(name, name) for name in names if name in _RESERVED]
        taken = [*reports, *(taken_by(recipe) or _all_of(names, recipe))]
        self._refuse_twice(taken, recipe)
        self._width, self._clear = len(names), clear_token
        self._at = [positions[each.source] for each in taken]
        self._constants = [self._guarded(text_of(value)) for value in recipe.constants.values()]
        self.header = [*(each.target for each in taken), *recipe.constants]
        self.sources = [*self._at, *(-1 for _ in self._constants)]
        self.own_names = {each.target: each.source for each in taken}
        self._private = _private(recipe)
        self._notated = [
            _Notated(at, self._remembering(how.text), self._remembering(how.stored), how.native)
            for at, each in enumerate(taken)
            if (how := each.notation)
        ]
        self._clearing = [at for at, each in enumerate(taken) if each.empty == "clear"]
        self._filters = [(positions[name], frozenset(wanted)) for name, wanted in recipe.filter.items()]
        self._places = _places(self._at)

    @property
    def notated(self) -> frozenset[int]:
        """Positions in the view of the columns that have a notation."""
        return frozenset(each.position for each in self._notated)

    def takes(self, row: SheetRow) -> bool:
        """Return whether the filter takes a row; it takes those that have not as many cells as the header."""
        if not self._filters or len(row.cells) != self._width:
            return True
        cells = row.cells
        return all(self._plain(cells[at]) in wanted for at, wanted in self._filters)

    def row(self, row: SheetRow) -> SheetRow:
        """Return a row in the columns of the view; its faults are those of the columns taken, and of their notation.

        A row that has not as many cells as the header is returned as it is: nobody knows which they are.
        """
        if len(row.cells) != self._width:
            return row
        given = row.cells
        cells = [given[at] for at in self._at]
        stored = row.stored if isinstance(row, WorkbookRow) else ()
        found = self._faults_of(row) if isinstance(row, WorkbookRow | DamagedRow) else []
        unreadable = {fault.column for fault in found}
        for at, written, as_stored, native in self._notated:
            text = cells[at]
            if text and text != self._clear and at not in unreadable:
                is_native = stored and stored[self._at[at]].kind in native
                try:
                    cells[at] = (as_stored if is_native else written)(text)
                except Unfit as error:
                    found.append(Fault(at, _WRONG, str(error)))
        cells += self._constants
        if isinstance(row, WorkbookRow):
            kinds = [stored[at] for at in self._at]
            return replace(row, cells=cells, stored=kinds, faults=sorted(found, key=_column))
        if found:
            return DamagedRow(row.ref, cells, sorted(found, key=_column))
        return SheetRow(row.ref, cells)

    def emptied(self, row: SheetRow) -> tuple[int, ...]:
        """Return the positions of the empty cells of a row of the view whose columns have `empty = "clear"`."""
        cells = row.cells
        return tuple(at for at in self._clearing if not cells[at])

    def cleared(self, row: SheetRow, at: Iterable[int]) -> SheetRow:
        """Return a row of the view in which cells say that they clear."""
        cells = list(row.cells)
        for position in at:
            cells[position] = self._clear
        return replace(row, cells=cells)

    def own(self, refused: Unsendable) -> Unsendable:
        """Return a refusal that names the column of the sheet instead of that of the view."""
        return _renamed(refused, self.own_names, self._private)

    def _refuse_twice(self, taken: Iterable[Taken], recipe: ViewRecipe) -> None:
        for each in taken:
            if each.target in recipe.constants:
                raise InputRefused(
                    f"the recipe sets `{each.target}` to a constant, and the sheet has a column for it: add"
                    f" `{each.source}` to `ignore`, or drop the constant",
                    column=each.source,
                )

    def _faults_of(self, row: WorkbookRow | DamagedRow) -> list[Fault]:
        return [replace(fault, column=at) for fault in row.faults for at in self._places.get(fault.column, ())]

    def _plain(self, cell: str) -> str:
        return unquoted(cell) if self._refed else cell

    def _guarded(self, text: str) -> str:
        return quoted(text) if self._refed else text

    def _remembering(self, written: Callable[[str], str]) -> Callable[[str], str]:
        """Return a function that remembers what it was asked; in a results file the guards of cells stay on."""
        if self._refed:
            return lru_cache(_REMEMBERED)(lambda cell: quoted(written(unquoted(cell))))
        return lru_cache(_REMEMBERED)(written)


class ObjectView:
    """A recipe over the objects of an input, each of which names its own members.

    Attributes:
        own_names: names in the input, by names in the view; none of constants.
    """

    def __init__(self, recipe: ViewRecipe) -> None:
        self._taken = taken_by(recipe)
        self.own_names = {each.target: each.source for each in self._taken}
        self._private = _private(recipe)
        self._constants: Mapping[str, JSON] = recipe.constants
        self._ignored = frozenset(recipe.ignore)
        self._filters = [(name, frozenset(wanted)) for name, wanted in recipe.filter.items()]

    def takes(self, row: ObjectRow) -> bool:
        """Return whether the filter takes a row."""
        return all(_shown(row.members.get(name)) in wanted for name, wanted in self._filters)

    def row(self, row: ObjectRow) -> ObjectRow | Unsendable:
        """Return a row in the names of the view, or why a value of it is in the wrong notation."""
        members = {name: value for name, value in row.members.items() if name in _RESERVED}
        if not self._taken:
            members = {name: value for name, value in row.members.items() if name not in self._ignored}
        for each in self._taken:
            if each.source in row.members:
                value = row.members[each.source]
                try:
                    members[each.target] = each.notation.value(value) if each.notation and value is not None else value
                except Unfit as error:
                    message, shown = f"`{each.source}`: {error}", as_shown(value)
                    return Unsendable(row.ref, _WRONG, message, each.source, shown)
        return ObjectRow(row.ref, {**members, **self._constants})

    def own(self, refused: Unsendable) -> Unsendable:
        """Return a refusal that names the member of the input instead of that of the view."""
        return _renamed(refused, self.own_names, self._private)


def _taken(target: str, column: str | ColumnRecipe, empty: Empty) -> Taken:
    if isinstance(column, str):
        return Taken(target, column, None, empty)
    return Taken(target, column.column, notation_of(column, whole=target.endswith(":int")), column.empty or empty)


def _all_of(names: Iterable[str], recipe: ViewRecipe) -> list[Taken]:
    """Return all columns of a sheet under their own names, but for those that are ignored."""
    ignored = _RESERVED.union(recipe.ignore)
    return [Taken(name, name, None, _empty(name, recipe)) for name in names if name not in ignored]


def _empty(target: str, recipe: ViewRecipe) -> Empty:
    """Return what an empty cell says by the rules of the recipe; what says which record is meant is never cleared."""
    keys = (recipe.key,) if isinstance(recipe.key, str) else recipe.key
    return "keep" if target in {*keys, "type"} else recipe.empty


def _refuse_missing(recipe: ViewRecipe, names: Sequence[str]) -> None:
    """Check that a sheet has the columns that a recipe names.

    Raises:
        InputRefused: it lacks one.
    """
    wanted = [(each.source, "[columns]") for each in taken_by(recipe)]
    wanted += [(name, "[filter]") for name in recipe.filter] + [(name, "ignore") for name in recipe.ignore]
    lacking = [(name, where) for name, where in wanted if name not in names]
    for name, where in lacking[:1]:
        near = closest(name, names)
        meant = f"did you mean `{near}`? Name it so in {where}" if near else f"take it out of {where}"
        said = (
            f"the sheet has no column `{name}`, which the recipe names in {where}: {meant},"
            " or have the export write it again"
        )
        of_all = f"{len(lacking)} of the {len(wanted)} columns that the recipe names"
        outline = f"the sheet lacks {of_all}: {listed([f'`{name}`' for name, _ in lacking])}"
        is_header = 2 * len(lacking) <= len(wanted)  # its words are names then, and no values
        raise InputRefused(said, column=near, outline=said if is_header else outline)


def _places(at: Sequence[int]) -> dict[int, tuple[int, ...]]:
    """Return the positions in a view of each column of the sheet."""
    found: dict[int, tuple[int, ...]] = {}
    for target, source in enumerate(at):
        found[source] = (*found.get(source, ()), target)
    return found


def _private(recipe: ViewRecipe) -> frozenset[str]:
    """Return the names, in the recipe and in the input, of the columns whose cells nobody is shown."""
    return frozenset((*recipe.private, *recipe.private.values()))


def _renamed(refused: Unsendable, own: Mapping[str, str], private: Collection[str]) -> Unsendable:
    source = own.get(refused.column, refused.column)
    if private and (not refused.column or refused.column in private):  # or nobody knows what the words quote
        return replace(refused, column=source, message=REASONS[refused.reason].meaning, cell="")
    if source == refused.column:
        return refused
    target = f"`{refused.column}`: "
    message = refused.message
    if message.startswith(target):
        message = f"`{source}`: {message.removeprefix(target)}"
    return replace(refused, column=source, message=message)


def _shown(value: JSON) -> str | None:
    return text_of(value) if isinstance(value, str | int | float) else None


def _column(fault: Fault) -> int:
    return fault.column
