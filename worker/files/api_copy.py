"""The run's copies of its recipe and of the description of its API, to which it keeps whatever becomes of those."""

import hashlib
import os
from pathlib import Path
from typing import Final

from worker.files.run_directory import DESCRIPTION, RECIPE
from worker.settings import ConfigError, Target

HASH: Final = "api_sha256"
"""Name of the journal's fact: the hash of the copy, in hexadecimal. Runs of an API that is code have none."""

RECIPE_HASH: Final = "recipe_sha256"
"""The same of the copy of its recipe. Runs without one have none."""

RECIPE_PATH: Final = "recipe"
"""Name of the journal's fact: the path of the recipe itself, from whose folder its paths start."""


def keep(directory: Path, text: str, name: str = DESCRIPTION) -> str:
    """Write the copy of that name, durably and readable by its owner only; return its hash.

    Raises:
        OSError: it cannot be written.
    """
    content = text.encode()
    descriptor = os.open(directory / name, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    with open(descriptor, "wb") as file:  # noqa: PTH123  # a descriptor
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    return hashlib.sha256(content).hexdigest()


def kept(directory: Path, sha256: str, name: str = DESCRIPTION) -> str:
    """Return the text of the copy of that name.

    Raises:
        ConfigError: it is missing, or is not what the run began with.
    """
    path = directory / name
    try:
        content = path.read_bytes()
    except OSError as error:
        raise ConfigError(f"Cannot read {path}, {_WHAT[name]}: {error.strerror}. {_ADVICE}") from None
    if hashlib.sha256(content).hexdigest() != sha256:
        raise ConfigError(f"{path} has changed since the run began. {_ADVICE}")
    return content.decode()


_WHAT: Final = {DESCRIPTION: "which describes the run's API", RECIPE: "the recipe of the run"}
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
