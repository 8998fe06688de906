"""A server that is not the bottleneck: a raw asyncio protocol that confirms every PATCH and answers pages.

    python -m benchmarks.raw_server [--tls CERTIFICATE KEY] [--latency SECONDS] [--jitter SECONDS]

Prints its port, and serves until its standard input closes. `GET /_seen` returns how many PATCHes arrived since the
last such request, and the sum of the checksums of their bodies.
"""

import argparse
import asyncio
import json
import random
import ssl
import sys
import zlib
from typing import Final

from benchmarks.rows import FILLING

HEAD: Final = (
    b"HTTP/1.1 200 OK\r\nDate: Wed, 25 Nov 2026 12:00:00 GMT\r\nContent-Type: application/vnd.api+json\r\n"
    b"Cache-Control: max-age=0, private, must-revalidate\r\nX-Request-Id: 8a9c3f0e-7c1d-4b7e-9f0a-2d3c4b5a6978\r\n"
    b'ETag: W/"5d41402abc4b2a76b9719d911017c592"\r\nContent-Length: %d\r\n\r\n%s'
)

RECORD: Final = (
    b'{"data":{"id":"%s","type":"%s","links":{"self":"https://example.com/api/%s/%s"},"attributes":{%s,'
    + FILLING.encode()
    + b',"meta":{"mode":"test"}}}'
)
"""The reply to a PATCH: the attributes that were sent, among the others that such a record has."""

ONE: Final = (
    b'{"id":"%s","type":"%s","links":{"self":"https://example.com/api/%s/%s"},'
    b'"attributes":{"reference":"old","metadata":{"kept":"yes","batch":"2026-10"}},"meta":{"mode":"test"}}'
)
"""One record of a page, with the fields that were requested."""

WANTED: Final = b"filter[q][id_in]="
ATTRIBUTES: Final = b'"attributes":{'


class Seen:
    """The PATCHes that arrived since the last report."""

    patches = 0
    checksum = 0

    @classmethod
    def render(cls) -> bytes:
        """Render the counts as JSON, and reset them."""
        said = json.dumps({"patches": cls.patches, "checksum": cls.checksum & 0xFFFFFFFF}).encode()
        cls.patches = cls.checksum = 0
        return said


class Protocol(asyncio.Protocol):
    """HTTP/1.1 with keep-alive, just enough for a well-behaved client."""

    latency = 0.0
    jitter = 0.0
    transport: asyncio.Transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin with an empty buffer."""
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport
        self.buffer = b""

    def data_received(self, data: bytes) -> None:
        """Answer every request that has arrived completely."""
        self.buffer += data
        while (end := self.buffer.find(b"\r\n\r\n")) >= 0:
            head = self.buffer[:end]
            length = 0
            if not head.startswith(b"GET"):
                mark = head.lower().find(b"content-length:")
                length = int(head[mark + 15 :].split(b"\r\n", 1)[0]) if mark >= 0 else 0
            if len(self.buffer) < end + 4 + length:
                return
            body = self.buffer[end + 4 : end + 4 + length]
            self.buffer = self.buffer[end + 4 + length :]
            self.reply(answer(head, body))

    def reply(self, content: bytes) -> None:
        """Send a reply, at once or after the latency."""
        whole = HEAD % (len(content), content)
        if not self.latency:
            self.transport.write(whole)
            return
        extra = random.expovariate(1 / self.jitter) if self.jitter else 0.0
        asyncio.get_running_loop().call_later(self.latency + extra, self.transport.write, whole)


def answer(head: bytes, body: bytes) -> bytes:
    """Return the body of the reply to one request."""
    method, target, _ = head.split(b" ", 2)
    if method == b"PATCH":
        Seen.patches += 1
        Seen.checksum += zlib.crc32(body)
        kind, resource_id = target.rsplit(b"/", 2)[1:]
        return RECORD % (resource_id, kind, kind, resource_id, body[body.find(ATTRIBUTES) + len(ATTRIBUTES) : -3])
    if target == b"/_seen":
        return Seen.render()
    path, _, query = target.partition(b"?")
    kind, mark = path.rsplit(b"/", 1)[1], query.find(WANTED)
    ids = query[mark + len(WANTED) :].split(b"&", 1)[0].split(b",")
    return b'{"data":[%s]}' % b",".join([ONE % (each, kind, kind, each) for each in ids])


async def main() -> None:
    """Serve until standard input closes."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--tls", nargs=2)
    parser.add_argument("--latency", type=float, default=0.0)
    parser.add_argument("--jitter", type=float, default=0.0)
    options = parser.parse_args()
    Protocol.latency, Protocol.jitter = options.latency, options.jitter
    tls = None
    if options.tls:
        tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        tls.load_cert_chain(*options.tls)
    loop = asyncio.get_running_loop()
    server = await loop.create_server(Protocol, "127.0.0.1", 0, ssl=tls, backlog=1000)
    print(server.sockets[0].getsockname()[1], flush=True)
    await loop.run_in_executor(None, sys.stdin.read)
    server.close()


if __name__ == "__main__":
    asyncio.run(main())
