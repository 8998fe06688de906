"""Schemas for tests: the vendor's, and a small one that nobody has."""

from typing import Final

from jobs.apis.described.schema import schema_of
from jobs.apis.description.model import Description
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

DESCRIBED: Final = Description.model_validate(
    {
        "name": "desk",
        "base_url": "https://{subdomain}.example.com",
        "resources": {
            "tickets": {
                "path": "/tickets/{id}.json",
                "find": {"by": ("external_id", "email"), "path": "/search"},
                "fields": {
                    "priority": {"type": "text", "enum": ("low", "high")},
                    "level": {"enum": (1, 2)},
                    "count": {"type": "int", "clear": "never"},
                    "solved": {"type": "bool"},
                    "due": {"type": "date"},
                    "starts_at": {"type": "datetime"},
                    "tags": {"type": "set"},
                    "watchers": {"type": "set", "of": "int"},
                    "sizes": {"type": "list", "of": "float"},
                    "colours": {"type": "list", "enum": ("red", "blue")},
                    "custom_fields": {"type": "keyed", "key": "id:int", "value": "value"},
                    "metadata": {"type": "map"},
                    "metadata.rank": {"type": "int"},
                    "address": {"type": "object"},
                    "address.zip": {"type": "text"},
                    "address.moved_at": {"type": "datetime"},
                    "address.lines": {"type": "list"},
                    "address.marks": {"type": "set"},
                    "address.pin": {"write_only": True},
                    "address.kind": {"enum": ("home", "work")},
                    "address.id": {"read_only": True},
                    "blob": {"type": "json"},
                    "url": {"type": "text", "read_only": True},
                    "secret": {"write_only": True},
                    "close": {"type": "bool", "action": True},
                    "type": {"type": "text"},
                },
            },
            "issues": {
                "path": "/repos/{owner}/{repo}/issues/{number}",
                "find": {"by": ("slug",), "path": "/issues"},
            },
            "people": {"path": "/people/{email:lower:md5}", "fields": {"*": {"type": "text"}}},
        },
    },
    strict=False,
)
DESK: Final = schema_of(DESCRIBED, {"owner": "acme"})
"""A described API with a field of every kind, and keys of one, of several and of transformed variables."""
