"""A door in front of a stranger: it counts what passes, and lets somebody else write right before an update."""

import http.client
import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Final, Self
from urllib.parse import quote, urlsplit

UPDATES: Final = frozenset({"PATCH", "PUT", "POST"})
HOPS: Final = frozenset({"connection", "keep-alive", "transfer-encoding", "content-length", "host"})


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, *_: object) -> None:
        """Say nothing: the client was killed, or an answer was lost on purpose."""


@dataclass(frozen=True, slots=True)
class Passed:
    """A request that was answered: when it began and ended, and the seconds of a `Backoff` header, if any."""

    method: str
    status: int
    began: float
    ended: float
    backoff: float = 0.0


@dataclass(slots=True)
class Gate:
    """A reverse proxy on loopback, in threads of this process. Leaving the block closes it.

    Attributes:
        port: of the stranger.
        passed: every request that was answered.
        loses: of how many updates one is done without an answer; 0 for none.
        before: by record id, what happens once, right before the next update of that record arrives.
    """

    port: int
    passed: list[Passed] = field(default_factory=list)
    loses: int = 0
    before: dict[str, Callable[[], None]] = field(default_factory=dict)
    _server: _Server | None = None

    def __enter__(self) -> Self:
        self._server = _Server(("127.0.0.1", 0), type("Handler", (_Handler,), {"door": self}))
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._server:
            self._server.shutdown()
            self._server.server_close()

    @property
    def url(self) -> str:
        """Return the origin that clients use."""
        if self._server is None:
            raise RuntimeError("the gate is not open")
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def updates(self) -> int:
        """Return how many updates were answered so far, whatever the answer."""
        return sum(each.method in UPDATES for each in self.passed)

    def counted(self) -> str:
        """Return how many requests had which method and status."""
        counts = Counter(f"{each.method} {each.status}" for each in self.passed)
        return f"{len(self.passed)} requests: " + ", ".join(
            f"{count} x {name}" for name, count in sorted(counts.items())
        )

    def hasty(self, grace_s: float = 0.15) -> int:
        """Return how many requests began while a `Backoff` told earlier was still to be kept."""
        told = [(each.ended + grace_s, each.ended + each.backoff - grace_s) for each in self.passed if each.backoff]
        return sum(any(start < each.began < end for start, end in told) for each in self.passed)

    def rival(self, path: str) -> Callable[[], None] | None:
        """Take out what is to happen before an update of this path."""
        last = urlsplit(path).path.rstrip("/").rsplit("/", 1)[-1]
        found = next((each for each in self.before if quote(each, safe="") == last), None)
        return self.before.pop(found) if found else None


class _Handler(BaseHTTPRequestHandler):
    door: Gate
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    timeout = 60

    def _forward(self) -> None:
        began = time.monotonic()
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        rival = self.door.rival(self.path) if self.command in UPDATES else None
        if rival:
            rival()
        back = http.client.HTTPConnection("127.0.0.1", self.door.port, timeout=60)
        try:
            headers = {name: value for name, value in self.headers.items() if name.lower() not in HOPS}
            back.request(self.command, self.path, body or None, headers)
            reply = back.getresponse()
            text = reply.read()
        finally:
            back.close()
        backoff = float(reply.headers.get("Backoff") or 0)
        self.door.passed.append(Passed(self.command, reply.status, began, time.monotonic(), backoff))
        if self.door.loses and self.command in UPDATES and self.door.updates() % self.door.loses == 0:
            self.close_connection = True
        else:
            self._answer(reply, text)

    def _answer(self, reply: http.client.HTTPResponse, text: bytes) -> None:
        lines = [f"HTTP/1.1 {reply.status} {reply.reason}"]
        lines += [f"{name}: {value}" for name, value in reply.getheaders() if name.lower() not in HOPS]
        lines.append(f"Content-Length: {len(text)}")
        try:
            self.wfile.write("\r\n".join([*lines, "", ""]).encode("latin-1") + text)
        except OSError:  # the client was killed
            self.close_connection = True

    do_GET = do_PATCH = do_PUT = do_POST = _forward  # noqa: N815

    def log_message(self, *_: object) -> None:
        """Say nothing."""
