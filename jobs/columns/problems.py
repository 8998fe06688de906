"""How a column or a row is found wanting. Neither exception leaves `jobs.columns`."""

from typing import Self

from jobs.model import RowRef, Unsendable


class NotAColumn(Exception):
    """A name has no meaning as a column, in general or for one resource type.

    In a sheet's header this refuses the input; in an NDJSON object, only that row.

    Attributes:
        message: what is wrong, and what was probably meant.
        reason: code of `jobs.reasons` when the name stands in a row of NDJSON.
    """

    def __init__(self, message: str, reason: str = "column_not_of_type") -> None:
        super().__init__(message)
        self.message = message
        self.reason = reason


class RowRefused(Exception):
    """A row cannot be sent; becomes a value (`jobs.model.Unsendable`) before it leaves this package.

    Attributes:
        reason: code of `jobs.reasons`.
        message: what is wrong and what to write instead.
        column: name of the column as the user wrote it, or empty when the row as a whole is meant.
        cell: the offending text, shortened.
    """

    def __init__(self, reason: str, message: str = "", column: str = "", cell: str = "") -> None:
        super().__init__(reason)
        self.reason = reason
        self.message = message
        self.column = column
        self.cell = cell

    def at(self, column: str, cell: str) -> Self:
        """Return the same refusal with the cell it is about."""
        return type(self)(self.reason, f"`{column}`: {self.message}", column, cell)

    def because(self, cause: str) -> Self:
        """Return the same refusal with what probably happened to the cell."""
        return type(self)(self.reason, f"{self.message}; {cause}", self.column, self.cell) if cause else self

    def as_value(self, ref: RowRef) -> Unsendable:
        """Return the refusal as the value that leaves this package."""
        return Unsendable(ref, self.reason, self.message, self.column, self.cell)
