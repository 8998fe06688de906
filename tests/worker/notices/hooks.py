"""A server that receives webhooks, on loopback."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Hooks(ThreadingHTTPServer):
    """Replies with each status in turn, with the last one from then on; 0 closes the connection instead."""

    def __init__(self, *statuses: int) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.statuses = list(statuses)
        self.seen: list[tuple[str, str, bytes]] = []
        self.url = f"http://127.0.0.1:{self.server_port}"


class _Handler(BaseHTTPRequestHandler):
    server: Hooks

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.seen.append((self.path, self.headers["Content-Type"], body))
        status = self.server.statuses.pop(0) if len(self.server.statuses) > 1 else self.server.statuses[0]
        if status:
            self.send_response(status)
            self.send_header("Location", f"{self.server.url}/elsewhere")
            self.send_header("Content-Length", "0" if status == 204 else "8")
            self.end_headers()
            self.wfile.write(b"" if status == 204 else b"a secret")
        self.close_connection = True

    def log_message(self, *_: object) -> None:
        pass


@contextmanager
def hooks(*statuses: int) -> Iterator[Hooks]:
    with Hooks(*statuses) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()
