"""What the texts of a recipe mean, for the rest of the program. A recipe that was checked has a meaning for each."""

import re
from collections.abc import Mapping
from dataclasses import field
from datetime import time
from typing import Final, Literal, TypeAlias

from jobs.agreement.model import Drift
from jobs.apis.description.rates import rate_of, seconds_of
from jobs.recipe.model import GuardsRecipe, Limit, Recipe
from jobs.recipe.view_model import ColumnRecipe, Empty
from jobs.values import valueclass

_SHARE: Final = re.compile(r"(?P<number>[0-9]{1,6}(?:\.[0-9]{1,3})?) ?%")
_TIME: Final = re.compile(r"([01]?[0-9]|2[0-3]):([0-5][0-9])")

OFF: Final = "off"


@valueclass(frozen=True, slots=True)
class Share:
    """A part of a whole, in per cent."""

    percent: float

    def __str__(self) -> str:
        return f"{self.percent:g}%"


@valueclass(frozen=True, slots=True)
class Count:
    """A number of records or rows."""

    number: int

    def __str__(self) -> str:
        return f"{self.number:,}"


Threshold: TypeAlias = Share | Count | None
"""What must not be exceeded; None for no bound."""


@valueclass(frozen=True, slots=True)
class Guards:
    """What stops a night before anything is sent.

    Attributes:
        mode: that the credential must have; `live` also says that nobody has to be asked.
        floor: records up to which a share never trips.
        moved: how far values may move, in per cent, by the field's name in the recipe.
    """

    mode: Literal["", "test", "live"] = ""
    floor: int = 10
    rows_shrink: Threshold = None
    changed: Threshold = None
    changed_rows: Threshold = None
    overwritten: Threshold = None
    emptied: Threshold = None
    gone: Threshold = None
    invalid: Threshold = None
    moved: Mapping[str, Threshold] = field(default_factory=dict)


@valueclass(frozen=True, slots=True)
class Rules:
    """What to do where sheet and record disagree; fields by their names in the recipe.

    Attributes:
        drift_of: where a field has a rule of its own. `empty_of`: the same for empty cells.
        private: fields whose values nobody is shown.
        reread: nights within which every record is read.
    """

    drift: Drift = "report"
    drift_of: Mapping[str, Drift] = field(default_factory=dict)
    empty: Empty = "keep"
    empty_of: Mapping[str, Empty] = field(default_factory=dict)
    missing: Literal["report", "clear", "ignore"] = "report"
    reread: int = 1
    private: frozenset[str] = frozenset()


@valueclass(frozen=True, slots=True)
class Quarantine:
    """When rows that keep failing are set aside.

    Attributes:
        after: nights of failing for one cause. `again`: nights until the next try; 0 for never.
        most: how many make the exit status 1.
    """

    after: int = 3
    again: int = 7
    most: Threshold = None


@valueclass(frozen=True, slots=True)
class Run:
    """How a night runs.

    Attributes:
        deadline: local time of day at which it stops, the next one after its start.
        keep: runs to keep.
        windows: requests and seconds of each; empty to follow the server.
        state: folder of the memory, relative to the recipe's; empty for the default.
    """

    deadline: time | None = None
    keep: int = 30
    windows: tuple[tuple[int, float], ...] = ()
    concurrency: int | None = None
    stop_after: Threshold = None
    state: str = ""


def guards_of(recipe: GuardsRecipe) -> Guards:
    """Return the guards of a recipe, or of a lane."""
    return Guards(
        mode=recipe.mode,
        floor=recipe.floor,
        rows_shrink=threshold_of(recipe.rows_shrink),
        changed=threshold_of(recipe.changed),
        changed_rows=threshold_of(recipe.changed_rows),
        overwritten=threshold_of(recipe.overwritten),
        emptied=threshold_of(recipe.emptied),
        gone=threshold_of(recipe.gone),
        invalid=threshold_of(recipe.invalid),
        moved={name: threshold_of(limit) for name, limit in recipe.moved.items()},
    )


def rules_of(recipe: Recipe) -> Rules:
    """Return the rules of a recipe."""
    columns = {name: each for name, each in recipe.columns.items() if isinstance(each, ColumnRecipe)}
    return Rules(
        drift=recipe.rules.drift,
        drift_of={name: each.drift for name, each in columns.items() if each.drift is not None},
        empty=recipe.rules.empty,
        empty_of={name: each.empty for name, each in columns.items() if each.empty is not None},
        missing=recipe.rules.missing,
        reread=recipe.rules.reread,
        private=frozenset(name for name, each in columns.items() if each.private),
    )


def quarantine_of(recipe: Recipe) -> Quarantine:
    """Return when rows of a job are set aside."""
    said = recipe.quarantine
    return Quarantine(said.after, said.again, threshold_of(said.max))


def run_of(recipe: Recipe) -> Run:
    """Return how the nights of a job run."""
    said = recipe.run
    return Run(
        deadline=time_of(said.deadline) if said.deadline else None,
        keep=said.keep,
        windows=windows_of(said.rate),
        concurrency=said.concurrency,
        stop_after=None if said.stop_after is None else threshold_of(said.stop_after),
        state=said.state,
    )


def max_age_of(recipe: Recipe) -> float | None:
    """Return the age in seconds beyond which a source is refused; None for any age."""
    return seconds_of(recipe.input.max_age) if recipe.input.max_age else None


def threshold_of(limit: Limit) -> Threshold:
    """Return what a share, a number or `off` means.

    Raises:
        ValueError: it is none of them; the text says what to write.
    """
    if limit == OFF:
        return None
    if isinstance(limit, int):
        if limit < 0:
            raise ValueError("must be 0 or more")
        return Count(limit)
    found = _SHARE.fullmatch(limit)
    if not found:
        raise ValueError('write a share like "5%", a number without quotes, or "off"')
    return Share(float(found["number"]))


def time_of(text: str) -> time:
    """Return a time of day.

    Raises:
        ValueError: it is none; the text says what to write.
    """
    found = _TIME.fullmatch(text)
    if not found:
        raise ValueError("write a time of day like 06:00")
    return time(int(found[1]), int(found[2]))


def windows_of(text: str) -> tuple[tuple[int, float], ...]:
    """Return windows as requests and seconds: `50/10s,200/60s`; none of an empty text.

    Raises:
        ValueError: one of them is none; the text says what to write.
    """
    return tuple(rate_of(each) for each in text.split(",")) if text else ()
