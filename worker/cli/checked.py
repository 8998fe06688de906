"""How `check` goes about it, and what `apply` and `plan` say of the same check."""

import json
import shlex
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final, Literal

from jobs.formats import InputRefused
from jobs.printable import printable
from worker.checking import Checked, as_json, check, findings, line_of, summary_as_json, tell, tell_in_short
from worker.cli.flags import SourceFlags, refuse_misplaced
from worker.cli.speech import say, warn
from worker.files import source
from worker.settings import ConfigError, Input, Settings, build

Showing = Literal["groups", "all", "json"]

_TOGETHER: Final = 500
"""Findings that are printed at a time."""


def check_source(
    given: str | None, type_name: str, reading: SourceFlags, said: Mapping[str, Any], showing: Showing
) -> int:
    """Check an input and say what was found; the exit status.

    Args:
        given: file, `-` or `/dev/stdin` for standard input.
        type_name: resource type of rows that do not name one.
        reading: how it is read.
        said: what else the user said of its rows, by the names of `Input`; None for what was left out.
        showing: what is printed.

    Raises:
        ConfigError: a flag is wrong, or the file cannot be opened.
    """
    if given is None:
        raise ConfigError("Which sheet? Try: rowpatch check payments.csv --type stripe_payments")
    name = "-" if given == "/dev/stdin" else given
    words = {
        "source": name,
        "format": reading.format or source.guess_format(name),
        "encoding": reading.encoding,
        "delimiter": reading.delimiter,
        "sheet": reading.sheet,
        "header_row": reading.header_row,
        "visible_only": reading.visible_only,
    }
    refuse_misplaced(words)
    how = build(Input, {**words, **said})
    again = command(how, type_name)
    with _file(name, how.format) as path:
        try:
            how = source.resolve_options(path, how)
            checked = check(path, how, type_name)
        except InputRefused as error:  # it cannot be read up to its header
            checked = Checked(refusals=[error])
        if showing != "groups":
            _list(checked, path, how, type_name, showing)
    if showing == "json":
        say(json.dumps(summary_as_json(checked), ensure_ascii=False))
    else:
        say(tell(checked, name, again, listed=showing == "all"))
    return checked.exit_status


def check_first(path: Path, settings: Settings, given: Input) -> int:
    """The same check, before a run: refuse what it refuses as a whole, and warn of damage; the number of rows.

    Rows that are invalid, each by itself, are results of the run.

    Args:
        path: of the run's copy of the input.
        settings: of the run.
        given: what the user said of the input.

    Raises:
        InputRefused, ConfigError: nothing of the input can be sent.
    """
    how, type_name = settings.input, settings.target.type
    checked = check(path, how, type_name)
    if checked.refusals:
        raise checked.refusals[0]
    if text := tell_in_short(checked, command(given, type_name)):
        warn(text)
    return checked.rows


def command(how: Input, type_name: str) -> str:
    """What to type to check this input."""
    words = ["rowpatch", "check", how.source]
    if type_name:
        words += ["--type", type_name]
    if how.source == "-" or source.format_named(how.source) != how.format:
        words += ["--format", how.format]
    given = {"--encoding": how.encoding, "--delimiter": how.delimiter, "--sheet": how.sheet}
    given |= {"--header-row": str(how.header_row or "")}
    for flag, value in given.items():
        words += [flag, value] if value else []
    words += ["--visible-only"] if how.visible_only else []
    return printable(shlex.join(words))


@contextmanager
def _file(name: str, format_name: str) -> Iterator[Path]:
    """The input as a file that can be read twice; standard input is copied to a private directory for a while."""
    try:
        if name != "-":
            with Path(name).open("rb"):
                pass
            yield Path(name)
            return
        if sys.stdin is None:
            raise ConfigError("Standard input is closed: there is nothing to read.")
        with tempfile.TemporaryDirectory(prefix="rowpatch-") as directory:
            yield source.spool(sys.stdin.buffer, Path(directory), format_name).path
    except OSError as error:
        raise ConfigError(f"Cannot read {name}: {error.strerror}.") from None


def _list(checked: Checked, path: Path, how: Input, type_name: str, showing: Showing) -> None:
    lines: list[str] = []
    for finding in findings(checked, path, how, type_name):
        lines.append(
            json.dumps(as_json(finding, checked.sheet), ensure_ascii=False)
            if showing == "json"
            else line_of(finding, checked.sheet)
        )
        if len(lines) >= _TOGETHER:
            say("\n".join(lines))
            lines.clear()
    if lines:
        say("\n".join(lines) + ("" if showing == "json" else "\n"))
