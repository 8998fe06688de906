"""A sandbox on a thread of its own, for tests that call the program in this process."""

import asyncio
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import NamedTuple

from tests.system.e2e.program import Server
from worker.sandbox import Resource, SandboxSettings, serve


class Served(NamedTuple):
    """A running sandbox. Look at its resources when no request is under way."""

    url: str
    token: str
    resources: Mapping[str, Mapping[str, Resource]]


def server_of(served: Served) -> Server:
    """Return the sandbox as a desk takes it, without client credentials."""
    return Server(served.url, served.token, "", "")


@contextmanager
def sandbox_in_thread(settings: SandboxSettings) -> Iterator[Served]:
    """Serve until the block ends."""
    ready = threading.Event()
    box: list[Served] = []
    loop = asyncio.new_event_loop()
    done = asyncio.Event()

    async def main() -> None:
        async with serve(settings) as sandbox:
            box.append(Served(sandbox.url, sandbox.token, sandbox.resources))
            ready.set()
            await done.wait()

    thread = threading.Thread(target=lambda: loop.run_until_complete(main()), name="sandbox")
    thread.start()
    try:
        assert ready.wait(10)
        yield box[0]
    finally:
        loop.call_soon_threadsafe(done.set)
        thread.join(10)
        loop.close()
