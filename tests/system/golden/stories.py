"""The golden stories: run directories, and what is done next with a copy of each."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

RUN: Final = "run"
UNDO: Final = "undo"
"""Names of the run directories of a story."""

_REPORT: Final = ("report", RUN)
_RESUME: Final = ("resume", RUN)
_RETRY: Final = ("retry", RUN)
_VERIFY: Final = ("verify", RUN)
_UNDO: Final = ("undo", RUN, "--run-dir", UNDO)
_PLAN_UNDO: Final = (*_UNDO, "--plan-only")

_ALL: Final[Mapping[str, tuple[str, ...]]] = {
    "report": _REPORT,
    "resume": _RESUME,
    "retry": _RETRY,
    "verify": _VERIFY,
    "undo": _UNDO,
}
_OF_FINISHED: Final[Mapping[str, tuple[str, ...]]] = {
    "report": _REPORT,
    "retry": _RETRY,
    "verify": _VERIFY,
    "undo": _UNDO,
}
_OF_OPEN: Final[Mapping[str, tuple[str, ...]]] = {
    "report": _REPORT,
    "resume": _RESUME,
    "verify": _VERIFY,
    "undo": _UNDO,
}
_SERIAL: Final = ("--concurrency", "1")


@dataclass(frozen=True, slots=True)
class Story:
    """A golden run directory.

    Attributes:
        commands: argument lists by name. Each works on a fresh copy.
        abstract: the sandbox refuses updates of `transactions`.
        ordered: the requests come in the same order every time. Rows in doubt are read beside the others.
    """

    commands: Mapping[str, tuple[str, ...]] = field(default_factory=lambda: _OF_FINISHED)
    abstract: bool = False
    ordered: bool = True


STORIES: Final[Mapping[str, Story]] = {
    "endings": Story({**_ALL, "plan-undo": _PLAN_UNDO}),
    "limited": Story({**_ALL, "resume-some": (*_RESUME, "--limit", "7"), "resume-all": (*_RESUME, "--limit", "12")}),
    "stopped": Story({**_OF_OPEN, "retry": _RETRY}),
    "interrupted": Story({**_OF_OPEN, "retry": _RETRY}),
    "killed": Story(
        {
            "report": _REPORT,
            "resume": (*_RESUME, *_SERIAL),  # ten seconds: one row stays in doubt
            "resend": (*_RESUME, *_SERIAL, "--resend-unknown"),
            "verify": _VERIFY,
            "undo": (*_UNDO, *_SERIAL),
        },
        ordered=False,
    ),
    "faulty": Story({"report": _REPORT, "resend": (*_RETRY, "--resend-unknown"), "verify": _VERIFY, "undo": _UNDO}),
    "objects": Story(),
    "workbook": Story({"report": _REPORT, "verify": _VERIFY, "undo": _UNDO}),
    "blind": Story(),
    "fed-back": Story(),
    "by-reference": Story({**_OF_OPEN, "resume-all": (*_RESUME, "--limit", "8")}),
    "transactions": Story(abstract=True),
    "planned": Story({**_ALL, "apply": ("apply", "--plan", RUN)}),
    "kept": Story(),
    "undone": Story(
        {
            "report": ("report", UNDO),
            "resume": ("resume", UNDO, "--limit", "9"),
            "retry": ("retry", UNDO),
            "verify": ("verify", UNDO),
            "undo-undo": ("undo", UNDO, "--run-dir", "redo"),
            "undo-again": ("undo", RUN, "--run-dir", "undo2"),
        }
    ),
}
