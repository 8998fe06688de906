"""Puts a sheet before the hostile server: the real `Run`, over real sockets, in virtual time."""

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

from pydantic import SecretStr

from tests import virtual_time
from tests.system.hostile.server import Server, serving
from tests.system.hostile.truth import Record
from tests.system.scenarios.harness import Case, Story, sheet, work
from worker.settings import Attempts, Pacing, Secrets, Stopping

SAFE: Final = "stripe_payments"
TRIGGER: Final = "orders"

CASE: Final = Case(
    "",
    type="",
    pacing=Pacing(concurrency=1, rate=((1, 0.1),), headroom=0, discover=False),
    attempts=Attempts(max_attempts=2, throttles=3, timeout=1.0, base=0.01, cap=0.1),
    stopping=Stopping(canary=0),
    blind=False,
    metadata="merge",
    allow_triggers=("_capture",),
)
"""One row at a time, 0.1 s apart, so that what an evil leaves behind on a connection is there before the next row."""

Runner = Callable[[Coroutine[Any, Any, Story]], Story]


@dataclass(frozen=True, slots=True)
class Row:
    """A row of the sheet: a new reference, and more where its type is not `SAFE`. `was` is what the record holds."""

    id: str
    kind: str = SAFE
    tag: str = ""
    was: str | None = None
    value: str = ""

    @property
    def wanted(self) -> str:
        """The reference it asks for."""
        return self.value or f"new-{self.id}"

    @property
    def replay_safe(self) -> bool:
        return self.kind == SAFE

    def cells(self) -> dict[str, str]:
        trigger = "true" if not self.replay_safe and not self.tag else ""
        return {"id": self.id, "type": self.kind, "reference": self.wanted, "_capture": trigger, "tags.add": self.tag}


def key(number: int) -> str:
    """A made-up id that looks like one of the API: ten letters."""
    digits = (number // 26**place % 26 for place in range(9, -1, -1))
    return "".join(chr(ord("A") + digit) for digit in digits)


async def _nothing(_: Server) -> None:
    """The server is left alone."""


def perform(
    case: Case,
    rows: Sequence[Row],
    server: Server,
    directory: Path,
    *,
    run: Runner = virtual_time.run,
    meanwhile: Callable[[Server], Coroutine[Any, Any, None]] = _nothing,
) -> Story:
    """Apply the rows; the server's truth tells afterwards what happened."""
    for row in rows:
        server.truth.records.setdefault(row.id, Record(row.was))
    case = replace(case, sheet=sheet(row.cells() for row in rows))

    async def scene() -> Story:
        async with serving(server) as there, asyncio.TaskGroup() as beside:
            task = beside.create_task(meanwhile(there))
            story = await work(case, directory, there.url, Secrets(token=SecretStr("made-up")))
            task.cancel()
            return story

    return run(scene())
