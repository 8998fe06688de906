"""Run a check: turn flags into settings, and findings into text."""

import json
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final, Literal

from jobs.apis.schema import Schema
from worker.checking import Checked, as_json, findings, line_of, summary_as_json, tell
from worker.cli.by_recipe import api_of, clear_token_of, read_as, viewed
from worker.cli.chosen import chosen_api
from worker.cli.flags import ApiFlags, SourceFlags, flags_of_api, refuse_misplaced
from worker.cli.guarded import standard_input
from worker.cli.phases import Phases
from worker.cli.speech import say
from worker.files import source
from worker.operations import recipes
from worker.operations.check import command, examine, readable
from worker.settings import ConfigError, Input, build

Showing = Literal["groups", "all", "json"]

_TOGETHER: Final = 500
"""Findings that are printed at a time."""


def check_source(
    given: str | None,
    type_name: str,
    reading: SourceFlags,
    said: Mapping[str, Any],
    showing: Showing,
    which: ApiFlags,
    recipe: Path | None = None,
) -> int:
    """Check an input and print the findings; return the exit status.

    Args:
        given: file; `-` or `/dev/stdin` for standard input.
        type_name: resource type of rows that do not name one.
        reading: flags that say how to read it.
        said: other settings of its rows, by the names of `Input`; None for those not given.
        showing: what to print.
        which: API the rows are for.
        recipe: file that says the rest, and the sheet if none is given.

    Raises:
        ConfigError: a flag is wrong, or a file cannot be opened.
    """
    job = None if recipe is None else recipes.chosen(recipe)
    if job is not None:
        which, type_name = api_of(job, which), type_name or job.recipe.type
        given = str(recipes.source_of(job, time.time())) if given is None else given
        reading = read_as(job, reading, given)
        said = {**said, "clear_token": said["clear_token"] or clear_token_of(job)}
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
    api, schema = flags_of_api(which), chosen_api(which).schema
    if job is not None:
        how, api = viewed(how, job), ["--recipe", str(recipe), *api]
    again = command(how, type_name, api)
    with readable(how, standard_input(name)) as path:
        how, checked = examine(path, how, type_name, schema, Phases())
        if showing != "groups":
            _list(checked, path, how, type_name, showing, schema)
    if showing == "json":
        say(json.dumps(summary_as_json(checked), ensure_ascii=False))
    else:
        say(tell(checked, name, again, listed=showing == "all"))
    return checked.exit_status


def _list(checked: Checked, path: Path, how: Input, type_name: str, showing: Showing, schema: Schema) -> None:
    lines: list[str] = []
    for finding in findings(checked, path, how, type_name, schema):
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
