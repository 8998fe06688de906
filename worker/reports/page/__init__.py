"""`report.html`: one page about a run, in one file that opens offline and asks nobody for anything.

`Problems` gathers rows while the other reports are written, `gathered` reads what else the page shows from the journal,
`page_of` makes the text of the page from those values.
"""

from worker.reports.page.document import page_of
from worker.reports.page.gathering import gathered
from worker.reports.page.problems import Problems

__all__ = ["Problems", "gathered", "page_of"]
