"""The part of a recipe that decides what a row asks for, as values; the rest is in `model`.

It stands by itself because every run has it in its settings, and few have a recipe.
"""

from collections.abc import Mapping
from typing import Literal, TypeAlias

from pydantic import BaseModel, ConfigDict, Field

from jobs.agreement.model import Drift

Scalar: TypeAlias = str | int | float | bool
Empty = Literal["keep", "clear"]


class Part(BaseModel):
    """A table of a recipe."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, hide_input_in_errors=True, defer_build=True)


class ColumnRecipe(Part):
    """Where a field comes from, in which notation, and the rules of its own."""

    column: str = Field(min_length=1, description="Column of the sheet, as its header writes it.")
    decimal: Literal[",", "."] | None = Field(
        None, description='Decimal mark of its numbers: `","`. `1.234` is refused then unless `thousands` is given.'
    )
    thousands: Literal[",", ".", "'", " "] | None = Field(
        None, description="Mark between groups of three digits. A space stands for every kind of space."
    )
    times: str | int | None = Field(
        None,
        description='Factor, computed exactly: `100` makes cents of `12,50`; one with a fraction in quotes, `"0.1"`.',
    )
    date: str = Field("", description="Form of its dates: `%d.%m.%Y`, or with a time `%d.%m.%Y %H:%M`.")
    map: Mapping[str, Scalar] = Field({}, description="Values by what the cell says; anything else is invalid.")
    drift: Drift | None = Field(None, description="As `drift` of `[rules]`, for this field.")
    empty: Empty | None = Field(None, description="As `empty` of `[rules]`, for this field.")
    private: bool = Field(
        False, description="Its values are in no report, notification or page; `failed.*` alone has them."
    )


class ViewRecipe(Part):
    """What a recipe makes of the columns and rows of a sheet: the part that decides what a row asks for.

    Attributes:
        key: fields of the record that say which one is meant.
        columns: source by target. None of them: all columns of the sheet under their own names.
        empty: what an empty cell says in columns that do not say it themselves.
    """

    key: str | tuple[str, ...] = "id"
    columns: Mapping[str, str | ColumnRecipe] = {}
    constants: Mapping[str, Scalar] = {}
    ignore: tuple[str, ...] = ()
    filter: Mapping[str, tuple[str, ...]] = {}
    empty: Empty = "keep"

    @property
    def private(self) -> Mapping[str, str]:
        """The source, by target, of the columns whose values nobody is shown."""
        columns = self.columns.items()
        return {name: each.column for name, each in columns if isinstance(each, ColumnRecipe) and each.private}
