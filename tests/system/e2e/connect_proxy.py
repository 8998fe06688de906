"""A proxy on a thread: it tunnels, forwards plain http, and remembers what it was asked."""

import select
import socket
import socketserver
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

_HEAD = 65536


@dataclass
class Proxy:
    """A running proxy.

    Attributes:
        answer: status line and headers of what it says to every request instead of serving it; empty to serve.
        heads: head of every request, as it came.
    """

    url: str
    answer: bytes = b""
    heads: list[str] = field(default_factory=list)


@contextmanager
def connect_proxy(certificate: Path | None = None) -> Iterator[Proxy]:
    """Serve until the block ends; by TLS, on the name `localhost`, with a `certificate`."""

    class Handler(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            client: socket.socket = self.request
            head = b""
            while b"\r\n\r\n" not in head and (data := client.recv(_HEAD)):
                head += data
            if not head:
                return
            proxy.heads.append(head.decode("latin-1").partition("\r\n\r\n")[0])
            if proxy.answer:
                client.sendall(proxy.answer + b"Content-Length: 0\r\nConnection: close\r\n\r\n")
                return
            method, target, _ = head.split(b" ", 2)
            place = urlsplit(target.decode() if method != b"CONNECT" else f"//{target.decode()}")
            with socket.create_connection((place.hostname, place.port)) as server:
                if method == b"CONNECT":
                    client.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
                else:
                    server.sendall(head.replace(target, target.partition(place.netloc.encode())[2], 1))
                _pump(client, server)

    class Server(socketserver.ThreadingTCPServer):
        daemon_threads = True
        allow_reuse_address = True

        def handle_error(self, request: object, client_address: object) -> None:
            """A client that goes away is the test's business."""

    server = Server(("127.0.0.1", 0), Handler)
    port = server.server_address[1]
    if certificate is not None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate)
        server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    proxy = Proxy(f"https://localhost:{port}" if certificate else f"http://127.0.0.1:{port}")
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield proxy
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def _pump(one: socket.socket, other: socket.socket) -> None:
    """Copy both ways until one of them ends."""
    towards = {one: other, other: one}
    while True:
        ready: list[socket.socket] = [each for each in towards if isinstance(each, ssl.SSLSocket) and each.pending()]
        ready = ready or select.select(list(towards), [], [], 10)[0]
        for source in ready:
            if not (data := source.recv(_HEAD)):
                return
            towards[source].sendall(data)
        if not ready:
            return
