"""A faithful fake Commerce Layer on loopback, for demonstrations, tests and benchmarks.

It is stricter than the real API wherever that is not known, so that a client that satisfies it is on the safe side.
"""

from worker.sandbox.landing import canonical_text
from worker.sandbox.ledger import Entry
from worker.sandbox.oddities import Oddity
from worker.sandbox.resources import Resource
from worker.sandbox.seeding import TAG_NAMES, SeedError, seeded_id
from worker.sandbox.server import Sandbox, serve
from worker.sandbox.settings import SandboxSettings
from worker.sandbox.strange import Strange
from worker.sandbox.updates import LOCK_KEY

__all__ = [
    "LOCK_KEY",
    "TAG_NAMES",
    "Entry",
    "Oddity",
    "Resource",
    "Sandbox",
    "SandboxSettings",
    "SeedError",
    "Strange",
    "canonical_text",
    "seeded_id",
    "serve",
]
