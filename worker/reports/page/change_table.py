"""The section about what changed, column by column."""

from typing import Final

from jobs.texts import counted
from worker.reports.page import charts
from worker.reports.page.changes import ColumnChanges
from worker.reports.page.elements import Markup, element, joined, text
from worker.reports.page.frame import scrolling, section
from worker.reports.page.gathering import Told

COLUMNS: Final = 30
"""Columns that are shown, the most changed first."""


def changed(told: Told) -> Markup:
    """Return the columns that changed, with old and new values; an empty text if nothing did."""
    if not told.columns:
        return joined(())
    shown, left = told.columns[:COLUMNS], len(told.columns) - COLUMNS
    heads = [element("th", name, scope="col") for name in ("Column", "Rows", "Old value and new value, for example")]
    body = [_changed(each, told.summary.rows) for each in shown]
    caption = element("caption", "Columns with the rows that changed in them", class_="unseen")
    table = element("table", caption, element("thead", element("tr", *heads)), element("tbody", *body))
    more = element("p", f"And {counted(left, 'more column')}.") if left > 0 else ""
    return section("changes", "What changed", scrolling(table, "What changed"), more)


def _changed(column: ColumnChanges, rows: int) -> Markup:
    pairs = [
        element("li", element("del", old or "(none)"), element("span", " became ", class_="arrow"), element("ins", new))
        for old, new in column.samples
    ]
    return element(
        "tr",
        element("th", element("bdi", text(column.name, 80)), scope="row"),
        element("td", f"{column.rows:,}", charts.level(min(column.rows, rows), rows)),
        element("td", element("ul", *pairs, class_="samples")),
    )
