"""What a job remembers between its nights: what both sides agreed on, field by field."""

from worker.reconcile.folding import Folded, Run, fold
from worker.reconcile.gone import Named
from worker.reconcile.nights import Night, Nights
from worker.reconcile.store import FieldException, Memory, Target, Trouble
from worker.reconcile.tables import MemoryDamaged, MemoryMissing

__all__ = [
    "FieldException",
    "Folded",
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
]
