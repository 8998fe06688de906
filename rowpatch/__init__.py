"""Apply a spreadsheet of updates to a rate-limited HTTP API, from a program with an event loop of its own.

    async with rowpatch.apply(settings, secrets, state_directory=rowpatch.state_directory()) as run:
        if run.mode == "test":
            end = await run.execute()

Names are imported when they are first used: `import rowpatch` alone costs next to nothing.
"""

from collections.abc import Mapping
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from jobs.apis.api import Api
    from jobs.formats import InputRefused
    from jobs.model import Status
    from worker import events
    from worker.checking import Checked
    from worker.engine.progress import Progress, Watch
    from worker.engine.run import RunEnd
    from worker.engine.verifier import Unfinished, Verified
    from worker.events import Event, Observer
    from worker.files.run_directory import Busy
    from worker.journal import JournalDamaged, JournalError
    from worker.notices.report import NightReport
    from worker.operations.apis import load_api
    from worker.operations.commands import (
        apply,
        apply_plan,
        check,
        plan,
        reconcile,
        report,
        resume,
        retry,
        undo,
        verify,
    )
    from worker.operations.prepared import PreparedRun
    from worker.operations.report import NoReports, Reported
    from worker.operations.undo import NothingToUndo
    from worker.reports import Summary
    from worker.reports.plan import PlanSummary
    from worker.settings import (
        Attempts,
        ConfigError,
        Connecting,
        Input,
        Pacing,
        Secrets,
        Settings,
        Stopping,
        Target,
        read_secrets,
        state_directory,
    )

__all__ = [
    "Api",
    "Attempts",
    "Busy",
    "Checked",
    "ConfigError",
    "Connecting",
    "Event",
    "Input",
    "InputRefused",
    "JournalDamaged",
    "JournalError",
    "NightReport",
    "NoReports",
    "NothingToUndo",
    "Observer",
    "Pacing",
    "PlanSummary",
    "PreparedRun",
    "Progress",
    "Reported",
    "RunEnd",
    "Secrets",
    "Settings",
    "Status",
    "Stopping",
    "Summary",
    "Target",
    "Unfinished",
    "Verified",
    "Watch",
    "apply",
    "apply_plan",
    "check",
    "events",
    "load_api",
    "plan",
    "read_secrets",
    "reconcile",
    "report",
    "resume",
    "retry",
    "state_directory",
    "undo",
    "verify",
]

_NAMES: Final[Mapping[str, tuple[str, ...]]] = {
    "jobs.apis.api": ("Api",),
    "jobs.formats": ("InputRefused",),
    "jobs.model": ("Status",),
    "worker.checking": ("Checked",),
    "worker.engine.progress": ("Progress", "Watch"),
    "worker.engine.run": ("RunEnd",),
    "worker.engine.verifier": ("Unfinished", "Verified"),
    "worker.events": ("Event", "Observer", "events"),
    "worker.files.run_directory": ("Busy",),
    "worker.journal": ("JournalDamaged", "JournalError"),
    "worker.notices.report": ("NightReport",),
    "worker.operations.apis": ("load_api",),
    "worker.operations.commands": (
        "apply", "apply_plan", "check", "plan", "reconcile", "report", "resume", "retry", "undo", "verify",
    ),
    "worker.operations.prepared": ("PreparedRun",),
    "worker.operations.report": ("NoReports", "Reported"),
    "worker.operations.undo": ("NothingToUndo",),
    "worker.reports": ("Summary",),
    "worker.reports.plan": ("PlanSummary",),
    "worker.settings": (
        "Attempts", "ConfigError", "Connecting", "Input", "Pacing", "Secrets", "Settings", "Stopping", "Target",
        "read_secrets", "state_directory",
    ),
}  # fmt: skip
"""Where each name comes from; a module itself goes by its last name."""

_HOMES: Final = {name: module for module, names in _NAMES.items() for name in names}


if not TYPE_CHECKING:  # or every name would count as one of its

    def __getattr__(name: str) -> object:
        """Import a name when it is first used (PEP 562)."""
        if name not in _HOMES:
            raise AttributeError(f"module 'rowpatch' has no attribute {name!r}")
        refuse_strangers()
        home = _HOMES[name]
        module = import_module(home)
        found = module if home.endswith(f".{name}") else getattr(module, name)
        globals()[name] = found
        return found


def __dir__() -> list[str]:
    """Return the public names, imported or not."""
    return __all__


def refuse_strangers() -> None:
    """Refuse to work with packages `jobs` or `worker` that are not ours: many projects have them, and may come first.

    Raises:
        ImportError: saying where the other one was found.
    """
    for name in ("jobs", "worker"):
        places, origin = _found(name)
        if Path(__file__).parents[1] / name not in map(Path, places):
            shown = ascii(", ".join(places) or origin)
            raise ImportError(f"another `{name}` is found first, {shown}: unset PYTHONPATH.", name=name)


def _found(name: str) -> tuple[list[str], str]:
    """Return the folders of the package that an import would find, and where it comes from in words."""
    try:
        found = find_spec(name)
    except ValueError:  # it is imported already, by a program that made it up
        return [], "already imported"
    if found is None:
        return [], "nowhere"
    return list(found.submodule_search_locations or ()), str(found.origin)
