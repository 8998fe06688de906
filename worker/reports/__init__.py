"""Reports: views of the journal beside the input, rebuilt at will.

`write` makes the files of a run directory, `render_summary` puts the same into words for the terminal.
"""

from worker.reports.summary import Group, Requests, Summary
from worker.reports.telling import render_summary
from worker.reports.writing import write

__all__ = ["Group", "Requests", "Summary", "render_summary", "write"]
