"""Ids of a shape that an API with ids of ten letters, capitals and small ones, does not give.

`Schema.ten_letter_ids` says whether it has. The shape is observed, not documented, so that it is never a reason to
refuse a row.
"""

from typing import Final

from jobs.damage.column import Seen, Sign, Tally, joined
from jobs.damage.kinds import kind_of

_ENOUGH: Final = 5
"""Ids of ten letters of which at least one has both cases, but for once in 10^13."""


def unusual(seen: Seen) -> Sign | None:
    """Report ids that are not ten letters."""
    others = [tally for kind, tally in seen.kinds.items() if kind != "ten"]
    if seen.column.role != "id" or not others:
        return None
    why = f"{seen.of('ten'):,} of {seen.total:,} ids are ten letters"
    return seen.sign("id_unusual", joined(others), why, lambda cell: kind_of(cell) != "ten")


def case_lost(seen: Seen) -> Sign | None:
    """Report ids if none mixes capitals and small letters: somebody handled them without regard to case."""
    ten: Tally | None = seen.kinds.get("ten")
    if ten is None or seen.column.role != "id" or seen.letters["both"]:
        return None
    lower, upper = seen.letters["lower"], seen.letters["upper"]
    if max(lower, upper) < _ENOUGH or min(lower, upper):
        return None
    why = f"all {ten.count:,} ids are in {'small letters' if lower else 'capitals'}"
    return seen.sign("id_case_lost", ten, why, lambda cell: kind_of(cell) == "ten")
