"""The record of a run: one SQLite file (WAL, synchronous=FULL). Reports are views of it.

`schema` knows the tables, `reader` reads them, `writer` writes them while a run is going on.
"""

from worker.journal.committer import Runner, WriterThread, inline
from worker.journal.reader import History, OpenAttempt, Process, RowHistories, RowOutcome, Settled
from worker.journal.records import Activity, Image, PaceMark, Planned
from worker.journal.schema import ANSWERED, CONFIRMED, PLAN, SAFE, VERSION, WHO, JournalDamaged, JournalError, create
from worker.journal.writer import Counters, Journal

__all__ = [
    "ANSWERED",
    "CONFIRMED",
    "PLAN",
    "SAFE",
    "VERSION",
    "WHO",
    "Activity",
    "Counters",
    "History",
    "Image",
    "Journal",
    "JournalDamaged",
    "JournalError",
    "OpenAttempt",
    "PaceMark",
    "Planned",
    "Process",
    "RowHistories",
    "RowOutcome",
    "Runner",
    "Settled",
    "WriterThread",
    "create",
    "inline",
]
