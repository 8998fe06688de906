"""The yardstick: distinct PATCHes over one tuned aiohttp session, nothing recorded, nothing checked.

python bare_aiohttp.py ORIGIN ROWS WORKERS [--uvloop]
"""

import asyncio
import sys

import aiohttp
from yarl import URL


async def main(origin: str, rows: int, workers: int) -> None:
    """Send `rows` PATCHes with `workers` tasks over a shared iterator."""
    numbers = iter(range(rows))
    headers = {
        "Accept": "application/vnd.api+json",
        "Content-Type": "application/vnd.api+json",
        "Authorization": "Bearer x",
    }
    session = aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(limit=workers),
        cookie_jar=aiohttp.DummyCookieJar(),
        timeout=aiohttp.ClientTimeout(total=None),
        headers=headers,
    )

    async def work() -> None:
        for number in numbers:
            body = (
                b'{"data":{"type":"stripe_payments","id":"id%08d","attributes":{"reference":"ref-%08d",'
                b'"metadata":{"batch":"2026-11","cost_centre":"007"}}}}' % (number, number)
            )
            url = URL(f"{origin}/api/stripe_payments/id{number:08d}", encoded=True)
            async with session.patch(url, data=body, allow_redirects=False) as response:
                await response.read()
                if not response.ok:
                    raise RuntimeError(response.status)

    async with session:
        await asyncio.gather(*(work() for _ in range(workers)))


if "--uvloop" in sys.argv:
    import uvloop

    uvloop.run(main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3])))
else:
    asyncio.run(main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3])))
