"""Which record a row of a sheet is about: the cells that say it."""

from collections.abc import Callable, Collection, Iterable, Sequence
from typing import Protocol, TypeAlias

from jobs.columns.finish import check_id, check_reference
from jobs.columns.problems import RowRefused
from jobs.values import valueclass

Check: TypeAlias = Callable[[str], None]
"""Checks the text of a cell. Raises `RowRefused`."""


class Named(Protocol):
    """The first of the columns of a sheet that say which record is meant."""

    @property
    def position(self) -> int:
        """Where it stands: by it, comments, totals and further headers are told from updates."""

    @property
    def by_id(self) -> bool:
        """Whether it is a part of the key, and not another field, which may hold any text."""

    def check(self, text: str) -> None:
        """Check a cell of that column. Raise `RowRefused`."""


class Target(Named, Protocol):
    """The columns of a sheet that say which record is meant."""

    def named(self, cells: Sequence[str], type_name: str) -> tuple[str, str]:
        """Return the key of the record, or else its reference, which has to be looked up. Raise `RowRefused`."""

    def checks(self, type_name: str) -> Iterable[tuple[int, Check]]:
        """Return the positions of the columns that rows of a type are named by, each with the check of its cells."""

    def besides(self, type_name: str) -> Collection[int]:
        """Return the positions of fields that name the records of a type, and so are not set."""

    def record(self, cells: Sequence[str], type_name: str) -> str:
        """Return a text that is equal for two rows of one record, whatever else is wrong with them."""


@valueclass(frozen=True, slots=True)
class OneColumn:
    """A column `id`, or `reference` in a sheet without one.

    Attributes:
        label: name of the column.
        clear: text of a cell that clears its field.
    """

    position: int
    by_id: bool
    label: str
    clear: str

    def check(self, text: str) -> None:
        """Check a cell of the column."""
        (check_id if self.by_id else check_reference)(text)

    def named(self, cells: Sequence[str], type_name: str) -> tuple[str, str]:  # noqa: ARG002  # the protocol's
        """Return the id, or the reference."""
        text = cells[self.position]
        refuse_clearing(text, self.clear, self.label)
        if self.by_id:
            check_id(text)
            return text, ""
        check_reference(text)
        return "", text

    def checks(self, type_name: str) -> Iterable[tuple[int, Check]]:  # noqa: ARG002  # the protocol's
        """Return the one column."""
        return ((self.position, self.check),)

    def besides(self, type_name: str) -> Collection[int]:  # noqa: ARG002  # the protocol's
        """Return none: the header has seen to it."""
        return ()

    def record(self, cells: Sequence[str], type_name: str) -> str:  # noqa: ARG002  # an id is one record
        """Return the text of the cell."""
        return cells[self.position]


def refuse_clearing(text: str, clear: str, label: str) -> None:
    """Check that a cell which says which record is meant does not clear it.

    Raises:
        RowRefused: it does.
    """
    if text == clear:
        raise RowRefused("clear_not_allowed", "what says which record is meant cannot be cleared").at(label, text)
