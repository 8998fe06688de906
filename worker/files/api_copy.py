"""The run's copy of the description of its API: the run keeps to it, whatever becomes of the original."""

import hashlib
import os
from pathlib import Path
from typing import Final

from worker.files.run_directory import DESCRIPTION
from worker.settings import ConfigError, Target

HASH: Final = "api_sha256"
"""Name of the journal's fact: the hash of the copy, in hexadecimal. Runs of an API that is code have none."""


def keep(directory: Path, text: str) -> str:
    """Write the copy, durably and readable by its owner only; return its hash.

    Raises:
        OSError: it cannot be written.
    """
    content = text.encode()
    descriptor = os.open(directory / DESCRIPTION, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    with open(descriptor, "wb") as file:  # noqa: PTH123  # a descriptor
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    return hashlib.sha256(content).hexdigest()


def kept(directory: Path, sha256: str) -> str:
    """Return the text of the copy.

    Raises:
        ConfigError: it is missing, or is not what the run began with.
    """
    path = directory / DESCRIPTION
    try:
        content = path.read_bytes()
    except OSError as error:
        raise ConfigError(f"Cannot read {path}, which describes the run's API: {error.strerror}. {_ADVICE}") from None
    if hashlib.sha256(content).hexdigest() != sha256:
        raise ConfigError(f"{path} has changed since the run began. {_ADVICE}")
    return content.decode()


_ADVICE: Final = "Nothing was sent. Put the run's own copy back, or apply the sheet as a new run."


def flags_of(directory: Path, target: Target) -> list[str]:
    """Return the flags that name the API of a run for another command; a described one by the copy, which stays."""
    if not target.api:
        return []
    copy = directory / DESCRIPTION
    flags = ["--api", str(copy) if copy.is_file() else target.api]
    for name, value in sorted(target.variables.items()):
        flags += ["--set", f"{name}={value}"]
    return flags
