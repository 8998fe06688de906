"""`rowpatch template`: make an empty sheet for one resource type. Needs no network."""

from pathlib import Path
from typing import Annotated, Literal

from cyclopts import Parameter

from worker.cli.flags import ApiFlags


def template(
    type_name: Annotated[str, Parameter(help="Type of records, like stripe_payments.")],
    /,
    *,
    output: Annotated[
        Path | None, Parameter(name="--output", help="File to write. Default: CSV on standard output.")
    ] = None,
    format_name: Annotated[
        Literal["csv", "xlsx"] | None, Parameter(name="--format", help="csv or xlsx. Default: by the name of the file.")
    ] = None,
    which: ApiFlags = ApiFlags(),
) -> int:
    """Make a sheet with a column for each field of TYPE, and a comment row that says what goes into each.

    The comment row begins with # and is never sent. Fill in rows below it, remove the columns you do not need, and try
    rowpatch check. In a workbook, columns for codes are formatted as text, and fixed values have drop-downs.

    Triggers, like _refresh, are left out; each needs --allow-trigger.

    Exit status: 0, or 2 if there is no such type or the file cannot be written.
    """
    from worker.cli.guarded import guarded

    return guarded(lambda: _make(type_name, output, format_name, which))


def _make(type_name: str, output: Path | None, format_name: str | None, which: ApiFlags) -> int:
    from jobs.template import template as columns_of
    from worker.cli.chosen import chosen_api
    from worker.cli.speech import say, warn
    from worker.settings import ConfigError
    from worker.templates import as_csv, write_workbook

    made = columns_of(type_name, chosen_api(which).schema)
    wanted = format_name or ("xlsx" if output is not None and output.suffix.lower() == ".xlsx" else "csv")
    if output is None and wanted == "xlsx":
        raise ConfigError(f"A workbook needs a file: --output {type_name}.xlsx")
    if output is None:
        say(as_csv(made).removeprefix("\ufeff").replace("\r\n", "\n").removesuffix("\n"))
        return 0
    if output.exists():
        raise ConfigError(f"{output} exists already: choose another --output, or remove it.")
    try:
        if wanted == "xlsx":
            write_workbook(made, output, type_name)
        else:
            output.write_text(as_csv(made), encoding="utf-8", newline="")
    except OSError as error:
        raise ConfigError(f"Cannot write {output}: {error.strerror}.") from None
    if made.triggers:
        warn(f"Left out, since they have side effects (each needs --allow-trigger): {', '.join(made.triggers)}")
    return 0
