"""The page as a whole: its order, and its size."""

from typing import Final

from worker.reports.page import assets
from worker.reports.page.account import facts, proof
from worker.reports.page.change_table import changed
from worker.reports.page.elements import Markup, element, joined, page
from worker.reports.page.frame import subject
from worker.reports.page.gathering import Told
from worker.reports.page.result import causes, header, steps_shown
from worker.reports.page.rows import row_cells, table_of
from worker.reports.page.speed import course, delays_shown
from worker.reports.page.wording import outcome

MOST_BYTES: Final = 600_000
"""Bytes of a page at most, whatever it is about."""

_SPARE: Final = 2_000
"""Bytes that are left for what surrounds the rows."""


def page_of(told: Told) -> str:
    """Return the text of the page: `MOST_BYTES` at most, as long as the rows are what is long.

    Everything else is bounded by numbers of its own. Rows come last, as many as there is room for: one of each cause in
    turn, so that none is without an example.
    """
    before = joined((header(told), steps_shown(told), causes(told)))
    speed = course(told.timeline, told.summary.refused_429), delays_shown(told.delays)
    after = joined((changed(told), *speed, facts(told), proof(told)))
    head = assets.head(f"{subject(told)}: {outcome(told.summary)}")
    size = sum(len(part.html.encode()) for part in (head, before, after, table_of(told, ()), assets.script()))
    rows = _fitting(told, MOST_BYTES - _SPARE - size)
    main = element("main", before, table_of(told, rows), after, id="top")
    skip = element("a", "Skip to the result", href="#result", class_="skip")
    return page("en", head, element("body", skip, main, assets.script()))


def _fitting(told: Told, room: int) -> list[Markup]:
    """Return the rows of the table that there is room for, in bytes, in the order of the sheet."""
    numbers = {(group.reason, group.fields): at for at, group in enumerate(told.summary.groups)}
    kept: list[tuple[int, Markup]] = []
    for problem in told.problems:
        cells = row_cells(problem, numbers.get(problem.cause, -1))
        room -= len(cells.html.encode())
        if room < 0:
            break
        kept.append((problem.row, cells))
    return [cells for _, cells in sorted(kept, key=lambda each: each[0])]
