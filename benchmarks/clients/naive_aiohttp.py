"""What one writes in an afternoon: every row a task, a semaphore, results in a list, a file at the end.

python naive_aiohttp.py ORIGIN SHEET WORKERS RESULTS [--session-a-call]
"""

import asyncio
import csv
import json
import sys
from pathlib import Path

import aiohttp

HEADERS = {
    "Accept": "application/vnd.api+json",
    "Content-Type": "application/vnd.api+json",
    "Authorization": "Bearer x",
}


def encode(document: object) -> str:
    """Encode a document exactly as the other clients do."""
    return json.dumps(document, separators=(",", ":"))


async def update(session: aiohttp.ClientSession, origin: str, row: dict[str, str]) -> dict[str, str]:
    """Send one row and say what became of it."""
    attributes = {
        "reference": row["reference"],
        "metadata": {"batch": row["metadata.batch"], "cost_centre": row["metadata.cost_centre"]},
    }
    document = {"data": {"type": "stripe_payments", "id": row["id"], "attributes": attributes}}
    url = f"{origin}/api/stripe_payments/{row['id']}"
    async with session.patch(url, json=document) as response:
        told = await response.json(content_type=None)
        good = response.ok and told["data"]["id"] == row["id"]
        return {"status": "ok" if good else "failed", "http": str(response.status), **row}


async def main(origin: str, rows: list[dict[str, str]], workers: int, *, session_a_call: bool) -> list[dict[str, str]]:
    """Send all rows."""
    semaphore = asyncio.Semaphore(workers)
    timeout = aiohttp.ClientTimeout(total=30)

    def session() -> aiohttp.ClientSession:
        return aiohttp.ClientSession(headers=HEADERS, timeout=timeout, json_serialize=encode)

    async with session() as shared:

        async def one(row: dict[str, str]) -> dict[str, str]:
            async with semaphore:
                if not session_a_call:
                    return await update(shared, origin, row)
                async with session() as own:
                    return await update(own, origin, row)

        return await asyncio.gather(*(one(row) for row in rows))


with Path(sys.argv[2]).open(newline="", encoding="utf-8") as file:
    sheet = list(csv.DictReader(file))
found = asyncio.run(main(sys.argv[1], sheet, int(sys.argv[3]), session_a_call="--session-a-call" in sys.argv))
with Path(sys.argv[4]).open("w", newline="", encoding="utf-8") as file:
    writer = csv.DictWriter(file, found[0].keys())
    writer.writeheader()
    writer.writerows(found)
