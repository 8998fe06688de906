"""The sandbox's faults on a real connection, and its state across restarts."""

import asyncio
import json
import sqlite3
import time
from collections import Counter
from contextlib import suppress
from pathlib import Path

import aiohttp
import pytest

from worker.sandbox import Entry, Sandbox, SandboxSettings, seeded_id, serve
from worker.sandbox.jsonapi import JSON

MEDIA = "application/vnd.api+json"
ROWS = 150


async def patch(session: aiohttp.ClientSession, sandbox: Sandbox, index: int) -> str:
    """One update of its own record, and what the client sees of it."""
    key = seeded_id("stripe_payments", index)
    body = json.dumps({"data": {"type": "stripe_payments", "id": key, "attributes": {"reference": str(index)}}})
    headers = {"Authorization": f"Bearer {sandbox.token}", "Accept": MEDIA, "Content-Type": MEDIA}
    url = f"{sandbox.url}/api/stripe_payments/{key}"
    try:
        async with session.patch(url, data=body, headers=headers) as reply:
            await reply.read()
            return str(reply.status)
    except aiohttp.ClientPayloadError:
        return "lost"
    except aiohttp.ClientOSError:
        return "reset"


async def story(faults: float) -> tuple[list[str], list[Entry], dict[str, JSON]]:
    settings = SandboxSettings(seed=(f"stripe_payments={ROWS}",), faults=faults)
    async with serve(settings) as sandbox, aiohttp.ClientSession() as session:
        seen = [await patch(session, sandbox, index) for index in range(ROWS)]
        final = {key: record.attributes["reference"] for key, record in sandbox.resources["stripe_payments"].items()}
        return seen, sandbox.ledger, final


SEEN_BY_FAULT = {
    "": "200",
    "500-before": "500",
    "503-before": "503",
    "500-after": "500",
    "reset-before": "reset",
    "reset-after": "reset",
    "lost-after": "lost",
}
SENT = {"200": 200, "500": 500, "503": 503, "reset": 0, "lost": 200}


async def test_each_fault_looks_as_it_should_and_the_ledger_tells_the_truth() -> None:
    seen, ledger, final = await story(0.7)
    assert set(SEEN_BY_FAULT) == {entry.fault for entry in ledger}
    assert [SEEN_BY_FAULT[entry.fault] for entry in ledger] == seen
    for index, entry in enumerate(ledger):
        assert entry.applied == (not entry.fault.endswith("before"))
        assert final[entry.id] == (str(index) if entry.applied else None)
        assert entry.status == SENT[seen[index]]


async def test_faults_come_about_as_often_as_asked_and_in_equal_parts() -> None:
    _, ledger, _ = await story(1.0)
    counts = Counter(entry.fault for entry in ledger)
    assert len(counts) == 6
    assert min(counts.values()) > ROWS / 6 / 2
    _, quiet, _ = await story(0.0)
    assert {entry.fault for entry in quiet} == {""}


async def test_reads_meet_server_errors_and_resets_before_they_are_looked_at() -> None:
    settings = SandboxSettings(seed=("stripe_payments=1",), faults=0.5)
    async with serve(settings) as sandbox, aiohttp.ClientSession() as session:
        headers = {"Authorization": f"Bearer {sandbox.token}"}
        for _ in range(60):
            with suppress(aiohttp.ClientOSError):  # by then the client has sent it a second time of its own accord
                await session.get(f"{sandbox.url}/api/stripe_payments", headers=headers)
        told = {(entry.fault, entry.status) for entry in sandbox.ledger}
        assert told == {("", 200), ("500-before", 500), ("reset-before", 0)}


async def test_a_server_error_has_an_html_body_or_none() -> None:
    settings = SandboxSettings(seed=("stripe_payments=1",), faults=1.0)
    bodies = set()
    async with serve(settings) as sandbox, aiohttp.ClientSession() as session:
        headers = {"Authorization": f"Bearer {sandbox.token}"}
        for _ in range(30):
            try:
                async with session.get(f"{sandbox.url}/api/stripe_payments", headers=headers) as reply:
                    bodies.add((await reply.text())[:9])
            except aiohttp.ClientOSError:
                continue
    assert bodies == {"", "<!DOCTYPE"}


async def test_latency_is_spent_on_the_way_and_requests_overlap() -> None:
    settings = SandboxSettings(seed=("stripe_payments=20",), latency=0.01)
    loop = asyncio.get_running_loop()
    async with serve(settings) as sandbox, aiohttp.ClientSession() as session:
        started = loop.time()
        assert set(await asyncio.gather(*(patch(session, sandbox, index) for index in range(20)))) == {"200"}
        assert 0.01 < loop.time() - started < 1.0
        arrivals = [entry.at - started for entry in sandbox.ledger]
        assert arrivals == sorted(arrivals)


async def test_resources_and_ledger_survive_a_restart(tmp_path: Path) -> None:
    settings = SandboxSettings(seed=("stripe_payments=3",), state=tmp_path / "state.sqlite3")
    async with serve(settings) as sandbox, aiohttp.ClientSession() as session:
        assert await patch(session, sandbox, 1) == "200"
        before = sandbox.resources, sandbox.ledger
    async with serve(settings) as sandbox, aiohttp.ClientSession() as session:
        assert (sandbox.resources, sandbox.ledger) == before
        assert await patch(session, sandbox, 2) == "200"
        assert [entry.n for entry in sandbox.ledger] == [1, 2]


async def test_each_request_is_in_the_state_file_before_its_reply_leaves(tmp_path: Path) -> None:
    settings = SandboxSettings(seed=("stripe_payments=1",), state=tmp_path / "state.sqlite3")
    async with serve(settings) as sandbox, aiohttp.ClientSession() as session:
        await patch(session, sandbox, 0)
        reader = sqlite3.connect(tmp_path / "state.sqlite3")
        (count,) = reader.execute("SELECT count(*) FROM ledger").fetchone()
        reader.close()
        assert count == 1


async def test_a_request_that_breaks_off_never_happened(caplog: pytest.LogCaptureFixture) -> None:
    async with serve(SandboxSettings(seed=("stripe_payments=1",))) as sandbox, aiohttp.ClientSession() as session:
        _, writer = await asyncio.open_connection("127.0.0.1", int(sandbox.url.rpartition(":")[2]))
        writer.write(b"PATCH /api/orders/x HTTP/1.1\r\nHost: sandbox\r\nContent-Length: 100\r\n\r\n{")
        await writer.drain()
        writer.transport.abort()
        assert await patch(session, sandbox, 0) == "200"
        assert [entry.type for entry in sandbox.ledger] == ["stripe_payments"]
    assert not caplog.records


async def test_a_taken_port_is_refused() -> None:
    async with serve(SandboxSettings()) as sandbox:
        second = serve(SandboxSettings(), int(sandbox.url.rpartition(":")[2]))
        with pytest.raises(OSError, match="in use"):
            await second.__aenter__()


async def test_it_serves_more_than_five_hundred_updates_a_second_beside_its_client() -> None:
    settings = SandboxSettings(seed=(f"stripe_payments={ROWS}",))
    async with serve(settings) as sandbox, aiohttp.ClientSession() as session:
        started = time.process_time()
        for _ in range(4):
            await asyncio.gather(*(patch(session, sandbox, index) for index in range(ROWS)))
        assert time.process_time() - started < 4 * ROWS / 500
