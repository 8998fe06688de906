"""The rows that need somebody, as a table that can be filtered and sorted."""

from collections.abc import Sequence

from jobs.texts import counted, shortened
from worker.reports.page.elements import Markup, element, joined, text
from worker.reports.page.gathering import Told
from worker.reports.page.problems import CELL, SAID, Problem
from worker.reports.page.wording import NAMES

_COLUMNS = ("Row", "Record", "Status", "Where", "In the cell", "What happened")


def row_cells(problem: Problem, cause: int) -> Markup:
    """Return one row of the table; `cause` is the number of its cause on the page."""
    code, _ = problem.cause
    status = element("span", NAMES[problem.status][0], class_=f"badge {problem.status}")
    about = element("small", text(problem.field, CELL)) if problem.field else ""
    return element(
        "tr",
        element("td", f"{problem.row:,}"),
        element("td", _value(problem.record)),
        element("td", status, " ", element("small", code)),
        element("td", text(problem.place, CELL), " ", about),
        element("td", _value(problem.cell)),
        element("td", text(problem.said, SAID)),
        data_cause=cause,
        data_status=problem.status.value,
    )


def table_of(told: Told, rows: Sequence[Markup]) -> Markup:
    """Return the section with the rows; an empty text if nobody has to do anything."""
    if not told.total:
        return joined(())
    name = told.summary.failed_name
    if len(rows) == told.total:
        said = f"All {counted(told.total, 'row')} that need attention. The file {name} has the same, to be mended."
    else:
        said = (
            f"{len(rows):,} of {counted(told.total, 'row')} that need attention, spread over the causes."
            f" The file {name} beside this page has them all."
        )
    caption = element("caption", "Rows that need attention", class_="unseen")
    body = element("table", caption, _head(), element("tbody", joined(rows)), id="rows-table")
    return element(
        "section",
        element("h2", "Rows that need attention"),
        element("p", said),
        _controls(told),
        element("div", body, class_="scroll", tabindex=0, role="region", aria_label="Rows that need attention"),
        id="rows",
    )


def _head() -> Markup:
    cells = [element("th", element("button", name, type="button", disabled=True), scope="col") for name in _COLUMNS]
    return element("thead", element("tr", *cells))


def _controls(told: Told) -> Markup:
    """Return what filters and sorts the rows; hidden until the script that does it runs."""
    groups = told.summary.groups
    causes = [
        element("option", text(_cause(group.reason, group.fields), CELL), value=at) for at, group in enumerate(groups)
    ]
    statuses = [
        element("option", NAMES[status][0], value=status.value)
        for status in dict.fromkeys(group.status for group in groups)
    ]
    orders = [element("option", name, value=at) for at, name in enumerate(_COLUMNS)]
    return element(
        "form",
        _field("Search", element("input", type="search", id="search", autocomplete="off")),
        _field("Status", element("select", element("option", "all", value=""), *statuses, id="status")),
        _field("Cause", element("select", element("option", "all", value=""), *causes, id="cause")),
        _field("Sort by", element("select", *orders, id="order")),
        element("button", "Show all", type="reset", id="reset"),
        element("p", "", role="status", id="shown"),
        id="controls",
        hidden=True,
    )


def _field(name: str, control: Markup) -> Markup:
    return element("label", element("span", name), control)


def _cause(reason: str, fields: Sequence[str]) -> str:
    return f"{reason} ({shortened(', '.join(fields[:3]), 40)})" if fields else reason


def _value(value: str) -> Markup:
    """Return a value of the sheet; letters that run from right to left turn nothing beside them."""
    return element("bdi", text(value, CELL)) if value else joined(())
