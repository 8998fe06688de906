"""The command line: parse -> settings -> call -> exit status. Nothing imports this package but `rowpatch`.

Commands are imported when they are called, so that `rowpatch --help` answers at once.
"""

import os
import sys
from collections.abc import Collection, Iterator, Sequence
from io import TextIOWrapper
from typing import Any, Final, get_args

from cyclopts import App, ArgumentCollection, CycloptsError, CycloptsPanel, Parameter
from cyclopts.config import Env

from worker.exit_statuses import DONE, REFUSED

_HELP: Final = """Apply a spreadsheet of updates to records behind an HTTP API: one
request per row, never faster than the API allows, with a truthful
result for every row.

A first run, with a sheet whose header is number,title,labels.add:

    export ROWPATCH_API=github ROWPATCH_TOKEN=...
    rowpatch plan issues.csv --type issues --set owner=octo --set repo=demo
    rowpatch apply --plan runs/issues-20260131T090000Z

rowpatch apis lists the APIs that have a name. Any other is described
in a file of a few lines. Without --api, it is Commerce Layer.

Every run has a directory with results.csv (your rows, each with its
outcome), failed.csv (the rows that need your attention),
report.html (a page to send on), results.ndjson and summary.json.
To continue a run that stopped or was killed, use resume.

Exit status: 0 every row is done; 1 some are not; 2 refused, nothing
sent; 3 stopped, resumable; 75 another process holds the run;
130/143/129 interrupted, resumable."""

_COMMANDS: Final = {
    "check": "Check a sheet for errors and damage; needs no network.",
    "template": "Make an empty sheet for a resource type.",
    "init": "Draft a recipe from a sheet; needs no network.",
    "plan": "Show what an apply would change; nothing is sent.",
    "apply": "Update the records that the rows of a sheet name.",
    "probe": "Test the description of an API on one record.",
    "resume": "Continue a run that stopped, was interrupted or killed.",
    "retry": "Run the failed and rejected rows of a run again.",
    "verify": "Check that the server still holds what a run wrote.",
    "undo": "Restore what a run replaced; the undo is a run itself.",
    "reconcile": "Do a night of the jobs that recipes describe.",
    "report": "Rebuild the reports of a run; nothing is sent.",
    "runs": "List the runs: the state of each, and the next command.",
    "apis": "List the APIs; show, check or draft a description.",
    "sandbox": "Serve a fake of an API on this machine, for trials.",
}


def _version() -> str:
    from importlib.metadata import version

    return version("rowpatch")


_OF_THE_API: Final = frozenset({"--api", "--set"})
"""Flags that `chosen_api` reads from the environment: a plan has its API already."""

_OF_ONE_NIGHT: Final = frozenset({"--source", "--first", "--dry-run", "--json"})
"""Flags of `reconcile` that are not read from the environment: what is asked of one is not for all."""


def _environment(command: App, names: tuple[str, ...], flags: ArgumentCollection) -> None:
    """Read flags from the environment."""
    elsewhere = _OF_THE_API | (_OF_ONE_NIGHT if names[:1] == ("reconcile",) else frozenset())
    found = ArgumentCollection(flag for flag in flags if flag.name not in elsewhere)  # type: ignore[no-untyped-call]  # its base class
    Env("ROWPATCH_", command=False)(command, names, found)


app: Final = App(
    name="rowpatch",
    help=_HELP,
    help_format="plaintext",
    version=_version,
    suppress_keyboard_interrupt=False,  # `run` reports interrupts itself
    default_parameter=Parameter(show_env_var=False, show_default=False),
)

_BEGINNERS: Final = frozenset({"apply", "check", "plan", "probe", "reconcile"})
"""Commands that read flags from the environment: they begin a run. An existing run has its settings in its journal."""

for _name, _what in _COMMANDS.items():
    _config: dict[str, Any] = {"config": _environment} if _name in _BEGINNERS else {}
    app.command(f"worker.cli.{_name}:{_name}", help=_what, **_config)


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command that the arguments name, and exit with its status."""
    os.umask(0o077)  # only its owner may read what a run writes, SQLite's own files included
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")  # a terminal that lacks a character is no reason to fail
    sys.exit(run(sys.argv[1:] if arguments is None else arguments))


def _with_dashes(arguments: Sequence[str]) -> Iterator[str]:
    """Replace each bare `-`, which the parser takes for a flag: it is standard input, or the value of the last flag."""
    switches = _switches(arguments) if "-" in arguments else set()
    for before, argument, after in zip(["", *arguments], arguments, [*arguments[1:], ""], strict=False):
        if argument == "-":
            if not _takes_value(before, switches):
                yield "/dev/stdin"
        else:
            yield f"{argument}=-" if after == "-" and _takes_value(argument, switches) else argument


def _switches(arguments: Sequence[str]) -> set[str]:
    """Return the flags of the command, or of its own command, that take no value.

    Read its own signature only, and import no other command.
    """
    command, following = (*arguments, "")[:2]
    if command not in _COMMANDS:
        return set()
    named = app[command]
    if not following.startswith("-") and following in named:
        named = named[following]
    flags = named.assemble_argument_collection(parse_docstring=False)
    return {name for flag in flags if bool in {flag.hint, *get_args(flag.hint)} for name in flag.names}


def _takes_value(argument: str, switches: Collection[str]) -> bool:
    return argument.startswith("--") and "=" not in argument and argument not in switches


def _logs_json(arguments: Sequence[str]) -> bool:
    """Return True if the log is to be JSON lines. That is looked up before parsing: a refused flag is logged, too."""
    asked = [arguments[place + 1 : place + 2] for place, each in enumerate(arguments) if each == "--log-format"]
    asked += [[each.partition("=")[2]] for each in arguments if each.startswith("--log-format=")]
    if not asked and arguments[:1] and arguments[0] in _BEGINNERS:
        asked = [[os.environ.get("ROWPATCH_LOG_FORMAT", "")]]
    return ["json"] in asked[-1:]


def run(arguments: Sequence[str]) -> int:
    """Run one command; return its exit status."""
    tokens = list(_with_dashes(arguments))
    if not _logs_json(tokens):
        return _run(tokens)
    from worker.cli.speech import json_lines

    with json_lines():
        return _run(tokens)


def _run(tokens: Sequence[str]) -> int:
    try:
        status = app(tokens, exit_on_error=False, print_error=False, result_action="return_value")
    except CycloptsError as error:
        from worker.cli.console import Screen
        from worker.cli.speech import complain, is_in_json

        if is_in_json():
            return complain(str(error), REFUSED)
        Screen(stderr=True).print(CycloptsPanel(error))
        return REFUSED
    except KeyboardInterrupt as error:
        from worker.cli.signals import status_of
        from worker.cli.speech import complain

        return complain("interrupted", status_of(error))
    return status if isinstance(status, int) else DONE
