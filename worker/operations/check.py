"""The check of an input: by itself, and before a run begins."""

import shlex
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from jobs.apis.schema import Schema
from jobs.columns import keys_of
from jobs.formats import InputRefused
from jobs.printable import printable
from worker import checking
from worker.checking import Checked
from worker.events import Observer, ignore
from worker.files import api_copy, source
from worker.settings import ConfigError, Input, Settings


@contextmanager
def readable(how: Input, stream: BinaryIO | None = None) -> Iterator[Path]:
    """Yield an input as a file that can be read twice; a stream is copied to a private directory for a while.

    Args:
        how: the input is read.
        stream: bytes of the input; None to read the file that `how` names.

    Raises:
        ConfigError: it cannot be read.
    """
    try:
        if stream is None and how.source != "-":
            with Path(how.source).open("rb"):
                pass
            yield Path(how.source)
            return
        if stream is None:
            raise ConfigError("Standard input is closed: there is nothing to read.")
        with tempfile.TemporaryDirectory(prefix="rowpatch-") as directory:
            yield source.spool(stream, Path(directory), how.format).path
    except OSError as error:
        raise ConfigError(f"Cannot read {how.source}: {error.strerror}.") from None


def examine(
    path: Path, how: Input, type_name: str, schema: Schema, observer: Observer = ignore
) -> tuple[Input, Checked]:
    """Check all of an input.

    Args:
        path: of the file to be read.
        how: it is read.
        type_name: resource type of rows that do not name one.
        schema: of the API that the rows are for.
        observer: hears how far it is.

    Returns:
        How the input was read in the end, and what was found; a header that cannot be read is a finding.
    """
    try:
        how = source.resolve_options(path, how, keys_of(type_name, schema))
        return how, checking.check(path, how, type_name, schema, observer)
    except InputRefused as error:  # it cannot be read up to its header
        return how, Checked(refusals=[error])


def check_first(
    path: Path,
    settings: Settings,
    given: Input,
    schema: Schema,
    warn: Callable[[str], None],
    observer: Observer = ignore,
) -> int:
    """Check an input before a run: refuse what is refused as a whole, and warn of damage; return the number of rows.

    Rows that are invalid, each by itself, are results of the run.

    Args:
        path: of the run's copy of the input.
        settings: of the run.
        given: what the user said of the input.
        schema: of the API that the rows are for.
        warn: takes the warning, if there is one.
        observer: hears how far it is.

    Raises:
        InputRefused, ConfigError: nothing of the input can be sent.
    """
    how, type_name = settings.input, settings.target.type
    checked = checking.check(path, how, type_name, schema, observer)
    if checked.refusals:
        raise checked.refusals[0]
    api = api_copy.flags_of(path.parent, settings.target)
    if text := checking.tell_in_short(checked, command(given, type_name, api)):
        warn(text)
    return checked.rows


def command(how: Input, type_name: str, api: Sequence[str] = ()) -> str:
    """Return what to type to check this input; `api` are the flags that name the API."""
    words = ["rowpatch", "check", how.source, *api]
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
