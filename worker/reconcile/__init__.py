"""What a job remembers between its nights: what both sides agreed on, field by field.

The memory is a view: it can be made again from the journals of the runs and the copies of their inputs.
"""

from worker.reconcile.folding import Folded, Run, fold
from worker.reconcile.gone import Named
from worker.reconcile.nights import Night, Nights
from worker.reconcile.rebuilding import KeptRun, rebuild
from worker.reconcile.store import FieldException, Memory, Target, Trouble
from worker.reconcile.tables import MemoryDamaged, MemoryMissing

__all__ = [
    "FieldException",
    "Folded",
    "KeptRun",
    "Memory",
    "MemoryDamaged",
    "MemoryMissing",
    "Named",
    "Night",
    "Nights",
    "Run",
    "Target",
    "Trouble",
    "fold",
    "rebuild",
]
