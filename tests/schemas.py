"""Schemas for tests: the vendor's, and a small one that nobody has."""

from typing import Final

from jobs.apis.schema import Schema, load
from jobs.changes.diff import CompareRules

SCHEMA: Final = load("commercelayer")
TERMS: Final = CompareRules(SCHEMA)
"""Those of a run that merges."""

TOY: Final = Schema(
    {
        "boats": {
            "attributes": {
                "name": "string",
                "berth": "integer",
                "rig": {"type": "string", "enum": ["sloop_rigs", "ketch_rigs"]},
                "papers": "object",
                "extras": "object",
                "launched": "datetime",
                "pin": "string",
                "_launch": "boolean",
                "_paint": "boolean",
            },
            "relationships": {"harbour": {"types": ["harbours"], "many": False}},
        },
        "harbours": {"attributes": {"name": "string"}, "relationships": {"boats": {"types": ["boats"], "many": True}}},
    },
    merged="extras",
    replay_safe=frozenset({"_paint"}),
    hidden=("pin",),
)
"""Two types, an enum, two objects of which one is merged into, and nothing of how ids look or types are named."""
