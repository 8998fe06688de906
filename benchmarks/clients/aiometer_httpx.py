"""aiometer as its documentation shows it, with httpx.

python aiometer_httpx.py ORIGIN ROWS WORKERS
"""

import asyncio
import sys
from functools import partial

import aiometer
import httpx
from rows import body, path

HEADERS = {
    "Accept": "application/vnd.api+json",
    "Content-Type": "application/vnd.api+json",
    "Authorization": "Bearer x",
}


async def send(client: httpx.AsyncClient, number: int) -> int:
    """Send one row; its status."""
    response = await client.patch(path(number), content=body(number))
    response.raise_for_status()
    return response.status_code


async def main(origin: str, rows: int, workers: int) -> None:
    """Send all rows."""
    limits = httpx.Limits(max_connections=workers, max_keepalive_connections=workers)
    async with httpx.AsyncClient(base_url=origin, headers=HEADERS, limits=limits, timeout=30) as client:
        await aiometer.run_on_each(partial(send, client), range(rows), max_at_once=workers)


asyncio.run(main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3])))
