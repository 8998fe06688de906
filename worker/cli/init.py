"""`rowpatch init`: draft a recipe from a sheet. Needs no network."""

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from worker.cli.flags import ApiFlags, SourceFlags


def init(
    source: Annotated[Path, Parameter(help="The sheet: one of the files that an export writes.")],
    /,
    *,
    type_name: Annotated[str | None, Parameter(name="--type", help="Type of the records, like prices.")] = None,
    output: Annotated[Path | None, Parameter(help="File to write. Default: standard output.")] = None,
    reading: SourceFlags = SourceFlags(),
    which: ApiFlags = ApiFlags(),
) -> int:
    """Draft a recipe from the header of SOURCE and its first rows: encoding, delimiter, header row, notations.

    What is certain is written as it is; a guess is a comment that says why. Give the columns the names of fields, then
    try rowpatch plan --recipe FILE.

    Exit status: 0, or 2 if the sheet cannot be read, or the file cannot be written.
    """
    from worker.cli.guarded import guarded

    return guarded(lambda: _draft(source, type_name or "", output, reading, which))


def _draft(path: Path, type_name: str, output: Path | None, reading: SourceFlags, which: ApiFlags) -> int:
    import os.path

    from worker.cli.chosen import chosen_api
    from worker.cli.flags import read_by
    from worker.cli.speech import say, warn
    from worker.files.source import guess_format
    from worker.operations.drafts import drafted
    from worker.settings import ConfigError

    name = str(path) if output is None else os.path.relpath(path, output.parent)
    how = read_by(str(path), reading.format or guess_format(str(path)), reading)
    text = drafted(path, name, how, type_name, which.api or "", chosen_api(which).schema)
    if output is None:
        say(text.removesuffix("\n"))
        return 0
    try:
        with output.open("x", encoding="utf-8") as file:
            file.write(text)
    except FileExistsError:
        raise ConfigError(f"{output} exists already: choose another --output, or remove it.") from None
    except OSError as error:
        raise ConfigError(f"Cannot write {output}: {error.strerror}.") from None
    warn(f"Next: complete {output}, then rowpatch plan --recipe {output}")
    return 0
