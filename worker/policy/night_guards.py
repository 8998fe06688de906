"""Whether a night may go on: its numbers beside those of earlier nights, before anything is read and before it is sent.

Each lane is judged by itself: one empty export of two hundred is half a per cent of all rows.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import field, replace
from itertools import islice
from typing import Final, TypeAlias

from jobs.agreement.model import Value
from jobs.changes.exact import ExactNumber
from jobs.values import valueclass

NIGHTS: Final = 7
"""Accepted nights whose largest is the base: beside the last one alone, the second half-empty night would pass."""

_NUMBER: Final = re.compile(r"-?[0-9]+(\.[0-9]+)?")

_LISTED: Final = 5
"""Columns that a sentence names."""


@valueclass(frozen=True, slots=True)
class Share:
    """A part, in per cent."""

    per_cent: float

    def is_exceeded(self, part: int, whole: int) -> bool:
        """Return whether `part` is a larger share of `whole`."""
        return part * 100 > self.per_cent * whole


Limit: TypeAlias = Share | int | None
"""At most such a share, or so many; None is off."""


@valueclass(frozen=True, slots=True)
class NightGuards:
    """The limits of a job, for each of its lanes.

    Attributes:
        floor: so many rows or cells are no reason to stop, whatever their share.
        rows_shrink: rows that the source may have fewer than the base.
        changed: rows that may be sent. `changed_rows`: the same, as a number of its own.
        overwritten: rows that may be sent over what somebody else has changed.
        emptied: cells of a column that may be empty although the memory holds a value.
        gone: records of the memory that may have no row any more.
        invalid: rows that may be invalid, or lead to no record, or to several.
        moved: by column, how far a number may move from what the record holds before it counts.
    """

    floor: int = 10
    rows_shrink: Limit = Share(20)
    changed: Limit = Share(30)
    changed_rows: Limit = 1000
    overwritten: Limit = Share(1)
    emptied: Limit = Share(5)
    gone: Limit = Share(10)
    invalid: Limit = Share(5)
    moved: Mapping[str, Share] = field(default_factory=dict)

    def at_first(self) -> "NightGuards":
        """Return the limits of a first night, which may change whatever differs."""
        return replace(self, changed=None, changed_rows=None, overwritten=None, moved={})


@valueclass(frozen=True, slots=True)
class Accepted:
    """A night that was accepted. `approved`: by a person, after a guard had tripped."""

    rows: int
    columns: frozenset[str] = frozenset()
    approved: bool = False


@valueclass(frozen=True, slots=True)
class Base:
    """What a night is compared with.

    Attributes:
        rows: of the largest of the last accepted nights. `columns`: of the last one.
    """

    rows: int
    columns: frozenset[str] = frozenset()


@valueclass(frozen=True, slots=True)
class SourceFacts:
    """What is known of a lane before anything is read.

    Attributes:
        rows: of the source, those that the filter leaves out included.
        columns: of the source.
        emptied: by column, how many cells are empty although the memory holds a value, and how many values it holds.
        gone: records of the memory that have no row. `known`: all its records.
        to_clear: values of those that would be cleared, since the recipe says so.
    """

    rows: int
    columns: frozenset[str] = frozenset()
    emptied: Mapping[str, tuple[int, int]] = field(default_factory=dict)
    gone: int = 0
    known: int = 0
    to_clear: int = 0
    lane: str = ""


@valueclass(frozen=True, slots=True)
class NightFacts:
    """What is known of a lane once every record is read.

    Attributes:
        rows: of the source that are compared.
        changed: rows that are to be sent. `overwritten`: those of them that are sent over somebody's change.
        invalid: rows that are invalid, or lead to no record, or to several.
        moved: by column, the rows whose number moves further than the limit (`has_moved`).
    """

    rows: int
    changed: int = 0
    overwritten: int = 0
    invalid: int = 0
    moved: Mapping[str, int] = field(default_factory=dict)
    lane: str = ""


@valueclass(frozen=True, slots=True)
class Trip:
    """A limit that is exceeded: which, in which lane, and the numbers in a sentence."""

    guard: str
    message: str
    lane: str = ""


def base_of(nights: Sequence[Accepted]) -> Base | None:
    """Return what a night is compared with; None for a first night.

    A night that a person approved begins anew: what came before it would trip the guard for a week.

    Args:
        nights: the accepted ones, the newest first; those that tripped or were interrupted are not among them.
    """
    if not nights:
        return None
    return Base(max(night.rows for night in _counted(nights)), nights[0].columns)


def has_moved(before: Value, after: Value, limit: Share) -> bool:
    """Return whether a number moves further than the limit, from what the record holds to what the sheet says."""
    old, new = _number(before), _number(after)
    if old is None or new is None:
        return False
    return abs(new - old) * 100 > limit.per_cent * abs(old)


def before(facts: SourceFacts, base: Base | None, guards: NightGuards) -> tuple[Trip, ...]:
    """Return what stops a lane before anything is read; on a first night nothing is known to compare with."""
    return tuple(Trip(guard, _in_lane(said, facts.lane), facts.lane) for guard, said in _of_source(facts, base, guards))


def after(facts: NightFacts, guards: NightGuards) -> tuple[Trip, ...]:
    """Return what stops a lane before anything is sent."""
    return tuple(Trip(guard, _in_lane(said, facts.lane), facts.lane) for guard, said in _of_night(facts, guards))


def _counted(nights: Iterable[Accepted]) -> Iterator[Accepted]:
    for night in islice(nights, NIGHTS):
        yield night
        if night.approved:
            return


def _of_source(facts: SourceFacts, base: Base | None, guards: NightGuards) -> Iterator[tuple[str, str]]:
    if base is not None:
        fewer = base.rows - facts.rows
        is_empty = not facts.rows and fewer > 0 and guards.rows_shrink is not None
        if is_empty or _exceeds(guards.rows_shrink, fewer, base.rows, guards.floor):
            said = f"the source has {facts.rows:,} rows, the largest of the last nights had {base.rows:,}"
            yield "rows_shrink", f"{said}: {_of(fewer, base.rows)} fewer{_limit(guards.rows_shrink)}"
        if missing := sorted(base.columns - facts.columns):
            more = f" and {len(missing) - _LISTED} more" if len(missing) > _LISTED else ""
            names = ", ".join(f"`{name}`" for name in missing[:_LISTED])
            yield "columns", f"the source no longer has {names}{more}, which the last night had"
    for column, (empty, filled) in facts.emptied.items():
        if _exceeds(guards.emptied, empty, filled, guards.floor):
            said = f"`{column}` is empty in {_of(empty, filled)} of {filled:,} rows that had a value"
            yield "emptied", f"{said}{_limit(guards.emptied)}"
    if _exceeds(guards.gone, facts.gone, facts.known, guards.floor):
        said = f"{_of(facts.gone, facts.known)} of {facts.known:,} known records have no row any more"
        cleared = f", and their {facts.to_clear:,} fields would be cleared" if facts.to_clear else ""
        yield "gone", f"{said}{cleared}{_limit(guards.gone)}"


def _of_night(facts: NightFacts, guards: NightGuards) -> Iterator[tuple[str, str]]:
    counted = (
        ("changed", guards.changed, facts.changed, "would change"),
        ("changed_rows", guards.changed_rows, facts.changed, "would change"),
        ("overwritten", guards.overwritten, facts.overwritten, "would overwrite what somebody else has changed"),
        ("invalid", guards.invalid, facts.invalid, "are invalid, or lead to no single record"),
    )
    for guard, limit, part, words in counted:
        if _exceeds(limit, part, facts.rows, guards.floor):
            yield guard, f"{_of(part, facts.rows)} of {facts.rows:,} rows {words}{_limit(limit)}"
    for column, far in guards.moved.items():
        rows = facts.moved.get(column, 0)
        if rows > guards.floor:
            said = f"`{column}` would move by more than {far.per_cent:g}% in {rows:,} rows"
            yield "moved", f"{said} (limit: {guards.floor:,} rows)"


def _exceeds(limit: Limit, part: int, whole: int, floor: int) -> bool:
    """Return whether a limit is exceeded; a share only beyond the floor, a number by itself."""
    if isinstance(limit, Share):
        return part > floor and limit.is_exceeded(part, whole)
    return limit is not None and part > limit


def _of(part: int, whole: int) -> str:
    return f"{part:,} ({100 * part / whole:.3g}%)" if whole else f"{part:,}"


def _limit(limit: Limit) -> str:
    return f" (limit: {limit.per_cent:g}%)" if isinstance(limit, Share) else f" (limit: {limit:,})"


def _in_lane(said: str, lane: str) -> str:
    return f"{lane}: {said}" if lane else said


def _number(value: Value) -> float | None:
    if isinstance(value, bool):
        return None
    if isinstance(value, str):
        return float(value) if _NUMBER.fullmatch(value) else None
    return float(value) if isinstance(value, int | float | ExactNumber) else None
