"""The run's copies of its recipe and of the description of its API, to which it keeps whatever becomes of those."""

import hashlib
import json
import os
import shlex
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from worker.files.run_directory import DESCRIPTION, RECIPE
from worker.settings import ConfigError, Target

HASH: Final = "api_sha256"
"""Name of the journal's fact: the hash of the copy, in hexadecimal. Runs of an API that is code have none."""

RECIPE_HASH: Final = "recipe_sha256"
"""The same of the copy of its recipe. Runs without one have none."""

NIGHT: Final = "night"
"""The fact about a run that is a night of a job: its serial number."""

GONE: Final = "gone"
"""The fact about a run that clears what is gone since a night; it has that of the night, too."""

DRY_RUN: Final = "dry_run"
"""The fact about a run that shows what a night of a job would do: it is no plan to be applied."""

TO_CLEAR: Final = "to_clear"
"""The fact about the plan of a night that clears what is gone: of how many records, and how many fields, in JSON."""

EXIT_STATUS: Final = "exit_status"
"""The fact about a night whose exit status is another than its rows have: clearing what is gone went wrong."""

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


def command_of_job(facts: Mapping[str, str]) -> str:
    """Return the command that goes on with the job whose night a run is, or shows; empty for any other run."""
    if NIGHT not in facts and DRY_RUN not in facts:
        return ""
    return shlex.join(["rowpatch", "reconcile", facts.get(RECIPE_PATH, "RECIPE")])


def to_clear(facts: Mapping[str, str]) -> tuple[int, int]:
    """Return how many records a planned night clears, and how many of their fields; zeros for any other run."""
    records, fields = json.loads(facts.get(TO_CLEAR, "[0, 0]"))
    return int(records), int(fields)
