"""Where the peers come from: installed when first wanted, into a folder that is never committed.

Python and Node packages come from their registries, pinned in `clients/`; programs of Debian that are not installed
are downloaded by `apt-get` and unpacked, which needs no root. The table names those that are not available.
"""

import shutil
import subprocess
import sys
from pathlib import Path
from typing import Final

HERE: Final = Path(__file__).parent
CLIENTS: Final = HERE / "clients"
FOLDER: Final = HERE / ".peers"

PYTHON: Final = FOLDER / "venv" / "bin" / "python"
NODE: Final = FOLDER / "node"


def python_peers() -> str:
    """Install the Python peers; return why that failed, or an empty text."""
    if PYTHON.exists() and (FOLDER / "venv" / ".done").exists():
        return ""
    said = _run([sys.executable, "-m", "venv", str(FOLDER / "venv")])
    said = said or _run([str(PYTHON), "-m", "pip", "install", "-q", "--only-binary=:all:", "-r",
                         str(CLIENTS / "requirements.txt")])  # fmt: skip
    if not said:
        (FOLDER / "venv" / ".done").touch()
    return said


def node_peers() -> str:
    """Install the Node peers, with our script beside them so that it finds them; return why that failed, or empty."""
    if not shutil.which("npm"):
        return "there is no npm"
    NODE.mkdir(parents=True, exist_ok=True)
    for name in ("package.json", "undici.mjs"):
        shutil.copy(CLIENTS / name, NODE / name)
    if (NODE / "node_modules" / "newman").exists():
        return ""
    return _run(["npm", "install", "--no-audit", "--no-fund", "--ignore-scripts", "--no-package-lock"], NODE)


def unpacked(package: str, program: str) -> str | None:
    """Unpack a program from a Debian package without installing it; return None if it is not available."""
    place = FOLDER / "debian" / package
    if not (place / program).exists():
        if not shutil.which("apt-get") or not shutil.which("dpkg"):
            return None
        place.mkdir(parents=True, exist_ok=True)
        if _run(["apt-get", "download", package], place):
            return None
        for file in place.glob("*.deb"):
            if _run(["dpkg", "-x", str(file), str(place)]):
                return None
    return str(place / program) if (place / program).exists() else None


def _run(command: list[str], folder: Path = HERE) -> str:
    """Run a command; return an empty text on success, else the end of its output."""
    FOLDER.mkdir(exist_ok=True)
    try:
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=600, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        return str(error)
    lines = done.stderr.strip().splitlines() or ["it failed"]
    return lines[-1][:80] if done.returncode else ""
