"""Who runs the program, and which version of it: facts that the journal of a run keeps."""

import getpass
import os
import platform
from importlib.metadata import PackageNotFoundError, version


def who() -> str:
    """Return the user and the machine, as `user@machine`; a user without a name by the number."""
    try:
        user = getpass.getuser()
    except (OSError, KeyError, ImportError):  # a container may run as a number that no list of users has
        user = str(os.getuid())
    return f"{user}@{platform.node()}"


def version_of_program() -> str:
    """Return the version of the program; empty if it runs without having been installed."""
    try:
        return version("rowpatch")
    except PackageNotFoundError:
        return ""
