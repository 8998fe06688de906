"""Servers in processes of their own, on ports that the system hands out, ended by their process ids."""

import os
import socket
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Final, Self

PATIENCE: Final = 60.0
"""Seconds within which a server must answer its port."""

NOTHING: Final[Mapping[str, str]] = {}


@dataclass(slots=True)
class Street:
    """The servers of one stranger. Leaving the block ends all of them.

    Attributes:
        folder: where their logs are written.
    """

    folder: Path
    _running: list[subprocess.Popen[bytes]] = field(default_factory=list)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for process in reversed(self._running):
            process.terminate()
        for process in self._running:
            try:
                process.wait(5)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()

    def open(
        self,
        name: str,
        command: Sequence[str | Path],
        port: int,
        *,
        cwd: Path | None = None,
        env: Mapping[str, str] = NOTHING,
        stdin: bytes = b"",
    ) -> Path:
        """Start a server, wait until its port answers, and return the path of its log.

        Raises:
            RuntimeError: it ended, or did not answer in time; the message holds the end of its log.
        """
        log = self.folder / f"{name}.log"
        fed = self.folder / f"{name}.stdin"
        fed.write_bytes(stdin)
        with log.open("ab") as out, fed.open("rb") as given:
            process = subprocess.Popen(
                command, stdin=given, stdout=out, stderr=out, cwd=cwd, env={**os.environ, "NO_COLOR": "1", **env}
            )
        self._running.append(process)
        deadline = time.monotonic() + PATIENCE
        while not _answers(port):
            if process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"{name} did not start: {log.read_text(errors='replace')[-600:]}")
            time.sleep(0.05)
        return log


def free_port() -> int:
    """Return a port of loopback that nobody uses."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port


def _answers(port: int) -> bool:
    with socket.socket() as client:
        client.settimeout(1)
        return client.connect_ex(("127.0.0.1", port)) == 0
