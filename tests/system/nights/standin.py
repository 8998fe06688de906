"""A small program that stands in for the real one, right or wrong on purpose: so that the judge is judged."""

import asyncio
import csv
import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import astuple, dataclass
from pathlib import Path
from typing import Any, Final

from jobs.model import Status
from tests.system.nights.clockwork import loop
from tests.system.nights.histories import TABLE, Rules
from tests.system.nights.job import HEADERS
from tests.system.nights.oracle import (
    NOTHING,
    Clearing,
    Field,
    Memory,
    Ruling,
    Told,
    after_doubt,
    after_update,
    row_status,
)
from tests.system.nights.worlds import Shop, changed
from worker.notices.report import NightReport

FAULTS: Final = (
    "forgets what it found as wanted",
    "takes what it reports as agreed",
    "knows no doubt",
    "clears what it never set",
    "overwrites what drifted",
    "drops the keys of others",
    "sends what is not asked",
    "sends everything again",
    "tells a row too few",
    "tells drift as unchanged",
)
"""What a wrong one does."""


@dataclass(slots=True)
class StandIn:
    """A program for shops. `fault`: what is wrong with it; empty for one that is right."""

    shop: Shop
    rules: Rules
    fault: str = ""

    async def reconcile(self, recipe: Path, **_: Any) -> NightReport:
        """Run a night."""
        memory = _Memory(recipe.with_name("memory.json"))
        newest = max((recipe.parent / "exports").iterdir())
        with newest.open(encoding="utf-8", newline="") as stream:
            rows = {row["Key"]: row for row in csv.DictReader(stream)}
        told: Counter[Status] = Counter()
        seen: Counter[Told] = Counter()
        for key in self.shop.ids:
            rulings = await self._record(key, rows.get(key), memory)
            if key in rows:
                told[Status(row_status(rulings))] += 1
                seen.update({each.told for each in rulings.values()})
        if self.fault == "tells a row too few":
            told[Status.UNCHANGED] -= 1
        return NightReport(
            "items", "finished", 0, None, told, drifted=0 if "drift as" in self.fault else seen[Told.DRIFTED],
            kept=seen[Told.KEPT], overwritten=seen[Told.SENT_OVER], conflicts=seen[Told.CONFLICT],
            stored_otherwise=seen[Told.STORED_OTHERWISE],
        )  # fmt: skip

    async def _record(self, key: str, row: Mapping[str, str] | None, memory: "_Memory") -> dict[str, Ruling]:
        if row is not None:
            memory.seen(key)
        rulings, body = {}, {}
        live = self.shop.record(key)
        for name in self.shop.owned:
            asked = self._asked(name, row, is_known=memory.has_seen(key))
            if asked is None:
                continue
            shown = NOTHING if name == "pin" else live.get(name)
            known = memory.of(key, name)
            drift = "overwrite" if self.fault == "overwrites what drifted" else self.rules.drift_of(name)
            if self.fault == "clears what it never set" and asked[1]:
                asked = (None, None)
            ruling = rulings[name] = TABLE.rule(Field(asked[0], shown, known, drift, asked[1]))
            left = ruling.memory
            if self.fault == "forgets what it found as wanted" and ruling.told is Told.UNCHANGED:
                left = known
            if self.fault == "takes what it reports as agreed" and ruling.told is Told.DRIFTED:
                left = Memory(asked[0], shown)
            memory.put(key, name, left)
            if ruling.is_sent or (self.fault == "sends everything again" and asked[0] is not None):
                body[name] = asked[0]
        await self._send(key, body, memory)
        return rulings

    async def _send(self, key: str, body: Mapping[str, Any], memory: "_Memory") -> None:
        """Update a record, and remember: the doubt before, the agreement afterwards."""
        if not body:
            return
        live = self.shop.record(key)
        document: dict[str, Any] = {"metadata": self.shop.items[key].get("metadata") or {}}
        if self.fault == "drops the keys of others":
            document = {"metadata": {}}
        for name, value in body.items():
            document = changed(document, name, value) if "." in name else {**document, name: value}
            if self.fault != "knows no doubt":
                shown = NOTHING if name == "pin" else live.get(name)
                memory.put(key, name, after_doubt(memory.of(key, name), value, shown))
        if self.fault == "sends what is not asked":
            document["reference"] = "nobody asked"
        await self._point("an intent")
        self.shop._update(key, document)
        await self._point("an update")
        echo = self.shop.record(key)
        for name, value in body.items():
            memory.put(key, name, after_update(value, NOTHING if name == "pin" else echo.get(name)))
        await self._point("a result")

    async def _point(self, name: str) -> None:
        loop().on_point(name)
        await asyncio.sleep(0)

    def _asked(self, name: str, row: Mapping[str, str] | None, *, is_known: bool) -> tuple[Any, Clearing] | None:
        if row is None:
            return (None, "gone") if self.rules.missing == "clear" and is_known else None
        match row[HEADERS[name]]:
            case "":
                return (None, "empty") if self.rules.empty == "clear" else None
            case "<clear>":
                return None, None
            case cell:
                return cell, None


class _Memory:
    """A file of agreements, written after every change."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._known: dict[str, Any] = json.loads(path.read_text("utf-8")) if path.exists() else {}

    def of(self, key: str, name: str) -> Memory:
        """Return what is remembered of a field."""
        *known, is_undone = self._known.get(f"{key} {name}", [*[NOTHING] * 4, False])
        return Memory(*(NOTHING if each == NOTHING else each for each in known), is_undone=is_undone)

    def put(self, key: str, name: str, memory: Memory) -> None:
        """Remember it."""
        self._known[f"{key} {name}"] = astuple(memory)
        self._path.write_text(json.dumps(self._known), "utf-8")

    def seen(self, key: str) -> None:
        """Remember that there was a row for a record."""
        self._known[key] = True

    def has_seen(self, key: str) -> bool:
        """Return whether there ever was one."""
        return key in self._known
