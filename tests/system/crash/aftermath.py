"""What becomes of a run directory in some state of disrepair: resumed in this process, against a server that knows what
had been applied by then."""

import io
import os
import traceback
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass
from http.client import HTTPConnection
from unittest.mock import patch
from urllib.parse import urlsplit

from tests.system.crash.sheet import Sheet
from tests.system.e2e.program import Desk, Ran, Server
from tests.system.e2e.sandbox_thread import sandbox_in_thread, server_of
from worker.cli import run
from worker.sandbox import SandboxSettings


@dataclass(frozen=True, slots=True)
class Sent:
    """A PATCH as it left: its path and body."""

    path: str
    body: bytes


@contextmanager
def server_with(sheet: Sheet, applied: Sequence[Sent]) -> Iterator[Server]:
    """A sandbox that has applied these already; they are the first in its ledger."""
    with sandbox_in_thread(SandboxSettings(seed=(f"{sheet.variant.type}={sheet.records}",))) as served:
        connection = HTTPConnection(urlsplit(served.url).netloc)
        for sent in applied:
            media = {"Content-Type": "application/vnd.api+json", "Accept": "application/vnd.api+json"}
            headers = {**media, "Authorization": f"Bearer {served.token}"}
            connection.request("PATCH", sent.path, sent.body, headers)
            reply = connection.getresponse()
            assert reply.read()
            assert reply.status == 200
        connection.close()
        yield server_of(served)


def in_process(desk: Desk, *arguments: str) -> Ran:
    """Run the program in this process, on its main thread; an exception becomes a traceback on its stderr."""
    out, err = io.StringIO(), io.StringIO()
    with patch.dict(os.environ, desk.environment, clear=True), redirect_stdout(out), redirect_stderr(err):
        try:
            status = run(arguments)
        except Exception:  # noqa: BLE001  # what would end the program with a traceback
            traceback.print_exc()
            status = 1
    return Ran(status, out.getvalue(), err.getvalue())


def resumed(desk: Desk) -> Ran:
    """Go on with the run of a desk, against the desk's own server."""
    return in_process(desk, "resume", str(desk.run), "--no-progress", "--url", desk.server.url)
