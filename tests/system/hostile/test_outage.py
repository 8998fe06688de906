"""A server that is gone for a minute in mid-run: probed rather than hammered, noticed soon, and no row told wrongly."""

import asyncio
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from jobs.model import Status
from tests.commerce_layer import COMMERCE_LAYER
from tests.system.hostile.acts import cut, refuses, silent
from tests.system.hostile.judge import judge
from tests.system.hostile.server import Act, Crime, Server
from tests.system.hostile.stage import CASE, Row, key, perform
from tests.system.hostile.truth import Asked
from worker.settings import Pacing

GONE, BACK = 30.0, 90.0
"""Seconds from the start between which nothing works."""

ROWS = [Row(key(number)) for number in range(600)]
CALM = replace(CASE, pacing=Pacing(rate=((5, 1.0),), headroom=0, discover=False))
"""Five rows a second: two minutes of work, and one of outage."""

KINDS: dict[str, Act | None] = {
    "refused": None,  # nobody listens: see `absence`
    "reset": cut("nothing", "reset"),
    "503": refuses(503),
    "silence": silent,
}


def troubled(act: Act | None) -> Server:
    """A server that does this to every request as long as the outage lasts."""

    def crime(_: Asked, _nth: int) -> Crime | None:
        away = GONE <= asyncio.get_running_loop().time() < BACK
        return Crime("outage", act) if act is not None and away else None

    return Server(crime=crime, latency=lambda: 0.02)


async def absence(server: Server) -> None:
    """Nobody listens any more; then somebody does again, at the same address."""
    await asyncio.sleep(GONE)
    assert server.listener is not None
    server.listener.close()
    server.drop_all()
    await asyncio.sleep(BACK - GONE)
    port = urlsplit(server.url).port
    async with await asyncio.start_server(server.handle, "127.0.0.1", port):
        await asyncio.sleep(3600)


async def presence(_: Server) -> None:
    """Somebody listens all the time."""


@pytest.mark.parametrize("blind", [True, False], ids=["blind", "first"])
@pytest.mark.parametrize("kind", KINDS)
def test_an_outage_costs_few_requests_and_is_over_ten_seconds_after_its_end(
    kind: str, blind: bool, place: Path
) -> None:
    server = troubled(KINDS[kind])
    story = perform(
        replace(CALM, blind=blind), ROWS, server, place, meanwhile=absence if kind == "refused" else presence
    )
    truth, requests = server.truth, story.summary.requests
    assert story.ended.state == "finished"
    assert judge(ROWS, story.results, truth) == []
    assert story.counts.keys() <= {Status.APPLIED, Status.UNKNOWN, Status.FAILED}
    assert story.counts[Status.APPLIED] >= len(ROWS) - 30  # a page that could not be read is told as failed
    assert "lookup_failed" not in {result.reason for result in story.results}  # a page waits until it can be read
    assert requests.patch + requests.get <= 1.2 * (len(ROWS) + (0 if blind else len(ROWS) // COMMERCE_LAYER.page))
    assert min(seen.at for seen in truth.ledger if seen.applied and seen.at >= BACK) < BACK + 10
    assert story.summary.elapsed_s < 120 + (BACK - GONE) + 15
    probes = [seen.at for seen in truth.ledger if seen.method == "PATCH" and GONE + 10 <= seen.at < BACK]
    assert len(probes) <= 20
    assert all(late - early >= 0.25 for early, late in pairwise(probes))
