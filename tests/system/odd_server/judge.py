"""Tell what the store holds, or in what it differs from a copy.

`python -m tests.system.odd_server.judge STORE [COPY]`
"""

import json
import sys
from pathlib import Path

from tests.system.odd_server.store import Json


def differences(now: Json, before: Json, path: str = "") -> list[str]:
    """List each place in which two values differ."""
    if isinstance(now, dict) and isinstance(before, dict):
        return [
            line
            for key in sorted(now.keys() | before.keys())
            for line in differences(now.get(key, "(absent)"), before.get(key, "(absent)"), f"{path} > {key}")
        ]
    return [] if json.dumps(now) == json.dumps(before) else [f"{path}: {before!r} -> {now!r}"]


def main() -> None:
    """Print the store, or the differences."""
    now, *copies = [json.loads(Path(name).read_text(encoding="utf-8")) for name in sys.argv[1:3]]
    if copies:
        print("\n".join(differences(now, copies[0])) or "the same")
        return
    for kind, things in now.items():
        for thing in things.values():
            print(kind, json.dumps(thing, ensure_ascii=False))


if __name__ == "__main__":
    main()
