"""A server that is not the bottleneck: a raw asyncio protocol that confirms every PATCH.

Prints its port, and serves until its standard input closes.
"""

import asyncio
import sys

REPLY = (
    b'{"data":{"id":"%s","type":"%s","attributes":{"reference":null,"filler":"' + b"x" * 1000 + b'"},'
    b'"meta":{"mode":"test"}}}'
)  # about as long as the real one


class Echo(asyncio.Protocol):
    """HTTP/1.1 with keep-alive, just enough for a well-behaved client."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin with nothing."""
        self.transport = transport
        self.buffer = b""

    def data_received(self, data: bytes) -> None:
        """Answer every whole request with a success about the record in its path."""
        self.buffer += data
        while (end := self.buffer.find(b"\r\n\r\n")) >= 0:
            head = self.buffer[:end]
            mark = head.lower().find(b"content-length:")
            length = int(head[mark + 15 :].split(b"\r\n", 1)[0]) if mark >= 0 else 0
            if len(self.buffer) < end + 4 + length:
                return
            self.buffer = self.buffer[end + 4 + length :]
            kind, resource_id = head.split(b" ", 2)[1].rsplit(b"/", 2)[1:]
            body = REPLY % (resource_id, kind)
            self.transport.write(  # type: ignore[attr-defined]
                b"HTTP/1.1 200 OK\r\nContent-Type: application/vnd.api+json\r\nContent-Length: %d\r\n\r\n%s"
                % (len(body), body)
            )


async def main() -> None:
    """Serve."""
    loop = asyncio.get_running_loop()
    server = await loop.create_server(Echo, "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await loop.run_in_executor(None, sys.stdin.read)
    server.close()


asyncio.run(main())
