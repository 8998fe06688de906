"""The record of a run: one SQLite file (WAL, synchronous=FULL). Reports are views of it.

`file` knows the tables, `history` reads them, `journal` writes them while a run is going on.
"""

from worker.journal.committer import Runner, WriterThread, inline
from worker.journal.reader import History, OpenAttempt, Process, RowHistories, RowOutcome, Settled
from worker.journal.records import Image, Planned
from worker.journal.schema import ANSWERED, CONFIRMED, PLAN, SAFE, JournalDamaged, JournalError, create
from worker.journal.writer import Counters, Journal

__all__ = [
    "ANSWERED",
    "CONFIRMED",
    "PLAN",
    "SAFE",
    "Counters",
    "History",
    "Image",
    "Journal",
    "JournalDamaged",
    "JournalError",
    "OpenAttempt",
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
