"""The machine and the versions that figures were measured with; no names of hosts, users or folders."""

import datetime as dt
import os
import platform
import re
import subprocess
from importlib.metadata import version
from pathlib import Path
from typing import Final

from benchmarks.getting import NODE, PYTHON
from benchmarks.servers import nginx

ASKED: Final = {
    "curl": (["curl", "--version"], r"curl ([\d.]+)"),
    "node": (["node", "--version"], r"v([\d.]+)"),
    "openssl": (["openssl", "version"], r"OpenSSL ([\d.]+)"),
}


def facts() -> dict[str, str]:
    """Return the number of cores, the processor, the kernel, versions, and the date."""
    found = {
        "date": dt.datetime.now(dt.UTC).date().isoformat(),
        "cores": str(os.cpu_count()),
        "processor": _processor(),
        "kernel": ".".join(platform.release().split("-")[0].split(".")[:2]),
        "load": f"{os.getloadavg()[0]:.1f}",
        "python": platform.python_version(),
        "aiohttp": version("aiohttp"),
    }
    for name, (command, pattern) in ASKED.items():
        found[name] = _said(command, pattern)
    if program := nginx():
        found["nginx"] = _said([program, "-v"], r"nginx/([\d.]+)")
    if PYTHON.exists():
        for line in _all([str(PYTHON), "-m", "pip", "freeze"]).splitlines():
            name, _, number = line.partition("==")
            if name.lower() in {"aiometer", "httpx", "pycurl", "requests", "uvloop"}:
                found[name.lower()] = number
    for name in ("undici", "newman"):
        package = NODE / "node_modules" / name / "package.json"
        if package.exists():
            match = re.search(r'"version": "([\d.]+)"', package.read_text(encoding="utf-8"))
            found[name] = match[1] if match else ""
    return {name: value for name, value in found.items() if value}


def _processor() -> str:
    try:
        text = Path("/proc/cpuinfo").read_text(encoding="utf-8")
    except OSError:
        return platform.machine()
    match = re.search(r"model name\s*: (.+)", text)
    return match[1].strip() if match else platform.machine()


def _said(command: list[str], pattern: str) -> str:
    match = re.search(pattern, _all(command))
    return match[1] if match else ""


def _all(command: list[str]) -> str:
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=30)
    except OSError:
        return ""
    return done.stdout + done.stderr
