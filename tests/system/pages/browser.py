"""A Chromium that is driven by the WebDriver protocol, by ourselves: a few POSTs of JSON, and no client of others."""

import base64
import json
import socket
import subprocess
import time
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

_FLAGS: Final = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--hide-scrollbars",
    "--disable-background-networking", "--disable-component-update", "--disable-sync", "--disable-dev-shm-usage",
)  # fmt: skip

TALLEST: Final = 6000
"""Pixels of a picture, from top to bottom."""

TAB: Final = "\ue004"
ENTER: Final = "\ue007"
"""Keys, as WebDriver names them."""


class NoBrowser(Exception):
    """There is none, or it does not do as it is told."""


@dataclass(frozen=True, slots=True)
class Browser:
    """One session. `address`: of the driver and its session."""

    address: str

    def open(self, path: Path) -> float:
        """Open a file; return the seconds until it was there and laid out."""
        began = time.monotonic()
        self.post("url", url=path.resolve().as_uri())
        self.run("return document.body.getBoundingClientRect().height")
        return time.monotonic() - began

    def run(self, script: str, *arguments: object) -> Any:
        """Run a script in the page; return its value."""
        return self.post("execute/sync", script=script, args=list(arguments))

    def wait(self, script: str, *arguments: object) -> Any:
        """Run a script that calls its last argument with its value."""
        return self.post("execute/async", script=script, args=list(arguments))

    def press(self, *keys: str) -> None:
        """Press keys, one after the other, wherever the focus is."""
        actions = [{"type": kind, "value": key} for key in keys for kind in ("keyDown", "keyUp")]
        self.post("actions", actions=[{"type": "key", "id": "keyboard", "actions": actions}])

    def size(self, width: int, height: int) -> None:
        """Make the page so many pixels wide and high."""
        self.command(
            "Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=False
        )

    def media(self, media: str = "", **features: str) -> None:
        """Show the page as on a medium, and as for somebody who prefers something: `prefers_color_scheme="dark"`."""
        wanted = [{"name": name.replace("_", "-"), "value": value} for name, value in features.items()]
        self.command("Emulation.setEmulatedMedia", media=media, features=wanted)

    def picture(self, path: Path) -> None:
        """Save a picture of the page, or of its first `TALLEST` pixels."""
        width, height = self.run("return [document.documentElement.clientWidth, document.documentElement.scrollHeight]")
        clip = {"x": 0, "y": 0, "width": width, "height": min(height, TALLEST), "scale": 1}
        shot = self.command("Page.captureScreenshot", captureBeyondViewport=True, clip=clip)
        path.write_bytes(base64.b64decode(shot["data"]))

    def command(self, name: str, **parameters: object) -> Any:
        """Give a command of Chromium's own protocol."""
        return self.post("goog/cdp/execute", cmd=name, params=parameters)

    def log(self, kind: str) -> list[Any]:
        """Return what was logged since the last call: `browser` for its console, `performance` for requests."""
        entries: list[Any] = self.post("se/log", type=kind)
        return entries

    def requests(self) -> list[str]:
        """Return the addresses that were asked for since the last call."""
        messages = [json.loads(entry["message"])["message"] for entry in self.log("performance")]
        return [each["params"]["request"]["url"] for each in messages if each["method"] == "Network.requestWillBeSent"]

    def post(self, path: str, **body: object) -> Any:
        """Tell the driver something; return its answer."""
        return _asked(f"{self.address}/{path}", body)


@contextmanager
def browser(folder: Path) -> Iterator[Browser]:
    """Start a driver and a browser with a profile of its own in `folder`; end both afterwards.

    Raises:
        NoBrowser: Debian's packages chromium and chromium-driver are not there.
    """
    with closing(socket.socket()) as found:
        found.bind(("127.0.0.1", 0))
        port = found.getsockname()[1]
    try:
        driver = subprocess.Popen(["chromedriver", f"--port={port}"], stdout=subprocess.DEVNULL)
    except FileNotFoundError:
        raise NoBrowser("There is no chromedriver: apt-get install chromium chromium-driver") from None
    try:
        address = _session(f"http://127.0.0.1:{port}", folder)
        yield Browser(address)
        urllib.request.urlopen(urllib.request.Request(address, method="DELETE"), timeout=30).close()
    finally:
        driver.terminate()
        driver.wait()


def _session(origin: str, folder: Path) -> str:
    flags = [*_FLAGS, f"--user-data-dir={folder / 'profile'}"]
    wanted: Mapping[str, object] = {
        "browserName": "chrome",
        "goog:chromeOptions": {"args": flags},
        "goog:loggingPrefs": {"browser": "ALL", "performance": "ALL"},
        "timeouts": {"script": 120_000},
    }
    for _ in range(100):
        try:
            made = _asked(f"{origin}/session", {"capabilities": {"alwaysMatch": wanted}})
            return f"{origin}/session/{made['sessionId']}"
        except ConnectionError:
            time.sleep(0.1)
    raise NoBrowser("The driver does not answer.")


def _asked(address: str, body: Mapping[str, object]) -> Any:
    request = urllib.request.Request(address, json.dumps(body).encode(), {"Content-Type": "application/json"})
    try:
        with urllib.request.urlopen(request, timeout=180) as reply:
            return json.load(reply)["value"]
    except urllib.error.HTTPError as error:
        raise NoBrowser(json.load(error)["value"]["message"].splitlines()[0]) from None
    except urllib.error.URLError as error:
        if isinstance(error.reason, ConnectionError):
            raise error.reason from None
        raise
