"""Pace in real time: the command line against small servers on loopback, as a table.

    python -m tests.system.pace.real [--runs 5] [NAME ...]

Each server enforces what a scenario file of that name says, refuses with a bare 429, and takes its time there and back.
The share is the time that a client needs who knows every limit, divided by the time from the first update to the last.
"""

import argparse
import asyncio
import json
import os
import statistics
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from aiohttp import web

from jobs.apis.documents import MEDIA_TYPE
from jobs.model import Reply
from tests.system.pace.scenario import read
from tests.system.pace.server import Server, Service, least_time

SITUATIONS = (
    "untold_beside_told",
    "untold_two_seconds",
    "untold_two_seconds_penalty",
    "untold_two_seconds_approximate",
)
TIMEOUT = 300.0
"""Seconds that one run may take."""


@dataclass(frozen=True, slots=True)
class Measured:
    """What came of one run: rows applied, updates refused, and the share of the least time in per cent."""

    applied: int
    refused: int
    share: float


def served(server: Server, seed: int) -> tuple[web.Application, Service]:
    """The scenario's server behind HTTP: every record exists, and every update that is let through is echoed."""
    service = Service(server, seed)

    async def patch(request: web.Request) -> web.Response:
        sent = await request.json()
        reply = await service.request()
        assert isinstance(reply, Reply)
        told = {"data": sent["data"]} if reply.status == 200 else {"errors": []}
        return web.json_response(told, status=reply.status, headers=dict(reply.headers), content_type=MEDIA_TYPE)

    app = web.Application()
    app.router.add_patch("/api/{type}/{id}", patch)
    return app, service


async def measured(name: str, seed: int) -> Measured:
    """Apply a sheet with the command line, without reading first."""
    scenario = read(name)
    app, service = served(scenario.server, seed)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    port = runner.addresses[0][1]
    try:
        with tempfile.TemporaryDirectory() as place:
            applied = await _apply(Path(place), f"http://127.0.0.1:{port}", scenario.work.requests)
    finally:
        await runner.cleanup()
    ledger = service.ledger
    took = max(entry.answered for entry in ledger) - min(entry.sent for entry in ledger)
    least = least_time(scenario.server, scenario.work.requests) + scenario.server.latency.mean(1)
    return Measured(applied, sum(entry.status == 429 for entry in ledger), 100 * least / took)


async def _apply(place: Path, url: str, rows: int) -> int:
    sheet = place / "sheet.csv"
    sheet.write_text("id,name\n" + "".join(f"aaaaaa{row:04},new\n" for row in range(rows)), encoding="utf-8")
    told = {"ROWPATCH_TOKEN": "a-token-of-nobody", "XDG_STATE_HOME": str(place / "state")}
    arguments = [
        "-c", "import sys; from worker.cli import main; sys.exit(main())",
        "apply", str(sheet), "--type", "skus", "--url", url, "--run-dir", str(place / "run"),
        "--blind", "--headroom", "0", "--no-progress",
    ]  # fmt: skip
    quiet = asyncio.subprocess.DEVNULL
    process = await asyncio.create_subprocess_exec(
        sys.executable, *arguments, env={**os.environ, **told}, stdout=quiet, stderr=quiet
    )
    try:
        await asyncio.wait_for(process.wait(), TIMEOUT)
    finally:
        if process.returncode is None:
            process.kill()
    summary = json.loads((place / "run" / "summary.json").read_text(encoding="utf-8"))
    return int(summary["counts"].get("applied", 0))


def main() -> int:
    """Print a row for each situation; 1 when a row of a sheet was not applied."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("names", nargs="*", default=SITUATIONS)
    asked = parser.parse_args()
    lost = 0
    sys.stdout.write("| Situation | refused | share of the ideal | each run |\n| --- | ---: | ---: | --- |\n")
    for name in asked.names:
        runs = [asyncio.run(measured(name, seed)) for seed in range(1, asked.runs + 1)]
        lost += sum(run.applied != read(name).work.requests for run in runs)
        refused, share = (statistics.median(of) for of in ([run.refused for run in runs], [run.share for run in runs]))
        each = ", ".join(f"{run.refused} / {run.share:.0f} %" for run in runs)
        sys.stdout.write(f"| `{name}` | {refused:.0f} | {share:.0f} % | {each} |\n")
        sys.stdout.flush()
    return 1 if lost else 0


if __name__ == "__main__":
    sys.exit(main())
